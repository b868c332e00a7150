package poller

import (
	"errors"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// Part is what something may be wrong with.
type Part uint8

// The parts, and what is wrong with them.
const (
	Okta       Part = iota // gives no page. Being asked to slow down is no trouble
	Cursor                 // is refused by Okta
	Checkpoint             // cannot be written or, of the kind [Unread], be read
	Queries                // are not answered by Loki
	Arrival                // nothing that was delivered is found in Loki
	Hold                   // nothing newer is delivered; the kind is a [delivery.Hold]
	Rewind                 // of what is lost gets no page from Okta, while live polling does
	Receiver               // is taking an entry, which is a trouble only when it lasts
	Budget                 // lets no page through
	Links                  // cannot be followed
	Stuck                  // there is more in the log, and no way to it
	Clock                  // differs from Okta's
	Roles                  // are not known, or of the kind [GroupRoles], those of groups: entries go on without
	Actors                 // have profiles or, of the kind [GroupMembers], groups that are not known: entries go on without
	Delivery               // is an error of the sink's. A component's has none but the context's, a library's may
	parts
)

// Unread is the kind of a trouble with a checkpoint that cannot be read: nothing is read from Okta before that.
const Unread = "unread"

// GroupRoles is the kind of a trouble with roles that only concerns members of groups.
const GroupRoles = "groups"

// GroupMembers is the kind of a trouble with actors that only concerns named groups.
const GroupMembers = "named groups"

// Trouble is what is wrong with a part. The zero value is nothing.
type Trouble struct {
	Since   time.Time // it began; a refusal's is when that was given first
	Kind    string    // "" where a part knows one only
	Err     error     // the last one
	Tries   int       // that failed
	Refused bool      // Err is a refusal, which needs an operator. It stands for [refusalStands] after the last one, whatever else fails

	began   time.Time // also of a refusal: the first failure
	refused time.Time // the last refusal under the present configuration
	told    []telling // the kinds that the log has, the last one first
	ends    bool      // the log has it, and is to have its end
}

// refusalStands is how long a refusal is what is wrong while something else fails. Both refusals and what passes are tried again within
// a minute (refusedDelay, maxBackoff), so two tries have met something else by then.
const refusalStands = 2 * time.Minute

// telling is a kind of a trouble that the log has, and since when. Two that alternate are told once each in [toldAgain].
type telling struct {
	kind string
	at   time.Time
}

// isNews reports whether the log does not have the present kind of a trouble. anyKind says that it has it whatever its kind.
func (t *Trouble) isNews(anyKind bool, now time.Time) bool {
	return !slices.ContainsFunc(t.told, func(l telling) bool {
		return anyKind || l.kind == t.Kind && (l == t.told[0] || now.Sub(l.at) < toldAgain)
	})
}

// tells notes that the present kind is told, and forgets those that are news again. Snapshots share no list.
func (t *Trouble) tells(now time.Time) {
	told := []telling{{t.Kind, now}}
	for _, l := range t.told {
		if l.kind != t.Kind && now.Sub(l.at) < toldAgain {
			told = append(told, l)
		}
	}
	t.told = told
}

// Lasts reports whether something is wrong.
func (t Trouble) Lasts() bool { return !t.Since.IsZero() }

// Message is what the log has of what is wrong with a part, until that is over; "": nothing, also of what is not wrong for long enough.
func (s Snapshot) Message(part Part) string {
	if t := s.Wrong[part]; t.told != nil {
		return lines[part].begin(t)
	}
	return ""
}

func isRefusal(err error) bool {
	r, is := errors.AsType[interface {
		error
		Refused() bool
	}](err)
	return oktaapi.ClassOf(err) == oktaapi.Refused || is && r.Refused()
}

func (t *Trouble) fail(kind string, err error, now time.Time) {
	t.Tries++
	refused := isRefusal(err)
	switch {
	case !t.Lasts():
		t.began, t.Since = now, now
	case t.Refused && !refused:
		if now.Sub(t.refused) < refusalStands {
			return
		}
		t.Since = t.began
	case refused && !t.Refused:
		t.Since = now
	}
	if refused {
		t.refused = now
	}
	t.Kind, t.Err, t.Refused = kind, err, refused
}

// Reporting is the part of [Config] that says whom to tell what is wrong. It tells the log of a trouble's beginning, change and end, and is
// safe for concurrent use.
type Reporting struct {
	Status   *Status   // where to report; read by others
	Troubles *Troubles // what pollers of one Loki share; nil: nobody does
	Logger   log.Logger
	// Remedy says what to look at after an error of Source's Fetch; "": nothing is known. May be nil.
	Remedy func(err error) string

	polls time.Duration // in which several polls bring a page
}

// fail notes that a part failed, and logs it if that is news: if it is the first of its kind since the part worked last, or since a
// reload. details are for the log. It returns the trouble, and whether it was news.
func (r *Reporting) fail(part Part, kind string, err error, details ...any) (Trouble, bool) {
	r.Status.set(func(s *Snapshot) { s.Wrong[part].fail(kind, err, time.Now()) })
	return r.tell(part, details...)
}

// tell logs a trouble that is news and has lasted for long enough. Not while the status is held: readers must not wait for a log write.
func (r *Reporting) tell(part Part, details ...any) (t Trouble, news bool) {
	l := &lines[part]
	r.Status.set(func(s *Snapshot) {
		t = s.Wrong[part]
		news = t.Lasts() && t.isNews(l.anyKind, time.Now()) && (l.after == nil || time.Since(t.began) >= l.after(t, r.polls))
		if news {
			s.Wrong[part].tells(time.Now())
			s.Wrong[part].ends = t.ends || l.begin(t) != ""
		}
	})
	switch {
	case !news && l.still != "" && t.Lasts():
		level.Debug(r.Logger).Log("msg", l.still, "attempts", t.Tries, "err", t.Err)
	case !news, l.begin(t) == "", l.shared && !r.Troubles.begins(part, t.Refused, r):
	default:
		line := []any{"msg", l.begin(t)}
		if l.remedy && r.Remedy != nil {
			if remedy := r.Remedy(t.Err); remedy != "" {
				line = append(line, "remedy", remedy)
			}
		}
		line = append(line, details...)
		if t.Err != nil {
			line = append(line, "err", t.Err)
		}
		l.level(r.Logger).Log(line...)
	}
	return t, news
}

// clear notes that a part works, and logs the end of a trouble of which the log has the beginning.
func (r *Reporting) clear(part Part) {
	l := &lines[part]
	var was Trouble
	r.Status.set(func(s *Snapshot) {
		if was = s.Wrong[part]; was.Lasts() && l.failure {
			s.Recovered = time.Now()
		}
		s.Wrong[part] = Trouble{}
	})
	if !was.ends && !l.shared { // the usual case, for each event
		return
	}
	after, line := time.Since(was.began).Round(time.Millisecond), []any{"msg", ""}
	if l.shared {
		var orgs int
		if orgs, after = r.Troubles.ends(part, r); orgs == 0 {
			return
		}
		line = append(line, "orgs", orgs)
	}
	if was.Err != nil {
		line = append(line, "attempts", was.Tries)
	}
	if was.ends && l.end != nil {
		line[1] = l.end(was)
		level.Info(r.Logger).Log(append(line, "after", after)...)
	}
}

// forget ends a trouble that is over without an end that the log could tell of.
func (r *Reporting) forget(part Part) { r.Status.set(func(s *Snapshot) { s.Wrong[part] = Trouble{} }) }

// reloaded is what a reload leaves of the troubles.
func (s *Snapshot) reloaded() {
	for part := range s.Wrong {
		switch t := &s.Wrong[part]; lines[part].reload {
		case isForgotten:
			*t = Trouble{}
		case isNews:
			t.told, t.refused = nil, time.Time{}
		case isNothing:
		}
	}
}
