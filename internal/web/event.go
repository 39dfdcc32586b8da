package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// eventPage shows one event, as a form.
type eventPage struct {
	Frame   frame
	ID      string // "" of a new one
	Version int64
	Name    string
	When    string
	Repeats string // the rule in words
	Subject field
	Where   field
	AllDay  bool
	Start   field
	End     field
	Zone    field
	EndZone field
	Remind  field
	Shown   []field // what others are told of the event
	Notes   field
	Tags    field
	Owner   field
	People  peopleForm
	Repeat  repeatForm
	Series  *seriesPart
	Badge   badge
	Outlook outlookNote
	Changed string
	Ask     *askNote
	Single  bool // the form is about one occurrence of a series
	Reading bool // may be seen, but not changed
	Inline  bool // shows what is stored: each field may be saved where it stands
	Who     whoPick
	Mailing mailingPart
	Veiled  string // somebody else's private event: a sentence that says so
	Deletes bool   // may be deleted
	Failed  bool
	Error   string
}

// Action is where the form is sent to.
func (p eventPage) Action() string {
	if p.ID == "" {
		return "/calendar"
	}
	return "/calendar/" + p.ID
}

func (s *Site) eventNew(v *visit) error {
	if err := v.needs(record.Calendar, creating); err != nil {
		return err
	}
	q := v.r.URL.Query()
	start := v.now.In(v.zone).Truncate(time.Hour).Add(time.Hour)
	in := eventInput{Zone: v.zone.String(), Owner: v.user.ID, Remind: "15", AllDay: q.Get("all_day") == "true"}
	if t, err := readWall(q.Get("start"), v.zone); err == nil {
		start = t
		if len(q.Get("start")) == len(dayLayout) && !in.AllDay { // a day was picked, not an hour
			start = t.Add(9 * time.Hour)
		}
	}
	end := start.Add(time.Hour)
	if t, err := readWall(q.Get("end"), v.zone); err == nil && t.After(start) {
		end = t
	}
	in.Start, in.End = start.Format(inputLayout), end.Format(inputLayout)
	if in.AllDay {
		if end.Sub(start) >= 24*time.Hour {
			end = end.AddDate(0, 0, -1)
		} else {
			end = start
		}
		in.Start, in.End = start.Format(dayLayout), end.Format(dayLayout)
	}
	in.Repeat, in.Who = repeatOf("", start), q.Get("who")
	return s.eventForm(v, http.StatusOK, crm.Record{Owner: v.user.ID, Fields: record.Fields{}}, in, nil)
}

func (s *Site) eventShow(v *visit) error {
	r, err := s.recordOf(v, record.Calendar)
	if err != nil {
		return v.goneBehind(err)
	}
	if v.others, err = s.othersMeeting(v, r); err != nil {
		return err
	}
	return s.eventForm(v, http.StatusOK, r, v.inputAt(r, v.seriesOf(r)), nil)
}

