package okta

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/poller"
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
	okta, receiver, hold := s.Wrong[poller.Okta], s.Wrong[poller.Receiver], s.Wrong[poller.Hold]
	sending := now.Sub(receiver.Since)
	blocked := receiver.Lasts() && sending >= blockedAfter
	blockedState := strings.Join(strings.Fields("receiver "+s.Receiver+" blocked since "+clock(receiver.Since)), " ")
	waiting := fmt.Sprintf("waiting for budget until %s: %s", clock(s.WaitUntil), s.WaitReason)
	holding := fmt.Sprintf("waiting for Loki since %s: %s", clock(hold.Since), hold.Kind)
	all := []condition{
		{holds: blocked, state: blockedState},
		{
			holds: okta.Refused, state: "refused since " + clock(okta.Since), unhealthy: true, since: okta.Since,
			message: refusal(method, okta.Err),
		},
		{holds: !s.WaitUntil.IsZero(), state: waiting},
		{holds: okta.Lasts() && atOnce(okta.Err), unhealthy: true, since: okta.Since, message: noPage(method, okta.Err)},
		{
			holds: okta.Lasts() && now.Sub(okta.Since) >= grace, unhealthy: true, since: okta.Since.Add(grace),
			message: fmt.Sprintf("no page from Okta since %s, check url, network, proxy and Okta's status page: %v", clock(okta.Since), okta.Err),
		},
	}
	all = append(all, failures(s, grace, now)...)
	return append(all,
		condition{
			holds: okta.Lasts(), state: "retrying since " + clock(okta.Since), since: okta.Since,
			message: fmt.Sprintf("retrying, no page from Okta since %s: %v", clock(okta.Since), okta.Err),
		},
		condition{
			holds: blocked && sending >= grace, unhealthy: true, since: receiver.Since.Add(grace),
			message: blockedState + "; nothing more is fetched until it takes entries",
		},
		condition{holds: blocked, message: blockedState, since: receiver.Since.Add(blockedAfter)},
		condition{holds: !s.WaitUntil.IsZero(), message: waiting, since: s.WaitSince},
		condition{holds: hold.Lasts(), state: holding, message: holding, since: hold.Since},
		condition{holds: s.LastPoll.IsZero(), state: "starting", message: "starting", since: s.Started},
		condition{holds: !s.ReplayTo.IsZero(), state: "replaying events up to " + clock(s.ReplayTo)},
		condition{holds: s.CatchingUp, state: "catching up"},
	)
}

// failures are those of other parts than the connection to Okta.
func failures(s poller.Snapshot, grace time.Duration, now time.Time) []condition {
	stuck, checkpoint, unconfirmable := s.Wrong[poller.Stuck], s.Wrong[poller.Checkpoint], s.Unconfirmable()
	asking, because := fmt.Sprintf("waiting since %s for Loki to say what it has", clock(s.Asking)), ""
	if unconfirmable.Lasts() {
		because = fmt.Sprintf(": %v", unconfirmable.Err)
	}
	return []condition{
		{
			holds: stuck.Lasts(), state: fmt.Sprintf("stuck: %v", stuck.Err), unhealthy: true, message: fmt.Sprint(stuck.Err),
			since: s.LastPoll,
		},
		{
			holds: checkpoint.Kind == poller.Unread, unhealthy: true, since: checkpoint.Since,
			message: fmt.Sprintf("the checkpoint cannot be read, and reading does not start over; fix the storage path: %v", checkpoint.Err),
		},
		{
			holds: checkpoint.Lasts(), unhealthy: true, reads: true, since: checkpoint.Since,
			message: fmt.Sprintf("the checkpoint cannot be written, so a restart will repeat events; free or fix the storage path: %v",
				checkpoint.Err),
		},
		{
			holds:     errors.Is(unconfirmable.Err, poller.ErrNothingArrives) || unconfirmable.Refused,
			unhealthy: true, reads: true, message: fmt.Sprint(unconfirmable.Err), since: unconfirmable.Since,
		},
		{
			holds: !s.Asking.IsZero() && now.Sub(s.Asking) >= askingGrace, unhealthy: true, waits: true, since: s.Asking.Add(askingGrace),
			state: asking + because, message: asking + "; nothing is read before that. check reconcile's url and Loki" + because,
		},
		{holds: !s.Asking.IsZero(), state: asking + because},
		{
			holds: unconfirmable.Lasts() && now.Sub(unconfirmable.Since) >= grace, unhealthy: true, reads: true,
			since: unconfirmable.Since.Add(grace),
			message: fmt.Sprintf("reconcile queries have failed since %s, the cursor does not move; check reconcile's url and Loki: %v",
				clock(unconfirmable.Since), unconfirmable.Err),
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
