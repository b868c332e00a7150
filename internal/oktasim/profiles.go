package oktasim

import (
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// departments have the users of the generated world, and any other of whom nothing else is said.
var departments = []struct{ department, costCenter, title string }{
	{"Finance", "CC-100", "Accountant"}, {"Engineering", "CC-200", "Site reliability engineer"}, {"People", "CC-300", "Recruiter"},
	{"Sales", "CC-400", "Account executive"},
}

// listUsers lists users of whom something is known here.
func (s *roleState) listUsers(o *Org, r *http.Request) (any, http.Header, *apiError) {
	known := map[string]bool{}
	for id := range o.Roles.Profiles {
		known[id] = !s.gone[id]
	}
	if o.Roles.Profiles == nil {
		for _, u := range o.company().users {
			known[u.ID] = !s.gone[u.ID]
		}
	}
	maps.DeleteFunc(known, func(_ string, is bool) bool { return !is })
	ids, next := pageOf(slices.Sorted(maps.Keys(known)), r, o.Roles.Page, 200)
	all := []any{}
	for _, id := range ids {
		u, _, e := s.profile(o, r, id)
		if e != nil {
			return nil, nil, e
		}
		all = append(all, u)
	}
	return all, linked(o.base(r), r, next), nil
}

// profile is a user as User of Okta's OpenAPI document, without what it says of credentials.
func (s *roleState) profile(o *Org, r *http.Request, id string) (any, http.Header, *apiError) {
	own, known := o.Roles.Profiles[id]
	if s.gone[id] || !strings.HasPrefix(id, "00u") || o.Roles.Profiles != nil && !known {
		return nil, nil, errNotFound(id)
	}
	login := id + "@acme.example"
	profile := map[string]any{
		"firstName": "Mara", "lastName": "Nowak", "mobilePhone": nil, "secondEmail": nil, "login": login, "email": login,
	}
	if known {
		maps.Copy(profile, own)
	} else {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(id))
		in := departments[hash.Sum32()%uint32(len(departments))]
		profile["department"], profile["costCenter"], profile["title"] = in.department, in.costCenter, in.title
	}
	const then = "2026-01-12T09:30:00.000Z"
	return map[string]any{
		"id": id, "status": "ACTIVE", "created": then, "activated": then, "statusChanged": then, "lastLogin": nil, "lastUpdated": then,
		"passwordChanged": then, "type": map[string]string{"id": "oty1otrDrDrDrDrDr0g4"}, "profile": profile,
		"credentials": map[string]any{"provider": map[string]string{"type": "OKTA", "name": "OKTA"}},
		"_links":      map[string]any{"self": map[string]string{"href": o.base(r) + "/api/v1/users/" + id}},
	}, nil, nil
}
