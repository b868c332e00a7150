package limits_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// settings are the names of settings of Loki and loki.write on which numbers of ours depend.
var settings = regexp.MustCompile(`\b(batch_wait|batch_size|remote_timeout|drain_timeout|(min|max)_backoff_(period|retries)|` +
	`max_chunk_age|chunk_idle_period|flush_check_period|query_ingesters_within|reject_old_samples_max_age|creation_grace_period|` +
	`max_query_length|max_entries_limit_per_query)\b|loki\.write's (defaults|queue)`)

// constants returns the declarations of constants of a file that explain themselves by a setting.
func constants(t *testing.T, name string, src any) (found []string) {
	file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
	require.NoError(t, err)
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			c := spec.(*ast.ValueSpec)
			text := c.Doc.Text() + c.Comment.Text()
			if !group.Lparen.IsValid() {
				text += group.Doc.Text()
			}
			named := strings.Contains(text, "limits.")
			for _, v := range c.Values {
				ast.Inspect(v, func(n ast.Node) bool {
					id, ok := n.(*ast.Ident)
					named = named || ok && id.Name == "limits"
					return true
				})
			}
			if settings.MatchString(text) && !named {
				found = append(found, name+": "+c.Names[0].Name)
			}
		}
	}
	return found
}

// A number that follows from one of Loki's or loki.write's is made of that, or names it where a package may not know Loki.
func TestNumbersOfLokiAndLokiWriteAreHere(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "internal/limits" || path == "build" || path == "tools" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		require.Empty(t, constants(t, filepath.Join(root, path), nil), "see internal/limits/write.go")
		return nil
	}))
	require.Greater(t, files, 100)
}

func TestANumberOfLokiElsewhereIsFound(t *testing.T) {
	for src, want := range map[string]int{
		"// a is loki.write's drain_timeout.\nconst a = 15 * time.Second":        1,
		"const (\n\ta = 15 // max_chunk_age\n\tb = 1\n)":                         1,
		"// a is loki.write's drain_timeout.\nconst a = limits.DrainTimeout + 1": 0,
		"const a = 3 // more than batch_wait, see limits.BatchWait":              0,
		"// a is something else.\nconst a = 15":                                  0,
	} {
		require.Len(t, constants(t, "a.go", "package a\n\n"+src), want, src)
	}
}
