// option: reconcile, backfill

package takeover_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// script is a ring and its network, in which the other nodes answer what a test says. It is also the reader, which tells how it was begun.
type script struct {
	mu      sync.Mutex
	mine    bool
	answers map[string]takeover.Answer // of the other nodes, by name
	secrets map[string]string          // what they sign with
	started chan takeover.Start
}

func (s *script) Self() string { return "node1" }
func (s *script) Alone() bool  { return false }
func (s *script) Owner(string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "node1", s.mine
}
func (s *script) Standby(string) (takeover.Peer, bool) { return takeover.Peer{}, false }
func (s *script) Peers() (all []takeover.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.answers {
		all = append(all, peer(name))
	}
	return all
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	a := s.answers[r.URL.Host]
	s.mu.Unlock()
	if a.State == "" {
		return nil, errDown
	}
	a.Node = r.URL.Host
	body, err := json.Marshal(a)
	h := takeover.Headers(s.secrets[r.URL.Host], acme, "answer", takeover.Nonce(r.Header), body)
	return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(bytes.NewReader(body))}, err
}

func (s *script) Read(ctx context.Context, start takeover.Start) {
	s.started <- start
	<-ctx.Done()
}
func (s *script) Drain(context.Context) {}
func (s *script) UnderWay() bool        { return false }

// exchangeOf is a node's in a script, which is its ring and its network.
func exchangeOf(t *testing.T, s interface {
	takeover.Ring
	http.RoundTripper
}) *takeover.Exchange {

	t.Helper()
	return takeover.New(takeover.Config{Ring: s, Dir: t.TempDir(), Logger: log.NewNopLogger(),
		Client: func() *http.Client { return &http.Client{Transport: s} }})
}

// sits runs a seat until the function that it returns is called, which waits for the end.
func sits(t *testing.T, seat *takeover.Seat, r takeover.Reader) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); seat.Run(ctx, r) }()
	return func() { cancel(); <-done }
}

// acquires lets a node that has run for a minute gain an org, and returns what its reader began with, and how long that took. Meanwhile
// happens is called with the node.
func acquires(t *testing.T, s *script, before, meanwhile func(*takeover.Exchange)) (start takeover.Start, took time.Duration) {
	t.Helper()
	s.started = make(chan takeover.Start, 1)
	x := exchangeOf(t, s)
	seat := x.Seat(acme, credential)
	leave := sits(t, seat, s)
	time.Sleep(time.Minute)
	before(x)
	begin := time.Now()
	s.mu.Lock()
	s.mine = true
	s.mu.Unlock()
	x.Changed()
	meanwhile(x)
	start = <-s.started
	took = time.Since(begin)
	leave()
	return start, took
}

// slow is a reader of which something is under way until landed is closed.
type slow struct {
	*script
	landed chan struct{}
}

func (r *slow) Drain(ctx context.Context) {
	select {
	case <-r.landed:
	case <-ctx.Done():
	}
}

func (r *slow) UnderWay() bool {
	select {
	case <-r.landed:
		return false
	default:
		return true
	}
}

// An org that comes back before all had arrived, and leaves again before it is read, is waited for as at first: who reads it next must know.
func TestADrainThatWasCutShortGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{mine: true, started: make(chan takeover.Start, 1), secrets: map[string]string{"node2": secret},
			answers: map[string]takeover.Answer{"node2": {State: takeover.None}}}
		x := exchangeOf(t, s)
		seat, r := x.Seat(acme, credential), &slow{s, make(chan struct{})}
		leave := sits(t, seat, r)
		defer leave()
		becomes := func(mine bool, other, want takeover.State) {
			t.Helper()
			s.mu.Lock()
			s.mine, s.answers["node2"] = mine, takeover.Answer{State: other}
			s.mu.Unlock()
			x.Changed()
			time.Sleep(5 * time.Second)
			state, _, _ := seat.State()
			require.Equal(t, want, state)
		}
		becomes(true, takeover.None, takeover.Owned)
		becomes(false, takeover.Acquiring, takeover.Draining)
		becomes(true, takeover.Owned, takeover.Acquiring)
		becomes(false, takeover.Acquiring, takeover.Draining)
		close(r.landed)
		becomes(false, takeover.Acquiring, takeover.Released)
		becomes(true, takeover.Owned, takeover.Acquiring)
		becomes(false, takeover.Owned, takeover.None)
	})
}

