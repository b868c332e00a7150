package lokitest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

var noon = time.Date(2026, 8, 21, 12, 0, 0, 0, time.UTC)

func loki(t *testing.T, page string) *Loki {
	t.Helper()
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	events, err := event.Scan([]byte(page))
	require.NoError(t, err)
	l := &Loki{}
	for _, e := range events {
		l.Push(formatter.Entry(e, noon))
	}
	return l
}

const page = `[
{"uuid":"b","published":"2026-08-21T11:59:00.000Z","eventType":"user.session.end","actor":{"id":"two"}},
{"uuid":"a","published":"2026-08-21T11:55:00.000Z","eventType":"user.session.start","actor":{"id":"one"},
 "target":[{"type":"User","id":"me"}]},
{"uuid":"a","published":"2026-08-21T11:55:00.000Z","eventType":"user.session.start","actor":{"id":"one"},
 "target":[{"type":"User","id":"me"}]}]`

func TestInstantSeesMetadataAndEveryCopy(t *testing.T) {
	l := loki(t, page)
	const query = `sum by (event_target_id, actor) (count_over_time({job="loki.source.okta"} | eventType="user.session.start" ` +
		`| json actor="event.actor.id" [5m]))`
	for at, want := range map[time.Duration]string{
		-5*time.Minute - time.Nanosecond: `[]`,
		-5 * time.Minute:                 `[{actor="one", event_target_id="me"} => 2 @[1787313300000]]`,
		-time.Nanosecond:                 `[{actor="one", event_target_id="me"} => 2 @[1787313599999]]`,
		0:                                `[]`,
	} {
		vector, err := l.Instant(t.Context(), query, noon.Add(at))
		require.NoError(t, err)
		got := "[" + vector.String() + "]"
		require.Equal(t, want, got, at)
	}
}

func TestRangeEvaluatesEveryStep(t *testing.T) {
	matrix, err := loki(t, page).Range(t.Context(), `sum(count_over_time({org="acme.okta.com"}[1m]))`, noon.Add(-6*time.Minute), noon, time.Minute)
	require.NoError(t, err)
	require.Len(t, matrix, 1)
	require.Len(t, matrix[0].Floats, 2)
}

func TestLinesAreInOrder(t *testing.T) {
	lines, err := loki(t, page).Lines(t.Context(), `{org="acme.okta.com"} | json | line_format "{{.event_uuid}}"`, noon.Add(-time.Hour), noon)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "a", "b"}, lines)
}

func TestAWrongQueryIsAnError(t *testing.T) {
	_, err := (&Loki{}).Instant(t.Context(), `sum(`, noon)
	require.ErrorContains(t, err, "sum(")
	_, err = (&Loki{}).Instant(t.Context(), `{job="a"}`, noon)
	require.ErrorContains(t, err, "a vector was expected")
}
