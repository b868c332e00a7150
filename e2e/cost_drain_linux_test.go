package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// drained is what it took to get a recording through.
type drained struct {
	way
	n      int // events
	bytes  int // of an event, on average
	floor  time.Duration
	cpu    time.Duration
	took   time.Duration
	memory [5]int // resident, in MB: at the beginning, after each quarter of the time
}

func (d drained) perEvent() float64   { return d.cpu.Seconds() * 1e6 / float64(d.n) }   // µs
func (d drained) floorEvent() float64 { return d.floor.Seconds() * 1e6 / float64(d.n) } // µs

// drain runs a way from a program that is up, and has asked for its first page, to the last event. The CPU time is the program's as the
// kernel counts it, which is what getrusage says of a process that has ended. A profile is taken for as many seconds, 0 for none.
func (w way) drain(t testing.TB, r *recording, seconds int) (drained, *profile.Profile) {
	t.Helper()
	orgs := max(w.orgs, 1)
	d := drained{way: w, n: orgs * r.events, bytes: r.bytes / r.events, floor: floor(t, r) * time.Duration(orgs)}
	log := play(r)
	hosts := listenAs(t, orgs, log)
	push := discard(t)
	if w.loki {
		push = startLoki(t).URL()
	}
	dir := t.TempDir()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	k := &collector{
		bin: program(t, "alloy-okta"), addr: addr, config: filepath.Join(dir, "config.alloy"),
		storage: filepath.Join(dir, "data"), log: filepath.Join(dir, "alloy-okta.log"),
	}
	watchLog(t, func() *testbed.Process { return k.Process })
	lines := filepath.Join(dir, "lines.log")
	to, err := os.Create(lines)
	require.NoError(t, err)
	defer to.Close()
	require.NoError(t, os.WriteFile(k.config, []byte(w.config(hosts, push, push, lines)), 0o600))
	k.start(t)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	if !w.old {
		require.Eventually(t, func() bool { return log.waiting.Load() > 0 }, time.Minute, 10*time.Millisecond)
		for n := int64(0); n != log.waiting.Load(); time.Sleep(500 * time.Millisecond) { // not all orgs ask at once
			n = log.waiting.Load()
		}
	}
	memory := []int{k.memory(t, "VmRSS")}
	before, begin := k.cpu(t), time.Now()
	profiled := make(chan *profile.Profile, 1)
	go func() { profiled <- k.profile(ctx, seconds) }()
	log.open()
	if w.old {
		r.lines(t, to)
	}
	for !w.done(ctx, t, k, log, d.n) {
		require.NoError(t, ctx.Err(), "%s: not all events came through", w.name)
		memory = append(memory, k.memory(t, "VmRSS"))
		time.Sleep(100 * time.Millisecond)
	}
	memory = append(memory, k.memory(t, "VmRSS"))
	d.cpu, d.took = k.cpu(t)-before, time.Since(begin)
	for i := range d.memory {
		d.memory[i] = memory[i*(len(memory)-1)/(len(d.memory)-1)]
	}
	p := <-profiled
	k.stop(t)
	require.NotContains(t, k.Log(), "level=error")
	return d, p
}

// done tells whether all events are through: out of the source, out of loki.write, and with a real Loki seen there. Metrics are asked for
// late, since they cost the program what is measured.
func (w way) done(ctx context.Context, t testing.TB, k *collector, log *player, n int) bool {
	t.Helper()
	if !w.old && log.behind.Load() < int64(max(w.orgs, 1)) {
		return false
	}
	if w.old {
		time.Sleep(400 * time.Millisecond)
	}
	got, err := k.delivered(ctx)
	if !w.discard {
		got, err = k.metric(ctx, "loki_write_sent_entries_total")
	}
	if err != nil || got < float64(n) {
		return false
	}
	require.InDelta(t, n, got, 0, "%s: each event once", w.name)
	return !w.loki || k.sum(t, "loki_source_okta_unconfirmed_events") == 0
}

// profile is the program's CPU profile of some seconds from now; nil when it is of none.
func (c *collector) profile(ctx context.Context, seconds int) *profile.Profile {
	if seconds == 0 {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", c.addr, seconds), nil)
	if err != nil {
		return nil
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	p, err := profile.Parse(resp.Body)
	if err != nil {
		return nil
	}
	return p
}
