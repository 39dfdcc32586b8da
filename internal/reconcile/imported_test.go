package reconcile_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// imported makes a CRM contact as an import does.
func (w *world) imported(key string, more record.Fields) record.ID {
	w.t.Helper()
	results, err := w.crm.Insert(context.Background(), w.actor(), record.Contacts, []crm.Draft{{
		Fields: record.Fields{record.LastName: record.Value("Family " + key), record.Title: record.Value(key)}.With(more), Source: record.Import,
	}})
	if err != nil || results[0].Err != nil {
		w.t.Fatalf("insert %s: %v %v", key, err, results)
	}
	return results[0].Record.ID
}

// touched are the keys of the records that sync let in although they were imported.
func (w *world) touched() (out []string) {
	for key, records := range w.live() {
		for _, r := range records {
			if r.Mark == crm.OutlookMark {
				out = append(out, key)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Whenever its person edits an imported contact that was found in Outlook while a run lets it in, it takes part from then on.
func TestS32_AnImportedContactIsLetInThoughItIsEditedAtThatMoment(t *testing.T) {
	t.Parallel()
	for after := 1; ; after++ {
		w := newWorld(t)
		id := w.imported("k", mail("kim@x.example").With(record.Fields{record.MailingCity: "Santos"}))
		w.settle()
		w.folder.Put("", contact("k", "kim@x.example").With(record.Fields{"mobilePhone": "123"}))
		moments := 0
		w.moment = func() {
			if moments++; moments == after {
				w.edit(id, record.Fields{record.Department: "Legal"})
			}
		}
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
		if w.moment = nil; moments < after {
			if after < 10 {
				t.Fatalf("only %d moments", after)
			}
			return
		}
		w.settle()
		w.pairsHold()
		if must(t, w.touched(), []string{"k"}, "records that were let in"); t.Failed() {
			t.Fatalf("edited at moment %d: %+v", after, w.ledger.All(1))
		}
	}
}

// A contact that its person puts into the folder is the imported one that has its address, in the first sync and after it;
// the other imported ones stay where they are.
func TestS32_AnImportedContactThatIsInOutlookIsNotDoubled(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		later        bool
		ours, theirs record.Fields
		nothing      bool // there is nothing to write but that it takes part
	}{
		"in the first sync":      {theirs: contact("k", "KIM@x.example")},
		"later":                  {later: true, theirs: contact("k", "KIM@x.example")},
		"all alike":              {later: true, nothing: true, ours: record.Fields{record.Department: "Legal"}, theirs: contact("k", "kim@x.example")},
		"by its name and number": {later: true, ours: record.Fields{record.Mobile: "+55 11 98765-4321"}, theirs: record.Fields{"jobTitle": "k", "surname": "family k", "mobilePhone": "011 98765 4321"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.imported("k", mail("kim@x.example").With(row.ours))
			w.imported("other", mail("other@x.example"))
			if row.later {
				w.settle()
			}
			w.folder.Put("", row.theirs.With(record.Fields{"department": "Legal"}))
			w.settle()
			must(t, len(w.mine()), 2, "records")
			must(t, len(w.items()), 1, "items")
			must(t, w.live()["k"][0].ID, id, "the record")
			must(t, w.live()["k"][0].Fields[record.Department], "Legal", "what only Outlook had")
			must(t, w.touched(), []string{"k"}, "what takes part")
			if why := w.reasons(); slices.Contains(why, "updated matched") == row.nothing || slices.Contains(why, "adopted matched") != row.nothing {
				t.Errorf("the history says %q", why)
			}
			before := w.writes()
			w.quiet()
			must(t, w.writes(), before, "writes of another run")

			// It is in step from now on.
			w.edit(id, record.Fields{record.Department: "Sales"})
			w.settle()
			must(t, w.items()["k"][0][record.Department], "Sales", "what is changed in the CRM")
		})
	}
}

// Whatever takes part already goes before what was imported, and several imported ones are a question.
func TestS32_AnImportedContactIsTheLastChoice(t *testing.T) {
	t.Parallel()
	t.Run("one takes part", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		own := w.insert("own", mail("kim@x.example"))
		w.imported("k", mail("kim@x.example"))
		w.folder.Put("", contact("own", "kim@x.example"))
		w.settle()
		must(t, w.live()["own"][0].ID, own, "the record")
		must(t, len(w.items()), 1, "items")
		must(t, len(w.touched()), 0, "imported ones that take part")
	})
	t.Run("several", func(t *testing.T) {
		t.Parallel()
		for _, answer := range []string{"pair", "new", "out"} {
			w := newWorld(t)
			ids := []record.ID{w.imported("a", mail("kim@x.example")), w.imported("b", mail("kim@x.example"))}
			item := w.folder.Put("", contact("kim", "kim@x.example"))
			w.quiet()
			asks := w.asks()
			if len(asks) != 1 || len(asks[0].Ask.Matches) != 2 {
				t.Fatalf("asked is %+v", asks)
			}
			must(t, len(w.mine()), 2, "records while it is asked")
			records, items, touched := 2, 1, 1
			switch answer {
			case "pair":
				w.decide(item, reconcile.Ask{Match: ids[1].Ref()})
			case "new":
				w.decide(item, reconcile.Ask{New: true})
				records, touched = 3, 0
			case "out":
				w.decide(item, reconcile.Ask{Out: true})
				touched = 0
			}
			w.quiet()
			must(t, len(w.mine()), records, answer+": records")
			must(t, len(w.folder.Items()), items, answer+": items")
			must(t, len(w.touched()), touched, answer+": imported ones that take part")
		}
	})
}

// A link that brings nothing from Outlook to the CRM makes no second one there either, so it lets none in.
func TestS32_AOneWayLinkToOutlookLetsNoImportedOneIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.goes(mapping.ToMicrosoft)
	w.imported("k", mail("kim@x.example"))
	w.folder.Put("", contact("k", "kim@x.example"))
	w.quiet()
	must(t, len(w.mine()), 1, "records")
	must(t, len(w.touched()), 0, "imported ones that take part")
	must(t, w.items()["k"][0][record.Department], "", "what the item holds")
}

// Killed anywhere, it ends the same way.
func TestS32_AnImportedContactIsMatchedThoughTheProcessDies(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		w := newWorld(t)
		id := w.imported("k", mail("kim@x.example"))
		w.folder.Put("", contact("k", "kim@x.example").With(record.Fields{"department": "Legal"}))
		w.plug = n
		err := w.run()
		died := errors.Is(err, errDead)
		w.plug = -1
		w.settle()
		must(t, len(w.mine()), 1, "records")
		must(t, len(w.folder.Items()), 1, "items")
		must(t, w.live()["k"][0].ID, id, "the record")
		must(t, len(w.touched()), 1, "imported ones that take part")
		if !died {
			if n < 5 {
				t.Errorf("only %d places to die at", n)
			}
			return
		}
	}
}
