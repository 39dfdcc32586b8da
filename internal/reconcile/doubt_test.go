package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// cutOff lives through a story once for every effect of the run that brings its deeds over: the process dies there. What
// people do after that must end as told.
func cutOff(t *testing.T, story func(w *world), deeds func(w *world), end func(t *testing.T, w *world)) {
	t.Helper()
	for plug := 0; ; plug++ {
		w := newWorld(t)
		w.ledger.Change(1, func(l *reconcile.Link) { l.DeletesOK = true })
		story(w)
		w.clock = w.clock.Add(time.Minute)
		w.plug = plug
		_ = w.run() // it dies
		whole := w.plug >= 0
		w.plug = -1
		w.clock = w.clock.Add(time.Minute)
		deeds(w)
		w.settle()
		w.alike()
		for _, p := range w.ledger.All(1) {
			if _, doubt := p.Base["-sent"]; doubt || p.State != reconcile.Synced {
				t.Errorf("the ledger is left with %+v", p)
			}
		}
		end(t, w)
		if t.Failed() {
			t.Fatalf("killed at effect %d", plug)
		}
		if whole {
			if plug < 5 {
				t.Fatalf("only %d effects: the story is too short to prove anything", plug)
			}
			return
		}
	}
}

func (w *world) one(key string) record.ID {
	w.t.Helper()
	for _, r := range w.store.All() {
		if ours, _ := w.keyed(); string(r.Fields[ours]) == key {
			return r.ID
		}
	}
	w.t.Fatalf("no record %s", key)
	return 0
}

// before is a contact in step, with another one beside it, so that deleting one asks nobody.
func before(w *world) record.ID {
	id := w.insert("a", record.Fields{record.Department: "v0"})
	w.insert("b", nil)
	w.settle()
	w.clock = w.clock.Add(time.Minute)
	return id
}

// inStepPolicies are those under which nothing here is a conflict, so that all of them come to the same.
var inStepPolicies = []reconcile.Winner{reconcile.LaterWins, reconcile.CRMWins, reconcile.MicrosoftWins, reconcile.AskPerson}

// I1: what sync sent itself is nobody's edit, whenever the process died and whoever edits what after that.
func TestI1_SyncsOwnUnansweredWriteIsNobodysEdit(t *testing.T) {
	t.Parallel()
	for _, policy := range inStepPolicies {
		with := func(story func(*world)) func(*world) {
			return func(w *world) {
				w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Winner = policy })
				story(w)
			}
		}
		inCRM := with(func(w *world) { w.edit(before(w), record.Fields{record.Department: "v1"}) })
		inOutlook := with(func(w *world) { before(w); w.folder.Put(w.ref("a"), record.Fields{"department": "v1"}) })
		end := func(want record.Value) func(*testing.T, *world) {
			return func(t *testing.T, w *world) {
				t.Helper()
				must(t, w.live()["a"][0].Fields[record.Department], want, fmt.Sprint("the department under ", policy))
				must(t, len(w.lost()), 0, "values lost")
			}
		}
		later := func(w *world, edit func()) { w.clock = w.clock.Add(time.Minute); edit() }
		for _, story := range []func(*world){inCRM, inOutlook} {
			cutOff(t, story, func(*world) {}, end("v1"))
		}
		cutOff(t, inCRM, func(w *world) {
			w.edit(w.one("a"), record.Fields{record.Department: "v2"})
			later(w, func() { w.folder.Put(w.ref("a"), record.Fields{"mobilePhone": "1"}) })
		}, end("v2"))
		cutOff(t, inOutlook, func(w *world) {
			w.folder.Put(w.ref("a"), record.Fields{"department": "v2"})
			later(w, func() { w.edit(w.one("a"), record.Fields{record.Mobile: "1"}) })
		}, end("v2"))
		cutOff(t, inCRM, func(w *world) { w.edit(w.one("a"), record.Fields{record.Department: "v0"}) }, end("v0"))
		cutOff(t, inOutlook, func(w *world) { w.folder.Put(w.ref("a"), record.Fields{"department": "v0"}) }, end("v0"))
	}
}

