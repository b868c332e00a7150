// option: orgs

package okta

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/syntax/alloytypes"
)

// ours are words of expressions and decoders that no message may have.
var ours = []string{"org should", "org.", "binop", "yaml:", "!!", "capsule", "map[", "%!"}

// read returns an entry's host and token, or what is wrong with it, for each.
func entries(orgs Orgs) (all []string) {
	for _, l := range orgs {
		if l.err != nil {
			all = append(all, l.String()+": "+l.err.Error())
			continue
		}
		all = append(all, l.org.URL+" "+string(l.org.APIToken))
	}
	return all
}

func TestAFileOfOrgsIsRead(t *testing.T) {
	const a, b = "- {okta_domain: a.okta.com, okta_api_key: 00a}", "- {url: b.okta.com, api_token: 00b}"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		// Empty lists.
		"empty":                        {"", nil},
		"space":                        {" \n\n", nil},
		"comments":                     {"# tenants_credentials:\n#  " + a + "\n", nil},
		"a mark of a document":         {"---\n", nil},
		"documents of nothing":         {"---\n---\n# x\n---\n...\n", nil},
		"a byte order mark":            {"\ufeff", nil},
		"null":                         {"null", nil},
		"no value":                     {"tenants_credentials:\n", nil},
		"no value but a comment":       {"tenants_credentials: # none yet\n#" + a, nil},
		"tilde":                        {"tenants_credentials: ~\n", nil},
		"an empty list":                {"tenants_credentials: []\n", nil},
		"an empty list, and something": {"version: 1\ntenants_credentials: []\n", nil},

		// Forms of a list.
		"Logz.io's":                  {"tenants_credentials:\n  " + a + "\n  " + b + "\n", []string{"a.okta.com 00a", "b.okta.com 00b"}},
		"not indented":               {"tenants_credentials:\n" + a + "\n", []string{"a.okta.com 00a"}},
		"carriage returns":           {"tenants_credentials:\r\n" + a + "\r\n", []string{"a.okta.com 00a"}},
		"by itself":                  {a + "\n" + b, []string{"a.okta.com 00a", "b.okta.com 00b"}},
		"JSON":                       {`{"tenants_credentials": [{"okta_domain": "a.okta.com", "okta_api_key": "00a"}]}`, []string{"a.okta.com 00a"}},
		"JSON over lines, with tabs": {"[\n\t{\n\t\t\"url\": \"a.okta.com\",\n\t\t\"api_token\": \"00a\"\n\t}\n]\n", []string{"a.okta.com 00a"}},
		"a document after nothing":   {"---\n# head\n---\n" + a, []string{"a.okta.com 00a"}},
		"an anchor":                  {"x: &list\n" + a + "\ntenants_credentials: *list", []string{"a.okta.com 00a"}},
		"a merge": {"x: &defaults {okta_api_key: 00a}\ntenants_credentials:\n- {okta_domain: a.okta.com, <<: *defaults}",
			[]string{"a.okta.com 00a"}},

		// A fault in an entry costs only that entry.
		"a key twice": {a + "\n- okta_domain: c.okta.com\n  okta_api_key: 00hunter2\n  okta_api_key: 00hunter3\n" + b,
			[]string{"a.okta.com 00a", "c.okta.com: okta_api_key is there twice, in lines 3 and 4", "b.okta.com 00b"}},
		"a domain twice": {"- okta_domain: c.okta.com\n  okta_domain: d.okta.com\n  okta_api_key: 00hunter2\n" + b,
			[]string{"c.okta.com: okta_domain is there twice, in lines 1 and 2", "b.okta.com 00b"}},
		"a label twice": {"- {url: c.okta.com, api_token: 00hunter2, labels: {a: 1, a: 2}}\n" + b,
			[]string{"c.okta.com: the entry in line 1 cannot be read as YAML", "b.okta.com 00b"}},
		"an unknown member": {"- {url: c.okta.com, api_token: 00hunter2, shade: red}\n" + b,
			[]string{`c.okta.com: does not have field named "shade"`, "b.okta.com 00b"}},
		"a token that is a number": {"- {url: c.okta.com, api_token: 12345678}\n" + b,
			[]string{"c.okta.com: api_token should be string, got number", "b.okta.com 00b"}},
		"a tag that does not fit": {"- {url: c.okta.com, api_token: !!int 00hunter2}\n" + b,
			[]string{"c.okta.com: the entry in line 1 cannot be read as YAML", "b.okta.com 00b"}},
		"a text":      {"- hunter2\n" + b, []string{"an entry without name and url: should be object, got string", "b.okta.com 00b"}},
		"a list":      {"- [hunter2]\n" + b, []string{"an entry without name and url: should be object, got array", "b.okta.com 00b"}},
		"no entry":    {"-\n" + b, []string{" ", "b.okta.com 00b"}},
		"a cut entry": {a + "\n- okta_domain: b.ok", []string{"a.okta.com 00a", "b.ok "}},
		"names that are numbers": {"- {1: x}\n" + b,
			[]string{`an entry without name and url: does not have field named "1"`, "b.okta.com 00b"}},
		"labels that are numbers": {"- {url: c.okta.com, api_token: 00c, labels: {1: x}}", []string{"c.okta.com 00c"}},
		"two names of one setting": {"- {url: c.okta.com, okta_domain: c.okta.com, api_token: 00hunter2}",
			[]string{"c.okta.com: url and okta_domain are both set: they are two names of one setting"}},
		"an entry in itself": {"- &a [*a]", []string{"an entry without name and url: the entry in line 1 cannot be read as YAML"}},
	} {
		t.Run(name, func(t *testing.T) {
			orgs, err := ReadOrgs(c.text)
			require.NoError(t, err)
			require.NotNil(t, orgs)
			require.Equal(t, c.want, entries(orgs))
			for _, word := range append(ours, "hunter2") {
				require.NotContains(t, strings.Join(entries(orgs), "\n"), word)
			}
		})
	}
}

