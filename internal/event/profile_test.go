// option: redact

package event

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/redact"
)

func TestNamesOfAttributes(t *testing.T) {
	for attribute, want := range map[string]string{
		"department":        "actor_department",
		"costCenter":        "actor_cost_center",
		"userType":          "actor_user_type",
		"SAMAccountName":    "actor_sam_account_name",
		"primaryPhone2":     "actor_primary_phone2",
		"address2Line":      "actor_address2_line",
		"custom_attribute":  "actor_custom_attribute",
		"Custom_Attribute":  "actor_custom_attribute",
		"employeeID":        "actor_employee_id",
		"isVIP":             "actor_is_vip",
		"X":                 "actor_x",
		"countryCode":       "actor_country_code",
		"preferredLanguage": "actor_preferred_language",
	} {
		f, err := New(Options{Org: "acme.okta.com"}, attribute)
		require.NoError(t, err)
		require.Equal(t, want, f.profile[0].name)
		require.NoError(t, checkName(want))
	}
}

func TestAttributesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		profile []string
		says    []string
	}{
		"empty":                        {[]string{""}, []string{`profile ""`, "letters, digits and underscores"}},
		"a space":                      {[]string{"cost center"}, []string{`profile "cost center"`, "costCenter"}},
		"a path":                       {[]string{"profile.department"}, []string{`profile "profile.department"`}},
		"a digit first":                {[]string{"2nd"}, []string{`profile "2nd"`}},
		"an underscore first":          {[]string{"_x"}, []string{`profile "_x"`}},
		"a letter of another alphabet": {[]string{"отдел"}, []string{`profile "отдел"`}},
		"a new line":                   {[]string{"title\n"}, []string{`profile "title\n"`}},
		"long":                         {[]string{strings.Repeat("a", 65)}, []string{"64 at most"}},
		"twice":                        {[]string{"title", "title"}, []string{`profile "title"`, `that of "title"`}},
		"the same name":                {[]string{"costCenter", "cost_center"}, []string{`profile "cost_center"`, "actor_cost_center", `"costCenter"`}},
		"roles":                        {[]string{"roles"}, []string{`profile "roles"`, "actor_roles", "context"}},
		"groups":                       {[]string{"groups"}, []string{"actor_groups"}},
		"the event's type":             {[]string{"type"}, []string{"actor_type", "__okta_actor_type"}},
		"a label":                      {[]string{"division"}, []string{"actor_division", "labels"}},
		"metadata":                     {[]string{"login"}, []string{"actor_login", "structured_metadata"}},
		"eleven":                       {strings.Split("abcdefghijk", ""), []string{"11 attributes: at most 10"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Org: "acme.okta.com", Labels: map[string]string{"actor_division": "x"},
				StructuredMetadata: map[string]string{"actor_login": "actor.alternateId"}}, c.profile...)
			for _, words := range c.says {
				require.ErrorContains(t, err, words)
			}
		})
	}
}

var ofMara = Context{ActorGroups: "Staff,VIP", Profile: []string{"Finance & \"more\"", "", "CFO"}}

var threeAttributes = []string{"department", "costCenter", "title"}

// metadataOf is an entry's metadata of context.
func metadataOf(e Entry) map[string]string {
	all := map[string]string{}
	for _, m := range e.StructuredMetadata {
		if strings.HasPrefix(m.Name, "actor_") || m.Name == ContextTime {
			all[m.Name] = m.Value
		}
	}
	return all
}

func TestProfilesAndGroupsAreMetadataAndNothingElse(t *testing.T) {
	for _, format := range []string{FormatEnvelope, FormatEvent} {
		f, err := New(Options{Org: "acme.okta.com", LineFormat: format}, threeAttributes...)
		require.NoError(t, err)
		events, err := Scan([]byte(withParties))
		require.NoError(t, err)
		with, without := f.EntryIn(ofMara, events[0], time.Now()), f.Entry(events[0], time.Now())
		require.Equal(t, map[string]string{ActorGroups: "Staff,VIP", "actor_department": "Finance & \"more\"", "actor_title": "CFO"}, metadataOf(with))
		require.Empty(t, metadataOf(without))
		with.StructuredMetadata = without.StructuredMetadata
		require.Equal(t, without, with)
		require.Empty(t, metadataOf(f.EntryIn(Context{Profile: []string{"", "", ""}, Time: time.Now()}, events[0], time.Now())), "nothing, no time")
		require.Empty(t, metadataOf(f.EntryIn(Context{Profile: []string{"of another configuration"}}, events[0], time.Now())))
	}
}

