package auth

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryAdviceIsInTheTroubleshootingGuide finds each refusal in the first column of the guide's table, by Okta's words, code or status,
// and the settings that the advice names beside it.
func TestEveryAdviceIsInTheTroubleshootingGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/authentication.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(guide), "| Okta says |")
	require.True(t, found)
	settings := regexp.MustCompile(`api_token|client_id|dpop|filter|key_id|NTP|okta\.logs\.read|proxy|private_key|query|role|scopes|url|zones`)
	for _, remedies := range [][]remedy{tokenRemedies, apiRemedies} {
		for _, m := range remedies {
			refusal := m.words
			switch {
			case refusal == "" && m.code != "":
				refusal = m.code
			case refusal == "":
				refusal = strconv.Itoa(m.status)
			}
			var advice []string
			for row := range strings.Lines(table) {
				if cells := strings.Split(row, "|"); len(cells) == 4 && strings.Contains(cells[1], refusal) {
					advice = append(advice, cells[2])
				}
			}
			require.NotEmpty(t, advice, refusal)
			for _, setting := range settings.FindAllString(m.advice, -1) {
				require.Contains(t, strings.Join(advice, " "), setting, "%s: %s", refusal, m.advice)
			}
		}
	}
}
