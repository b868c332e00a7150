// option: context

package poller

import "github.com/go-kit/log"

// Reporter tells of a part that works beside the poller of an org, in the same record and in the same way. It is safe for concurrent use.
type Reporter struct {
	to   Reporting
	part Part
}

// NewReporter returns one for a part of which no pollers share a trouble.
func NewReporter(part Part, status *Status, logger log.Logger) *Reporter {
	return &Reporter{Reporting{Status: status, Logger: logger}, part}
}

// Fail notes a failure of a kind, "" for that of the error.
func (r *Reporter) Fail(kind string, err error) {
	if kind == "" {
		kind = kindOf(err)
	}
	r.to.fail(r.part, kind, err)
}

// Clear notes that the part works.
func (r *Reporter) Clear() { r.to.clear(r.part) }

// Forget ends a trouble of which it is not known that it is over, as the part is not wanted any more.
func (r *Reporter) Forget() { r.to.forget(r.part) }
