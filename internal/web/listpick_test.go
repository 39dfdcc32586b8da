package web

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/massupdate"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// pick is where the form of a list leads with what is ticked in it.
func pick(kind record.Kind, do string, more url.Values, rows ...crm.Record) string {
	q := url.Values{"pick": {"1"}, "kind": {string(kind)}, "do": {do}}
	for name, values := range more {
		q[name] = values
	}
	for _, r := range rows {
		q.Add("id", r.ID.String())
	}
	return "/mass-update?" + q.Encode()
}

// What is ticked in a list is handed over, and nothing else: a person is told before how much leaves whose Outlook and enters whose,
// and takes it back.
func TestS17_S30_RecordsTickedInAListChangeTheirOwner(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	mine, other := w.contact(admin, record.Fields{record.LastName: "Silva"}), w.contact(admin, record.Fields{record.LastName: "Souza"})
	theirs := w.contact(someone, record.Fields{record.LastName: "Lima"})
	imported := w.came(admin, record.Contacts, record.Fields{record.LastName: "Importada"})
	w.grant(admin)
	w.grant(colleague)
	w.link(admin, record.Contacts, []reconcile.Entry{{Pair: reconcile.Pair{CRM: mine.ID.Ref(), Microsoft: "m/1", State: reconcile.Synced}}}, func(*reconcile.Link) {})
	w.link(colleague, record.Contacts, nil, func(*reconcile.Link) {})
	b := w.as(admin)
	list := b.get("/contacts?q=S")
	if !strings.Contains(list.body, `name="id" value="`+mine.ID.String()+`"`) || !strings.Contains(list.body, `name="q" value="S"`) || !strings.Contains(list.body, `name="do" value="owner"`) {
		t.Fatalf("the list offers nothing to do: %s", list.text())
	}
	asked := b.get(pick(record.Contacts, "owner", nil, mine, theirs, imported))
	if !strings.Contains(asked.text(), "3 contacts that you ticked") || !strings.Contains(asked.text(), "Importada, Lima, Silva") || !strings.Contains(asked.body, `name="Owner"`) {
		t.Fatalf("%d %s", asked.status, asked.text())
	}
	alex := w.users[colleague]
	query := strings.TrimPrefix(pick(record.Contacts, "owner", nil, mine, theirs, imported), "/mass-update?")
	if got := b.stay().post("/mass-update", "query", query, "do", "owner", "Owner", ""); got.status != 422 || !strings.Contains(got.body, `data-field-error="Owner"`) {
		t.Errorf("nobody is chosen: %d %s", got.status, got.text())
	}
	path := b.stay().post("/mass-update", "query", query, "do", "owner", "Owner", alex.ID.String()).header.Get("Location")
	draft := b.get(path)
	for key, n := range map[string]string{"named": "3", "barred": "0", "leaves": "1", "enters": "2", "same": "0", "mailed": "0"} {
		if !counted(draft.body, key, n) {
			t.Errorf("%s is not %s: %s", key, n, draft.text())
		}
	}
	for _, says := range []string{"New owner: " + alex.Name(), "1 contact leaves your Outlook", "2 contacts enter the Outlook of " + alex.Name(), "1 contact is then in nobody’s Outlook", "Hand over 3 contacts"} {
		if !strings.Contains(draft.text(), says) {
			t.Errorf("the draft does not say %q: %s", says, draft.text())
		}
	}
	owner := func(r crm.Record) record.ID { t.Helper(); return w.contactNow(admin, r.ID).Owner }
	if owner(mine) != mine.Owner {
		t.Fatal("the draft changes the owner")
	}
	if done := b.post(path); !counted(done.body, "changed", "3") || !counted(done.body, "failed", "0") {
		t.Fatalf("%s", done.text())
	}
	if owner(mine) != alex.ID || owner(theirs) != alex.ID || owner(imported) != alex.ID || owner(other) != other.Owner || w.contactNow(admin, imported.ID).Mark != crm.NoMark {
		t.Error("other contacts were handed over than those that were ticked, or they count as updated")
	}
	if undone := b.post(path + "/undo"); !counted(undone.body, "restored", "3") || owner(mine) != mine.Owner || owner(theirs) != theirs.Owner {
		t.Errorf("%s", undone.text())
	}

	// Who sees only what is one's own is told that it is gone for good.
	own := w.as(someone)
	path = own.stay().post("/mass-update", "query", strings.TrimPrefix(pick(record.Contacts, "owner", nil, theirs, mine), "/mass-update?"), "do", "owner", "Owner", alex.ID.String()).header.Get("Location")
	if draft := own.get(path); !counted(draft.body, "named", "1") || !strings.Contains(draft.body, `id="mass-loses"`) {
		t.Errorf("%s", draft.text())
	}
}

