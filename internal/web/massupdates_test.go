package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/intake"
	"tandem/internal/massupdate"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// fakeMass works on a mass update as soon as it begins, unless it is held.
type fakeMass struct {
	*massupdate.Desk
	*store.MassUpdates
	held *bool
}

func (f fakeMass) Go(ctx context.Context, u massupdate.Update) error {
	if err := f.Desk.Start(ctx, u); err != nil || *f.held {
		return err
	}
	return f.Work(ctx, u.Org, u.ID)
}

func (f fakeMass) GoMailing(ctx context.Context, u massupdate.Update, events []crm.Cancellation) error {
	if err := f.Desk.Agree(ctx, u, events); err != nil || *f.held {
		return err
	}
	return f.Work(ctx, u.Org, u.ID)
}

func (f fakeMass) TakeBack(ctx context.Context, u massupdate.Update) error {
	if err := f.Desk.Undo(ctx, u); err != nil || *f.held {
		return err
	}
	return f.Work(ctx, u.Org, u.ID)
}

func (w *world) mass() fakeMass {
	var last atomic.Int64
	return fakeMass{&massupdate.Desk{Store: w.store.MassUpdates(), Records: w.crm, Now: w.now,
		NewID: func() string { return fmt.Sprint("mass-", last.Add(1)) },
		Actor: w.working(func(may account.Permissions) bool { return may.MassUpdate })}, w.store.MassUpdates(), new(bool)}
}

// draftMass is a mass update of all that a user sees of a kind, which waits for the user's word.
func (w *world) draftMass(upn string, kind record.Kind, field record.Field, value record.Value) massupdate.Update {
	w.t.Helper()
	return w.draftDeed(upn, kind, crm.MassSets(field, value))
}

func (w *world) draftDeed(upn string, kind record.Kind, deed crm.MassDeed) massupdate.Update {
	w.t.Helper()
	a := w.actor(upn)
	a.MassUpdate = true
	u, err := w.site.Mass.Prepare(context.Background(), a, kind, crm.Query{}, deed)
	w.must(err)
	return u
}

func massKeys() (out []string) {
	for _, s := range []intake.State{intake.Draft, intake.Running, intake.Done, intake.Stopped, intake.Failed, intake.Undoing, intake.Undone} {
		out = append(out, "mass.state."+string(s))
	}
	for _, s := range []intake.State{intake.Done, intake.Stopped, intake.Failed, intake.Undone} {
		out = append(out, "mass.ended."+string(s))
	}
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		for _, key := range []string{"total", "picked", "enters_own", "enters_others", "enters_later", "admitted", "owner_hint", "delete_hint", "words.delete",
			"leaves_own", "leaves_others", "arrives", "arrives_not"} {
			out = append(out, "mass."+key+"."+string(kind))
		}
		for _, do := range crm.MassDos {
			out = append(out, "mass.do."+string(do), "mass.go."+string(do)+"."+string(kind))
		}
	}
	out = append(out, "mass.mails.delete", "mass.mails.owner")
	for _, c := range []string{"named", "barred", "enters", "leaves", "invited", "mailed", "changed", "same", "failed", "restored", "kept"} {
		out = append(out, "mass.count."+c)
	}
	for _, r := range massReasons {
		out = append(out, "mass.why."+string(r))
	}
	for _, do := range []crm.MassDo{crm.MassTag, crm.MassUntag} {
		out = append(out, "mass.tag_hint."+string(do), "mass.words."+string(do))
	}
	return append(out, "mass.why.general", "mass.ids.mandatory", "mass.ids.too_long")
}

// came is a record as an import brings it.
func (w *world) came(upn string, kind record.Kind, fields record.Fields) crm.Record {
	w.t.Helper()
	r, err := one(w.crm.Insert(context.Background(), w.actor(upn), kind, []crm.Draft{{Fields: fields, Source: record.Import}}))
	w.must(err)
	return r
}

func counted(body, key string, n string) bool {
	_, after, _ := strings.Cut(body, `data-count="`+key+`"`)
	value, _, _ := strings.Cut(after, "</dd>")
	return strings.HasSuffix(value, "<dd>"+n)
}

