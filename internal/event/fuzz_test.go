package event

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event/eventtest"
)

// FuzzScan holds Scan to encoding/json: it accepts what json.Valid accepts and
// is an array of objects, finds the same bytes and the same facts, and makes a
// valid line of each.
func FuzzScan(f *testing.F) {
	for _, name := range eventtest.Names(f) {
		f.Add(append(append([]byte{'['}, eventtest.Read(f, name)...), ']'))
	}
	for _, body := range []string{
		``, `[]`, `{}`, ` [ ] `, `[{}]`, `[{},{}]`, `[{"a":-0.1e+2}]`, `[{"uuid":"\u00e9"}]`, `[{"uuid":"a"},1]`, `[{"a":01}]`,
		`[{"a":"\ud800"}]`,
		"[{\"a\":\"\xff\"}]", "[{\"\x7f\":\"\\u0000\"}]", `[{"a":1.}]`, `[{"a":.1}]`, `[{"a":1e}]`, `[{"a":+1}]`, `[{"a":nul}]`,
		`[{"a":[[[]]]}]]`, `[{"uuid":"a","uuid":2}]`,
	} {
		f.Add([]byte(body))
	}
	plain, err := New(Options{Org: "o"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		var want []json.RawMessage
		isPage := json.Unmarshal(body, &want) == nil && bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("["))
		for _, element := range want {
			isPage = isPage && element[0] == '{'
		}
		events, err := Scan(body)
		if !isPage {
			require.ErrorIs(t, err, ErrNotPage)
			return
		}
		require.NoError(t, err)
		require.Len(t, events, len(want))
		for i, ev := range events {
			require.Equal(t, string(want[i]), string(ev.Raw))
			// Names are compared by encoding/json without regard to case, but not in a map.
			var members map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(ev.Raw, &members))
			var uuid string
			if json.Unmarshal(members["uuid"], &uuid) != nil {
				uuid = ""
			}
			require.Equal(t, uuid, string([]rune(ev.UUID)))
			require.True(t, json.Valid([]byte(plain.Entry(ev, time.Unix(0, 0)).Line)))
		}
	})
}
