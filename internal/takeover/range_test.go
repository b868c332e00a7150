// option: reconcile, backfill

package takeover_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/assert"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/pipesim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// unread is the longest time in d for which no node read one of the orgs.
func (c *cluster) unread(d time.Duration) (most time.Duration) {
	since := map[string]time.Time{}
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		for _, o := range c.orgs {
			read := false
			for _, n := range c.all() {
				n.mu.Lock()
				read = read || n.reads[o.url] && !n.dead
				n.mu.Unlock()
			}
			if read || since[o.url].IsZero() {
				since[o.url] = time.Now()
			}
			most = max(most, time.Since(since[o.url]))
		}
	}
	return most
}

// Loki's defaults hide what a range delivered until its chunk is flushed. Whatever moves meanwhile, somebody reads the live logs, and what
// follows of the range is neither lost nor doubled.
func TestARangeIsNoReasonToKeepALog(t *testing.T) {
	for name, happens := range map[string]func(c *cluster){
		"a node joins":      func(c *cluster) { c.start("joined") },
		"a node leaves":     func(c *cluster) { c.terminate("node0") },
		"a node is killed":  func(c *cluster) { c.kill("node0") },
		"a node restarts":   func(c *cluster) { c.terminate("node0"); time.Sleep(3 * time.Second); c.start("node0") },
		"a node comes back": func(c *cluster) { c.terminate("node0"); time.Sleep(time.Minute); c.start("node0") },
		"a rolling restart": func(c *cluster) {
			for _, name := range c.alive() {
				c.terminate(name)
				time.Sleep(2 * time.Second)
				c.start(name)
				time.Sleep(10 * time.Second)
			}
		},
	} {
		if raced && name != "a rolling restart" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{t: t, rnd: rand.New(rand.NewPCG(1, 0)), loki: pipesim.NewLoki(pipesim.DefaultLimits()), disks: len(name)%2 == 0, // some with, some without
					nodes: map[string]*node{}, cut: map[[2]string]bool{}, log: log.NewNopLogger()}
				begin := time.Now()
				for i := range 3 {
					o := &simOrg{url: fmt.Sprintf("http://localhost:%d", 8001+i), org: &oktasim.Org{RateLimit: -1},
						part: &poller.Range{Since: begin, Until: begin.Add(time.Hour)}}
					o.pipe = o.org.Pipe()
					defer o.pipe.Close()
					c.orgs = append(c.orgs, o)
					c.feed(o, 2, 45*time.Minute)
				}
				time.Sleep(5 * time.Hour) // the range is of now-5h to now-4h
				for _, o := range c.orgs {
					c.feed(o, 2, 30*time.Minute)
				}
				for i := range 3 {
					c.start(fmt.Sprint("node", i))
				}
				time.Sleep(2 * time.Minute)
				happened := make(chan struct{})
				go func() { defer close(happened); happens(c) }()
				// A node that was killed leaves the ring after 35 s, see node.kill.
				assert.Less(t, c.unread(15*time.Minute), time.Minute)
				<-happened
				time.Sleep(5 * time.Hour)
				for _, o := range c.orgs {
					missing, doubled, _ := c.loki.Compare(o.log)
					assert.Empty(t, missing)
					assert.Empty(t, doubled)
				}
				for _, name := range c.alive() {
					c.terminate(name)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// A node that waits until what it delivered has arrived, for an org that went to another one and came back, waits for nobody.
func TestANodeDoesNotWaitForItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, rnd: rand.New(rand.NewPCG(2, 0)), loki: pipesim.NewLoki(pipesim.DefaultLimits()), disks: true,
			nodes: map[string]*node{}, cut: map[[2]string]bool{}, log: log.NewNopLogger()}
		for i := range 6 {
			o := &simOrg{url: fmt.Sprintf("http://localhost:%d", 8001+i), org: &oktasim.Org{RateLimit: -1}}
			o.pipe = o.org.Pipe()
			defer o.pipe.Close()
			c.orgs = append(c.orgs, o)
			c.feed(o, 20, 30*time.Minute)
		}
		c.start("node0")
		c.start("node1")
		time.Sleep(2 * time.Minute)
		c.loki.Set(func(f *pipesim.Faults) { f.PushDown = true })
		time.Sleep(30 * time.Second)
		happened := make(chan struct{})
		go func() {
			defer close(happened)
			c.start("node2")
			time.Sleep(10 * time.Second)
			c.terminate("node2")
		}()
		assert.Less(t, c.unread(5*time.Minute), time.Minute)
		<-happened
		c.loki.Set(func(f *pipesim.Faults) { f.PushDown = false })
		time.Sleep(time.Hour)
		for _, o := range c.orgs {
			missing, doubled, _ := c.loki.Compare(o.log)
			assert.Empty(t, missing)
			assert.Empty(t, doubled)
		}
		for _, name := range c.alive() {
			c.terminate(name)
		}
		time.Sleep(time.Minute)
	})
}
