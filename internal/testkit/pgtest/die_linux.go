package pgtest

import "syscall"

// dieWithUs has the process interrupted when the thread that started it ends.
func dieWithUs(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	attr.Pdeathsig = syscall.SIGINT
	return attr
}
