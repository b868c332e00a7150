package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// retired are names that meant several things at once, and what CONTRIBUTING.md > Words has instead. Locals are free.
var retired = map[string]string{
	"again":    "retry or retryAt for a time, repeat for an event that was delivered before, tries for a count",
	"patience": "a timeout, or tries",
	"seen":     "recent for uuids that were delivered, found for what Loki has",
	"settle":   "commit for positions; settle is an argument of event_hook",
	"span":     "range for a part of the log, interval for a part of time, extent for findings",
	"job":      "plan, reading or collector; job is a label of Loki's",
}

// A name that was retired since it had several meanings does not come back.
func TestOneWordForOneThing(t *testing.T) {
	names := 0
	declared := func(where *token.FileSet, ids ...*ast.Ident) {
		for _, id := range ids {
			names++
			instead, is := retired[strings.ToLower(id.Name)]
			require.Falsef(t, is, "%s: %s; write %s", where.Position(id.Pos()), id.Name, instead)
		}
	}
	for _, dir := range []string{"poller", "delivery", "takeover", "checkpoint", "reconcile", "verify"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			where := token.NewFileSet()
			file, err := parser.ParseFile(where, name, nil, 0)
			require.NoError(t, err)
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					declared(where, n.Name)
					return false // its locals are its own
				case *ast.TypeSpec:
					declared(where, n.Name)
				case *ast.Field:
					declared(where, n.Names...)
				case *ast.ValueSpec:
					declared(where, n.Names...)
				}
				return true
			})
		}
	}
	require.Greater(t, names, 500)
}
