package oktaapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// limited is what package auth returns after a 429 of the token endpoint.
type limited struct{ header http.Header }

func (*limited) Error() string            { return "requesting access token: 429" }
func (l *limited) RateLimit() http.Header { return l.header }

func TestA429OfTheTokenEndpointIsWaitedOut(t *testing.T) {
	for name, tc := range map[string]struct {
		header func(now time.Time) http.Header
		want   time.Duration
	}{
		"reset":       {func(now time.Time) http.Header { return rateHeaders("10", "0", now, epoch(now.Add(40*time.Second))) }, 41 * time.Second},
		"retry after": {func(time.Time) http.Header { return http.Header{"Retry-After": {"90"}} }, 90 * time.Second},
		"neither":     {func(time.Time) http.Header { return http.Header{} }, defaultRefusalWait},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				waits := 0
				s := serve(t, answerWith(200, nil, "[]"), func(c *Config) {
					c.Waiting = func(until time.Time, _ string) {
						if !until.IsZero() {
							waits++
						}
					}
				})
				begin := time.Now()
				s.auth.fail = &limited{tc.header(begin)}
				_, err := s.Fetch(t.Context(), s.Start(begin))
				require.Equal(t, RateLimited, asError(t, err).Class)
				require.Zero(t, time.Since(begin))
				s.auth.fail = nil
				_, err = s.Fetch(t.Context(), s.Start(begin))
				require.NoError(t, err)
				require.Equal(t, tc.want, time.Since(begin))
				require.Equal(t, 1, waits)
			})
		})
	}
}
