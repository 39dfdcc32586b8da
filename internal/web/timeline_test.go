package web

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var timelineKinds = regexp.MustCompile(`data-kind="(event|sync|mass|edit|import|changed|made)"`)

// kinds are what a timeline tells, in order.
func (a answer) kinds() string {
	var out []string
	for _, m := range timelineKinds.FindAllStringSubmatch(a.body, -1) {
		out = append(out, m[1])
	}
	return strings.Join(out, " ")
}

// A contact's page tells what happened with it, by whom and from which side, and what is to come, in the order of time, page by page.
func TestAContactsPageTellsWhatHappenedWithIt(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	c := w.came(admin, record.Contacts, record.Fields{record.FirstName: "Ana", record.LastName: "Souza"})
	about := record.Fields{record.WhoID: record.Value(c.ID.String())}
	w.eventAt(admin, "Visita futura", "2096-11-25T10:00", about)
	w.eventAt(admin, "Visita antiga", "2006-11-25T10:00", about)
	w.profile(someone, func(p *account.Permissions) { p.Contacts = record.Full })
	w.eventAt(someone, "Dela", "2096-11-26T10:00", about.With(record.Fields{record.Sensitivity: "private"}))
	w.eventAt(admin, "Outra", "2096-11-25T10:00", nil)
	w.grant(admin)
	link := w.link(admin, record.Contacts, []reconcile.Entry{{Pair: reconcile.Pair{CRM: c.ID.Ref(), Microsoft: "m/1", State: reconcile.Synced}}}, func(*reconcile.Link) {})
	w.pass(time.Minute)
	w.tell(link, updated(c, reconcile.InMicrosoft, record.Title, "CFO", "CEO"))
	w.pass(time.Minute)
	u := w.draftDeed(admin, record.Contacts, crm.MassDeed{Do: crm.MassTag, Value: "vip"})
	w.must(w.site.Mass.Go(t.Context(), u))
	b := w.as(admin)
	path := "/contacts/" + c.ID.String()
	got := b.get(path)
	if got.kinds() != "event mass sync made event" && got.kinds() != "event mass changed sync made event" {
		t.Errorf("the page tells %s", got.kinds())
	}
	for _, says := range []string{"Visita futura", "Visita antiga", "Add tags: vip", "CFO", "CEO", "Came by import"} {
		if !strings.Contains(got.text(), says) {
			t.Errorf("it does not tell of %q: %s", says, got.text())
		}
	}
	if strings.Contains(got.body, "Dela") || strings.Contains(got.body, "Outra") {
		t.Error("it tells of what is somebody else's, or about nobody")
	}

	// Many things, several at one moment: every page goes on where the last one ended, and nothing is told twice or left out.
	for i := range 130 {
		w.eventAt(admin, fmt.Sprintf("Evento %03d", i), fmt.Sprintf("20%02d-01-02T10:00", 40+i/3), about)
	}
	told := map[string]int{}
	pages := 0
	for at := path + "/timeline"; at != ""; pages++ {
		page := b.get(at)
		if page.status != 200 {
			t.Fatalf("%s: %d", at, page.status)
		}
		for _, m := range regexp.MustCompile(`Evento \d+|Visita \w+|Came by import|Add tags`).FindAllString(page.text(), -1) {
			told[m]++
		}
		at = ""
		if next := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(page.body); next != nil {
			at = next[1]
		}
	}
	if pages != 3 || len(told) != 134 {
		t.Errorf("%d pages tell of %d things", pages, len(told))
	}
	for what, n := range told {
		if n != 1 {
			t.Errorf("%s is told %d times", what, n)
		}
	}

	// Whose contact it is not, sees nothing; who sees no events, none of them.
	if got := w.as("admin@fabrikam.example").get(path + "/timeline").status; got != 404 {
		t.Errorf("strangers: %d", got)
	}
	w.profile(someone, func(p *account.Permissions) { p.Contacts = record.OwnOnly })
	if got := w.as(someone).get(path + "/timeline").status; got != 404 {
		t.Errorf("whose it is not: %d", got)
	}
	w.profile(colleague, func(p *account.Permissions) { p.Contacts, p.Events = record.Full, record.Access{} })
	if got := w.as(colleague).get(path); strings.Contains(got.kinds(), "event") || !strings.Contains(got.kinds(), "made") {
		t.Errorf("who sees no events: %s", got.kinds())
	}
}

// The timeline tells who changed what in the CRM, what was merged, and from which file a contact came.
func TestATimelineTellsEditsMergesAndFiles(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	b := w.as(admin)
	done := w.bring(admin, record.Contacts, "pessoas.csv", brought)
	w.must(w.site.Imports.Begin(t.Context(), done))
	found, err := w.crm.List(t.Context(), w.actor(admin), record.Contacts, crm.Query{Sort: crm.ByID, Limit: 1})
	w.must(err)
	c := found[0]
	path := "/contacts/" + c.ID.String()
	if got := b.get(path + "/timeline"); got.kinds() != "made" || !strings.Contains(got.text(), "Came by import – pessoas.csv") {
		t.Errorf("%s: %s", got.kinds(), got.text())
	}
	w.pass(time.Minute)
	if got := b.post(path, "version", fmt.Sprint(c.Version), "Title", "Sócia", "Last_Name", string(c.Fields[record.LastName])); got.status != 200 {
		t.Fatal(got.text())
	}
	w.pass(time.Minute)
	other := w.contact(admin, record.Fields{record.FirstName: "Ana Maria", record.LastName: "Souza", record.Department: "Vendas"})
	now, err := w.crm.Get(t.Context(), w.actor(admin), record.Contacts, c.ID)
	w.must(err)
	w.pass(time.Minute)
	_, err = w.crm.Merge(t.Context(), w.actor(admin), crm.Merge{Keep: crm.Draft{ID: c.ID, Version: now.Version}, Gone: []crm.Draft{{ID: other.ID, Version: other.Version}}})
	w.must(err)
	got := b.get(path + "/timeline")
	if got.kinds() != "edit edit made" {
		t.Errorf("it tells %s", got.kinds())
	}
	for _, says := range []string{"Merged: Ana Maria Souza went into this contact", "Vendas", "Changed", "MOD Administrator", "Position", "Sócia"} {
		if !strings.Contains(got.text(), says) {
			t.Errorf("it does not say %q: %s", says, got.text())
		}
	}
}
