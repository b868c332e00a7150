package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

func TestAllIsWell(t *testing.T) {
	s := newScene(t)
	s.org.Hook = &Hook{Addr: "127.0.0.1:0"}
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	for _, c := range r.Checks {
		require.Equal(t, Pass, c.Status, c)
		require.Empty(t, c.Remedy)
	}
	require.Len(t, r.Checks, len(legs))
	require.NotNil(t, r.Estimate)
	require.LessOrEqual(t, r.Requests, MostRequests)
	require.Len(t, s.sim.Requests(), r.Requests)
	require.Equal(t, []string{`{"streams":[]}`}, s.loki.pushed)
	require.NoDirExists(t, s.org.DataPath)
}

// A gateway that hides Loki's configuration, as Grafana Cloud does, is no fault.
func TestALokiThatDoesNotTellIsNoFault(t *testing.T) {
	s := newScene(t)
	s.loki.configStatus = 404
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed())
	require.Equal(t, 2, r.count(Warn))
}

// A service app's requests for access tokens count, too.
func TestAnAppWithDPoPNeedsNoMoreRequests(t *testing.T) {
	s := newScene(t)
	s.serviceApp(t, func(c *oktasim.OAuthClient) { c.DPoP = true }, nil)
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed(), r)
	require.NotNil(t, r.Estimate)
	require.Equal(t, "used, as the app wants it or dpop says", seen(&r, "dpop"))
	require.LessOrEqual(t, len(s.sim.Requests()), MostRequests)
}

// The data path of a collector that runs is looked at, and stays its own.
func TestARunningCollectorKeepsItsDataPath(t *testing.T) {
	s := newScene(t)
	lock, err := checkpoint.Acquire(s.org.DataPath)
	require.NoError(t, err)
	before := list(t, s.org.DataPath)
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed())
	require.Contains(t, seen(&r, "data path"), fmt.Sprintf("pid %d", os.Getpid()))
	require.Equal(t, before, list(t, s.org.DataPath))
	_, err = checkpoint.Acquire(s.org.DataPath)
	require.Error(t, err, "it is held as before")
	lock.Release()
	lock, err = checkpoint.Acquire(s.org.DataPath)
	require.NoError(t, err, "nothing was left behind")
	lock.Release()
}

// Orgs of a component have one listener; visits to them do not take its address from each other.
func TestOrgsOfOneListenerAllPass(t *testing.T) {
	s := newScene(t)
	s.sim.RateLimit = -1
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	v := visit{Org: &s.org, shared: &shared{}}
	v.Hook = &Hook{Addr: addr}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 200 {
				if c := v.hooks(t.Context()); c.Status != Pass {
					t.Error(c)
					return
				}
			}
		})
	}
	all.Wait()
	orgs := make([]Org, 10)
	for i := range orgs {
		orgs[i] = s.org
	}
	for _, r := range Run(t.Context(), orgs, Options{}) {
		require.False(t, r.Failed(), r)
	}
}

// Beside a collector that runs no port is bound, not even one that could not be.
func TestNoPortIsTakenFromACollectorThatRuns(t *testing.T) {
	s := newScene(t)
	lock, err := checkpoint.Acquire(s.org.DataPath)
	require.NoError(t, err)
	defer lock.Release()
	s.org.Hook = &Hook{Addr: "192.0.2.1:9"} // of no machine (RFC 5737): to bind it is an error
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed(), r)
	require.Contains(t, seen(&r, "event hooks"), "not tried")
}

func seen(r *Report, name string) string {
	for _, c := range r.Checks {
		if c.Name == name {
			return c.Seen
		}
	}
	return ""
}

func list(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		all = append(all, fmt.Sprint(f.Name(), info.Size(), info.ModTime()))
	}
	return all
}

func TestATestEntryIsSentWhenAskedFor(t *testing.T) {
	s := newScene(t)
	r := Run(t.Context(), []Org{s.org}, Options{SendTest: true})[0]
	require.False(t, r.Failed())
	require.Len(t, s.loki.pushed, 1)
	require.Contains(t, s.loki.pushed[0], `"doctor":"1"`)
	require.Equal(t, 1, strings.Count(s.loki.pushed[0], `"stream":`))
}

// One of fifty orgs is wrong, and one never answers: others are not held up, nor do they fail.
func TestOneBadOrgOfFiftyFailsAlone(t *testing.T) {
	s := newScene(t)
	s.sim.RateLimit = -1
	orgs := make([]Org, 50)
	for i := range orgs {
		orgs[i] = s.org
		orgs[i].Name = fmt.Sprint(i)
	}
	orgs[7].URL = parse(t, "http://127.0.0.1:1")
	var mu sync.Mutex
	told := map[string]bool{}
	reports := Run(t.Context(), orgs, Options{Begin: func(org, check string) {
		mu.Lock()
		defer mu.Unlock()
		told[check] = true
	}})
	for i := range reports {
		require.Equal(t, i == 7, reports[i].Failed(), i)
	}
	require.True(t, told["loki push"])
}

// Most of the time goes to requests within a share of the org's limit: who waits for them is not told that a name is looked up.
func TestWhatTakesTheTimeIsTold(t *testing.T) {
	s := newScene(t)
	var told []string
	before := 0 // requests, when the check began
	Run(t.Context(), []Org{s.org}, Options{Begin: func(_, check string) {
		if check == "name" {
			before = len(s.sim.Requests())
		}
		told = append(told, check)
	}})
	require.Equal(t, []string{"configuration", asking, "name"}, told[:3])
	require.Positive(t, before, "the way of Okta was not gone before its first leg")
}

// A stop ends it at once, with what is known.
func TestAStopEndsIt(t *testing.T) {
	s := newScene(t)
	s.org.Timeout = time.Minute
	s.fault(t, "late", 3)
	ctx, stop := context.WithCancel(t.Context())
	r := Run(ctx, []Org{s.org}, Options{Begin: func(_, check string) {
		if check == asking {
			go stop()
		}
	}})[0]
	require.Len(t, r.Checks, len(legs))
	require.Equal(t, "stopped", seen(&r, "name"), "what was cut short did not pass")
	require.Equal(t, "stopped", seen(&r, "loki push"))
	require.False(t, r.Failed())
}

func TestEachCheckIsExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(page), "\n### Doctor\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n### ")
	for _, l := range legs {
		require.Contains(t, section, "`"+l.name+"`")
	}
}
