package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/barchart"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/geomap"
	"github.com/grafana/grafana-foundation-sdk/go/logs"
	"github.com/grafana/grafana-foundation-sdk/go/loki"
	"github.com/grafana/grafana-foundation-sdk/go/piechart"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// panel is what every panel has, whatever it looks like.
type panel struct {
	title   string
	about   string // for people who see it the first time
	empty   string // in place of data: what is missing for there to be some
	unit    string // empty: short, a count
	expr    string
	legend  string
	instant bool
	width   uint32
	height  uint32
	view    cog.Builder[dashboard.Panel]
}

// Build makes the panel known to Grafana.
func (p panel) Build() (dashboard.Panel, error) {
	built, err := p.view.Build()
	if err != nil {
		return built, err
	}
	if p.unit == "" {
		p.unit = "short"
	}
	source := lokiSource()
	q := loki.NewDataqueryBuilder().Datasource(source).RefId("A").Expr(p.expr).EditorMode(loki.QueryEditorModeCode)
	if p.instant {
		q.QueryType("instant").Instant(true)
	} else {
		q.QueryType("range")
	}
	if p.legend != "" {
		q.LegendFormat(p.legend)
	}
	target, err := q.Build()
	if err != nil {
		return built, err
	}
	built.Title, built.Description, built.Datasource = &p.title, &p.about, &source
	built.Targets = []variants.Dataquery{target}
	built.Links = []dashboard.DashboardLink{explore(p.expr, p.instant)}
	built.GridPos = &dashboard.GridPos{W: p.width, H: p.height}
	if built.FieldConfig == nil {
		built.FieldConfig = dashboard.NewFieldConfigSource()
	}
	built.FieldConfig.Defaults.Unit, built.FieldConfig.Defaults.NoValue = &p.unit, &p.empty
	return built, nil
}

func lokiSource() common.DataSourceRef {
	return common.DataSourceRef{Type: new("loki"), Uid: new("${datasource}")}
}

func thresholds(colors ...string) cog.Builder[dashboard.ThresholdsConfig] {
	steps := []dashboard.Threshold{{Color: colors[0]}}
	for i, color := range colors[1:] {
		steps = append(steps, dashboard.Threshold{Value: new(float64(1 + 9*i)), Color: color})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

// number is one figure over the whole time range; more than one color is an alarm from 1 on.
func number(title, about, empty, expr string, colors ...string) panel {
	mode := common.BigValueColorModeValue
	if len(colors) > 1 {
		mode = common.BigValueColorModeBackground
	}
	return panel{
		title: title, about: about, empty: empty, expr: expr, instant: true, width: 4, height: 4,
		view: stat.NewPanelBuilder().GraphMode(common.BigValueGraphModeNone).ColorMode(mode).Thresholds(thresholds(colors...)).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})),
	}
}

// bars are counts over time, stacked.
func bars(title, about, empty, legend, expr string) panel {
	return panel{
		title: title, about: about, empty: empty, legend: legend, expr: expr, width: 12, height: 8,
		view: timeseries.NewPanelBuilder().DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).
			Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A")).
			Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementRight).
				ShowLegend(true).Calcs([]string{"sum"})),
	}
}

// share is how a total is made up.
func share(title, about, empty, legend, expr string) panel {
	return panel{
		title: title, about: about, empty: empty, legend: legend, expr: expr, width: 6, height: 8,
		view: piechart.NewPanelBuilder().PieType(piechart.PieChartTypeDonut).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"sum"})),
	}
}

// columns are bars side by side, one for each value of a label.
func columns(title, about, empty, label, expr string) panel {
	return panel{
		title: title, about: about, empty: empty, expr: expr, instant: true, width: 12, height: 8,
		view: barchart.NewPanelBuilder().XField(label).Orientation(common.VizOrientationHorizontal).
			Legend(common.NewVizLegendOptionsBuilder().ShowLegend(false).DisplayMode(common.LegendDisplayModeHidden)).
			WithTransformation(organize(column{label, label})),
	}
}

// places is a map. Loki's labels are text, so the coordinates are made numbers first.
func places(title, about, empty, expr string) panel {
	number := func(field string) map[string]string {
		return map[string]string{"targetField": field, "destinationType": "number"}
	}
	return panel{
		title: title, about: about, empty: empty, expr: expr, instant: true, width: 12, height: 12,
		view: geomap.NewPanelBuilder().
			WithTransformation(dashboard.DataTransformerConfig{Id: "convertFieldType", Options: map[string]any{
				"fields": map[string]any{}, "conversions": []any{number("lat"), number("lon")},
			}}).
			Basemap(common.NewMapLayerOptionsBuilder().Type("default").Name("Basemap")).
			View(geomap.NewMapViewConfigBuilder().Id("fit").Zoom(2)).
			Layers([]cog.Builder[common.MapLayerOptions]{
				common.NewMapLayerOptionsBuilder().Type("markers").Name("Events").Tooltip(true).
					Location(common.NewFrameGeometrySourceBuilder().Mode(common.FrameGeometrySourceModeCoords).Latitude("lat").Longitude("lon")).
					Config(map[string]any{"showLegend": false, "style": map[string]any{"size": map[string]any{"field": valueField, "min": 4, "max": 24}}}),
			}),
	}
}

