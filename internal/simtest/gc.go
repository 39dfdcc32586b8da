package simtest

import "runtime/debug"

const (
	gcPercent   = 1600
	memoryLimit = 1 << 30 // bytes
)

// RareGC lets the collector run rarely until back is called: worlds are small and short-lived, and next to nothing of them is left
// when they end, so most of its work is to look through what is in use for nothing. It takes a third of the time otherwise. The
// limit keeps a process that lives through worlds with larger leavings from taking the machine's memory.
func RareGC() (back func()) {
	percent, limit := debug.SetGCPercent(gcPercent), debug.SetMemoryLimit(memoryLimit)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
