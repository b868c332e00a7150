package oktasim

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

const (
	rolesScope     = "okta.roles.read"
	groupsScope    = "okta.groups.read"
	usersScope     = "okta.users.read"
	rolePage       = 200
	managementRate = 1200
	longAgo        = "2026-01-12T09:30:00.000Z" // when all that is not an event was made
)

// inquiry is a kind of request about roles, or about users and groups beside them.
type inquiry struct {
	pattern string // as path.Match reads it; id is what * stands for
	scope   string
	bucket  int // of roleState.quota
	answer  func(s *roleState, o *Org, r *http.Request, id string) (any, http.Header, *apiError)
}

var inquiries = []inquiry{
	{"/api/v1/iam/assignees/users", rolesScope, 0, (*roleState).assignees},
	{"/api/v1/users", usersScope, 3, (*roleState).listUsers},
	{"/api/v1/users/*", usersScope, 3, (*roleState).profile},
	{"/api/v1/users/*/roles", rolesScope, 0, (*roleState).ofUser},
	{"/oauth2/v1/clients/*/roles", rolesScope, 2, (*roleState).ofClient},
	{"/api/v1/groups", groupsScope, 1, (*roleState).listGroups},
	{"/api/v1/groups/*/users", groupsScope, 1, (*roleState).listMembers},
	{"/api/v1/groups/*/roles", rolesScope, 1, (*roleState).ofGroup},
}

// inquiryOf is what a request about roles asks, and of what id; nil: it is about something else.
func inquiryOf(r *http.Request) (*inquiry, string) {
	for i := range inquiries {
		if is, _ := path.Match(inquiries[i].pattern, r.URL.Path); is { // no pattern is malformed
			before, _, _ := strings.Cut(inquiries[i].pattern, "*")
			id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, before), "/")
			return &inquiries[i], id
		}
	}
	return nil, ""
}

// NormalRoles is [Org.Normal] for the requests about roles.
func (o *Org) NormalRoles() http.Handler { return o.answer(o.roleReply) }

// roleReply runs under the mutex.
func (o *Org) roleReply(r *http.Request) reply {
	if r.Method != http.MethodGet {
		return o.refusal(errMethod)
	}
	asked, id := inquiryOf(r)
	if _, refused := o.authenticate(r, asked.scope); refused != nil {
		return *refused
	}
	s, h := o.holders(), http.Header{}
	if !s.quota[asked.bucket].charge(cmp.Or(o.Roles.Limit, managementRate), o.now(), h) {
		return o.refusal(errRate).with(h)
	}
	answer, links, e := asked.answer(s, o, r, id)
	if e != nil {
		return o.refusal(e).with(h)
	}
	maps.Copy(h, links)
	return reply{http.StatusOK, h, encodePlain(answer)}
}

// assignees lists the users that hold roles; its next page is in the body.
func (s *roleState) assignees(o *Org, r *http.Request, _ string) (any, http.Header, *apiError) {
	holders := map[string]bool{}
	for id, roles := range s.users {
		holders[id] = len(roles) > 0
	}
	for _, g := range s.groups {
		for _, id := range g.Members {
			holders[id] = holders[id] || len(g.Roles) > 0 && !o.Roles.Direct
		}
	}
	maps.DeleteFunc(holders, func(id string, holds bool) bool { return !holds || s.gone[id] })
	ids, next := pageOf(slices.Sorted(maps.Keys(holders)), r, o.Roles.Page, 100)
	type link map[string]string
	users := []any{}
	for _, id := range ids {
		self := o.base(r) + "/api/v1/users/" + id
		users = append(users, map[string]any{"id": id, "orn": "orn:okta:directory:00o0acme:users:" + id,
			"_links": map[string]link{"self": {"href": self}, "roles": {"href": self + "/roles"}}})
	}
	links := map[string]link{}
	if next != "" {
		links["next"] = link{"href": o.base(r) + next}
	}
	return map[string]any{"value": users, "_links": links}, nil, nil
}

// pageOf is a page of a sorted list, and the path and query of the next one.
func pageOf(ids []string, r *http.Request, longest, usual int) (page []string, next string) {
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 {
		limit = usual
	}
	limit = min(limit, cmp.Or(longest, max(usual, rolePage)))
	from, found := slices.BinarySearch(ids, query.Get("after"))
	if found {
		from++
	}
	page = ids[from:min(from+limit, len(ids))]
	if from+limit < len(ids) {
		again := url.Values{"after": {page[len(page)-1]}, "limit": {strconv.Itoa(limit)}}
		for _, name := range []string{"expand", "search"} {
			if value := query.Get(name); value != "" {
				again.Set(name, value)
			}
		}
		next = r.URL.EscapedPath() + "?" + again.Encode()
	}
	return page, next
}

