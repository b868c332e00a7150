package okta

import (
	"errors"
	"fmt"
	"time"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/okta"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// outageGrace is how long Okta may be out of reach before that counts as unhealthy,
// at least; three poll intervals if that is longer.
const outageGrace = 5 * time.Minute

// CurrentHealth implements component.HealthComponent. Waiting for the rate limit or
// for a receiver is healthy; debug info tells of it.
func (c *Component) CurrentHealth() component.Health {
	return healthOf(c.status.Snapshot(), c.current().args.PollInterval, time.Now())
}

// healthOf judges a snapshot. UpdateTime is the time of what it reports, not of the
// question.
func healthOf(s poller.Snapshot, interval time.Duration, now time.Time) component.Health {
	unhealthy := func(since time.Time, format string, args ...any) component.Health {
		return component.Health{Health: component.HealthTypeUnhealthy, Message: fmt.Sprintf(format, args...), UpdateTime: since}
	}
	switch grace := max(outageGrace, 3*interval); {
	case s.Err != nil && s.ErrClass == okta.Refused:
		return unhealthy(s.ErrSince, "%s: %v", remedy(s.Err), s.Err)
	case s.Err != nil && s.ErrClass != okta.RateLimited && now.Sub(s.ErrSince) >= grace:
		return unhealthy(s.ErrSince.Add(grace), "no page from Okta since %s: %v", s.ErrSince.UTC().Format(time.RFC3339), s.Err)
	case s.CheckpointErr != nil:
		return unhealthy(s.CheckpointFailing, "the checkpoint cannot be written, so a restart will repeat events; free or fix the storage path: %v", s.CheckpointErr)
	case errors.Is(s.ConfirmErr, poller.ErrNothingArrives) || errors.Is(s.ConfirmErr, reconcile.ErrRefused):
		return unhealthy(s.ConfirmFailing, "%v", s.ConfirmErr)
	case s.ConfirmErr != nil && now.Sub(s.ConfirmFailing) >= grace:
		return unhealthy(s.ConfirmFailing.Add(grace), "Loki cannot be asked what has arrived since %s, the cursor stays: %v", s.ConfirmFailing.UTC().Format(time.RFC3339), s.ConfirmErr)
	case s.LastPoll.IsZero():
		return component.Health{Health: component.HealthTypeHealthy, Message: "starting", UpdateTime: s.Started}
	default:
		return component.Health{Health: component.HealthTypeHealthy, Message: "polling", UpdateTime: latest(s.Started, s.Recovered)}
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// remedy is what to do about a refusal.
func remedy(err error) string {
	e, ok := poller.AsError(err)
	if !ok {
		return "Okta refused the request"
	}
	switch {
	case e.Status == 401:
		return "Okta refused the credentials; set a valid api_token or check the service app"
	case e.Status == 403:
		return "Okta refused access to the System Log; give the token's admin or the service app a role that reads it, and the app the scope okta.logs.read"
	case e.Status == 404:
		return "no System Log at this address; check url"
	case e.Status == 400:
		return "Okta refused the request; check filter and query"
	case e.Status >= 300 && e.Status < 400:
		return "the org's address redirects; check url"
	case e.Status == 0:
		return "no access token; check private_key_jwt"
	default:
		return "Okta refused the request"
	}
}
