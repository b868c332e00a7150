// option: context, orgs, clustering, backfill, redact

package okta

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/component/common/relabel"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestContextArguments(t *testing.T) {
	one := "url = \"https://acme.okta.com\"\napi_token = \"right\"\nforward_to = [receiver]\n"
	const app = " private_key_jwt {\n client_id = \"0oaX\"\n"
	for body, want := range map[string]string{
		"context {}":                                                                   "",
		"context {\n roles = true\n}":                                                  "",
		"context {\n refresh = \"1m\"\n}":                                              "",
		"context {\n refresh = \"30s\"\n}":                                             "refresh is 30s: it must be between 1m0s and 24h0m0s",
		"context {\n refresh = \"25h\"\n}":                                             "refresh is 25h0m0s",
		"context {\n refresh = \"0s\"\n}":                                              "refresh is 0s",
		"context {\n roles = \"x\"\n}":                                                 "should be bool",
		"context {\n api_token = \"a b\"\n}":                                           "",
		"context {\n roles = true\n api_token = \"a b\"\n}":                            "context: ",
		"context {\n roles = true\n api_token = \"x\"\n" + app + " }\n}":               "at most one",
		"context {\n roles = true\n" + app + " }\n}":                                   "context: private_key_jwt: ",
		"context {\n roles = true\n}\ncontext {\n roles = true\n}":                     "context",
		"context {\n roles = true\n" + app + " private_key_file = \"/nowhere\"\n }\n}": "",
	} {
		_, err := evaluate(t, one+body)
		if want == "" {
			require.NoError(t, err, body)
		} else {
			require.ErrorContains(t, err, want, body)
		}
	}
}

// A component's credentials would go to every org, one org's token to the hosts of the others.
func TestCredentialsForRolesAreOneOrgs(t *testing.T) {
	const (
		token   = " api_token = \"00hunter2token\"\n"
		app     = " private_key_jwt {\n client_id = \"0oaX\"\n private_key_file = \"/nowhere\"\n }\n"
		one     = "url = \"https://acme.okta.com\"\napi_token = \"right\"\n"
		entries = `orgs = [{name = "c", url = "https://c.okta.com", api_token = "right"}]` + "\n"
		none    = "orgs = []\n"
		own     = `orgs = [{name = "c", url = "https://c.okta.com", api_token = "right", context = {roles = true, api_token = "own"}}]` + "\n"
	)
	block := func(name, more string) string {
		return fmt.Sprintf("org %q {\n url = \"https://%s.okta.com\"\n api_token = \"right\"\n%s}\n", name, name, more)
	}
	context := func(more string) string { return "context {\n roles = true\n" + more + "}\n" }
	for name, c := range map[string]struct {
		body    string
		refused bool
	}{
		"a token, blocks":               {block("a", "") + block("b", "") + context(token), true},
		"a token, one block":            {block("a", "") + context(token), true},
		"a token, a list":               {entries + context(token), true},
		"a token, a list and a block":   {entries + block("a", "") + context(token), true},
		"a token, an empty list":        {none + context(token), true},
		"an app, blocks":                {block("a", "") + block("b", "") + context(app), true},
		"an app, a list":                {entries + context(app), true},
		"a token, roles are off":        {block("a", "") + "context {\n" + token + "}\n", true},
		"a token, each has its own":     {block("a", context(token)) + context(token), true},
		"a token, one url":              {one + context(token), false},
		"an app, one url":               {one + context(app), false},
		"an org's own token":            {block("a", context(token)) + block("b", "") + context(""), false},
		"an org's own app":              {block("a", context(app)) + block("b", ""), false},
		"an entry's own token":          {own + context(""), false},
		"the credentials of each org's": {entries + block("a", "") + context(""), false},
	} {
		_, err := evaluate(t, "forward_to = [receiver]\n"+c.body)
		if !c.refused {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, "context: api_token or private_key_jwt is set beside org or orgs", name)
		require.ErrorContains(t, err, "set it, with roles, in the context of the org that it is for", name)
		require.NotContains(t, err.Error(), "hunter2", name)
	}
}

