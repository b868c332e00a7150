// option: redact

package event

import (
	"testing"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/redact"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func TestWhatIsTakenOutIsNeitherLabelNorMetadata(t *testing.T) {
	e := entryOf(t, Options{
		RelabelRules: eventTypeLabel,
		Redaction:    &redact.Options{Mode: redact.ModeDrop, Presets: []string{}, Paths: []string{"eventType", "severity", "target[*]"}},
	}, signIn)
	require.Equal(t, model.LabelSet{"job": "loki.source.okta", "org": "acme.okta.com"}, e.Labels)
	require.Equal(t, push.LabelsAdapter{{Name: "detected_level", Value: "info"}, {Name: "outcome", Value: "FAILURE"}}, e.StructuredMetadata)
	require.Equal(t, `{"event":{"published":"2026-08-21T10:00:00.120Z","outcome":{"result":"FAILURE"},"target":[], "new":1e2},`+
		`"level":"info","msg":"received event","time":"2026-08-21T10:00:00.120Z"}`, e.Line)
}
