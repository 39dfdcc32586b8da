package m365sim

import (
	"net/http"
	"net/url"
	"strings"
)

// The small Outlook: pages to look at a mailbox and to type in it. Every act goes through Graph's own
// code (outlook_hand.go), so that change keys, notifications and would-be mails are the same as an app's.
//
// What browser tests may hold on to:
//
//	/outlook                       the people; a link each, #people; search field q
//	/outlook/{upn}/calendar        ?cal={id} ?view=week|list ?on=2006-01-02
//	    #calendars                 links, aria-current on the open one
//	    form#new-calendar          name               button Create
//	    form#rename-calendar       name               button Rename
//	    form#delete-calendar                          button Delete calendar
//	    a#new-event                to the event form
//	    #events                    the week or the list; each event is li.event > a with the subject in strong
//	/outlook/{upn}/events/new, /outlook/{upn}/events/{id}
//	    form#event                 subject isAllDay start end timeZone location body bodyContentType isReminderOn
//	                               reminderMinutesBeforeStart showAs sensitivity importance categories attendees
//	                               recurrenceType interval daysOfWeek dayOfMonth index month rangeType endDate
//	                               numberOfOccurrences      button Save
//	    form#delete-event                             button Delete
//	    form#move-event            folder             buttons Move, Copy
//	    #mailed                    how many people Save would mail
//	/outlook/{upn}/people          ?folder={id or default} ?q=…
//	    #folders, form#new-folder, form#rename-folder, form#delete-folder   as with calendars
//	    a#new-contact, #contacts   the list; each contact is li.contact > a with the name in strong
//	/outlook/{upn}/contacts/new, /outlook/{upn}/contacts/{id}
//	    form#contact               Graph's names: displayName givenName … personalNotes, and email1–3 email1Name–3Name
//	                               businessPhone1–2 homePhone1–2 imAddress1–3 businessAddress.street … (see contactFields)
//	    form#delete-contact, form#move-contact
//	/apps                          a.app-tile#tandem leads to Tandem
//	/outbox, /outbox/{n}           #letters the list, a link each; #letter the open one: pre#text with links, iframe#html
//	/sim                           form#faults         match times do retryAfter
//	    form#latency               ms;  form#reset
//
// start, end: 2006-01-02T15:04, in timeZone; of an all-day event only the dates count and the end day is
// included. A field that a form leaves out stays as it is. Dates are 2006-01-02. Every page works without script;
// with it, what lies in [data-live] follows the mailbox.

// outlookRoutes registers the pages of the small Outlook.
func (s *Sim) outlookRoutes(outer *http.ServeMux) {
	mux := http.NewServeMux()
	outer.Handle("GET /outlook/static/", http.StripPrefix("/outlook/static/", staticHandler()))
	mux.HandleFunc("GET /outlook", s.pickPage)
	mux.HandleFunc("GET /outlook/{upn}", s.openMailbox)

	for path, act := range map[string]func(*desk){
		"GET /outlook/{upn}/calendar":               (*desk).calendarPage,
		"POST /outlook/{upn}/calendars":             (*desk).createCalendar,
		"POST /outlook/{upn}/calendars/{id}/rename": (*desk).renameCalendar,
		"POST /outlook/{upn}/calendars/{id}/delete": (*desk).deleteCalendar,
		"GET /outlook/{upn}/events/new":             (*desk).newEventPage,
		"POST /outlook/{upn}/events/new":            (*desk).createEvent,
		"GET /outlook/{upn}/events/{id}":            (*desk).eventPage,
		"POST /outlook/{upn}/events/{id}":           (*desk).saveEvent,
		"POST /outlook/{upn}/events/{id}/delete":    (*desk).deleteEvent,
		"POST /outlook/{upn}/events/{id}/move":      (*desk).moveItem,
		"POST /outlook/{upn}/events/{id}/answer":    (*desk).answerEvent,

		"GET /outlook/{upn}/people":                (*desk).peoplePage,
		"POST /outlook/{upn}/folders":              (*desk).createFolder,
		"POST /outlook/{upn}/folders/{id}/rename":  (*desk).renameFolder,
		"POST /outlook/{upn}/folders/{id}/delete":  (*desk).deleteFolder,
		"GET /outlook/{upn}/contacts/new":          (*desk).newContactPage,
		"POST /outlook/{upn}/contacts/new":         (*desk).createContact,
		"GET /outlook/{upn}/contacts/{id}":         (*desk).contactPage,
		"POST /outlook/{upn}/contacts/{id}":        (*desk).saveContact,
		"POST /outlook/{upn}/contacts/{id}/delete": (*desk).deleteContact,
		"POST /outlook/{upn}/contacts/{id}/move":   (*desk).moveItem,

		"GET /outlook/{upn}/contacts/{id}/photo":         (*desk).photoPage,
		"POST /outlook/{upn}/contacts/{id}/photo":        (*desk).savePhoto,
		"POST /outlook/{upn}/contacts/{id}/photo/remove": (*desk).removePhoto,

		"GET /outlook/{upn}/live": (*desk).live,
	} {
		mux.HandleFunc(path, s.atDesk(act))
	}
	pages := http.NewCrossOriginProtection().Handler(mux)
	outer.Handle("/outlook", pages)
	outer.Handle("/outlook/", pages)
	s.homeRoutes(outer)
}

