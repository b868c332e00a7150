package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var testScope = Scope{Org: "https://acme.okta.com", PageSize: 1000}

var t0 = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func mark(i int, at time.Time) Mark {
	return Mark{
		Cursor:    fmt.Sprintf("https://acme.okta.com/api/v1/logs?after=%d_1&limit=1000", 1627500000000+i),
		Published: at.Add(-time.Second),
		Delivered: at,
	}
}

// filled returns a folder whose journal holds marks a second apart.
func filled(t *testing.T, n int) (dir string, j *Journal) {
	dir = t.TempDir()
	j, notes, _ := Open(dir, testScope, time.Minute)
	require.Empty(t, notes)
	for i := range n {
		require.NoError(t, j.Append(mark(i, t0.Add(time.Duration(i)*time.Second))))
	}
	return dir, j
}

func TestAppendedMarkIsThereAfterReopen(t *testing.T) {
	dir, j := filled(t, 3)
	again, notes, _ := Open(dir, testScope, time.Minute)
	require.Empty(t, notes)
	require.Equal(t, j.marks, again.marks)
	last, ok := again.Last()
	require.True(t, ok)
	require.Equal(t, mark(2, t0.Add(2*time.Second)), last)

	info, err := os.Stat(j.path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" { // where the folder says who may read
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file stays behind")
}

func TestEmptyFolderBeginsEmpty(t *testing.T) {
	j, notes, _ := Open(filepath.Join(t.TempDir(), "not", "there", "yet"), testScope, time.Minute)
	require.Empty(t, notes)
	_, ok := j.Last()
	require.False(t, ok)
	_, ok = j.Resume()
	require.False(t, ok)
	require.NoError(t, j.Append(mark(1, t0)), "the folder is created")
}

func TestResumeGoesBackByTheWindow(t *testing.T) {
	for name, tc := range map[string]struct {
		seconds []int // when each mark was delivered
		window  time.Duration
		want    int // index into seconds
	}{
		"off resumes from the last mark":          {[]int{0, 10, 20}, 0, 2},
		"one mark":                                {[]int{0}, time.Minute, 0},
		"newest mark at least a window old":       {[]int{0, 10, 20, 80, 90}, time.Minute, 2},
		"exactly a window old":                    {[]int{0, 30, 90}, time.Minute, 1},
		"all younger than the window: the oldest": {[]int{0, 10, 20}, time.Minute, 0},
		"a long silence before the last":          {[]int{0, 10, 9000}, time.Minute, 1},
		"clock set back":                          {[]int{100, 110, 20}, time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			j, _, _ := Open(t.TempDir(), testScope, tc.window)
			for i, s := range tc.seconds {
				require.NoError(t, j.Append(mark(i, t0.Add(time.Duration(s)*time.Second))))
			}
			got, ok := j.Resume()
			require.True(t, ok)
			require.Equal(t, mark(tc.want, t0.Add(time.Duration(tc.seconds[tc.want])*time.Second)), got)
		})
	}
}

// Several marks are of a process that had a window: receivers may have lost what it delivered last, whatever the window is now.
func TestResumeWithoutAWindowGoesBackAsFarAsTheOneOfBefore(t *testing.T) {
	dir, before := filled(t, 3)
	j, _, _ := Open(dir, testScope, 0)
	from, _ := j.Resume()
	require.Equal(t, before.marks[0], from)
	require.NoError(t, j.Append(mark(9, t0.Add(time.Hour))))
	j, _, _ = Open(dir, testScope, 0)
	from, _ = j.Resume()
	require.Equal(t, mark(9, t0.Add(time.Hour)), from)
}

func TestInterruptedReplayBeginsFromTheSamePlaceAgain(t *testing.T) {
	dir, _ := filled(t, 100)
	j, _, _ := Open(dir, testScope, time.Minute)
	from, _ := j.Resume()

	// The replay commits one page, an hour later, and dies.
	require.NoError(t, j.Append(Mark{Cursor: "https://acme.okta.com/api/v1/logs?after=replayed", Published: t0, Delivered: t0.Add(time.Hour)}))
	j, _, _ = Open(dir, testScope, time.Minute)
	again, _ := j.Resume()
	require.Equal(t, from, again)

	// And one that dies before its first commit.
	dir, _ = filled(t, 100)
	j, _, _ = Open(dir, testScope, time.Minute)
	first, _ := j.Resume()
	j, _, _ = Open(dir, testScope, time.Minute)
	second, _ := j.Resume()
	require.Equal(t, first, second)
}

