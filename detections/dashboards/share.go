package dashboards

import (
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// LeastGrafana is the oldest Grafana that the dashboards are meant for. They are written in the last version of the classic model, which
// older ones take as it is.
const LeastGrafana = "11.0.0"

// Shared returns the dashboards in the form in which Grafana exports one "for sharing externally", by file name: the import asks for the
// data source, and names what is missing. Who imports one may edit it. A line format that there is not is an error.
func Shared(format LineFormat) (map[string][]byte, error) {
	return encoded(format, func(d dashboard.Dashboard) any { return forSharing(d) })
}

// shared is what Grafana's import reads (ImportDashboard in pkg/services/dashboardimport of Grafana): it puts the values of inputs in
// place of ${NAME} in all strings.
type shared struct {
	Inputs   []input        `json:"__inputs"`
	Elements map[string]any `json:"__elements"` // library panels: none
	Requires []requirement  `json:"__requires"`
	dashboard.Dashboard
}

type input struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Description string `json:"description"`
	Type        string `json:"type"`
	PluginID    string `json:"pluginId"`
	PluginName  string `json:"pluginName"`
}

type requirement struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"` // "": comes with Grafana
}

// lokiInput is the name of the input that is the data source.
const lokiInput = "DS_LOKI"

func forSharing(d dashboard.Dashboard) shared {
	s := shared{
		Inputs:   []input{{lokiInput, "Loki", "The Loki data source with Okta's events", "datasource", "loki", "Loki"}},
		Elements: map[string]any{},
		Requires: []requirement{{"grafana", "grafana", "Grafana", LeastGrafana}, {"datasource", "loki", "Loki", "1.0.0"}},
	}
	kinds := map[string]bool{}
	for _, p := range d.Panels {
		if p.Panel != nil && !kinds[p.Panel.Type] {
			kinds[p.Panel.Type] = true
			s.Requires = append(s.Requires, requirement{"panel", p.Panel.Type, panelNames[p.Panel.Type], ""})
		}
	}
	slices.SortFunc(s.Requires[2:], func(a, b requirement) int { return strings.Compare(a.ID, b.ID) })
	d.Editable = new(true)
	d.Templating.List = slices.Clone(d.Templating.List)
	for i, v := range d.Templating.List {
		if v.Name == "datasource" {
			chosen := option("${"+lokiInput+"}", "${"+lokiInput+"}")
			d.Templating.List[i].Current = &chosen
		}
	}
	s.Dashboard = d
	return s
}

// panelNames are what people call a panel's type.
var panelNames = map[string]string{
	"barchart": "Bar chart", "geomap": "Geomap", "logs": "Logs", "piechart": "Pie chart", "stat": "Stat", "table": "Table",
	"timeseries": "Time series",
}
