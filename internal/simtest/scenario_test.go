package simtest_test

import (
	"runtime"
	"slices"
	"testing"

	"tandem/internal/simtest"
)

// TestC1C2_ScenariosAreSurvivedWhereverTheProcessDies: every written scenario is stopped before and after its effects and resumed, and
// stopped a second time during the recovery; whatever was thought of, all invariants hold afterwards.
func TestC1C2_ScenariosAreSurvivedWhereverTheProcessDies(t *testing.T) {
	t.Parallel()
	all := simtest.Scenarios()
	if len(all) < 60 {
		t.Errorf("%d scenarios, want 60 at least", len(all))
	}
	var names []string
	for _, s := range all {
		if slices.Contains(names, s.Name) {
			t.Errorf("two scenarios are called %q", s.Name)
		}
		names = append(names, s.Name)
	}
	stride := simtest.Stride{First: 5, Again: 50} // tandem-simtest -scenarios leaves nothing out
	if testing.Short() {
		all, stride = all[:4], simtest.Stride{First: 20}
	}
	sum, err := simtest.Cover(all, stride, runtime.GOMAXPROCS(0), func(s simtest.Scenario, kills []int, f *simtest.Failure) bool {
		t.Errorf("%s, killed at %v: %v", s.Name, kills, f)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d scenarios, %d crash points, %d second deaths, %d ways", sum.Scenarios, sum.Points, sum.Again, sum.Ways)
}