// What came by import waits outside the sync. From the import's note, or from a list as it is filtered, a person chooses a field and a
// value, is told before what this would do, and does it: those records, and no others, take part in sync. Undone, values are as before.
func TestS21_S33_AMassUpdateByPagesLetsImportedRecordsIn(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	for _, c := range []struct {
		kind   record.Kind
		fields record.Fields
		name   record.Field
		set    record.Field
		value  record.Value
	}{
		{record.Contacts, record.Fields{}, record.LastName, record.Department, "Vendas"},
		{record.Calendar, record.Fields{record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"}, record.EventTitle, record.Venue, "Sala 9"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			w := newWorld(t)
			w.profile(admin, func(p *account.Permissions) { *p = account.SuperAdmin.Permissions() })
			w.grant(admin)
			named := func(name string) record.Fields { return c.fields.With(record.Fields{c.name: record.Value(name)}) }
			mine, theirs := w.came(admin, c.kind, named("Silva Um")), w.came(someone, c.kind, named("Silva Dois"))
			typed, err := one(w.crm.Insert(t.Context(), w.actor(admin), c.kind, []crm.Draft{{Fields: named("Silva Três")}}))
			w.must(err)
			other := w.came(admin, c.kind, named("Souza"))
			w.link(admin, c.kind, nil, func(*reconcile.Link) {})
			b := w.as(admin)
			listed := "/mass-update?kind=" + string(c.kind) + "&owner=all&q=Silva"
			if c.kind == record.Contacts && !strings.Contains(b.get("/contacts?q=Silva").body, `href="/mass-update?kind=contacts&amp;owner=all&amp;q=Silva"`) {
				t.Error("the list does not lead there with what it shows")
			}
			if got := b.get(listed + "&field=" + string(c.set)); got.status != 200 || !strings.Contains(got.body, `name="`+string(c.set)+`"`) || !strings.Contains(got.body, "<strong>3 ") {
				t.Fatalf("%d %s", got.status, got.text())
			}
			path := b.stay().post("/mass-update", "query", strings.TrimPrefix(listed, "/mass-update?"), "field", string(c.set), string(c.set), string(c.value)).header.Get("Location")
			draft := b.get(path)
			if !counted(draft.body, "named", "3") || !counted(draft.body, "barred", "0") || !counted(draft.body, "enters", "1") || !counted(draft.body, "mailed", "0") ||
				!strings.Contains(draft.body, `data-enters="own"`) || !strings.Contains(draft.body, `data-enters="later"`) {
				t.Fatalf("the draft says %s", draft.text())
			}
			read := func(r crm.Record) crm.Record {
				t.Helper()
				now, err := w.crm.Get(t.Context(), w.actor(admin), c.kind, r.ID)
				w.must(err)
				return now
			}
			if r := read(mine); r.Mark != crm.NoMark || r.Fields[c.set] != "" {
				t.Fatalf("the draft changed %+v", r)
			}
			done := b.post(path)
			if !strings.Contains(done.body, `id="mass" data-state="done"`) || !counted(done.body, "changed", "3") || !counted(done.body, "failed", "0") {
				t.Fatalf("%d %s", done.status, done.text())
			}
			for _, r := range []crm.Record{mine, theirs, typed} {
				if now := read(r); now.Mark != crm.MassMark || now.Fields[c.set] != c.value {
					t.Errorf("%s is %+v", r.Fields[c.name], now)
				}
			}
			if now := read(other); now.Mark != crm.NoMark || now.Version != other.Version {
				t.Errorf("one that was not meant is %+v", now)
			}
			for _, r := range []crm.Record{mine, theirs} {
				if ok, why := reconcile.Eligible(r.Owner, reconcile.Policy{}, read(r).Meta()); !ok {
					t.Errorf("%s stays outside the sync: %s", r.Fields[c.name], why)
				}
			}
			// Only those that wait: one of the administrator's own is left.
			if got := b.get("/mass-update?imported=true&owner=mine&kind=" + string(c.kind)); !strings.Contains(got.body, "<strong>1 ") {
				t.Errorf("imported ones: %s", got.text())
			}
			w.must(second(one(w.crm.Update(t.Context(), w.actor(someone), c.kind, []crm.Draft{{ID: theirs.ID, Fields: record.Fields{c.set: "Depois"}}}))))
			undone := b.post(path + "/undo")
			if !strings.Contains(undone.body, `data-state="undone"`) || !counted(undone.body, "restored", "2") || !counted(undone.body, "kept", "1") {
				t.Errorf("undone: %s", undone.text())
			}
			if now := read(mine); now.Fields[c.set] != "" || now.Mark != crm.MassMark {
				t.Errorf("undone, it is %+v", now)
			}
			if now := read(theirs); now.Fields[c.set] != "Depois" {
				t.Errorf("what was changed since is %+v", now)
			}
		})
	}
}

