package reconcile_test

import (
	"context"
	"testing"
	"time"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// without is the default mapping without a field.
func without(f record.Field) *mapping.Table {
	out := &mapping.Table{Kind: record.Contacts}
	for _, row := range mapping.Default(record.Contacts).Rows {
		if row.CRM != f {
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

// Two fields that hold different values are mapped to each other: the later one counts, and what sync itself wrote into the
// record since then makes no side the later one.
func TestS29_SyncsOwnWriteMakesNoSideTheLaterOne(t *testing.T) {
	t.Parallel()
	type hand func(w *world, id record.ID)
	inCRM := func(fields record.Fields) hand { return func(w *world, id record.ID) { w.edit(id, fields) } }
	inOutlook := func(fields record.Fields) hand {
		return func(w *world, _ record.ID) { w.folder.Put(w.ref("a"), fields) }
	}
	ours, theirs := inCRM(record.Fields{record.Department: "ours"}), inOutlook(record.Fields{"department": "theirs"})
	mapped := inOutlook(record.Fields{"mobilePhone": "+55 11 3333-4444"})
	mappedInCRM := inCRM(record.Fields{record.Mobile: "+55 11 3333-4444"})
	for _, row := range []struct {
		name       string
		hands      []hand
		want, lost record.Value
	}{
		{"Outlook last, sync wrote the CRM", []hand{ours, inOutlook(record.Fields{"department": "theirs", "mobilePhone": "1"})}, "theirs", "ours"},
		{"Outlook last, in two steps", []hand{ours, theirs, mapped}, "theirs", "ours"},
		{"the CRM last, sync wrote Outlook", []hand{theirs, inCRM(record.Fields{record.Department: "ours", record.Mobile: "1"})}, "ours", "theirs"},
		{"the CRM last, in two steps", []hand{theirs, ours, mappedInCRM}, "ours", "theirs"},
		{"a later edit of another field counts, as everywhere", []hand{theirs, ours, mapped}, "theirs", "ours"},
		{"sync wrote both, the CRM's edit was last", []hand{mapped, theirs, mappedInCRM, ours}, "ours", "theirs"},
		{"sync wrote both, Outlook's edit was last", []hand{mappedInCRM, ours, mapped, theirs, inOutlook(record.Fields{"mobilePhone": "2"})}, "theirs", "ours"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ledger.Change(1, func(l *reconcile.Link) { l.Mapping = without(record.Department) })
			id := w.insert("a", nil)
			w.settle()
			for _, hand := range row.hands {
				w.clock = w.clock.Add(time.Hour)
				hand(w, id)
				w.settle()
			}
			w.clock = w.clock.Add(time.Hour)
			if err := w.ledger.ChangeSettings(context.Background(), org, 1, reconcile.Policy{}, mapping.Default(record.Contacts)); err != nil {
				t.Fatal(err)
			}
			w.settle()
			w.alike()
			must(t, w.live()["a"][0].Fields[record.Department], row.want, "the value that won")
			if !w.lost()[row.lost] || w.lost()[row.want] {
				t.Errorf("the history says that %v were lost", w.lost())
			}
		})
	}
}

// Who was last is remembered until the two values have been compared, wherever that is cut off.
func TestC1_WhoChangedLastSurvivesDeath(t *testing.T) {
	t.Parallel()
	for plug := range 60 {
		w := newWorld(t)
		w.ledger.Change(1, func(l *reconcile.Link) { l.Mapping = without(record.Department) })
		id := w.insert("a", record.Fields{record.Department: "ours"})
		w.settle()
		w.clock = w.clock.Add(time.Hour)
		w.folder.Put(w.ref("a"), record.Fields{"mobilePhone": "1"})
		w.settle() // sync has written the CRM
		w.clock = w.clock.Add(time.Hour)
		w.edit(id, record.Fields{record.Assistant: "x"})
		w.settle() // sync has written Outlook
		w.clock = w.clock.Add(time.Hour)
		w.folder.Put(w.ref("a"), record.Fields{"department": "theirs", "mobilePhone": "2"})
		w.settle() // sync has written the CRM
		if err := w.ledger.ChangeSettings(context.Background(), org, 1, reconcile.Policy{}, mapping.Default(record.Contacts)); err != nil {
			t.Fatal(err)
		}
		w.plug = plug
		_ = w.run() // it may die
		w.plug = -1
		w.settle()
		w.alike()
		must(t, w.live()["a"][0].Fields[record.Department], "theirs", "the value that won")
		if t.Failed() {
			t.Fatalf("killed at effect %d", plug)
		}
	}
}
