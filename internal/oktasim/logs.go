package oktasim

import (
	"bytes"
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// logs answers GET /api/v1/logs. It runs under the mutex.
func (o *Org) logs(r *http.Request) reply {
	if e := map[int]*apiError{401: errToken, 403: errPermission, 404: errNotFound(logsPath)}[o.Refuse]; e != nil {
		return o.refusal(e)
	}
	if r.Method != http.MethodGet {
		return o.refusal(errMethod)
	}
	principal, refusal := o.authenticate(r, logsScope)
	if refusal != nil {
		return *refusal
	}
	rate := http.Header{}
	if !o.charge(principal, rate) {
		return o.refusal(errRate).with(rate)
	}
	if !acceptsJSON(r) {
		return o.refusal(errAccept).with(rate)
	}
	q, e := parseQuery(r.URL.RawQuery, o.now())
	if e != nil {
		return o.refusal(e).with(rate)
	}
	return o.page(r, q).with(rate)
}

// with overlays headers, such as the rate limit of the principal at hand.
func (a reply) with(h http.Header) reply {
	maps.Copy(a.header, h)
	return a
}

func acceptsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "application/json") ||
		strings.Contains(accept, "*/*") || strings.Contains(accept, "application/*")
}

func (o *Org) page(r *http.Request, q query) reply {
	limit := q.limit
	if o.PageCap > 0 {
		limit = min(limit, o.PageCap)
	}
	walk := o.pollingPage
	if q.bounded {
		walk = o.boundedPage
	}
	events, after, e := walk(q, limit) // an empty after: no next, or next equals self
	if e != nil {
		return o.refusal(e)
	}

	base := o.base(r)
	self := selfURL(base, q.params, o.LinkStyle)
	next := ""
	switch {
	case after != "":
		next = nextURL(base, q.params, after, o.LinkStyle)
	case !q.bounded:
		next = self
	}
	h := http.Header{}
	o.LinkStyle.set(h, self, next)
	body := slices.Concat([]byte("["), bytes.Join(events, []byte(",")), []byte("]"))
	return reply{http.StatusOK, h, body}
}

// pollingPage walks the log in the order of persistence.
func (o *Org) pollingPage(q query, limit int) ([][]byte, string, *apiError) {
	at := o.log.first(q.since.UnixMilli())
	if q.after != "" {
		var e *apiError
		if at, e = o.resume(q.after); e != nil {
			return nil, "", e
		}
	}
	now := o.shown()
	visible, oldest := o.log.visible(now), o.oldest()
	var events [][]byte
	end := at // behind the last event of the page
	for i := at; i < visible && len(events) < limit; i++ {
		if ev := o.log.events[i]; ev.published >= oldest && q.matches(ev.raw) {
			events, end = append(events, ev.raw), i+1
		}
	}
	switch {
	case len(events) > 0:
		return events, o.handOut(o.cursorAt(o.log.events[end-1].persisted, end)), nil
	case o.AdvanceEmpty && limit > 0:
		return nil, o.handOut(o.cursorAt(now, visible)), nil
	case q.after != "":
		o.handOut(strings.TrimSuffix(q.after, punctuation))
	}
	return nil, "", nil
}

// boundedPage walks the log in the order of published.
func (o *Org) boundedPage(q query, limit int) ([][]byte, string, *apiError) {
	var from *place
	if q.after != "" {
		p, ok := o.bounded[q.after]
		if o.refuseCursor() || !ok {
			return nil, "", errCursor
		}
		from = &p
	}
	since := max(q.since.UnixMilli(), o.oldest())
	found := o.log.byPublished(since, q.until.UnixMilli(), o.visible())
	if q.descending {
		slices.Reverse(found)
	}
	var events [][]byte
	var last place
	for _, i := range found {
		ev := o.log.events[i]
		p := place{ev.published, i}
		if from != nil && !p.behind(*from, q.descending) || !q.matches(ev.raw) {
			continue
		}
		if len(events) == limit {
			if limit == 0 {
				return nil, "", nil
			}
			return events, o.handOutBounded(last), nil
		}
		events, last = append(events, ev.raw), p
	}
	return events, "", nil
}

// behind reports whether p comes after q in the order of a bounded request.
func (p place) behind(q place, descending bool) bool {
	if descending {
		p, q = q, p
	}
	return p.published > q.published || p.published == q.published && p.index > q.index
}

// oldest is the first published, in milliseconds, that is still retained.
func (o *Org) oldest() int64 {
	return o.now().Add(-cmp.Or(o.Retention, defaultRetained)).UnixMilli()
}
