#!/bin/sh
# The official image runs Envoy as its user envoy (101), though kind's commands in the container run as root.
chown 101:101 /dev/stdout /dev/stderr
exec setpriv --reuid 101 --regid 101 --clear-groups -- "$@"
