package reconcile_test

import (
	"maps"
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
