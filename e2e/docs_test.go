package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	alloyBlock  = regexp.MustCompile("(?ms)^```alloy\n(.*?)^```$")
	placeholder = strings.NewReplacer(`"<LABEL>"`, `"default"`, `"<OKTA_URL>"`, `"https://acme.okta.com"`, `"<API_TOKEN>"`, `"token"`,
		`<RECEIVER_LIST>`, `[loki.write.default.receiver]`)
	indent = regexp.MustCompile(`(?m)^(  )+`)
)

// anyWrite is what a fragment may take for granted.
const anyWrite = `
loki.write "default" {
	endpoint {
		url = "http://loki:3100/loki/api/v1/push"
	}
}
`

const anyTenants = `
local.file "tenants" {
	filename  = "/etc/alloy/tenants-credentials.yml"
	is_secret = true
}
`

func appendTo(t *testing.T, file, text string) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(content, text...), 0o600))
}

// Every configuration that the documentation shows is written as `alloy-okta fmt` writes it, but for two spaces in place of a tab, as
// in Alloy's own pages, and is one that `alloy-okta validate` accepts.
func TestDocumentedConfigurationsAreFormattedAndValid(t *testing.T) {
	binary := program(t, "alloy-okta")
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	if _, err := os.Stat("../README.md"); err == nil {
		pages = append(pages, "../README.md")
	}
	modules := map[string][]byte{"../syntax/logzio.alloy": nil, "../detections/drop/medium.alloy": nil}
	for path := range modules {
		modules[path], err = os.ReadFile(path)
		require.NoError(t, err)
	}
	complete := 0
	for _, page := range pages {
		content, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, block := range alloyBlock.FindAllStringSubmatch(string(content), -1) {
			config := placeholder.Replace(block[1])
			if !strings.Contains(config, "loki.source.okta \"") {
				continue // about something else, or a fragment of a block
			}
			config = indent.ReplaceAllStringFunc(config, func(spaces string) string { return strings.Repeat("\t", len(spaces)/2) })
			folder := t.TempDir()
			file := filepath.Join(folder, "config.alloy")
			require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
			for path, module := range modules { // some import one from beside them
				require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.Base(path)), module, 0o600))
			}
			output, err := exec.Command(binary, "fmt", "--test", file).CombinedOutput()
			require.NoErrorf(t, err, "%s: fmt --test: %s\n%s", page, output, config)

			if strings.Contains(config, `loki.write "default"`) {
				complete++
			} else {
				require.NoError(t, os.WriteFile(file, []byte(config+anyWrite), 0o600))
			}
			if strings.Contains(config, "local.file.tenants.") && !strings.Contains(config, `local.file "tenants"`) {
				appendTo(t, file, anyTenants)
			}
			command := exec.Command(binary, "validate", file)
			command.Env = append(os.Environ(), "OKTA_API_TOKEN=token", "ACME_OKTA_API_TOKEN=token", "PREVIEW_OKTA_API_TOKEN=token",
				"OKTA_PRIVATE_KEY="+privateKey(t), "OKTA_REDACT_KEY=0123456789abcdef0123456789abcdef")
			output, err = command.CombinedOutput()
			require.NoErrorf(t, err, "%s: validate: %s\n%s", page, output, config)
		}
	}
	require.GreaterOrEqual(t, complete, 3, "the reference page has three full pipelines")
}

// privateKey returns a new key as PEM, for `alloy-okta validate` looks at values as well.
func privateKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