// A desk is one request in one person's mailbox.
type desk struct {
	s      *Sim
	w      http.ResponseWriter
	r      *http.Request
	lang   locale
	person *Person
	hand   hand
	path   string // /outlook/{upn}
}

// atDesk finds the person of the path and reads the form.
func (s *Sim) atDesk(act func(*desk)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := s.Person(r.PathValue("upn"))
		if p == nil {
			s.outlookProblem(w, r, nil, http.StatusNotFound, "Nobody is called that.")
			return
		}
		if err := r.ParseForm(); err != nil {
			s.outlookProblem(w, r, p, http.StatusBadRequest, "The form could not be read.")
			return
		}
		if !p.HasMailbox || !p.AccountEnabled {
			s.outlookProblem(w, r, nil, http.StatusNotFound, "This account has no mailbox that could be opened.")
			return
		}
		act(&desk{s: s, w: w, r: r, lang: localeOf(r), person: p, hand: s.handOf(p), path: deskPath(p)})
	}
}

func deskPath(p *Person) string { return "/outlook/" + url.PathEscape(p.UPN) }

// layout is the frame around a page of this desk.
func (d *desk) layout(title, section string) layout {
	p := newLayout(d.r, title)
	p.Section = section
	p.Person = &pagePerson{UPN: d.person.UPN, Name: d.person.DisplayName, Initials: initials(d.person.DisplayName), Path: d.path}
	return p
}

// goTo ends a POST: the browser fetches a page, so that going back or reloading repeats nothing.
func (d *desk) goTo(path string, query url.Values) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	http.Redirect(d.w, d.r, path, http.StatusSeeOther)
}

// problem shows a refusal of Graph on a page of its own.
func (d *desk) problem(err *handError) {
	d.s.outlookProblem(d.w, d.r, d.person, err.status, err.Error())
}

type problemPage struct {
	layout
	Problem string
}

func (s *Sim) outlookProblem(w http.ResponseWriter, r *http.Request, p *Person, status int, problem string) {
	view := problemPage{layout: newLayout(r, "That did not work"), Problem: localeOf(r).say(problem)}
	view.Narrow = true
	if p != nil {
		view.Person = &pagePerson{UPN: p.UPN, Name: p.DisplayName, Initials: initials(p.DisplayName), Path: deskPath(p)}
	}
	render(w, r, status, "problem", view)
}

type pickPage struct {
	layout
	Query    string
	Accounts []pickRow
	More     int
}

type pickRow struct {
	accountRow
	Path      string
	NoMailbox bool
}

// pickPage lists the mailboxes: those of whoever signed in first, then the well-known people.
func (s *Sim) pickPage(w http.ResponseWriter, r *http.Request) {
	view := pickPage{layout: newLayout(r, "Whose mailbox?"), Query: strings.TrimSpace(r.FormValue("q"))}
	signedIn := s.sessionOf(r)
	var people []*Person
	if view.Query == "" {
		people = append(people, signedIn...)
	}
	people, view.More = s.toPickFrom(audience{}, view.Query, people)
	for _, p := range people {
		row := pickRow{accountRow: rowOf(p), Path: deskPath(p), NoMailbox: !p.HasMailbox}
		row.SignedIn = contains(signedIn, p)
		view.Accounts = append(view.Accounts, row)
	}
	render(w, r, http.StatusOK, "pick", view)
}

func (s *Sim) openMailbox(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/outlook/"+url.PathEscape(r.PathValue("upn"))+"/calendar", http.StatusSeeOther)
}
