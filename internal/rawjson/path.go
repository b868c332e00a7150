package rawjson

import (
	"fmt"
	"strconv"
	"strings"
)

// A Path leads from an event to a value in it: member names joined by dots, as in client.ipAddress, with pickers in brackets between
// them. docs/loki.source.okta.md and the documentation of package event have the syntax, [PathForms] has it in short.
type Path []Step

// A Step goes from a value to one inside it, by name or by picking.
type Step struct {
	Name  string // member name; "" when the step picks
	Any   bool   // the name was '*': every member (redaction only)
	Picks []Pick // alternatives, the first that is there wins; nil when the step is a name
}

// A Pick chooses an element of an array, or keeps or leaves a single object.
type Pick struct {
	Index int    // element number when it is not negative
	Type  string // value of the element's "type" member when not ""
	Any   bool   // every element (redaction only)
}

// PathForms is the part of an error that says what a path may look like.
const PathForms = `a path is member names joined by dots, with [n], [Type] or [Type|Type|n] to pick from an array ` +
	`and ["..."] around a name that holds dots or brackets: "client.ipAddress", "target[0].id", "target[AppInstance|User|0].displayName"`

// WildForms is the extra syntax that redaction paths accept.
const WildForms = `; redaction also takes * for every member or element: "debugContext.debugData.*", "target[*].detailEntry"`

// ParsePath reads a path. Only redaction may use '*'.
func ParsePath(text string, wild bool) (Path, error) {
	fail := func(format string, args ...any) (Path, error) {
		forms := PathForms
		if wild {
			forms += WildForms
		}
		return nil, fmt.Errorf("%q is not a path: %s; %s", text, fmt.Sprintf(format, args...), forms)
	}

	var p Path
	rest := text
	for first := true; rest != ""; first = false {
		switch {
		case strings.HasPrefix(rest, `["`):
			name, after, why := quotedName(rest)
			if why != "" {
				return fail("%s", why)
			}
			p = append(p, Step{Name: name})
			rest = after
			continue
		case rest[0] == '[':
			inside, after, closed := strings.Cut(rest[1:], "]")
			if !closed {
				return fail("%s has no closing ]", rest)
			}
			if first {
				return fail("it begins with a picker, but an event is not an array")
			}
			picks, why := parsePicks(inside, wild)
			if why != "" {
				return fail("%s", why)
			}
			p = append(p, Step{Picks: picks})
			rest = after
			continue
		case rest[0] == '.':
			if first {
				return fail("it begins with a dot")
			}
			rest = rest[1:]
		case first && (rest[0] == '$' || rest[0] == '@'): // as JSONPath has it
			return fail("it begins with %c, and a path begins with the event's first member", rest[0])
		case !first:
			return fail("a dot is missing before %s", rest)
		}
		step, after, why := plainName(rest, wild)
		if why != "" {
			return fail("%s", why)
		}
		p = append(p, step)
		rest = after
	}
	if len(p) == 0 {
		return fail("it is empty")
	}
	return p, nil
}

// quotedName reads ["name"] at the start of text; why is not empty when it cannot.
func quotedName(text string) (name, after, why string) {
	quoted, err := strconv.QuotedPrefix(text[1:])
	if err != nil || !strings.HasPrefix(text[1+len(quoted):], "]") {
		return "", "", text + ` does not end in "]`
	}
	if name, err = strconv.Unquote(quoted); err != nil || name == "" {
		return "", "", quoted + " is not a name"
	}
	return name, text[len(quoted)+2:], ""
}

// plainName reads a name up to the next dot or bracket; why is not empty when it cannot.
func plainName(text string, wild bool) (step Step, after, why string) {
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	name := text[:end]
	switch {
	case name == "":
		return Step{}, "", "a name is missing"
	case name == "*" && !wild:
		return Step{}, "", "* stands for many values, and one is needed"
	case strings.Contains(name, "/"): // as a JSON Pointer has it, RFC 6901
		return Step{}, "", fmt.Sprintf("%q holds a slash, and names are joined by dots", name)
	case name != "*" && strings.ContainsAny(name, "]*\" \t\r\n"):
		return Step{}, "", fmt.Sprintf("%q is not a name", name)
	}
	return Step{Name: name, Any: name == "*"}, text[end:], ""
}

// parsePicks reads what stands between brackets; why is not empty when it cannot.
func parsePicks(text string, wild bool) (picks []Pick, why string) {
	for alternative := range strings.SplitSeq(text, "|") {
		alternative = strings.TrimSpace(alternative)
		switch n, err := strconv.Atoi(alternative); {
		case alternative == "":
			return nil, "an element or type is missing between the brackets"
		case alternative == "*" && !wild:
			return nil, "[*] stands for many values, and one is needed"
		case alternative == "*":
			picks = append(picks, Pick{Index: -1, Any: true})
		case err == nil && n >= 0:
			picks = append(picks, Pick{Index: n})
		case strings.ContainsAny(alternative, "[*\"'?()=@:,") || err == nil:
			return nil, fmt.Sprintf("[%s] is neither an element number (from 0) nor a type", alternative)
		default:
			picks = append(picks, Pick{Index: -1, Type: alternative})
		}
	}
	return picks, ""
}
