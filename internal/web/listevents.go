package web

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// eventsPath is the list of events, beside the views of the calendar.
const eventsPath = "/calendar/list"

func (s *Site) eventList(v *visit) error {
	return s.list(v, record.Calendar, listPage{Words: "events", Name: "event", Records: "/calendar", listAsk: listAsk{Path: eventsPath, Owner: "mine"}})
}

// spanAsk is what a list of events is asked besides what every list is: when they take place, whom they are about, and whether they
// are in Outlook.
type spanAsk struct {
	events   bool
	When     string // coming, past, all, between
	From, To string // days of between, both included; "": open
	Who      string // the related contact's id
	Outlook  crm.Standing
}

// When events take place.
const (
	whenComing  = "coming"
	whenPast    = "past"
	whenAll     = "all"
	whenBetween = "between"
)

var whens = []string{whenComing, whenPast, whenAll, whenBetween}

// usualWhen is what an address means that says nothing: a mass update and a file are about all events, a list shows what is to come.
func usualWhen(path string) string {
	if path == massPath || path == exportPath {
		return whenAll
	}
	return whenComing
}

func readSpan(path string, kind record.Kind, q url.Values) (a spanAsk) {
	if kind != record.Calendar {
		return a
	}
	a.events, a.When = true, usualWhen(path)
	for name, into := range map[string]*string{"from": &a.From, "to": &a.To} {
		if _, err := time.Parse(dayLayout, q.Get(name)); err == nil {
			*into = q.Get(name)
		}
	}
	switch when := q.Get("when"); {
	case slices.Contains(whens, when):
		a.When = when
	case a.From != "" || a.To != "":
		a.When = whenBetween
	}
	if a.When != whenBetween {
		a.From, a.To = "", ""
	}
	if id, ok := record.ParseID(q.Get("who")); ok {
		a.Who = id.String()
	}
	if o := crm.Standing(q.Get("outlook")); o == crm.InOutlook || o == crm.NotInOutlook {
		a.Outlook = o
	}
	return a
}

// query is what an address says of it.
func (a spanAsk) query(path string) url.Values {
	q := url.Values{}
	if !a.events {
		return q
	}
	if a.When != usualWhen(path) {
		q.Set("when", a.When)
	}
	for name, value := range map[string]string{"from": a.From, "to": a.To, "who": a.Who, "outlook": string(a.Outlook)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// SpanGiven is what an address says of it, for forms that keep it.
func (a listAsk) SpanGiven() (out []option) {
	for name, values := range a.spanAsk.query(a.Path) {
		out = append(out, option{Value: name, Label: values[0]})
	}
	slices.SortFunc(out, func(a, b option) int { return cmp.Compare(a.Value, b.Value) })
	return out
}

// spanQuery puts it into a query. Days are the reader's; those of events that last whole days are kept as days of UTC.
func (v *visit) spanQuery(a spanAsk, q *crm.Query) {
	q.Who, _ = record.ParseID(a.Who)
	q.Outlook = a.Outlook
	day := func(text string, later int) (own, bare time.Time) {
		bare, err := time.Parse(dayLayout, text)
		if err != nil {
			return own, bare
		}
		bare = bare.AddDate(0, 0, later)
		return startOfDay(time.Date(bare.Year(), bare.Month(), bare.Day(), 12, 0, 0, 0, v.zone), v.zone), bare
	}
	switch a.When {
	case whenComing:
		q.From = v.now
	case whenPast:
		q.Ended = v.now
	case whenBetween:
		q.From, q.FromDay = day(a.From, 0)
		q.To, q.ToDay = day(a.To, 1)
	}
}

// listSpan is the part of a list's form that asks this.
type listSpan struct {
	Whens    []option
	From, To string
	Outlook  []option
	Who      *relatedTo
	NoWho    string // the address of the list about everybody
}

func (s *Site) listSpan(v *visit, ask listAsk) (*listSpan, error) {
	out := &listSpan{From: ask.From, To: ask.To}
	for _, when := range whens {
		out.Whens = append(out.Whens, option{when, v.words.T("events.when." + when), when == ask.When})
	}
	for _, o := range []crm.Standing{"", crm.InOutlook, crm.NotInOutlook} {
		out.Outlook = append(out.Outlook, option{string(o), v.words.T("events.outlook." + cmp.Or(string(o), "any")), o == ask.Outlook})
	}
	if ask.Who == "" {
		return out, nil
	}
	var err error
	if out.Who, err = s.relatedTo(v, ask.Who); err != nil {
		return nil, err
	}
	if out.Who == nil { // gone, or not for the reader
		out.Who = &relatedTo{ask.Who, v.words.T("record.nameless")}
	}
	ask.Who = ""
	out.NoWho = ask.with(ask.Sort, ask.Desc, 1)
	return out, nil
}

// The columns of events that are no fields.
const (
	columnWhen = "when"
	columnWho  = string(record.WhoID)
)

// usualEventColumns are those of a person who has chosen none.
var usualEventColumns = []string{columnWhen, columnWho, string(record.Venue), columnOwner, columnOutlook}

// eventCell is what an event shows in a column of its own: of a series the next time from a moment on.
func (v *visit) eventCell(out *cell, r crm.Record, from time.Time, about map[string]string) {
	switch out.Name {
	case columnWhen:
		o, ok := first(r, v.zone)
		if o.Series && o.Start.Before(from) {
			series, _ := crm.SeriesOf(r.Fields)
			if next := series.Between(from, from.AddDate(2, 0, 0), 1); len(next) > 0 {
				o = shown(r, next[0], v.zone)
			}
		}
		if ok {
			out.Text, out.More = v.whenWords(o), v.ruleWords(r)
		}
	case columnWho:
		if id := string(r.Fields[record.WhoID]); about[id] != "" {
			out.Text, out.Path = about[id], "/contacts/"+id
		}
	}
}

// relatedOf are the names of the contacts that events are about, by id, where the list shows them.
func (s *Site) relatedOf(v *visit, columns []column, events []crm.Record) (map[string]string, error) {
	if !v.sees(record.Contacts) || !slices.ContainsFunc(columns, func(c column) bool { return c.Name == columnWho }) {
		return nil, nil
	}
	var ids []record.ID
	for _, r := range events {
		if id, ok := record.ParseID(string(r.Fields[record.WhoID])); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := s.Records.ByID(v.ctx(), v.actor(), record.Contacts, ids...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(found))
	for id, r := range found {
		if !r.Deleted() {
			out[id.String()] = contactName(v.words, r)
		}
	}
	return out, nil
}

// calendarTabs are the views of the calendar, the list of events among them.
func calendarTabs(v *visit, open, owner string, day time.Time) (out []viewLink) {
	for _, name := range calendarViews {
		out = append(out, viewLink{name, v.words.T("calendar." + name), calendarPath(name, owner, day), name == open})
	}
	list := eventsPath
	if owner != "mine" {
		list += "?" + url.Values{"owner": {owner}}.Encode()
	}
	return append(out, viewLink{"list", v.words.T("calendar.list"), list, open == "list"})
}
