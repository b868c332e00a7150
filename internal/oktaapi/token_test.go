package oktaapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// limited is what package auth returns after an answer of the token endpoint.
type limited struct {
	status int
	header http.Header
}

func (*limited) Error() string                  { return "requesting access token" }
func (l *limited) AskAgain() (int, http.Header) { return l.status, l.header }

// Of the token endpoint and of the log alike.
func TestAnAnswerThatAsksToWaitIsWaitedOut(t *testing.T) {
	date := func(d time.Duration) func(time.Time) string {
		return func(now time.Time) string { return now.Add(d).UTC().Format(http.TimeFormat) }
	}
	words := func(text string) func(time.Time) string { return func(time.Time) string { return text } }
	for name, tc := range map[string]struct {
		status int
		after  func(now time.Time) string
		want   time.Duration
	}{
		"503, seconds":               {503, words("90"), 90 * time.Second},
		"503, a date":                {503, date(90 * time.Second), 90 * time.Second},
		"503, a date that is over":   {503, date(-time.Hour), 0},
		"503, hours":                 {503, words("86400"), maxRefusalWait},
		"503, a date days ahead":     {503, date(100 * time.Hour), maxRefusalWait},
		"503, more than numbers can": {503, words("99999999999999999999999"), maxRefusalWait},
		"503, no time":               {503, words("0"), 0},
		"503, negative":              {503, words("-5"), 0},
		"503, words":                 {503, words("soon"), 0},
		"503, nothing":               {503, words(""), 0},
		"429, seconds":               {429, words("90"), 90 * time.Second},
		"429, a date":                {429, date(90 * time.Second), 90 * time.Second},
		"500":                        {500, words("40"), 40 * time.Second},
		"502":                        {502, words("40"), 40 * time.Second},
		"504":                        {504, words("40"), 40 * time.Second},
		"408":                        {408, words("40"), 40 * time.Second},
		"a refusal, for hours":       {403, words("86400"), 0},
	} {
		for _, where := range []string{"log", "token"} {
			t.Run(where+", "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					begin := time.Now()
					header := http.Header{"Date": {begin.UTC().Format(http.TimeFormat)}}
					if after := tc.after(begin); after != "" {
						header.Set("Retry-After", after)
					}
					ill, waits := true, 0
					s := serve(t, func(w http.ResponseWriter, r *http.Request) {
						if ill && where == "log" {
							for name, values := range header {
								w.Header()[name] = values
							}
							w.WriteHeader(tc.status)
							return
						}
						answerWith(200, nil, "[]")(w, r)
					}, func(c *Config) {
						c.Waiting = func(until time.Time, _ string) {
							if !until.IsZero() {
								waits++
							}
						}
					})
					if where == "token" {
						s.auth.fail = &limited{tc.status, header}
					}
					_, err := s.Fetch(t.Context(), s.Start(begin))
					require.Equal(t, tc.status == 429, asError(t, err).Class == RateLimited)
					require.Zero(t, time.Since(begin))
					ill, s.auth.fail = false, nil
					_, err = s.Fetch(t.Context(), s.Start(begin))
					require.NoError(t, err)
					require.Equal(t, tc.want, time.Since(begin))
					require.Equal(t, tc.want > 0, waits == 1)
				})
			})
		}
	}
}

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
				s.auth.fail = &limited{429, tc.header(begin)}
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
