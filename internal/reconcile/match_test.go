package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// quiet runs until a run writes nothing; questions may be open.
func (w *world) quiet() {
	w.t.Helper()
	for range 12 {
		w.clock = w.clock.Add(25 * time.Hour) // so that parked records are due
		before := w.writes()
		if err := w.run(); err != nil {
			w.t.Fatalf("a run without faults failed: %v", err)
		}
		if w.writes() == before {
			return
		}
	}
	w.t.Fatalf("not quiet after 12 runs: %+v\npairs %+v", w.ledger.Link(1), w.ledger.All(1))
}

func (w *world) asks() []reconcile.Question {
	w.t.Helper()
	asks, err := w.ledger.Asks(context.Background(), org, 1, 0, 1000)
	if err != nil {
		w.t.Fatalf("asks: %v", err)
	}
	return asks
}

func (w *world) decide(item record.Ref, answer reconcile.Ask) {
	w.t.Helper()
	if err := w.ledger.Decide(context.Background(), org, 1, item, answer); err != nil {
		w.t.Fatalf("decide: %v", err)
	}
}

// mine are the CRM's own records that are not deleted.
func (w *world) mine() (out []crm.Record) {
	for _, r := range w.store.All() {
		if !r.Deleted() && r.Owner == adele {
			out = append(out, r)
		}
	}
	return out
}

// contact is an item as Outlook has it.
func contact(key, address string) record.Fields {
	return record.Fields{"jobTitle": record.Value(key), "surname": "Family " + record.Value(key), "emailAddresses[0]": record.Value(address)}
}

func mail(address string) record.Fields {
	return record.Fields{record.EmailField: record.Value(address)}
}

func (w *world) reasons() (out []string) {
	for _, h := range w.ledger.History() {
		out = append(out, fmt.Sprint(h.Action, " ", h.Reason))
	}
	return out
}

func TestS29_WhatIsThereAlreadyIsMatched(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		ours, theirs record.Fields
	}{
		"by address":          {mail("kim@x.example"), record.Fields{"emailAddresses[0]": " KIM@X.example "}},
		"by another address":  {record.Fields{record.SecondaryEmail: "kim@x.example"}, record.Fields{"emailAddresses[0]": "kim@x.example", "surname": "Family"}},
		"by a second address": {mail("kim@x.example"), record.Fields{"emailAddresses[0]": "other@x.example", "emailAddresses[1]": "kim@x.example"}},
		"by a third address":  {mail("kim@x.example"), record.Fields{"emailAddresses[0]": "o@x.example", "emailAddresses[1]": "p@x.example", "emailAddresses[2]": "kim@x.example"}},
		"by name and number":  {record.Fields{record.Mobile: "+55 11 98765-4321"}, record.Fields{"surname": "FAMILY K", "homePhones[0]": "011 8765 4321"}},
		"name, other address": {mail("new@x.example").With(record.Fields{record.Mobile: "11 98765-4321"}), record.Fields{"surname": "Family k", "emailAddresses[0]": "old@x.example", "mobilePhone": "11 98765-4321"}},
		"half of the name":    {mail("kim@x.example"), record.Fields{"emailAddresses[0]": "kim@x.example", "givenName": "K", "surname": "Married"}},
		"an address for name": {mail("kim@x.example"), record.Fields{"emailAddresses[0]": "kim@x.example", "surname": "kim@x.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.insert("other", mail("somebody@x.example"))
			id := w.insert("k", row.ours.With(record.Fields{record.MailingCity: "Santos"}))
			w.folder.Put("", row.theirs.With(record.Fields{"department": "Legal", "jobTitle": "k"}))
			w.settle()
			w.alike()
			r := w.live()["k"][0]
			must(t, r.ID, id, "the record")
			must(t, len(w.mine()), 2, "records")
			must(t, len(w.folder.Items()), 2, "items")
			must(t, w.items()["k"][0][record.MailingCity], "Santos", "what only the CRM had")
			must(t, r.Fields[record.Department], "Legal", "what only Outlook had")
			if why := w.reasons(); !slices.ContainsFunc(why, func(s string) bool { return s == "updated matched" }) {
				t.Errorf("the history says %q", why)
			}
			before := w.writes()
			w.quiet()
			must(t, w.writes(), before, "writes of another run")
		})
	}
}

func TestS29_MatchingIsOnlyWithWhatTakesPart(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(w *world, id record.ID){
		"deleted":     func(w *world, id record.ID) { w.bin(id) },
		"another's":   func(w *world, id record.ID) { w.give(id, alex) },
		"has an item": func(w *world, id record.ID) { w.settle() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.insert("k", mail("kim@x.example"))
			bend(w, id)
			w.folder.Put("", contact("own", "kim@x.example"))
			w.settle()
			w.alike()
			must(t, len(w.live()["own"]), 1, "records made of the item")
		})
	}
}

