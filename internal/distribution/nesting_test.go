package distribution

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deep are expressions of which one part lies within the other n times.
var deep = map[string]func(n int) string{
	"parentheses": func(n int) string { return strings.Repeat("(", n) + "1" + strings.Repeat(")", n) },
	"not closed":  func(n int) string { return strings.Repeat("(", n) },
	"arrays":      func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) },
	"objects":     func(n int) string { return strings.Repeat("{a=", n) + "1" + strings.Repeat("}", n) },
	"signs":       func(n int) string { return strings.Repeat("-", n) + "1" },
	"negations":   func(n int) string { return strings.Repeat("!", n) + "true" },
	"sums":        func(n int) string { return strings.Repeat("1+", n) + "1" },
	"powers":      func(n int) string { return strings.Repeat("1^", n) + "1" },
	"members":     func(n int) string { return "constants" + strings.Repeat(".a", n) },
	"indices":     func(n int) string { return "constants" + strings.Repeat("[1]", n) },
	"calls":       func(n int) string { return "a" + strings.Repeat("(1, 1)", n) },
	"arguments":   func(n int) string { return strings.Repeat("coalesce(1, ", n) + "1" + strings.Repeat(")", n) },
	"blocks":      func(n int) string { return "1\n" + strings.Repeat("b {\n", n) + strings.Repeat("}\n", n) },
	"lines":       func(n int) string { return strings.Repeat("(\n", n) },
}

func TestDeepNestingIsRefusedAndNoPanic(t *testing.T) {
	for name, expression := range deep {
		t.Run(name, func(t *testing.T) {
			sources := map[string][]byte{"c.alloy": []byte("loki.echo \"e\" {\n\tvalue = " + expression(1_000_000) + "\n}\n")}
			diags, err := check(sources, &gateFlags{})
			require.NoError(t, err)
			require.Len(t, diags, 1)
			require.Contains(t, diags[0].Error(), "c.alloy:")
			require.Contains(t, diags[0].Error(), "more than 1000 parts within each other")

			sources["c.alloy"] = []byte("loki.echo \"e\" {\n\tvalue = " + expression(200) + "\n}\n")
			diags, err = check(sources, &gateFlags{})
			require.NoError(t, err)
			require.NotContains(t, diags.AllMessages(), "within each other")
		})
	}
}

func TestLongIsNotDeep(t *testing.T) {
	var b strings.Builder
	b.WriteString("loki.source.okta \"o\" {\n\torgs = [\n")
	for range 20_000 {
		b.WriteString("\t\t{ url = \"https://acme.okta.com\", labels = {a = \"b\" + \"c\", d = sys.env(\"E\")} },\n")
	}
	b.WriteString("\t]\n}\n")
	require.NoError(t, checkNesting("c.alloy", []byte(b.String())))
	require.NoError(t, checkNesting("c.alloy", []byte(strings.Repeat("loki.echo \"e\" {\n\ta = 1\n}\n", 20_000))))
}
