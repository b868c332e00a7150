package oktaapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

const secret = "00hunter2-SSWS-secret"

// ssws authorizes like an API token and counts challenges.
type ssws struct {
	fail       error
	retry      bool
	challenges []string // bodies seen
}

func (a *ssws) Authorize(_ context.Context, req *http.Request) error {
	if a.fail != nil {
		return a.fail
	}
	req.Header.Set("Authorization", "SSWS "+secret)
	return nil
}

func (a *ssws) Challenge(resp *http.Response) bool {
	body, _ := io.ReadAll(resp.Body)
	if resp.Header.Get("Content-Encoding") != "" {
		body = []byte("still encoded")
	}
	a.challenges = append(a.challenges, string(body))
	return a.retry
}

func (*ssws) Method() string { return "ssws" }

// server answers with a handler over a network in memory, whatever host is asked for,
// and remembers who was asked for what with which credential.
type server struct {
	*Client
	auth *ssws
	mu   sync.Mutex
	seen []*http.Request
}

func (s *server) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.seen...)
}

// serve returns a client of the org http://localhost in front of h. It must be called
// inside a synctest bubble.
func serve(t *testing.T, h http.HandlerFunc, change ...func(*Config)) *server {
	s := &server{auth: &ssws{}}
	pipe := oktasim.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Clone(context.Background()))
		s.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(pipe.Close)
	org, err := url.Parse(pipe.URL)
	require.NoError(t, err)
	cfg := Config{Org: org, Auth: s.auth, HTTP: pipe.Client(), UserAgent: "alloy-okta/v1.2.3 loki.source.okta"}
	for _, f := range change {
		f(&cfg)
	}
	s.Client = New(cfg)
	return s
}

// bubble runs a test in which time passes by itself.
func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func answerWith(status int, header map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.NotContains(t, err.Error(), secret)
	require.NotContains(t, fmt.Sprintf("%#v", e), secret)
	require.NotContains(t, err.Error(), "\n")
	return e
}

func TestRequestIsOneThatOktaDocuments(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, answerWith(200, nil, "[]"), func(c *Config) {
			c.PageSize, c.Filter, c.Query = 500, `eventType eq "user.session.start"`,
				"a b"
		})
		_, err := s.Fetch(t.Context(), s.Start(time.Date(2026, 8, 21, 12, 0, 0, 999_999_999, time.FixedZone("", 2*3600))))
		require.NoError(t, err)
		r := s.requests()[0]
		require.Equal(t, http.MethodGet, r.Method)
		require.Equal(t, "/api/v1/logs", r.URL.Path)
		require.Equal(t, url.Values{
			"since": {"2026-08-21T10:00:00.999Z"}, "sortOrder": {"ASCENDING"}, "limit": {"500"},
			"filter": {`eventType eq "user.session.start"`}, "q": {"a b"},
		}, r.URL.Query(), "UTC, milliseconds, never rounded up, and no until")
		require.Equal(t, "SSWS "+secret, r.Header.Get("Authorization"))
		require.Equal(t, "application/json", r.Header.Get("Accept"))
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		require.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
		require.Equal(t, "alloy-okta/v1.2.3 loki.source.okta", r.UserAgent())
	})
}

func TestPageHasBodyNextDateAndRequestID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, answerWith(200, map[string]string{
			"Link":              `<http://localhost/api/v1/logs?after=1,2;3%20x>; rel="next"`,
			"Date":              "Fri, 21 Aug 2026 10:00:00 GMT",
			"X-Okta-Request-Id": " reqABC ",
		}, `[{"uuid":"1"}]`))
		page, err := s.Fetch(t.Context(), s.Start(time.Now()))
		require.NoError(t, err)
		require.Equal(t, `[{"uuid":"1"}]`, string(page.Body))
		require.Equal(t, Cursor("http://localhost/api/v1/logs?after=1,2;3%20x"), page.Next)
		require.NoError(t, page.NextErr)
		require.Equal(t, time.Date(2026, 8, 21, 10, 0, 0, 0, time.UTC), page.Date)
		require.Equal(t, "reqABC", page.RequestID)

		_, err = s.Fetch(t.Context(), page.Next)
		require.NoError(t, err)
		require.Equal(t, "/api/v1/logs?after=1,2;3%20x", s.requests()[1].RequestURI, "to the letter")
	})
}

