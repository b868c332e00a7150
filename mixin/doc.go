// Package mixin holds what a Prometheus and a Grafana need to watch loki.source.okta: a dashboard, alerts, and mixin.libsonnet,
// which offers both to the tools of monitoring mixins. The files work without any tool: import the one, load the other.
//
// The tests hold them against the component: every metric and label in them is one that the component really exports, every
// query parses, and each alert fires on the series in alerts_test.yaml when it should and only then.
package mixin
