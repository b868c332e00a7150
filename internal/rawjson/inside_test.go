package rawjson

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextIsAnObjectOrArray(t *testing.T) {
	for name, tc := range map[string]struct {
		text string // what the string holds
		ok   bool
	}{
		"object":       {`{"a":"é\n"}`, true},
		"array":        {` [1] `, true},
		"number":       {`1`, false},
		"string":       {`"a"`, false},
		"empty":        {``, false},
		"white space":  {` `, false},
		"broken":       {`{"a":`, false},
		"and more":     {`{} x`, false},
		"Okta's map":   {`{New Device=POSITIVE}`, false},
		"another word": {`[USER_PRESENCE]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			spelled, err := json.Marshal(tc.text)
			require.NoError(t, err)
			var inside Text
			require.Equal(t, tc.ok, inside.Read(spelled, SpanOf(0, len(spelled))))
			if !tc.ok {
				return
			}
			text, places := inside.Raw, inside.Places
			require.Equal(t, tc.text, string(text))
			require.Len(t, places, len(text)+1)
			require.EqualValues(t, len(spelled)-1, places[len(text)])
			for i := range text {
				require.Contains(t, []byte{text[i], '\\'}, spelled[places[i]], "byte %d", i)
			}
		})
	}
	require.False(t, new(Text).Read([]byte(`{}`), SpanOf(0, 2)), "not a string")
}
