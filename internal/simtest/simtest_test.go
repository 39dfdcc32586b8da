package simtest_test

import (
	"flag"
	"runtime"
	"slices"
	"testing"

	"tandem/internal/simtest"
)

var (
	from   = flag.Uint64("from", 1, "the first seed")
	seeds  = flag.Int("seeds", 2000, "how many seeds")
	update = flag.Bool("update", false, "look anew which seed catches each broken engine")
)

func TestMain(m *testing.M) {
	defer simtest.RareGC()()
	m.Run()
}

// TestWholeSync_EveryInvariantHoldsInEveryWorld: I1 to I9, I12, I13 and L1 to L7 of SYNC-INVARIANTS in worlds where people
// edit both sides while everything that is in the menu of faults goes wrong.
func TestWholeSync_EveryInvariantHoldsInEveryWorld(t *testing.T) {
	t.Parallel()
	batch := simtest.Batch{From: *from, Seeds: *seeds, Workers: runtime.GOMAXPROCS(0)}
	if testing.Short() {
		batch.Seeds /= 20
	}
	sum, err := batch.Run(func(seed uint64, r simtest.Result) bool {
		t.Errorf("seed %d: %v\n(go run ./cmd/tandem-simtest -seed %d tells the shortest story)", seed, r.Failure, seed)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d seeds, %.1f a second and core, %d faults, %d kills", sum.Stats.Seeds, sum.PerSecond(), sum.Stats.FaultSum(), sum.Stats.Kills)
	if sum.Stats.Kills == 0 || sum.Stats.FaultSum() == 0 || sum.Stats.WritesCRM == 0 || sum.Stats.WritesMicrosoft == 0 {
		t.Errorf("worlds in which nothing happens prove nothing: %+v", sum.Stats)
	}
}

// TestC3_TheSameSeedGivesTheSameRun to the byte of its trace.
func TestC3_TheSameSeedGivesTheSameRun(t *testing.T) {
	t.Parallel()
	for seed := *from; seed < *from+20; seed++ {
		var sums []string
		for range 2 {
			r, err := simtest.Run(simtest.Config{Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			sums = append(sums, r.Sum)
		}
		if sums[0] != sums[1] {
			t.Errorf("seed %d: two runs with the sums %s and %s", seed, sums[0], sums[1])
		}
	}
}

// TestChecks_AreNamed: each invariant that a world is held against has one row.
func TestChecks_AreNamed(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, c := range simtest.Checks() {
		if c.ID == "" || c.What == "" || c.When == "" || slices.Contains(ids, c.ID) {
			t.Errorf("a check without a name of its own: %+v", c)
		}
		ids = append(ids, c.ID)
	}
}
