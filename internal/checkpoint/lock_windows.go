package checkpoint

import "syscall"

// errLocked is CreateFile's error for what another process has opened and does not share: ERROR_SHARING_VIOLATION.
const errLocked = syscall.Errno(32)