func TestRulesSeeProfilesAndGroups(t *testing.T) {
	copies := func(from string) *relabel.Config {
		return &relabel.Config{SourceLabels: model.LabelNames{model.LabelName("__okta_" + from)}, Regex: relabel.MustNewRegexp("(.+)"),
			TargetLabel: from, Replacement: "$1", Action: relabel.Replace}
	}
	f, err := New(Options{Org: "acme.okta.com",
		RelabelRules: []*relabel.Config{copies("actor_department"), copies("actor_title"), copies("actor_groups")}}, threeAttributes...)
	require.NoError(t, err)
	events, err := Scan([]byte(withParties))
	require.NoError(t, err)
	e := f.EntryIn(ofMara, events[0], time.Now())
	require.Equal(t, model.LabelValue("CFO"), e.Labels["actor_title"])
	require.Equal(t, model.LabelValue("Finance & \"more\""), e.Labels["actor_department"])
	require.Equal(t, model.LabelValue("Staff,VIP"), e.Labels["actor_groups"])
	require.Empty(t, metadataOf(e), "Loki shows one of each name")
	require.NotContains(t, f.Entry(events[0], time.Now()).Labels, model.LabelName("actor_title"))
	require.Equal(t, []string{"__okta_actor_department", "__okta_actor_groups", "__okta_actor_roles", "__okta_target_roles"},
		ContextLabels([]string{"department"}))
}

// Redaction treats a profile as if the event had it, as actor.profile, and the line as if there were none.
func TestRedactionSeesProfiles(t *testing.T) {
	key := []byte("0123456789abcdef")
	for name, c := range map[string]struct {
		redact redact.Options
		want   []string // department, title; "": absent
	}{
		"a preset, masked":  {redact.Options{}, []string{"***", "***"}},
		"the other one":     {redact.Options{Presets: []string{redact.PresetPersonalData}}, []string{"***", "***"}},
		"a preset, dropped": {redact.Options{Mode: redact.ModeDrop}, []string{"", ""}},
		"a path":            {redact.Options{Presets: []string{}, Paths: []string{"actor.profile.title"}}, []string{ofMara.Profile[0], "***"}},
		"a path, dropped": {redact.Options{Presets: []string{}, Mode: redact.ModeDrop, Paths: []string{"actor.profile.department"}},
			[]string{"", "CFO"}},
		"all of it":      {redact.Options{Presets: []string{}, Paths: []string{"actor.profile"}}, []string{"***", "***"}},
		"something else": {redact.Options{Presets: []string{}, Paths: []string{"client.ipAddress"}}, []string{ofMara.Profile[0], "CFO"}},
		"hashed":         {redact.Options{Mode: redact.ModeHash, Key: key}, []string{"hmac:", "hmac:"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := New(Options{Org: "acme.okta.com", Redaction: &c.redact, RelabelRules: []*relabel.Config{
				{SourceLabels: model.LabelNames{"__okta_actor_title"}, Regex: relabel.MustNewRegexp("(.*)"), TargetLabel: "title", Replacement: "$1",
					Action: relabel.Replace},
			}}, threeAttributes...)
			require.NoError(t, err)
			// A word of the profile in the line is no mention: the line must not depend on what is known.
			events, err := Scan([]byte(strings.Replace(withParties, `"id":"00uB"`, `"id":"00uB","note":"CFO"`, 1)))
			require.NoError(t, err)
			with, without := f.EntryIn(ofMara, events[0], time.Now()), f.Entry(events[0], time.Now())
			got := metadataOf(with)
			for i, name := range []string{"actor_department", "actor_title"} {
				if c.want[i] == "hmac:" {
					require.Regexp(t, "^hmac:[0-9a-f]{32}$", got[name])
				} else {
					require.Equal(t, c.want[i], got[name])
				}
			}
			require.Equal(t, got["actor_title"], string(with.Labels["title"]))
			require.Equal(t, without.Line, with.Line)
			require.Equal(t, "Staff,VIP", got[ActorGroups], "the configuration names them")
			require.Equal(t, []string{"Finance & \"more\"", "", "CFO"}, ofMara.Profile, "what is known stays")
		})
	}
}

// Equal values have equal tokens, whoever has them.
func TestTokensOfProfilesCanBeCompared(t *testing.T) {
	f, err := New(Options{Org: "acme.okta.com", Redaction: &redact.Options{Mode: redact.ModeHash, Key: []byte("0123456789abcdef")}}, "department")
	require.NoError(t, err)
	tokens := map[string]int{}
	for i := range 4 {
		events, err := Scan([]byte(strings.Replace(withParties, "00uA", fmt.Sprint("00uA", i), 1)))
		require.NoError(t, err)
		c := Context{Profile: []string{[]string{"Finance", "Sales"}[i%2]}}
		tokens[metadataOf(f.EntryIn(c, events[0], time.Now()))["actor_department"]]++
	}
	require.Len(t, tokens, 2)
}