func TestJournalStaysBounded(t *testing.T) {
	// A week of polling every 10s, then a backlog at ten pages a second, then a clock
	// that jumps about. Only the thinning is under test, so the file is written at the end.
	var marks []Mark
	at, largest := t0, 0
	add := func(step time.Duration) {
		at = at.Add(step)
		marks = thin(append(marks, mark(len(marks), at)), time.Minute)
		largest = max(largest, len(marks))
	}
	for i := range 7 * 24 * 360 {
		add(10 * time.Second)
		if i >= 6 {
			require.GreaterOrEqual(t, at.Sub(marks[0].Delivered), time.Minute, "a minute of marks is kept")
		}
	}
	for range 10_000 {
		add(100 * time.Millisecond)
	}
	covered := at.Sub(marks[0].Delivered)
	require.GreaterOrEqual(t, covered, time.Minute)
	require.Less(t, covered, time.Minute+10*time.Second)
	for i := range 1000 {
		add(time.Duration(1-2*(i%2)) * time.Hour)
	}
	require.LessOrEqual(t, largest, maxMarks)

	j, _, _ := Open(t.TempDir(), testScope, time.Minute)
	j.marks = marks
	require.NoError(t, j.Append(mark(1, at)))
	info, err := os.Stat(j.path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(16<<10))
}

// A crash or a disk may leave any prefix of the file, or any byte wrong. Either the
// marks are the saved ones, or the file is set aside; nothing in between.
func TestAnyTruncationOrCorruptionIsSetAside(t *testing.T) {
	dir, j := filled(t, 3)
	good, err := os.ReadFile(j.path)
	require.NoError(t, err)

	check := func(t *testing.T, data []byte) {
		t.Helper()
		require.NoError(t, os.WriteFile(j.path, data, 0o600))
		got, notes, _ := Open(dir, testScope, time.Minute)
		if len(got.marks) > 0 {
			require.Equal(t, j.marks, got.marks)
			require.Empty(t, notes)
			return
		}
		require.Len(t, notes, 1)
		aside, err := filepath.Glob(j.path + ".set-aside-*")
		require.NoError(t, err)
		require.Len(t, aside, 1)
		require.Contains(t, notes[0].String(), filepath.Base(aside[0]))
		kept, err := os.ReadFile(aside[0])
		require.NoError(t, err)
		require.Equal(t, data, kept)
		require.NoError(t, os.Remove(aside[0]))
	}
	for i := range good {
		check(t, good[:i])
	}
	for i := range good {
		for _, flip := range []byte{0x01, 0x20, 0x80, good[i]} { // one bit, letter case, high bit, NUL
			data := append([]byte(nil), good...)
			data[i] ^= flip
			check(t, data)
		}
	}
	check(t, append(append([]byte(nil), good...), "trailing"...))
	check(t, []byte{0, 1, 2, 0xff})
}

func TestForeignAndNewerFilesAreSetAside(t *testing.T) {
	for name, tc := range map[string]struct {
		file file
		want string
	}{
		"another org": {file{Version: 1, Scope: Scope{Org: "https://other.okta.com"}, Marks: []Mark{mark(0, t0)}},
			"it belongs to https://other.okta.com"},
		"newer version":        {file{Version: 2, Scope: testScope, Marks: []Mark{mark(0, t0)}}, "it has version 2, which a program must know version 2 to read; this one knows up to 1"},
		"a newer least reader": {file{Version: 3, LeastReader: 2, Scope: testScope, Marks: []Mark{mark(0, t0)}}, "must know version 2"},
		"no version":           {file{Scope: testScope, Marks: []Mark{mark(0, t0)}}, "it is corrupt: version 0"},
		"empty cursor":         {file{Version: 1, Scope: testScope, Marks: []Mark{{Delivered: t0}}}, "a mark without cursor"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data, err := tc.file.encode()
			require.NoError(t, err)
			require.NoError(t, write(system{}, filepath.Join(dir, FileName(testScope.Org)), data))
			j, notes, _ := Open(dir, testScope, time.Minute)
			require.Len(t, notes, 1)
			require.Contains(t, notes[0].String(), tc.want)
			require.Empty(t, j.marks)
			require.NoError(t, j.Append(mark(0, t0)))
		})
	}
}

func TestUnwritableFolderIsNoReasonToStop(t *testing.T) {
	// What cannot be written is below a file.
	blocker := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocker, nil, 0o600))
	j, notes, err := Open(filepath.Join(blocker, "sub"), testScope, time.Minute)
	require.NoError(t, err)
	require.Empty(t, notes)
	require.ErrorContains(t, j.Append(mark(1, t0)), "writing checkpoint:")
	last, ok := j.Last()
	require.True(t, ok, "the journal in memory goes on")
	require.Equal(t, mark(1, t0), last)
}

func TestAChangedScopeContinuesFromTheTimeOfTheMarkToResumeFrom(t *testing.T) {
	for name, change := range map[string]func(*Scope){
		"filter":    func(s *Scope) { s.Filter = `eventType eq "user.session.start"` },
		"query":     func(s *Scope) { s.Query = "nick" },
		"page size": func(s *Scope) { s.PageSize = 100 },
	} {
		t.Run(name, func(t *testing.T) {
			dir, old := filled(t, 5)
			scope := testScope
			change(&scope)
			j, notes, _ := Open(dir, scope, time.Minute)
			require.Len(t, notes, 1)
			_, ok := j.Last()
			require.False(t, ok, "a cursor of another scope is not used")
			since, until, ok := j.Continue()
			require.True(t, ok)
			last, _ := old.Last()
			from, _ := old.Resume()
			require.Equal(t, last.Published, until)
			require.Equal(t, from.Published, since, "receivers may have lost what came after it")
			require.NoError(t, j.Append(mark(9, t0)))
			_, _, ok = j.Continue()
			require.False(t, ok)
		})
	}
}

