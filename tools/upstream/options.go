package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An option is a part of the code that the rest can do without. A file that is an option's begins with a line
//
//	// option: NAME needs ANOTHER, ANOTHER
//
// or, if it is a test of several options, with
//
//	// option: NAME, ANOTHER
//
// and a line elsewhere that is an option's ends with
//
//	// option: NAME. and maybe more words
//
// What is left without those files and lines compiles; with none of the options it is the core.
var (
	markedFile = regexp.MustCompile(`\A// option: ([\w, ]+?)(?: needs ([\w, ]+))?\n`)
	markedLine = regexp.MustCompile(`(?m)^.*\S.*// option: (\w+)\b.*\n`)
	// markedArgument is an argument or block in a line that is an option's.
	markedArgument = regexp.MustCompile("`alloy:\"(\\w+),(?:attr|block)")
)

// options are all that are marked in the component's folder, with what each needs.
func (c *change) options() (map[string][]string, error) {
	all := map[string][]string{}
	files, err := filepath.Glob(filepath.Join(c.from, components, "okta", "*.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if m := markedFile.FindSubmatch(content); m != nil && !strings.HasSuffix(file, "_test.go") {
			all[string(m[1])] = append(all[string(m[1])], words(string(m[2]))...)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no file in %s is marked as an option's", filepath.Join(c.from, components, "okta"))
	}
	return all, nil
}

// leaveOut takes a list of options, or "all", and notes them and those that need them.
func (c *change) leaveOut(list string) error {
	all, err := c.options()
	if err != nil {
		return err
	}
	c.without = map[string]bool{}
	known := slices.Sorted(maps.Keys(all))
	names := words(list)
	if list == "all" {
		names = known
	}
	for _, name := range names {
		if _, ok := all[name]; !ok {
			return fmt.Errorf("-without=%s: there is no option %q; there are %s, and all", list, name, strings.Join(known, ", "))
		}
		c.without[name] = true
	}
	for again := true; again; {
		again = false
		for name, needs := range all {
			if !c.without[name] && slices.ContainsFunc(needs, func(need string) bool { return c.without[need] }) {
				c.without[name], again = true, true
			}
		}
	}
	if len(c.without) > 0 {
		fmt.Println("without:", strings.Join(slices.Sorted(maps.Keys(c.without)), ", "))
	}
	return nil
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// strip returns a Go file without the lines of options that are left out, and false when the file is one's.
func (c *change) strip(path, code string) (string, bool, error) {
	if m := markedFile.FindStringSubmatch(code); m != nil && slices.ContainsFunc(words(m[1]), func(o string) bool { return c.without[o] }) {
		return "", false, nil
	}
	stripped := markedLine.ReplaceAllStringFunc(code, func(line string) string {
		if m := markedLine.FindStringSubmatch(line); !c.without[m[1]] {
			return line
		}
		if m := markedArgument.FindStringSubmatch(line); m != nil {
			c.gone = append(c.gone, m[1])
		}
		return ""
	})
	if stripped == code {
		return code, true, nil
	}
	stripped, err := withoutUnused(path, stripped)
	return stripped, true, err
}

// withoutUnused returns code without imports that nothing in it uses.
func withoutUnused(path, code string) (string, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, code, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
	lines := strings.SplitAfter(code, "\n")
	for _, i := range file.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return "", err
		}
		if i.Name == nil && !used[lastPart(imported)] || i.Name != nil && i.Name.Name != "_" && !used[i.Name.Name] {
			lines[set.Position(i.Pos()).Line-1] = ""
		}
	}
	return strings.Join(lines, ""), nil
}

// lastPart is the name of a package by its import path, which is right for those that lines of options use.
func lastPart(imported string) string {
	parts := strings.Split(imported, "/")
	last := parts[len(parts)-1]
	if regexp.MustCompile(`^v\d+$`).MatchString(last) && len(parts) > 1 {
		last = parts[len(parts)-2]
	}
	return last
}

// usesGone reports whether a case of testdata is about an argument of an option that is left out.
func (c *change) usesGone(folder string) (bool, error) {
	content, err := os.ReadFile(filepath.Join(folder, "config.alloy"))
	if errors.Is(err, fs.ErrNotExist) || len(c.gone) == 0 {
		return false, nil
	}
	return err == nil && regexp.MustCompile(`(?m)^\s+(`+strings.Join(c.gone, "|")+`)\b`).Match(content), err
}

// size prints how many lines there are to read, by folder.
func (c *change) size() error {
	total := 0
	for _, folder := range slices.Sorted(maps.Values(c.folders)) {
		lines := 0
		err := filepath.WalkDir(filepath.Join(c.to, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			lines += strings.Count(string(content), "\n")
			return err
		})
		if err != nil {
			return err
		}
		if lines > 0 && !slices.Contains(forTests, filepath.Base(folder)) {
			fmt.Printf("%6d lines without tests: %s\n", lines, folder)
			total += lines
		}
	}
	fmt.Printf("%6d lines without tests in all\n", total)
	return nil
}
