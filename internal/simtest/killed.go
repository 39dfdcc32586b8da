package simtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Killed is what came of killing processes of `tandem serve` at random moments, on one database, while people worked on both sides.
// After each round both sides agreed, nothing acknowledged was lost, nothing was there twice, nobody was mailed and another run wrote nothing.
type Killed struct {
	Database  string // SQLite or PostgreSQL
	Processes int    // on that database at once
	Rounds    int    // of kills, after each of which all was looked at
	Kills     int
	Starting  int // of the kills: during a start
	InRequest int // of the kills: while Microsoft was answering
	Records   int // of contacts and events
	Acked     int // writes by people in the CRM that were answered
	Unknown   int // those of which nobody said what became of them
	// Returned are contacts made in the CRM that were deleted in Outlook before sync knew of their making, and made once more.
	Returned int
}

// ReportKilled takes what came of kills into the page at a path, in place of what it told of that database.
func ReportKilled(path string, k Killed) error {
	f, err := ReadFigures(path)
	if err != nil {
		return err
	}
	f.Killed = slices.DeleteFunc(f.Killed, func(old Killed) bool { return old.Database == k.Database })
	f.Killed = append(f.Killed, k)
	slices.SortFunc(f.Killed, func(a, b Killed) int { return cmp.Compare(a.Database, b.Database) })
	return f.write(path)
}

// killedPart is the page's part of the processes that were killed.
func (f *Figures) killedPart() string {
	if len(f.Killed) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n## Processes killed in earnest\n\n`make kills` ends processes of `tandem serve` by `kill -9` at random moments, while people write on both sides, and starts them again. " +
		"After each round of them both sides agree, nothing that was acknowledged is lost, nothing is there twice, nobody was mailed and another run writes nothing. " +
		"Made again are contacts that were deleted in Outlook before anybody knew of their making there ([ADR 36](adr/0036-a-write-leaves-a-stamp.md)).\n")
	b.WriteString("\n| database | processes | rounds | kills | of which during a start | while Microsoft was answering | records | writes acknowledged | writes without an answer | contacts made again |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, k := range f.Killed {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d |\n", k.Database, k.Processes, k.Rounds, k.Kills, k.Starting, k.InRequest, k.Records, k.Acked, k.Unknown, k.Returned)
	}
	return b.String()
}
