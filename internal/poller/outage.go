package poller

import (
	"fmt"
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
// its end, and nothing in between. It goes on over a reload, which is a change: what fails
// under the new configuration is logged again.
type outage struct {
	attempts int // failed fetches so far; 0: no outage
	since    time.Time
	kind     string
}

// failed notes one more failure and returns how many there were. remedy may be "".
func (o *outage) failed(logger log.Logger, class oktaapi.Class, err error, remedy string) int {
	if o.attempts == 0 {
		o.since = time.Now()
	}
	o.attempts++
	kind := kindOf(class, err)
	if kind == o.kind {
		level.Debug(logger).Log("msg", "still no page from Okta", "attempts", o.attempts, "err", err)
		return o.attempts
	}
	o.kind = kind
	line := []any{"msg", message(class, err), "err", err}
	if remedy != "" {
		line = append(line, "remedy", remedy)
	}
	level.Warn(logger).Log(line...)
	return o.attempts
}

func message(class oktaapi.Class, err error) string {
	e, ok := AsError(err)
	switch {
	case ok && e.Foreign:
		return "something between us and Okta answers, retrying"
	case class != oktaapi.Refused:
		return "lost contact with Okta, retrying"
	case ok && e.Status == 0: // no request went out
		return "no credentials for Okta, retrying slowly until that changes"
	}
	return "Okta refuses the request, retrying slowly until that changes"
}

// over notes a success.
func (o *outage) over(logger log.Logger) {
	if o.attempts > 0 {
		level.Info(logger).Log("msg", "connection to Okta recovered", "attempts", o.attempts, "after",
			time.Since(o.since).Round(time.Millisecond))
	}
	o.attempts, o.kind = 0, ""
}

// kindOf is what must change for a failure to be logged again: going from a network
// failure to a refusal is news, one connection error after another is not.
func kindOf(class oktaapi.Class, err error) string {
	e, ok := AsError(err)
	switch {
	case !ok:
		return class.String()
	case class == oktaapi.Refused:
		return fmt.Sprint(class, e.Status, e.Code)
	}
	return fmt.Sprint(class, e.Foreign)
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
