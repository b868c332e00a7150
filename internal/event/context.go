package event

import (
	"slices"
	"strings"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// The metadata that an event's [Context] becomes.
const (
	ActorRoles  = "actor_roles"
	TargetRoles = "target_roles"
	ActorGroups = "actor_groups"
	ContextTime = "context_time"
)

// Late is how much older than what is known an event may be before its entry says as of when that is.
const Late = 5 * time.Minute

// customRole begins the names of roles that an org made itself. Where anything is redacted they all become [CustomRole]: an
// administrator chose the name, which may be anybody's.
const (
	customRole = CustomRole + "_"
	// CustomRole stands for a custom role whose name is not told.
	CustomRole = "CUSTOM"
)

// Context is what is known about an event's parties beside the event. It becomes structured metadata, and what relabeling rules see in
// labels of the same names behind __okta_; it changes no byte of the line. The zero value is nothing.
type Context struct {
	ActorRoles  string    // names of roles, sorted and joined by commas; "": none, or it is not known
	TargetRoles string    // those of all targets together
	ActorGroups string    // names of groups that the actor is in, as ActorRoles
	Profile     []string  // what the actor's profile has of the attributes that [New] got, in their order; "": nothing. It must not be changed
	Time        time.Time // not zero: all that is what was known at this time, and the event is older
}

// isEmpty reports whether nothing is known.
func (c *Context) isEmpty() bool {
	return c.ActorRoles == "" && c.TargetRoles == "" && c.ActorGroups == "" &&
		!slices.ContainsFunc(c.Profile, func(value string) bool { return value != "" })
}

// Date sets the time of what is known, now, if the event is older than that by more than [Late].
func (c *Context) Date(ev *Event, now time.Time) {
	if !c.isEmpty() && !ev.Published.IsZero() && now.Sub(ev.Published) > Late {
		c.Time = now
	}
}

// Actor is the type and id of the actor, as [Event.Parties] gives them; "" without.
func (ev *Event) Actor() (kind, id string) {
	if actor := ev.fields[fieldActor]; actor.Found() {
		ev.party(actor, true, func(_ bool, k, i string) { kind, id = k, i })
	}
	return kind, id
}

// Parties calls see with the type and id of the actor, and of each target in its order. Both share memory with Raw unless they were
// spelled with escapes. What has no id is left out.
func (ev *Event) Parties(see func(actor bool, kind, id string)) {
	if actor := ev.fields[fieldActor]; actor.Found() {
		ev.party(actor, true, see)
	}
	target := ev.fields[fieldTarget]
	if !target.Found() || ev.Raw[target.Start] != '[' {
		return
	}
	for e := rawjson.ElementsOf(ev.Raw, target); !e.Done(); {
		ev.party(e.Next(), false, see)
	}
}

func (ev *Event) party(s rawjson.Span, actor bool, see func(actor bool, kind, id string)) {
	if ev.Raw[s.Start] != '{' {
		return
	}
	var kind, id string
	for m := rawjson.MembersOf(ev.Raw, s); ; {
		name, v, ok := m.Next()
		if !ok {
			break
		}
		switch {
		case !v.IsString(ev.Raw):
		case name.Is(ev.Raw, "id"):
			id = rawjson.Unquote(v.Inner().Of(ev.Raw))
		case name.Is(ev.Raw, "type"):
			kind = rawjson.Unquote(v.Inner().Of(ev.Raw))
		}
	}
	if id != "" {
		see(actor, kind, id)
	}
}

// plainRoles are roles whose custom ones say no more than that they are custom.
func plainRoles(roles string) string {
	if !strings.Contains(roles, customRole) {
		return roles
	}
	names, custom := make([]string, 0, 8), false
	for name := range strings.SplitSeq(roles, ",") {
		if name == CustomRole || strings.HasPrefix(name, customRole) {
			if custom {
				continue
			}
			name, custom = CustomRole, true
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

// contextLabels are what relabeling rules see of a [Context], beside the profile.
var contextLabels = map[model.LabelName]func(Context) string{
	"__okta_actor_roles":  func(c Context) string { return c.ActorRoles },
	"__okta_target_roles": func(c Context) string { return c.TargetRoles },
	"__okta_actor_groups": func(c Context) string { return c.ActorGroups },
}

// ContextLabels are the names of what relabeling rules see of a [Context], sorted, with those attributes of the profile.
func ContextLabels(profile []string) (all []string) {
	for name := range contextLabels {
		all = append(all, string(name))
	}
	for _, attribute := range profile {
		all = append(all, labelPrefix+profileName(attribute))
	}
	slices.Sort(all)
	return all
}

// append adds the context to an entry's metadata. A name that is a label, or metadata from a path, is left to that.
func (c Context) append(all push.LabelsAdapter, f *Formatter, stream *stream) push.LabelsAdapter {
	add := func(name, value string) {
		_, label := stream.labels[model.LabelName(name)]
		if value != "" && !label && !slices.ContainsFunc(f.metadata, func(m metadatum) bool { return m.name == name }) {
			all = append(all, push.LabelAdapter{Name: name, Value: value})
		}
	}
	if c.isEmpty() {
		return all
	}
	add(ActorRoles, c.ActorRoles)
	add(TargetRoles, c.TargetRoles)
	add(ActorGroups, c.ActorGroups)
	for i, value := range c.profile(f) {
		add(f.profile[i].name, value)
	}
	if !c.Time.IsZero() {
		add(ContextTime, c.Time.UTC().Format(time.RFC3339))
	}
	return all
}