func TestOrgsHaveTheirOwnFiles(t *testing.T) {
	dir := t.TempDir()
	for i, org := range []string{"https://acme.okta.com", "https://other.okta.com", "http://127.0.0.1:8080", "http://[::1]:8080"} {
		j, notes, _ := Open(dir, Scope{Org: org, PageSize: 1000}, 0)
		require.Empty(t, notes)
		_, ok := j.Last()
		require.False(t, ok)
		require.NoError(t, j.Append(mark(i, t0)))
		require.Equal(t, dir, filepath.Dir(j.path))
	}
	j, _, _ := Open(dir, Scope{Org: "https://acme.okta.com", PageSize: 1000}, 0)
	last, _ := j.Last()
	require.Equal(t, mark(0, t0), last)
}

func TestFileEditedByHandIsUsedWithoutChecksum(t *testing.T) {
	dir, j := filled(t, 2)
	good, err := os.ReadFile(j.path)
	require.NoError(t, err)
	f, err := parse(good)
	require.NoError(t, err)

	// Without the word, the edit is not trusted, and the note says what to write.
	require.NoError(t, os.WriteFile(j.path, bytes.Replace(good, []byte(`after=`), []byte(`after=9`), 1), 0o600))
	_, notes, err := Open(dir, testScope, time.Minute)
	require.NoError(t, err)
	require.Len(t, notes, 1)
	require.Contains(t, notes[0].String(), `if it was edited by hand, write "checksum": "none"`)

	f.Checksum = noChecksum
	f.Marks[1].Cursor = "https://acme.okta.com/api/v1/logs?since=2026-11-21T00%3A00%3A00.000Z"
	data, err := json.Marshal(f)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(j.path, data, 0o600))
	again, notes, err := Open(dir, testScope, time.Minute)
	require.NoError(t, err)
	require.Empty(t, notes)
	require.Equal(t, f.Marks, again.marks)
}

func TestLeftoversOfKilledWritesAreRemoved(t *testing.T) {
	dir, j := filled(t, 1)
	left := filepath.Join(dir, "."+filepath.Base(j.path)+"12345")
	other := filepath.Join(dir, "somebody-elses-file")
	require.NoError(t, os.WriteFile(left, []byte("{"), 0o600))
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	_, notes, _ := Open(dir, testScope, time.Minute)
	require.Empty(t, notes)
	require.NoFileExists(t, left)
	require.FileExists(t, other)
}

func TestSetAsideNameTellsTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, FileName(testScope.Org))
		require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
		Open(dir, testScope, time.Minute)
		require.FileExists(t, path+".set-aside-20000101T000000.000Z")
	})
}

func BenchmarkAppend(b *testing.B) {
	j, _, _ := Open(b.TempDir(), testScope, time.Minute)
	for i := 0; b.Loop(); i++ {
		if err := j.Append(mark(i, t0.Add(time.Duration(i)*100*time.Millisecond))); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAJournalFollowsOneOfAnotherFile(t *testing.T) {
	scope := Scope{Org: "https://acme.okta.com", PageSize: 1000}
	open := func(dir string, scope Scope) *Journal {
		j, _, err := Open(dir, scope, time.Minute)
		require.NoError(t, err)
		return j
	}
	here, there := t.TempDir(), t.TempDir()
	mark := func(cursor string, at time.Time) Mark { return Mark{Cursor: cursor, Published: at, Delivered: at} }
	begin := time.Now().Add(-time.Hour)
	require.NoError(t, open(here, scope).Append(mark("old", begin)))
	other := open(there, scope)
	other.Newest, other.Finished = begin, true
	other.others = []member{{name: "later", value: json.RawMessage("1")}}
	require.NoError(t, other.Append(mark("new", begin.Add(time.Minute))))

	j := open(here, scope)
	require.True(t, j.Follow(other))
	require.NoError(t, j.Save())
	for _, j := range []*Journal{j, open(here, scope)} {
		last, _ := j.Last()
		require.Equal(t, "new", last.Cursor)
		require.True(t, j.Finished)
		require.WithinDuration(t, begin, j.Newest, 0)
		from, _ := j.Resume()
		require.Equal(t, last, from, "the mark of long ago is gone")
		require.Equal(t, other.others, j.others, "what a later version wrote goes along")
	}
	require.False(t, j.Follow(open(here, scope)), "the same file")

	filtered := open(here, Scope{Org: scope.Org, Filter: "x", PageSize: 1000})
	require.True(t, filtered.Follow(other))
	_, ok := filtered.Last()
	require.False(t, ok, "a cursor serves no other filter")
}
