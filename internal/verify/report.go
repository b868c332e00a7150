package verify

import (
	"cmp"
	"slices"
	"time"
)

// Kind is a kind of findings.
type Kind string

// The kinds of findings.
const (
	Missing Kind = "missing" // in Okta, not in Loki
	Doubled Kind = "doubled" // in Loki more than once
	Altered Kind = "altered" // its line in Loki is not what the configuration makes of it
	Unknown Kind = "unknown" // it cannot be told whether Loki has it
	Dropped Kind = "dropped" // by the relabeling rules, on purpose
	Foreign Kind = "foreign" // in Loki under the selector, and not in the org's log
)

// Kinds are all of them, in the order in which they are shown.
var Kinds = []Kind{Missing, Doubled, Altered, Unknown, Dropped, Foreign}

// Wrong reports whether findings of a kind need somebody's attention.
func (k Kind) Wrong() bool { return k == Missing || k == Doubled || k == Altered || k == Unknown }

// Finding is one event.
type Finding struct {
	Kind   Kind      `json:"kind"`
	UUID   string    `json:"uuid"`
	Time   time.Time `json:"time"`
	Type   string    `json:"type,omitempty"`
	Detail string    `json:"detail,omitempty"` // in a few words
}

// mostListed is how many findings of a kind are listed; all are counted.
const mostListed = 1000

// Report is the outcome for one org.
type Report struct {
	Component string       `json:"component"`
	Org       string       `json:"org"`
	Selector  string       `json:"selector,omitempty"`
	InOkta    int          `json:"in_okta"` // events of the range, the dropped ones among them
	InLoki    int          `json:"in_loki"` // of them
	Others    int          `json:"other_orgs,omitempty"`
	Counts    map[Kind]int `json:"counts"`
	Findings  []Finding    `json:"findings"`
	Requests  int          `json:"okta_requests"`
	// Clear is when Loki will show all that was delivered before the run, or before [Config].IdleSince; zero: it shows all that was looked
	// for.
	Clear time.Time `json:"clear,omitzero"`
	Err   string    `json:"error,omitempty"` // why nothing is known; "": it is

	Kept time.Time `json:"-"` // when the last event was published, in the range or after it, that the rules do not drop

	extents map[Kind][2]time.Time // from the first to the last finding, also of those that are not listed
}

func (r *Report) add(f Finding) {
	if r.Counts == nil {
		r.Counts, r.extents = make(map[Kind]int), make(map[Kind][2]time.Time)
	}
	if !f.Time.IsZero() {
		extent, ok := r.extents[f.Kind]
		if !ok || f.Time.Before(extent[0]) {
			extent[0] = f.Time
		}
		if !ok || f.Time.After(extent[1]) {
			extent[1] = f.Time
		}
		r.extents[f.Kind] = extent
	}
	if r.Counts[f.Kind]++; r.Counts[f.Kind] <= mostListed {
		r.Findings = append(r.Findings, f)
	}
}

// sort puts findings into the order of kinds, and then of time.
func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)), a.Time.Compare(b.Time), cmp.Compare(a.UUID, b.UUID))
	})
}

// Clean reports whether all is known and nothing is wrong.
func (r *Report) Clean() bool {
	return r.Err == "" && !slices.ContainsFunc(Kinds, func(k Kind) bool { return k.Wrong() && r.Counts[k] > 0 })
}

// Extent is from the first to the last finding of a kind; false: there is none.
func (r *Report) Extent(k Kind) (first, last time.Time, ok bool) {
	extent, ok := r.extents[k]
	return extent[0], extent[1], ok
}
