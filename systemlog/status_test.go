package systemlog

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// faulty is an org whose Okta and Deliver fail on demand.
type faulty struct {
	served
	mu sync.Mutex
	faults
}

type faults struct {
	okta    bool          // refuses the token
	deliver error         // of Deliver
	blocks  time.Duration // of each Deliver, before that
}

func (f *faulty) set(to faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = to
}

func (f *faulty) now() faults {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faults
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.now().okta {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "SSWS revoked")
	}
	return f.served.RoundTrip(r)
}

func (f *faulty) take(ctx context.Context, _ Entry) error {
	now := f.now()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(now.blocks):
		return now.deliver
	}
}

// What is wrong is in the status from its beginning to its end, once, with its time; and nothing is when it is over. The log, if there is
// one, has two lines of it.
func TestTheStatusHasWhatIsWrongWhileItLasts(t *testing.T) {
	full := errors.New("the disk is full")
	for name, c := range map[string]struct {
		fail  faults
		want  []Problem // Since is not compared
		err   string
		end   string
		noLog bool
	}{
		"a refused token": {fail: faults{okta: true}, err: "401", end: "connection to Okta recovered",
			want: []Problem{{Part: "okta", Message: "Okta refuses the request, retrying slowly until that changes", Refused: true}}},
		"Deliver fails": {fail: faults{deliver: full}, err: "the disk is full", end: "deliveries succeed again",
			want: []Problem{{Part: "deliver", Message: "delivery failed"}}},
		"Deliver fails, and nothing is logged": {fail: faults{deliver: full}, err: "the disk is full", noLog: true,
			want: []Problem{{Part: "deliver", Message: "delivery failed"}}},
		"Deliver has a time limit of its own": {fail: faults{deliver: context.DeadlineExceeded}, err: "deadline",
			end: "deliveries succeed again", want: []Problem{{Part: "deliver", Message: "delivery failed"}}},
		"Deliver blocks": {fail: faults{blocks: 80 * time.Minute}, end: "the receiver takes entries again",
			want: []Problem{{Part: "deliver", Message: "a receiver takes no entries, so nothing more is fetched"}}},
		"Deliver blocks before each error": {fail: faults{deliver: full, blocks: 90 * time.Second}, err: "the disk is full",
			end: "deliveries succeed again", want: []Problem{
				{Part: "deliver", Message: "a receiver takes no entries, so nothing more is fetched"},
				{Part: "deliver", Message: "delivery failed"}}},
		"Deliver is slow, which is no problem": {fail: faults{blocks: 20 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				f := &faulty{served: served{&oktasim.Org{Token: "right", RateLimit: -1}}}
				var lines testbed.Log
				cfg := Config{URL: "https://acme.okta.com", Token: "right", Dir: dir, Deliver: f.take, HTTP: &http.Client{Transport: f}}
				if !c.noLog {
					cfg.Logger = log.NewLogfmtLogger(&lines)
				}
				r, err := New(cfg)
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- r.Run(ctx) }()
				defer func() { cancel(); require.ErrorIs(t, <-done, context.Canceled) }()
				pass := func(d time.Duration) Status {
					time.Sleep(d)
					synctest.Wait()
					return r.Status()
				}
				add(f.org, 0, 1)
				before := pass(time.Minute)
				require.Empty(t, before.Wrong)
				require.EqualValues(t, 1, before.Events)
				require.Less(t, before.Lag, 11*time.Second)

				told := len(lines.String())
				f.set(c.fail)
				began := time.Now()
				add(f.org, 1, 2)
				during := pass(15 * time.Second) // in the middle of a Deliver
				if len(c.want) == 0 {
					require.Empty(t, during.Wrong)
				}
				for range 60 { // somebody looks at it now and then
					during = pass(time.Minute)
				}
				require.Len(t, during.Wrong, len(c.want))
				for i, p := range during.Wrong {
					require.WithinDuration(t, began, p.Since, 2*time.Minute)
					if c.err != "" && p.Message != "a receiver takes no entries, so nothing more is fetched" {
						require.ErrorContains(t, p.Err, c.err)
					}
					p.Since, p.Err = time.Time{}, nil
					require.Equal(t, c.want[i], p)
				}
				if len(c.want) > 0 {
					require.Greater(t, during.Lag, 59*time.Minute)
					require.Equal(t, before.LastEvent, during.LastEvent)
				}

				f.set(faults{})
				after := pass(30 * time.Minute)
				require.Empty(t, after.Wrong)
				require.EqualValues(t, 2, after.Events)
				require.Less(t, after.Lag, 11*time.Second)
				require.True(t, after.LastEvent.After(before.LastEvent))

				text := lines.String()[told:]
				for _, p := range c.want {
					require.Equal(t, !c.noLog, strings.Count(text, p.Message) == 1, text)
				}
				require.LessOrEqual(t, strings.Count(text, "level=warn")+strings.Count(text, "level=error"), len(c.want), text)
				require.Contains(t, text, c.end)
			})
		})
	}
}

// A part that a reader can be in trouble with has a name; the others are of options, which the library has not.
func TestEachPartHasAName(t *testing.T) {
	options := []poller.Part{poller.Queries, poller.Arrival, poller.Hold, poller.Rewind, poller.Roles, poller.Actors}
	for i := range (poller.Snapshot{}).Wrong {
		part := poller.Part(i)
		_, named := names[part]
		require.NotEqual(t, named, slices.Contains(options, part), "part %d", part)
	}
}

// Redaction is for programs outside of this repository too: what they can name is enough.
func TestEntriesAreRedacted(t *testing.T) {
	for mode, key := range map[string]string{"": "", "mask": "", "hash": "0123456789abcdef", "drop": ""} {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				org := &oktasim.Org{Token: "right", RateLimit: -1}
				org.Append([]byte(`{"uuid":"1","eventType":"user.session.start","published":"` +
					time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + `","actor":{"alternateId":"mara@acme.example"}}`))
				ctx, cancel := context.WithCancel(t.Context())
				line := ""
				r, err := New(Config{
					URL: "https://acme.okta.com", Token: "right", Dir: dir, HTTP: &http.Client{Transport: served{org}},
					Deliver: func(_ context.Context, e Entry) error { line = e.Line; cancel(); return nil },
					Format:  Format{Redaction: &Redaction{Mode: mode, Key: []byte(key), Presets: []string{"user_identity", "personal_data"}}},
				})
				require.NoError(t, err)
				require.ErrorIs(t, r.Run(ctx), context.Canceled)
				require.Contains(t, line, `"eventType":"user.session.start"`)
				require.NotContains(t, line, "mara")
			})
		})
	}
}
