package check

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/printer"
)

// componentPages are those of the components that are meant for Alloy. Their pages keep to docs/developer/writing-component-documentation.md of Alloy.
func componentPages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob("../loki.*.md")
	require.NoError(t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		all[strings.TrimSuffix(filepath.Base(file), ".md")] = string(content)
	}
	require.Len(t, all, 2)
	return all
}

// The sections, in this order, none left out.
func TestComponentPagesHaveAlloysSections(t *testing.T) {
	for name, content := range componentPages(t) {
		order := read(t, name+".md").order
		require.Len(t, order, 9, name)
		examples := map[bool]string{true: "Examples", false: "Example"}[strings.Contains(content, "\n## Examples\n")]
		require.Equal(t, []string{"Usage", "Arguments", "Blocks", "Exported fields", "Component health", "Debug information",
			"Debug metrics", examples, "Compatible components"}, order, name)
	}
}

// The head: front matter, and a title that is the component's name.
func TestComponentPagesBeginAsAlloys(t *testing.T) {
	for name, content := range componentPages(t) {
		require.Truef(t, strings.HasPrefix(content, "---\n"+
			"canonical: https://grafana.com/docs/alloy/latest/reference/components/loki/"+name+"/\n"+
			"description: Learn about "+name+"\n"+
			"labels:\n  stage: general-availability\n  products:\n    - oss\n"+
			"title: "+name+"\n---\n\n# `"+name+"`\n\n`"+name+"` "), "%s", name)
	}
}

var (
	exampleOfNesting = regexp.MustCompile("^For example, `(\\w+)` > `(\\w+)` refers to a `(\\w+)` block defined inside an? `(\\w+)` block\\.$")
	rowOfTwo         = regexp.MustCompile("^\\| `(\\w+)` > \\[`(\\w+)`\\]")
)

// The sentences that each page has word for word, and where.
func TestComponentPagesHaveAlloysSentences(t *testing.T) {
	for name, content := range componentPages(t) {
		p := read(t, name+".md")
		title, _, _ := strings.Cut(content, "\n## Usage\n")
		require.Truef(t, strings.HasSuffix(title, "\n\nYou can specify multiple `"+name+"` components by giving them different labels.\n"),
			"%s: the last paragraph before Usage", name)
		require.Regexpf(t, "^\n\n```alloy\n"+regexp.QuoteMeta(name)+" \"<LABEL>\" {\n(?s:.*)\n```\n\n$", p.sections["Usage"], "%s: a block of code alone", name)
		for section, sentence := range map[string]string{
			"Arguments":         "You can use the following arguments with `" + name + "`:\n\n| Name ",
			"Blocks":            "You can use the following blocks with `" + name + "`:\n\n| Block ",
			"Exported fields":   "`" + name + "` doesn't export any values.\n\n",
			"Component health":  "`" + name + "` is unhealthy ",
			"Debug information": "`" + name + "` exposes the following debug information:\n\n* ",
			"Debug metrics":     "The following Prometheus metrics are exposed:\n\n| Name ",
		} {
			require.Truef(t, strings.HasPrefix(p.sections[section], "\n\n"+sentence), "%s, %s begins with: %s", name, section, sentence)
		}
		_, nesting, ok := strings.Cut(p.sections["Blocks"], "\n\nThe `>` symbol indicates deeper levels of nesting.\n")
		require.Truef(t, ok, "%s: what > means", name)
		m := exampleOfNesting.FindStringSubmatch(strings.TrimSpace(nesting))
		require.NotNilf(t, m, "%s: %s", name, nesting)
		require.Equal(t, m[1:3], []string{m[4], m[3]}, name)
		nested := false
		for line := range strings.Lines(p.sections["Blocks"]) {
			row := rowOfTwo.FindStringSubmatch(line)
			nested = nested || row != nil && slices.Equal(row[1:3], m[1:3])
		}
		require.Truef(t, nested, "%s: the example is a block of the table", name)
	}
}

// Each block has one section, with a heading of the third level, a description, and behind it a table that is led in.
func TestComponentPagesDescribeTheirBlocks(t *testing.T) {
	link := regexp.MustCompile("\\[`(\\w+)`\\]\\(([^)]*)\\)")
	for name, content := range componentPages(t) {
		p := read(t, name+".md")
		seen := map[string]bool{}
		for line := range strings.Lines(p.sections["Blocks"]) {
			m := link.FindStringSubmatch(line)
			if !strings.HasPrefix(line, "| ") || m == nil {
				continue
			}
			block := m[1]
			require.Equalf(t, "#"+block, m[2], "%s: blocks are described on the page, not elsewhere", name)
			seen[block] = true
			require.Equalf(t, 1, strings.Count(content, "\n### `"+block+"`\n"), "%s: %s", name, block)
			require.Regexpf(t, "^\n\n[A-Z][^|]*\n\n(?s:.*)You can use the following arguments with the `"+block+"` block:\n\n\\| Name ",
				p.sections["`"+block+"`"], "%s: %s", name, block)
		}
		require.NotEmpty(t, seen, name)
		for section := range p.sections {
			if block := strings.Trim(section, "`"); block != section {
				require.Truef(t, seen[block], "%s: a section for %s, which is no block", name, section)
			}
		}
	}
}

