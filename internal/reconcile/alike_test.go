package reconcile_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// forms are texts that say the same.
var forms = map[record.Field][]record.Value{
	record.EmailField:     {"kim.lee@x.example", "Kim.Lee@x.example", "KIM.LEE@X.EXAMPLE", " kim.Lee@x.example "},
	record.SecondaryEmail: {"kim@office.example", "KIM@office.example", "Kim@Office.Example"},
	record.Mobile:         {"+55 11 98765-4321", "(11) 98765-4321", "11987654321", "011 98765 4321", "11 98765-4321 "},
	record.PhoneField:     {"+55 11 3333-4444 ramal 12", "(11) 3333-4444 ramal 12", "1133334444 x12"},
}

// What the two sides write in two forms is agreed on: whatever the policy, nobody is asked, nothing is written and nothing
// lost, each side keeps its own form, and a person who changes the form on one side is heard.
func TestI10_AlikeInTwoFormsIsNoConflict(t *testing.T) {
	t.Parallel()
	partner := map[record.Field]record.Field{}
	for _, row := range mapping.Default(record.Contacts).Rows {
		partner[row.CRM] = row.Microsoft
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		winner := rapid.SampledFrom([]reconcile.Winner{reconcile.LaterWins, reconcile.MicrosoftWins, reconcile.CRMWins, reconcile.AskPerson}).Draw(rt, "policy")
		w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Winner = winner })
		draw := func(side string, field record.Field) record.Value {
			return rapid.SampledFrom(forms[field]).Draw(rt, side+" "+string(field))
		}
		ours, theirs := record.Fields{}, record.Fields{"surname": "Family k", "jobTitle": "k"}
		for _, f := range mapping.Default(record.Contacts).Fields() {
			if forms[f] != nil {
				ours[f], theirs[partner[f]] = draw("CRM", f), draw("Outlook", f)
			}
		}
		id := w.insert("k", ours)
		ref := w.folder.Put("", theirs)
		crmWrites, writes := w.store.Writes(), w.folder.Writes
		later := rapid.SampledFrom([]string{"just paired", "both edited"}).Draw(rt, "when")
		if later == "both edited" {
			w.settle()
			ours, theirs = record.Fields{}, record.Fields{}
			for f := range forms {
				ours[f], theirs[partner[f]] = draw("CRM later", f), draw("Outlook later", f)
			}
			w.edit(id, ours)
			w.folder.Put(ref, theirs)
			crmWrites, writes = w.store.Writes(), w.folder.Writes
		}
		held, there := w.live()["k"][0].Fields, w.folder.Items()[ref]
		w.settle()
		if later == "just paired" && (w.store.Writes() != crmWrites || w.folder.Writes != writes) {
			rt.Fatalf("%d writes to the CRM and %d to Outlook", w.store.Writes()-crmWrites, w.folder.Writes-writes)
		}
		for f := range forms {
			oursIs, theirsIs := w.live()["k"][0].Fields[f], w.folder.Items()[ref][partner[f]]
			bothKept := oursIs == held[f] && theirsIs == there[partner[f]]
			if oneFollowed := strings.TrimSpace(string(oursIs)) == strings.TrimSpace(string(theirsIs)); !bothKept && (later == "just paired" || !oneFollowed) {
				rt.Errorf("%s was %q and %q and is %q and %q", f, held[f], there[partner[f]], oursIs, theirsIs)
			}
		}
		pairs := w.ledger.All(1)
		if len(pairs) != 1 || pairs[0].State != reconcile.Synced || pairs[0].Ask != nil || pairs[0].Reason != "" || len(w.lost()) > 0 {
			rt.Errorf("pairs %+v, lost %v", pairs, w.lost())
		}
		before := w.writes()
		if err := w.run(); err != nil || w.writes() != before {
			rt.Fatalf("the next run: %v, %d writes", err, w.writes()-before)
		}

		f := rapid.SampledFrom([]record.Field{record.EmailField, record.SecondaryEmail, record.Mobile, record.PhoneField}).Draw(rt, "field")
		other := map[bool]record.Value{true: "else@x.example", false: "+1 212 555 0100"}[strings.HasSuffix(string(f), "mail")]
		value := rapid.SampledFrom(append([]record.Value{other, ""}, forms[f]...)).Draw(rt, "value")
		if rapid.Bool().Draw(rt, "in the CRM") {
			w.edit(id, record.Fields{f: value})
		} else {
			w.folder.Put(ref, record.Fields{partner[f]: value})
		}
		w.settle()
		w.alike()
		now := w.live()["k"][0].Fields[f]
		def, _ := record.DefOf(record.Contacts, f)
		if !mapping.Alike(def.Type, record.Value(strings.TrimSpace(string(now))), record.Value(strings.TrimSpace(string(value))), "BR") || len(w.lost()) > 0 {
			rt.Errorf("%s is %q after a person wrote %q, lost %v", f, now, value, w.lost())
		}
	})
}

// What says more in one of two forms is no mere form: an extension, another number, an address that only one side has.
func TestI1_WhatSaysMoreIsNotAlike(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		field        record.Field
		ours, theirs record.Value
	}{
		{record.PhoneField, "+55 11 3333-4444", "+55 11 3333-4444 ramal 12"},
		{record.PhoneField, "11 3333-4444 ramal 12", "+55 11 3333-4444 ramal 13"},
		{record.PhoneField, "12345", "12346"},
		{record.EmailField, "kim@x.example", "kim@y.example"},
		{record.Department, "Legal", "legal"},
	} {
		rules := reconcile.Rules{User: adele, Kind: record.Contacts, Fields: []record.Field{row.field}, Policy: reconcile.Policy{Winner: reconcile.AskPerson}}
		item := reconcile.Item{
			Pair:   &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", Base: record.Fields{row.field: "was"}, State: reconcile.Synced},
			Ours:   &record.Change{Ref: "1", Fields: record.Fields{row.field: row.ours}, Meta: record.Meta{Owner: adele}},
			Theirs: &record.Change{Ref: "A", Fields: record.Fields{row.field: row.theirs}},
		}
		if step := reconcile.Plan(rules, []reconcile.Item{item})[0]; step.Ask == nil {
			t.Errorf("%s: %q and %q are no question", row.field, row.ours, row.theirs)
		}
	}
}

// Two forms are no difference that anybody is told of, and none that keeps a folder in Outlook.
func TestS36_TwoFormsDoNotHoldTheFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("k", record.Fields{record.EmailField: "kim@x.example", record.Mobile: "11 98765-4321"})
	w.folder.Put("", contact("k", "KIM@x.example").With(record.Fields{"mobilePhone": "+55 11 98765-4321"}))
	w.settle()
	must(t, w.ledger.All(1)[0].Reason, fault.Reason(""), "what the record says")
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.removed, 1, "folders removed")
	must(t, string(w.live()["k"][0].Fields[record.EmailField]), "kim@x.example", "the CRM's form")
}
