#!/bin/sh
# docker-entrypoint.sh postgres <arguments>
shift
exec python3 -I /opt/entrypoint.py "$@"