func TestS29_TheLoserOfAMatchIsInTheHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("k", mail("kim@x.example").With(record.Fields{record.Department: "ours"}))
	w.clock = w.clock.Add(time.Hour)
	w.folder.Put("", contact("k", "kim@x.example").With(record.Fields{"department": "theirs"}))
	w.settle()
	w.alike()
	must(t, w.live()["k"][0].Fields[record.Department], "theirs", "the later value")
	if !w.lost()["ours"] {
		t.Error("the other value is not in the history")
	}
}

func TestS29_SeveralRecordsAreAQuestion(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "first", "second", "new"} {
		t.Run("answer "+answer, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := []record.ID{w.insert("a", mail("kim@x.example")), w.insert("b", mail("KIM@x.example"))}
			w.insert("other", nil)
			item := w.folder.Put("", contact("kim", "kim@x.example"))
			w.quiet()
			asks := w.asks()
			if len(asks) != 1 || asks[0].Microsoft != item || asks[0].Name != "Family kim" || len(asks[0].Ask.Matches) != 2 || asks[0].Ask.Theirs[record.EmailField] != "kim@x.example" {
				t.Fatalf("asked is %+v", asks)
			}
			must(t, len(w.mine()), 3, "records while it is asked")
			must(t, len(w.folder.Items()), 2, "items while it is asked")
			must(t, len(w.items()["other"]), 1, "items of what is not asked")
			must(t, w.ledger.Link(1).Failing, 3, "records that wait")
			// What changes meanwhile changes nothing.
			w.edit(ids[0], record.Fields{record.Department: "edited"})
			w.folder.Expire()
			w.quiet()
			must(t, len(w.folder.Items()), 2, "items after an edit")
			records, items := 3, 3
			switch answer {
			case "":
				return
			case "first", "second":
				i := map[string]int{"first": 0, "second": 1}[answer]
				w.decide(item, reconcile.Ask{Match: ids[i].Ref()})
			case "new":
				w.decide(item, reconcile.Ask{New: true})
				records, items = 4, 4
			}
			w.settle()
			must(t, len(w.asks()), 0, "questions after the answer")
			must(t, len(w.mine()), records, "records after the answer")
			must(t, len(w.folder.Items()), items, "items after the answer")
			w.pairsHold()
		})
	}
}

// A family or a firm has one address: a contact whose name has nothing of the record's is for a person to tell.
func TestFF116_OneAddressAndTwoNamesAreAQuestion(t *testing.T) {
	t.Parallel()
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprint("one person ", same), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.insert("ana", mail("silvas@x.example").With(record.Fields{record.FirstName: "Ana", record.LastName: "Lima"}))
			item := w.folder.Put("", record.Fields{"jobTitle": "rui", "givenName": "Rui", "surname": "Matos", "emailAddresses[0]": "silvas@x.example"})
			w.quiet()
			asks := w.asks()
			if len(asks) != 1 || asks[0].Microsoft != item || !slices.Equal(asks[0].Ask.Matches, []record.Ref{id.Ref()}) {
				t.Fatalf("asked is %+v", asks)
			}
			must(t, len(w.mine()), 1, "records while it is asked")
			must(t, len(w.folder.Items()), 1, "items while it is asked")
			must(t, w.mine()[0].Fields[record.FirstName], "Ana", "the record's name")
			want := 2
			if same {
				want = 1
				w.decide(item, reconcile.Ask{Match: id.Ref()})
			} else {
				w.decide(item, reconcile.Ask{New: true})
			}
			w.settle()
			w.alike()
			must(t, len(w.mine()), want, "records after the answer")
			must(t, len(w.folder.Items()), want, "items after the answer")
		})
	}
}

// A person may answer while the run that asks goes on, at any moment: nothing stays held back for a question that is answered.
func TestS29_AnAnswerWhileTheRunGoesOn(t *testing.T) {
	t.Parallel()
	for _, isNew := range []bool{true, false} {
		for after := 1; ; after++ {
			w := newWorld(t)
			first := w.insert("a", mail("kim@x.example"))
			w.insert("b", mail("KIM@x.example"))
			item := w.folder.Put("", contact("kim", "kim@x.example"))
			answer := reconcile.Ask{Match: first.Ref()}
			if isNew {
				answer = reconcile.Ask{New: true}
			}
			settles := 0
			w.settled = func() {
				if settles++; settles == after {
					w.decide(item, answer)
				}
			}
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
			if w.settled = nil; settles < after {
				if after < 3 {
					t.Fatalf("only %d settles", settles)
				}
				break
			}
			w.settle()
			must(t, len(w.asks()), 0, "questions after the answer")
			w.pairsHold()
			if t.Failed() {
				t.Fatalf("answered %+v after settle %d", answer, after)
			}
		}
	}
}

