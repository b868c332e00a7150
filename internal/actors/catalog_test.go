package actors

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The types are Okta's.
func TestTypesAreInTheCatalog(t *testing.T) {
	catalog, err := os.ReadFile("../../detections/event-types.txt")
	require.NoError(t, err)
	for _, name := range Types() {
		require.Contains(t, string(catalog), "\n"+name+" ")
	}
}