// sortedRows requires the rows' order: what is required, then the rest, each by name.
func sortedRows(t *testing.T, rows [][]string, where string) {
	t.Helper()
	key := func(row []string) string {
		name := strings.ReplaceAll(regexp.MustCompile(`\(#\w+\)`).ReplaceAllString(row[0], ""), "`", "")
		return map[string]string{"yes": "0", "no": "1"}[row[len(row)-1]] + strings.NewReplacer("[", "", "]", "").Replace(name)
	}
	require.Truef(t, slices.IsSortedFunc(rows, func(a, b []string) int { return strings.Compare(key(a), key(b)) }), "%s: %v", where, rows)
}

// The columns of each table by its first one, and what may stand in them.
func TestComponentPagesHaveAlloysTables(t *testing.T) {
	sentence := regexp.MustCompile(`^\S.*\.$`)
	for name := range componentPages(t) {
		for section, text := range read(t, name+".md").sections {
			where := name + " > " + section
			var columns []string
			var rows [][]string
			end := func() {
				if len(columns) > 0 && columns[len(columns)-1] == "Required" {
					sortedRows(t, rows, where)
				}
				columns, rows = nil, nil
			}
			for line := range strings.Lines(text + "\n") {
				if !strings.HasPrefix(line, "|") {
					end()
					continue
				}
				cells := cellsOf(strings.TrimSpace(line))
				if columns == nil {
					columns = cells
					switch {
					case section == "Blocks":
						require.Equal(t, []string{"Block", "Description", "Required"}, columns, where)
					case section == "Debug metrics":
						require.Equal(t, []string{"Name", "Type", "Description"}, columns, where)
					case section == "Arguments" || section[0] == '`':
						require.Equal(t, []string{"Name", "Type", "Description", "Default", "Required"}, columns, where)
					}
					continue
				}
				if strings.HasPrefix(cells[0], "--") {
					continue
				}
				rows = append(rows, cells)
				for i, column := range columns {
					switch {
					case column == "Required":
						require.Contains(t, []string{"yes", "no"}, cells[i], where)
					case column == "Description" && section != "Log entries":
						require.Regexp(t, sentence, cells[i], where)
					case column == "Type" && section == "Debug metrics":
						require.Contains(t, []string{"`counter`", "`gauge`", "`histogram`"}, cells[i], where)
					case column == "Name" && section != "Log entries":
						require.Regexp(t, "^`\\w+`$", cells[i], where)
					}
				}
			}
			end()
		}
	}
}

// Examples are described, several of them by headings, and are whole pipelines.
func TestComponentPagesHaveAlloysExamples(t *testing.T) {
	for name, content := range componentPages(t) {
		_, text, ok := strings.Cut(content, "\n## Example")
		require.True(t, ok, name)
		text, generated, ok := strings.Cut(text, "<!-- START GENERATED COMPATIBLE COMPONENTS -->\n\n## Compatible components\n\n`"+name+"` can ")
		require.Truef(t, ok, "%s: the section that Alloy's generator replaces", name)
		require.Truef(t, strings.HasSuffix(generated, "\n<!-- END GENERATED COMPATIBLE COMPONENTS -->\n"), "%s", name)
		blocks := code.FindAllStringSubmatch(text, -1)
		require.NotEmpty(t, blocks, name)
		require.Equal(t, len(blocks) > 1, strings.HasPrefix(text, "s\n"), "Example, or Examples")
		if len(blocks) > 1 {
			require.Equal(t, len(blocks), strings.Count(text, "\n### "), "%s: a heading for each", name)
		}
		require.Equal(t, len(blocks), len(regexp.MustCompile("[.:]\n\n```alloy\n").FindAllString(text, -1)), "%s: a description before each", name)
		for _, block := range blocks {
			require.Contains(t, "\n"+block[1], "\n"+name+` "`, "the component")
			require.Contains(t, block[1], "\nloki.write ", "and where entries go")
			require.NotRegexp(t, "<[A-Z_]+>", block[1])
		}
	}
}

// Each example of the documentation is as `alloy fmt` would write it, be it part of a configuration, with two spaces for a tab, as all 24
// pages of loki components in Alloy v1.19.2 have it. A placeholder that is no string is taken for a name.
func TestExamplesAreFormatted(t *testing.T) {
	files, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	if _, err := os.Stat("../../README.md"); err == nil {
		files = append(files, "../../README.md")
	}
	placeholder, formatted := regexp.MustCompile(`<([A-Z_]+)>`), 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range code.FindAllStringSubmatch(string(content), -1) {
			example := placeholder.ReplaceAllString(m[1], "${1}")
			parsed, err := parser.ParseFile(file, []byte(example))
			require.NoErrorf(t, err, "%s", file)
			var out bytes.Buffer
			require.NoError(t, printer.Fprint(&out, parsed))
			require.Equal(t, strings.ReplaceAll(strings.TrimSpace(out.String()), "\t", "  "), strings.ReplaceAll(strings.TrimSpace(example), "\t", "  "), file)
			formatted++
		}
	}
	require.Greater(t, formatted, 10)
}
