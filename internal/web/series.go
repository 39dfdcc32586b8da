package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// seriesView says which occurrences of a series a visit is about. Zero: the event does not repeat.
type seriesView struct {
	scope crm.Scope
	day   string      // of the occurrence that was looked at; "": none
	on    *occurrence // that occurrence, where the form is about it
}

// seriesPart is what the page of a series shows of that.
type seriesPart struct {
	Scope   crm.Scope
	On      string     // the day that was looked at
	OnWords string     // that day, as people say it
	Scopes  []viewLink // the choices, if a day was looked at
	Skipped int        // days that are left out
	Changed int        // occurrences that have something of their own
}

// scopes are the choices, in the order in which they are offered.
var scopes = []crm.Scope{crm.OnlyThis, crm.Following, crm.Whole}

// asked is a value that came with the form, or else with the address.
func (v *visit) asked(name string) string {
	if v.r.PostForm.Has(name) {
		return v.r.PostForm.Get(name)
	}
	return v.r.URL.Query().Get(name)
}

// seriesOf finds out what a visit to an event is about: its form and its address name a day and a scope.
func (v *visit) seriesOf(r crm.Record) (view seriesView) {
	if s, ok := crm.SeriesOf(r.Fields); !ok || !s.Repeats() {
		return view
	}
	view.scope = crm.Whole
	if v.others { // its days are the organizer's: what is the attendee's own counts for all of them
		return view
	}
	day := v.asked("on")
	o, ok := crm.OccurrenceOn(r.Fields, day)
	if !ok {
		return view
	}
	view.day, view.scope = day, crm.OnlyThis
	if scope := crm.Scope(v.asked("scope")); slices.Contains(scopes, scope) {
		view.scope = scope
	}
	if view.scope != crm.Whole {
		one := shown(r, o, v.zone)
		view.on = &one
	}
	return view
}

// target is the day that a change of the series is told from.
func (view seriesView) target() string {
	if view.scope == crm.Whole {
		return ""
	}
	return view.day
}

// others are, of changed occurrences, those that the visit is about besides the one that was looked at.
func (view seriesView) others(changed []record.Occurrence) []record.Occurrence {
	if view.scope != crm.Following {
		return changed
	}
	return slices.DeleteFunc(changed, func(o record.Occurrence) bool { return o.Day <= view.day })
}

// inputAt says an event as its form does: an occurrence of a series if the visit is about one.
func (v *visit) inputAt(r crm.Record, view seriesView) eventInput {
	if view.on == nil {
		return v.inputOf(r)
	}
	at := r
	at.Fields = view.on.Record.Fields.Clone()
	if o, ok := crm.OccurrenceOn(r.Fields, view.day); ok {
		at.Fields = o.Over(r.Fields)
	}
	at.Fields[record.Recurring] = ""
	if part, ok := crm.Part(r.Fields, view.day); ok && view.scope == crm.Following {
		at.Fields[record.Recurring] = part[record.Recurring]
	}
	return v.inputOf(at)
}

func (v *visit) seriesPart(r crm.Record, view seriesView) *seriesPart {
	if view.scope == "" {
		return nil
	}
	part := &seriesPart{Scope: view.scope, Changed: len(record.Occurrences(r.Fields[record.Changed]))}
	if days := string(r.Fields[record.Excluded]); days != "" {
		part.Skipped = strings.Count(days, ",") + 1
	}
	o, ok := crm.OccurrenceOn(r.Fields, view.day)
	if !ok {
		return part
	}
	part.On, part.OnWords = view.day, v.words.LongDay(shown(r, o, v.zone).Start)
	for _, scope := range scopes {
		part.Scopes = append(part.Scopes, viewLink{
			Name: string(scope), Label: v.words.T("series."+string(scope), "Day", part.OnWords), Open: scope == view.scope,
			Path: "/calendar/" + r.ID.String() + "?on=" + view.day + "&scope=" + string(scope),
		})
	}
	return part
}

// saved is what a change of an event came to.
type saved struct {
	record crm.Record // to go on with
	undo   crm.Undo
	path   string
}

