package m365sim

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// inputTime is what an <input type="datetime-local"> speaks.
const inputTime = "2006-01-02T15:04"

type eventPage struct {
	layout
	Problem   string
	Action    string
	Loaded    string // the form as it was shown, to tell later what a person changed
	Form      formValues
	Back      string
	New       bool
	Kind      string // of event: "", "series", "occurrence" or "exception"
	Series    string // the address of the whole series
	Calendar  string
	Mailed    int
	HTML      bool   // the body is HTML, and is shown as text
	SourceURL string // to edit the HTML itself
	Zones     []string
	Tags      []string
	Choices   eventChoices
	Folders   []folderLink // where it could be moved to
	Delete    string
	Move      string
	Live      string
	Changed   time.Time
	Organizer string
	Answer    string // where an invited person answers
	Answered  string // what they have answered
}

// formValues answers the template's questions about a form.
type formValues struct{ url.Values }

func (f formValues) Is(name, value string) bool { return slices.Contains(f.Values[name], value) }

// A choice is an option of a select.
type choice struct{ Value, Words string }

type eventChoices struct {
	ShowAs, Sensitivity, Importance []choice
	Types, Ranges, Index            []choice
	Days, Months, Reminders         []choice
}

// formNames are the fields of the event form, in groups that Graph takes as one.
var (
	whenNames  = []string{"isAllDay", "start", "end", "timeZone"}
	bodyNames  = []string{"body", "bodyContentType"}
	plainNames = []string{"subject", "showAs", "sensitivity", "importance"}
)

func (d *desk) newEventPath(calendar string, at time.Time) string {
	v := url.Values{"cal": {calendar}}
	if !at.IsZero() {
		v.Set("on", at.Format(dateForm))
	}
	return d.path + "/events/new?" + v.Encode()
}

// newEventPage begins with an hour at the next full hour, or at nine of the day that was asked for.
func (d *desk) newEventPage() {
	start := d.s.now().In(d.location()).Truncate(time.Hour).Add(time.Hour)
	if day, err := time.ParseInLocation(dateForm, d.r.URL.Query().Get("on"), d.location()); err == nil {
		start = day.Add(9 * time.Hour)
	}
	form := url.Values{
		"start": {start.Format(inputTime)}, "end": {start.Add(time.Hour).Format(inputTime)}, "timeZone": {d.person.TimeZone},
		"isReminderOn": {"true"}, "reminderMinutesBeforeStart": {"15"}, "showAs": {"busy"}, "sensitivity": {"normal"},
		"importance": {"normal"}, "bodyContentType": {"text"}, "recurrenceType": {""},
	}
	fillRecurrence(form, gjson.Result{}, start)
	d.showEvent(http.StatusOK, eventPage{New: true, Form: formValues{form}})
}

// event fetches the event of the path.
func (d *desk) event() (gjson.Result, *handError) {
	return d.hand.get(d.eventURL())
}

func (d *desk) eventURL() string { return "/me/events/" + url.PathEscape(d.r.PathValue("id")) }

func (d *desk) eventPage() {
	e, err := d.event()
	if err != nil {
		d.problem(err)
		return
	}
	d.showEvent(http.StatusOK, d.eventView(e, d.eventForm(e)))
}

// eventView is what the page knows of a stored event besides the form.
func (d *desk) eventView(e gjson.Result, form url.Values) eventPage {
	loaded, _ := json.Marshal(form) // strings only
	view := eventPage{
		Form: formValues{form}, Loaded: string(loaded), Calendar: e.Get("calendar.id").Str,
		Mailed: len(e.Get("attendees").Array()), HTML: e.Get("body.contentType").Str == "html" && !form.Has("source"),
		Organizer: e.Get("organizer.emailAddress.address").Str,
		Delete:    d.path + "/events/" + url.PathEscape(d.r.PathValue("id")) + "/delete",
		Move:      d.path + "/events/" + url.PathEscape(d.r.PathValue("id")) + "/move",
	}
	if !e.Get("isOrganizer").Bool() {
		view.Mailed = 0 // to a copy of somebody else's meeting, whatever is done mails nobody
		view.Answer = d.path + "/events/" + url.PathEscape(d.r.PathValue("id")) + "/answer"
		view.Answered = e.Get("responseStatus.response").Str
	}
	view.Changed, _ = time.Parse(time.RFC3339, e.Get("lastModifiedDateTime").Str) // absent: not shown
	source := d.r.URL.Query()
	source.Set("source", "html")
	view.SourceURL = d.r.URL.Path + "?" + source.Encode()
	switch kind := e.Get("type").Str; kind {
	case "seriesMaster":
		view.Kind = "series"
	case "occurrence", "exception":
		view.Kind = kind
		view.Series = d.path + "/events/" + url.PathEscape(e.Get("seriesMasterId").Str)
	}
	return view
}

