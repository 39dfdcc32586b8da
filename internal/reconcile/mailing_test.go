package reconcile

import (
	"testing"
	"time"

	"tandem/internal/record"
)

// TestD4_WordsAreForWhatPeopleDid: whom a step would mail is counted, and nothing that sync does by itself has a word for it.
func TestD4_WordsAreForWhatPeopleDid(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	word := &record.Agreement{ID: "1", People: []string{"lee@contoso.example", "megan@contoso.example"}, At: now}
	off := &record.Agreement{ID: "2", People: word.People, Removes: true, At: now}
	pair := &Pair{ID: 1, Base: record.Fields{record.Attendees: record.Attendance{People: []record.Attendee{{Address: "Megan@contoso.example"}}}.Value()}}
	by := func(a *record.Agreement) *record.Change { return &record.Change{Meta: record.Meta{Agreed: a}} }
	text := record.Fields{record.Venue: "Sala 2"}
	invites := record.Fields{record.Participants: record.Invited("Lee <lee@contoso.example>")}
	lee := &record.Change{Fields: record.Fields{record.Attendees: record.Attendance{People: []record.Attendee{{Address: "lee@contoso.example"}}}.Value()}}
	nobody := &record.Change{Fields: record.Fields{record.Attendees: ""}}
	called := *pair
	called.Ask = &Ask{Mails: []string{"megan@contoso.example"}, Of: "7", Agreed: &record.Agreement{ID: "3", People: []string{"megan@contoso.example"}, Removes: true, At: now}}
	of := func(version record.Version) *record.Change { return &record.Change{Version: version} }
	settled := Link{Kind: record.Calendar, State: On, Settled: true}
	first, ending := settled, settled
	first.Settled, ending.State = false, Switching
	for name, c := range map[string]struct {
		link Link
		step Step
		n    int
		may  bool
	}{
		"nobody is invited":           {settled, Step{Verb: Merge, Item: Item{Pair: &Pair{}, Ours: by(nil)}, ToMicrosoft: text}, 0, true},
		"only the CRM is written":     {settled, Step{Verb: Merge, Item: Item{Pair: pair, Ours: by(nil)}, ToCRM: text}, 0, true},
		"no word":                     {settled, Step{Verb: Merge, Item: Item{Pair: pair, Ours: by(nil)}, ToMicrosoft: text}, 1, false},
		"a word":                      {settled, Step{Verb: Merge, Item: Item{Pair: pair, Ours: by(word)}, ToMicrosoft: text}, 1, true},
		"a word, and one more":        {settled, Step{Verb: Merge, Item: Item{Pair: pair, Ours: by(word)}, ToMicrosoft: invites}, 2, true},
		"what is put back":            {settled, Step{Verb: Merge, Item: Item{Pair: pair}, ToMicrosoft: text}, 1, false},
		"a first sync":                {first, Step{Verb: CreateMicrosoft, Item: Item{Ours: by(word)}, ToMicrosoft: invites}, 1, false},
		"a new event":                 {settled, Step{Verb: CreateMicrosoft, Item: Item{Ours: by(word)}, ToMicrosoft: invites}, 1, true},
		"a deletion":                  {settled, Step{Verb: DeleteMicrosoft, Why: DeletedCRM, Item: Item{Pair: pair, Ours: by(off)}}, 1, true},
		"a word to something else":    {settled, Step{Verb: DeleteMicrosoft, Why: DeletedCRM, Item: Item{Pair: pair, Ours: by(word)}}, 1, false},
		"a switch-off":                {ending, Step{Verb: DeleteMicrosoft, Why: SwitchedOff, Item: Item{Pair: pair, Ours: by(off)}}, 1, false},
		"a word said later":           {settled, Step{Verb: DeleteMicrosoft, Why: DeletedCRM, Item: Item{Pair: &called, Ours: of("7")}}, 1, true},
		"to a change of hands":        {settled, Step{Verb: DeleteMicrosoft, Why: OwnerChanged, Item: Item{Pair: &called, Ours: of("7")}}, 1, true},
		"said of it as it was":        {settled, Step{Verb: DeleteMicrosoft, Why: DeletedCRM, Item: Item{Pair: &called, Ours: of("8")}}, 1, false},
		"said later, to others":       {settled, Step{Verb: DeleteMicrosoft, Why: DeletedCRM, Item: Item{Pair: &called, Ours: of("7"), Theirs: lee}}, 1, false},
		"said later, and ending":      {ending, Step{Verb: DeleteMicrosoft, Why: DeletedCRM, Item: Item{Pair: &called, Ours: of("7")}}, 1, false},
		"a deletion by sync":          {settled, Step{Verb: DeleteMicrosoft, Why: OneWayOnly, Item: Item{Pair: pair, Ours: by(off)}}, 1, false},
		"what Microsoft tells counts": {settled, Step{Verb: Merge, Item: Item{Pair: pair, Ours: by(nil), Theirs: nobody}, ToMicrosoft: text}, 0, true},
	} {
		if people, may := c.step.mailed(&c.link, !c.link.Settled, now); len(people) != c.n || may != c.may {
			t.Errorf("%s: %v, %t", name, people, may)
		}
	}
}

// TestD4_AWordToADeletionIsForThosePeopleAndThatDeletion: an answer counts for the question that was shown, and not beyond its time.
func TestD4_AWordToADeletionIsForThosePeopleAndThatDeletion(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	word := func(of record.Version, at time.Time, people ...string) *Ask {
		return &Ask{Of: of, Agreed: &record.Agreement{ID: "1", People: people, Removes: true, At: at}}
	}
	for name, c := range map[string]struct {
		answer *Ask
		counts bool
	}{
		"a yes":                {word("7", now, "lee@x.example", "megan@x.example"), true},
		"about others":         {word("7", now, "lee@x.example"), false},
		"about another change": {word("6", now, "lee@x.example", "megan@x.example"), false},
		"four days ago":        {word("7", now.Add(-96*time.Hour), "lee@x.example", "megan@x.example"), false},
		"nothing":              {&Ask{Of: "7"}, false},
		"an answer to a match": {&Ask{Of: "7", New: true}, false},
	} {
		p := Pair{State: Parked, Ask: &Ask{Mails: []string{"lee@x.example", "megan@x.example"}, Of: "7"}}
		if !p.Ask.Open() {
			t.Fatal("it is no question")
		}
		if got := p.Answer(c.answer, now); got != c.counts || p.Ask.Open() == c.counts {
			t.Errorf("%s: counts %t, still open %t", name, got, p.Ask.Open())
		}
	}
}
