// Package eventtest reads the events in testdata/events, which the whole module tests with.
package eventtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// folder is seen from a package in a folder below internal.
const folder = "../../testdata/events"

// Read returns the event of that name, without white space around it. Call it in a package whose folder
// lies directly below internal.
func Read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, name+".json"))
	require.NoError(t, err)
	return bytes.TrimSpace(b)
}

// Names returns the names of all events.
func Names(t testing.TB) (names []string) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.json")
	require.NoError(t, err)
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	require.NotEmpty(t, names)
	return names
}
