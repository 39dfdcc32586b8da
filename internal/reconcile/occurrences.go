package reconcile

import (
	"maps"
	"slices"
	"strings"

	"tandem/internal/mapping"
	"tandem/internal/record"
)

// What becomes of the single occurrences of a series is merged by day, and of each day by field, so that two people who
// change different ones lose nothing. A day's start, end and whether it lasts all day are one field here.
//
// A day that is left out at Microsoft stays left out, for Graph cannot bring it back; one that the CRM leaves out and Microsoft
// has changed takes place: an edit beats a deletion. Where both sides have changed the same field of the same occurrence, the
// policy says who wins.

// doing is what is done to one occurrence.
type doing struct {
	out bool // left out
	own map[record.Field]record.Fields
}

// doings are what is done to the occurrences of a series, by day.
type doings map[string]doing

// doingsOf reads the fields of a side.
func doingsOf(fields record.Fields) doings {
	out := doings{}
	for day := range strings.SplitSeq(string(fields[record.Excluded]), ",") {
		if day != "" {
			out[day] = doing{out: true}
		}
	}
	for _, o := range record.Occurrences(fields[record.Changed]) {
		own := map[record.Field]record.Fields{}
		for name, value := range o.Fields {
			key := keyOf(name)
			own[key] = own[key].With(record.Fields{name: value})
		}
		out[o.Day] = doing{out: out[o.Day].out, own: own}
	}
	return out
}

// keyOf is the name by which a field of an occurrence is merged.
func keyOf(name record.Field) record.Field {
	if name == record.End || name == record.AllDay {
		return record.Start
	}
	return name
}

// fields tell doings; days left out have nothing of their own.
func (d doings) fields() record.Fields {
	var excluded []string
	var changed []record.Occurrence
	for day, is := range d {
		if is.out {
			excluded = append(excluded, day)
			continue
		}
		o := record.Occurrence{Day: day}
		for _, own := range is.own {
			o.Fields = o.Fields.With(own)
		}
		changed = append(changed, o)
	}
	slices.Sort(excluded)
	return record.Fields{record.Excluded: record.Value(strings.Join(excluded, ",")), record.Changed: record.OccurrencesValue(changed)}
}

// equal reports whether a field of an occurrence is alike on both sides; nil is what the series has.
func equal(a, b record.Fields) bool { return maps.Equal(a, b) }

// A merger brings the doings of two sides together.
type merger struct {
	base, ours, theirs doings
	known              bool // base says something
	// forgot says that Microsoft has dropped what was done to occurrences because the series got other times, which the CRM
	// has, too: what is missing there was not taken back by anybody.
	forgot bool
	// yields says that the CRM's other times give way to Microsoft's: that they have a day which is left out is no wish to have it back.
	yields bool
	ways   map[record.Field]mapping.Direction
	// wins says who wins where both have changed the same; "": a person is asked.
	wins func() Where

	merged doings
	lost   map[Where]doings
	ask    bool
}

func (m *merger) run() {
	m.merged, m.lost = doings{}, map[Where]doings{InCRM: {}, InMicrosoft: {}}
	all := map[string]bool{}
	for _, side := range []doings{m.base, m.ours, m.theirs} {
		for day := range side {
			all[day] = true
		}
	}
	for day := range all {
		if is := m.day(day); is.out || len(is.own) > 0 {
			m.merged[day] = is
		}
	}
}

func (m *merger) day(day string) doing {
	base, ours, theirs := m.base[day], m.ours[day], m.theirs[day]
	if m.forgot && !theirs.out && base.out && len(edits(base, theirs)) == 0 { // whoever works on it wants it to take place
		theirs.out = true
	}
	switch {
	case theirs.out && (!base.out || m.yields && !ours.out): // nobody brings it back
		if m.forgot { // whoever took it away may not have seen what it had
			base = doing{}
		}
		m.lose(InCRM, day, edits(base, ours))
		return doing{out: true}
	case ours.out && !base.out && !theirs.out && len(edits(base, theirs)) > 0 && !m.forgot:
		m.lost[InCRM][day] = doing{out: true}
		return doing{own: theirs.own}
	case ours.out && !base.out, base.out && ours.out && theirs.out:
		m.lose(InMicrosoft, day, edits(base, theirs))
		return doing{out: true}
	}
	return doing{own: m.own(day, base, ours, theirs)}
}

