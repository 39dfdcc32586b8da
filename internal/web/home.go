package web

import (
	"cmp"
	"net/http"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/record"
)

// homePage is where a person arrives: what to do next, what today brings, how sync stands.
type homePage struct {
	Frame    frame
	Greeting string
	Today    string
	Steps    []step // what an account that has just begun still lacks; empty once all is done
	Agenda   []agendaDay
	Cards    []card
	Recent   []recentLine
	Contacts int

	SeesContacts, SeesEvents, NewContact, NewEvent bool // what the profile allows
}

// A step is one thing to do at the beginning.
type step struct {
	Key, Path string
	Done      bool
}

type recentLine struct {
	Name, Initials, Photo, Line, Path, When string
}

// The bounds of the page's lists.
const (
	homeAhead  = 7 // days of the agenda, when today is empty
	homeRecent = 6
)

func (s *Site) home(v *visit) error {
	cards, err := s.cards(v, false)
	if err != nil {
		return err
	}
	own := crm.Query{Owner: v.user.ID}
	count, err := s.Records.Count(v.ctx(), v.actor(), record.Contacts, own)
	if err != nil {
		return err
	}
	own.Sort, own.Descending, own.Limit = crm.ByModified, true, homeRecent
	recent, err := s.Records.List(v.ctx(), v.actor(), record.Contacts, own)
	if err != nil {
		return err
	}
	today := startOfDay(v.now, v.zone)
	week := today.AddDate(0, 0, homeAhead)
	found, err := s.window(v, "mine", today, week)
	if err != nil {
		return err
	}
	page := homePage{
		Greeting: v.words.T("home."+partOfDay(v.now.In(v.zone)), "Name", v.firstName()),
		Today:    v.words.LongDay(today), Cards: cards, Contacts: count,
		Agenda: v.agenda(found, today, week, func(crm.Record) string { return "" }),

		SeesContacts: v.sees(record.Contacts), NewContact: v.creates(record.Contacts),
		SeesEvents: v.sees(record.Calendar), NewEvent: v.creates(record.Calendar),
	}
	for _, r := range recent {
		name := contactName(v.words, r)
		page.Recent = append(page.Recent, recentLine{
			Name: name, Initials: initials(name), Photo: photoURL(r, "small"), Path: "/contacts/" + r.ID.String(),
			Line: cmp.Or(string(r.Fields[record.AccountName]), string(r.Fields[record.EmailField]), firstPhone(r.Fields)),
			When: v.words.Ago(r.ModifiedAt, v.now, v.zone),
		})
	}
	page.Steps = firstSteps(v.may(), cards, count, len(found))
	if v.wants("home") {
		return s.part(v, "home", "live", page)
	}
	page.Frame = s.frame(v, "home", v.words.T("home.title"))
	return s.render(v, http.StatusOK, "home", page)
}

// firstSteps are shown until both kinds of sync run and there is something to keep in step; of them those that the profile
// allows.
func firstSteps(may account.Permissions, cards []card, contacts, events int) []step {
	var steps []step
	todo := false
	for _, s := range []struct {
		step
		allowed, counts bool
	}{
		{step{"calendar", marketplacePath + "#card-calendar", cards[0].State != "none"}, may.Sync(record.Calendar), true},
		{step{"contacts", marketplacePath + "#card-contacts", cards[1].State != "none"}, may.Sync(record.Contacts), true},
		{step{"import", importPath, contacts > 0}, may.Import && (may.Contacts.Create || may.Events.Create), false},
		{step{"contact", "/contacts/new", contacts > 0}, may.Contacts.Create, true},
		{step{"event", "/calendar/new", events > 0}, may.Events.Create, false},
	} {
		if s.allowed {
			steps = append(steps, s.step)
			todo = todo || s.counts && !s.Done
		}
	}
	if !todo {
		return nil
	}
	return steps
}

func (v *visit) firstName() string {
	if v.user.FirstName != "" {
		return v.user.FirstName
	}
	return v.user.Name()
}

func partOfDay(t time.Time) string {
	switch h := t.Hour(); {
	case h >= 5 && h < 12:
		return "morning"
	case h >= 12 && h < 18:
		return "afternoon"
	}
	return "evening"
}
