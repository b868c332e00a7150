package event

import (
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
)

func TestLabelsKeyIsOfTheFinalLabels(t *testing.T) {
	rules := []*relabel.Config{
		{Action: relabel.Replace, SourceLabels: model.LabelNames{"__okta_outcome_result"}, Regex: relabel.MustNewRegexp("(.).*"),
			TargetLabel: "result", Replacement: "$1"},
		{Action: relabel.Drop, SourceLabels: model.LabelNames{"result"}, Regex: relabel.MustNewRegexp("X")},
	}
	of := func(result string) Entry {
		return entryOf(t, Options{RelabelRules: rules}, `{"outcome":{"result":"`+result+`"}}`)
	}
	require.Equal(t, of("SUCCESS").Labels.Fingerprint(), of("SUCCESS").LabelsKey)
	require.Equal(t, of("SUCCESS").LabelsKey, of("SKIPPED").LabelsKey, "the same labels, from other values")
	require.NotEqual(t, of("SUCCESS").LabelsKey, of("FAILURE").LabelsKey)
	require.Nil(t, of("XYZ").Labels)
}

func TestNoLabelLeftIsRefusedWhenKnown(t *testing.T) {
	rule := func(action relabel.Action, source, regex, target string) *relabel.Config {
		r := relabel.DefaultRelabelConfig
		r.Action, r.Regex, r.TargetLabel = action, relabel.MustNewRegexp(regex), target
		if source != "" {
			r.SourceLabels = model.LabelNames{model.LabelName(source)}
		}
		return &r
	}
	none := map[string]string{"job": "", "org": ""}
	for name, tc := range map[string]struct {
		labels map[string]string
		rules  []*relabel.Config
		want   string // of the error
	}{
		"none": {none, nil, `labels map["job":"" "org":""] and 0 relabeling rules leave no label`},
		"a hidden one": {map[string]string{"job": "", "org": "", "__x": "y"}, nil,
			`leave no label on any entry, and nothing selects such entries in Loki; keep job or org`},
		"dropped": {nil, []*relabel.Config{rule(relabel.LabelDrop, "", "job|org", "")},
			`labels map[] and 1 relabeling rules leave no label`},
		"keep adds none": {none, []*relabel.Config{rule(relabel.Keep, "__okta_event_type", ".+", "")}, `leave no label`},
		"nothing to add": {none, []*relabel.Config{rule(relabel.Replace, "nowhere", "(.+)", "type")}, `leave no label`},
		"added":          {none, []*relabel.Config{rule(relabel.Replace, "__okta_event_type", "(.+)", "type")}, ""},
		"mapped":         {none, []*relabel.Config{rule(relabel.LabelMap, "", "__okta_(level)", "")}, ""},
		"from the org":   {none, []*relabel.Config{rule(relabel.Replace, "__okta_org", "(.*)", "host")}, ""},
		"one is left":    {map[string]string{"job": ""}, []*relabel.Config{rule(relabel.LabelDrop, "", "job", "")}, ""},
		"all dropped":    {nil, []*relabel.Config{rule(relabel.Drop, "", ".*", "")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Org: "acme.okta.com", Labels: tc.labels, RelabelRules: tc.rules})
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// An event that the rules leave no label is not one that they drop.
func TestNoLabelLeftIsNotDropped(t *testing.T) {
	e := entryOf(t, Options{Labels: map[string]string{"job": "", "org": ""}, RelabelRules: eventTypeLabel}, `{"uuid":"1"}`)
	require.NotNil(t, e.Labels)
	require.Empty(t, e.Labels)
}

// A name that Loki cannot read would cost all of its batch.
func TestALabelWithANameThatLokiCannotReadIsLeftOut(t *testing.T) {
	for _, regex := range []string{"x(.)", "x1(.*)"} { // 1, and nothing
		rules := []*relabel.Config{{Action: relabel.LabelMap, Regex: relabel.MustNewRegexp(regex), Replacement: "$1"}}
		e := entryOf(t, Options{Labels: map[string]string{"x1": "v"}, RelabelRules: rules}, `{"uuid":"1"}`)
		require.Equal(t, model.LabelSet{"job": Job, "org": "acme.okta.com", "x1": "v"}, e.Labels)
	}
}
