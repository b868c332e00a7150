package distribution

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/featuregate"
)

// checkText checks a configuration without the net that checkSafely is.
func checkText(t *testing.T, config string) string {
	t.Helper()
	diags, err := check(map[string][]byte{"c.alloy": []byte(config)}, &gateFlags{minStability: featuregate.StabilityExperimental, community: true})
	require.NoError(t, err)
	if len(diags) == 0 {
		return ""
	}
	return diags.AllMessages()
}

// examples are the configurations of this repository.
func examples(t testing.TB) (all []string) {
	t.Helper()
	for _, pattern := range []string{"../../syntax/*.alloy", "../../deploy/config/*.alloy", "../../testdata/cases/*/*.alloy"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range paths {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			all = append(all, string(content))
		}
	}
	require.NotEmpty(t, all)
	return all
}

func FuzzValidate(f *testing.F) {
	for _, example := range examples(f) {
		f.Add(example)
	}
	f.Add(`loki.source.okta "o" { url = sys.env() }`)
	f.Fuzz(func(t *testing.T, config string) { checkText(t, config) })
}

// TestNoInputPanics tries configurations that are nearly right, where a fuzzer finds mostly what does not parse.
func TestNoInputPanics(t *testing.T) {
	t.Setenv("IS_SET", "x")
	configs := examples(t)
	for seed := range uint64(1_500) {
		g := writer{rand.New(rand.NewPCG(seed, 0))}
		config := g.config()
		if seed%2 == 0 {
			config = g.damage(configs[g.IntN(len(configs))])
		}
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("seed %d: %v\n%s", seed, r, config)
				}
			}()
			checkText(t, config)
		}()
	}
}

// writer writes configurations at random.
type writer struct{ *rand.Rand }

func (w writer) one(of ...string) string { return of[w.IntN(len(of))] }

// config is blocks of known and unknown names with attributes of any value.
func (w writer) config() string {
	var b strings.Builder
	for i := range 1 + w.IntN(3) {
		fmt.Fprintf(&b, "%s \"b%d\" {\n%s}\n", w.one("loki.source.okta", "loki.source.okta_event_hook", "loki.write", "loki.process", "declare",
			"foreach", "logging", "http", "import.string", "loki.echo", "sys", "argument", "export", "livedebugging"), i, w.body(2))
	}
	return b.String()
}

func (w writer) body(depth int) string {
	var b strings.Builder
	for range w.IntN(6) {
		if depth > 0 && w.IntN(3) == 0 {
			fmt.Fprintf(&b, "%s%s {\n%s}\n", w.one("org", "reconcile", "redact", "event_hook", "client", "tls_config", "basic_auth", "backfill",
				"private_key_jwt", "clustering", "http", "oauth2", "stage.json", "template", "loki.source.okta", "endpoint"), w.one("", "", ` "l"`),
				w.body(depth-1))
			continue
		}
		fmt.Fprintf(&b, "%s = %s\n", w.one("url", "api_token", "forward_to", "orgs", "labels", "page_size", "poll_interval", "filter", "query",
			"line_format", "relabel_rules", "structured_metadata", "margin", "selector", "ordering", "secrets", "settle", "key", "mode", "paths",
			"presets", "since", "until", "rate_limit_share", "enabled", "client_id", "private_key", "private_key_file", "scopes", "http_headers",
			"collection", "var", "content", "value", "level", "username", "password", "proxy_url", "no_proxy", "listen_port"), w.value(4))
	}
	return b.String()
}

func (w writer) value(depth int) string {
	if depth == 0 || w.IntN(3) == 0 {
		return w.one("1", "0", "-1", "1.5", "1e999", "1e400", "0x", "09", "18446744073709551615", "99999999999999999999", "true", "null", `""`,
			`"x"`, `"1s"`, `"-1h"`, `"https://acme.okta.com"`, `"http://l:3100"`, `"{a=\"b\"}"`, `"\u0000"`, `"\xff"`, `"$.[?("`, `"%!"`, `"2026-01-01"`,
			"[]", "{}", "sys", "sys.env", "constants.os", "constants", "loki.echo.e.receiver", "loki.write.b1.receiver", "argument.a.value",
			"module_path", "nothing", `sys.env("IS_SET")`, `sys.env("NOT_SET_HERE")`, "sys.env()", "coalesce", "string.format", "array")
	}
	v := func() string { return w.value(depth - 1) }
	var arguments []string
	for range w.IntN(5) {
		arguments = append(arguments, v())
	}
	list := strings.Join(arguments, ", ")
	switch w.IntN(9) {
	case 0:
		return "[" + list + "]"
	case 1:
		return "{a = " + v() + ", \"url\" = " + v() + ", api_token = " + v() + "}"
	case 2:
		return v() + " " + w.one("+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">=", "&&", "||") + " " + v()
	case 3:
		return w.one("!", "-") + v()
	case 4:
		return "(" + v() + ")"
	case 5:
		return v() + "[" + v() + "]"
	case 6:
		return v() + "." + w.one("a", "env", "url", "receiver")
	case 7:
		return v() + "(" + list + ")"
	default:
		return w.one("sys.env", "env", "nonsensitive", "concat", "json_decode", "yaml_decode", "format", "join", "replace", "split", "trim", "coalesce",
			"json_path", "convert.nonsensitive", "array.concat", "array.combine_maps", "array.group_by", "encoding.from_json", "encoding.from_yaml",
			"encoding.from_base64", "encoding.to_json", "encoding.url_decode", "string.format", "string.join", "string.replace", "file.path_join",
			"string.trim_prefix") + "(" + list + ")"
	}
}

// damage puts values in place of others, and takes lines away, doubles or moves them.
func (w writer) damage(config string) string {
	lines := strings.Split(config, "\n")
	for range 1 + w.IntN(4) {
		i, j := w.IntN(len(lines)), w.IntN(len(lines))
		switch name, _, found := strings.Cut(lines[i], "="); {
		case found && w.IntN(4) > 0:
			lines[i] = name + "= " + w.value(3)
		case w.IntN(3) == 0:
			lines[i] = lines[j]
		case w.IntN(2) == 0:
			lines[i], lines[j] = lines[j], lines[i]
		default:
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}
