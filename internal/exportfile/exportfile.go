// Package exportfile writes records into files that other programs read: tables (CSV), cards (vCard) and calendars
// (iCalendar). It writes record after record and keeps none, so a file may be of any length.
//
// What package importfile reads of such a file is what was written. Which records there are and who may see them is
// left to package crm, what things are called to web.
package exportfile

import (
	"net/url"
	"strings"

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

// Origin is the host of a Tandem's public address.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// origins begin what a record is known by in files.
var origins = map[record.Kind]string{record.Contacts: "contact-", record.Calendar: "event-"}

// UID is what a record of Tandem is known by in files: unique in the world, and always the same. origin is the host of this Tandem.
func UID(kind record.Kind, id record.ID, origin string) string {
	return origins[kind] + id.String() + "@" + origin
}

// Own is the record that a UID of this Tandem's files means. false: it is of another program.
func Own(kind record.Kind, uid, origin string) (record.ID, bool) {
	text, ours := strings.CutSuffix(uid, "@"+origin)
	text, begins := strings.CutPrefix(text, origins[kind])
	if !ours || !begins || origin == "" {
		return 0, false
	}
	return record.ParseID(text)
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
