package oktasim

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"net/url"
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
	assigneesPath  = "/api/v1/iam/assignees/users"
	groupsPath     = "/api/v1/groups"
	rolePage       = 200
	managementRate = 1200
)

// asked is a request about roles, or about users and groups beside them.
type asked struct {
	scope  string
	bucket int
	answer func(s *roleState, o *Org, r *http.Request) (any, http.Header, *apiError)
}

// roleRequest is what a request about roles asks; nil: it is about something else.
func roleRequest(r *http.Request) *asked {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	is := func(pattern string) bool {
		want := strings.Split(strings.Trim(pattern, "/"), "/")
		return len(want) == len(parts) && !slices.ContainsFunc(want, func(w string) bool {
			return w != "*" && w != parts[slices.Index(want, w)]
		})
	}
	id := func() string { return parts[len(parts)-2] }
	switch {
	case r.URL.Path == assigneesPath:
		return &asked{rolesScope, 0, (*roleState).assignees}
	case is("/api/v1/users"):
		return &asked{usersScope, 3, (*roleState).listUsers}
	case is("/api/v1/users/*"):
		return &asked{usersScope, 3, func(s *roleState, o *Org, r *http.Request) (any, http.Header, *apiError) {
			return s.profile(o, r, parts[len(parts)-1])
		}}
	case is("/api/v1/users/*/roles"):
		return &asked{rolesScope, 0, func(s *roleState, o *Org, r *http.Request) (any, http.Header, *apiError) {
			return s.ofUser(o.base(r), id())
		}}
	case is("/oauth2/v1/clients/*/roles"):
		return &asked{rolesScope, 2, func(s *roleState, o *Org, r *http.Request) (any, http.Header, *apiError) {
			held, ok := s.clients[id()]
			if !ok {
				return nil, nil, errNotFound(id())
			}
			return assignments(held, "CLIENT", o.base(r)+"/oauth2/v1/clients/"+id()), nil, nil
		}}
	case is("/api/v1/groups/*/roles"):
		return &asked{rolesScope, 1, func(s *roleState, o *Org, r *http.Request) (any, http.Header, *apiError) {
			g, ok := s.groups[id()]
			if !ok {
				return nil, nil, errNotFound(id())
			}
			return assignments(g.Roles, "GROUP", o.base(r)+"/api/v1/groups/"+id()), nil, nil
		}}
	case r.URL.Path == groupsPath:
		return &asked{groupsScope, 1, (*roleState).listGroups}
	case is("/api/v1/groups/*/users"):
		return &asked{groupsScope, 1, func(s *roleState, o *Org, r *http.Request) (any, http.Header, *apiError) {
			return s.listMembers(o, r, id())
		}}
	}
	return nil
}

func (o *Org) interceptRoles(w http.ResponseWriter, r *http.Request, ask *asked) {
	o.mu.Lock()
	o.roles.calls++
	n, intercept := o.roles.calls, o.Roles.Intercept
	o.mu.Unlock()
	if intercept != nil {
		if h := intercept(n, r); h != nil {
			h.ServeHTTP(w, r)
			return
		}
	}
	o.serve(w, r, func(r *http.Request) reply { return o.roleReply(r, ask) })
}

// NormalRoles is [Org.Normal] for the requests about roles.
func (o *Org) NormalRoles() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.serve(w, r, func(r *http.Request) reply { return o.roleReply(r, roleRequest(r)) })
	})
}

// roleReply runs under the mutex.
func (o *Org) roleReply(r *http.Request, ask *asked) reply {
	if r.Method != http.MethodGet {
		return o.refusal(errMethod)
	}
	if _, refused := o.authenticateFor(r, ask.scope); refused != nil {
		return *refused
	}
	s, now, limit := o.holders(), o.now(), cmp.Or(o.Roles.Limit, managementRate)
	rate := http.Header{}
	window := s.quota[ask.bucket].openOrNew(now)
	if window.Used >= limit {
		window.Refused++
		s.quota[ask.bucket].showOn(rate, limit, now)
		return o.refusal(errRate).with(rate)
	}
	window.Used++
	s.quota[ask.bucket].showOn(rate, limit, now)
	answer, h, e := ask.answer(s, o, r)
	if e != nil {
		return o.refusal(e).with(rate)
	}
	body := encodePlain(answer)
	maps.Copy(rate, h)
	return reply{http.StatusOK, rate, body}
}

// assignees lists the users that hold roles; its next page is in the body.
func (s *roleState) assignees(o *Org, r *http.Request) (any, http.Header, *apiError) {
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
		for _, name := range []string{"expand", "search", "q"} {
			if value := query.Get(name); value != "" {
				again.Set(name, value)
			}
		}
		next = r.URL.EscapedPath() + "?" + again.Encode()
	}
	return page, next
}

