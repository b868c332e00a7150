package okta

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// polling is the state, and the health message, of a component with nothing to report.
const polling = "polling"

// condition is something that may be true of a poller.
type condition struct {
	holds     bool
	state     string // a few words for the debug information; "": it says nothing about what the poller does
	unhealthy bool
	reads     bool   // unhealthy, and events are delivered all the same
	waits     bool   // unhealthy, and nothing is read before Loki answers
	elsewhere bool   // this process does not read the org
	unread    bool   // elsewhere, and no other one does
	message   string // for health; "": it is of no concern to health
	since     time.Time
}

// conditions is the one table behind health and state, most important first: each shows the first condition that holds and has
// something to say to it.
func conditions(s poller.Snapshot, method string, interval time.Duration, now time.Time) []condition {
	grace := max(outageGrace, 3*interval)
	refused := s.Err != nil && s.ErrClass == oktaapi.Refused
	sending := now.Sub(s.SendingSince)
	blocked := !s.SendingSince.IsZero() && sending >= blockedAfter
	blockedState := strings.Join(strings.Fields("receiver "+s.Receiver+" blocked since "+clock(s.SendingSince)), " ")
	waiting := fmt.Sprintf("waiting for budget until %s: %s", clock(s.WaitUntil), s.WaitReason)
	holding := fmt.Sprintf("waiting for Loki since %s: %s", clock(s.HoldSince), s.Hold)
	all := []condition{
		{holds: blocked, state: blockedState},
		{holds: refused, state: "refused since " + clock(s.ErrSince), unhealthy: true, message: refusal(method, s.Err), since: s.ErrSince},
		{holds: !s.WaitUntil.IsZero(), state: waiting},
		{
			holds: s.Err != nil && atOnce(s.Err), unhealthy: true, since: s.ErrSince,
			message: noPage(method, s.Err),
		},
		{
			holds: s.Err != nil && now.Sub(s.ErrSince) >= grace, unhealthy: true, since: s.ErrSince.Add(grace),
			message: fmt.Sprintf("no page from Okta since %s, check url, network, proxy and Okta's status page: %v", clock(s.ErrSince), s.Err),
		},
	}
	all = append(all, failures(s, grace, now)...)
	return append(all,
		condition{
			holds: s.Err != nil, state: "retrying since " + clock(s.ErrSince), since: s.ErrSince,
			message: fmt.Sprintf("retrying, no page from Okta since %s: %v", clock(s.ErrSince), s.Err),
		},
		condition{
			holds: blocked && sending >= grace, unhealthy: true, since: s.SendingSince.Add(grace),
			message: blockedState + "; nothing more is fetched until it takes entries",
		},
		condition{holds: blocked, message: blockedState, since: s.SendingSince.Add(blockedAfter)},
		condition{holds: !s.WaitUntil.IsZero(), message: waiting, since: s.WaitSince},
		condition{holds: s.Hold != "", state: holding, message: holding, since: s.HoldSince},
		condition{holds: s.LastPoll.IsZero(), state: "starting", message: "starting", since: s.Started},
		condition{holds: !s.ReplayTo.IsZero(), state: "replaying events up to " + clock(s.ReplayTo)},
		condition{holds: s.CatchingUp, state: "catching up"},
	)
}

// failures are those of other parts than the connection to Okta.
func failures(s poller.Snapshot, grace time.Duration, now time.Time) []condition {
	unread := s.CheckpointErr != nil && s.LastPoll.IsZero() && s.CheckpointSaved.IsZero()
	stuck := ""
	if s.Stuck != nil {
		stuck = s.Stuck.Error()
	}
	asking, because := fmt.Sprintf("waiting since %s for Loki to say what it has", clock(s.Asking)), ""
	if s.ConfirmErr != nil {
		because = ": " + s.ConfirmErr.Error()
	}
	return []condition{
		{holds: stuck != "", state: "stuck: " + stuck, unhealthy: true, message: stuck, since: s.LastPoll},
		{
			holds: unread, unhealthy: true, since: s.CheckpointFailing,
			message: fmt.Sprintf("the checkpoint cannot be read, and reading does not start over; fix the storage path: %v", s.CheckpointErr),
		},
		{
			holds: s.CheckpointErr != nil, unhealthy: true, reads: true, since: s.CheckpointFailing,
			message: fmt.Sprintf("the checkpoint cannot be written, so a restart will repeat events; free or fix the storage path: %v",
				s.CheckpointErr),
		},
		{
			holds:     errors.Is(s.ConfirmErr, poller.ErrNothingArrives) || errors.Is(s.ConfirmErr, reconcile.ErrRefused),
			unhealthy: true, reads: true, message: fmt.Sprint(s.ConfirmErr), since: s.ConfirmFailing,
		},
		{
			holds: !s.Asking.IsZero() && now.Sub(s.Asking) >= askingGrace, unhealthy: true, waits: true, since: s.Asking.Add(askingGrace),
			state: asking + because, message: asking + "; nothing is read before that. check reconcile's url and Loki" + because,
		},
		{holds: !s.Asking.IsZero(), state: asking + because},
		{
			holds: s.ConfirmErr != nil && now.Sub(s.ConfirmFailing) >= grace, unhealthy: true, reads: true, since: s.ConfirmFailing.Add(grace),
			message: fmt.Sprintf("reconcile queries have failed since %s, the cursor does not move; check reconcile's url and Loki: %v",
				clock(s.ConfirmFailing), s.ConfirmErr),
		},
	}
}

// stateOf says in a few words what the poller is doing.
func stateOf(s poller.Snapshot, now time.Time) string {
	for _, c := range conditions(s, "", 0, now) {
		if c.holds && c.state != "" {
			return c.state
		}
	}
	return polling
}