// Tags are added and taken off, and records deleted, of what is ticked or of all that the list shows. What nobody ticked is asked about.
func TestTickedRecordsGetTagsAndAreDeleted(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			make := func(name, tags string) crm.Record {
				if kind == record.Contacts {
					return w.contact(admin, record.Fields{record.LastName: record.Value(name), record.Tag: record.Value(tags)})
				}
				return w.event(admin, record.Fields{record.EventTitle: record.Value(name), record.Tag: record.Value(tags), record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"})
			}
			one, two, three := make("Silva", "vip"), make("Silveira", ""), make("Souza", "vip\nold")
			read := func(r crm.Record) crm.Record {
				found, err := w.crm.ByID(t.Context(), w.actor(admin), kind, r.ID)
				w.must(err)
				return found[r.ID]
			}
			b := w.as(admin)
			does := func(address string, pairs ...string) answer {
				t.Helper()
				got := b.stay().post("/mass-update", append([]string{"query", strings.TrimPrefix(address, "/mass-update?")}, pairs...)...)
				if got.status != 303 {
					t.Fatalf("%v: %d %s", pairs, got.status, got.text())
				}
				return b.post(got.header.Get("Location"))
			}
			if got := b.get(pick(kind, "tag", nil)); !strings.Contains(got.body, `id="mass-none"`) || strings.Contains(got.body, `id="mass-form"`) {
				t.Errorf("nothing is ticked: %s", got.text())
			}
			if got := b.stay().post("/mass-update", "query", strings.TrimPrefix(pick(kind, "delete", nil), "/mass-update?"), "do", "delete"); got.status != 422 {
				t.Errorf("nothing is ticked, and deleted: %d", got.status)
			}
			if got := b.stay().post("/mass-update", "query", strings.TrimPrefix(pick(kind, "tag", nil, one), "/mass-update?"), "do", "tag", "Tag", " , "); got.status != 422 || !strings.Contains(got.body, `data-field-error="Tag"`) {
				t.Errorf("no tags: %d %s", got.status, got.text())
			}
			whole := url.Values{"q": {"silv"}, "owner": {"all"}, "all": {"1"}}
			if got := b.get(pick(kind, "tag", whole, three)); !strings.Contains(got.body, "<strong>2 ") {
				t.Errorf("all that the list shows: %s", got.text())
			}
			if done := does(pick(kind, "tag", whole, three), "do", "tag", "Tag", "Fair, VIP"); !counted(done.body, "changed", "2") || !strings.Contains(done.text(), "Add tags: Fair, VIP") {
				t.Errorf("%s", done.text())
			}
			if got := []record.Value{read(one).Fields[record.Tag], read(two).Fields[record.Tag], read(three).Fields[record.Tag]}; !slices.Equal(got, []record.Value{"Fair\nvip", "Fair\nVIP", "old\nvip"}) {
				t.Errorf("tags are %q", got)
			}
			if done := does(pick(kind, "untag", nil, one, three), "do", "untag", "Tag", "VIP"); !counted(done.body, "changed", "2") || read(three).Fields[record.Tag] != "old" {
				t.Errorf("%s", done.text())
			}
			done := does(pick(kind, "delete", nil, one, two), "do", "delete")
			if !counted(done.body, "changed", "2") || !read(one).Deleted() || read(three).Deleted() {
				t.Errorf("%s", done.text())
			}
			past, err := w.store.MassUpdates().MassUpdatesOf(t.Context(), w.org.ID, 0, 9)
			w.must(err)
			last := past[slices.IndexFunc(past, func(u massupdate.Update) bool { return u.Deed.Do == crm.MassDelete && u.Total > 0 })]
			if undone := b.post("/mass-update/" + last.ID + "/undo"); !counted(undone.body, "restored", "2") || read(one).Deleted() {
				t.Errorf("%s", undone.text())
			}

			// Whoever may not delete is not offered it, and does not do it.
			w.profile(admin, func(p *account.Permissions) {
				p.Contacts.Delete, p.Events.Delete = record.Nobodys, record.Nobodys
			})
			if got := b.get(pick(kind, "delete", nil, one)); strings.Contains(got.body, `value="delete"`) {
				t.Error("deletion is offered to whoever may not delete")
			}
			if got := b.stay().post("/mass-update", "query", strings.TrimPrefix(pick(kind, "delete", nil, one), "/mass-update?"), "do", "delete"); got.status != 422 || read(one).Deleted() {
				t.Errorf("it is done: %d", got.status)
			}
		})
	}
}

