package okta

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/poller"
)

// polling is the state, and the health message, of a component with nothing to report.
const polling = "polling"

const (
	// outageGrace is how long Okta or Loki may be out of reach before that counts as unhealthy, at least; three poll intervals if that is
	// longer.
	outageGrace = 5 * time.Minute
	// askingGrace is how long nothing may be read because Loki does not say what it has, before that counts as unhealthy.
	askingGrace = time.Minute
	// blockedAfter is how long a receiver may take an entry before it is called blocked.
	blockedAfter = 5 * time.Second
)

// condition is what is said of an org, or of a range of its log. The zero value says nothing.
type condition struct {
	is      standing
	state   string // a few words for the debug information
	message string // for health: one sentence with cause and remedy
	since   time.Time
}

func (v condition) unhealthy() bool { return v.is >= troubled }

// standing is how an org, or a range of its log, is doing.
type standing int

const (
	fine      standing = iota
	elsewhere          // another process reads it, or will
	unread             // none does
	troubled           // unhealthy, and events are delivered all the same
	waiting            // unhealthy, and nothing is read before Loki answers
	missing            // unhealthy, and nothing is delivered
)

// view is a reading as the table sees it.
type view struct {
	poller.Snapshot
	method string // of authorization
	now    time.Time
	grace  time.Duration // how long a transient error may last before health is unhealthy
}

// row is what health and state say while something is wrong with a part of a reading, or worth mentioning. In its texts {since} is when
// that began, {err} the error, {kind} its kind; {receiver}, {until} and {reason} are of the entry that is sent and of the wait for the
// budget.
type row struct {
	about   func(v view) (t poller.Trouble, holds bool)
	after   time.Duration // how long it lasts before it is said
	lasting bool          // it is said when the grace is over
	is      standing
	state   string // "": it says nothing of what the poller does
	message string // "": health says nothing of it
}

// itself is a message that is the error.
const itself = "{err}"

// table is all that health and state say of a reading, most important first. Each of the two takes the first row that holds and has a text
// for it.
var table = []row{
	{about: part(poller.Receiver), after: blockedAfter, state: "receiver{receiver} blocked since {since}"},
	{about: okta(isRefused, refusal), state: "refused since {since}", is: missing, message: itself},
	{about: budget, state: "waiting for budget until {until}: {reason}"},
	{about: okta(atOnce, noPage), is: missing, message: itself},
	{
		about: part(poller.Okta), lasting: true, is: missing,
		message: "no page from Okta since {since}, check url, network, proxy and Okta's status page: {err}",
	},
	{about: part(poller.Stuck), is: missing, state: "stuck: {err}", message: itself},
	{
		about: unreadable, is: missing,
		message: "the checkpoint cannot be read, and reading does not start over; fix the storage path: {err}",
	},
	{
		about: part(poller.Checkpoint), is: troubled,
		message: "the checkpoint cannot be written, so a restart will repeat events; free or fix the storage path: {err}",
	},
	{about: unfindable, is: troubled, message: itself},
	{
		about: asking, after: askingGrace, is: waiting,
		message: "waiting since {since} for Loki to say what it has; nothing is read before that. check reconcile's url and Loki{err}",
	},
	{about: asking, state: "waiting since {since} for Loki to say what it has{err}"},
	{
		about: unconfirmable, lasting: true, is: troubled,
		message: "reconcile queries have failed since {since}, the cursor does not move; check reconcile's url and Loki: {err}",
	},
	{
		about: part(poller.Rewind), lasting: true, is: troubled,
		message: "events that Loki lacks cannot be fetched again since {since}, the cursor does not move: {err}",
	},
	{
		about: part(poller.Okta), state: "retrying since {since}",
		message: "retrying, no page from Okta since {since}: {err}",
	},
	{
		about: part(poller.Receiver), lasting: true, is: missing,
		message: "receiver{receiver} blocked since {since}; nothing more is fetched until it takes entries",
	},
	{about: part(poller.Receiver), after: blockedAfter, message: "receiver{receiver} blocked since {since}"},
	{about: budget, message: "waiting for budget until {until}: {reason}"},
	{about: part(poller.Hold), state: "waiting for Loki since {since}: {kind}", message: "waiting for Loki since {since}: {kind}"},
	{about: unpolled, state: "starting", message: "starting"},
	{about: replay, state: "replaying events up to {since}"},
	{about: func(v view) (t poller.Trouble, holds bool) { return t, v.CatchingUp }, state: "catching up"},
}

