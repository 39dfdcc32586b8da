package reconcile_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// asking makes a world in which a person decides conflicts, with one contact k whose department both sides changed.
func asking(t fataler) (*world, record.ID) {
	w := newWorld(t)
	w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Winner = reconcile.AskPerson })
	id := w.insert("k", record.Fields{record.Department: "base", record.Mobile: "1"})
	w.settle()
	w.edit(id, record.Fields{record.Department: "ours"})
	w.folder.Put(w.ref("k"), record.Fields{"department": "theirs", "homePhones[0]": "2"})
	return w, id
}

func (w *world) asked() []reconcile.Question {
	questions, err := w.ledger.Asks(context.Background(), org, 1, 0, 99)
	if err != nil {
		w.t.Fatalf("asks: %v", err)
	}
	return questions
}

func (w *world) take(side reconcile.Where, f record.Field) {
	w.t.Helper()
	answer := reconcile.Ask{Taken: map[record.Field]reconcile.Where{f: side}}
	if err := w.ledger.Decide(context.Background(), org, 1, w.ref("k"), answer); err != nil {
		w.t.Fatalf("decide: %v", err)
	}
}

func (w *world) departments() string {
	return fmt.Sprint(w.live()["k"][0].Fields[record.Department], " ", w.items()["k"][0][record.Department])
}

func TestS29_AConflictIsLeftToAPersonAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	for _, side := range []reconcile.Where{reconcile.InCRM, reconcile.InMicrosoft} {
		w, id := asking(t)
		w.settle()
		must(t, w.departments(), "ours theirs", "both sides while the question is open")
		must(t, w.live()["k"][0].Fields[record.HomePhone], "2", "the rest of the record")
		questions := w.asked()
		must(t, len(questions), 1, "questions")
		must(t, questions[0].Ask.Conflicts, []record.Field{record.Department}, "asked about")
		must(t, questions[0].Ask.Theirs, record.Fields{record.Department: "theirs"}, "what Outlook holds")
		before := w.writes()
		w.folder.Expire()
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
		must(t, w.writes()-before, 0, "writes while nothing happens")
		w.edit(id, record.Fields{record.Mobile: "3"})
		w.settle()
		must(t, w.departments(), "ours theirs", "both sides after another field was edited")
		must(t, w.items()["k"][0][record.Mobile], "3", "the other field")

		w.take(side, record.Department)
		must(t, len(w.asked()), 0, "questions after the decision")
		w.settle()
		winner, loser := "ours", record.Value("theirs")
		if side == reconcile.InMicrosoft {
			winner, loser = "theirs", "ours"
		}
		must(t, w.departments(), winner+" "+winner, "after the decision")
		must(t, w.lost()[loser], true, "the other value is in the history")
		w.alike()
		asked := 0
		for _, h := range w.ledger.History() {
			if h.Action == reconcile.Asked {
				asked++
			}
		}
		must(t, asked, 1, "lines that say a person must decide")
	}
}

func TestS29_AConflictThatDissolvesIsNoQuestion(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		settle func(w *world, id record.ID)
		want   string
	}{
		{"Outlook goes back", func(w *world, _ record.ID) { w.folder.Put(w.ref("k"), record.Fields{"department": "base"}) }, "ours ours"},
		{"the CRM goes back", func(w *world, id record.ID) { w.edit(id, record.Fields{record.Department: "base"}) }, "theirs theirs"},
		{"both alike", func(w *world, id record.ID) { w.edit(id, record.Fields{record.Department: "theirs"}) }, "theirs theirs"},
		{"another policy", func(w *world, _ record.ID) {
			policy := reconcile.Policy{Winner: reconcile.CRMWins}
			if err := w.ledger.ChangeSettings(context.Background(), org, 1, policy, mapping.Default(record.Contacts)); err != nil {
				t.Fatal(err)
			}
		}, "ours ours"},
	} {
		w, id := asking(t)
		w.settle()
		must(t, len(w.asked()), 1, "questions")
		row.settle(w, id)
		w.settle()
		must(t, w.departments(), row.want, row.name)
		must(t, len(w.asked()), 0, row.name+": questions")
		if strings.HasSuffix(row.name, "goes back") { // somebody typed that after the other value
			must(t, w.lost()["base"], true, row.name+": what it went back to is in the history")
		}
	}
}

func TestS29_DeletesWithAnOpenQuestion(t *testing.T) {
	t.Parallel()
	w, id := asking(t)
	w.settle()
	w.bin(id)
	w.settle()
	must(t, w.departments(), "theirs theirs", "what Outlook held beats the delete in the CRM")
	w, _ = asking(t)
	w.settle()
	w.folder.Delete(w.ref("k"))
	w.settle()
	must(t, w.departments(), "ours ours", "what the CRM held beats the delete in Outlook")
	must(t, len(w.asked()), 0, "questions")
}

func TestS29_SwitchingOffKeepsWhatWasAsked(t *testing.T) {
	t.Parallel()
	w, _ := asking(t)
	w.settle()
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.removed, 1, "containers removed")
	must(t, w.lost()["theirs"], true, "Outlook's value is in the history")
	must(t, w.live()["k"][0].Fields[record.Department], "ours", "the CRM")
}

