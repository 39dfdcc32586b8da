package web

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func historyKeys() (out []string) {
	for _, what := range reconcile.Undoings() {
		out = append(out, "undo."+string(what), "undo.now."+string(what))
		if what != reconcile.Undone && what != reconcile.UndoneBefore {
			out = append(out, "undo.why."+string(what))
		}
	}
	for _, a := range actions {
		out = append(out, "history.action."+string(a))
	}
	for _, did := range []crm.EditDid{crm.Edited, crm.Binned, crm.Unbinned, crm.Merged, crm.MergedInto} {
		out = append(out, "timeline.edit."+string(did))
	}
	return append(out, "history.side.crm", "history.side.microsoft")
}

// tell puts lines of history into a link, all of one run, and returns them as they are stored, latest first.
func (w *world) tell(l *reconcile.Link, lines ...reconcile.HistoryLine) []reconcile.HistoryEntry {
	w.t.Helper()
	ctx, ledger := context.Background(), w.store.Ledger()
	open, err := ledger.Open(ctx, l.ID, w.now(), time.Minute)
	w.must(err)
	for i := range lines {
		if lines[i].At.IsZero() {
			lines[i].At = w.now()
		}
	}
	w.must(ledger.Settle(ctx, open, 0, []reconcile.Entry{{Drop: true, History: lines}}))
	w.must(ledger.Close(ctx, open))
	found, err := w.store.Links().History(ctx, l.Org, l.ID, 0, len(lines))
	w.must(err)
	return found
}

// historyOf is a link of the past that changed a contact once, and that line.
func (w *world) historyOf(upn string, c crm.Record) (reconcile.HistoryEntry, string) {
	w.t.Helper()
	l := w.link(upn, record.Contacts, nil, func(*reconcile.Link) {})
	line := w.tell(l, reconcile.HistoryLine{CRM: c.ID.Ref(), Side: reconcile.InCRM, Action: reconcile.Updated, Reason: reconcile.ChangedMicrosoft,
		Fields: record.Fields{record.LastName: "Silva"}, Before: record.Fields{record.LastName: "Souza"}})[0]
	w.must(w.store.Links().ChangeState(context.Background(), l.Org, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Off, ""))
	return line, strconv.FormatInt(line.ID, 10)
}

func updated(c crm.Record, side reconcile.Where, f record.Field, before, after record.Value) reconcile.HistoryLine {
	return reconcile.HistoryLine{CRM: c.ID.Ref(), Side: side, Action: reconcile.Updated, Reason: reconcile.ChangedMicrosoft,
		Fields: record.Fields{f: after}, Before: record.Fields{f: before}}
}

// The history shows both values of every change, both kinds together, page by page; by side, action, day and record.
func TestHistoryShowsWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const adele = "adele@contoso.example"
	ana := w.contact(adele, record.Fields{record.LastName: "Souza", record.Department: "two"})
	event := w.event(adele, record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00"})
	contacts := w.link(adele, record.Contacts, nil, func(*reconcile.Link) {})
	calendar := w.link(adele, record.Calendar, nil, func(*reconcile.Link) {})
	old := updated(ana, reconcile.InCRM, record.Title, "CTO", "CEO")
	old.At = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	w.tell(contacts, old)
	w.tell(contacts, updated(ana, reconcile.InMicrosoft, record.Department, "one", "two"))
	w.tell(calendar, updated(event, reconcile.InCRM, record.Venue, "Sala 1", "Sala 2"))
	b := w.as(adele)
	for _, row := range []struct {
		path         string
		shows, hides []string
	}{
		{path: "/history", shows: []string{"one → two", "CTO → CEO", "Sala 1 → Sala 2", "Souza", "Visita"}},
		{path: "/history?kind=contacts", shows: []string{"one → two", "CTO → CEO"}, hides: []string{"Sala 1"}},
		{path: "/history?kind=calendar", shows: []string{"Sala 1"}, hides: []string{"one → two"}},
		{path: "/history?side=microsoft", shows: []string{"one → two"}, hides: []string{"Sala 1", "CTO"}},
		{path: "/history?action=failed", hides: []string{"one → two", "Sala 1"}},
		{path: "/history?to=2026-03-14", shows: []string{"CTO → CEO"}, hides: []string{"Sala 1", "one → two"}},
		{path: "/history?from=2026-03-15", shows: []string{"Sala 1"}, hides: []string{"CTO"}},
		{path: "/history?kind=contacts&record=" + ana.ID.String(), shows: []string{"one → two", "CTO → CEO"}, hides: []string{"Visita"}},
		{path: "/history?kind=calendar&record=" + event.ID.String(), shows: []string{"Sala 1"}, hides: []string{"CTO"}},
	} {
		text := b.get(row.path).text()
		for _, want := range row.shows {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q: %s", row.path, want, text)
			}
		}
		for _, not := range row.hides {
			if strings.Contains(text, not) {
				t.Errorf("%s shows %q: %s", row.path, not, text)
			}
		}
	}
	for _, page := range []string{"/contacts/" + ana.ID.String(), "/calendar/" + event.ID.String()} {
		if body := b.get(page).body; !strings.Contains(body, "/history?kind=") {
			t.Errorf("%s does not lead to its history", page)
		}
	}
}

