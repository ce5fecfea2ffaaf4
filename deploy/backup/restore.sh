#!/bin/sh
# Restores a backup into an empty database, all of it or nothing: restore.sh FILE
#
# PGHOST, PGPORT, PGDATABASE, PGUSER, and PGPASSWORD or PGPASSFILE name an empty database and a superuser;
# WEFT_OWNER_ROLE the role that is to own what is restored, the user of WEFT_OWNER_DATABASE_URL (a role with LOGIN and
# CREATEROLE that owns the database). The app role and its rights come with `weft migrate`, which has to follow.
# No replica may run meanwhile, on this database or on the one that it stands in for.
set -eu
file=${1:?the file to read}
pg_restore --no-password --no-owner --no-privileges --role="${WEFT_OWNER_ROLE:?the role that owns the database}" \
  --single-transaction --exit-on-error --dbname="${PGDATABASE:?the database to restore into}" "$file"
