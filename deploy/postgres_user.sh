#!/bin/sh
# Makes the database of the provider and its user, with the password of the secret. The image runs it at its first start.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --set password="$(cat "${LATCHKEY_PASSWORD_FILE:-/run/secrets/postgres_password}")" <<'SQL'
CREATE ROLE latchkey LOGIN PASSWORD :'password';
CREATE DATABASE latchkey OWNER latchkey;
REVOKE ALL ON DATABASE latchkey FROM PUBLIC;
SQL
