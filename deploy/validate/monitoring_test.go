package validate

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"
)

const (
	monitoringValues   = "../helm/k8s-monitoring.yaml"
	monitoringRendered = "testdata/k8s-monitoring.yaml"
)

var chartFolder = flag.String("k8s-monitoring", "", "a folder with Grafana's chart k8s-monitoring: render our values with it into testdata")

// alloyChart is the chart of the Alloy that alloy-okta is built from.
func alloyChart(t *testing.T) *chart.Chart {
	t.Helper()
	module, err := exec.Command("go", "-C", "../..", "list", "-m", "-f", "{{.Dir}}", "github.com/grafana/alloy").Output()
	require.NoError(t, err)
	loaded, err := loader.Load(filepath.Join(strings.TrimSpace(string(module)), "operations/helm/charts/alloy"))
	require.NoError(t, err)
	return loaded
}

func render(t *testing.T, loaded *chart.Chart, values chartutil.Values, release, namespace string) string {
	t.Helper()
	require.NoError(t, chartutil.ProcessDependencies(loaded, values))
	all, err := chartutil.ToRenderValues(loaded, values, chartutil.ReleaseOptions{Name: release, Namespace: namespace, IsInstall: true}, nil)
	require.NoError(t, err)
	rendered, err := engine.Render(loaded, all)
	require.NoError(t, err)
	var documents strings.Builder
	for name, text := range rendered {
		if strings.HasSuffix(name, ".yaml") {
			documents.WriteString("\n---\n" + text)
		}
	}
	return documents.String()
}

// monitored is what k8s-monitoring makes of our values: the object from which its operator installs a collector, and the ConfigMap with the
// collector's configuration. The chart is not part of any Go module, so testdata has what it rendered:
//
//	go test -run TestTheMonitoringChartTakesOurValues . -k8s-monitoring /path/to/charts/k8s-monitoring
func monitored(t *testing.T, ours chartutil.Values) (spec chartutil.Values, config string) {
	t.Helper()
	if *chartFolder != "" {
		loaded, err := loader.Load(*chartFolder)
		require.NoError(t, err)
		kept := "# What Grafana's chart k8s-monitoring " + loaded.Metadata.Version +
			" makes of deploy/helm/k8s-monitoring.yaml. Written by a test.\n"
		for document := range strings.SplitSeq(render(t, loaded, ours, "monitoring", "monitoring"), "\n---\n") {
			var object struct {
				Kind     string
				Metadata struct{ Name string }
			}
			require.NoError(t, yaml.Unmarshal([]byte(document), &object))
			if object.Metadata.Name == "monitoring-okta" && (object.Kind == "Alloy" || object.Kind == "ConfigMap") {
				kept += "---\n" + strings.Trim(strings.TrimPrefix(strings.TrimSpace(document), "---"), "\n") + "\n"
			}
		}
		require.NoError(t, os.WriteFile(monitoringRendered, []byte(kept), 0o644))
	}
	content, err := os.ReadFile(monitoringRendered)
	require.NoError(t, err)
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		var object struct {
			Kind string
			Spec map[string]any
			Data map[string]string
		}
		require.NoError(t, yaml.Unmarshal([]byte(document), &object))
		switch object.Kind {
		case "Alloy":
			spec = object.Spec
		case "ConfigMap":
			config = object.Data["config.alloy"]
		}
	}
	return spec, config
}

// TestTheMonitoringChartTakesOurValues renders our collector as the chart and its operator do: the operator is Helm with Alloy's chart. The
// configuration in testdata is validated by e2e.
func TestTheMonitoringChartTakesOurValues(t *testing.T) {
	ours, err := chartutil.ReadValuesFile(monitoringValues)
	require.NoError(t, err)
	collector, err := ours.Table("collectors.okta")
	require.NoError(t, err)
	spec, config := monitored(t, ours)

	// Current: all that we say is in what the chart made of it.
	extra, ok := collector["extraConfig"].(string)
	require.True(t, ok)
	require.Contains(t, config, strings.TrimSpace(extra), "render testdata anew, see monitored")
	require.Contains(t, config, `loki.write "loki"`)
	ofAlloy := map[string]any{}
	for name, value := range collector {
		switch name {
		case "extraConfig", "presets", "includeDestinations": // the chart's own
		default:
			ofAlloy[name] = value
			requireWithin(t, name, value, spec[name])
		}
	}
	alloy := alloyChart(t)
	requireKnown(t, "", ofAlloy, alloy.Values)

	kinds, pods := decode(t, render(t, alloy, spec, "monitoring-okta", "monitoring"))
	require.Equal(t, 1, kinds["Deployment"])
	requireRestricted(t, pods)
	container := requireAlloy(t, pods)
	require.Contains(t, container.Args, "--storage.path=/var/lib/alloy-okta")
	require.Equal(t, "alloy-okta", container.EnvFrom[0].SecretRef.Name)
}

// requireWithin asserts that all of ours is in what there is.
func requireWithin(t *testing.T, path string, ours, there any) {
	t.Helper()
	nested, isMap := ours.(map[string]any)
	if !isMap {
		require.Equal(t, ours, there, "%s: render testdata anew, see monitored", path)
		return
	}
	members, _ := there.(map[string]any)
	for name, value := range nested {
		requireWithin(t, path+"."+name, value, members[name])
	}
}
