package roles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"time"
	"unique"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// Share is the part of a bucket that is used at most. The smallest buckets, those of a free org, have 100 requests a minute, and 25 for
// /oauth2/v1/clients. A Workforce org has 1,200 (/api/v1), 500 (/api/v1/groups) and 100. None of them is the System Log's. Source: Okta,
// "Management rate limits", as of 2025-11, before the table moved into the org's own rate limit dashboard.
const Share = 0.25

// The scopes that the requests need. Source: Okta's OpenAPI document, 2026.06.3.
const (
	ScopeRoles  = "okta.roles.read"  // who holds roles, and which ones
	ScopeGroups = "okta.groups.read" // which groups have roles, and who their members are
)

// Scopes are the scopes of a service app's access token by default.
func Scopes() []string { return []string{ScopeRoles, ScopeGroups} }

const limitParam = "limit" // how many items a page has at most

// pageLimit is how many assignees or groups are asked for at once, as public clients of these lists do. For lists of members, Okta's
// default is used, which is 1,000.
const pageLimit = "200"

// bucket is one of Okta's rate limits, each for some paths.
type bucket uint8

const (
	api     bucket = iota // most of /api/v1
	groups                // /api/v1/groups
	clients               // /oauth2/v1/clients
	buckets
)

// Buckets are their names, for the budgets that all clients of an org share.
var Buckets = [buckets]string{"api", "groups", "clients"}

// Ask is how Okta is asked about one org.
type Ask struct {
	org *url.URL
	by  [buckets]fetcher
}

type fetcher interface {
	Fetch(ctx context.Context, cur oktaapi.Cursor) (oktaapi.Page, error)
}

// NewAsk returns an Ask with the org, credentials and connection of cfg, whose budget and share it does not use. budget returns the budget
// of a bucket of the org, which all clients share.
func NewAsk(cfg oktaapi.Config, budget func(bucket string) *oktaapi.Budget) *Ask {
	a := &Ask{org: cfg.Org}
	cfg.Share, cfg.Slots = Share, nil
	for b := range a.by {
		cfg.Budget = budget(Buckets[b])
		a.by[b] = oktaapi.New(cfg)
	}
	return a
}

// ErrUnreadable is the cause of an answer that is not what was asked for.
var ErrUnreadable = errors.New("the answer about roles cannot be read")

// get decodes one page. It returns the address of the next one, "" after the last, and Okta's time when it answered. An error is the
// context's, or an [*oktaapi.Error].
func (a *Ask) get(ctx context.Context, b bucket, at string, into any) (next string, date time.Time, err error) {
	page, err := a.by[b].Fetch(ctx, oktaapi.Cursor(at))
	if err != nil {
		return "", time.Time{}, err
	}
	defer page.Release()
	if err := json.Unmarshal(page.Body, into); err != nil {
		return "", time.Time{}, &oktaapi.Error{Status: http.StatusOK, RequestID: page.RequestID, Err: fmt.Errorf("%w: %w", ErrUnreadable, err)}
	}
	if page.NextErr != nil {
		return "", time.Time{}, &oktaapi.Error{Status: http.StatusOK, RequestID: page.RequestID, Err: page.NextErr}
	}
	return string(page.Next), page.Date, nil
}

// statusOf is the HTTP status with which Okta refused; 0: it did not, or something else answered.
func statusOf(err error) int {
	if e, ok := errors.AsType[*oktaapi.Error](err); ok && !e.Foreign {
		return e.Status
	}
	return 0
}

func (a *Ask) url(query url.Values, elements ...string) string {
	u := *a.org
	u.Path, u.RawQuery = "/"+path.Join(elements...), query.Encode()
	return u.String()
}

// assignees reads a page of the users that hold roles; at is "" for the first. That list names its next page in the body.
func (a *Ask) assignees(ctx context.Context, at string) (ids []string, next string, date time.Time, err error) {
	if at == "" {
		at = a.url(url.Values{limitParam: {pageLimit}}, "api/v1/iam/assignees/users")
	}
	var page struct {
		Value []struct {
			ID string `json:"id"`
		} `json:"value"`
		Links struct {
			Next struct {
				Href string `json:"href"`
			} `json:"next"`
		} `json:"_links"`
	}
	next, date, err = a.get(ctx, api, at, &page)
	for _, v := range page.Value {
		ids = append(ids, v.ID)
	}
	if href := page.Links.Next.Href; href != "" && err == nil { // only its query is used, so that no request goes elsewhere
		u, parseErr := url.Parse(href)
		if parseErr != nil {
			return nil, "", date, &oktaapi.Error{Status: http.StatusOK, Err: fmt.Errorf("%w: its next link is no URL", ErrUnreadable)}
		}
		next = a.url(u.Query(), "api/v1/iam/assignees/users")
	}
	return ids, next, date, err
}

// groupsWithRoles reads a page of all groups and returns those with roles.
func (a *Ask) groupsWithRoles(ctx context.Context, at string) (ids []string, next string, date time.Time, err error) {
	if at == "" {
		at = a.url(url.Values{limitParam: {pageLimit}, "expand": {"stats"}}, "api/v1/groups")
	}
	var page []struct {
		ID       string `json:"id"`
		Embedded struct {
			Stats struct {
				Admin bool `json:"hasAdminPrivilege"`
			} `json:"stats"`
		} `json:"_embedded"`
	}
	next, date, err = a.get(ctx, groups, at, &page)
	for _, g := range page {
		if g.Embedded.Stats.Admin {
			ids = append(ids, g.ID)
		}
	}
	return ids, next, date, err
}

// members reads a page of a group's members.
func (a *Ask) members(ctx context.Context, id, at string) (ids []string, next string, date time.Time, err error) {
	if at == "" {
		at = a.url(url.Values{limitParam: {"1000"}}, "api/v1/groups", id, "users")
	}
	var page []struct {
		ID string `json:"id"`
	}
	next, date, err = a.get(ctx, groups, at, &page)
	for _, u := range page {
		ids = append(ids, u.ID)
	}
	return ids, next, date, err
}

// via is a role that a user has through a group.
type via struct{ group, role string }

// held is which roles a holder has, as Okta says.
type held struct {
	own  []string // sorted
	via  []via
	date time.Time
	gone bool // Okta does not know the holder
}

// roles asks which roles a holder has.
func (a *Ask) roles(ctx context.Context, k kind, id string) (h held, err error) {
	where := [kinds]string{user: "api/v1/users", group: "api/v1/groups", client: "oauth2/v1/clients"}[k]
	var list []struct {
		Type   string `json:"type"`
		Label  string `json:"label"`
		Status string `json:"status"`
		By     string `json:"assignmentType"`
		Links  struct {
			Assignee struct {
				Href string `json:"href"`
			} `json:"assignee"`
		} `json:"_links"`
	}
	_, h.date, err = a.get(ctx, [kinds]bucket{user: api, group: groups, client: clients}[k], a.url(nil, where, id, "roles"), &list)
	if statusOf(err) == http.StatusNotFound {
		return held{gone: true}, nil
	}
	for _, r := range list {
		if r.Status != "" && r.Status != "ACTIVE" {
			continue
		}
		name := nameOf(r.Type, r.Label)
		if name == "" {
			continue
		}
		name = shared(name)
		if k == user && r.By == "GROUP" {
			h.via = append(h.via, via{shared(path.Base(r.Links.Assignee.Href)), name}) // "." where there is none, which is no id
			continue
		}
		h.own = append(h.own, name)
	}
	h.own = sorted(h.own)
	return h, err
}

// shared is a text that many holders have, of which there is one in memory.
func shared(text string) string { return unique.Make(text).Value() }
