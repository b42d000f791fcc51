# shellcheck shell=bash
# What every script uses: places, messages, progress. Sourced, never run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/zygo"
# shellcheck disable=SC2034 # for the scripts that source this
env_file="$cache/build.env"

# Nested scripts count from the start of the outermost one.
export ZYGO_SCRIPT_STARTED="${ZYGO_SCRIPT_STARTED:-$(date +%s)}"

elapsed() { echo $(($(date +%s) - ZYGO_SCRIPT_STARTED)); }
step() { printf '==> [%4d s] %s\n' "$(elapsed)" "$*" >&2; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Version of a crate as Cargo.lock pins it.
locked_version() {
  awk -v name="$1" '$1 == "name" { found = ($3 == "\"" name "\"") }
    found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' "$root/Cargo.lock"
}

# Where cargo puts the binaries of a release build.
release_dir() { echo "${CARGO_TARGET_DIR:-$root/target}/release"; }

# run_watched LABEL LOG COMMAND…: runs a long command with its output in LOG, and shows how far it is: a moving line on a
# terminal, otherwise a line every 30 s. Steps come from the last "[n/m]" of the log, as ninja prints them.
run_watched() {
  local label="$1" log="$2" pid status=0 started
  shift 2
  started=$(date +%s)
  : >"$log"
  set -m # a process group of its own, so that an interrupt ends the compilers too
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  # shellcheck disable=SC2064 # the process group is the one just started
  trap "stop_group $pid; exit 130" INT TERM
  watch_log "$label" "$log" "$pid" "$started"
  wait "$pid" || status=$?
  trap - INT TERM
  [ -t 2 ] && printf '\r\033[K' >&2
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$log" >&2
    warn "$label failed after $(($(date +%s) - started)) s; the whole output is in $log"
  fi
  return "$status"
}

# Asked more than once, because ninja can miss a signal that comes while it starts a compiler.
stop_group() {
  local attempt
  for attempt in TERM TERM TERM TERM TERM TERM KILL; do
    kill "-$attempt" -- "-$1" 2>/dev/null || return 0
    sleep 0.5
  done
}

# Shows progress until the process ends.
watch_log() {
  local label="$1" log="$2" pid="$3" started="$4" spent ticks=0
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    ticks=$((ticks + 1))
    spent=$(($(date +%s) - started))
    if [ -t 2 ]; then
      printf '\r\033[K    %s %s %d s' "$label" "$(last_step "$log")" "$spent" >&2
    elif [ $((ticks % 60)) -eq 0 ]; then
      printf '    %s %s %d s\n' "$label" "$(last_step "$log")" "$spent" >&2
    fi
  done
}

last_step() { tail -c 4096 "$1" | tr '\r' '\n' | grep -aoE '\[[0-9]+/[0-9]+\]' | tail -n 1 || true; }

# with_heartbeat LABEL COMMAND…: for a command that shows its own output; says every 30 s that it still works when no one
# watches a terminal.
with_heartbeat() {
  local label="$1" pid='' status=0
  shift
  if [ ! -t 2 ]; then
    heartbeat "$label" "$$" &
    pid=$!
  fi
  "$@" || status=$?
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  return "$status"
}

heartbeat() {
  local label="$1" owner="$2" spent=0
  # The sleeping child must not hold the caller's pipes open after the heartbeat is stopped.
  while sleep 30 >/dev/null 2>&1 && kill -0 "$owner" 2>/dev/null; do
    spent=$((spent + 30))
    printf '    %s: %d s\n' "$label" "$spent" >&2
  done
}
