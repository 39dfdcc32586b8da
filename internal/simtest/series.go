package simtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/testkit/plans"
	"tandem/internal/zone"
)

// In some worlds meetings repeat. People plan series on both sides, change when they take place and how often, and change, move and take
// away single occurrences. What becomes of that is read from what each side shows in a calendar, and from texts that were typed once.

// A mark is a text that somebody typed for one occurrence, or the hour to which a meeting was moved: nobody else has it, wherever it comes to.
type mark struct {
	key, text string
	theirs    bool
	over      bool // replaced, or deleted, by somebody who had it before the eyes
}

// A cut is an occurrence that somebody took away.
type cut struct {
	key, day string
	theirs   bool
}

// A meeting is an event as one side has it, before a person's eyes.
type meeting struct {
	w      *world
	l      *linkState
	key    string
	theirs bool
	r      crm.Record // in the CRM
	it     item       // in Outlook
}

// An occasion is one time at which a meeting takes place, as people see it.
type occasion struct {
	id   string // in Outlook
	day  string // on which its series has it
	line string
}

// shownDays is how much of a calendar is looked at, from the beginning of a series.
const shownDays = 230

// someMeeting is a meeting of somebody's on either side; series: one that repeats.
func (w *world) someMeeting(rng *rand.Rand, series bool) (meeting, bool) {
	l := w.anyLink(rng, func(l *linkState) bool {
		return l.kind == record.Calendar && l.of.way == mapping.BothWays && w.typable()(l)
	})
	if l == nil {
		return meeting{}, false
	}
	if rng.IntN(2) == 0 {
		var some []item
		for _, it := range w.itemsOf(l) {
			if w.entities[it.key] != nil && (!series || repeats(it)) {
				some = append(some, it)
			}
		}
		it, ok := pick(rng, handled(w, rng, some, func(it item) record.Ref { return record.Ref(it.id) }))
		return meeting{w: w, l: l, key: it.key, theirs: true, it: it}, ok
	}
	var some []crm.Record
	for _, r := range w.records(l.of.org, l.kind, false) {
		if r.Owner == l.of.id && w.entities[keyOf(r)] != nil && (!series || r.Fields[record.Recurring] != "") {
			some = append(some, r)
		}
	}
	r, ok := pick(rng, handled(w, rng, some, func(r crm.Record) record.Ref { return r.ID.Ref() }))
	return meeting{w: w, l: l, key: keyOf(r), r: r}, ok
}

func repeats(it item) bool { return it.json.Get("recurrence").IsObject() }

// other is the same meeting on the other side.
func (m *meeting) other() (meeting, bool) {
	out := meeting{w: m.w, l: m.l, key: m.key, theirs: !m.theirs}
	if m.theirs {
		for _, r := range m.w.records(m.l.of.org, m.l.kind, false) {
			if keyOf(r) == m.key && r.Owner == m.l.of.id {
				out.r = r
				return out, true
			}
		}
		return out, false
	}
	for _, it := range m.w.itemsOf(m.l) {
		if it.key == m.key {
			out.it = it
			return out, true
		}
	}
	return out, false
}

// text is all that the side says of the meeting by now, to look for what was typed.
func (m *meeting) text() string {
	if m.theirs {
		return m.w.textOfItem(m.l.of, m.it)
	}
	found, err := m.w.books.records().ByID(context.Background(), m.l.of.org, m.l.kind, []record.ID{m.r.ID})
	if err != nil {
		m.w.fail("store", "a record: %v", err)
	}
	if r, ok := found[m.r.ID]; ok && !r.Deleted() {
		return textOf(r)
	}
	return ""
}

func textOf(r crm.Record) string {
	var b strings.Builder
	for _, f := range slices.Sorted(maps.Keys(r.Fields)) {
		b.WriteString(string(r.Fields[f]))
		b.WriteByte('\n')
	}
	return b.String()
}

func (w *world) textOfItem(of *person, it item) string {
	if e := w.entities[it.key]; !w.series || e == nil || e.kind != record.Calendar {
		return ""
	}
	status, _, raw := w.outlook(of).Raw(http.MethodGet, itemPath(record.Calendar, it.id)+
		"?$select=subject,start,end,recurrence,location,categories,body,cancelledOccurrences&$expand=exceptionOccurrences", nil)
	if status != http.StatusOK {
		return ""
	}
	return string(raw)
}

