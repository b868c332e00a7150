//go:build !windows

package checkpoint

import "syscall"

// errLocked is flock's error for what another process has locked.
const errLocked = syscall.EWOULDBLOCK
