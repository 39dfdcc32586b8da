package m365sim

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

const (
	dateForm    = "2006-01-02"
	wireForm    = "2006-01-02T15:04:05.9999999" // of Graph's dateTime, without a zone
	agendaDays  = 31
	minutesADay = 24 * 60
)

// A folderLink is a calendar or a contact folder in the list at the side.
type folderLink struct {
	ID, Name, Path string
	Current        bool
	Default        bool
	Swatch         int // which of the colours of the style sheet
}

type calendarPage struct {
	layout
	Problem         string
	Calendars       []folderLink
	Selected        folderLink
	View            string // "week" or "list"
	Heading         string
	Zone            string
	Today, Week     string // addresses
	List, Prev      string
	Next, NewEvent  string
	Live            string
	Days            []dayColumn
	Hours           []string
	Empty           bool
	NewName, Rename string // what was typed, when it was refused
}

// A dayColumn is one day of the week, or of the list.
type dayColumn struct {
	Date    time.Time
	Today   bool
	AllDay  []eventCard
	Timed   []eventCard
	NewPath string
}

// An eventCard is an event as far as it lies in one day. From and To are minutes since midnight.
type eventCard struct {
	Path, Subject, Where string
	Times                string
	ShowAs, Sensitivity  string
	Series, Cancelled    bool
	Categories           []string
	People               int
	From, To             int
	Lane, Lanes          int
}

// calendars lists the calendars of the default group.
func (d *desk) calendars() ([]folderLink, *handError) {
	var list []folderLink
	err := d.hand.each("/me/calendars?$top=100", func(c gjson.Result) {
		list = append(list, folderLink{
			ID: c.Get("id").Str, Name: c.Get("name").Str, Default: c.Get("isDefaultCalendar").Bool(),
			Path: d.path + "/calendar?" + url.Values{"cal": {c.Get("id").Str}}.Encode(), Swatch: len(list) % 6,
		})
	})
	return list, err
}

// choose marks one of the list as open: the one with that id, else the default one.
func choose(list []folderLink, id string) folderLink {
	i := slices.IndexFunc(list, func(f folderLink) bool { return f.ID == id })
	if i < 0 {
		i = slices.IndexFunc(list, func(f folderLink) bool { return f.Default })
	}
	if i < 0 {
		return folderLink{}
	}
	list[i].Current = true
	return list[i]
}

// location is the zone in which the mailbox's owner sees the world.
func (d *desk) location() *time.Location { return locationOf(d.person.TimeZone) }

func locationOf(name string) *time.Location {
	z, err := findZone(name)
	if err != nil {
		return time.UTC
	}
	return z.loc
}

func (d *desk) calendarPage() { d.showCalendar(200, calendarPage{}) }

// showCalendar renders the week or the list around the day that the address asks for.
func (d *desk) showCalendar(status int, view calendarPage) {
	q := d.r.URL.Query()
	view.layout = d.layout("Calendar", "calendar")
	var err *handError
	if view.Calendars, err = d.calendars(); err != nil {
		d.problem(err)
		return
	}
	id := q.Get("cal")
	if given := d.r.PathValue("id"); given != "" {
		id = given
	}
	view.Selected = choose(view.Calendars, id)
	view.View = "week"
	if q.Get("view") == "list" {
		view.View = "list"
	}
	here, zone := d.s.now(), d.location()
	today := midnight(here.In(zone))
	day, badDate := time.ParseInLocation(dateForm, q.Get("on"), zone)
	if badDate != nil {
		day = today
	}
	first, days := day, agendaDays
	if view.View == "week" {
		first, days = monday(day), 7
	}
	link := func(mode string, on time.Time) string {
		v := url.Values{"cal": {view.Selected.ID}, "view": {mode}, "on": {on.Format(dateForm)}}
		return d.path + "/calendar?" + v.Encode()
	}
	view.Today, view.Week, view.List = link(view.View, today), link("week", day), link("list", day)
	view.Prev, view.Next = link(view.View, first.AddDate(0, 0, -days)), link(view.View, first.AddDate(0, 0, days))
	view.NewEvent = d.newEventPath(view.Selected.ID, time.Time{})
	view.Live = d.path + "/live"
	view.Zone = d.person.TimeZone
	view.Heading = d.lang.monthYear(first.AddDate(0, 0, min(3, days-1)))
	for h := range 24 {
		view.Hours = append(view.Hours, time.Date(2000, 1, 1, h, 0, 0, 0, time.UTC).Format("15:04"))
	}
	if view.Days, err = d.days(view.Selected.ID, first, days, today, view.View); err != nil {
		d.problem(err)
		return
	}
	view.Empty = !slices.ContainsFunc(view.Days, func(c dayColumn) bool { return len(c.AllDay)+len(c.Timed) > 0 })
	if view.View == "list" {
		view.Days = slices.DeleteFunc(view.Days, func(c dayColumn) bool { return len(c.AllDay)+len(c.Timed) == 0 })
	}
	render(d.w, d.r, status, "calendar", view)
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// monday is the beginning of a day's week.
func monday(day time.Time) time.Time { return day.AddDate(0, 0, -(int(day.Weekday())+6)%7) }

// days fetches the events of some days, occurrences of series included, and deals them out.
func (d *desk) days(calendar string, first time.Time, n int, today time.Time, view string) ([]dayColumn, *handError) {
	columns := make([]dayColumn, n)
	for i := range columns {
		at := first.AddDate(0, 0, i)
		columns[i] = dayColumn{Date: at, Today: at.Equal(today), NewPath: d.newEventPath(calendar, at)}
	}
	// An all-day event lies at midnight of its own zone, which can be a day away in ours.
	v := url.Values{
		"startDateTime": {first.AddDate(0, 0, -1).UTC().Format(time.RFC3339)},
		"endDateTime":   {first.AddDate(0, 0, n+1).UTC().Format(time.RFC3339)},
		"$top":          {"500"},
	}
	back := url.Values{"back": {d.r.URL.RequestURI()}}
	err := d.hand.each("/me/calendars/"+url.PathEscape(calendar)+"/calendarView?"+v.Encode(), func(e gjson.Result) {
		card := d.card(e, back)
		from, to := d.span(e, first.Location())
		for i := range columns {
			day, next := columns[i].Date, columns[i].Date.AddDate(0, 0, 1)
			if !from.Before(next) || !to.After(day) && !from.Equal(day) {
				continue
			}
			one := card
			if e.Get("isAllDay").Bool() {
				columns[i].AllDay = append(columns[i].AllDay, one)
				continue
			}
			one.From, one.To = clipped(from, to, day, next)
			one.Times = d.lang.clock(from) + "–" + d.lang.clock(to)
			columns[i].Timed = append(columns[i].Timed, one)
		}
	})
	for i := range columns {
		sortCards(columns[i].AllDay)
		sortCards(columns[i].Timed)
		lanes(columns[i].Timed)
	}
	return columns, err
}

func sortCards(cards []eventCard) {
	slices.SortStableFunc(cards, func(a, b eventCard) int {
		if a.From != b.From {
			return a.From - b.From
		}
		return strings.Compare(a.Subject, b.Subject)
	})
}

// span is when an event happens, in the viewer's zone. All-day events are dates: they keep theirs in any zone.
func (d *desk) span(e gjson.Result, zone *time.Location) (from, to time.Time) {
	from, to = wireTime(e.Get("start")), wireTime(e.Get("end"))
	if !e.Get("isAllDay").Bool() {
		return from.In(zone), to.In(zone)
	}
	own := locationOf(e.Get("originalStartTimeZone").Str)
	from, to = from.In(own), to.In(own)
	return time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, zone), time.Date(to.Year(), to.Month(), to.Day(), 0, 0, 0, 0, zone)
}