// occasions are the times at which the meeting takes place.
func (m *meeting) occasions() []occasion {
	if m.theirs {
		return m.w.inOutlook(m.l.of, m.it)
	}
	return inCRM(m.r.Fields)
}

const minutely = "2006-01-02T15:04:05"

// inCRM are the occasions that a record's fields tell of.
func inCRM(f record.Fields) (out []occasion) {
	s, ok := crm.SeriesOf(f)
	if !ok {
		return nil
	}
	from, to := shown(s.First().Start)
	for _, o := range s.Between(from, to, everything) {
		at := o.Over(f)
		out = append(out, occasion{day: o.Day, line: lineOf(o.Start.UTC().Format(minutely), o.End.UTC().Format(minutely),
			string(at[record.EventTitle]), string(at[record.Venue]), string(at[record.Tag]), string(at[record.Description]))})
	}
	return out
}

func shown(first time.Time) (from, to time.Time) {
	day := first.UTC().Truncate(24 * time.Hour)
	return day.AddDate(0, 0, -10), day.AddDate(0, 0, shownDays)
}

func lineOf(start, end, subject, place, tag, body string) string {
	return fmt.Sprintf("%s to %s: %q in %q, %q, %q", start, end, subject, place, tag, strings.TrimSpace(body))
}

// inOutlook are the occasions of an item.
func (w *world) inOutlook(of *person, it item) (out []occasion) {
	all := []item{it}
	start, err := time.Parse(minutely, cutTo(it.json.Get("start.dateTime").Str, len(minutely)))
	if err != nil {
		w.fail("simulation", "the start of an item: %v", err)
		return nil
	}
	if repeats(it) {
		from, to := shown(start)
		all = w.listed(of, record.Calendar, fmt.Sprintf("%s/instances?startDateTime=%s&endDateTime=%s&$top=500", itemPath(record.Calendar, it.id), from.Format(minutely), to.Format(minutely)))
	}
	for _, one := range all {
		o := occasion{id: one.id, line: lineOf(cutTo(one.json.Get("start.dateTime").Str, len(minutely)), cutTo(one.json.Get("end.dateTime").Str, len(minutely)),
			one.json.Get("subject").Str, one.values[0], one.values[1], one.values[2])}
		origin := one.json.Get("originalStart").Str
		if origin == "" && w.hides && repeats(it) {
			_, doc := w.outlook(of).Get(itemPath(record.Calendar, one.id) + "?$select=id,originalStart")
			origin, _ = doc["originalStart"].(string)
		}
		if at, err := time.Parse(time.RFC3339, origin); err == nil {
			o.day = at.In(planned).Format(time.DateOnly)
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b occasion) int { return strings.Compare(a.line, b.line) })
	return out
}

func cutTo(s string, n int) string { return s[:min(n, len(s))] }

// planned is the zone that all series are planned in.
var planned = func() *time.Location {
	loc, ok := zone.Load(plans.Zone)
	if !ok {
		panic("simtest: the zone of all plans is known")
	}
	return loc
}()

// does has the person do something to the meeting; false: it was refused. What was before the eyes and is no more was taken away.
func (m *meeting) does(what string, do func() bool) bool {
	w := m.w
	before := m.text()
	if !do() {
		w.say("user %d is refused: %s of %s %s", m.l.of.id, what, m.key, m.where())
		return false
	}
	now := m.text()
	if now == before {
		return true
	}
	for _, k := range w.marks {
		k.over = k.over || k.key == m.key && strings.Contains(before, k.text) && !strings.Contains(now, k.text)
	}
	way := mapping.ToMicrosoft
	if m.theirs {
		way = mapping.ToCRM
	}
	w.revive(m.key, w.counts(m.l.of.org, m.l.kind, record.Start, way) && !(m.theirs && w.elsewhere(m.l, m.key)))
	w.say("user %d %s of %s %s", m.l.of.id, what, m.key, m.where())
	return true
}

