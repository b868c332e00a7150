package check

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/alloy/internal/component/common/loki"
	alloy_relabel "github.com/grafana/alloy/internal/component/common/relabel"
	"github.com/grafana/alloy/syntax/alloytypes"
	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/vm"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/component/loki/source/okta_event_hook"
)

var code = regexp.MustCompile("(?ms)^```alloy\n(.*?)^```$")

// surroundings are what an example refers to.
func surroundings(t *testing.T) *vm.Scope {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	env := func(name string) string {
		if strings.Contains(name, "PRIVATE_KEY") {
			return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		}
		return "0123456789abcdef0123456789abcdef"
	}
	receivers := map[string]any{}
	for _, label := range []string{"default", "okta", "local", "acme", "terminal", "archive"} {
		receivers[label] = map[string]any{"receiver": loki.NewLogsReceiver(), "rules": alloy_relabel.Rules{}}
	}
	secret := map[string]any{"content": alloytypes.OptionalSecret{IsSecret: true, Value: env("")}}
	tenants := alloytypes.OptionalSecret{IsSecret: true, Value: "tenants_credentials:\n- {okta_domain: a.okta.com, okta_api_key: abc}\n"}
	return vm.NewScope(map[string]any{
		"sys":   map[string]any{"env": env},
		"ship":  map[string]any{"logzio": receivers},
		"drop":  map[string]any{"medium": receivers},
		"loki":  map[string]any{"write": receivers, "process": receivers, "relabel": receivers, "echo": receivers},
		"local": map[string]any{"file": map[string]any{"tenants": map[string]any{"content": tenants}, "okta": secret, "okta_token": secret, "token": secret, "redact_key": secret}},
	})
}

// Decodes each component that the documentation shows, as Alloy does, so with all of its values checked: for `alloy-okta validate` some
// are unknown.
func TestTheComponentAcceptsTheArgumentsOfEveryExample(t *testing.T) {
	pages, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	if _, err := os.Stat("../../README.md"); err == nil {
		pages = append(pages, "../../README.md")
	}
	scope, accepted := surroundings(t), 0
	for _, page := range pages {
		content, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range code.FindAllStringSubmatch(string(content), -1) {
			if strings.Contains(m[1], "<LABEL>") {
				continue
			}
			file, err := parser.ParseFile(page, []byte(m[1]))
			require.NoErrorf(t, err, "%s", page)
			for _, statement := range file.Body {
				block, ok := statement.(*ast.BlockStmt)
				if !ok {
					continue
				}
				var args any
				switch block.GetBlockName() {
				case "loki.source.okta":
					args = &okta.Arguments{}
				case "loki.source.okta_event_hook":
					args = &okta_event_hook.Arguments{}
				default:
					continue
				}
				require.NoErrorf(t, vm.New(block.Body).Evaluate(scope, args), "%s:\n%s", page, m[1])
				accepted++
			}
		}
	}
	require.Greater(t, accepted, 5)
}
