package reconcile

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/require"
)

func TestAnEchoedCredentialIsNotQuoted(t *testing.T) {
	const secret = "glc_hunter2secret"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		http.Error(w, fmt.Sprint("upstream refused ", r.Header["Authorization"], r.Header["X-Api-Key"], password,
			strings.Repeat("x", 240), r.Header), http.StatusForbidden)
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	for name, cfg := range map[string]promconfig.HTTPClientConfig{
		"bearer":     {BearerToken: secret},
		"basic auth": {BasicAuth: &promconfig.BasicAuth{Username: "123", Password: secret}},
		"http_headers": {
			HTTPHeaders: &promconfig.Headers{Headers: map[string]promconfig.Header{"X-Api-Key": {Secrets: []promconfig.Secret{secret}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			hc, err := promconfig.NewClientFromConfig(cfg, "test")
			require.NoError(t, err)
			l := NewServer(ServerConfig{URL: u, HTTP: hc}).Loki(Config{Selector: `{job="x"}`})
			_, err = l.Find(t.Context(), []Event{{UUID: "a", Time: t0}})
			require.ErrorIs(t, err, ErrRefused)
			require.ErrorContains(t, err, "upstream refused")
			require.ErrorContains(t, err, "[redacted]")
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString([]byte("123:" + secret))[:12])
		})
	}
}

func TestTheLimitRecoversFromATransientFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, events := lokiWith(t, 10, 0)
		answers := func(status int) {
			f.fail = func(w http.ResponseWriter) bool { http.Error(w, "no", status); return true }
		}
		answers(http.StatusTooManyRequests)
		_, err := l.Find(t.Context(), events)
		require.Error(t, err)
		require.EqualValues(t, firstLimit, l.server.limit.get(), "a 429 is about the number of queries, not their size")

		answers(http.StatusGatewayTimeout)
		for range 5 {
			_, err := l.Find(t.Context(), events)
			require.Error(t, err)
		}
		require.EqualValues(t, 625, l.server.limit.get())
		f.fail = nil
		for range 3 * raiseAfter {
			_, err := l.Find(t.Context(), events)
			require.NoError(t, err)
		}
		require.EqualValues(t, firstLimit, l.server.limit.get())
	})
}

func TestALimitThatStaysLowIsTriedEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, events := lokiWith(t, 10, 0)
		f.maxLimit = 3000
		const n = 2000
		for range n {
			_, err := l.Find(t.Context(), events)
			require.NoError(t, err)
		}
		require.LessOrEqual(t, len(f.queries)-n, 8, "refused queries")
	})
}

func TestTheLongestRangeRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, _ := lokiWith(t, 0, 0)
		var events []Event
		for i := range 24 {
			events = append(events, Event{UUID: fmt.Sprint("x", i), Time: t0.Add(time.Duration(i) * time.Hour)})
		}
		f.maxRange = 7 * time.Hour
		_, err := l.Find(t.Context(), events)
		require.NoError(t, err)
		require.EqualValues(t, 6*time.Hour, l.server.longest.get())
		f.maxRange = 0
		for range 2 * raiseAfter {
			_, err := l.Find(t.Context(), events)
			require.NoError(t, err)
		}
		require.EqualValues(t, maxRange, l.server.longest.get())
	})
}

func TestAWrongTenantOrCredentialNamesWhatToCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, events := lokiWith(t, 10, 0)
		for status, text := range map[int]string{401: "no org id", 400: "no org id", 403: "forbidden", 404: "404 page not found"} {
			f.fail = func(w http.ResponseWriter) bool { http.Error(w, text, status); return true }
			_, err := l.Find(t.Context(), events)
			require.ErrorIs(t, err, ErrRefused)
			require.ErrorContains(t, err, fmt.Sprintf("it answered %d: %s; ", status, text))
			require.ErrorContains(t, err, "check reconcile's url, tenant_id, selector and credentials")
		}
		f.fail = func(w http.ResponseWriter) bool { http.Error(w, "parse error", http.StatusBadRequest); return true }
		_, err := l.Find(t.Context(), events)
		require.ErrorIs(t, err, ErrRefused)
		require.NotContains(t, err.Error(), "tenant_id", "Loki says itself what it does not understand")
	})
}