func part(p poller.Part) func(view) (poller.Trouble, bool) {
	return func(v view) (poller.Trouble, bool) { return v.Wrong[p], v.Wrong[p].Lasts() }
}

// okta is a trouble with Okta of one kind; its text says what to do about it.
func okta(is func(poller.Trouble) bool, says func(method string, err error) string) func(view) (poller.Trouble, bool) {
	return func(v view) (poller.Trouble, bool) {
		t := v.Wrong[poller.Okta]
		if !t.Lasts() || !is(t) {
			return t, false
		}
		t.Err = errors.New(says(v.method, t.Err))
		return t, true
	}
}

func isRefused(t poller.Trouble) bool { return t.Refused }

func budget(v view) (poller.Trouble, bool) {
	return poller.Trouble{Since: v.Wait.Since}, !v.Wait.Until.IsZero()
}

func unreadable(v view) (poller.Trouble, bool) {
	return v.Wrong[poller.Checkpoint], v.Wrong[poller.Checkpoint].Kind == poller.Unread
}

func unconfirmable(v view) (poller.Trouble, bool) {
	return v.Unconfirmable(), v.Unconfirmable().Lasts()
}

// unfindable is what of that does not pass by itself.
func unfindable(v view) (poller.Trouble, bool) {
	t := v.Unconfirmable()
	return t, errors.Is(t.Err, poller.ErrNothingArrives) || t.Refused
}

func asking(v view) (poller.Trouble, bool) {
	t := poller.Trouble{Since: v.Asking, Err: errors.New("")}
	if why, fails := unconfirmable(v); fails {
		t.Err = fmt.Errorf(": %w", why.Err)
	}
	return t, !v.Asking.IsZero()
}

func unpolled(v view) (poller.Trouble, bool) {
	return poller.Trouble{Since: v.Started}, v.LastPoll.IsZero()
}

func replay(v view) (poller.Trouble, bool) {
	return poller.Trouble{Since: v.ReplayTo}, !v.ReplayTo.IsZero()
}

// first is the first row that holds and has a text.
func (v view) first(text func(row) string) (row, poller.Trouble, bool) {
	for _, r := range table {
		if text(r) == "" {
			continue
		}
		if r.lasting {
			r.after = v.grace
		}
		if t, holds := r.about(v); holds && (r.after == 0 || v.now.Sub(t.Since) >= r.after) {
			return r, t, true
		}
	}
	return row{}, poller.Trouble{}, false
}

func (v view) fill(text string, t poller.Trouble) string {
	return strings.NewReplacer("{since}", clock(t.Since), "{kind}", t.Kind, itself, fmt.Sprint(t.Err), "{until}", clock(v.Wait.Until),
		"{reason}", v.Wait.Reason, "{receiver}", strings.TrimRight(" "+v.Receiver, " ")).Replace(text)
}

// verdict judges a reading. The time of the condition is when it became true, not the time of this call.
func verdict(s poller.Snapshot, method string, interval time.Duration, now time.Time) condition {
	v := view{Snapshot: s, method: method, now: now, grace: max(outageGrace, 3*interval)}
	r, t, ok := v.first(func(r row) string { return r.message })
	if !ok {
		return condition{message: polling, since: delivery.Latest(s.Started, s.Recovered)}
	}
	return condition{message: v.fill(r.message, t), since: t.Since.Add(r.after), is: r.is}
}

// stateOf says in a few words what the poller is doing.
func stateOf(s poller.Snapshot, now time.Time) string {
	v := view{Snapshot: s, now: now}
	r, t, ok := v.first(func(r row) string { return r.state })
	if !ok {
		return polling
	}
	return v.fill(r.state, t)
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
