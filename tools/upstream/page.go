package main

import (
	"regexp"
	"slices"
	"strings"
)

var (
	tableRow = regexp.MustCompile("(?m)^\\| ((?:\\[?`[\\w.]+`(?:\\]\\(#\\w+\\))?(?: > )?)+) +\\|.*\n")
	codeWord = regexp.MustCompile("`([\\w.]+)`")
	anchor   = regexp.MustCompile(`\]\(#(\w+)\)`)
	link     = regexp.MustCompile(`\[([^\[\]]+)\]\(#(\w+)\)`)
)

// corePage returns a reference page without the arguments and blocks that are left out: their rows, the sections of blocks that no row
// leads to then, and examples that have them. What the text says of them elsewhere is left, without its links.
func (c *change) corePage(page string) string {
	if len(c.gone) == 0 {
		return page
	}
	isGone := func(m []string) bool { return slices.Contains(c.gone, m[1]) }
	page = tableRow.ReplaceAllStringFunc(page, func(row string) string {
		first := tableRow.FindStringSubmatch(row)[1]
		if slices.ContainsFunc(codeWord.FindAllStringSubmatch(first, -1), isGone) {
			return ""
		}
		return row
	})
	linked := map[string]bool{}
	for _, row := range tableRow.FindAllStringSubmatch(page, -1) {
		for _, m := range anchor.FindAllStringSubmatch(row[1], -1) {
			linked[m[1]] = true
		}
	}
	usesGone := regexp.MustCompile(`(?m)^\s+(` + strings.Join(c.gone, "|") + `)\b`)
	inBlocks, inExamples := false, false
	var kept strings.Builder
	dropped := map[string]bool{}
	for _, section := range sections(page) {
		title, _, _ := strings.Cut(section, "\n")
		if strings.HasPrefix(title, "## ") {
			inBlocks, inExamples = title == "## Blocks", title == "## Examples"
		}
		name := strings.Trim(strings.TrimPrefix(title, "### "), "`")
		switch block := strings.HasPrefix(title, "### `"); {
		case inBlocks && block && !linked[name]:
			dropped[name] = true
		case inExamples && strings.HasPrefix(title, "### ") && usesGone.MatchString(section):
		default:
			kept.WriteString(section)
		}
	}
	return link.ReplaceAllStringFunc(kept.String(), func(text string) string {
		if m := link.FindStringSubmatch(text); dropped[m[2]] {
			return m[1]
		}
		return text
	})
}

// sections are a page in pieces, each but the first of which begins with a heading of the second or third level.
func sections(page string) (all []string) {
	fenced := false
	var section strings.Builder
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if !fenced && (strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "### ")) {
			all = append(all, section.String())
			section.Reset()
		}
		section.WriteString(line)
	}
	return append(all, section.String())
}
