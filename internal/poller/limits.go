package poller

import (
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
)

// maxSkew is how far our clock may be off Okta's. Loki needs 10 minutes, and Okta refuses a
// client assertion or a DPoP proof from the future or older than five minutes.
const maxSkew = time.Minute

// soon is how far ahead an event may be to be waited for. Loki refuses what is over ten minutes ahead and takes it when its time has come:
// it is delivered again then. A date in the far future must not hold up the cursor until then.
const soon = time.Hour

// compareClocks warns once when our clock goes wrong and says when it is right again; the
// half keeps a clock at the edge from doing so at every page.
func (p *Poller) compareClocks(skew time.Duration) {
	p.Memory.skew = skew
	switch off := skew.Abs(); {
	case off > maxSkew:
		p.fail(Clock, "", nil, "ahead_of_okta", skew.Round(time.Second))
	case off <= maxSkew/2:
		p.clear(Clock)
	}
}

// account counts an event that was delivered.
func (p *Poller) account(ev event.Event) {
	m := p.Metrics
	m.entries.Inc()
	replayed := !ev.Published.After(p.Memory.past.replaying) && !p.Memory.past.replaying.IsZero()
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
	if ev.UUID == "" || ev.Published.IsZero() {
		m.malformed.Inc()
		p.Memory.warnOnce(p.Logger, "malformed", "an event has no uuid or no usable published time; forwarded all the same", "uuid", ev.UUID)
	}
}
