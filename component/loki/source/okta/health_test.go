package okta

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/poller"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

func failing(class oktaapi.Class, since time.Duration, err error) poller.Snapshot {
	s := poller.Snapshot{Started: ago(24 * time.Hour), LastPoll: ago(since)}
	s.Wrong[poller.Okta] = poller.Trouble{Since: ago(since), Err: err, Refused: class == oktaapi.Refused}
	return s
}

func refused(status int, code, summary string) poller.Snapshot {
	return failing(oktaapi.Refused, time.Second, &oktaapi.Error{Class: oktaapi.Refused, Status: status, Code: code, Summary: summary,
		RequestID: "req-1"})
}

func TestHealthTellsWhatIsWrongAndSinceWhen(t *testing.T) {
	const ssws, jwt = "ssws", "private_key_jwt+dpop"
	badGateway := &oktaapi.Error{Class: oktaapi.Transient, Status: 502}
	tlsFailure := &oktaapi.Error{Class: oktaapi.Transient,
		Err: errors.New("tls: failed to verify certificate: x509: certificate signed by unknown authority")}
	running := poller.Snapshot{Started: ago(time.Hour), LastPoll: ago(time.Second)}
	with := func(change func(*poller.Snapshot)) poller.Snapshot {
		s := running
		change(&s)
		return s
	}

	for name, c := range map[string]struct {
		snapshot poller.Snapshot
		method   string        // "": ssws
		interval time.Duration // 0: 10s
		healthy  bool
		since    time.Time
		says     []string
	}{
		"before the first page": {snapshot: poller.Snapshot{Started: ago(time.Second)}, healthy: true, since: ago(time.Second),
			says: []string{"starting"}},
		"polling": {snapshot: running, healthy: true, since: ago(time.Hour), says: []string{"polling"}},
		"polling again": {
			snapshot: with(func(s *poller.Snapshot) { s.Recovered = ago(time.Minute) }), healthy: true, since: ago(time.Minute),
			says: []string{"polling"},
		},
		"a revoked API token, at once": {
			snapshot: refused(401, "E0000011", "Invalid token provided"), since: ago(time.Second),
			says: []string{"Okta refused the API token (401 E0000011: Invalid token provided, request id req-1): ", "create a new one"},
		},
		"a 401 that explains nothing": {snapshot: refused(401, "", ""), since: ago(time.Second),
			says: []string{"Okta refused the API token (401, request id req-1): check api_token"}},
		"a refused access token": {
			snapshot: refused(401, "invalid_token", "The token has been revoked"), method: jwt, since: ago(time.Second),
			says: []string{"Okta refused the access token (401 invalid_token: The token has been revoked",
				"whether the app or its tokens were revoked"},
		},
		"a scope missing": {
			snapshot: refused(403, "insufficient_scope", "The access token provided does not contain the required scopes."), method: jwt,
			since: ago(time.Second),
			says:  []string{"Okta refused access to the System Log (403 insufficient_scope: ", "grant okta.logs.read"},
		},
		"a role missing": {
			snapshot: refused(403, "E0000006", "You do not have permission"), since: ago(time.Second),
			says: []string{"Okta refused access to the System Log (403 E0000006", "as an admin whose role may"},
		},
		"a wrong address": {snapshot: refused(404, "E0000007", "Not found"), since: ago(time.Second),
			says: []string{"Okta refused the address (404", "check url"}},
		"a wrong filter": {
			snapshot: refused(400, "E0000031", "Invalid search criteria."), since: ago(time.Second),
			says: []string{"Okta refused the request (400 E0000031: Invalid search criteria.", "check filter and query"},
		},
		"a redirect elsewhere": {
			snapshot: failing(oktaapi.Refused, time.Second, &oktaapi.Error{Class: oktaapi.Refused, Status: 302,
				Err: errors.New("refusing a redirect: another host")}),
			since: ago(time.Second), says: []string{"Okta refused the address (302: refusing a redirect: another host)", "set url"},
		},
		"a gateway's answer": {
			snapshot: failing(oktaapi.Refused, time.Second, &oktaapi.Error{Class: oktaapi.Refused, Status: 407, Foreign: true,
				Host: "acme.okta.com"}),
			since: ago(time.Second), says: []string{"something between us and Okta answered 407 for acme.okta.com", "check proxy_url"},
		},
		"a captive portal, at once": {
			snapshot: failing(oktaapi.Transient, time.Second, &oktaapi.Error{Status: 200, Foreign: true, Host: "acme.okta.com"}),
			since:    ago(time.Second), says: []string{"something between us and Okta answered 200 for acme.okta.com", "check url, proxy_url"},
		},
		"a portal before the token endpoint, at once": {
			snapshot: failing(oktaapi.Transient, time.Second, &oktaapi.Error{Foreign: true,
				Err: &auth.Error{Status: 200, Host: "acme.okta.com", Remedy: "check url"}}),
			method: jwt, since: ago(time.Second), says: []string{"something between us and Okta answered 200 for acme.okta.com: check url"},
		},
		"a gateway that fails before the token endpoint": {
			snapshot: failing(oktaapi.Transient, time.Second, &oktaapi.Error{Foreign: true, Err: &auth.Error{Status: 502, Host: "acme.okta.com"}}),
			method:   jwt, healthy: true, since: ago(time.Second), says: []string{"retrying", "something between us and Okta answered 502"},
		},
		"a host that is not there, at once": {
			snapshot: failing(oktaapi.Transient, time.Second, &oktaapi.Error{Err: &net.DNSError{Err: "no such host", Name: "acme.okta.con",
				IsNotFound: true}}),
			since: ago(time.Second), says: []string{`no such host`, `check url: there is no host "acme.okta.con"`},
		},
		"no access token": {
			snapshot: failing(oktaapi.Refused, time.Second, &oktaapi.Error{Class: oktaapi.Refused, Err: fmt.Errorf("authorizing: %w",
				&auth.Error{Status: 401, Code: "invalid_client", Description: "The client secret supplied is invalid.", RequestID: "req-2",
					Remedy: "check client_id"})}),
			method: jwt, since: ago(time.Second), says: []string{"no access token for Okta",
				"401 invalid_client: The client secret supplied is invalid.", "req-2", "check client_id"},
		},

		"an outage that may pass": {snapshot: failing(oktaapi.Transient, 4*time.Minute, badGateway), healthy: true,
			since: ago(4 * time.Minute), says: []string{"retrying", "502"}},
		"an outage that lasts": {snapshot: failing(oktaapi.Transient, 7*time.Minute, badGateway), since: ago(2 * time.Minute),
			says: []string{"no page from Okta since 2026-05-01T11:53:00Z", "502", "check url, network, proxy"}},
		"TLS that may be fixed": {snapshot: failing(oktaapi.Transient, time.Minute, tlsFailure), healthy: true, since: ago(time.Minute),
			says: []string{"unknown authority"}},
		"TLS that stays broken": {snapshot: failing(oktaapi.Transient, time.Hour, tlsFailure), since: ago(55 * time.Minute),
			says: []string{"unknown authority"}},
		"an outage of two intervals": {snapshot: failing(oktaapi.Transient, 20*time.Minute, badGateway), interval: 10 * time.Minute,
			healthy: true, since: ago(20 * time.Minute), says: []string{"retrying"}},
		"an outage of three intervals": {snapshot: failing(oktaapi.Transient, 30*time.Minute, badGateway), interval: 10 * time.Minute,
			since: noon, says: []string{"no page from Okta"}},
		"a refused cursor": {snapshot: failing(oktaapi.CursorRefused, time.Second, badGateway), healthy: true,
			since: ago(time.Second), says: []string{"retrying"}},

		"waiting for budget": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wait.Since, s.Wait.Until, s.Wait.Reason = ago(time.Hour), noon.Add(time.Minute), "the share is spent"
			}),
			healthy: true, since: ago(time.Hour), says: []string{"waiting for budget until 2026-05-01T12:01:00Z: the share is spent"},
		},
		"a receiver that takes its time": {
			snapshot: with(func(s *poller.Snapshot) { s.Wrong[poller.Receiver].Since = ago(time.Second) }), healthy: true,
			since: ago(time.Hour), says: []string{"polling"},
		},
		"a receiver that is slow": {
			snapshot: with(func(s *poller.Snapshot) { s.Wrong[poller.Receiver].Since = ago(time.Minute) }), healthy: true,
			since: ago(time.Minute - blockedAfter), says: []string{"receiver blocked since 2026-05-01T11:59:00Z"},
		},
		"a blocked receiver": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wrong[poller.Receiver].Since, s.Receiver = ago(time.Hour), "loki.process.p"
			}),
			since: ago(time.Hour - outageGrace),
			says:  []string{"receiver loki.process.p blocked since 2026-05-01T11:00:00Z", "nothing more is fetched"},
		},
		"a checkpoint that cannot be written": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wrong[poller.Checkpoint] = poller.Trouble{Err: errors.New("no space left on device"), Since: ago(time.Minute)}
			}),
			since: ago(time.Minute), says: []string{"checkpoint", "no space left on device", "free or fix"},
		},
		"a selector that finds nothing": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wrong[poller.Arrival] = poller.Trouble{Since: ago(time.Second),
					Err: fmt.Errorf("%w: the selector {a=\"b\"}", poller.ErrNothingArrives)}
			}),
			since: ago(time.Second), says: []string{`the selector {a="b"}`},
		},
		"a query that Loki refuses": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wrong[poller.Queries] = poller.Trouble{Err: errors.New("401 Unauthorized"), Refused: true, Since: ago(time.Second)}
			}),
			since: ago(time.Second), says: []string{"401 Unauthorized"},
		},
		"Loki has not said for a moment what it has": {
			snapshot: with(func(s *poller.Snapshot) { s.Asking = ago(59 * time.Second) }), healthy: true, since: ago(time.Hour),
			says: []string{"polling"},
		},
		"Loki does not say what it has": {
			snapshot: with(func(s *poller.Snapshot) { s.Asking = ago(3 * time.Minute) }), since: ago(2 * time.Minute),
			says: []string{"waiting since 2026-05-01T11:57:00Z for Loki to say what it has", "nothing is read before that", "check reconcile's url"},
		},
		"nor at a start": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Started, s.LastPoll, s.Asking = ago(3*time.Minute), time.Time{}, ago(3*time.Minute)
				s.Wrong[poller.Queries] = poller.Trouble{Err: errors.New("connection refused"), Since: ago(2 * time.Minute)}
			}),
			since: ago(2 * time.Minute), says: []string{"waiting since 2026-05-01T11:57:00Z", "Loki: connection refused"},
		},
		"Loki away for a moment": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wrong[poller.Queries] = poller.Trouble{Err: errors.New("refused"), Since: ago(time.Minute)}
			}),
			healthy: true, since: ago(time.Hour), says: []string{"polling"},
		},
		"lost events do not come again for a moment": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wrong[poller.Rewind] = poller.Trouble{Err: errors.New("502"), Since: ago(time.Minute)}
			}),
			healthy: true, since: ago(time.Hour), says: []string{"polling"},
		},
		"lost events do not come again": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wrong[poller.Rewind] = poller.Trouble{Err: errors.New("Okta answered 502"), Since: ago(6 * time.Minute)}
			}),
			since: ago(time.Minute), says: []string{"events that Loki lacks cannot be fetched again since 2026-05-01T11:54:00Z",
				"the cursor does not move", "Okta answered 502"},
		},
		"Loki away for long": {
			snapshot: with(func(s *poller.Snapshot) {
				s.Wrong[poller.Queries] = poller.Trouble{Err: errors.New("connection refused"), Since: ago(6 * time.Minute)}
			}),
			since: ago(time.Minute), says: []string{"reconcile queries have failed since", "the cursor does not move", "connection refused"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.method == "" {
				c.method = ssws
			}
			if c.interval == 0 {
				c.interval = 10 * time.Second
			}
			h := verdict(c.snapshot, c.method, c.interval, noon).health()
			want := component.HealthTypeUnhealthy
			if c.healthy {
				want = component.HealthTypeHealthy
			}
			require.Equal(t, want, h.Health, h.Message)
			for _, text := range c.says {
				require.Contains(t, h.Message, text)
			}
			require.NotContains(t, h.Message, "\n")
			require.Equal(t, c.since, h.UpdateTime, "the time of the change")
			if h.Health == component.HealthTypeUnhealthy {
				later := verdict(c.snapshot, c.method, c.interval, noon.Add(time.Hour)).health()
				require.Equal(t, h, later, "asking again changes nothing")
			}
		})
	}
}

