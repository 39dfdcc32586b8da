package crm

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// Scope says which occurrences of a series a change is about.
type Scope string

// The scopes, told from one occurrence.
const (
	OnlyThis  Scope = "this"      // that one
	Following Scope = "following" // that one and all later ones
	Whole     Scope = "all"
)

// A Revision is what a change makes of a series. All fields are complete.
type Revision struct {
	Fields record.Fields // of the record; nil: none of its occurrences is left, so it goes
	Fresh  record.Fields // of a second record, which has the later occurrences from now on; nil: none
	// Lost is what changed occurrences would no longer have of their own, by the day that they had in the series.
	Lost []record.Occurrence
}

// notOwn are the fields that an occurrence shares with its series whatever it has otherwise.
func notOwn(d record.Def) bool {
	return d.Name == record.Recurring || d.Name == record.Excluded || d.Name == record.Changed || d.Type == record.Zone
}

// Revise works out a change of a series. stored are its fields; day tells the occurrence from which the change was made, by
// its day in the series' rule. given are the fields that are to be otherwise, as people write them: those of that occurrence,
// or where day is "" (only with Whole) those of the series itself. home is the zone for times without one.
//
//   - OnlyThis gives the occurrence what differs from its series as its own.
//   - Following ends the series before the day; a second record goes on from there with the changes.
//   - Whole changes all: a new time shifts every occurrence by the same amount on the wall.
//
// Occurrences that were changed or left out before stay so, each at its place in the rule. Where a new rule has no such day,
// they are Lost. The fault is Invalid and names the field: what the CRM does not take, or that there is no such occurrence.
func Revise(schema *record.Schema, stored record.Fields, day string, scope Scope, given record.Fields, home string) (Revision, error) {
	stored = whole(schema, stored)
	s, here, err := occurrenceOf(stored, day, scope)
	if err != nil {
		return Revision{}, err
	}
	shown := alone(stored)
	if day != "" {
		shown = alone(here.Over(stored))
	}
	typed, said := given[record.Recurring]
	one := given.Clone()
	delete(one, record.Recurring)
	settled, err := check(schema, shown, one, home, true)
	if err != nil {
		return Revision{}, err
	}
	if scope == OnlyThis {
		return Revision{Fields: s.with(schema, stored, day, settled)}, nil
	}
	head, part := record.Fields(nil), stored
	if scope == Following {
		head, part = s.divide(stored, day)
	}
	p := piece{schema: schema, fields: part.Clone(), day: day, shown: shown, settled: settled}
	if err := p.change(typed, said); err != nil {
		return Revision{}, err
	}
	if head == nil {
		return Revision{Fields: p.fields, Lost: p.lost}, nil
	}
	return Revision{Fields: head, Fresh: p.fields, Lost: p.lost}, nil
}

// Cancel works out what is left of a series when occurrences are taken away: one, it and the later ones, or all.
func Cancel(stored record.Fields, day string, scope Scope) (Revision, error) {
	s, _, err := occurrenceOf(stored, day, scope)
	switch {
	case err != nil:
		return Revision{}, err
	case scope == Whole:
		return Revision{}, nil
	case scope == Following:
		head, _ := s.divide(stored, day)
		return Revision{Fields: head}, nil
	}
	s.excluded[day] = true
	if s.empty() {
		return Revision{}, nil
	}
	left := stored.Clone()
	left[record.Excluded] = excludedValue(s.excluded)
	left[record.Changed] = record.OccurrencesValue(without(s.changed, day))
	return Revision{Fields: left}, nil
}

// Part is the series that goes on from a day of it, as it would be a record of its own. False: it has no such day.
func Part(stored record.Fields, day string) (record.Fields, bool) {
	s, _, err := occurrenceOf(stored, day, Following)
	if err != nil {
		return nil, false
	}
	_, part := s.divide(stored, day)
	return part, true
}

// OccurrenceOn is the occurrence that a series has on a day of its rule. False: it has none there, or it is left out.
func OccurrenceOn(stored record.Fields, day string) (Occurrence, bool) {
	_, o, err := occurrenceOf(stored, day, OnlyThis)
	return o, err == nil
}

