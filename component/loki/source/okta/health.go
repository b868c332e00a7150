package okta

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// outageGrace is how long Okta or Loki may be out of reach before that counts as
// unhealthy, at least; three poll intervals if that is longer.
const outageGrace = 5 * time.Minute

// CurrentHealth implements component.HealthComponent. What needs an operator is
// unhealthy at once, what may pass by itself only when it lasts. Waiting for the rate limit
// is healthy, and so is a receiver that blocks for less than that; the message says so.
func (c *Component) CurrentHealth() component.Health {
	j, s := c.snapshot()
	return healthOf(s, j.auth.Method(), j.args.PollInterval, time.Now())
}

// healthOf judges a snapshot: one sentence with cause and remedy, and the time it became
// true, not the time of this call.
func healthOf(s poller.Snapshot, method string, interval time.Duration, now time.Time) component.Health {
	unhealthy := func(since time.Time, format string, args ...any) component.Health {
		return component.Health{Health: component.HealthTypeUnhealthy, Message: fmt.Sprintf(format, args...), UpdateTime: since}
	}
	healthy := func(since time.Time, message string) component.Health {
		return component.Health{Health: component.HealthTypeHealthy, Message: message, UpdateTime: since}
	}
	blocked := !s.SendingSince.IsZero() && now.Sub(s.SendingSince) >= blockedAfter
	switch grace := max(outageGrace, 3*interval); {
	case s.Err != nil && s.ErrClass == oktaapi.Refused:
		return unhealthy(s.ErrSince, "%s", refusal(method, s.Err))
	case s.Err != nil && atOnce(s.Err):
		return unhealthy(s.ErrSince, "no page from Okta: %v: %s", s.Err, auth.Remedy(method, s.Err))
	case s.Err != nil && now.Sub(s.ErrSince) >= grace:
		return unhealthy(s.ErrSince.Add(grace), "no page from Okta since %s, check url, network, proxy and Okta's status page: %v", clock(s.ErrSince), s.Err)
	case s.Stuck != nil:
		return unhealthy(s.LastPoll, "%v", s.Stuck)
	case s.CheckpointErr != nil && s.LastPoll.IsZero() && s.CheckpointSaved.IsZero():
		return unhealthy(s.CheckpointFailing, "the checkpoint cannot be read, and reading does not start over; fix the storage path: %v", s.CheckpointErr)
	case s.CheckpointErr != nil:
		return unhealthy(s.CheckpointFailing, "the checkpoint cannot be written, so a restart will repeat events; free or fix the storage path: %v", s.CheckpointErr)
	case errors.Is(s.ConfirmErr, poller.ErrNothingArrives) || errors.Is(s.ConfirmErr, reconcile.ErrRefused):
		return unhealthy(s.ConfirmFailing, "%v", s.ConfirmErr)
	case s.ConfirmErr != nil && now.Sub(s.ConfirmFailing) >= grace:
		return unhealthy(s.ConfirmFailing.Add(grace), "Loki cannot be asked what has arrived since %s, the cursor stays; check reconcile's url and Loki: %v", clock(s.ConfirmFailing), s.ConfirmErr)
	case s.Err != nil:
		return healthy(s.ErrSince, fmt.Sprintf("retrying, no page from Okta since %s: %v", clock(s.ErrSince), s.Err))
	case blocked && now.Sub(s.SendingSince) >= grace:
		return unhealthy(s.SendingSince.Add(grace), "%s; nothing more is fetched until it takes entries", stateOf(s, now))
	case blocked:
		return healthy(s.SendingSince.Add(blockedAfter), stateOf(s, now))
	case !s.WaitUntil.IsZero():
		return healthy(s.WaitSince, stateOf(s, now))
	case s.Hold != "":
		return healthy(s.HoldSince, stateOf(s, now))
	case s.LastPoll.IsZero():
		return healthy(s.Started, "starting")
	default:
		return healthy(latest(s.Started, s.Recovered), "polling")
	}
}

// refusal tells what Okta refused, in its own words, and what to do about it.
func refusal(method string, err error) string {
	if _, ok := errors.AsType[*auth.Error](err); ok { // no access token, so no request; its text has a remedy
		return fmt.Sprintf("no access token for Okta, %v", err)
	}
	e, ok := poller.AsError(err)
	switch {
	case !ok:
		return fmt.Sprintf("Okta refused the request: %v", err)
	case e.Status == 0:
		return fmt.Sprintf("no credentials for Okta: %v", e.Err)
	case e.Foreign:
		return fmt.Sprintf("%v: %s", e, auth.Remedy(method, err))
	}
	words := strconv.Itoa(e.Status)
	if e.Code != "" {
		words += " " + e.Code
	}
	if e.Summary != "" {
		words += ": " + e.Summary
	}
	if e.Err != nil {
		words += ": " + e.Err.Error()
	}
	if e.RequestID != "" {
		words += ", request id " + e.RequestID
	}
	return fmt.Sprintf("Okta refused %s (%s): %s", auth.Refused(method, e.Status), words, auth.Remedy(method, err))
}

// atOnce reports whether a failure is one of the address or of something on the way, which
// no waiting repairs as a rule.
func atOnce(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	e, ok := poller.AsError(err)
	return ok && e.Foreign && e.Status < 500 && e.Status != 408 && e.Status != 425 && e.Status != 429
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
