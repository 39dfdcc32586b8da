// Package exportfile writes records into files that other programs read: tables (CSV), cards (vCard) and calendars
// (iCalendar). It writes record after record and keeps none, so a file may be of any length.
//
// What package importfile reads of such a file is what was written. Which records there are and who may see them is
// left to package crm, what things are called to web.
package exportfile

import (
	"tandem/internal/crm"
	"tandem/internal/record"
)

// Chunk is how many records are read at a time: few queries, little memory.
const Chunk = 500

// A Writer writes records into one file, one after the other.
type Writer interface {
	Write(r crm.Record) error
	// Close writes what ends the file. It does not close what is written to.
	Close() error
}

// Told are the fields of a kind that files have: all but pictures.
func Told(schema *record.Schema) (out []record.Def) {
	for _, d := range schema.Defs() {
		if d.Type != record.Image {
			out = append(out, d)
		}
	}
	return out
}
