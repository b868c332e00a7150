// loki.source.okta as a monitoring mixin (https://monitoring.mixins.dev): the files beside it, under the names that mixin tools look for.
local servedRunbook = 'http://127.0.0.1:12345/docs/operations.md';
{
  _config+:: {
    // Where the alerts' runbook is; #<alert> is added. By default what alloy-okta itself serves.
    runbookURL: servedRunbook,
  },
  grafanaDashboards+:: {
    'loki-source-okta.json': import 'dashboards/loki-source-okta.json',
  },
  prometheusAlerts+:: {
    groups+: std.parseYaml(std.strReplace(importstr 'alerts.yaml', servedRunbook, $._config.runbookURL)).groups,
  },
}
