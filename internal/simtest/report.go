package simtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Figures are what docs/reliability.md tells of simulations. They are kept beside it as JSON, so that a long run and the
// broken engines can be told of at different times.
type Figures struct {
	Run    *Sum     `json:"run,omitempty"`
	Caught []Caught `json:"caught,omitempty"`
}

// Report takes figures into the page at a path, and into the JSON beside it.
func Report(path string, take func(*Figures)) error {
	kept := strings.TrimSuffix(path, filepath.Ext(path)) + ".json"
	var f Figures
	raw, err := os.ReadFile(kept)
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, &f); err != nil {
			return fmt.Errorf("%s: %w", kept, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	take(&f)
	if raw, err = json.MarshalIndent(f, "", "\t"); err != nil {
		return err
	}
	if err := os.WriteFile(kept, append(raw, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(f.page()), 0o644)
}

func (f *Figures) page() string {
	var b strings.Builder
	b.WriteString("# Reliability\n\nWritten by `tandem-simtest -report`; see [ADR 29](adr/0029-sync-is-simulated-as-a-whole.md) for what is simulated.\n")
	b.WriteString("\n## Invariants\n\n| id | what holds | looked at |\n|---|---|---|\n")
	for _, c := range Checks() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.ID, c.What, c.When)
	}
	if f.Run != nil {
		s := f.Run.Stats
		fmt.Fprintf(&b, "\n## Seeds\n\n| figure | |\n|---|---|\n| seeds | %d |\n| of which failed | %d |\n| deeds of people and faults ordered | %d |\n| runs of sync | %d |\n"+
			"| requests to Microsoft | %d |\n| writes by sync in the CRM | %d |\n| writes by sync at Microsoft | %d |\n| crash points passed | %d |\n| processes killed | %d |\n| faults that struck | %d |\n| cycles to quiet, at most | %d |\n",
			s.Seeds, f.Run.Failed, s.Moves, s.Runs, s.Requests, s.WritesCRM, s.WritesMicrosoft, s.Points, s.Kills, s.FaultSum(), s.Cycles)
		b.WriteString("\n## Faults that struck\n\n| fault | times | source |\n|---|---|---|\n")
		sources := map[string]string{}
		for _, k := range menu {
			sources[k.group+": "+k.name] = k.source
		}
		for _, name := range slices.Sorted(maps.Keys(s.Faults)) {
			fmt.Fprintf(&b, "| %s | %d | %s |\n", name, s.Faults[name], sources[name])
		}
	}
	if len(f.Caught) > 0 {
		b.WriteString("\n## Broken engines\n\nEach is the real engine with one thing wrong.\n\n| engine | what is wrong | caught after seeds | by |\n|---|---|---|---|\n")
		for _, c := range f.Caught {
			after := fmt.Sprint(c.Seeds)
			if c.Seeds == 0 {
				after = "not caught"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.Defect, c.What, after, c.Check)
		}
	}
	return b.String()
}
