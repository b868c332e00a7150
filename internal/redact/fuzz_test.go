package redact

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/grafana/alloy/okta/internal/event/eventtest"
)

// FuzzRedact redacts one event by rules that the seed chooses.
func FuzzRedact(f *testing.F) {
	for i, name := range eventtest.Names(f) {
		f.Add(eventtest.Read(f, name), uint64(i))
	}
	for seed := range uint64(24) {
		f.Add(randomEvent(rand.New(rand.NewPCG(seed, 7))), seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		if len(raw) == 0 || raw[0] != '{' || raw[len(raw)-1] != '}' || !json.Valid(raw) {
			return
		}
		r := randomRedaction(rand.New(rand.NewPCG(seed, 5)))
		got := redacted(t, r, raw)
		requireRedacted(t, r, raw, got)
		requireRestKept(t, r, raw, got)
	})
}
