package oktaapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNextLinkIsFoundInEveryFormOfTheHeader(t *testing.T) {
	const (
		self = `<https://acme.okta.com/api/v1/logs?limit=20>; rel="self"`
		next = `<https://acme.okta.com/api/v1/logs?limit=20&after=1627500044869_1>; rel="next"`
		want = "https://acme.okta.com/api/v1/logs?limit=20&after=1627500044869_1"
	)
	cases := map[string]struct {
		lines []string
		want  string
	}{
		"two header lines":                 {[]string{self, next}, want},
		"next before self":                 {[]string{next, self}, want},
		"one comma list":                   {[]string{self + ", " + next}, want},
		"a comma list without space":       {[]string{self + "," + next}, want},
		"a comma list with empty elements": {[]string{", ," + self + ",, " + next + ","}, want},
		"unquoted rel":                     {[]string{`<` + want + `>;rel=next`}, want},
		"unquoted rel in a list":           {[]string{`<` + want + `>;rel=next,` + self}, want},
		"upper case":                       {[]string{`<` + want + `>; REL="NEXT"`}, want},
		"space around the equals sign":     {[]string{`<` + want + `> ; rel = "next"`}, want},
		"several relation types":           {[]string{`<` + want + `>; rel="last next"`}, want},
		"further parameters before":        {[]string{`<` + want + `>; title="a, b; c"; type=text/html; rel="next"`}, want},
		"further parameters after":         {[]string{`<` + want + `>; rel="next"; title="rel=\"self\""; x`}, want},
		"a parameter without value":        {[]string{`<` + want + `>; crossorigin; rel="next"`}, want},
		"an escaped quote":                 {[]string{`<https://a/>; title="\"<>, "; rel=self, ` + next}, want},
		"comma and semicolon in the target": {
			[]string{self + `, <https://acme.okta.com/l?q=a,b;c&after=1,2;3>; rel="next"`}, "https://acme.okta.com/l?q=a,b;c&after=1,2;3",
		},
		"an empty relation before":    {[]string{`<https://a/>; rel, ` + next}, want},
		"garbage before":              {[]string{`garbage "with, <quotes>", ` + next}, want},
		"garbage after a target":      {[]string{`<https://a/> garbage; rel="next", ` + next}, want},
		"a broken line before":        {[]string{`<https://a/; rel="next"`, next}, want},
		"the first rel counts":        {[]string{`<https://a/>; rel="self"; rel="next", ` + next}, want},
		"two nexts: the first counts": {[]string{next, `<https://a/>; rel="next"`}, want},
		"no next":                     {[]string{self}, ""},
		"nothing":                     {nil, ""},
		"an empty header":             {[]string{""}, ""},
		"next only as a title":        {[]string{`<https://a/>; title="rel=next"`}, ""},
		"next only in a target":       {[]string{`<https://a/;rel=next>; rel=self`}, ""},
		"a longer word":               {[]string{`<https://a/>; rel="nextish"`}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, found := nextLink(http.Header{"Link": tc.lines})
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.want != "", found)
		})
	}
}

// styles are ways to write the parameters of a next link.
var styles = []string{
	`; rel="next"`, `;rel=next`, ` ; rel = next`, `; REL="Next"`, `; title="a, <b>; \"c\""; rel="next"`, `; rel="prev next"; x=y; z`,
	`;a;rel=next`,
}

// FuzzLink checks that a next link is found to the letter, whatever its target is,
// however its parameters are written and whatever stands before it in other lines or
// after it in its own.
func FuzzLink(f *testing.F) {
	for i := range styles {
		f.Add(fmt.Sprintf("https://acme.okta.com/api/v1/logs?q=a,b;c&after=%d_1", i), i, `<https://a/>; rel="self"`, `, <https://b/>; rel="last"`)
	}
	f.Add("", 0, `<`, `"`)
	f.Add(`a"b\c`, 1, `<x>; rel="`, `\`)
	f.Add("a b", 2, `;;,<>;rel=x`, "")
	f.Fuzz(func(t *testing.T, target string, style int, before, after string) {
		nextLink(http.Header{"Link": {target, before + target + after, before + "," + after}}) // does not panic, does not hang

		target = strings.TrimSpace(target)
		if strings.ContainsRune(target, '>') {
			return
		}
		if _, other := nextLink(http.Header{"Link": {before}}); other {
			return
		}
		if after != "" && after[0] != ',' {
			after = "," + after
		}
		link := "<" + target + ">" + styles[uint(style)%uint(len(styles))] + after
		got, found := nextLink(http.Header{"Link": {before, link}})
		require.True(t, found, "%q", link)
		require.Equal(t, target, got)

		links := parseLinks(before + "," + link)
		require.LessOrEqual(t, len(links), 1+strings.Count(before+link, "<"))
	})
}

func TestACursorIsAStartOnlyIfWeMadeIt(t *testing.T) {
	org, err := url.Parse("https://acme.okta.com")
	require.NoError(t, err)
	start := New(Config{Org: org, Filter: `eventType eq "a;b&after=1"`, Query: "after=2"}).Start(day)
	require.True(t, start.IsStart(), "%s", start)

	for cursor, want := range map[Cursor]bool{
		"https://acme.okta.com/api/v1/logs":                                             true,
		"https://acme.okta.com/api/v1/logs?limit=10&since=2020-02-18T00%3A00%3A00.000Z": true,
		"https://acme.okta.com/api/v1/logs?limit=10&after=1582228935103_1":              false,
		"https://acme.okta.com/api/v1/logs?after=1582228935103_1,a;b":                   false,
		"https://acme.okta.com/api/v1/logs?limit=10&cursor=a-form-to-come":              false,
	} {
		require.Equal(t, want, cursor.IsStart(), "%s", cursor)
	}
}
