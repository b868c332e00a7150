package checkpoint

import "time"

// recovered puts the newest file that a killed write left behind in the place of one which the crash took away (see files.tears), and
// removes the others. It reads nothing where no crash can do that, or where nothing was left behind. An error is an [*UnreadableError].
func recovered(on files, path, org string) error {
	left := temporaries(on, path)
	if on.tears() && len(left) > 0 {
		if _, found, err := load(on, path); err != nil {
			return err
		} else if !found {
			if err := adopt(on, left, path, org); err != nil {
				return err
			}
		}
	}
	for _, name := range left {
		_ = on.remove(name) // not ours to fail on: the next start tries again
	}
	return nil
}

func adopt(on files, left []string, path, org string) error {
	var newest string
	var written time.Time
	for _, name := range left {
		data, found, err := load(on, name)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		// A part of a file, as after a crash before its sync, fails the checksum.
		if f, err := parse(data); err == nil && f.Scope.Org == org && (newest == "" || f.written().After(written)) {
			newest, written = name, f.written()
		}
	}
	if newest == "" {
		return nil
	}
	if err := move(on, newest, path); err != nil {
		return &UnreadableError{Path: path, Err: err}
	}
	return nil
}
