package okta

import (
	"errors"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
)

// debugInfo is what the UI shows of one org. Nothing in it is secret. Its fields are described in docs/loki.source.okta.md.
type debugInfo struct {
	Org        string `alloy:"org,attr"`
	AuthMethod string `alloy:"auth_method,attr"`
	State      string `alloy:"state,attr"`

	LastPoll  time.Time `alloy:"last_poll,attr,optional"`
	LastEvent time.Time `alloy:"last_event,attr,optional"`
	Lag       string    `alloy:"lag,attr"`
	ClockSkew string    `alloy:"clock_skew,attr,optional"` // "": no page yet

	EventsForwarded uint64 `alloy:"events_forwarded,attr"`
	PagesForwarded  uint64 `alloy:"pages_forwarded,attr"`
	CheckpointAge   string `alloy:"checkpoint_age,attr,optional"`
	CheckpointError string `alloy:"checkpoint_error,attr,optional"`

	FailingSince       time.Time `alloy:"failing_since,attr,optional"`
	LastError          string    `alloy:"last_error,attr,optional"`
	LastErrorTime      time.Time `alloy:"last_error_time,attr,optional"`
	LastErrorRequestID string    `alloy:"last_error_request_id,attr,optional"`

	Budget budgetInfo  `alloy:"rate_limit,block"`
	Replay *replayInfo `alloy:"replay,block,optional"`
	More   orgMore     `alloy:",squash"`
	Whole  infoMore    `alloy:",squash"`
}

// budgetInfo is the org's limit of requests a minute, and what is left of it.
type budgetInfo struct {
	Limit     int       `alloy:"limit,attr,optional"`     // 0: Okta has not told yet
	Remaining *int      `alloy:"remaining,attr,optional"` // nil: Okta has not told yet
	Reset     time.Time `alloy:"reset,attr,optional"`
	Used      int       `alloy:"used_last_minute,attr"`
	Share     float64   `alloy:"share,attr"`
	Waited    string    `alloy:"waited,attr"`
}

// replayInfo is how far a replay has come.
type replayInfo struct {
	Events uint64    `alloy:"events,attr"`
	Until  time.Time `alloy:"until,attr,optional"` // zero: done
}

// notCollected is the state of an org whose entry cannot be used.
const notCollected = "not collected"

// DebugInfo implements component.DebugComponent. It only reads snapshots and never waits for a poller.
func (c *Component) DebugInfo() any {
	now, args, members := time.Now(), c.arguments(), c.current()
	if args.single() && len(members) == 1 {
		info := members[0].debugInfo(now)
		info.Whole = c.infoMore(args, members)
		return info
	}
	return c.infoOfAll(c.infoMore(args, members), members, now)
}

// state says in a few words what is done about the org, here or on another node.
func (k *collector) state(s poller.Snapshot, now time.Time) string {
	if v := k.live.elsewhere(now); v.is != fine {
		return v.state
	}
	return stateOf(s, now)
}

func (k *collector) debugInfo(now time.Time) debugInfo {
	p, s := k.plan.Load(), k.live.snapshot()
	b := p.budget().Status()
	info := debugInfo{
		Org:             p.org.String(),
		AuthMethod:      p.auth.Method(),
		State:           k.state(s, now),
		LastPoll:        s.LastPoll,
		LastEvent:       s.LastEvent,
		Lag:             s.Lag(now).Round(time.Second).String(),
		EventsForwarded: s.Events,
		PagesForwarded:  s.Pages,
		CheckpointError: text(s.Wrong[poller.Checkpoint].Err),
		FailingSince:    s.Wrong[poller.Okta].Since,
		LastError:       text(s.LastErr),
		LastErrorTime:   s.LastErrAt,
		Budget: budgetInfo{Limit: b.Limit, Reset: b.Reset, Used: b.Used,
			Share: p.args.RateLimitShare, Waited: s.WaitedFor(now).Round(time.Second).String()},
	}
	if b.Known {
		info.Budget.Remaining = &b.Remaining
	}
	if !s.LastPoll.IsZero() {
		info.ClockSkew = s.ClockSkew.Round(time.Second).String()
	}
	if !s.CheckpointSaved.IsZero() {
		info.CheckpointAge = now.Sub(s.CheckpointSaved).Round(time.Second).String()
	}
	if e, ok := errors.AsType[*oktaapi.Error](s.LastErr); ok {
		info.LastErrorRequestID = e.RequestID
	}
	if s.Replayed > 0 || !s.ReplayTo.IsZero() {
		info.Replay = &replayInfo{Events: s.Replayed, Until: s.ReplayTo}
	}
	info.More = p.more(s, now)
	return info
}

// text is "" without an error.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
