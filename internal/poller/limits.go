package poller

import (
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
)

// What Loki refuses with its defaults: lines above limits_config.max_line_size and
// entries older than reject_old_samples_max_age, or too far in the future
// (creation_grace_period). Package event has its limits on labels and metadata.
const (
	lokiMaxLine   = 256 << 10
	lokiMaxAge    = 7 * 24 * time.Hour
	lokiMaxFuture = 10 * time.Minute
)

// maxSkew is how far our clock may be off Okta's. Loki needs 10 minutes, and Okta refuses a
// client assertion or a DPoP proof from the future or older than five minutes.
const maxSkew = time.Minute

// compareClocks warns once when our clock goes wrong and says when it is right again; the
// half keeps a clock at the edge from doing so at every page.
func (p *Poller) compareClocks(skew time.Duration) {
	m := p.Memory
	switch off := skew.Abs(); {
	case off > maxSkew && !m.skewed:
		m.skewed = true
		level.Warn(p.Logger).Log("msg", "our clock and Okta's differ by more than a minute; synchronize this machine's clock (NTP)",
			"ahead_of_okta", skew.Round(time.Second))
	case off <= maxSkew/2 && m.skewed:
		m.skewed = false
		level.Info(p.Logger).Log("msg", "our clock and Okta's agree again")
	}
}

// account counts an event that was delivered and warns, once each, of what Loki's
// defaults would refuse.
func (p *Poller) account(ev event.Event, entry event.Entry, now time.Time) {
	m := p.Metrics
	m.entries.Inc()
	replayed := !ev.Published.After(p.Memory.replaying) && !p.Memory.replaying.IsZero()
	if replayed {
		m.replayed.Inc()
	}
	p.Status.set(func(s *Snapshot) {
		s.Events++
		s.LastEvent = delivery.Latest(s.LastEvent, ev.Published)
		if replayed {
			s.Replayed++
		}
	})
	warn := func(kind, msg string, keyvals ...any) {
		p.Memory.warnOnce(p.Logger, kind, msg, append([]any{"uuid", ev.UUID}, keyvals...)...)
	}
	if ev.UUID == "" || ev.Published.IsZero() {
		m.malformed.Inc()
		warn("malformed", "an event has no uuid or no usable published time; forwarded all the same")
	}
	if len(entry.Line) > lokiMaxLine {
		m.oversized.Inc()
		warn("oversized", "a line is over 256 KB, which Loki refuses by default; forwarded all the same, raise max_line_size",
			"bytes", len(entry.Line))
	}
	switch age := now.Sub(entry.Timestamp); {
	case age > lokiMaxAge:
		m.outOfRange.Inc()
		warn("old", "an event is older than 7 days, which Loki refuses by default; forwarded all the same, set reject_old_samples_max_age",
			"published", entry.Timestamp)
	case age < -lokiMaxFuture:
		m.outOfRange.Inc()
		warn("future", "an event is over 10 minutes ahead of our clock, which Loki refuses by default; forwarded all the same, check the clock",
			"published", entry.Timestamp, "ahead", (-age).Round(time.Second))
	}
	if n := entry.LabelCount(); n == 0 || n > event.MaxLabels {
		m.badLabels.Inc()
		warn("labels", "an entry has no label or more than 15, which Loki refuses by default; forwarded all the same", "labels", n)
	}
	if bytes, pairs := entry.MetadataSize(); bytes > event.MaxMetadataBytes || pairs > event.MaxMetadataPairs {
		m.badMetadata.Inc()
		warn("metadata", "structured metadata is over 64 KB or 128 pairs, which Loki refuses by default; forwarded all the same",
			"bytes", bytes, "pairs", pairs)
	}
}