func (s *roleState) ofUser(o *Org, r *http.Request, id string) (any, http.Header, *apiError) {
	if s.gone[id] || !strings.HasPrefix(id, "00u") {
		return nil, nil, errNotFound(id)
	}
	all := assignments(s.users[id], "USER", o.base(r)+"/api/v1/users/"+id)
	for _, group := range slices.Sorted(maps.Keys(s.groups)) {
		if slices.Contains(s.groups[group].Members, id) {
			all = append(all, assignments(s.groups[group].Roles, "GROUP", o.base(r)+"/api/v1/groups/"+group)...)
		}
	}
	return all, nil, nil
}

func (s *roleState) ofGroup(o *Org, r *http.Request, id string) (any, http.Header, *apiError) {
	g, ok := s.groups[id]
	if !ok {
		return nil, nil, errNotFound(id)
	}
	return assignments(g.Roles, "GROUP", o.base(r)+"/api/v1/groups/"+id), nil, nil
}

func (s *roleState) ofClient(o *Org, r *http.Request, id string) (any, http.Header, *apiError) {
	held, ok := s.clients[id]
	if !ok {
		return nil, nil, errNotFound(id)
	}
	return assignments(held, "CLIENT", o.base(r)+"/oauth2/v1/clients/"+id), nil, nil
}

// assignments are roles as StandardRole and CustomRole of Okta's OpenAPI document.
func assignments(roles []string, by, assignee string) []any {
	all := []any{}
	for _, role := range roles {
		hash := fnv.New64a()
		_, _ = hash.Write([]byte(role + assignee))
		a := map[string]any{
			"id": fmt.Sprintf("ra1%016x4", hash.Sum64()), "label": RoleLabel(role), "type": role, "status": "ACTIVE",
			"created": longAgo, "lastUpdated": longAgo, "assignmentType": by,
			"_links": map[string]any{"assignee": map[string]string{"href": assignee}},
		}
		if labels[role] == "" {
			a["type"], a["role"], a["resource-set"] = "CUSTOM", "cr0Yq6IJxGIr0ouum0g3", "iamoJDFKaJxGIr0oamd9g"
		}
		all = append(all, a)
	}
	return all
}

func (s *roleState) listGroups(o *Org, r *http.Request, _ string) (any, http.Header, *apiError) {
	named, e := s.named(r.URL.Query().Get("search"))
	if e != nil {
		return nil, nil, e
	}
	return o.list(r, named, 200, func(id string) any {
		g := map[string]any{
			"id": id, "type": "OKTA_GROUP", "created": longAgo, "lastUpdated": longAgo, "lastMembershipUpdated": longAgo,
			"objectClass": []string{"okta:user_group"},
			"profile":     map[string]any{"name": cmp.Or(s.groups[id].Name, id), "description": nil},
		}
		if r.URL.Query().Get("expand") == "stats" {
			g["_embedded"] = map[string]any{"stats": map[string]any{"usersCount": len(s.groups[id].Members), "appsCount": 0,
				"groupPushMappingsCount": 0, "hasAdminPrivilege": len(s.groups[id].Roles) > 0}}
		}
		return g
	})
}

// byName is the one search for groups that is known here: case does not matter to Okta [assumed].
var byName = regexp.MustCompile(`^profile\.name eq ("(?:[^"\\]|\\.)*")$`)

// named are the ids of the groups that a search leaves, sorted.
func (s *roleState) named(search string) ([]string, *apiError) {
	all := slices.Sorted(maps.Keys(s.groups))
	if search == "" {
		return all, nil
	}
	found := byName.FindStringSubmatch(search)
	if found == nil {
		return nil, errSearch
	}
	wanted := gjson.Parse(found[1]).Str
	return slices.DeleteFunc(all, func(id string) bool { return !strings.EqualFold(cmp.Or(s.groups[id].Name, id), wanted) }), nil
}

func (s *roleState) listMembers(o *Org, r *http.Request, id string) (any, http.Header, *apiError) {
	g, ok := s.groups[id]
	if !ok {
		return nil, nil, errNotFound(id)
	}
	return o.list(r, slices.Sorted(slices.Values(g.Members)), 1000, func(id string) any {
		return map[string]any{"id": id, "status": "ACTIVE", "profile": map[string]any{"login": id + "@acme.example"}}
	})
}

// list is a page of what has these ids, and the Link headers that name the next one.
func (o *Org) list(r *http.Request, ids []string, usual int, item func(id string) any) (any, http.Header, *apiError) {
	ids, next := pageOf(ids, r, o.Roles.Page, usual)
	all := []any{}
	for _, id := range ids {
		all = append(all, item(id))
	}
	if next != "" {
		next = o.base(r) + next
	}
	h := http.Header{}
	LinkSeparate.set(h, o.base(r)+r.URL.RequestURI(), next)
	return all, h, nil
}
