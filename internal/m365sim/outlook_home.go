package m365sim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mailsShown is how many of the latest mails and letters the control room lists.
const mailsShown = 50

type appsPage struct {
	layout
	AppURL string
}

// SetAppURL tells under which address Tandem runs, so that its tile in the list of apps leads somewhere.
func (s *Sim) SetAppURL(url string) {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	s.entra.appURL = strings.TrimRight(url, "/")
}

// launchURL is where the app's tile leads; empty when no app runs.
func (s *Sim) launchURL() string {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	if s.entra.appURL == "" {
		return ""
	}
	return s.entra.appURL + "/launch/microsoft365"
}

// homeRoutes registers the list of apps and the control room.
func (s *Sim) homeRoutes(outer *http.ServeMux) {
	same := http.NewCrossOriginProtection()
	outer.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/sim", http.StatusFound) })
	outer.HandleFunc("GET /apps", s.appsPage)
	s.outboxRoutes(outer)
	outer.HandleFunc("GET /sim", func(w http.ResponseWriter, r *http.Request) { s.homePage(w, r, http.StatusOK, homePage{}) })
	outer.HandleFunc("GET /sim/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/sim", http.StatusFound) })
	outer.Handle("POST /sim/order/fault", same.Handler(http.HandlerFunc(s.orderFault)))
	outer.Handle("POST /sim/order/latency", same.Handler(http.HandlerFunc(s.orderLatency)))
	outer.Handle("POST /sim/order/reset", same.Handler(http.HandlerFunc(s.orderReset)))
}

func (s *Sim) appsPage(w http.ResponseWriter, r *http.Request) {
	view := appsPage{layout: newLayout(r, "Apps"), AppURL: s.launchURL()}
	view.Section = "apps"
	render(w, r, http.StatusOK, "apps", view)
}

type homePage struct {
	layout
	Problem   string
	People    []pickRow
	Mails     []mailRow
	MailCount int
	Outbox    []letterLine
	Letters   int
	Requests  int
	Counts    []countRow
	Faults    []faultRow
	Kinds     []string
	Match, Do string
	LatencyMS int64
}

type mailRow struct{ When, From, To, Kind, Subject string }

type countRow struct {
	Who, Route string
	N          int
}

type faultRow struct {
	Match, Do string
	Left      int
}

// faultKinds are what the form offers; POST /sim/faults knows more.
var faultKinds = []string{"429", "500", "503", "401", "403", "404", "409", "410", "412", "hang", "drop", "drop-after-commit", "slow", "revoke", "html", "cut"}

// homePage is the control room: what there is, what was asked, what was sent, and trouble to order.
func (s *Sim) homePage(w http.ResponseWriter, r *http.Request, status int, view homePage) {
	view.layout = newLayout(r, "Control room")
	if r.Method == http.MethodPost {
		view.Other = "/sim?lang=" + string(otherLocale(view.Lang))
	}
	view.Section = "home"
	for _, p := range s.audiencePeople(audience{}) {
		if p.HasMailbox && p.AccountEnabled && crowdKey(p) == "1" {
			view.People = append(view.People, pickRow{accountRow: rowOf(p), Path: deskPath(p)})
		}
	}
	mails := s.Mails()
	view.MailCount = len(mails)
	for _, m := range latest(mails) {
		view.Mails = append(view.Mails, mailRow{view.Lang.moment(m.Time), m.Organizer, m.Recipient, m.Kind, m.Subject})
	}
	letters := s.Outbox()
	view.Letters = len(letters)
	for i, m := range latest(letters) {
		view.Outbox = append(view.Outbox, letterLine{
			Path: "/outbox/" + itoa(len(letters)-i), When: view.Lang.moment(m.Time), To: strings.Join(m.To, ", "), Subject: m.Subject,
		})
	}
	requests := s.Requests()
	view.Requests = requests.RoundTrips
	for who, routes := range requests.Mailboxes {
		for route, n := range routes {
			view.Counts = append(view.Counts, countRow{who, route, n})
		}
	}
	slices.SortFunc(view.Counts, func(a, b countRow) int {
		return cmp.Or(strings.Compare(a.Who, b.Who), b.N-a.N, strings.Compare(a.Route, b.Route))
	})
	if len(view.Counts) > countsShown {
		view.Counts = view.Counts[:countsShown]
	}
	for _, f := range s.Faults() {
		view.Faults = append(view.Faults, faultRow{f.Match, f.Do, f.Times})
	}
	view.Kinds = faultKinds
	view.LatencyMS = int64(time.Duration(s.latency.Load()) / time.Millisecond)
	render(w, r, status, "home", view)
}

// countsShown bounds the table of requests; GET /sim/requests has all of them.
const countsShown = 200

// latest is the end of a list, the last one first.
func latest[T any](all []T) []T {
	all = slices.Clone(all[max(0, len(all)-mailsShown):])
	slices.Reverse(all)
	return all
}

func (s *Sim) orderFault(w http.ResponseWriter, r *http.Request) {
	f := Fault{Match: strings.TrimSpace(r.FormValue("match")), Do: r.FormValue("do")}
	f.Times, _ = strconv.Atoi(r.FormValue("times"))           // nothing readable: once
	f.RetryAfter, _ = strconv.Atoi(r.FormValue("retryAfter")) // nothing readable: no header
	if f.Do == "slow" {
		f.MS, f.RetryAfter = f.RetryAfter*int(time.Second/time.Millisecond), 0
	}
	if err := s.AddFault(f); err != nil {
		s.homePage(w, r, http.StatusUnprocessableEntity, homePage{Problem: err.Error(), Match: f.Match, Do: f.Do})
		return
	}
	http.Redirect(w, r, "/sim#h-faults", http.StatusSeeOther)
}

func (s *Sim) orderLatency(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.Atoi(r.FormValue("ms"))
	if err != nil || ms < 0 {
		s.homePage(w, r, http.StatusUnprocessableEntity, homePage{Problem: localeOf(r).say("A latency is a number of milliseconds.")})
		return
	}
	s.Latency(time.Duration(ms) * time.Millisecond)
	http.Redirect(w, r, "/sim#h-faults", http.StatusSeeOther)
}

func (s *Sim) orderReset(w http.ResponseWriter, r *http.Request) {
	s.Reset(false)
	http.Redirect(w, r, "/sim", http.StatusSeeOther)
}
