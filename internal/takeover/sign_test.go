// option: reconcile, backfill

package takeover_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/takeover"
)

// told is an Exchange, and what it logs.
func told(t *testing.T, secret *string) (*takeover.Exchange, *strings.Builder) {
	t.Helper()
	logged := &strings.Builder{}
	n := &node{name: "node1", sees: map[string]bool{}}
	x := takeover.New(takeover.Config{Ring: n, Dir: t.TempDir(), Logger: log.NewLogfmtLogger(logged),
		Client: func() *http.Client { return http.DefaultClient }})
	x.Seat(acme, func() []byte { return []byte(*secret) })
	return x, logged
}

func get(x http.Handler, nonce string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/orgs/acme.okta.com", nil)
	r.Header.Set("Alloy-Okta-Nonce", nonce)
	x.ServeHTTP(w, r)
	return w
}

// Who reaches the port and has not got the org's credential moves no cursor, and wakes nobody.
func TestForgedMessagesAreNotTaken(t *testing.T) {
	forged := `{"node":"node2","state":"owned","journal":` + string(journal(t, acme, time.Now())) + `}`
	const unsigned = ""
	for name, headers := range map[string]func(nonce string) http.Header{
		"unsigned":                 func(string) http.Header { return nil },
		"unsigned, with the nonce": func(nonce string) http.Header { return http.Header{"Alloy-Okta-Nonce": {nonce}} },
		"an empty signature": func(nonce string) http.Header {
			return http.Header{"Alloy-Okta-Nonce": {nonce}, "Alloy-Okta-Signature": {","}}
		},
		"another credential": func(nonce string) http.Header {
			return takeover.Headers("guessed", acme, "tell", nonce, []byte(forged))
		},
		"no credential": func(nonce string) http.Header { return takeover.Headers(unsigned, acme, "tell", nonce, []byte(forged)) },
		"another org's": func(nonce string) http.Header {
			return takeover.Headers(secret, "https://beta.okta.com", "tell", nonce, []byte(forged))
		},
		"another scheme's": func(nonce string) http.Header {
			return takeover.Headers(secret, "http://acme.okta.com", "tell", nonce, []byte(forged))
		},
		"an answer": func(nonce string) http.Header { return takeover.Headers(secret, acme, "answer", nonce, []byte(forged)) },
		"a wake-up": func(nonce string) http.Header { return takeover.Headers(secret, acme, "wake", nonce, []byte(forged)) },
		"another body": func(nonce string) http.Header {
			return takeover.Headers(secret, acme, "tell", nonce, []byte(forged+" "))
		},
		"without the nonce": func(string) http.Header { return takeover.Headers(secret, acme, "tell", "", []byte(forged)) },
		"a nonce of another time": func(string) http.Header {
			return takeover.Headers(secret, acme, "tell", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", []byte(forged))
		},
		"a signature of another nonce": func(nonce string) http.Header {
			h := takeover.Headers(secret, acme, "tell", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", []byte(forged))
			h.Set("Alloy-Okta-Nonce", nonce)
			return h
		},
		"a part of the signature": func(nonce string) http.Header {
			h := takeover.Headers(secret, acme, "tell", nonce, []byte(forged))
			h.Set("Alloy-Okta-Signature", h.Get("Alloy-Okta-Signature")[:22])
			return h
		},
		"behind many others": func(nonce string) http.Header {
			h := takeover.Headers(secret, acme, "tell", nonce, []byte(forged))
			h.Set("Alloy-Okta-Signature", strings.Repeat("x,", 10)+h.Get("Alloy-Okta-Signature"))
			return h
		},
	} {
		t.Run(name, func(t *testing.T) {
			known := secret
			x, logged := told(t, &known)
			for range 3 {
				w, r := httptest.NewRecorder(), httptest.NewRequest("PUT", "/orgs/acme.okta.com", strings.NewReader(forged))
				r.Header = headers(takeover.Nonce(get(x, "").Header()))
				x.ServeHTTP(w, r)
				require.Equal(t, http.StatusConflict, w.Code)
			}
			require.NotContains(t, get(x, "").Body.String(), "journal")
			require.LessOrEqual(t, strings.Count(logged.String(), "\n"), 1, "it is told once: %s", logged)
			require.NotContains(t, logged.String(), "after=1")
			require.Equal(t, 204, deliver(x, secret, "tell", "PUT", "/orgs/acme.okta.com", forged).Code, "the same, signed")
			require.Contains(t, get(x, "").Body.String(), "after=1")
		})
	}
}

// A message that was seen on the wire is of no use to who saw it.
func TestAMessageIsTakenOnce(t *testing.T) {
	known := secret
	x, logged := told(t, &known)
	stops := `{"node":"node2","state":"released"}`
	nonce := takeover.Nonce(get(x, "").Header())
	put := func() int {
		w, r := httptest.NewRecorder(), httptest.NewRequest("PUT", "/orgs/acme.okta.com", strings.NewReader(stops))
		r.Header = takeover.Headers(secret, acme, "tell", nonce, []byte(stops))
		x.ServeHTTP(w, r)
		return w.Code
	}
	require.Equal(t, 204, put())
	require.Equal(t, 409, put())
	restarted, _ := told(t, &known)
	x = restarted
	require.Equal(t, 409, put(), "nor after a restart")
	require.Empty(t, logged.String(), "a peer's message for a nonce of before is nothing to tell")
}

// An answer serves the question that it was given to, and no other one.
func TestAnswersAreSignedForTheirQuestion(t *testing.T) {
	known := secret
	x, _ := told(t, &known)
	w := get(x, "QUESTION")
	require.True(t, takeover.Signed(secret, acme, "QUESTION", w.Header(), w.Body.Bytes()))
	require.False(t, takeover.Signed(secret, acme, "ANOTHER", w.Header(), w.Body.Bytes()))
	require.False(t, takeover.Signed("guessed", acme, "QUESTION", w.Header(), w.Body.Bytes()))
	require.False(t, takeover.Signed(secret, "https://beta.okta.com", "QUESTION", w.Header(), w.Body.Bytes()))
	require.False(t, takeover.Signed(secret, acme, "QUESTION", w.Header(), append(w.Body.Bytes(), ' ')))
	for _, nonce := range []string{"", strings.Repeat("x", 65)} {
		require.Empty(t, get(x, nonce).Header().Get("Alloy-Okta-Signature"), "it is not asked to sign anything")
	}
	require.NotContains(t, w.Body.String()+w.Header().Get("Alloy-Okta-Signature"), secret)
}

// A replaced credential counts for an hour, in both directions, whatever comes after it.
func TestACredentialThatWasReplacedCountsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known := "first"
		x, _ := told(t, &known)
		x.Changed()
		message := `{"node":"node2","state":"released"}`
		taken := func(secret string) bool {
			asked := get(x, "QUESTION")
			ok := deliver(x, secret, "tell", "PUT", "/orgs/acme.okta.com", message).Code == 204
			require.Equal(t, ok, takeover.Signed(secret, acme, "QUESTION", asked.Header(), asked.Body.Bytes()), secret)
			return ok
		}
		known = "second" // as a file is, without a reload
		require.True(t, taken("second"))
		require.True(t, taken("first"))
		require.False(t, taken("third"))
		time.Sleep(59 * time.Minute)
		require.True(t, taken("first"))
		known = "third"
		x.Changed()
		time.Sleep(2 * time.Minute)
		require.True(t, taken("third"))
		require.True(t, taken("second"))
		require.False(t, taken("first"), "an hour later")
		known = "second" // back again
		require.True(t, taken("second"))
		require.True(t, taken("third"))
		time.Sleep(2 * time.Hour)
		require.True(t, taken("second"), "the present one counts for ever")
		require.False(t, taken("third"))
	})
}

