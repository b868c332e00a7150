package dashboards

import "fmt"

// bytes sums the bytes of lines of a time range or step, by labels. Metadata does not count.
func (q query) bytes(window string, by ...string) string {
	grouping := ""
	if len(by) > 0 {
		grouping = " by (" + by[0] + ")"
	}
	return fmt.Sprintf("sum%s (bytes_over_time(%s [%s]))", grouping, q, window)
}

// volume is what the events amount to, and of which types and orgs they are. No query parses a line.
func volume(f LineFormat) board {
	all := f.of()
	in := func(unit string, p panel) panel {
		p.unit = unit
		return p
	}
	size := func(title, about, expr string) panel {
		return in("decbytes", number(title, about, "None.", expr, "blue"))
	}
	aSecond := fmt.Sprintf("sum (bytes_rate(%s [$__range]))", all)
	return board{
		uid: "okta-volume", title: "Okta volume", from: "now-24h",
		about: "What the events amount to in Loki, and of which orgs and types they are. Bytes are those of lines, without metadata.",
		sections: []section{
			{"How much", []panel{
				size("Bytes", "Lines of the time range.", all.bytes("$__range")),
				size("Bytes a day", "At the rate of the time range.", aSecond+" * 86400"),
				size("Bytes in 30 days", "At the rate of the time range.", aSecond+" * 2592000"),
				size("Bytes of an event", "On average.", all.bytes("$__range")+" / "+all.total()),
				number("Events stored", "Entries of the time range.", "None.", all.total(), "blue"),
				number("Event types", "How many different ones there were.", needsMetadata, all.distinct("eventType"), "blue"),
			}},
			{"Of what", []panel{
				in("decbytes", counted("Bytes", "Bytes by event type",
					"The types that fill Loki. Drop lists for those that nothing reads: docs/volume.md.",
					needsMetadata, "topk(25, "+all.bytes("$__range", "eventType")+")", typed)),
				rows("Events by event type", "The most frequent types.", needsMetadata, all.frequent(25, "eventType"), typed),
				in("decbytes", bars("Bytes by org", "How it is spread over orgs and time.", "None.", "{{org}}", all.bytes("$__auto", "org"))),
				in("decbytes", counted("Bytes", "Largest orgs", "The orgs that fill Loki.", "None.",
					"topk(25, "+all.bytes("$__range", "org")+")", column{"org", "Org"})),
			}},
		},
	}
}
