package crm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// maxChanged is the most occurrences of one series that have something of their own.
const maxChanged = 1000

// settleOccurrences brings the days left out and the changed occurrences of a series into canonical form. The rule and the
// times of merged are settled already; first is the start of the series in its zone.
//
//   - days on which the rule has no occurrence go, as do changes to them: after the rule or the start has changed there
//     may be many. strict: a change that is new may not be to such a day.
//   - a day both left out and changed is left out.
//   - an occurrence keeps only what it has otherwise than the series. Moved, it has both its start and its end; whether it
//     lasts all day stands there if that is not as in the series. Given only one of the ends, it keeps its length.
//   - strict: a moved occurrence stays between the one before and the one after it, on days of its own, as Exchange wants
//     it (FIELD-FAILURES 24).
func settleOccurrences(merged, stored record.Fields, first time.Time, strict bool) (problems Problems) {
	bad := func(field record.Field, format string, args ...any) Problems {
		problems.add(fault.BadValue, field, fmt.Sprintf(format, args...))
		return problems
	}
	excluded, ok := readDays(string(merged[record.Excluded]), first.Location())
	switch {
	case !ok:
		return bad(record.Excluded, "must be dates")
	case len(excluded) > maxExcluded:
		return bad(record.Excluded, "too many dates")
	}
	text := record.Value(strings.TrimSpace(string(merged[record.Changed])))
	changed := record.Occurrences(text)
	switch {
	case text != "" && changed == nil:
		return bad(record.Changed, "must be an object of days with their fields")
	case len(changed) > maxChanged:
		return bad(record.Changed, "more than %d changed occurrences", maxChanged)
	case len(excluded)+len(changed) == 0:
		merged[record.Excluded], merged[record.Changed] = "", ""
		return nil
	}
	rule, err := recur.Parse(string(merged[record.Recurring]))
	if err != nil {
		return bad(record.Recurring, "%s", err)
	}
	last := ""
	for _, day := range excluded {
		last = max(last, day)
	}
	for _, o := range changed {
		last = max(last, o.Day)
	}
	days := rule.Days(first, last)
	has := func(day string) bool { _, ok := slices.BinarySearch(days, day); return ok }
	excluded = slices.DeleteFunc(excluded, func(day string) bool { return !has(day) })
	merged[record.Excluded] = record.Value(strings.Join(excluded, ","))

	before := map[string]record.Fields{}
	for _, o := range record.Occurrences(stored[record.Changed]) {
		before[o.Day] = o.Fields
	}
	var kept []record.Occurrence
	for _, o := range changed {
		_, known := before[o.Day]
		switch {
		case slices.Contains(excluded, o.Day):
		case has(o.Day):
			own, wrong := settleOwn(merged, first, o, strict)
			for _, w := range wrong {
				return bad(record.Changed, "%s: %s", o.Day, strings.TrimPrefix(w.Message, "crm: "))
			}
			kept = append(kept, record.Occurrence{Day: o.Day, Fields: own})
		case strict && !known:
			return bad(record.Changed, "%s is not a day of the series", o.Day)
		}
	}
	merged[record.Changed] = record.OccurrencesValue(kept)
	other := slices.ContainsFunc(whenFields, func(f record.Field) bool { return merged[f] != stored[f] }) || merged[record.Recurring] != stored[record.Recurring]
	if other { // they have other neighbours now
		before = nil
	}
	if strict && (other || merged[record.Changed] != stored[record.Changed]) {
		if day := crossing(merged, days, before); day != "" {
			problems.add(fault.NotExpressible, record.Changed, day+": an occurrence may not be moved to, or past, the day of the one before or after it")
		}
	}
	return problems
}

// readDays reads dates joined by commas; of a moment its day in the zone counts.
func readDays(text string, local *time.Location) (days []string, ok bool) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		at, ok := readInstant(item, local, false)
		if !ok {
			return nil, false
		}
		days = append(days, at.day.Format(time.DateOnly))
	}
	slices.Sort(days)
	return slices.Compact(days), true
}

