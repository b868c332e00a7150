#!/bin/sh
# deb: remove keeps configuration, state and user; purge takes them. rpm has no purge and keeps state and user.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
if [ "$1" = purge ]; then
  rm -rf /var/lib/alloy-okta
  userdel alloy-okta 2>/dev/null || true # and with it the group
  groupdel alloy-okta 2>/dev/null || true
fi
