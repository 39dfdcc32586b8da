package simtest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/simtest"
)

// TestReport_ThePageIsAsItIsWritten from the figures beside it, the checks, the broken engines and the finds of today; and that the
// seeds of the long run that failed hold on the engine as it is, but for those of a known gap.
func TestReport_ThePageIsAsItIsWritten(t *testing.T) {
	t.Parallel()
	const path = "../../docs/reliability.md"
	f, err := simtest.ReadFigures(path)
	if err != nil {
		t.Fatal(err)
	}
	if f.Run == nil || f.Run.Failed > 0 || f.Run.Stats.Seeds == 0 {
		t.Errorf("the page tells of no run in which every check held: %+v", f.Run)
	}
	var failing []simtest.Failing
	for _, long := range f.Long {
		if long.Stats.Seeds == 0 || long.Failed != len(long.Failing) {
			t.Errorf("the page does not tell which seeds of a long run failed: %+v", long)
		}
		failing = append(failing, long.Failing...)
	}
	if len(f.Long) == 0 {
		t.Error("the page tells of no long run")
	}
	for _, was := range failing {
		r, err := simtest.Run(simtest.Config{Seed: was.Seed})
		switch why := simtest.KnownGap(was.Seed); {
		case err != nil:
			t.Fatal(err)
		case why == "" && r.Failure != nil:
			t.Errorf("seed %d, which failed %s once, still does: %v", was.Seed, was.Check, r.Failure)
		case why != "" && r.Failure == nil:
			t.Errorf("seed %d holds by now: it is no known gap any more", was.Seed)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != f.Page() {
		t.Error("docs/reliability.md is out of date: go run ./cmd/tandem-simtest -seeds 0 -report docs/reliability.md")
	}
}

// TestReport_EachFindLeftATest that is there.
func TestReport_EachFindLeftATest(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	for _, room := range []string{"reconcile", "crm", "outlook", "graph", "store", "app"} {
		err := filepath.WalkDir(filepath.Join("..", room), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			tests.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range simtest.Finds() {
		if !strings.Contains(tests.String(), "\nfunc "+d.Test+"(t *testing.T)") {
			t.Errorf("there is no test %s", d.Test)
		}
	}
}
