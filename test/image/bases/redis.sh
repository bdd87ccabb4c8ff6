#!/bin/sh
# As the real image: the server owns what it keeps, runs as somebody without rights, and is reached by other containers.
set -e
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown -R redis:redis .
  exec setpriv --reuid=redis --regid=redis --clear-groups "$@" --protected-mode no
fi
exec "$@"
