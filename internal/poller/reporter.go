// option: context

package poller

import "github.com/go-kit/log"

// Reporter tells of a part that works beside the poller of an org, through the same record of what is wrong, and logs its beginning, change
// and end in the same way. It is for one goroutine at a time.
type Reporter struct {
	part Part
	p    *Poller
}

// NewReporter returns one for a part.
func NewReporter(part Part, status *Status, logger log.Logger) *Reporter {
	return &Reporter{part, &Poller{Config: Config{Status: status, Troubles: new(Troubles), Logger: logger}}}
}

// Fail notes a failure of a kind, "" for that of the error.
func (r *Reporter) Fail(kind string, err error) {
	if kind == "" {
		kind = kindOf(err)
	}
	r.p.fail(r.part, kind, err)
}

// Clear notes that the part works, or is not wanted any more.
func (r *Reporter) Clear() { r.p.clear(r.part) }
