package systemlog

import (
	"time"

	"github.com/grafana/alloy/okta/internal/poller"
)

// Status is how reading goes at one moment.
type Status struct {
	LastPoll  time.Time     // last page from Okta, empty ones too; zero: none yet
	LastEvent time.Time     // latest time of an event that was delivered; zero: none yet
	Lag       time.Duration // since all that Okta had was delivered: up to PollInterval when all is well. It grows while anything holds it up
	Events    uint64        // delivered
	Wrong     []Problem     // empty: nothing is wrong
}

// Problem is something wrong, from when the log has it until it is over: what may pass, such as a Deliver that takes its time, is none.
type Problem struct {
	// Part is what it is about: "okta" gives no page, the "cursor" was refused, the "checkpoint" in Dir cannot be read or written, "deliver"
	// fails or blocks, the "rate limit" lets no page through, the "links" between pages or the "log" cannot be followed, or the "clock"
	// differs from Okta's.
	Part    string
	Message string // as in the log
	Since   time.Time
	Err     error // the last one; nil: there is none, as when Deliver blocks
	Refused bool  // it needs somebody, such as a token that was revoked; false: it may pass by itself
}

// names are the parts of a poller that a reader has. The others are those of options.
var names = map[poller.Part]string{
	poller.Okta: "okta", poller.Cursor: "cursor", poller.Checkpoint: "checkpoint", poller.Receiver: "deliver", poller.Delivery: "deliver",
	poller.Budget: "rate limit", poller.Links: "links", poller.Stuck: "log", poller.Clock: "clock",
}

// Status is how reading goes, and after Run, how it went.
func (r *Reader) Status() Status {
	s := r.status.Snapshot()
	status := Status{LastPoll: s.LastPoll, LastEvent: s.LastEvent, Lag: s.Lag(time.Now()), Events: s.Events}
	for i, t := range s.Wrong {
		part := poller.Part(i)
		if msg := s.Message(part); msg != "" {
			status.Wrong = append(status.Wrong, Problem{Part: names[part], Message: msg, Since: t.Since, Err: t.Err, Refused: t.Refused})
		}
	}
	return status
}