// settleOwn brings the fields of one occurrence into canonical form.
func settleOwn(series record.Fields, first time.Time, o record.Occurrence, strict bool) (own record.Fields, problems Problems) {
	own = record.Fields{}
	for _, name := range slices.Sorted(maps.Keys(o.Fields)) {
		def, ok := record.DefOf(record.Calendar, name)
		switch {
		case !ok || !record.InOccurrence(name):
			problems.add(fault.BadValue, name, "cannot be changed in one occurrence")
		case isWhen(def):
		default:
			value, wrong := canon(def, o.Fields[name], strict)
			if wrong != nil {
				problems = append(problems, wrong)
			} else if value != series[name] {
				own[name] = value
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	times, wrong := settleMove(series, first, o, strict)
	return own.With(times), wrong
}

// settleMove gives the time of an occurrence, if it is not that which the rule gives it.
func settleMove(series record.Fields, first time.Time, o record.Occurrence, strict bool) (own record.Fields, problems Problems) {
	slot, ok := recur.OnDay(first, o.Day)
	s, told := SeriesOf(series)
	if !ok || !told {
		return nil, nil
	}
	regular := s.regular(o.Day, slot)
	moved := regular
	startText, endText := string(o.Fields[record.Start]), string(o.Fields[record.End])
	allDay, said := o.Fields[record.AllDay]
	if startText == "" && endText == "" && (!said || (allDay == "true") == s.allDay) {
		return nil, nil
	}
	if said {
		if allDay, ok = asBool(record.Def{}, string(allDay)); !ok {
			problems.add(fault.BadValue, record.AllDay, "must be true or false")
			return nil, problems
		}
		moved.AllDay = allDay == "true"
	}
	local := first.Location()
	start, ok1 := readMoved(startText, moved.AllDay, local, moved.Start)
	end, ok2 := readMoved(endText, moved.AllDay, local, start.Add(regular.End.Sub(regular.Start)))
	switch {
	case !ok1:
		problems.add(fault.BadValue, record.Start, "must be a date and time")
	case !ok2:
		problems.add(fault.BadValue, record.End, "must be a date and time")
	case end.Before(start):
		problems.add(fault.BadValue, record.End, "is before the start")
	case strict && (start.Year() < firstYear || end.Year() > lastYear):
		problems.add(fault.BadValue, record.Start, fmt.Sprintf("must lie in the years %d to %d", firstYear, lastYear))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if moved.AllDay {
		start, end = midnight(start), midnight(end)
		if !end.After(start) {
			end = start.AddDate(0, 0, 1)
		}
	}
	moved.Start, moved.End = start, end
	if moved.AllDay == regular.AllDay && start.Equal(regular.Start) && end.Equal(regular.End) {
		return nil, nil
	}
	all := moved.Over(nil)
	own = record.Fields{record.Start: all[record.Start], record.End: all[record.End]}
	if moved.AllDay != regular.AllDay {
		own[record.AllDay] = all[record.AllDay]
	}
	return own, nil
}

// readMoved reads one end of a moved occurrence; of whole days the date that is written counts, told as midnight UTC.
func readMoved(text string, allDay bool, local *time.Location, otherwise time.Time) (time.Time, bool) {
	if text == "" {
		return otherwise, true
	}
	at, ok := readInstant(text, local, true)
	if allDay {
		return at.day, ok
	}
	return at.at, ok
}

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// crossing is the first day whose occurrence, otherwise moved than before, does not lie between its neighbours; "" if all
// do. days are those of the rule up to the one after the last that matters.
func crossing(series record.Fields, days []string, before map[string]record.Fields) string {
	s, ok := SeriesOf(series)
	if !ok {
		return ""
	}
	previous, last := "", "" // the day of the rule, and the day on which its occurrence takes place
	fresh := func(o Occurrence) bool {
		return o.Own[record.Start] != "" && (before[o.Day] == nil || before[o.Day][record.Start] != o.Own[record.Start])
	}
	var was Occurrence
	for _, day := range days {
		o, ok := s.On(day)
		if !ok {
			continue
		}
		at := o.Start.Format(time.DateOnly)
		if previous != "" && at <= last {
			if fresh(o) {
				return day
			}
			if fresh(was) {
				return previous
			}
		}
		previous, last, was = day, at, o
	}
	return ""
}
