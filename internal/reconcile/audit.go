package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

const (
	// pageBytes is what a page of whole lines should hold: half of what Loki's parts send each other (grpc_server_max_recv_msg_size, 4 MB).
	// The first page has firstWhole entries, as nothing is known of their size yet.
	pageBytes  = 2 << 20
	firstWhole = 250
	mostWhole  = 2000
	// leastWhole is the smallest page. Entries of Loki's largest size do not fit into it, but events are smaller.
	leastWhole = 10
	// maxPages bounds one read of a range.
	maxPages = 10_000
)

// Audited is an entry as Loki shows it.
type Audited struct {
	Time   time.Time
	Line   string
	Labels string // of its stream, a JSON object
	More   string // what Loki says of it besides, a JSON object with its structured metadata; "": nothing
	Mixed  bool   // Labels has structured metadata, too: this Loki does not tell them apart
}

// Label is the value of a label of the entry's stream, or of its structured metadata.
func (a Audited) Label(name string) string {
	return cmp.Or(gjson.Get(a.Labels, name).String(), gjson.Get(a.More, "structuredMetadata."+name).String())
}

// UUIDs calls found for each uuid that a line may hold, first to last, until it returns false.
func UUIDs(line string, found func(uuid string) bool) {
	more := true
	findUUIDs(line, func(uuid string) {
		if more {
			more = found(uuid)
		}
	})
}

// Margins are how far an entry's timestamp may be from its event's time, before and after.
func (l *Loki) Margins() (before, after time.Duration) { return l.cfg.Before, l.cfg.After }

// Audit calls each for all entries under the selector with from <= timestamp < to, whole and in the order of time. Where one instant has
// more than Loki shows at once, it asks for those with the uuids that at returns, and adds the instant to its result: it may have others.
// Log queries hide all but one of the entries of a stream that are equal in time and line; see [Loki.Count]. An error means that nothing is
// known.
func (l *Loki) Audit(ctx context.Context, from, to time.Time, at func(time.Time) []string, each func(Audited)) ([]time.Time, error) {
	var crowded []time.Time
	limit := firstWhole
	for pages := 0; from.Before(to); pages++ {
		if pages == maxPages {
			return nil, fmt.Errorf("querying Loki: more than %d pages of entries; the selector %s matches too much", maxPages, l.all.text)
		}
		page, used, err := l.whole(ctx, "", interval{from, to}, limit)
		if err != nil {
			return nil, err
		}
		limit = fitting(page)
		if len(page) < used {
			for _, e := range page {
				each(e)
			}
			return crowded, nil
		}
		last := page[len(page)-1].Time
		if !last.After(from) {
			if err := l.auditInstant(ctx, from, at(from), each); err != nil {
				return nil, err
			}
			crowded = append(crowded, from)
			from = from.Add(1)
			continue
		}
		for _, e := range page {
			if e.Time.Before(last) { // of the entries at last, some may be cut off: they are asked for again
				each(e)
			}
		}
		from = last
	}
	return crowded, nil
}

// fitting is how many entries the next page may have, by the size of the entries on this one.
func fitting(page []Audited) int {
	if len(page) == 0 {
		return firstWhole
	}
	size := 1
	for _, e := range page {
		size += len(e.Line) + len(e.Labels) + len(e.More)
	}
	return min(mostWhole, max(leastWhole, pageBytes*len(page)/size))
}

func (l *Loki) auditInstant(ctx context.Context, at time.Time, uuids []string, each func(Audited)) error {
	for some := range slices.Chunk(uuids, uuidsPerFilter) {
		page, limit, err := l.whole(ctx, " |~ `"+anyOf(some)+"`", interval{at, at.Add(1)}, mostWhole)
		if err != nil {
			return err
		}
		if len(page) >= limit {
			return fmt.Errorf("querying Loki: more than %d entries at %s hold %d uuids", limit, at.UTC().Format(time.RFC3339Nano), len(some))
		}
		for _, e := range page {
			each(e)
		}
	}
	return nil
}

// anyOf is a regular expression for texts.
func anyOf(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = regexp.QuoteMeta(text)
	}
	return strings.Join(quoted, "|")
}

