package dashboards

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// escapedVariable is ${name} or ${name:format} as url.QueryEscape leaves it.
var escapedVariable = regexp.MustCompile(`%24%7B(\w+)(?:%3A(\w+))?%7D`)

// explore is a link to the same query in Grafana's Explore, over the same time range. Dashboard variables stay as they are, for
// Grafana to fill in; $__range and $__auto are for Explore. The query lies within JSON there, where the backslashes of ${name:regex}
// would be an error: ${name:pipe} has none, and its dots match dots, too.
func explore(expr string, instant bool) dashboard.DashboardLink {
	expr = strings.ReplaceAll(expr, ":regex}", ":pipe}")
	kind := "range"
	if instant {
		kind = "instant"
	}
	type ref map[string]any
	source := ref{"type": "loki", "uid": "${datasource}"}
	panes, err := json.Marshal(ref{"okta": ref{
		"datasource": "${datasource}",
		"queries":    []ref{{"refId": "A", "datasource": source, "expr": expr, "queryType": kind}},
		"range":      ref{"from": "${__from}", "to": "${__to}"},
	}})
	if err != nil {
		panic(err) // strings only: cannot happen
	}
	escaped := escapedVariable.ReplaceAllStringFunc(url.QueryEscape(string(panes)), func(s string) string {
		name := escapedVariable.FindStringSubmatch(s)
		if name[2] != "" {
			return "${" + name[1] + ":" + name[2] + "}"
		}
		return "${" + name[1] + "}"
	})
	return link("Explore", "/explore?schemaVersion=1&panes="+escaped)
}

// investigate is a link from a value to the investigation dashboard, narrowed to the value.
func investigate(variable string) dashboard.DashboardLink {
	return link("Investigate", "/d/"+investigationUID+"?var-"+variable+"=${__value.text:percentencode}"+
		"&${datasource:queryparam}&${job:queryparam}&${org:queryparam}&${__url_time_range}")
}

func link(title, to string) dashboard.DashboardLink {
	l := *dashboard.NewDashboardLink()
	l.Title, l.Type, l.Url, l.TargetBlank, l.Placement = title, dashboard.DashboardLinkTypeLink, &to, true, nil
	return l
}