// Whatever a person says about an item, at whichever moment of a run, is so in the end: while one more record joins the question, while the item and
// a record change, and if what fails is tried again at the same time.
func TestS29_WhateverIsSaidAtWhicheverMoment(t *testing.T) {
	t.Parallel()
	type story struct {
		before, deed func(w *world, item record.Ref, a record.ID)
		records      int  // in the end, each with its item
		out          bool // the item is left out, and with it what it may be
	}
	say := func(answer func(a record.ID) reconcile.Ask) func(w *world, item record.Ref, a record.ID) {
		return func(w *world, item record.Ref, a record.ID) { w.decide(item, answer(a)) }
	}
	leave := say(func(record.ID) reconcile.Ask { return reconcile.Ask{Out: true} })
	match := say(func(a record.ID) reconcile.Ask { return reconcile.Ask{Match: a.Ref()} })
	isNew := say(func(record.ID) reconcile.Ask { return reconcile.Ask{New: true} })
	takeBack := func(w *world, item record.Ref, _ record.ID) {
		if err := w.ledger.TakeBack(context.Background(), org, 1, item); err != nil {
			w.t.Fatalf("take back: %v", err)
		}
	}
	left := func(w *world, item record.Ref, a record.ID) { leave(w, item, a); w.quiet() }
	both := func(deeds ...func(*world, record.Ref, record.ID)) func(*world, record.Ref, record.ID) {
		return func(w *world, item record.Ref, a record.ID) {
			for _, do := range deeds {
				do(w, item, a)
			}
		}
	}
	again := func(w *world, _ record.Ref, _ record.ID) { w.ledger.Retry(1, w.clock) }
	for name, s := range map[string]story{
		"a match":                      {deed: match, records: 3},
		"new":                          {deed: isNew, records: 4},
		"left out":                     {deed: leave, out: true},
		"taken back":                   {before: left, deed: takeBack, records: 3},
		"a match, tried again":         {deed: both(match, again), records: 3},
		"new, tried again":             {deed: both(again, isNew), records: 4},
		"left out, tried again":        {deed: both(leave, again), out: true},
		"taken back and said to be it": {before: left, deed: both(takeBack, match), records: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for after := 1; ; after++ {
				w := newWorld(t)
				a := w.insert("a", mail("kim@x.example"))
				w.insert("b", mail("KIM@x.example"))
				item := w.folder.Put("", contact("kim", "kim@x.example"))
				w.quiet()
				if s.before != nil {
					s.before(w, item, a)
				}
				w.insert("c", mail("kim@x.example"))
				w.edit(a, record.Fields{record.Department: "Sales"})
				w.folder.Put(item, record.Fields{"department": "Legal"})
				moments := 0
				w.moment = func() {
					if moments++; moments == after {
						s.deed(w, item, a)
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
				w.quiet()
				for _, q := range w.asks() {
					w.decide(q.Microsoft, reconcile.Ask{Match: a.Ref()})
				}
				w.quiet()
				must(t, len(w.asks()), 0, "questions")
				if s.out {
					items, records := w.left()
					must(t, len(items), 1, "items left out")
					must(t, len(records), 3, "records left out")
					must(t, len(w.folder.Items()), 1, "items")
				} else {
					w.pairsHold()
					must(t, len(w.mine()), s.records, "records")
					must(t, len(w.folder.Items()), s.records, "items")
				}
				if t.Failed() {
					t.Fatalf("said at moment %d: %+v", after, w.ledger.All(1))
				}
			}
		})
	}
}

// A record and an item that were found to be one are a pair on disk before either is written: if the process dies then, and Microsoft does not
// tell of the item for a while, as of what has just been written, the record would be sent there beside it.
func TestI3_WhatWasMatchedIsAPairBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	here, there := record.Fields{record.MailingCity: "Santos"}, record.Fields{"department": "Legal"}
	inOutlook := func(w *world, more record.Fields) record.Ref {
		return w.folder.Put("", contact("k", "kim@x.example").With(more))
	}
	for name, begin := range map[string]func(w *world) (record.ID, record.Ref){
		"the only one": func(w *world) (record.ID, record.Ref) {
			w.settle()
			return w.insert("k", mail("kim@x.example").With(here)), inOutlook(w, there)
		},
		"one that was imported": func(w *world) (record.ID, record.Ref) {
			w.settle()
			return w.imported("k", mail("kim@x.example").With(here)), inOutlook(w, there)
		},
		"one that was imported, and is all alike": func(w *world) (record.ID, record.Ref) {
			w.settle()
			return w.imported("k", mail("kim@x.example")), inOutlook(w, nil)
		},
		"one that Microsoft refused until then": func(w *world) (record.ID, record.Ref) {
			id := w.insert("k", mail("kim@x.example").With(here))
			w.fails = func(point string) error {
				if point == "before write" {
					return fault.New(fault.Invalid, fault.Refused, "no")
				}
				return nil
			}
			w.quiet()
			w.fails = nil
			return id, inOutlook(w, there)
		},
		"one that a person has chosen": func(w *world) (record.ID, record.Ref) {
			id, item := w.insert("k", mail("kim@x.example").With(here)), inOutlook(w, there)
			w.insert("other", mail("kim@x.example"))
			w.quiet()
			w.decide(item, reconcile.Ask{Match: id.Ref()})
			return id, item
		},
		"one that a person has chosen, which was imported": func(w *world) (record.ID, record.Ref) {
			id, item := w.imported("k", mail("kim@x.example").With(here)), inOutlook(w, there)
			w.imported("other", mail("kim@x.example"))
			w.quiet()
			w.decide(item, reconcile.Ask{Match: id.Ref()})
			return id, item
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for plug, written := 0, 0; ; plug++ {
				w := newWorld(t)
				id, item := begin(w)
				before := w.live()["k"][0].Version
				w.plug = plug
				_ = w.run()
				if w.plug >= 0 {
					if written < 2 {
						t.Fatalf("only %d deaths with something written", written)
					}
					return
				}
				if w.items()["k"][0][record.MailingCity] == "" && w.live()["k"][0].Version == before {
					continue
				}
				written++
				if !slices.ContainsFunc(w.ledger.All(1), func(p reconcile.Pair) bool { return p.CRM == id.Ref() && p.Microsoft == item }) {
					t.Fatalf("death at effect %d: %+v", plug, w.ledger.All(1))
				}
				records := len(w.mine())
				w.settle()
				for _, p := range w.ledger.All(1) {
					if p.CRM == id.Ref() || p.Microsoft == item {
						must(t, []any{p.CRM, p.Microsoft, p.State}, []any{id.Ref(), item, reconcile.Synced}, "the pair in the end")
					}
				}
				must(t, len(w.mine()), records, "records")
				must(t, len(w.items()["k"]), 1, "items")
			}
		})
	}
}

