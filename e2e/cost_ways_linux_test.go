package e2e

import (
	"fmt"
	"strings"
)

// way is a way for Okta's log through alloy-okta: a row of the table.
type way struct {
	name     string
	than     string // what it is compared with, beside the floor: another way's name
	settings string // of loki.source.okta
	before   string // other components of the configuration
	orgs     int    // 0: one
	events   size
	discard  bool // not to loki.write: the receiver drops what it gets
	loki     bool // pushes go to a real Loki, and the row ends when it was seen there; otherwise to a server that reads and discards them
	old      bool // loki.source.file reads what okta-logs-collector prints
	profile  bool // where its time goes is printed
}

// size is which recording a way reads.
type size int

const (
	small  size = iota // oktasim's events
	large              // 12 KB each
	many               // small ones, a million in the long form
	spread             // small ones, divided among many orgs
)

const (
	plainPush  = "to loki.write's push"
	plainLarge = "to loki.write's push, 12 KB"
)

// ways are all rows.
func ways(few, crowd int) []way {
	all := []way{
		{name: "source alone", than: plainPush, discard: true, profile: true},
		{name: plainPush, profile: true},
		{name: "with reconcile", than: plainPush, settings: "\treconcile {\n\t\turl = \"QUERY\"\n\t}\n", loki: true, profile: true},
		{name: "five relabel_rules", than: plainPush, settings: "\trelabel_rules = loki.relabel.five.rules\n", before: fiveRules, profile: true},
	}
	for _, preset := range []string{"user_identity", "personal_data"} {
		for _, mode := range []string{"mask", "hash", "drop"} {
			name := "redact " + preset + ", " + mode
			all = append(all, way{name: name, than: plainPush, settings: redaction(preset, mode), profile: mode == "hash"})
		}
	}
	all = append(all, way{name: plainLarge, events: large})
	for _, preset := range []string{"user_identity", "personal_data"} {
		all = append(all, way{name: "redact " + preset + ", hash, 12 KB", than: plainLarge, settings: redaction(preset, "hash"), events: large})
	}
	return append(all,
		way{name: fmt.Sprintf("%d orgs", few), than: plainPush, orgs: few, events: spread},
		way{name: fmt.Sprintf("%d orgs", crowd), than: plainPush, orgs: crowd, events: spread},
		way{name: "memory: many events", than: plainPush, events: many},
		way{name: "the old way", than: plainPush, old: true, profile: true},
	)
}

func redaction(preset, mode string) string {
	key := ""
	if mode == "hash" {
		key = "\t\tkey     = \"a key for benchmarks, 32 bytes..\"\n"
	}
	return fmt.Sprintf("\tredact {\n\t\tmode    = %q\n%s\t\tpresets = [%q]\n\t}\n", mode, key, preset)
}

// fiveRules are of the kinds that people write: labels from the event, one of them by a condition, and events that are dropped.
const fiveRules = `
loki.relabel "five" {
	forward_to = []

	rule {
		source_labels = ["__okta_event_type"]
		target_label  = "event_type"
	}

	rule {
		source_labels = ["__okta_severity"]
		target_label  = "severity"
	}

	rule {
		source_labels = ["__okta_outcome_result"]
		regex         = "FAILURE|DENY"
		target_label  = "failed"
		replacement   = "yes"
	}

	rule {
		source_labels = ["__okta_actor_type", "__okta_client_zone"]
		separator     = "@"
		regex         = "SystemPrincipal@(.+)"
		target_label  = "system_zone"
	}

	rule {
		source_labels = ["__okta_event_type"]
		regex         = "no[.]such[.]event"
		action        = "drop"
	}
}
`

const discarding = `
loki.relabel "discard" {
	forward_to = []

	rule {
		action = "drop"
	}
}
`

// config is the configuration for hosts, for Loki's base URLs to push to and to ask.
func (w way) config(hosts []string, push, query, file string) string {
	if w.old {
		return fmt.Sprintf(oldWay, file) + writeTo(push)
	}
	settings := "\trate_limit_share = 1\n" + strings.ReplaceAll(w.settings, "QUERY", query)
	text := w.before + strings.Replace(oneComponent(hosts, push), "\torgs = [", settings+"\torgs = [", 1)
	if w.discard {
		text = strings.Replace(text, "loki.write.default.receiver", "loki.relabel.discard.receiver", 1) + discarding
	}
	return text
}

// oldWay is what examples/cloud-config.alloy in grafana/okta-logs-collector does behind the container: eventType, level and the time from
// the line.
const oldWay = `
loki.source.file "old" {
	targets    = [{__path__ = %q, job = "okta-logs-collector"}]
	forward_to = [loki.process.old.receiver]
}

loki.process "old" {
	forward_to = [loki.write.default.receiver]

	stage.json {
		expressions = {eventType = "event.eventType", level = "event.severity", time = "time"}
	}

	stage.labels {
		values = {eventType = "", level = ""}
	}

	stage.timestamp {
		source = "time"
		format = "RFC3339"
	}
}
`
