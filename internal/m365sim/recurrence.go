package m365sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
	"github.com/tidwall/gjson"
)

// A recurrence is a patternedRecurrence (fact sheet §3.5), checked. Days are counted from 1970-01-01.
type recurrence struct {
	kind       string
	interval   int
	dayOfMonth int
	month      int
	daysOfWeek []string // in small letters, as sent
	firstDay   string
	index      string

	until    string // endDate, noEnd, numbered
	startDay int32
	endDay   int32 // of endDate
	count    int   // of numbered
	zone     *zone
}

var (
	weekdays   = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	weekIndex  = []string{"first", "second", "third", "fourth", "last"}
	rruleDays  = []rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}
	rruleIndex = []int{1, 2, 3, 4, -1}
)

// patternKinds says what each type of pattern needs (the table of §3.5).
var patternKinds = map[string]struct {
	frequency                     rrule.Frequency
	daysOfWeek, dayOfMonth, month bool
}{
	"daily":           {frequency: rrule.DAILY},
	"weekly":          {frequency: rrule.WEEKLY, daysOfWeek: true},
	"absoluteMonthly": {frequency: rrule.MONTHLY, dayOfMonth: true},
	"relativeMonthly": {frequency: rrule.MONTHLY, daysOfWeek: true},
	"absoluteYearly":  {frequency: rrule.YEARLY, dayOfMonth: true, month: true},
	"relativeYearly":  {frequency: rrule.YEARLY, daysOfWeek: true, month: true},
}

// readRecurrence checks a patternedRecurrence for an event that starts at start.
func readRecurrence(raw string, start moment) (*recurrence, *graphError) {
	v := gjson.Parse(raw)
	pattern, span := v.Get("pattern"), v.Get("range")
	if !pattern.IsObject() || !span.IsObject() {
		return nil, invalidProperty("recurrence", "a pattern and a range are both needed")
	}
	for _, object := range []struct {
		value   gjson.Result
		members []string
	}{
		{pattern, []string{"type", "interval", "month", "dayOfMonth", "daysOfWeek", "firstDayOfWeek", "index"}},
		{span, []string{"type", "startDate", "endDate", "recurrenceTimeZone", "numberOfOccurrences"}},
	} {
		var stray string
		object.value.ForEach(func(key, _ gjson.Result) bool {
			if !slices.Contains(object.members, key.Str) && !strings.Contains(key.Str, "@") {
				stray = key.Str
			}
			return stray == ""
		})
		if stray != "" {
			return nil, badRequest("RequestBodyRead", "The property '"+stray+"' does not exist on a recurrence.")
		}
	}
	r := &recurrence{}
	if err := r.readPattern(pattern); err != nil {
		return nil, err
	}
	if err := r.readRange(span, start); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *recurrence) readPattern(v gjson.Result) *graphError {
	refuse := func(why string) *graphError { return invalidProperty("recurrence/pattern", why) }
	for kind := range patternKinds {
		if strings.EqualFold(kind, v.Get("type").Str) {
			r.kind = kind
		}
	}
	need, ok := patternKinds[r.kind]
	if !ok {
		return refuse("'" + v.Get("type").Str + "' is no type of pattern")
	}
	r.interval = int(v.Get("interval").Int())
	if r.interval < 1 || r.interval > 999 {
		return refuse("interval must be from 1 to 999")
	}
	// What a type does not use is validated all the same (§3.5).
	if r.dayOfMonth = int(v.Get("dayOfMonth").Int()); r.dayOfMonth < 0 || r.dayOfMonth > 31 || need.dayOfMonth && r.dayOfMonth == 0 {
		return refuse("dayOfMonth must be from 1 to 31")
	}
	if r.month = int(v.Get("month").Int()); r.month < 0 || r.month > 12 || need.month && r.month == 0 {
		return refuse("month must be from 1 to 12")
	}
	if need.month && need.dayOfMonth && r.dayOfMonth > daysIn(time.Month(r.month)) {
		return refuse("this month has no such day")
	}
	for _, day := range v.Get("daysOfWeek").Array() {
		name := strings.ToLower(day.Str)
		if !slices.Contains(weekdays, name) {
			return refuse("'" + day.String() + "' is no day of the week")
		}
		if !slices.Contains(r.daysOfWeek, name) {
			r.daysOfWeek = append(r.daysOfWeek, name)
		}
	}
	if need.daysOfWeek && len(r.daysOfWeek) == 0 {
		return refuse("daysOfWeek must not be empty")
	}
	r.firstDay, r.index = "sunday", "first"
	if name := strings.ToLower(v.Get("firstDayOfWeek").Str); name != "" {
		if !slices.Contains(weekdays, name) {
			return refuse("'" + name + "' is no day of the week")
		}
		r.firstDay = name
	}
	if name := strings.ToLower(v.Get("index").Str); name != "" {
		if !slices.Contains(weekIndex, name) {
			return refuse("'" + name + "' is no index")
		}
		r.index = name
	}
	return nil
}

