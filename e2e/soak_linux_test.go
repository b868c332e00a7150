package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// OKTA_SOAK is how long the soak lasts, such as 4h: `make soak`. Without it each thing happens once.
func soakFor(t *testing.T) time.Duration {
	t.Helper()
	given := os.Getenv("OKTA_SOAK")
	if given == "" {
		return 0
	}
	d, err := time.ParseDuration(given)
	require.NoErrorf(t, err, "OKTA_SOAK %q: want a duration such as 4h", given)
	return d
}

// soak is a cluster at the defaults of Alloy and loki.write, and a Loki at its default limits that is safe from a crash (see Hiding of
// testbed.Loki), to which things happen. The first node is left alone, so that what grows in it does not go away with a restart.
type soak struct {
	*clustered
	happened map[string]int
	seen     []vitals
}

// vitals are what must not grow with time.
type vitals struct {
	at                                time.Time
	memory, goroutines, files, logged float64 // MB; lines since the start
}

func (v vitals) String() string {
	return fmt.Sprintf("%s %.0f MB, %.0f goroutines, %.0f files, %.0f lines logged", v.at.UTC().Format(time.TimeOnly), v.memory, v.goroutines,
		v.files, v.logged)
}

func TestASoakLosesAndDoublesNothingAndNothingGrows(t *testing.T) {
	t.Parallel()
	lasts := soakFor(t)
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir(), HidesOld: true, DefaultLimits: true}
	runLoki(t, loki)
	s := &soak{happened: map[string]int{}, clustered: startClusterOn(t, loki, 20, func(_ *clustered, config string) string {
		return strings.NewReplacer("\tpoll_interval = \"500ms\"\n", "", "\t\tresume_overlap = \"0s\"\n", "").Replace(config)
	})}
	s.load()
	s.requirePolled(startWithin)
	begin := time.Now()
	s.seen = append(s.seen, s.vitals())
	for time.Since(begin) < lasts || len(s.happened) < len(happenings) {
		names := happenings
		if lasts == 0 {
			names = happenings[len(s.happened):][:1]
		}
		s.happen(names[s.IntN(len(names))])
		for range 1 + min(int(lasts/time.Minute), 4+s.IntN(8)) { // 5 to 12 times 15 s to the next
			time.Sleep(min(15*time.Second, max(5*time.Second, lasts)))
			s.seen = append(s.seen, s.vitals())
		}
		if lasts > 0 {
			t.Logf("%v after %s: %s", s.happened, time.Since(begin).Round(time.Second), s.seen[len(s.seen)-1])
		}
	}
	require.NoError(t, loki.Reader().Flush(t.Context()))
	all := s.settle()
	require.NoError(t, loki.Reader().Flush(t.Context()))
	requireExactlyOnce(t, loki.Reader(), selector, all)
	t.Logf("%d events in %s, each once in Loki; %v", len(all), time.Since(begin).Round(time.Second), s.happened)
	if lasts >= 20*time.Minute {
		s.requireFlat()
	}
}

// happenings are what happens in a soak, in the order of its short form.
var happenings = []string{"kill", "reload", "outage", "refused cursor", "take-over"}

func (s *soak) happen(what string) {
	s.t.Helper()
	s.happened[what]++
	nap := func(most int) { time.Sleep(time.Duration(s.IntN(most)) * time.Second) }
	if soakFor(s.t) == 0 {
		nap = func(int) { time.Sleep(5 * time.Second) }
	}
	node := s.nodes.Nodes[1+s.IntN(len(s.nodes.Nodes)-1)]
	switch what {
	case "kill":
		node.Kill()
		nap(90)
		s.start(node)
	case "take-over":
		require.NoError(s.t, node.Stop(stopWithin))
		nap(90)
		s.start(node)
	case "reload":
		s.reload()
	case "outage":
		s.loki.Kill() // not SIGTERM, after which it hung for two minutes in one of three outages
		nap(120)
		require.NoError(s.t, s.loki.Start(s.t.Context()))
	case "refused cursor":
		for _, i := range s.Perm(len(s.orgs))[:5] {
			s.orgs[i].Set(func(o *oktasim.Org) { o.RefuseCursors = 1 })
		}
	}
}

// reload has all nodes read a configuration in which something has changed.
func (s *soak) reload() {
	s.t.Helper()
	config, err := os.ReadFile(s.nodes.Config)
	require.NoError(s.t, err)
	const other = "\tpoll_interval = \"7s\"\n"
	changed := strings.Replace(string(config), other, "", 1)
	if changed == string(config) {
		changed = strings.Replace(changed, "\tforward_to", other+"\tforward_to", 1)
	}
	require.NoError(s.t, os.WriteFile(s.nodes.Config, []byte(changed), 0o600))
	for _, n := range s.running() {
		collectorOf(n).reload(s.t)
	}
}

// vitals are the first node's.
func (s *soak) vitals() vitals {
	s.t.Helper()
	c := collectorOf(s.nodes.Nodes[0])
	v := vitals{time.Now(), float64(c.memory(s.t, "VmRSS")), c.sum(s.t, "go_goroutines"), c.sum(s.t, "process_open_fds"),
		float64(strings.Count(c.Log(), "\n"))}
	require.Positive(s.t, v.goroutines)
	require.Positive(s.t, v.files)
	return v
}

// requireFlat compares the last quarter with the second: the first is the start's, the third may hold what the second has not seen yet.
func (s *soak) requireFlat() {
	s.t.Helper()
	quarter := len(s.seen) / 4
	early, late := s.seen[quarter:2*quarter], s.seen[len(s.seen)-quarter:]
	median := func(of []vitals, value func(vitals) float64) float64 {
		var all []float64
		for _, v := range of {
			all = append(all, value(v))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	for name, value := range map[string]func(vitals) float64{
		"MB":         func(v vitals) float64 { return v.memory },
		"goroutines": func(v vitals) float64 { return v.goroutines },
		"open files": func(v vitals) float64 { return v.files },
	} {
		before, after := median(early, value), median(late, value)
		s.t.Logf("%s: %.0f in the second quarter, %.0f in the last", name, before, after)
		require.LessOrEqual(s.t, after, 1.2*before, name)
	}
	perHour := func(of []vitals) float64 {
		return (of[len(of)-1].logged - of[0].logged) / of[len(of)-1].at.Sub(of[0].at).Hours()
	}
	s.t.Logf("lines logged an hour: %.0f in the second quarter, %.0f in the last", perHour(early), perHour(late))
	// What happens is random, and most lines are about it.
	require.LessOrEqual(s.t, perHour(late), 2*perHour(early))
}
