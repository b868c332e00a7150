package distribution

import (
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// loadFlags are run's, with a storage path that does not exist.
func loadFlags(t *testing.T) *runFlags {
	t.Helper()
	var flags runFlags
	flags.register(pflag.NewFlagSet("", pflag.ContinueOnError))
	flags.storagePath = filepath.Join(t.TempDir(), "data")
	return &flags
}

// Whatever an expression may use is evaluated as run does: variables, files, what a server answers, and modules of each kind.
func TestAConfigurationIsLoadedAsItWouldRun(t *testing.T) {
	t.Setenv("OKTA_URL", "https://acme.okta.com")
	token := writeFile(t, "token", "of-a-file")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "of-a-server") }))
	defer server.Close()
	module := `
declare "collect" {
	argument "token" { }
	argument "url" { }
	argument "push" { }

	loki.source.okta "default" {
		url        = argument.url.value
		api_token  = argument.token.value
		forward_to = [loki.process.p.receiver]
		relabel_rules = loki.relabel.r.rules
		reconcile { url = argument.push.value }
	}
	loki.relabel "r" {
		forward_to = []
		rule {
			action       = "replace"
			target_label = "env"
			replacement  = "prod"
		}
	}
	loki.process "p" { forward_to = [loki.write.w.receiver] }
	loki.write "w" {
		endpoint {
			url       = argument.push.value
			tenant_id = "t"
		}
	}
}
`
	file := writeFile(t, "module.alloy", module)
	const call = ` "a" {
	token = local.file.token.content
	url   = sys.env("OKTA_URL")
	push  = "http://loki:3100/loki/api/v1/push"
}
`
	local := "\nlocal.file \"token\" {\n\tfilename = " + `"` + token + `"` + "\n\tis_secret = true\n}\n"
	for name, c := range map[string]struct{ config, id, token string }{
		"declare":       {module + local + "collect" + call, "collect.a/loki.source.okta.default", "of-a-file"},
		"import.file":   {"import.file \"m\" { filename = \"" + file + "\" }\n" + local + "m.collect" + call, "m.collect.a/loki.source.okta.default", "of-a-file"},
		"import.string": {"import.string \"m\" { content = `" + module + "` }\n" + local + "m.collect" + call, "m.collect.a/loki.source.okta.default", "of-a-file"},
		"a server's": {module + "remote.http \"token\" {\n\turl = \"" + server.URL + "\"\n\tis_secret = true\n}\n" +
			strings.ReplaceAll("collect"+call, "local.file", "remote.http"), "collect.a/loki.source.okta.default", "of-a-server"},
	} {
		t.Run(name, func(t *testing.T) {
			flags := loadFlags(t)
			flags.gate.community = true
			got, err := load(t.Context(), flags, writeFile(t, "config.alloy", c.config))
			require.NoError(t, err)
			require.Len(t, got.okta, 1)
			s := got.okta[0]
			require.Equal(t, c.id, s.id)
			require.Equal(t, filepath.Join(flags.storagePath, c.id), s.dataPath)
			require.Equal(t, c.token, string(s.args.APIToken))
			require.Len(t, s.args.RelabelRules, 1)
			require.Len(t, s.sinks, 1)
			require.Equal(t, "http://loki:3100/loki/api/v1/push", s.sinks[0].write.Endpoints[0].URL)
			require.Equal(t, "t", s.sinks[0].write.Endpoints[0].TenantID)
			require.Len(t, s.sinks[0].through, 1)
			orgs, err := s.args.Resolve(nil)
			require.NoError(t, err)
			require.Len(t, orgs, 1)
			require.NoError(t, orgs[0].Err)
			require.NotNil(t, orgs[0].Loki)
			require.Equal(t, "acme.okta.com", orgs[0].URL.Host)
			require.NoDirExists(t, flags.storagePath)
		})
	}
}

func TestEachItemOfAForeachIsLoaded(t *testing.T) {
	flags := loadFlags(t)
	require.NoError(t, flags.gate.minStability.Set("experimental"))
	got, err := load(t.Context(), flags, writeFile(t, "config.alloy", `
foreach "org" {
	collection = ["a", "b"]
	var        = "name"

	template {
		loki.source.okta "default" {
			url        = "https://" + name + ".okta.com"
			api_token  = "t"
			forward_to = [loki.echo.e.receiver]
		}
		loki.echo "e" { }
	}
}
`))
	require.NoError(t, err)
	require.Len(t, got.okta, 2)
	urls := []string{got.okta[0].args.URL, got.okta[1].args.URL}
	require.ElementsMatch(t, []string{"https://a.okta.com", "https://b.okta.com"}, urls)
	require.Equal(t, "loki.echo", got.okta[0].sinks[0].name)
	require.Nil(t, got.okta[0].sinks[0].write)
}