// half is what both sides agree on when ours has become what was merged, and theirs is still as it was.
func (m *merger) half() doings {
	out := doings{}
	for _, days := range []doings{m.base, m.theirs, m.merged} {
		for day := range days {
			base, theirs, is := m.base[day], m.theirs[day], m.merged[day]
			agreed := doing{out: base.out, own: map[record.Field]record.Fields{}}
			if is.out == theirs.out {
				agreed.out = is.out
			}
			for _, own := range []map[record.Field]record.Fields{base.own, theirs.own, is.own} {
				for key := range own {
					value := base.own[key]
					if equal(is.own[key], theirs.own[key]) {
						value = is.own[key]
					}
					if value != nil {
						agreed.own[key] = value
					}
				}
			}
			if agreed.out || len(agreed.own) > 0 {
				out[day] = agreed
			}
		}
	}
	return out
}

// edits are the fields in which a side differs from the base.
func edits(base, side doing) map[record.Field]record.Fields {
	out := map[record.Field]record.Fields{}
	for key, value := range side.own {
		if !equal(base.own[key], side.own[key]) {
			out[key] = value
		}
	}
	return out
}

func (m *merger) lose(side Where, day string, own map[record.Field]record.Fields) {
	if len(own) == 0 {
		return
	}
	is := m.lost[side][day]
	if is.own == nil {
		is.own = map[record.Field]record.Fields{}
	}
	maps.Copy(is.own, own)
	m.lost[side][day] = is
}

// stray adds to what is lost what a side had on days of another course. Where something else of such a day is lost as well, of the new course, the
// two stand apart: what stands apart is returned.
func (m *merger) stray(lost map[Where]doings) map[Where]doings {
	beside := map[Where]doings{InCRM: {}, InMicrosoft: {}}
	for where, days := range lost {
		for day, is := range days {
			clash := false
			for key, value := range is.own {
				other, both := m.lost[where][day].own[key]
				clash = clash || both && !equal(other, value)
			}
			if clash {
				beside[where][day] = is
			} else {
				m.lose(where, day, is.own)
			}
		}
	}
	return beside
}

// own merges the fields of one occurrence.
func (m *merger) own(day string, base, ours, theirs doing) map[record.Field]record.Fields {
	out := map[record.Field]record.Fields{}
	keys := map[record.Field]bool{}
	for _, side := range []doing{base, ours, theirs} {
		for key := range side.own {
			keys[key] = true
		}
	}
	for key := range keys {
		b, o, t := base.own[key], ours.own[key], theirs.own[key]
		if m.forgot && t == nil {
			t = b
		}
		from := InCRM
		switch way := m.ways[key]; {
		case equal(o, t):
		case way == mapping.ToCRM:
			from = InMicrosoft
		case way == mapping.ToMicrosoft:
		case equal(o, b):
			from = InMicrosoft
		case equal(t, b):
		case !m.known && o == nil:
			from = InMicrosoft
		case !m.known && t == nil:
		default:
			if from = m.wins(); from == "" {
				m.ask, from = true, InCRM
			}
		}
		value, loser, lost, was := o, InMicrosoft, t, b
		if from == InMicrosoft {
			value, loser, lost = t, InCRM, o
		}
		if value != nil {
			out[key] = value
		}
		if m.forgot && loser == InCRM { // whoever typed over it may not have seen it
			was = nil
		}
		if lost != nil && !equal(lost, value) && !equal(lost, was) {
			m.lose(loser, day, map[record.Field]record.Fields{key: lost})
		}
	}
	return out
}

// inWords gives doings in normal form the words of the side that they come from: normal forms are for comparing.
func (d doings) inWords(ours, theirs, oursNormal, theirsNormal doings) doings {
	out := doings{}
	for day, is := range d {
		said := doing{out: is.out, own: map[record.Field]record.Fields{}}
		for key, value := range is.own {
			said.own[key] = value
			for _, side := range [...][2]doings{{ours, oursNormal}, {theirs, theirsNormal}} {
				if words := side[0][day].own[key]; words != nil && equal(side[1][day].own[key], value) {
					said.own[key] = words
					break
				}
			}
		}
		out[day] = said
	}
	return out
}

