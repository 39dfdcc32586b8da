package reconcile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// goes makes the world's link go one way.
func (w *world) goes(way mapping.Direction) {
	w.t.Helper()
	link := w.ledger.Link(1)
	policy := link.Policy
	policy.Direction = way
	if err := w.ledger.ChangeSettings(context.Background(), org, 1, policy, link.Mapping); err != nil {
		w.t.Fatalf("change settings: %v", err)
	}
}

// leftOut are the items that the ledger remembers as not taking part, by why.
func (w *world) leftOut() map[record.Ref]fault.Reason {
	out := map[record.Ref]fault.Reason{}
	for _, p := range w.ledger.All(1) {
		if p.State == reconcile.Excluded {
			out[p.Microsoft] = p.Reason
		}
	}
	return out
}

// TestI10_AllSmallStatesOneWay plans every state of one record while the link goes one way: nothing but the source counts.
func TestI10_AllSmallStatesOneWay(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	for _, way := range []mapping.Direction{mapping.ToMicrosoft, mapping.ToCRM} {
		rules := reconcile.Rules{User: adele, Kind: record.Contacts, Fields: threeFields, Way: way, OneWay: map[record.Field]mapping.Direction{}}
		for _, f := range threeFields {
			rules.OneWay[f] = way
		}
		for _, base := range values() {
			for _, ours := range places() {
				for _, theirs := range places() {
					name := fmt.Sprintf("%s: base %v, ours %v, theirs %v", way, base, ours, theirs)
					pair := &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", Base: base, State: reconcile.Synced}
					item := reconcile.Item{Pair: pair, Ours: ours.change("1", early), Theirs: theirs.change("A", late)}
					checkOneWay(t, name, way, ours, theirs, reconcile.Plan(rules, []reconcile.Item{item})[0])
					if t.Failed() {
						return
					}
				}
			}
		}
	}
}

func checkOneWay(t *testing.T, name string, way mapping.Direction, ours, theirs place, step reconcile.Step) {
	t.Helper()
	source, other, back, gone := ours, theirs, reconcile.CreateMicrosoft, reconcile.DeleteMicrosoft
	written, untouched := step.ToMicrosoft, step.ToCRM
	if way == mapping.ToCRM {
		source, other, back, gone = theirs, ours, reconcile.RestoreCRM, reconcile.DeleteCRM
		written, untouched = untouched, written
	}
	if len(untouched) > 0 {
		t.Errorf("%s: the source is given %v", name, untouched)
	}
	want := reconcile.Verb("")
	switch here, there := source.state == record.Present, other.state == record.Present; {
	case !here && !there:
		want = reconcile.Drop
	case !here:
		want = gone
	case !there:
		want = back
	}
	if want != "" {
		if step.Verb != want {
			t.Errorf("%s: got %s, want %s", name, step.Verb, want)
		}
		return
	}
	after := other.fields.With(written)
	for _, f := range threeFields {
		if after[f] != source.fields[f] {
			t.Errorf("%s: %s ends as %q", name, f, after[f])
		}
	}
}

// TestOneWay_ToOutlookANoWritesNothingInTheCRM: what a person does not want deleted from Outlook stays there, and stays deleted in the CRM.
func TestOneWay_ToOutlookANoWritesNothingInTheCRM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.goes(mapping.ToMicrosoft)
	var ids []record.ID
	for i := range 12 {
		ids = append(ids, w.insert(fmt.Sprint("r", i), nil))
	}
	w.settle()
	for _, id := range ids {
		w.bin(id)
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.ledger.Link(1).State, reconcile.Held, "state")
	w.answer(false)
	w.settle()
	must(t, len(w.live()), 0, "records that are back")
	must(t, len(w.folder.Items()), 12, "items")
	must(t, len(w.leftOut()), 12, "items left out")

	if _, err := w.crm.Restore(context.Background(), crm.Actor{Author: crm.Author{Org: org, User: adele}, Zone: "UTC", Contacts: record.Full, Events: record.Full}, record.Contacts, ids[:1]); err != nil {
		t.Fatal(err)
	}
	w.settle()
	must(t, len(w.folder.Items()), 12, "items once a record is back")
	must(t, len(w.leftOut()), 11, "items left out by then")
}

