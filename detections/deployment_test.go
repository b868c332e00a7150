package detections

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

// That they are current, [TestGeneratedFilesAreCurrent] sees.
func TestThereIsADeploymentOfEachRule(t *testing.T) {
	files, err := Deployments(rules(t), sigmaRules(t), DefaultLinks)
	require.NoError(t, err)
	there, err := filepath.Glob("sigma-rule-deployment/deployments/*")
	require.NoError(t, err)
	require.Len(t, files, len(there)+1, "a rule is gone: delete its deployment")
	require.Len(t, there, len(withAdministrators(rules(t))))

	// Whoever has the deployments has the same alerts as whoever has the file.
	content, err := Grafana(rules(t), nil, event.FormatEnvelope, DefaultLinks)
	require.NoError(t, err)
	titles := regexp.MustCompile(`(?m)^ +title: (Okta\w+)$`).FindAllSubmatch(content, -1)
	require.Len(t, titles, len(there))
	for _, title := range titles {
		deployed := 0
		for name, file := range files {
			if name != "config.yml" && bytes.Contains(file, fmt.Appendf(nil, "\"title\": %q,", title[1])) {
				deployed++
			}
		}
		require.Equal(t, 1, deployed, "%s", title[1])
	}
}

// TestDeploymentsAreWhatTheActionTakes holds the files against what the deployer and integrator of sigma-rule-deployment v0.2.2 read.
func TestDeploymentsAreWhatTheActionTakes(t *testing.T) {
	var config struct {
		Folders            map[string]string
		ConversionDefaults map[string]any `yaml:"conversion_defaults"`
		Conversions        []struct {
			Name   string
			Group  string `yaml:"rule_group"`
			Window string `yaml:"time_window"`
			Input  []string
		}
		Integration map[string]any
		Deployment  map[string]string
	}
	decode(t, "sigma-rule-deployment/config.yml", &config)
	groups, inputs := map[string]time.Duration{}, 0
	for _, c := range config.Conversions {
		require.NotEmpty(t, c.Input, "the convert action fails where no file matches")
		window, err := time.ParseDuration(c.Window)
		require.NoError(t, err)
		groups[c.Group] = window
		inputs += len(c.Input)
	}
	require.Equal(t, len(sigmaRules(t)), inputs, "each of Sigma's rules once")
	labels := config.Integration["template_labels"].(map[string]any)
	for name, value := range sigmaRules(t)[0].alertLabels() {
		if name != "severity" {
			require.Equal(t, value, labels[name], "the routes of deploy/alerting match %s", name)
		}
	}
	for _, pipeline := range config.ConversionDefaults["pipelines"].([]any) {
		if name, isFile := strings.CutPrefix(pipeline.(string), "pipelines/"); isFile {
			require.FileExists(t, filepath.Join("sigma/pipelines", name))
		}
	}
	filename := regexp.MustCompile(`^alert_rule_(?:.*)_([^\.]+)\.json$`) // regexAlertFilename in internal/deploy/deployer.go
	for _, rule := range withAdministrators(rules(t)) {
		name := filepath.Join("sigma-rule-deployment/deployments", "alert_rule_okta_okta-"+shorten(rule.Name)+".json")
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		var d deployment
		decoder := json.NewDecoder(bytes.NewReader(content))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(&d))
		require.Equal(t, d.UID, filename.FindStringSubmatch(filepath.Base(name))[1], "the UID is read from the file's name")
		require.LessOrEqual(t, len(d.UID), 40)
		require.Equal(t, config.Integration["folder_id"], d.FolderUID)
		require.Equal(t, config.ConversionDefaults["data_source"], d.Data[0].DataSourceUID)
		require.Equal(t, "true", d.Annotations["manual"], "neither overwritten nor deleted")
		require.Equal(t, time.Duration(rule.Interval), groups[d.RuleGroup], "the action would set the interval to 0: %s", d.RuleGroup)
		require.Equal(t, rule.Query, d.Data[0].Model["expr"], "no $ is doubled: the API replaces no variables")
		_, err = syntax.ParseExpr(rule.Query)
		require.NoError(t, err)
		require.Equal(t, int(time.Duration(rule.Window).Seconds()), d.Data[0].RelativeTimeRange["from"])
	}
}