func TestBodiesAreDecodedAndBounded(t *testing.T) {
	page := "[" + strings.Repeat(" ", 3000) + "]"
	cases := map[string]struct {
		encoding, body string
		err            error  // in the chain; nil: see text
		text           string // "": the body is page
	}{
		"identity":            {"", page, nil, ""},
		"gzip":                {"gzip", gzipped(page), nil, ""},
		"x-gzip, upper case":  {"X-GZIP", gzipped(page), nil, ""},
		"truncated gzip":      {"gzip", gzipped(page)[:20], io.ErrUnexpectedEOF, "reading body"},
		"gzip without a byte": {"gzip", "", io.EOF, "reading body"},
		"no gzip at all":      {"gzip", page, nil, "decoding gzip"},
		"gzip, bad checksum":  {"gzip", gzipped(page)[:len(gzipped(page))-8] + "12345678", nil, "reading body"},
		"brotli":              {"br", page, nil, `content encoding "br" was not asked for`},
		"at the limit":        {"", page + strings.Repeat(" ", 4096-len(page)), nil, ""},
		"over the limit":      {"", page + strings.Repeat(" ", 4097-len(page)), ErrBodyTooLarge, "more than 4096 bytes"},
		"a gzip bomb":         {"gzip", gzipped(strings.Repeat(" ", 50<<20)), ErrBodyTooLarge, "more than 4096 bytes"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, answerWith(200, map[string]string{"Content-Encoding": tc.encoding, "X-Okta-Request-Id": "req1"}, tc.body),
					func(c *Config) { c.MaxBody = 4096 })
				for range 3 { // readers of the pool must not remember a bad body
					got, err := s.Fetch(t.Context(), s.Start(time.Now()))
					if tc.text == "" {
						require.NoError(t, err)
						require.Equal(t, page, strings.TrimRight(string(got.Body), " "))
						continue
					}
					e := asError(t, err)
					require.ErrorContains(t, err, tc.text)
					require.Equal(t, Transient, e.Class)
					require.Equal(t, "req1", e.RequestID)
					if tc.err != nil {
						require.ErrorIs(t, err, tc.err)
					}
				}
			})
		})
	}
}

func TestABodyThatEndsBeforeItsLengthIsAnError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, answerWith(200, map[string]string{"Content-Length": "100"}, "[{}"))
		_, err := s.Fetch(t.Context(), s.Start(time.Now()))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, Transient, asError(t, err).Class)
	})
}

