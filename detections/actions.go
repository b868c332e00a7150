package detections

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed actions.yaml
var actionsFile []byte

// An action is what contain.yaml asks for and Okta does: where in the Admin Console, and by which requests. Either may be missing.
type action struct {
	Name    string   `yaml:"name"`
	Action  string   `yaml:"action"`
	Console string   `yaml:"console"` // pages, tabs and menus from the left, such as Security > Networks
	API     []string `yaml:"api"`
	Mind    string   `yaml:"mind"` // what goes wrong otherwise
	Sources []string `yaml:"sources"`
}

func readActions() (actions []action, err error) {
	if err := strictly(actionsFile, &actions); err != nil {
		return nil, fmt.Errorf("actions.yaml: %w", err)
	}
	for _, a := range actions {
		if a.Name == "" || a.Action == "" || a.Console == "" && len(a.API) == 0 || len(a.Sources) == 0 {
			return nil, fmt.Errorf("actions.yaml: %q: name, action, console or api, and sources are wanted", a.Name)
		}
	}
	return actions, nil
}

// where is what a step says of the place: that in the Admin Console, else the requests.
func (a action) where() string {
	if a.Console != "" {
		return "**" + a.Console + "**"
	}
	return "`" + strings.Join(a.API, "` or `") + "`"
}

var actionName = regexp.MustCompile(`\{[^}]*\}`)

// place puts the places of actions where a step names them, as in {suspend}.
func place(step string, actions []action) (string, error) {
	var unknown error
	step = actionName.ReplaceAllStringFunc(step, func(named string) string {
		for _, a := range actions {
			if named == "{"+a.Name+"}" {
				return a.where()
			}
		}
		unknown = fmt.Errorf("%s names nothing in actions.yaml", named)
		return named
	})
	return step, unknown
}

// actionsTable is the section of the runbooks that says of each action where it is done.
func actionsTable(actions []action) string {
	var out strings.Builder
	out.WriteString(`
## Where in Okta

The requests need an API token of an administrator who may do the same in the Admin Console, or an app with such a role and a scope such as
` + "`okta.users.manage`" + `.

| To | In the Admin Console | By the API | Mind |
|---|---|---|---|
`)
	for _, a := range actions {
		var requests []string
		for _, request := range a.API {
			requests = append(requests, "`"+request+"`")
		}
		fmt.Fprintf(&out, "| [%s](%s) | %s | %s | %s |\n", a.Action, a.Sources[0], a.Console, strings.Join(requests, "<br>"), oneLine(a.Mind))
	}
	return out.String()
}
