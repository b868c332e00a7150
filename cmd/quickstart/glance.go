package main

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// glanceColumns is as much of a line as the demo shows.
const glanceColumns = 150

// glance passes on what is worth a glance in alloy-okta's log during the demo: entries that loki.echo wrote, cut to a line of the
// terminal, and warnings and errors in full. The whole log is in its file.
type glance struct {
	out  io.Writer
	rest []byte // a line that has not ended yet
}

// Write takes any part of the log. It reports all of p as written, also what it holds back.
func (g *glance) Write(p []byte) (int, error) {
	g.rest = append(g.rest, p...)
	for {
		line, rest, found := bytes.Cut(g.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		g.rest = rest
		if text := glanceAt(string(line)); text != "" {
			if _, err := io.WriteString(g.out, text+"\n"); err != nil {
				return len(p), err
			}
		}
	}
}

func glanceAt(line string) string {
	switch {
	case strings.Contains(line, " component_id=loki.echo."):
		_, entry, _ := strings.Cut(line, ` entry=`)
		if utf8.RuneCountInString(entry) > glanceColumns {
			entry = string([]rune(entry)[:glanceColumns]) + "…"
		}
		return "entry " + entry
	case strings.Contains(line, " level=warn ") || strings.Contains(line, " level=error ") || !strings.Contains(line, " level="):
		return line
	}
	return ""
}