// wireTime reads a dateTimeTimeZone.
func wireTime(v gjson.Result) time.Time {
	t, err := time.ParseInLocation(wireForm, v.Get("dateTime").Str, locationOf(v.Get("timeZone").Str))
	if err != nil {
		return time.Time{}
	}
	return t
}

// leastTall is how many minutes an event takes in the picture, so that its subject can be read.
const leastTall = 30

// clipped is the part of a time that lies in one day, in minutes.
func clipped(from, to, day, next time.Time) (int, int) {
	a, b := 0, minutesADay
	if from.After(day) {
		a = from.Hour()*60 + from.Minute()
	}
	if to.Before(next) {
		b = to.Hour()*60 + to.Minute()
	}
	a = min(a, minutesADay-leastTall)
	return a, max(b, a+leastTall)
}

// lanes puts events that overlap beside each other. The cards are in the order of their beginning.
func lanes(cards []eventCard) {
	for i := 0; i < len(cards); {
		end, group := cards[i].To, i
		var free []int // when each lane is free again
		for ; i < len(cards) && (i == group || cards[i].From < end); i++ {
			end = max(end, cards[i].To)
			lane := slices.IndexFunc(free, func(at int) bool { return at <= cards[i].From })
			if lane < 0 {
				lane = len(free)
				free = append(free, 0)
			}
			free[lane] = cards[i].To
			cards[i].Lane = lane
		}
		for j := group; j < i; j++ {
			cards[j].Lanes = len(free)
		}
	}
}

// card is what the week and the list show of an event.
func (d *desk) card(e gjson.Result, back url.Values) eventCard {
	c := eventCard{
		Path:    d.path + "/events/" + url.PathEscape(e.Get("id").Str) + "?" + back.Encode(),
		Subject: e.Get("subject").Str, Where: e.Get("location.displayName").Str,
		ShowAs: e.Get("showAs").Str, Sensitivity: e.Get("sensitivity").Str,
		Series: e.Get("type").Str == "occurrence" || e.Get("type").Str == "exception", Cancelled: e.Get("isCancelled").Bool(),
		People: len(e.Get("attendees").Array()),
	}
	if c.Subject == "" {
		c.Subject = d.lang.say("(no subject)")
	}
	for _, name := range e.Get("categories").Array() {
		c.Categories = append(c.Categories, name.Str)
	}
	return c
}

func (d *desk) createCalendar() {
	name := strings.TrimSpace(d.r.PostForm.Get("name"))
	made, err := d.hand.post("/me/calendars", map[string]any{"name": name})
	if err != nil {
		d.showCalendar(err.status, calendarPage{Problem: err.Error(), NewName: name})
		return
	}
	d.goTo(d.path+"/calendar", url.Values{"cal": {made.Get("id").Str}})
}

func (d *desk) renameCalendar() {
	id, name := d.r.PathValue("id"), strings.TrimSpace(d.r.PostForm.Get("name"))
	if _, err := d.hand.patch("/me/calendars/"+url.PathEscape(id), map[string]any{"name": name}); err != nil {
		d.showCalendar(err.status, calendarPage{Problem: err.Error(), Rename: name})
		return
	}
	d.goTo(d.path+"/calendar", url.Values{"cal": {id}})
}

func (d *desk) deleteCalendar() {
	if err := d.hand.delete("/me/calendars/" + url.PathEscape(d.r.PathValue("id"))); err != nil {
		d.showCalendar(err.status, calendarPage{Problem: err.Error()})
		return
	}
	d.goTo(d.path+"/calendar", nil)
}
