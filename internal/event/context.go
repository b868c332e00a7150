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
	ContextTime = "context_time"
)

// customRole begins the names of roles that an org made itself. Where anything is redacted they all become [CustomRole]: an
// administrator chose the name, which may be anybody's.
const (
	customRole = CustomRole + "_"
	// CustomRole stands for a custom role whose name is not told.
	CustomRole = "CUSTOM"
)

// Context is what is known about an event's parties beside the event. It becomes structured metadata, and what relabeling rules see in
// __okta_actor_roles and __okta_target_roles; it changes no byte of the line. The zero value is nothing.
type Context struct {
	ActorRoles  string    // names of roles, sorted and joined by commas; "": none, or it is not known
	TargetRoles string    // those of all targets together
	Time        time.Time // not zero: the roles are those of this time, and the event is older
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

// contextLabels are what relabeling rules see of a [Context].
var contextLabels = map[model.LabelName]func(Context) string{
	"__okta_actor_roles":  func(c Context) string { return c.ActorRoles },
	"__okta_target_roles": func(c Context) string { return c.TargetRoles },
}

// ContextLabels are the names of what relabeling rules see of a [Context], sorted.
func ContextLabels() (all []string) {
	for name := range contextLabels {
		all = append(all, string(name))
	}
	slices.Sort(all)
	return all
}

// hide takes out what may name somebody.
func (c *Context) hide() {
	c.ActorRoles, c.TargetRoles = plainRoles(c.ActorRoles), plainRoles(c.TargetRoles)
}

// append adds the context to an entry's metadata. A name that is a label, or metadata from a path, is left to that.
func (c Context) append(all push.LabelsAdapter, f *Formatter, stream *stream) push.LabelsAdapter {
	add := func(name, value string) {
		_, label := stream.labels[model.LabelName(name)]
		if value != "" && !label && !slices.ContainsFunc(f.metadata, func(m metadatum) bool { return m.name == name }) {
			all = append(all, push.LabelAdapter{Name: name, Value: value})
		}
	}
	if c.ActorRoles == "" && c.TargetRoles == "" {
		return all
	}
	add(ActorRoles, c.ActorRoles)
	add(TargetRoles, c.TargetRoles)
	if !c.Time.IsZero() {
		add(ContextTime, c.Time.UTC().Format(time.RFC3339))
	}
	return all
}
