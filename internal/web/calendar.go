package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// calendarPage shows month, week or day by script, and always the agenda: without script it is the calendar.
type calendarPage struct {
	Frame  frame
	View   string // month, week, day or agenda
	Views  []viewLink
	Owner  string
	Owners []option
	Date   string // the day that is open, 2006-01-02
	Today  string
	Zone   string
	Offset string // of the zone, now: "-03:00"
	Days   []agendaDay
	New    bool // may be made
	Import bool // from files
	Export string
	Mass   bool // many may be updated together
	Busy   *busyAgenda
	Earlier,
	Later string
	Only bool // the agenda shows one day, and all of it
}

type viewLink struct {
	Name, Label, Path string
	Open              bool
}

// An agendaDay is a day with what takes place on it.
type agendaDay struct {
	Date   string
	Label  string
	Today  bool
	Events []agendaEvent
	Rest   int    // how many more there are
	Path   string // of Rest: the day with all of them
}

// mostInAgenda is how many events the agenda shows of one of its many days.
const mostInAgenda = 12

// fold leaves a link of what full days have beyond the first; most 0 folds nothing.
func fold(days []agendaDay, most int, owner string) []agendaDay {
	for i, d := range days {
		if most > 0 && len(d.Events) > most {
			days[i].Rest, days[i].Path, days[i].Events = len(d.Events)-most+1, onlyDay(owner, d.Date), d.Events[:most-1]
		}
	}
	return days
}

type agendaEvent struct {
	ID, Name, Path, Hours, Venue, Owner string
	AllDay, Series, Past                bool
}

// agendaSpan is how far a page of the agenda reaches.
const agendaSpan = 30 // days

var calendarViews = []string{"month", "week", "day", "agenda"}

func (s *Site) calendar(v *visit) error {
	if err := v.needs(record.Calendar, viewing); err != nil {
		return err
	}
	q := v.r.URL.Query()
	view := q.Get("view")
	if view == "list" {
		q.Del("view")
		return v.to(eventsPath + "?" + q.Encode())
	}
	if !slices.Contains(calendarViews, view) {
		view = "month"
	}
	owner := q.Get("owner")
	if owner == "" {
		owner = "mine"
	}
	today := startOfDay(v.now, v.zone)
	open, err := time.ParseInLocation(dayLayout, q.Get("date"), v.zone)
	if err != nil {
		open = today
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	span, most := agendaSpan, mostInAgenda
	if q.Get("days") == "1" {
		span, most = 1, 0
	}
	from, to := open, open.AddDate(0, 0, span)
	found, err := s.window(v, owner, from, to)
	if err != nil {
		return err
	}
	page := calendarPage{
		View: view, Owner: owner, Owners: v.ownerChoices(users, record.Calendar, owner), New: v.creates(record.Calendar), Import: v.imports(record.Calendar), Mass: v.massUpdates(record.Calendar),
		Date: open.Format(dayLayout), Today: today.Format(dayLayout), Zone: v.zone.String(), Offset: v.now.In(v.zone).Format("-07:00"),
		Days:    v.agenda(found, from, to, func(r crm.Record) string { return v.otherOwner(ownerName(users, r.Owner), r) }),
		Earlier: calendarPath(view, owner, open.AddDate(0, 0, -span)),
		Later:   calendarPath(view, owner, to), Only: span == 1,
	}
	page.Days = fold(page.Days, most, owner)
	page.Views = calendarTabs(v, view, owner, open)
	page.Export = v.exportAddress(record.Calendar, listAsk{Owner: owner, spanAsk: spanAsk{events: true, When: whenAll}, Sort: "start"})
	if page.Busy, err = s.busyAgenda(v, owner, from, to); err != nil {
		return err
	}
	if v.wants("agenda") {
		return s.part(v, "calendar", "agenda", page)
	}
	page.Frame = s.frame(v, "calendar", v.words.T("calendar.title"))
	page.Frame.Calendar = view != "agenda"
	return s.render(v, http.StatusOK, "calendar", page)
}

func calendarPath(view, owner string, day time.Time) string {
	return "/calendar?" + url.Values{"view": {view}, "owner": {owner}, "date": {day.Format(dayLayout)}}.Encode()
}

// otherOwner names an event's owner where it is somebody else.
func (v *visit) otherOwner(name string, r crm.Record) string {
	if r.Owner == v.user.ID {
		return ""
	}
	return name
}

// window lists what takes place between two moments, on the reader's calendar.
func (s *Site) window(v *visit, owner string, from, to time.Time) ([]occurrence, error) {
	// Days of all-day events are stored as UTC: a day to each side catches those of every zone.
	found, err := s.Records.List(v.ctx(), v.actor(), record.Calendar, crm.Query{
		Owner: v.listOwner(owner), From: from.AddDate(0, 0, -1), To: to.AddDate(0, 0, 1), Sort: crm.ByStart, Limit: eventsInWindow,
	})
	if err != nil {
		return nil, err
	}
	return occurrences(found, from, to, v.zone), nil
}

// agenda spreads occurrences over the days on which they take place; days without any are left out.
func (v *visit) agenda(found []occurrence, from, to time.Time, owner func(crm.Record) string) []agendaDay {
	var out []agendaDay
	for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
		next := day.AddDate(0, 0, 1)
		shown := agendaDay{
			Date: day.Format(dayLayout), Label: v.words.LongDay(day), Today: day.Equal(startOfDay(v.now, v.zone)),
		}
		for _, o := range found {
			if !o.Start.Before(next) || !o.End.After(day) && !o.Start.Equal(day) {
				continue
			}
			shown.Events = append(shown.Events, agendaEvent{
				ID: o.Record.ID.String(), Name: eventName(v.words, o.Record), Path: o.path(), Hours: v.hours(o, day),
				Venue: string(o.Record.Fields[record.Venue]), Owner: owner(o.Record),
				AllDay: o.AllDay, Series: o.Series, Past: o.End.Before(v.now),
			})
		}
		if len(shown.Events) > 0 {
			out = append(out, shown)
		}
	}
	return out
}

