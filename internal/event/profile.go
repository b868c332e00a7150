package event

import (
	"fmt"
	"regexp"
	"slices"
	"unicode"

	"github.com/prometheus/common/model"
)

// MaxProfile is how many attributes of a profile entries may have. Loki allows 128 values of metadata for each entry
// (max_structured_metadata_entries_count), of which some ten are others.
const MaxProfile = 10

// attributeName is what Okta lets an attribute of a profile be called: letters, digits and underscores. Source: Okta, "About custom
// attributes", variable name. The length is ours.
var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// attribute is one attribute of the actor's profile, and its metadata's name.
type attribute struct{ attribute, name string }

// profileName is the metadata of an attribute: actor_ and its name with underscores, as costCenter becomes actor_cost_center.
func profileName(attribute string) string {
	b, all := []byte("actor_"), []rune(attribute)
	for i, r := range all {
		begins := i > 0 && unicode.IsUpper(r) && all[i-1] != '_' &&
			(!unicode.IsUpper(all[i-1]) || i+1 < len(all) && unicode.IsLower(all[i+1]))
		if begins {
			b = append(b, '_')
		}
		b = append(b, string(unicode.ToLower(r))...)
	}
	return string(b)
}

// newProfile checks which attributes entries are to have.
func newProfile(opts Options, profile []string) (all []attribute, err error) {
	if n := len(profile); n > MaxProfile {
		return nil, fmt.Errorf("profile has %d attributes: at most %d are allowed", n, MaxProfile)
	}
	for _, name := range profile {
		a := attribute{name, profileName(name)}
		if !attributeName.MatchString(name) {
			return nil, fmt.Errorf("profile %q: an attribute of Okta's user profile is meant, such as %q: letters, digits and underscores, "+
				"64 at most, and a letter first", name, "costCenter")
		}
		if other := slices.IndexFunc(all, func(b attribute) bool { return b.name == a.name }); other >= 0 {
			return nil, fmt.Errorf("profile %q: its metadata would be %s, as that of %q is; name one of the two", name, a.name, all[other].attribute)
		}
		if taken := takenBy(a.name, opts); taken != "" {
			return nil, fmt.Errorf("profile %q: its metadata would be %s, which is %s; use another attribute", name, a.name, taken)
		}
		all = append(all, a)
	}
	return all, nil
}

// takenBy says what has the name of an attribute's metadata already; "": nothing.
func takenBy(name string, opts Options) string {
	_, ofEvents := sourceLabels[model.LabelName(labelPrefix+name)]
	_, label := opts.Labels[name]
	_, metadata := opts.StructuredMetadata[name]
	switch {
	case slices.Contains([]string{ActorRoles, TargetRoles, ActorGroups, ContextTime}, name):
		return "what context says itself"
	case ofEvents:
		return "what rules know of the event as " + labelPrefix + name
	case label:
		return "a label in labels"
	case metadata:
		return "in structured_metadata"
	}
	return ""
}

// profile are the values that an entry has, one for each attribute, or none.
func (c *Context) profile(f *Formatter) []string {
	if len(c.Profile) != len(f.profile) {
		return nil
	}
	return c.Profile
}