// I1: whoever edits what sync has just brought has seen it; whoever edits what was there before has not, and then the policy
// decides and the history knows the loser.
func TestI1_AnEditAfterAnUnansweredWriteCountsByWhatItsPersonSaw(t *testing.T) {
	t.Parallel()
	for _, policy := range inStepPolicies {
		for _, typed := range []record.Value{"v2", "v0"} { // v0: taken back to what it was
			for _, side := range []reconcile.Where{reconcile.InCRM, reconcile.InMicrosoft} {
				var saw bool
				cutOff(t, func(w *world) {
					w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Winner = policy })
					if id := before(w); side == reconcile.InCRM {
						w.folder.Put(w.ref("a"), record.Fields{"department": "v1"})
					} else {
						w.edit(id, record.Fields{record.Department: "v1"})
					}
				}, func(w *world) {
					if side == reconcile.InCRM {
						saw = w.live()["a"][0].Fields[record.Department] == "v1"
						w.edit(w.one("a"), record.Fields{record.Department: typed})
						w.clock = w.clock.Add(time.Minute)
						w.folder.Put(w.ref("a"), record.Fields{"mobilePhone": "1"})
					} else {
						saw = w.items()["a"][0][record.Department] == "v1"
						w.folder.Put(w.ref("a"), record.Fields{"department": typed})
						w.clock = w.clock.Add(time.Minute)
						w.edit(w.one("a"), record.Fields{record.Mobile: "1"})
					}
					if !saw && policy == reconcile.AskPerson && typed != "v0" { // a real conflict, and nobody answers here
						w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Winner = reconcile.LaterWins })
					}
				}, func(t *testing.T, w *world) {
					got := w.live()["a"][0].Fields[record.Department]
					switch {
					case saw && got != typed:
						t.Errorf("%s, %s: %q, want %q, which replaced what had been brought", policy, side, got, typed)
					case saw && len(w.lost()) > 0:
						t.Errorf("%s, %s: the history has %v", policy, side, w.lost())
					case !saw && typed == "v0" && got != "v1":
						t.Errorf("%s, %s: %q, want the one edit that there was", policy, side, got)
					case !saw && typed == "v2" && !w.lost()["v1"] && !w.lost()["v2"]:
						t.Errorf("%s, %s: %q, and the other value is not in the history", policy, side, got)
					}
				})
			}
		}
	}
}

