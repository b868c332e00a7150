// option: reconcile, backfill

package takeover_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/takeover"
)

// pair is a ring of two in which the other one has all orgs, or nobody has.
type pair struct {
	takeover.Ring
	owner string
	other takeover.Peer
}

func (p *pair) Self() string                { return "me" }
func (p *pair) Owner(string) (string, bool) { return p.owner, p.owner == "me" }
func (p *pair) Peers() []takeover.Peer {
	return []takeover.Peer{{Name: "third", URL: "http://127.0.0.1:1/"}, p.other}
}

func wakeable(t *testing.T, ring takeover.Ring, woken func(string, []string)) *takeover.Exchange {
	t.Helper()
	x := takeover.New(takeover.Config{Ring: ring, Dir: t.TempDir(), Logger: log.NewNopLogger(), Announced: woken,
		Client: func() *http.Client { return http.DefaultClient }})
	x.Seat("https://acme.okta.com", credential)
	return x
}

// What is announced to a node that does not read the org reaches the one that does.
func TestAWakeUpReachesTheOwner(t *testing.T) {
	type announced struct {
		org   string
		uuids []string
	}
	got := make(chan announced, 1)
	owner := wakeable(t, &pair{owner: "me"}, func(org string, uuids []string) { got <- announced{org, uuids} })
	server := httptest.NewServer(http.StripPrefix("/component", owner))
	defer server.Close()
	ring := &pair{owner: "owner", other: takeover.Peer{Name: "owner", URL: server.URL + "/component/"}}
	x := wakeable(t, ring, nil)
	require.True(t, x.Announce("https://acme.okta.com", []string{"u1", "u2"}))
	require.Equal(t, announced{"https://acme.okta.com", []string{"u1", "u2"}}, <-got)

	ring.owner = "me"
	require.False(t, x.Announce("https://acme.okta.com", []string{"u3"}))
	ring.owner = "" // not ready: the poll finds them
	require.True(t, x.Announce("https://acme.okta.com", []string{"u3"}))
	require.Empty(t, got)
}

// A node that hangs, as this one does to the test's end, holds nobody up.
func TestAWakeUpWaitsForNobody(t *testing.T) {
	held := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }))
	defer server.Close()
	defer close(held)
	x := wakeable(t, &pair{owner: "owner", other: takeover.Peer{Name: "owner", URL: server.URL + "/"}}, nil)
	for range 1000 {
		require.True(t, x.Announce("https://acme.okta.com", []string{"u"}))
	}
}

func TestBadWakeUpsAreRefused(t *testing.T) {
	x := wakeable(t, &pair{owner: "me"}, func(string, []string) { t.Error("woken") })
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/orgs/other.okta.com/wake", `{"uuids":[]}`, 404}, {"GET", "/orgs/acme.okta.com/wake", "", 405},
		{"POST", "/orgs/acme.okta.com/wake", "{", 400}, {"POST", "/orgs/acme.okta.com", `{"uuids":[]}`, 405},
		{"POST", "/orgs/acme.okta.com/wake", `{"uuids":["` + strings.Repeat("u", 2<<20) + `"]}`, 400},
	} {
		w := deliver(x, secret, "wake", c.method, c.path, c.body)
		require.Equal(t, c.status, w.Code, "%s %s", c.method, c.path)
	}
}