// TestOneWay_ToOutlook: what people do in Outlook never reaches the CRM; what they change and delete there is put back and
// stands in the history; what they make there themselves is left alone, even when the sync is switched off.
func TestOneWay_ToOutlook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.goes(mapping.ToMicrosoft)
	a, b := w.insert("a", record.Fields{record.Department: "Sales"}), w.insert("b", nil)
	w.settle()
	w.folder.Put("", record.Fields{"jobTitle": "mine", "surname": "Private"})
	w.folder.Put(w.ref("a"), record.Fields{"department": "typed in Outlook"})
	w.folder.Delete(w.ref("b"))
	w.settle()
	must(t, len(w.live()), 2, "records in the CRM")
	must(t, w.items()["a"][0][record.Department], "Sales", "what was changed in Outlook is put back")
	must(t, w.lost()["typed in Outlook"], true, "and stands in the history")
	must(t, len(w.items()["b"]), 1, "what was deleted in Outlook is made again")
	must(t, len(w.items()["mine"]), 1, "what the person made in Outlook stays")
	must(t, w.leftOut(), map[record.Ref]fault.Reason{w.ref("mine"): fault.OneWay}, "and is remembered as left out")

	w.bin(a)
	w.settle()
	must(t, len(w.items()["a"]), 0, "what is deleted in the CRM goes from Outlook")

	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.ledger.Link(1).State, reconcile.Off, "state")
	must(t, w.ledger.Link(1).Reason, fault.OwnKept, "reason")
	must(t, w.removed, 0, "the folder stays")
	must(t, len(w.items()["mine"])+10*len(w.items()["b"]), 1, "with what is the person's own and nothing else")
	must(t, len(w.live()["b"]), 1, "the CRM keeps its record")
	_ = b
}

// TestOneWay_ToCRM: what people do in the CRM never reaches Outlook.
func TestOneWay_ToCRM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.goes(mapping.ToCRM)
	w.insert("own", nil)
	w.folder.Put("", record.Fields{"jobTitle": "a", "surname": "A", "department": "Sales"})
	w.folder.Put("", record.Fields{"jobTitle": "b", "surname": "B"})
	w.folder.Put("", record.Fields{"jobTitle": "c", "surname": "C"})
	w.settle()
	writes := w.folder.Writes
	w.edit(w.live()["a"][0].ID, record.Fields{record.Department: "typed in the CRM"})
	w.bin(w.live()["b"][0].ID)
	w.give(w.live()["c"][0].ID, alex)
	w.settle()
	must(t, w.folder.Writes, writes, "writes to Outlook")
	must(t, w.live()["a"][0].Fields[record.Department], "Sales", "what was changed in the CRM is put back")
	must(t, w.lost()["typed in the CRM"], true, "and stands in the history")
	must(t, len(w.live()["b"]), 1, "what was deleted in the CRM is taken out of the bin")
	must(t, len(w.items()["c"]), 1, "what was given away stays in Outlook")
	must(t, len(w.live()["c"]), 0, "and is not made a second time in the CRM")
	must(t, len(w.items()["own"]), 0, "records of the CRM")

	w.folder.Delete(w.ref("a"))
	w.settle()
	must(t, len(w.live()["a"]), 0, "what is deleted in Outlook goes to the bin")
	must(t, len(w.live()["own"]), 1, "what Outlook never had stays")
}

// TestOneWay_TurnedLater: a link that is turned brings over what it left alone, once.
func TestOneWay_TurnedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.goes(mapping.ToMicrosoft)
	w.insert("a", nil)
	w.folder.Put("", record.Fields{"jobTitle": "mine", "surname": "Private"})
	w.settle()
	w.goes(mapping.BothWays)
	w.settle()
	w.alike()
	must(t, len(w.live()["mine"]), 1, "what was left alone is in the CRM now")

	w.goes(mapping.ToCRM)
	w.settle()
	w.insert("later", nil)
	w.settle()
	must(t, len(w.items()["later"]), 0, "a new record of the CRM")
	w.goes(mapping.BothWays)
	w.settle()
	w.alike()
	must(t, len(w.items()["later"]), 1, "it goes to Outlook once the link goes both ways")
}

// TestOneWay_MatchesWhatIsThere: a contact of the CRM that Outlook has, too, is not made twice because of the direction.
func TestOneWay_MatchesWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, way := range []mapping.Direction{mapping.ToCRM, mapping.ToMicrosoft} {
		w := newWorld(t)
		w.goes(way)
		w.insert("a", record.Fields{record.EmailField: "ana@contoso.example"})
		w.folder.Put("", record.Fields{"jobTitle": "a", "surname": "Family a", "emailAddresses[0]": "ana@contoso.example"})
		w.settle()
		w.alike()
	}
}

