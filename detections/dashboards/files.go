package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// All returns every file there is, by its path in the folder detections: the dashboards for each line format, to be provisioned, and
// each in the form for sharing.
func All() (map[string][]byte, error) {
	all := map[string][]byte{}
	for folder, build := range map[string]func() (map[string][]byte, error){
		"dashboards":                     func() (map[string][]byte, error) { return Files(Envelope) },
		"grafana/dashboards-event":       func() (map[string][]byte, error) { return Files(Event) },
		"grafana/dashboards-share":       func() (map[string][]byte, error) { return Shared(Envelope) },
		"grafana/dashboards-share-event": func() (map[string][]byte, error) { return Shared(Event) },
	} {
		files, err := build()
		if err != nil {
			return nil, err
		}
		for name, content := range files {
			all[folder+"/"+name] = content
		}
	}
	return all, nil
}

// Files returns the dashboards as JSON, by file name. A line format that there is not is an error.
func Files(format LineFormat) (map[string][]byte, error) {
	return encoded(format, func(d dashboard.Dashboard) any { return d })
}

// encoded builds all dashboards and returns the JSON of what form makes of each, by file name.
func encoded(format LineFormat, form func(dashboard.Dashboard) any) (map[string][]byte, error) {
	if format != Envelope && format != Event {
		return nil, fmt.Errorf("line format %q: want %s or %s", format, Envelope, Event)
	}
	files := map[string][]byte{}
	for _, board := range []board{signIns(format), security(format), investigation(format), health(format), volume(format)} {
		built, err := board.build()
		if err != nil {
			return nil, fmt.Errorf("building dashboard %s: %w", board.uid, err)
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(form(built)); err != nil {
			return nil, fmt.Errorf("encoding dashboard %s: %w", board.uid, err)
		}
		files[board.uid+".json"] = b.Bytes()
	}
	return files, nil
}

// board is a dashboard: sections of panels.
type board struct {
	uid, title, about string
	from              string // the time range at first
	variables         []cog.Builder[dashboard.VariableModel]
	sections          []section
}

type section struct {
	title  string
	panels []panel
}

func (b board) build() (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder(b.title).Uid(b.uid).Description(b.about).Tags([]string{"okta"}).Readonly().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).Time(b.from, "now").Refresh("5m").
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("loki")).
		WithVariable(jobVariable()).WithVariable(orgVariable()).
		Link(dashboard.NewDashboardLinkBuilder("Okta").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"okta"}).
			IncludeVars(true).KeepTime(true))
	for _, v := range b.variables {
		d.WithVariable(v)
	}
	id := uint32(1)
	for _, s := range b.sections {
		d.WithRow(dashboard.NewRowBuilder(s.title).Id(id))
		id++
		for _, p := range s.panels {
			d.WithPanel(numbered{p, id})
			id++
		}
	}
	built, err := d.Build()
	for i := range built.Links {
		built.Links[i].Placement = nil // the SDK's default hides it in a menu of Grafana 12
	}
	return built, err
}

// numbered is a panel with its id.
type numbered struct {
	panel
	id uint32
}

// Build is that of the panel.
func (n numbered) Build() (dashboard.Panel, error) {
	p, err := n.panel.Build()
	p.Id = &n.id
	return p, err
}

// labelValues is the Loki data source's query for the values of a label.
func labelValues(label, stream string) dashboard.StringOrMap {
	return dashboard.StringOrMap{Map: map[string]any{
		"label": label, "stream": stream, "type": 1, "refId": "LokiVariableQueryEditor-VariableQuery",
	}}
}

func option(text, value string) dashboard.VariableOption {
	return dashboard.VariableOption{
		Text: dashboard.StringOrArrayOfString{String: &text}, Value: dashboard.StringOrArrayOfString{String: &value},
	}
}

func jobVariable() *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder("job").Label("Job").Description("The label job of the events").
		Datasource(lokiSource()).Query(labelValues("job", "")).Regex("/okta/").Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Current(option("loki.source.okta", "loki.source.okta"))
}

// orgVariable offers all orgs as .*, which needs no escaping in a link and also finds events without the label.
func orgVariable() *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder("org").Label("Org").Description("The label org of the events").
		Datasource(lokiSource()).Query(labelValues("org", `{job="${job:raw}"}`)).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Multi(true).IncludeAll(true).AllValue(".*").Current(option("All", "$__all"))
}

func textVariable(name, label, about string) cog.Builder[dashboard.VariableModel] {
	return dashboard.NewTextBoxVariableBuilder(name).Label(label).Description(about).Current(option("", ""))
}
