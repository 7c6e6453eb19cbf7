#!/bin/sh
# Back up a SQLite file of unison-storage and its folder of blobs, while a service goes on, or put them back.
#
#   docs/backup/sqlite.sh dump data/app.db backup
#   docs/backup/sqlite.sh restore backup data/app.db
#
# The file first: a blob that it names was there before, and one that is there beyond it is swept later.
set -eu

copy() {
    "${PYTHON:-python3}" -c '
import sqlite3, sys
source, target = (sqlite3.connect(f"file:{name}?mode={mode}", uri=True) for name, mode in zip(sys.argv[1:], ("ro", "rwc")))
source.backup(target)
' "$1" "$2"
}

case "$#${1:-}" in
3dump)
    umask 077
    mkdir "$3"
    copy "$2" "$3/storage.db"
    if [ -d "$2.blobs" ]; then cp -R "$2.blobs" "$3/storage.db.blobs"; fi
    ;;
3restore)
    if [ -e "$3" ]; then echo "$3 is there already" >&2; exit 1; fi
    mkdir -p "$(dirname "$3")"
    copy "$2/storage.db" "$3"
    if [ -d "$2/storage.db.blobs" ]; then cp -R "$2/storage.db.blobs" "$3.blobs"; fi
    ;;
*)
    echo "usage: $0 dump DATABASE FOLDER | restore FOLDER DATABASE" >&2
    exit 2
    ;;
esac