// TestOneWay_EndsLikeItsSource: whatever people do on both sides, and wherever the process dies, the source never changes by
// sync, the other side ends like it, and what people made on the other side stays.
func TestOneWay_EndsLikeItsSource(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		way := rapid.SampledFrom([]mapping.Direction{mapping.ToMicrosoft, mapping.ToCRM}).Draw(rt, "way")
		w := newWorld(rt)
		w.goes(way)
		source, strays := map[string]record.Value{}, map[string]bool{} // by key; the source's hold the department
		n := 0
		toOutlook := way == mapping.ToMicrosoft
		pick := func() string {
			keys := []string{}
			for i := range n + 1 {
				if _, ok := source[fmt.Sprint("k", i)]; ok {
					keys = append(keys, fmt.Sprint("k", i))
				}
			}
			if len(keys) == 0 {
				rt.Skip("this needs a record and there is none: another action is drawn")
			}
			return rapid.SampledFrom(keys).Draw(rt, "key")
		}
		value := func() record.Value { n++; return record.Value(fmt.Sprint("v", n)) }
		inCRM := func(key string, do func(id record.ID)) {
			if r := w.live()[key]; len(r) == 1 {
				do(r[0].ID)
			}
		}
		inOutlook := func(key string, do func(ref record.Ref)) {
			if len(w.items()[key]) == 1 {
				do(w.ref(key))
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"new": func(*rapid.T) {
				n++
				key, v := fmt.Sprint("k", n), value()
				source[key] = v
				if toOutlook {
					w.insert(key, record.Fields{record.Department: v})
				} else {
					w.folder.Put("", record.Fields{"jobTitle": record.Value(key), "surname": "F", "department": v})
				}
			},
			"new on the other side": func(*rapid.T) {
				n++
				key := fmt.Sprint("s", n)
				strays[key] = true
				if toOutlook {
					w.folder.Put("", record.Fields{"jobTitle": record.Value(key), "surname": "Stray " + record.Value(key)})
				} else {
					w.insert(key, nil)
				}
			},
			"edit": func(*rapid.T) {
				key, v := pick(), value()
				do := func(rec record.ID) { w.edit(rec, record.Fields{record.Department: v}) }
				if toOutlook {
					inCRM(key, do)
				} else {
					w.folder.Put(w.ref(key), record.Fields{"department": v})
				}
				source[key] = v
			},
			"edit on the other side": func(*rapid.T) {
				key, v := pick(), value()
				if toOutlook {
					inOutlook(key, func(ref record.Ref) { w.folder.Put(ref, record.Fields{"department": v}) })
				} else {
					inCRM(key, func(id record.ID) { w.edit(id, record.Fields{record.Department: v}) })
				}
			},
			"delete": func(*rapid.T) {
				key := pick()
				if toOutlook {
					inCRM(key, w.bin)
				} else {
					w.folder.Delete(w.ref(key))
				}
				delete(source, key)
			},
			"delete on the other side": func(*rapid.T) {
				key := pick()
				if toOutlook {
					inOutlook(key, func(ref record.Ref) { w.folder.Delete(ref) })
				} else {
					inCRM(key, w.bin)
				}
			},
			"run": func(*rapid.T) { _ = w.run() },
			"die": func(t *rapid.T) {
				w.plug = rapid.IntRange(0, 30).Draw(t, "after")
				_ = w.run()
				w.plug = -1
			},
		})
		w.settle()
		live, items := w.live(), w.items()
		for key, v := range source {
			if len(live[key]) != 1 || len(items[key]) != 1 {
				rt.Fatalf("%s is %d times in the CRM and %d times in Outlook", key, len(live[key]), len(items[key]))
			}
			if live[key][0].Fields[record.Department] != v || items[key][0][record.Department] != v {
				rt.Fatalf("%s: %q in the CRM, %q in Outlook, want %q", key, live[key][0].Fields[record.Department], items[key][0][record.Department], v)
			}
		}
		for key := range strays {
			if len(live[key])+len(items[key]) != 1 {
				rt.Fatalf("%s, made on the other side, is %d times in the CRM and %d times in Outlook", key, len(live[key]), len(items[key]))
			}
		}
		if all := 2*len(source) + len(strays); len(live)+len(items) != all {
			rt.Fatalf("%d records and %d items of %d and %d strays", len(live), len(items), len(source), len(strays))
		}
	})
}

// What a no to deletions left in Outlook stays there also when the pairs are lost, and the no with them.
func TestL5_WhatANoLeftInOutlookStaysThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.insert("a", nil), w.insert("b", nil)
	w.goes(mapping.ToMicrosoft)
	w.settle()
	w.bin(a)
	w.bin(b)
	if err := w.run(); err != nil || w.ledger.Link(1).State != reconcile.Held {
		t.Fatalf("the brake does not ask: %v, %s", err, w.ledger.Link(1).State)
	}
	w.answer(false)
	w.settle()
	w.takeOut(a)
	w.settle()
	must(t, len(w.folder.Items()), 2, "items after the no")
	w.ledger.DropPairs(1)
	w.ledger.Change(1, func(l *reconcile.Link) { l.Microsoft, l.CRM, l.Settled = "", "", false })
	w.settle()
	must(t, len(w.folder.Items()), 2, "items once the pairs are lost")
	must(t, w.live()["a"][0].ID, a, "the record that was taken out of the bin")
}
