package main

import (
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What Alloy generates from all of its components would take their compilation. Each of these files is a list, in which the new
// components have their place; Alloy's own tests compare them with what its generators write.

// edit changes a file of the checkout, and reports one that is not there.
func (c *change) edit(name string, change func(text string) (string, error)) error {
	path := filepath.Join(c.to, name)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Println("not in this checkout:", name)
		return nil
	}
	if err != nil {
		return err
	}
	text, err := change(string(content))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if text == string(content) {
		fmt.Println(name + ": has it already")
		return nil
	}
	fmt.Println(name + ": added")
	return os.WriteFile(path, []byte(text), 0o644)
}

// insert puts lines into the sorted lines between two that begin with start and end, of which those count that begin with prefix.
func insert(text, start, end, prefix string, lines ...string) (string, error) {
	from := strings.Index(text, start)
	if from < 0 {
		return "", fmt.Errorf("there is no %q", start)
	}
	to := strings.Index(text[from+len(start):], end)
	if to < 0 {
		return "", fmt.Errorf("there is no %q after %q", end, start)
	}
	part := text[from : from+len(start)+to]
	all := strings.SplitAfter(part, "\n")
	for _, line := range lines {
		if slices.Contains(all, line) {
			continue
		}
		at := -1
		for i, other := range all {
			switch {
			case !strings.HasPrefix(other, prefix):
			case key(other) < key(line):
				at = i + 1
			case at < 0:
				at = i
			}
		}
		if at < 0 {
			return "", fmt.Errorf("nothing between %q and %q begins with %q", start, end, prefix)
		}
		all = slices.Insert(all, at, line)
	}
	return text[:from] + strings.Join(all, "") + text[from+len(part):], nil
}

// key is what the lines of a list are in order of: a name, without what follows it.
func key(line string) string {
	name, _, _ := strings.Cut(strings.TrimSpace(line), "]")
	return strings.TrimSuffix(name, "`")
}

// register adds the components to those that Alloy imports.
func (c *change) register() error {
	return c.edit("internal/component/all/all.go", func(text string) (string, error) {
		var lines []string
		for _, name := range c.names() {
			lines = append(lines, fmt.Sprintf("\t_ %q // Import %s\n", theirs+sources+"/"+folderOf(name), name))
		}
		if strings.Contains(text, lines[0][:strings.Index(lines[0], " //")]) {
			return text, nil
		}
		text, err := insert(text, "import (\n", "\n)", "\t_ \""+theirs+sources+"/", lines...)
		if err != nil {
			return "", err
		}
		formatted, err := format.Source([]byte(text)) // which lines comments up
		return string(formatted), err
	})
}

// index adds them to the list of what takes receivers of logs.
func (c *change) index() error {
	return c.edit("docs/sources/reference/compatibility/_index.md", func(text string) (string, error) {
		quote := "`" // as v1.19.2 has; in other checkouts names stand without
		if !strings.Contains(text, "- [`loki.") {
			quote = ""
		}
		var lines []string
		for _, name := range c.names() {
			lines = append(lines, fmt.Sprintf("- [%[2]s%[1]s%[2]s](../components/loki/%[1]s)\n", name, quote))
		}
		const section = "GENERATED SECTION: CONSUMERS OF Loki `LogsReceiver` -->"
		return insert(text, "<!-- START "+section, "<!-- END "+section, "- ["+quote+"loki.", lines...)
	})
}

const (
	startCompatible = "<!-- START GENERATED COMPATIBLE COMPONENTS -->"
	endCompatible   = "<!-- END GENERATED COMPATIBLE COMPONENTS -->"
	pageFolder      = "docs/sources/reference/components/loki/"
	another         = "loki.source.cloudflare" // which takes and exports the same
)

// pages copies the reference pages, with the section that Alloy generates for a source of logs.
func (c *change) pages() error {
	model, err := os.ReadFile(filepath.Join(c.to, pageFolder, another+".md"))
	if err != nil {
		fmt.Println("not in this checkout:", pageFolder)
		return nil
	}
	section, err := between(string(model))
	if err != nil {
		return fmt.Errorf("%s: %w", another, err)
	}
	for _, name := range c.names() {
		content, err := os.ReadFile(filepath.Join(c.from, "docs", name+".md"))
		if err != nil {
			return err
		}
		own, err := between(string(content))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		page := c.corePage(strings.Replace(string(content), own, strings.ReplaceAll(section, another, name), 1))
		if err := os.WriteFile(filepath.Join(c.to, pageFolder, name+".md"), []byte(page), 0o644); err != nil {
			return err
		}
		fmt.Println(pageFolder + name + ".md: added")
	}
	return nil
}

func between(page string) (string, error) {
	start, end := strings.Index(page, startCompatible), strings.Index(page, endCompatible)
	if start < 0 || end < start {
		return "", errors.New("no section of compatible components")
	}
	return page[start:end], nil
}

// templates adds the components to the lists in the templates of issues.
func (c *change) templates() error {
	const folder = ".github/ISSUE_TEMPLATE"
	files, err := filepath.Glob(filepath.Join(c.to, folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		fmt.Println("not in this checkout:", folder)
		return err
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err != nil || !strings.Contains(string(content), "# Start components list") {
			continue
		}
		if err := c.edit(folder+"/"+filepath.Base(file), func(text string) (string, error) {
			var lines []string
			for _, name := range c.names() {
				lines = append(lines, "      - "+name+"\n")
			}
			return insert(text, "# Start components list", "# End components list", "      - ", lines...)
		}); err != nil {
			return err
		}
	}
	return nil
}
