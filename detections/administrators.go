package detections

import (
	"fmt"
	"slices"
	"strings"
)

// Who a rule's variant is about: metadata of entries, which the block context of loki.source.okta adds.
var ofAdministrators = map[string]string{"actor": "actor_roles", "target": "target_roles"}

// Administrators are the variants of rules that are high where an administrator is concerned. Without the metadata they never fire, and
// what they are about raises the rule itself.
func Administrators(rules []Rule) (variants []Rule) {
	for _, r := range rules {
		if r.Administrators == "" {
			continue
		}
		name := ofAdministrators[r.Administrators]
		r.base, r.Name = r.Alert(), r.Name+"-admin"
		r.Title += fmt.Sprintf(", and the %s is an administrator", r.Administrators)
		r.Severity = Severities[0]
		r.Interval = often(r.Severity, r.Window)
		end := fmt.Sprintf(" [%s]", r.Window)
		r.Query = strings.ReplaceAll(r.Query, end, fmt.Sprintf(` | %s!=""%s`, name, end))
		r.Needs = strings.TrimPrefix(r.Needs+"; context", "; ")
		r.Administrators = ""
		variants = append(variants, r)
	}
	return variants
}

// withAdministrators are rules and their variants.
func withAdministrators(rules []Rule) []Rule {
	return append(slices.Clone(rules), Administrators(rules)...)
}

// AdministratorsTable is the table of variants in docs/detections.md.
func AdministratorsTable(rules []Rule) string {
	var out strings.Builder
	out.WriteString("\n| Rule | Severity | Alert for administrators (high) | Who |\n|---|---|---|---|\n")
	for _, r := range rules {
		if r.Administrators != "" {
			fmt.Fprintf(&out, "| `%s` | %s | `%s` | %s |\n", r.Name, r.Severity, Administrators([]Rule{r})[0].Alert(), r.Administrators)
		}
	}
	return out.String()
}
