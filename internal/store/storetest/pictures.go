package storetest

import (
	"bytes"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/picture"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func testPictures(t *testing.T, w *world) {
	ctx := t.Context()
	p := w.Pictures()
	one, two := []byte("one"), bytes.Repeat([]byte{0, 1, 0xff}, 100_000)
	v := must(p.Keep(ctx, w.ours, one))(t)
	if again := must(p.Keep(ctx, w.ours, one))(t); again != v || v != picture.Value(one) {
		t.Errorf("named %s and %s", v, again)
	}
	if got := must(p.Picture(ctx, w.ours, v))(t); !bytes.Equal(got, one) {
		t.Errorf("%q", got)
	}
	for _, missing := range []record.Value{"", "x", picture.Value(two), "other:" + v[len("sha256:"):]} {
		if _, err := p.Picture(ctx, w.ours, missing); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", missing, err)
		}
	}
	if _, err := p.Picture(ctx, w.theirs, v); !fault.Is(err, fault.NotFound) {
		t.Errorf("another organization's: %v", err)
	}

	// Forms: the bytes' own hash, and those that were noted.
	a, b := p.Album(w.ours, w.ana), p.Album(w.ours, w.bob)
	hash, _ := picture.Hash(v)
	form := func(s string) string { h, _ := picture.Hash(picture.Value([]byte(s))); return h }
	if err := a.Keep(ctx, map[string][]byte{form("as it came"): two, hash: one}); err != nil {
		t.Fatal(err)
	}
	if err := a.Same(ctx, map[string]record.Value{form("made anew"): v}, nil); err != nil {
		t.Fatal(err)
	}
	known := must(b.Known(ctx, []string{hash, form("as it came"), form("made anew"), form("never seen")}))(t)
	if len(known) != 3 || known[hash] != v || known[form("as it came")] != picture.Value(two) || known[form("made anew")] != v {
		t.Errorf("known: %v", known)
	}
	if none := must(a.Known(ctx, nil))(t); len(none) != 0 {
		t.Errorf("of nothing: %v", none)
	}
	if foreign := must(p.Album(w.theirs, w.eve).Known(ctx, []string{hash, form("made anew")}))(t); len(foreign) != 0 {
		t.Errorf("another organization knows %v", foreign)
	}
	got := must(a.Bytes(ctx, []record.Value{v, picture.Value(two), "x", picture.Value([]byte("never"))}))(t)
	if len(got) != 2 || !bytes.Equal(got[v], one) || !bytes.Equal(got[picture.Value(two)], two) {
		t.Errorf("%d pictures", len(got))
	}

	// What is on its way, until it was seen; each user's own.
	if err := a.Sending(ctx, map[record.Ref]record.Value{"A": v, "a": picture.Value(two)}); err != nil {
		t.Fatal(err)
	}
	if err := a.Sending(ctx, map[record.Ref]record.Value{"A": picture.Value(two)}); err != nil {
		t.Fatal(err)
	}
	items := []record.Ref{"A", "a", "b"}
	if s := must(a.Sendings(ctx, items))(t); len(s) != 2 || s["A"] != picture.Value(two) || s["a"] != picture.Value(two) {
		t.Errorf("on their way: %v", s)
	}
	if s := must(b.Sendings(ctx, items))(t); len(s) != 0 {
		t.Errorf("on another user's way: %v", s)
	}
	if err := a.Same(ctx, nil, []record.Ref{"A"}); err != nil {
		t.Fatal(err)
	}
	if s := must(a.Sendings(ctx, items))(t); len(s) != 1 || s["a"] == "" {
		t.Errorf("still on their way: %v", s)
	}
}