// Two imported contacts have one address, and their items come to Outlook one after the other: wherever the process dies amid
// what was said about the first, the second is the other one.
func TestC1_AnImportedContactIsNotForgottenForOneThatWasLetIn(t *testing.T) {
	t.Parallel()
	for plug := 0; ; plug++ {
		w := newWorld(t)
		a, b := w.imported("a", mail("kim@x.example")), w.imported("b", mail("kim@x.example"))
		second := w.folder.Put("", contact("b", "kim@x.example").With(record.Fields{"department": "Legal"}))
		w.quiet()
		w.decide(second, reconcile.Ask{Match: b.Ref()})
		w.plug = plug
		_ = w.run()
		if w.plug >= 0 {
			if plug < 5 {
				t.Fatalf("only %d effects", plug)
			}
			return
		}
		first := w.folder.Put("", contact("a", "kim@x.example"))
		w.quiet()
		for _, q := range w.asks() {
			if must(t, q.Microsoft, first, "the item that is asked about"); !slices.Contains(q.Ask.Matches, a.Ref()) {
				t.Fatalf("death at effect %d: of %v none is the first", plug, q.Ask.Matches)
			}
			w.decide(q.Microsoft, reconcile.Ask{Match: a.Ref()})
		}
		w.settle()
		w.alike()
		must(t, len(w.mine()), 2, "records")
	}
}

// A run that fails as a whole while it brings an item and a record together says why, and the next one goes on.
func TestI3_ARunThatFailsWhileItMatchesSaysWhy(t *testing.T) {
	t.Parallel()
	cause := errors.New("the line is down")
	for _, at := range []string{"before write", "after write"} {
		for _, chosen := range []bool{false, true} {
			w := newWorld(t)
			id := w.insert("k", mail("kim@x.example").With(record.Fields{record.MailingCity: "Santos"}))
			item := w.folder.Put("", contact("k", "kim@x.example"))
			if chosen {
				w.insert("other", mail("kim@x.example"))
				w.quiet()
				w.decide(item, reconcile.Ask{Match: id.Ref()})
			}
			w.fails = func(point string) error {
				if point == at {
					return cause
				}
				return nil
			}
			if err := w.run(); !errors.Is(err, cause) {
				t.Errorf("%s, chosen %v: %v", at, chosen, err)
			}
			w.fails = nil
			w.settle()
			w.pairsHold()
			must(t, w.items()["k"][0][record.MailingCity], "Santos", "what only the CRM had")
		}
	}
}

