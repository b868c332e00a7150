// Package sigma holds what makes Sigma's rules for Okta work on the entries of loki.source.okta: pySigma pipelines, and the 24 public
// rules as LogQL.
//
//	pipelines/okta-envelope.yml         for line_format "envelope", together with pySigma's own loki_okta_system_log
//	pipelines/okta-raw.yml              for line_format "event", on its own
//	pipelines/okta-logs-collector.yml   for the labels of syntax/okta-logs-collector.alloy, with loki_okta_system_log
//	rules/<Sigma's file name>/          envelope.logql and raw.logql, and event.json, an event that the rule is about
//
// The queries are LogQL as it stands, to paste into Grafana or a rule file; the comments on top of each name the rule, its level, the
// fields it tests and the pipelines it belongs to. They are written down in the form that pySigma-backend-loki 0.13.0 gives with
// case_sensitive=true; pySigma itself is Python and no part of the build, so nothing here runs the pipelines.
//
// The tests run every query through Loki's own parser and log pipeline, over entries that internal/event made of every event here and
// in testdata/events: a rule finds its own event and no other. A new rule is a new folder.
//
// docs/entries.md says how to convert rules of one's own.
package sigma
