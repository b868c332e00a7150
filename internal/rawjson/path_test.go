package rawjson

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What other tools call a path is refused and not taken for the name of a member that no event has.
func TestPathsOfOtherToolsAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "it is empty",
		".a":                   "it begins with a dot",
		"$":                    "it begins with $",
		"$.a":                  "it begins with $",
		`$["a"]`:               "it begins with $",
		"$a":                   "it begins with $",
		"@.a":                  "it begins with @",
		"/a":                   "holds a slash",
		"/a/b":                 "holds a slash",
		"#/a/b":                "holds a slash",
		"a/b":                  "holds a slash",
		"a.b/c":                "holds a slash",
		"client/ipAddress":     "holds a slash",
		"a..b":                 "a name is missing",
		"a.":                   "a name is missing",
		"[0].a":                "it begins with a picker",
		"a[0]b":                "a dot is missing",
		"a b":                  "is not a name",
		` a`:                   "is not a name",
		`{{ .a }}`:             "is not a name",
		"a[?(@.type=='User')]": "is neither an element number (from 0) nor a type",
		"a['b']":               "is neither",
		"a[0:2]":               "is neither",
		"a[0,1]":               "is neither",
		"a[-1]":                "is neither",
	} {
		for _, wild := range []bool{false, true} {
			path, err := ParsePath(text, wild)
			require.ErrorContains(t, err, want, text)
			require.ErrorContains(t, err, PathForms, text)
			require.Nil(t, path)
		}
	}
	for _, text := range []string{"a", "a.b", `["$"].a`, `["/a"]`, `a["b/c"]`, "a$", "a.$b", "target[AppInstance|User|0].id"} {
		_, err := ParsePath(text, false)
		require.NoError(t, err, text)
	}
}
