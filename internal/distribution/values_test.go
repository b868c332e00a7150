package distribution

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// source is a configuration with a loki.source.okta whose lines are replaced or added to.
func source(lines ...string) string {
	all := map[string]string{"url": `"https://acme.okta.com"`, "api_token": `"00abcdefghijklmnopqrstuvwxyz0123456789ABCD"`,
		"forward_to": "[loki.echo.e.receiver]"}
	rest := ""
	for _, line := range lines {
		name, value, _ := strings.Cut(line, " = ")
		if _, ok := all[name]; ok {
			all[name] = value
		} else {
			rest += line + "\n"
		}
	}
	body := ""
	for _, name := range []string{"url", "api_token", "forward_to"} {
		if all[name] != "" {
			body += name + " = " + all[name] + "\n"
		}
	}
	return "loki.echo \"e\" { }\n\nloki.source.okta \"o\" {\n" + body + rest + "}\n"
}

func TestValidateRunsTheComponentsOwnChecks(t *testing.T) {
	t.Setenv("SET_AND_BAD", "SSWS 00abc")
	for name, tc := range map[string]struct{ config, message string }{
		"a number out of range":           {source("page_size = 2000"), "page_size is 2000: it must be between 1 and 1000"},
		"beside unknown values":           {source(`api_token = sys.env("NOT_SET_HERE")`, `poll_interval = "1ms"`), "poll_interval is 1ms"},
		"an address in clear":             {source(`url = "http://acme.okta.com"`), "in clear"},
		"no receiver":                     {source("forward_to = []"), "forward_to is empty"},
		"neither token nor app":           {source("api_token = "), "neither api_token nor private_key_jwt is set"},
		"an environment variable that is": {source(`api_token = sys.env("SET_AND_BAD")`), "api_token"},
		"an expression of known values":   {source(`labels = {("bad" + "-label") = "x"}`), "label"},
		"a value in a block":              {source("reconcile {\n url = \"http://l\"\n margin = \"2h\"\n}"), "margin is 2h0m0s"},
		"a key that is unknown": {source("api_token = ",
			"private_key_jwt {\n client_id = \"0oa\"\n private_key = sys.env(\"NOT_SET_HERE\")\n dpop = \"maybe\"\n}"), `dpop is "maybe"`},
		"in a module": {"declare \"d\" {\n argument \"token\" { }\n" + source("api_token = argument.token.value",
			"page_size = 0") + "}\n", "page_size is 0"},
		"an org of several": {source("url = ", "api_token = ", "org \"acme\" {\n url = \"acme.okta.com\"\n}"),
			`org "acme": neither api_token nor private_key_jwt is set`},
		"a hook's secret that is unknown": {source("event_hook {\n secrets = [sys.env(\"NOT_SET_HERE\")]\n settle = \"1h\"\n}"), "settle is 1h0m0s"},
		"the event hook component": {"loki.echo \"e\" { }\n\nloki.source.okta_event_hook \"h\" {\n forward_to = [loki.echo.e.receiver]\n org \"a\" {\n" +
			" url = sys.env(\"NOT_SET_HERE\")\n secrets = [sys.env(\"NOT_SET_HERE\")]\n }\n http { listen_port = 70000 }\n}", "listen_port is 70000"},
		"a function of no argument": {source(`api_token = sys.env()`), "sys.env: it takes 1 argument, got 0"},
		"a function, elsewhere":     {`loki.write "w" { endpoint { url = sys.env("A", "B") } }`, "sys.env: it takes 1 argument, got 2"},
		"a deprecated function":     {source(`api_token = env()`), "env: it takes 1 argument, got 0"},
		"another orgs's settings": {source("url = ", "api_token = ", "org \"a\" {\n url = \"a.okta.com\"\n api_token = sys.env(\"NOT_SET_HERE\")\n"+
			" page_size = 1\n}"), "unrecognized attribute name"},
	} {
		t.Run(name, func(t *testing.T) {
			got := execute(t, "", "validate", writeFile(t, "bad.alloy", tc.config))
			require.Equal(t, 1, got.code, got.stderr)
			require.Contains(t, got.stderr, tc.message)
			require.Contains(t, got.stderr, "bad.alloy:")
		})
	}
}