func (m *meeting) where() string {
	return map[bool]string{false: "in the CRM", true: "in Outlook"}[m.theirs]
}

// marked notes a text that was typed.
func (m *meeting) marked(text string) {
	m.w.marks = append(m.w.marks, &mark{key: m.key, text: text, theirs: m.theirs})
}

// revises has the CRM take a change of a series.
func (m *meeting) revises(d crm.SeriesDraft) bool {
	d.ID, d.Lose = m.r.ID, true
	_, err := m.w.crm.Revise(context.Background(), m.w.actor(m.l.of), d)
	return m.w.taken(err)
}

// taken reports whether the CRM has taken what a person did, or refused it with a reason.
func (w *world) taken(err error) bool {
	if err != nil && !fault.Is(err, fault.Invalid) && !errors.As(err, new(crm.Problems)) {
		w.fail("simulation", "a person's deed: %v", err)
	}
	return err == nil
}

// patches has Outlook take one.
func (m *meeting) patches(id string, body map[string]any) bool {
	status, doc := m.w.outlook(m.l.of).Patch(itemPath(m.l.kind, id), body)
	if status != http.StatusOK && status != http.StatusBadRequest {
		m.w.fail("simulation", "an edit is answered with %d %v", status, doc)
	}
	return status == http.StatusOK
}

// ownFields are what people change in single occurrences.
var ownFields = append([]edited{kinds[record.Calendar].key}, kinds[record.Calendar].fields...)

// changes types something for one occurrence.
func (m *meeting) changes(rng *rand.Rand, on occasion) {
	m.w.values++
	text := fmt.Sprintf("o%d.", m.w.values)
	f := ownFields[rng.IntN(len(ownFields))]
	if m.does(fmt.Sprintf("types %s for %s on %s", text, f.ours, on.day), func() bool {
		if m.theirs {
			return m.patches(on.id, f.patch(text))
		}
		return m.revises(crm.SeriesDraft{Draft: crm.Draft{Fields: record.Fields{f.ours: record.Value(text)}}, Day: on.day, Scope: crm.OnlyThis})
	}) {
		m.marked(text)
	}
}

// hour is an hour that nobody else has, on a day.
func (w *world) hour(day string) (from, to time.Time) {
	w.values++
	return plans.Hour(w.values, day)
}

// moves gives one occurrence another time, and now and then another day.
func (m *meeting) moves(rng *rand.Rand, on occasion) {
	day, err := time.Parse(time.DateOnly, on.day)
	if err != nil {
		return
	}
	from, to := m.w.hour(plans.Shifted(day, []int{0, 0, 0, 1, -1}[rng.IntN(5)]))
	if m.does(fmt.Sprintf("moves the occurrence on %s to %s", on.day, from.Format(minutely)), func() bool {
		if m.theirs {
			return m.patches(on.id, between(from, to))
		}
		return m.revises(crm.SeriesDraft{Draft: crm.Draft{Fields: timesOf(from, to)}, Day: on.day, Scope: crm.OnlyThis})
	}) {
		m.marked(from.Format(minutely))
	}
}

func timesOf(from, to time.Time) record.Fields {
	return record.Fields{record.Start: record.Value(from.Format(time.RFC3339)), record.End: record.Value(to.Format(time.RFC3339))}
}

// between is a time in Outlook's words.
func between(from, to time.Time) map[string]any {
	name, _ := zone.Windows(plans.Zone)
	at := func(t time.Time) map[string]any {
		return map[string]any{"dateTime": t.In(planned).Format(minutely), "timeZone": name}
	}
	return map[string]any{"start": at(from), "end": at(to)}
}

// drops takes one occurrence away.
func (m *meeting) drops(on occasion) {
	if m.does("takes away the occurrence on "+on.day, func() bool {
		if !m.theirs {
			return m.revises(crm.SeriesDraft{Day: on.day, Scope: crm.OnlyThis, Remove: true})
		}
		status, doc := m.w.outlook(m.l.of).Delete(itemPath(m.l.kind, on.id))
		if status != http.StatusNoContent {
			m.w.fail("simulation", "a deletion is answered with %d %v", status, doc)
		}
		return true
	}) {
		m.w.cuts = append(m.w.cuts, cut{m.key, on.day, m.theirs})
	}
}

