package reconcile_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// What the other side has no place for stays where it is: the plan brings the rest, remembers that the sides differ, has
// nothing more to do the next time, and takes a deletion for one.
func TestFF113_WhatDoesNotFitStaysWhereItIs(t *testing.T) {
	t.Parallel()
	rules := reconcile.Rules{User: adele, Kind: record.Contacts, Fields: []record.Field{
		record.FirstName, record.LastName, record.EmailField, record.Title, record.MailingStreet, record.DateOfBirth,
	}}
	ours := func(f record.Fields) *record.Change {
		return &record.Change{Ref: "1", State: record.Present, Meta: record.Meta{Owner: adele}, Fields: f}
	}
	theirs := func(f record.Fields) *record.Change {
		return &record.Change{Ref: "A", State: record.Present, Fields: f}
	}
	all := func(f record.Fields) record.Fields {
		return record.Fields{record.FirstName: "", record.LastName: "L", record.EmailField: "", record.Title: "", record.MailingStreet: "", record.DateOfBirth: ""}.With(f)
	}
	plan := func(base record.Fields, o, m *record.Change) reconcile.Step {
		return reconcile.Plan(rules, []reconcile.Item{{Pair: &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", Base: base, State: reconcile.Synced}, Ours: o, Theirs: m}})[0]
	}
	agreed := func(t *testing.T, base, o, m record.Fields) {
		t.Helper()
		if s := plan(base, ours(o), theirs(m)); s.Verb != reconcile.Adopt || !maps.Equal(s.Base, base) {
			t.Errorf("the next time: %s, base %v, want %v", s.Verb, s.Base, base)
		}
		if s := plan(base, ours(o), &record.Change{Ref: "A", State: record.Gone}); s.Verb != reconcile.DeleteCRM {
			t.Errorf("deleted at Microsoft: %s", s.Verb)
		}
		if s := plan(base, &record.Change{Ref: "1", State: record.Gone}, theirs(m)); s.Verb != reconcile.DeleteMicrosoft {
			t.Errorf("deleted in the CRM: %s", s.Verb)
		}
	}
	long := record.Value(strings.Repeat("é", 300))

	t.Run("an address of the CRM", func(t *testing.T) {
		o, m := all(record.Fields{record.EmailField: "a@b.com,", record.Title: "CEO"}), all(record.Fields{record.EmailField: "a@b.com"})
		s := plan(m, ours(o), theirs(m))
		if s.Verb != reconcile.Merge || len(s.ToMicrosoft) != 1 || s.ToMicrosoft[record.Title] != "CEO" {
			t.Fatalf("%s %v", s.Verb, s.ToMicrosoft)
		}
		base := s.Base.With(s.ToMicrosoft)
		agreed(t, base, o, m.With(record.Fields{record.Title: "CEO"}))
		// Mended, it goes; cleared, Outlook's is cleared; one typed in Outlook comes, and the CRM's stays in the history.
		if s := plan(base, ours(o.With(record.Fields{record.EmailField: "c@b.com"})), nil); s.ToMicrosoft[record.EmailField] != "c@b.com" {
			t.Errorf("mended: %v", s.ToMicrosoft)
		}
		if s := plan(base, ours(o.With(record.Fields{record.EmailField: ""})), nil); len(s.ToMicrosoft) != 1 {
			t.Errorf("cleared: %v", s.ToMicrosoft)
		}
		s = plan(base, ours(o), theirs(m.With(record.Fields{record.Title: "CEO", record.EmailField: "new@b.com"})))
		if s.ToCRM[record.EmailField] != "new@b.com" || len(s.Lost) != 1 || s.Lost[0].Value != "a@b.com," {
			t.Errorf("typed in Outlook: %v, lost %v", s.ToCRM, s.Lost)
		}
	})
	t.Run("a street of Outlook", func(t *testing.T) {
		o, m := all(nil), all(record.Fields{record.MailingStreet: long, record.Title: "CEO"})
		s := plan(o, ours(o), theirs(m))
		if s.Verb != reconcile.Merge || len(s.ToCRM) != 1 || s.ToCRM[record.Title] != "CEO" {
			t.Fatalf("%s %v", s.Verb, s.ToCRM)
		}
		base := s.Base.With(s.ToCRM)
		agreed(t, base, o.With(record.Fields{record.Title: "CEO"}), m)
		s = plan(base, &record.Change{Ref: "1", State: record.Present, Meta: record.Meta{Owner: adele + 1}, Fields: o}, theirs(m))
		if s.Verb != reconcile.DeleteMicrosoft || len(s.Lost) != 1 || s.Lost[0].Value != long {
			t.Errorf("with another owner: %s, lost %d", s.Verb, len(s.Lost))
		}
	})
	t.Run("a photo that was taken off in the CRM", func(t *testing.T) {
		rules := rules
		rules.Fields = append(slices.Clone(rules.Fields), record.RecordImage)
		photo := record.Value("sha256:" + strings.Repeat("a", 64))
		s := reconcile.Plan(rules, []reconcile.Item{{
			Pair:   &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", State: reconcile.Synced, Base: all(record.Fields{record.RecordImage: photo, "crm:Record_Image": ""})},
			Ours:   &record.Change{Ref: "1", State: record.Gone},
			Theirs: theirs(all(nil)), // which does not tell of photos
		}})[0]
		if s.Verb != reconcile.DeleteMicrosoft || len(s.Lost) != 1 || s.Lost[0].Value != photo {
			t.Errorf("goes with its item and leaves no trace: %s, lost %v", s.Verb, s.Lost)
		}
		old, rules := record.Fields{record.RecordImage: "sha256:" + record.Value(strings.Repeat("b", 64))}, rules
		rules.Policy.Winner = reconcile.CRMWins
		s = reconcile.Plan(rules, []reconcile.Item{{
			Pair: &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", State: reconcile.Synced, Base: all(old)},
			Ours: ours(all(record.Fields{record.RecordImage: ""})), Theirs: theirs(all(record.Fields{record.RecordImage: photo})),
		}})[0]
		if s.Verb != reconcile.Adopt || len(s.Lost) != 1 || s.Lost[0].Value != photo {
			t.Errorf("wins over another one in Outlook, of which nothing is told: %s, lost %v", s.Verb, s.Lost)
		}
	})
	t.Run("a photo in Outlook that cannot be looked at", func(t *testing.T) {
		rules := rules
		rules.Fields = append(slices.Clone(rules.Fields), record.RecordImage)
		s := reconcile.Plan(rules, []reconcile.Item{{
			Pair:   &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", State: reconcile.Synced, Base: all(record.Fields{record.RecordImage: ""})},
			Ours:   ours(all(record.Fields{record.RecordImage: "sha256:" + record.Value(strings.Repeat("a", 64)), record.Title: "CEO"})),
			Theirs: theirs(all(nil)),
		}})[0]
		if !s.Blind || len(s.ToMicrosoft) != 1 || s.ToMicrosoft[record.Title] != "CEO" {
			t.Errorf("is replaced: %v, blind %v", s.ToMicrosoft, s.Blind)
		}
		if s := plan(all(nil), ours(all(nil)), theirs(all(nil))); s.Blind {
			t.Error("and so is one of which nobody asks")
		}
	})
	t.Run("a day before Exchange's first", func(t *testing.T) {
		o, m := all(record.Fields{record.DateOfBirth: "1503-12-14"}), all(nil)
		s := plan(m, ours(o), theirs(m))
		if s.Verb != reconcile.Adopt {
			t.Fatalf("%s %v", s.Verb, s.ToMicrosoft)
		}
		agreed(t, s.Base, o, m)
	})
	t.Run("a name that the CRM cuts is whole at Microsoft", func(t *testing.T) {
		o := all(record.Fields{record.LastName: long[:160], record.FirstName: "Ana"})
		m := all(record.Fields{record.LastName: long, record.FirstName: "Ana"})
		s := plan(all(record.Fields{record.FirstName: "Ana"}), ours(all(record.Fields{record.FirstName: "Ana"})), theirs(m))
		if s.ToCRM[record.LastName] != long[:160] {
			t.Fatalf("%s %v", s.Verb, s.ToCRM)
		}
		base := s.Base.With(s.ToCRM).With(s.Apart)
		agreed(t, base, o, m)
		s = plan(base, ours(o.With(record.Fields{record.FirstName: "Bia"})), nil)
		if len(s.ToMicrosoft) != 1 || s.ToMicrosoft[record.FirstName] != "Bia" {
			t.Errorf("the given name edited in the CRM: %v", s.ToMicrosoft)
		}
	})
	t.Run("forgotten with its mapping", func(t *testing.T) {
		if got := reconcile.Forget(record.Fields{"Email": "", "crm:Email": "x", "Title": ""}, []record.Field{"Email"}); len(got) != 1 {
			t.Error(got)
		}
	})
}

// TestC1_DeathWhileSomethingDoesNotFit kills the process at every effect of runs that bring what does not fit, and again at
// those of the run that recovers. Nothing is cleared, cut a second time or made twice, and a deletion is one afterwards.
func TestC1_DeathWhileSomethingDoesNotFit(t *testing.T) {
	t.Parallel()
	const odd = `"a,b"@c.example` // which the CRM takes and Exchange doesn't
	long := record.Value(strings.Repeat("x", 300))
	story := func(w *world) {
		was := w.insert("was", record.Fields{record.EmailField: "was@c.example"})
		w.folder.Put("", record.Fields{"jobTitle": "edited", "surname": "Edited"})
		w.settle()
		w.insert("odd", record.Fields{record.EmailField: odd})
		w.edit(was, record.Fields{record.EmailField: odd, record.Mobile: "1"})
		w.folder.Put("", record.Fields{"jobTitle": "long", "surname": long, "businessAddress.street": long})
		w.folder.Put(w.ref("edited"), record.Fields{"businessAddress.street": long, "department": "D"})
	}
	picture := func(w *world) string {
		out := ""
		items := w.items()
		for key, records := range w.live() {
			must(t, len(records), 1, key+" in the CRM")
			must(t, len(items[key]), 1, key+" at Microsoft")
		}
		for _, key := range []string{"odd", "was", "long", "edited"} {
			for _, f := range []record.Field{record.LastName, record.EmailField, record.MailingStreet, record.Mobile, record.Department} {
				out += string(w.live()[key][0].Fields[f]) + "|" + string(items[key][0][f]) + "\n"
			}
		}
		return out
	}
	whole := newWorld(t)
	story(whole)
	start := whole.effects
	whole.settle()
	effects, want := whole.effects-start, picture(whole)
	if !strings.Contains(want, odd+"|\n") || !strings.Contains(want, odd+"|was@c.example\n") || !strings.Contains(want, "|"+string(long)+"\n") {
		t.Fatalf("the story ends as\n%s", want)
	}
	for first := range effects {
		for second := -1; second < effects; second++ {
			w := newWorld(t)
			story(w)
			w.plug = first
			_ = w.run()
			w.plug = second
			_ = w.run()
			w.plug = -1
			w.settle()
			must(t, picture(w), want, "both sides")
			must(t, w.folder.Creates, whole.folder.Creates, "creates at Microsoft")
			must(t, w.ledger.Link(1).Failing, 0, "failing")
			if second < 0 {
				w.folder.Delete(w.ref("odd"))
				w.folder.Delete(w.ref("was"))
				w.bin(w.live()["long"][0].ID)
				w.settle()
				must(t, len(w.live())+len(w.items()), 2, "records after deletions")
			}
			if t.Failed() {
				t.Fatalf("killed at effect %d, then at %d", first, second)
			}
		}
	}
}
