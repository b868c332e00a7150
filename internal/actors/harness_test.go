package actors

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

const refresh = 15 * time.Minute

var attributes = []string{"department", "title"}

// troubles remembers what a keeper told last.
type troubles struct {
	mu    sync.Mutex
	scope string
	err   error
	tells int // how often
}

func (w *troubles) Fail(scope string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scope, w.err = scope, err
	if err != nil {
		w.tells++
	}
}

func (w *troubles) Clear() { w.Fail("", nil) }

// office is an org of which a keeper keeps what is known, in a bubble.
type office struct {
	*testing.T
	org   *oktasim.Org
	known *Known
	told  *troubles
	start func()
	stop  func()
}

// work runs test beside a keeper that wants the attributes, and these groups.
func work(t *testing.T, org *oktasim.Org, groups []string, test func(o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pipe := org.Pipe()
		defer pipe.Close()
		u, _, err := oktaapi.ParseOrg(pipe.URL)
		require.NoError(t, err)
		token, err := auth.NewSSWS("s3cret")
		require.NoError(t, err)
		o := &office{T: t, org: org, known: New(attributes, groups), told: &troubles{}}
		var budgets oktaapi.Budgets
		o.start = func() {
			keeper := NewKeeper(Config{Org: u.String(), Known: o.known, Trouble: o.told, Refresh: refresh, Ask: NewAsk(oktaapi.Config{
				Org: u, Auth: token, HTTP: pipe.Client(), UserAgent: "test",
			}, budgets.For)})
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { keeper.Run(ctx) })
			o.stop = func() { cancel(); running.Wait() }
			synctest.Wait()
		}
		o.start()
		defer func() { o.stop() }()
		test(o)
	})
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

// pass lets time pass.
func (o *office) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
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

// wrong is what the keeper told last.
func (o *office) wrong() (scope string, err error) {
	o.told.mu.Lock()
	defer o.told.mu.Unlock()
	return o.told.scope, o.told.err
}

// count is how many requests had that in their address.
func (o *office) count(part string) (n int) {
	for _, r := range o.org.Requests() {
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
	o.org.Append(ev.Raw)
	o.see(ev)
}

// answers has requests with that in their path answered by a status of Okta's.
func (o *office) answers(code int, parts ...string) {
	o.org.Set(func(org *oktasim.Org) { org.Roles.Intercept = failsAt(code, parts...) })
}

func (o *office) works() { o.org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil }) }

func failsAt(code int, parts ...string) func(int, *http.Request) http.Handler {
	return func(_ int, r *http.Request) http.Handler {
		for _, part := range parts {
			if strings.Contains(r.URL.Path, part) {
				return status(code)
			}
		}
		return nil
	}
}

// status answers as Okta does when it refuses.
func status(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Okta-Request-Id", "req")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"errorCode":"E0000006","errorSummary":"words"}`)
	})
}

// setDepartment changes the profile of a user.
func (o *office) setDepartment(value any) {
	o.org.Set(func(org *oktasim.Org) { org.Roles.Profiles["00uMara"] = map[string]any{"department": value} })
}
