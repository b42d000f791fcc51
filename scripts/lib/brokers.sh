# shellcheck shell=bash
# The servers of queues that tests start for themselves; see tests/it/brokers.rs. Sourced after common.sh.

# Names of those that are not installed. Debian keeps some out of the PATH of other users than root.
missing_brokers() {
  local path="$PATH:/usr/sbin"
  PATH="$path" have redis-server || echo redis
  PATH="$path" have nats-server || echo nats
  [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || echo rabbitmq
}

# install_brokers: needs apt.sh. Debian's packages would run them as services; the tests want the programs alone.
install_brokers() {
  local missing policy=/usr/sbin/policy-rc.d has_policy=no status=0
  local packages=(redis-server nats-server rabbitmq-server)
  missing="$(missing_brokers)"
  [ -n "$missing" ] || return 0
  if [ -e "$policy" ]; then
    has_policy=yes
  else
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >'$policy' && chmod 755 '$policy'" || return 1
  fi
  install_packages 'the tests of queues elsewhere' "${packages[@]}" || status=1
  [ "$has_policy" = yes ] || as_root rm -f "$policy"
  ! have systemctl || disable_brokers "$missing"
  return "$status"
}

# Of those that were installed here: they do not start with the machine either.
disable_brokers() {
  local units=()
  [[ "$1" != *redis* ]] || units+=(redis-server.service)
  [[ "$1" != *nats* ]] || units+=(nats-server.service)
  [[ "$1" != *rabbitmq* ]] || units+=(rabbitmq-server.service epmd.socket epmd.service)
  as_root systemctl --quiet disable "${units[@]}" 2>/dev/null || true
}
