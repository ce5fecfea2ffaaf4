#!/bin/sh
# Run by the container: the app role's password comes from the environment and is written to memory only.
set -eu
umask 077
printf '"weft_app" "%s"\n' "$POSTGRES_APP_PASSWORD" > /run/pgbouncer/userlist.txt
unset POSTGRES_APP_PASSWORD
exec pgbouncer /etc/weft/pgbouncer.ini
