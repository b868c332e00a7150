//go:build !windows

package checkpoint

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Owner is whom a folder belongs to, or would belong to if its parents' owner made it.
type Owner struct {
	dir      string
	uid, gid int
	known    bool
}

// OwnerOf finds out. An administrator who edits a service's files as root must not leave some that the service cannot read.
func OwnerOf(dir string) Owner {
	o := Owner{dir: dir}
	for at := filepath.Clean(dir); !o.known; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				o.uid, o.gid, o.known = int(stat.Uid), int(stat.Gid), true
			}
		}
		if at == filepath.Dir(at) {
			break
		}
		if !o.known {
			o.dir = at // it will be made, too
		}
	}
	return o
}

// Keep gives the owner the folder and what is in it, if this process is root's, who alone can.
func (o Owner) Keep() error {
	if !o.known || os.Geteuid() != 0 {
		return nil
	}
	return filepath.WalkDir(o.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, o.uid, o.gid)
	})
}
