# shellcheck shell=bash
# Finds or makes the V8 archive that the `v8` crate links. Sourced after common.sh and apt.sh.

v8_version="$(locked_version v8)"
v8_triple="$(uname -m)-unknown-linux-gnu"
v8_dir="$cache/v8/$v8_version"
v8_name="librusty_v8_simdutf_release_$v8_triple.a.gz"
v8_archive="$v8_dir/$v8_name"

# Sets RUSTY_V8_ARCHIVE. In order: what the user set, the cache, upstream's release archive, a build from source.
find_v8() {
  if [ -n "${RUSTY_V8_ARCHIVE:-}" ]; then
    use_given_v8
    return
  fi
  mkdir -p "$v8_dir"
  if [ ! -s "$v8_archive" ]; then
    download_v8 || build_v8 || return 1
  fi
  export RUSTY_V8_ARCHIVE="$v8_archive"
}

use_given_v8() {
  case "$RUSTY_V8_ARCHIVE" in http:* | https:*) return 0 ;; esac
  [ -r "$RUSTY_V8_ARCHIVE" ] || die "RUSTY_V8_ARCHIVE is set, but cannot be read: $RUSTY_V8_ARCHIVE"
  RUSTY_V8_ARCHIVE="$(realpath "$RUSTY_V8_ARCHIVE")"
  export RUSTY_V8_ARCHIVE
}

# The URL is the one the crate's build script makes; a file under its final name is complete.
download_v8() {
  local base="${RUSTY_V8_MIRROR:-https://github.com/denoland/rusty_v8/releases/download}" part="$v8_archive.part"
  have curl || return 1
  step "downloading V8 $v8_version"
  if ! archive_is_complete "$part" && ! fetch_v8 "$base/v$v8_version/$v8_name" "$part"; then
    warn 'the release archive of V8 cannot be downloaded'
    return 1
  fi
  if ! archive_is_complete "$part"; then
    rm -f "$part"
    warn 'the downloaded archive of V8 is damaged'
    return 1
  fi
  mv "$part" "$v8_archive"
}

# Goes on where an interrupted download ended, or from the start where the server cannot do that.
fetch_v8() {
  local status=0
  curl_v8 "$@" || status=$?
  case "$status" in
    22 | 33) [ -s "$2" ] && rm "$2" && curl_v8 "$@" ;;
    *) return "$status" ;;
  esac
}

# Gives up on a host that does not answer within 5 s or is silent for 30 s.
curl_v8() {
  local quiet=(--progress-bar)
  [ -t 2 ] || quiet=(--silent --show-error)
  curl --fail --location --continue-at - --connect-timeout 5 --retry 2 --speed-limit 1000 --speed-time 30 \
    "${quiet[@]}" --output "$2" "$1"
}

archive_is_complete() {
  [ -s "$1" ] && gzip --test "$1" 2>/dev/null && [ "$(gzip -dc "$1" 2>/dev/null | head -c 7)" = '!<arch>' ]
}

build_v8() { "$root/scripts/setup-v8-from-source"; }
