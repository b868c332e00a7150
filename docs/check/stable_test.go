package check

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	gotypes "go/types"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/component/loki/source/okta_event_hook"
	"github.com/grafana/alloy/okta/component/loki/stdout"
	"github.com/grafana/alloy/okta/component/okta/environment"
	"github.com/grafana/alloy/okta/internal/distribution"
	"github.com/grafana/alloy/okta/internal/doctor"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/verify"
	"github.com/grafana/alloy/okta/systemlog"
)

var update = flag.Bool("update", false, "write testdata/stable.txt anew")

const stableList = "testdata/stable.txt"

// surface is what others rely on, as docs/stability.md says. Metrics, variables and the labels that rules read are taken from the pages
// that other tests hold against the code.
type surface []string

func (s *surface) add(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

func (s *surface) arguments(t *testing.T, component string, args any) {
	s.add("component %s", component)
	for _, b := range bodies(t, nil, reflect.ValueOf(args).Elem()) {
		path := strings.Join(append([]string{component}, b.path...), " > ")
		if len(b.path) > 0 {
			s.add("block %s", path)
		}
		for name, a := range b.attrs {
			required := map[bool]string{true: "", false: ", required"}[a.optional]
			s.add("argument %s > %s: %s%s", path, name, typeOf(a.typ), required)
		}
	}
}

func (s *surface) exports(component string, exports reflect.Type) {
	for i := range exports.NumField() {
		name, _, _ := strings.Cut(exports.Field(i).Tag.Get("alloy"), ",")
		s.add("export %s.%s: %s", component, name, typeOf(exports.Field(i).Type))
	}
}

// typeOf is a type as pages have it, without their back quotes.
func typeOf(t reflect.Type) string {
	if t == reflect.TypeFor[loki.LogsReceiver]() {
		return "LogsReceiver" // which no page names by itself
	}
	return cmp.Or(strings.ReplaceAll(types[t], "`", ""), t.String())
}

func (s *surface) entries(t *testing.T) {
	for _, format := range []string{event.FormatEnvelope, event.FormatEvent} {
		formatter, err := event.New(event.Options{Org: "acme.okta.com", LineFormat: format})
		require.NoError(t, err)
		s.add("line_format %s", format)
		for name := range formatter.Entry(event.Event{Raw: []byte("{}")}, time.Now()).Labels {
			s.add("label %s", name)
		}
	}
	for name := range event.DefaultStructuredMetadata() {
		s.add("metadata %s", name)
	}
	labels := regexp.MustCompile("\n\\| `(__okta_\\w+)`").FindAllStringSubmatch(read(t, reference).sections["Log entries"], -1)
	require.Greater(t, len(labels), 10)
	for _, m := range labels {
		s.add("label for rules %s", m[1])
	}
}

func (s *surface) metrics(t *testing.T, page string) {
	for name, m := range read(t, page).metrics(t) {
		by := ""
		if len(m.Labels) > 0 {
			by = " by " + strings.Join(m.Labels, ", ")
		}
		s.add("metric %s: %s%s", name, m.Type, by)
	}
}

// commands are ours, with the flags that run has not and the codes that their help names.
func (s *surface) commands() {
	root := distribution.Command()
	alloys := map[string]bool{"help": true}
	for _, c := range root.Commands() {
		if c.Name() == "run" {
			c.Flags().VisitAll(func(f *pflag.Flag) { alloys[f.Name] = true })
		}
	}
	all := root.Commands()
	for len(all) > 0 {
		c := all[0]
		all = append(all[1:], c.Commands()...)
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		s.add("command %s", c.CommandPath())
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !alloys[f.Name] {
				s.add("flag %s --%s", c.CommandPath(), f.Name)
			}
		})
		for _, m := range regexp.MustCompile(`\bwith (?:code )?(\d)\b`).FindAllStringSubmatch(c.Long, -1) {
			s.add("exit code %s: %s", c.CommandPath(), m[1])
		}
	}
	s.fields("alloy-okta verify --json", reflect.TypeFor[verify.Summary]())
	s.fields("alloy-okta doctor --json", reflect.TypeFor[[]doctor.Report]())
	for _, kind := range verify.Kinds {
		s.add("json alloy-okta verify --json: kind %s", kind)
	}
}

// fields are the members of what a command prints.
func (s *surface) fields(path string, typ reflect.Type) {
	switch typ.Kind() {
	case reflect.Pointer:
		s.fields(path, typ.Elem())
	case reflect.Slice:
		s.fields(path+"[]", typ.Elem())
	case reflect.Struct:
		if typ.Implements(reflect.TypeFor[json.Marshaler]()) {
			break
		}
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name != "-" && name != "" {
				s.add("json %s.%s", path, name)
				s.fields(path+"."+name, typ.Field(i).Type)
			}
		}
	}
}

