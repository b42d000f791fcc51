# shellcheck shell=bash
# The PostgreSQL server that tests start for themselves; see tests/postgres/server.rs. Sourced after common.sh.

# Debian keeps the programs of each major version out of the PATH.
postgres_is_there() {
  have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

# install_postgres: needs apt.sh. Debian's package would make a database cluster and run it as a service; the tests want
# the programs alone.
install_postgres() {
  local no_cluster=/etc/postgresql-common/createcluster.d/zygo.conf status=0
  postgres_is_there && return 0
  as_root mkdir -p "${no_cluster%/*}" &&
    as_root sh -c "echo 'create_main_cluster = false' >'$no_cluster'" || return 1
  install_packages 'the tests on PostgreSQL' postgresql || status=1
  as_root rm -f "$no_cluster"
  return "$status"
}
