package oktaapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/atomic"
)

// numbered gives each request a proof of its own.
type numbered struct{ n atomic.Int64 }

func (a *numbered) Authorize(_ context.Context, req *http.Request) error {
	req.Header.Set("DPoP", strconv.FormatInt(a.n.Add(1), 10))
	return nil
}
func (*numbered) Challenge(*http.Response) bool { return false }
func (*numbered) Method() string                { return "private_key_jwt+dpop" }

func TestARequestSentAgainHasItsOwnProofAndCounts(t *testing.T) {
	for name, protocol := range map[string]func(*http.Protocols){
		"HTTP/1.1": func(p *http.Protocols) { p.SetHTTP1(true) },
		"HTTP/2":   func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) },
	} {
		t.Run(name, func(t *testing.T) {
			var seen []string // proofs; the handler runs one at a time
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r.Header.Get("DPoP"))
				if r.ContentLength > 0 || len(r.TransferEncoding) > 0 {
					http.Error(w, "a GET with a body", http.StatusBadRequest)
					return
				}
				if len(seen) == 2 { // the second one, on the first one's connection
					panic(http.ErrAbortHandler)
				}
				_, _ = w.Write([]byte("[]"))
			}))
			server.Config.Protocols = new(http.Protocols)
			protocol(server.Config.Protocols)
			server.Start()
			defer server.Close()
			transport := &http.Transport{Protocols: server.Config.Protocols}
			defer transport.CloseIdleConnections()

			org, _, err := ParseOrg(server.URL)
			require.NoError(t, err)
			c := New(Config{Org: org, Auth: &numbered{}, HTTP: &http.Client{Transport: transport}})
			for range 2 {
				_, err := c.Fetch(t.Context(), c.Start(time.Now()))
				require.NoError(t, err)
			}
			require.Equal(t, []string{"1", "2", "3"}, seen)
			require.Equal(t, 3, c.cfg.Budget.Status().Used)
		})
	}
}

func TestSkewIsOursLessTheServersClock(t *testing.T) {
	for name, tc := range map[string]struct {
		date string
		want time.Duration
	}{
		"none":       {"", 0},
		"garbage":    {"yesterday", 0},
		"in step":    {"Fri, 21 Aug 2026 10:00:00 GMT", 0},
		"ours ahead": {"Fri, 21 Aug 2026 09:00:00 GMT", time.Hour - 500*time.Millisecond},
		"behind":     {"Fri, 21 Aug 2026 10:05:00 GMT", -5*time.Minute + 700*time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			sent := time.Date(2026, 8, 21, 10, 0, 0, 5e8, time.UTC)
			require.Equal(t, tc.want, skew(http.Header{"Date": {tc.date}}, sent, sent.Add(200*time.Millisecond)))
		})
	}
}
