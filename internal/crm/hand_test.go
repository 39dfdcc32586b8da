package crm_test

import (
	"testing"

	"tandem/internal/record"
)

// A hand says which writes would have people mailed: those to a meeting to which somebody is invited, whatever they do; others not.
func TestAHandSaysWhatWouldMail(t *testing.T) {
	t.Parallel()
	w := newWorld()
	meeting := w.meeting(t)
	alone := w.insert(t, adele, record.Calendar, record.Fields{record.EventTitle: "Foco", record.Start: "2026-12-01T14:00:00Z", record.End: "2026-12-01T15:00:00Z"})
	hand := w.Hand(person(adele), record.Calendar)
	var writes []record.Write
	for _, op := range []record.Op{record.Update, record.Delete, record.Restore} {
		for _, ref := range []record.Ref{meeting.ID.Ref(), alone.ID.Ref()} {
			w := record.Write{Op: op, Ref: ref}
			if op == record.Update {
				w.Fields = record.Fields{record.Venue: "Sala 9"}
			}
			writes = append(writes, w)
		}
	}
	mails, err := hand.Mails(t.Context(), writes)
	if err != nil {
		t.Fatal(err)
	}
	for i, mail := range mails {
		if want := i%2 == 0; mail != want {
			t.Errorf("%+v mails: %v", writes[i], mail)
		}
	}
}

// A hand sees and does what its person may: nothing of other people's private events, nothing of another organization's.
func TestAHandIsItsPersons(t *testing.T) {
	t.Parallel()
	w := newWorld()
	private := w.insert(t, adele, record.Calendar, record.Fields{record.EventTitle: "Médico", record.Start: "2026-12-01T12:00:00Z", record.End: "2026-12-01T13:00:00Z",
		record.Sensitivity: "private"})
	for _, row := range []struct {
		who  record.ID
		sees bool
	}{{adele, true}, {boss, false}} {
		hand := w.Hand(person(row.who), record.Calendar)
		seen, err := hand.Read(t.Context(), []record.Ref{private.ID.Ref(), "nonsense"})
		if err != nil {
			t.Fatal(err)
		}
		if (seen[0].State == record.Present) != row.sees || seen[1].Version != "" {
			t.Errorf("%d sees %+v", row.who, seen)
		}
		faults, err := hand.Apply(t.Context(), []record.Write{{Op: record.Delete, Ref: private.ID.Ref(), Version: "1"}})
		if err != nil {
			t.Fatal(err)
		}
		if (faults[0] == nil) != row.sees {
			t.Errorf("%d deletes it: %v", row.who, faults[0])
		}
		if row.sees {
			if faults, err = hand.Apply(t.Context(), []record.Write{{Op: record.Restore, Ref: private.ID.Ref(), Version: "2"}}); err != nil || faults[0] != nil {
				t.Errorf("restoring: %v %v", err, faults)
			}
		}
	}
}
