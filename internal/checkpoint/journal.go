package checkpoint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxMarks bounds the journal whatever the clock does.
const maxMarks = 40

// Scope is what a cursor is valid for. A cursor carries the filter, the query and the page size it was made with, so it serves no other.
type Scope struct {
	Org      string `json:"org"` // scheme://host of the org
	Filter   string `json:"filter"`
	Query    string `json:"query"`
	PageSize int    `json:"page_size"`
}

// Mark is a position in an org's log.
type Mark struct {
	Cursor    string    `json:"cursor"`      // URL of the next page to fetch
	Published time.Time `json:"published"`   // latest event time delivered before Cursor; the start time when there was none yet
	Delivered time.Time `json:"handed_over"` // our clock; the key is older than the name
}

// Delivery is what is known of events that were delivered and not confirmed yet,
// when a receiver is asked what it has. The zero value is a journal without that.
type Delivery struct {
	Pending     *Mark  `json:"pending,omitempty"`      // everything before it was delivered, confirmed or not
	ConfirmedBy string `json:"confirmed_by,omitempty"` // the configuration under which an event was confirmed last
	// Selectors are those under which what is not confirmed may be found, oldest first.
	Selectors []string `json:"selectors,omitempty"`
}

// Journal is the durable list of marks of one org and scope.
type Journal struct {
	on     files
	path   string
	scope  Scope
	window time.Duration
	marks  []Mark
	others []member // of the file, which this version does not know

	since, until time.Time // see Continue

	// Delivery, Newest and Finished are saved with the next Append or Save. Set them as needed.
	Delivery Delivery
	Finished bool      // a range with an end was read, and all of it has arrived
	Newest   time.Time // latest event time delivered so far, also when marks go back behind it; zero: not known

	// Saved, if not nil, is given what each Append or Save wrote or could not write: a copy for another node. It must not block.
	Saved func(data []byte)
}

// Note is something about the file that an operator should know: a constant message and go-kit's key-value pairs.
type Note struct {
	Message string
	Fields  []any
}

// String is for tests and for logs without fields.
func (n Note) String() string {
	return n.Message + " " + strings.TrimSuffix(fmt.Sprintln(n.Fields...), "\n")
}

// Open reads the journal of scope.Org in the folder dir, which is created when missing. window is how far back [Journal.Resume] must be
// able to go. The newest of copies from other nodes takes the place of the file where it is newer; those that [Read] refuses count as none.
//
// What is wrong with the file's content is told in notes, and what is wrong with the folder comes back from Append. A file that exists
// and cannot be read is an [*UnreadableError], the only error there is: nothing is known of the position then, and the caller must wait
// and try again rather than start from another one.
func Open(dir string, scope Scope, window time.Duration, copies ...[]byte) (j *Journal, notes []Note, err error) {
	return open(system{}, dir, scope, window, copies...)
}

func open(on files, dir string, scope Scope, window time.Duration, copies ...[]byte) (j *Journal, notes []Note, err error) {
	j = &Journal{on: on, path: filepath.Join(dir, FileName(scope.Org)), scope: scope, window: window}
	if err := recovered(on, j.path, scope.Org); err != nil {
		return nil, nil, err
	}
	data, found, err := load(on, j.path)
	if err != nil {
		return nil, nil, err
	}
	var f file
	if found {
		if f, err = parse(data); err == nil && f.Scope.Org != scope.Org {
			err = fmt.Errorf("it belongs to %s", f.Scope.Org)
		}
		if err != nil {
			notes = append(notes, j.setAside(err))
			f = file{}
		}
	}
	for _, data := range copies {
		if c, err := parseCopy(data, scope.Org); err == nil && c.written().After(f.written()) {
			f = c
		}
	}
	switch {
	case f.Scope == scope:
		j.marks, j.Finished = f.Marks, f.Finished
	case len(f.Marks) > 0:
		j.since, j.until = f.Marks[resumed(f.Marks, window)].Published, f.Marks[len(f.Marks)-1].Published
		notes = append(notes, Note{"filter, query or page_size changed, continuing by time", []any{"since", j.since.UTC()}})
	}
	j.Delivery, j.Newest, j.others = f.Delivery, f.Newest, f.others
	if n := len(f.Marks); n > 1 && window <= 0 {
		// A process with a window believed its receivers. What it delivered may be under way as much as what was not confirmed.
		if last := f.Marks[n-1]; j.Delivery.Pending == nil || j.Delivery.Pending.Delivered.Before(last.Delivered) {
			j.Delivery.Pending = &last
		}
	}
	return j, notes, nil
}