func TestEveryStatusHasItsClass(t *testing.T) {
	const apiError = `{"errorCode":"E0000001","errorSummary":"Api validation failed: 'after'","errorCauses":[{"errorSummary":"The cursor is ` +
		`not valid."}]}`
	cases := map[string]struct {
		status          int
		header          map[string]string
		body            string
		onStart, onNext Class
		text            string
	}{
		"cursor or filter": {
			400, nil, apiError, Refused, CursorRefused,
			"Okta answered 400 E0000001: Api validation failed: 'after'; The cursor is not valid. (request id req1)",
		},
		"400 in HTML": {400, nil, "<html>", Refused, CursorRefused, "Okta answered 400 Bad Request"},
		"a DPoP proof, in the header": {
			400, map[string]string{"WWW-Authenticate": `DPoP error="invalid_dpop_proof"`}, "", Refused, Refused, "invalid_dpop_proof",
		},
		"a DPoP proof, in the body": {
			400, nil, `{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT is reused."}`, Refused, Refused,
			"400 invalid_dpop_proof: The DPoP proof JWT is reused.",
		},
		"bad token": {
			401, nil, `{"errorCode":"E0000011","errorSummary":"Invalid token provided"}`, Refused, Refused, "401 E0000011: Invalid token provided",
		},
		"no permission": {403, nil, `{"errorCode":"E0000006"}`, Refused, Refused, "403 E0000006"},
		"no scope": {
			403, map[string]string{"WWW-Authenticate": `Bearer error="insufficient_scope"`}, "", Refused, Refused, "insufficient_scope",
		},
		"wrong address":                 {404, nil, "nothing here", Refused, Refused, "404 Not Found"},
		"wrong method":                  {405, nil, "", Refused, Refused, "405"},
		"gone":                          {410, nil, "", Refused, Refused, "410"},
		"timeout of the server":         {408, nil, "", Transient, Transient, "408"},
		"too early":                     {425, nil, "", Transient, Transient, "425"},
		"rate limited":                  {429, nil, `{"errorCode":"E0000047"}`, RateLimited, RateLimited, "429 E0000047"},
		"query timeout":                 {500, nil, `{"errorCode":"E0000009"}`, Transient, Transient, "500 E0000009"},
		"a filter's code, but 500":      {500, nil, `{"errorCode":"E0000053"}`, Transient, Transient, "500 E0000053"},
		"bad gateway in HTML":           {502, nil, "<html>\nbad gateway</html>", Transient, Transient, "502 Bad Gateway"},
		"unavailable":                   {503, nil, "", Transient, Transient, "503"},
		"an answer without content":     {204, nil, "", Transient, Transient, "204: expected 200"},
		"a redirect that leads nowhere": {302, nil, "", Transient, Transient, "302: expected 200"},
		"an error of wrong types":       {400, nil, `{"errorCode":5}`, Refused, CursorRefused, "400 Bad Request"},
		"a long summary":                {403, nil, `{"errorSummary":"` + strings.Repeat("ö", 5000) + `"}`, Refused, Refused, "ö..."},
		"a body beyond the bound":       {403, nil, strings.Repeat("x", 1<<20), Refused, Refused, "403 Forbidden"},
		"an undecodable body":           {503, map[string]string{"Content-Encoding": "br"}, "x", Transient, Transient, "503 Service Unavailable"},
		"a truncated body":              {403, map[string]string{"Content-Length": "500"}, apiError, Refused, Refused, "403"},
		"a compressed body": {
			403, map[string]string{"Content-Encoding": "gzip"}, gzipped(apiError), Refused, Refused, "403 E0000001",
		},
		"control characters": {403, nil, `{"errorSummary":"a\u0000b\nc"}`, Refused, Refused, "403: a b c"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Okta-Request-Id", "req1")
					answerWith(tc.status, tc.header, tc.body)(w, r)
				})
				for cursor, class := range map[Cursor]Class{s.Start(time.Now()): tc.onStart, "http://localhost/api/v1/logs?after=1_1": tc.onNext} {
					_, err := s.Fetch(t.Context(), cursor)
					e := asError(t, err)
					require.Equal(t, class, e.Class, "%s: %v", cursor, err)
					require.Equal(t, class, ClassOf(fmt.Errorf("wrapped: %w", err)))
					require.Equal(t, tc.status, e.Status)
					require.Equal(t, "req1", e.RequestID)
					require.ErrorContains(t, err, tc.text)
					require.ErrorContains(t, err, "req1")
					require.Less(t, len(err.Error()), 700)
				}
			})
		})
	}
}

func TestFailuresWithoutAnAnswerAreTransient(t *testing.T) {
	org, err := url.Parse("http://localhost:1")
	require.NoError(t, err)
	for name, cause := range map[string]error{
		"connection refused": errors.New("dial tcp: connection refused"),
		"name not found":     errors.New("lookup acme.okta.com: no such host"),
		"TLS":                errors.New("tls: failed to verify certificate"),
	} {
		t.Run(name, func(t *testing.T) {
			c := New(Config{Org: org, Auth: &ssws{}, HTTP: &http.Client{
				Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, cause })}})
			_, err := c.Fetch(t.Context(), "http://localhost:1/api/v1/logs?after=opaque")
			e := asError(t, err)
			require.ErrorIs(t, err, cause)
			require.Equal(t, Transient, e.Class)
			require.Zero(t, e.Status)
			require.NotContains(t, err.Error(), "opaque")
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOneTimeoutCoversHeadersAndBody(t *testing.T) {
	stall := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	cases := map[string]http.HandlerFunc{
		"late headers": stall,
		"stalled body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "[")
			_ = http.NewResponseController(w).Flush()
			stall(w, r)
		},
		"a byte a second": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
				}
			}
		},
	}
	for name, h := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, h, func(c *Config) { c.Timeout = 45 * time.Second })
				begin := time.Now()
				_, err := s.Fetch(t.Context(), s.Start(begin))
				require.Equal(t, Transient, asError(t, err).Class)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "no complete answer within request_timeout (45s)")
				require.Equal(t, 45*time.Second, time.Since(begin))
			})
		})
	}
}

func TestAnEndOfTheContextEndsTheRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := s.Fetch(ctx, s.Start(begin))
		require.Equal(t, ctx.Err(), err, "the context's own error")
		require.Equal(t, 3*time.Second, time.Since(begin))
	})
}

