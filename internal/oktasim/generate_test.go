package oktasim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	run := func(seed int64) (all []byte) {
		synctest.Test(t, func(t *testing.T) {
			o := &Org{Seed: seed, LateShare: 0.1}
			o.Generate(500, time.Hour)
			all = bytes.Join(o.Events(), []byte("\n"))
		})
		return all
	}
	require.Equal(t, run(7), run(7))
	require.NotEqual(t, run(7), run(8))
}

// typesIn are the event types of plays.
func typesIn(plays []play) map[string]bool {
	types := map[string]bool{}
	for _, p := range plays {
		for _, scene := range p.Scenes {
			for _, step := range scene.Events {
				for _, name := range step.OneOf {
					for _, piece := range events[name].head {
						if _, after, found := strings.Cut(piece.text, `"eventType":"`); found {
							eventType, _, _ := strings.Cut(after, `"`)
							types[eventType] = true
						}
					}
				}
			}
		}
	}
	return types
}

// requireOktasShape asserts what holds for every event; uuids are those of the others.
func requireOktasShape(t *testing.T, e gjson.Result, uuids map[string]bool) {
	t.Helper()
	id, err := uuid.Parse(e.Get("uuid").Str)
	require.NoError(t, err)
	require.False(t, uuids[id.String()], "uuid twice")
	uuids[id.String()] = true
	published, err := time.Parse(oktaTime, e.Get("published").Str)
	require.NoError(t, err)
	sec, nsec := id.Time().UnixTime()
	require.Equal(t, published.UnixMilli(), time.Unix(sec, nsec).UnixMilli(), "the time in the uuid")
	require.Contains(t, severities, e.Get("severity").Str)
	require.Equal(t, "0", e.Get("version").Str)
	require.NotEmpty(t, e.Get("actor.id").Str)
	require.NotEmpty(t, e.Get("displayMessage").Str)
	if ip := e.Get("client.ipAddress").Str; ip != "" {
		require.NotNil(t, net.ParseIP(ip), ip)
		want := map[bool]string{true: "V4", false: "V6"}[net.ParseIP(ip).To4() != nil]
		require.Equal(t, want, e.Get("request.ipChain.0.version").Str, ip)
	}
	require.False(t, strings.ContainsFunc(e.Raw, func(r rune) bool { return r > 0xffff }), "Okta handles the basic multilingual plane only")
}

func TestPersistenceFollowsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{LateShare: 0.2, LateBy: time.Hour}
		o.Generate(2_000, 24*time.Hour)
		late := 0
		for i, e := range o.log.events {
			require.LessOrEqual(t, e.published, e.persisted)
			if e.persisted-e.published > 2500 {
				late++
			}
			if i > 0 {
				require.LessOrEqual(t, o.log.events[i-1].persisted, e.persisted)
			}
		}
		require.InDelta(t, 400, late, 150)
	})
}

func TestWhatIsGeneratedIsThereAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{}
		for n := 1; n <= 1000; n++ {
			o.Generate(1, 0)
			require.Equal(t, n, o.Len())
		}
	})
}

func TestLiveKeepsItsRate(t *testing.T) {
	for _, perSecond := range []float64{0.1, 5, 300} {
		t.Run(fmt.Sprint(perSecond), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &Org{}
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
				defer cancel()
				require.ErrorIs(t, o.Live(ctx, perSecond), context.DeadlineExceeded)
				require.InDelta(t, 100*perSecond, o.Len(), max(1, perSecond/10))
			})
		})
	}
}

func BenchmarkGenerate(b *testing.B) {
	o := &Org{}
	o.Generate(b.N, time.Hour)
}

// An event as it stands in a log is a template without variables.
func TestARealEventCanBePasted(t *testing.T) {
	const pasted = `{"actor": {"id": "00u1", "type": "User"}, "eventType": "user.session.start", "published": "2020-01-02T03:04:05.678Z",
		"debugContext": {"debugData": {"price": "$5", "url": "/x?a=b"}}, "uuid": "11111111-2222-3333-4444-555555555555",
		"target": [{"id": "0oa1"}]}`
	s := &scene{stage: &stage{world: newWorld(1)}, at: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)}
	s.log(compile(json.RawMessage(pasted)))
	want := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(pasted, "\n\t\t", ""), ": ", ":"), ", ", ",")
	want = strings.Replace(want, "2020-01-02T03:04:05.678Z", "2026-05-06T07:08:09.000Z", 1)
	want = strings.Replace(want, "11111111-2222-3333-4444-555555555555", gjson.GetBytes(s.events[0], "uuid").Str, 1)
	require.Equal(t, want, string(s.events[0]))
	require.NotContains(t, want, "1111")
}
