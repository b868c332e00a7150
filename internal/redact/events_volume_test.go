//go:build !race

package redact

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// TestEventsOfKnownShapeAreRedactedAsOthers compares what is done from memory with what the walk does, when shapes are new, and known.
func TestEventsOfKnownShapeAreRedactedAsOthers(t *testing.T) {
	all := events(t)
	for name, o := range everyRedaction() {
		known, err := New(o)
		require.NoError(t, err)
		walks, err := New(o)
		require.NoError(t, err)
		walks.shapes.guard = nil
		for range 2 {
			for _, raw := range all {
				p, q := known.Begin(), walks.Begin()
				end := rawjson.SkipValue(raw, 0, 0)
				got, want := []rawjson.Span{{End: uint32(end)}}, []rawjson.Span{{End: uint32(end)}}
				if a, b := p.Redact(raw, got), q.Redact(raw, want); !bytes.Equal(a, b) {
					t.Fatalf("%s: %s\nbecame\n%s\nand not\n%s", name, raw, a, b)
				}
				require.Equal(t, want, got)
				p.End()
				q.End()
			}
		}
	}
}

func TestNoRedactedValueSurvivesInRandomEvents(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 5))
		raw, red := randomEvent(r), randomRedaction(r)
		got := redacted(t, red, raw)
		requireRedacted(t, red, raw, got)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		requireRestKept(t, red, raw, got)
	}
}

// TestOktasPersonalMembersAreRedacted reads testdata/personal-members.tsv: every member that Okta's catalog of event types marks
// personal or sensitive.
func TestOktasPersonalMembersAreRedacted(t *testing.T) {
	table, err := os.ReadFile("testdata/personal-members.tsv")
	require.NoError(t, err)
	around := map[string]string{
		"actor.detailEntry":      `{"actor":{"id":"00u1","type":"SystemPrincipal","detailEntry":{%s}}}`,
		"target.detailEntry":     `{"target":[{"id":"0oa1","type":"AppInstance","displayName":"Payroll","detailEntry":{%s}}]}`,
		"target.changeDetails":   `{"target":[{"id":"0oa1","type":"AppInstance","changeDetails":{"from":{%[1]s},"to":{%[1]s}}}]}`,
		"debugContext.debugData": `{"debugContext":{"debugData":{%s}}}`,
	}
	snake := regexp.MustCompile(`[A-Z]`)
	rows := 0
	for line := range strings.Lines(string(table)) {
		fields := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		where, member := fields[0], fields[1]
		for _, spelled := range []string{member, strings.ToUpper(member), snake.ReplaceAllStringFunc(member,
			func(s string) string { return "_" + strings.ToLower(s) })} {
			for _, value := range []string{`"Kari Rotnes"`, `["Kari Rotnes"]`, `{"value":"Kari Rotnes"}`, `{"a":[{"b":"Kari Rotnes"}]}`,
				`"{\"login\":\"Kari Rotnes\"}"`, `"[\"Kari Rotnes\"]"`} {
				raw := fmt.Sprintf(around[where], fmt.Sprintf("%q:%s", spelled, value))
				for _, o := range everyRedaction() {
					requireGone(t, o, raw, "Kari Rotnes")
				}
			}
		}
	}
	require.Equal(t, 366, rows)
}
