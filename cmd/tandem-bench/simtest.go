package main

import (
	"context"
	"fmt"
	"runtime"

	"tandem/internal/simtest"
)

// simulate measures how many seeds of simulated sync a second each core lives through.
func (b *bench) simulate(context.Context) error {
	defer simtest.RareGC()()
	sum, err := simtest.Batch{From: 1, Seeds: max(1, int(500*b.scale)), Workers: runtime.GOMAXPROCS(0)}.Run(
		func(uint64, simtest.Result) bool { return false })
	if err != nil {
		return err
	}
	if sum.Failed > 0 {
		return fmt.Errorf("%d of %d seeds failed", sum.Failed, sum.Stats.Seeds)
	}
	b.add("simtest", "seeds_per_s", sum.PerSecond())
	return nil
}
