#!/bin/sh
# As the real image: an empty folder becomes a cluster with the user, password and database of the environment, with a server on the
# socket meanwhile.
set -e
bin=/usr/lib/postgresql/18/bin
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres:postgres /var/lib/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
  "$bin/initdb" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust >/dev/null
  rm /tmp/password
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  "$bin/pg_ctl" start --wait --silent --options="-c listen_addresses='' -c unix_socket_directories=/tmp"
  [ "$POSTGRES_DB" = postgres ] || psql --host=/tmp --username="$POSTGRES_USER" --dbname=postgres --command="CREATE DATABASE \"$POSTGRES_DB\"" >/dev/null
  "$bin/pg_ctl" stop --wait --silent --mode=fast
fi
shift
exec "$bin/postgres" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
