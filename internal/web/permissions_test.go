package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// profile gives a user a profile of its own, with the permissions of Standard as changed.
func (w *world) profile(upn string, change func(*account.Permissions)) {
	w.t.Helper()
	may := account.Standard.Permissions()
	change(&may)
	name := account.Profile(fmt.Sprintf("Profile of %s", upn))
	w.must(w.store.Accounts().Within(context.Background(), w.users[upn].Org, func(tx account.Tx) error {
		if err := tx.SaveProfile(name, may); err != nil {
			return err
		}
		u, err := tx.User(w.users[upn].ID)
		if err != nil {
			return err
		}
		u.Profile = name
		return tx.UpdateUser(u)
	}))
}

const (
	someone   = "adele@contoso.example"
	colleague = "alex@contoso.example"
)

// both is what a test wants of each kind of record.
var both = []struct {
	kind   record.Kind
	path   string
	access func(*account.Permissions) *record.Access
	create []string // the form of a new one
}{
	{record.Contacts, "/contacts", func(p *account.Permissions) *record.Access { return &p.Contacts }, []string{"Last_Name", "Nova"}},
	{record.Calendar, "/calendar", func(p *account.Permissions) *record.Access { return &p.Events }, []string{
		"Event_Title", "Nova", "Start_DateTime", "2026-11-25T10:00", "End_DateTime", "2026-11-25T11:00", "Time_Zone", "America/Sao_Paulo"}},
}

func (w *world) make(kind record.Kind, upn, name string) record.ID {
	if kind == record.Contacts {
		return w.contact(upn, record.Fields{record.LastName: record.Value(name)}).ID
	}
	zone, err := time.LoadLocation(w.actor(upn).Zone) // a day later it may be another week
	w.must(err)
	today := w.now().In(zone).Format(time.DateOnly)
	return w.event(upn, record.Fields{
		record.EventTitle: record.Value(name), record.Start: record.Value(today + "T10:00"), record.End: record.Value(today + "T11:00"),
	}).ID
}

// Who may only look finds the way to every record that may be seen, no button to change one, and no request that does.
func TestWhoMayOnlyLook(t *testing.T) {
	t.Parallel()
	for _, each := range both {
		t.Run(string(each.kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			mine, theirs := w.make(each.kind, someone, "Minha"), w.make(each.kind, colleague, "Alheia")
			binned := w.make(each.kind, someone, "Velha")
			if _, err := w.crm.Delete(t.Context(), w.actor(someone), each.kind, []crm.Draft{{ID: binned}}); err != nil {
				t.Fatal(err)
			}
			w.profile(someone, func(p *account.Permissions) {
				*each.access(p), p.SyncContacts, p.SyncCalendar = record.Access{View: record.Anyones}, false, false
			})
			b := w.as(someone)

			for _, list := range []string{each.path, "/"} {
				if got := b.get(list); got.status != 200 || strings.Contains(got.body, `"`+each.path+"/new") {
					t.Errorf("%s: %d, or it offers to make one", list, got.status)
				}
			}
			for _, id := range []record.ID{mine, theirs} {
				got := b.get(each.path + "/" + id.String())
				if got.status != 200 || !strings.Contains(got.text(), "You may look at this, but not change it.") {
					t.Errorf("record %s: %d\n%s", id, got.status, got.text())
				}
				for _, button := range []string{`name="save"`, `id="delete-form"`, `id="repeat"`} {
					if strings.Contains(got.body, button) {
						t.Errorf("the page has %s", button)
					}
				}
			}
			if got := b.get("/recycle-bin"); !strings.Contains(got.text(), "Velha") || strings.Contains(got.body, "/restore") {
				t.Errorf("the recycle bin: %s", got.text())
			}
			one := each.path + "/" + mine.String()
			refused(t, b.get(each.path+"/new"), "new")
			for path, form := range map[string][]string{
				each.path: each.create, one: append([]string{"version", "1"}, each.create...), one + "/delete": nil,
				each.path + "/" + binned.String() + "/restore": nil,
			} {
				refused(t, b.post(path, form...), path)
			}
			if each.kind == record.Calendar {
				refused(t, b.post(one+"/move", "version", "1", "start", "2026-11-25T10:00:00", "end", "2026-11-25T11:00:00"), "move")
				refused(t, b.post(one+"/delete", "on", "2026-11-25", "scope", "this"), "leaving a day out")
				day := w.now().UTC()
				feed := b.get("/calendar/events?owner=all&start=" + day.AddDate(0, 0, -2).Format("2006-01-02") + "&end=" + day.AddDate(0, 0, 3).Format("2006-01-02"))
				if !strings.Contains(feed.body, "Minha") || strings.Contains(feed.body, `"editable":true`) || strings.Contains(feed.body, "/move") {
					t.Errorf("the feed: %s", feed.body)
				}
			}
			admin := w.actor("admin@contoso.example")
			if r, err := w.crm.Get(t.Context(), admin, each.kind, mine); err != nil || r.Version != 1 {
				t.Errorf("the record is now %+v, %v", r, err)
			}
		})
	}
}