// Wherever the process dies before an imported contact is let in, it stays in the CRM alone if its item is deleted then.
func TestS32_AnImportedContactThatWasNotLetInDoesNotFollowItsItem(t *testing.T) {
	t.Parallel()
	for plug, outside := 0, 0; ; plug++ {
		w := newWorld(t)
		w.settle()
		w.imported("k", mail("kim@x.example"))
		item := w.folder.Put("", contact("k", "kim@x.example"))
		w.plug = plug
		if _ = w.run(); w.plug >= 0 {
			if outside < 3 {
				t.Fatalf("only %d deaths before it was let in", outside)
			}
			return
		}
		if len(w.touched()) > 0 {
			continue
		}
		outside++
		w.folder.Delete(item)
		w.settle()
		must(t, len(w.folder.Items()), 0, "items")
		must(t, len(w.live()["k"]), 1, "records")
		if must(t, len(w.ledger.All(1)), 0, "pairs"); t.Failed() {
			t.Fatalf("death at effect %d: %+v", plug, w.ledger.All(1))
		}
	}
}

// What is held back may be tried again on somebody's word, in the very run that carries out the answer: the record that the item was said
// to be is not sent to Microsoft beside it.
func TestS29_WhatIsTriedAgainWithTheAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(id record.ID) reconcile.Ask{
		"a match": func(id record.ID) reconcile.Ask { return reconcile.Ask{Match: id.Ref()} },
		"new":     func(record.ID) reconcile.Ask { return reconcile.Ask{New: true} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.insert("a", mail("kim@x.example"))
			w.insert("b", mail("KIM@x.example"))
			item := w.folder.Put("", contact("kim", "kim@x.example"))
			w.quiet()
			must(t, len(w.asks()), 1, "questions")
			records := len(w.mine())
			ask := answer(first)
			w.decide(item, ask)
			w.ledger.Retry(1, w.clock)
			w.settle()
			w.pairsHold()
			if ask.New {
				records++
			}
			must(t, len(w.mine()), records, "records")
			must(t, len(w.folder.Items()), records, "items")
		})
	}
}

// pairsHold checks that every record has one item with the same values.
func (w *world) pairsHold() {
	w.t.Helper()
	theirs := w.folder.Items()
	mine := w.mine()
	if len(mine) != len(theirs) {
		w.t.Errorf("%d records, %d items", len(mine), len(theirs))
	}
	of := map[record.Ref]record.Ref{}
	for _, p := range w.ledger.All(1) {
		if p.State != reconcile.Synced || p.Ask != nil {
			w.t.Errorf("a pair is left as %+v", p)
		}
		of[p.CRM] = p.Microsoft
	}
	for _, r := range mine {
		item, ok := theirs[of[r.ID.Ref()]]
		if !ok {
			w.t.Errorf("record %d has no item", r.ID)
			continue
		}
		for ours, their := range map[record.Field]record.Field{record.LastName: "surname", record.EmailField: "emailAddresses[0]", record.Department: "department"} {
			if def, _ := record.DefOf(record.Contacts, ours); !mapping.Alike(def.Type, r.Fields[ours], item[their], "BR") {
				w.t.Errorf("%s is %q and %q", ours, r.Fields[ours], item[their])
			}
		}
	}
}

func TestS29_TwoItemsForOneRecordAreAQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("a", mail("kim@x.example"))
	one, two := w.folder.Put("", contact("one", "kim@x.example")), w.folder.Put("", contact("two", "kim@x.example"))
	w.quiet()
	must(t, len(w.asks()), 2, "questions")
	must(t, len(w.mine()), 1, "records")
	must(t, len(w.folder.Items()), 2, "items")
	// Both cannot have it: who comes second is asked again.
	w.decide(one, reconcile.Ask{Match: id.Ref()})
	w.decide(two, reconcile.Ask{Match: id.Ref()})
	w.quiet()
	asks := w.asks()
	if len(asks) != 1 || asks[0].Microsoft != two {
		t.Fatalf("asked are %+v", asks)
	}
	must(t, len(w.mine()), 1, "records after one answer")
	w.decide(two, reconcile.Ask{New: true})
	w.settle()
	w.pairsHold()
	must(t, len(w.mine()), 2, "records after both answers")
}

// The same on two pages of the first sync, or where the second is not told of yet: neither of the two is taken for the record unasked.
func TestS29_TwoItemsOnTwoPagesOfTheFirstSync(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		w := newWorld(t)
		w.folder.PageSize = 1
		a := w.insert("a", mail("kim@x.example"))
		one := w.folder.Put("", contact("one", "kim@x.example"))
		two := w.folder.Put("", contact("two", "kim@x.example"))
		if !told {
			w.folder.Hide(two)
		}
		w.quiet()
		must(t, len(w.mine()), 1, "records")
		must(t, len(w.asks()), 2, "questions")
		w.decide(one, reconcile.Ask{New: true})
		w.decide(two, reconcile.Ask{Match: a.Ref()})
		w.settle()
		must(t, len(w.mine()), 2, "records after both answers")
		w.pairsHold()
	}
}

