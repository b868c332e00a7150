#!/bin/sh
# deb: remove, or upgrade and others; rpm: 0 at a removal, 1 at an upgrade, which must not stop the service.
set -e
if { [ "$1" = remove ] || [ "$1" = 0 ]; } && [ -d /run/systemd/system ]; then
  systemctl disable --now alloy-okta.service
fi
