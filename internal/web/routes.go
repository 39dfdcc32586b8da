package web

import (
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// What browser tests and scripts may hold on to, besides the paths below:
//
//	form fields      the API names of the CRM's fields (First_Name, Event_Title, Start_DateTime …), Owner, version
//	#contact-form    #event-form, each with a button[name=save]; #delete-form with the button that deletes
//	#photo-form      a contact's photo: input[name=photo], button[name=set-photo]; #photo-remove the form that takes it off
//	#contact-search  the search box of the list; #contact-list the list, tr[data-id] its rows, .badge[data-state] sync; of events #event-search …
//	#contact-pick    the form around the rows: input[name=id], input[name=all], button[name=do] (owner, tag, untag, set, delete)
//	#calendar        month, week and day; #agenda the list, [data-id] its events
//	.series-scope    the choice of this day, this and following, or all of a series (aria-current); .remove-this, .remove-following
//	#series-dialog   asks the same after a drag, button[value=this|following|all]; #move-menu moves and resizes by keys
//	#who             whom an event is about: radio buttons Who_Id, input who_find with button who_look; a combobox where there is script
//	#repeat-said     how an event repeats in words; button[name=nearest] takes the form that Outlook has
//	#card-calendar   #card-contacts: data-state (none, on, first, paused, held, switching), data-synced, data-waiting,
//	                 data-excluded, data-failing; forms .enable, .disable, .run, .retry, .answer-yes, .answer-no; a.reconnect
//	#disable-calendar  #disable-contacts: the question before switching off, form .disable-now
//	#questions       what sync asks: [data-ask=conflict] with radio buttons take-FIELD-N (microsoft, crm), [data-ask=match] with
//	                 match-N (a contact's id, new, or nothing), button[name=decide]; a.answer on cards and records leads there
//	#link-records    where the records of a link stand, li[data-state]; #status the same in short, with the history
//	.inline-edit     the form of a contact or event whose fields are saved one by one, too: .typed fields differ from what is stored,
//	                 .inline-deeds button saves one or takes it back, #inline-said tells; .inline-choice [data-take=theirs|mine] where others changed it
//	#changed         is filled (class note) above an open form when its record changed elsewhere
//	#find            the search of every page, #find-here that of its own page; #found-contacts #found-calendar what was found
//	#duplicates      groups of contacts that may be one, each with the form .apart for those who are not; #merge-form compares them: input[name=keep], take-FIELD, button[name=merge]
//	#shortcuts       the card of keyboard shortcuts, a dialog
//	#bin-contacts    #bin-calendar: rows with input[name=id], buttons restore and destroy; #bin-question before destroying
//	#toast           what was just done, with the form .undo
//	#signin-microsoft  the button at /signin; #signout the form that signs out
//	#error-title     the heading of an error page, .reference its number
//	#import-file     the form that takes a file: kind, file; #import-form what the columns are, button[name=do][value=look|save|start];
//	                 #import-preview li[data-fate] the first rows; #import its progress and report, data-state; #import-undo, #import-stop
//	#export-filter   which records a file is to have, #export-total how many; #export-form the file: format, columns, separator
//	[data-field-error=NAME]  the sentence by a form field

// entry says who may enter a route.
type entry uint8

const (
	anyone  entry = iota // signed in or not
	member               // whoever is signed in; others are led to /signin
	script               // whoever is signed in; others get 401 and no page
	manager              // whoever manages users; others are led to /signin or get 403
)

type route struct {
	pattern string
	who     entry
	handle  func(*visit) error
}

// routes is every page, and who may enter. Whose records one may see is the CRM's to decide, from the actor.
func (s *Site) routes() []route {
	return slices.Concat(s.launchRoutes(), s.userRoutes(), s.ownRoutes(), s.askRoutes(), s.mappingRoutes(), s.previewRoutes(), s.importRoutes(), s.exportRoutes(), s.massRoutes(), s.historyRoutes(), s.orgStatusRoutes(), s.companyRoutes(), s.fieldRoutes(), []route{
		{"GET /{$}", member, s.home},

		{"GET /signin", anyone, s.signInPage},
		{"GET /signin/microsoft", anyone, s.startSignIn},
		{"GET " + callbackPath, anyone, s.callback},
		{"GET /connect/microsoft", anyone, s.connect},
		{"POST /signout", anyone, s.signOut},
		{"POST /language", anyone, s.chooseLanguage},

		{"GET /contacts", member, s.contactList},
		{"GET /contacts/new", member, s.contactNew},
		{"GET /contacts/duplicates", member, s.duplicates},
		{"GET /contacts/pick", script, s.contactPick},
		{"POST /contacts/apart", member, s.tellApart},
		{"GET /contacts/merge", member, s.mergeShow},
		{"POST /contacts/merge", member, s.mergeDo},
		{"POST /contacts/columns", member, s.columnsSave(record.Contacts)},
		{"POST /contacts/lists", member, s.listSave(record.Contacts)},
		{"POST /contacts/lists/forget", member, s.listForget(record.Contacts)},
		{"POST /contacts", member, s.contactCreate},
		{"GET /contacts/{id}", member, s.contactShow},
		{"GET /contacts/{id}/timeline", member, s.contactTimeline},
		{"GET /contacts/{id}/changed", script, s.contactChanged},
		{"POST /contacts/{id}", member, s.contactUpdate},
		{"GET /contacts/{id}/photo", script, s.contactPhoto},
		{"POST /contacts/{id}/photo", member, s.contactPhotoSet},
		{"POST /contacts/{id}/photo/remove", member, s.contactPhotoRemove},
		{"POST /contacts/{id}/delete", member, s.contactDelete},
		{"POST /contacts/{id}/restore", member, s.contactRestore},

		{"GET /calendar", member, s.calendar},
		{"GET " + eventsPath, member, s.eventList},
		{"POST /calendar/columns", member, s.columnsSave(record.Calendar)},
		{"POST /calendar/lists", member, s.listSave(record.Calendar)},
		{"POST /calendar/lists/forget", member, s.listForget(record.Calendar)},
		{"GET /calendar/events", script, s.calendarFeed},
		{"GET /calendar/new", member, s.eventNew},
		{"GET /calendar/repeat", script, s.eventRepeat},
		{"POST /calendar/undo", member, s.eventUndo},
		{"POST /calendar", member, s.eventCreate},
		{"GET /calendar/{id}", member, s.eventShow},
		{"GET /calendar/{id}/changed", script, s.eventChanged},
		{"POST /calendar/{id}", member, s.eventUpdate},
		{"POST /calendar/{id}/move", script, s.eventMove},
		{"POST /calendar/{id}/delete", member, s.eventDelete},
		{"POST /calendar/{id}/mail", member, s.eventMail},
		{"POST /calendar/{id}/restore", member, s.eventRestore},

		{"GET /search", member, s.find},
		{"GET /shortcuts", member, s.shortcutsCard},
		{"POST /shortcuts", member, s.shortcutsSave},

		{"GET /recycle-bin", member, s.recycleBin},
		{"POST /recycle-bin/restore", member, s.binRestore},
		{"GET /recycle-bin/destroy", member, s.binAsk},
		{"POST /recycle-bin/destroy", member, s.binDestroy},

		{"GET /setup", member, s.setup},
		{"GET /setup/preferences", member, s.preferences},
		{"POST /setup/preferences", member, s.savePreferences},
		{"GET /setup/marketplace/microsoft", member, s.marketplace},
		{"GET /setup/marketplace/microsoft/{kind}/card", script, s.cardPart},
		{"GET /setup/marketplace/microsoft/{kind}/records", member, s.linkRecords},
		{"GET /setup/marketplace/microsoft/{kind}/options", member, s.optionsForm},
		{"POST /setup/marketplace/microsoft/{kind}/options", member, s.optionsSave},
		{"POST /setup/marketplace/microsoft/calendar/busy", member, s.busySave},
		{"GET /setup/marketplace/microsoft/{kind}/disable", member, s.disablePage},
		{"POST /setup/marketplace/microsoft/{kind}/enable", member, s.enable},
		{"POST /setup/marketplace/microsoft/{kind}/disable", member, s.disable},
		{"POST /setup/marketplace/microsoft/{kind}/run", member, s.runNow},
		{"POST /setup/marketplace/microsoft/{kind}/retry", member, s.retry},
		{"POST /setup/marketplace/microsoft/{kind}/answer", member, s.answer},

		{"GET /status", member, s.status},
		{"POST /status/take", member, s.takeLost},

		{"GET /live", script, s.live},
	})
}

// build puts the table on a mux, and around it what holds for every request.
func (s *Site) build() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		mux.Handle(rt.pattern, s.guard(rt))
	}
	pages := s.sessions.LoadAndSave(s.orRefuse(mux))

	top := http.NewServeMux()
	top.HandleFunc("GET /static/{file}", s.static)
	top.Handle("/", pages)

	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(s.sessions.LoadAndSave(http.HandlerFunc(s.crossOrigin)))
	return withHeaders(s.Settings, s.survive(csrf.Handler(top)))
}

