package okta

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/component/loki/relabel"
	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/printer"
	"github.com/grafana/alloy/syntax/vm"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

var update = flag.Bool("update", false, "write want.txt of the cases anew")

const cases = "../../../../testdata/cases"

// TestCases runs the folders of testdata/cases: under config.alloy, event.json becomes want.txt. A new case is a new folder; -update
// writes its want.txt, to be read before it is committed.
//
// config.alloy is what one would write for alloy-okta: a loki.source.okta, and a loki.relabel when there are rules. Only the
// receiver, loki.write.default, is not in it. Events without a usable time get noon.
func TestCases(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(cases, "*"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(folders), 80)
	require.GreaterOrEqual(t, len(folders), 110) // option: redact
	t.Setenv("OKTA_API_TOKEN", "00caseToken")
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			config, err := os.ReadFile(filepath.Join(folder, "config.alloy"))
			require.NoError(t, err)
			args := load(t, config)
			requireFormatted(t, config)
			raw, err := os.ReadFile(filepath.Join(folder, "event.json"))
			require.NoError(t, err)
			raw = bytes.TrimSpace(raw)

			entry := entryOf(t, args, raw)
			got := describe(entry)
			file := filepath.Join(folder, "want.txt")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err, "-update writes it, for you to read")
			require.Equal(t, string(want), got)
			if !redacts(args) && entry.Labels != nil {
				require.Contains(t, entry.Line, string(raw), "the event's bytes are untouched")
			}
		})
	}
}

func redacts(args Arguments) (is bool) {
	is = args.Options.Redact != nil // option: redact
	return is
}

// requireFormatted tells whether `alloy-okta fmt` would leave the configuration alone.
func requireFormatted(t *testing.T, config []byte) {
	t.Helper()
	parsed, err := parser.ParseFile("config.alloy", config)
	require.NoError(t, err)
	var formatted bytes.Buffer
	require.NoError(t, printer.Fprint(&formatted, parsed))
	require.Equal(t, strings.TrimSpace(formatted.String()), strings.TrimSpace(string(config)), "alloy-okta fmt")
}

// load reads a configuration as Alloy does: each block is decoded into its component's arguments, in a scope with what the
// others export.
func load(t *testing.T, config []byte) (args Arguments) {
	t.Helper()
	parsed, err := parser.ParseFile("config.alloy", config)
	require.NoError(t, err)
	rules := map[string]any{}
	scope := vm.NewScope(map[string]any{"loki": map[string]any{
		"relabel": rules,
		"write":   map[string]any{"default": map[string]any{"receiver": loki.NewLogsReceiver()}},
	}})
	sources := 0
	for _, stmt := range parsed.Body {
		block := stmt.(*ast.BlockStmt)
		switch name := strings.Join(block.Name, "."); name {
		case "loki.relabel":
			var a relabel.Arguments
			require.NoError(t, vm.New(block.Body).Evaluate(scope, &a))
			rules[block.Label] = relabel.Exports{Rules: a.RelabelConfigs}
		case "loki.source.okta":
			require.NoError(t, vm.New(block.Body).Evaluate(scope, &args))
			sources++
		default:
			require.Failf(t, "unexpected block", "%s in a case: only loki.relabel and loki.source.okta", name)
		}
	}
	require.Equal(t, 1, sources, "one loki.source.okta to a case")
	return args
}

func entryOf(t *testing.T, args Arguments, raw []byte) event.Entry {
	t.Helper()
	org, _, err := oktaapi.ParseOrg(args.URL)
	require.NoError(t, err)
	formatter, err := event.New(args.eventOptions(org.Host))
	require.NoError(t, err)
	events, err := event.Scan(slices.Concat([]byte("["), raw, []byte("]")))
	require.NoError(t, err)
	require.Len(t, events, 1)
	return formatter.Entry(events[0], time.Date(2026, 8, 21, 12, 0, 0, 0, time.UTC))
}

// describe is want.txt: time, labels and metadata one to a line, then the line as it is; or that there is no entry.
func describe(e event.Entry) string {
	if e.Labels == nil {
		return "dropped\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "time %s\n", e.Timestamp.Format(time.RFC3339Nano))
	for _, name := range slices.Sorted(maps.Keys(map[model.LabelName]model.LabelValue(e.Labels))) {
		fmt.Fprintf(&b, "label %s=%q\n", name, e.Labels[name])
	}
	for _, m := range e.StructuredMetadata {
		fmt.Fprintf(&b, "metadata %s=%q\n", m.Name, m.Value)
	}
	fmt.Fprintf(&b, "line\n%s\n", e.Line)
	return b.String()
}
