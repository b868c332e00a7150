// option: reconcile, backfill

package takeover_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/pipesim"
)

// simulate runs a schedule on a cluster of three nodes and three orgs, from their start on, and lets it come to rest.
func simulate(t *testing.T, seed uint64, schedule func(c *cluster)) (c *cluster) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c = &cluster{t: t, rnd: rand.New(rand.NewPCG(seed, 0)), loki: pipesim.NewLoki(pipesim.DefaultLimits()),
			nodes: map[string]*node{}, cut: map[[2]string]bool{}, secret: secret, log: log.NewNopLogger()}
		if os.Getenv("OKTA_SIM_LOG") != "" { // to see what a seed does
			c.log = log.With(log.NewLogfmtLogger(os.Stdout), "ts", log.Valuer(func() any { return time.Now().Format("15:04:05.000") }))
		}
		c.disks = c.rnd.IntN(2) == 0
		if c.rnd.IntN(2) == 0 { // what a node delivered arrives when another one reads already
			c.loki.Set(func(f *pipesim.Faults) { f.PushTakes = 5 * time.Second })
		}
		for i := range 3 {
			o := &simOrg{url: fmt.Sprintf("http://localhost:%d", 8001+i), org: &oktasim.Org{RateLimit: -1}}
			o.pipe = o.org.Pipe()
			defer o.pipe.Close()
			c.orgs = append(c.orgs, o)
			c.feed(o, 60, 40*time.Minute)
		}
		for i := range 3 {
			c.start(fmt.Sprint("node", i))
			time.Sleep(time.Duration(c.rnd.Int64N(int64(3 * time.Second))))
		}
		time.Sleep(2 * time.Minute)
		schedule(c)
		time.Sleep(2 * time.Minute) // the last fault is over for all
		if len(c.alive()) == 0 {
			c.start("node0")
		}
		time.Sleep(time.Until(c.orgs[0].at[len(c.orgs[0].at)-1]) + 20*time.Minute)
		for _, name := range c.alive() {
			c.terminate(name)
		}
		time.Sleep(time.Minute)
	})
	return c
}

// feed writes an org's log from now on: so many events a minute, one in fifty of them late by up to ten minutes.
func (c *cluster) feed(o *simOrg, perMinute int, d time.Duration) {
	at := time.Now()
	for end := at.Add(d); ; {
		at = at.Add(time.Duration(c.rnd.ExpFloat64() * float64(time.Minute) / float64(perMinute)))
		if at.After(end) {
			return
		}
		published := at
		if c.rnd.IntN(50) == 0 {
			published = at.Add(-time.Duration(c.rnd.Int64N(int64(10 * time.Minute))))
		}
		uuid := fmt.Sprintf("%s-%06d", o.url, len(o.log))
		o.log, o.at = append(o.log, uuid), append(o.at, at)
		o.org.AppendAt(at, fmt.Appendf(nil, `{"uuid":%q,"published":%q}`, uuid, published.UTC().Format("2006-01-02T15:04:05.000Z")))
	}
}

// span is a time in which two nodes may read one org.
type span struct{ from, to time.Time }

// judge compares Loki with the logs: nothing may be missing, and what is doubled must have been logged in one of spans. It returns how
// many are doubled.
func (c *cluster) judge(t *testing.T, seed uint64, overlaps []span) (all, doubled int) {
	t.Helper()
	for _, o := range c.orgs {
		missing, twice, _ := c.loki.Compare(o.log)
		all += len(o.log)
		doubled += len(twice)
		if len(missing) > 0 {
			t.Errorf("seed %d: of %d events %d are missing: %.3q", seed, len(o.log), len(missing), missing[:min(3, len(missing))])
		}
		for _, uuid := range twice {
			at := o.at[slices.Index(o.log, uuid)]
			if !slices.ContainsFunc(overlaps, func(s span) bool { return at.After(s.from) && at.Before(s.to) }) {
				t.Errorf("seed %d: %s, logged at %s, is doubled", seed, uuid, at.Format(time.TimeOnly))
			}
		}
	}
	return all, doubled
}

// seeds are some in CI, among them those that found a defect, one with the race detector, and hundreds in the long form.
func seeds(some int, found ...uint64) []uint64 {
	if raced {
		return []uint64{1}
	}
	n := some
	if os.Getenv("OKTA_E2E") == "long" {
		n = 150
	}
	all := make([]uint64, 0, n+len(found))
	for i := range n {
		all = append(all, uint64(i+1))
	}
	for _, seed := range found {
		if !slices.Contains(all, seed) {
			all = append(all, seed)
		}
	}
	return all
}

