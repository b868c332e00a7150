package internal

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	sourcesThere = "internal/component/loki/source"
	libraryThere = sourcesThere + "/internal/okta"
)

// checker checks the types of what `make upstream` wrote, which compiles nothing: what is imported of ours is checked from its source, and
// all else is in the build cache since this repository was built.
type checker struct {
	root    string // of the checkout
	set     *token.FileSet
	others  types.Importer
	checked map[string]*types.Package
	errs    []string
}

// newChecker knows where the build cache has each package that ours need.
func newChecker(t *testing.T) *checker {
	t.Helper()
	exports := map[string]string{}
	words := list(t, "-export", "-deps", "-test", "-f", "{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}",
		"../component/loki/source/okta", "./event/...", "./poller", "./oktaapi/...", "./checkpoint/...", "./delivery", "./limits/...",
		"./httptext", "./rawjson", "./oktasim/...", "./testbed/...")
	for i := 0; i+1 < len(words); i++ {
		if strings.HasPrefix(words[i+1], "/") {
			exports[words[i]] = words[i+1]
		}
	}
	c := &checker{set: token.NewFileSet()}
	c.others = importer.ForCompiler(c.set, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("the build cache has no %s", path)
		}
		return os.Open(exports[path])
	})
	return c
}

// Import implements types.Importer.
func (c *checker) Import(path string) (*types.Package, error) {
	rest, ours := strings.CutPrefix(path, "github.com/grafana/alloy/"+sourcesThere+"/")
	folder := filepath.Join(c.root, sourcesThere, rest)
	if _, err := os.Stat(folder); !ours || errors.Is(err, fs.ErrNotExist) {
		return c.others.Import(path)
	}
	if p := c.checked[path]; p != nil {
		return p, nil
	}
	p := c.check(path, c.parse(folder, func(name, _ string) bool { return !strings.HasSuffix(name, "_test.go") }))
	c.checked[path] = p
	return p, nil
}

// parse reads the files of a folder that are built on this machine and wanted, by name and package.
func (c *checker) parse(folder string, wanted func(name, pkg string) bool) (files []*ast.File) {
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		c.errs = append(c.errs, err.Error())
	}
	for _, name := range names {
		if built, err := build.Default.MatchFile(folder, filepath.Base(name)); err != nil || !built {
			continue
		}
		file, err := parser.ParseFile(c.set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			c.errs = append(c.errs, err.Error())
		} else if wanted(name, file.Name.Name) {
			files = append(files, file)
		}
	}
	return files
}

func (c *checker) check(path string, files []*ast.File) *types.Package {
	cfg := types.Config{Importer: c, Error: func(err error) { c.errs = append(c.errs, strings.TrimPrefix(err.Error(), c.root)) }}
	p, _ := cfg.Check(path, c.set, files, nil) // the error is the first of those
	return p
}

// folder checks a folder with its tests.
func (c *checker) folder(rest string) {
	folder, path := filepath.Join(c.root, rest), "github.com/grafana/alloy/"+filepath.ToSlash(rest)
	tested := c.check(path, c.parse(folder, func(_, pkg string) bool { return !strings.HasSuffix(pkg, "_test") }))
	had := c.checked[path]
	c.checked[path] = tested // with what its tests export
	if outer := c.parse(folder, func(_, pkg string) bool { return strings.HasSuffix(pkg, "_test") }); len(outer) > 0 {
		c.check(path+"_test", outer)
	}
	c.checked[path] = had
}

// markedOptions are those that files of the component are marked with, and what each needs.
func markedOptions(t *testing.T) map[string]string {
	options := map[string]string{}
	files, err := filepath.Glob("../component/loki/source/okta/*.go")
	require.NoError(t, err)
	for _, file := range files {
		m := regexp.MustCompile(`\A// option: (\w+)(?: needs (.*))?\n\npackage`).FindStringSubmatch(read(t, file))
		if m != nil && !strings.HasSuffix(file, "_test.go") {
			options[m[1]] = m[2]
		}
	}
	return options
}

// CONTRIBUTING.md has a row for each option, with what it needs.
func TestOptionsAreInTheTable(t *testing.T) {
	_, text, _ := strings.Cut(read(t, "../CONTRIBUTING.md"), "| Option | Adds | Needs |")
	text, _, _ = strings.Cut(text, "\n\n")
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .* \\|(?: `(\\w+)`)? \\|$").FindAllStringSubmatch(text, -1) {
		documented[m[1]] = m[2]
	}
	require.NotEmpty(t, documented)
	require.Equal(t, documented, markedOptions(t))
}

// requireLinks holds a reference page against itself: each link leads to a section, and of sections those are there that are wanted.
func requireLinks(t *testing.T, page string, wanted map[string]bool) {
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		headings[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`\]\(#(\w+)\)`).FindAllStringSubmatch(page, -1) {
		require.True(t, headings["`"+m[1]+"`"] || headings[strings.ToUpper(m[1][:1])+m[1][1:]], "(#%s) leads nowhere", m[1])
	}
	for heading, is := range wanted {
		require.Equal(t, is, headings[heading], heading)
	}
}

// The component compiles without each of its options, and without any: that is the core, of which `make upstream CORE=1` makes a change to
// Alloy. Nothing that only an option needs comes along.
func TestTheCoreNeedsNoneOfTheOptions(t *testing.T) {
	c := newChecker(t)
	for _, option := range append(slices.Sorted(maps.Keys(markedOptions(t))), "all") {
		t.Run(option, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module github.com/grafana/alloy\n\ngo 1.26.7\n"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), nil, 0o600))
			pages := filepath.Join(dir, "docs/sources/reference/components/loki")
			require.NoError(t, os.MkdirAll(pages, 0o750))
			require.NoError(t, os.WriteFile(filepath.Join(pages, "loki.source.cloudflare.md"),
				[]byte("<!-- START GENERATED COMPATIBLE COMPONENTS -->\n\n<!-- END GENERATED COMPATIBLE COMPONENTS -->\n"), 0o600))
			out, err := upstream(t, dir, "-check", "none", "-without", option)
			require.NoError(t, err, out)
			c.root, c.checked, c.errs = dir, map[string]*types.Package{}, nil
			c.folder(sourcesThere + "/okta")
			if option == "all" {
				for _, gone := range []string{"reconcile", "takeover", "hook", "redact", "pipesim"} {
					require.NoDirExists(t, filepath.Join(dir, libraryThere, gone))
				}
				require.NoError(t, fs.WalkDir(os.DirFS(dir), libraryThere, func(path string, d fs.DirEntry, err error) error {
					if err == nil && d.IsDir() {
						c.folder(path)
					}
					return err
				}))
				m := regexp.MustCompile(`(\d+) lines without tests: ` + sourcesThere + `/okta\n`).FindStringSubmatch(out)
				require.NotNil(t, m, out)
				require.LessOrEqual(t, len(m[1]), 4)
				require.Less(t, m[1], "2100", "what can be read in an hour")
			}
			require.Empty(t, c.errs)
			requireLinks(t, read(t, filepath.Join(pages, "loki.source.okta.md")), map[string]bool{"`redact`": option != "redact" && option != "all"})
		})
	}
	dir := t.TempDir()
	out, err := upstream(t, dir, "-without", "hooks")
	require.Error(t, err)
	require.Contains(t, out, `there is no option "hooks"; there are backfill, clustering,`)
}