// I4: what was deleted after sync had written it is deleted, wherever the process died.
func TestI4_WhatIsDeletedAfterAnUnansweredWriteStaysDeleted(t *testing.T) {
	t.Parallel()
	gone := func(t *testing.T, w *world) {
		t.Helper()
		must(t, len(w.live()["a"]), 0, "records")
		must(t, len(w.items()["a"]), 0, "items")
	}
	newInOutlook := func(w *world) {
		w.insert("b", nil)
		w.insert("c", nil)
		w.settle()
		w.folder.Put("", record.Fields{"jobTitle": "a", "surname": "A"})
	}
	newInCRM := func(w *world) {
		w.insert("b", nil)
		w.insert("c", nil)
		w.settle()
		w.insert("a", nil)
	}
	inCRM := func(w *world) { w.edit(before(w), record.Fields{record.Department: "v1"}) }
	inOutlook := func(w *world) { before(w); w.folder.Put(w.ref("a"), record.Fields{"department": "v1"}) }
	binned := func(w *world) { w.bin(w.one("a")) }
	deleted := func(w *world) { w.folder.Delete(w.ref("a")) }
	t.Run("made in Outlook, deleted there", func(t *testing.T) { cutOff(t, newInOutlook, deleted, gone) })
	t.Run("made in Outlook, deleted in the CRM", func(t *testing.T) {
		cutOff(t, newInOutlook, func(w *world) {
			if len(w.live()["a"]) == 0 { // it has not come yet, and nobody can delete it there
				deleted(w)
			} else {
				binned(w)
			}
		}, gone)
	})
	t.Run("made in the CRM, deleted there", func(t *testing.T) { cutOff(t, newInCRM, binned, gone) })
	t.Run("made in the CRM, deleted in Outlook", func(t *testing.T) {
		cutOff(t, newInCRM, func(w *world) { // which tells of what it does not know that it was made
			if len(w.items()["a"]) == 0 {
				binned(w)
			} else {
				deleted(w)
			}
		}, gone)
	})
	t.Run("edited in the CRM, deleted there", func(t *testing.T) { cutOff(t, inCRM, binned, gone) })
	t.Run("edited in Outlook, deleted there", func(t *testing.T) { cutOff(t, inOutlook, deleted, gone) })
	t.Run("edited in the CRM, deleted in Outlook", func(t *testing.T) {
		cutOff(t, inCRM, func(w *world) {
			if w.items()["a"][0][record.Department] != "v1" { // else the edit, which was not seen, beats the deletion
				binned(w)
			} else {
				deleted(w)
			}
		}, gone)
	})
	t.Run("edited in Outlook, deleted in the CRM", func(t *testing.T) {
		cutOff(t, inOutlook, func(w *world) {
			if w.live()["a"][0].Fields[record.Department] != "v1" {
				deleted(w)
			} else {
				binned(w)
			}
		}, gone)
	})
}

// late is a request to make a contact that takes its time: it was on its way when the process died, and arrives when told to.
func (w *world) late(key string) (arrive func()) {
	w.t.Helper()
	id := w.insert(key, nil)
	w.fails = func(point string) error {
		if point == "before write" {
			w.dead = true
			return errDead
		}
		return nil
	}
	_ = w.run()
	w.fails = nil
	link := w.ledger.Link(1)
	open, err := w.ledger.OpenIntents(w.t.(*testing.T).Context(), &link)
	if err != nil || len(open) != 1 {
		w.t.Fatalf("%d batches of intents, %v", len(open), err)
	}
	for _, batch := range open {
		for _, intent := range batch {
			if intent.From == id.Ref() {
				write := record.Write{Op: record.Create, Token: intent.Token, Stamp: "an earlier chunk", Fields: record.Fields{
					"jobTitle": record.Value(key), "surname": "Family " + record.Value(key),
				}}
				return func() {
					if _, err := w.folder.Apply(w.t.(*testing.T).Context(), []record.Write{write}); err != nil {
						w.t.Fatalf("the late request: %v", err)
					}
				}
			}
		}
	}
	w.t.Fatalf("no intent for %s", key)
	return nil
}

// I4: a record that was deleted while the request for its contact was on the way is not brought back by it.
func TestI4_ALateCreateBringsNothingBack(t *testing.T) {
	t.Parallel()
	for _, runs := range []int{0, 1, 2} {
		w := newWorld(t)
		w.insert("b", nil)
		w.insert("c", nil)
		w.settle()
		arrive := w.late("a")
		w.bin(w.one("a"))
		for range runs {
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
		}
		arrive()
		w.settle()
		w.alike()
		must(t, len(w.live()["a"])+len(w.items()["a"]), 0, fmt.Sprint("records and items after ", runs, " runs"))
	}
	w := newWorld(t)
	w.insert("b", nil)
	w.settle()
	w.late("a")
	w.bin(w.one("a"))
	w.settle()
	must(t, len(w.ledger.All(1)), 1, "pairs, once nothing can arrive any more")
}

