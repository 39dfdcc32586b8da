//go:build unix && !linux

package pgtest

import "syscall"

// dieWithUs is known to Linux alone.
func dieWithUs(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }
