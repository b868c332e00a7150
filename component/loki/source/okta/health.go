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
)

// CurrentHealth implements component.HealthComponent. What needs an operator is unhealthy at once, a transient error only when it lasts.
// Waiting for the budget is healthy, and so is a receiver that has not blocked for that long; the message tells of both.
func (c *Component) CurrentHealth() component.Health {
	now, members := time.Now(), c.current()
	if v := c.heldBack(); v.is != fine {
		return v.health()
	}
	health := component.Health{Health: component.HealthTypeHealthy, Message: "no orgs", UpdateTime: now}
	if len(members) == 1 {
		health = members[0].verdict(now).health()
	}
	for _, o := range options {
		health = o.health(c, now, health)
	}
	return health
}

// verdict is what health says of one org.
func (m member) verdict(now time.Time) condition {
	if m.err != nil {
		return condition{is: missing, message: m.err.Error(), since: m.since}
	}
	p, s := m.plan.Load(), m.live.snapshot()
	if v := m.live.elsewhere(now); v.is != fine {
		return v
	}
	v := verdict(s, p.auth.Method(), p.args.PollInterval, now)
	if v.unhealthy() {
		return v
	}
	for _, o := range options {
		switch said := o.verdict(m.collector, now); {
		case said.message == "":
		case said.unhealthy():
			return said
		case v.message == polling: // the live log's may become urgent soon, while an option's good news can stay the same for days
			v = said
		}
	}
	return v
}

// health is the condition as Alloy shows it.
func (v condition) health() component.Health {
	health := component.HealthTypeHealthy
	if v.unhealthy() {
		health = component.HealthTypeUnhealthy
	}
	return component.Health{Health: health, Message: v.message, UpdateTime: v.since}
}

// refusal tells what Okta refused, in its own words, and what to do about it.
func refusal(method string, err error) string {
	if _, ok := errors.AsType[*auth.Error](err); ok { // no access token, so no request; its text has a remedy
		return fmt.Sprintf("no access token for Okta, %v", err)
	}
	e, ok := errors.AsType[*oktaapi.Error](err)
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

// atOnce reports whether a failure comes from the address or from something on the way to Okta, and so does not pass by itself, as a rule.
func atOnce(t poller.Trouble) bool {
	err := t.Err
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	e, ok := errors.AsType[*oktaapi.Error](err)
	if !ok || !e.Foreign {
		return false
	}
	status := e.Status
	if own, ok := errors.AsType[*auth.Error](err); ok {
		status = own.Status
	}
	return status < 500 && status != 408 && status != 425 && status != 429
}

// noPage tells of a failure that is no refusal.
func noPage(method string, err error) string {
	text := fmt.Sprintf("no page from Okta: %v", err)
	if remedy := auth.Remedy(method, err); remedy != "" {
		text += ": " + remedy
	}
	return text
}
