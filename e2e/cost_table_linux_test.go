package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// table is the table of ratios, in Markdown.
func table(rows []drained) string {
	var b strings.Builder
	b.WriteString("\n| Way | Events | Bytes | CPU of an event, µs | The floor's, µs | Times the floor | Times plain | Events a second | ")
	b.WriteString("MB resident, after each quarter |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	cost := map[string]float64{}
	for _, r := range rows {
		cost[r.name] = r.perEvent()
	}
	for _, r := range rows {
		times := ""
		if cost[r.than] > 0 {
			times = fmt.Sprintf("%.2f", r.perEvent()/cost[r.than])
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f | %.1f | %.1f | %s | %.0f | %s |\n", r.name, r.n, r.bytes, r.perEvent(), r.floorEvent(),
			r.perEvent()/r.floorEvent(), times, float64(r.n)/r.took.Seconds(), strings.Trim(fmt.Sprint(r.memory), "[]"))
	}
	return b.String()
}

// share is a part of a profile.
type share struct {
	name string
	part float64 // of 1
}

// byPackage is where the time of a profile goes, the largest first. What the runtime does for a package, such as to allocate, is counted
// as the package's; what it does by itself, as the runtime's.
func byPackage(p *profile.Profile) (shares []share) {
	column := len(p.SampleType) - 1 // cpu, in nanoseconds
	spent, total := map[string]float64{}, 0.0
	for _, s := range p.Sample {
		name := "runtime: garbage collector, scheduler"
	stack:
		for _, location := range s.Location { // the innermost first
			for _, line := range location.Line {
				if of := packageOf(line.Function.Name); of != "" {
					name = of
					break stack
				}
			}
		}
		spent[name] += float64(s.Value[column])
		total += float64(s.Value[column])
	}
	for _, name := range slices.Sorted(maps.Keys(spent)) {
		shares = append(shares, share{name, spent[name] / total})
	}
	slices.SortStableFunc(shares, func(a, b share) int { return cmp.Compare(b.part, a.part) })
	return shares
}

// packageOf is the package of a function as a profile names it, "" for the runtime.
func packageOf(function string) string {
	function, _, _ = strings.Cut(function, "[") // type arguments
	slash := strings.LastIndexByte(function, '/') + 1
	dot := strings.IndexByte(function[slash:], '.')
	if dot < 0 {
		return ""
	}
	name := function[:slash+dot]
	if name == "runtime" || strings.HasPrefix(name, "runtime/") || strings.HasPrefix(name, "internal/runtime/") {
		return ""
	}
	return name
}

// places prints the packages that take most.
func places(of string, p *profile.Profile) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nWhere the time goes: %s\n", of)
	shares := byPackage(p)
	for _, s := range shares[:min(len(shares), 14)] {
		fmt.Fprintf(&b, "%6.1f %%  %s\n", 100*s.part, s.name)
	}
	return b.String()
}

// idle is what a number of orgs costs at rest, a row of the other table.
type idle struct {
	orgs int
	what string
	figures
}

func restTable(rows []idle) string {
	var b strings.Builder
	b.WriteString("\n| Orgs | At rest | Ready, s | First push, s | Reload, s | MB resident | of them anonymous | CPU, % of a core | ")
	b.WriteString("Queries to Loki, an org and minute |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		first := ""
		if r.first > 0 {
			first = fmt.Sprintf("%.1f", r.first.Seconds())
		}
		fmt.Fprintf(&b, "| %d | %s | %.1f | %s | %.2f | %d | %d | %.1f | %.2f |\n", r.orgs, r.what, r.ready.Seconds(), first,
			r.reload.Seconds(), r.rest, r.anon, r.steady, float64(r.queries)/float64(r.orgs)/(float64(r.rested)/float64(time.Minute)))
	}
	return b.String()
}
