package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/phone"
	"tandem/internal/record"
)

// A value that the other side has no place for stays where it is, and the rest of the record is in step. What the two
// sides agree on is that they differ there: the base holds what Microsoft has, and under a key of its own what the CRM
// has. So the value is no edit that is brought over again and again, nobody clears it, and deleting the record deletes it.
// Likewise two values that say the same in two forms, such as a telephone number with and without its country.

// inCRM begins the keys of a base that are no fields but what the CRM has of one.
const inCRM = "crm:"

func keyInCRM(f record.Field) record.Field { return inCRM + f }

// heldInCRM is what the CRM had of each field when the base was agreed on.
func heldInCRM(base record.Fields) record.Fields {
	out, own := base, false
	for key, v := range base {
		f, apart := strings.CutPrefix(string(key), inCRM)
		if !apart {
			continue
		}
		if !own {
			out, own = base.Clone(), true
		}
		out[record.Field(f)] = v
	}
	return out
}

// copyApart copies what a base says of fields of a unit in which the sides differ.
func copyApart(to, from record.Fields, unit []record.Field) (differ bool) {
	for _, f := range unit {
		if v, apart := from[keyInCRM(f)]; apart {
			to[keyInCRM(f)], differ = v, true
		}
	}
	return differ
}

// alike reports whether two sides of a unit say the same, each in a form of its own.
func (r Rules) alike(unit []record.Field, ours, theirs record.Fields) bool {
	return !slices.ContainsFunc(unit, func(f record.Field) bool {
		def, _ := r.table().Schema().Def(f)
		return !mapping.Alike(def.Type, ours[f], theirs[f], cmp.Or(r.Region, phone.Brazil))
	})
}

// agreeApart notes in a base that the sides hold a unit each in its own form.
func agreeApart(base record.Fields, unit []record.Field, ours, theirs record.Fields) {
	for _, f := range unit {
		if base[f] = theirs[f]; ours[f] == theirs[f] {
			delete(base, keyInCRM(f))
		} else {
			base[keyInCRM(f)] = ours[f]
		}
	}
}

// isCut reports whether the CRM has of a name only what it took of Microsoft's, as after the two were paired anew: that is
// nobody's edit.
func isCut(unit []record.Field, ours, theirs record.Fields) bool {
	cut := false
	for _, f := range unit {
		if ours[f] == theirs[f] {
			continue
		}
		table := mapping.Default(record.Contacts) // names are standard fields
		clipped := table.Clipped(f, theirs[f])
		if f != record.LastName || mapping.Normal(table.Schema(), record.Fields{f: clipped})[f] != ours[f] {
			return false
		}
		cut = true
	}
	return cut
}

// leaveApart takes out of what is to be written those fields of a group in which the sides differ and of which the source
// still has what it had: a given name that was edited is no reason to cut the family name.
func leaveApart(to, base record.Fields, unit []record.Field, now, before record.Fields) {
	for _, f := range unit {
		if _, apart := base[keyInCRM(f)]; apart && len(unit) > 1 && now[f] == before[f] {
			delete(to, f)
		}
	}
}

// unfit says why a side has no place for a value of a field; "" where it has one.
func (r Rules) unfit(side Where, f record.Field, v record.Value) fault.Reason {
	if side == InCRM {
		return r.table().UnfitForCRM(f, v)
	}
	return r.table().UnfitForMicrosoft(f, v)
}

// fit takes out of a step the values that the side they are meant for has no place for, and notes that the sides differ
// there. Of a name that the CRM demands, it is given as much as it takes.
func (s *Step) fit(rules Rules) {
	for f, v := range s.ToMicrosoft {
		if rules.unfit(InMicrosoft, f, v) != "" || f == record.Participants && s.attend(rules, v) {
			delete(s.ToMicrosoft, f)
			s.setApart(rules, f, s.now(rules, InMicrosoft, f), v, true)
		}
	}
	for f, v := range s.ToCRM {
		if rules.unfit(InCRM, f, v) == "" {
			continue
		}
		if def, _ := rules.table().Schema().Def(f); def.Mandatory {
			s.ToCRM[f] = rules.table().Clipped(f, v)
			s.setApart(rules, f, v, s.ToCRM[f], false)
			continue
		}
		delete(s.ToCRM, f)
		if s.Verb != RestoreCRM { // what it held when it was deleted is told when it is back
			s.setApart(rules, f, v, s.now(rules, InCRM, f), true)
		}
	}
	if s.Verb == DeleteMicrosoft && s.Pair != nil { // what only Outlook had stays in the history
		for _, f := range rules.otherInOutlook(s.Pair.Base) {
			if !slices.ContainsFunc(s.Lost, func(l Loss) bool { return l.Field == f }) {
				s.Lost = append(s.Lost, Loss{Field: f, Side: InMicrosoft, Value: s.now(rules, InMicrosoft, f)})
			}
		}
	}
	if s.Verb == Merge && len(s.ToCRM)+len(s.ToMicrosoft) == 0 && !s.Admits {
		s.Verb = Adopt
	}
}

