package redact

import (
	"slices"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A rule is a point on the way of one or more redaction paths. Unlike
// where metadata is selected, every value that fits a path counts, not the first.
type rule struct {
	ends  bool // a path ends here: the value and all in it are redacted
	named []namedRule
	every *rule // '*' as a name
	picks []pickRule
}

type namedRule struct {
	name string
	rule *rule
}

type pickRule struct {
	picks []rawjson.Pick
	rule  *rule
}

func (r *rule) add(p rawjson.Path) {
	for _, s := range p {
		r = r.child(s)
	}
	r.ends = true
}

func (r *rule) child(s rawjson.Step) *rule {
	switch {
	case s.Picks != nil:
		for _, p := range r.picks {
			if slices.Equal(p.picks, s.Picks) {
				return p.rule
			}
		}
		r.picks = append(r.picks, pickRule{s.Picks, &rule{}})
		return r.picks[len(r.picks)-1].rule
	case s.Any:
		if r.every == nil {
			r.every = &rule{}
		}
		return r.every
	default:
		for _, n := range r.named {
			if n.name == s.Name {
				return n.rule
			}
		}
		r.named = append(r.named, namedRule{s.Name, &rule{}})
		return r.named[len(r.named)-1].rule
	}
}

// member appends the rules that apply to the member called name.
func (r *rule) member(b []byte, name rawjson.Span, to []*rule) []*rule {
	for _, n := range r.named {
		if name.Is(b, n.name) {
			to = append(to, n.rule)
		}
	}
	if r.every != nil {
		to = append(to, r.every)
	}
	return to
}

// picked appends the rules that apply to a value because a picker fits it;
// index is its number in the array around it, -1 for a single object.
func (r *rule) picked(types []string, index int, to []*rule) []*rule {
	for _, p := range r.picks {
		if slices.ContainsFunc(p.picks, func(p rawjson.Pick) bool {
			if p.Type != "" {
				return slices.Contains(types, p.Type)
			}
			return p.Any || p.Index == index
		}) {

			to = append(to, p.rule)
		}
	}
	return to
}