func (s *Site) eventForm(v *visit, status int, r crm.Record, in eventInput, errs fieldErrors) error {
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	page := eventPage{Failed: len(errs) > 0, Error: errs[""], AllDay: in.AllDay}
	series := v.seriesOf(r)
	if r.ID != 0 {
		marks, err := s.badges(v, record.Calendar, []crm.Record{r})
		if err != nil {
			return err
		}
		page.ID, page.Version, page.Badge = r.ID.String(), r.Version, marks[r.ID]
		if !r.Veiled {
			if page.Outlook, err = s.outlookNote(v, record.Calendar, page.Badge.at); err != nil {
				return err
			}
		}
		if page.Ask, err = s.asksAbout(v, r); err != nil {
			return err
		}
		page.Reading, page.Deletes = !v.actor().Edits(r), v.actor().Deletes(r)
		page.Inline = !page.Reading && v.r.Method == http.MethodGet && series.scope != crm.Following // each save would split the series once more
		if r.Veiled {
			page.Veiled = v.words.T("event.veiled_note", "Owner", ownerName(users, r.Owner))
		}
		page.Name = eventName(v.words, r)
		page.Changed = v.words.T("record.changed", "Who", ownerName(users, r.ModifiedBy), "When", v.words.Moment(r.ModifiedAt.In(v.zone)))
		if o, ok := first(r, v.zone); ok {
			page.When = v.whenWords(o)
			page.Repeats = v.ruleWords(r)
		}
		if series.on != nil {
			page.Name, page.When = eventName(v.words, series.on.Record), v.whenWords(*series.on)
		}
		page.Series = v.seriesPart(r, series)
	}
	text := func(name record.Field, value string) field {
		f := v.control(record.Calendar, name, record.Fields{name: record.Value(value)}, errs)
		f.Value = value
		return f
	}
	page.Subject = text(record.EventTitle, in.Title)
	page.Where = text(record.Venue, in.Venue)
	page.Notes = text(record.Description, in.Notes)
	page.Tags = text(record.Tag, in.Tags)
	page.Start, page.End = text(record.Start, in.Start), text(record.End, in.End)
	for _, f := range []*field{&page.Start, &page.End} {
		f.Input, f.Required = "datetime-local", true
		if in.AllDay {
			f.Input = "date"
		}
	}
	page.Zone = text(record.TimeZone, in.Zone)
	page.Zone.Input, page.Zone.Options = "select", zoneOptions(in.Zone, v.now)
	if page.Who, err = s.whoPick(v, in, !page.Reading && series.scope != crm.OnlyThis); err != nil {
		return err
	}
	page.EndZone = text(record.EndTimeZone, in.EndZone)
	page.EndZone.Input, page.EndZone.Options = "select", v.endZoneOptions(in.EndZone)
	for _, name := range shownFields {
		f := text(name, in.Shown[name])
		if name == record.Sensitivity {
			f.Hint = v.words.T("hint.Sensitivity")
		}
		page.Shown = append(page.Shown, f)
	}
	page.Remind = text(record.RemindAt, in.Remind)
	page.Remind.Input, page.Remind.Options = "select", v.reminderOptions(in.Remind)
	page.Repeat = s.repeatForm(v, in, errs)
	page.Single = series.scope == crm.OnlyThis
	page.Owner = v.ownerField(users, record.Calendar, in.Owner, errs)
	if page.People, err = s.peopleForm(v, in.People, users, errs); err != nil {
		return err
	}
	page.People.Reading = page.Reading
	if page.People.Invites, err = s.invitesNow(v); err != nil {
		return err
	}
	if r.ID != 0 {
		if err := s.mailingPart(v, &page, r); err != nil {
			return err
		}
	}
	if page.Reading {
		for _, f := range []*field{
			&page.Subject, &page.Where, &page.Notes, &page.Tags, &page.Start, &page.End, &page.Zone, &page.EndZone, &page.Remind, &page.Owner,
		} {
			f.read()
		}
		for i := range page.Shown {
			page.Shown[i].read()
		}
	}
	page.lock()
	title := page.Name
	if r.ID == 0 {
		title = v.words.T("event.new")
	}
	if v.wants("outlook-facts") {
		return s.part(v, "event", "outlook-facts", page)
	}
	page.Frame = s.frame(v, "calendar", title)
	return s.render(v, status, "event", page)
}

func (s *Site) eventCreate(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := v.needs(record.Calendar, creating); err != nil {
		return err
	}
	in := readEvent(form)
	if in.People, err = s.readPeople(v, form); err != nil {
		return err
	}
	if in.WhoLook {
		return s.eventForm(v, http.StatusOK, crm.Record{Fields: record.Fields{}}, in, nil)
	}
	if status, errs := s.unready(v, &in, nil); status != 0 {
		return s.eventForm(v, status, crm.Record{Fields: record.Fields{}}, in, errs)
	}
	d := in.draft()
	asked, err := s.mayMail(v, crm.Record{Kind: record.Calendar}, crm.Writes, &d, "/calendar", "/calendar")
	if asked || err != nil {
		return err
	}
	r, err := s.insert(v, record.Calendar, d)
	if errs, ok := v.eventErrors(err); ok {
		return s.eventForm(v, http.StatusUnprocessableEntity, crm.Record{Fields: record.Fields{}}, in, errs)
	}
	if err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.created", Name: eventName(v.words, r)})
	return v.toRecord("/calendar", r)
}

