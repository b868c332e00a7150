// option: orgs

package okta

import "time"

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
	More            rowMore   `alloy:",squash"`
}

// rowMore is what options show of one of several orgs.
type rowMore struct {
	Backfills []string `alloy:"backfills,attr,optional"` // option: backfill
}

func (p *plan) rowMore(now time.Time) (more rowMore) {
	more.Backfills = p.backfillRows(now) // option: backfill
	return more
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
	row.More = p.rowMore(now)
	return row
}
