# shellcheck shell=bash
# The dashboard, which cargo embeds: dashboard/ becomes dashboard/dist. Sourced after common.sh.

dashboard="$root/dashboard"
node_needed=18
# Beside what it is of, as each checkout has its own.
dashboard_stamp="$dashboard/dist.digest"
packages_stamp="$dashboard/node_modules/.zygo-packages"

# Everything that it is made of.
dashboard_digest() {
  (cd "$dashboard" && find index.html package.json package-lock.json vite.config.ts licences.ts tsconfig.json src -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
}

node_is_new_enough() {
  have node && have npm && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$node_needed" ]
}

# build_dashboard: nothing to do when nothing has changed. Without Node, or without the network for its packages, the binary
# has no dashboard and says so.
build_dashboard() {
  local digest
  digest="$(dashboard_digest)"
  if [ -e "$dashboard/dist/index.html" ] && [ "$(cat "$dashboard_stamp" 2>/dev/null)" = "$digest" ]; then return 0; fi
  if ! node_is_new_enough; then
    warn "Node $node_needed or newer with npm is missing: the platform is built without its dashboard"
    return 0
  fi
  step 'dashboard'
  rm -f "$dashboard_stamp"
  if install_dashboard_packages &&
    run_watched 'dashboard' "$cache/log/dashboard.log" npm --prefix "$dashboard" run build; then
    echo "$digest" >"$dashboard_stamp"
  else
    warn 'the dashboard cannot be built: the platform is built without it, or with the one from before'
  fi
}

# What package-lock.json names, and no script of any package is run.
install_dashboard_packages() {
  local wanted
  wanted="$(sha256sum <"$dashboard/package-lock.json")"
  [ "$(cat "$packages_stamp" 2>/dev/null)" != "$wanted" ] || return 0
  mkdir -p "$cache/log"
  run_watched 'packages of the dashboard' "$cache/log/dashboard-packages.log" \
    npm --prefix "$dashboard" ci --ignore-scripts --no-audit --no-fund && echo "$wanted" >"$packages_stamp"
}

dashboard_is_built() { [ -e "$dashboard/dist/index.html" ] && [ -e "$dashboard_stamp" ]; }

# Types, helpers, and then the real thing: Chromium at the binary that is named.
# usage: test_dashboard BINARY
test_dashboard() {
  install_dashboard_packages || return 1
  step 'dashboard: types and helpers'
  (cd "$dashboard" && npm run --silent check && npm run --silent unit) || return 1
  browser >/dev/null || return 0
  step 'dashboard: in a browser'
  (cd "$dashboard" && with_heartbeat 'dashboard' env ZYGO_BINARY="$1" CHROMIUM="$(browser)" npm run --silent e2e)
}

browser() { command -v chromium || command -v chromium-browser; }