func occurrenceOf(stored record.Fields, day string, scope Scope) (s Series, o Occurrence, err error) {
	s, ok := SeriesOf(stored)
	switch {
	case !ok || !s.Repeats():
		return s, o, fault.Wrong(fault.BadValue, string(record.Recurring), "crm: the event does not repeat")
	case scope != OnlyThis && scope != Following && scope != Whole:
		return s, o, fault.Wrong(fault.BadValue, "scope", "crm: %q is no choice of occurrences", scope)
	case day == "" && scope == Whole:
		return s, o, nil
	}
	if o, ok = s.On(day); ok {
		ok = slices.Contains(s.rule.Days(s.start, day), day)
	}
	if !ok {
		return s, o, fault.Wrong(fault.BadValue, string(record.Recurring), "crm: the series has no occurrence on %q", day)
	}
	return s, o, nil
}

// alone are the fields of an event without those of a series.
func alone(f record.Fields) record.Fields {
	out := f.Clone()
	out[record.Recurring], out[record.Excluded], out[record.Changed] = "", "", ""
	return out
}

// with gives an occurrence what it has otherwise than the rule says.
func (s Series) with(schema *record.Schema, stored record.Fields, day string, settled record.Fields) record.Fields {
	at, _ := recur.OnDay(s.start, day)
	regular, own := s.regular(day, at).Over(stored), record.Fields{}
	for _, d := range schema.AllDefs() {
		if !notOwn(d) && settled[d.Name] != regular[d.Name] {
			own[d.Name] = settled[d.Name]
		}
	}
	_, starts := own[record.Start]
	if _, ends := own[record.End]; starts || ends {
		own[record.Start], own[record.End] = settled[record.Start], settled[record.End]
	}
	out := stored.Clone()
	out[record.Changed] = record.OccurrencesValue(append(without(s.changed, day), record.Occurrence{Day: day, Fields: own}))
	return out
}

// divide ends a series before one of its days. head is nil where nobody would see anything of it.
func (s Series) divide(stored record.Fields, day string) (head, part record.Fields) {
	days := s.rule.Days(s.start, day)
	n := slices.Index(days, day)
	seen := slices.ContainsFunc(days[:n], func(d string) bool { return !s.excluded[d] })

	before, after := map[string]bool{}, map[string]bool{}
	for d := range s.excluded {
		if d < day {
			before[d] = true
		} else {
			after[d] = true
		}
	}
	cut, _ := slices.BinarySearchFunc(s.changed, day, func(o record.Occurrence, day string) int { return strings.Compare(o.Day, day) })
	ended, rest := *s.rule, *s.rule
	if s.rule.Count > 0 {
		ended.Count, rest.Count = n, s.rule.Count-n
	} else if n > 0 {
		ended.Until = days[n-1]
	}
	at, _ := recur.OnDay(s.start, day)
	part = alone(s.regular(day, at).Over(stored))
	part[record.Recurring] = record.Value(rest.String())
	part[record.Excluded], part[record.Changed] = excludedValue(after), record.OccurrencesValue(s.changed[cut:])
	if !seen {
		return nil, part
	}
	head = stored.Clone()
	head[record.Recurring] = record.Value(ended.String())
	head[record.Excluded], head[record.Changed] = excludedValue(before), record.OccurrencesValue(s.changed[:cut])
	return head, part
}

// empty reports whether every occurrence is left out.
func (s Series) empty() bool {
	last, forever := s.rule.Last(s.start)
	if forever {
		return false
	}
	left := s.rule.Slots(s.start, s.start, last.Add(time.Second), func(day string) bool { return s.excluded[day] }, 1)
	return len(left) == 0
}

// piece is a series, or its later part, that is being changed.
type piece struct {
	schema         *record.Schema
	fields         record.Fields // of the series
	day            string        // of the occurrence from which the change is told; "": of the series itself
	shown, settled record.Fields // of that occurrence, before and after
	lost           []record.Occurrence
}

