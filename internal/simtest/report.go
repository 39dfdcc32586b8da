package simtest

import (
	_ "embed" // which engines are caught
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Figures are what docs/reliability.md tells of runs. They are kept beside it as JSON, so that a run can go on where the last
// one ended, and the page can be written anew without one.
type Figures struct {
	Run *Sum `json:"run,omitempty"`
	// Long are long runs, each with what of it failed, the latest last.
	Long []Sum `json:"long,omitempty"`
	// Written is the last run of the written scenarios.
	Written *Coverage `json:"written,omitempty"`
	// Killed are the last kills of real processes, by database.
	Killed []Killed `json:"killed,omitempty"`
}

// ReadFigures reads what is kept beside the page at a path; nothing, if there is none yet.
func ReadFigures(path string) (Figures, error) {
	var f Figures
	raw, err := os.ReadFile(beside(path))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		return f, fmt.Errorf("simtest: %s: %w", beside(path), err)
	}
	return f, nil
}

func beside(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".json" }

// ReportLong takes a part of a long run into the page at a path: as more of the latest one, if it begins where that one ended.
func ReportLong(path string, part Sum) error {
	f, err := ReadFigures(path)
	if err != nil {
		return err
	}
	if last := len(f.Long) - 1; last >= 0 && part.follows(f.Long[last]) {
		f.Long[last] = *part.after(&f.Long[last])
	} else {
		f.Long = append(f.Long, part)
	}
	return f.write(path)
}

// Report takes runs into the page at a path, and into the figures beside it; without any it only writes the page anew.
func Report(path string, run *Sum, written *Coverage) error {
	f, err := ReadFigures(path)
	if err != nil {
		return err
	}
	if run != nil {
		f.Run = run.after(f.Run)
	}
	if written != nil {
		f.Written = written
	}
	return f.write(path)
}

// write writes the figures and their page.
func (f *Figures) write(path string) error {
	raw, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(beside(path), append(raw, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(f.Page()), 0o644)
}

//go:embed testdata/caught.golden
var caughtBy string

// caughtOnes are the broken engines that are caught, by the seed and the check that a test sees catch them.
func caughtOnes() (out []Caught) {
	for line := range strings.Lines(caughtBy) {
		fields := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		if len(fields) != 3 {
			continue
		}
		seeds, err := strconv.Atoi(fields[0])
		if d := defectNamed(fields[2]); err == nil && d != nil {
			out = append(out, Caught{Defect: d.name, What: d.what, Seeds: seeds, Check: fields[1]})
		}
	}
	return out
}

// failures tells of the seeds that failed when they were run: those that hold since, and those that still fail, each with its reason.
func (f *Figures) failures() string {
	var hold []string
	var b strings.Builder
	for _, l := range f.Long {
		for _, was := range l.Failing {
			if why := KnownGap(was.Seed); why != "" {
				fmt.Fprintf(&b, "\nSeed %d still fails, by %s: %s.\n", was.Seed, was.Check, why)
			} else {
				hold = append(hold, fmt.Sprintf("%d (%s)", was.Seed, was.Check))
			}
		}
	}
	if len(hold) == 0 {
		return b.String()
	}
	return fmt.Sprintf("\nHold since: %s.\n", strings.Join(hold, ", ")) + b.String()
}

// Page is docs/reliability.md.
func (f *Figures) Page() string {
	var b strings.Builder
	b.WriteString("# Reliability\n\nWritten by `tandem-simtest -report`; see [ADR 29](adr/0029-sync-is-simulated-as-a-whole.md) for what is simulated.\n")
	b.WriteString("\n## Invariants\n\n| id | what holds | looked at |\n|---|---|---|\n")
	for _, c := range Checks() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.ID, c.What, c.When)
	}
	if f.Run != nil {
		s := f.Run.Stats
		fmt.Fprintf(&b, "\n## Seeds\n\n| figure | |\n|---|---|\n| first seed | %d |\n| seeds | %d |\n| of which failed | %d |\n| deeds of people and faults ordered | %d |\n| runs of sync | %d |\n"+
			"| requests to Microsoft | %d |\n| writes by sync in the CRM | %d |\n| writes by sync at Microsoft | %d |\n| crash points passed | %d |\n| processes killed | %d |\n| faults that struck | %d |\n| cycles to quiet, at most | %d |\n",
			f.Run.From, s.Seeds, f.Run.Failed, s.Moves, s.Runs, s.Requests, s.WritesCRM, s.WritesMicrosoft, s.Points, s.Kills, s.FaultSum(), s.Cycles)
		b.WriteString("\n## Faults that struck\n\n| fault | times | source |\n|---|---|---|\n")
		sources := map[string]string{}
		for _, k := range menu {
			sources[k.group+": "+k.name] = k.source
		}
		for _, name := range slices.Sorted(maps.Keys(s.Faults)) {
			fmt.Fprintf(&b, "| %s | %d | %s |\n", name, s.Faults[name], sources[name])
		}
	}
	if len(f.Long) > 0 {
		b.WriteString("\n## Long runs\n\nEach is of one state of the engine, or in parts while what failed was mended.\n\n" +
			"| first seed | seeds | faults that struck | crash points passed | processes killed | failed when they were run |\n|---|---|---|---|---|---|\n")
		for _, l := range f.Long {
			fmt.Fprintf(&b, "| %d | %d | %d | %d | %d | %d |\n", l.From, l.Stats.Seeds, l.Stats.FaultSum(), l.Stats.Points, l.Stats.Kills, l.Failed)
		}
		b.WriteString(f.failures())
	}
	if c := f.Written; c != nil {
		fmt.Fprintf(&b, "\n## Written scenarios\n\nEach is killed before and after every one of its effects and resumed, and killed again during recoveries; afterwards the invariants hold.\n"+
			"\n| figure | |\n|---|---|\n| scenarios | %d |\n| crash points, each with its recovery | %d |\n| second deaths during a recovery | %d |\n| ways gone | %d |\n| of which failed | %d |\n| kinds of faults that struck | %d |\n\n",
			c.Scenarios, c.Points, c.Again, c.Ways, c.Failed, len(c.Faults))
		for _, s := range Scenarios() {
			fmt.Fprintf(&b, "- %s\n", s.Name)
		}
	}
	b.WriteString(f.killedPart())
	caught := caughtOnes()
	fmt.Fprintf(&b, "\n## Broken engines\n\nEach is the real engine with one thing wrong. Of %d, %d are caught.\n\n| engine | what is wrong | caught by seed | by |\n|---|---|---|---|\n", len(defects), len(caught))
	for _, c := range caught {
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", c.Defect, c.What, c.Seeds, c.Check)
	}
	for _, d := range defects {
		if !slices.ContainsFunc(caught, func(c Caught) bool { return c.Defect == d.name }) {
			fmt.Fprintf(&b, "| %s | %s | not caught | |\n", d.name, d.what)
		}
	}
	b.WriteString(marksPart())
	b.WriteString("\n## What was found\n\nDefects of the engine that worlds showed, or that stood beside one, and the test that each left.\n\n| it was so that | test |\n|---|---|\n")
	for _, d := range Finds() {
		fmt.Fprintf(&b, "| %s | `%s` |\n", d.What, d.Test)
	}
	return b.String()
}
