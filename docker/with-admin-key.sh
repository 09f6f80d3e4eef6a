#!/bin/sh
# Runs a command with OUTCRY_ADMIN_KEY set: the one from the environment, or a new one for each start.
#
# docker-compose.yml publishes an admin listener, so it must have a key; and a file in a repository must not hold one. The
# new key goes to a file that only this user can read, never to the log.
set -eu

if [ -z "${OUTCRY_ADMIN_KEY:-}" ]; then
  file=${ADMIN_KEY_FILE:-/tmp/admin-key}
  OUTCRY_ADMIN_KEY=$(head -c 24 /dev/urandom | base64)
  (umask 077 && printf '%s\n' "$OUTCRY_ADMIN_KEY" > "$file")
  echo "OUTCRY_ADMIN_KEY is not set; the key for this run is in $file in this container"
fi
export OUTCRY_ADMIN_KEY
exec "$@"
