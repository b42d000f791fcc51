# shellcheck shell=bash
# How packages are put together, and what looks at them. Sourced after common.sh and apt.sh.

# Everything that the package holds, below a folder. `zygo install` knows the places.
# usage: stage_package FOLDER BINARIES
stage_package() {
  local stage="$1" from="$2" program doc="$1/usr/share/doc/zygo"
  ZYGO_RUNTIME_DIR="$from" "$from/zygo" install --prefix /usr --root "$stage" >/dev/null
  # What is installed is the package manager's to remember.
  rm "$stage/usr/lib/zygo/installed.json"
  for program in "$stage"/usr/lib/zygo/*; do strip --strip-debug "$program"; done
  mkdir -p "$stage/usr/share/man/man1" "$stage/usr/share/bash-completion/completions" "$doc"
  "$from/zygo" man --dir "$stage/usr/share/man/man1"
  gzip -9n "$stage"/usr/share/man/man1/*
  "$from/zygo" completions bash >"$stage/usr/share/bash-completion/completions/zygo"
  cp "$root/packaging/debian/copyright" "$doc/copyright"
  gzip -9nc "$root/CHANGELOG.md" >"$doc/changelog.gz"
  cp -r "$root/packaging/grafana" "$root/packaging/prometheus" "$doc/"
}

# The libraries that the binaries are linked with, as Debian's packages.
# usage: package_depends STAGE
package_depends() {
  local work
  work="$(mktemp -d)"
  mkdir "$work/debian"
  printf 'Source: zygo\n\nPackage: zygo\nArchitecture: any\n' >"$work/debian/control"
  (cd "$work" && dpkg-shlibdeps -O --ignore-missing-info "$1"/usr/lib/zygo/zygo* 2>/dev/null) |
    sed -n 's/^shlibs:Depends=//p'
  rm -r "$work"
}

# usage: build_deb BINARIES FOLDER; says where the package is
build_deb() {
  local from="$1" to="$2" stage version architecture depends size file script
  stage="$(mktemp -d)"
  version="$("$from/zygo" --version | cut -d ' ' -f 2)"
  architecture="$(dpkg --print-architecture)"
  stage_package "$stage" "$from"
  depends="$(package_depends "$stage")"
  [ -n "$depends" ] || die 'dpkg-shlibdeps finds no libraries: is dpkg-dev installed?'
  size="$(du -sk "$stage" | cut -f 1)"
  mkdir "$stage/DEBIAN"
  sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@DEPENDS@|$depends|" -e "s|@SIZE@|$size|" \
    "$root/packaging/debian/control" >"$stage/DEBIAN/control"
  printf '/etc/zygo/zygo.toml\n/etc/zygo/zygo.env\n' >"$stage/DEBIAN/conffiles"
  for script in postinst prerm postrm; do
    install -m 755 "$root/packaging/debian/$script" "$stage/DEBIAN/$script"
  done
  (cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$stage/DEBIAN/md5sums"
  chmod 755 "$stage"
  mkdir -p "$to"
  file="$to/zygo_${version}_$architecture.deb"
  dpkg-deb --root-owner-group -Zxz -z1 --build "$stage" "$file" >/dev/null
  rm -r "$stage"
  echo "$file"
}

# Installs a package below another folder, with its scripts, and lets what is in it run.
# usage: try_deb FILE
try_deb() {
  local place program files
  place="$(mktemp -d)"
  mkdir -p "$place/var/lib/dpkg/info" "$place/var/lib/dpkg/updates"
  : >"$place/var/lib/dpkg/status"
  dpkg_in "$place" --install "$1"
  files=(/etc/zygo/zygo.toml /usr/lib/systemd/system/zygo.service /usr/lib/zygo/zygo-python /usr/share/man/man1/zygo.1.gz)
  for program in "${files[@]}"; do [ -s "$place$program" ] || die "$program is not in the package"; done
  [ "$(stat -c %a "$place/etc/zygo/zygo.env")" = 600 ] || die 'zygo.env is for its owner alone'
  program="$place/usr/bin/zygo"
  "$program" --version >/dev/null
  env -i PATH="$PATH" "$program" serve --check --config "$place/etc/zygo/zygo.toml" --data-dir "$place/data" 2>/dev/null ||
    die 'what is in the package cannot start'
  invoke_once "$program" "$place/data"
  # A changed setting outlives the same package, and the removal; the rest goes with the purge.
  echo 'max_memory = 1024' >"$place/etc/zygo/zygo.toml"
  dpkg_in "$place" --force-confold --install "$1"
  dpkg_in "$place" --remove zygo
  grep -q 1024 "$place/etc/zygo/zygo.toml" || die 'a changed setting is lost'
  dpkg_in "$place" --purge zygo
  if [ -e "$place/usr/bin/zygo" ] || [ -e "$place/etc/zygo" ]; then
    die 'something of the package is left'
  fi
  rm -r "$place"
}

# dpkg with a database of its own below a folder; its scripts run here, and know so.
dpkg_in() {
  dpkg --root "$1" --force-not-root --force-script-chrootless --force-depends --no-triggers --log /dev/null "${@:2}" \
    >"$1.log" 2>&1 </dev/null || {
    cat "$1.log" >&2
    die 'dpkg refuses the package'
  }
  rm -f "$1.log"
}

# A platform of the package answers, and a function in each language.
invoke_once() {
  local program="$1" data="$2" log url pid runtime tries
  log="$data.log"
  env -i PATH="$PATH" "$program" serve --port 0 --data-dir "$data" 2>"$log" &
  pid=$!
  for tries in $(seq 200); do
    url="$(sed -n 's|.*listening on \(http://[^ ]*\).*|\1|p' "$log" | tail -n 1)"
    [ -z "$url" ] || break
    [ "$tries" -lt 200 ] && sleep 0.05
  done
  for runtime in javascript python ruby; do
    # A file's name is its function's.
    sample "$runtime" >"$data-$runtime.$(extension "$runtime")"
    "$program" --url "$url" deploy "$data-$runtime.$(extension "$runtime")" >/dev/null 2>&1
    "$program" --url "$url" invoke "data-$runtime" --data "{}" 2>/dev/null | grep -q 42 || die "$runtime does not answer"
  done
  kill "$pid"
  wait "$pid"
}

extension() { case "$1" in javascript) echo js ;; python) echo py ;; ruby) echo rb ;; esac; }

sample() {
  case "$1" in
    javascript) echo 'export const handler = () => 42;' ;;
    python) printf 'def handler(event, context):\n    return 42\n' ;;
    ruby) echo 'def handler(event:, context:) = 42' ;;
  esac
}