// guard lets in whom the table lets in.
func (s *Site) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := s.welcome(w, r)
		if err == nil && v.signedIn() {
			err = s.inPace(v)
		}
		switch {
		case err != nil:
			s.fail(v, err)
		case rt.who != anyone && !v.signedIn():
			s.leadToSignIn(v, rt.who)
		case rt.who == manager && !v.user.May.ManageUsers:
			s.fail(v, fault.New(fault.Denied, "", "web: the profile does not manage users"))
		default:
			if rt.who != anyone {
				v.contacts, err = s.Records.Schema(v.ctx(), v.user.Org, record.Contacts)
			}
			if err == nil && v.signedIn() && rt.who != script {
				v.tastes, err = s.Tastes.Tastes(v.ctx(), v.user.Org, v.user.ID)
			}
			if err == nil {
				err = rt.handle(v)
			}
			if err != nil {
				s.fail(v, err)
			}
		}
	})
}

// inPace refuses somebody's pages where they, or what runs in their browser, ask for too many.
func (s *Site) inPace(v *visit) error {
	wait := s.Pace.Take(v.user.ID, v.now)
	if wait <= 0 {
		return nil
	}
	return &fault.Fault{Kind: fault.Throttled, Reason: account.TooOften, RetryAfter: wait, Message: "web: too many requests of one person"}
}