// path is the page of the event; of a series it remembers which day was looked at.
func (o occurrence) path() string {
	path := "/calendar/" + o.Record.ID.String()
	if o.Series && o.Day != "" {
		path += "?on=" + o.Day
	}
	return path
}

func startOfDay(t time.Time, in *time.Location) time.Time {
	y, m, d := t.In(in).Date()
	return recur.Attach(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), in)
}

// feedEvent is an event as the calendar's script takes it: times are the reader's wall clock, without an offset.
type feedEvent struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Start    string    `json:"start"`
	End      string    `json:"end"`
	AllDay   bool      `json:"allDay"`
	Editable bool      `json:"editable"`
	Class    string    `json:"className,omitempty"`
	Display  string    `json:"display,omitempty"` // background: a busy time of another calendar
	Extra    feedExtra `json:"extendedProps"`
}

type feedExtra struct {
	Path    string `json:"path"`
	Move    string `json:"move,omitempty"`
	Version int64  `json:"version"`
	Venue   string `json:"venue,omitempty"`
	Series  bool   `json:"series,omitempty"`
	Rest    int    `json:"rest,omitempty"`    // of a link to what is not shown of a day: how much that is
	On      string `json:"on,omitempty"`      // of a series: the day by which the occurrence is known
	Changed bool   `json:"changed,omitempty"` // it differs from its series
}

const (
	wallLayout = "2006-01-02T15:04:05"
	// feedSpan bounds what one request may ask for.
	feedSpan = 100 * 24 * time.Hour
)

