package okta

import (
	"time"

	"github.com/grafana/alloy/okta/internal/okta"
	"github.com/grafana/alloy/okta/internal/poller"
)

// blockedAfter is how long a receiver may take an entry before it is called blocked.
const blockedAfter = 5 * time.Second

// debugInfo is what the UI shows. Nothing in it is secret.
type debugInfo struct {
	Org        string `alloy:"org,attr"`
	AuthMethod string `alloy:"auth_method,attr"`
	State      string `alloy:"state,attr"`

	LastPoll  time.Time `alloy:"last_poll,attr,optional"`
	LastEvent time.Time `alloy:"last_event,attr,optional"`
	Lag       string    `alloy:"lag,attr"`

	EventsForwarded int    `alloy:"events_forwarded,attr"`
	EventsReplayed  int    `alloy:"events_replayed,attr"`
	PagesForwarded  int    `alloy:"pages_forwarded,attr"`
	CheckpointAge   string `alloy:"checkpoint_age,attr,optional"`
	CheckpointError string `alloy:"checkpoint_error,attr,optional"`

	LastError          string    `alloy:"last_error,attr,optional"`
	LastErrorRequestID string    `alloy:"last_error_request_id,attr,optional"`
	FailingSince       time.Time `alloy:"failing_since,attr,optional"`

	Budget    budgetInfo     `alloy:"rate_limit,block"`
	Reconcile *reconcileInfo `alloy:"reconcile,block,optional"`
}

type budgetInfo struct {
	Limit     int       `alloy:"limit,attr"`
	Remaining int       `alloy:"remaining,attr"`
	Reset     time.Time `alloy:"reset,attr,optional"`
	Used      int       `alloy:"used_last_minute,attr"`
	Share     float64   `alloy:"share,attr"`
}

type reconcileInfo struct {
	Selector          string    `alloy:"selector,attr"`
	Unconfirmed       int       `alloy:"unconfirmed_events,attr"`
	OldestUnconfirmed time.Time `alloy:"oldest_unconfirmed,attr,optional"`
	Skipped           int       `alloy:"skipped_events,attr"`
	Resent            int       `alloy:"resent_events,attr"`
	Error             string    `alloy:"error,attr,optional"`
}

// DebugInfo implements component.DebugComponent. It only reads snapshots and never
// waits for the poller.
func (c *Component) DebugInfo() any {
	j, s, now := c.current(), c.status.Snapshot(), time.Now()
	b := j.budget().Status()
	info := debugInfo{
		Org:             j.org.String(),
		AuthMethod:      j.auth.Method(),
		State:           stateOf(s, now),
		LastPoll:        s.LastPoll,
		LastEvent:       s.LastEvent,
		Lag:             s.Lag(now).Round(time.Millisecond).String(),
		EventsForwarded: int(s.Events),
		EventsReplayed:  int(s.Replayed),
		PagesForwarded:  int(s.Pages),
		Budget:          budgetInfo{Limit: b.Limit, Remaining: b.Remaining, Reset: b.Reset, Used: b.Used, Share: j.args.RateLimitShare},
	}
	if !s.CheckpointSaved.IsZero() {
		info.CheckpointAge = now.Sub(s.CheckpointSaved).Round(time.Second).String()
	}
	if s.CheckpointErr != nil {
		info.CheckpointError = s.CheckpointErr.Error()
	}
	if s.Err != nil {
		info.LastError, info.FailingSince = s.Err.Error(), s.ErrSince
		if e, ok := poller.AsError(s.Err); ok {
			info.LastErrorRequestID = e.RequestID
		}
	}
	if j.confirm != nil {
		r := &reconcileInfo{Selector: j.confirm.Selector(), Unconfirmed: s.Unconfirmed, OldestUnconfirmed: s.UnconfirmedSince,
			Skipped: int(s.Skipped), Resent: int(s.Resent)}
		if s.ConfirmErr != nil {
			r.Error = s.ConfirmErr.Error()
		}
		info.Reconcile = r
	}
	return info
}

// stateOf says in a few words what the poller is doing.
func stateOf(s poller.Snapshot, now time.Time) string {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case !s.SendingSince.IsZero() && now.Sub(s.SendingSince) >= blockedAfter:
		return "receiver blocked since " + at(s.SendingSince)
	case !s.WaitUntil.IsZero():
		return "waiting for budget until " + at(s.WaitUntil) + ": " + s.WaitReason
	case s.Err != nil && s.ErrClass == okta.Refused:
		return "refused since " + at(s.ErrSince)
	case s.Err != nil:
		return "retrying since " + at(s.ErrSince)
	case s.LastPoll.IsZero():
		return "starting"
	case !s.ReplayTo.IsZero():
		return "replaying"
	case s.CatchingUp:
		return "catching up"
	default:
		return "polling"
	}
}