// Rules that keep or drop events by roles are refused: while roles are not known, events would be lost.
func TestRulesThatLoseEventsByRoles(t *testing.T) {
	rule := func(action relabel.Action, target string, sources ...string) *relabel.Config {
		c := &relabel.Config{}
		c.SetToDefault()
		c.Action, c.TargetLabel, c.SourceLabels = action, target, sources
		return c
	}
	const actor, target = "__okta_actor_roles", "__okta_target_roles"
	mapped := rule(relabel.LabelMap, "")
	require.NoError(t, mapped.Regex.UnmarshalText([]byte("__okta_(.+)_roles")))
	mapped.Replacement = "who_$1"
	remapped := rule(relabel.LabelMap, "")
	remapped.Replacement = "copy_$1"
	hashed := rule(relabel.HashMod, "h", actor)
	hashed.Modulus = 8
	for name, c := range map[string]struct {
		rules relabel.Rules
		want  string // in the error; "": none
	}{
		"a label":                 {relabel.Rules{rule(relabel.Replace, "admin", actor)}, ""},
		"another is dropped":      {relabel.Rules{rule(relabel.Replace, "admin", actor), rule(relabel.Drop, "", "__okta_severity")}, ""},
		"keep":                    {relabel.Rules{rule(relabel.Keep, "", actor)}, `rule 1 has the action "keep" and reads ` + actor},
		"drop":                    {relabel.Rules{rule(relabel.Drop, "", "job", target)}, `rule 1 has the action "drop" and reads ` + target},
		"keepequal":               {relabel.Rules{rule(relabel.KeepEqual, actor, "job")}, "reads " + actor},
		"dropequal":               {relabel.Rules{rule(relabel.DropEqual, "job", target)}, "reads " + target},
		"by a label that is made": {relabel.Rules{rule(relabel.Replace, "admin", actor), rule(relabel.Keep, "", "admin")}, "rule 2"},
		"by a label that is copied": {
			relabel.Rules{rule(relabel.Replace, "a", actor), rule(relabel.Lowercase, "b", "a"), rule(relabel.Drop, "", "b")},
			"reads b, which depends on " + actor,
		},
		"by a label that is mapped": {
			relabel.Rules{mapped, rule(relabel.Keep, "", "who_target")}, "reads who_target, which depends on " + target,
		},
		"by a hash": {relabel.Rules{hashed, rule(relabel.Drop, "", "h")}, "reads h, which depends on " + actor},
		"by a label whose name is computed": {
			relabel.Rules{rule(relabel.Replace, "x_$1", actor), rule(relabel.Drop, "", "x_SUPER_ADMIN")},
			"reads x_SUPER_ADMIN, which depends on " + actor,
		},
		"keepequal to one": {
			relabel.Rules{rule(relabel.Replace, "x_${1}_y", target), rule(relabel.KeepEqual, "x_a_y", "job")},
			"reads x_a_y, which depends on " + target,
		},
		"by any label, as any may be computed": {
			relabel.Rules{rule(relabel.Replace, "$1", actor), rule(relabel.Keep, "", "job")}, "reads job, which depends on " + actor,
		},
		"by a label that is copied of a computed one": {
			relabel.Rules{rule(relabel.Replace, "x_$1", actor), rule(relabel.Uppercase, "b", "x_a"), rule(relabel.Drop, "", "b")},
			"reads b, which depends on " + actor,
		},
		"by a label that is mapped of a computed one": {
			relabel.Rules{rule(relabel.Replace, "x_$1", actor), remapped, rule(relabel.Drop, "", "copy_x_a")},
			"reads copy_x_a, which depends on " + actor,
		},
		"by another label than those computed": {
			relabel.Rules{rule(relabel.Replace, "x_$1", actor), rule(relabel.Drop, "", "__okta_severity")}, "",
		},
		"by a name that the event gives": {
			relabel.Rules{rule(relabel.Replace, "$1", "__okta_severity"), rule(relabel.Drop, "", "WARN")}, "",
		},
	} {
		for _, on := range []bool{true, false} {
			args := DefaultArguments
			args.URL, args.APIToken, args.RelabelRules = "https://acme.okta.com", "right", c.rules
			args.ForwardTo = []loki.LogsReceiver{loki.NewLogsReceiver()}
			args.Options.Context = &Context{Roles: on, Refresh: time.Hour}
			if err := args.Validate(); c.want == "" || !on {
				require.NoError(t, err, name)
			} else {
				require.ErrorContains(t, err, c.want, name)
				require.ErrorContains(t, err, "context: relabel_rules", name)
			}
		}
	}
}

// Each of several orgs has its own table, and may have its own block, in a block or a list; one that is wrong costs that org only.
func TestRolesOfSeveralOrgs(t *testing.T) {
	a, b, c := administered(), administered(), administered()
	b.Roles.Users["00uSuper"] = []string{"REPORT_ADMIN"}
	hosts := map[string]*oktasim.Org{}
	block := func(name string, org *oktasim.Org, more string) string {
		host := serving(t, org)
		hosts[host] = org
		return fmt.Sprintf("org %q {\n url = \"http://%s\"\n api_token = \"right\"\n%s}\n", name, host, more)
	}
	list := fmt.Sprintf(`orgs = [{name = "c", url = "http://%s", api_token = "right", context = {roles = false}}]`, serving(t, c))
	s := runs(t, "poll_interval = \"100ms\"\ncontext {\n roles = true\n}\n"+block("a", a, "")+
		block("b", b, "context {\n roles = true\n refresh = \"1h\"\n api_token = \"right\"\n}\n")+
		block("wrong", administered(), "context {\n roles = true\n api_token = \"a b\"\n}\n")+list+"\n")
	want := map[*oktasim.Org]string{a: "SUPER_ADMIN", b: "REPORT_ADMIN", c: ""}
	until(t, "two tables", func() bool {
		n := 0
		for _, m := range collected(s.current()) {
			i := m.plan.Load().of.identity
			if i == nil {
				continue
			}
			if status := i.table.Status(); status.Users > 0 && status.Pending == 0 {
				n++
			}
		}
		return n == 2
	})
	require.ErrorContains(t, s.current()[2].err, "context")
	now := time.Now()
	for _, org := range []*oktasim.Org{a, b, c} {
		org.Append(happened("1", "user.session.start", "", "00uSuper", "00uNobody", now))
	}
	for range want {
		e := s.take(t)
		require.Equal(t, want[orgOn(hosts, e, c)], rolesOf(e)["actor_roles"])
	}
	require.Zero(t, len(aboutRoles(c)), "off is off")
}

func orgOn(hosts map[string]*oktasim.Org, e loki.Entry, other *oktasim.Org) *oktasim.Org {
	if org := hosts[string(e.Labels["org"])]; org != nil {
		return org
	}
	return other
}

func aboutRoles(org *oktasim.Org) (all []string) {
	for _, r := range org.Requests() {
		if !strings.Contains(r.URL, "/logs") {
			all = append(all, r.URL)
		}
	}
	return all
}
