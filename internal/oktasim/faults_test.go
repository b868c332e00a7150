package oktasim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// exchange sends one request through a real server and client, and reads the body to its end or to an error.
func exchange(t *testing.T, o *Org, target string, timeout time.Duration) (*http.Response, string, error) {
	t.Helper()
	pipe := o.Pipe()
	defer pipe.Close()
	client := pipe.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, pipe.URL+target, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "SSWS x")
	resp, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), errors.Join(err, resp.Body.Close())
}

// bad has a log of three pages.
func bad() *Org {
	o := &Org{}
	for i := range 5 {
		o.Append(numbered(i, time.Now()))
	}
	return o
}

func TestEachFaultDoesWhatItsNameSays(t *testing.T) {
	type outcome struct {
		status int
		header http.Header
		body   string
		next   string
		err    error
		took   time.Duration
	}
	number := func(t *testing.T, o outcome, name string) int64 {
		n, err := strconv.ParseInt(o.header.Get(name), 10, 64)
		require.NoError(t, err, name)
		return n
	}
	reset := func(t *testing.T, o outcome) time.Duration {
		require.Equal(t, "E0000047", gjson.Get(o.body, "errorCode").Str)
		return time.Until(time.Unix(number(t, o, "X-Rate-Limit-Reset"), 0)).Round(time.Second)
	}
	status := func(want int, code string) func(*testing.T, outcome) {
		return func(t *testing.T, o outcome) {
			require.Equal(t, want, o.status)
			if code == "" {
				require.Equal(t, "text/html", o.header.Get("Content-Type"))
				require.True(t, strings.HasPrefix(o.body, "<html>"))
				return
			}
			require.Equal(t, code, gjson.Get(o.body, "errorCode").Str)
		}
	}
	page := func(want string) func(*testing.T, outcome) {
		return func(t *testing.T, o outcome) {
			require.NoError(t, o.err)
			require.Equal(t, 200, o.status)
			require.Equal(t, want, o.body)
			require.NotEmpty(t, o.next)
		}
	}
	next := func(want string) func(*testing.T, outcome) {
		return func(t *testing.T, o outcome) {
			require.NoError(t, o.err)
			require.Len(t, gjson.Parse(o.body).Array(), 2)
			require.Equal(t, want, o.next)
		}
	}
	const cursor = "/api/v1/logs?limit=2&after=0946684800000_2"
	full := string(numbered(0, time.UnixMilli(946684800000))) + "," + string(numbered(1, time.UnixMilli(946684800000)))

	want := map[string]func(*testing.T, outcome){
		"429": func(t *testing.T, o outcome) {
			require.Equal(t, 20*time.Second, reset(t, o))
			require.Equal(t, int64(120), number(t, o, "X-Rate-Limit-Limit"))
		},
		"429-past":   func(t *testing.T, o outcome) { require.Equal(t, -30*time.Second, reset(t, o)) },
		"429-absurd": func(t *testing.T, o outcome) { require.Equal(t, 240*time.Hour, reset(t, o)) },
		"429-millis": func(t *testing.T, o outcome) {
			require.Equal(t, time.Now().UnixMilli(), number(t, o, "X-Rate-Limit-Reset")-20_000+o.took.Milliseconds())
		},
		"429-garbage": func(t *testing.T, o outcome) { require.Equal(t, "soon", o.header.Get("X-Rate-Limit-Reset")) },
		"429-bare": func(t *testing.T, o outcome) {
			require.Equal(t, 429, o.status)
			require.Empty(t, o.header.Get("X-Rate-Limit-Limit"))
			require.Empty(t, o.header.Get("Retry-After"))
		},
		"429-retry-after-seconds": func(t *testing.T, o outcome) {
			require.Equal(t, "7", o.header.Get("Retry-After"))
			require.Empty(t, o.header.Get("X-Rate-Limit-Reset"))
		},
		"429-retry-after-date": func(t *testing.T, o outcome) {
			at, err := http.ParseTime(o.header.Get("Retry-After"))
			require.NoError(t, err)
			require.Equal(t, 7*time.Second, time.Until(at))
		},
		"429-concurrency": func(t *testing.T, o outcome) {
			require.Equal(t, 116*time.Second, reset(t, o))
			require.Zero(t, number(t, o, "X-Rate-Limit-Limit"))
			require.Zero(t, number(t, o, "X-Rate-Limit-Remaining"))
		},
		"400-cursor":  status(400, "E0000001"),
		"401":         status(401, "E0000011"),
		"403":         status(403, "E0000006"),
		"404":         status(404, "E0000007"),
		"408":         status(408, ""),
		"500":         status(500, "E0000053"),
		"500-timeout": status(500, "E0000009"),
		"502":         status(502, ""),
		"503":         status(503, ""),
		"503-retry-after": func(t *testing.T, o outcome) {
			status(503, "")(t, o)
			require.Equal(t, "60", o.header.Get("Retry-After"))
		},
		"html":  status(200, ""),
		"reset": func(t *testing.T, o outcome) { require.ErrorIs(t, o.err, io.EOF) },
		"cut": func(t *testing.T, o outcome) {
			require.Equal(t, 200, o.status)
			require.ErrorIs(t, o.err, io.ErrUnexpectedEOF)
			require.Equal(t, ("[" + full + "]")[:len(o.body)], o.body)
			require.NotEmpty(t, o.body)
		},
		"stall": func(t *testing.T, o outcome) {
			require.Equal(t, 200, o.status)
			require.ErrorIs(t, o.err, context.DeadlineExceeded)
			require.NotEmpty(t, o.body)
			require.Equal(t, time.Minute, o.took)
		},
		"late": func(t *testing.T, o outcome) {
			require.Zero(t, o.status)
			require.ErrorIs(t, o.err, context.DeadlineExceeded)
		},
		"slow": func(t *testing.T, o outcome) {
			page("["+full+"]")(t, o)
			require.Equal(t, 5*time.Second, o.took)
		},
		"object": page(`{"events":[]}`),
		"null":   page(`null`),
		"empty":  page(``),
		"broken": page("[" + full),
		"redirect": func(t *testing.T, o outcome) {
			require.Equal(t, 302, o.status)
			require.Equal(t, "http://localhost/api/v1/logs?limit=2", o.header.Get("Location"))
		},
		"redirect-elsewhere": func(t *testing.T, o outcome) {
			require.Equal(t, 302, o.status)
			require.Equal(t, "https://"+elsewhere+logsPath, o.header.Get("Location"))
		},
		"next-missing":   next(""),
		"next-circle":    next("http://localhost" + cursor), // the first page of it
		"next-elsewhere": next("http://" + elsewhere + cursor),
		"next-ftp":       next("ftp://localhost" + cursor),
		"next-userinfo":  next("http://okta.com:x@localhost" + cursor),
		"next-relative":  next(cursor),
		"next-path":      next("http://localhost/api/v1/users?limit=2&after=0946684800000_2"),
	}
	for _, name := range FaultNames() {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, want, name)
			synctest.Test(t, func(t *testing.T) {
				o := bad()
				fault, err := o.Fault(name)
				require.NoError(t, err)
				o.Inject(fault, 1)
				start := time.Now()
				resp, body, err := exchange(t, o, "/api/v1/logs?limit=2", time.Minute)
				got := outcome{body: body, err: err, took: time.Since(start)}
				if resp != nil {
					got.status, got.header = resp.StatusCode, resp.Header
					for _, link := range resp.Header.Values("Link") {
						if target, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
							got.next = target[1:]
						}
					}
				}
				want[name](t, got)

				resp, body, err = exchange(t, o, "/api/v1/logs?limit=2", time.Minute)
				require.NoError(t, err)
				require.Equal(t, 200, resp.StatusCode, "the next request is answered well")
				require.Equal(t, "["+full+"]", body)
			})
		})
	}
}