// TestI3_AnItemThatIsGoneBeforeAllIsReadIsNoRecord: it was told of on one page of the first sync, and deleted before the last one.
func TestI3_AnItemThatIsGoneBeforeAllIsReadIsNoRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.folder.PageSize = 1
	gone := w.folder.Put("", contact("gone", "kim@x.example"))
	w.folder.Put("", contact("stays", "lee@x.example"))
	pages := 0
	w.fails = func(at string) error {
		if at == "changes" {
			if pages++; pages == 2 {
				w.folder.Delete(gone)
			}
		}
		return nil
	}
	w.settle()
	must(t, len(w.store.All()), 1, "records that were ever made")
	w.alike()
}

func TestS29_AQuestionSettlesItselfWhenItIsLookedAt(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		vanish  int
		records int
	}{"one is left": {1, 1}, "none is left": {2, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := []record.ID{w.insert("a", mail("kim@x.example")), w.insert("b", mail("kim@x.example"))}
			item := w.folder.Put("", contact("kim", "kim@x.example"))
			w.quiet()
			for _, id := range ids[:row.vanish] {
				w.bin(id)
			}
			w.quiet()
			must(t, len(w.asks()), 1, "questions that nobody has looked at")
			w.folder.Put(item, record.Fields{"department": "Legal"})
			w.settle()
			must(t, len(w.asks()), 0, "questions")
			must(t, len(w.mine()), row.records, "records")
			w.pairsHold()
		})
	}
}

func TestS29_AnItemThatIsDeletedAsksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", mail("kim@x.example"))
	w.insert("b", mail("kim@x.example"))
	item := w.folder.Put("", contact("kim", "kim@x.example"))
	w.quiet()
	w.folder.Delete(item)
	w.settle()
	w.alike()
	must(t, len(w.asks()), 0, "questions")
	must(t, len(w.items()), 2, "items: those that were held back")
}

// Apps on phones change a contact by deleting it and making another one.
func TestS29_AnItemMadeAnewKeepsItsRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 4 {
		w.insert(fmt.Sprint("other", i), nil)
	}
	id := w.insert("kim", mail("kim@x.example").With(record.Fields{record.SkypeID: "only in the CRM"}))
	w.settle()
	w.folder.Delete(w.ref("kim"))
	w.folder.Put("", contact("kim", "kim@x.example").With(record.Fields{"department": "Legal"}))
	w.settle()
	w.alike()
	must(t, w.live()["kim"][0].ID, id, "the record")
	must(t, w.live()["kim"][0].Fields[record.SkypeID], "only in the CRM", "what Outlook does not know")
}

func TestS36_SwitchingOffAnswersNoQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", mail("kim@x.example"))
	w.insert("b", mail("kim@x.example"))
	w.folder.Put("", contact("kim", "kim@x.example"))
	w.quiet()
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	link := w.ledger.Link(1)
	must(t, link.State, reconcile.Off, "state")
	must(t, link.Reason, fault.KeptInOutlook, "reason")
	must(t, w.removed, 0, "folders removed")
	must(t, len(w.mine()), 2, "records")
}

// Ten times off and on leaves the same contacts, also where the person keeps copies and puts them back before the sync.
func TestS29_TenTimesOffAndOn(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]bool{"into an empty folder": false, "into a folder that is full": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for i := range 20 {
				w.insert(fmt.Sprint("crm", i), mail(fmt.Sprintf("p%d@x.example", i)))
				w.folder.Put("", contact(fmt.Sprint("outlook", i), fmt.Sprintf("q%d@x.example", i)))
			}
			w.settle()
			w.alike()
			before := w.faces()
			for range 10 {
				w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
				if err := w.run(); err != nil {
					t.Fatal(err)
				}
				must(t, w.ledger.Link(1).State, reconcile.Off, "state")
				old := w.folder.Items()
				for _, ref := range slices.Sorted(maps.Keys(old)) {
					w.folder.Delete(ref)
					if back {
						w.folder.Put("", old[ref])
					}
				}
				w.ledger.Change(1, func(l *reconcile.Link) { l.State, l.Container, l.Settled = reconcile.On, "", false })
				w.settle()
			}
			w.alike()
			must(t, w.faces(), before, "the contacts")
			must(t, len(w.folder.Items()), 40, "items")
		})
	}
}

