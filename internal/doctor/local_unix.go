//go:build !windows

package doctor

import "syscall"

// writable asks the kernel, and writes nothing. POSIX, access: W_OK is 2, X_OK is 1.
func writable(dir string) bool { return syscall.Access(dir, 2|1) == nil }
