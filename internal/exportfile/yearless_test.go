package exportfile

import (
	"bytes"
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// A birthday of which the year is not known has none in any file.
func TestABirthdayWithoutAYear(t *testing.T) {
	t.Parallel()
	schema := record.Standard(record.Contacts)
	r := crm.Record{ID: 1, Kind: record.Contacts, Fields: record.Fields{record.LastName: "Silva", record.DateOfBirth: "1604-02-29"}}
	for version, want := range map[string]string{VCard3: "\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29\r\n", VCard4: "\r\nBDAY:--0229\r\n"} {
		var out bytes.Buffer
		w := NewCards(&out, version, "tandem.example", schema)
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("version %s: %s", version, out.String())
		}
	}
	def, _ := schema.Def(record.DateOfBirth)
	if got := Text(def, r, false); got != "'--02-29" || Meant(got) != "--02-29" { // a spreadsheet would reckon -2-29
		t.Errorf("in a table: %q", got)
	}
}
