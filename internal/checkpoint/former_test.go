package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// former are files as former versions wrote them: testdata/checkpoints/README.md says which.
const former = "../../testdata/checkpoints"

var formerScope = Scope{Org: "http://localhost", PageSize: 1000}

// eachFormer runs a test with each of them.
func eachFormer(t *testing.T, test func(t *testing.T, name string, data []byte)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(former, "*.json"))
	require.NoError(t, err)
	require.Len(t, paths, 6)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Less(t, len(data), 10_000)
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) { test(t, name, data) })
	}
}

// left returns a folder that holds a file of that content.
func left(t *testing.T, data []byte) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, FileName(formerScope.Org))
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return dir, path
}

// What each former version wrote is read, whatever an editor did to its white space, and written as today's.
func TestFilesOfFormerVersionsAreRead(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return parsed
	}
	for name, rewrite := range map[string]func([]byte) []byte{
		"as it was":          bytes.Clone,
		"Windows line ends":  func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")) },
		"a byte order mark":  func(data []byte) []byte { return append([]byte("\xef\xbb\xbf"), data...) },
		"tabs, no last line": func(data []byte) []byte { return bytes.TrimSpace(bytes.ReplaceAll(data, []byte("  "), []byte("\t"))) },
	} {
		t.Run(name, func(t *testing.T) {
			eachFormer(t, func(t *testing.T, name string, data []byte) {
				data = rewrite(data)
				dir, path := left(t, data)
				want := map[string]struct {
					last, newest, pending string
					selectors             []string
					confirmed, finished   bool
				}{
					"1-marks":     {last: "2000-01-01T00:05:06Z"},
					"2-pending":   {last: "2000-01-01T00:04:55Z", pending: "2000-01-01T00:05:06Z", confirmed: true},
					"3-selectors": {"2000-01-01T00:04:55Z", "", "2000-01-01T00:05:06Z", []string{`{job="test"}`}, true, false},
					"4-newest":    {"2000-01-01T00:04:55Z", "2000-01-01T00:04:55Z", "2000-01-01T00:05:06Z", []string{`{job="test"}`}, true, false},
					"5-range-under-way": {"2000-01-01T00:00:00Z", "2000-01-01T00:08:19.5Z", "2000-01-01T00:16:39.5Z", []string{`{job="test"}`}, true,
						false},
					"5-range-finished": {"2000-01-01T00:19:59.5Z", "2000-01-01T00:19:59.5Z", "", nil, true, true},
				}[name]

				shown, err := Look(dir, formerScope.Org)
				require.NoError(t, err)
				require.Equal(t, at(want.last), shown.Position.Published)
				require.Equal(t, want.pending != "", shown.Pending != nil, "what is shown as not confirmed")

				j, notes, err := Open(dir, formerScope, time.Minute)
				require.NoError(t, err)
				require.Empty(t, notes)
				last, _ := j.Last()
				require.Equal(t, at(want.last), last.Published)
				require.Contains(t, last.Cursor, "http://localhost/api/v1/logs?")
				if want.newest != "" {
					require.Equal(t, at(want.newest), j.Newest)
				}
				if want.pending != "" {
					require.Equal(t, at(want.pending), j.Delivery.Pending.Published)
				}
				require.Equal(t, want.selectors, j.Delivery.Selectors)
				require.Equal(t, want.confirmed, j.Delivery.ConfirmedBy == "one")
				require.Equal(t, want.finished, j.Finished)
				require.Empty(t, j.others)

				_, err = Read(data, formerScope.Org)
				require.NoError(t, err, "as another node's copy")
				renamed, _, err := Open(t.TempDir(), formerScope, time.Minute)
				require.NoError(t, err)
				require.True(t, renamed.Follow(j), "as the file of a component that is renamed")
				require.Equal(t, j.marks, renamed.marks)
				require.Equal(t, j.Delivery, renamed.Delivery)
				require.NoError(t, j.Save())
				again, notes, err := Open(dir, formerScope, time.Minute)
				require.NoError(t, err)
				require.Empty(t, notes)
				require.Equal(t, j, again)
				names, err := filepath.Glob(filepath.Join(dir, "*"))
				require.NoError(t, err)
				require.Equal(t, []string{path}, names)
			})
		})
	}
}

