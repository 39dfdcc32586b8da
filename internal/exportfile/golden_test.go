package exportfile

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

var update = flag.Bool("update", false, "write the files anew")

// What the files look like to other programs, in zones whose clocks were never changed since 1970: renew them with -update, and read the difference.
func TestFilesAsOtherProgramsGetThem(t *testing.T) {
	t.Parallel()
	made, changed := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC)
	contact := crm.Record{ID: 1000001000000000001, Kind: record.Contacts, CreatedAt: made, ModifiedAt: changed, Fields: record.Fields{
		record.Salutation: "Dr.", record.FirstName: "Ana", record.LastName: "Souza; Lima", record.EmailField: "ana@fabrica.example", record.SecondaryEmail: "a.souza@casa.example",
		record.AccountName: "Fábrica, Ltda.", record.Department: "Vendas", record.Title: "Sócia", record.PhoneField: "+55 11 3333-4444", record.Mobile: "+55 11 91234-5678",
		record.OtherPhone: "+55 11 5555-6666", record.AsstPhone: "+55 11 7777-8888", record.Assistant: "Bia", record.DateOfBirth: "1990-01-02",
		record.MailingStreet: "Rua das Flores, 10\nSala 9", record.MailingCity: "São Paulo", record.MailingState: "SP", record.MailingZip: "01310-100", record.MailingCountry: "Brasil",
		record.OtherCity: "Curitiba", record.Description: "Prefere falar de manhã.\nNão ligar às sextas-feiras, porque está sempre em viagem.", record.Tag: "vip\nsão paulo, sp",
		record.LeadSource: "Trade Show", record.EmailOptOut: "false", record.SkypeID: "ana.souza",
	}}
	event := func(id record.ID, f record.Fields) crm.Record {
		return crm.Record{ID: id, Kind: record.Calendar, CreatedAt: made, ModifiedAt: changed, Fields: f}
	}
	events := []crm.Record{
		event(1000001000000000002, record.Fields{
			record.EventTitle: "Rodada", record.Start: "2026-11-24T00:00:00Z", record.End: "2026-11-24T01:00:00Z", record.TimeZone: "Asia/Tokyo",
			record.Recurring: "FREQ=WEEKLY;BYDAY=TU;UNTIL=20270126", record.Excluded: "2026-12-22,2026-12-29", record.Changed: `{"2026-12-01":{"Venue":"Sala 9"}}`,
			record.RemindAt: "15", record.ShowAs: "oof", record.Sensitivity: "private", record.Importance: "high", record.Tag: "visita", record.Description: "Trazer amostras",
		}),
		event(1000001000000000003, record.Fields{record.EventTitle: "Feira", record.AllDay: "true", record.Start: "2026-11-26", record.End: "2026-11-28", record.Venue: "Anhembi"}),
		event(1000001000000000004, record.Fields{
			record.EventTitle: "Voo", record.Start: "2026-11-25T10:00:00Z", record.End: "2026-11-25T20:00:00Z", record.TimeZone: "Asia/Tokyo", record.EndTimeZone: "Asia/Kolkata",
		}),
	}
	for name, of := range map[string]struct {
		kind    record.Kind
		records []crm.Record
		writer  func(w *bytes.Buffer) Writer
	}{
		"contact-3.0.vcf": {record.Contacts, []crm.Record{contact}, func(w *bytes.Buffer) Writer {
			return NewCards(w, VCard3, "tandem.example", record.Standard(record.Contacts))
		}},
		"contact-4.0.vcf": {record.Contacts, []crm.Record{contact}, func(w *bytes.Buffer) Writer {
			return NewCards(w, VCard4, "tandem.example", record.Standard(record.Contacts))
		}},
		"events.ics": {record.Calendar, events, func(w *bytes.Buffer) Writer {
			return NewCalendar(w, CalendarOptions{Origin: "tandem.example", Now: changed, People: func(r crm.Record) []string {
				return map[record.ID][]string{1000001000000000003: {"Ana Souza <ana@fabrica.example>", "rita@fabrica.example"}}[r.ID]
			}}, record.Standard(record.Calendar))
		}},
	} {
		var out bytes.Buffer
		w := of.writer(&out)
		for _, r := range of.records {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s is now\n%s", name, out.String())
		}
	}
}