// shifts moves all of the meeting: in Outlook to another hour, in the CRM perhaps to another day too.
func (m *meeting) shifts(rng *rand.Rand) {
	start, err := time.Parse(time.RFC3339, string(m.r.Fields[record.Start]))
	days := rng.IntN(5) - 2
	if m.theirs {
		start, err = time.Parse(minutely, cutTo(m.it.json.Get("start.dateTime").Str, len(minutely)))
		days = 0
	}
	if err != nil {
		m.w.fail("simulation", "the start of %s: %v", m.key, err)
		return
	}
	from, to := m.w.hour(plans.Shifted(start, days))
	m.retimes("moves all to "+from.Format(minutely), from.Format(minutely), func() bool {
		if m.theirs {
			return m.patches(m.it.id, between(from, to))
		}
		return m.revises(crm.SeriesDraft{Draft: crm.Draft{Fields: timesOf(from, to)}, Scope: crm.Whole})
	})
}

// retimes is a deed that changes when all of it takes place.
func (m *meeting) retimes(what, text string, do func() bool) {
	if !m.does(what, do) {
		return
	}
	m.w.entities[m.key].retimed = true
	if text != "" {
		m.marked(text)
	}
}

// plansAnew gives the meeting another rule and time, or makes it a single one.
func (m *meeting) plansAnew(rng *rand.Rand) {
	plan := plans.All[rng.IntN(len(plans.All))]
	from, to := m.w.hour(plan.Start)
	m.retimes(fmt.Sprintf("plans %q from %s", plan.Rule, from.Format(minutely)), from.Format(minutely), func() bool {
		if m.theirs {
			body := between(from, to)
			body["recurrence"] = patternOf(plan.Rule, from)
			return m.patches(m.it.id, body)
		}
		f := timesOf(from, to).With(record.Fields{record.TimeZone: plans.Zone, record.Recurring: record.Value(plan.Rule)})
		results, err := m.w.crm.Update(context.Background(), m.w.actor(m.l.of), m.l.kind, []crm.Draft{{ID: m.r.ID, Fields: f}})
		return m.w.taken(err) && m.w.taken(results[0].Err)
	})
}

// ends gives the series another number of occurrences.
func (m *meeting) ends(rng *rand.Rand) {
	n := 3 + rng.IntN(7)
	if m.theirs && m.it.json.Get("recurrence.range.numberOfOccurrences").Int() == int64(n) { // that would change nothing but a version
		n++
	}
	m.retimes(fmt.Sprintf("ends after %d", n), "", func() bool {
		if m.theirs {
			rule := m.it.json.Get("recurrence").Value().(map[string]any)
			span := rule["range"].(map[string]any)
			rule["range"] = map[string]any{"type": "numbered", "numberOfOccurrences": n, "startDate": span["startDate"], "recurrenceTimeZone": span["recurrenceTimeZone"]}
			return m.patches(m.it.id, map[string]any{"recurrence": rule})
		}
		rule, err := recur.Parse(string(m.r.Fields[record.Recurring]))
		if err != nil {
			return false
		}
		rule.Count, rule.Until = n, ""
		results, err := m.w.crm.Update(context.Background(), m.w.actor(m.l.of), m.l.kind, []crm.Draft{{ID: m.r.ID, Fields: record.Fields{record.Recurring: record.Value(rule.String())}}})
		return m.w.taken(err) && m.w.taken(results[0].Err)
	})
}

