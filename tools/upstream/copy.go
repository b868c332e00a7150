package main

import (
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// copyAll copies code and data, and replaces what an earlier run had copied.
func (c *change) copyAll() error {
	c.modules = map[string]bool{}
	folders := map[string]string{
		components + "/okta":                  sources + "/okta",
		components + "/okta_event_hook":       sources + "/okta_event_hook",
		components + "/internal/fanout":       sources + "/internal/fanout",
		components + "/internal/registration": sources + "/internal/registration",
		"testdata":                            sources + "/internal/testdata",
	}
	for _, p := range packages {
		folders["internal/"+p] = library + "/" + p
	}
	if err := os.RemoveAll(filepath.Join(c.to, library)); err != nil {
		return err
	}
	for _, from := range slices.Sorted(maps.Keys(folders)) {
		to := folders[from]
		if err := os.RemoveAll(filepath.Join(c.to, to)); err != nil {
			return err
		}
		n, err := c.copy(from, to)
		if err != nil {
			return fmt.Errorf("copying %s: %w", from, err)
		}
		fmt.Printf("%s -> %s: %d files\n", from, to, n)
	}
	return nil
}

// copy copies a folder, with the folders in it that are no modules of their own, and returns how many files there were.
func (c *change) copy(from, to string) (n int, err error) {
	root := filepath.Join(c.from, from)
	return n, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir
			}
			return nil
		}
		rest, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		target := filepath.Join(c.to, to, rest)
		for end, why := range leftOut {
			if strings.HasSuffix(filepath.ToSlash(target), end) {
				fmt.Printf("left out: %s %s\n", path, why)
				return nil
			}
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Ext(path) == ".go" {
			if content, err = c.rewrite(path, content); err != nil {
				return err
			}
		}
		n++
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}

// rewrite returns a Go file as it is in Alloy, and notes which modules it imports.
func (c *change) rewrite(path string, content []byte) ([]byte, error) {
	code := rewrites.Replace(string(content))
	file, err := parser.ParseFile(token.NewFileSet(), path, code, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	for _, i := range file.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, ours) {
			return nil, fmt.Errorf("%s imports %s, which is not copied", path, name)
		}
		if rest, ok := strings.CutPrefix(name, theirs+library+"/"); ok && !slices.Contains(packages, strings.Split(rest, "/")[0]) {
			return nil, fmt.Errorf("%s imports %s, which is not copied", path, rest)
		}
		if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
			c.modules[name] = true
		}
	}
	return format.Source([]byte(code)) // which puts imports in order
}

// require adds to go.mod the modules that the copied files import and Alloy has not, in the versions of this repository.
func (c *change) require() error {
	own, err := os.ReadFile(filepath.Join(c.from, "go.mod"))
	if err != nil {
		return err
	}
	there, err := os.ReadFile(filepath.Join(c.to, "go.mod"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(own)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[1], "v") || strings.HasPrefix(fields[0]+"/", theirs) {
			continue
		}
		module, version := fields[0], fields[1]
		if !c.imports(module) || strings.Contains(string(there), "\t"+module+" v") {
			continue
		}
		cmd := exec.Command("go", "mod", "edit", "-require="+module+"@"+version)
		cmd.Dir = c.to
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go mod edit: %w: %s", err, out)
		}
		if err := c.sums(module + " " + version); err != nil {
			return err
		}
		fmt.Printf("go.mod: %s %s\n", module, version)
	}
	return nil
}

func (c *change) imports(module string) bool {
	for name := range c.modules {
		if name == module || strings.HasPrefix(name, module+"/") {
			return true
		}
	}
	return false
}

// sums copies the checksums of one version of a module.
func (c *change) sums(module string) error {
	own, err := os.ReadFile(filepath.Join(c.from, "go.sum"))
	if err != nil {
		return err
	}
	file := filepath.Join(c.to, "go.sum")
	there, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := string(there)
	for line := range strings.Lines(string(own)) {
		if (strings.HasPrefix(line, module+" ") || strings.HasPrefix(line, module+"/go.mod ")) && !strings.Contains(text, line) {
			text += line
		}
	}
	return os.WriteFile(file, []byte(text), 0o644)
}
