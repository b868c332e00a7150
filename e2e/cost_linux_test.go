package e2e

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// extent is how much is measured.
type extent struct {
	pages, large, many int           // of 1,000 events; spread is about as much as pages
	few, crowd         int           // orgs
	rest               time.Duration // for which a program at rest is watched
	every              int64         // seconds between two events of an org that is at rest with reconcile
}

var (
	wholeExtent = extent{pages: 200, large: 20, many: 1000, few: 50, crowd: 500, rest: time.Minute, every: 20}
	shortExtent = extent{pages: 2, large: 1, many: 3, few: 2, crowd: 3, rest: time.Second, every: 1}
)

// BenchmarkWholeProgram measures the built alloy-okta as a process of its own, from HTTP to HTTP, against the floor: another process that
// reads and inflates the same gzipped pages. CPU times are user and system, of the process alone. Other programs on the machine raise them
// all the same, the floor's from 3.7 to 8 µs of an event: each way has its floor measured just before, and the ratios are what to read.
// It takes half an hour on two busy cores, and half a gigabyte of memory and of disk.
//
//	make bench BENCH=WholeProgram/drain
//	make bench BENCH=WholeProgram/drain/old        only the ways whose name has "old" in it; without the way that it is compared with
//	make bench BENCH=WholeProgram/rest
func BenchmarkWholeProgram(b *testing.B) {
	// The log of a benchmark is cut after ten lines, and comes at its end.
	say := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	b.Run("drain", func(b *testing.B) {
		rows, profiles := wholeExtent.drain(b, say, math.MaxInt, func(w way, measure func(testing.TB) drained) {
			b.Run(w.name, func(b *testing.B) {
				for b.Loop() {
					d := measure(b)
					b.ReportMetric(d.perEvent()/d.floorEvent(), "times/floor")
				}
				b.ReportMetric(0, "ns/op")
			})
		})
		say("%s", table(rows)+profiles)
	})
	b.Run("rest", func(b *testing.B) {
		for b.Loop() {
			say("%s", restTable(wholeExtent.idle(b, say)))
		}
		b.ReportMetric(0, "ns/op")
	})
}

// drain has each way run, or not, and the first profiled ones once more for their profiles.
func (x extent) drain(
	t testing.TB, say func(string, ...any), profiled int, run func(w way, measure func(testing.TB) drained),
) (rows []drained, profiles string) {
	t.Helper()
	recordings := map[size]func() *recording{
		small: sync.OnceValue(func() *recording { return recordOrg(x.pages) }),
		large: sync.OnceValue(func() *recording { return recordLarge(t, x.large) }),
		many:  func() *recording { return recordOrg(x.many) },
	}
	for _, w := range ways(x.few, x.crowd) {
		run(w, func(t testing.TB) drained {
			var r *recording
			if w.events == spread {
				whole := recordings[small]()
				r = &recording{pages: whole.pages[:max(1, x.pages/w.orgs)]}
				r.events = 1000 * len(r.pages)
				r.bytes = whole.bytes / whole.events * r.events
			} else {
				r = recordings[w.events]()
			}
			d, _ := w.drain(t, r, 0)
			rows = append(rows, d)
			say("%s: %.1f µs of CPU for each of %d events, %.1f times the floor", w.name, d.perEvent(), d.n, d.perEvent()/d.floorEvent())
			if w.profile && profiled > 0 {
				profiled--
				_, p := w.drain(t, r, max(1, int(d.took.Seconds())))
				require.NotNil(t, p, w.name)
				profiles += places(w.name, p)
			}
			return d
		})
	}
	return rows, profiles
}

// idle runs orgs that have had a page each: without an event after that, and with one now and then and reconcile.
func (x extent) idle(t testing.TB, say func(string, ...any)) (rows []idle) {
	t.Helper()
	for _, orgs := range []int{1, x.few, x.crowd} {
		c := startCrowd(t, orgs, 1)
		c.every = math.MaxInt32
		rows = append(rows, idle{orgs, "nothing happens", measure(t, c, oneComponent, nil, x.rest)})
		say("%d orgs at rest: %s", orgs, rows[len(rows)-1])
	}
	for _, orgs := range []int{1, x.few, x.crowd} {
		c := startCrowd(t, orgs, 0)
		c.every = x.every
		what := fmt.Sprintf("reconcile, an event every %d s", x.every)
		with := func(hosts []string, to string) string { return withReconcile(hosts, to, to) }
		rows = append(rows, idle{orgs, what, measure(t, c, with, startLoki(t), x.rest)})
		say("%d orgs, %s: %s", orgs, what, rows[len(rows)-1])
	}
	return rows
}

// The benchmark runs, and its tables have a row for each way: the figures themselves are not judged.
func TestTheCostOfEachWayIsMeasured(t *testing.T) {
	t.Parallel()
	rows, profiles := shortExtent.drain(t, t.Logf, 1, func(_ way, measure func(testing.TB) drained) { measure(t) })
	text := table(rows)
	names := map[string]bool{}
	for _, r := range rows {
		names[r.name] = true
		require.Positive(t, r.cpu, r.name)
		require.Positive(t, r.floor, r.name)
		require.Greater(t, r.bytes, 500, r.name)
		require.Contains(t, text, fmt.Sprintf("\n| %s | %d | ", r.name, r.n))
		for _, mb := range r.memory {
			require.Positive(t, mb, r.name)
		}
	}
	for _, w := range ways(shortExtent.few, shortExtent.crowd) {
		require.True(t, names[w.name], w.name)
		require.True(t, w.than == "" || names[w.than], w.than)
	}
	require.NotContains(t, text, "NaN")
	require.NotContains(t, text, "Inf")
	require.Contains(t, profiles, "Where the time goes: source alone\n")

	rested := shortExtent.idle(t, t.Logf)
	require.Len(t, rested, 6)
	for _, r := range rested {
		require.Positive(t, r.ready)
		require.Positive(t, r.reload)
		require.Positive(t, r.rest)
		require.Contains(t, restTable(rested), fmt.Sprintf("\n| %d | %s | ", r.orgs, r.what))
	}
	require.Zero(t, rested[0].queries, "nothing is asked without reconcile")
	require.Positive(t, rested[0].first)
}

func TestAProfileIsDividedByPackage(t *testing.T) {
	for function, want := range map[string]string{
		"github.com/grafana/alloy/okta/internal/redact.(*Redactor).value": "github.com/grafana/alloy/okta/internal/redact",
		"github.com/klauspost/compress/flate.(*decompressor).huffSym":     "github.com/klauspost/compress/flate",
		"gopkg.in/yaml.v3.parse":            "gopkg.in/yaml", // as near as the name tells
		"net/http.(*conn).serve":            "net/http",
		"bytes.IndexByte":                   "bytes",
		"slices.Sort[go.shape.*a.b/c.D]":    "slices",
		"runtime.mallocgc":                  "",
		"runtime/pprof.profileWriter":       "",
		"internal/runtime/maps.(*Map).grow": "",
		"memeqbody":                         "",
	} {
		require.Equal(t, want, packageOf(function), function)
	}
}