// whenFields are those that say when a single event takes place.
var whenFields = []record.Field{record.Start, record.End, record.AllDay, record.TimeZone, record.EndTimeZone}

func (p *piece) change(typed record.Value, said bool) error {
	before, ok := SeriesOf(p.fields)
	if !ok || !before.Repeats() {
		return fault.Wrong(fault.BadValue, string(record.Recurring), "crm: the event does not repeat")
	}
	own := before.changed
	for _, d := range p.schema.AllDefs() {
		if !notOwn(d) && !slices.Contains(whenFields, d.Name) && p.settled[d.Name] != p.shown[d.Name] {
			p.fields[d.Name] = p.settled[d.Name]
			own = p.taken(own, d.Name)
		}
	}
	moved := slices.ContainsFunc(whenFields, func(f record.Field) bool { return p.settled[f] != p.shown[f] })
	if moved {
		own = p.taken(own, record.Start, record.End, record.AllDay)
		if err := p.move(before); err != nil {
			return err
		}
	}
	if said && strings.TrimSpace(string(typed)) == "" { // a single event from now on: the one that was shown
		p.fields, p.lost = alone(p.settled), without(own, p.day)
		return nil
	}
	after, _ := SeriesOf(p.fields)
	rule, kept, err := p.rule(before, after, typed, said)
	if err != nil {
		return err
	}
	p.fields[record.Recurring] = record.Value(rule.String())
	p.carry(before, after, rule, kept, own)
	return nil
}