// daysIn is the length of a month in a leap year.
func daysIn(m time.Month) int { return time.Date(2024, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }

func (r *recurrence) readRange(v gjson.Result, start moment) *graphError {
	refuse := func(why string) *graphError { return invalidProperty("recurrence/range", why) }
	for _, kind := range []string{"endDate", "noEnd", "numbered"} {
		if strings.EqualFold(kind, v.Get("type").Str) {
			r.until = kind
		}
	}
	r.zone = start.zone
	if name := v.Get("recurrenceTimeZone").Str; name != "" {
		z, err := findZone(name)
		if err != nil {
			return err
		}
		r.zone = z
	}
	day, ok := parseDay(v.Get("startDate").Str)
	if !ok || day != dayOf(r.zone.wall(start.instant())) {
		return refuse("startDate must be the date on which the event starts")
	}
	r.startDay = day
	switch r.until {
	case "endDate":
		if r.endDay, ok = parseDay(v.Get("endDate").Str); !ok || r.endDay < r.startDay {
			return refuse("endDate must not be before startDate")
		}
	case "numbered":
		if r.count = int(v.Get("numberOfOccurrences").Int()); r.count < 1 || r.count > 999 {
			return refuse("numberOfOccurrences must be from 1 to 999")
		}
	case "noEnd":
	default:
		return refuse("'" + v.Get("type").Str + "' is no type of range")
	}
	if _, some := r.firstFrom(r.startDay); !some {
		return refuse("no date fits the pattern")
	}
	return nil
}

func parseDay(text string) (int32, bool) {
	t, err := time.Parse(time.DateOnly, text)
	return dayOf(t), err == nil
}

// dayOf counts the days from 1970-01-01 to the date of a wall time.
func dayOf(wall time.Time) int32 {
	seconds := wall.Unix()
	days := seconds / 86400
	if seconds%86400 < 0 {
		days--
	}
	return int32(days)
}

func dayTime(day int32) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

// rule is the recurrence for the library, in floating time, never running past a day.
func (r *recurrence) rule(last int32) *rrule.RRule {
	if r.until == "endDate" {
		last = min(last, r.endDay)
	}
	o := rrule.ROption{
		Freq: patternKinds[r.kind].frequency, Interval: r.interval,
		Dtstart: dayTime(r.startDay), Until: dayTime(last), Count: r.count,
		Wkst: rruleDays[slices.Index(weekdays, r.firstDay)],
	}
	need := patternKinds[r.kind]
	if need.daysOfWeek {
		for _, day := range r.daysOfWeek {
			o.Byweekday = append(o.Byweekday, rruleDays[slices.Index(weekdays, day)])
		}
		if r.kind != "weekly" { // the first day that fits: "last weekday" can be said (§3.5)
			o.Bysetpos = []int{rruleIndex[slices.Index(weekIndex, r.index)]}
		}
	}
	if need.month {
		o.Bymonth = []int{r.month}
	}
	if need.dayOfMonth {
		// Day 31 is the last day of a shorter month, where RRULE would skip the month.
		for day := min(r.dayOfMonth, 28); day <= r.dayOfMonth; day++ {
			o.Bymonthday = append(o.Bymonthday, day)
		}
		o.Bysetpos = []int{-1}
	}
	rule, err := rrule.NewRRule(o)
	if err != nil {
		panic("m365sim: a checked recurrence is refused: " + err.Error())
	}
	return rule
}

// days calls yield with each day of the series up to a last one, in order, until it answers false.
func (r *recurrence) days(last int32, yield func(int32) bool) {
	if last < r.startDay {
		return
	}
	for next := r.rule(last).Iterator(); ; {
		t, ok := next()
		if !ok || dayOf(t) > last || !yield(dayOf(t)) {
			return
		}
	}
}

// farthest bounds the search for a first day: no pattern is silent for longer than its interval in years.
func (r *recurrence) farthest(from int32) int32 { return from + int32(r.interval+1)*366 + 366*8 }

// firstFrom is the first day of the series that is not before a day.
func (r *recurrence) firstFrom(from int32) (day int32, ok bool) {
	r.days(r.farthest(max(from, r.startDay)), func(d int32) bool {
		if d >= from {
			day, ok = d, true
		}
		return !ok
	})
	return day, ok
}

// has reports whether the series has an occurrence on a day, deleted ones included.
func (r *recurrence) has(day int32) bool {
	found := false
	r.days(day, func(d int32) bool {
		found = d == day
		return !found
	})
	return found
}

// append writes the recurrence with every field filled, as the service does (§3.5): 0, 0001-01-01, sunday; bare, only with what it uses.
func (r *recurrence) append(b []byte, bare bool) []byte {
	need := patternKinds[r.kind]
	number := func(b []byte, name string, value int, used bool) []byte {
		switch {
		case used:
		case bare:
			return b
		default:
			value = 0
		}
		return strconv.AppendInt(appendKey(b, name), int64(value), 10)
	}
	b = append(b, `{"pattern":{`...)
	b = appendTextMember(b, "type", r.kind)
	b = number(b, "interval", r.interval, true)
	b = number(b, "month", r.month, need.month)
	b = number(b, "dayOfMonth", r.dayOfMonth, need.dayOfMonth)
	if need.daysOfWeek {
		b = append(appendKey(b, "daysOfWeek"), '[')
		for i, day := range r.daysOfWeek {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, day)
		}
		b = append(b, ']')
	}
	if !bare || need.daysOfWeek {
		b = appendTextMember(b, "firstDayOfWeek", r.firstDay)
		b = appendTextMember(b, "index", r.index)
	}
	b = append(b, `},"range":{`...)
	b = appendTextMember(b, "type", r.until)
	b = appendTextMember(b, "startDate", dayTime(r.startDay).Format(time.DateOnly))
	switch {
	case r.until == "endDate":
		b = appendTextMember(b, "endDate", dayTime(r.endDay).Format(time.DateOnly))
	case !bare:
		b = appendTextMember(b, "endDate", "0001-01-01")
	}
	b = appendTextMember(b, "recurrenceTimeZone", r.zone.name)
	b = number(b, "numberOfOccurrences", r.count, r.until == "numbered")
	return append(b, '}', '}')
}