// calendarFeed answers the calendar's script: start and end are the reader's wall clock.
func (s *Site) calendarFeed(v *visit) error {
	if err := v.needs(record.Calendar, viewing); err != nil {
		return err
	}
	q := v.r.URL.Query()
	from, err1 := readWall(q.Get("start"), v.zone)
	to, err2 := readWall(q.Get("end"), v.zone)
	if err1 != nil || err2 != nil || !from.Before(to) || to.Sub(from) > feedSpan {
		return fault.New(fault.Invalid, "", "web: the calendar asks for no proper span of time")
	}
	owner := q.Get("owner")
	if owner == "" {
		owner = "mine"
	}
	found, err := s.window(v, owner, from, to)
	if err != nil {
		return err
	}
	out := make([]feedEvent, 0, len(found))
	actor := v.actor()
	view := q.Get("view")
	most := mostPerDay(view, found)
	rest, shown := map[string]int{}, map[string]int{} // by day
	for _, o := range found {
		day := o.Start.Format(dayLayout)
		if shown[day]++; most > 0 && shown[day] > most {
			rest[day]++
			continue
		}
		id, moves := o.Record.ID.String(), actor.Edits(o.Record)
		e := feedEvent{
			ID: id, Title: eventName(v.words, o.Record), AllDay: o.AllDay, Editable: moves,
			Start: o.Start.Format(wallLayout), End: o.End.Format(wallLayout),
			Extra: feedExtra{Path: o.path(), Version: o.Record.Version, Venue: string(o.Record.Fields[record.Venue]), Series: o.Series, Changed: o.Changed},
		}
		if o.Series {
			e.ID += "/" + o.Day
			e.Extra.On = o.Day
		}
		if moves {
			e.Extra.Move = "/calendar/" + id + "/move"
		}
		if o.Record.Owner != v.user.ID {
			e.Class = "ec-others"
		}
		out = append(out, e)
	}
	busy, _, err := s.busyTimes(v, owner, from, to) // why there are none, the agenda says
	if err != nil {
		return err
	}
	return s.json(v, append(append(out, v.restOfDays(rest, view, owner)...), v.feedBusy(busy)...))
}

// mostOnDay is how many events the calendar's script shows of one day, the first that keeps the whole below maxElements.
// The rest is a link away. Views that are not named show all.
var mostOnDay = map[string][]int{"month": {24, 12, 8, 5}, "week": {30, 15}, "day": {60}}

// maxElements is how many events a browser lays out at once without keeping people waiting.
const maxElements = 250

// mostPerDay is how many occurrences of each day are shown in a view; 0 is all.
func mostPerDay(view string, found []occurrence) (most int) {
	days := map[string]int{}
	for _, o := range found {
		days[o.Start.Format(dayLayout)]++
	}
	for _, most = range mostOnDay[view] {
		all := 0
		for _, n := range days {
			all += min(n, most)
		}
		if all <= maxElements {
			break
		}
	}
	return most
}

// restOfDays are links, told as events, to what is not shown of full days: in a month the last of the day, else at its head.
func (v *visit) restOfDays(rest map[string]int, view, owner string) (out []feedEvent) {
	for _, day := range slices.Sorted(maps.Keys(rest)) {
		e := feedEvent{
			ID: "rest/" + day, Title: v.words.T("calendar.rest", "Count", rest[day]), Class: "ec-rest",
			Start: day + "T23:58:00", End: day + "T23:59:00", Extra: feedExtra{Path: onlyDay(owner, day), Rest: rest[day]},
		}
		if view != "month" {
			e.AllDay, e.Start, e.End = true, day+"T00:00:00", day+"T00:00:00"
			if t, err := time.Parse(dayLayout, day); err == nil {
				e.End = t.AddDate(0, 0, 1).Format(wallLayout)
			}
		}
		out = append(out, e)
	}
	return out
}

// onlyDay is the agenda of one day with all that takes place on it.
func onlyDay(owner, day string) string {
	return "/calendar?" + url.Values{"view": {"agenda"}, "owner": {owner}, "date": {day}, "days": {"1"}}.Encode()
}

// readWall reads a wall clock of the reader; a day is its midnight.
func readWall(text string, in *time.Location) (time.Time, error) {
	for _, layout := range []string{wallLayout, "2006-01-02T15:04", dayLayout} {
		if t, err := time.Parse(layout, text); err == nil {
			return recur.Attach(t, in), nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, fault.BadValue, "web: %q is no date and time", text)
}

func (s *Site) json(v *visit, value any) error { return s.jsonAs(v, http.StatusOK, value) }

func (s *Site) jsonAs(v *visit, status int, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(raw) // the reader may have gone away
	return nil
}
