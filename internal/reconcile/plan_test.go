package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var threeFields = []record.Field{record.Department, record.Mobile, record.MailingCity}

// values are all ways in which three fields can hold three values.
func values() (out []record.Fields) {
	for i := range 27 {
		f := record.Fields{}
		for n, name := range threeFields {
			f[name] = record.Value([]string{"", "x", "y"}[[]int{i % 3, i / 3 % 3, i / 9}[n]])
		}
		out = append(out, f)
	}
	return out
}

// place is a side of the small world: not there, deleted, or there with values.
type place struct {
	state  record.State
	fields record.Fields
}

func places() []place {
	out := []place{{state: record.Gone}}
	for _, v := range values() {
		out = append(out, place{fields: v})
	}
	return out
}

func (p place) change(ref record.Ref, at time.Time) *record.Change {
	return &record.Change{Ref: ref, State: p.state, Fields: p.fields, Modified: at, Meta: record.Meta{Owner: adele}}
}

// TestI10_AllSmallStates plans every state that one record with three fields of three values can be in on both sides
// and in the base: 21,952 of them. It does what the plan says and looks at the end.
func TestI10_AllSmallStates(t *testing.T) {
	t.Parallel()
	rules := reconcile.Rules{User: adele, Kind: record.Contacts, Fields: threeFields}
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	states := 0
	for _, base := range append(values(), nil) {
		for _, ours := range places() {
			for _, theirs := range places() {
				states++
				name := fmt.Sprintf("base %v, ours %v, theirs %v", base, ours, theirs)
				pair := &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", Base: base, State: reconcile.Synced}
				item := reconcile.Item{Pair: pair, Ours: ours.change("1", late), Theirs: theirs.change("A", early)}
				step := reconcile.Plan(rules, []reconcile.Item{item})[0]
				checkSmall(t, name, base, ours, theirs, step)
				if t.Failed() {
					return
				}
			}
		}
	}
	if states != 28*28*28 {
		t.Errorf("looked at %d states", states)
	}
}

func checkSmall(t *testing.T, name string, base record.Fields, ours, theirs place, step reconcile.Step) {
	t.Helper()
	gone := func(p place) bool { return p.state == record.Gone }
	changed := func(p place) bool { return base == nil || fmt.Sprint(p.fields) != fmt.Sprint(base) }
	want := reconcile.Verb("")
	switch {
	case gone(ours) && gone(theirs):
		want = reconcile.Drop
	case gone(ours) && changed(theirs):
		want = reconcile.RestoreCRM
	case gone(ours):
		want = reconcile.DeleteMicrosoft
	case gone(theirs) && changed(ours):
		want = reconcile.CreateMicrosoft
	case gone(theirs):
		want = reconcile.DeleteCRM
	}
	if want != "" {
		if step.Verb != want {
			t.Errorf("%s: got %s, want %s", name, step.Verb, want)
		}
		return
	}
	after, there := ours.fields.With(step.ToCRM), theirs.fields.With(step.ToMicrosoft)
	lost := map[record.Field]record.Value{}
	for _, l := range step.Lost {
		lost[l.Field] = l.Value
	}
	for _, f := range threeFields {
		o, m := ours.fields[f], theirs.fields[f]
		if after[f] != there[f] {
			t.Errorf("%s: %s ends as %q and %q", name, f, after[f], there[f])
		}
		_, isLost := lost[f]
		switch b, known := base[f]; {
		case o == m:
			if after[f] != o || isLost {
				t.Errorf("%s: %s was alike and ends as %q, lost %v", name, f, after[f], isLost)
			}
		case known && o == b:
			if after[f] != m || isLost {
				t.Errorf("%s: only Microsoft changed %s, yet it ends as %q, lost %v", name, f, after[f], isLost)
			}
		case known && m == b:
			if after[f] != o || isLost {
				t.Errorf("%s: only the CRM changed %s, yet it ends as %q, lost %v", name, f, after[f], isLost)
			}
		default: // both: ours is later, but without a base something beats nothing
			winner, loser := o, m
			if !known && o == "" {
				winner, loser = m, o
			}
			if after[f] != winner || isLost != (known || loser != "") || lost[f] != loser {
				t.Errorf("%s: %s ends as %q with %q lost, want %q and %q", name, f, after[f], lost[f], winner, loser)
			}
		}
	}
}

// TestPlan_GroupsGoTogether: a start without its end is nothing.
func TestPlan_GroupsGoTogether(t *testing.T) {
	t.Parallel()
	event := func(start, end, title string) record.Fields {
		return record.Fields{
			record.Start: record.Value(start), record.End: record.Value(end), record.EventTitle: record.Value(title),
			record.AllDay: "false", record.TimeZone: "America/Sao_Paulo",
		}
	}
	base := event("2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z", "Plan")
	base[record.TimeZone] = "E. South America Standard Time" // in normal form
	rules := reconcile.Rules{User: adele, Kind: record.Calendar, Fields: []record.Field{
		record.EventTitle, record.Start, record.End, record.AllDay, record.TimeZone,
	}}
	item := reconcile.Item{
		Pair:   &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", Base: base, State: reconcile.Synced},
		Ours:   &record.Change{Ref: "1", Fields: event("2026-11-24T12:00:00Z", "2026-11-24T14:00:00Z", "Plan"), Meta: record.Meta{Owner: adele}, Modified: time.Unix(2, 0)},
		Theirs: &record.Change{Ref: "A", Fields: event("2026-11-25T12:00:00Z", "2026-11-25T13:00:00Z", "Plan B"), Modified: time.Unix(1, 0)},
	}
	step := reconcile.Plan(rules, []reconcile.Item{item})[0]
	must(t, step.ToMicrosoft[record.Start], "2026-11-24T12:00:00Z", "start, won by the CRM with its end")
	must(t, step.ToMicrosoft[record.End], "2026-11-24T14:00:00Z", "end")
	must(t, step.ToCRM, record.Fields{record.EventTitle: "Plan B"}, "only the title goes to the CRM")
	must(t, len(step.Lost), 2, "values of the losing time: start and end")
}

// TestI4_WhatCannotBeToldIsNoDelete: a side that finds an item neither here nor gone makes it wait.
func TestI4_WhatCannotBeToldIsNoDelete(t *testing.T) {
	t.Parallel()
	pair := &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", Base: record.Fields{record.Department: "x"}, State: reconcile.Synced}
	for _, ours := range []*record.Change{nil, {Ref: "1", State: record.Gone}, {Ref: "1", Meta: record.Meta{Owner: adele}}} {
		item := reconcile.Item{Pair: pair, Ours: ours, Theirs: &record.Change{Ref: "A", State: record.Missing}}
		step := reconcile.Plan(reconcile.Rules{User: adele, Kind: record.Contacts, Fields: threeFields}, []reconcile.Item{item})[0]
		must(t, step.Verb, reconcile.Wait, fmt.Sprint("with ", ours))
	}
}
