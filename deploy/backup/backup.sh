#!/bin/sh
# Backs Weft's database up into one file: backup.sh FILE
#
# Where and as whom is told by libpq's own variables, so that no password stands on a command line: PGHOST, PGPORT,
# PGDATABASE, PGUSER, and PGPASSWORD or PGPASSFILE. The user is a superuser or has BYPASSRLS and may read every table:
# a backup as the owner would hold no rows of any tenant, so pg_dump refuses it. pg_dump must not be older than the
# server. Keep the key ring, but elsewhere: without it nobody can use a backup, with it anybody.
set -eu
file=${1:?the file to write}
: "${PGDATABASE:?the database to back up}"
umask 077
trap 'rm -f "$file.unfinished"' EXIT
pg_dump --no-password --format=custom --no-owner --no-privileges --file="$file.unfinished"
pg_restore --list "$file.unfinished" > /dev/null
mv "$file.unfinished" "$file"