func message(t *testing.T, a takeover.Answer) string {
	data, err := json.Marshal(a)
	require.NoError(t, err)
	return string(data)
}

// A node that gave the org up long ago says nothing about the one that reads it now, and that may have something under way when it stops:
// its notice is waited for.
func TestAReleaseOfLongAgoIsNotTakenForOneOfNow(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration
		want time.Duration // how long copies may still arrive, at least
	}{
		"an hour ago":     {time.Hour, 20 * time.Second},
		"a minute ago":    {time.Minute, 20 * time.Second},
		"a moment ago":    {time.Second, time.Second},
		"a later version": {0, time.Second}, // or one from before there was an age
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old, latest := journal(t, acme, time.Now()), journal(t, acme, time.Now().Add(30*time.Second))
				s := &script{answers: map[string]takeover.Answer{"node3": {State: takeover.Released, Age: c.age.Milliseconds(), Journal: old}},
					secrets: map[string]string{"node3": secret}}
				start, _ := acquires(t, s, func(x *takeover.Exchange) { // node2 reads, and sends what it saves
					saved := message(t, takeover.Answer{Node: "node2", State: takeover.Owned, Journal: latest})
					require.Equal(t, 204, deliver(x, secret, "tell", "PUT", "/orgs/acme.okta.com", saved).Code)
				}, func(x *takeover.Exchange) { // and stops, which the ring says before it does
					time.Sleep(500 * time.Millisecond)
					stops := message(t, takeover.Answer{Node: "node2", State: takeover.Stopping, Journal: latest})
					require.Equal(t, 204, deliver(x, secret, "tell", "PUT", "/orgs/acme.okta.com", stops).Code)
				})
				require.True(t, start.Others)
				require.True(t, start.AtOnce)
				require.GreaterOrEqual(t, start.LastPush, c.want)
				require.Less(t, start.LastPush, c.want+10*time.Second)
			})
		})
	}
}

// What this node saved last counts as its own though the disk did not take it: others that have a copy of it have not read on.
func TestACopyOfWhatTheDiskDidNotTakeIsNoReadingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		saved := journal(t, acme, time.Now())
		s := &script{answers: map[string]takeover.Answer{"node2": {State: takeover.None, Journal: saved}},
			secrets: map[string]string{"node2": secret}}
		start, _ := acquires(t, s, func(x *takeover.Exchange) { x.Seat(acme, credential).Saved(saved) }, func(*takeover.Exchange) {})
		require.False(t, start.Others)
	})
}

// What a node says whose credential is another one is believed where it only makes this one wait, and nothing of it is used. This one then
// begins as if another node had read on, when nothing of that can be under way.
func TestAnswersThatCannotBeCheckedOnlyMakeItWait(t *testing.T) {
	for _, c := range []struct {
		state takeover.State
		then  takeover.State // after three seconds
		least time.Duration
		most  time.Duration
	}{
		{takeover.None, takeover.None, 0, time.Second},
		{takeover.Released, takeover.Released, 25 * time.Second, 31 * time.Second},
		{takeover.Stopping, takeover.Stopping, 25 * time.Second, 31 * time.Second},
		{takeover.Owned, takeover.Released, 25 * time.Second, 31 * time.Second},
		{takeover.Draining, takeover.Released, 25 * time.Second, 31 * time.Second},
		{takeover.Owned, takeover.Owned, 11 * time.Minute, 12 * time.Minute},
		{takeover.Draining, takeover.Draining, 11 * time.Minute, 12 * time.Minute},
	} {
		t.Run(string(c.state+" then "+c.then), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				newer := journal(t, acme, time.Now())
				s := &script{answers: map[string]takeover.Answer{"node2": {State: c.state, Journal: newer}},
					secrets: map[string]string{"node2": "another"}}
				start, took := acquires(t, s, func(*takeover.Exchange) {}, func(*takeover.Exchange) {
					time.Sleep(3 * time.Second)
					s.mu.Lock()
					s.answers["node2"] = takeover.Answer{State: c.then, Journal: newer}
					s.mu.Unlock()
				})
				require.Empty(t, start.Copies)
				require.Equal(t, c.state != takeover.None, start.Others)
				if c.state != takeover.None {
					require.GreaterOrEqual(t, took, c.least)
				}
				require.Less(t, took, c.most+3*time.Second)
			})
		})
	}
}