// patternOf is a rule of plans in Outlook's words; nil of none.
func patternOf(text string, from time.Time) any {
	if text == "" {
		return nil
	}
	rule, err := recur.Parse(text)
	if err != nil {
		panic("simtest: a plan's rule: " + err.Error())
	}
	pattern, span := map[string]any{"interval": rule.Interval}, map[string]any{"type": "noEnd", "startDate": from.In(planned).Format(time.DateOnly)}
	var days []string
	for _, d := range rule.ByDay {
		days = append(days, strings.ToLower(d.Day.String()))
	}
	switch {
	case rule.Freq == recur.Daily:
		pattern["type"] = "daily"
	case rule.Freq == recur.Weekly:
		pattern["type"], pattern["daysOfWeek"], pattern["firstDayOfWeek"] = "weekly", days, "monday"
	case len(days) > 0:
		pattern["type"], pattern["daysOfWeek"], pattern["index"] = "relativeMonthly", days, []string{"first", "second", "third", "fourth"}[rule.ByDay[0].N-1]
	default:
		pattern["type"], pattern["dayOfMonth"] = "absoluteMonthly", rule.ByMonthDay[0]
	}
	switch {
	case rule.Count > 0:
		span["type"], span["numberOfOccurrences"] = "numbered", rule.Count
	case rule.Until != "":
		span["type"], span["endDate"] = "endDate", rule.Until
	}
	return map[string]any{"pattern": pattern, "range": span}
}

// newSeries plans a series on one of the sides.
func (w *world) newSeries(rng *rand.Rand) {
	l := w.anyLink(rng, func(l *linkState) bool {
		return l.kind == record.Calendar && l.of.way == mapping.BothWays && w.typable()(l)
	})
	if l == nil {
		return
	}
	m := meeting{w: w, l: l, key: w.newKey(l.kind, l.of.org), theirs: rng.IntN(2) == 0}
	plan := plans.All[rng.IntN(len(plans.All)-1)]
	from, to := w.hour(plan.Start)
	m.marked(from.Format(minutely))
	if m.theirs {
		body := between(from, to)
		body["subject"], body["recurrence"] = m.key, patternOf(plan.Rule, from)
		status, doc := w.outlook(l.of).Post(itemsPath(l.kind, string(w.books.link(l.id).Container)), body)
		if status != http.StatusCreated {
			w.fail("simulation", "a new series is answered with %d %v", status, doc)
		}
	} else {
		f := timesOf(from, to).With(record.Fields{record.EventTitle: record.Value(m.key), record.TimeZone: plans.Zone, record.Recurring: record.Value(plan.Rule)})
		results, err := w.crm.Insert(context.Background(), w.actor(l.of), l.kind, []crm.Draft{{Fields: f}})
		must(w, results, err, resultErr)
	}
	w.say("user %d plans %s, %q, %s", l.of.id, m.key, plan.Rule, m.where())
}

// someSeries is a deed about a meeting that repeats, or is to.
func (w *world) someSeries(rng *rand.Rand) {
	what := rng.IntN(20)
	if what < 4 {
		w.newSeries(rng)
		return
	}
	m, ok := w.someMeeting(rng, what != 4)
	if !ok {
		return
	}
	switch what {
	case 4:
		m.plansAnew(rng)
	case 5:
		m.plansAnew(rng)
	case 6, 7:
		m.shifts(rng)
	case 8:
		m.ends(rng)
	default:
		all := m.occasions()
		if len(all) < 3 { // what takes place once more or never is no series that people speak of
			return
		}
		m.handles(rng, all[rng.IntN(min(len(all), 6))], what)
	}
}

// handles is a deed about one occurrence, perhaps on both sides.
func (m *meeting) handles(rng *rand.Rand, on occasion, what int) {
	switch what {
	case 9, 10, 11:
		m.moves(rng, on)
	case 12, 13, 14:
		m.drops(on)
	case 15:
		m.changes(rng, on)
		o, ok := m.other()
		if !ok {
			return
		}
		for _, there := range o.occasions() {
			if there.day == on.day {
				o.handles(rng, there, 9+rng.IntN(10))
				return
			}
		}
	default:
		m.changes(rng, on)
	}
}

// goes notes what goes with a meeting that somebody deletes who had this text before the eyes.
func (w *world) goes(e *entity, text string) {
	for _, k := range w.marks {
		if k.key != e.key {
			continue
		}
		if k.over = k.over || strings.Contains(text, k.text); !k.over && !w.lostText(k.text) {
			e.fate = open // as with any other value
		}
	}
}

// lostText reports whether a text is in the history, as what lost or as a part of it.
func (w *world) lostText(text string) bool {
	for v := range w.books.lost() {
		if strings.Contains(string(v), text) {
			return true
		}
	}
	return false
}