// crashesAndRollouts are what may double nothing: nodes are killed, restarted, stopped, added.
func (c *cluster) crashesAndRollouts() {
	for range 6 {
		alive := c.alive()
		switch some := alive[c.rnd.IntN(len(alive))]; c.rnd.IntN(5) {
		case 0:
			c.crash()
		case 1:
			if len(alive) > 1 {
				c.kill(some)
			}
		case 2:
			for _, name := range alive { // a rolling restart
				c.terminate(name)
				time.Sleep(time.Duration(c.rnd.Int64N(int64(5 * time.Second))))
				c.start(name)
				time.Sleep(time.Duration(c.rnd.Int64N(int64(15 * time.Second))))
			}
		case 3:
			if len(alive) > 1 {
				c.terminate(some)
			}
		case 4:
			c.start(fmt.Sprint("added", len(c.all())))
		}
		time.Sleep(time.Duration(c.rnd.Int64N(int64(90 * time.Second))))
	}
}

func TestCrashesAndRolloutsDoubleNothing(t *testing.T) {
	for _, seed := range seeds(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c := simulate(t, seed, (*cluster).crashesAndRollouts)
			c.judge(t, seed, nil)
		})
	}
}

func TestHangsAndSplitsLoseNothing(t *testing.T) {
	// 94: a node hung while it waited for its turn, and then took the others for silent.
	for _, seed := range seeds(5, 94) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			var overlaps []span
			c := simulate(t, seed, func(c *cluster) {
				for range 4 {
					alive := c.alive()
					some, begin := alive[c.rnd.IntN(len(alive))], time.Now()
					lasts := time.Duration(c.rnd.Int64N(int64(2 * time.Minute)))
					slack := time.Minute
					switch c.rnd.IntN(3) {
					case 0:
						c.hang(some, lasts)
						lasts = 0 // only what was under way when it began to hang, or was found wrong when it ended
					case 1:
						c.split(some, lasts)
					case 2:
						c.kill(some)
						time.Sleep(lasts)
						c.start(some)
						continue
					}
					overlaps = append(overlaps, span{begin.Add(-slack), begin.Add(lasts + slack)})
					time.Sleep(time.Duration(c.rnd.Int64N(int64(90 * time.Second))))
				}
			})
			all, doubled := c.judge(t, seed, overlaps)
			t.Logf("seed %d: %d of %d events are doubled", seed, doubled, all)
		})
	}
}

// At the default poll_interval of ten seconds, which the model's nodes have: who takes an org over polls it at once.
func TestATakenOrgIsPolledAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(c *cluster, node string)
		most time.Duration
	}{
		"a stop": {(*cluster).terminate, 3 * time.Second},
		"a kill": {(*cluster).kill, 45 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := 0
			simulate(t, 3, func(sim *cluster) {
				for _, node := range []string{"node0", "node1"} {
					begin := time.Now()
					var had []string
					for _, o := range sim.orgs {
						if owner, _ := sim.nodes[node].Owner(o.url); owner == node {
							had = append(had, o.url)
						}
					}
					c.end(sim, node)
					time.Sleep(time.Minute)
					for _, org := range had {
						at := sim.polledBy(node, org, begin)
						require.False(t, at.IsZero(), "%s is not polled", org)
						require.Less(t, at.Sub(begin), c.most, org)
						taken++
					}
				}
			})
			require.Positive(t, taken)
		})
	}
}

// Nodes get a new credential one after the other, by a reload, or by a restart that makes them strangers to the others for a while; or are
// of two minds for good. What they cannot check they do not use, and Loki knows better.
func TestARotationLosesAndDoublesNothing(t *testing.T) {
	for _, seed := range seeds(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c := simulate(t, seed, func(c *cluster) {
				for i := range 3 {
					secret := fmt.Sprint("rotated ", i)
					c.mu.Lock()
					c.secret = secret // of those that start from now on
					c.mu.Unlock()
					byReload := c.rnd.IntN(2) == 0
					for _, name := range c.alive() {
						if byReload {
							c.nodes[name].reload(secret)
						} else {
							c.terminate(name)
							time.Sleep(time.Duration(c.rnd.Int64N(int64(5 * time.Second))))
							c.start(name)
						}
						time.Sleep(time.Duration(c.rnd.Int64N(int64(30 * time.Second))))
						if c.rnd.IntN(3) == 0 {
							c.crash()
						}
					}
				}
			})
			c.judge(t, seed, nil)
		})
	}
}

// crash kills a node and starts it again.
func (c *cluster) crash() {
	alive := c.alive()
	some := alive[c.rnd.IntN(len(alive))]
	c.kill(some)
	time.Sleep(time.Duration(c.rnd.Int64N(int64(time.Minute))))
	c.start(some)
}
