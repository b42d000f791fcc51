# shellcheck shell=bash
# How the scripts call cargo. Sourced after common.sh.

# A relative target folder means the caller's, wherever cargo is run.
case "${CARGO_TARGET_DIR:-/}" in
  /*) ;;
  *) export CARGO_TARGET_DIR="$PWD/$CARGO_TARGET_DIR" ;;
esac

# Takes over what scripts/setup found.
use_setup() {
  # shellcheck source=/dev/null
  source "$env_file"
}

# Becomes a program of the build. Variables of these scripts stay behind: Zygo refuses settings that it does not know.
become() {
  unset ZYGO_SCRIPT_STARTED ZYGO_AVAILABLE ZYGO_LANGUAGES ZYGO_DATABASES ZYGO_JOBS ZYGO_CONFORMANCE ZYGO_APPLICATIONS ZYGO_EXAMPLES ZYGO_AUTHORITIES ZYGO_BROKERS ZYGO_BROWSERS ZYGO_INSTRUCTIONS
  exec "$@"
}

# Runs cargo on the whole workspace, without the languages that this machine has no engine for.
cargo_workspace() {
  local label="$1" command="$2" language exclude=()
  shift 2
  for language in javascript python ruby; do
    [[ " $ZYGO_AVAILABLE " == *" $language "* ]] && continue
    warn "$label: $language is left out, as its engine is not installed"
    exclude+=(--exclude "zygo-$language")
  done
  step "$label"
  (cd "$root" && with_heartbeat "$label" cargo "$command" --release --workspace --locked "${exclude[@]}" "$@")
}
