package detections

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed contain.yaml
var containFile []byte

//go:embed sigma/notes.yaml
var notesFile []byte

// A note is what notes.yaml says of a rule of Sigma's, which says none of this itself.
type note struct {
	Description    string   `yaml:"description"`
	FalsePositives string   `yaml:"falsePositives"`
	Investigate    []string `yaml:"investigate"`
	Contain        []string `yaml:"contain"`
}

func readNotes() (notes map[string]note, err error) {
	if err := strictly(notesFile, &notes); err != nil {
		return nil, fmt.Errorf("notes.yaml: %w", err)
	}
	for name, n := range notes {
		if n.Contain, err = containment(n.Contain); err != nil {
			return nil, fmt.Errorf("notes.yaml: %s: %w", name, err)
		}
		if n.Description == "" || n.FalsePositives == "" || len(n.Investigate) == 0 || len(n.Contain) == 0 {
			return nil, fmt.Errorf("notes.yaml: %s: description, falsePositives, investigate, and contain are all wanted", name)
		}
		notes[name] = n
	}
	return notes, nil
}

// containment puts the lists of contain.yaml in the place of their names, and in those the places of actions.yaml. A word that names
// no list is an error; a sentence stays.
func containment(named []string) (steps []string, err error) {
	lists := map[string][]string{}
	if err := strictly(containFile, &lists); err != nil {
		return nil, fmt.Errorf("contain.yaml: %w", err)
	}
	actions, err := readActions()
	if err != nil {
		return nil, err
	}
	for _, name := range named {
		list, ok := lists[name]
		switch {
		case strings.Contains(name, " "):
			list = []string{name}
		case !ok:
			return nil, fmt.Errorf("contain %q: no list in contain.yaml, and no sentence", name)
		}
		for _, step := range list {
			if step, err = place(step, actions); err != nil {
				return nil, fmt.Errorf("contain %q: %w", name, err)
			}
			if !slices.Contains(steps, step) {
				steps = append(steps, step)
			}
		}
	}
	return steps, nil
}

func strictly(content []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

// Runbooks is docs/runbooks.md: a section for each alert, whose anchor is the alert's name in lower case.
func Runbooks(rules, sigma []Rule) ([]byte, error) {
	actions, err := readActions()
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	out.WriteString(`# Runbooks of the alerts

<!-- Written by go generate ./detections from detections/rules, detections/sigma/notes.yaml, detections/contain.yaml, and
detections/actions.yaml. -->

A section for each alert of [the detections](detections.md): what to look at, how to contain it, when it is nothing. Each alert's annotation
dashboard leads to its events, and log_query finds them in Explore. Where [redaction](entries.md#redaction) put tokens in the place of
names, search by the token.

Contain first when you see an intruder at work: a session that is ended too early costs an excuse, one that is ended too late the org.
Steps name the place in Okta's Admin Console; the request that does the same, and what to mind, is in [the table](#where-in-okta).
`)
	out.WriteString(actionsTable(actions))
	for _, r := range append(slices.Clone(rules), sigma...) {
		fmt.Fprintf(&out, "\n## %s\n\n**%s** (%s). %s\n", r.Alert(), r.Title, r.Severity, oneLine(r.Description))
		fmt.Fprintf(&out, "\n**Look at**\n\n%s", numbered(r.Investigate))
		fmt.Fprintf(&out, "\n**Contain**\n\n%s", numbered(r.Contain))
		fmt.Fprintf(&out, "\n**It is nothing** when it is: %s", oneLine(r.FalsePositives))
		if r.Tuning != "" {
			fmt.Fprintf(&out, " To tune: %s", oneLine(r.Tuning))
		}
		out.WriteString("\n")
	}
	return []byte(out.String()), nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