// I3: a contact that sync made twice, because its first request came late, is there once in the end. What a person copied
// stays, and so does a second contact that somebody has worked on.
func TestI3_WhatSyncMadeTwiceIsThereOnce(t *testing.T) {
	t.Parallel()
	twice := func(t *testing.T) (w *world, second record.Ref) {
		w = newWorld(t)
		arrive := w.late("a")
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
		first := w.ref("a")
		arrive()
		for ref := range w.folder.Items() {
			if ref != first {
				second = ref
			}
		}
		must(t, len(w.items()["a"]), 2, "contacts")
		return w, second
	}
	t.Run("untouched", func(t *testing.T) {
		w, _ := twice(t)
		w.settle()
		w.alike()
		must(t, len(w.live()), 1, "records")
		lines := 0
		for _, h := range w.ledger.History() {
			if h.Action == reconcile.Deleted && h.Reason == reconcile.MadeTwice && h.Side == reconcile.InMicrosoft {
				lines++
			}
		}
		must(t, lines, 1, "lines of history that tell of it")
	})
	t.Run("somebody has worked on the second", func(t *testing.T) {
		w, second := twice(t)
		w.clock = w.clock.Add(time.Minute)
		w.folder.Put(second, record.Fields{"jobTitle": "mine"})
		w.settle()
		w.alike()
		must(t, len(w.live()), 2, "records")
	})
	t.Run("its person deletes the first", func(t *testing.T) {
		w, second := twice(t)
		first := record.Ref("")
		for ref := range w.folder.Items() {
			if ref != second {
				first = ref
			}
		}
		id := w.one("a")
		w.folder.Delete(first)
		w.settle()
		w.alike()
		must(t, len(w.live()), 1, "records")
		must(t, w.live()["a"][0].ID, id, "the record")
	})
	t.Run("copies", func(t *testing.T) {
		w, second := twice(t)
		copied := ""
		for ref := range w.folder.Items() {
			if ref != second {
				twin := w.folder.Copy(ref)
				w.folder.Put(twin, record.Fields{"jobTitle": "copy"})
				copied = "copy"
			}
		}
		w.settle()
		w.edit(w.one("a"), record.Fields{record.Department: "changed since"}) // another stamp from now on
		w.settle()
		twin := w.folder.Copy(w.ref("a"))
		w.folder.Put(twin, record.Fields{"jobTitle": "copy 2"})
		w.settle()
		w.alike()
		must(t, len(w.live()), 3, "records with "+copied)
	})
	t.Run("wherever the process dies", func(t *testing.T) {
		for plug := range 20 {
			w, _ := twice(t)
			w.plug = plug
			_ = w.run()
			w.plug = -1
			w.settle()
			w.alike()
			if len(w.live()) != 1 {
				t.Fatalf("%d records, killed at effect %d", len(w.live()), plug)
			}
		}
	})
}

// C2: what is known of an unanswered write is not forgotten when the process dies in the midst of the next one.
func TestC2_OneUnansweredWriteAfterAnother(t *testing.T) {
	t.Parallel()
	for first := range 14 {
		for second := range 14 {
			w := newWorld(t)
			die := func(plug int) {
				w.clock = w.clock.Add(time.Minute)
				w.plug = plug
				_ = w.run()
				w.plug = -1
				w.clock = w.clock.Add(time.Minute)
			}
			w.edit(before(w), record.Fields{record.Department: "v1"})
			die(first)
			w.folder.Put(w.ref("a"), record.Fields{"mobilePhone": "1"})
			die(second)
			w.edit(w.one("a"), record.Fields{record.Department: "v2"})
			w.clock = w.clock.Add(time.Minute)
			w.folder.Put(w.ref("a"), record.Fields{"mobilePhone": "2"})
			w.clock = w.clock.Add(time.Minute)
			w.edit(w.one("a"), record.Fields{record.Assistant: "x"})
			w.settle()
			w.alike()
			must(t, w.live()["a"][0].Fields[record.Department], "v2", "the department")
			must(t, w.live()["a"][0].Fields[record.Mobile], "2", "the number")
			must(t, len(w.lost()), 0, "values lost")
			if t.Failed() {
				t.Fatalf("killed at effect %d, then at %d", first, second)
			}
		}
	}
}
