package realdata

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tandem/internal/importfile"
)

// ReadCalendars reads all .ics files of a folder, in the order of their names. home is the IANA zone of times without
// one. A file that cannot be opened is an entry of its own.
func ReadCalendars(dir, home string) ([]*Entry, error) {
	return readFolder(dir, ".ics", "Events", func(text string) []*importfile.Entry { return importfile.Events(text, home) })
}

// ReadCards reads all .vcf files of a folder.
func ReadCards(dir string) ([]*Entry, error) {
	return readFolder(dir, ".vcf", "Contacts", importfile.Cards)
}

func readFolder(dir, end, module string, read func(text string) []*importfile.Entry) ([]*Entry, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*Entry
	for _, f := range files {
		if f.IsDir() || !strings.EqualFold(filepath.Ext(f.Name()), end) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			all = append(all, &Entry{File: f.Name(), Kind: "FILE", Why: importfile.Unreadable})
			continue
		}
		for i, e := range read(importfile.Decode(raw)) {
			entry := &Entry{File: f.Name(), Kind: e.Kind, Place: i + 1, Name: e.Name, Items: e.Items, Why: e.Why}
			for _, p := range e.Plans {
				entry.Plans = append(entry.Plans, &Plan{Module: module, Fields: p.Fields})
			}
			all = append(all, entry)
		}
	}
	return all, nil
}

// Count is how many items have each reason; "" are those that went over as they are.
func Count(entries []*Entry) map[Reason]int {
	n := map[Reason]int{}
	for _, e := range entries {
		for _, item := range e.Items {
			n[item.Reason]++
		}
	}
	return n
}

// byReason lists the reasons that occur, in the order of the catalogue.
func byReason(n map[Reason]int) []Reason {
	var out []Reason
	for _, row := range importfile.Reasons {
		if n[row.Reason] > 0 {
			out = append(out, row.Reason)
		}
	}
	for r := range n {
		if r != "" && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}
