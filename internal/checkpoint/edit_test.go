package checkpoint

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const edited = "https://acme.okta.com"

var editedScope = Scope{Org: edited, PageSize: 1000}

func TestAPositionThatIsPlacedIsTheOneToGoOnFrom(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	j, _, err := Open(dir, editedScope, time.Hour)
	require.NoError(t, err)
	j.Newest = now.UTC().Truncate(time.Second)
	j.Delivery.Pending = &Mark{Cursor: "p", Delivered: now.UTC()}
	for i := range 3 {
		require.NoError(t, j.Append(Mark{Cursor: "c", Published: now, Delivered: now.Add(time.Duration(i-3) * 20 * time.Minute)}))
	}
	before, err := os.ReadFile(filepath.Join(dir, FileName(edited)))
	require.NoError(t, err)
	for name, at := range map[string]time.Time{"earlier": now.AddDate(0, -1, 0), "later": now.Add(time.Minute)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, FileName(edited)), before, 0o600))
			kept, err := Place(dir, editedScope, "start", at)
			require.NoError(t, err)
			of, err := os.ReadFile(kept)
			require.NoError(t, err)
			require.Equal(t, before, of, "the file of before is kept")

			again, notes, err := Open(dir, editedScope, time.Hour, before) // as from another node
			require.NoError(t, err)
			require.Empty(t, notes)
			mark, ok := again.Resume()
			require.True(t, ok)
			require.Equal(t, "start", mark.Cursor, "no replay window, and no copy of before in its place")
			require.Equal(t, at.UTC(), mark.Published)
			require.Nil(t, again.Delivery.Pending)
			require.Equal(t, j.Newest, again.Newest)
		})
	}
}

func TestAPositionIsPlacedWhateverWasThere(t *testing.T) {
	for name, content := range map[string]string{
		"nothing": "", "no JSON": "{", "another org's": `{"version":1,"scope":{"org":"https://beta.okta.com"},"marks":[],"checksum":"none"}`,
		"a later version": `{"version":9,"checksum":"none"}`, "without newest": `{"version":1,"scope":{"org":"https://acme.okta.com"},"marks":[],"checksum":"none"}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "component") // a component that never ran has no folder
			path := filepath.Join(dir, FileName(edited))
			if content != "" {
				require.NoError(t, os.Mkdir(dir, 0o750))
				require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			}
			begin := time.Now()
			kept, err := Place(dir, editedScope, "start", begin.Add(-time.Hour))
			require.NoError(t, err)
			if content == "" {
				require.Empty(t, kept)
			} else {
				of, err := os.ReadFile(kept)
				require.NoError(t, err)
				require.Equal(t, content, string(of))
			}
			s, err := Look(dir, edited)
			require.NoError(t, err)
			require.Equal(t, "start", s.Position.Cursor)
			require.WithinRange(t, s.Newest, begin, time.Now(), "what is behind it is not on time")
		})
	}
}

func TestLookingChangesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := Look(dir, edited)
	require.NoError(t, err)
	require.Nil(t, s)
	for content, says := range map[string]string{"{": "corrupt", `{"version":9}`: "version 9",
		`{"version":1,"scope":{"org":"https://beta.okta.com"},"checksum":"none"}`: "belongs to https://beta.okta.com"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, FileName(edited)), []byte(content), 0o600))
		_, err := Look(dir, edited)
		require.ErrorContains(t, err, says)
		of, err := os.ReadFile(filepath.Join(dir, FileName(edited)))
		require.NoError(t, err)
		require.Equal(t, content, string(of))
	}
}

func TestAPositionThatIsRemovedIsKept(t *testing.T) {
	dir := t.TempDir()
	kept, err := Remove(dir, edited)
	require.NoError(t, err)
	require.Empty(t, kept, "there was none")
	_, err = Place(dir, editedScope, "start", time.Now())
	require.NoError(t, err)
	require.NoError(t, WriteStandby(dir, edited, Current(dir, edited)))
	kept, err = Remove(dir, edited)
	require.NoError(t, err)
	require.Len(t, kept, 2)
	require.FileExists(t, kept[0])
	require.Nil(t, Standby(dir, edited), "else the next start would take it")
	s, err := Look(dir, edited)
	require.NoError(t, err)
	require.Nil(t, s)
}