// eventForm writes a stored event as the form shows it.
func (d *desk) eventForm(e gjson.Result) url.Values {
	zone := e.Get("originalStartTimeZone").Str
	if _, err := findZone(zone); err != nil || zone == customZone {
		zone = d.person.TimeZone
	}
	allDay := e.Get("isAllDay").Bool()
	from, to := wireTime(e.Get("start")).In(locationOf(zone)), wireTime(e.Get("end")).In(locationOf(zone))
	if allDay && to.After(from) {
		to = to.AddDate(0, 0, -1) // the form's last day is included
	}
	form := url.Values{
		"subject": {e.Get("subject").Str}, "isAllDay": {strconv.FormatBool(allDay)},
		"start": {from.Format(inputTime)}, "end": {to.Format(inputTime)}, "timeZone": {zone},
		"location":                   {e.Get("location.displayName").Str},
		"isReminderOn":               {strconv.FormatBool(e.Get("isReminderOn").Bool())},
		"reminderMinutesBeforeStart": {e.Get("reminderMinutesBeforeStart").Raw},
		"showAs":                     {e.Get("showAs").Str}, "sensitivity": {e.Get("sensitivity").Str}, "importance": {e.Get("importance").Str},
		"categories": {joinTexts(e.Get("categories"))},
		"attendees":  {writeAttendees(e.Get("attendees"))},
	}
	form.Set("body", e.Get("body.content").Str)
	form.Set("bodyContentType", e.Get("body.contentType").Str)
	if e.Get("body.contentType").Str == "html" {
		if d.r.URL.Query().Get("source") == "html" {
			form.Set("source", "html")
		} else {
			form.Set("body", htmlToText(e.Get("body.content").Str))
			form.Set("bodyContentType", "text")
		}
	}
	fillRecurrence(form, e.Get("recurrence"), from)
	return form
}

func joinTexts(list gjson.Result) string {
	var words []string
	for _, v := range list.Array() {
		words = append(words, v.Str)
	}
	return strings.Join(words, ", ")
}

