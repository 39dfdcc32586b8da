package mapping_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/internal/mapping"
	"tandem/internal/record"
)

// published is the fact sheet that has the only table of Zoho's for Outlook, beside the repository.
const published = "../../../shared/reference/zoho-crm.md"

// parts are those of an address, as Graph and the CRM call them.
var parts = [][2]string{{"street", "Street"}, {"city", "City"}, {"state", "State"}, {"postalCode", "Zip"}, {"countryOrRegion", "Country"}}

// publishedRows reads the table: what of Graph meets which field of the CRM. What Graph does not offer has an empty first half.
func publishedRows(t *testing.T) (rows []mapping.Row) {
	t.Helper()
	raw, err := os.ReadFile(filepath.FromSlash(published))
	if err != nil {
		t.Skip("the fact sheet is not beside the repository")
	}
	_, text, _ := strings.Cut(string(raw), "### Default contact mapping")
	text, _, _ = strings.Cut(text, "\n###")
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || strings.HasPrefix(strings.TrimSpace(cells[1]), "---") || strings.Contains(line, "Graph property") {
			continue
		}
		first := func(cell string) string {
			word, _, _ := strings.Cut(strings.TrimSpace(cell), " ")
			return strings.TrimSuffix(strings.TrimSuffix(word, ".address"), ",")
		}
		graph, crm := first(cells[2]), first(cells[3])
		if address, _, whole := strings.Cut(graph, "."); whole && strings.HasSuffix(address, "Address") {
			module, _, _ := strings.Cut(crm, "_")
			for _, p := range parts {
				rows = append(rows, mapping.Row{Microsoft: record.Field(address + "." + p[0]), CRM: record.Field(module + "_" + p[1])})
			}
			continue
		}
		if graph == "none" {
			graph = ""
		}
		rows = append(rows, mapping.Row{Microsoft: record.Field(graph), CRM: record.Field(crm)})
	}
	if len(rows) != 28 {
		t.Fatalf("the fact sheet's table has %d rows, not the 28 that were there when this test was written:\n%v", len(rows), rows)
	}
	return rows
}

// S26, S27: what is mapped by default is what the vendor published, but for what Graph does not offer and a contact's manager (ADR 45).
func TestS27_TheDefaultIsThePublishedTable(t *testing.T) {
	t.Parallel()
	have := mapping.Default(record.Contacts).Rows
	want := publishedRows(t)
	for _, row := range want {
		at := slices.IndexFunc(have, func(r mapping.Row) bool { return r.CRM == row.CRM })
		switch {
		case row.Microsoft == "" || row == mapping.Row{Microsoft: "manager", CRM: record.ReportingTo}:
			if at >= 0 {
				t.Errorf("%s is mapped to %s", row.CRM, have[at].Microsoft)
			}
		case at < 0 || have[at] != row:
			t.Errorf("%s and %s do not meet both ways", row.Microsoft, row.CRM)
		}
	}
	for _, row := range have {
		if !slices.Contains(want, row) && row.CRM != record.Tag && row.CRM != record.RecordImage {
			t.Errorf("%s and %s meet, and nobody has published that", row.Microsoft, row.CRM)
		}
	}
}