// Pages of the history are cut between two kinds without losing or doubling a line.
func TestHistoryIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const adele = "adele@contoso.example"
	ana := w.contact(adele, record.Fields{record.LastName: "Souza"})
	contacts := w.link(adele, record.Contacts, nil, func(*reconcile.Link) {})
	calendar := w.link(adele, record.Calendar, nil, func(*reconcile.Link) {})
	at := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for i := range pageSize * 3 / 2 {
		line := updated(ana, reconcile.InCRM, record.Title, "", record.Value("n"+strconv.Itoa(2*i)))
		line.At = at.Add(time.Duration(2*i) * time.Minute)
		w.tell(contacts, line)
		line.At, line.Fields = line.At.Add(time.Minute), record.Fields{record.Venue: record.Value("n" + strconv.Itoa(2*i+1))}
		line.Before = record.Fields{record.Venue: ""}
		w.tell(calendar, line)
	}
	b, seen := w.as(adele), map[string]int{}
	last, next := -1, "/history"
	older := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	for next != "" {
		body := b.get(next).body
		for _, m := range regexp.MustCompile(`<ins>n(\d+)</ins>`).FindAllStringSubmatch(body, -1) {
			seen[m[1]]++
			n, _ := strconv.Atoi(m[1])
			if last >= 0 && n > last {
				t.Fatalf("%d comes after %d", n, last)
			}
			last = n
		}
		next = ""
		if m := older.FindStringSubmatch(body); m != nil {
			next = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if len(seen) != pageSize*3 {
		t.Errorf("%d different lines of %d", len(seen), pageSize*3)
	}
	for n, times := range seen {
		if times != 1 {
			t.Errorf("line %s is shown %d times", n, times)
		}
	}
}

// What sync did for others is seen by those who manage users, as far as they may see the records; values of others' events by
// nobody. Nobody undoes what is somebody else's.
func TestHistoryOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const admin, adele, alex = "admin@contoso.example", "adele@contoso.example", "alex@contoso.example"
	ana := w.contact(adele, record.Fields{record.LastName: "Souza"})
	gone := w.contact(adele, record.Fields{record.LastName: "Secret"})
	private := w.event(adele, record.Fields{record.EventTitle: "Médico", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.Sensitivity: "private"})
	contacts := w.link(adele, record.Contacts, nil, func(*reconcile.Link) {})
	calendar := w.link(adele, record.Calendar, nil, func(*reconcile.Link) {})
	w.must(second(w.crm.Delete(t.Context(), w.actor(adele), record.Contacts, []crm.Draft{{ID: gone.ID}})))
	w.tell(contacts, updated(gone, reconcile.InCRM, record.Title, "Hush", "Hush hush"))
	line := w.tell(contacts, updated(ana, reconcile.InCRM, record.Title, "CTO", "CEO"))[0]
	w.tell(calendar, updated(private, reconcile.InCRM, record.EventTitle, "Dentista", "Médico"))
	of := "/history?user=" + w.users[adele].ID.String()

	text := w.as(admin).get(of).text()
	if !strings.Contains(text, "CTO → CEO") || !strings.Contains(text, "Souza") {
		t.Errorf("the administrator does not see: %s", text)
	}
	for _, not := range []string{"Dentista", "Médico", "Hush", "Secret", "Undo "} {
		if strings.Contains(text, not) {
			t.Errorf("the administrator sees %q: %s", not, text)
		}
	}
	if got := w.as(alex).get(of); got.status != 403 || strings.Contains(got.body, "Souza") {
		t.Errorf("a colleague is answered %d", got.status)
	}
	w.profile(admin, func(p *account.Permissions) { p.Contacts.View, p.Events.View = record.Own, record.Own })
	if text := w.as(admin).get(of).text(); strings.Contains(text, "CTO") {
		t.Errorf("who sees own records only is shown %s", text)
	}
	for _, upn := range []string{admin, alex, "admin@fabrikam.example"} {
		b := w.as(upn).stay()
		for _, path := range []string{"/history/lines/" + strconv.FormatInt(line.ID, 10) + "/undo", runPath(contacts.ID, line.Run) + "/undo"} {
			if got := b.post(path); got.status != 404 {
				t.Errorf("%s undoes %s: %d", upn, path, got.status)
			}
		}
		if got := b.get(runPath(contacts.ID, line.Run)); got.status != 404 {
			t.Errorf("%s looks at a run: %d", upn, got.status)
		}
	}
}