func TestValidateTakesWhatItCannotKnowToBeRight(t *testing.T) {
	for name, config := range map[string]string{
		"everything from the environment": source(`url = sys.env("NOT_SET_HERE")`, `api_token = sys.env("NOT_SET_HERE")`,
			`query = sys.env("NOT_SET_HERE")`),
		"a receiver of a module": "declare \"d\" {\n loki.echo \"e\" { }\n export \"receiver\" { value = loki.echo.e.receiver }\n}\nd " +
			"\"d\" { }\n" + source("forward_to = [d.d.receiver]"),
		"rules of another component": source("relabel_rules = loki.relabel.r.rules") + `loki.relabel "r" { forward_to = [] }`,
		"a key that is unknown": source("api_token = ",
			"private_key_jwt {\n client_id = sys.env(\"NOT_SET_HERE\")\n private_key = sys.env(\"NOT_SET_HERE\")\n}"),
		"a password that is unknown": source("reconcile {\n url = sys.env(\"NOT_SET_HERE\")\n basic_auth {\n  username = \"u\"\n  " +
			"password = sys.env(\"NOT_SET_HERE\")\n }\n}"),
		"one half of a certificate": source("client {\n tls_config {\n  cert_file = \"/none\"\n  key_pem = local.file.t.content\n }\n}") +
			`local.file "t" { filename = "/none" }`,
		"a proxy beside what it is not for": source("reconcile {\n url = \"http://l\"\n proxy_url = sys.env(\"NOT_SET_HERE\")\n no_proxy = \"l\"\n}"),
		"since when to fill":                source("backfill {\n since = sys.env(\"NOT_SET_HERE\")\n until = \"2026-01-01\"\n}"),
		"a share beside a back-fill's": source(`rate_limit_share = encoding.from_json(sys.env("NOT_SET_HERE"))`, "backfill {\n since = \"2026-01-01\"\n"+
			" until = \"2026-01-02\"\n rate_limit_share = 0.6\n}"),
		"a hook's secret from a file": source("event_hook { secrets = [local.file.t.content] }") + `local.file "t" { filename = "/none" }`,
		"orgs from a file": source("url = ", "api_token = ", "orgs = encoding.from_yaml(local.file.t.content)[\"tenants\"]") +
			`local.file "t" { filename = "/none" }`,
		"orgs from the environment": source("url = ", "api_token = ",
			"org \"a\" {\n url = sys.env(\"NOT_SET_HERE\")\n api_token = sys.env(\"NOT_SET_HERE\")\n}",
			"org \"b\" {\n url = sys.env(\"NOT_SET_HERE\")\n api_token = sys.env(\"NOT_SET_HERE\")\n}"),
		"a component of unknown values": `loki.write "w" { endpoint { url = sys.env("NOT_SET_HERE") } }`,
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, result{0, "", ""}, execute(t, "", "validate", writeFile(t, "good.alloy", config)))
		})
	}
}

func TestWarningsAreShownAndAreNoErrors(t *testing.T) {
	t.Setenv("IS_SET", "https://acme.okta.com")
	got := execute(t, "", "validate", writeFile(t, "old.alloy", source(`url = env("IS_SET")`)))
	require.Zero(t, got.code, got.stderr)
	require.Contains(t, got.stderr, "Warning: ")
	require.Contains(t, got.stderr, "this stdlib function is deprecated")
}

func TestValidateLooksIntoAForeach(t *testing.T) {
	const config = "foreach \"f\" {\n collection = []\n var = \"each\"\n template {\n%s}\n}\n"
	require.Contains(t, checkText(t, fmt.Sprintf(config, source("url = each", "page_size = 0"))), "page_size is 0")
	require.Empty(t, checkText(t, fmt.Sprintf(config, source("url = each"))))
}
