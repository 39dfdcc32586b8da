package mapping

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/record"
	"tandem/internal/recur"
)

// normalOccurrences gives the fields of each changed occurrence in normal form.
func normalOccurrences(v record.Value) record.Value {
	list := record.Occurrences(v)
	for i, o := range list {
		fields := make(record.Fields, len(o.Fields))
		for name, value := range o.Fields {
			if def, ok := record.DefOf(record.Calendar, name); ok && record.InOccurrence(name) {
				if fields[name] = normal(def.Type, value); def.Standard != "" && fields[name] == def.Standard {
					fields[name] = ""
				}
			}
		}
		list[i].Fields = fields
	}
	return record.OccurrencesValue(list)
}

// normalSeries settles what the rule of a series implies for single occurrences: days that are not its own are neither left
// out nor changed, a day left out has no changes, and what is as in the series is no change. fields are in normal form, start
// is that of the series in its zone, rule is resolved.
func normalSeries(fields record.Fields, start time.Time, rule recur.Rule) {
	excluded, changed := days(fields[record.Excluded]), record.Occurrences(fields[record.Changed])
	if len(excluded)+len(changed) == 0 {
		return
	}
	own := OwnDays(start, rule, excluded, changed)
	excluded = slices.DeleteFunc(excluded, func(day string) bool { return !own(day) })
	if told(fields, record.Excluded) {
		fields[record.Excluded] = record.Value(strings.Join(excluded, ","))
	}
	if !told(fields, record.Changed) {
		return
	}
	changed = slices.DeleteFunc(changed, func(o record.Occurrence) bool { return !own(o.Day) || slices.Contains(excluded, o.Day) })
	lasts, ok := length(fields)
	for _, o := range changed {
		for name, value := range o.Fields {
			if v, known := fields[name]; known && v == value && name != record.Start && name != record.End {
				delete(o.Fields, name)
			}
		}
		if slot, isDay := recur.OnDay(start, o.Day); ok && isDay && !told(o.Fields, record.AllDay) &&
			o.Fields[record.Start] == moment(slot, fields) && o.Fields[record.End] == moment(slot.Add(lasts), fields) {
			delete(o.Fields, record.Start)
			delete(o.Fields, record.End)
		}
	}
	fields[record.Changed] = record.OccurrencesValue(changed)
}

// OwnDays tells of each day that is left out or changed whether the rule has an occurrence on it.
func OwnDays(start time.Time, rule recur.Rule, excluded []string, changed []record.Occurrence) func(day string) bool {
	last := ""
	for _, day := range excluded {
		last = max(last, day)
	}
	for _, o := range changed {
		last = max(last, o.Day)
	}
	all := rule.Days(start, last)
	return func(day string) bool { _, ok := slices.BinarySearch(all, day); return ok }
}

func days(v record.Value) (out []string) {
	for day := range strings.SplitSeq(string(v), ",") {
		if day != "" {
			out = append(out, day)
		}
	}
	return out
}

// length is how long a series' occurrences last.
func length(fields record.Fields) (time.Duration, bool) {
	layout := time.RFC3339
	if fields[record.AllDay] == "true" {
		layout = time.DateOnly
	}
	start, err1 := time.Parse(layout, string(fields[record.Start]))
	end, err2 := time.Parse(layout, string(fields[record.End]))
	return end.Sub(start), err1 == nil && err2 == nil
}

func moment(t time.Time, fields record.Fields) record.Value {
	if fields[record.AllDay] == "true" {
		return record.Value(t.Format(time.DateOnly))
	}
	return record.Value(t.UTC().Format("2006-01-02T15:04:05Z"))
}
