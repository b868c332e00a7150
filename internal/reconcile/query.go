package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/httptext"
	"github.com/grafana/alloy/okta/internal/limits"
)

// maxAnswer bounds an answer: 5,000 lines of Loki's largest size would not fit, but then the query is repeated with half the limit.
const maxAnswer = 128 << 20

var (
	errLimit = errors.New("the entry limit is too high")
	errRange = errors.New("the range is longer than max_query_length")
	// errSlow is a failure that a smaller answer may avoid.
	errSlow = errors.New("no answer in time")
	// errAway and errBusy say nothing about the query: there was no answer, or Loki has too much to do.
	errAway = errors.New("no answer")
	errBusy = errors.New("Loki is asked too much")
	// ErrRefused is in the chain of errors that last until somebody changes the configuration: Loki answered 4xx other than 429.
	ErrRefused error = refused{}
)

type refused struct{}

func (refused) Error() string { return "Loki refuses the query" }

// Refused tells the poller that an operator is needed.
func (refused) Refused() bool { return true }

// direction is the order in which Loki looks for entries.
type direction string

const (
	forward  direction = "forward"
	backward direction = "backward"
)

const queryField = "query" // of Loki's forms

// apart is the value of a header that has Loki tell the labels of a stream from the structured metadata of its entries, which else are
// labels, too, and make a stream of each entry. Its answer repeats it (Loki 3.7.8, pkg/util/httpreq: FlagCategorizeLabels).
const apart = "categorize-labels"

type wantsApart struct{}

// query asks for entries from r.start to r.end in a direction, at most limit. It shows the labels of each stream, and then its entries.
// Source: Loki HTTP API, GET /loki/api/v1/query_range.
func (s *Server) query(ctx context.Context, query string, r interval, limit int, d direction,
	stream func(labels gjson.Result) each) (answer, error) {

	body, err := s.post(ctx, "loki/api/v1/query_range", r, url.Values{
		queryField:  {query},
		"limit":     {strconv.Itoa(limit)},
		"direction": {string(d)},
	})
	if err != nil {
		return answer{}, err
	}
	return parse(body, stream)
}

// values returns the values that a label has in the streams under a selector in r. Loki answers that from its index, a day at a time, where
// a query of entries reads an hour at a time: through 30 empty days for 100 orgs it takes 31 inner queries and 0.1 CPU seconds, series 496
// and 2.6 (Loki 3.7.8, pkg/validation/limits.go: split_metadata_queries_by_interval 24h, split_queries_by_interval 1h). Nil without an
// error means that Loki, or a gateway, refuses the request. A timeout is an error: any other way would cost more. Source: Loki HTTP API,
// GET /loki/api/v1/label/<name>/values; an empty answer has no data.
func (s *Server) values(ctx context.Context, label, selector string, r interval) (map[string]bool, error) {
	body, err := s.post(ctx, "loki/api/v1/label/"+label+"/values", r, url.Values{queryField: {selector}})
	if errors.Is(err, ErrRefused) || err == nil && gjson.GetBytes(body, "status").String() != "success" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := make(map[string]bool)
	for _, v := range gjson.GetBytes(body, "data").Array() {
		all[v.String()] = true
	}
	return all, nil
}

// Empty reports whether Loki has no stream at all since a time, of the last 30 days at most, whatever the labels; false when it does not
// answer, or not in JSON. Source: Loki HTTP API, GET /loki/api/v1/labels, whose answer has no data then.
func (l *Loki) Empty(ctx context.Context, since time.Time) bool {
	now := time.Now()
	r := interval{delivery.Latest(since.Add(-l.cfg.Before), now.Add(-longestSearch)), now.Add(limits.MaxAhead)}
	body, err := l.server.post(ctx, "loki/api/v1/labels", r, url.Values{})
	return err == nil && gjson.GetBytes(body, "status").String() == "success" && len(gjson.GetBytes(body, "data").Array()) == 0
}

// send is one request. A form is the same as a query string and has no limit of length. With errBusy comes how long to wait, 0 when
// Loki does not say.
func (s *Server) send(ctx context.Context, path string, r interval, form url.Values) ([]byte, time.Duration, error) {
	ctx, secrets := httptext.Watch(ctx)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	form.Set("start", strconv.FormatInt(r.start.UnixNano(), 10))
	form.Set("end", strconv.FormatInt(r.end.UnixNano(), 10))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL.JoinPath(path).String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, 0, fmt.Errorf("querying Loki: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Cache-Control", "no-cache") // the value Loki's frontend looks for
	if ctx.Value(wantsApart{}) != nil {
		req.Header.Set("X-Loki-Response-Encoding-Flags", apart)
	}
	if s.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", s.cfg.UserAgent)
	}
	if s.cfg.TenantID != "" {
		req.Header.Set("X-Scope-OrgID", s.cfg.TenantID)
	}
	resp, err := s.cfg.HTTP.Do(req)
	if err != nil {
		return nil, 0, networkError(err, secrets)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, httptext.RetryAfter(resp.Header), statusError(resp, body, secrets)
	case err != nil:
		return nil, 0, networkError(fmt.Errorf("reading the answer: %w", err), secrets)
	case len(body) > maxAnswer:
		return nil, 0, fmt.Errorf("querying Loki: %w: the answer is over %d bytes", errLimit, maxAnswer)
	}
	return body, 0, nil
}

// failure is an error whose text is fit for a log; its causes stay for errors.Is.
type failure struct {
	text   string
	causes []error
}

func (f *failure) Error() string   { return f.text }
func (f *failure) Unwrap() []error { return f.causes }

// networkError is the error of a query without an answer, or with half of one.
func networkError(err error, secrets *httptext.Secrets) error {
	var ue *url.Error
	if errors.As(err, &ue) { // its URL may hold user info
		err = ue.Err
	}
	cause := errAway
	if errors.Is(err, context.DeadlineExceeded) {
		cause = errSlow
	}
	return &failure{text: "querying Loki: " + secrets.Clean(err.Error(), 400), causes: []error{err, cause}}
}

// statusError is the error of an answer other than 200. Loki's own error texts are one line; a gateway's may be a page that repeats the
// request.
func statusError(resp *http.Response, body []byte, secrets *httptext.Secrets) error {
	status := resp.StatusCode
	text := secrets.Clean(string(body[:min(len(body), 64<<10)]), 300)
	err := fmt.Errorf("querying Loki: it answered %d: %s", status, text)
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		return &failure{text: err.Error(), causes: []error{errBusy}}
	case status == http.StatusBadRequest && strings.Contains(text, "max entries limit"):
		return fmt.Errorf("%w: %w", err, errLimit)
	// ErrQueryTooLong in Loki's pkg/util/validation/validate.go
	case status == http.StatusBadRequest && strings.Contains(text, "query time range exceeds the limit"):
		return fmt.Errorf("%w: %w: %w", err, errRange, ErrRefused)
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound ||
		strings.Contains(text, "no org id"):
		return fmt.Errorf("%w; check reconcile's url, tenant_id, selector and credentials: %w", err, ErrRefused)
	case status >= 500 || status == http.StatusRequestTimeout:
		return &failure{text: err.Error(), causes: []error{errSlow}}
	case status >= 400:
		return fmt.Errorf("%w: %w", err, ErrRefused)
	}
	return err
}
