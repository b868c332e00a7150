package poller

import (
	"context"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/delivery"
)

const (
	// watchEvery is how often the poller is looked at for what lasts.
	watchEvery = 15 * time.Second
	// blockedAfter is how long a receiver may take an entry, and slowedAfter how long the rate
	// limit may keep all pages away, before it is worth a line in the log.
	blockedAfter = time.Minute
	slowedAfter  = 2 * time.Minute
	// heldAfter is slowedAfter for a range: behind live polling it gets a page every three minutes (see oktaapi.Budget).
	heldAfter = 10 * time.Minute
)

// watch logs what lasts, once when it has lasted and once when it is over: a receiver that
// takes nothing, and a rate limit that lets no page through. A page that a receiver keeps makes
// room for others that wait. It ends with ctx.
func (p *Poller) watch(ctx context.Context) {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	var blocked, slowed time.Time // since when; zero: it is not, or is not told
	var waiting time.Time         // since when the rate limit was seen to keep all pages away
	patience := max(slowedAfter, 3*p.PollInterval)
	if p.Span != nil {
		patience = heldAfter
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now, s := time.Now(), p.Status.Snapshot()
		if !s.SendingSince.IsZero() && now.Sub(s.SendingSince) >= lendAfter {
			p.reclaim()
		}
		switch since := s.SendingSince; {
		case !blocked.IsZero() && !since.Equal(blocked):
			level.Info(p.Logger).Log("msg", "the receiver takes entries again", "after", now.Sub(blocked).Round(time.Second))
			blocked = time.Time{}
		case blocked.IsZero() && !since.IsZero() && now.Sub(since) >= blockedAfter:
			blocked = since
			level.Warn(p.Logger).Log("msg", "a receiver takes no entries, so nothing more is fetched", "receiver", p.receiver(), "since",
				since.UTC().Format(time.RFC3339))
		}
		last := delivery.Latest(s.LastPoll, s.Started)
		if s.WaitUntil.IsZero() || s.Err != nil || last.After(waiting) { // a failure has lines of its own
			waiting = now
		}
		switch {
		case !slowed.IsZero() && s.LastPoll.After(slowed):
			level.Info(p.Logger).Log("msg", "the rate limit lets pages through again", "after", now.Sub(slowed).Round(time.Second))
			slowed = time.Time{}
		case slowed.IsZero() && now.Sub(waiting) >= patience:
			slowed = waiting
			level.Warn(p.Logger).Log("msg", "the rate limit lets no page through", "reason", s.WaitReason,
				"until", s.WaitUntil.UTC().Format(time.RFC3339), "last_page", last.UTC().Format(time.RFC3339))
		}
	}
}

func (p *Poller) receiver() string {
	if p.Receiver == nil {
		return ""
	}
	return p.Receiver()
}
