package memside

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// Series as Exchange keeps them, told in the fields of package outlook: whatever was done to single occurrences is forgotten
// when the times of the series change, a deleted occurrence cannot be brought back, and a write to a series is several
// requests, between which the process may die (reference §3.5).

var (
	whenFields = []record.Field{"start", "end", "isAllDay", "timeZone", "endTimeZone", "recurrence"}
	ownFields  = []record.Field{"exdates", "exceptions"}
)

func retimed(before, after record.Fields) bool {
	return slices.ContainsFunc(whenFields, func(f record.Field) bool { return before[f] != after[f] })
}

// begin is the first request of a write, which is about the series itself, and what single occurrences are to be after it.
func begin(before record.Fields, w record.Write) (first, wanted record.Fields, err error) {
	first, wanted = w.Fields.Clone(), record.Fields{}
	for _, f := range ownFields {
		delete(first, f)
		wanted[f] = before[f]
		if v, said := w.Fields[f]; said {
			wanted[f] = v
		}
	}
	if retimed(before, before.With(first)) {
		return forgetful(first), wanted, nil
	}
	for _, day := range list(before["exdates"]) {
		if !slices.Contains(list(wanted["exdates"]), day) {
			return nil, nil, &fault.Fault{Kind: fault.Invalid, Reason: fault.OccurrenceGone, Field: "exdates", Message: "no way to bring back " + day}
		}
	}
	return first, wanted, nil
}

func forgetful(fields record.Fields) record.Fields {
	return fields.With(record.Fields{"exdates": "", "exceptions": ""})
}

// finish are the requests that follow: those about single occurrences.
func (s *Side) finish(out record.Outcome, wanted record.Fields) record.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[out.Ref]
	if settled := settle(it.fields, wanted); settled["exdates"] != it.fields["exdates"] || settled["exceptions"] != it.fields["exceptions"] {
		s.touch(out.Ref, settled)
	}
	return record.Outcome{Ref: out.Ref, Version: it.version, Fields: it.fields.Clone()}
}

// settle keeps what is about days of the series.
func settle(series, wanted record.Fields) record.Fields {
	has := DaysOf(series)
	var out []string
	for _, day := range list(wanted["exdates"]) {
		if slices.Contains(has, day) {
			out = append(out, day)
		}
	}
	var own []record.Occurrence
	for _, o := range record.Occurrences(wanted["exceptions"]) {
		if slices.Contains(has, o.Day) && !slices.Contains(out, o.Day) {
			own = append(own, o)
		}
	}
	return record.Fields{"exdates": record.Value(strings.Join(out, ",")), "exceptions": record.OccurrencesValue(own)}
}

// DaysOf are the first days of a series by its rule; none of a single event.
func DaysOf(f record.Fields) []string {
	if f["recurrence"] == "" {
		return nil
	}
	rule, err := recur.Parse(string(f["recurrence"]))
	start, wrong := time.Parse(time.RFC3339, string(f["start"]))
	loc, ok := zone.Load(string(f["timeZone"]))
	if err != nil || wrong != nil || !ok {
		return nil
	}
	var days []string
	start = start.In(loc)
	for _, slot := range rule.Resolve(start).Slots(start, start, start.AddDate(5, 0, 0), nil, 400) {
		days = append(days, slot.Day)
	}
	return days
}

func list(v record.Value) []string {
	if v == "" {
		return nil
	}
	return strings.Split(string(v), ",")
}

// Retime changes a series as the person does: Exchange forgets what was done to its occurrences.
func (s *Side) Retime(ref record.Ref, fields record.Fields) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if retimed(s.items[ref].fields, s.items[ref].fields.With(fields)) {
		fields = forgetful(fields)
	}
	s.touch(ref, fields)
}

// Change gives the occurrence of a day fields of its own, as the person does.
func (s *Side) Change(ref record.Ref, day string, own record.Fields) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := record.Occurrences(s.items[ref].fields["exceptions"])
	i := slices.IndexFunc(all, func(o record.Occurrence) bool { return o.Day == day })
	if i < 0 {
		all, i = append(all, record.Occurrence{Day: day}), len(all)
	}
	all[i].Fields = all[i].Fields.With(own)
	s.touch(ref, record.Fields{"exceptions": record.OccurrencesValue(all)})
}

// Cancel deletes the occurrence of a day, as the person does.
func (s *Side) Cancel(ref record.Ref, day string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.items[ref].fields
	all := append(list(f["exdates"]), day)
	slices.Sort(all)
	s.touch(ref, settle(f, record.Fields{"exdates": record.Value(strings.Join(slices.Compact(all), ",")), "exceptions": f["exceptions"]}))
}
