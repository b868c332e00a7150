package poller

import (
	"math/rand/v2"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// outage is a run of failed fetches. It logs its beginning, a change of its kind, and
// its end, and nothing in between.
type outage struct {
	logger   log.Logger
	attempts int // failed fetches so far; 0: no outage
	since    time.Time
	kind     string
}

// failed notes one more failure and returns how many there were.
func (o *outage) failed(class oktaapi.Class, err error) int {
	if o.attempts == 0 {
		o.since = time.Now()
	}
	o.attempts++
	if kind := kindOf(class, err); kind != o.kind {
		o.kind = kind
		msg := "lost contact with Okta, retrying"
		if class == oktaapi.Refused {
			msg = "Okta refuses the request, retrying slowly until that changes"
		}
		level.Warn(o.logger).Log("msg", msg, "err", err)
	} else {
		level.Debug(o.logger).Log("msg", "still no page from Okta", "attempts", o.attempts, "err", err)
	}
	return o.attempts
}

// over notes a success.
func (o *outage) over() {
	if o.attempts > 0 {
		level.Info(o.logger).Log("msg", "connection to Okta recovered", "attempts", o.attempts, "after", time.Since(o.since).Round(time.Millisecond))
	}
	o.attempts, o.kind = 0, ""
}

// kindOf is what must change for a failure to be logged again: going from a network
// failure to a refusal is news, one connection error after another is not.
func kindOf(class oktaapi.Class, err error) string {
	kind := class.String()
	if e, ok := AsError(err); ok && class == oktaapi.Refused {
		kind += e.Code
	}
	return kind
}

// backoff is the wait after the n-th transient failure in a row, from 1: 1s doubling
// to a minute, of which the last half is random so that pollers do not march in step.
func backoff(n int) time.Duration {
	d := min(firstBackoff<<min(n-1, 10), maxBackoff)
	return d/2 + rand.N(d/2+1)
}

// refusedDelay is the wait after a refusal that needs an operator: 30 to 60
// seconds, so that a fixed token works within a minute and a wrong one costs little.
func refusedDelay() time.Duration {
	return 30*time.Second + rand.N(30*time.Second+1)
}