func refused(t *testing.T, got answer, what string) {
	t.Helper()
	if got.status != 403 || !strings.Contains(got.text(), "Your profile does not allow this") {
		t.Errorf("%s: %d\n%s", what, got.status, got.text())
	}
}

// Who may change own records only sees the colleagues', without buttons.
func TestWhoMayChangeOwnRecordsOnly(t *testing.T) {
	t.Parallel()
	for _, each := range both {
		t.Run(string(each.kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			mine, theirs := w.make(each.kind, someone, "Minha"), w.make(each.kind, colleague, "Alheia")
			w.profile(someone, func(p *account.Permissions) {
				*each.access(p) = record.Access{View: record.Anyones, Create: true, Edit: record.Own, Delete: record.Own}
			})
			b := w.as(someone)
			for id, may := range map[record.ID]bool{mine: true, theirs: false} {
				got := b.get(each.path + "/" + id.String())
				for _, button := range []string{`name="save"`, `id="delete-form"`} {
					if got.status != 200 || strings.Contains(got.body, button) != may {
						t.Errorf("%s of record %s: %d, want it there: %t", button, id, got.status, may)
					}
				}
			}
			other := each.path + "/" + theirs.String()
			refused(t, b.post(other, append([]string{"version", "1"}, each.create...)...), "change")
			refused(t, b.post(other+"/delete"), "delete")
			own := each.path + "/" + mine.String()
			if got := b.stay().post(own, append([]string{"version", "1"}, each.create...)...); got.status != 303 {
				t.Errorf("changing an own record: %d\n%s", got.status, got.text())
			}
			if got := b.stay().post(own + "/delete"); got.status != 303 {
				t.Errorf("deleting an own record: %d\n%s", got.status, got.text())
			}
		})
	}
}

// Who may see nothing of a kind has no way to it, and no page names one.
func TestWhoMaySeeNothingOfAKind(t *testing.T) {
	t.Parallel()
	for _, each := range both {
		t.Run(string(each.kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.make(each.kind, someone, "Minha")
			w.link(someone, each.kind, []reconcile.Entry{{Pair: reconcile.Pair{
				CRM: id.Ref(), Microsoft: "m1", State: reconcile.Parked, Reason: fault.TooLong, Name: "Minha"}}}, func(*reconcile.Link) {})
			w.profile(someone, func(p *account.Permissions) {
				*each.access(p), p.SyncContacts, p.SyncCalendar = record.Access{}, false, false
			})
			b := w.as(someone)
			home := b.get("/")
			if strings.Contains(home.body, `href="`+each.path+`"`) || !strings.Contains(home.body, `href="/status"`) {
				t.Errorf("the navigation:\n%s", home.body)
			}
			addresses := map[string]string{}
			for _, rt := range w.site.routes() {
				if method, path, _ := strings.Cut(rt.pattern, " "); method == "GET" && !strings.Contains(path, "callback") && path != "/live" {
					addresses[rt.pattern] = strings.NewReplacer("{$}", "", "{id}", id.String(), "{kind}", string(each.kind)).Replace(path)
				}
			}
			for pattern, path := range addresses {
				got := b.stay().get(path)
				if strings.Contains(got.body, "Minha") {
					t.Errorf("%s names the record", pattern)
				}
				if strings.HasPrefix(path, each.path) {
					refused(t, got, pattern)
				}
			}
			one := each.path + "/" + id.String()
			for _, path := range []string{each.path, one, one + "/delete", one + "/restore"} {
				refused(t, b.post(path, append([]string{"version", "1"}, each.create...)...), path)
			}
			refused(t, b.get(marketplacePath+"/"+string(each.kind)+"/records"), "the records of the link")
			if got := b.get("/recycle-bin"); got.status != 200 || strings.Contains(got.body, "bin-"+string(each.kind)) {
				t.Errorf("the recycle bin: %d", got.status)
			}
		})
	}
}

