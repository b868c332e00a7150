package verify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// Summary is the outcome for a range of all orgs.
type Summary struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Clean bool      `json:"clean"` // everything is known, and nothing is wrong
	Orgs  []*Report `json:"orgs"`
}

// Sum sums up reports.
func Sum(since, until time.Time, reports []*Report) *Summary {
	s := &Summary{Since: since.UTC(), Until: until.UTC(), Clean: len(reports) > 0, Orgs: reports}
	for _, r := range reports {
		s.Clean = s.Clean && r.Clean()
	}
	return s
}

// Failed reports whether Okta or Loki could not be asked about one of the orgs.
func (s *Summary) Failed() bool {
	for _, r := range s.Orgs {
		if r.Err != "" {
			return true
		}
	}
	return false
}

// Total is how many events of all orgs are of a kind.
func (s *Summary) Total(k Kind) (n int) {
	for _, r := range s.Orgs {
		n += r.Counts[k]
	}
	return n
}

func (s *Summary) inOkta() (n int) {
	for _, r := range s.Orgs {
		n += r.InOkta
	}
	return n
}

// JSON writes the summary as one JSON object.
func (s *Summary) JSON(w io.Writer) error {
	for _, r := range s.Orgs {
		if r.Findings == nil {
			r.Findings = []Finding{}
		}
		all := make(map[Kind]int, len(Kinds))
		for _, k := range Kinds {
			all[k] = r.Counts[k]
		}
		r.Counts = all
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(s)
}

// Table writes a row for each org, a row for each finding, and the answer in a line.
func (s *Summary) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "COMPONENT\tORG\tIN OKTA\tIN LOKI")
	for _, k := range Kinds {
		fmt.Fprint(t, "\t", strings.ToUpper(string(k)))
	}
	fmt.Fprintln(t)
	for _, r := range s.Orgs {
		fmt.Fprintf(t, "%s\t%s", r.Component, r.Org)
		if r.Err != "" {
			fmt.Fprintln(t, strings.Repeat("\t-", 2+len(Kinds)))
			continue
		}
		fmt.Fprintf(t, "\t%d\t%d", r.InOkta, r.InLoki)
		for _, k := range Kinds {
			fmt.Fprintf(t, "\t%d", r.Counts[k])
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range s.Orgs {
		if err := r.list(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", s.answer())
	return err
}

func (r *Report) list(w io.Writer) error {
	if r.Err != "" {
		_, err := fmt.Fprintf(w, "\n%s, %s: not verified: %s\n", r.Component, r.Org, r.Err)
		return err
	}
	if len(r.Findings) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s, %s:\n", r.Component, r.Org)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tUUID\tTIME\tTYPE\tDETAIL")
	for _, f := range r.Findings {
		at := "-"
		if !f.Time.IsZero() {
			at = f.Time.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		text := func(s string) string { return cmp.Or(httptext.Clean(s, 300), "-") }
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.Kind, text(f.UUID), at, text(f.Type), text(f.Detail))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, k := range Kinds {
		if more := r.Counts[k] - mostListed; more > 0 {
			if _, err := fmt.Fprintf(w, "and %d more that are %s\n", more, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer says whether the log is complete.
func (s *Summary) answer() string {
	between := fmt.Sprintf("from %s to %s", s.Since.Format(time.RFC3339), s.Until.Format(time.RFC3339))
	if s.Failed() {
		return "not known: Okta or Loki could not be asked about all orgs " + between
	}
	if s.Clean && s.inOkta() == 0 {
		return "nothing to compare: Okta has no event " + between
	}
	if s.Clean {
		return "complete: Loki has each event " + between + " once, and unaltered"
	}
	var parts []string
	for _, k := range Kinds {
		if n := s.Total(k); n > 0 && k.Wrong() {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	return fmt.Sprintf("not as it should be %s: %s", between, strings.Join(parts, ", "))
}