// named are names in files that are generated or written for other programs.
func (s *surface) named(t *testing.T, kind, glob, pattern string) {
	files, err := filepath.Glob(filepath.Join("../..", glob))
	require.NoError(t, err)
	require.NotEmpty(t, files, glob)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(string(content), -1)
		require.NotEmpty(t, found, file)
		for _, m := range found {
			s.add("%s %s", kind, strings.Join(m[1:], " "))
		}
	}
}

// library is what systemlog exports.
func (s *surface) library(t *testing.T) {
	files, err := filepath.Glob("../../systemlog/*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.FileExports(parsed)
		for _, d := range parsed.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				of := ""
				if d.Recv != nil {
					of = strings.TrimPrefix(gotypes.ExprString(d.Recv.List[0].Type), "*")
					if !ast.IsExported(of) {
						continue
					}
					of += "."
				}
				s.add("library func %s%s%s", of, d.Name, strings.TrimPrefix(gotypes.ExprString(d.Type), "func"))
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						s.add("library type %s", spec.Name)
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							s.add("library %s %s", d.Tok, name)
						}
					}
				}
			}
		}
	}
	for name, typ := range map[string]reflect.Type{
		"Config": reflect.TypeFor[systemlog.Config](), "Entry": reflect.TypeFor[systemlog.Entry](),
		"Format": reflect.TypeFor[systemlog.Format](), "Redaction": reflect.TypeFor[systemlog.Redaction](),
		"ServiceApp": reflect.TypeFor[systemlog.ServiceApp](), "Status": reflect.TypeFor[systemlog.Status](),
		"Problem": reflect.TypeFor[systemlog.Problem](),
	} {
		for _, f := range reflect.VisibleFields(typ) {
			if f.IsExported() {
				s.add("library field %s.%s: %s", name, f.Name, f.Type)
			}
		}
	}
}

// The names that others rely on are listed in one file, so that who takes a name away, or adds one, sees that it is a promise.
func TestTheStableSurfaceIsAsListed(t *testing.T) {
	var s surface
	s.arguments(t, "loki.source.okta", &okta.Arguments{})
	s.arguments(t, "loki.source.okta_event_hook", &okta_event_hook.Arguments{})
	s.arguments(t, "okta.environment", &environment.Arguments{})
	s.exports("okta.environment", reflect.TypeFor[environment.Exports]())
	s.arguments(t, "loki.stdout", &stdout.Arguments{})
	s.exports("loki.stdout", reflect.TypeFor[stdout.Exports]())
	s.entries(t)
	s.named(t, "label", "internal/poller/deliver.go", `\blateLabel +(?:string )?= "(\w+)"`)
	s.named(t, "label", "component/loki/source/okta/reconcile.go", `\bbackfillLabel +(?:string )?= "(\w+)"`)
	s.metrics(t, reference)
	s.metrics(t, hookReference)
	s.commands()
	s.named(t, "variable", "component/okta/environment/variables.go", `name: "([A-Z_]+)"`)
	s.named(t, "alert", "mixin/alerts.yaml", `(?m)^ +- alert: (\w+)$`)
	s.named(t, "rule", "detections/grafana/alerts.yaml", `(?m)^ +- uid: (\S+)\n +title: (\w+)$`)
	s.named(t, "label of rules", "detections/grafana/alerts.yaml", `(?m)^ +(severity): \w+$`)
	s.named(t, "package", "deploy/linux/alloy-okta.service", `(?m)^((?:User|EnvironmentFile|ExecStart|StateDirectory)=.+)$`)
	s.named(t, "dashboard", "detections/dashboards/*.json", `(?m)^  "uid": "([^"]+)"`)
	s.named(t, "dashboard", "mixin/dashboards/*.json", `(?m)^  "uid": "([^"]+)"`)
	s.library(t)
	slices.Sort(s)
	s = slices.Compact(s)
	if *update {
		require.NoError(t, os.WriteFile(stableList, []byte(strings.Join(s, "\n")+"\n"), 0o644))
	}

	content, err := os.ReadFile(stableList)
	require.NoError(t, err)
	listed, is := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(content)) {
		listed[strings.TrimSpace(line)] = true
	}
	for _, line := range s {
		is[line] = true
	}
	for _, line := range slices.Sorted(maps.Keys(listed)) {
		if !is[line] {
			t.Errorf("gone or changed: %s\n\tOthers rely on it: docs/stability.md says how it may change, and for how long the old one must go on "+
				"working. When that is done, or it is experimental: go test ./docs/check -run Stable -update, and a line in CHANGELOG.md "+
				"under Removed or Changed.", line)
		}
	}
	for _, line := range s {
		if !listed[line] {
			t.Errorf("new: %s\n\tFrom the next release on others rely on it: is the name right? Then go test ./docs/check -run Stable -update, "+
				"and a line in CHANGELOG.md under Added.", line)
		}
	}
}
