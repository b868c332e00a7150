package reconcile

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// asked answers as a test says.
type asked func(n int) (int, string, error)

func (f *counted) RoundTrip(*http.Request) (*http.Response, error) {
	f.n++
	status, body, err := f.answer(f.n)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
}

type counted struct {
	n      int
	answer asked
}

func TestAnAuditTellsLabelsFromStructuredMetadata(t *testing.T) {
	const (
		told = `"encodingFlags":["categorize-labels"],"result":[{"stream":{"job":"x"},"values":[` +
			`["1","a",{"structuredMetadata":{"actor":"Ann"}}],["2","b"]]}]`
		mixed = `"result":[{"stream":{"job":"x","actor":"Ann"},"values":[["1","a"]]},{"stream":{"job":"x"},"values":[["2","b"]]}]`
	)
	for name, body := range map[string]string{"told": told, "mixed": mixed} {
		var flags []string
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			flags = append(flags, r.Header.Get("X-Loki-Response-Encoding-Flags"))
			_, _ = io.WriteString(w, `{"data":{"resultType":"streams",`+body+`}}`)
		})
		var all []Audited
		_, err := clientOf(t, h).Audit(t.Context(), t0, t0.Add(time.Hour), nil, func(e Audited) { all = append(all, e) })
		require.NoError(t, err)
		require.Equal(t, []string{"categorize-labels"}, flags)
		require.Len(t, all, 2)
		for _, e := range all {
			require.Equal(t, name == "mixed", e.Mixed)
			require.Equal(t, "x", e.Label("job"))
		}
		require.Equal(t, "Ann", all[0].Label("actor"))
		require.Equal(t, name == "mixed", strings.Contains(all[0].Labels, "Ann"))
		require.Empty(t, all[1].Label("actor"))
	}
}

func TestAnAuditOutlastsARestartOfLoki(t *testing.T) {
	dropped := errors.New("connection reset by peer")
	for name, c := range map[string]struct {
		answer   asked // before it is well
		failures int
		within   time.Duration
		works    bool
		canceled time.Duration
	}{
		"a dropped connection":            {func(int) (int, string, error) { return 0, "", dropped }, 1, time.Second, true, 0},
		"five dropped ones":               {func(int) (int, string, error) { return 0, "", dropped }, 5, 31 * time.Second, true, 0},
		"six":                             {func(int) (int, string, error) { return 0, "", dropped }, 6, 31 * time.Second, false, 0},
		"a 500":                           {func(int) (int, string, error) { return 500, "no", nil }, 1, time.Second, true, 0},
		"502 for as long as limits halve": {func(int) (int, string, error) { return 502, "no", nil }, 5, 31 * time.Second, true, 0},
		"a refusal":                       {func(int) (int, string, error) { return 400, "no", nil }, 1, 0, false, 0},
		"an end":                          {func(int) (int, string, error) { return 0, "", dropped }, 5, 2 * time.Second, false, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for what, ask := range map[string]func(context.Context, *Loki) error{
				"entries": func(ctx context.Context, l *Loki) error {
					_, err := l.Audit(ctx, t0, t0.Add(time.Hour), nil, func(Audited) {})
					return err
				},
				"counts": func(ctx context.Context, l *Loki) error { _, err := l.Count(ctx, t0, t0.Add(time.Hour)); return err },
			} {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := t.Context(), context.CancelFunc(func() {})
					if c.canceled > 0 {
						ctx, cancel = context.WithTimeout(ctx, c.canceled)
					}
					defer cancel()
					kind := map[string]string{"entries": "streams", "counts": "vector"}[what]
					f := &counted{answer: func(n int) (int, string, error) {
						if n <= c.failures {
							return c.answer(n)
						}
						return 200, `{"data":{"resultType":"` + kind + `","result":[]}}`, nil
					}}
					u, err := url.Parse("http://loki.invalid")
					require.NoError(t, err)
					l := NewServer(ServerConfig{URL: u, HTTP: &http.Client{Transport: f}}).Loki(Config{Selector: `{job="x"}`})
					begin := time.Now()
					err = ask(ctx, l)
					require.Equal(t, c.works, err == nil, "%s: %v", what, err)
					require.LessOrEqual(t, time.Since(begin), c.within)
				})
			}
		})
	}
}
