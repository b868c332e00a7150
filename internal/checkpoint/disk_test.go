package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// platform is what a system promises of files when the power goes.
type platform struct {
	name string
	// syncs: what a folder names lasts when the folder is synced, and before that any part of it may be lost. Otherwise no folder can be
	// synced, and a rename lasts, and all before it, when it returns.
	syncs bool
	// torn: a rename that the crash ended may leave no file of the name.
	torn bool
	// exclusive: what somebody has open cannot be renamed, replaced or removed.
	exclusive bool
}

var (
	unixes  = platform{name: "Unix", syncs: true}                    // POSIX, rename and fsync; fsync(2)
	windows = platform{name: "Windows", torn: true, exclusive: true} // MoveFileEx with MOVEFILE_WRITE_THROUGH, CreateFile's share mode
)

// errCrash ends what was under way: the process is gone, and nothing else happens on its disk.
var errCrash, errOpen = errors.New("the power is gone"), errors.New("somebody has it open")

// disk simulates one: what programs see, and what would be there after a crash. It crashes in the step number crashAt, counted from 1.
type disk struct {
	platform
	seen    map[string]*content
	lasting map[string]*content
	pending []func(names map[string]*content) // changes of names that may be lost
	half    []func(names map[string]*content) // of a rename that a crash ended: what may be left
	held    map[string]bool                   // files that somebody has open, under mu
	mu      sync.Mutex
	steps   int
	crashAt int
	random  int

	noSync, noFolderSync, adoptsNothing bool // mistakes, for tests of the disk
}

// content is a file's, whatever it is called. What was not synced may be cut, or be zeros, after a crash.
type content struct {
	data   string
	synced bool
}

func newDisk(p platform, names map[string]*content) *disk {
	d := &disk{platform: p, seen: map[string]*content{}, lasting: map[string]*content{}, held: map[string]bool{}}
	for name, c := range names {
		d.lasting[name] = &content{data: c.data, synced: true}
		d.seen[name] = d.lasting[name]
	}
	return d
}

// step reports whether the process lives, and whether this is the step in the middle of which it ends.
func (d *disk) step() (alive, last bool) {
	d.steps++
	return d.crashAt == 0 || d.steps <= d.crashAt, d.steps == d.crashAt
}

// change has names changed for those who look, and for after a crash if that does not come first.
func (d *disk) change(do func(names map[string]*content)) error {
	alive, last := d.step()
	if !alive {
		return errCrash
	}
	d.pending = append(d.pending, do)
	if last {
		return errCrash
	}
	do(d.seen)
	return nil
}

// hold has somebody open a file, or close it.
func (d *disk) hold(name string, held bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held[name] = held
}

// locked reports whether a file is one that cannot be touched.
func (d *disk) locked(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.exclusive && d.held[name]
}

func (d *disk) settle() {
	for _, do := range d.pending {
		do(d.lasting)
	}
	d.pending = nil
}

func (d *disk) read(name string) ([]byte, error) {
	c, ok := d.seen[filepath.ToSlash(name)]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(c.data), nil
}

func (d *disk) list(dir string) (names []string, err error) {
	for name := range d.seen {
		if path.Dir(name) == filepath.ToSlash(dir) {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *disk) makeFolder(string) error { return nil }

func (d *disk) create(dir, prefix string) (temporary, error) {
	d.random++
	o := &opened{d, &content{}, path.Join(filepath.ToSlash(dir), fmt.Sprintf("%s%d", prefix, d.random))}
	for d.seen[o.name] != nil { // as os.CreateTemp
		d.random++
		o.name = path.Join(filepath.ToSlash(dir), fmt.Sprintf("%s%d", prefix, d.random))
	}
	name := o.name
	if err := d.change(func(names map[string]*content) { names[name] = o.content }); err != nil {
		return nil, err
	}
	d.hold(name, true)
	return o, nil
}

func (d *disk) remove(name string) error {
	name = filepath.ToSlash(name)
	if d.locked(name) {
		return errOpen
	}
	if d.seen[name] == nil {
		return fs.ErrNotExist
	}
	return d.change(func(names map[string]*content) { delete(names, name) })
}

func (d *disk) rename(from, to string) error {
	from, to = filepath.ToSlash(from), filepath.ToSlash(to)
	if d.locked(from) || d.locked(to) {
		return errOpen
	}
	c := d.seen[from]
	if c == nil {
		return fs.ErrNotExist
	}
	err := d.change(func(names map[string]*content) {
		delete(names, from)
		names[to] = c
	})
	switch {
	case err == nil && !d.syncs:
		d.settle() // written through
	case err != nil && d.steps == d.crashAt && d.platform.torn:
		d.half = append(d.half, func(names map[string]*content) { delete(names, to) })
	}
	return err
}

func (d *disk) syncFolder(string) error {
	if !d.syncs || d.noFolderSync {
		return nil
	}
	alive, last := d.step()
	if !alive || last {
		return errCrash
	}
	d.settle()
	return nil
}

func (d *disk) busy(err error) bool { return errors.Is(err, errOpen) }
func (d *disk) tears() bool         { return d.torn && !d.adoptsNothing }

// opened is a file that is being written.
type opened struct {
	*disk
	content *content
	name    string
}

func (o *opened) Name() string { return o.name }

func (o *opened) Write(data []byte) (int, error) {
	alive, last := o.step()
	if alive {
		o.content.data, o.content.synced = o.content.data+string(data), false
	}
	if !alive || last {
		return 0, errCrash
	}
	return len(data), nil
}

func (o *opened) Sync() error {
	alive, last := o.step()
	if !alive || last {
		return errCrash
	}
	o.content.synced = o.content.synced || !o.noSync
	return nil
}

func (o *opened) Close() error {
	o.hold(o.name, false)
	return nil
}

// survivors are the disks that there may be after the crash.
func (d *disk) survivors() (all []*disk) {
	known := map[string]bool{}
	add := func(names map[string]*content) {
		d2 := newDisk(d.platform, names)
		if key := d2.String(); !known[key] {
			known[key] = true
			all = append(all, d2)
		}
	}
	for which := range 1 << len(d.pending) {
		names := maps.Clone(d.lasting)
		for i, do := range d.pending {
			if which&(1<<i) != 0 {
				do(names)
			}
		}
		for _, names := range damaged(names) {
			add(names)
		}
	}
	for _, do := range d.half {
		names := maps.Clone(d.lasting)
		for _, change := range d.pending[:len(d.pending)-1] {
			change(names)
		}
		do(names)
		for _, names := range damaged(names) {
			add(names)
		}
	}
	return all
}

// damaged is what there may be in files that were not synced: all, or no, or some of what was written, and zeros in the place of the rest.
func damaged(names map[string]*content) []map[string]*content {
	all := []map[string]*content{names}
	for name, c := range names {
		if c.synced {
			continue
		}
		var more []map[string]*content
		for _, names := range all {
			n := len(c.data)
			for _, data := range []string{c.data, "", c.data[:n/2], c.data[:max(0, n-1)], c.data[:n/2] + strings.Repeat("\x00", n-n/2)} {
				names = maps.Clone(names)
				names[name] = &content{data: data}
				more = append(more, names)
			}
		}
		all = more
	}
	return all
}

// String is the same for disks with the same files.
func (d *disk) String() string {
	var b strings.Builder
	for _, name := range slices.SortedFunc(maps.Keys(d.seen), cmp.Compare[string]) {
		fmt.Fprintf(&b, "%s: %q\n", name, d.seen[name].data)
	}
	return b.String()
}