// saveEvent stores what a form says about an event, or about those occurrences of a series that it is about.
func (s *Site) saveEvent(v *visit, before crm.Record, d crm.Draft) (saved, error) {
	view := v.seriesOf(before)
	if view.scope == "" {
		after, err := s.update(v, record.Calendar, d)
		return saved{after, crm.UndoOf(before, after), "/calendar/" + after.ID.String()}, err
	}
	out, err := s.Records.Revise(v.ctx(), v.actor(), crm.SeriesDraft{
		Draft: d, Day: view.target(), Scope: view.scope, Lose: v.asked("lose") == "1",
	})
	if err != nil {
		return saved{}, err
	}
	if out.Fresh.ID != 0 {
		return saved{out.Fresh, out.Undo, "/calendar/" + out.Fresh.ID.String()}, nil
	}
	path := "/calendar/" + out.Record.ID.String()
	if view.scope == crm.OnlyThis {
		path += "?on=" + view.day
	}
	return saved{out.Record, out.Undo, path}, nil
}

// eventSaved goes on to the event, with an offer to take the change back.
func (s *Site) eventSaved(v *visit, done saved) error {
	s.putFlash(v.ctx(), flash{Key: "flash.saved", Name: eventName(v.words, done.record), Undo: s.keepUndo(v, done.undo)})
	if done.record.Owner != v.user.ID && v.may().Records(record.Calendar).View != record.Anyones {
		return v.to("/calendar")
	}
	return v.to(done.path)
}

// maxUndo bounds what a session keeps of a change, in bytes.
const maxUndo = 64 << 10

// keepUndo remembers in the session how the last change is taken back, and says where; "": it changed nothing, or so much
// that it is not kept.
func (s *Site) keepUndo(v *visit, u crm.Undo) string {
	if len(u.Before) == 0 && !u.Deleted && u.Fresh == 0 {
		return ""
	}
	raw, err := json.Marshal(u)
	if err != nil || len(raw) > maxUndo {
		return ""
	}
	s.sessions.Put(v.ctx(), keyUndo, string(raw))
	return "/calendar/undo?of=" + undoName(u)
}

// undoName tells one change from another, so that an old page does not take back a newer change.
func undoName(u crm.Undo) string { return u.ID.String() + "." + strconv.FormatInt(u.Version, 10) }