// A condition that says nothing yet, or an owner that there is not, never widens what a mass update is for.
func TestMassUpdatesMeanNoMoreThanTheySay(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	w.contact(admin, record.Fields{record.LastName: "Souza"})
	w.contact(someone, record.Fields{record.LastName: "Silva"})
	b := w.as(admin)
	for _, query := range []string{"kind=contacts&f=Date_of_Birth&o=is&v=nonsense", "kind=contacts&f=No_Such&o=is&v=1"} {
		got := b.stay().post("/mass-update", "query", query, "field", "Department", "Department", "X")
		if got.status != 422 || !strings.Contains(got.body, `id="mass-unclear"`) {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	if got := b.get("/mass-update?kind=contacts&owner=nobody"); !strings.Contains(got.body, "<strong>1 contact<") {
		t.Errorf("an owner that there is not: %s", got.text())
	}
	for _, c := range []struct{ query, field, value, says string }{
		{"kind=contacts", "Date_of_Birth", "31/31/1999", `data-field-error="Date_of_Birth"`},
		{"kind=contacts", "Email", "a@b.example", ""}, {"kind=contacts&q=Nobody", "Department", "X", `data-field-error="ids"`},
	} {
		if got := b.stay().post("/mass-update", "query", c.query, "field", c.field, c.field, c.value); got.status != 422 || !strings.Contains(got.body, c.says) {
			t.Errorf("%+v: %d", c, got.status)
		}
	}
	if past, err := w.store.MassUpdates().MassUpdatesOf(t.Context(), w.org.ID, 0, 10); err != nil {
		t.Fatal(err)
	} else {
		for _, u := range past {
			if u.Total > 0 {
				t.Errorf("there is %+v", u)
			}
		}
	}
}

// Who may update many records, and whose a mass update is.
func TestMassUpdatesAreTheirPersons(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	w.contact(admin, record.Fields{record.LastName: "Souza"})
	u := w.draftMass(admin, record.Contacts, record.Department, "X")
	path := "/mass-update/" + u.ID
	w.profile(colleague, func(p *account.Permissions) { p.MassUpdate = true })
	w.profile(someone, func(p *account.Permissions) { p.MassUpdate = false })
	for upn, want := range map[string]int{someone: 403, colleague: 404, "admin@fabrikam.example": 404} {
		b := w.as(upn)
		for _, p := range []string{path, path + "/undo", path + "/stop", path + "/drop"} {
			if got := b.post(p).status; got != want {
				t.Errorf("%s: POST %s: %d, want %d", upn, p, got, want)
			}
		}
		if got := b.get(path).status; got != want {
			t.Errorf("%s: %d, want %d", upn, got, want)
		}
	}
	b := w.as(someone)
	if got := b.post("/mass-update", "query", url.Values{"kind": {"contacts"}}.Encode(), "field", "Department", "Department", "X").status; got != 403 {
		t.Errorf("without the permission one is prepared: %d", got)
	}
	w.contact(someone, record.Fields{record.LastName: "Silva"})
	for _, p := range []string{"/contacts", "/calendar"} {
		if strings.Contains(b.get(p).body, `href="/mass-update`) {
			t.Errorf("without the permission %s leads there", p)
		}
	}
	if now, err := w.store.MassUpdates().Update(t.Context(), w.org.ID, u.ID); err != nil || now.State != intake.Draft {
		t.Errorf("it is %+v, %v", now, err)
	}
}

// Whatever a mass update left as it was is in one file, with the reasons, also where the page names only the first.
func TestMassUpdatesGiveAFileOfWhatFailed(t *testing.T) {
	t.Parallel()
	const adele = "adele@contoso.example"
	w := newWorld(t)
	for i := range 29 {
		w.contact("admin@contoso.example", record.Fields{record.LastName: record.Value(fmt.Sprintf("C%02d", i))})
	}
	w.contact("admin@contoso.example", record.Fields{record.LastName: "=1+1"})
	w.contact(adele, record.Fields{record.LastName: "Own"})
	w.profile(adele, func(p *account.Permissions) { p.Contacts.View = record.Anyones })
	u := w.draftMass(adele, record.Contacts, record.Department, "Vendas")
	w.must(w.site.Mass.Go(t.Context(), u))
	b := w.as(adele)
	page := b.get(massPath + "/" + u.ID)
	if !strings.Contains(page.body, `href="`+massPath+"/"+u.ID+`/failed.csv"`) || !strings.Contains(page.text(), "10 more are in the file") {
		t.Errorf("the page leads to no file:\n%s", page.text())
	}
	got := b.get(massPath + "/" + u.ID + "/failed.csv")
	rows := got.table(t, ',')
	if len(rows) != 30 || got.header.Get("Cache-Control") != "no-store" || !strings.HasSuffix(got.header.Get("Content-Disposition"), `.csv"`) {
		t.Fatalf("%d rows, %v", len(rows), got.header)
	}
	names := map[string]bool{}
	for _, r := range rows {
		names[r["Name"]] = true
		if id, ok := record.ParseID(r["id"]); !ok || id == 0 || r["Reason"] == "" {
			t.Errorf("a row says %v", r)
		}
	}
	if len(names) != 30 || !names["'=1+1"] || names["Own"] {
		t.Errorf("the file names %v", names)
	}
	if got := w.as("admin@contoso.example").get(massPath + "/" + u.ID + "/failed.csv"); got.status != http.StatusNotFound {
		t.Errorf("somebody else gets it: %d", got.status)
	}
}
