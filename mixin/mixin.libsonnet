// loki.source.okta as a monitoring mixin (https://monitoring.mixins.dev): the files beside it, under the names that mixin tools look for.
{
  grafanaDashboards+:: {
    'loki-source-okta.json': import 'dashboards/loki-source-okta.json',
  },
  prometheusAlerts+:: {
    groups+: std.parseYaml(importstr 'alerts.yaml').groups,
  },
}