func (s *roleState) ofUser(base, id string) (any, http.Header, *apiError) {
	if s.gone[id] || !strings.HasPrefix(id, "00u") {
		return nil, nil, errNotFound(id)
	}
	all := assignments(s.users[id], "USER", base+"/api/v1/users/"+id)
	for _, group := range slices.Sorted(maps.Keys(s.groups)) {
		if slices.Contains(s.groups[group].Members, id) {
			all = append(all, assignments(s.groups[group].Roles, "GROUP", base+"/api/v1/groups/"+group)...)
		}
	}
	return all, nil, nil
}

// assignments are roles as StandardRole and CustomRole of Okta's OpenAPI document.
func assignments(roles []string, by, assignee string) []any {
	all := []any{}
	for _, role := range roles {
		hash := fnv.New64a()
		_, _ = hash.Write([]byte(role + assignee))
		a := map[string]any{
			"id": fmt.Sprintf("ra1%016x4", hash.Sum64()), "label": RoleLabel(role), "type": role, "status": "ACTIVE",
			"created": "2026-01-12T09:30:00.000Z", "lastUpdated": "2026-01-12T09:30:00.000Z", "assignmentType": by,
			"_links": map[string]any{"assignee": map[string]string{"href": assignee}},
		}
		if labels[role] == "" {
			a["type"], a["role"], a["resource-set"] = "CUSTOM", "cr0Yq6IJxGIr0ouum0g3", "iamoJDFKaJxGIr0oamd9g"
		}
		all = append(all, a)
	}
	return all
}

func (s *roleState) listGroups(o *Org, r *http.Request) (any, http.Header, *apiError) {
	named, e := s.named(r.URL.Query())
	if e != nil {
		return nil, nil, e
	}
	ids, next := pageOf(named, r, o.Roles.Page, 200)
	all := []any{}
	for _, id := range ids {
		g := map[string]any{
			"id": id, "type": "OKTA_GROUP", "created": "2026-01-12T09:30:00.000Z", "lastUpdated": "2026-01-12T09:30:00.000Z",
			"lastMembershipUpdated": "2026-01-12T09:30:00.000Z", "objectClass": []string{"okta:user_group"},
			"profile": map[string]any{"name": cmp.Or(s.groups[id].Name, id), "description": nil},
		}
		if r.URL.Query().Get("expand") == "stats" {
			g["_embedded"] = map[string]any{"stats": map[string]any{"usersCount": len(s.groups[id].Members), "appsCount": 0,
				"groupPushMappingsCount": 0, "hasAdminPrivilege": len(s.groups[id].Roles) > 0}}
		}
		all = append(all, g)
	}
	return all, linked(o.base(r), r, next), nil
}

// byName is the one search for groups that is known here: case does not matter to Okta [assumed].
var byName = regexp.MustCompile(`^profile\.name eq ("(?:[^"\\]|\\.)*")$`)

// named are the ids of the groups that a search or q leaves, sorted.
func (s *roleState) named(query url.Values) ([]string, *apiError) {
	all := slices.Sorted(maps.Keys(s.groups))
	keep := func(which func(name string) bool) []string {
		return slices.DeleteFunc(all, func(id string) bool { return !which(cmp.Or(s.groups[id].Name, id)) })
	}
	if search := query.Get("search"); search != "" {
		found := byName.FindStringSubmatch(search)
		if found == nil {
			return nil, errSearch
		}
		wanted := gjson.Parse(found[1]).Str
		return keep(func(name string) bool { return strings.EqualFold(name, wanted) }), nil
	}
	begin := strings.ToLower(query.Get("q"))
	return keep(func(name string) bool { return strings.HasPrefix(strings.ToLower(name), begin) }), nil
}

func (s *roleState) listMembers(o *Org, r *http.Request, id string) (any, http.Header, *apiError) {
	g, ok := s.groups[id]
	if !ok {
		return nil, nil, errNotFound(id)
	}
	ids, next := pageOf(slices.Sorted(slices.Values(g.Members)), r, o.Roles.Page, 1000)
	all := []any{}
	for _, id := range ids {
		all = append(all, map[string]any{"id": id, "status": "ACTIVE", "profile": map[string]any{"login": id + "@acme.example"}})
	}
	return all, linked(o.base(r), r, next), nil
}

// linked are the Link headers of a list that names its next page there.
func linked(base string, r *http.Request, next string) http.Header {
	h := http.Header{}
	if next != "" {
		next = base + next
	}
	LinkSeparate.set(h, base+r.URL.RequestURI(), next)
	return h
}
