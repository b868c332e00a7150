package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a module whose errors show on one platform each.
var tree = map[string]string{
	"go.mod":            "module example\n\ngo 1.26\n",
	"a.go":              "package example\n\n// Wide is more than 32 bits have.\nconst Wide int = narrow\n",
	"a_amd64.go":        "package example\n\nconst narrow = 1 << 40\n",
	"a_arm64.go":        "package example\n\nconst narrow = 1 << 40\n",
	"b_windows.go":      "package example\n\nimport \"syscall\"\n\nvar _ = syscall.Flock\n",
	"c_freebsd_test.go": "package example\n\nvar _ int = \"\"\n",
	"d_slim.go":         "//go:build slim\n\npackage example\n\nvar _ = missing\n",
	"e_cgo.go":          "//go:build cgo\n\npackage example\n\nvar _ = alsoMissing\n",
}

func TestErrorsAreFoundOnThePlatformThatHasThem(t *testing.T) {
	dir := t.TempDir()
	for name, content := range tree {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ platform, tags, want string }{
		{"linux/amd64", "", ""},
		{"linux/arm64", "", ""},
		{"darwin/arm64", "", ""},
		{"windows/amd64", "", "windows/amd64: " + filepath.Join(dir, "b_windows.go") + ":5:17: undefined: syscall.Flock"},
		{"freebsd/arm64", "", "c_freebsd_test.go:3:13: cannot use"},
		{"linux/amd64", "slim", "d_slim.go:5:9: undefined: missing"},
		{"linux/386", "", "undefined: narrow"},
	} {
		var out strings.Builder
		err := run([]string{"-dir", dir, "-tags", tc.tags, "-platforms", tc.platform, "./..."}, &out)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || err.Error() != "1 errors" || !strings.Contains(out.String(), tc.want)) {
			t.Errorf("%s %s: %v\n%s", tc.platform, tc.tags, err, out.String())
		}
	}
}

// A pattern that matches nothing is a mistake, and no success; one that matches on some of the platforms is none.
func TestAPatternThatMatchesNothingIsAnErrorWithItsName(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module example\n\ngo 1.26\n", "a.go": "package example\n", "empty/text.md": "no Go\n",
		"wide/only_windows.go": "package wide\n", "tests/a_test.go": "package tests\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ patterns, platforms, want string }{
		{"./...", "linux/amd64", ""},
		{"./tests/...", "linux/amd64", ""},
		{"example/...", "linux/amd64", ""},
		{"example/nothing...", "linux/amd64", "example/nothing..."},
		{"./... example/nothing...", "linux/amd64 windows/amd64", "example/nothing..."},
		{"./empty/...", "linux/amd64", "./empty/..."},
		{"./empty", "linux/amd64", "empty"},
		{"./missing", "linux/amd64", "missing"},
		{"./missing/...", "linux/amd64", "./missing/..."},
		{"./wide/...", "linux/amd64 windows/amd64", ""},
		{"./wide/...", "windows/amd64 linux/amd64", ""},
		{"./wide/...", "linux/amd64 darwin/arm64", "./wide/..."},
	} {
		var out strings.Builder
		err := run(append([]string{"-dir", dir, "-platforms", tc.platforms}, strings.Fields(tc.patterns)...), &out)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(out.String()+err.Error(), tc.want)) {
			t.Errorf("%s on %s: %v\n%s", tc.patterns, tc.platforms, err, out.String())
		}
	}
}

func TestWhatCannotBeCheckedIsAnError(t *testing.T) {
	for _, args := range [][]string{{}, {"-platforms", "windows", "./..."}, {"-platforms", " ", "./..."}, {"-dir", "/does/not/exist", "./..."}, {"-x"}} {
		if err := run(args, &strings.Builder{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	if len(strings.Fields(all)) != 8 {
		t.Errorf("%s", all)
	}
}