// attend reports whether all participants are invited to an event already, by whoever made it in Outlook: its text needs not name them
// besides, which would mail them.
func (s *Step) attend(rules Rules, participants record.Value) bool {
	lines, invited := record.Lines(participants)
	there := record.AttendanceOf(s.now(rules, InMicrosoft, record.Attendees)).Mailed()
	if invited || lines == "" || len(there) == 0 {
		return false
	}
	for line := range strings.SplitSeq(string(lines), "\n") {
		if address := record.AddressOf(line); address == "" || !slices.Contains(there, strings.ToLower(address)) {
			return false
		}
	}
	return true
}

// now is what a side has of a field when the step is taken.
func (s *Step) now(rules Rules, side Where, f record.Field) record.Value {
	switch change := map[Where]*record.Change{InMicrosoft: s.Theirs, InCRM: s.Ours}[side]; {
	case change != nil && change.State == record.Present && !rules.unseen([]record.Field{f}, change.Fields):
		return change.Fields[f]
	case s.Verb != Merge && s.Verb != DeleteMicrosoft || s.Pair == nil:
		return "" // it is about to be made
	case side == InCRM:
		return heldInCRM(s.Pair.Base)[f]
	}
	return s.Pair.Base[f]
}

// setApart notes what the sides have of a field in which they differ. It is so already unless a value is on its way.
func (s *Step) setApart(rules Rules, f record.Field, theirs, ours record.Value, already bool) {
	normal := rules.normal(record.Fields{f: theirs})[f]
	held := rules.normal(record.Fields{f: ours})[f]
	s.Apart = s.Apart.With(record.Fields{f: normal, keyInCRM(f): held})
	if already {
		s.Lost = slices.DeleteFunc(s.Lost, func(l Loss) bool { return l.Field == f && (l.Side == InCRM || ours != "") }) // nothing won over what is there
		if s.Verb == Merge {
			s.Base = s.Base.With(record.Fields{f: normal, keyInCRM(f): held})
		}
	}
}

// agreedOn is a base with the values that a side was given, of which the two no longer differ.
func agreedOn(base, given, apart record.Fields) record.Fields {
	out := base.With(given)
	for f := range given {
		delete(out, keyInCRM(f))
	}
	return out.With(apart)
}

// Listed is a base in which a value that only Microsoft holds, because it was no choice of the organization's picklist, counts
// as an edit of what the CRM has if it is a choice now: that is what it was. False: there is none.
func Listed(base record.Fields, table *mapping.Table) (record.Fields, bool) {
	out, found := base, false
	for key, ours := range base {
		name, apart := strings.CutPrefix(string(key), inCRM)
		f := record.Field(name)
		def, _ := table.Schema().Def(f)
		if !apart || !def.Custom || def.Type != record.Picklist || base[f] == "" || table.UnfitForCRM(f, base[f]) != "" {
			continue
		}
		if !found {
			out, found = base.Clone(), true
		}
		out[f] = ours
		delete(out, key)
	}
	return out, found
}

// otherInOutlook are the fields of which Microsoft holds a value that the CRM does not hold.
func (r Rules) otherInOutlook(base record.Fields) (out []record.Field) {
	for key, ours := range base {
		name, apart := strings.CutPrefix(string(key), inCRM)
		f := record.Field(name)
		if apart && base[f] != "" && !r.alike([]record.Field{f}, record.Fields{f: ours}, base) {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return out
}

// onlyInOutlook are those of them whose value the CRM has no place for.
func (r Rules) onlyInOutlook(base record.Fields) []record.Field {
	return slices.DeleteFunc(r.otherInOutlook(base), func(f record.Field) bool {
		return r.unfit(InMicrosoft, f, base[keyInCRM(f)]) != "" && r.unfit(InCRM, f, base[f]) == ""
	})
}

// misfit says why the sides of a base differ, and in which fields; "" where they don't.
func (r Rules) misfit(base record.Fields) (reason fault.Reason, detail string) {
	var fields []string
	for key, ours := range base {
		name, apart := strings.CutPrefix(string(key), inCRM)
		if !apart {
			continue
		}
		f := record.Field(name)
		if r.alike([]record.Field{f}, record.Fields{f: ours}, base) {
			continue // they say the same
		}
		fields = append(fields, name)
		for _, why := range []fault.Reason{r.unfit(InCRM, f, base[f]), r.unfit(InMicrosoft, f, ours), fault.NotExpressible} {
			if why != "" && (reason == "" || why < reason) { // of several always the same one
				reason = why
			}
			if why != "" {
				break
			}
		}
	}
	slices.Sort(fields)
	return reason, strings.Join(fields, ", ")
}