// A picture stays as long as anything names it: a record, one in the recycle bin, what a sync agreed on, asks, is about to
// make or has written down; and for a month besides.
func testPicturesAreSwept(t *testing.T, w *world) {
	ctx := t.Context()
	p := w.Pictures()
	keep := func(name string) record.Value { return must(p.Keep(ctx, w.ours, []byte(name)))(t) }
	named := map[string]record.Value{}
	for _, name := range []string{"record", "bin", "base", "ask", "history", "fields", "intent"} {
		named[name] = keep(name)
	}
	loose := keep("loose")
	foreign := must(p.Keep(ctx, w.theirs, []byte("loose")))(t)
	with := func(v record.Value) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields = r.Fields.With(record.Fields{record.RecordImage: v}) }
	}
	w.insert(w.ana, w.contact(w.ana, "Lima", with(named["record"])))
	gone := w.insert(w.ana, w.contact(w.ana, "Rosa", with(named["bin"])))[0]
	w.update(w.by(w.ana), gone, func(r *crm.Record) { r.DeletedAt, r.DeletedBy = w.clock.Now(), w.ana })
	link := w.link(w.ana, record.Contacts)
	link = must(w.Ledger().Open(ctx, link.ID, w.clock.Now(), time.Hour))(t)
	image := func(name string) record.Fields { return record.Fields{record.RecordImage: named[name]} }
	if _, err := w.Ledger().Intend(ctx, link, []reconcile.Intent{{Token: "t", Side: reconcile.InMicrosoft, From: "9", Base: image("intent")}}); err != nil {
		t.Fatal(err)
	}
	err := w.Ledger().Settle(ctx, link, 0, []reconcile.Entry{{
		Pair: reconcile.Pair{CRM: "1", Microsoft: "M", State: reconcile.Synced, Base: image("base"),
			Ask: &reconcile.Ask{Conflicts: []record.Field{record.RecordImage}, Theirs: image("ask")}},
		History: []reconcile.HistoryLine{{At: w.clock.Now(), CRM: "1", Action: reconcile.Updated, Fields: image("fields"),
			Lost: []reconcile.Loss{{Field: record.RecordImage, Side: reconcile.InCRM, Value: named["history"]}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	a := p.Album(w.ours, w.ana)
	form, _ := picture.Hash(picture.Value([]byte("a form of it")))
	if err := a.Same(ctx, map[string]record.Value{form: loose}, nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Sending(ctx, map[record.Ref]record.Value{"M": loose}); err != nil {
		t.Fatal(err)
	}
	there := func(v record.Value) bool {
		_, err := p.Picture(ctx, w.ours, v)
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		return err == nil
	}

	if n := must(p.Sweep(ctx, w.ours))(t); n != 0 || !there(loose) {
		t.Errorf("%d went that had just been kept", n)
	}
	w.clock.pass(20 * 24 * time.Hour)
	if known := must(a.Known(ctx, []string{form}))(t); known[form] != loose { // it was seen: that keeps it
		t.Errorf("known: %v", known)
	}
	w.clock.pass(20 * 24 * time.Hour)
	if n := must(p.Sweep(ctx, w.ours))(t); n != 0 || !there(loose) {
		t.Errorf("%d went, one of which was seen twenty days ago", n)
	}
	w.clock.pass(11 * 24 * time.Hour)
	if n := must(p.Sweep(ctx, w.ours))(t); n != 1 || there(loose) {
		t.Errorf("%d went, the one that nothing names: %t", n, !there(loose))
	}
	for name, v := range named {
		if !there(v) {
			t.Errorf("the picture that %s names went", name)
		}
	}
	if _, err := p.Picture(ctx, w.theirs, foreign); err != nil {
		t.Errorf("another organization's: %v", err)
	}
	if known := must(a.Known(ctx, []string{form}))(t); len(known) != 0 {
		t.Errorf("a form without its picture: %v", known)
	}
	if s := must(a.Sendings(ctx, []record.Ref{"M"}))(t); len(s) != 0 {
		t.Errorf("on its way for weeks: %v", s)
	}
	for range 3 { // and they stay
		w.clock.pass(40 * 24 * time.Hour)
		if n := must(p.Sweep(ctx, w.ours))(t); n != 0 {
			t.Errorf("%d went later", n)
		}
	}
}
