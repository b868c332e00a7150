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
func (s *roleState) listUsers(o *Org, r *http.Request, _ string) (any, http.Header, *apiError) {
	var known []string
	if o.Roles.Profiles == nil {
		for _, u := range o.company().users {
			known = append(known, u.ID)
		}
	}
	known = slices.AppendSeq(known, maps.Keys(o.Roles.Profiles))
	known = slices.DeleteFunc(known, func(id string) bool { return s.gone[id] })
	slices.Sort(known)
	return o.list(r, known, 200, func(id string) any { return profileOf(id, o.Roles.Profiles, o.base(r)) })
}

func (s *roleState) profile(o *Org, r *http.Request, id string) (any, http.Header, *apiError) {
	_, known := o.Roles.Profiles[id]
	if s.gone[id] || !strings.HasPrefix(id, "00u") || o.Roles.Profiles != nil && !known {
		return nil, nil, errNotFound(id)
	}
	return profileOf(id, o.Roles.Profiles, o.base(r)), nil, nil
}

// profileOf is a user as User of Okta's OpenAPI document, without what it says of credentials.
func profileOf(id string, profiles map[string]map[string]any, base string) any {
	login := id + "@acme.example"
	profile := map[string]any{
		"firstName": "Mara", "lastName": "Nowak", "mobilePhone": nil, "secondEmail": nil, "login": login, "email": login,
	}
	if own, known := profiles[id]; known {
		maps.Copy(profile, own)
	} else {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(id))
		in := departments[hash.Sum32()%uint32(len(departments))]
		profile["department"], profile["costCenter"], profile["title"] = in.department, in.costCenter, in.title
	}
	return map[string]any{
		"id": id, "status": "ACTIVE", "created": longAgo, "activated": longAgo, "statusChanged": longAgo, "lastLogin": nil,
		"lastUpdated": longAgo, "passwordChanged": longAgo, "type": map[string]string{"id": "oty1otrDrDrDrDrDr0g4"}, "profile": profile,
		"credentials": map[string]any{"provider": map[string]string{"type": "OKTA", "name": "OKTA"}},
		"_links":      map[string]any{"self": map[string]string{"href": base + "/api/v1/users/" + id}},
	}
}