func FuzzServe(f *testing.F) {
	f.Add("PUT", "/orgs/acme.okta.com", "nonce", "signature", []byte(`{"node":"a","state":"owned","age_ms":-1,"journal":{}}`))
	f.Add("POST", "/orgs/acme.okta.com/wake", "", "A,B,,", []byte(`{"uuids":["a"]}`))
	f.Add("GET", "/orgs/acme.okta.com", "x\ny", "", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, nonce, signature string, body []byte) {
		known := secret
		x, _ := told(t, &known)
		before := get(x, "").Body.String()
		for _, sign := range []bool{false, true} {
			r := httptest.NewRequest("GET", "/", strings.NewReader(string(body)))
			r.Method, r.URL.Path = method, path
			r.Header = http.Header{"Alloy-Okta-Nonce": {nonce}, "Alloy-Okta-Signature": {signature}}
			if sign { // the decoders behind
				as := map[bool]string{true: "wake", false: "tell"}[strings.HasSuffix(path, "/wake")]
				r.Header = takeover.Headers(secret, acme, as, takeover.Nonce(get(x, "").Header()), body)
			}
			w := httptest.NewRecorder()
			x.ServeHTTP(w, r)
			if !sign {
				require.NotEqual(t, 204, w.Code)
				after := get(x, "").Body.String()
				require.Equal(t, strings.Contains(before, "journal"), strings.Contains(after, "journal"))
			}
		}
	})
}
