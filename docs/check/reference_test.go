package check

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/config"
	"github.com/grafana/alloy/internal/component/common/loki"
	alloy_relabel "github.com/grafana/alloy/internal/component/common/relabel"
	"github.com/grafana/alloy/syntax"
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/mixin/exposition"
)

const reference = "loki.source.okta.md"

// types are the names that Alloy's pages use.
var types = map[reflect.Type]string{
	reflect.TypeFor[string]():                         "string",
	reflect.TypeFor[bool]():                           "bool",
	reflect.TypeFor[int]():                            "int",
	reflect.TypeFor[float64]():                        "number",
	reflect.TypeFor[time.Duration]():                  "duration",
	reflect.TypeFor[alloytypes.Secret]():              "secret",
	reflect.TypeFor[[]string]():                       "list(string)",
	reflect.TypeFor[[]alloytypes.Secret]():            "list(secret)",
	reflect.TypeFor[map[string]string]():              "map(string)",
	reflect.TypeFor[map[string][]alloytypes.Secret](): "map(list(secret))",
	reflect.TypeFor[[]loki.LogsReceiver]():            "list(LogsReceiver)",
	reflect.TypeFor[okta.Orgs]():                      "list(object)` or `secret",
	reflect.TypeFor[alloy_relabel.Rules]():            "RelabelRules",
	reflect.TypeFor[config.URL]():                     "string",
	reflect.TypeFor[config.TLSVersion]():              "string",
}

// body is what a block, or the component itself, takes.
type body struct {
	path  []string // "reconcile", "tls_config"
	attrs map[string]attr
}

type attr struct {
	typ      reflect.Type
	value    reflect.Value // the default
	optional bool
}

// bodies lists a struct's attributes and those of its blocks, as the decoder sees them, with the defaults that it starts from.
func bodies(t *testing.T, path []string, v reflect.Value) []body {
	t.Helper()
	if d, ok := v.Addr().Interface().(syntax.Defaulter); ok {
		d.SetToDefault()
	}
	own := body{path: path, attrs: map[string]attr{}}
	var inner []body
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			tag, ok := v.Type().Field(i).Tag.Lookup("alloy")
			if !ok {
				continue
			}
			parts := strings.Split(tag, ",")
			field := v.Field(i)
			if field.Kind() == reflect.Pointer {
				if field.IsNil() {
					field = reflect.New(field.Type().Elem())
				}
				field = field.Elem()
			}
			switch parts[1] {
			case "squash":
				walk(field)
			case "block":
				require.Equal(t, "optional", parts[2])
				typ := field.Type()
				if typ.Kind() == reflect.Slice { // a block that may be there several times
					typ = typ.Elem()
				}
				fresh := reflect.New(typ).Elem()
				inner = append(inner, bodies(t, append(slices.Clone(path), parts[0]), fresh)...)
			case "label": // of a block
			case "attr":
				own.attrs[parts[0]] = attr{
					typ: field.Type(), value: field, optional: len(parts) > 2 && parts[2] == "optional",
				}
			default:
				t.Fatalf("tag %q is new to this test", tag)
			}
		}
	}
	walk(v)
	return append([]body{own}, inner...)
}

// literal is a default as one would write it; "" for a zero value.
func literal(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		if value == 0 {
			return ""
		}
		text := value.String()
		for _, zero := range []string{"m0s", "h0m"} {
			if strings.HasSuffix(text, zero) {
				text = text[:len(text)-len(zero)+1]
			}
		}
		return strconv.Quote(text)
	case string:
		if value == "" {
			return ""
		}
		return strconv.Quote(value)
	case []string:
		if len(value) == 0 {
			return ""
		}
		return strings.ReplaceAll(fmt.Sprintf("%q", value), `" "`, `", "`)
	default:
		if v.IsZero() {
			return ""
		}
		return fmt.Sprint(value)
	}
}

// zeros are what a page may show as the default for a zero value.
var zeros = []string{"", `""`, "{}", "[]", "false", "0s"}

func TestTheReferencePageDocumentsEveryArgument(t *testing.T) {
	requireDocumented(t, read(t, reference), reflect.ValueOf(&okta.Arguments{}).Elem())
}

// requireDocumented holds a page against the arguments that a component has: each block has a row and a section on the page itself, and
// each argument a row in its section, also those that are Alloy's own. required names the blocks that Validate asks for.
func requireDocumented(t *testing.T, p page, args reflect.Value, required ...string) {
	t.Helper()
	documented := map[string]map[string]bool{} // section -> rows that are arguments
	for _, b := range bodies(t, nil, args) {
		section := "Arguments"
		if len(b.path) > 0 {
			name := b.path[len(b.path)-1]
			section = "`" + name + "`"
			requireBlock(t, p, b.path, slices.Contains(required, strings.Join(b.path, ".")))
		}
		rows := p.table(t, section)
		if documented[section] == nil {
			documented[section] = map[string]bool{}
		}
		for name, a := range b.attrs {
			where := strings.Join(append(slices.Clone(b.path), name), ".")
			row, ok := rows[name]
			if !ok {
				t.Errorf("%s is missing in %q of %s", where, section, p.name)
				continue
			}
			documented[section][name] = true
			requireRow(t, row, a, where)
		}
	}
	for section, names := range documented {
		for name := range p.table(t, section) {
			require.Truef(t, names[name], "the page documents %s in %q, which does not exist", name, section)
		}
	}
}

