// option: redact

package event

import (
	"testing"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/redact"
)

const withParties = `[{"uuid":"u","published":"2026-08-21T10:00:00.000Z","eventType":"user.session.start",` +
	`"actor":{"type":"User","id":"00uA","alternateId":"mara@acme.example"},` +
	`"target":[{"id":"00uB","type":"User"},{"type":"x"},7,{"id":"0\u0030gC","type":"UserGroup"},{"id":null}]}]`

func TestPartiesOfAnEvent(t *testing.T) {
	for page, want := range map[string][]string{
		withParties:                                   {"actor User 00uA", "target User 00uB", "target UserGroup 00gC"},
		`[{"uuid":"u"}]`:                              nil,
		`[{"actor":null,"target":null}]`:              nil,
		`[{"actor":"x","target":{"id":"a"}}]`:         nil,
		`[{"actor":{"id":"a","id":"b"},"target":[]}]`: {"actor  b"},
		`[{"target":[{"id":"t","type":"User","more":{"id":"x"}}],"actor":{}}]`: {"target User t"},
	} {
		events, err := Scan([]byte(page))
		require.NoError(t, err)
		var got []string
		events[0].Parties(func(actor bool, kind, id string) {
			got = append(got, map[bool]string{true: "actor ", false: "target "}[actor]+kind+" "+id)
		})
		require.Equal(t, want, got, page)
	}
}

func contextOf(e Entry) map[string]string {
	all := map[string]string{}
	for _, m := range e.StructuredMetadata {
		if m.Name == ActorRoles || m.Name == TargetRoles || m.Name == ContextTime {
			all[m.Name] = m.Value
		}
	}
	return all
}

var known = Context{ActorRoles: "CUSTOM_MARA,CUSTOM_NIGHT_SHIFT,SUPER_ADMIN", TargetRoles: "ORG_ADMIN", Time: time.Unix(1_787_306_400, 5)}

func TestContextIsMetadataAndNothingElse(t *testing.T) {
	for _, format := range []string{FormatEnvelope, FormatEvent} {
		f, err := New(Options{Org: "acme.okta.com", LineFormat: format})
		require.NoError(t, err)
		events, err := Scan([]byte(withParties))
		require.NoError(t, err)
		with, without := f.EntryIn(known, events[0], time.Now()), f.Entry(events[0], time.Now())
		require.Equal(t, map[string]string{
			ActorRoles: known.ActorRoles, TargetRoles: "ORG_ADMIN", ContextTime: "2026-08-21T10:00:00Z",
		}, contextOf(with))
		require.Equal(t, append(without.StructuredMetadata[:len(without.StructuredMetadata):len(without.StructuredMetadata)],
			push.LabelAdapter{Name: ActorRoles, Value: known.ActorRoles}, push.LabelAdapter{Name: TargetRoles, Value: "ORG_ADMIN"},
			push.LabelAdapter{Name: ContextTime, Value: "2026-08-21T10:00:00Z"}), with.StructuredMetadata)
		with.StructuredMetadata = without.StructuredMetadata
		require.Equal(t, without, with)
		require.Empty(t, contextOf(f.EntryIn(Context{Time: time.Now()}, events[0], time.Now())), "no roles, no time")
	}
}

// A name that is a label or configured metadata already stays what it is, as Loki shows one of each name.
func TestContextTakesNoNameThatIsTaken(t *testing.T) {
	f, err := New(Options{Org: "acme.okta.com", Labels: map[string]string{TargetRoles: "mine"},
		StructuredMetadata: map[string]string{ActorRoles: "actor.type"}})
	require.NoError(t, err)
	events, err := Scan([]byte(withParties))
	require.NoError(t, err)
	e := f.EntryIn(known, events[0], time.Now())
	require.Equal(t, map[string]string{ActorRoles: "User", ContextTime: "2026-08-21T10:00:00Z"}, contextOf(e))
	require.Equal(t, model.LabelValue("mine"), e.Labels[TargetRoles])
}

func TestRulesSeeTheContext(t *testing.T) {
	f, err := New(Options{Org: "acme.okta.com", RelabelRules: []*relabel.Config{
		{SourceLabels: model.LabelNames{"__okta_actor_roles"}, Regex: relabel.MustNewRegexp(".*SUPER_ADMIN.*"), TargetLabel: "admin",
			Replacement: "super", Action: relabel.Replace},
		{SourceLabels: model.LabelNames{"__okta_target_roles"}, Regex: relabel.MustNewRegexp("DROP"), Action: relabel.Drop},
	}})
	require.NoError(t, err)
	events, err := Scan([]byte(withParties))
	require.NoError(t, err)
	require.Equal(t, model.LabelValue("super"), f.EntryIn(known, events[0], time.Now()).Labels["admin"])
	require.NotContains(t, f.Entry(events[0], time.Now()).Labels, model.LabelName("admin"))
	require.Nil(t, f.EntryIn(Context{TargetRoles: "DROP"}, events[0], time.Now()).Labels)
}

// Where anything is redacted, roles that an administrator named say no more than that they are custom, in metadata and to rules.
func TestRedactionHidesTheNamesOfCustomRoles(t *testing.T) {
	for _, o := range []redact.Options{
		{Mode: redact.ModeMask, Presets: []string{redact.PresetUserIdentity}},
		{Mode: redact.ModeMask, Presets: []string{redact.PresetPersonalData}},
		{Mode: redact.ModeMask, Presets: []string{}, Paths: []string{"actor.id"}},
	} {
		f, err := New(Options{Org: "acme.okta.com", Redaction: &o, RelabelRules: []*relabel.Config{
			{SourceLabels: model.LabelNames{"__okta_actor_roles"}, Regex: relabel.MustNewRegexp("(.*)"), TargetLabel: "roles", Replacement: "$1",
				Action: relabel.Replace},
		}})
		require.NoError(t, err)
		events, err := Scan([]byte(withParties))
		require.NoError(t, err)
		e := f.EntryIn(known, events[0], time.Now())
		require.Equal(t, "CUSTOM,SUPER_ADMIN", contextOf(e)[ActorRoles])
		require.Equal(t, "ORG_ADMIN", contextOf(e)[TargetRoles])
		require.Equal(t, model.LabelValue("CUSTOM,SUPER_ADMIN"), e.Labels["roles"])
	}
}