// taken takes fields from what the occurrence of the change has of its own: its author has just said them for all.
func (p *piece) taken(own []record.Occurrence, fields ...record.Field) []record.Occurrence {
	out := make([]record.Occurrence, 0, len(own))
	for _, o := range own {
		if o.Day == p.day {
			o.Fields = o.Fields.Clone()
			for _, f := range fields {
				delete(o.Fields, f)
			}
		}
		if len(o.Fields) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// move gives the series the time of the changed occurrence: its first one lies as many days before it as it did.
func (p *piece) move(before Series) error {
	now, ok := SeriesOf(p.settled)
	if !ok {
		return fault.Wrong(fault.BadValue, string(record.Start), "crm: no time")
	}
	first, days := now.start, 0
	if p.day != "" {
		days = daysBetween(before.start, p.day)
		wall := floating(now.start).AddDate(0, 0, -days)
		first = recur.Attach(wall, now.start.Location())
	}
	for _, f := range whenFields {
		p.fields[f] = p.settled[f]
	}
	last := first.Add(now.end.Sub(now.start))
	if now.allDay {
		p.fields[record.Start], p.fields[record.End] = dateValue(first), dateValue(last)
	} else {
		p.fields[record.Start], p.fields[record.End] = momentValue(first), momentValue(last)
	}
	return nil
}

// rule is how the series is to repeat. kept: in the same pattern, so that each occurrence of before has its place in it.
func (p *piece) rule(before, after Series, typed record.Value, said bool) (rule recur.Rule, kept bool, err error) {
	shifted, fits := before.rule.Shift(before.start, after.start)
	if said {
		text := strings.TrimSpace(string(typed))
		if rule, err = recur.Parse(text); err != nil {
			return rule, false, fault.Wrong(fault.BadValue, string(record.Recurring), "%v", err)
		}
		asWas, asIs := rule.Resolve(before.start), rule.Resolve(after.start)
		switch {
		case samePattern(asWas, *before.rule):
			rule = asWas
		case fits && samePattern(asIs, shifted):
			rule = asIs
		default: // another pattern
			return asIs, false, nil
		}
		if rule.Count != before.rule.Count || rule.Until != before.rule.Until {
			shifted.Count, shifted.Until = rule.Count, rule.Until
		}
	}
	if !fits {
		return rule, false, fault.Wrong(fault.BadValue, string(record.Recurring), "crm: the rule %s cannot begin on another day", before.rule)
	}
	return shifted, true, nil
}

// samePattern compares rules but for their ends.
func samePattern(a, b recur.Rule) bool {
	a.Count, a.Until, b.Count, b.Until = 0, "", 0, ""
	return a.String() == b.String()
}

// carry brings what was left out or changed to its place under the new rule: in the same pattern to the occurrence of the
// same number, else to the same day.
func (p *piece) carry(before, after Series, rule recur.Rule, kept bool, own []record.Occurrence) {
	rule = rule.Resolve(after.start)
	last := ""
	for day := range before.excluded {
		last = max(last, day)
	}
	for _, o := range own {
		last = max(last, o.Day)
	}
	places := map[string]string{}
	if last != "" && kept {
		days := before.rule.Days(before.start, last)
		slots := rule.Slots(after.start, after.start, endless, nil, len(days))
		for i := range slots {
			places[days[i]] = slots[i].Day
		}
	} else if last != "" {
		for _, day := range rule.Days(after.start, last) {
			places[day] = day
		}
	}
	excluded, changed, loose := map[string]bool{}, []record.Occurrence(nil), map[string]record.Occurrence{}
	for day := range before.excluded {
		if place, ok := places[day]; ok {
			excluded[place] = true
		}
	}
	for _, o := range own {
		place, ok := places[o.Day]
		if !ok {
			p.lost = append(p.lost, o)
			continue
		}
		o.Fields = o.Fields.Clone()
		if _, said := o.Fields[record.AllDay]; !said && o.Fields[record.Start] != "" && before.allDay != after.allDay {
			o.Fields[record.AllDay] = boolValue(before.allDay)
		}
		if o.Day != place || !kept {
			loose[place] = o
		}
		o.Day = place
		changed = append(changed, o)
	}
	p.fields[record.Excluded], p.fields[record.Changed] = excludedValue(excluded), record.OccurrencesValue(changed)
	p.order(rule, loose)
	slices.SortStableFunc(p.lost, func(a, b record.Occurrence) int { return strings.Compare(a.Day, b.Day) })
}

// order takes the times of their own from those occurrences that would no longer lie between their neighbours. loose are
// the occurrences as they were, by their new days.
func (p *piece) order(rule recur.Rule, loose map[string]record.Occurrence) {
	s, ok := SeriesOf(p.fields)
	if !ok {
		return
	}
	last := ""
	for _, o := range s.changed {
		last = max(last, o.Day)
	}
	days := rule.Days(s.start, last)
	for day := crossing(p.fields, days, nil); day != ""; day = crossing(p.fields, days, nil) {
		changed := record.Occurrences(p.fields[record.Changed])
		for i := range changed {
			if changed[i].Day != day {
				continue
			}
			lost := record.Occurrence{Day: day, Fields: record.Fields{}}
			if was, ok := loose[day]; ok {
				lost.Day = was.Day
			}
			for _, f := range whenFields {
				if value, own := changed[i].Fields[f]; own {
					lost.Fields[f] = value
					delete(changed[i].Fields, f)
				}
			}
			p.lost = append(p.lost, lost)
		}
		p.fields[record.Changed] = record.OccurrencesValue(changed)
	}
}

func boolValue(b bool) record.Value {
	if b {
		return "true"
	}
	return "false"
}

// daysBetween counts the days from the one on which a series starts to another of its days.
func daysBetween(start time.Time, day string) int {
	to, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0
	}
	return int(to.Sub(floating(start).Truncate(24*time.Hour)) / (24 * time.Hour))
}

// floating tells a wall clock as UTC.
func floating(t time.Time) time.Time {
	y, m, d := t.Date()
	h, min, s := t.Clock()
	return time.Date(y, m, d, h, min, s, 0, time.UTC)
}

func without(list []record.Occurrence, day string) []record.Occurrence {
	return slices.DeleteFunc(slices.Clone(list), func(o record.Occurrence) bool { return o.Day == day })
}

func excludedValue(days map[string]bool) record.Value {
	list := make([]string, 0, len(days))
	for day := range days {
		list = append(list, day)
	}
	slices.Sort(list)
	return record.Value(strings.Join(list, ","))
}
