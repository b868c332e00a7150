package oktasim

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// param is one parameter of a query in the order given. net/url's Values would lose the order, which Okta echoes, and refuses the
// semicolons of LinkPunctuation.
type param struct{ name, value string }

func parseParams(rawQuery string) ([]param, error) {
	var params []param
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		n, v, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(n)
		if err != nil {
			return nil, err
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			return nil, err
		}
		params = append(params, param{name, value})
	}
	return params, nil
}

// query is a validated System Log request.
type query struct {
	params     []param // as given
	since      time.Time
	until      time.Time
	after      string
	limit      int
	descending bool
	bounded    bool
	match      []func(raw []byte) bool // filter and q; all must hold
}

const (
	defaultLimit    = 100
	maxLimit        = 1000
	defaultLookback = 7 * 24 * time.Hour
	defaultRetained = 90 * 24 * time.Hour
	oldestSince     = 180 * 24 * time.Hour
	maxKeywords     = 10
	maxKeyword      = 40 // characters, before URL encoding
)

// parseQuery reads and validates the query of a System Log request at now.
func parseQuery(rawQuery string, now time.Time) (query, *apiError) {
	params, err := parseParams(rawQuery)
	if err != nil {
		return query{}, errInvalid("query", "The query string is malformed.")
	}
	q := query{params: params, limit: defaultLimit}
	for _, p := range params {
		if e := q.set(p, now); e != nil {
			return query{}, e
		}
	}
	q.bounded = !q.until.IsZero() || q.descending
	if q.until.IsZero() {
		q.until = now.Add(time.Millisecond) // exclusive
	}
	if q.since.IsZero() {
		q.since = q.until.Add(-defaultLookback)
	}
	if q.bounded && q.until.Before(q.since) {
		return query{}, errInvalid("until", "The until parameter must not be before the since parameter.")
	}
	return q, nil
}

func (q *query) set(p param, now time.Time) *apiError {
	if p.value == "" && (p.name == "until" || p.name == "filter") { // as good as absent
		return nil
	}
	switch p.name {
	case "since", "until":
		t, err := time.Parse(time.RFC3339, p.value)
		switch {
		case err != nil:
			return errDate
		case p.name == "until":
			q.until = t
		case now.Sub(t) > oldestSince:
			return errFilter("Invalid parameter: The since parameter is over 180 days prior to the current day.")
		default:
			q.since = t
		}
	case "after":
		q.after = p.value
	case "limit":
		n, err := strconv.Atoi(p.value)
		if err != nil || n < 0 || n > maxLimit {
			return errInvalid("limit", "The limit parameter must be an integer between 0 and 1000.")
		}
		q.limit = n
	case "sortOrder":
		if q.descending = p.value == "DESCENDING"; !q.descending && p.value != "ASCENDING" {
			return errInvalid("sortOrder", "The sortOrder parameter must be ASCENDING or DESCENDING.")
		}
	case "filter":
		f, e := parseFilter(p.value)
		if e != nil {
			return e
		}
		q.match = append(q.match, f)
	case "q":
		return q.keywords(p.value)
	}
	return nil
}

// keywords adds the words of q.
func (q *query) keywords(value string) *apiError {
	words := strings.Fields(value)
	if len(words) > maxKeywords {
		return errInvalid("q", "At most 10 keywords may be given.")
	}
	for _, w := range words {
		if utf8.RuneCountInString(w) > maxKeyword {
			return errInvalid("q", "Each keyword must be at most 40 characters long.")
		}
		q.match = append(q.match, keyword(w))
	}
	return nil
}

func (q *query) matches(raw []byte) bool {
	for _, m := range q.match {
		if !m(raw) {
			return false
		}
	}
	return true
}
