package checkpoint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ofVersion1 is a file that a program wrote which knew no later members, nor that there may be any.
const ofVersion1 = `{
  "version": 1,
  "scope": {
    "org": "https://acme.okta.com",
    "filter": "eventType eq \"a\" \u0026 \u003cb\u003e",
    "query": "",
    "page_size": 1000
  },
  "marks": [
    {
      "cursor": "https://acme.okta.com/api/v1/logs?after=1\u0026limit=1000",
      "published": "2026-11-21T10:00:00.123Z",
      "handed_over": "2026-11-21T10:00:00.123Z"
    }
  ],
  "newest": "2026-11-21T10:00:00.123Z",
  "delivery": {
    "pending": {
      "cursor": "https://acme.okta.com/api/v1/logs?after=2\u0026limit=1000",
      "published": "2026-11-21T10:00:00.123Z",
      "handed_over": "2026-11-21T10:00:00.123Z"
    },
    "confirmed_by": "x",
    "selectors": [
      "{org=\"a\"}"
    ]
  },
  "finished": true,
  "checksum": "sha256:70cc1503f6f409c6d9f679bef6df1f7127989df3e8b4507785166a470fce23e8"
}
`

var scopeOfVersion1 = Scope{Org: "https://acme.okta.com", Filter: `eventType eq "a" & <b>`, PageSize: 1000}

// What this program writes without need for anything new is, byte for byte, what an older one reads.
func TestFilesOfVersion1AreReadAndWrittenAsTheyWere(t *testing.T) {
	f, err := parse([]byte(ofVersion1))
	require.NoError(t, err)
	require.Empty(t, f.others)
	data, err := f.encode()
	require.NoError(t, err)
	require.Equal(t, ofVersion1, string(data))
}

// laterVersions are files as a program may write them that knows more: the text of each replaces a part of ofVersion1.
var laterVersions = map[string]struct{ old, new string }{
	"a member":             {`"finished": true,`, `"finished": true, "shard": "a",`},
	"members of any kind":  {`"finished": true,`, `"z": null, "a": {"b": [1.50, "<&\u2028>"]}, "n": 12345678901234567890, "finished": true,`},
	"before all others":    {`"version": 1,`, `"shard": {"of": 2}, "version": 1,`},
	"a later version":      {`"version": 1,`, `"version": 7, "least_reader": 1, "shard": "a",`},
	"in the scope":         {`"query": "",`, `"query": "", "sort": "asc",`},
	"in a mark":            {`after=1\u0026limit=1000",`, `after=1\u0026limit=1000", "sequence": 9,`},
	"in what is delivered": {`"confirmed_by": "x",`, `"confirmed_by": "x", "route": 2,`},
}

// later returns what a later version wrote.
func later(t *testing.T, old, with string) []byte {
	t.Helper()
	require.Equal(t, 1, strings.Count(ofVersion1, old))
	members, err := membersOf([]byte(strings.Replace(ofVersion1, old, with, 1)))
	require.NoError(t, err)
	members[len(members)-1].value = json.RawMessage(`"` + sum(members) + `"`)
	return object(members)
}

func TestWhatALaterVersionAddedIsReadAndKept(t *testing.T) {
	for name, c := range laterVersions {
		t.Run(name, func(t *testing.T) {
			data := later(t, c.old, c.new)
			written, err := Read(data, testScope.Org)
			require.NoError(t, err, "as a copy of another node")
			require.Equal(t, t0.Add(123*time.Millisecond), written)
			message, err := json.Marshal(map[string]json.RawMessage{"journal": data})
			require.NoError(t, err)
			var inMessage map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(message, &inMessage))
			_, err = Read(inMessage["journal"], testScope.Org)
			require.NoError(t, err, "as part of a message")

			for _, as := range []string{"file", "copy"} {
				dir := t.TempDir()
				path := filepath.Join(dir, FileName(testScope.Org))
				var copies [][]byte
				if as == "file" {
					require.NoError(t, os.WriteFile(path, data, 0o600))
				} else {
					copies = append(copies, data)
				}
				j, notes, err := Open(dir, scopeOfVersion1, 0, copies...)
				require.NoError(t, err)
				require.Empty(t, notes)
				require.Len(t, j.marks, 1)
				require.True(t, j.Finished)
				require.Equal(t, []string{`{org="a"}`}, j.Delivery.Selectors)

				require.NoError(t, j.Append(mark(2, t0.Add(time.Second))))
				again, notes, err := Open(dir, scopeOfVersion1, 0)
				require.NoError(t, err)
				require.Empty(t, notes)
				require.Len(t, again.others, len(j.others))
				rewritten, err := os.ReadFile(path)
				require.NoError(t, err)
				var had, has map[string]any
				require.NoError(t, json.Unmarshal(data, &had))
				require.NoError(t, json.Unmarshal(rewritten, &has))
				for member, value := range had {
					switch member {
					case "version", "least_reader", "scope", "marks", "delivery", "checksum":
					default:
						require.Equal(t, value, has[member], member)
					}
				}
			}
		})
	}
}

// A damaged byte is found wherever it is, in what is not known too.
func TestDamageInWhatIsNotKnownIsFound(t *testing.T) {
	c := laterVersions["members of any kind"]
	data := string(later(t, c.old, c.new))
	for _, damage := range [][2]string{{`1.50`, `1.51`}, {`"z"`, `"y"`}, {`null`, `true`}, {`12345678901234567890`, `12345678901234567891`}} {
		_, err := parse([]byte(strings.Replace(data, damage[0], damage[1], 1)))
		require.ErrorContains(t, err, "the checksum does not match", damage)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(ofVersion1))
	for _, c := range laterVersions {
		f.Add([]byte(strings.Replace(ofVersion1, c.old, c.new, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		had, err := parse(data)
		if err != nil {
			return
		}
		had.Version, had.LeastReader = version, 0
		again, err := had.encode()
		if err != nil {
			return // a time outside of years 0 to 9999
		}
		has, err := parse(again)
		require.NoError(t, err)
		had.Checksum, has.Checksum = "", ""
		require.Equal(t, len(had.others), len(has.others))
		had.others, has.others = nil, nil
		one, _ := json.Marshal(had)
		other, _ := json.Marshal(has)
		require.Equal(t, string(one), string(other))
	})
}
