package okta

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExamplesOfEntriesAreAccepted reads the configurations in docs/entries.md.
func TestExamplesOfEntriesAreAccepted(t *testing.T) {
	t.Setenv("OKTA_API_TOKEN", "00caseToken")
	t.Setenv("OKTA_REDACT_KEY", strings.Repeat("0123456789abcdef", 2))
	docs, err := os.ReadFile("../../../../docs/entries.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^```alloy\n(.*?)```").FindAllSubmatch(docs, -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		args := load(t, block[1])
		require.NotEmpty(t, entryOf(t, args, []byte(`{"uuid":"1"}`)).Line)
	}
}
