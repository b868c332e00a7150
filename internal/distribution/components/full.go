//go:build !slim

package components

import (
	// loki.*: what few pipelines of the System Log need.
	_ "github.com/grafana/alloy/internal/component/loki/enrich"           // loki.enrich
	_ "github.com/grafana/alloy/internal/component/loki/rules/kubernetes" // loki.rules.kubernetes
	_ "github.com/grafana/alloy/internal/component/loki/secretfilter"     // loki.secretfilter

	// loki.source.*: other logs that travel beside Okta's.
	_ "github.com/grafana/alloy/internal/component/loki/source/api"               // loki.source.api
	_ "github.com/grafana/alloy/internal/component/loki/source/aws_firehose"      // loki.source.awsfirehose
	_ "github.com/grafana/alloy/internal/component/loki/source/azure_event_hubs"  // loki.source.azure_event_hubs
	_ "github.com/grafana/alloy/internal/component/loki/source/cloudflare"        // loki.source.cloudflare
	_ "github.com/grafana/alloy/internal/component/loki/source/docker"            // loki.source.docker
	_ "github.com/grafana/alloy/internal/component/loki/source/file"              // loki.source.file
	_ "github.com/grafana/alloy/internal/component/loki/source/gcplog"            // loki.source.gcplog
	_ "github.com/grafana/alloy/internal/component/loki/source/gelf"              // loki.source.gelf
	_ "github.com/grafana/alloy/internal/component/loki/source/heroku"            // loki.source.heroku
	_ "github.com/grafana/alloy/internal/component/loki/source/kafka"             // loki.source.kafka
	_ "github.com/grafana/alloy/internal/component/loki/source/kubernetes"        // loki.source.kubernetes
	_ "github.com/grafana/alloy/internal/component/loki/source/kubernetes_events" // loki.source.kubernetes_events
	_ "github.com/grafana/alloy/internal/component/loki/source/podlogs"           // loki.source.podlogs
	_ "github.com/grafana/alloy/internal/component/loki/source/syslog"            // loki.source.syslog

	// discovery.*: targets for the sources and for prometheus.scrape.
	_ "github.com/grafana/alloy/internal/component/discovery/docker"     // discovery.docker
	_ "github.com/grafana/alloy/internal/component/discovery/file"       // discovery.file
	_ "github.com/grafana/alloy/internal/component/discovery/http"       // discovery.http
	_ "github.com/grafana/alloy/internal/component/discovery/kubernetes" // discovery.kubernetes
	_ "github.com/grafana/alloy/internal/component/discovery/relabel"    // discovery.relabel

	// prometheus.*: monitoring the collector itself.
	_ "github.com/grafana/alloy/internal/component/prometheus/exporter/self" // prometheus.exporter.self
	_ "github.com/grafana/alloy/internal/component/prometheus/exporter/unix" // prometheus.exporter.unix
	_ "github.com/grafana/alloy/internal/component/prometheus/relabel"       // prometheus.relabel
	_ "github.com/grafana/alloy/internal/component/prometheus/remotewrite"   // prometheus.remote_write
	_ "github.com/grafana/alloy/internal/component/prometheus/scrape"        // prometheus.scrape

	// otelcol.*: the same events to Kafka or Splunk.
	_ "github.com/grafana/alloy/internal/component/otelcol/exporter/kafka"     // otelcol.exporter.kafka
	_ "github.com/grafana/alloy/internal/component/otelcol/exporter/splunkhec" // otelcol.exporter.splunkhec
)
