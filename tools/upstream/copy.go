package main

import (
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// imported finds imports of this repository.
var imported = regexp.MustCompile(`(?m)^\s*(?:import )?(?:\w+ )?"` + regexp.QuoteMeta(ours) + `(.+)"`)

// copyAll copies code and data, and replaces what an earlier run had copied. Of the packages below internal/, those are copied that
// something copied imports, tests included.
func (c *change) copyAll() error {
	c.modules, c.folders = map[string]bool{}, map[string]string{}
	for _, folder := range []string{"okta", "okta_event_hook", "internal/okta", "internal/fanout", "internal/registration", "internal/testdata"} {
		if err := os.RemoveAll(filepath.Join(c.to, sources, folder)); err != nil {
			return err
		}
	}
	for _, name := range c.names() {
		c.add(components+"/"+folderOf(name), sources+"/"+folderOf(name))
	}
	for len(c.queue) > 0 {
		if err := c.next(); err != nil {
			return err
		}
	}
	c.add("testdata", sources+"/internal/testdata") // last: what of it is of use is known by then
	return c.next()
}

// add has a folder be copied, once.
func (c *change) add(from, to string) {
	if c.folders[from] == "" {
		c.folders[from], c.queue = to, append(c.queue, from)
	}
}

// next copies the next folder.
func (c *change) next() error {
	from := c.queue[0]
	c.queue = c.queue[1:]
	to := c.folders[from]
	n, err := c.copy(from, to)
	if err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	fmt.Printf("%s -> %s: %d files\n", from, to, n)
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
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			gone, failed := c.usesGone(path)
			if err == nil || gone {
				return filepath.SkipDir
			}
			return failed
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
			if content, err = c.rewrite(path, content); err != nil || content == nil {
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

// rewrite returns a Go file as it is in Alloy, or nil if it is left out, and notes which modules and packages it imports.
func (c *change) rewrite(path string, content []byte) ([]byte, error) {
	code, kept, err := c.strip(path, string(content))
	if err != nil || !kept {
		return nil, err
	}
	for _, m := range imported.FindAllStringSubmatch(code, -1) {
		switch first, rest, _ := strings.Cut(m[1], "/"); first {
		case "internal":
			name, _, _ := strings.Cut(rest, "/")
			c.add("internal/"+name, library+"/"+name)
		default:
			if rest, ok := strings.CutPrefix(m[1], components+"/internal/"); ok {
				c.add(m[1], sources+"/internal/"+rest)
			}
		}
	}
	code = rewrites.Replace(code)
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
