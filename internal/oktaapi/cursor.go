package oktaapi

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// logsPath is the System Log resource.
const logsPath = "/api/v1/logs"

// Retention is how long Okta keeps events. Source: Okta, System Log query, time ranges.
const Retention = 90 * 24 * time.Hour

// timeLayout is the one form of date that all of Okta's documentation and error messages agree on: UTC with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Cursor is the URL of a page of one org's log. It is opaque and used verbatim;
// "cursor formats may change without notice" (Okta core API, pagination).
type Cursor string

// IsStart reports whether the cursor came from [Client.Start] rather than from Okta: it has no parameter but those that Start writes, while
// Okta's links carry at least `after`. The query is split by hand, for url.Query drops a parameter that holds a semicolon, which a cursor
// may.
func (c Cursor) IsStart() bool {
	_, query, _ := strings.Cut(string(c), "?")
	for param := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(param, "=")
		switch name {
		case "", "since", "until", "sortOrder", "limit", "filter", "q":
		default:
			return false
		}
	}
	return true
}

// Limit is how many events the cursor asks for; 0: it does not say. Okta's links repeat what was asked for.
func (c Cursor) Limit() int {
	_, query, _ := strings.Cut(string(c), "?")
	for param := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(param, "limit="); ok {
			n, _ := strconv.Atoi(value)
			return max(0, n)
		}
	}
	return 0
}

// Start returns the cursor of the first page of events persisted at or after since.
// since is cut to milliseconds, never rounded up, so that nothing is skipped.
func (c *Client) Start(since time.Time) Cursor { return c.StartOf(since, c.cfg.PageSize) }

// StartOf is Start with pages of at most limit events, 1 to [MaxPageSize], whatever PageSize is.
func (c *Client) StartOf(since time.Time, limit int) Cursor {
	q := url.Values{}
	q.Set("since", since.UTC().Truncate(time.Millisecond).Format(timeLayout))
	if !c.cfg.Until.IsZero() {
		q.Set("until", c.cfg.Until.UTC().Truncate(time.Millisecond).Format(timeLayout))
	}
	q.Set("sortOrder", "ASCENDING")
	q.Set("limit", strconv.Itoa(limit))
	if c.cfg.Filter != "" {
		q.Set("filter", c.cfg.Filter)
	}
	if c.cfg.Query != "" {
		q.Set("q", c.cfg.Query)
	}
	u := *c.cfg.Org
	u.Path = logsPath
	u.RawQuery = q.Encode()
	return Cursor(u.String())
}

// resolve turns a cursor, or a redirect found at the page `from`, into an absolute URL of the same org, or refuses it. A relative one is
// resolved, an absolute one is kept to the letter. Nothing that fails here is ever requested, so no credential can follow it.
func (c *Client) resolve(from *url.URL, target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", errors.New("it is no URL")
	}
	if !u.IsAbs() || u.Host == "" {
		u = from.ResolveReference(u)
		target = u.String()
	}
	if u.User != nil {
		return "", errors.New("it holds user info")
	}
	if !sameOrigin(c.cfg.Org, u) {
		return "", fmt.Errorf("it leads to another host (%s://%s instead of %s://%s)",
			httptext.Clean(u.Scheme, 20), httptext.Clean(u.Host, 100), c.cfg.Org.Scheme, c.cfg.Org.Host)
	}
	return target, nil
}

// onOrg puts the path and query of the next link found at the page `from`, to the letter, on the org's own scheme and host, so that no
// request can go elsewhere. A proxy, a gateway or a custom domain may have Okta name an address that is not the one it is reached by;
// elsewhere is that address then, without user info, else "". A link to another path than the page's is refused.
func (c *Client) onOrg(from *url.URL, link string) (next Cursor, elsewhere string, err error) {
	u, err := url.Parse(link)
	if err != nil {
		return "", "", errors.New("it is no URL")
	}
	if !u.IsAbs() {
		u = from.ResolveReference(u)
		link = u.String()
	}
	if u.Path != from.Path {
		return "", "", fmt.Errorf("it leads to another path (%s)", httptext.Clean(u.Path, 100))
	}
	_, rest, _ := strings.Cut(link, "://")
	if i := strings.IndexAny(rest, "/?#"); i > 0 {
		rest = rest[i:]
	}
	rest, _, _ = strings.Cut(rest, "#")
	if u.User != nil || !sameOrigin(c.cfg.Org, u) {
		elsewhere = httptext.Clean(u.Scheme, 20) + "://" + httptext.Clean(u.Host, 100)
	}
	return Cursor(c.cfg.Org.Scheme + "://" + c.cfg.Org.Host + rest), elsewhere, nil
}

// host is where the cursor leads.
func (c Cursor) host() string {
	u, err := url.Parse(string(c))
	if err != nil {
		return ""
	}
	return u.Host
}
