package roles

import (
	"slices"
	"strings"
	"unicode"

	"github.com/grafana/alloy/okta/internal/event"
)

// Unresolved is the role of a holder whose roles are not known yet.
const Unresolved = "ADMIN"

// maxName bounds the name of a custom role, in bytes; Okta allows 80 characters.
const maxName = 80

// standard are Okta's own roles, by their names in events and lists without "administrator" at the end and without parentheses. The types
// are those of RoleType in Okta's OpenAPI document.
var standard = map[string]string{
	"super":                 "SUPER_ADMIN",
	"organization":          "ORG_ADMIN",
	"organizational":        "ORG_ADMIN",
	"application":           "APP_ADMIN",
	"app":                   "APP_ADMIN",
	"group":                 "USER_ADMIN",
	"user":                  "USER_ADMIN",
	"group membership":      "GROUP_MEMBERSHIP_ADMIN",
	"help desk":             "HELP_DESK_ADMIN",
	"read only":             "READ_ONLY_ADMIN",
	"report":                "REPORT_ADMIN",
	"mobile":                "MOBILE_ADMIN",
	"api access management": "API_ACCESS_MANAGEMENT_ADMIN",
	"access management":     "API_ACCESS_MANAGEMENT_ADMIN",
	"workflows":             "WORKFLOWS_ADMIN",
	"access certifications": "ACCESS_CERTIFICATIONS_ADMIN",
	"access requests":       "ACCESS_REQUESTS_ADMIN",
}

// nameOf is the short name of a role: the type of one of Okta's own, else CUSTOM_ and the label's letters and digits in upper case. kind
// is "" where there is only a label.
func nameOf(kind, label string) string {
	if kind != "" && kind != event.CustomRole {
		return clean(kind)
	}
	if kind == "" {
		words, _, _ := strings.Cut(label, "(")
		words = strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(words, "-", " ")), " "))
		if role, is := strings.CutSuffix(words, " administrator"); is && standard[role] != "" { // else it is the name of a custom role
			return standard[role]
		}
	}
	if name := clean(label); name != "" {
		return event.CustomRole + "_" + name
	}
	return event.CustomRole
}

// clean returns the letters and digits of a text in upper case, with one _ for all between them.
func clean(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			gap = b.Len() > 0
			continue
		case b.Len() > maxName:
			return b.String()
		case gap:
			b.WriteByte('_')
		}
		gap = false
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// granted are the roles that an event lists in privilegeGranted, sorted.
func granted(list string) (names []string) {
	for label := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(label) != "" {
			names = append(names, nameOf("", label))
		}
	}
	return sorted(names)
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