// One that runs would listen, open a write-ahead log, and ask a server for more configuration.
func TestLoadingStartsNothingAndLeavesNothing(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.Path) }))
	defer server.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	defer l.Close() // taken: who listens fails
	t.Setenv("TMPDIR", t.TempDir())
	flags := loadFlags(t)
	require.NoError(t, flags.gate.minStability.Set("experimental"))
	flags.cluster.enabled, flags.cluster.joinAddresses = true, server.Listener.Addr().String()
	config := writeFile(t, "config.alloy", `
logging { write_to = [loki.write.w.receiver] }
remotecfg { url = "`+server.URL+`" }
loki.source.api "api" {
	http {
		listen_address = "127.0.0.1"
		listen_port    = `+port+`
	}
	forward_to = [loki.write.w.receiver]
}
loki.source.file "f" {
	targets    = [{"__path__" = "/nowhere"}]
	forward_to = [loki.write.w.receiver]
}
prometheus.remote_write "p" {
	endpoint { url = "`+server.URL+`" }
}
prometheus.scrape "s" {
	targets    = []
	forward_to = [prometheus.remote_write.p.receiver]
}
loki.source.okta_event_hook "h" {
	http {
		listen_address = "127.0.0.1"
		listen_port    = `+port+`
	}
	org "acme" {
		url     = "https://acme.okta.com"
		secrets = ["00000000000000000000000000000000"]
	}
	forward_to = [loki.write.w.receiver]
}
loki.source.okta "o" {
	url        = "`+server.URL+`"
	api_token  = "t"
	forward_to = [loki.write.w.receiver, otelcol.receiver.loki.l.receiver]
	clustering { enabled = true }
}
otelcol.receiver.loki "l" {
	output { logs = [otelcol.exporter.otlphttp.x.input] }
}
otelcol.auth.bearer "b" { token = "t" }
otelcol.exporter.otlphttp "x" {
	client {
		endpoint = "`+server.URL+`"
		auth     = otelcol.auth.bearer.b.handler
	}
}
loki.write "w" {
	wal { enabled = true }
	endpoint { url = "`+server.URL+`/loki/api/v1/push" }
}
`)
	before := files(t, filepath.Dir(config))
	got, err := load(t.Context(), flags, config)
	require.NoError(t, err)
	require.Empty(t, asked)
	require.Len(t, got.okta, 1)
	require.Len(t, got.hooks, 1)
	require.Len(t, got.okta[0].sinks, 2)
	require.Equal(t, before, files(t, filepath.Dir(config)))
	require.Empty(t, files(t, os.Getenv("TMPDIR")))
	require.NoDirExists(t, flags.storagePath)
}

// The image's folder for temporary files cannot be written when its root is read-only: there, too, the commands that look work.
func TestAConfigurationIsLoadedWithoutATemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	config := writeFile(t, "config.alloy", `loki.echo "e" { }`)
	flags := loadFlags(t)
	_, err := load(t.Context(), flags, config)
	require.ErrorContains(t, err, "set TMPDIR to one, or --storage.path")
	require.NoDirExists(t, flags.storagePath)

	flags.storagePath = t.TempDir()
	_, err = load(t.Context(), flags, config)
	require.NoError(t, err)
	require.Empty(t, files(t, flags.storagePath))
}

func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if path != dir {
			all = append(all, path)
		}
		return err
	}))
	return all
}

// What is wrong with a configuration is said as validate says it; of what only an evaluation shows, where and what.
func TestAConfigurationThatCannotBeLoadedIsSaidAsByValidate(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"syntax":    {"loki.echo \"e\" {", ""},
		"a value":   {"loki.echo \"e\" { }\nloki.source.okta \"o\" {\n\tpage_size = 0\n\turl = \"https://a.okta.com\"\n\tapi_token = \"t\"\n\tforward_to = [loki.echo.e.receiver]\n}\n", ""},
		"a missing": {"local.file \"f\" { filename = \"/nowhere/at/all\" }", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, "config.alloy", c.config)
			want := execute(t, "", "validate", path).stderr
			stderr := captureStderr(t)
			_, err := load(t.Context(), loadFlags(t), path)
			got := stderr()
			require.Error(t, err)
			if c.want == "" {
				require.NotEmpty(t, got)
				require.Contains(t, want, strings.TrimSpace(got))
				return
			}
			require.Contains(t, got, c.want)
			require.Contains(t, got, path+":1:1")
		})
	}
}

// captureStderr returns what is written to stderr from now until the function that it returns is called.
func captureStderr(t *testing.T) func() string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	had := os.Stderr
	os.Stderr = file
	return func() string {
		os.Stderr = had
		require.NoError(t, file.Close())
		text, err := os.ReadFile(file.Name())
		require.NoError(t, err)
		return string(text)
	}
}

// The examples are loaded as they are.
func TestTheExamplesLoad(t *testing.T) {
	examples, err := filepath.Glob("../../syntax/*.alloy")
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	tenants := writeFile(t, "tenants.yml", "tenants_credentials:\n  - tenant_name: a\n    okta_domain: https://acme.okta.com\n    okta_api_key: t\n")
	for _, path := range examples {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, v := range regexp.MustCompile(`sys\.env\("([A-Z0-9_]*)"\)`).FindAllStringSubmatch(string(text), -1) {
				switch value := "00000000000000000000000000000000"; {
				case strings.HasSuffix(v[1], "_FILE"):
					t.Setenv(v[1], tenants)
				case strings.HasSuffix(v[1], "_URL") || strings.HasSuffix(v[1], "_ENDPOINT"):
					t.Setenv(v[1], "https://acme.okta.com")
				default:
					t.Setenv(v[1], value)
				}
			}
			t.Setenv("LOGZIO_REGION", "eu")
			flags := loadFlags(t)
			flags.gate.community = true
			require.NoError(t, flags.gate.minStability.Set("experimental"))
			got, err := load(t.Context(), flags, path)
			require.NoError(t, err)
			if filepath.Base(path) == "logzio.alloy" { // a module
				return
			}
			require.NotZero(t, len(got.okta)+len(got.hooks))
			for _, s := range got.okta {
				require.NotEmpty(t, s.sinks)
			}
		})
	}
}
