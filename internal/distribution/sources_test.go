package distribution

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadSourcesTakesAFileWhateverItsName(t *testing.T) {
	file := writeFile(t, "config", "a")
	got, err := readSources(file)
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{file: []byte("a")}, got)
}

func TestReadSourcesTakesTopLevelAlloyFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"b.alloy": "b", "a.alloy": "a", "a.alloy.bak": "x", "README.md": "x", "sub/c.alloy": "x", "d.alloy/e.alloy": "x",
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	want := func(dir string) map[string][]byte {
		return map[string][]byte{filepath.Join(dir, "a.alloy"): []byte("a"), filepath.Join(dir, "b.alloy"): []byte("b")}
	}

	got, err := readSources(dir)
	require.NoError(t, err)
	require.Equal(t, want(dir), got)

	t.Run("also through a symbolic link", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "link")
		require.NoError(t, os.Symlink(dir, link))
		got, err := readSources(link)
		require.NoError(t, err)
		require.Equal(t, want(link), got)
	})
}

func TestReadSourcesNamesTheFileItCannotRead(t *testing.T) {
	_, err := readSources("no/such.alloy")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "no/such.alloy")

	dir := t.TempDir()
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "dangling.alloy")))
	_, err = readSources(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "dangling.alloy")
}

func TestTheHashOfSourcesIsThatOfTheFilesInOrder(t *testing.T) {
	require.Equal(t, sha256.Sum256([]byte("onetwo")), hashSources(map[string][]byte{"b": []byte("two"), "a": []byte("one")}))
	require.Equal(t, sha256.Sum256(nil), hashSources(nil))
}
