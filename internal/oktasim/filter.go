package oktasim

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// The filter language is SCIM's, as Okta's core API conventions describe it: eq ne gt ge lt le pr sw co ew, not, and, or, parentheses; no
// []. co and ew exist for the System Log only. Attribute names are case-sensitive, operators are not. A path through an array (target.id)
// holds if one element does.

// predicate says whether an event passes.
type predicate = func(raw []byte) bool

// operators compare a value with the one that is wanted, and know how the two are ordered. All but pr have a value.
var operators = map[string]func(order int, value, wanted string) bool{
	"eq": func(order int, _, _ string) bool { return order == 0 },
	"ne": func(order int, _, _ string) bool { return order == 0 }, // of no value
	"gt": func(order int, _, _ string) bool { return order > 0 },
	"ge": func(order int, _, _ string) bool { return order >= 0 },
	"lt": func(order int, _, _ string) bool { return order < 0 },
	"le": func(order int, _, _ string) bool { return order <= 0 },
	"pr": func(_ int, value, _ string) bool { return value != "" },
	"sw": func(_ int, value, wanted string) bool { return strings.HasPrefix(value, wanted) },
	"co": func(_ int, value, wanted string) bool { return strings.Contains(value, wanted) },
	"ew": func(_ int, value, wanted string) bool { return strings.HasSuffix(value, wanted) },
}

// attributes are the top-level names that can be filtered on. published is refused: since and until are for that.
var attributes = []string{
	"uuid", "eventType", "version", "severity", "legacyEventType", "displayMessage", "actor", "client", "device",
	"request", "outcome", "target", "transaction", "debugContext", "authenticationContext", "securityContext",
}

// uncontained are the paths that co is not supported on.
var uncontained = []string{"debugContext.debugData.url", "debugContext.debugData.requestUri"}

// parseFilter compiles a filter expression.
func parseFilter(expression string) (predicate, *apiError) {
	tokens, e := scanFilter(expression)
	if e != nil {
		return nil, e
	}
	p := filterParser{expression: expression, tokens: tokens}
	f, e := p.or()
	if e != nil {
		return nil, e
	}
	if t := p.peek(); t.text != "" {
		return nil, p.bad(t, "Unexpected '"+t.text+"'")
	}
	return f, nil
}

type filterToken struct {
	text   string // as written; empty: the end
	at     int    // byte offset
	quoted bool
}

// filterTokens are parentheses, quoted strings, words, and a quotation mark that begins a string without an end.
var filterTokens = regexp.MustCompile(`[()]|"(?:[^"\\]|\\.)*"|[^ \t()"]+|"`)

