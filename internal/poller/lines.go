package poller

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	// blockedTold is how long a receiver may take an entry before it is worth a line in the log.
	blockedTold = time.Minute
	// fullAfter is how long the window may be full.
	fullAfter = time.Minute
)

// reload is what a reload does to a trouble.
type reload uint8

const (
	isForgotten reload = iota // it ends: what goes wrong under the new configuration is another trouble
	isNews                    // it goes on, and is logged once more
	isNothing                 // it goes on: it does not depend on the configuration
)

// line is what the log is told of a part: when a trouble begins, when it becomes one of another kind, and when it ends.
type line struct {
	level   func(log.Logger) log.Logger
	begin   func(t Trouble) string                             // "": nothing
	after   func(t Trouble, polls time.Duration) time.Duration // how long it lasts before it is told; nil: it is told at once
	still   string                                             // at debug level, each time
	end     func(was Trouble) string                           // nil: nothing
	anyKind bool                                               // another kind is no news
	reload  reload
	shared  bool // told once for all orgs of a component, see [Troubles]
	failure bool // its end is a recovery, for health
	remedy  bool // an error of Source's Fetch, so there may be a remedy
}

func say(msg string) func(Trouble) string { return func(Trouble) string { return msg } }

// ofKind says one thing of a kind of trouble, and another of the rest.
func ofKind(kind string, those, others func(Trouble) string) func(Trouble) string {
	return func(t Trouble) string {
		if t.Kind == kind {
			return those(t)
		}
		return others(t)
	}
}

// lines has the lines of each part.
var lines = [parts]line{
	Okta: {
		level: level.Warn, begin: noPageLine, still: "still no page from Okta", reload: isNews, failure: true, remedy: true,
		end: say("connection to Okta recovered"),
	},
	Cursor: {
		level: level.Warn, begin: say("Okta refused the saved cursor, continuing from the last event's time"), reload: isNews,
		still: "Okta refused a cursor it had just issued",
	},
	Checkpoint: {
		level: level.Error, reload: isNews, failure: true,
		begin: ofKind(Unread, say("the checkpoint cannot be read, waiting until it can"),
			say("the checkpoint cannot be written; a restart will repeat events")),
		end: ofKind(Unread, say("the checkpoint can be read again"), say("the checkpoint is written again")),
	},
	Queries: {
		level: level.Warn, begin: say("reconcile query failed, retrying; the cursor does not move"), shared: true, failure: true,
		end: say("reconcile queries succeed again"),
	},
	Arrival: {level: level.Error, begin: say("deliveries cannot be confirmed"), shared: true, failure: true},
	Hold: {
		level: level.Warn, begin: say("nothing newer is delivered until Loki has what was"), after: holdAfter,
		end: say("delivery continues"), anyKind: true, shared: true,
	},
	Rewind: {
		level: level.Warn, begin: say("lost events cannot be fetched again, retrying"), after: pollsLater, failure: true, remedy: true,
		still: "still no page of lost events", end: say("lost events can be fetched again"),
	},
	Receiver: {
		level: level.Warn, begin: say("a receiver takes no entries, so nothing more is fetched"),
		after: func(Trouble, time.Duration) time.Duration { return blockedTold }, end: say("the receiver takes entries again"),
	},
	Budget: {
		level: level.Warn, begin: say("the rate limit lets no page through"), after: pollsLater,
		end: say("the rate limit lets pages through again"),
	},
	Links: {level: level.Warn, begin: say("a page names no usable next link"), anyKind: true, reload: isNews},
	Stuck: {level: level.Error, begin: say("the log cannot be read further"), anyKind: true, reload: isNews, failure: true},
	Clock: {
		level: level.Warn, begin: say("our clock and Okta's differ by more than a minute; synchronize this machine's clock (NTP)"),
		end: say("our clock and Okta's agree again"), reload: isNothing,
	},
	Roles: {
		level: level.Warn, reload: isNews, failure: true, end: say("roles are known again"),
		begin: ofKind(GroupRoles, say("members of groups with roles are not known"),
			say("roles cannot be refreshed; events go on, with what is known or without")),
	},
	Actors: {
		level: level.Warn, reload: isNews, failure: true, end: say("profiles and named groups are known again"),
		begin: ofKind(GroupMembers, say("who is in the named groups is not known"),
			say("profiles cannot be read; events go on, with what is known or without")),
	},
	Delivery: {level: level.Error, begin: say("delivery failed"), failure: true, end: say("deliveries succeed again")},
}

// refusedCursor is the kind of a trouble with Okta of which only [Cursor] has a line.
const refusedCursor = "refused cursor"

func noPageLine(t Trouble) string {
	e, ok := errors.AsType[*oktaapi.Error](t.Err)
	switch {
	case t.Kind == refusedCursor:
		return ""
	case ok && e.Foreign:
		return "something between us and Okta answers, retrying"
	case !t.Refused:
		return "lost contact with Okta, retrying"
	case ok && e.Status == 0: // no request went out
		return "no credentials for Okta, retrying slowly until that changes"
	}
	return "Okta refuses the request, retrying slowly until that changes"
}

// kindOf is what must change for a failure to be logged again: going from a network
// failure to a refusal is news, one connection error after another is not.
func kindOf(err error) string {
	class := oktaapi.ClassOf(err)
	e, ok := errors.AsType[*oktaapi.Error](err)
	switch {
	case class == oktaapi.CursorRefused:
		return refusedCursor
	case !ok:
		return class.String()
	case class == oktaapi.Refused:
		return fmt.Sprint(class, e.Status, e.Code)
	}
	return fmt.Sprint(class, e.Foreign)
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func holdAfter(t Trouble, _ time.Duration) time.Duration {
	if t.Kind == string(delivery.Full) {
		return fullAfter
	}
	return 0
}

func pollsLater(_ Trouble, polls time.Duration) time.Duration { return polls }
