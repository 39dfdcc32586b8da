package intake

import (
	"strings"
	"testing"

	"tandem/internal/importfile"
	"tandem/internal/record"
)

// A file may say what it likes of fields that people do not write in an import: who takes part is told by name and
// address, never as a record of the CRM.
func TestAFileWritesOnlyFieldsOfPages(t *testing.T) {
	t.Parallel()
	c := &converter{schema: record.Standard(record.Calendar)}
	got := c.row(importfile.Row{Fields: record.Fields{
		record.EventTitle: "Visita", record.Description: "Sala 9", record.Participants: `[{"type":"email","email":"rita@fabrica.example"},{"type":"contact","id":"7"}]`,
		record.WhoID: "7", record.Attendees: "{}", "Our_shoe_size": "42", "Empty": "",
	}}).fields
	want := "Sala 9\n\nAttendees: {}\nOur shoe size: 42\nParticipants: [{\"type\":\"email\",\"email\":\"rita@fabrica.example\"},{\"type\":\"contact\",\"id\":\"7\"}]\nWho Id: 7"
	if len(got) != 2 || got[record.EventTitle] != "Visita" || got[record.Description] != record.Value(want) {
		t.Errorf("the file writes %+v", got)
	}
	const guests = `[{"type":"email","email":"rita@fabrica.example"}]`
	if got := c.row(importfile.Row{Fields: record.Fields{record.Participants: guests}}).fields; got[record.Participants] != guests {
		t.Errorf("the file writes %+v", got)
	}
}

func TestTagNamesMayHaveSeparators(t *testing.T) {
	t.Parallel()
	c := &converter{schema: record.Standard(record.Contacts)}
	def, _ := record.DefOf(record.Contacts, record.Tag)
	for text, want := range map[string]record.Value{
		"a, b;c\nd": "a\n b\nc\nd", `"a, b", c`: "a, b\nc", `"say ""hi"", you"; x`: "say \"hi\", you\nx", `5" pipe, y`: "5\" pipe\n y", `"open, end`: `"open, end`,
	} {
		got, _ := c.value(def, text)
		if strings.ReplaceAll(string(got), "\n ", "\n") != strings.ReplaceAll(string(want), "\n ", "\n") {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
