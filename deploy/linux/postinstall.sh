#!/bin/sh
# deb: configure [OLD-VERSION]; rpm: 1 at the first installation, 2 at an upgrade.
set -e

getent group alloy-okta >/dev/null || groupadd --system alloy-okta
getent passwd alloy-okta >/dev/null ||
  useradd --system --gid alloy-okta --no-create-home --home-dir /var/lib/alloy-okta --shell /usr/sbin/nologin --comment alloy-okta alloy-okta

# State: cursors, which hold no event. Tokens: for root, who reads /etc/default for the service, and for the service.
mkdir -p /var/lib/alloy-okta
chown alloy-okta:alloy-okta /var/lib/alloy-okta
chmod 0750 /var/lib/alloy-okta
chgrp alloy-okta /etc/alloy-okta/tenants-credentials.yml
chmod 0640 /etc/alloy-okta/tenants-credentials.yml
chmod 0600 /etc/default/alloy-okta

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart alloy-okta.service # nothing at a first installation
fi
if [ "$1" = 1 ] || { [ "$1" = configure ] && [ -z "$2" ]; }; then
  echo "alloy-okta: set OKTA_URL, OKTA_API_TOKEN and LOKI_URL in /etc/default/alloy-okta, then: systemctl enable --now alloy-okta"
fi