// eventUndo takes back the last change that the session made in the calendar, if nothing of it was changed since.
func (s *Site) eventUndo(v *visit) error {
	if err := v.needs(record.Calendar, viewing); err != nil {
		return err
	}
	var u crm.Undo
	raw := s.sessions.GetString(v.ctx(), keyUndo)
	if raw == "" || json.Unmarshal([]byte(raw), &u) != nil || undoName(u) != v.r.URL.Query().Get("of") {
		return fault.New(fault.Gone, "", "web: there is no such change to take back")
	}
	r, err := s.Records.TakeBack(v.ctx(), v.actor(), u)
	if err != nil {
		return err
	}
	s.sessions.Remove(v.ctx(), keyUndo)
	if v.scripted() {
		v.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	s.putFlash(v.ctx(), flash{Key: "flash.undone", Name: eventName(v.words, r)})
	return v.toRecord("/calendar", r)
}

// eventDelete takes an event away, or those occurrences of a series that the form names.
func (s *Site) eventDelete(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	scope := crm.Scope(form.Get("scope"))
	if scope == "" || scope == crm.Whole {
		r, err := s.recordOf(v, record.Calendar)
		if err != nil {
			return err
		}
		d := crm.Draft{ID: r.ID}
		if v.actor().Deletes(r) {
			if asked, err := s.mayMail(v, r, crm.Removes, &d, v.r.URL.Path, "/calendar/"+r.ID.String()); asked || err != nil {
				return err
			}
		}
		return s.remove(v, d, r, "/calendar")
	}
	r, err := s.toEdit(v, record.Calendar)
	if err != nil {
		return err
	}
	var word crm.Draft
	if asked, err := s.mayMail(v, r, crm.Revises, &word, v.r.URL.Path, "/calendar/"+r.ID.String()); asked || err != nil {
		return err
	}
	version, _ := strconv.ParseInt(form.Get("version"), 10, 64)
	out, err := s.Records.Revise(v.ctx(), v.actor(), crm.SeriesDraft{
		Draft: crm.Draft{ID: r.ID, Version: version, Mail: word.Mail}, Day: form.Get("on"), Scope: scope, Remove: true,
	})
	if err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.removed_" + string(scope), Name: eventName(v.words, r), Undo: s.keepUndo(v, out.Undo)})
	return v.to("/calendar")
}

// lossPage asks before occurrences lose what they have of their own, or all but one of them.
type lossPage struct {
	Frame  frame
	Name   string
	Single bool   // only one occurrence would be left
	Stays  string // its day
	Later  bool   // of the series from that day on; the days before it stay
	Rows   []lossRow
	Action string
	Back   string
	Hidden []hidden
}

// A lossRow is one occurrence with what it would lose.
type lossRow struct {
	Day   string
	Items []string
}

func (s *Site) eventLoss(v *visit, r crm.Record, lost []record.Occurrence) error {
	d := v.draftOf(record.Calendar, v.r.PostForm)
	path := "/calendar/" + r.ID.String()
	page := lossPage{
		Frame: s.frame(v, "calendar", v.words.T("loss.title")), Name: eventName(v.words, r), Rows: v.lossRows(r, lost),
		Single: v.r.PostForm.Get("repeat") == "", Action: path, Back: path, Hidden: carried(v.r.PostForm, d.Version),
	}
	if day, _, _ := strings.Cut(v.r.PostForm.Get(string(record.Start)), "T"); page.Single {
		if at, err := time.Parse(dayLayout, day); err == nil {
			page.Stays = v.words.Day(at)
		}
		page.Later = crm.Scope(v.asked("scope")) == crm.Following
	}
	if on := v.asked("on"); on != "" {
		page.Back += "?on=" + on + "&scope=" + v.asked("scope")
	}
	return s.render(v, http.StatusConflict, "loss", page)
}

func (v *visit) lossRows(r crm.Record, lost []record.Occurrence) (rows []lossRow) {
	for _, o := range lost {
		row := lossRow{Day: o.Day}
		if day, err := time.Parse(dayLayout, o.Day); err == nil {
			row.Day = v.words.Day(day)
		}
		for _, d := range record.AllDefs(record.Calendar) {
			value, own := o.Fields[d.Name]
			if !own || d.Name == record.End || d.Name == record.AllDay {
				continue
			}
			text := string(value)
			if d.Name == record.Start {
				at := r
				at.Fields = r.Fields.With(o.Fields).With(record.Fields{record.Recurring: ""})
				if when, ok := first(at, v.zone); ok {
					text = v.whenWords(when)
				}
			}
			row.Items = append(row.Items, v.words.T("loss.item", "Field", v.words.T("field."+string(d.Name)), "Value", text))
		}
		rows = append(rows, row)
	}
	return rows
}

// moved is what the calendar's script hears of a drag.
type moved struct {
	Said    string   `json:"said"`              // what happened, or why not
	Undo    string   `json:"undo,omitempty"`    // where it is taken back
	Version int64    `json:"version,omitempty"` // the one that now stands, where somebody changed the event meanwhile
	Lose    []string `json:"lose,omitempty"`    // what would be lost
	Mails   []string `json:"mails,omitempty"`   // who would be mailed
	Mail    string   `json:"mail,omitempty"`    // what to send as a yes to that
}

// eventMove is a drag in the calendar, or the keys that do the same: new times on the reader's wall clock, at the version
// that was shown; of a series also for which occurrences.
func (s *Site) eventMove(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	r, err := s.toEdit(v, record.Calendar)
	if err != nil {
		return err
	}
	start, err1 := readWall(form.Get("start"), v.zone)
	end, err2 := readWall(form.Get("end"), v.zone)
	version, err3 := strconv.ParseInt(form.Get("version"), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || version < 1 {
		return fault.Wrong(fault.BadValue, string(record.Start), "web: this event cannot be moved so")
	}
	d := crm.Draft{ID: r.ID, Version: version, Fields: record.Fields{
		record.AllDay: "false", record.Start: record.Value(start.UTC().Format(momentLayout)), record.End: record.Value(end.UTC().Format(momentLayout)),
	}}
	if form.Get("all_day") == "true" {
		d.Fields = record.Fields{
			record.AllDay: "true", record.Start: record.Value(start.Format(dayLayout)), record.End: record.Value(end.Format(dayLayout)),
		}
	}
	deed := crm.Writes
	if r.Fields[record.Recurring] != "" {
		deed = crm.Revises
	}
	question, err := s.moveMails(v, r, deed, &d)
	switch {
	case err != nil:
		return err
	case question != nil:
		return s.jsonAs(v, http.StatusConflict, question)
	}
	var undo crm.Undo
	if r.Fields[record.Recurring] == "" {
		var after crm.Record
		if after, err = s.update(v, record.Calendar, d); err == nil {
			undo = crm.UndoOf(r, after)
		}
	} else {
		var out crm.SeriesOutcome
		out, err = s.Records.Revise(v.ctx(), v.actor(), crm.SeriesDraft{
			Draft: d, Day: form.Get("on"), Scope: crm.Scope(form.Get("scope")), Lose: form.Get("lose") == "1",
		})
		undo = out.Undo
	}
	return s.answerMove(v, r, undo, err)
}

func (s *Site) answerMove(v *visit, r crm.Record, undo crm.Undo, err error) error {
	name := eventName(v.words, r)
	if loss := (*crm.LossError)(nil); errors.As(err, &loss) {
		answer := moved{Said: v.words.T("calendar.would_lose", "Name", name)}
		for _, row := range v.lossRows(r, loss.Lost) {
			answer.Lose = append(answer.Lose, row.Day+": "+strings.Join(row.Items, ", "))
		}
		return s.jsonAs(v, http.StatusConflict, answer)
	}
	switch {
	case err == nil:
		return s.json(v, moved{Said: v.words.T("calendar.moved", "Name", name), Undo: s.keepUndo(v, undo)})
	case fault.Is(err, fault.Conflict):
		now, err := s.Records.Get(v.ctx(), v.actor(), record.Calendar, r.ID)
		if err != nil {
			return err
		}
		users, err := s.Accounts.Users(v.ctx(), v.user.Org)
		if err != nil {
			return err
		}
		answer := moved{Version: now.Version}
		o, _ := first(now, v.zone)
		answer.Said = v.words.T("calendar.changed", "Name", eventName(v.words, now), "Who", ownerName(users, now.ModifiedBy), "When", v.whenWords(o))
		return s.jsonAs(v, http.StatusConflict, answer)
	}
	if errs, ok := v.eventErrors(err); ok {
		for _, field := range []record.Field{record.Recurring, record.Start, record.End} {
			if said := errs[string(field)]; said != "" {
				return s.jsonAs(v, http.StatusUnprocessableEntity, moved{Said: said})
			}
		}
	}
	return err
}

// nearest is the form of a rule that Microsoft 365 has words for. fits: it has them for the rule itself.
func (s *Site) nearest(rule recur.Rule, start time.Time) (near recur.Rule, from time.Time, fits bool) {
	if s.Expressible == nil || s.Expressible(rule, start) == nil {
		return rule, start, true
	}
	rules, starts := rule.Nearest(start)
	for i := range rules {
		if s.Expressible(rules[i], starts[i]) == nil {
			return rules[i], starts[i], false
		}
	}
	return recur.Rule{}, start, false
}

// eventErrors are the sentences by the fields of an event's form; what the CRM says of changed occurrences stands by the start.
func (v *visit) eventErrors(err error) (fieldErrors, bool) {
	errs, ok := v.fieldWords(err)
	for _, f := range faults(err) {
		if !ok || f.Field != string(record.Changed) {
			continue
		}
		if f.Reason == fault.NotExpressible {
			errs[f.Field] = v.words.T("field_error.crossing")
		}
		errs[string(record.Start)] = errs[f.Field]
	}
	return errs, ok
}

// unready looks at a form before the CRM is asked. status 0: it may be. old is what the form showed at first; nil: a new
// event.
func (s *Site) unready(v *visit, in *eventInput, old *eventInput) (status int, errs fieldErrors) {
	if errs := v.missingInput(*in); errs != nil {
		return http.StatusUnprocessableEntity, errs
	}
	if near := v.asked("nearest"); near != "" {
		in.take(near)
		return http.StatusOK, nil
	}
	rule, start, ok := in.resolved()
	if !ok || old != nil && old.pattern() == in.pattern() {
		return 0, nil
	}
	if _, _, fits := s.nearest(rule, start); !fits {
		return http.StatusUnprocessableEntity, fieldErrors{"repeat": v.words.T("repeat.no_such_here")}
	}
	return 0, nil
}

// eventRepeat tells in words how an event would repeat, for the form that is being filled in.
func (s *Site) eventRepeat(v *visit) error {
	if err := v.needs(record.Calendar, viewing); err != nil {
		return err
	}
	return s.part(v, "event", "repeat-said", s.repeatForm(v, readEvent(v.r.URL.Query()), nil))
}
