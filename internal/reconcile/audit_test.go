package reconcile_test

import (
	"context"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func (w *world) audit(whole bool) reconcile.Proof {
	w.t.Helper()
	w.clock = w.clock.Add(time.Hour)
	proof, err := w.runner.Audit(context.Background(), 1, whole)
	if err != nil {
		w.t.Fatalf("audit: %v", err)
	}
	return proof
}

// TestL6_TheAuditFindsAndRepairsDrift: what drifted apart behind the engine's back is found, counted by kind and brought in
// step; a link without drift is compared and left as it is.
func TestL6_TheAuditFindsAndRepairsDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := map[string]record.ID{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		ids[key] = w.insert(key, record.Fields{record.Department: "D", record.Mobile: "+55 11 91234-5678"})
	}
	w.settle()
	before := w.writes()
	if p := w.audit(true); p.Compared != 6 || p.Drift != 0 || p.Left != 0 || p.At.IsZero() {
		t.Errorf("without drift: %+v", p)
	}
	must(t, w.writes(), before, "writes of an audit without drift")

	w.folder.Drift(w.ref("a"), record.Fields{"department": "drifted"}) // nobody tells of it
	w.folder.Vanish(w.ref("b"))
	w.folder.Smuggle(record.Fields{"jobTitle": "g", "surname": "G"})
	w.ledger.Tamper(1, ids["c"].Ref(), func(p *reconcile.Pair) { p.Base = p.Base.With(record.Fields{record.Department: "never"}) })
	w.ledger.Tamper(1, ids["d"].Ref(), func(p *reconcile.Pair) { p.MicrosoftVersion = "old" })
	// A run sees nothing of it.
	before = w.writes()
	if err := w.run(); err != nil || w.writes() != before {
		t.Fatalf("the run: %v, %d writes", err, w.writes()-before)
	}
	w.edit(ids["e"], record.Fields{record.Department: "edited"}) // an edit is no drift
	p := w.audit(false)
	want := map[reconcile.DriftKind]int{
		reconcile.ValuesDiffer: 1, reconcile.LedgerDiffers: 1, reconcile.MissingInCRM: 1, reconcile.MissingInMicrosoft: 1,
	}
	if p.Drift != 4 || p.Left != 0 || len(p.Kinds) != 4 {
		t.Errorf("found %+v, expected %v", p, want)
	}
	for kind, n := range want {
		must(t, p.Kinds[kind], n, string(kind))
	}
	w.alike()
	must(t, len(w.live()["a"]), 1, "a")
	must(t, string(w.live()["a"][0].Fields[record.Department]), "drifted", "what a person typed in Outlook unheard of")
	must(t, len(w.live()["b"]), 0, "b, which was deleted in Outlook unheard of")
	must(t, len(w.live()["g"]), 1, "g")
	if again := w.audit(true); again.Drift != 0 || again.Compared != 6 {
		t.Errorf("after the repair: %+v", again)
	}
}

// TestL6_ADifferenceIsDriftThoughTheOtherSideIsOfLater: our clock was set back after a record was edited; that was no edit since the audit
// began, and what has drifted meanwhile is told.
func TestL6_ADifferenceIsDriftThoughTheOtherSideIsOfLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("a", nil)
	w.insert("b", nil)
	w.settle()
	before := w.clock
	w.clock = w.clock.Add(48 * time.Hour)
	w.edit(id, record.Fields{record.Fax: "not mapped"})
	w.settle()
	w.clock = before
	w.folder.Drift(w.ref("a"), record.Fields{"department": "drifted"})
	p := w.audit(false)
	if p.Drift != 1 || p.Left != 0 {
		t.Errorf("found %+v", p)
	}
	w.alike()
}

// TestI5_TheAuditBrakes: a folder that was emptied unheard of is a question, not a deletion, and is told as drift that is left.
func TestI5_TheAuditBrakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"a", "b", "c"} {
		w.insert(key, nil)
	}
	w.settle()
	for _, key := range []string{"a", "b", "c"} {
		w.folder.Vanish(w.ref(key))
	}
	p := w.audit(false)
	link := w.ledger.Link(1)
	if p.Drift != 3 || p.Left != 3 || link.State != reconcile.Held || len(w.live()) != 3 {
		t.Errorf("%+v, the link is %s, %d records are left", p, link.State, len(w.live()))
	}
	if got := w.ledger.Link(1).Proof; got.Drift != 3 || got.At != p.At {
		t.Errorf("the link says %+v", got)
	}
}

// TestI5_TheAuditCountsWithTheRunThatItBeginsWith: what is left of two records after the run is the last one for the audit. Together they are all
// that there was, and that is a question.
func TestI5_TheAuditCountsWithTheRunThatItBeginsWith(t *testing.T) {
	t.Parallel()
	for _, yes := range []bool{true, false} {
		w := newWorld(t)
		a := w.insert("a", nil)
		w.insert("b", nil)
		w.settle()
		w.bin(a)
		w.folder.Vanish(w.ref("b"))
		w.audit(false)
		if link := w.ledger.Link(1); link.State != reconcile.Held || link.Waiting != 1 || len(w.live()) != 1 || len(w.items()) != 0 {
			t.Fatalf("the link is %s, %d wait, %d records and %d items are left", link.State, link.Waiting, len(w.live()), len(w.items()))
		}
		w.answer(yes)
		w.settle()
		w.alike()
		must(t, len(w.live()["b"]), map[bool]int{false: 1}[yes], "b")
		must(t, w.ledger.Link(1).State, reconcile.On, "the link")
	}
}

// TestC1_AnAuditThatIsCutOffAnywhereIsMadeAnew: killed at every effect, the next one ends the repair.
func TestC1_AnAuditThatIsCutOffAnywhereIsMadeAnew(t *testing.T) {
	t.Parallel()
	story := func() *world {
		w := newWorld(t)
		id := w.insert("a", nil)
		w.insert("b", nil)
		w.insert("c", nil)
		w.settle()
		w.folder.Drift(w.ref("a"), record.Fields{"department": "drifted"})
		w.folder.Smuggle(record.Fields{"jobTitle": "g", "surname": "G"})
		w.ledger.Tamper(1, id.Ref(), func(p *reconcile.Pair) { p.Base = p.Base.With(record.Fields{record.Mobile: "never"}) })
		return w
	}
	whole := story()
	start := whole.effects
	whole.audit(false)
	for at := range whole.effects - start {
		w := story()
		w.plug = at
		w.clock = w.clock.Add(time.Hour)
		_, err := w.runner.Audit(context.Background(), 1, false)
		if err == nil {
			t.Fatalf("killed at %d, it says that all is well", at)
		}
		w.dead, w.plug = false, -1
		w.clock = w.clock.Add(time.Hour)
		w.audit(false)
		w.alike()
		must(t, len(w.live()), 4, "records")
		if t.Failed() {
			t.Fatalf("killed at effect %d", at)
		}
	}
}

// An audit of a link that cannot run proves nothing.
func TestL6_NoProofWithoutALook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", nil)
	w.settle()
	good := w.audit(false)
	w.closed = fault.New(fault.Denied, fault.ReconnectNeeded, "no")
	if _, err := w.runner.Audit(context.Background(), 1, false); !fault.Is(err, fault.Denied) {
		t.Errorf("a mailbox that nobody opens: %v", err)
	}
	if got := w.ledger.Link(1).Proof; got.At != good.At {
		t.Errorf("the proof is %+v, it was %+v", got, good)
	}
}
