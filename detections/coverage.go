package detections

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// eventTypes is Okta's catalog of event types: each with the release of the catalog in which it came here, see [Catalog].
//
//go:embed event-types.txt
var eventTypes string

// Catalog makes event-types.txt of data/event-types.json in okta/okta-developer-docs. Types that are in the event-types.txt of before keep
// their release; the others get that of the catalog.
func Catalog(content []byte, before string) ([]byte, error) {
	var catalog struct {
		Release  string `json:"release"`
		Versions []struct {
			Types []struct {
				ID string `json:"id"`
			} `json:"eventTypes"`
		} `json:"versions"`
	}
	if err := json.Unmarshal(content, &catalog); err != nil {
		return nil, fmt.Errorf("reading the catalog of event types: %w", err)
	}
	releases := releasesOf(before)
	all := map[string]string{}
	for _, version := range catalog.Versions {
		for _, t := range version.Types {
			all[t.ID] = cmp.Or(releases[t.ID], catalog.Release)
		}
	}
	if len(all) == 0 || catalog.Release == "" {
		return nil, fmt.Errorf("reading the catalog of event types: a release and event types were expected, not %q and %d",
			catalog.Release, len(all))
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&out, "%s %s\n", name, all[name])
	}
	return []byte(out.String()), nil
}

// releasesOf returns the releases of the types in event-types.txt.
func releasesOf(catalog string) map[string]string {
	releases := map[string]string{}
	for line := range strings.Lines(catalog) {
		if fields := strings.Fields(line); len(fields) == 2 {
			releases[fields[0]] = fields[1]
		}
	}
	return releases
}

// reasons is not-covered.yaml.
type reasons struct {
	Looked string `yaml:"looked"` // up to which release somebody looked at the types that * stands for
	Kinds  []kind `yaml:"kinds"`
}

// A kind is event types that nothing looks for, with the reason.
type kind struct {
	Name   string   `yaml:"kind"`
	Reason string   `yaml:"reason"`
	Types  []string `yaml:"types"` // * stands for anything
}

// has tells whether the kind has a type that came with a release. Patterns have none that came later than somebody looked.
func (k kind) has(name, release, looked string) bool {
	return slices.ContainsFunc(k.Types, func(pattern string) bool {
		matches, _ := path.Match(pattern, name) // an event type has no slash
		return matches && (pattern == name || release <= looked)
	})
}

// Coverage is what finds each event type of the catalog.
type Coverage struct {
	releases map[string]string
	types    []string
	found    map[string]*finders
	kinds    []kind
	kindOf   map[string]string // of types that nothing finds
}

// finders are names, in their order.
type finders struct{ rules, sigma, panels []string }

func (f *finders) none() bool { return len(f.rules)+len(f.sigma)+len(f.panels) == 0 }

// cover compares the catalog with rules, dashboards (*.json in a folder) and not-covered.yaml.
func cover(catalog string, rules, sigma []Rule, dashboards fs.FS, notCovered []byte) (*Coverage, error) {
	c := &Coverage{releases: releasesOf(catalog), found: map[string]*finders{}, kindOf: map[string]string{}}
	c.types = slices.Sorted(maps.Keys(c.releases))
	for _, name := range c.types {
		c.found[name] = &finders{}
	}
	for _, rule := range rules {
		if err := c.add(rule.Query, func(f *finders) { f.rules = append(f.rules, rule.Name) }); err != nil {
			return nil, fmt.Errorf("%s: %w", rule.Name, err)
		}
	}
	for _, rule := range sigma {
		if err := c.add(rule.Query, func(f *finders) { f.sigma = append(f.sigma, rule.Name) }); err != nil {
			return nil, fmt.Errorf("%s: %w", rule.Name, err)
		}
	}
	if err := c.addPanels(dashboards); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(notCovered))
	decoder.KnownFields(true)
	var why reasons
	if err := decoder.Decode(&why); err != nil {
		return nil, fmt.Errorf("not-covered.yaml: %w", err)
	}
	c.kinds = why.Kinds
	for _, name := range c.types {
		of := slices.IndexFunc(c.kinds, func(k kind) bool { return k.has(name, c.releases[name], why.Looked) })
		if of >= 0 && c.found[name].none() {
			c.kindOf[name] = c.kinds[of].Name
		}
	}
	return c, nil
}

// add calls found for each event type that a query selects.
func (c *Coverage) add(query string, found func(*finders)) error {
	selected, err := selects(query, c.types)
	for _, name := range selected {
		found(c.found[name])
	}
	return err
}

