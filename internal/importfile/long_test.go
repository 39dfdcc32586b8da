package importfile

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/record"
)

// TestFilesMadeToTakeLongDoNot: what a file costs grows with its length, and not with the square of it. Each of these files took a minute and more.
func TestFilesMadeToTakeLongDoNot(t *testing.T) {
	t.Parallel()
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260101T000000Z\n" + lines + "END:VEVENT\nEND:VCALENDAR\n"
	}
	card := func(lines string) string { return "BEGIN:VCARD\nVERSION:2.1\nFN:Ana\n" + lines + "END:VCARD\n" }
	const enough = 20 * time.Second // on a busy machine; a second otherwise
	for name, file := range map[string]string{
		"a long parameter.ics":   event("X;A=" + strings.Repeat("a", 2<<20) + ":b\n"),
		"folds.ics":              event("ATTACH:" + strings.Repeat("a\n ", 900_000) + "b\nno property\n"),
		"folds of no UTF-8.ics":  event("ATTACH:\xff" + strings.Repeat("a\n ", 900_000) + "b\n"),
		"soft breaks.vcf":        card("N;ENCODING=QUOTED-PRINTABLE:" + strings.Repeat("=\n", 1_500_000)),
		"folds.vcf":              card("NOTE:" + strings.Repeat("a\n ", 900_000) + "b\n"),
		"changed occurrence.ics": "BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20260103T000000Z\nDTSTART:20260101T000000Z\nEND:VEVENT\n", 60_000) + "END:VCALENDAR\n",
	} {
		kind := record.Calendar
		if strings.HasSuffix(name, ".vcf") {
			kind = record.Contacts
		}
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if _, err := LookAt(strings.NewReader(file), name, kind, Options{}, nil); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > enough {
				t.Errorf("%d bytes took %v", len(file), took)
			}
		})
	}
}
