package validate

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// decode reads documents into the API's types, and refuses members that these do not have. It returns the pod templates.
func decode(t *testing.T, documents string) (kinds map[string]int, pods []core.PodTemplateSpec) {
	t.Helper()
	kinds = map[string]int{}
	for document := range strings.SplitSeq("\n"+documents, "\n---\n") {
		var meta struct {
			Kind string `json:"kind"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(document), &meta), document)
		if meta.Kind == "" {
			continue
		}
		deployment, statefulSet, cronJob := new(apps.Deployment), new(apps.StatefulSet), new(batch.CronJob)
		into, known := map[string]any{
			"ConfigMap": new(core.ConfigMap), "CronJob": cronJob, "Deployment": deployment, "NetworkPolicy": new(networking.NetworkPolicy),
			"PodDisruptionBudget": new(policy.PodDisruptionBudget), "Secret": new(core.Secret), "Service": new(core.Service),
			"ServiceAccount": new(core.ServiceAccount), "ServiceMonitor": new(monitoring.ServiceMonitor), "StatefulSet": statefulSet,
		}[meta.Kind]
		require.True(t, known, meta.Kind)
		require.NoError(t, yaml.UnmarshalStrict([]byte(document), into), document)
		kinds[meta.Kind]++
		switch meta.Kind {
		case "Deployment":
			pods = append(pods, deployment.Spec.Template)
		case "StatefulSet":
			pods = append(pods, statefulSet.Spec.Template)
		case "CronJob":
			pods = append(pods, cronJob.Spec.JobTemplate.Spec.Template)
		}
	}
	return kinds, pods
}

// requireAlloy returns the container of Alloy in the first pod, which has our image.
func requireAlloy(t *testing.T, pods []core.PodTemplateSpec) (alloy core.Container) {
	t.Helper()
	for _, c := range pods[0].Spec.Containers {
		if c.Name == "alloy" {
			alloy = c
		}
	}
	require.Equal(t, "registry.example/alloy-okta:latest", alloy.Image)
	return alloy
}

// requireRestricted asserts what the Pod Security Standard "restricted" asks for, and a root file system that cannot be written.
func requireRestricted(t *testing.T, pods []core.PodTemplateSpec) {
	t.Helper()
	require.Len(t, pods, 1)
	for _, c := range pods[0].Spec.Containers {
		s := c.SecurityContext
		require.NotNil(t, s, c.Name)
		require.True(t, *s.ReadOnlyRootFilesystem, c.Name)
		require.False(t, *s.AllowPrivilegeEscalation, c.Name)
		require.Equal(t, []core.Capability{"ALL"}, s.Capabilities.Drop, c.Name)
	}
	require.Equal(t, int64(473), *pods[0].Spec.SecurityContext.FSGroup, "the volume is the service's")
}

func TestTheManifestsAreWhatKubernetesTakes(t *testing.T) {
	for folder, want := range map[string]map[string]int{
		"single": {"ConfigMap": 1, "Deployment": 1, "NetworkPolicy": 1, "Secret": 1, "Service": 1, "ServiceAccount": 1, "ServiceMonitor": 1},
		"cluster": {
			"ConfigMap": 1, "StatefulSet": 1, "NetworkPolicy": 1, "Secret": 1, "Service": 2, "ServiceAccount": 1, "ServiceMonitor": 1,
			"PodDisruptionBudget": 1,
		},
	} {
		t.Run(folder, func(t *testing.T) {
			resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../kubernetes/"+folder)
			require.NoError(t, err)
			documents, err := resources.AsYaml()
			require.NoError(t, err)
			kinds, pods := decode(t, string(documents))
			require.Equal(t, want, kinds)
			requireRestricted(t, pods)
			require.Equal(t, "alloy-okta", pods[0].Labels["app.kubernetes.io/name"])
			require.Equal(t, "registry.example/alloy-okta:latest", pods[0].Spec.Containers[0].Image)
			require.NotContains(t, string(documents), "elector: {}", "it would select every pod of the namespace")
		})
	}
}

func TestTheCronJobIsWhatKubernetesTakes(t *testing.T) {
	document, err := os.ReadFile("../kubernetes/verify/cronjob.yaml")
	require.NoError(t, err)
	kinds, pods := decode(t, string(document))
	require.Equal(t, map[string]int{"CronJob": 1}, kinds)
	requireRestricted(t, pods)
}

func TestGrafanasChartTakesOurValues(t *testing.T) {
	module, err := exec.Command("go", "-C", "../..", "list", "-m", "-f", "{{.Dir}}", "github.com/grafana/alloy").Output()
	require.NoError(t, err)
	chart, err := loader.Load(filepath.Join(strings.TrimSpace(string(module)), "operations/helm/charts/alloy"))
	require.NoError(t, err)
	ours, err := chartutil.ReadValuesFile("../helm/values.yaml")
	require.NoError(t, err)
	requireKnown(t, "", ours, chart.Values)
	config, err := os.ReadFile("../kubernetes/cluster/config.alloy")
	require.NoError(t, err)
	embedded, err := ours.PathValue("alloy.configMap.content")
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(string(config), "\t", "  "), embedded, "the configuration that e2e validates")
	require.NoError(t, chartutil.ProcessDependencies(chart, ours))
	values, err := chartutil.ToRenderValues(chart, ours, chartutil.ReleaseOptions{Name: "alloy-okta", Namespace: "okta", IsInstall: true}, nil)
	require.NoError(t, err)
	rendered, err := engine.Render(chart, values)
	require.NoError(t, err)
	var documents strings.Builder
	for name, text := range rendered {
		if strings.HasSuffix(name, ".yaml") {
			documents.WriteString("\n---\n" + text)
		}
	}
	kinds, pods := decode(t, documents.String())
	require.Equal(t, 1, kinds["StatefulSet"])
	require.Equal(t, 1, kinds["PodDisruptionBudget"])
	requireRestricted(t, pods)
	container := requireAlloy(t, pods)
	require.Contains(t, container.Args, "--cluster.enabled=true")
	require.Contains(t, container.Args, "--cluster.wait-for-size=2")
	require.Contains(t, container.Args, "--storage.path=/var/lib/alloy-okta")
}

// requireKnown asserts that the chart has a default for each of our values: it would overlook one that it does not know.
func requireKnown(t *testing.T, path string, ours, chart map[string]any) {
	t.Helper()
	for name, value := range ours {
		require.Contains(t, chart, name, "%s.%s is unknown to the chart", path, name)
		nested, isMap := value.(map[string]any)
		defaults, hasDefaults := chart[name].(map[string]any)
		if isMap && hasDefaults && len(defaults) > 0 {
			requireKnown(t, path+"."+name, nested, defaults)
		}
	}
}
