// Package managementtest runs keepers of what is known of an org beside a simulated one.
package managementtest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// Office is an org of which a keeper keeps what is known, in a bubble.
type Office struct {
	*testing.T
	Org   *oktasim.Org
	Start func() // a keeper; one runs when a test begins, and is stopped at its end
	Stop  func()
	Told  *Told
}

// Asks is with what a keeper asks.
type Asks struct {
	Org     string
	Config  oktaapi.Config
	Budget  func(bucket string) *oktaapi.Budget
	Trouble management.Trouble
}

// Work runs test beside what keeper returns, which it calls at each start. The org takes the token "s3cret".
func Work(t *testing.T, org *oktasim.Org, keeper func(a Asks) (run func(ctx context.Context)), test func(o *Office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pipe := org.Pipe()
		defer pipe.Close()
		u, _, err := oktaapi.ParseOrg(pipe.URL)
		require.NoError(t, err)
		token, err := auth.NewSSWS("s3cret")
		require.NoError(t, err)
		o := &Office{T: t, Org: org, Told: &Told{}}
		var budgets oktaapi.Budgets
		o.Start = func() {
			run := keeper(Asks{u.String(), oktaapi.Config{Org: u, Auth: token, HTTP: pipe.Client(), UserAgent: "test"}, budgets.For, o.Told})
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { run(ctx) })
			o.Stop = func() { cancel(); running.Wait() }
			synctest.Wait()
		}
		o.Start()
		defer func() { o.Stop() }()
		test(o)
	})
}

// Told is what a keeper reported.
type Told struct {
	mu    sync.Mutex
	scope string
	err   error
	times int
}

// Fail is of [management.Trouble], as Clear is.
func (w *Told) Fail(scope string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scope, w.err = scope, err
	w.times++
}

// Clear notes that all is well.
func (w *Told) Clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scope, w.err = "", nil
}

// Last is what was told last.
func (w *Told) Last() (scope string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.scope, w.err
}

// Times is how often something was wrong.
func (w *Told) Times() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times
}

// Pass lets time pass.
func (o *Office) Pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Status answers as Okta does when it refuses.
func Status(code int, errorCode string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Okta-Request-Id", "req")
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"errorCode":%q,"errorSummary":"words"}`, errorCode)
	})
}
