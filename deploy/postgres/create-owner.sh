#!/bin/sh
# Run once by the Postgres image on an empty volume: the role that owns Weft's tables, which is no superuser.
# It may create roles, for the app role that Weft makes and keeps least-privileged.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_OWNER_PASSWORD" --username=postgres --dbname=postgres <<'SQL'
CREATE ROLE weft_owner LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE weft OWNER weft_owner;
SQL
