package roles

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

// troubles remembers what a keeper told.
type troubles struct {
	mu    sync.Mutex
	scope string
	err   error
	tells int
}

func (w *troubles) Fail(scope string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scope, w.err = scope, err
	w.tells++
}

func (w *troubles) Clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scope, w.err = "", nil
}

// said is what was told last.
func (w *troubles) said() (scope string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.scope, w.err
}

// office is an org with a table that a keeper keeps, in a bubble.
type office struct {
	*testing.T
	org   *oktasim.Org
	table *Table
	told  *troubles
	start func() // a keeper, at the defaults
	stop  func()
}

// work runs test beside a keeper of the org's table, at the defaults.
func work(t *testing.T, org *oktasim.Org, test func(o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pipe := org.Pipe()
		defer pipe.Close()
		u, _, err := oktaapi.ParseOrg(pipe.URL)
		require.NoError(t, err)
		token, err := auth.NewSSWS("s3cret")
		require.NoError(t, err)
		o := &office{T: t, org: org, table: NewTable(), told: &troubles{}}
		var budgets oktaapi.Budgets
		o.start = func() {
			keeper := New(Config{Org: u.String(), Table: o.table, Trouble: o.told, Refresh: DefaultRefresh, Ask: NewAsk(oktaapi.Config{
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

// wrong and scope are what the keeper told last.
func (o *office) wrong() error  { _, err := o.told.said(); return err }
func (o *office) scope() string { scope, _ := o.told.said(); return scope }

// tells is how often the keeper told of a trouble.
func (o *office) tells() int {
	o.told.mu.Lock()
	defer o.told.mu.Unlock()
	return o.told.tells
}

// pass lets time pass.
func (o *office) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// requests are those of the last d.
func (o *office) requests(d time.Duration) (n int) {
	for _, r := range o.org.Requests() {
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

// status answers with a status of Okta's.
func status(code int, errorCode string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Okta-Request-Id", "req")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"errorCode":%q,"errorSummary":"words"}`, errorCode)
	})
}