// Health says what an org waits for, and whether somebody reads it meanwhile.
func TestWhatANodeWaitsForIsTold(t *testing.T) {
	for _, c := range []struct {
		states []takeover.State // of node2, node3; "": it does not answer
		why    string
		read   bool
	}{
		{[]takeover.State{takeover.Owned}, "node2 still reads it", true},
		{[]takeover.State{takeover.Draining}, "node2 waits for what it delivered to arrive", false},
		{[]takeover.State{takeover.Draining, takeover.Owned}, "node3 still reads it", true},
		{[]takeover.State{takeover.None, ""}, "1 of the other nodes do not answer", false},
		{[]takeover.State{"", takeover.Draining}, "node3 waits for what it delivered to arrive", false},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{mine: true, answers: map[string]takeover.Answer{}, secrets: map[string]string{"node2": secret, "node3": secret},
					started: make(chan takeover.Start, 1)}
				for i, state := range c.states {
					s.answers[[]string{"node2", "node3"}[i]] = takeover.Answer{State: state}
				}
				x := exchangeOf(t, s)
				seat := x.Seat(acme, credential)
				leave := sits(t, seat, s)
				time.Sleep(20 * time.Second)
				why, read := seat.Waits()
				require.Equal(t, c.why, why)
				require.Equal(t, c.read, read)
				s.mu.Lock()
				for name := range s.answers {
					s.answers[name] = takeover.Answer{State: takeover.None}
				}
				s.mu.Unlock()
				<-s.started
				why, _ = seat.Waits()
				require.Empty(t, why)
				leave()
			})
		})
	}
}

// A checkpoint of a long filter, without reconcile, is some hundred KB. One that is larger than nodes take is told of, once, and does not
// keep the last words of a node from being heard.
func TestALargeCheckpointIsExchangedOrTold(t *testing.T) {
	var logged strings.Builder
	s := &script{}
	x := takeover.New(takeover.Config{Ring: s, Dir: t.TempDir(), Logger: log.NewLogfmtLogger(&logged),
		Client: func() *http.Client { return &http.Client{Transport: s} }})
	seat := x.Seat(acme, credential)
	sized := func(filter, marks int) (data []byte) {
		long := acme + "/api/v1/logs?filter=" + strings.Repeat("x", filter)
		j, _, err := checkpoint.Open(t.TempDir(), checkpoint.Scope{Org: acme, Filter: strings.Repeat("x", filter), PageSize: 1000}, time.Hour)
		require.NoError(t, err)
		j.Saved = func(saved []byte) { data = saved }
		for i := range marks {
			at := time.Now().Add(time.Duration(i-60) * 2 * time.Minute)
			require.NoError(t, j.Append(checkpoint.Mark{Cursor: long, Published: at, Delivered: at}))
		}
		return data
	}
	large := sized(8<<10, 40)
	require.Greater(t, len(large), 200<<10)
	seat.Saved(large)
	require.Contains(t, get(x, "").Body.String(), `"journal"`)
	require.Equal(t, 204, deliver(x, secret, "tell", "PUT", "/orgs/acme.okta.com",
		message(t, takeover.Answer{Node: "node2", State: takeover.Owned, Journal: large})).Code)
	require.Empty(t, logged.String())

	tooLarge := sized(1<<20, 1)
	for range 3 {
		seat.Saved(tooLarge)
	}
	require.Equal(t, 1, strings.Count(logged.String(), "too large for other nodes"))
	require.Less(t, get(x, "").Body.Len(), checkpoint.MaxCopy)
}