// faces are the CRM's contacts, as people see them.
func (w *world) faces() string {
	var out []string
	for _, r := range w.mine() {
		out = append(out, fmt.Sprint(r.ID, r.Fields))
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}

// TestC1_DeathWhileMatching kills the process at every effect of runs that match, ask and carry out answers. Nothing is
// there twice, and the end is that of the undisturbed story.
func TestC1_DeathWhileMatching(t *testing.T) {
	t.Parallel()
	begin := func(w *world) (item record.Ref, ids []record.ID) {
		w.insert("m", mail("m@x.example").With(record.Fields{record.MailingCity: "Santos"}))
		w.folder.Put("", contact("m", "m@x.example").With(record.Fields{"department": "Legal"}))
		ids = []record.ID{w.insert("a", mail("kim@x.example")), w.insert("b", mail("kim@x.example"))}
		w.folder.Put("", contact("new", "new@x.example"))
		w.insert("n", mail("n@x.example"))
		return w.folder.Put("", contact("kim", "kim@x.example")), ids
	}
	answers := map[string]func(w *world, item record.Ref, ids []record.ID){
		"the first": func(w *world, item record.Ref, ids []record.ID) { w.decide(item, reconcile.Ask{Match: ids[0].Ref()}) },
		"new":       func(w *world, item record.Ref, _ []record.ID) { w.decide(item, reconcile.Ask{New: true}) },
		"deleted":   func(w *world, item record.Ref, _ []record.ID) { w.folder.Delete(item) },
		"one left": func(w *world, item record.Ref, ids []record.ID) {
			w.bin(ids[0])
			w.folder.Put(item, record.Fields{"department": "edited"})
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := newWorld(t)
			item, ids := begin(whole)
			start := whole.effects
			whole.quiet()
			first := whole.effects - start
			must(t, len(whole.asks()), 1, "questions")
			answer(whole, item, ids)
			start = whole.effects
			whole.settle()
			second := whole.effects - start
			for at := range first + second {
				w := newWorld(t)
				item, ids := begin(w)
				if at < first {
					w.plug = at
					_ = w.run()
					w.plug = -1
				}
				w.quiet()
				must(t, len(w.mine()), 5, "records while it is asked") // m, a, b, n, new
				must(t, len(w.folder.Items()), 4, "items while it is asked")
				answer(w, item, ids)
				if at >= first {
					w.plug = at - first
					_ = w.run()
					w.plug = -1
				}
				w.settle()
				w.pairsHold()
				must(t, len(w.mine()), len(whole.mine()), "records")
				must(t, len(w.folder.Items()), len(whole.folder.Items()), "items")
				must(t, w.folder.Creates, whole.folder.Creates, "creates at Microsoft")
				if t.Failed() {
					t.Fatalf("killed at effect %d of %d and %d\npairs %+v", at, first, second, w.ledger.All(1))
				}
			}
		})
	}
}

// A run makes a record from an item at last, and is cut off before it can say so; a person edits the record.
func TestI1_AnEditAfterALostCreateInTheCRM(t *testing.T) {
	t.Parallel()
	for at := range 20 {
		w := newWorld(t)
		w.insert("a", mail("kim@x.example"))
		w.insert("b", mail("kim@x.example"))
		item := w.folder.Put("", contact("kim", "kim@x.example"))
		w.quiet()
		w.decide(item, reconcile.Ask{New: true})
		w.plug = at
		_ = w.run()
		w.plug = -1
		made := w.live()["kim"]
		for _, r := range made {
			w.edit(r.ID, record.Fields{record.Department: "typed"})
		}
		w.settle()
		w.pairsHold()
		must(t, len(w.mine()), 3, "records")
		if len(made) > 0 {
			must(t, w.live()["kim"][0].Fields[record.Department], "typed", "what a person typed")
		}
		if t.Failed() {
			t.Fatalf("killed at effect %d", at)
		}
	}
}

