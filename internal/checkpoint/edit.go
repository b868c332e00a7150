package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// State is what the file of an org says, for people.
type State struct {
	Path     string
	Scope    Scope
	Position Mark      // where reading goes on, before the replay window
	Oldest   Mark      // the oldest mark that is kept
	Newest   time.Time // latest event time delivered so far; zero: not known
	Pending  *Mark     // up to where events were delivered and not all of them confirmed; nil: all are, or nothing confirms
	Finished bool      // a range, all of which has arrived
}

// Look reads the file of org in the folder dir and changes nothing. It returns nil when there is none; an error says why it cannot be used.
func Look(dir, org string) (*State, error) {
	path := filepath.Join(dir, FileName(org))
	f, found, err := look(system{}, path, org)
	if err != nil || !found {
		return nil, err
	}
	s := &State{Path: path, Scope: f.Scope, Newest: f.Newest, Finished: f.Finished}
	if n := len(f.Marks); n > 0 {
		s.Oldest, s.Position = f.Marks[0], f.Marks[n-1]
	}
	// A file with selectors has something under way. Those of the first versions that confirmed have none: there the position tells.
	if p := f.Delivery.Pending; p != nil && (len(f.Delivery.Selectors) > 0 || p.Published.After(s.Position.Published)) {
		s.Pending = p
	}
	return s, nil
}

func look(on files, path, org string) (f file, found bool, err error) {
	data, found, err := load(on, path)
	if err != nil || !found {
		return file{}, false, err
	}
	f, err = parse(data)
	if err == nil && f.Scope.Org != org {
		err = fmt.Errorf("it belongs to %s", f.Scope.Org)
	}
	if err != nil {
		return file{}, true, fmt.Errorf("%s: %w", path, err)
	}
	return f, true, nil
}

// Place lets reading go on at cursor, which is the start of the events from at on. What was delivered and not confirmed is forgotten, and
// no replay window applies. It returns where the file of before is kept, "" when there was none. The caller holds the folder's [Lock].
//
// The position counts as written now: nodes that share the work take it before the older copies that they keep for each other.
func Place(dir string, scope Scope, cursor string, at time.Time) (kept string, err error) {
	return place(system{}, dir, scope, cursor, at)
}

func place(on files, dir string, scope Scope, cursor string, at time.Time) (kept string, err error) {
	path, now := filepath.Join(dir, FileName(scope.Org)), time.Now().UTC()
	f, found, err := look(on, path, scope.Org)
	if _, unreadable := errors.AsType[*UnreadableError](err); unreadable {
		return "", err
	}
	if found {
		data, _, err := load(on, path)
		if err != nil {
			return "", err
		}
		kept = aside(path)
		if err := write(on, kept, data); err != nil {
			return "", fmt.Errorf("keeping the checkpoint of before: %w", err)
		}
	}
	j := &Journal{on: on, path: path, scope: scope, Newest: f.Newest, others: f.others}
	if j.Newest.IsZero() {
		j.Newest = now // else all from at on would count as new, and what lies behind a stream's newest entry as on time
	}
	return kept, j.Append(Mark{Cursor: cursor, Published: at, Delivered: now})
}

// Remove lets reading begin as if there had been no file. It returns where the file is kept, and where the copy that was kept for another
// node: only what was there. The caller holds the folder's [Lock].
func Remove(dir, org string) (kept []string, err error) { return remove(system{}, dir, org) }

func remove(on files, dir, org string) (kept []string, err error) {
	for _, name := range temporaries(on, filepath.Join(dir, FileName(org))) {
		_ = on.remove(name) // else it could take the file's place
	}
	for _, path := range []string{filepath.Join(dir, FileName(org)), standbyPath(dir, org)} {
		to := aside(path)
		switch err := move(on, path, to); {
		case err == nil:
			kept = append(kept, to)
		case !errors.Is(err, fs.ErrNotExist):
			return kept, fmt.Errorf("setting the checkpoint aside: %w", err)
		}
	}
	return kept, nil
}

// aside is the name under which a file that is not used any more is kept.
func aside(path string) string {
	return fmt.Sprintf("%s.set-aside-%s", path, time.Now().UTC().Format("20060102T150405.000Z"))
}
