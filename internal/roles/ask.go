package roles

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"time"
	"unique"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// The scopes that the requests need. Source: Okta's OpenAPI document, 2026.06.3.
const (
	ScopeRoles  = "okta.roles.read"      // who holds roles, and which ones
	ScopeGroups = management.ScopeGroups // which groups have roles, and who their members are
)

// Scopes are the scopes of a service app's access token by default.
func Scopes() []string { return []string{ScopeRoles, ScopeGroups} }

const limitParam = "limit" // how many items a page has at most

// pageLimit is how many assignees or groups are asked for at once, as public clients of these lists do. For lists of members, Okta's
// default is used, which is 1,000.
const pageLimit = "200"

// Ask is how Okta is asked about one org.
type Ask struct{ *management.Client }

// NewAsk returns an Ask with the org, credentials and connection of cfg; see [management.New].
func NewAsk(cfg oktaapi.Config, budget func(bucket string) *oktaapi.Budget) *Ask {
	return &Ask{management.New(cfg, budget)}
}

// assignees reads a page of the users that hold roles; at is "" for the first. That list names its next page in the body.
func (a *Ask) assignees(ctx context.Context, at string) (ids []string, next string, date time.Time, err error) {
	if at == "" {
		at = a.URL(url.Values{limitParam: {pageLimit}}, "api/v1/iam/assignees/users")
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
	next, date, err = a.GetObject(ctx, management.API, at, "value", &page)
	for _, v := range page.Value {
		ids = append(ids, v.ID)
	}
	if href := page.Links.Next.Href; href != "" && err == nil { // only its query is used, so that no request goes elsewhere
		u, parseErr := url.Parse(href)
		if parseErr != nil {
			return nil, "", date, &oktaapi.Error{Status: http.StatusOK, Err: fmt.Errorf("%w: its next link is no URL", management.ErrUnreadable)}
		}
		next = a.URL(u.Query(), "api/v1/iam/assignees/users")
	}
	return ids, next, date, err
}

// groupsWithRoles reads a page of all groups and returns those with roles.
func (a *Ask) groupsWithRoles(ctx context.Context, at string) (ids []string, next string, date time.Time, err error) {
	if at == "" {
		at = a.URL(url.Values{limitParam: {pageLimit}, "expand": {"stats"}}, "api/v1/groups")
	}
	var page []struct {
		ID       string `json:"id"`
		Embedded struct {
			Stats struct {
				Admin bool `json:"hasAdminPrivilege"`
			} `json:"stats"`
		} `json:"_embedded"`
	}
	next, date, err = a.Get(ctx, management.Groups, at, &page)
	for _, g := range page {
		if g.Embedded.Stats.Admin {
			ids = append(ids, g.ID)
		}
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
	of := [kinds]management.Bucket{user: management.API, group: management.Groups, client: management.Clients}[k]
	_, h.date, err = a.Get(ctx, of, a.URL(nil, where, id, "roles"), &list)
	if management.StatusOf(err) == http.StatusNotFound {
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
