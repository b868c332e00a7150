package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// copyOf is what a journal on another node saved last, with one mark.
func copyOf(t *testing.T, scope Scope, m Mark) (data []byte) {
	j, _, _ := Open(t.TempDir(), scope, time.Minute)
	j.Saved = func(saved []byte) { data = saved }
	require.NoError(t, j.Append(m))
	return data
}

func TestTheNewestOfFileAndCopiesIsTaken(t *testing.T) {
	older, newer := copyOf(t, testScope, mark(1, t0.Add(-time.Minute))), copyOf(t, testScope, mark(7, t0.Add(time.Minute)))
	for name, tc := range map[string]struct {
		copies [][]byte
		want   Mark
	}{
		"no copy":          {nil, mark(0, t0)},
		"an older one":     {[][]byte{older}, mark(0, t0)},
		"older and newer":  {[][]byte{newer, older}, mark(7, t0.Add(time.Minute))},
		"of no use":        {[][]byte{[]byte("{"), newer[:len(newer)/2]}, mark(0, t0)},
		"of another org":   {[][]byte{bytes.ReplaceAll(newer, []byte("acme"), []byte("beta"))}, mark(0, t0)},
		"in the future":    {[][]byte{copyOf(t, testScope, mark(8, time.Now().Add(time.Hour)))}, mark(0, t0)},
		"changed in a bit": {[][]byte{bytes.Replace(newer, []byte("after=16"), []byte("after=17"), 1)}, mark(0, t0)},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := filled(t, 1)
			j, notes, err := Open(dir, testScope, time.Minute, tc.copies...)
			require.NoError(t, err)
			require.Empty(t, notes)
			last, ok := j.Last()
			require.True(t, ok)
			require.Equal(t, tc.want, last)
		})
	}
}

func TestACopyServesWithoutADisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600)) // no folder can be made in it
	j, notes, err := Open(filepath.Join(file, "folder"), testScope, 0, copyOf(t, testScope, mark(3, t0)))
	require.NoError(t, err)
	require.Empty(t, notes)
	last, ok := j.Last()
	require.True(t, ok)
	require.Equal(t, mark(3, t0), last)
	var saved []byte
	j.Saved = func(data []byte) { saved = data }
	require.Error(t, j.Append(mark(4, t0.Add(time.Second))))
	written, err := Read(saved, testScope.Org)
	require.NoError(t, err, "what could not be written is offered to another node all the same")
	require.Equal(t, t0.Add(time.Second), written)
}

func TestAStandbyCopyIsKeptBesideTheFile(t *testing.T) {
	dir, j := filled(t, 1)
	data := copyOf(t, testScope, mark(5, t0))
	require.Nil(t, Standby(dir, testScope.Org))
	require.NoError(t, WriteStandby(dir, testScope.Org, data))
	require.Equal(t, data, Standby(dir, testScope.Org))
	own, err := os.ReadFile(j.path)
	require.NoError(t, err)
	require.Equal(t, own, Current(dir, testScope.Org))
	require.Nil(t, Standby(dir, "https://beta.okta.com"))
}