// sameCalendar holds what both sides show of a meeting against each other.
func (w *world) sameCalendar(check string, l *linkState, r crm.Record, it item) {
	if !w.series || l.kind != record.Calendar || l.of.way != mapping.BothWays || check != "L1" && check != "L5" { // it takes long
		return
	}
	ours, theirs := inCRM(r.Fields), w.inOutlook(l.of, it)
	lines := func(all []occasion) (out []string) {
		for _, o := range all {
			out = append(out, o.line)
		}
		slices.Sort(out)
		return out
	}
	if a, b := lines(ours), lines(theirs); !slices.Equal(a, b) {
		only := func(some, others []string) string {
			return strings.Join(slices.DeleteFunc(slices.Clone(some), func(s string) bool { return slices.Contains(others, s) }), "\n  ")
		}
		w.fail(check, "%s differs; only in the CRM\n  %s\nonly in Outlook\n  %s", keyOf(r), only(a, b), only(b, a))
	}
}

// keptSeries looks whether what people did to series and to their occurrences has the fate that it must have (I1, I2, I4). records are all that
// are there, by key.
func (w *world) keptSeries(live map[string]crm.Record) {
	if !w.series {
		return
	}
	texts, synced := map[string]string{}, map[string]bool{}
	for key, r := range live {
		if r.Kind == record.Calendar {
			texts[key] += textOf(r)
		}
	}
	for _, l := range w.order {
		if l.kind != record.Calendar {
			continue
		}
		for _, it := range w.itemsOf(l) {
			texts[it.key] += w.textOfItem(l.of, it)
			synced[it.key] = synced[it.key] || runs(w.books.link(l.id).State)
		}
	}
	known := map[string]bool{"": true}
	for _, t := range w.typed {
		known[string(t.value)] = true
	}
	for _, k := range w.marks {
		known[k.text] = true
		if !k.over && !strings.Contains(texts[k.key], k.text) && !w.lostText(k.text) {
			w.fail("I1", "%s, of %s (in Outlook: %v), is lost", k.text, k.key, k.theirs)
		}
	}
	for key, r := range live {
		e := w.entities[key]
		if r.Kind != record.Calendar || r.Fields[record.Recurring] == "" || e == nil {
			continue
		}
		for _, o := range record.Occurrences(r.Fields[record.Changed]) {
			for f, v := range o.Fields {
				if !known[strings.TrimSuffix(string(v), "Z")] && f != record.End && string(v) != key && !strings.HasPrefix(string(v), "m") && v != "for a moment" {
					w.fail("I2", "nobody has typed %q for %s of %s on %s", v, f, key, o.Day)
				}
			}
		}
		if e.retimed || e.given || !synced[key] {
			continue
		}
		out := strings.Split(string(r.Fields[record.Excluded]), ",")
		for _, c := range w.cuts {
			if c.key == key && !e.erased && !slices.Contains(out, c.day) && (c.theirs || !w.lostText(c.day)) {
				w.fail("I4", "the occurrence of %s on %s was taken away (in Outlook: %v), and is back", key, c.day, c.theirs)
			}
		}
		for _, day := range out {
			if day != "" && !slices.ContainsFunc(w.cuts, func(c cut) bool { return c.key == key && c.day == day }) {
				w.fail("I4", "nobody took away the occurrence of %s on %s, and it is gone", key, day)
			}
		}
	}
}

// chained reports whether a part of a batch is for an occurrence and hangs on a part before it, for one of the same series, that names a version.
func (w *world) chained(of *person, parts []*sent, i int) bool {
	s := parts[i]
	box := w.sim.Mailbox(of.upn)
	master, occurrence := box.MasterOf(s.item())
	if !occurrence || !s.behind || i == 0 || !parts[i-1].writes() {
		return false
	}
	before, _ := box.MasterOf(parts[i-1].item())
	return before == master && (parts[i-1].conditional() || w.chained(of, parts, i-1))
}

// masterOf is the series that the id of an occurrence belongs to; "": it is none of one.
func (w *world) masterOf(of *person, id string) string {
	if !w.series {
		return ""
	}
	master, _ := w.sim.Mailbox(of.upn).MasterOf(id)
	return master
}