func TestAFileThatHoldsNoOrgsIsRefused(t *testing.T) {
	const a = "- {okta_domain: a.okta.com, okta_api_key: 00hunter2}\n"
	for name, c := range map[string]struct{ text, want string }{
		"two documents":       {"tenants_credentials:\n" + a + "---\ntenants_credentials:\n" + a, "has several YAML documents, of which the second begins in line 4"},
		"two lists":           {a + "---\n" + a, "several YAML documents"},
		"the list twice":      {"tenants_credentials:\n" + a + "tenants_credentials:\n" + a, "tenants_credentials is there twice, the second time in line 3"},
		"another name":        {"tenant_credentials:\n" + a, "has no member tenants_credentials"},
		"an empty object":     {"{}", "has no member tenants_credentials"},
		"a text":              {"hunter2", "line 1 has no list of orgs: it is a member tenants_credentials"},
		"a number":            {"tenants_credentials: 7", "line 1 has no list of orgs"},
		"one org, no list":    {"tenants_credentials:\n  okta_domain: a.okta.com\n  okta_api_key: 00hunter2", "line 2 has no list of orgs"},
		"a text for the list": {"tenants_credentials: hunter2", "line 1 has no list of orgs"},
		"a tab":               {"tenants_credentials:\n\t" + a, "is not YAML: line 2: found character that cannot start any token"},
		"a colon forgotten":   {"tenants_credentials:\n- okta_domain a.okta.com\n  okta_api_key: 00hunter2\n", "is not YAML: line "},
		"cut in a name":       {"tenants_credentials:\n- okta_domain: a.okta.com\n  okta_api_k", "is not YAML: line "},
		"a quote left open":   {"tenants_credentials:\n- {okta_domain: \"a.okta.com, okta_api_key: hunter2}\n", "is not YAML: line "},
		"binary":              {"\x00\x01\x02", "is not YAML: control characters"},
		"an unknown anchor":   {"tenants_credentials: *list", "is not YAML: "},
	} {
		t.Run(name, func(t *testing.T) {
			orgs, err := ReadOrgs(c.text)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, orgs)
			for _, word := range append(ours, "hunter2") {
				require.NotContains(t, err.Error(), word)
			}
		})
	}
}

func FuzzReadOrgs(f *testing.F) {
	for _, text := range []string{"", "tenants_credentials:\n- {okta_domain: a.okta.com, okta_api_key: 00a}\n", "- &a [*a]", "? [1]\n: x", "- {<<: [*a]}", "--- !!x\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		orgs, err := ReadOrgs(text)
		if err == nil {
			args := DefaultArguments
			args.Options.Orgs = orgs
			_ = args.OrgErrors()
		}
	})
}

// One argument takes a list, a text and a secret text.
func TestOrgsAreAListOrAText(t *testing.T) {
	const text = `"tenants_credentials:\n- {okta_domain: a.okta.com, okta_api_key: 00a}\n"`
	for name, c := range map[string]struct {
		value any
		orgs  string
		want  []string
	}{
		"a list":            {nil, `[{url = "a.okta.com", api_token = "00a"}]`, []string{"a.okta.com 00a"}},
		"lists joined":      {nil, `array.concat([{url = "a.okta.com", api_token = "00a"}], [])`, []string{"a.okta.com 00a"}},
		"an empty list":     {nil, `[]`, nil},
		"a text":            {nil, text, []string{"a.okta.com 00a"}},
		"an empty text":     {nil, `""`, nil},
		"a secret":          {alloytypes.Secret("- {url: a.okta.com, api_token: 00a}"), "given", []string{"a.okta.com 00a"}},
		"a file":            {alloytypes.OptionalSecret{IsSecret: true, Value: "- {url: a.okta.com, api_token: 00a}"}, "given", []string{"a.okta.com 00a"}},
		"a file in clear":   {alloytypes.OptionalSecret{Value: "- {url: a.okta.com, api_token: 00a}"}, "given", []string{"a.okta.com 00a"}},
		"decoded YAML":      {nil, `encoding.from_yaml(` + text + `)["tenants_credentials"]`, []string{"a.okta.com 00a"}},
		"what was exported": {Orgs{{org: Org{URL: "a.okta.com", APIToken: "00a"}}}, "given", []string{"a.okta.com 00a"}},
	} {
		t.Run(name, func(t *testing.T) {
			args, err := evaluateWith(t, "forward_to = [receiver]\norgs = "+c.orgs, map[string]any{"given": c.value})
			require.NoError(t, err)
			require.NotNil(t, args.Options.Orgs)
			require.Equal(t, c.want, entries(args.Options.Orgs))
		})
	}
	for orgs, want := range map[string]string{
		"7": "the list of orgs should be array, got number", "{}": "the list of orgs should be array, got object",
		`"hunter2"`: "line 1 has no list of orgs", "true": "the list of orgs should be array, got bool",
	} {
		_, err := evaluate(t, "forward_to = [receiver]\norgs = "+orgs)
		require.ErrorContains(t, err, want)
	}
}