func (s *Site) eventUpdate(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	before, err := s.toEdit(v, record.Calendar)
	if err != nil {
		return err
	}
	if v.others, err = s.othersMeeting(v, before); err != nil {
		return err
	}
	in, shown := readEvent(form), before
	if in.People, err = s.readPeople(v, form); err != nil {
		return err
	}
	d := in.draft()
	d.ID, d.Version = before.ID, v.draftOf(record.Calendar, form).Version
	shown.Version = d.Version // the form is still about what its reader saw
	if to, asked := v.rescoped(); asked {
		return s.eventRescope(v, before, shown, in, to)
	}
	if in.WhoLook {
		return s.eventForm(v, http.StatusOK, shown, in, nil)
	}
	view := v.seriesOf(before)
	old := v.inputAt(before, view)
	if v.others {
		d.Fields = ofAttendee(d.Fields)
	} else if status, errs := s.unready(v, &in, &old); status != 0 {
		return s.eventForm(v, status, shown, in, errs)
	}
	if !v.others && view.scope != "" && view.scope != crm.OnlyThis && in.Repeat.Freq == "" && form.Get("lose") != "1" {
		return s.eventLoss(v, before, view.others(record.Occurrences(before.Fields[record.Changed])))
	}
	deed := crm.Writes
	if view.scope != "" {
		deed = crm.Revises
	}
	if asked, err := s.mayMail(v, before, deed, &d, "/calendar/"+before.ID.String(), v.r.URL.Path); asked || err != nil {
		return err
	}
	after, err := s.saveEvent(v, before, d)
	if loss := (*crm.LossError)(nil); errors.As(err, &loss) {
		return s.eventLoss(v, before, loss.Lost)
	}
	if fault.Is(err, fault.Conflict) {
		return s.eventConflict(v, before.ID, in)
	}
	if errs, ok := v.eventErrors(err); ok {
		return s.eventForm(v, http.StatusUnprocessableEntity, shown, in, errs)
	}
	if err != nil {
		return err
	}
	return s.eventSaved(v, after)
}

func (s *Site) eventConflict(v *visit, id record.ID, mine eventInput) error {
	now, err := s.Records.Get(v.ctx(), v.actor(), record.Calendar, id)
	if err != nil {
		return err
	}
	theirs := v.inputAt(now, v.seriesOf(now))
	theirRule := v.ruleText(theirs)
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	var people [2]string
	for i, in := range []eventInput{theirs, mine} {
		form, err := s.peopleForm(v, in.People, users, nil)
		if err != nil {
			return err
		}
		people[i] = form.names()
	}
	if !mine.People.Said {
		people[1] = people[0]
	}
	var rows []conflictRow
	for _, each := range []struct {
		name         record.Field
		theirs, mine string
	}{
		{record.EventTitle, theirs.Title, mine.Title},
		{record.Start, v.typedTime(theirs.Start), v.typedTime(mine.Start)},
		{record.End, v.typedTime(theirs.End), v.typedTime(mine.End)},
		{record.TimeZone, theirs.Zone, mine.Zone},
		{record.EndTimeZone, theirs.EndZone, mine.EndZone},
		{record.Recurring, theirRule, v.ruleText(mine)},
		{record.Venue, theirs.Venue, mine.Venue},
		{record.RemindAt, theirs.Remind, mine.Remind},
		{record.Tag, theirs.Tags, mine.Tags},
		{record.Description, theirs.Notes, mine.Notes},
		{record.Participants, people[0], people[1]},
	} {
		if each.theirs != each.mine {
			rows = append(rows, conflictRow{v.words.T("field." + string(each.name)), each.theirs, each.mine})
		}
	}
	for _, name := range shownFields {
		if a, b := theirs.Shown[name], mine.Shown[name]; a != b {
			rows = append(rows, conflictRow{v.words.T("field." + string(name)), v.words.T(choiceKey(name, a)), v.words.T(choiceKey(name, b))})
		}
	}
	return s.conflict(v, now, "calendar", "/calendar/"+id.String(), rows)
}

func (s *Site) eventChanged(v *visit) error {
	return s.changed(v, record.Calendar, "event", "/calendar/")
}

func (s *Site) eventRestore(v *visit) error { return s.bringBack(v, record.Calendar, "/calendar") }

// ruleWords tell how a stored event repeats, "" if it does not. A rule holds in the series' own zone, where it may be another day
// than for the reader: then they say so.
func (v *visit) ruleWords(r crm.Record) string {
	text := string(r.Fields[record.Recurring])
	if text == "" {
		return ""
	}
	rule, err := recur.Parse(text)
	if err != nil {
		return v.words.T("repeat.custom")
	}
	said := v.describe(rule)
	start, err := time.Parse(time.RFC3339, string(r.Fields[record.Start]))
	own, ok := zone.Load(string(r.Fields[record.TimeZone]))
	if err != nil || !ok || v.zone == nil || r.Fields[record.AllDay] == "true" || sameClock(start, own, v.zone) {
		return said
	}
	_, place, _ := strings.Cut(own.String(), "/")
	place = strings.ReplaceAll(cmp.Or(place[strings.LastIndex(place, "/")+1:], own.String()), "_", " ")
	return v.words.T("repeat.in_zone", "Rule", said, "Clock", v.words.Clock(start.In(own)), "Zone", place)
}

// sameClock reports whether the clocks of two zones show the same at a time, and half a year later.
func sameClock(at time.Time, a, b *time.Location) bool {
	for _, t := range []time.Time{at, at.AddDate(0, 6, 0)} {
		if t.In(a).Format(time.DateTime) != t.In(b).Format(time.DateTime) {
			return false
		}
	}
	return true
}