// TestProperties_Matching begins with people who are any number of times on either side, and cuts, throttles and kills the
// runs of the first sync. A person who is on both sides is made on neither; nobody's record gets another one's item. Then
// all questions are answered at random.
func TestProperties_Matching(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		w.folder.PageSize = rapid.IntRange(1, 8).Draw(rt, "page")
		type count struct{ ours, theirs int }
		people := map[string]count{}
		for i := range rapid.IntRange(1, 6).Draw(rt, "people") {
			key := fmt.Sprint("p", i)
			c := count{rapid.IntRange(0, 2).Draw(rt, "records"), rapid.IntRange(0, 3).Draw(rt, "items")}
			people[key] = c
			address := key + "@x.example"
			for range c.ours {
				w.insert(key, rapid.SampledFrom([]record.Fields{
					mail(address), {record.SecondaryEmail: record.Value(address)}, {record.EmailField: "x" + record.Value(address), record.SecondaryEmail: record.Value(address)},
				}).Draw(rt, "record"))
			}
			for range c.theirs {
				w.folder.Put("", contact(key, address).With(rapid.SampledFrom([]record.Fields{
					nil, {"department": "D"}, {"emailAddresses[0]": "y" + record.Value(address), "emailAddresses[1]": record.Value(address)},
				}).Draw(rt, "item")))
			}
		}
		for range rapid.IntRange(0, 4).Draw(rt, "bad runs") {
			if rapid.Bool().Draw(rt, "dies") {
				w.plug = rapid.IntRange(0, 30).Draw(rt, "effects")
			} else {
				n, rate := 0, rapid.IntRange(1, 5).Draw(rt, "one in")
				w.fails = func(string) error {
					if n++; n%rate == 0 {
						return fault.New(fault.Unavailable, "", "503")
					}
					return nil
				}
			}
			_ = w.run()
			w.plug, w.fails = -1, nil
		}
		w.quiet()
		check := func(when string) {
			person := map[record.Ref]string{}
			records, items := map[string]int{}, map[string]int{}
			for _, r := range w.mine() {
				person[r.ID.Ref()] = string(r.Fields[record.Title])
				records[string(r.Fields[record.Title])]++
			}
			theirs := w.folder.Items()
			for _, f := range theirs {
				items[string(f["jobTitle"])]++
			}
			for _, p := range w.ledger.All(1) {
				if p.CRM != "" && p.Microsoft != "" && person[p.CRM] != string(theirs[p.Microsoft]["jobTitle"]) {
					rt.Fatalf("%s: %s has the item of %s", when, person[p.CRM], theirs[p.Microsoft]["jobTitle"])
				}
			}
			for key, c := range people {
				want := c
				switch {
				case when != "asked":
					if records[key] != items[key] || records[key] < max(c.ours, min(c.theirs, 1)) || items[key] < max(c.theirs, min(c.ours, 1)) {
						rt.Fatalf("%s: %s was %+v, is %d records and %d items", when, key, c, records[key], items[key])
					}
					continue
				case c.ours == 0:
					want.ours = c.theirs
				case c.theirs == 0:
					want.theirs = c.ours
				}
				if (count{records[key], items[key]}) != want {
					rt.Fatalf("%s: %s was %+v, is %d records and %d items\npairs %+v", when, key, c, records[key], items[key], w.ledger.All(1))
				}
			}
		}
		check("asked")
		for round := 0; len(w.asks()) > 0; round++ {
			if round > 20 {
				rt.Fatalf("questions without end: %+v", w.asks())
			}
			for _, q := range w.asks() {
				answer := reconcile.Ask{New: true}
				if round < 5 && rapid.Bool().Draw(rt, "match") {
					answer = reconcile.Ask{Match: rapid.SampledFrom(q.Ask.Matches).Draw(rt, "which")}
				}
				if rapid.Bool().Draw(rt, "answers") || round > 10 {
					w.decide(q.Microsoft, answer)
				}
			}
			if rapid.Bool().Draw(rt, "dies meanwhile") {
				w.plug = rapid.IntRange(0, 30).Draw(rt, "effects")
				_ = w.run()
				w.plug = -1
			}
			w.quiet()
		}
		w.settle()
		check("answered")
	})
}

// Three items may be one record. A person gives it to the first, says that the second is somebody new, and the process dies
// between making that record and remembering whose it is. It is the second item's, and no match of the third.
func TestI3_ARecordMadeAfterAnAnswerIsNoMatchOfTheOther(t *testing.T) {
	t.Parallel()
	for plug := range 16 {
		w := newWorld(t)
		id := w.insert("p", mail("p@x.example"))
		var items []record.Ref
		for range 3 {
			items = append(items, w.folder.Put("", contact("p", "p@x.example")))
		}
		w.quiet()
		must(t, len(w.asks()), 3, "questions")
		w.decide(items[0], reconcile.Ask{Match: id.Ref()})
		w.quiet()
		w.decide(items[1], reconcile.Ask{New: true})
		w.plug = plug
		_ = w.run()
		w.plug = -1
		if err := w.run(); err != nil {
			t.Errorf("after a death at effect %d: %v", plug, err)
		}
		w.quiet()
		if len(w.asks()) > 0 { // else only its own record is left for it
			w.decide(items[2], reconcile.Ask{New: true})
		}
		w.settle()
		w.pairsHold()
		must(t, len(w.live()["p"]), 3, "records")
		must(t, len(w.items()["p"]), 3, "items")
	}
}

// What waits until all of the folder is read is not read a second time because the list names it, too.
func TestS29_AFolderThatWasThereIsReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.folder.PageSize = 2
	for _, who := range []string{"kim", "lee", "max"} {
		w.folder.Put("", contact(who, who+"@x.example"))
	}
	reads := 0
	w.fails = func(at string) error {
		if at == "read" {
			reads++
		}
		return nil
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, len(w.mine()), 3, "records")
	must(t, reads, 2, "readings of items, one for each page")
}
