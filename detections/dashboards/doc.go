// Package dashboards builds five Grafana dashboards over Okta's events in Loki: sign-ins, security, investigation, org health, and volume.
//
// The *.json files beside it are what it builds for the default line format, to be provisioned; ../grafana/dashboards-* are those for the
// other one, and both in the form for sharing. `go generate` writes them again, and a test fails when they are not current. They use the
// classic model, which Grafana imports in every edition.
//
// Queries read structured metadata and JSON expressions (| json user="event.actor.alternateId") instead of whole lines: that is
// what makes a day of a large org cheap enough for a dashboard. Tests run each of them with Loki's own engine over simulated attacks.
package dashboards

//go:generate go run ./generate ..
