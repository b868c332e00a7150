package doctor

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// many are n orgs like the scene's.
func (s *scene) many(n int) []Org {
	s.sim.RateLimit = -1
	orgs := make([]Org, n)
	for i := range orgs {
		orgs[i] = s.org
		orgs[i].Name = fmt.Sprint(i)
	}
	return orgs
}

// Orgs take turns, and what they ask of one Loki is asked once.
func TestManyOrgsTakeTurns(t *testing.T) {
	s := newScene(t)
	var mu sync.Mutex
	now, most := 0, 0
	reports := Run(t.Context(), s.many(30), Options{SendTest: true, Begin: func(_, check string) {
		mu.Lock()
		defer mu.Unlock()
		switch check {
		case "configuration":
			now++
			most = max(most, now)
		case "":
			now--
		}
	}})
	for _, r := range reports {
		require.False(t, r.Failed(), r)
	}
	require.LessOrEqual(t, most, mostOrgs)
	require.Greater(t, most, 1)
	require.Equal(t, 1, s.loki.configs)
	require.Len(t, s.loki.pushed, 1)
	require.NotContains(t, s.loki.pushed[0], `"org"`, "it is of all orgs")
}

// Each endpoint, and each tenant, has a test entry and a configuration of its own.
func TestEachEndpointHasATestEntry(t *testing.T) {
	s := newScene(t)
	orgs := s.many(6)
	for i := range orgs {
		tenant, query := fmt.Sprint(i%2), *s.org.Loki
		query.Tenant = tenant
		orgs[i].Loki = &query
		orgs[i].Push = []Push{s.org.Push[0], s.org.Push[0]}
		orgs[i].Push[0].Tenant = tenant
		orgs[i].Push[1].Component = "loki.write.other"
	}
	for _, r := range Run(t.Context(), orgs, Options{SendTest: true}) {
		require.False(t, r.Failed(), r)
	}
	require.Len(t, s.loki.pushed, 3)
	require.Equal(t, 2, s.loki.configs)
}

// A credential that may not read Loki's configuration says nothing of others.
func TestARefusedCredentialIsNotThatOfOthers(t *testing.T) {
	s := newScene(t)
	orgs := s.many(2)
	refused := *s.org.Loki
	refused.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/config" {
			return &http.Response{StatusCode: 403, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	orgs[0].Loki = &refused
	var common shared
	for i, warnings := range []int{2, 0} {
		r := examine(t.Context(), &orgs[i], Options{Now: time.Now, Begin: func(string, string) {}}, &common)
		require.Equal(t, warnings, r.count(Warn), r)
	}
}

// More orgs than are looked at at once never answer, or answer slowly: the others have their turn.
func TestSlowOrgsDoNotHoldUpOthers(t *testing.T) {
	for name, delay := range map[string]time.Duration{"they never answer": 24 * time.Hour, "each answer takes a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.loki.config = strings.NewReplacer("2020-", "1990-", "2024-", "1991-").Replace(goodConfig) // the clock begins in 2000
			orgs := s.many(2*mostOrgs + 4)
			synctest.Test(t, func(t *testing.T) {
				s.org.Loki.HTTP = &http.Client{Transport: within(s.loki, 0)}
				for i := range orgs {
					orgs[i].Timeout, orgs[i].HTTP = 24*time.Hour, &http.Client{Transport: within(s.sim, 0)}
					if i < 2*mostOrgs {
						orgs[i].HTTP.Transport = within(s.sim, delay)
					}
					orgs[i].Push = []Push{s.org.Push[0]}
					orgs[i].Push[0].HTTP = s.org.Loki.HTTP
				}
				begin := time.Now()
				reports := Run(t.Context(), orgs, Options{})
				require.LessOrEqual(t, time.Since(begin), 2*longest)
				for i, r := range reports {
					require.Equal(t, i < 2*mostOrgs && delay > orgTimeout, r.Failed(), r)
					require.Equal(t, i >= 2*mostOrgs, r.Estimate != nil)
					require.Contains(t, seen(&r, "loki push"), "are right", "what is not Okta's is looked at")
				}
			})
		})
	}
}

// within reaches h without a network, after a delay.
func within(h http.Handler, delay time.Duration) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(delay):
		}
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		answer := recorder.Result()
		answer.Request = r
		if answer.Header.Get("Date") == "" {
			answer.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		}
		return answer, nil
	})
}

// What is kept of a sample shares no memory with pages, which a report would keep for as long as the run takes.
func TestAnEstimateKeepsNoPage(t *testing.T) {
	s := newScene(t)
	now := time.Now()
	page := fmt.Appendf(nil, `[{"uuid":"u","published":%q,"eventType":"user.session.start"}]`,
		now.Add(-24*time.Hour+90*time.Minute).UTC().Format(time.RFC3339))
	v := visit{Org: &s.org, opts: Options{Now: time.Now}}
	v.sample(now, func(oktaapi.Cursor) ([]event.Event, error) { return event.Scan(page) }, v.client())
	copy(page, bytes.Repeat([]byte("x"), len(page)))
	require.Equal(t, "user.session.start", v.found.Types[0].EventType)
}