func TestAnUnknownFaultIsAnError(t *testing.T) {
	_, err := bad().Fault("flood")
	require.ErrorContains(t, err, `unknown fault "flood": it is one of 429, `)
}

func TestInterceptCountsAndGoesBeforeInjections(t *testing.T) {
	o := bad()
	var counted []int
	o.Intercept = func(n int, r *http.Request) http.Handler {
		counted = append(counted, n)
		if n == 2 {
			return o.UnavailableFor(0)
		}
		return nil
	}
	o.Inject(o.BadGateway(), 1)
	o.Inject(o.ServerTimeout(), 2)
	var statuses []int
	for range 5 {
		statuses = append(statuses, ask(t, o, logsPath).status)
	}
	require.Equal(t, []int{502, 503, 500, 500, 200}, statuses)
	require.Equal(t, []int{1, 2, 3, 4, 5}, counted)
}

func TestFaultsMayBeChangedWhileServing(t *testing.T) {
	o := bad()
	require.Equal(t, 200, ask(t, o, logsPath).status)
	o.Set(func(o *Org) { o.Intercept = Always(o.UnavailableFor(0)) })
	require.Equal(t, 503, ask(t, o, logsPath).status)
	o.Set(func(o *Org) { o.Intercept = nil })
	require.Equal(t, 200, ask(t, o, logsPath).status)
}

func TestAStalledBodyIsFinishedForThePatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := bad()
		o.Inject(o.Stalled(time.Minute), 1)
		start := time.Now()
		_, body, err := exchange(t, o, "/api/v1/logs", time.Hour)
		require.NoError(t, err)
		require.Len(t, gjson.Parse(body).Array(), 5)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

func TestDelayHoldsEveryAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{Delay: 3 * time.Second}
		start := time.Now()
		require.Equal(t, 200, ask(t, o, logsPath).status)
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestSpoiltAnswersStillAskForCredentials(t *testing.T) {
	o := &Org{Token: "right"}
	for _, name := range []string{"object", "broken", "next-missing", "cut"} {
		h, err := o.Fault(name)
		require.NoError(t, err)
		o.Inject(h, 1)
		func() {
			defer func() { _ = recover() }() // a cut answer ends in http.ErrAbortHandler
			require.Equal(t, http.StatusUnauthorized, ask(t, o, logsPath).status)
		}()
	}
}

func TestALimitMaySpanAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{}
		o.Inject(o.LimitedFor(42*time.Second), 1)
		_, _, wait := rate(t, ask(t, o, logsPath))
		require.Equal(t, 42*time.Second, wait)
	})
}

func TestAForeignNextIsTheOrgsOwnButForTheHost(t *testing.T) {
	o := bad()
	o.Inject(o.NextURL(func(u *url.URL) { u.Host = "evil.example" }), 1)
	a := ask(t, o, "/api/v1/logs?q=x")
	u, err := url.Parse(a.next)
	require.NoError(t, err)
	require.Equal(t, "evil.example", u.Host)
	require.Equal(t, logsPath, u.Path)
}