// seriesUnit are the mapped fields of what is done to single occurrences.
func seriesUnit(rules Rules) (unit []record.Field) {
	for _, f := range rules.Fields {
		if def, _ := record.DefOf(rules.Kind, f); def.Group == record.GroupSeries {
			unit = append(unit, f)
		}
	}
	return unit
}

// mergeSeries merges what is done to single occurrences, after the rest of the record was merged. It reports which sides
// have changed it.
func (s *Step) mergeSeries(rules Rules, item Item, base, ours, theirs record.Fields) (oursChanged, theirsChanged bool) {
	unit := seriesUnit(rules)
	if len(unit) == 0 {
		return false, false
	}
	held := heldInCRM(base)
	oursIs, theirsIs := compare(unit, ours, held), compare(unit, theirs, base)
	if compare(unit, ours, theirs) == same {
		copyFields(s.Base, ours, unit)
		return false, false
	}
	copyFields(s.Base, base, unit)
	if copyApart(s.Base, base, unit) && oursIs == same && theirsIs == same {
		return false, false // they differ as they did
	}
	way := rules.OneWay[unit[0]]
	if way != mapping.BothWays && stays(way, unit, oursIs, theirsIs, ours, theirs) {
		return false, false
	}
	m := merger{
		base: doingsOf(base), ours: doingsOf(ours), theirs: doingsOf(theirs), known: oursIs != unknown && theirsIs != unknown,
		forgot: s.retimed(rules, base, ours, theirs), yields: s.yields(rules, base, ours), ways: rules.OneWay,
		wins: func() Where { return winner(rules.Policy, item, differs, differs, unit, ours, theirs) },
	}
	oursWords, theirsWords := doingsOf(side(item.Ours, held)), doingsOf(side(item.Theirs, base))
	final := ours.With(rules.normal(s.ToCRM))
	_, _, timesToo := s.when(rules)
	at, loose, lost := courseOf(final), map[string]Where{}, map[Where]doings{}
	if s.agreed(rules, ours, theirs) {
		baseAt, base := courseOf(base), m.base
		m.base, _ = base.told(baseAt, at)
		for _, one := range []struct {
			where   Where
			fields  record.Fields
			is, say *doings
		}{{InCRM, ours, &m.ours, &oursWords}, {InMicrosoft, theirs, &m.theirs, &theirsWords}} {
			from := courseOf(one.fields)
			in, stray := one.is.told(from, at)
			agreed := base
			if one.where == InCRM && m.forgot {
				agreed = nil // Microsoft may have forgotten it at our own request, and nobody has taken it back
			}
			lost[one.where] = stray.edited(from, agreed, baseAt)
			*one.is = in
			*one.say, _ = one.say.told(from, at)
			in.fill(from, base, baseAt, at)
			for day := range in {
				if !from.same(at) {
					loose[day] = one.where
				}
			}
		}
	}
	m.run()
	switch way {
	case mapping.ToMicrosoft:
		m.merged, m.ask, m.lost = m.ours, false, map[Where]doings{InMicrosoft: m.theirs}
	case mapping.ToCRM:
		m.merged, m.ask, m.lost = m.theirs, false, map[Where]doings{InCRM: m.ours}
	}
	if m.ask {
		s.ask(unit, item, ours, theirs)
		return false, false
	}
	m.order(at, loose)
	half := m.half().fields()
	strays := m.stray(lost)
	is := m.settled(rules, final)
	words := doingsOf(is).inWords(oursWords, theirsWords, m.ours, m.theirs).fields()
	if way == mapping.ToMicrosoft && s.cannotReturn(m, is, ours, theirs) {
		words[record.Excluded], is[record.Excluded] = theirs[record.Excluded], theirs[record.Excluded]
	}
	for _, f := range unit {
		if is[f] == ours[f] && is[f] == theirs[f] {
			s.Base[f] = is[f]
			delete(s.Base, keyInCRM(f))
		}
		if is[f] != ours[f] && way != mapping.ToMicrosoft {
			s.ToCRM[f] = words[f]
		}
		if is[f] != theirs[f] && way != mapping.ToCRM {
			s.ToMicrosoft[f] = words[f]
		}
		_, toCRM := s.ToCRM[f]
		if _, both := s.ToMicrosoft[f]; both && toCRM {
			if s.Half = s.Half.With(record.Fields{f: half[f]}); timesToo {
				s.Half[f] = s.Base[f] // it is told in the days of the times that are agreed on
			}
		}
	}
	s.tellAgain(rules, m, base, unit)
	for _, where := range []Where{InCRM, InMicrosoft} {
		for _, doings := range []doings{m.lost[where], strays[where]} {
			lost := doings.fields()
			for _, f := range unit {
				if lost[f] != "" && lost[f] != is[f] {
					s.Lost = append(s.Lost, Loss{Field: f, Side: where, Value: lost[f]})
				}
			}
		}
	}
	return oursIs != same, theirsIs != same
}