// Each is kept, byte for byte, when somebody moves the cursor.
func TestFilesOfFormerVersionsAreKeptWhenACursorIsMoved(t *testing.T) {
	eachFormer(t, func(t *testing.T, _ string, data []byte) {
		moved := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		for name, move := range map[string]func(dir string) (string, error){
			"placed": func(dir string) (string, error) { return Place(dir, formerScope, "start", moved) },
			"removed": func(dir string) (string, error) {
				kept, err := Remove(dir, formerScope.Org)
				require.Len(t, kept, 1)
				return kept[0], err
			},
		} {
			dir, _ := left(t, data)
			kept, err := move(dir)
			require.NoError(t, err)
			had, err := os.ReadFile(kept)
			require.NoError(t, err)
			require.Equal(t, data, had)
			j, notes, err := Open(dir, formerScope, time.Hour)
			require.NoError(t, err)
			require.Empty(t, notes)
			mark, ok := j.Resume()
			require.Equal(t, name == "placed", ok)
			if ok {
				require.Equal(t, moved, mark.Published)
				require.Nil(t, j.Delivery.Pending)
			}
		}
	})
}

// utf16 is what some editors on Windows make of a file.
func utf16(data []byte) []byte {
	return []byte("\xff\xfe" + strings.Join(strings.Split(string(data), ""), "\x00") + "\x00")
}

// What is no such file any more is set aside and told, never taken for a start from nothing.
func TestWhatIsLeftOfFilesOfFormerVersionsIsSetAside(t *testing.T) {
	replace := func(old, with string) func([]byte) []byte {
		return func(data []byte) []byte { return bytes.Replace(data, []byte(old), []byte(with), 1) }
	}
	for name, c := range map[string]struct {
		damage func([]byte) []byte
		why    string
	}{
		"empty":            {func([]byte) []byte { return nil }, "it is corrupt: unexpected end of JSON input"},
		"zeros":            {func(data []byte) []byte { return make([]byte, len(data)) }, "it is corrupt"},
		"truncated":        {func(data []byte) []byte { return data[:len(data)/2] }, "it is corrupt: "},
		"one digit":        {replace("after=", "after=1"), "the checksum does not match"},
		"a member is gone": {replace(`"query": "",`, ""), "the checksum does not match"},
		"another org's":    {replace(`"http://localhost"`, `"http://127.0.0.1"`), "the checksum does not match"},
		"a newer version":  {replace(`"version": 1`, `"version": 2`), "it has version 2, which a program must know version 2 to read"},
		"UTF-16":           {utf16, "it is corrupt: invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			eachFormer(t, func(t *testing.T, file string, data []byte) {
				if file == "5-range-under-way" && name == "one digit" {
					return // it has the cursor of a start, by time
				}
				damaged := c.damage(data)
				dir, path := left(t, damaged)
				_, err := Look(dir, formerScope.Org)
				require.ErrorContains(t, err, c.why)
				j, notes, err := Open(dir, formerScope, time.Minute)
				require.NoError(t, err)
				require.Len(t, notes, 1)
				require.Contains(t, notes[0].String(), "checkpoint not used, set aside")
				require.Contains(t, notes[0].String(), c.why)
				_, ok := j.Last()
				require.False(t, ok)
				aside, err := filepath.Glob(path + ".set-aside-*")
				require.NoError(t, err)
				require.Len(t, aside, 1)
				kept, err := os.ReadFile(aside[0])
				require.NoError(t, err)
				require.Equal(t, string(damaged), string(kept))
			})
		})
	}
}
