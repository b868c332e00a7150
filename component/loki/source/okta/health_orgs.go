// option: orgs

package okta

import (
	"fmt"
	"strings"
	"time"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/delivery"
)

// maxNamed is how many orgs a part of a health message names.
const maxNamed = 5

func (many) health(c *Component, now time.Time, is component.Health) component.Health {
	if args, members := c.arguments(), c.current(); !args.single() || len(members) != 1 {
		return healthOfAll(members, now)
	}
	return is
}

// healthOfAll sums up several orgs: how many need an operator, and what the first of them need.
func healthOfAll(members []member, now time.Time) component.Health {
	if len(members) == 0 {
		return component.Health{Health: component.HealthTypeHealthy, Message: "no orgs", UpdateTime: now}
	}
	var missing, waiting, troubled, notes []string
	var since, calm time.Time // of the latest trouble; of the latest good news
	var first time.Time       // since when the first org has waited for Loki
	others, unread := 0, 0    // read by other nodes of a cluster; read by none
	for _, m := range members {
		v := m.verdict(now)
		text := m.name + ": " + v.message
		switch {
		case v.unhealthy && v.waits:
			if begin := v.since.Add(-askingGrace); first.IsZero() || begin.Before(first) {
				first = begin
			}
			waiting = append(waiting, text)
		case v.unhealthy && v.reads:
			troubled = append(troubled, text)
		case v.unhealthy:
			missing = append(missing, text)
		case v.unread:
			unread++
			notes = append(notes, text)
		case v.elsewhere:
			others++
		case v.message != polling:
			notes = append(notes, text)
		}
		if v.unhealthy {
			since = delivery.Latest(since, v.since)
		}
		calm = delivery.Latest(calm, v.since)
	}
	total := fmt.Sprintf("of %d orgs", len(members))
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, fmt.Sprintf("%d %s %s not collected: %s", len(missing), total, is(missing), named(missing)))
	}
	if len(waiting) > 0 {
		parts = append(parts, fmt.Sprintf("%d %s %s not read before Loki says what it has, since %s: %s", len(waiting), total, is(waiting),
			clock(first), named(waiting)))
	}
	if len(troubled) > 0 {
		parts = append(parts, fmt.Sprintf("%d %s %s in trouble: %s", len(troubled), total, is(troubled), named(troubled)))
	}
	if len(parts) > 0 {
		return component.Health{Health: component.HealthTypeUnhealthy, Message: strings.Join(parts, ". "), UpdateTime: since}
	}
	message := polled(len(members), others, unread)
	if len(notes) > 0 {
		message += ", but " + named(notes)
	}
	return component.Health{Health: component.HealthTypeHealthy, Message: message, UpdateTime: calm}
}

// polled says how many of all orgs are polled here. others are read by other nodes, unread by none.
func polled(all, others, unread int) string {
	switch {
	case unread > 0:
		return fmt.Sprintf("polling %d of %d orgs, %d are other nodes'", all-others-unread, all, others)
	case others > 0:
		return fmt.Sprintf("polling %d of %d orgs, the others are other nodes'", all-others, all)
	case all == 1:
		return "polling 1 org"
	}
	return fmt.Sprintf("polling %d orgs", all)
}

// named joins what is said of orgs, at most maxNamed of them.
func named(orgs []string) string {
	text := strings.Join(orgs[:min(len(orgs), maxNamed)], "; ")
	if more := len(orgs) - maxNamed; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

func is(orgs []string) string {
	if len(orgs) == 1 {
		return "is"
	}
	return "are"
}
