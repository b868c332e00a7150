package systemlog

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// served is an org without a network.
type served struct{ org *oktasim.Org }

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.org.ServeHTTP(w, r)
	return w.Result(), nil
}

// taken are deliveries by uuid. wrong, if not nil, is asked before each.
type taken struct {
	times map[string]int
	order []string
	wrong func(uuid string) error
}

func (k *taken) deliver(_ context.Context, e Entry) error {
	uuid := gjson.Get(e.Line, "event.uuid").Str
	if k.wrong != nil {
		if err := k.wrong(uuid); err != nil {
			return err
		}
	}
	k.times[uuid]++
	k.order = append(k.order, uuid)
	return nil
}

func add(org *oktasim.Org, from, to int) {
	for i := from; i < to; i++ {
		org.Append(fmt.Appendf(nil, `{"uuid":"%03d","eventType":"user.session.start","published":%q}`, i,
			time.Now().UTC().Format("2006-01-02T15:04:05.000Z")))
	}
}

// run reads an org for a while, as a process of its own.
func run(t *testing.T, org *oktasim.Org, dir string, k *taken, d time.Duration) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	r, err := New(Config{URL: "https://acme.okta.com", Token: "right", Dir: dir, Deliver: k.deliver, HTTP: &http.Client{Transport: served{org}}})
	require.NoError(t, err)
	require.ErrorIs(t, r.Run(ctx), context.DeadlineExceeded)
	return r.Status()
}

// Each event is delivered at least once and in order: once by a process whose delivery fails for a while, and once more by the next one only
// what was delivered of a page in which a process stopped.
func TestEventsAreDeliveredInOrderOverFailuresAndRestarts(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		org := &oktasim.Org{Token: "right", RateLimit: -1}
		begin := time.Now()
		k := &taken{times: map[string]int{}, wrong: func(uuid string) error {
			if uuid == "007" && time.Since(begin) < 2*time.Minute {
				return errors.New("the disk is full")
			}
			return nil
		}}
		add(org, 0, 20)
		run(t, org, dir, k, time.Minute)
		require.Len(t, k.order, 7, "up to the one that fails")
		status := run(t, org, dir, k, 10*time.Minute)
		require.Len(t, k.times, 20)
		for uuid, n := range k.times {
			require.Equal(t, map[bool]int{true: 2, false: 1}[uuid < "007"], n, uuid)
		}
		require.NotZero(t, status.Events)
		require.Less(t, status.Lag, 11*time.Second)
		require.Empty(t, status.Wrong)

		had := len(k.order)
		add(org, 20, 30)
		run(t, org, dir, k, time.Minute)
		require.Len(t, k.order, had+10, "a process that had not stopped within a page repeats nothing")
		require.True(t, slices.IsSorted(k.order[had:]))
	})
}

func TestTwoReadersDoNotShareAFolder(t *testing.T) {
	dir := t.TempDir()
	lock, err := checkpoint.Acquire(dir)
	require.NoError(t, err)
	defer lock.Release()
	r, err := New(Config{URL: "https://acme.okta.com", Token: "right", Dir: dir, Deliver: (&taken{}).deliver})
	require.NoError(t, err)
	require.ErrorContains(t, r.Run(t.Context()), "another process uses "+dir)
}

func TestABadConfigurationIsRefusedWithItsValue(t *testing.T) {
	good := Config{URL: "https://acme.okta.com", Token: "right", Dir: "cursor", Deliver: (&taken{}).deliver}
	_, err := New(good)
	require.NoError(t, err)
	for want, change := range map[string]func(*Config){
		"URL: ":                            func(c *Config) { c.URL = "acme" },
		"no Deliver":                       func(c *Config) { c.Deliver = nil },
		"no Dir":                           func(c *Config) { c.Dir = "" },
		"exactly one of Token":             func(c *Config) { c.Token = "" },
		"exactly one of Token and Service": func(c *Config) { c.ServiceApp = &ServiceApp{} },
		"lookback is 2184h0m0s":            func(c *Config) { c.Lookback = 91 * 24 * time.Hour },
		"lookback is -1s":                  func(c *Config) { c.Lookback = -time.Second },
		"replay is -1s":                    func(c *Config) { c.Replay = -time.Second },
		"poll interval is -1s":             func(c *Config) { c.PollInterval = -time.Second },
		"share is 1.5":                     func(c *Config) { c.Share = 1.5 },
		`line_format "raw"`:                func(c *Config) { c.Format.LineFormat = "raw" },
		`mode "hide"`:                      func(c *Config) { c.Format.Redaction = &Redaction{Mode: "hide"} },
		`begins with "SSWS"`:               func(c *Config) { c.Token = "SSWS right" },
	} {
		cfg := good
		change(&cfg)
		_, err := New(cfg)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "right")
	}
}
