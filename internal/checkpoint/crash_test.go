package checkpoint

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const crashed = "/data"

// appendMarks writes marks from the number `from` on, and returns the number of the last one whose Append returned nil, 0 when none did.
func appendMarks(d *disk, from, n int) (done int, err error) {
	j, notes, err := open(d, crashed, testScope, 0)
	if err != nil || len(notes) > 0 {
		return 0, fmt.Errorf("%v, %w", notes, err)
	}
	for i := from; i < from+n; i++ {
		if err := j.Append(mark(i, t0.Add(time.Duration(i)*time.Second))); err != nil {
			return done, err
		}
		done = i
	}
	return done, nil
}

// position is the number of the mark that a start goes on from, 0 when there is none.
func position(d *disk) (int, error) {
	j, notes, err := open(d, crashed, testScope, 0)
	if err != nil || len(notes) > 0 {
		return 0, fmt.Errorf("%v, %w", notes, err)
	}
	last, ok := j.Last()
	if !ok {
		return 0, nil
	}
	return int(last.Delivered.Sub(t0) / time.Second), nil
}

// crashes appends two marks, crashes at each step, and does so again `again` times on each of the disks that may be left. It returns
// the first thing that is wrong, and how many crashes it saw.
func crashes(p platform, fault func(*disk), again int) (seen int, err error) {
	type start struct {
		disk     *disk
		position int
		crashes  int
	}
	known := map[string]bool{}
	for todo := []start{{newDisk(p, nil), 0, 0}}; len(todo) > 0; todo = todo[1:] {
		s := todo[0]
		for step := 1; ; step++ {
			d := newDisk(p, s.disk.seen)
			fault(d)
			d.crashAt = step
			done, err := appendMarks(d, s.position+1, 2)
			if err == nil {
				break // it ended before the crash
			}
			for _, left := range d.survivors() {
				seen++
				started := newDisk(p, left.seen)
				at, err := position(started)
				switch lowest := max(done, s.position); {
				case err != nil:
					return seen, fmt.Errorf("after the crash in step %d the file is of no use: %w\n%s", step, err, left)
				case at < lowest || at > lowest+1:
					return seen, fmt.Errorf("after the crash in step %d the mark is %d, %d was saved\n%s", step, at, lowest, left)
				case strings.Contains(started.String(), crashed+"/."):
					return seen, fmt.Errorf("what a killed write left is still there:\n%s", started)
				}
				if key := fmt.Sprint(s.crashes, left); s.crashes < again && !known[key] {
					known[key] = true
					todo = append(todo, start{left, at, s.crashes + 1})
				}
			}
		}
	}
	return seen, nil
}

// Whatever the moment and whatever the power takes with it: the marks are those saved last, or the ones that were being saved. No file is
// set aside, and a crash in the start after a crash changes nothing of that.
func TestACrashLeavesTheOldMarksOrTheNewOnes(t *testing.T) {
	for _, p := range []platform{unixes, windows} {
		t.Run(p.name, func(t *testing.T) {
			seen, err := crashes(p, func(*disk) {}, 2)
			require.NoError(t, err)
			require.Greater(t, seen, 300)
		})
	}
}

// The simulated disk finds a write that leaves out what its platform needs.
func TestTheSimulatedDiskFindsMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		platform platform
		mistake  func(*disk)
		found    string
	}{
		"Unix, file not synced":         {unixes, func(d *disk) { d.noSync = true }, "of no use"},
		"Unix, folder not synced":       {unixes, func(d *disk) { d.noFolderSync = true }, "the mark is 0, 1 was saved"},
		"Windows, file not synced":      {windows, func(d *disk) { d.noSync = true }, "of no use"},
		"a rename that is not atomic":   {platform{name: "Unix", syncs: true, torn: true}, func(d *disk) { d.adoptsNothing = true }, "the mark is 0, 1 was saved"},
		"Windows, nothing is recovered": {windows, func(d *disk) { d.adoptsNothing = true }, "the mark is 0, 1 was saved"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crashes(tc.platform, tc.mistake, 1)
			require.ErrorContains(t, err, tc.found)
		})
	}
}

// A cursor that an administrator sets is the one to go on from or is not, and the file of before is kept in both cases.
func TestACrashWhileACursorIsPlaced(t *testing.T) {
	for _, p := range []platform{unixes, windows} {
		t.Run(p.name, func(t *testing.T) {
			for step := 1; ; step++ {
				d := newDisk(p, nil)
				_, err := appendMarks(d, 1, 1)
				require.NoError(t, err)
				d.steps, d.crashAt = 0, step
				_, err = place(d, crashed, testScope, "placed", t0)
				if err == nil {
					require.Greater(t, step, 8)
					return
				}
				for _, left := range d.survivors() {
					j, notes, err := open(left, crashed, testScope, 0)
					require.NoError(t, err)
					require.Empty(t, notes)
					last, ok := j.Last()
					require.True(t, ok)
					if last.Cursor == "placed" {
						require.Contains(t, left.String(), ".set-aside-")
					} else {
						require.Equal(t, mark(1, t0.Add(time.Second)), last)
					}
				}
			}
		})
	}
}

// On Windows a file that somebody has open cannot be replaced, as by a virus scanner, or by another node that is being answered.
func TestAFileThatIsOpenElsewhereIsWaitedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		platform platform
		open     time.Duration
		fails    bool
	}{
		"Windows, for a moment": {windows, busyTimeout - time.Millisecond, false},
		"Windows, for long":     {windows, time.Hour, true},
		"Unix":                  {unixes, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDisk(tc.platform, nil)
				j, _, err := open(d, crashed, testScope, 0)
				require.NoError(t, err)
				require.NoError(t, j.Append(mark(1, t0)))
				file := path.Join(crashed, FileName(testScope.Org))
				d.hold(file, true)
				time.AfterFunc(tc.open, func() { d.hold(file, false) })
				begin := time.Now()
				err = j.Append(mark(2, t0))
				require.Less(t, time.Since(begin), busyTimeout+time.Second)
				if !tc.fails {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, errOpen)
				require.ErrorContains(t, err, "writing checkpoint: "+errOpen.Error()+" (for 2s: another program has it open, or it is read-only)")
				require.Len(t, d.seen, 1, "no temporary file stays behind")
				d.hold(file, false)
				require.NoError(t, j.Append(mark(3, t0)), "the next one writes both")
			})
		})
	}
}

// What is of no use is kept, also when somebody is just looking at it.
func TestWhatIsSetAsideIsWaitedForToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := path.Join(crashed, FileName(testScope.Org))
		d := newDisk(windows, map[string]*content{file: {data: "{"}})
		d.hold(file, true)
		time.AfterFunc(time.Second, func() { d.hold(file, false) })
		_, notes, err := open(d, crashed, testScope, 0)
		require.NoError(t, err)
		require.Len(t, notes, 1)
		require.Contains(t, notes[0].String(), "checkpoint not used, set aside")
		require.Contains(t, d.String(), ".set-aside-")
	})
}

// A cursor that was removed does not come back from what a killed write left behind.
func TestARemovedCursorDoesNotComeBack(t *testing.T) {
	for _, p := range []platform{unixes, windows} {
		d := newDisk(p, nil)
		_, err := appendMarks(d, 1, 1)
		require.NoError(t, err)
		file := path.Join(crashed, FileName(testScope.Org))
		d.seen[path.Join(crashed, temporaryPrefix(file)+"1")] = d.seen[file]
		_, err = remove(d, crashed, testScope.Org)
		require.NoError(t, err)
		at, err := position(d)
		require.NoError(t, err)
		require.Zero(t, at)
	}
}
