package internal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Another module can import systemlog with one replace directive, and gets nothing of Alloy with it. What it requires is what we do, as after
// `go mod tidy`, so that the go command asks for nothing that is not in the module cache; our own replace directives are for these versions.
func TestAnotherModuleCanImportTheLibrary(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	gomod := strings.Replace(read(t, "../go.mod"), "module "+module+"\n", "module example.com/outside\n", 1) +
		fmt.Sprintf("require %s v0.0.0\nreplace %s => %s\n", module, module, root)
	for name, text := range map[string]string{"go.mod": gomod, "go.sum": read(t, "../go.sum"), "main.go": `package main

import (
	"context"
	"fmt"
	"time"

	"` + module + `/systemlog"
)

func main() {
	r, err := systemlog.New(systemlog.Config{
		URL: "https://acme.okta.com", Dir: "cursor", Budgets: &systemlog.Budgets{},
		ServiceApp: &systemlog.ServiceApp{ClientID: "0oa1", PrivateKeyFile: "key.pem", DPoP: "auto"},
		Format: systemlog.Format{
			LineFormat: "event",
			Redaction:  &systemlog.Redaction{Mode: "hash", Key: []byte("k"), Presets: []string{"user_identity"}, Paths: []string{"actor.id"}},
		},
		Deliver: func(context.Context, systemlog.Entry) error { return nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var status systemlog.Status = r.Status()
	fmt.Println(status.LastPoll, status.LastEvent, status.Lag, status.Events)
	for _, p := range status.Wrong {
		var problem systemlog.Problem = p
		fmt.Println(problem.Part, problem.Message, time.Since(problem.Since), problem.Err, problem.Refused)
	}
}
`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	t.Setenv("GOPROXY", "off")
	in(t, dir, "vet", ".")
	deps := strings.Fields(in(t, dir, "list", "-deps", "."))
	require.Contains(t, deps, module+"/internal/poller")
	for _, p := range deps {
		if strings.HasPrefix(p, "github.com/grafana/alloy/") {
			require.True(t, strings.HasPrefix(p, module+"/"), p)
		}
	}
}
