package detections

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A dropList is event types that a collector may leave out, by kinds of not-covered.yaml. Each has the kinds of the one before, too.
type dropList struct {
	name, about string
	kinds       []string
}

var dropLists = []dropList{
	{"light", "What machines report about themselves: jobs, deliveries, limits, and second events of one act.", []string{
		"not visible", "a second event of the same act", "directories and imports", "provisioning and errors of applications", "limits",
		"Okta's own operation",
	}},
	{"medium", "Also what users and devices do many times a day, and governance, servers, and flows.", []string{
		"everyday life of users and devices", "everyday life of Okta Privileged Access", "building of flows", "governance",
	}},
	{"strong", "All types of the catalog that no rule, no rule of Sigma's, and no panel names.", []string{
		"taken back", "administration without gain", "custom authorization servers", "Aerial",
	}},
}

// Drops returns the lists of detections/drop, by name: event types that nothing reads by name, as relabeling rules. Those drop an event
// before its delivery, which costs neither a request of Okta's nor one of Loki's, and `alloy-okta verify` counts it as dropped.
func (c *Coverage) Drops(rules []Rule) (map[string][]byte, error) {
	var all []string // rules that read every type
	for _, rule := range rules {
		selected, err := selects(rule.Query, c.types)
		if err != nil {
			return nil, err
		}
		if len(selected) == 0 {
			all = append(all, rule.Name)
		}
	}
	slices.Sort(all)
	files := map[string][]byte{}
	for i, list := range dropLists {
		content, err := c.drop(dropLists[:i+1], all)
		if err != nil {
			return nil, err
		}
		files[list.name+".alloy"] = []byte(content)
	}
	return files, nil
}

// ofKind are the types of a kind. A type that anything names is of none.
func (c *Coverage) ofKind(kind string) (types []string) {
	for _, name := range c.types {
		if c.kindOf[name] == kind {
			types = append(types, name)
		}
	}
	return types
}

// drop is a module that exports the rules of the last list, and of those before it. all are the rules that read every type.
func (c *Coverage) drop(lists []dropList, all []string) (string, error) {
	list := lists[len(lists)-1]
	var out, blocks strings.Builder
	dropped := 0
	for _, l := range lists {
		for _, name := range l.kinds {
			types := c.ofKind(name)
			of := slices.IndexFunc(c.kinds, func(k kind) bool { return k.Name == name })
			if of < 0 || len(types) == 0 {
				return "", fmt.Errorf("drop list %s: not-covered.yaml has no kind %q with types", list.name, name)
			}
			dropped += len(types)
			why := fmt.Sprintf("%s%s, %d types. %s", strings.ToUpper(name[:1]), name[1:], len(types), c.kinds[of].Reason)
			fmt.Fprintf(&blocks, "\n\t\t// %s\n\t\trule {\n\t\t\tsource_labels = [\"__okta_event_type\"]\n"+
				"\t\t\taction        = \"drop\"\n\t\t\tregex         = string.replace(string.join([\n",
				strings.Join(wrap(why, 130), "\n\t\t// "))
			for _, t := range types {
				fmt.Fprintf(&blocks, "\t\t\t\t%q,\n", t)
			}
			fmt.Fprint(&blocks, "\t\t\t], \"|\"), \".\", \"\\\\.\")\n\t\t}\n")
		}
	}
	fmt.Fprintf(&out, dropHead, list.name, list.about, dropped, len(c.types), slices.Max(slices.Collect(maps.Values(c.releases))),
		strings.Join(wrap(strings.Join(all, ", ")+".", 130), "\n// "), list.name)
	out.WriteString(blocks.String() + "\t}\n}\n")
	return out.String(), nil
}

const dropHead = `// A drop list, %s. %s
//
// Written by go generate ./detections. It drops %d of the %d event types of Okta's catalog, release %s. It drops no type that a
// rule, a rule of Sigma's, or a panel names, and no type that is not in the catalog. What it drops is in no dashboard and no search, and
// is nowhere but in Okta, for as long as Okta keeps it: docs/volume.md says how to send it elsewhere, too.
//
// What reads events of every type sees the fewer. An API token that does nothing but what is dropped looks unused in the panels "API tokens
// in use", "API tokens by last use", and "Requests with API tokens", and in api-token-new-network its networks look new. The rules are:
// %s
//
//     import.file "drop" {
//         filename = "detections/drop/%[7]s.alloy"
//     }
//
//     drop.%[7]s "default" { }
//
// and relabel_rules = drop.%[7]s.default.rules in loki.source.okta. Take a rule out to keep its kind.

declare "%[7]s" {
	export "rules" {
		value = loki.relabel.drop.rules
	}

	loki.relabel "drop" {
		forward_to = []
`

// wrap cuts a text into lines of at most so many bytes, between words.
func wrap(text string, width int) (lines []string) {
	for _, word := range strings.Fields(text) {
		if last := len(lines) - 1; last >= 0 && len(lines[last])+1+len(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
