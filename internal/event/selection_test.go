package event

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Pickers choose among elements of all forms: with more members than usual, members that are there twice, and no objects at all.
func TestPickersChooseAmongElements(t *testing.T) {
	const many = `"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":{"i":[8]}`
	for name, c := range map[string]struct{ target, path, want string }{
		"by type":                             {`[{"id":"1","type":"User"},{"id":"2","type":"AppInstance"}]`, "target[AppInstance].id", "2"},
		"the first of a type":                 {`[{"id":"1","type":"User"},{"id":"2","type":"User"}]`, "target[User].id", "1"},
		"the first one, behind":               {`[{"id":"1","type":"User"},{"id":"2","type":"AppInstance"}]`, "target[AppInstance|User|0].id", "2"},
		"the second, without the first":       {`[{"id":"1","type":"X"},{"id":"2","type":"User"}]`, "target[AppInstance|User|0].id", "2"},
		"by number":                           {`[{"id":"1","type":"X"},{"id":"2"}]`, "target[1].id", "2"},
		"by number or type":                   {`[{"id":"1","type":"X"},{"id":"2"}]`, "target[7|Y|0].id", "1"},
		"none":                                {`[{"id":"1","type":"X"}]`, "target[Y].id", ""},
		"none in an empty array":              {`[]`, "target[0].id", ""},
		"type and member behind many":         {`[{"id":"0"},{` + many + `,"type":"User","id":"1"}]`, "target[User].id", "1"},
		"a member between many":               {`[{"type":"User",` + many + `,"id":"1",` + many + `}]`, "target[User].h.i[0]", "8"},
		"the first of two types, last of two": {`[{"type":"User","type":"Y","id":"1","id":"2"}]`, "target[User].id", "2"},
		"no text for a type":                  {`[{"type":7,"id":"1"},{"type":"User","id":"2"}]`, "target[User].id", "2"},
		"names spelled with escapes":          {`[{"\u0074ype":"\u0055ser","\u0069d":"1"}]`, "target[User].id", "1"},
		"the element itself":                  {`[ 7 , {"type":"User" , "id":"1"} , [8] ]`, "target[User]", `{"type":"User" , "id":"1"}`},
		"a number":                            {`[ 7 , {"type":"User"} , [8] ]`, "target[0]", "7"},
		"an array, and in it":                 {`[ 7 , {"type":"User"} , [8,9] ]`, "target[2][1]", "9"},
		"JSON in a string":                    {`["{\"id\":\"1\"}"]`, "target[0].id", "1"},
		"a single object, by its type":        {`{"type":"User","id":"1"}`, "target[User].id", "1"},
		"a single object is no element":       {`{"type":"User","id":"1"}`, "target[0].id", ""},
		"text is no array":                    {`"User"`, "target[0].id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options{StructuredMetadata: map[string]string{"got": c.path, "other": "target[3|Z].id"}}
			got := ""
			for _, m := range entryOf(t, opts, `{"target":`+c.target+`}`).StructuredMetadata {
				require.Equal(t, "got", m.Name)
				got = m.Value
			}
			require.Equal(t, c.want, got)
		})
	}
}
