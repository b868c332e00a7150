package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	lokipush "github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/limits/limitstest"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// What package limits says that Loki refuses, a Loki at its defaults refuses, for that reason, and it takes everything else.
func TestLokiRefusesWhatIsSaidThatItRefuses(t *testing.T) {
	t.Parallel()
	loki := lokiAtItsDefaults(t)
	discarded := map[string]int{}
	for i, c := range limitstest.Cases() {
		want := http.StatusNoContent
		if c.Reason != "" {
			want = http.StatusBadRequest
			discarded[c.Reason]++
		}
		entry := c.Entry(fmt.Sprint("case ", i), time.Now())
		status, answer := pushAsLokiWrite(t, loki, streamOf(c.Labels), entry)
		require.Equalf(t, want, status, "%s: %s", c.Name, answer)
	}
	got := discardedBy(t, loki)
	delete(got, "invalid_labels") // what it refuses for its labels, it counts so, too
	require.Equal(t, discarded, got)
}

// An entry that Loki refuses for its own sake costs nothing else of its batch. One whose labels or metadata have names that Loki cannot
// read costs all of it, once or for ever: they are refused when the configuration is read, or left out.
func TestWhatARefusalCosts(t *testing.T) {
	t.Parallel()
	loki := lokiAtItsDefaults(t)
	now := time.Now()
	good := lokipush.Stream{Labels: `{job="good"}`, Entries: []lokipush.Entry{{Timestamp: now, Line: "good"}}}
	for name, c := range map[string]struct {
		bad    lokipush.Stream
		status int
		kept   bool // the good entry
	}{
		"a limit":                               {lokipush.Stream{Labels: `{job="` + strings.Repeat("x", 2049) + `"}`}, http.StatusBadRequest, true},
		"a label name that begins with a digit": {lokipush.Stream{Labels: `{1="x"}`}, http.StatusBadRequest, false},
		"a label name with a dot":               {lokipush.Stream{Labels: `{a.b="x"}`}, http.StatusBadRequest, false},
		"an empty label name":                   {lokipush.Stream{Labels: `{="x"}`}, http.StatusBadRequest, false},
		"a label twice":                         {lokipush.Stream{Labels: `{a="x", a="y"}`}, http.StatusBadRequest, true},
		"a metadata name of underscores": {lokipush.Stream{Labels: `{job="x"}`, Entries: []lokipush.Entry{
			{Timestamp: now, Line: "x", StructuredMetadata: lokipush.LabelsAdapter{{Name: "__", Value: "v"}}}}}, http.StatusInternalServerError, false},
		"an empty metadata name": {lokipush.Stream{Labels: `{job="x"}`, Entries: []lokipush.Entry{
			{Timestamp: now, Line: "x", StructuredMetadata: lokipush.LabelsAdapter{{Name: "", Value: "v"}}}}}, http.StatusInternalServerError, false},
	} {
		good.Labels = `{job="good", name="` + name + `"}`
		if c.bad.Entries == nil {
			c.bad.Entries = []lokipush.Entry{{Timestamp: now, Line: "x"}}
		}
		status, answer := post(t, loki, good, c.bad)
		require.Equalf(t, c.status, status, "%s: %s", name, answer)
		held, err := loki.Reader().Entries(t.Context(), good.Labels, now.Add(-time.Minute), now.Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, c.kept, len(held) == 1, name)
	}
}

// lokiAtItsDefaults starts a Loki with none of the limits that other tests raise.
func lokiAtItsDefaults(t *testing.T) *testbed.Loki {
	t.Helper()
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir(), DefaultLimits: true}
	runLoki(t, loki)
	return loki
}

// streamOf writes labels as loki.write does. Source: Alloy v1.19.2, internal/component/common/loki/client/batch.go, labelsMapToString.
func streamOf(labels model.LabelSet) string {
	var parts []string
	for name, value := range labels {
		parts = append(parts, string(name)+"="+strconv.Quote(string(value)))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}

func pushAsLokiWrite(t *testing.T, loki *testbed.Loki, labels string, entry lokipush.Entry) (int, string) {
	t.Helper()
	return post(t, loki, lokipush.Stream{Labels: labels, Entries: []lokipush.Entry{entry}})
}

// post sends one batch.
func post(t *testing.T, loki *testbed.Loki, streams ...lokipush.Stream) (int, string) {
	t.Helper()
	message, err := proto.Marshal(&lokipush.PushRequest{Streams: streams})
	require.NoError(t, err)
	resp, err := http.Post(loki.URL()+"/loki/api/v1/push", "application/x-protobuf", bytes.NewReader(snappy.Encode(nil, message)))
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 500))
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

var discardedSamples = regexp.MustCompile(`(?m)^loki_discarded_samples_total\{.*reason="([^"]+)".*\} (\d+)$`)

// discardedBy is how many entries Loki has refused, by its reasons.
func discardedBy(t *testing.T, loki *testbed.Loki) map[string]int {
	t.Helper()
	by := map[string]int{}
	for _, m := range discardedSamples.FindAllStringSubmatch(lokiMetrics(t, loki), -1) {
		n, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		by[m[1]] += n
	}
	return by
}

// A push that Loki answers with 404 is a fault of the push's address. Nothing arrives, and the selector is not to blame.
func TestAPushToAWrongAddressIsToldAsSuch(t *testing.T) {
	t.Parallel()
	s := newTrial(t, strings.Replace(reconciled, `"/loki/api/v1/push"`, `"/"`, 1), "--rate=1/s", "--backlog=0")
	s.alloy.start(t)
	message := s.alloy.waitForHealth(t, "unhealthy")
	require.Contains(t, message, "Loki has nothing at all of that time, so pushes fail or go elsewhere")
	require.Contains(t, message, "404: its url must end in /loki/api/v1/push")
	require.NotContains(t, message, "selector")
	require.Contains(t, s.alloy.Log(), "(404)", "loki.write says it")

	// Put right, everything arrives.
	s.reload(t, reconciled)
	s.alloy.waitForHealth(t, "healthy")
	s.requireDelivered(t, s.settle(t))
}