func splitTexts(text string) []string {
	words := []string{}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// writeAttendees writes one person a line.
func writeAttendees(list gjson.Result) string {
	var lines []string
	for _, a := range list.Array() {
		line := a.Get("emailAddress.address").Str
		if name := a.Get("emailAddress.name").Str; name != "" && name != line {
			line = name + " <" + line + ">"
		}
		if a.Get("type").Str == "optional" {
			line += " (optional)"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// readAttendees reads one person a line, or separated by semicolons: an address, with a name before it or not.
func readAttendees(text string) []any {
	people := []any{}
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		kind := "required"
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutSuffix(line, "(optional)"); ok {
			kind, line = "optional", strings.TrimSpace(rest)
		}
		if line == "" {
			continue
		}
		name, address := "", line
		if i := strings.LastIndexByte(line, '<'); i >= 0 {
			name, address = strings.Trim(strings.TrimSpace(line[:i]), `"`), strings.Trim(line[i:], "<> ")
		} else if a, err := mail.ParseAddress(line); err == nil {
			name, address = a.Name, a.Address
		}
		if name == "" {
			name = address
		}
		people = append(people, map[string]any{"type": kind, "emailAddress": map[string]any{"name": name, "address": address}})
	}
	return people
}

// showEvent renders the form.
func (d *desk) showEvent(status int, view eventPage) {
	title := "Event"
	if view.New {
		title = "New event"
	}
	view.layout = d.layout(title, "calendar")
	view.Action = d.r.URL.RequestURI()
	view.Live = d.path + "/live"
	view.Back = d.backTo("/calendar")
	view.Choices = d.lang.eventChoices()
	view.Zones = zoneNames()
	if err := d.hand.each("/me/outlook/masterCategories", func(c gjson.Result) {
		view.Tags = append(view.Tags, c.Get("displayName").Str)
	}); err != nil {
		d.problem(err)
		return
	}
	folders, err := d.calendars()
	if err != nil {
		d.problem(err)
		return
	}
	view.Folders = folders
	if view.New {
		view.Calendar = choose(folders, d.r.URL.Query().Get("cal")).ID
	}
	render(d.w, d.r, status, "event", view)
}

// backTo is where the form was opened from, if that is a page of this desk.
func (d *desk) backTo(otherwise string) string {
	back := d.r.URL.Query().Get("back")
	if strings.HasPrefix(back, d.path+"/") {
		return back
	}
	return d.path + otherwise
}

func (d *desk) createEvent() {
	body, problem := d.eventBody(url.Values{})
	var made gjson.Result
	var err *handError
	if problem == "" {
		path := "/me/events"
		if cal := d.r.URL.Query().Get("cal"); cal != "" {
			path = "/me/calendars/" + url.PathEscape(cal) + "/events"
		}
		made, err = d.hand.post(path, body)
	}
	if problem != "" || err != nil {
		d.showEvent(statusOf(err), eventPage{New: true, Form: formValues{d.r.PostForm}, Problem: problemText(problem, err)})
		return
	}
	on := wireTime(made.Get("start")).In(d.location()).Format(dateForm)
	d.goTo(d.path+"/calendar", url.Values{"cal": {d.r.URL.Query().Get("cal")}, "on": {on}})
}

func (d *desk) saveEvent() {
	e, err := d.event()
	if err != nil {
		d.problem(err)
		return
	}
	loaded := d.loaded(d.eventForm(e))
	body, problem := d.eventBody(loaded)
	if problem == "" && len(body) > 0 {
		_, err = d.hand.patch(d.eventURL(), body)
	}
	if problem != "" || err != nil {
		view := d.eventView(e, d.r.PostForm)
		view.Loaded, view.Problem = d.r.PostForm.Get("loaded"), problemText(problem, err)
		d.showEvent(statusOf(err), view)
		return
	}
	d.goTo(d.backTo("/calendar"), nil)
}

// loaded is the form as it was shown to whoever now sends it. Only what differs from it is written, so that
// a change made meanwhile by somebody else to another field is kept.
func (d *desk) loaded(now url.Values) url.Values {
	shown := url.Values{}
	if json.Unmarshal([]byte(d.r.PostForm.Get("loaded")), &shown) != nil || len(shown) == 0 {
		return now
	}
	return shown
}

func (d *desk) deleteEvent() {
	if err := d.hand.delete(d.eventURL()); err != nil {
		d.problem(err)
		return
	}
	d.goTo(d.backTo("/calendar"), nil)
}

// answerEvent answers an invitation.
func (d *desk) answerEvent() {
	answer := d.r.PostFormValue("answer")
	if !slices.Contains([]string{"accept", "tentativelyAccept", "decline"}, answer) {
		answer = "decline"
	}
	if _, err := d.hand.post(d.eventURL()+"/"+answer, map[string]any{"sendResponse": d.r.PostFormValue("quiet") == ""}); err != nil {
		d.problem(err)
		return
	}
	d.goTo(d.backTo("/calendar"), nil)
}

func statusOf(err *handError) int {
	if err == nil {
		return http.StatusUnprocessableEntity
	}
	return err.status
}

func problemText(problem string, err *handError) string {
	if err != nil {
		return err.Error()
	}
	return problem
}

// zoneNames lists the zones that the form offers: those that Outlook offers too.
func zoneNames() []string { return sortedKeys(ianaOfWindows) }
