package oktasim

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Roles are who holds administrators' roles, as of the beginning of the log: what its events say of grants, revocations, memberships and
// deletions comes on top, as soon as they are visible. The zero value is those of the generated world.
//
// A role is a type of Okta's, such as SUPER_ADMIN, or else the label of a custom role.
type Roles struct {
	Users   map[string][]string // by user id; nil, with Groups and Clients nil: the world's
	Groups  map[string]Group    // by group id; of any number, with roles or without
	Clients map[string][]string // by client id

	// Profiles are what users have in their profiles, such as department, by user id. Not events but only [Org.Set] changes them. nil: any
	// user has one of the world's. Not nil: users that are not there are not known.
	Profiles map[string]map[string]any

	Direct bool // the list of assignees has only users with roles of their own, and not those of groups
	Page   int  // longest page of a list, whatever limit says; 0: 200
	Limit  int  // requests per minute to each bucket; 0: 1,200, as /api/v1 of a Workforce org

	// Intercept is Org.Intercept for the requests about roles.
	Intercept func(n int, r *http.Request) http.Handler
}

// Group is a group with its roles and members, by user id.
type Group struct {
	Name    string // "": its id
	Roles   []string
	Members []string
}

// roleState is what Roles have become. The org's mutex guards it.
type roleState struct {
	users   map[string][]string
	clients map[string][]string
	groups  map[string]Group
	gone    map[string]bool
	read    int // events of the log
	calls   int
	quota   [4]bucket // /api/v1, /api/v1/groups, /oauth2/v1/clients, /api/v1/users
}

// labels are Okta's own roles, as its events and lists call them.
var labels = map[string]string{
	"SUPER_ADMIN": "Super administrator", "ORG_ADMIN": "Organization administrator", "APP_ADMIN": "Application administrator",
	"USER_ADMIN": "Group administrator", "GROUP_MEMBERSHIP_ADMIN": "Group membership administrator",
	"HELP_DESK_ADMIN": "Help desk administrator", "READ_ONLY_ADMIN": "Read-only administrator", "REPORT_ADMIN": "Report administrator",
	"MOBILE_ADMIN":                "Mobile administrator",
	"API_ACCESS_MANAGEMENT_ADMIN": "API access management administrator", "WORKFLOWS_ADMIN": "Workflows administrator",
	"ACCESS_CERTIFICATIONS_ADMIN": "Access certifications administrator", "ACCESS_REQUESTS_ADMIN": "Access requests administrator",
}

// RoleLabel is what Okta's events and lists call a role.
func RoleLabel(role string) string {
	if label, ok := labels[role]; ok {
		return label
	}
	return role
}

// worldRoles are the roles of the generated world's administrators, in turn.
var worldRoles = []string{"SUPER_ADMIN", "HELP_DESK_ADMIN", "READ_ONLY_ADMIN"}

// holders brings the state up to the log's last visible event. The caller holds mu.
func (o *Org) holders() *roleState {
	s := &o.roles
	if s.users == nil {
		s.users, s.groups, s.clients, s.gone = map[string][]string{}, map[string]Group{}, map[string][]string{}, map[string]bool{}
		maps.Copy(s.users, o.Roles.Users)
		maps.Copy(s.groups, o.Roles.Groups)
		maps.Copy(s.clients, o.Roles.Clients)
		if o.Roles.Users == nil && o.Roles.Groups == nil && o.Roles.Clients == nil {
			s.ofWorld(o.company())
		}
	}
	for visible := o.visible(); s.read < visible; s.read++ {
		s.apply(o.log.events[s.read].raw)
	}
	return s
}

func (s *roleState) ofWorld(w *world) {
	n := 0
	for _, u := range w.users {
		if u.admin {
			s.users[u.ID] = []string{worldRoles[n%len(worldRoles)]}
			n++
		}
	}
	for _, g := range w.parties["group"] {
		held := Group{Name: *g.DisplayName}
		switch held.Name {
		case "Okta Administrators":
			held.Roles, held.Members = []string{"ORG_ADMIN"}, []string{w.users[1].ID, w.users[2].ID}
		case "Finance":
			held.Members = []string{w.users[3].ID, w.users[4].ID}
		}
		s.groups[g.ID] = held
	}
	s.clients[w.parties["service"][0].ID] = []string{"APP_ADMIN"}
}

// apply does what an event says.
func (s *roleState) apply(raw []byte) {
	event := gjson.ParseBytes(raw)
	what := event.Get("eventType").Str
	if !strings.Contains(what, ".privilege.") && !strings.Contains(what, ".user_membership.") && !strings.Contains(what, ".lifecycle.delete") {
		return
	}
	var roles []string
	for label := range strings.SplitSeq(event.Get("debugContext.debugData.privilegeGranted").Str, ",") {
		if label = strings.TrimSpace(label); label != "" {
			roles = append(roles, roleOf(label))
		}
	}
	target := func(kind string) string { return event.Get(`target.#(type=="` + kind + `").id`).Str }
	u, g := target("User"), target("UserGroup")
	of := s.groups[g]
	switch what {
	case "user.account.privilege.grant", "user.account.privilege.revoke":
		s.users[u] = roles
	case "app.oauth2.client.privilege.grant", "app.oauth2.client.privilege.revoke":
		s.clients[target("PublicClientApp")] = roles
	case "group.privilege.grant", "group.privilege.revoke":
		of.Roles = roles
		s.groups[g] = of
	case "group.user_membership.add":
		of.Members = append(slices.Clip(of.Members), u)
		s.groups[g] = of
	case "group.user_membership.remove":
		of.Members = slices.DeleteFunc(slices.Clone(of.Members), func(id string) bool { return id == u })
		s.groups[g] = of
	case "user.lifecycle.delete.completed":
		delete(s.users, u)
		s.gone[u] = true
	case "group.lifecycle.delete":
		delete(s.groups, g)
		s.gone[g] = true
	}
}

// roleOf is the type of one of Okta's own roles, else the label.
func roleOf(label string) string {
	for role, known := range labels {
		if strings.EqualFold(known, label) {
			return role
		}
	}
	return label
}
