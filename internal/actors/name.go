package actors

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maxName bounds the name of a group, in characters. Source: Okta's OpenAPI document, 2026.06.3, GroupProfile.
const maxName = 255

// CheckNames refuses names of groups that cannot be looked for, or not be told apart in a list joined by commas.
func CheckNames(names []string) error {
	if n := len(names); n > MaxGroups {
		return fmt.Errorf("groups has %d names: at most %d are allowed", n, MaxGroups)
	}
	for i, name := range names {
		switch {
		case name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl):
			return fmt.Errorf("groups: %q is no name of a group: it must be written as in Okta, without spaces around it", name)
		case strings.Contains(name, ","):
			return fmt.Errorf("groups: %q has a comma, which stands between names in actor_groups: rename the group in Okta", name)
		case len([]rune(name)) > maxName:
			return fmt.Errorf("groups: %.40q... has %d characters: Okta allows at most %d", name, len([]rune(name)), maxName)
		case slices.Contains(names[:i], name):
			return fmt.Errorf("groups: %q is named twice: once is enough", name)
		}
	}
	return nil
}