// Two contacts ticked in the list are compared, one or six are not.
func TestTickedContactsAreMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := url.Values{"pick": {"1"}, "kind": {"contacts"}, "owner": {"mine"}}
	for _, name := range []string{"A", "B", "C", "D", "E", "F"} {
		q.Add("id", w.contact(someone, record.Fields{record.LastName: record.Value(name)}).ID.String())
	}
	b := w.as(someone)
	all := q["id"]
	for n, want := range map[int]string{1: "/contacts", 6: "/contacts", 2: "/contacts/merge?" + url.Values{"id": all[:2]}.Encode()} {
		q["id"] = all[:n]
		if got := b.get("/contacts/merge?" + q.Encode()); got.path != want || got.status != 200 || n != 2 && !strings.Contains(got.text(), "Tick two to five") {
			t.Errorf("%d ticked lead to %s with %d", n, got.path, got.status)
		}
	}
	w.profile(someone, func(p *account.Permissions) { p.MassUpdate = false })
	if list := b.get("/contacts"); !strings.Contains(list.body, `formaction="/contacts/merge"`) || strings.Contains(list.body, `name="do"`) {
		t.Error("whoever may not update many is offered it, or not to merge")
	}
	w.profile(someone, func(p *account.Permissions) { p.MassUpdate, p.Contacts.Delete, p.Export = false, record.Nobodys, false })
	if list := b.get("/contacts"); strings.Contains(list.body, `name="id"`) {
		t.Error("there is something to tick, and nothing to do with it")
	}
}

// What is ticked in a list, or all that it shows, becomes a file.
func TestTickedRecordsAreExported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, _ := w.eventAt(someone, "Visita", "2096-11-25T10:00", nil), w.eventAt(someone, "Almoço", "2096-11-26T10:00", nil)
	w.eventAt(someone, "Antiga", "2006-11-26T10:00", nil)
	b := w.as(someone)
	list := b.get("/calendar/list")
	if !strings.Contains(list.body, `formaction="/export"`) {
		t.Fatal("the list offers no file")
	}
	for query, want := range map[string][]string{
		hiddenQuery(list.body, "event-pick") + "&id=" + one.ID.String(): {"Visita"}, hiddenQuery(list.body, "event-pick") + "&all=1": {"Visita", "Almo"},
		"kind=calendar": {"Visita", "Almo", "Antiga"}, "kind=calendar&to=2006-11-26": {"Antiga"},
	} {
		if got := b.get("/export?" + query); !strings.Contains(got.body, fmt.Sprint("<strong>", len(want), " ")) {
			t.Errorf("%s: %s", query, got.text())
		}
		file := b.post("/export", "query", query, "format", "ics")
		if strings.Count(file.body, "BEGIN:VEVENT") != len(want) {
			t.Errorf("%s: %s", query, file.body)
		}
		for _, name := range want {
			if !strings.Contains(file.body, "SUMMARY:"+name) {
				t.Errorf("%s lacks %s", query, name)
			}
		}
	}
}

