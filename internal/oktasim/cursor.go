package oktasim

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Cursors are opaque to clients. Every polling cursor that public collectors have captured reads <13-digit epoch milliseconds>_<n>; here it
// names the n-th event persisted in that millisecond, and n = 0 the place before the first.
var cursorForm = regexp.MustCompile(`^(\d{13})_(\d{1,9})(,a;b)?$`)

// cursorAt names the place before index i of the log, at or after ms.
func (o *Org) cursorAt(ms int64, i int) string {
	return fmt.Sprintf("%013d_%d", ms, i-o.log.first(ms))
}

// resume finds the index at which the page after a polling cursor begins.
func (o *Org) resume(cursor string) (int, *apiError) {
	parts := cursorForm.FindStringSubmatch(cursor)
	if o.refuseCursor() || parts == nil {
		return 0, errCursor
	}
	ms, _ := strconv.ParseInt(parts[1], 10, 64) // 13 and 9 digits always fit
	n, _ := strconv.Atoi(parts[2])
	first := o.log.first(ms)
	ofAnotherOrg := ms > o.now().UnixMilli() || first+n > o.log.firstAfter(ms)
	if ofAnotherOrg || o.expired(parts[1]+"_"+parts[2], ms) {
		return 0, errCursor
	}
	return first + n, nil
}

// refuseCursor counts RefuseCursors down.
func (o *Org) refuseCursor() bool {
	refuse := o.RefuseCursors > 0
	if refuse {
		o.RefuseCursors--
	}
	return refuse
}

// expired applies CursorTTL: to the time a cursor was last handed out or, if
// another process of this org did that, to the time the cursor names.
func (o *Org) expired(cursor string, ms int64) bool {
	if o.CursorTTL <= 0 {
		return false
	}
	issued, ok := o.issued[cursor]
	if !ok {
		issued = time.UnixMilli(ms)
	}
	return o.now().Sub(issued) > o.CursorTTL
}

func (o *Org) handOut(cursor string) string {
	put(&o.issued, cursor, o.now())
	return cursor
}

// place is where a bounded cursor points: behind this event in the order of published.
type place struct {
	published int64
	index     int
}

func (o *Org) handOutBounded(p place) string {
	cursor := uuid.NewString()
	put(&o.bounded, cursor, p)
	return cursor
}
