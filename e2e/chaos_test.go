package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// TestMain lets six trials run at once where nobody says otherwise with -parallel: they wait more than they compute.
func TestMain(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = flag.Set(parallel.Name, "6")
	}
	os.Exit(m.Run())
}

// reconciled delivers to Loki through the gate, exactly once, and beside it to a second receiver, at least once. The two are two
// components: with reconcile, what Loki has is not delivered again to any receiver.
const reconciled = `
loki.source.okta "default" {
	url              = sys.env("OKTA_URL")
	api_token        = sys.env("OKTA_API_TOKEN")
	poll_interval    = "500ms"
	initial_lookback = "2h"
	forward_to       = [loki.write.default.receiver]

	reconcile {
		url = sys.env("LOKI_URL")
	}
}

loki.write "default" {
	endpoint {
		url                 = sys.env("LOKI_URL") + "/loki/api/v1/push"
		min_backoff_period  = "100ms"
		max_backoff_period  = "500ms"
		max_backoff_retries = 4
	}
}

` + second

// second delivers to the second receiver, without reconcile.
const second = `
loki.source.okta "second" {
	url              = sys.env("OKTA_URL")
	api_token        = sys.env("OKTA_API_TOKEN")
	poll_interval    = "500ms"
	initial_lookback = "2h"
	forward_to       = [loki.write.second.receiver]
}

loki.write "second" {
	endpoint {
		url = sys.env("SECOND_URL")
	}
}
`

// trial is alloy-okta under load: an org with a live feed and bursts, a Loki behind a gate, and a second receiver.
type trial struct {
	*rand.Rand
	okta   *org
	loki   *testbed.Loki
	gate   *gate
	second *receiver // nil: none
	alloy  *collector

	// patience is how long nothing that is missing may arrive; 0: three minutes. A loki.write at its defaults rests for as long as
	// eight between two tries.
	patience time.Duration
}

const (
	backlog  = 500
	liveRate = 30 // events a second
)

// newTrial prepares a trial; alloy-okta is not started. Its decisions, and the org's world, follow from a seed that is printed; with
// OKTA_E2E_SEED they are those of an earlier run, as far as the machine's timing allows. The knobs come after those that every trial has.
func newTrial(t *testing.T, config string, knobs ...string) *trial {
	t.Helper()
	seed := rand.Uint64N(1_000_000)
	if given := os.Getenv("OKTA_E2E_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 63)
		require.NoErrorf(t, err, "OKTA_E2E_SEED %q: want a whole number", given)
	}
	t.Logf("OKTA_E2E_SEED=%d repeats this", seed)

	s := &trial{Rand: rand.New(rand.NewPCG(seed, 0)), second: startReceiver(t)}
	s.okta = startOrg(t, append([]string{
		fmt.Sprintf("--backlog=%d", backlog), "--backlog-span=90m", fmt.Sprintf("--rate=%d/s", liveRate), "--late-share=0.02",
		"--rate-limit=6000", fmt.Sprintf("--seed=%d", seed),
	}, knobs...)...)
	s.loki = startLoki(t)
	s.gate = startGate(t, s.loki)
	s.alloy = newCollector(t, []byte(config), s.okta, s.loki)
	s.alloy.env = append(s.alloy.env, "LOKI_URL="+s.gate.URL, "SECOND_URL="+s.second.URL)
	return s
}

// burst has the org log hundreds of events at once. They fill blocks of Loki's chunks (256 KB), behind which it no longer
// recognizes a double.
func (s *trial) burst(t *testing.T) {
	t.Helper()
	s.okta.generate(t, 100+s.IntN(500))
}

// pass lets time go by under load, up to at most, with a burst and a flush of Loki's chunks now and then.
func (s *trial) pass(t *testing.T, most time.Duration) {
	t.Helper()
	end := time.Now().Add(time.Duration(s.Int64N(int64(most))))
	for left := time.Until(end); left > 0; left = time.Until(end) {
		switch s.IntN(10) {
		case 0:
			s.burst(t)
		case 1, 2:
			s.flush(t)
		}
		time.Sleep(min(left, time.Duration(s.IntN(500))*time.Millisecond))
	}
}

// flush has Loki write its chunks out, after which it no longer recognizes a double. Loki may be down just now.
func (s *trial) flush(t *testing.T) {
	t.Helper()
	_ = s.loki.Reader().Flush(t.Context())
}

// settle waits, under load, until Loki holds all that the org has logged by now, for a later event proves that an earlier one is
// lost. Then it ends the feed, waits for the rest, and ends alloy-okta. It returns all events of the org.
func (s *trial) settle(t *testing.T) []record {
	t.Helper()
	s.waitForAll(t, s.logged(t))
	all := s.end(t)
	s.waitForAll(t, all)
	if s.second != nil {
		s.second.waitFor(t, all)
	}
	s.alloy.waitForMetric(t, "loki_source_okta_unconfirmed_events", 0)
	require.Zero(t, s.alloy.requireMetric(t, "loki_source_okta_given_up_events_total"))
	s.alloy.stop(t)
	s.flush(t)
	s.waitForAll(t, all)
	return all
}

// waitForAll waits until Loki has shown each of the records, for as long as it shows more of them. What lies in the future it may show
// when its time has come.
func (s *trial) waitForAll(t *testing.T, all []record) {
	t.Helper()
	patience := max(s.patience, 3*time.Minute)
	_, last := bounds(all)
	missing, more := all, time.Now()
	for ; ; time.Sleep(time.Second) {
		from, to := bounds(missing)
		held, err := s.loki.Reader().Entries(t.Context(), selector, from, to.Add(1))
		left := compare(missing, held).missing
		if err == nil && len(left) == 0 {
			return
		}
		if len(left) < len(missing) {
			missing, more = left, time.Now()
		}
		if time.Since(last) > time.Minute && time.Since(more) > patience {
			state, _ := s.alloy.ask(t.Context(), "/api/v0/web/components/loki.source.okta.default")
			t.Fatalf("Loki lacks (%v) %s\nthe component says: %s\nits metrics:\n%s", err, difference{missing: missing}, state, s.alloy.metrics(t))
		}
	}
}

// end ends the feed and returns all events of the org.
func (s *trial) end(t *testing.T) []record {
	t.Helper()
	s.okta.control(t, http.MethodPost, "rate?per_second=0")
	var all []record
	require.Eventually(t, func() bool { // what is being played comes to its end
		before := len(all)
		all = s.logged(t)
		return len(all) == before
	}, time.Minute, time.Second)
	return all
}

// requireDelivered is the proof: each event is in Loki exactly once, and the second receiver got each at least once.
func (s *trial) requireDelivered(t *testing.T, all []record) {
	t.Helper()
	requireExactlyOnce(t, s.loki.Reader(), selector, all)
	// A Loki may hide a double from both of its answers, when the copies are in different chunks. What was pushed to it tells.
	if d := compare(all, s.gate.took.entries()); !d.none() {
		t.Fatalf("of %d events, what Loki took at its gate differs:\n%s", len(all), d)
	}
	t.Logf("%d events, each once in Loki", len(all))
	if s.second != nil {
		s.second.requireAtLeastOnce(t, all)
		t.Logf("the second receiver got %d entries", s.second.entries())
	}
}

// logged returns what the org's events must be in Loki.
func (s *trial) logged(t *testing.T) []record {
	t.Helper()
	var records []record
	for _, event := range s.okta.persisted(t) {
		records = append(records, recordOf(t, event))
	}
	return records
}
