package actors

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

const refresh = 15 * time.Minute

var attributes = []string{"department", "title"}

// office is an org of which a keeper keeps what is known.
type office struct {
	*managementtest.Office
	known *Known
}

// work runs test beside a keeper that wants the attributes, and these groups.
func work(t *testing.T, org *oktasim.Org, groups []string, test func(o *office)) {
	t.Helper()
	var known *Known
	managementtest.Work(t, org, func(a managementtest.Asks) func(ctx context.Context) {
		if known == nil { // in the bubble
			known = New(attributes, groups)
		}
		return NewKeeper(Config{Org: a.Org, Known: known, Trouble: a.Trouble, Refresh: refresh, Ask: NewAsk(a.Config, a.Budget)}).Run
	}, func(o *managementtest.Office) { test(&office{o, known}) })
}

// smallOrg is an org with two users and two groups.
func smallOrg() *oktasim.Org {
	return &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{
		Users: map[string][]string{},
		Profiles: map[string]map[string]any{
			"00uMara": {"department": "Finance", "title": "Accountant"}, "00uNone": {"costCenter": "CC-1"},
		},
		Groups: map[string]oktasim.Group{
			"00gVIP": {Name: "VIP", Members: []string{"00uMara"}}, "00gStaff": {Name: "Staff", Members: []string{"00uMara", "00uNone"}},
			"00gOther": {Name: "Other", Members: []string{"00uMara"}},
		},
	}}
}

// see shows an event, as the poller does, and returns what its entry has.
func (o *office) see(ev event.Event) (c event.Context) {
	o.known.Add(&c, &ev, time.Now())
	o.known.Pass(&ev, time.Now())
	return c
}

// profile is what an event of the user's has, joined by commas.
func (o *office) profile(id string) string {
	return strings.Join(o.see(eventAt(o, time.Now(), "user.session.start", "User "+id)).Profile, ",")
}

// groups is what an event of the user's has of groups.
func (o *office) groups(id string) string {
	return o.see(eventAt(o, time.Now(), "user.session.start", "User "+id)).ActorGroups
}

// count is how many requests had that in their address.
func (o *office) count(part string) (n int) {
	for _, r := range o.Org.Requests() {
		if strings.Contains(r.URL, part) {
			n++
		}
	}
	return n
}

// eventAt is an event. A party is a type, an id and perhaps a name; the first one is the actor.
func eventAt(t require.TestingT, at time.Time, kind string, parties ...string) event.Event {
	var all []map[string]string
	for _, p := range parties {
		of := append(strings.Split(p, " "), "")
		all = append(all, map[string]string{"type": of[0], "id": of[1], "displayName": of[2]})
	}
	raw, err := json.Marshal([]map[string]any{{
		"uuid": fmt.Sprint(at.UnixNano()), "published": at.UTC().Format("2006-01-02T15:04:05.000Z"), "eventType": kind, "actor": all[0],
		"target": all[1:], "outcome": map[string]string{"result": "SUCCESS"},
	}})
	require.NoError(t, err)
	events, err := event.Scan(raw)
	require.NoError(t, err)
	return events[0]
}

// happens is an event of now that the root user caused, which changes the org, and is delivered.
func (o *office) happens(kind string, targets ...string) {
	ev := eventAt(o, time.Now(), kind, append([]string{"System root"}, targets...)...)
	o.Org.Append(ev.Raw)
	o.see(ev)
}

// answers has requests with that in their path answered by a status of Okta's.
func (o *office) answers(code int, parts ...string) {
	o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = failsAt(code, parts...) })
}

func (o *office) works() { o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil }) }

func failsAt(code int, parts ...string) func(int, *http.Request) http.Handler {
	return func(_ int, r *http.Request) http.Handler {
		for _, part := range parts {
			if strings.Contains(r.URL.Path, part) {
				return managementtest.Status(code, "E0000006")
			}
		}
		return nil
	}
}

// setDepartment changes the profile of a user.
func (o *office) setDepartment(value any) {
	o.Org.Set(func(org *oktasim.Org) { org.Roles.Profiles["00uMara"] = map[string]any{"department": value} })
}
