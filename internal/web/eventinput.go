package web

import (
	"net/url"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// reminders are the minutes to choose from.
var reminders = []string{"", "0", "5", "10", "15", "30", "60", "120", "1440", "2880", "10080"}

// eventInput is an event as a form says it: in the event's own zone, the last day of an all-day event included.
type eventInput struct {
	Title, Start, End, Zone, Venue, Notes, Remind, Tags string
	Who                                                 string                // the related contact's id
	WhoFind                                             string                // what is looked for among contacts
	WhoLook                                             bool                  // nothing is saved: the form comes again with what is found
	EndZone                                             string                // "": that of the start
	Silent                                              map[record.Field]bool // what a form did not say stays as it is
	AllDay                                              bool
	Shown                                               map[record.Field]string // see shownFields
	Owner                                               record.ID
	Repeat                                              repeatInput
	People                                              peopleInput
}

// shownFields are those that say what others are told of an event.
var shownFields = []record.Field{record.ShowAs, record.Sensitivity, record.Importance}

// shownOf picks them by name; what is not said is as usual.
func shownOf(value func(name string) string) map[record.Field]string {
	out := map[record.Field]string{}
	for _, name := range shownFields {
		def, _ := record.DefOf(record.Calendar, name)
		if out[name] = value(string(name)); out[name] == "" {
			out[name] = string(def.Standard)
		}
	}
	return out
}

// inputOf says a stored event as its form does.
func (v *visit) inputOf(r crm.Record) eventInput {
	f := r.Fields
	in := eventInput{
		Title: string(f[record.EventTitle]), Venue: string(f[record.Venue]), Notes: string(f[record.Description]),
		Remind: string(f[record.RemindAt]), Tags: strings.ReplaceAll(string(f[record.Tag]), "\n", ", "),
		Zone: string(f[record.TimeZone]), AllDay: f[record.AllDay] == "true", Owner: r.Owner,
		EndZone: string(f[record.EndTimeZone]), Who: string(f[record.WhoID]), Shown: shownOf(func(name string) string { return string(f[record.Field(name)]) }),
	}
	own, ok := zone.Load(in.Zone)
	if !ok {
		own, in.Zone = v.zone, v.zone.String()
	}
	start, ok1 := readTime(f[record.Start], in.AllDay)
	end, ok2 := readTime(f[record.End], in.AllDay)
	if ok1 && ok2 && in.AllDay {
		in.Start, in.End = start.Format(dayLayout), end.AddDate(0, 0, -1).Format(dayLayout)
	} else if ok1 && ok2 {
		start = start.In(own)
		ends, ok := zone.Load(in.EndZone)
		if !ok || in.EndZone == "" {
			ends, in.EndZone = own, ""
		}
		in.Start, in.End = start.Format(inputLayout), end.In(ends).Format(inputLayout)
	}
	in.Repeat = repeatOf(string(f[record.Recurring]), start)
	in.People.Value = f[record.Participants]
	return in
}

// inputLayout is what datetime-local inputs hold.
const inputLayout = "2006-01-02T15:04"

// readEvent reads a posted form.
func readEvent(form url.Values) eventInput {
	last := func(name string) string {
		if values := form[name]; len(values) > 0 {
			return strings.TrimSpace(values[len(values)-1])
		}
		return ""
	}
	in := eventInput{
		Title: last("Event_Title"), Venue: last("Venue"), Notes: strings.ReplaceAll(last("Description"), "\r\n", "\n"),
		Remind: last("Remind_At"), Tags: strings.Join(tagNames(last("Tag")), ", "), Zone: last("Time_Zone"), AllDay: last("All_day") == "true",
		EndZone: last("End_Time_Zone"), Who: last("Who_Id"), WhoFind: last("who_find"), WhoLook: last("who_look") != "", Shown: shownOf(last),
		Start: last("Start_DateTime"), End: last("End_DateTime"), Repeat: readRepeat(form),
	}
	in.Silent = map[record.Field]bool{}
	for _, name := range append([]record.Field{record.EndTimeZone, record.WhoID}, shownFields...) {
		in.Silent[name] = !form.Has(string(name))
	}
	in.Owner, _ = record.ParseID(last("Owner"))
	if in.AllDay {
		in.Start, _, _ = strings.Cut(in.Start, "T")
		in.End, _, _ = strings.Cut(in.End, "T")
	}
	return in
}

// draft is the input as the CRM takes it: an all-day event ends on the day after its last.
func (in eventInput) draft() crm.Draft {
	end := in.End
	if in.AllDay {
		if day, err := time.Parse(dayLayout, end); err == nil {
			end = day.AddDate(0, 0, 1).Format(dayLayout)
		}
	}
	allDay := record.Value("false")
	if in.AllDay {
		allDay = "true"
	}
	start, _ := time.Parse(inputLayout, in.Start)
	if start.IsZero() {
		start, _ = time.Parse(dayLayout, in.Start)
	}
	d := crm.Draft{Owner: in.Owner, Fields: record.Fields{
		record.EventTitle: record.Value(in.Title), record.Venue: record.Value(in.Venue),
		record.Description: record.Value(in.Notes), record.RemindAt: record.Value(in.Remind),
		record.Tag: record.Value(strings.Join(tagNames(in.Tags), "\n")), record.TimeZone: record.Value(in.Zone),
		record.AllDay: allDay, record.Start: record.Value(in.Start), record.End: record.Value(end),
		record.Recurring: record.Value(in.Repeat.rule(start)), record.EndTimeZone: record.Value(in.EndZone),
		record.WhoID: record.Value(in.Who),
	}}
	if in.People.Said {
		d.Fields[record.Participants] = in.People.Value
	}
	for name, value := range in.Shown {
		d.Fields[name] = record.Value(value)
	}
	for name, silent := range in.Silent {
		if silent {
			delete(d.Fields, name)
		}
	}
	return d
}

// endZoneOptions are the zones in which an event may end, the start's first.
func (v *visit) endZoneOptions(chosen string) []option {
	out := []option{{"", v.words.T("event.same_zone"), chosen == ""}}
	for _, o := range zoneOptions(chosen, v.now) {
		if o.Value != "" {
			out = append(out, o)
		}
	}
	return out
}

// wallStart is the typed start, on the wall; zero: there is none.
func (in eventInput) wallStart() time.Time {
	for _, layout := range []string{inputLayout, dayLayout} {
		if t, err := time.Parse(layout, in.Start); err == nil {
			return t
		}
	}
	return time.Time{}
}

// resolved is the rule in canonical form, with the start on the wall. False: it does not repeat, or nobody knows how.
func (in eventInput) resolved() (rule recur.Rule, start time.Time, ok bool) {
	start = in.wallStart()
	rule, err := recur.Parse(in.Repeat.rule(start))
	if err != nil || start.IsZero() {
		return rule, start, false
	}
	return rule.Resolve(start), start, true
}

// pattern is the rule as the form says it, without its end: it stays the same where only the start moves.
func (in eventInput) pattern() string {
	rule, err := recur.Parse(in.Repeat.rule(in.wallStart()))
	if err != nil {
		return ""
	}
	rule.Count, rule.Until = 0, ""
	return rule.String()
}

// take puts an offered form of the rule, "RULE|first day", into the place of the typed one.
func (in *eventInput) take(offer string) {
	text, day, _ := strings.Cut(offer, "|")
	from, err := time.Parse(dayLayout, day)
	start := in.wallStart()
	if err != nil || start.IsZero() {
		return
	}
	days := int(from.Sub(start.Truncate(24*time.Hour)) / (24 * time.Hour))
	for _, at := range []*string{&in.Start, &in.End} {
		for _, layout := range []string{inputLayout, dayLayout} {
			if t, err := time.Parse(layout, *at); err == nil {
				*at = t.AddDate(0, 0, days).Format(layout)
			}
		}
	}
	in.Repeat = repeatOf(text, in.wallStart())
}

// missingInput finds what a form lacks before the CRM is asked: it would take an all-day event without an end.
func (v *visit) missingInput(in eventInput) fieldErrors {
	errs := fieldErrors{}
	if in.Start == "" {
		errs[string(record.Start)] = v.words.T("field_error.mandatory")
	}
	if in.End == "" {
		errs[string(record.End)] = v.words.T("field_error.mandatory")
	}
	if in.endsEarly() {
		errs[string(record.End)] = v.words.T("field_error.end_before_start")
	}
	if in.People.Error != "" {
		errs[string(record.Participants)] = in.People.Error
	}
	if key := in.Repeat.problem(); key != "" {
		errs["repeat"] = v.words.T("field_error." + key)
	}
	if len(errs) == 0 {
		return nil
	}
	return errs
}

// endsEarly reports whether a form has its end before its start, each in its own zone. What cannot be read is for the CRM to refuse.
func (in eventInput) endsEarly() bool {
	if in.EndZone == "" || in.AllDay {
		return in.End != "" && len(in.End) == len(in.Start) && in.End < in.Start
	}
	own, ok1 := zone.Load(in.Zone)
	ends, ok2 := zone.Load(in.EndZone)
	if !ok1 || !ok2 {
		return false
	}
	start, err1 := time.ParseInLocation(inputLayout, in.Start, own)
	end, err2 := time.ParseInLocation(inputLayout, in.End, ends)
	return err1 == nil && err2 == nil && end.Before(start)
}

// typedTime says what a date or time input holds.
func (v *visit) typedTime(text string) string {
	if t, err := time.Parse(inputLayout, text); err == nil {
		return v.words.Moment(t)
	}
	if t, err := time.Parse(dayLayout, text); err == nil {
		return v.words.Day(t)
	}
	return text
}

// ruleText tells how an event repeats, as its form says it.
func (v *visit) ruleText(in eventInput) string {
	d := in.draft()
	rule, err := recur.Parse(string(d.Fields[record.Recurring]))
	if err != nil {
		return v.words.T("repeat.none")
	}
	start, err := time.Parse(inputLayout, in.Start)
	if err != nil {
		start, _ = time.Parse(dayLayout, in.Start)
	}
	return v.describe(rule.Resolve(start))
}

func (v *visit) reminderOptions(chosen string) []option {
	var out []option
	known := false
	for _, minutes := range reminders {
		known = known || minutes == chosen
		key := "reminder." + minutes
		if minutes == "" {
			key = "reminder.none"
		}
		out = append(out, option{minutes, v.words.T(key), minutes == chosen})
	}
	if !known {
		out = append(out, option{chosen, v.words.T("reminder.minutes", "Minutes", chosen), true})
	}
	return out
}
