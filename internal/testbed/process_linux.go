package testbed

import "syscall"

// childAttributes puts a child in its own process group and has the kernel kill it when this program dies (prctl(2),
// PR_SET_PDEATHSIG).
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
