#!/bin/sh
# Back up what unison-storage keeps on PostgreSQL, or put it back into an empty database.
#
#   PGHOST=db PGDATABASE=app PGUSER=owner PGPASSFILE=~/.pgpass docs/backup/postgres.sh dump app.dump
#   PGHOST=db PGDATABASE=new PGUSER=owner PGPASSFILE=~/.pgpass docs/backup/postgres.sh restore app.dump
#
# libpq takes server and password from the environment, so that no password stands in a list of processes.
set -eu

case "${1:-} ${2:-}" in
"dump "?*)
    # one snapshot, while others write; the file appears when it is whole
    umask 077
    pg_dump --format=custom --no-owner --no-privileges --file="$2.part"
    mv "$2.part" "$2"
    ;;
"restore "?*)
    # all of it or nothing; roles are made anew by: unison-storage migrate --print-roles | psql
    pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$PGDATABASE" "$2"
    ;;
*)
    echo "usage: $0 dump|restore FILE" >&2
    exit 2
    ;;
esac
