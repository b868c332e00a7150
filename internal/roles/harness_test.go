package roles

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// office is an org with a table that a keeper keeps.
type office struct {
	*managementtest.Office
	table *Table
}

// work runs test beside a keeper of the org's table, at the defaults.
func work(t *testing.T, org *oktasim.Org, test func(o *office)) {
	t.Helper()
	var table *Table
	managementtest.Work(t, org, func(a managementtest.Asks) func(ctx context.Context) {
		if table == nil { // in the bubble
			table = NewTable()
		}
		return New(Config{Org: a.Org, Table: table, Trouble: a.Trouble, Refresh: DefaultRefresh, Ask: NewAsk(a.Config, a.Budget)}).Run
	}, func(o *managementtest.Office) { test(&office{o, table}) })
}

// wrong and scope are what the keeper told last.
func (o *office) wrong() error  { _, err := o.Told.Last(); return err }
func (o *office) scope() string { scope, _ := o.Told.Last(); return scope }

// requests are those of the last d.
func (o *office) requests(d time.Duration) (n int) {
	for _, r := range o.Org.Requests() {
		if time.Since(r.Time) < d {
			n++
		}
	}
	return n
}

// see shows the table an event, as the poller does, and returns what its entry has.
func (o *office) see(ev event.Event) event.Context {
	c := o.table.Of(&ev, time.Now())
	o.table.Pass(&ev, time.Now())
	return c
}

// actor is what an event of the user's has.
func (o *office) actor(id string) string {
	return o.see(eventOf(o, "user.session.start", "User "+id)).ActorRoles
}

// eventOf is an event of now. A party is a type and an id; the first one is the actor.
func eventOf(t require.TestingT, kind string, parties ...string) event.Event {
	return eventAt(t, time.Now(), kind, "", parties...)
}

// eventAt has privilegeGranted as well.
func eventAt(t require.TestingT, at time.Time, kind, granted string, parties ...string) event.Event {
	var all []map[string]string
	for _, p := range parties {
		what, id, _ := strings.Cut(p, " ")
		all = append(all, map[string]string{"id": id, "type": what})
	}
	raw, err := json.Marshal([]map[string]any{{
		"uuid": fmt.Sprint(at.UnixNano()), "published": at.UTC().Format("2006-01-02T15:04:05.000Z"), "eventType": kind, "actor": all[0],
		"target": all[1:], "outcome": map[string]string{"result": "SUCCESS"},
		"debugContext": map[string]any{"debugData": map[string]any{"privilegeGranted": granted}},
	}})
	require.NoError(t, err)
	events, err := event.Scan(raw)
	require.NoError(t, err)
	return events[0]
}

func holdersOf(n int, roles ...string) map[string][]string {
	all := map[string][]string{}
	for i := range n {
		all[fmt.Sprintf("00uAdministrator%04d", i)] = roles
	}
	return all
}