// TestC1_DeathWhileSettingsAndQuestionsChange kills the process at every effect of a story in which a mapping changes under
// edits and a question is answered, and checks that it ends as if nothing had been.
func TestC1_DeathWhileSettingsAndQuestionsChange(t *testing.T) {
	t.Parallel()
	story := func(w *world, id record.ID) {
		w.settle()
		w.take(reconcile.InMicrosoft, record.Department)
		w.edit(id, record.Fields{record.Mobile: "7"})
		w.folder.Put(w.ref("k"), record.Fields{"nickName": "K", "homeAddress.city": "Lisbon"})
		w.insert("new", record.Fields{record.HomePhone: "8"})
		w.folder.Put("", record.Fields{"jobTitle": "o", "companyName": "Contoso", "mobilePhone": "9"})
		rows := []mapping.Row{
			{Microsoft: "jobTitle", CRM: record.Title},
			{Microsoft: "department", CRM: record.Department},
			{Microsoft: "homeAddress.city", CRM: record.MailingCity, Direction: mapping.ToCRM},
			{Microsoft: "homePhones[0]", CRM: record.Mobile, Direction: mapping.ToMicrosoft},
			{Microsoft: "companyName", CRM: record.AccountName},
		}
		table := &mapping.Table{Kind: record.Contacts, Rows: rows}
		if err := w.ledger.ChangeSettings(context.Background(), org, 1, reconcile.Policy{Winner: reconcile.CRMWins}, table); err != nil {
			t.Fatal(err)
		}
	}
	end := func(w *world) string {
		w.settle()
		out := ""
		for _, key := range []string{"k", "new", "o"} {
			must(t, fmt.Sprint(len(w.live()[key]), len(w.rawItems()[key])), "1 1", key)
			if !t.Failed() {
				out += fmt.Sprint(key, w.live()[key][0].Fields, w.rawItems()[key][0], "\n")
			}
		}
		return out
	}
	whole, id := asking(t)
	story(whole, id)
	start := whole.effects
	want := end(whole)
	effects := whole.effects - start
	if effects < 10 {
		t.Fatalf("only %d effects", effects)
	}
	for first := range effects {
		for second := -1; second < effects; second++ {
			w, id := asking(t)
			story(w, id)
			w.plug = first
			_ = w.run()
			w.plug = -1
			if second >= 0 {
				w.plug = second
				_ = w.run()
				w.plug = -1
			}
			if got := end(w); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			must(t, w.lost()["2"], true, "the number that Outlook had where the CRM's goes now is in the history")
			if t.Failed() {
				t.Fatalf("killed at effect %d, then at %d", first, second)
			}
		}
	}
}

// TestI10_SmallStatesOfOneWayAndAsked plans every state of one record with three fields of three values again: the first
// goes to Microsoft, the second to the CRM, and the third is a person's where both sides changed it.
func TestI10_SmallStatesOfOneWayAndAsked(t *testing.T) {
	t.Parallel()
	up, down, open := threeFields[0], threeFields[1], threeFields[2]
	rules := reconcile.Rules{
		User: adele, Kind: record.Contacts, Fields: threeFields, Policy: reconcile.Policy{Winner: reconcile.AskPerson},
		OneWay: map[record.Field]mapping.Direction{up: mapping.ToMicrosoft, down: mapping.ToCRM},
	}
	for _, base := range append(values(), nil) {
		for _, ours := range values() {
			for _, theirs := range values() {
				name := fmt.Sprintf("base %v, ours %v, theirs %v", base, ours, theirs)
				item := reconcile.Item{
					Pair:   &reconcile.Pair{ID: 1, CRM: "1", Microsoft: "A", Base: base, State: reconcile.Synced},
					Ours:   place{fields: ours}.change("1", time.Unix(2, 0)),
					Theirs: place{fields: theirs}.change("A", time.Unix(1, 0)),
				}
				step := reconcile.Plan(rules, []reconcile.Item{item})[0]
				after, there := ours.With(step.ToCRM), theirs.With(step.ToMicrosoft)
				lost := map[record.Field]record.Value{}
				for _, l := range step.Lost {
					lost[l.Field] = l.Value
				}
				oneWay := func(f record.Field, source, other, sourceNow, otherNow record.Value) {
					b, known := base[f]
					want := source
					if !known && source == "" {
						want = other
					}
					if sourceNow != source || otherNow != want {
						t.Errorf("%s: %s goes one way and ends as %q from %q", name, f, otherNow, sourceNow)
					}
					value, isLost := lost[f]
					edit := want != other && (known && other != b || !known && other != "")
					if isLost != edit || isLost && value != other {
						t.Errorf("%s: %s lost %q, %v", name, f, value, isLost)
					}
				}
				oneWay(up, ours[up], theirs[up], after[up], there[up])
				oneWay(down, theirs[down], ours[down], there[down], after[down])
				b, known := base[open]
				o, m := ours[open], theirs[open]
				conflict := o != m && (known && o != b && m != b || !known && o != "" && m != "")
				asked := step.Ask != nil
				if asked != conflict || asked && (len(step.Ask.Conflicts) != 1 || step.Ask.Conflicts[0] != open || step.Ask.Theirs[open] != m) {
					t.Errorf("%s: asked %+v", name, step.Ask)
				}
				if conflict && (after[open] != o || there[open] != m) || !conflict && after[open] != there[open] {
					t.Errorf("%s: %s ends as %q and %q", name, open, after[open], there[open])
				}
				if got, is := step.Base[open]; conflict && (got != b || is != known) {
					t.Errorf("%s: the base of a conflict moved from %q to %q", name, b, got)
				}
				if t.Failed() {
					return
				}
			}
		}
	}
}
