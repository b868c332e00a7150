package check

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/mixin/exposition"
)

// page is a Markdown file, by heading.
type page struct {
	name     string
	sections map[string]string // "Arguments", "`client`": the text up to the next heading
	order    []string          // of the "## " headings
}

var heading = regexp.MustCompile(`(?m)^(##+) (.+)$`)

func read(t *testing.T, name string) page {
	t.Helper()
	return parse(t, filepath.Join("..", name))
}

// parse reads the page at path.
func parse(t *testing.T, path string) page {
	t.Helper()
	name := filepath.Base(path)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	p := page{name: name, sections: map[string]string{}}
	text := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllStringFunc(string(content), func(block string) string {
		return strings.ReplaceAll(block, "\n#", "\n#\u200b") // a comment in code is no heading
	})
	places := heading.FindAllStringSubmatchIndex(text, -1)
	for i, place := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		title := text[place[4]:place[5]]
		require.NotContainsf(t, p.sections, title, "%s has two sections of this name", name)
		p.sections[title] = text[place[1]:end]
		if text[place[2]:place[3]] == "##" {
			p.order = append(p.order, title)
		}
	}
	return p
}

// table returns the rows of a section's first table whose first column is named Name, by their first cell without back quotes; none
// without such a table.
func (p page) table(t *testing.T, section string) map[string]map[string]string {
	t.Helper()
	text, ok := p.sections[section]
	require.Truef(t, ok, "%s has no section %q", p.name, section)
	rows := map[string]map[string]string{}
	var columns []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if columns != nil {
				break
			}
			continue
		}
		cells := cellsOf(line)
		switch {
		case columns == nil && cells[0] == "Name":
			columns = cells
		case columns != nil && strings.Trim(cells[0], "-") != "":
			require.Lenf(t, cells, len(columns), "%s: %s", p.name, line)
			row := map[string]string{}
			for i, column := range columns {
				row[column] = cells[i]
			}
			name := strings.Trim(cells[0], "`")
			require.NotContainsf(t, rows, name, "%s has it twice in %q", p.name, section)
			rows[name] = row
		}
	}
	return rows
}

// metricLabels is the end of a metric's description: "By `org` and `code`."
var metricLabels = regexp.MustCompile("^(.+) By (`\\w+`(?: and `\\w+`)?)\\.$")

// metrics returns the metrics that the page lists. The table's columns are those of Alloy's pages, so a metric's labels stand behind
// its help, as in "Help. By `org`."
func (p page) metrics(t *testing.T) map[string]exposition.Metric {
	t.Helper()
	all := map[string]exposition.Metric{}
	for name, row := range p.table(t, "Debug metrics") {
		m := exposition.Metric{Type: strings.Trim(row["Type"], "`"), Help: row["Description"]}
		if by := metricLabels.FindStringSubmatch(m.Help); by != nil {
			m.Help, m.Labels = by[1], strings.Split(strings.Trim(by[2], "`"), "` and `")
			slices.Sort(m.Labels)
		}
		all[name] = m
	}
	require.NotEmpty(t, all, p.name)
	return all
}

func cellsOf(line string) []string {
	var cells []string
	line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\u0000")
	for cell := range strings.SplitSeq(line, "|") {
		cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), "\u0000", "|"))
	}
	return cells
}
