package reconcile_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// left are the pairs that a person left out, by what stands for them.
func (w *world) left() (items, records []record.Ref) {
	for _, p := range w.ledger.All(1) {
		switch {
		case p.State != reconcile.Excluded || p.Reason != fault.LeftOut:
		case p.CRM == "":
			items = append(items, p.Microsoft)
		default:
			records = append(records, p.CRM)
		}
	}
	slices.Sort(records)
	return items, records
}

// A person leaves an item out: nothing is made of it, nothing of the records that it may be, however often sync runs, whatever
// is edited and however all is read anew, until the person takes that back.
func TestS29_AnItemIsLeftOutUntilThatIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.insert("a", mail("kim@x.example")), w.insert("b", mail("kim@x.example"))
	item := w.folder.Put("", contact("kim", "kim@x.example"))
	w.quiet()
	w.decide(item, reconcile.Ask{Out: true})
	w.quiet()
	apart := func(when string) {
		t.Helper()
		items, records := w.left()
		if !slices.Equal(items, []record.Ref{item}) || !slices.Equal(records, []record.Ref{a.Ref(), b.Ref()}) {
			t.Fatalf("%s: left out are %v and %v\npairs %+v", when, items, records, w.ledger.All(1))
		}
		must(t, len(w.asks()), 0, when+": questions")
		must(t, len(w.folder.Items()), 1, when+": items")
		must(t, len(w.mine()), 2, when+": records")
		must(t, w.ledger.Link(1).Failing, 0, when+": failing")
	}
	apart("decided")

	w.folder.Put(item, record.Fields{"department": "Legal"})
	w.edit(a, record.Fields{record.Department: "Sales"})
	w.quiet()
	apart("edited")
	w.folder.Expire()
	w.quiet()
	apart("read anew")
	if err := w.ledger.ChangeSettings(context.Background(), org, 1, reconcile.Policy{Winner: reconcile.CRMWins}, w.ledger.Link(1).Mapping); err != nil {
		t.Fatal(err)
	}
	w.quiet()
	apart("with other settings")

	if err := w.ledger.TakeBack(context.Background(), org, 1, item); err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.TakeBack(context.Background(), org, 1, item); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken back twice: %v", err)
	}
	w.quiet()
	asks := w.asks()
	if len(asks) != 1 || len(asks[0].Ask.Matches) != 2 || len(w.folder.Items()) != 1 {
		t.Fatalf("taken back: %+v", asks)
	}
	w.decide(item, reconcile.Ask{Match: a.Ref()})
	w.settle()
	must(t, len(w.folder.Items()), 2, "items at last")
	must(t, len(w.mine()), 2, "records at last")
	if r := w.live()["kim"]; len(r) > 1 {
		t.Errorf("%d records of one item", len(r))
	}
}

// An item that is left out and then deleted holds nobody any more.
func TestS29_AnItemThatWasLeftOutIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", mail("kim@x.example"))
	w.insert("b", mail("kim@x.example"))
	item := w.folder.Put("", contact("kim", "kim@x.example"))
	w.quiet()
	w.decide(item, reconcile.Ask{Out: true})
	w.quiet()
	w.folder.Delete(item)
	w.settle()
	w.alike()
	must(t, len(w.folder.Items()), 2, "items")
}

// What is left out is nowhere but in Outlook: the folder stays when sync is switched off.
func TestS36_SwitchingOffKeepsWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", mail("kim@x.example"))
	w.insert("b", mail("kim@x.example"))
	item := w.folder.Put("", contact("kim", "kim@x.example"))
	w.quiet()
	w.decide(item, reconcile.Ask{Out: true})
	w.quiet()
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	link := w.ledger.Link(1)
	if link.State != reconcile.Off || link.Reason != fault.KeptInOutlook || w.removed != 0 {
		t.Errorf("%s %s, %d containers removed", link.State, link.Reason, w.removed)
	}
}

// A record that a person types while an item is asked about that it may be, does not reach Outlook as a second copy, and the
// question is about it, too. That holds of an item that was left out.
func TestS29_ARecordTypedWhileAQuestionIsOpen(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]bool{"asked": false, "left out": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, b := w.insert("a", mail("kim@x.example")), w.insert("b", mail("kim@x.example"))
			item := w.folder.Put("", record.Fields{
				"jobTitle": "kim", "surname": "Family kim", "emailAddresses[0]": "kim@x.example", "emailAddresses[2]": "third@x.example",
			})
			w.quiet()
			if leave {
				w.decide(item, reconcile.Ask{Out: true})
				w.quiet()
			}
			c, d := w.insert("c", mail("KIM@x.example")), w.insert("d", mail("third@x.example"))
			w.insert("e", mail("somebody@x.example"))
			w.quiet()
			must(t, len(w.folder.Items()), 2, "items: the one that is asked about and e")
			if leave {
				if _, records := w.left(); len(records) != 4 {
					t.Errorf("left out are %v", records)
				}
				if err := w.ledger.TakeBack(context.Background(), org, 1, item); err != nil {
					t.Fatal(err)
				}
				w.quiet()
			}
			asks := w.asks()
			if len(asks) != 1 || len(asks[0].Ask.Matches) != 4 {
				t.Fatalf("asked is %+v", asks)
			}
			w.decide(item, reconcile.Ask{Match: c.Ref()})
			w.settle()
			must(t, len(w.mine()), 5, "records")
			must(t, len(w.folder.Items()), 5, "items")
			for _, p := range w.ledger.All(1) {
				if p.Microsoft == item && p.CRM != c.Ref() || p.State != reconcile.Synced {
					t.Errorf("pair %+v", p)
				}
			}
			_, _, _ = a, b, d
		})
	}
}

// A question that is answered while its record is held back never holds it again.
func TestS29_AnAnsweredQuestionHoldsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", mail("kim@x.example"))
	w.insert("b", mail("kim@x.example"))
	item := w.folder.Put("", contact("kim", "kim@x.example"))
	w.quiet()
	w.decide(item, reconcile.Ask{New: true})
	w.clock = w.clock.Add(time.Hour)
	c := w.insert("c", mail("kim@x.example"))
	w.settle()
	must(t, len(w.folder.Items()), 4, "items")
	must(t, len(w.mine()), 4, "records")
	for _, p := range w.ledger.All(1) {
		if p.State != reconcile.Synced || p.CRM == c.Ref() && p.Microsoft == "" {
			t.Errorf("pair %+v", p)
		}
	}
}
