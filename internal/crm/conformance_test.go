package crm_test

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/picture"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/sidetest"
)

// fixture is a person's CRM: the same person works in it whose link it is.
func fixture(kind record.Kind) func(*testing.T) sidetest.Fixture {
	return func(t *testing.T) sidetest.Fixture {
		w := newWorld()
		for i := range 256 { // those of Sample
			if _, err := w.pictures.Keep(t.Context(), person(adele).Org, []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		id := func(ref record.Ref) record.ID {
			id, ok := record.ParseID(string(ref))
			if !ok {
				t.Fatalf("no ref: %q", ref)
			}
			return id
		}
		must := func(got []crm.Result, err error) crm.Record {
			t.Helper()
			if err != nil || got[0].Err != nil {
				t.Fatal(err, got)
			}
			return got[0].Record
		}
		return sidetest.Fixture{
			Open: func() reconcile.Side { return w.side(adele, kind, 100000, false) },
			Put: func(t *testing.T, f record.Fields) record.Ref {
				if len(f) == 0 {
					f = good(kind)
				}
				f = f.Clone()
				image := f[record.RecordImage] // a person sets it by itself
				delete(f, record.RecordImage)
				r := w.insert(t, adele, kind, f)
				if image != "" {
					if _, err := w.TakePicture(t.Context(), person(adele), r.ID, image); err != nil {
						t.Fatal(err)
					}
				}
				return r.ID.Ref()
			},
			Edit: func(t *testing.T, ref record.Ref, f record.Fields) {
				must(w.Update(t.Context(), person(adele), kind, []crm.Draft{{ID: id(ref), Fields: f}}))
			},
			Remove: func(t *testing.T, ref record.Ref) {
				must(w.Delete(t.Context(), person(adele), kind, []crm.Draft{{ID: id(ref)}}))
			},
			Move: func(t *testing.T, ref record.Ref) {
				must(w.ChangeOwner(t.Context(), person(adele), kind, []record.ID{id(ref)}, alex))
			},
		}
	}
}

func nobody(*testing.T, sidetest.Fixture) record.Ref { return "999999999" }

func TestContactsAreASide(t *testing.T) {
	t.Parallel()
	sidetest.Run(t, sidetest.Config{
		New: fixture(record.Contacts),
		Sample: func(i int) record.Fields {
			f := record.Fields{}
			for _, d := range record.Defs(record.Contacts) {
				switch d.Type {
				case record.Email:
					f[d.Name] = record.Value(fmt.Sprintf("ana%d@contoso.example", i))
				case record.Phone:
					f[d.Name] = "+55 (11) 3333-0001"
				case record.Picklist:
					f[d.Name] = record.Value(d.Values[i%len(d.Values)])
				case record.Bool:
					f[d.Name] = "true"
				case record.Date:
					f[d.Name] = "1984-02-29"
				case record.LongText:
					f[d.Name] = "met at the fair\n\tsecond line \U0001F600"
				case record.Tags:
					f[d.Name] = "CRM\nVIP"
				case record.Image:
					f[d.Name] = picture.Value([]byte{byte(i)})
				default:
					f[d.Name] = record.Value(fmt.Sprintf("%.20s %d", d.Name, i))
				}
			}
			return f
		},
		Edits:          record.Fields{record.FirstName: "Beatriz", record.EmailField: "bia@home.example", record.Description: "another", record.Tag: "Gold"},
		Clears:         []record.Field{record.FirstName, record.EmailField, record.PhoneField, record.DateOfBirth, record.Tag, record.AccountName, record.Salutation},
		Bad:            record.Fields{record.LastName: ""},
		Stranger:       nobody,
		TakesTokenOnce: true,
		Many:           1100,
	})
}

func TestEventsAreASide(t *testing.T) {
	t.Parallel()
	sidetest.Run(t, sidetest.Config{
		New: fixture(record.Calendar),
		Sample: func(i int) record.Fields {
			day := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).AddDate(0, 0, i%200)
			return record.Fields{
				record.EventTitle: record.Value(fmt.Sprintf("Reunião %d", i)), record.Description: "First\n\nlast \U0001F600",
				record.Start: record.Value(day.Format(time.RFC3339)), record.End: record.Value(day.Add(time.Hour).Format(time.RFC3339)),
				record.AllDay: "false", record.TimeZone: "America/Sao_Paulo", record.Venue: "Sala 5", record.RemindAt: "30", record.Tag: "CRM\nVIP",
				record.Recurring: "FREQ=DAILY;COUNT=9", record.Excluded: record.Value(day.AddDate(0, 0, 2).Format(time.DateOnly)),
				record.Changed: record.OccurrencesValue([]record.Occurrence{{Day: day.AddDate(0, 0, 4).Format(time.DateOnly), Fields: record.Fields{record.Venue: "Sala 6", record.RemindAt: ""}}}),
			}
		},
		Edits: record.Fields{record.EventTitle: "Another", record.Start: "2026-03-01T10:00:00Z", record.End: "2027-01-02T11:00:00Z",
			record.TimeZone: "Europe/Lisbon", record.Recurring: "FREQ=DAILY;COUNT=40", record.Excluded: "2026-03-06",
			record.Changed: `{"2026-03-08":{"Event_Title":"Once"}}`, record.RemindAt: "5"},
		Clears:         []record.Field{record.EventTitle, record.Venue, record.Description, record.RemindAt, record.Tag, record.Excluded, record.Changed},
		Bad:            record.Fields{record.End: "1990-01-01T00:00:00Z"},
		Stranger:       nobody,
		TakesTokenOnce: true,
		Many:           1100,
	})
}
