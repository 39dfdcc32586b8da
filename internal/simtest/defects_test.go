package simtest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"tandem/internal/simtest"
)

// TestTeeth_LatenessAloneIsNoDefect: the doubles that have writes wait are caught for what else they do.
func TestTeeth_LatenessAloneIsNoDefect(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"late at Microsoft", "late in the CRM"} {
		for seed := uint64(1); seed <= 30; seed++ {
			switch r, err := simtest.Run(simtest.Config{Seed: seed, Defect: name}); {
			case err != nil:
				t.Fatal(err)
			case r.Failure != nil:
				t.Errorf("seed %d, %s: %v", seed, name, r.Failure)
			}
		}
	}
}

// TestTeeth_BrokenEnginesAreCaught: each engine of testdata/caught.golden is caught by the seed that is named there. The file
// is written by -update, which looks for the first such seed among as many as -seeds says.
func TestTeeth_BrokenEnginesAreCaught(t *testing.T) {
	t.Parallel()
	const golden = "testdata/caught.golden"
	if *update {
		var b strings.Builder
		caught, err := simtest.Batch{From: 1, Seeds: *seeds, Workers: 2}.Teeth(func(simtest.Caught) {})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range caught {
			if c.Seeds > 0 {
				fmt.Fprintf(&b, "%d\t%s\t%s\n", c.Seeds, c.Check, c.Defect)
			}
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) < 40 {
		t.Errorf("%d broken engines, want 40 at least", len(lines))
	}
	for _, line := range lines {
		var seed uint64
		var check, name string
		if fields := strings.SplitN(line, "\t", 3); len(fields) == 3 {
			if _, err := fmt.Sscan(fields[0], &seed); err != nil {
				t.Fatal(err)
			}
			check, name = fields[1], fields[2]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := simtest.Run(simtest.Config{Seed: seed, Defect: name})
			switch {
			case err != nil:
				t.Fatal(err)
			case r.Failure == nil:
				t.Errorf("seed %d does not catch it", seed)
			case r.Failure.Check != check:
				t.Errorf("seed %d catches it by %s, not by %s: %v", seed, r.Failure.Check, check, r.Failure)
			}
		})
	}
}
