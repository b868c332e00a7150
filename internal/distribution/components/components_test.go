package components

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
)

var update = flag.Bool("update", false, "rewrite testdata/components.txt, upstream.txt and docs/components.md")

func TestTheRegisteredComponentsAreThePinnedOnes(t *testing.T) {
	requireGolden(t, "testdata/components.txt", lines(everywhere()))
}

func TestComponentsOfOnePlatformAreRegisteredOnItAlone(t *testing.T) {
	settings := buildSettings(t)
	journal := runtime.GOOS == "linux" && settings["CGO_ENABLED"] == "1" &&
		slices.Contains(strings.Split(settings["-tags"], ","), "promtail_journal_enabled")
	want := map[string]bool{
		"discovery.process":        runtime.GOOS == "linux",
		"loki.source.journal":      journal,
		"loki.source.windowsevent": runtime.GOOS == "windows",
		"prometheus.exporter.unix": runtime.GOOS == "linux" || runtime.GOOS != "windows" && settings["CGO_ENABLED"] == "1",
	}

	require.Len(t, PerPlatform, len(want))
	require.True(t, slices.IsSortedFunc(PerPlatform, func(a, b Conditional) int { return strings.Compare(a.Name, b.Name) }))
	for _, p := range PerPlatform {
		require.Contains(t, want, p.Name)
		_, registered := component.Get(p.Name)
		require.Equal(t, want[p.Name], registered, p.Name)
	}
}

func TestTheListOfUpstreamsComponentsIsThatOfItsSource(t *testing.T) {
	requireGolden(t, "upstream.txt", lines(upstreamRegistrations(t)))
}

// ours are the components that upstream does not have, with the page that describes each.
var ours = map[string]string{
	"loki.source.okta":            "loki.source.okta.md",
	"loki.source.okta_event_hook": "loki.source.okta_event_hook.md",
	"loki.stdout":                 "install.md",
	"okta.environment":            "install.md",
}

func TestEveryComponentButOursIsUpstreams(t *testing.T) {
	upstream := upstreamRegistrations(t)
	for _, name := range component.AllNames() {
		_, isOurs := ours[name]
		require.Equal(t, !isOurs, slices.Contains(upstream, name), name)
	}
}

func TestUpstreamKnowsTheNamesOfUpstreamAlone(t *testing.T) {
	require.True(t, Upstream("pyroscope.write"))
	require.True(t, Upstream("loki.write"))
	require.False(t, Upstream("loki.source.okta"))
	require.False(t, Upstream("loki"))
	require.False(t, Upstream(""))
}

func TestStabilityIsSpelledAsTheFlagTakesIt(t *testing.T) {
	for name, want := range map[string]string{
		"loki.echo":                  "generally-available",
		"loki.secretfilter":          "public-preview",
		"loki.enrich":                "experimental",
		"otelcol.exporter.splunkhec": "community",
		"no.such.component":          "",
	} {
		require.Equal(t, want, Stability(name), name)
	}
}

func TestTheDocumentedListIsTheRegisteredOne(t *testing.T) {
	requireGolden(t, "../../../docs/components.md", document(t))
}

// everywhere returns the registered components that every build contains.
func everywhere() []string {
	return slices.DeleteFunc(component.AllNames(), isConditional)
}

func isConditional(name string) bool {
	return slices.ContainsFunc(PerPlatform, func(p Conditional) bool { return p.Name == name })
}

func lines(names []string) string {
	return strings.Join(names, "\n") + "\n"
}

func requireGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	if string(want) != got {
		t.Errorf("%s is out of date: if the change is meant, run this test with -update\n%s", file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(wants), len(gots)) {
		if wants[i] != gots[i] {
			return fmt.Sprintf("line %d:\n- %s\n+ %s", i+1, wants[i], gots[i])
		}
	}
	return fmt.Sprintf("%d lines in the file, %d now", len(wants), len(gots))
}

func buildSettings(t *testing.T) map[string]string {
	info, ok := debug.ReadBuildInfo()
	require.True(t, ok)
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	require.Contains(t, settings, "CGO_ENABLED")
	return settings
}

// document renders docs/components.md.
func document(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }

	here := everywhere()
	p("# Components of this build")
	p("")
	p("What `alloy-okta` contains. It refuses a configuration that names another component. `alloy-okta components` prints the list of the")
	p("binary at hand. A component marked experimental or public-preview needs `--stability.level`, and one marked community needs")
	p("`--feature.community-components.enabled`, as in upstream Alloy; the others are generally available.")
	p("")
	p("<!-- Generated: go test ./internal/distribution/components -update -->")
	for _, namespace := range namespaces(here) {
		p("")
		p("## %s", namespace)
		p("")
		for _, name := range here {
			if of(namespace, name) {
				p("- [`%s`](%s)%s", name, reference(name), stabilityMark(name))
			}
		}
	}

	p("")
	p("## Depending on the platform")
	p("")
	p("Where these components cannot work, they are left out of the build, and a configuration that names them is refused. Upstream Alloy accepts them, and they do nothing.")
	p("")
	for _, c := range PerPlatform {
		p("- [`%s`](%s): %s", c.Name, reference(c.Name), c.Needs)
	}

	var absent []string
	for _, name := range upstreamRegistrations(t) {
		if !slices.Contains(here, name) && !isConditional(name) {
			absent = append(absent, name)
		}
	}
	p("")
	p("## Left out")
	p("")
	p("Upstream Alloy has %d more components. To use one with `loki.source.okta`, add its package to", len(absent))
	p("`internal/distribution/components/full.go` and build again. The exception is `pyroscope.*`, which needs a version of a")
	p("dependency that is not published.")
	p("")
	for _, namespace := range namespaces(absent) {
		var names []string
		for _, name := range absent {
			if of(namespace, name) {
				names = append(names, "`"+name+"`")
			}
		}
		p("- %s", strings.Join(names, ", "))
	}
	return out.String()
}

// stabilityMark tells a component that a flag has to allow.
func stabilityMark(name string) string {
	if stability := Stability(name); stability != "generally-available" {
		return " (" + stability + ")"
	}
	return ""
}

func namespaces(names []string) []string {
	var all []string
	for _, name := range names {
		namespace, _, _ := strings.Cut(name, ".")
		all = append(all, namespace)
	}
	return slices.Compact(all) // names are sorted
}

func of(namespace, name string) bool {
	return strings.HasPrefix(name, namespace+".")
}

func reference(name string) string {
	if page, isOurs := ours[name]; isOurs {
		return page
	}
	namespace, _, _ := strings.Cut(name, ".")
	minor := Alloy[:strings.LastIndex(Alloy, ".")] // documentation is published by minor version
	return fmt.Sprintf("https://grafana.com/docs/alloy/%s/reference/components/%s/%s/", minor, namespace, name)
}