// tellAgain keeps the times that Microsoft has already from being agreed on before it was told again of the occurrences that it has
// forgotten for them: if that fails, the next plan must see that nobody took them back.
func (s *Step) tellAgain(rules Rules, m merger, base record.Fields, unit []record.Field) {
	when, _, toMicrosoft := s.when(rules)
	if !m.forgot || toMicrosoft || !slices.ContainsFunc(unit, func(f record.Field) bool { _, told := s.ToMicrosoft[f]; return told }) {
		return
	}
	toCRM := rules.normal(s.ToCRM)
	for _, f := range when {
		before, known := base[f]
		if !known {
			continue
		}
		agreed := s.Base[f]
		if value, told := toCRM[f]; told {
			agreed, s.Half = value, s.Half.With(record.Fields{f: before})
		}
		s.Told, s.Base[f] = s.Told.With(record.Fields{f: agreed}), before
	}
}

// retimed reports whether the series has got other times since the base that both sides have now, or are about to: then
// Exchange has forgotten what was done to its occurrences, or is about to. Where both sides have got others, it may have been at our
// own request, by a run that died before it had told it of the occurrences anew.
func (s *Step) retimed(rules Rules, base, ours, theirs record.Fields) bool {
	when, _, toMicrosoft := s.when(rules)
	if compare(when, theirs, base) != differs {
		return false
	}
	return toMicrosoft || compare(when, ours, theirs) == same || compare(when, ours, base) == differs
}

// yields reports whether the CRM has given the series other times, and gets Microsoft's.
func (s *Step) yields(rules Rules, base, ours record.Fields) bool {
	when, toCRM, toMicrosoft := s.when(rules)
	return toCRM && !toMicrosoft && compare(when, ours, base) == differs
}

// agreed reports whether both sides have one time of the series, or are about to.
func (s *Step) agreed(rules Rules, ours, theirs record.Fields) bool {
	when, toCRM, toMicrosoft := s.when(rules)
	return toCRM || toMicrosoft || compare(when, ours, theirs) == same
}

// when are the mapped fields that say when an event takes place, and which sides are to get others.
func (s *Step) when(rules Rules) (when []record.Field, toCRM, toMicrosoft bool) {
	for _, f := range rules.Fields {
		if def, _ := record.DefOf(rules.Kind, f); def.Group == record.GroupWhen {
			_, ours := s.ToCRM[f]
			_, theirs := s.ToMicrosoft[f]
			when, toCRM, toMicrosoft = append(when, f), toCRM || ours, toMicrosoft || theirs
		}
	}
	return when, toCRM, toMicrosoft
}

// settled is what is left of the merged doings in a record with other fields as they will be: those of days that are its own.
func (m *merger) settled(rules Rules, rec record.Fields) record.Fields {
	return only(rules.normal(rec.With(m.merged.fields())), []record.Field{record.Excluded, record.Changed})
}

// cannotReturn notes of a series that only goes to Microsoft that it has lost occurrences there, which nothing brings back:
// the two sides differ in them from now on.
func (s *Step) cannotReturn(m merger, is, ours, theirs record.Fields) bool {
	for day, at := range m.theirs {
		if at.out && !m.ours[day].out {
			s.Base = s.Base.With(record.Fields{record.Excluded: theirs[record.Excluded], keyInCRM(record.Excluded): ours[record.Excluded]})
			return is[record.Excluded] != theirs[record.Excluded]
		}
	}
	return false
}
