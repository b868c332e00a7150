package distribution

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/distribution/components"
)

func TestValidateIsSilentAboutAGoodConfiguration(t *testing.T) {
	for name, args := range map[string][]string{
		"a file": {writeFile(t, "a.alloy", `
logging { level = "debug" }
livedebugging { enabled = true }

declare "sink" {
	argument "url" { }

	loki.write "w" {
		endpoint { url = argument.url.value }
	}

	export "receiver" { value = loki.write.w.receiver }
}

sink "s" { url = "http://127.0.0.1:3100/loki/api/v1/push" }

loki.process "p" {
	forward_to = [sink.s.receiver]

	stage.json { expressions = { actor = "actor.alternateId" } }
}
`)},
		"an experimental component with its level": {"--stability.level=experimental", writeFile(t, "b.alloy", `otelcol.exporter.debug "d" { }`)},
		"a community component with its flag":      {"--feature.community-components.enabled", writeFile(t, "c.alloy", splunk)},
		"the alloy format, named":                  {"--config.format=alloy", writeFile(t, "d.alloy", `loki.echo "e" { }`)},
	} {
		require.Equal(t, result{0, "", ""}, execute(t, "", append([]string{"validate"}, args...)...), name)
	}
}

const splunk = `
otelcol.exporter.splunkhec "s" {
	client { endpoint = "http://127.0.0.1:8088" }

	splunk { token = "none" }
}
`

func TestValidateJoinsTheFilesOfADirectory(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "source.alloy")
	require.NoError(t, os.WriteFile(source, []byte("loki.process \"p\" {\n\tforward_to = [loki.echo.e.receiver]\n}\n"), 0o644))

	alone := execute(t, "", "validate", dir)
	require.Equal(t, 1, alone.code)
	requireDiagnostic(t, alone.stderr, source, 2, 16, `component "loki.echo.e.receiver" does not exist or is out of scope`)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "sink.alloy"), []byte(`loki.echo "e" { }`), 0o644))
	require.Equal(t, result{0, "", ""}, execute(t, "", "validate", dir))
}

func TestValidateShowsWhereAndWhat(t *testing.T) {
	for name, tc := range map[string]struct {
		config       string
		line, column int
		message      string
	}{
		"syntax": {
			"loki.echo \"e\" {\n\ta = \n}\n", 3, 1, "expected expression, got }",
		},
		"an argument that does not exist": {
			"loki.write \"w\" {\n\turl = \"http://x\"\n}\n", 2, 2, `unrecognized attribute name "url"`,
		},
		"a required argument that is missing": {
			"loki.process \"p\" { }\n", 1, 1, `missing required attribute "forward_to"`,
		},
		"a value of the wrong type": {
			"loki.process \"p\" {\n\tforward_to = \"e\"\n}\n", 2, 15, `expected array, got string`,
		},
		"a component without a label": {
			"loki.echo { }\n", 1, 1, `component "loki.echo" must have a label`,
		},
		"a component below the stability level": {
			"otelcol.exporter.debug \"d\" { }\n", 1, 1, `component "otelcol.exporter.debug" is at stability level "experimental", which is below ` +
				`the minimum`,
		},
		"a community component": {
			splunk, 2, 1, `the component "otelcol.exporter.splunkhec" is a community component`,
		},
		"a service that takes no configuration": {
			"ui { }\n", 1, 1, `service "ui" does not support being configured`,
		},
		"a component this build leaves out": {
			"pyroscope.write \"p\" {\n\tendpoint { url = \"http://x\" }\n}\n", 1, 1,
			`cannot find the definition of component name "pyroscope.write": it is not part of this build: upstream Alloy ` + components.Alloy +
				` has it, ` +
				`alloy-okta leaves it out; run "alloy-okta components" or see docs/components.md for the list`,
		},
		"a component nobody has": {
			"loki.sauce.okta \"o\" { }\n", 1, 1,
			`cannot find the definition of component name "loki.sauce.okta": it is not part of this build, nor of upstream Alloy ` +
				components.Alloy,
		},
		"a component of another platform, in a module": {
			"declare \"d\" {\n\tloki.source.windowsevent \"j\" { forward_to = [] }\n}\n", 2, 2,
			`cannot find the definition of component name "loki.source.windowsevent": it is not part of this build of alloy-okta: it works on ` +
				`Windows only`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, "bad.alloy", tc.config)
			got := execute(t, "", "validate", file)
			require.Equal(t, 1, got.code)
			require.Empty(t, got.stdout)
			requireDiagnostic(t, got.stderr, file, tc.line, tc.column, tc.message)
			require.Contains(t, got.stderr, "\nError: validation failed\n")
		})
	}
}

func TestValidateShowsEveryError(t *testing.T) {
	file := writeFile(t, "bad.alloy", "faro.receiver \"f\" { }\n\nbeyla.ebpf \"b\" { }\n")
	got := execute(t, "", "validate", file)
	requireDiagnostic(t, got.stderr, file, 1, 1, `cannot find the definition of component name "faro.receiver": it is not part of this build`)
	requireDiagnostic(t, got.stderr, file, 3, 1, `cannot find the definition of component name "beyla.ebpf": it is not part of this build`)
}

func TestValidateRefusesWhatItCannotRead(t *testing.T) {
	file := writeFile(t, "promtail.yaml", "server: {}\n")
	require.Equal(t,
		result{1, "", "Error: --config.format \"promtail\" is not part of alloy-okta, which reads \"alloy\" only: convert the file first with " +
			"upstream Alloy (alloy convert --source-format=promtail --output=config.alloy FILE)\n"},
		execute(t, "", "validate", "--config.format=promtail", file))
	require.Equal(t,
		result{1, "", "Error: stat no/such.alloy: no such file or directory\n"},
		execute(t, "", "validate", "no/such.alloy"))
}