// requireBlock requires the block in the table of blocks, with a link to its section on the same page.
func requireBlock(t *testing.T, p page, path []string, required bool) {
	t.Helper()
	name := path[len(path)-1]
	cell := "[`" + name + "`](#" + name + ")"
	for i := len(path) - 2; i >= 0; i-- {
		cell = "`" + path[i] + "` > " + cell
	}
	want := map[bool]string{true: "yes", false: "no"}[required]
	for line := range strings.Lines(p.sections["Blocks"]) {
		if cells := cellsOf(strings.TrimSpace(line)); cells[0] == cell {
			require.Equal(t, want, cells[2], cell)
			return
		}
	}
	t.Errorf("the table of blocks of %s has no %s", p.name, cell)
}

// requireRow holds a row against an argument.
func requireRow(t *testing.T, row map[string]string, a attr, where string) {
	t.Helper()
	require.Equalf(t, types[a.typ], strings.Trim(row["Type"], "`"), "the type of %s (%s)", where, a.typ)
	require.NotEmpty(t, row["Description"], where)
	shown := strings.Trim(row["Default"], "`")
	require.Equal(t, map[bool]string{true: "no", false: "yes"}[a.optional], row["Required"], where)
	if !a.optional {
		require.Emptyf(t, shown, "%s is required", where)
		return
	}
	switch want := literal(a.value); {
	case where == "structured_metadata":
		require.Equal(t, "see below", shown)
	case where == "request_timeout":
		require.Equal(t, `"60s"`, shown) // as one would write "1m" here
		require.Equal(t, time.Minute, a.value.Interface())
	case want == "":
		require.Containsf(t, zeros, shown, "the default of %s", where)
	default:
		require.Equalf(t, want, shown, "the default of %s", where)
	}
}

func TestTheReferencePageDocumentsLabelsAndMetadata(t *testing.T) {
	text := read(t, reference).sections["Log entries"]
	for name, path := range event.DefaultStructuredMetadata() {
		require.Regexpf(t, "\\| `"+name+"` +\\| `"+regexp.QuoteMeta(strings.ReplaceAll(path, "|", `\|`))+"` +\\|", text, "metadata %s", name)
	}
	require.Equal(t, len(event.DefaultStructuredMetadata()), len(regexp.MustCompile("\n\\| `(?:event|outcome|detected_level)").FindAllString(text, -1)))

	code := ""
	for _, file := range []string{"label.go", "entry.go", "context.go"} { // the lists are nobody's business but those files'
		content, err := os.ReadFile("../../internal/event/" + file)
		require.NoError(t, err)
		code += string(content)
	}
	named := map[string]string{} // constants
	for _, c := range regexp.MustCompile(`(?m)^\s+(\w+Path)\s+= "([^"]+)"`).FindAllStringSubmatch(code, -1) {
		named[c[1]] = c[2]
	}
	sources := regexp.MustCompile(`"(__okta_\w+)": +(?:"([^"]+)"|(\w+Path)|func)`).FindAllStringSubmatch(code, -1)
	require.Greater(t, len(sources), 10)
	for _, source := range sources {
		name, path := source[1], source[2]+named[source[3]]
		if path == "" || strings.HasPrefix(path, "target[") { // described in words
			require.Contains(t, text, "\n| `"+name+"` ")
			continue
		}
		require.Regexpf(t, "\n\\| `"+name+"` +\\| `"+regexp.QuoteMeta(path)+"`", text, "label %s", name)
	}
	require.Equal(t, len(sources)+1, strings.Count(text, "\n| `__okta_"), "those and __okta_org")
}

func TestTheReferencePageDocumentsEveryMetric(t *testing.T) {
	exported := exposition.Of(t)
	listed := read(t, reference).metrics(t)
	require.ElementsMatch(t, slices.Collect(maps.Keys(exported)), slices.Collect(maps.Keys(listed)))
	for name, metric := range exported {
		require.Equal(t, metric.Type, listed[name].Type, name)
		require.Equal(t, metric.Help, listed[name].Help, name)
		require.ElementsMatch(t, metric.Labels, listed[name].Labels, name)
		for _, label := range metric.Labels {
			require.Containsf(t, []string{"backfill", "code", "kind", "org", "part", "reason", "result"}, label, "%s: a label with many values makes many series", name)
		}
	}
}

// Alloy's guide keeps fields out of a component's page.
func TestTheDebugInformationIsDocumented(t *testing.T) {
	text := read(t, "operations.md").sections["Debug information"]
	var args okta.Arguments
	args.SetToDefault()
	args.URL, args.APIToken, args.ForwardTo = "https://acme.okta.com", "token", []loki.LogsReceiver{loki.NewLogsReceiver()}
	c, err := okta.New(component.Options{ID: "loki.source.okta.docs", Logger: slog.New(slog.DiscardHandler), DataPath: t.TempDir()}, args)
	require.NoError(t, err)
	var check func(typ reflect.Type)
	check = func(typ reflect.Type) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			name, kind, _ := strings.Cut(field.Tag.Get("alloy"), ",")
			if kind == "squash" {
				check(field.Type)
				continue
			}
			require.Containsf(t, text, "`"+name+"`", "debug information")
			if strings.HasPrefix(kind, "block") {
				inner := field.Type
				if inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
					inner = inner.Elem()
				}
				check(inner)
			}
		}
	}
	check(reflect.TypeOf(c.DebugInfo()))
}
