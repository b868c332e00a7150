package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

const moduleFile = "../deploy/module/okta.alloy"

// asInTheModule is a configuration that imports the module: the example at its head, with what follows another import.
func asInTheModule(t *testing.T, imported string) string {
	t.Helper()
	content, err := os.ReadFile(moduleFile)
	require.NoError(t, err)
	head, _, _ := strings.Cut(string(content), "\ndeclare ")
	_, example, found := strings.Cut(head, "//     collect.okta \"acme\" {")
	require.True(t, found)
	example, _, _ = strings.Cut(example, "//     }")
	body := strings.NewReplacer(
		"//     ", "", `"https://acme.okta.com"`, `sys.env("OKTA_URL")`, `"http://loki:3100"`, `sys.env("LOKI_URL")`,
	).Replace(example)
	return imported + "\ncollect.okta \"acme\" {" + body + "}\n"
}

// repository is a Git repository with the module at the path that its head names.
func repository(t *testing.T) (folder string, commit func(change func(module string) string)) {
	t.Helper()
	folder = t.TempDir()
	git := func(args ...string) {
		command := exec.Command("git", append([]string{"-C", folder, "-c", "user.name=e2e", "-c", "user.email=e2e@example.com"}, args...)...)
		output, err := command.CombinedOutput()
		require.NoErrorf(t, err, "git %v: %s", args, output)
	}
	git("init", "--quiet", "--initial-branch=main")
	commit = func(change func(string) string) {
		module, err := os.ReadFile(moduleFile)
		require.NoError(t, err)
		file := filepath.Join(folder, "deploy/module/okta.alloy")
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(change(string(module))), 0o644))
		git("add", ".")
		git("commit", "--quiet", "--message=module")
	}
	commit(func(module string) string { return module })
	return folder, commit
}

// The module of import.git: five lines lead each event to Loki once, and a commit there changes what runs.
func TestTheModuleCollectsFromAGitRepository(t *testing.T) {
	t.Parallel()
	folder, commit := repository(t)
	config := asInTheModule(t, fmt.Sprintf(`import.git "collect" {
	repository     = %q
	revision       = "main"
	path           = "deploy/module/okta.alloy"
	pull_frequency = "1s"
}
`, folder))
	okta := startOrg(t, "--backlog=100", "--backlog-span=30m", "--rate=0/s")
	loki := startLoki(t)
	alloy := newCollector(t, []byte(config), okta, loki)
	alloy.start(t)
	records := okta.records(t, 100)
	waitForCount(t, loki.Reader(), `{service_name="okta"}`, records, len(records), time.Minute)

	// A reload by Git is one of the component's: the cursor stays, and what comes has the new label.
	commit(func(module string) string {
		return strings.ReplaceAll(module, `{service_name = "okta"}`, `{service_name = "okta", team = "git"}`)
	})
	require.Eventually(t, func() bool {
		okta.generate(t, 1)
		from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		n, err := loki.Reader().Count(t.Context(), `{service_name="okta", team="git"}`, from, to)
		require.NoError(t, err)
		return n > 0
	}, time.Minute, time.Second)
	all := len(okta.persisted(t))
	records = okta.records(t, all)
	waitForCount(t, loki.Reader(), selector, records, all, time.Minute)
	alloy.stop(t)
	requireExactlyOnce(t, loki.Reader(), selector, records)
}

// The same from a file, for a Loki with a password, with rules that drop. In the slim build, which has no import.git.
func TestTheModuleCollectsWithAPassword(t *testing.T) {
	t.Parallel()
	module, err := filepath.Abs(moduleFile)
	require.NoError(t, err)
	config := asInTheModule(t, fmt.Sprintf("import.file \"collect\" {\n\tfilename = %q\n}\n", module))
	config = strings.Replace(config, "collect.okta ", "collect.okta_with_password ", 1)
	config = strings.TrimSuffix(config, "}\n") + `	username  = sys.env("GRAFANA_CLOUD_LOGS_USER")
	password  = sys.env("GRAFANA_CLOUD_TOKEN")

	relabel_rules = loki.relabel.drop.rules
}

loki.relabel "drop" {
	forward_to = []

	rule {
		source_labels = ["__okta_event_type"]
		regex         = "user\\.session\\.start"
		action        = "drop"
	}
}
`
	okta := startOrg(t, "--backlog=100", "--backlog-span=30m", "--rate=0/s")
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir(), Tenants: true}
	runLoki(t, loki)
	url := gateway(t, loki, "/logs-prod")
	reader := testbed.Reader{URL: url, HTTP: &http.Client{Transport: signed{}}}
	alloy := newCollector(t, []byte(config), okta, loki)
	alloy.bin = program(t, "slim/alloy-okta")
	alloy.env = append(alloy.env, "LOKI_URL="+url, "GRAFANA_CLOUD_LOGS_USER="+cloudUser, "GRAFANA_CLOUD_TOKEN="+cloudToken)
	alloy.start(t)
	records := okta.records(t, 100)
	kept := records[:0:0]
	for _, r := range records {
		if !strings.Contains(r.line, `"eventType":"user.session.start"`) {
			kept = append(kept, r)
		}
	}
	require.Less(t, len(kept), len(records))
	waitForCount(t, reader, selector, kept, len(kept), time.Minute)
	alloy.stop(t)
	requireExactlyOnce(t, reader, selector, kept)
	require.NotContains(t, alloy.Log(), cloudToken)
}

// Loki's address is also taken as its owner may have it: with a slash at the end, or as that for pushes.
func TestTheModuleTakesLokisAddressInAnyForm(t *testing.T) {
	t.Parallel()
	module, err := filepath.Abs(moduleFile)
	require.NoError(t, err)
	config := asInTheModule(t, fmt.Sprintf("import.file \"collect\" {\n\tfilename = %q\n}\n", module))
	for _, end := range []string{"/", "/loki/api/v1/push", "/loki/api/v1/push/"} {
		okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
		loki := startLoki(t)
		alloy := newCollector(t, []byte(config), okta, loki)
		alloy.bin = program(t, "slim/alloy-okta")
		alloy.env = append(alloy.env, "LOKI_URL="+loki.URL()+end)
		alloy.start(t)
		records := okta.records(t, 20)
		waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
		alloy.stop(t)
		requireExactlyOnce(t, loki.Reader(), selector, records)
		require.NotContains(t, alloy.Log(), "level=error", end) // reconcile reads, too
	}
}
