// Package internal holds tests about the repository as a whole.
package internal

import (
	"bytes"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/grafana/alloy/okta"

// list runs go list and returns its words.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return strings.Fields(string(out))
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(content)
}

// .ci/free.txt lists the packages that must stay free of Alloy, so that they compile in seconds and could serve another collector.
// The Makefile, which runs the race detector and fuzzing on them, reads the same list.
func TestLowerPackagesDependOnNoAlloyPackage(t *testing.T) {
	args := []string{"-deps", "-test", "-f", "{{.ImportPath}}"}
	for _, p := range strings.Fields(read(t, "../.ci/free.txt")) {
		args = append(args, "../"+p)
	}
	packages := list(t, args...)
	require.Greater(t, len(packages), 100)
	require.Contains(t, packages, module+"/internal/oktaapi/auth")
	for _, p := range packages {
		ours := p == module || strings.HasPrefix(p, module+"/") || strings.HasPrefix(p, module+".")
		require.False(t, strings.HasPrefix(p, "github.com/grafana/alloy") && !ours, "%s is among the dependencies", p)
		require.False(t, strings.HasPrefix(p, module+"/component") || strings.HasPrefix(p, module+"/internal/distribution"),
			"%s is above them", p)
	}
}

// What CONTRIBUTING.md says to look for is in the file that it names.
func TestTheMapNamesWhatIsThere(t *testing.T) {
	places := regexp.MustCompile("(?:((?:`[A-Za-z.]+`(?:, | and )?)+) in )?`([a-z_/]+\\.go)`")
	name := regexp.MustCompile("`(?:[A-Za-z]+\\.)?([A-Za-z]+)`")
	found := 0
	for line := range strings.Lines(read(t, "../CONTRIBUTING.md")) {
		folder := "component/loki/source/okta"
		for _, place := range places.FindAllStringSubmatch(line, -1) {
			file := place[2]
			if strings.Contains(file, "/") {
				folder = filepath.Dir(file)
			} else { // beside the one before
				file = filepath.Join(folder, file)
			}
			if place[1] == "" {
				continue
			}
			source := read(t, filepath.Join("..", file))
			for _, what := range name.FindAllStringSubmatch(place[1], -1) {
				found++
				declares := regexp.MustCompile(`(?m)^(func (\(.+?\) )?|type |var |const |\t)` + what[1] + `\b`)
				require.True(t, declares.MatchString(source), "%s in %s", what[1], file)
			}
		}
	}
	require.Greater(t, found, 20)
}

// What the race detector leaves out is run without it, whatever its file's constraint besides.
func TestWhatTheRaceDetectorLeavesOutIsRun(t *testing.T) {
	regular, err := exec.Command("../.ci/volume").Output()
	require.NoError(t, err)
	runs := regexp.MustCompile(strings.TrimSpace(string(regular)))
	packages, err := exec.Command("../.ci/volume", "packages").Output()
	require.NoError(t, err)
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	left := 0
	free := []string{"-f", "{{.Dir}}"}
	for _, p := range strings.Fields(read(t, "../.ci/free.txt")) {
		free = append(free, "../"+p)
	}
	for _, dir := range list(t, free...) {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		within, err := filepath.Rel(root, dir)
		require.NoError(t, err)
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
			require.NoError(t, err)
			if matches(t, file, "race") || !matches(t, file, "") {
				continue
			}
			for _, d := range file.Decls {
				f, is := d.(*ast.FuncDecl)
				if is && f.Recv == nil && regexp.MustCompile(`^(Test|Fuzz|Example)`).MatchString(f.Name.Name) {
					left++
					require.Regexp(t, runs, f.Name.Name, name)
					require.Contains(t, strings.Fields(string(packages)), "./"+filepath.ToSlash(within))
				}
			}
		}
	}
	require.Greater(t, left, 50)
	require.NotRegexp(t, runs, "TestOneWordForOneThing")
}

// matches reports whether a file is built here, with a tag besides.
func matches(t *testing.T, file *ast.File, tag string) bool {
	t.Helper()
	for _, comments := range file.Comments {
		for _, c := range comments.List {
			if c.Pos() < file.Package && constraint.IsGoBuild(c.Text) {
				expr, err := constraint.Parse(c.Text)
				require.NoError(t, err)
				return expr.Eval(func(name string) bool { return name == tag || name == runtime.GOOS || name == runtime.GOARCH })
			}
		}
	}
	return true
}

// A package that is in neither place would be held to no rule.
func TestEveryInternalPackageIsFreeOrKnown(t *testing.T) {
	var free []string
	for _, p := range strings.Fields(read(t, "../.ci/free.txt")) {
		free = append(free, list(t, "../"+p)...)
	}
	for _, p := range list(t, "../internal/...", "../cmd/...") {
		known := p == module+"/internal" || p == module+"/cmd/alloy-okta" || strings.HasPrefix(p, module+"/internal/distribution")
		require.True(t, known != slices.Contains(free, p), "%s: in .ci/free.txt if it knows no Alloy, and not in it if it does", p)
	}
}

var (
	testName = regexp.MustCompile(`\b(Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]*`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z]\w*)\(`)
)

// tests finds the test functions in the repository's test files whose path matches.
func tests(t *testing.T, match string) map[string]bool {
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "build" || d.Name() != ".." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if ok, _ := filepath.Match(match, filepath.Base(path)); !ok || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range testFunc.FindAllSubmatch(src, -1) {
			found[string(m[1])] = true
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

func TestEveryTestThatTheGuaranteesNameExists(t *testing.T) {
	existing := tests(t, "*_test.go")
	named := map[string]bool{}
	for _, page := range []string{"../docs/guarantees.md", "../docs/stability.md"} {
		for _, name := range testName.FindAllString(read(t, page), -1) {
			require.True(t, existing[name], "%s names %s, which is in no test file", page, name)
			named[name] = true
		}
	}
	require.Greater(t, len(named), 50)
	for name := range tests(t, "contract_*_test.go") {
		require.True(t, named[name], "%s proves a promise that docs/guarantees.md does not name", name)
	}
}

// Every folder of code has a row in CONTRIBUTING.md's map.
func TestTheMapNamesEveryFolder(t *testing.T) {
	page := read(t, "../CONTRIBUTING.md")
	folders := []string{}
	for _, pattern := range []string{"../*", "../internal/*", "../component/loki/source/*"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				folders = append(folders, path)
			}
		}
	}
	require.Greater(t, len(folders), 20)
	for _, folder := range folders {
		folder = strings.Trim(strings.TrimPrefix(folder, ".."), "/")
		if folder == "component" || folder == "internal" || strings.HasPrefix(folder, ".git") {
			continue // their folders have rows
		}
		require.Regexpf(t, "(?m)^\\| `"+regexp.QuoteMeta(folder)+"/?` \\|", page, "a folder without a row")
	}
}

// The files and folders that CONTRIBUTING.md points to are there.
func TestTheMapLeadsSomewhere(t *testing.T) {
	paths := regexp.MustCompile("`((?:\\.ci|cmd|component|detections|docs|e2e|internal|mixin|syntax|testdata|tools)/[\\w./-]*)`")
	found := paths.FindAllStringSubmatch(read(t, "../CONTRIBUTING.md"), -1)
	require.Greater(t, len(found), 30)
	for _, m := range found {
		matches, err := filepath.Glob(filepath.Join("..", strings.TrimSuffix(m[1], "...")))
		require.NoError(t, err)
		require.NotEmpty(t, matches, "CONTRIBUTING.md points to %s", m[1])
	}
}