// In a browser rows are ticked by hand and by keys, from one to another, and stay so while others work on the list.
func TestRowsAreTickedInABrowser(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"Almeida", "Braga", "Costa", "Dias"} {
		w.contact(someone, record.Fields{record.LastName: record.Value(name)})
	}
	b := chrome(t)
	b.signIn(w, someone)
	b.do(chromedp.Navigate(w.url + "/contacts"))
	b.until("the list is there", `document.querySelectorAll('#contact-list tbody tr').length === 4`)
	row := func(n string) string { return "#contact-list tbody tr:nth-child(" + n + ") input[name=id]" }
	b.do(chromedp.Focus(row("1")), chromedp.KeyEvent(" "))
	b.until("it is counted", `document.querySelector('[data-chosen]').textContent === 'Ticked: 1' && document.querySelector('thead [data-choose-all]').indeterminate`)
	b.says(`(() => { const box = document.querySelector('` + row("1") + `'); box.replaceWith(box.cloneNode(true)); return '' })()`) // as a refresh may
	b.says(`document.querySelector('` + row("3") + `').dispatchEvent(new MouseEvent('click', {bubbles: true, shiftKey: true})); ""`)
	b.until("all between are ticked", `document.querySelector('[data-chosen]').textContent === 'Ticked: 3' && document.querySelectorAll('tr.ticked').length === 3`)
	w.contact(someone, record.Fields{record.LastName: "Aaa"})
	w.live.say(w.org.ID, Event{Topic: ContactsChanged})
	b.until("the list is refreshed", `document.querySelectorAll('#contact-list tbody tr').length === 5`)
	b.until("they stay ticked when the list is refreshed", `document.querySelectorAll('#contact-list tbody tr').length === 5 &&
		[...document.querySelectorAll('tr.ticked .cover')].map((a) => a.textContent).join() === 'Almeida,Braga,Costa' && document.querySelectorAll('#contact-list input[name=id]:checked').length === 3`)
	b.shot("list-ticked")
	press := func(what string) { b.says(`document.querySelector('` + what + `').click(); ""`) }
	press(`[data-choose-whole]`)
	b.until("all that the list shows takes their place", `document.querySelectorAll('#contact-list input[name=id]:disabled').length === 5 && document.querySelectorAll('tr.ticked').length === 5`)
	press(`[data-choose-whole]`)
	press(`.pick-deeds button[value=tag]`)
	b.until("it is asked which tags", `location.pathname === '/mass-update' && document.querySelector('#mass-total').textContent.startsWith('3 ') && document.querySelector('#f-Tag')`)
	b.do(chromedp.SendKeys("#f-Tag", "fair"), chromedp.Click(`button[name=look]`))
	b.until("it is said what that would do", `document.querySelector('#mass-go button').textContent.includes('3')`)
	b.do(chromedp.Click(`#mass-go button`))
	b.until("it is done", `document.querySelector('#mass[data-state=done]')`)
	b.do(chromedp.EmulateViewport(360, 800), chromedp.Navigate(w.url+"/contacts"))
	b.until("it fits a telephone", `document.querySelectorAll('#contact-list tbody tr').length === 5 && document.documentElement.scrollWidth <= document.documentElement.clientWidth`)
	b.do(chromedp.Click(row("2")))
	b.until("what to do is at hand", `document.querySelector('.pick-deeds button').checkVisibility({visibilityProperty: true})`)
	b.shot("list-ticked-narrow")
	b.quiet()
}

// A bulk deletion says how many people would be told that their meetings are off, and who, and tells them only with a yes to these very people.
func TestABulkDeletionAsksBeforeItMails(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	plain := w.event(admin, record.Fields{record.EventTitle: "Alone", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"})
	m := w.meeting(admin, record.Attendance{People: []record.Attendee{{Address: "megan@contoso.example"}, {Address: "rita@fabrica.example"}}})
	read := func(r crm.Record) crm.Record {
		t.Helper()
		found, err := w.crm.ByID(t.Context(), w.actor(admin), record.Calendar, r.ID)
		w.must(err)
		return found[r.ID]
	}
	b := w.as(admin)
	drafts := func(ids ...crm.Record) (string, answer) {
		t.Helper()
		path := b.stay().post("/mass-update", "query", strings.TrimPrefix(pick(record.Calendar, "delete", nil, ids...), "/mass-update?"), "do", "delete").header.Get("Location")
		return path, b.get(path)
	}
	yes := regexp.MustCompile(`name="mail" value="([^"]+)"`)
	path, draft := drafts(plain, m)
	for _, says := range []string{"Microsoft 365 tells 2 people in your name", "megan@contoso.example", "rita@fabrica.example", "Delete 1 event, mail nobody", "Delete 2 events, mail 2 people", "Nobody gets mail unless you choose that."} {
		if !strings.Contains(draft.text(), says) {
			t.Errorf("the draft does not say %q: %s", says, draft.text())
		}
	}
	if !counted(draft.body, "mailed", "0") || !counted(draft.body, "invited", "1") {
		t.Errorf("%s", draft.text())
	}
	if got := b.post(path, "mail", "somebody else"); !strings.Contains(got.text(), "Who would be mailed has changed") || read(plain).Deleted() || read(m).Deleted() {
		t.Errorf("a yes to others: %s", got.text())
	}
	if done := b.post(path); !counted(done.body, "changed", "1") || !read(plain).Deleted() || read(m).Deleted() {
		t.Errorf("mailing nobody: %s", done.text())
	}
	path, draft = drafts(m)
	if strings.Contains(draft.body, `id="mass-go"`) {
		t.Errorf("there is nothing to do without mails: %s", draft.text())
	}
	answer := yes.FindStringSubmatch(draft.body)
	if answer == nil {
		t.Fatalf("no question: %s", draft.text())
	}
	if done := b.post(path, "mail", answer[1]); !counted(done.body, "changed", "1") {
		t.Errorf("%s", done.text())
	}
	if gone := read(m); !gone.Deleted() || gone.Mailing.Agreed == nil || !slices.Equal(gone.Mailing.Agreed.People, []string{"megan@contoso.example", "rita@fabrica.example"}) || !gone.Mailing.Agreed.Removes {
		t.Errorf("deleted as %+v", gone)
	}
}
