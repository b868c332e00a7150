package internal

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Another module can import systemlog with one replace directive, and gets nothing of Alloy with it. Our own replace directives are here
// for the versions that the module cache has; they change nothing for who has a network.
func TestAnotherModuleCanImportTheLibrary(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	replaces := regexp.MustCompile(`(?m)^(?:replace )?\s*\S+ => \S+ v\S+$`).FindAllString(read(t, "../go.mod"), -1)
	require.NotEmpty(t, replaces)
	gomod := fmt.Sprintf("module example.com/outside\n\ngo 1.26.7\n\nrequire %s v0.0.0\n\nreplace (\n\t%s => %s\n", module, module, root)
	for _, line := range replaces {
		gomod += "\t" + strings.TrimPrefix(strings.TrimSpace(line), "replace ") + "\n"
	}
	for name, text := range map[string]string{"go.mod": gomod + ")\n", "go.sum": read(t, "../go.sum"), "main.go": `package main

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
