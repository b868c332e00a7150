// option: orgs

package okta

import (
	"fmt"
	"strings"
	"time"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/delivery"
)

// orgsInfo is what the UI shows of several orgs.
type orgsInfo struct {
	Orgs []orgInfo `alloy:"org,block"`
	More infoMore  `alloy:",squash"`
}

// orgInfo is a row of the table of orgs.
type orgInfo struct {
	Name            string    `alloy:"name,attr"`
	Org             string    `alloy:"org,attr,optional"`
	State           string    `alloy:"state,attr"`
	Health          string    `alloy:"health,attr"`
	Lag             string    `alloy:"lag,attr,optional"`
	LastPoll        time.Time `alloy:"last_poll,attr,optional"`
	LastEvent       time.Time `alloy:"last_event,attr,optional"`
	EventsForwarded uint64    `alloy:"events_forwarded,attr,optional"`
	Unconfirmed     int       `alloy:"unconfirmed_events,attr,optional"`
	Backfills       []string  `alloy:"backfills,attr,optional"` // option: backfill
}

func orgsInfoOf(more infoMore, members []member, now time.Time) orgsInfo {
	info := orgsInfo{Orgs: make([]orgInfo, 0, len(members)), More: more}
	for _, m := range members {
		info.Orgs = append(info.Orgs, m.row(now))
	}
	return info
}

func (m member) row(now time.Time) orgInfo {
	row := orgInfo{Name: m.name, State: notCollected, Health: m.verdict(now).message}
	if m.err != nil {
		return row
	}
	p, s := m.plan.Load(), m.live.snapshot()
	row.Org, row.State = p.org.String(), m.state(s, now)
	row.Lag, row.LastPoll, row.LastEvent = s.Lag(now).Round(time.Second).String(), s.LastPoll, s.LastEvent
	row.EventsForwarded, row.Unconfirmed = s.Events, s.Unconfirmed.Waiting
	row.Backfills = p.backfillRows(now) // option: backfill
	return row
}

// maxNamed is how many orgs a part of a health message names.
const maxNamed = 5

func (many) health(c *Component, now time.Time, is component.Health) component.Health {
	members := c.current()
	if len(members) == 0 || len(members) == 1 && c.arguments().single() {
		return is
	}
	return healthOfAll(members, now)
}

// healthOfAll sums up several orgs: how many need an operator, and what the first of them need.
func healthOfAll(members []member, now time.Time) component.Health {
	said := map[standing][]string{}
	var notes []string
	var since, calm time.Time // of the latest trouble; of the latest good news
	var first time.Time       // since when the first org has waited for Loki
	for _, m := range members {
		v := m.verdict(now)
		text := m.name + ": " + v.message
		said[v.is] = append(said[v.is], text)
		if begin := v.since.Add(-askingGrace); v.is == waiting && (first.IsZero() || begin.Before(first)) {
			first = begin
		}
		if v.is == unread || v.is == fine && v.message != polling {
			notes = append(notes, text)
		}
		if v.unhealthy() {
			since = delivery.Latest(since, v.since)
		}
		calm = delivery.Latest(calm, v.since)
	}
	var parts []string
	for _, p := range []struct {
		is   standing
		says string
	}{
		{missing, "not collected"}, {waiting, "not read before Loki says what it has, since " + clock(first)}, {troubled, "in trouble"},
	} {
		orgs, verb := said[p.is], "are"
		if len(orgs) == 1 {
			verb = "is"
		}
		if len(orgs) > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d orgs %s %s: %s", len(orgs), len(members), verb, p.says, named(orgs)))
		}
	}
	if len(parts) > 0 {
		return component.Health{Health: component.HealthTypeUnhealthy, Message: strings.Join(parts, ". "), UpdateTime: since}
	}
	message := polled(len(members), len(said[elsewhere]), len(said[unread]))
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