// valueField is what the Loki data source calls the value of an instant query.
const valueField = "Value #A"

// column is a label and what people call it.
type column struct{ label, title string }

// rows is a table of an instant query: a row for each combination of labels, most frequent first.
func rows(title, about, empty, expr string, columns ...column) panel {
	return counted("Events", title, about, empty, expr, columns...)
}

// counted is rows whose value counts something else.
func counted(what, title, about, empty, expr string, columns ...column) panel {
	return ranked(what, true, []dashboard.DynamicConfigValue{
		{Id: "custom.cellOptions", Value: map[string]string{"type": "gauge", "mode": "basic"}},
		{Id: "custom.minWidth", Value: 120},
	}, title, about, empty, expr, columns...)
}

// recent is a table of an instant query whose value is a time: a row for each combination of labels, the latest first.
func recent(title, about, empty, expr string, columns ...column) panel {
	return dated(true, title, about, empty, expr, columns...)
}

// stale is recent, with the oldest first.
func stale(title, about, empty, expr string, columns ...column) panel {
	return dated(false, title, about, empty, expr, columns...)
}

// dated is a table of an instant query whose value is a time.
func dated(latestFirst bool, title, about, empty, expr string, columns ...column) panel {
	width := []dashboard.DynamicConfigValue{{Id: "custom.minWidth", Value: 170}}
	p := ranked("Last seen", latestFirst, width, title, about, empty, expr, columns...)
	p.unit = "dateTimeAsIso"
	return p
}

// ranked is a table of an instant query, sorted by its value.
func ranked(what string, most bool, look []dashboard.DynamicConfigValue, title, about, empty, expr string, columns ...column) panel {
	view := table.NewPanelBuilder().WithTransformation(organize(append(columns, column{valueField, what})...)).
		SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName(what).Desc(most)}).
		OverrideByName(what, look)
	return panel{
		title: title, about: about, empty: empty, expr: expr, instant: true, width: 12, height: 8, view: linked(view, columns),
	}
}

// list is a table of events, newest first: their time and some labels. Loki returns labels as one field of JSON.
func list(title, about, empty string, q query, columns ...column) panel {
	columns = append([]column{{"Time", "Time"}}, columns...)
	names := []string{}
	for _, c := range columns {
		names = append(names, c.label)
	}
	view := table.NewPanelBuilder().
		WithTransformation(dashboard.DataTransformerConfig{Id: "extractFields", Options: map[string]any{
			"source": "labels", "format": "json", "replace": false, "keepTime": true,
		}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "filterFieldsByName", Options: map[string]any{
			"include": map[string]any{"names": names},
		}}).
		WithTransformation(organize(columns...)).
		SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName("Time").Desc(true)})
	return panel{title: title, about: about, empty: empty, unit: "none", expr: q.String(), width: 24, height: 9, view: linked(view, columns)}
}

// linked lets values of users, addresses, sessions and types lead to the investigation of them.
func linked(view *table.PanelBuilder, columns []column) *table.PanelBuilder {
	for _, c := range columns {
		if c.label == "user" || c.label == "ip" || c.label == "session" || c.label == "eventType" {
			view.OverrideByName(c.title, []dashboard.DynamicConfigValue{{Id: "links", Value: []dashboard.DashboardLink{investigate(c.label)}}})
		}
	}
	return view
}

// organize orders and names fields, and hides the time of an instant query where it is not asked for.
func organize(columns ...column) dashboard.DataTransformerConfig {
	order, names, hidden := map[string]int{}, map[string]string{}, map[string]bool{"Time": true}
	for i, c := range columns {
		order[c.label], names[c.label] = i, c.title
		delete(hidden, c.label)
	}
	return dashboard.DataTransformerConfig{
		Id: "organize", Options: map[string]any{"excludeByName": hidden, "indexByName": order, "renameByName": names},
	}
}

// raw are the events themselves.
func raw(title, about, empty string, q query) panel {
	return panel{
		title: title, about: about, empty: empty, unit: "none", expr: q.String(), width: 24, height: 12,
		view: logs.NewPanelBuilder().ShowTime(true).WrapLogMessage(true).PrettifyLogMessage(true).EnableLogDetails(true).
			SortOrder(common.LogsSortOrderDescending).DedupStrategy(common.LogsDedupStrategyNone),
	}
}

// sized is the panel in another size.
func (p panel) sized(width, height uint32) panel {
	p.width, p.height = width, height
	return p
}
