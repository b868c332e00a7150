package redact

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// addresses are of all forms that a mail server takes (RFC 5321, 5322, 6531).
var addresses = []string{
	"kari@acme.example", "Kari.Rotnes@ACME.example", "kari-rotnes_1@acme-corp.co.example", "kari+tag@acme.example", "o'neil@acme.example",
	"kari%acme.example@relay.example", "acme!kari@relay.example", "kari$x*y^z~@acme.example", "kari|rotnes{x}@acme.example",
	"kari&ola@acme.example", "kari`r@acme.example",
	`"kari rotnes"@acme.example`, `"kari@home"@acme.example`, `"kari..rotnes"@acme.example`, `"kari \"kr\" rotnes"@acme.example`,
	`"kari\\rotnes"@acme.example`, `kari."van rotnes"@acme.example`, `"kari van".rotnes@acme.example`, `"rotnes, kari"@acme.example`,
	`"kari <rotnes>"@acme.example`, `"kari & ola"@acme.example`, `"kari/rotnes=x#z"@acme.example`, `"käri rotnes"@acme.example`, `"Kari Rotnes"@[10.0.0.1]`,
	"kåri@bücher.example", "ka\u030ari@acme.example", "用户@例子.广告", "अजय@डाटा.भारत", "ярослав@пример.рф", "🙂kari@acme.example",
	"kari@xn--bcher-kva.example", "kari@пример.xn--p1ai", "kari@acme.xn--p1ai", "kari@acme_corp.example", "kari@mail.acme_corp.example",
	"kari@10.0.0.1", "kari@[10.0.0.1]", "kari@[IPv6:2001:db8::1]", "kari.rotnes@[ipv6:::1]",
	"kari(at work)@acme.example", "kari@(at work)acme.example", "kari@acme.example(Rotnes)", "(Rotnes)kari@acme.example",
	"(a)kari(b)@(c)acme.example(d)", `"kari rotnes"(work)@acme.example`,
}

// spellings are how a text with an address may write it.
var spellings = map[string]func(string) string{
	"as it is":     func(s string) string { return s },
	"query":        url.QueryEscape,
	"query, %20":   func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") },
	"path":         url.PathEscape,
	"lower hex":    func(s string) string { return strings.ReplaceAll(strings.ToLower(url.QueryEscape(s)), "+", "%20") },
	"every byte":   func(s string) string { return fmt.Sprintf(strings.Repeat("%%%02X", len(s)), bytesOf(s)...) },
	"HTML":         html.EscapeString,
	"HTML, &quot;": func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "&#34;", "&quot;") },
	"HTML, @":      func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "@", "&#64;") },
	"HTML, hex":    func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "@", "&#x40;") },
	"HTML twice, @": func(s string) string {
		return html.EscapeString(strings.ReplaceAll(html.EscapeString(s), "@", "&#64;"))
	},
	"JSON":        inJSON,
	"JSON twice":  func(s string) string { return inJSON(inJSON(s)) },
	"JSON thrice": func(s string) string { return inJSON(inJSON(inJSON(s))) },
	"JSON, @":     func(s string) string { return strings.ReplaceAll(inJSON(s), "@", `\u0040`) },
}

func bytesOf(s string) (all []any) {
	for _, c := range []byte(s) {
		all = append(all, c)
	}
	return all
}

// inJSON is a text as it is between the quotation marks of a JSON string.
func inJSON(s string) string { q := quoted(s); return string(q[1 : len(q)-1]) }

func TestWhatIsNoAddressStays(t *testing.T) {
	for _, text := range []string{
		"kari@", "@acme.example", "kari@acme", "kari @ acme.example", "@okta/okta-auth-js 7.0", "a@1.2", "x@[y]", "x@[1.2.3]", "npm@8.1.0", `"" @acme.example`,
		`"name":"@acme.example"`, "100%40", "%4", "a%40b", "&#64;", "50 % & more", "system@okta.com", "system%40okta.com", `C:\Users\x`, "()@acme.example",
		"/api?q=kari%20x&limit=1&filter=a%20eq%20%22b%22", "/?user.id=1&fromURI=%2Fx&utm_source=a&x[0]=1&SAMLRequest=1", "Really? a b=c",
	} {
		q, err := json.Marshal(text)
		require.NoError(t, err)
		raw := fmt.Sprintf(`{"displayMessage":%s,"outcome":{"reason":%[1]s},"debugContext":{"debugData":{"url":%[1]s}}}`, q)
		require.Equal(t, raw, string(redacted(t, Options{}, []byte(raw))), text)
	}
}
