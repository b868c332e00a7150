package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// retired are names that meant several things at once, and what CONTRIBUTING.md > Words has instead. Locals are free, and so is a field
// that users know by the name, from an argument or in JSON.
var retired = map[string]string{
	"again":    "retry or retryAt for a time, repeat for an event that was delivered before, tries for a count",
	"patience": "a timeout, or tries",
	"seen":     "recent for uuids that were delivered, found for what Loki has",
	"settle":   "commit for positions; settle is an argument of event_hook",
	"span":     "range for a part of the log, interval for a part of time, extent for findings",
	"job":      "plan, reading or collector; job is a label of Loki's",
}

// meant are names with one of these words that say what it means to everybody, and the packages that have them.
var meant = map[string][]string{
	"Span": {"rawjson"},             // a part of a text of JSON
	"Job":  {"event", "detections"}, // the label's value
}

// A name that was retired since it had several meanings does not come back.
func TestOneWordForOneThing(t *testing.T) {
	names := 0
	declared := func(where *token.FileSet, ids ...*ast.Ident) {
		for _, id := range ids {
			names++
			instead, is := retired[strings.ToLower(id.Name)]
			at := where.Position(id.Pos())
			folder := filepath.Base(filepath.Dir(at.Filename))
			require.Falsef(t, is && !slices.Contains(meant[id.Name], folder), "%s: %s; write %s", at, id.Name, instead)
		}
	}
	for _, name := range goFiles(t, "../component", ".", "../systemlog", "../cmd", "../detections", "../mixin", "../tools", "../docs", "../e2e") {
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
				if n.Tag == nil {
					declared(where, n.Names...)
				}
			case *ast.ValueSpec:
				declared(where, n.Names...)
			}
			return true
		})
	}
	require.Greater(t, names, 5000)
}

// goFiles are the files of Go under folders, without tests.
func goFiles(t *testing.T, folders ...string) (all []string) {
	for _, folder := range folders {
		require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				all = append(all, path)
			}
			return err
		}))
	}
	return all
}