// One change, and a whole run, are undone by a click without script; each line then says what came of it.
func TestUndoByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const adele = "adele@contoso.example"
	contact := func(name, department record.Value) crm.Record {
		return w.contact(adele, record.Fields{record.LastName: name, record.Department: department})
	}
	ana, bia, caio := contact("Souza", "two"), contact("Lima", "three"), contact("Nunes", "two")
	l := w.link(adele, record.Contacts, nil, func(*reconcile.Link) {})
	lines := w.tell(l, updated(ana, reconcile.InMicrosoft, record.Department, "one", "two"), updated(bia, reconcile.InCRM, record.Department, "one", "two"),
		updated(caio, reconcile.InCRM, record.Department, "one", "two"), reconcile.HistoryLine{CRM: ana.ID.Ref(), Side: reconcile.InMicrosoft, Action: reconcile.Created})
	department := func(c crm.Record) record.Value {
		now, err := w.crm.Get(t.Context(), w.actor(adele), record.Contacts, c.ID)
		w.must(err)
		return now.Fields[record.Department]
	}
	b := w.as(adele)
	got := b.post("/history/lines/"+strconv.FormatInt(lines[1].ID, 10)+"/undo", "back", "/history?kind=contacts")
	if got.path != "/history?kind=contacts" || !strings.Contains(got.text(), "Undone. Outlook follows") || department(caio) != "one" {
		t.Errorf("undo of one change: %s, %q: %s", got.path, department(caio), got.text())
	}
	if got := b.stay().post("/history/lines/"+strconv.FormatInt(lines[0].ID, 10)+"/undo", "back", "//evil.example"); got.status != 422 {
		t.Errorf("undo of what cannot be undone: %d", got.status)
	}
	run := runPath(l.ID, lines[0].Run)
	page := b.get(run).text()
	for _, want := range []string{"3 changes are taken back", "Nobody gets a mail"} {
		if !strings.Contains(page, want) {
			t.Errorf("the run's page lacks %q: %s", want, page)
		}
	}
	got = b.post(run + "/undo")
	if !strings.HasPrefix(got.path, "/history/undos/") || !strings.Contains(got.text(), "1 change was undone") || !strings.Contains(got.text(), "1 was changed since") {
		t.Errorf("undo of a run: %s: %s", got.path, got.text())
	}
	if department(ana) != "one" || department(bia) != "three" || department(caio) != "one" {
		t.Errorf("departments %q, %q, %q", department(ana), department(bia), department(caio))
	}
	page = b.get(run).text()
	if strings.Count(page, "Undone") < 2 || !strings.Contains(page, "it was changed since") {
		t.Errorf("the run's page afterwards: %s", page)
	}
	b.lang = "pt-BR"
	if page := b.get(run).text(); !strings.Contains(page, "foi alterado desde então") {
		t.Errorf("in Portuguese: %s", page)
	}
	if got := w.as("alex@contoso.example").get("/history/undos/" + url.PathEscape(strings.TrimPrefix(got.path, "/history/undos/"))); got.status != 404 {
		t.Errorf("a colleague looks at the undo: %d", got.status)
	}
}