// whole returns one page of entries, by time, and the limit of the query. When Loki refuses a limit, or does not answer in time, it is
// halved.
func (l *Loki) whole(ctx context.Context, filter string, r interval, limit int) ([]Audited, int, error) {
	tries := &tries{}
	ctx = context.WithValue(ctx, wantsApart{}, true)
	for {
		limit = min(limit, int(l.server.limit.get()))
		var page []Audited
		a, err := l.server.query(ctx, l.all.text+filter, r, limit, forward, func(labels gjson.Result) each {
			return func(at time.Time, line, more string) {
				page = append(page, Audited{Time: at, Line: strings.Clone(line), Labels: labels.Raw, More: more})
			}
		})
		switch {
		case err == nil:
			l.server.limit.fine()
			for i := range page {
				page[i].Mixed = !a.apart
			}
			slices.SortStableFunc(page, func(a, b Audited) int { return a.Time.Compare(b.Time) })
			return page, limit, nil
		case errors.Is(err, errLimit) && l.server.limit.tooHigh(int64(limit)):
		case errors.Is(err, errSlow) && ctx.Err() == nil && limit/2 >= leastWhole:
			limit /= 2
		case tries.wait(ctx, err):
		default:
			return nil, 0, err
		}
	}
}

// auditTries is how often in a row a Loki that does not answer is asked, as half a log may have been compared already: for half a minute,
// as long as a restart takes.
const auditTries = 6

// tries counts the failures of one query. The zero value is ready.
type tries struct{ failed int }

// wait waits after an error that says nothing about the query, a second at first and twice as long each time, and reports whether to ask
// once more.
func (p *tries) wait(ctx context.Context, err error) bool {
	if p.failed++; p.failed == auditTries || !errors.Is(err, errAway) && !errors.Is(err, errSlow) {
		return false
	}
	t := time.NewTimer(time.Second << (p.failed - 1))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Count returns how many entries there are under the selector with from <= timestamp < to, in whole milliseconds. It counts also those that
// a log query hides.
func (l *Loki) Count(ctx context.Context, from, to time.Time) (int, error) {
	counts, err := l.counts(ctx, "sum(count_over_time("+l.all.text, from, to, "")
	return counts[""], err
}

// CountEach is Count for the entries that hold a uuid, for each of some uuids.
func (l *Loki) CountEach(ctx context.Context, from, to time.Time, uuids []string) (map[string]int, error) {
	all := make(map[string]int)
	for some := range slices.Chunk(uuids, uuidsPerFilter) { // far below the 500 series that Loki returns (max_query_series)
		wanted := anyOf(some)
		counts, err := l.counts(ctx, "sum by (okta_uuid) (count_over_time("+l.all.text+" |~ `"+wanted+"` | regexp `(?P<okta_uuid>"+wanted+")`",
			from, to, "okta_uuid")
		if err != nil {
			return nil, err
		}
		for uuid, n := range counts {
			all[uuid] += n
		}
	}
	return all, nil
}

// counts completes a query of numbers, sends it, and returns them by the values of a label. Source: Loki HTTP API, GET /loki/api/v1/query.
// A range vector is open on the left and closed on the right, and no range is shorter than a millisecond.
func (l *Loki) counts(ctx context.Context, begin string, from, to time.Time, label string) (map[string]int, error) {
	milliseconds := (to.Sub(from) + time.Millisecond - 1) / time.Millisecond
	ask := func() ([]byte, error) {
		return l.server.post(ctx, "loki/api/v1/query", interval{from, to}, url.Values{
			queryField: {fmt.Sprintf("%s [%dms]))", begin, milliseconds)},
			"time":     {strconv.FormatInt(to.Add(-1).UnixNano(), 10)},
		})
	}
	body, err := ask()
	for tries := (tries{}); err != nil && tries.wait(ctx, err); {
		body, err = ask()
	}
	if err != nil {
		return nil, err
	}
	if !gjson.ValidBytes(body) || gjson.GetBytes(body, "data.resultType").String() != "vector" {
		return nil, errors.New("querying Loki: the answer is no vector of numbers; is url Loki's address?")
	}
	all := make(map[string]int)
	for _, one := range gjson.GetBytes(body, "data.result").Array() {
		key := ""
		if label != "" {
			key = one.Get("metric." + label).String()
		}
		all[key] += int(one.Get("value.1").Float())
	}
	return all, nil
}