// What an administrator has withheld cannot be switched on, and the card says so; what ran before stands as paused.
func TestSyncThatIsWithheld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(someone)
	w.link(someone, record.Contacts, nil, func(*reconcile.Link) {})
	withhold := func(withheld bool) { // as account.Registry does it
		w.profile(someone, func(p *account.Permissions) { p.SyncContacts, p.SyncCalendar = !withheld, !withheld })
		w.must(w.store.Accounts().Within(t.Context(), w.org.ID, func(tx account.Tx) error {
			return tx.WithholdLinks(w.users[someone].ID, record.Contacts, withheld)
		}))
	}
	withhold(true)
	b := w.as(someone)
	got := b.get(marketplacePath)
	for _, part := range []string{`id="card-calendar" data-state="none"`, `id="card-contacts" data-state="paused"`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("no %s", part)
		}
	}
	if n := strings.Count(got.text(), "Your administrator does not allow this sync."); n != 2 {
		t.Errorf("said %d times:\n%s", n, got.text())
	}
	if strings.Contains(got.body, `class="enable"`) || strings.Contains(got.body, "reconnect") {
		t.Errorf("it can be switched on:\n%s", got.body)
	}
	if !strings.Contains(got.body, `action="`+marketplacePath+`/contacts/disable"`) {
		t.Error("what is paused cannot be switched off")
	}
	for _, kind := range []string{"calendar", "contacts"} {
		if got := b.post(marketplacePath + "/" + kind + "/enable"); got.status != 403 || !strings.Contains(got.text(), "Your administrator does not allow this sync.") {
			t.Errorf("%s: %d\n%s", kind, got.status, got.text())
		}
	}
	links, err := w.store.Links().LinksOf(t.Context(), w.org.ID, w.users[someone].ID)
	if err != nil || slices.ContainsFunc(links, func(l reconcile.Link) bool { return l.State != reconcile.Paused }) {
		t.Errorf("links %+v, %v", links, err)
	}
	if home := b.get("/"); strings.Contains(home.body, "#card-calendar") || strings.Contains(home.body, "#card-contacts") {
		t.Error("the start page still asks to switch it on")
	}

	withhold(false)
	got = b.get(marketplacePath)
	if !strings.Contains(got.body, `id="card-contacts" data-state="on"`) || strings.Count(got.body, `class="enable"`) != 1 || strings.Contains(got.text(), "does not allow") {
		t.Errorf("allowed again:\n%s", got.text())
	}
}

// In a real browser: pages that are only to be looked at break no script, and a click on a free hour of the calendar asks
// for no new event. How one's own list looks is anybody's to choose (form.taste).
func TestWhoMayOnlyLookInABrowser(t *testing.T) {
	w := newWorld(t)
	contact, event := w.make(record.Contacts, colleague, "Alheia"), w.make(record.Calendar, colleague, "Visita")
	w.profile(someone, func(p *account.Permissions) {
		*p = account.Permissions{Contacts: record.Access{View: record.Anyones}, Events: record.Access{View: record.Anyones}}
	})
	b := chrome(t)
	b.signIn(w, someone)
	for _, page := range []string{"/", "/contacts", "/contacts/" + contact.String(), "/calendar/" + event.String(), "/recycle-bin", marketplacePath} {
		b.do(chromedp.Navigate(w.url + page))
		b.until("the page "+page, `document.querySelector('#main h1')`)
		b.until("nothing to send on "+page, `!document.querySelector('#main form[method=post]:not(.taste) button, #main button[form]')`)
		b.until("nothing to type on "+page, `[...document.querySelectorAll('#main form:not([method=get], .taste) :is(input, select, textarea)')].every((f) => f.readOnly || f.disabled || f.type === 'hidden')`)
	}
	b.do(chromedp.Navigate(w.url + "/calendar?view=week&owner=all"))
	b.until("the calendar is there", `document.querySelector('.ec-event')`)
	b.do(chromedp.Click(".ec-day:nth-child(2)"))
	b.until("the calendar stays", `location.pathname === '/calendar' && document.querySelector('.ec-event')`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		t.Errorf("the browser complains: %q", b.complaints)
	}
}
