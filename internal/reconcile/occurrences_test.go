package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tandem/internal/record"
)

// Always, for every state that one occurrence can have in the base and on either side: alike stays alike; what one side alone
// has changed is taken; and what gives way stands among what was lost.
func TestI4_OccurrencesAreMergedByDayAndField(t *testing.T) {
	t.Parallel()
	venue := func(v record.Value) map[record.Field]record.Fields {
		return map[record.Field]record.Fields{record.Venue: {record.Venue: v}}
	}
	states := []doing{{}, {own: venue("A")}, {own: venue("B")}, {own: venue("")}, {out: true}}
	same := func(a, b doing) bool {
		return a.out == b.out && (a.out || equal(a.own[record.Venue], b.own[record.Venue]))
	}
	for _, base := range states {
		for _, ours := range states {
			for _, theirs := range states {
				for _, wins := range []Where{InCRM, InMicrosoft, ""} {
					for _, known := range []bool{true, false} {
						if !known && !same(base, doing{}) {
							continue
						}
						name := fmt.Sprintf("base %v, ours %v, theirs %v, %s wins, known %v", base, ours, theirs, wins, known)
						m := merger{
							base: doings{"d": base}, ours: doings{"d": ours, "c": states[1]}, theirs: doings{"d": theirs, "t": states[2]},
							known: known, wins: func() Where { return wins },
						}
						m.run()
						is := m.merged["d"]
						if !same(m.merged["c"], states[1]) || !same(m.merged["t"], states[2]) {
							t.Fatalf("%s: other days became %v", name, m.merged)
						}
						switch {
						case same(ours, theirs):
							if !same(is, ours) {
								t.Errorf("%s: became %v", name, is)
							}
						case same(ours, base) && known:
							if !same(is, theirs) {
								t.Errorf("%s: became %v, only theirs has changed", name, is)
							}
						case same(theirs, base) && known:
							if !same(is, ours) {
								t.Errorf("%s: became %v, only ours has changed", name, is)
							}
						case theirs.out && !base.out:
							if !is.out {
								t.Errorf("%s: became %v, and Graph cannot bring it back", name, is)
							}
						}
						if m.ask && (wins != "" || ours.out || theirs.out) {
							t.Errorf("%s: a person is asked", name)
						}
						for where, side := range map[Where]doing{InCRM: ours, InMicrosoft: theirs} {
							value := side.own[record.Venue]
							gone := value != nil && !side.out && !equal(value, base.own[record.Venue]) && (is.out || !equal(is.own[record.Venue], value))
							if kept := m.lost[where]["d"].own[record.Venue]; gone && !m.ask && !equal(kept, value) {
								t.Errorf("%s: %v of %s became %v, and is not among what was lost: %v", name, value, where, is, m.lost)
							}
						}
					}
				}
			}
		}
	}
}

