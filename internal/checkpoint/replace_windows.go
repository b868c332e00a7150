package checkpoint

import (
	"bytes"

	"github.com/natefinch/atomic"
)

// temporary is what the names of atomic's temporary files begin with, before the file's own and some digits.
const temporary = ""

// replace writes a file under a temporary name and renames it. renameio is not for Windows, where no rename is atomic over a crash for
// sure; atomic has it written through before it returns, which a folder cannot be synced for.
func replace(path string, data []byte) error {
	return atomic.WriteFile(path, bytes.NewReader(data))
}
