package simtest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tandem/internal/m365sim"
	"tandem/internal/simtest"
)

// TestConformance_TheClientLivesWithEitherBehaviour: where the fact sheet is unsure, stories of contacts and events end well either way,
// also where answers to creates are lost. Every switch of the simulator has its row.
func TestConformance_TheClientLivesWithEitherBehaviour(t *testing.T) {
	t.Parallel()
	all := simtest.Uncertainties()
	warts := reflect.TypeFor[m365sim.Warts]()
	for i := range warts.NumField() {
		if name := warts.Field(i).Name; !slices.ContainsFunc(all, func(u simtest.Uncertainty) bool { return u.Wart == name }) {
			t.Errorf("the switch %s has no row", name)
		}
	}
	tests := testNames(t, "app", "outlook")
	written := map[string]simtest.Scenario{}
	for _, s := range simtest.Scenarios() {
		written[s.Name] = s
	}
	common := []string{"nothing goes wrong", "nothing goes wrong with events", "the answer to a create is lost", "the answer to a create of an event is lost"}
	for _, u := range all {
		if field := reflect.ValueOf(u.Warts).FieldByName(u.Wart); !field.IsValid() || field.IsZero() {
			t.Errorf("%s: the switch %s is not turned", u.Other, u.Wart)
		}
		if u.Test != "" && !strings.Contains(tests, "\nfunc "+u.Test+"(t *testing.T)") {
			t.Errorf("%s: there is no test %s", u.Other, u.Test)
		}
		for _, name := range append(u.Stories(), common...) {
			s, known := written[name]
			if !known {
				t.Fatalf("%s: there is no scenario %q", u.Other, name)
			}
			under := s.Under(u)
			for _, kills := range [][]int{nil, {11}, {17}, {23}, {29, 9}} {
				r, err := under.Run(kills, simtest.Config{})
				if err != nil {
					t.Fatal(err)
				}
				if r.Failure != nil {
					t.Errorf("%s, killed at %v: %v", under.Name, kills, r.Failure)
				}
			}
		}
	}
}

// TestConformance_EveryMarkIsAnswered: what the fact sheet marks as unsure has a switch, a test or a reason; every switch belongs to one,
// and every test is there.
func TestConformance_EveryMarkIsAnswered(t *testing.T) {
	t.Parallel()
	tests := testNames(t, "app", "outlook", "graph", "reconcile", "simtest", "web", "zone", "store")
	used := map[string]bool{}
	for _, m := range simtest.Marks() {
		if len(m.Switches)+len(m.Tests) == 0 && m.Why == "" {
			t.Errorf("%s: nobody says how %q is lived with", m.Section, m.Says)
		}
		for _, s := range m.Switches {
			used[s] = true
			if !slices.ContainsFunc(simtest.Uncertainties(), func(u simtest.Uncertainty) bool { return u.Wart == s }) {
				t.Errorf("%s: there is no switch %s", m.Section, s)
			}
		}
		for _, name := range m.Tests {
			if !strings.Contains(tests, "\nfunc "+name+"(t *testing.T)") {
				t.Errorf("%s: there is no test %s", m.Section, name)
			}
		}
	}
	for _, u := range simtest.Uncertainties() {
		if !used[u.Wart] {
			t.Errorf("the switch %s belongs to no mark", u.Wart)
		}
	}
}

// testNames are the tests of rooms.
func testNames(t *testing.T, rooms ...string) string {
	t.Helper()
	var all strings.Builder
	for _, room := range rooms {
		err := filepath.WalkDir(filepath.Join("..", room), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			all.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
