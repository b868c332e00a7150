package reconcile

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// selector is a stream selector taken apart, as far as it must be for it to be joined with others.
type selector struct {
	text  string
	parts []matcher // nil: it is joined with its equals only
	shape string    // the same for all that can be joined
	key   string    // the values in which those of a shape differ
}

type matcher struct {
	text  string // as it was written
	label string // that matching streams have; "": they need not
	name  string // the same, of one that must have a value; "": another kind of matcher
	value string
}

var matcherForm = regexp.MustCompile("^\\s*([a-zA-Z_][a-zA-Z0-9_]*)\\s*(=|!=|=~|!~)\\s*(\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`)\\s*(,|})")

// parseSelector takes matchers between braces apart. What it does not know it leaves as it is.
func parseSelector(text string) selector {
	whole := selector{text: text, shape: text}
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return whole
	}
	s := selector{text: text}
	var shape, values []string
	for end := ""; end != "}"; {
		m := matcherForm.FindStringSubmatch(rest)
		if m == nil {
			return whole
		}
		rest, end = rest[len(m[0]):], m[4]
		value, err := strconv.Unquote(m[3])
		if err != nil {
			return whole
		}
		part := matcher{text: m[1] + m[2] + m[3]}
		if m[2] == "=" && value != "" || m[2] == "=~" && needed(value) {
			part.label = m[1]
		}
		if m[2] != "=" || value == "" {
			shape = append(shape, part.text)
		} else {
			if slices.ContainsFunc(s.parts, func(p matcher) bool { return p.name == m[1] }) {
				return whole
			}
			part.name, part.value = m[1], value
			shape, values = append(shape, m[1]), append(values, value)
		}
		s.parts = append(s.parts, part)
	}
	if rest != "" {
		return whole
	}
	s.shape, s.key = "{"+strings.Join(shape, ",")+"}", strings.Join(values, "\x00")
	return s
}

// needed reports whether a regular expression does not match a label that is not there.
func needed(pattern string) bool {
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && !re.MatchString("")
}

// telling is a label that tells selectors of one shape apart, and which of their parts it is in; "": there is none.
func telling(all []selector) (label string, at int) {
	for i, m := range all[0].parts {
		values := make(map[string]bool)
		for _, s := range all {
			values[s.parts[i].value] = true
		}
		if m.label != "" && len(values) == len(all) {
			return m.label, i
		}
	}
	return "", 0
}

// join returns a selector for the streams of all, which have one shape. It may match more: a stream is of the one with its key.
func join(all []selector) string {
	if len(all) == 1 {
		return all[0].text
	}
	var parts []string
	for i, m := range all[0].parts {
		var values []string
		for _, s := range all {
			values = append(values, s.parts[i].value)
		}
		slices.Sort(values)
		values = slices.Compact(values)
		switch {
		case m.name == "":
			parts = append(parts, m.text)
		case len(values) == 1:
			parts = append(parts, m.name+"="+strconv.Quote(m.value))
		default:
			for i, v := range values {
				values[i] = regexp.QuoteMeta(v)
			}
			parts = append(parts, m.name+"=~"+strconv.Quote(strings.Join(values, "|")))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// keyOf is the key of the selector of s's shape that a stream belongs to.
func (s selector) keyOf(labels gjson.Result) string {
	var values []string
	for _, m := range s.parts {
		if m.name != "" {
			values = append(values, labels.Get(m.name).String())
		}
	}
	return strings.Join(values, "\x00")
}
