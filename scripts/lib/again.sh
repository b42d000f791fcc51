# shellcheck shell=bash
# Runs the tests, and tells a test that fails beside all others from one that fails by itself as well. Sourced after
# cargo.sh.

# More tests than this that fail at once are no accident of a busy machine.
most_unstable=3
unstable=()

# Runs every suite, also after one has failed. A few tests that failed are run once more by themselves: who fails again
# fails the run, and who does not is named as unstable at the end, with the reason above. An unstable test is a bug of the
# test or of what it tests, to be found; it is no reason to throw the other results away.
# usage: run_tests [arguments for cargo test]
run_tests() {
  local output status=0
  output="$(mktemp)"
  # What failed is said by the tests; frames would only push it out of sight.
  RUST_BACKTRACE=0 cargo_workspace tests test --no-fail-fast "$@" | tee "$output" || status=$?
  # A suite that was killed has no tests that could run again for it.
  if every_suite_ended "$output"; then readarray -t unstable < <(failed_tests "$output"); fi
  rm -f "$output"
  [ "$status" -eq 0 ] || try_again "$status"
}

every_suite_ended() {
  [ "$(grep -c '^running [0-9]* tests\?$' "$1")" -eq "$(grep -c '^test result: ' "$1")" ]
}

failed_tests() { sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$1" | sort -u; }

try_again() {
  local status="$1" count="${#unstable[@]}"
  if [ "$count" -eq 0 ] || [ "$count" -gt "$most_unstable" ]; then exit "$status"; fi
  warn "$count of the tests failed, and run once more by themselves: ${unstable[*]}"
  RUST_BACKTRACE=0 cargo_workspace 'tests that failed' test --no-fail-fast -- --exact "${unstable[@]}"
}

tell_unstable() {
  local test
  for test in ${unstable[@]+"${unstable[@]}"}; do
    warn "UNSTABLE: $test failed beside the other tests and passed by itself; its reason is above"
  done
}
