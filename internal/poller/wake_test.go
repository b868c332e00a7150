// option: event_hook

package poller_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

const settle = time.Minute

// rare is a poll interval that nothing but a hook cuts short within a test.
const rare = 5 * time.Minute

// awake is a component that polls rarely and is up to date.
func awake(t *testing.T, org *oktasim.Org) (*component, *running) {
	t.Helper()
	c := on(t, org)
	c.interval, c.wakes = rare, poller.NewWakes()
	r := c.run()
	pass(10 * time.Second)
	return c, r
}

// after returns when the polls since from were, from then.
func after(org *oktasim.Org, from time.Time) (at []time.Duration) {
	for _, r := range org.Requests() {
		if d := r.Time.Sub(from); d >= 0 {
			at = append(at, d)
		}
	}
	return at
}

func kind(uuid, eventType string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"uuid":%q,"eventType":%q,"published":%q}`, uuid, eventType, at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

func TestAHookEndsThePause(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c, r := awake(t, org)
		began := time.Now()
		org.Append(kind("a", "user.session.start", began))
		c.wakes.Announce([]string{"a"}, settle)
		synctest.Wait()
		require.Equal(t, []string{"a"}, c.sink.uuids())
		pass(time.Minute)
		require.Equal(t, []time.Duration{0}, after(org, began), "what was seen is not polled for again")
		require.Equal(t, 1, c.counter("event_hook_seen_events_total"))
		r.stop()
	})
}

// The log may show an event later than the hook that announces it.
func TestAnnouncedEventsAreLookedForAgain(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c, r := awake(t, org)
		began := time.Now()
		c.wakes.Announce([]string{"a"}, settle)
		org.AppendAt(began.Add(4*time.Second), kind("a", "user.session.start", began))
		pass(time.Minute)
		require.Equal(t, []time.Duration{0, 2 * time.Second, 5 * time.Second}, after(org, began))
		require.Equal(t, []string{"a"}, c.sink.uuids())

		began = time.Now()
		c.wakes.Announce([]string{"forged"}, settle)
		pass(rare + time.Minute)
		require.Equal(t, []time.Duration{0, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, 30*time.Second + rare},
			after(org, began))
		require.Equal(t, 1, c.counter("event_hook_unseen_events_total"))
		r.stop()
	})
}

// Whoever knows the secret can spend the share of this component's budget, and none of what is others'.
func TestHooksStayWithinTheBudget(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: 20}
		c, r := awake(t, org)
		for i := range 10 * 60 {
			c.wakes.Announce([]string{fmt.Sprint(i)}, settle)
			time.Sleep(time.Second)
		}
		for _, w := range org.Windows() {
			require.LessOrEqual(t, w.Used, 10)
			require.Zero(t, w.Refused)
		}
		r.stop()
	})
}

// On a busy org the poll is there before the hook.
func TestHooksAboutKnownEventsCostNoPoll(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		c.wakes = poller.NewWakes()
		org.Append(kind("a", "user.session.start", time.Now()), kind("dropped", "user.session.end", time.Now()))
		c.format = event.Options{LineFormat: event.FormatEvent, RelabelRules: []*relabel.Config{{
			SourceLabels: model.LabelNames{"__okta_event_type"}, Separator: ";", Regex: relabel.MustNewRegexp("user.session.end"), Action: relabel.Drop,
			Replacement: "$1", NameValidationScheme: model.UTF8Validation,
		}}}
		r := c.run()
		pass(time.Second)
		began := time.Now()
		c.wakes.Announce([]string{"a", "dropped"}, settle)
		pass(8 * time.Second)
		require.Empty(t, after(org, began))
		require.Equal(t, 2, c.counter("event_hook_seen_events_total"))
		r.stop()
	})
}

func TestHooksDoNotHurryAFailure(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{Refuse: http.StatusUnauthorized}
		c := on(t, org)
		c.interval, c.wakes = rare, poller.NewWakes()
		r := c.run()
		for i := range 60 {
			c.wakes.Announce([]string{fmt.Sprint(i)}, settle)
			pass(time.Second)
		}
		require.LessOrEqual(t, len(org.Requests()), 3, "a refusal is tried every 30 to 60 seconds")
		org.Set(func(o *oktasim.Org) { o.Refuse = 0 })
		org.Append(kind("a", "user.session.start", time.Now()))
		pass(time.Minute)
		require.Equal(t, []string{"a"}, c.sink.uuids())
		r.stop()
	})
}

// What was announced while a reload took place is not forgotten, nor is a stop held up.
func TestAnnouncementsOutliveAReload(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c, r := awake(t, org)
		r.stop()
		c.wakes.Announce([]string{"a"}, settle)
		org.AppendAt(time.Now().Add(3*time.Second), kind("a", "user.session.start", time.Now()))
		r = c.run()
		pass(5 * time.Second)
		require.Equal(t, []string{"a"}, c.sink.uuids())
		r.stop()
	})
}

// hooked registers the component's own listener with the org and lets the org send, until the returned func is called.
func hooked(t *testing.T, c *component) (stop func()) {
	t.Helper()
	const secret = "the secret of the hook"
	digest, err := hook.ParseSecret(secret)
	require.NoError(t, err)
	listener := hook.New(log.NewNopLogger(), nil)
	listener.Configure(hook.Config{Routes: map[string]hook.Route{"/okta/acme": {Name: "acme", Secrets: []hook.Secret{digest},
		Receive: func(_ context.Context, n hook.Notice) error {
			var uuids []string
			for _, e := range n.Events {
				uuids = append(uuids, e.UUID)
			}
			c.wakes.Announce(uuids, settle)
			return nil
		}}}})
	pipe := oktasim.Serve(listener)
	c.org.Set(func(o *oktasim.Org) { o.Hooks.Client = pipe.Client() })
	require.NoError(t, c.org.Hook(t.Context(), "http://localhost/okta/acme", "Authorization", secret))
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() { _ = c.org.SendHooks(ctx) })
	return func() { cancel(); sending.Wait(); pipe.Close() }
}

// day is what a quiet org costs and how late its events are.
type day struct {
	requests        int
	eligible, other []time.Duration // from published to delivery, sorted
}

// quietHours lets six hours pass in which something happens every six minutes, on average: one to five events within some seconds.
func quietHours(t *testing.T, every time.Duration, hooks oktasim.Hooks, withHooks bool) (d day) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		org := &oktasim.Org{Hooks: hooks}
		c := on(t, org)
		c.interval = every
		if withHooks {
			c.wakes = poller.NewWakes()
			defer hooked(t, c)()
		}
		r := c.run()
		pass(every)
		before := len(org.Requests())
		rng := rand.New(rand.NewPCG(1, 2))
		published := map[string]time.Time{}
		end := time.Now().Add(6 * time.Hour)
		for n := 0; ; {
			time.Sleep(time.Duration(rng.ExpFloat64() * float64(6*time.Minute)))
			if time.Now().After(end) {
				break
			}
			for range 1 + rng.IntN(5) {
				types := []string{"user.session.start", "user.authentication.sso", "policy.evaluate_sign_on"}
				eventType := types[n%3]
				uuid := fmt.Sprintf("%d-%s", n, eventType)
				n++
				published[uuid] = time.Now()
				lag := 700*time.Millisecond + time.Duration(rng.IntN(1800))*time.Millisecond
				org.AppendAt(time.Now().Add(lag), kind(uuid, eventType, time.Now()))
				time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
			}
		}
		d.requests = len(org.Requests()) - before
		pass(2 * every)
		r.stop()
		c.requireEachOnce()
		at := c.sink.times()
		for i, uuid := range c.sink.uuids() {
			late := at[i].Sub(published[uuid])
			if strings.HasSuffix(uuid, "policy.evaluate_sign_on") {
				d.other = append(d.other, late)
			} else {
				d.eligible = append(d.eligible, late)
			}
		}
		slices.Sort(d.eligible)
		slices.Sort(d.other)
	})
	return d
}

func share(sorted []time.Duration, of float64) time.Duration {
	return sorted[int(of*float64(len(sorted)-1))]
}

// A rare poll with hooks is as fast as a frequent one without, for a tenth of its requests. What is not eligible waits for the poll.
func TestARarePollWithHooksIsFastAndCheap(t *testing.T) {
	t.Parallel()
	often := quietHours(t, interval, oktasim.Hooks{}, false)
	hooks := quietHours(t, rare, oktasim.Hooks{}, true)
	rarely := quietHours(t, rare, oktasim.Hooks{}, false)
	t.Logf("requests in 6 h: %d every 10s, %d every 5m with hooks, %d without; 95 %% of eligible events within %s, %s, %s; of others %s, %s, %s",
		often.requests, hooks.requests, rarely.requests, share(often.eligible, .95), share(hooks.eligible, .95), share(rarely.eligible, .95),
		share(often.other, .95), share(hooks.other, .95), share(rarely.other, .95))
	require.LessOrEqual(t, hooks.requests, often.requests/10)
	require.LessOrEqual(t, share(hooks.eligible, .95), 15*time.Second)
	require.Greater(t, share(rarely.eligible, .95), 4*time.Minute, "which is what the hooks are for")
}

// Lost hooks cost latency, repeated and unordered ones nothing.
func TestLostAndRepeatedHooksLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	d := quietHours(t, rare, oktasim.Hooks{Lose: .3, Repeat: .3, Reverse: true}, true) // checks that each event came once
	require.LessOrEqual(t, share(d.eligible, 1), rare+20*time.Second)
	require.LessOrEqual(t, share(d.eligible, .5), 15*time.Second)
}

// Forged, oversized and broken hooks: what Okta logs is delivered, once, and nobody learns anything.
func TestAbusedHooksDoNotHarmPolling(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		c.interval, c.wakes = interval, poller.NewWakes()
		digest, err := hook.ParseSecret("the secret of the hook")
		require.NoError(t, err)
		listener := hook.New(log.NewNopLogger(), nil)
		listener.Configure(hook.Config{Routes: map[string]hook.Route{"/okta/acme": {Name: "acme", Secrets: []hook.Secret{digest},
			Receive: func(_ context.Context, n hook.Notice) error {
				c.wakes.Announce([]string{n.Events[0].UUID}, settle)
				return nil
			}}}})
		r := c.run()
		for i := range 120 {
			for status, request := range map[int][2]string{
				401: {"a wrong secret, long enough", `{}`}, 400: {"the secret of the hook", `{"data":`},
				413: {"the secret of the hook", strings.Repeat("x", hook.MaxBody+1)},
				204: {"the secret of the hook", fmt.Sprintf(`{"data":{"events":[{"uuid":"forged-%d"}]}}`, i)},
			} {
				q := httptest.NewRequest("POST", "/okta/acme", strings.NewReader(request[1]))
				q.Header.Set("Authorization", request[0])
				q.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				listener.ServeHTTP(w, q)
				require.Equal(t, status, w.Code)
			}
			if i%10 == 0 {
				org.Append(kind(fmt.Sprint(i), "user.session.start", time.Now()))
			}
			pass(time.Second)
		}
		pass(interval)
		c.requireEachOnce()
		require.Less(t, c.status.Snapshot().Lag(time.Now()), 2*interval)
		for _, w := range org.Windows() {
			require.LessOrEqual(t, w.Used, 60)
		}
		r.stop()
		for _, uuid := range c.sink.uuids() {
			require.False(t, strings.HasPrefix(uuid, "forged"), gjson.Parse(uuid).String())
		}
	})
}