func scanFilter(s string) ([]filterToken, *apiError) {
	var tokens []filterToken
	for _, at := range filterTokens.FindAllStringIndex(s, -1) {
		t := filterToken{s[at[0]:at[1]], at[0], s[at[0]] == '"'}
		if t.text == `"` {
			return nil, errFilter(fmt.Sprintf("Invalid filter '%s': Unterminated string at position %d.", s, t.at))
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

type filterParser struct {
	expression string
	tokens     []filterToken
}

func (p *filterParser) peek() filterToken {
	if len(p.tokens) == 0 {
		return filterToken{at: len(p.expression)}
	}
	return p.tokens[0]
}

func (p *filterParser) next() filterToken {
	t := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *filterParser) take(word string) bool {
	if t := p.peek(); !t.quoted && strings.EqualFold(t.text, word) {
		p.next()
		return true
	}
	return false
}

func (p *filterParser) bad(t filterToken, what string) *apiError {
	return errFilter(fmt.Sprintf("Invalid filter '%s': %s at position %d.", p.expression, what, t.at))
}

func (p *filterParser) or() (predicate, *apiError) {
	return p.chain("or", p.and, func(f, g predicate) predicate { return func(raw []byte) bool { return f(raw) || g(raw) } })
}

func (p *filterParser) and() (predicate, *apiError) {
	return p.chain("and", p.term, func(f, g predicate) predicate { return func(raw []byte) bool { return f(raw) && g(raw) } })
}

func (p *filterParser) chain(word string, part func() (predicate, *apiError), join func(f, g predicate) predicate) (predicate, *apiError) {
	f, e := part()
	for e == nil && p.take(word) {
		var g predicate
		if g, e = part(); e == nil {
			f = join(f, g)
		}
	}
	return f, e
}

func (p *filterParser) term() (predicate, *apiError) {
	if p.take("not") {
		f, e := p.term()
		if e != nil {
			return nil, e
		}
		return func(raw []byte) bool { return !f(raw) }, nil
	}
	if p.take("(") {
		f, e := p.or()
		if e != nil {
			return nil, e
		}
		if t := p.peek(); !p.take(")") {
			return nil, p.bad(t, "Missing ')'")
		}
		return f, nil
	}
	return p.comparison()
}

func (p *filterParser) comparison() (predicate, *apiError) {
	t := p.next()
	if t.text == "" || t.quoted || t.text == ")" {
		return nil, p.bad(t, "Expected an attribute")
	}
	root, rest, nested := strings.Cut(t.text, ".")
	if root == "event_type" { // still works; Okta's own examples use it
		root = "eventType"
	}
	path := root
	if nested {
		path += "." + rest
	}
	if !slices.Contains(attributes, root) || strings.Contains(path, "changeDetails") || strings.ContainsAny(path, `[]#*?|@!{}\`) {
		return nil, errFilter("field is not valid: " + t.text)
	}
	t = p.next()
	op := strings.ToLower(t.text)
	if operators[op] == nil {
		return nil, errFilter(fmt.Sprintf("Invalid filter '%s': Unrecognized attribute operator '%s' at position %d. Expected: "+
			"eq,co,sw,ew,pr,gt,ge,lt,le,ne",
			p.expression, t.text, t.at))
	}
	if op == "co" && slices.Contains(uncontained, path) {
		return nil, errSearch
	}
	want, ok := "", true
	if op != "pr" {
		t = p.next()
		want, ok = filterValue(t)
	}
	if !ok {
		return nil, p.bad(t, "Expected a value")
	}
	compare := comparisonOf(op, path, want)
	return func(raw []byte) bool { return anyValue(raw, path, compare) != (op == "ne") }, nil
}

// filterValue reads a quoted string, a number, true, false or null; all are
// compared as text, since Okta's debugData holds booleans as strings anyway.
func filterValue(t filterToken) (string, bool) {
	if t.quoted {
		s := gjson.Parse(t.text)
		return s.String(), s.Type == gjson.String
	}
	if t.text == "true" || t.text == "false" || t.text == "null" {
		return t.text, true
	}
	_, err := strconv.ParseFloat(t.text, 64)
	return t.text, err == nil
}

// severities orders severity by weight rather than by letter.
var severities = map[string]int{"DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4}

func comparisonOf(op, path, want string) func(gjson.Result) bool {
	order := func(v gjson.Result) int {
		if v.Type == gjson.Number {
			if n, err := strconv.ParseFloat(want, 64); err == nil {
				return cmp.Compare(v.Num, n)
			}
		}
		if path == "severity" {
			return severities[v.String()] - severities[want]
		}
		return strings.Compare(v.String(), want)
	}
	return func(v gjson.Result) bool {
		if want == "null" && (op == "eq" || op == "ne") {
			return v.Type == gjson.Null
		}
		return v.Type != gjson.Null && operators[op](order(v), v.String(), want)
	}
}

// anyValue tests the value at a dotted path, or each of them where the path
// crosses arrays. A path that leads nowhere is tested once, as null.
func anyValue(raw []byte, path string, test func(gjson.Result) bool) bool {
	var walk func(at gjson.Result, path string) bool
	walk = func(at gjson.Result, path string) bool {
		if at.IsArray() {
			for _, item := range at.Array() {
				if walk(item, path) {
					return true
				}
			}
			return false
		}
		if path == "" {
			return test(at)
		}
		name, rest, _ := strings.Cut(path, ".")
		return walk(at.Get(name), rest)
	}
	return walk(gjson.ParseBytes(raw), path)
}

// keyword compiles one word of the q parameter: case-insensitive, and a whole token of some value. A value's tokens are the value, its
// words, and the parts of a word that hyphens and other punctuation separate.
func keyword(word string) predicate {
	word = strings.ToLower(word)
	return func(raw []byte) bool { return hasToken(gjson.ParseBytes(raw), word) }
}

func hasToken(v gjson.Result, word string) bool {
	if v.IsObject() || v.IsArray() {
		found := false
		v.ForEach(func(_, item gjson.Result) bool {
			found = hasToken(item, word)
			return !found
		})
		return found
	}
	if v.Type == gjson.Null {
		return false
	}
	value := strings.ToLower(v.String())
	if !strings.Contains(value, word) {
		return false
	}
	if value == word {
		return true
	}
	for w := range strings.FieldsSeq(value) {
		if strings.TrimFunc(w, unicode.IsPunct) == word || w == word {
			return true
		}
		for part := range strings.FieldsFuncSeq(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if part == word {
				return true
			}
		}
	}
	return false
}