func (c *Coverage) addPanels(folder fs.FS) error {
	files, err := fs.Glob(folder, "*.json")
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := fs.ReadFile(folder, file)
		if err != nil {
			return err
		}
		var board struct {
			Panels []struct {
				Title   string                  `json:"title"`
				Targets []struct{ Expr string } `json:"targets"`
			} `json:"panels"`
		}
		if err := json.Unmarshal(content, &board); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := strings.TrimPrefix(strings.TrimSuffix(path.Base(file), ".json"), "okta-")
		for _, panel := range board.Panels {
			for _, target := range panel.Targets {
				err := c.add(target.Expr, func(f *finders) { f.panels = append(f.panels, name+": "+panel.Title) })
				if err != nil {
					return fmt.Errorf("%s: %s: %w", file, panel.Title, err)
				}
			}
		}
	}
	return nil
}

// onType is a condition of a query on the event type, with what joins it to others by "or".
var onType = regexp.MustCompile("(or )?" +
	"\\(?(?:event_type|event_eventType|eventType)\\s*(=~|!~|!=|=)\\s*(`[^`]*`|\"(?:[^\"\\\\]|\\\\.)*\")( or)?")

// selects returns those of types that a query's conditions on the event type let through; of a query without any, none. It reads the text:
// Loki's parser is under the AGPL, which only tests may import.
func selects(query string, types []string) (selected []string, err error) {
	var wanted, left []*regexp.Regexp
	for _, found := range onType.FindAllStringSubmatch(query, -1) {
		value := strings.Trim(found[3], "`")
		if strings.HasPrefix(value, `"`) {
			if err := json.Unmarshal([]byte(value), &value); err != nil {
				return nil, err
			}
		}
		if !strings.HasSuffix(found[2], "~") {
			value = regexp.QuoteMeta(value)
		}
		matcher, err := regexp.Compile("^(?:" + value + ")$")
		switch {
		case err != nil:
			return nil, err
		case strings.HasPrefix(found[2], "="):
			wanted = append(wanted, matcher)
		case found[1]+found[4] == "": // else it only says for which types another condition is
			left = append(left, matcher)
		}
	}
	for _, name := range types {
		matches := func(m *regexp.Regexp) bool { return m.MatchString(name) }
		if slices.ContainsFunc(wanted, matches) && !slices.ContainsFunc(left, matches) {
			selected = append(selected, name)
		}
	}
	return selected, nil
}

// Gaps are the types that nothing finds and no reason is given for.
func (c *Coverage) Gaps() (gaps []string) {
	for _, name := range c.types {
		if c.found[name].none() && c.kindOf[name] == "" {
			gaps = append(gaps, name)
		}
	}
	return gaps
}

// Page is docs/coverage.md.
func (c *Coverage) Page() string {
	var byRule, byPanel int
	kinds := map[string]int{}
	for name, f := range c.found {
		switch {
		case len(f.rules)+len(f.sigma) > 0:
			byRule++
		case len(f.panels) > 0:
			byPanel++
		default:
			kinds[c.kindOf[name]]++
		}
	}
	var out strings.Builder
	release := slices.Max(slices.Collect(maps.Values(c.releases)))
	fmt.Fprintf(&out, coverageHead, grouped(len(c.types)), release, grouped(byRule), grouped(byPanel), grouped(len(c.types)-byRule-byPanel))
	for _, k := range c.kinds {
		if kinds[k.Name] > 0 {
			fmt.Fprintf(&out, "| %s | %s | %s |\n", k.Name, grouped(kinds[k.Name]), strings.TrimSpace(k.Reason))
		}
	}
	family := ""
	for _, name := range c.types {
		if root, _, _ := strings.Cut(name, "."); root != family {
			family = root
			fmt.Fprintf(&out, "\n## %s\n\n| Event type | Rules | Sigma's rules | Panels |\n|---|---|---|---|\n", family)
		}
		f, rules := c.found[name], ""
		if f.none() {
			rules = "none: " + c.kindOf[name]
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", name, rules+strings.Join(f.rules, ", "), strings.Join(f.sigma, ", "),
			strings.Join(slices.Compact(slices.Sorted(slices.Values(f.panels))), "; "))
	}
	return out.String()
}

// grouped is a number as all documents have it, with commas.
func grouped(n int) string {
	if n < 1_000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1_000), n%1_000)
}

const coverageHead = `# Coverage

<!-- Written by go generate ./detections: change detections/rules, detections/dashboards or detections/not-covered.yaml instead. -->

What looks for each of the %s event types of Okta's catalog, release %s: %s have a rule, %s more a panel on a dashboard, and %s
none, for the reasons below. All of them are delivered, and the dashboard for investigations shows all of them: here are only rules and
panels whose query names the type. Those of Sigma's rules that name none, but a request's address, a message, or a login, are not here.

A test fails while a type has neither a rule, nor a panel, nor a reason. To take over a new release of Okta's catalog, its ` +
	"`data/event-types.json`" + `:

` + "```shell\ngo run ./detections/generate --catalog event-types.json\ngo generate ./detections\n```" + `

Types that are new then need a rule, or a reason in ` + "`detections/not-covered.yaml`" + `; its patterns hold for them once
` + "`looked`" + ` there is the new release.

| Kind without a rule or panel | Types | Reason |
|---|---|---|
`
