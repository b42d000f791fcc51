# shellcheck shell=bash
# Debian packages, installed only when missing. Sourced after common.sh.

missing_packages() {
  local installed package
  installed="$(dpkg-query -W -f='${Status} ${Package}\n' "$@" 2>/dev/null || true)"
  for package in "$@"; do
    grep -qx "install ok installed $package" <<<"$installed" || echo "$package"
  done
}

# install_packages WHAT PACKAGE…: fails, with a warning, when they cannot be installed.
install_packages() {
  local what="$1" missing
  shift
  if ! have dpkg-query; then
    warn "this is no Debian system: see that it has what $what needs, by Debian's names: $*"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -eq 0 ] && return 0
  step "installing packages for $what: ${missing[*]}"
  mkdir -p "$cache/log"
  apt_install "$what" "${missing[@]}" && return 0
  warn "cannot install the packages for $what: ${missing[*]}"
  return 1
}

# Package lists may be old or absent: they are renewed when a package is unknown or cannot be fetched.
apt_install() {
  local what="$1" log="$cache/log/apt.log"
  shift
  as_root true || return 1 # asks for the password once, in the foreground
  if apt-cache show "$@" >/dev/null 2>&1; then
    run_watched "packages for $what" "$log" as_root apt-get install -y --no-install-recommends "$@" && return 0
  fi
  run_watched 'package lists' "$log" as_root apt-get update &&
    run_watched "packages for $what" "$log" as_root apt-get install -y --no-install-recommends "$@"
}

as_root() {
  local options=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1)
  [ "${1:-}" = apt-get ] && set -- apt-get -o DPkg::Lock::Timeout=600 "${@:2}"
  if [ "$(id -u)" -eq 0 ]; then
    "${options[@]}" "$@"
  elif have sudo; then
    sudo "${options[@]}" "$@"
  else
    warn 'this needs root, and there is no sudo: run it as root once'
    return 1
  fi
}