// Each kind of refusal has its own remedy: none falls through to a sentence without one.
func TestEveryRefusalHasARemedy(t *testing.T) {
	for _, method := range []string{"ssws", "private_key_jwt", "private_key_jwt+dpop"} {
		for status := 300; status < 500; status++ {
			message := refusal(method, &oktaapi.Error{Class: oktaapi.Refused, Status: status, Summary: http.StatusText(status)})
			_, remedy, ok := strings.Cut(message, "): ")
			require.True(t, ok, message)
			require.NotEmpty(t, remedy, message)
		}
	}
}

func TestStateSaysWhatThePollerIsDoing(t *testing.T) {
	sending := func(since time.Duration, s poller.Snapshot) poller.Snapshot {
		s.Wrong[poller.Receiver].Since = ago(since)
		return s
	}
	waiting := func(s poller.Snapshot) poller.Snapshot {
		s.Wait.Until = noon
		return s
	}
	for name, c := range map[string]struct {
		snapshot poller.Snapshot
		want     string
	}{
		"starting":    {poller.Snapshot{}, "starting"},
		"polling":     {poller.Snapshot{LastPoll: noon}, "polling"},
		"catching up": {poller.Snapshot{LastPoll: noon, CatchingUp: true}, "catching up"},
		"replaying": {poller.Snapshot{LastPoll: noon, CatchingUp: true, ReplayTo: ago(time.Minute)},
			"replaying events up to 2026-05-01T11:59:00Z"},
		"waiting": {
			poller.Snapshot{LastPoll: noon, CatchingUp: true, Wait: poller.Wait{Until: noon, Reason: "why"}},
			"waiting for budget until 2026-05-01T12:00:00Z: why",
		},
		"refused":                 {refused(401, "", ""), "refused since 2026-05-01T11:59:59Z"},
		"retrying":                {failing(oktaapi.Transient, time.Minute, errors.New("x")), "retrying since 2026-05-01T11:59:00Z"},
		"a receiver that is slow": {sending(blockedAfter-1, poller.Snapshot{LastPoll: noon}), "polling"},
		"a receiver that takes none": {sending(time.Minute, poller.Snapshot{LastPoll: noon}),
			"receiver blocked since 2026-05-01T11:59:00Z"},
		"asking": {poller.Snapshot{LastPoll: noon, Asking: ago(time.Second)}, "waiting since 2026-05-01T11:59:59Z for Loki to say what it has"},
		"blocked comes before all": {sending(time.Minute, waiting(failing(oktaapi.Transient, 0, errors.New("x")))),
			"receiver blocked since 2026-05-01T11:59:00Z"},
		"refused comes before budget": {waiting(failing(oktaapi.Refused, 0, errors.New("x"))),
			"refused since 2026-05-01T12:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, stateOf(c.snapshot, noon)) })
	}
}
