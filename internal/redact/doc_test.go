package redact

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheDocumentedCommandMakesTokens runs the commands that the documents give for computing a token.
func TestTheDocumentedCommandMakesTokens(t *testing.T) {
	const login = "mara@acme.example"
	raw := `{"actor":{"type":"User","alternateId":"` + login + `"}}`
	got := string(redacted(t, Options{Mode: ModeHash, Key: testKey}, []byte(raw)))
	token := regexp.MustCompile(tokenPrefix + `([0-9a-f]{32})"`).FindStringSubmatch(got)
	require.NotNil(t, token, got)

	command := regexp.MustCompile(`printf %s ` + login + ` \| openssl .+`)
	for _, file := range []string{"doc.go", "../../docs/loki.source.okta.md"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		commands := command.FindAllString(string(text), -1)
		require.NotEmpty(t, commands, file)
		for _, c := range commands {
			cmd := exec.Command("sh", "-c", c)
			cmd.Env = append(os.Environ(), "KEY="+string(testKey))
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s", c, out)
			require.Equal(t, token[1], strings.TrimSpace(string(out)), "%s in %s", c, file)
		}
	}
}
