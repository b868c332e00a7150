//go:build !windows

package checkpoint

import (
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// temporary is what the names of renameio's temporary files begin with, before the file's own and some digits.
const temporary = "."

// replace writes a file under a temporary name and renames it. renameio syncs the file before the rename; the folder is synced here, for
// without it the rename itself may be lost with the power.
func replace(path string, data []byte) error {
	dir := filepath.Dir(path)
	// The temporary file must be on the same file system to be renamed.
	if err := renameio.WriteFile(path, data, 0o600, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o600)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