// Two people leave out and change different occurrences, and a third moves the series: everybody's work is on both sides.
func TestI4_WhatBothSidesDoToASeries(t *testing.T) {
	t.Parallel()
	fields := record.Fields{
		record.EventTitle: "S", record.Start: "2026-03-02T12:00:00Z", record.End: "2026-03-02T13:00:00Z", record.AllDay: "false",
		record.TimeZone: "America/Sao_Paulo", record.Recurring: "FREQ=DAILY;COUNT=20", record.Excluded: "2026-03-03", record.Changed: `{"2026-03-04":{"Venue":"B"}}`,
		record.Venue: "A",
	}
	rules := Rules{User: 1, Kind: record.Calendar, Policy: Policy{Winner: CRMWins}}
	for name := range fields {
		rules.Fields = append(rules.Fields, name)
	}
	base := rules.normal(fields)
	change := func(edit record.Fields) *record.Change {
		return &record.Change{Ref: "r", State: record.Present, Fields: fields.With(edit), Meta: record.Meta{Owner: 1}}
	}
	dayLater := record.Fields{record.Start: "2026-03-03T12:00:00Z", record.End: "2026-03-03T13:00:00Z"}
	for _, c := range []struct {
		name               string
		ours, theirs       record.Fields
		excluded, changed  record.Value
		toCRM, toMicrosoft bool
		lost               int
		winner             Winner // "": the CRM
	}{
		{"different days", record.Fields{record.Excluded: "2026-03-03,2026-03-05"}, record.Fields{record.Excluded: "2026-03-03,2026-03-06"}, "2026-03-03,2026-03-05,2026-03-06", `{"2026-03-04":{"Venue":"B"}}`, true, true, 0, ""},
		{"different fields of one", record.Fields{record.Changed: `{"2026-03-04":{"Event_Title":"X","Venue":"B"}}`}, record.Fields{record.Changed: `{"2026-03-04":{"Venue":"C"}}`}, "2026-03-03", `{"2026-03-04":{"Event_Title":"X","Venue":"C"}}`, true, true, 0, ""},
		{"the same field of one", record.Fields{record.Changed: `{"2026-03-04":{"Venue":"D"}}`}, record.Fields{record.Changed: `{"2026-03-04":{"Venue":"C"}}`}, "2026-03-03", `{"2026-03-04":{"Venue":"D"}}`, false, true, 1, ""},
		{"deleted there, changed here", record.Fields{record.Changed: `{"2026-03-04":{"Venue":"D"}}`}, record.Fields{record.Excluded: "2026-03-03,2026-03-04", record.Changed: ""}, "2026-03-03,2026-03-04", "", true, false, 1, ""},
		{"left out here, changed there", record.Fields{record.Excluded: "2026-03-03,2026-03-04", record.Changed: ""}, record.Fields{record.Changed: `{"2026-03-04":{"Venue":"C"}}`}, "2026-03-03", `{"2026-03-04":{"Venue":"C"}}`, true, false, 1, ""},
		{"cut off after the times were written", record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z"},
			record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z", record.Excluded: "", record.Changed: ""}, "2026-03-03", `{"2026-03-04":{"Venue":"B"}}`, false, true, 0, ""},
		{"other times there: what Exchange dropped is dropped here", nil,
			record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z", record.Excluded: "", record.Changed: ""}, "", "", true, false, 0, ""},
		{"other times on both sides: what may have been dropped by a run that died is kept", record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z"},
			record.Fields{record.Start: "2026-03-02T16:00:00Z", record.End: "2026-03-02T17:00:00Z", record.Excluded: "", record.Changed: ""}, "2026-03-03", `{"2026-03-04":{"Venue":"B"}}`, false, true, 0, MicrosoftWins},
		{"another rule here, which has the day that is left out, gives way to the one there", record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z", record.Recurring: "FREQ=DAILY;COUNT=8", record.Excluded: "", record.Changed: ""},
			record.Fields{record.Start: "2026-03-02T16:00:00Z", record.End: "2026-03-02T17:00:00Z", record.Changed: ""}, "2026-03-03", "", true, false, 0, MicrosoftWins},
		{"another rule here, an occurrence deleted there that it no longer has", record.Fields{record.Recurring: "FREQ=DAILY;INTERVAL=2;COUNT=20", record.Excluded: ""},
			record.Fields{record.Excluded: "2026-03-03,2026-03-05"}, "", `{"2026-03-04":{"Venue":"B"}}`, false, true, 0, ""},
		{"another rule here, changed there on a day that it no longer has", record.Fields{record.Recurring: "FREQ=DAILY;INTERVAL=2;COUNT=20", record.Excluded: ""},
			record.Fields{record.Changed: `{"2026-03-04":{"Venue":"B"},"2026-03-05":{"Venue":"C"}}`}, "", `{"2026-03-04":{"Venue":"B"}}`, false, true, 1, ""},
		{"another rule there, changed here on a day that it no longer has", record.Fields{record.Changed: `{"2026-03-04":{"Venue":"B"},"2026-03-05":{"Venue":"C"}}`},
			record.Fields{record.Recurring: "FREQ=DAILY;INTERVAL=2;COUNT=20", record.Excluded: "", record.Changed: ""}, "", "", true, false, 1, ""},
		{"a single event there, changed here", record.Fields{record.Changed: `{"2026-03-04":{"Venue":"D"}}`},
			record.Fields{record.Recurring: "", record.Excluded: "", record.Changed: ""}, "", "", true, false, 1, ""},
		{"a day later here, changed there: it is the same occurrence", dayLater.With(record.Fields{record.Excluded: "2026-03-04", record.Changed: `{"2026-03-05":{"Venue":"B"}}`}),
			record.Fields{record.Changed: `{"2026-03-04":{"Venue":"C"},"2026-03-06":{"Venue":"E"}}`}, "2026-03-04", `{"2026-03-05":{"Venue":"C"},"2026-03-07":{"Venue":"E"}}`, true, true, 0, ""},
		{"a day later here, deleted there", dayLater.With(record.Fields{record.Excluded: "2026-03-04", record.Changed: `{"2026-03-05":{"Venue":"B"}}`}),
			record.Fields{record.Excluded: "2026-03-03,2026-03-06"}, "2026-03-04,2026-03-07", `{"2026-03-05":{"Venue":"B"}}`, true, true, 0, ""},
		{"a day later there, changed here", record.Fields{record.Changed: `{"2026-03-04":{"Venue":"D"}}`},
			dayLater.With(record.Fields{record.Excluded: "", record.Changed: ""}), "", `{"2026-03-05":{"Venue":"D"}}`, true, true, 0, ""},
		{"a day later here, moved there: it would lie on its neighbour's day", dayLater.With(record.Fields{record.Excluded: "", record.Changed: ""}),
			record.Fields{record.Excluded: "2026-03-03", record.Changed: `{"2026-03-05":{"End_DateTime":"2026-03-05T16:00:00Z","Start_DateTime":"2026-03-05T15:00:00Z","Venue":"F"}}`}, "", `{"2026-03-06":{"Venue":"F"}}`, true, true, 1, ""},
		{"other times here that lose have taken nothing back", record.Fields{record.Recurring: "FREQ=WEEKLY;BYDAY=MO;COUNT=3", record.Excluded: "", record.Changed: ""},
			record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z"}, "2026-03-03", `{"2026-03-04":{"Venue":"B"}}`, true, false, 0, MicrosoftWins},
		{"other times on both sides: what may have been dropped by a run that died, and has no day any more, is in the history", record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z"},
			record.Fields{record.Start: "2026-03-02T16:00:00Z", record.End: "2026-03-02T17:00:00Z", record.Recurring: "FREQ=WEEKLY;BYDAY=MO;COUNT=3", record.Excluded: "", record.Changed: ""}, "", "", true, false, 1, MicrosoftWins},
		{"other times here, and an occurrence deleted there before Microsoft was told anew of what it had", record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z"},
			record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z", record.Excluded: "2026-03-04", record.Changed: ""}, "2026-03-03,2026-03-04", "", true, true, 1, ""},
		{"other times on both sides, and changed there on a day that was left out before: it takes place", record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z"},
			record.Fields{record.Start: "2026-03-02T16:00:00Z", record.End: "2026-03-02T17:00:00Z", record.Excluded: "", record.Changed: `{"2026-03-03":{"Venue":"C"}}`},
			"", `{"2026-03-03":{"Venue":"C"},"2026-03-04":{"Venue":"B"}}`, true, true, 0, MicrosoftWins},
		{"other times here, and a field of an occurrence typed there before Microsoft was told anew what stood in it", record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z"},
			record.Fields{record.Start: "2026-03-02T14:00:00Z", record.End: "2026-03-02T15:00:00Z", record.Excluded: "", record.Changed: `{"2026-03-04":{"Venue":"C"}}`}, "2026-03-03", `{"2026-03-04":{"Venue":"C"}}`, true, true, 1, ""},
		{"left out here, and another one moved to its day; changed there, so that it takes place", record.Fields{record.Excluded: "2026-03-03,2026-03-05", record.Changed: `{"2026-03-04":{"End_DateTime":"2026-03-05T16:00:00Z","Start_DateTime":"2026-03-05T15:00:00Z","Venue":"B"}}`},
			record.Fields{record.Changed: `{"2026-03-04":{"Venue":"B"},"2026-03-05":{"Venue":"C"}}`}, "2026-03-03", `{"2026-03-04":{"Venue":"B"},"2026-03-05":{"Venue":"C"}}`, true, false, 2, ""},
		{"all brought to earlier days here, and the first one moved there, which would lie beyond the next one now: the one between them is left out",
			record.Fields{record.Start: "2026-02-28T12:00:00Z", record.End: "2026-02-28T13:00:00Z", record.Excluded: "2026-03-01", record.Changed: `{"2026-03-02":{"Venue":"B"}}`},
			record.Fields{record.Changed: `{"2026-03-02":{"End_DateTime":"2026-03-02T16:00:00Z","Start_DateTime":"2026-03-02T15:00:00Z"},"2026-03-04":{"Venue":"B"}}`},
			"2026-03-01", `{"2026-03-02":{"Venue":"B"}}`, false, true, 1, ""},
		{"two moved to the day of one that both have left out", record.Fields{record.Excluded: "2026-03-03,2026-03-06", record.Changed: `{"2026-03-04":{"Venue":"B"},"2026-03-05":{"End_DateTime":"2026-03-06T16:00:00Z","Start_DateTime":"2026-03-06T15:00:00Z"}}`},
			record.Fields{record.Excluded: "2026-03-03,2026-03-06", record.Changed: `{"2026-03-04":{"Venue":"B"},"2026-03-07":{"End_DateTime":"2026-03-06T18:00:00Z","Start_DateTime":"2026-03-06T17:00:00Z"}}`},
			"2026-03-03,2026-03-06", `{"2026-03-04":{"Venue":"B"},"2026-03-05":{"End_DateTime":"2026-03-06T16:00:00Z","Start_DateTime":"2026-03-06T15:00:00Z"}}`, false, true, 1, ""},
	} {
		rules.Policy.Winner = cmp.Or(c.winner, CRMWins)
		step := Plan(rules, []Item{{Pair: &Pair{ID: 1, CRM: "r", Microsoft: "m", State: Synced, Base: base}, Ours: change(c.ours), Theirs: change(c.theirs)}})[0]
		ours, theirs := rules.normal(fields.With(c.ours).With(step.ToCRM)), rules.normal(fields.With(c.theirs).With(step.ToMicrosoft))
		for side, is := range map[string]record.Fields{"the CRM": ours, "Microsoft": theirs} {
			if is[record.Excluded] != c.excluded || is[record.Changed] != c.changed {
				t.Errorf("%s: %s has %s and %s, want %s and %s", c.name, side, is[record.Excluded], is[record.Changed], c.excluded, c.changed)
			}
		}
		wrote := func(f record.Fields) bool {
			_, a := f[record.Excluded]
			_, b := f[record.Changed]
			return a || b
		}
		if wrote(step.ToCRM) != c.toCRM || wrote(step.ToMicrosoft) != c.toMicrosoft || occurrencesLost(step.Lost) != c.lost {
			t.Errorf("%s: to the CRM %v, to Microsoft %v, lost %v", c.name, step.ToCRM, step.ToMicrosoft, step.Lost)
		}
	}
}

// The CRM moves a series and ends it sooner, and somebody has moved two of its occurrences in Outlook: one has no room at the new times, and the
// other no day. Both are called by the same day, one of the old times and one of the new: both are in the history.
func TestI1_WhatIsLostOfOldAndNewTimesStandsApart(t *testing.T) {
	t.Parallel()
	base := record.Fields{
		record.EventTitle: "S", record.Start: "2026-03-02T12:00:00Z", record.End: "2026-03-02T13:00:00Z", record.AllDay: "false",
		record.TimeZone: "UTC", record.Recurring: "FREQ=DAILY;COUNT=8", record.Excluded: "", record.Changed: "",
	}
	rules := Rules{User: 1, Kind: record.Calendar, Policy: Policy{Winner: CRMWins}, Fields: slices.Sorted(maps.Keys(base))}
	ours := base.With(record.Fields{record.Start: "2026-03-05T12:00:00Z", record.End: "2026-03-05T13:00:00Z", record.Recurring: "FREQ=DAILY;COUNT=4"})
	theirs := base.With(record.Fields{record.Changed: `{"2026-03-04":{"End_DateTime":"2026-03-04T16:00:00Z","Start_DateTime":"2026-03-04T15:00:00Z"},` +
		`"2026-03-07":{"End_DateTime":"2026-03-07T19:00:00Z","Start_DateTime":"2026-03-07T18:00:00Z"}}`})
	present := func(fields record.Fields) *record.Change {
		return &record.Change{Ref: "r", State: record.Present, Fields: rules.normal(fields), Meta: record.Meta{Owner: 1}}
	}
	step := Plan(rules, []Item{{Pair: &Pair{ID: 1, CRM: "r", Microsoft: "m", State: Synced, Base: rules.normal(base)}, Ours: present(ours), Theirs: present(theirs)}})[0]
	for _, at := range []string{"2026-03-04T15:00:00Z", "2026-03-07T18:00:00Z"} {
		if !slices.ContainsFunc(step.Lost, func(l Loss) bool { return strings.Contains(string(l.Value), at) }) {
			t.Errorf("%s is not among what is lost: %+v; Outlook gets %v", at, step.Lost, step.ToMicrosoft)
		}
	}
}

func occurrencesLost(all []Loss) (n int) {
	for _, l := range all {
		if l.Field == record.Excluded || l.Field == record.Changed {
			n++
		}
	}
	return n
}
