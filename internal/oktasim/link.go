package oktasim

import (
	"net/http"
	"net/url"
	"strings"
)

// LinkStyle is a way to write the Link header. All are legal by RFC 8288; Okta
// documents LinkSeparate, proxies and clients have met the others.
type LinkStyle int

// The styles.
const (
	LinkSeparate    LinkStyle = iota // two header lines, self before next
	LinkJoined                       // one line, comma-joined
	LinkNextFirst                    // two lines, next before self
	LinkUnquoted                     // rel=next without quotes
	LinkParams                       // further parameters around rel
	LinkPunctuation                  // raw commas and semicolons inside the next URL, one line
)

// punctuation is what LinkPunctuation adds to a cursor; the server ignores it when the cursor comes back.
const punctuation = ",a;b"

func (s LinkStyle) set(h http.Header, self, next string) {
	write := func(target, rel string) string {
		switch s {
		case LinkUnquoted:
			return "<" + target + ">; rel=" + rel
		case LinkParams:
			return "<" + target + `>; title="page, ` + rel + `; of the log" ; type="application/json"; rel="` + rel + `"; hreflang=en`
		}
		return "<" + target + `>; rel="` + rel + `"`
	}
	links := []string{write(self, "self")}
	if next != "" {
		links = append(links, write(next, "next"))
	}
	if s == LinkNextFirst && next != "" {
		links[0], links[1] = links[1], links[0]
	}
	if s == LinkJoined || s == LinkPunctuation {
		links = []string{strings.Join(links, ", ")}
	}
	h["Link"] = links
}

// selfURL repeats a request the way Okta does: its own parameters in its own order, encoded afresh (so a space comes back as "+").
func selfURL(base string, params []param, style LinkStyle) string {
	escape := url.QueryEscape
	if style == LinkPunctuation {
		escape = func(s string) string {
			return strings.NewReplacer("%2C", ",", "%3B", ";").Replace(url.QueryEscape(s))
		}
	}
	var b strings.Builder
	b.WriteString(base + logsPath)
	for i, p := range params {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(escape(p.name) + "=" + escape(p.value))
	}
	return b.String()
}

// nextURL is selfURL with after as its cursor, at the end. Nothing is invented: a request without since gets a next link without.
func nextURL(base string, params []param, after string, style LinkStyle) string {
	if style == LinkPunctuation {
		after += punctuation
	}
	var next []param
	for _, p := range params {
		if p.name != "after" {
			next = append(next, p)
		}
	}
	return selfURL(base, append(next, param{"after", after}), style)
}
