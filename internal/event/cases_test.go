package event

import (
	"bytes"
	"encoding/json"
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
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write want.txt of the cases anew")

// caseOptions is options.json of a case; the names are the component's.
type caseOptions struct {
	LineFormat         string            `json:"line_format"`
	Labels             map[string]string `json:"labels"`
	RelabelRules       []caseRule        `json:"relabel_rules"`
	StructuredMetadata map[string]string `json:"structured_metadata"`
	Redact             *struct {
		Mode    string   `json:"mode"`
		Key     string   `json:"key"`
		Presets []string `json:"presets"`
		Paths   []string `json:"paths"`
	} `json:"redact"`
}

type caseRule struct {
	Action       string   `json:"action"`
	SourceLabels []string `json:"source_labels"`
	Regex        string   `json:"regex"`
	TargetLabel  string   `json:"target_label"`
	Replacement  string   `json:"replacement"`
}

func (c caseOptions) options() Options {
	opts := Options{Org: "acme.okta.com", LineFormat: c.LineFormat, Labels: c.Labels, StructuredMetadata: c.StructuredMetadata}
	for _, r := range c.RelabelRules {
		rule := relabel.DefaultRelabelConfig
		rule.TargetLabel = r.TargetLabel
		if r.Action != "" {
			rule.Action = relabel.Action(r.Action)
		}
		if r.Regex != "" {
			rule.Regex = relabel.MustNewRegexp(r.Regex)
		}
		if r.Replacement != "" {
			rule.Replacement = r.Replacement
		}
		for _, name := range r.SourceLabels {
			rule.SourceLabels = append(rule.SourceLabels, model.LabelName(name))
		}
		opts.RelabelRules = append(opts.RelabelRules, &rule)
	}
	if c.Redact != nil {
		opts.Redaction = &Redaction{Mode: c.Redact.Mode, Key: []byte(c.Redact.Key), Presets: c.Redact.Presets, Paths: c.Redact.Paths}
	}
	return opts
}

// describe is want.txt: the time, labels and metadata one to a line, then the
// line as it is.
func describe(e Entry) string {
	var b strings.Builder
	if e.Labels == nil {
		return "dropped\n"
	}
	fmt.Fprintf(&b, "time %s\n", e.Timestamp.Format(time.RFC3339Nano))
	for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
		fmt.Fprintf(&b, "label %s=%q\n", name, e.Labels[name])
	}
	for _, m := range e.StructuredMetadata {
		fmt.Fprintf(&b, "metadata %s=%q\n", m.Name, m.Value)
	}
	fmt.Fprintf(&b, "line\n%s\n", e.Line)
	return b.String()
}

// TestCases runs testdata/cases: event.json becomes want.txt under options.json,
// or under the defaults where there is none. Events without a time get noon.
func TestCases(t *testing.T) {
	folders, err := filepath.Glob("testdata/cases/*")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(folders), 40)
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			var c caseOptions
			if b, err := os.ReadFile(filepath.Join(folder, "options.json")); err == nil {
				d := json.NewDecoder(bytes.NewReader(b))
				d.DisallowUnknownFields()
				require.NoError(t, d.Decode(&c))
			} else {
				require.ErrorIs(t, err, os.ErrNotExist)
			}
			raw, err := os.ReadFile(filepath.Join(folder, "event.json"))
			require.NoError(t, err)
			raw = bytes.TrimSpace(raw)

			opts := c.options()
			entry := entryOf(t, opts, string(raw))
			got := describe(entry)
			want := filepath.Join(folder, "want.txt")
			if *update {
				require.NoError(t, os.WriteFile(want, []byte(got), 0o644))
			}
			b, err := os.ReadFile(want)
			require.NoError(t, err)
			require.Equal(t, string(b), got)
			if opts.Redaction == nil && entry.Labels != nil {
				require.Contains(t, entry.Line, string(raw))
			}
		})
	}
}