func (s *Site) leadToSignIn(v *visit, who entry) {
	target := "/signin"
	if v.r.Method == http.MethodGet && v.r.URL.Path != "/" && who != script {
		target += "?" + url.Values{"next": {v.r.URL.RequestURI()}}.Encode()
	}
	switch {
	case v.scripted():
		v.w.Header().Set("HX-Redirect", "/signin")
		v.w.WriteHeader(http.StatusUnauthorized)
	case who == script:
		v.w.WriteHeader(http.StatusUnauthorized)
	default:
		_ = v.to(target)
	}
}

// orRefuse shows pages of ours where the mux would say 404 or 405 in bare words.
func (s *Site) orRefuse(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		var told muted
		h.ServeHTTP(&told, r)
		if !slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed}, told.status) {
			h.ServeHTTP(w, r)
			return
		}
		v, err := s.welcome(w, r)
		if err != nil {
			s.fail(v, err)
			return
		}
		s.refuse(v, told.status, told.Header().Get("Allow"))
	})
}

// crossOrigin answers what another site's page tried to send in a person's name.
func (s *Site) crossOrigin(w http.ResponseWriter, r *http.Request) {
	v := &visit{w: w, r: r, words: s.pages.negotiate(r, ""), now: s.Now()}
	s.fail(v, fault.New(fault.Denied, "", "web: sent from another site"))
}

// survive turns a panic into a page with a reference number.
func (s *Site) survive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); {
			case p == nil:
			case p == http.ErrAbortHandler:
				panic(p)
			default:
				ref := reference()
				s.Logger.Error("web: panic", "reference", ref, "panic", p, "stack", string(debug.Stack()))
				words := s.pages.negotiate(r, "")
				v := &visit{w: w, r: r, words: words, now: s.Now()}
				s.show(v, errorPage{
					Frame:  frame{Title: words.T("error.broken.title"), Lang: words.lang, Path: "/"},
					Status: http.StatusInternalServerError, Heading: words.T("error.broken.title"),
					Text: words.T("error.broken.text"), Reference: ref,
				})
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// muted hears what a handler would say.
type muted struct {
	header http.Header
	status int
}

func (m *muted) Header() http.Header {
	if m.header == nil {
		m.header = http.Header{}
	}
	return m.header
}
func (m *muted) Write(b []byte) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	return len(b), nil
}
func (m *muted) WriteHeader(status int) { m.status = status }