func TestTheTimeoutDoesNotRunWhileTheBudgetIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := 0
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				answerWith(429, map[string]string{"Date": time.Now().UTC().Format(http.TimeFormat), "X-Rate-Limit-Limit": "60",
					"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": epoch(time.Now().Add(4 * time.Minute))}, "")(w, r)
				return
			}
			answerWith(200, nil, "[]")(w, r)
		}, func(c *Config) { c.Timeout = time.Second })
		_, err := s.Fetch(t.Context(), s.Start(time.Now()))
		require.Equal(t, RateLimited, asError(t, err).Class)
		begin := time.Now()
		_, err = s.Fetch(t.Context(), s.Start(begin))
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(begin), 4*time.Minute)
	})
}

func TestAuthorizerIsAskedOnceMoreAfterAChallenge(t *testing.T) {
	for name, tc := range map[string]struct {
		retry    bool
		refusals int // of the server
		requests int
		ok       bool
	}{
		"renewed":               {true, 1, 2, true},
		"renewed to no avail":   {true, 5, 2, false},
		"nothing to be renewed": {false, 5, 1, false},
		"nothing to be refused": {true, 0, 1, true},
	} {
		for _, status := range []int{400, 401, 403} {
			t.Run(fmt.Sprintf("%s, %d", name, status), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					n := 0
					s := serve(t, func(w http.ResponseWriter, r *http.Request) {
						if n++; n <= tc.refusals {
							answerWith(status, map[string]string{"Content-Encoding": "gzip"}, gzipped(`{"error":"use_dpop_nonce"}`))(w, r)
							return
						}
						answerWith(200, nil, "[]")(w, r)
					})
					s.auth.retry = tc.retry
					_, err := s.Fetch(t.Context(), s.Start(time.Now()))
					require.Equal(t, tc.ok, err == nil, "%v", err)
					require.Len(t, s.requests(), tc.requests)
					require.Equal(t, tc.requests, s.cfg.Budget.Status().Used, "a retry costs budget like any request")
					for _, body := range s.auth.challenges {
						require.Equal(t, `{"error":"use_dpop_nonce"}`, body, "decoded, and not yet read")
					}
				})
			})
		}
	}
}

type refusal struct{ refused bool }

func (r refusal) Error() string { return "minting" }
func (r refusal) Refused() bool { return r.refused }

func TestAuthorizerErrorsKeepTheirKindAndCostNoBudget(t *testing.T) {
	for cause, class := range map[error]Class{
		errors.New("dial"): Transient, refusal{false}: Transient, refusal{true}: Refused, fmt.Errorf("x: %w", refusal{true}): Refused,
	} {
		bubble(t, func(t *testing.T) {
			s := serve(t, answerWith(200, nil, "[]"))
			s.auth.fail = cause
			_, err := s.Fetch(t.Context(), s.Start(time.Now()))
			require.ErrorIs(t, err, cause)
			require.Equal(t, class, asError(t, err).Class)
			require.Empty(t, s.requests())
			require.Zero(t, s.cfg.Budget.Status().Used)
		})
	}
}

func TestCredentialsEchoedByTheServerAreNotRepeated(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"in the summary": answerWith(403, nil, `{"errorSummary":"you sent SSWS `+secret+`"}`),
		// Cut in the middle, the credential would not be found any more.
		"at the bound":       answerWith(403, nil, `{"errorSummary":"`+strings.Repeat("x", 490)+secret+`"}`),
		"in the challenge":   answerWith(403, map[string]string{"WWW-Authenticate": "SSWS " + secret}, ""),
		"in the request id":  answerWith(403, map[string]string{"X-Okta-Request-Id": secret}, ""),
		"in a redirect":      answerWith(302, map[string]string{"Location": "https://elsewhere/?token=" + secret}, ""),
		"in a redirect host": answerWith(302, map[string]string{"Location": "https://" + secret + "@elsewhere/"}, ""),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, h)
				_, err := s.Fetch(t.Context(), s.Start(time.Now()))
				require.NotContains(t, asError(t, err).Error(), secret[:8])
			})
		})
	}
}

func TestExchangesAreObserved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var seen []string
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(2 * time.Second):
				answerWith(200, nil, "[ ]")(w, r)
			case <-r.Context().Done():
			}
		}, func(c *Config) {
			c.Observe = func(status int, took time.Duration, bytes int) { seen = append(seen, fmt.Sprint(status, took, bytes)) }
			c.Timeout = 3 * time.Second
		})
		_, err := s.Fetch(t.Context(), s.Start(time.Now()))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = s.Fetch(ctx, s.Start(time.Now()))
		require.Error(t, err)
		require.Equal(t, []string{"200 2s 3", "0 1s 0"}, seen)
	})
}