// FileName is the name of the file for an org: its host, and port if it has one.
func FileName(org string) string {
	_, host, _ := strings.Cut(org, "://")
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(host))
	return strings.TrimLeft(name, ".") + ".json"
}

// Last returns the newest mark.
func (j *Journal) Last() (Mark, bool) {
	if len(j.marks) == 0 {
		return Mark{}, false
	}
	return j.marks[len(j.marks)-1], true
}

// Continue returns the time to go on from when the file holds marks of another scope of the same org, which no cursor of ours can follow.
// Events up to the time of until were delivered before.
func (j *Journal) Continue() (since, until time.Time, ok bool) {
	return j.since, j.until, !j.since.IsZero()
}

// Follow goes on where another journal of the process stands, whatever the file held. It reports whether that one has another file, as
// when a component was renamed: then nothing of it is in this one's before the next Append or Save.
func (j *Journal) Follow(other *Journal) (moved bool) {
	j.marks, j.Finished = nil, false
	if other.scope == j.scope {
		j.marks, j.Finished = slices.Clone(other.marks), other.Finished
	}
	j.Delivery, j.Newest, j.others, j.since = other.Delivery, other.Newest, other.others, time.Time{}
	return j.path != other.path
}

// Resume goes back to the newest mark that was delivered at least a window before the last one, or the oldest there is, and forgets the
// marks after it: until they are passed again, an interrupted replay must begin from the same place. The file keeps them until the next
// Append.
func (j *Journal) Resume() (Mark, bool) {
	if len(j.marks) == 0 {
		return Mark{}, false
	}
	j.marks = j.marks[:resumed(j.marks, j.window)+1]
	return j.marks[len(j.marks)-1], true
}

// resumed is the index of the mark to go back to. Without a window that is the oldest, too: a journal without one keeps one mark, so that
// several are of a process that had one, and whose receivers may have lost what they had in memory when it ended.
func resumed(marks []Mark, window time.Duration) (at int) {
	last := marks[len(marks)-1]
	for i, m := range marks {
		if window > 0 && last.Delivered.Sub(m.Delivered) >= window {
			at = i
		}
	}
	return at
}

// Append adds a mark and writes the file. When it fails, the journal in memory has the mark and the next Append writes both.
func (j *Journal) Append(m Mark) error {
	m.Published, m.Delivered = m.Published.UTC(), m.Delivered.UTC()
	j.marks = thin(append(j.marks, m), j.window)
	return j.Save()
}

// Save writes the file without a new mark.
func (j *Journal) Save() error {
	data, err := file{Version: version, Scope: j.scope, Marks: j.marks, Newest: j.Newest, Delivery: j.Delivery, Finished: j.Finished,
		others: j.others}.encode()
	if err != nil {
		return fmt.Errorf("writing checkpoint: %w", err)
	}
	if j.Saved != nil {
		j.Saved(data)
	}
	if err := write(j.on, j.path, data); err != nil {
		return fmt.Errorf("writing checkpoint: %w", err)
	}
	j.since = time.Time{}
	return nil
}

// thin drops marks that Resume will not need. The last one always stays.
func thin(marks []Mark, window time.Duration) []Mark {
	n := len(marks)
	if window <= 0 {
		return marks[n-1:]
	}
	// The mark before the newest may go when it is close to its predecessor.
	if n >= 3 && marks[n-2].Delivered.Sub(marks[n-3].Delivered) < window/32 {
		marks[n-2] = marks[n-1]
		marks = marks[:n-1]
	}
	// Of the marks older than the window only the newest is a place to resume from.
	newest := marks[len(marks)-1].Delivered
	for len(marks) > 2 && newest.Sub(marks[1].Delivered) >= window {
		marks = marks[1:]
	}
	if over := len(marks) - maxMarks; over > 0 { // only a clock that jumps gets here
		marks = append(marks[:1:1], marks[over+1:]...)
	}
	return marks
}

// setAside moves a file of no use out of the way and says so.
func (j *Journal) setAside(why error) Note {
	to := aside(j.path)
	if err := move(j.on, j.path, to); err != nil {
		return Note{"checkpoint not used, and it could not be set aside", []any{"file", j.path, "reason", why, "err", err}}
	}
	return Note{"checkpoint not used, set aside", []any{"file", j.path, "reason", why, "set_aside_as", filepath.Base(to)}}
}
