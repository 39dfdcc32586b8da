package web

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/intake"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/photos"
)

// A look is one page to be looked at, and what is done on it before.
type look struct {
	name, path string
	act        string // a script, as if a hand did it; "": nothing
	shows      string // what must be there then
}

// theme makes the tab prefer light or dark pages. "print" shows them as they are on paper.
func (b *tab) theme(name string) {
	b.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}
	if name == "print" {
		media = emulation.SetEmulatedMediaParams{Media: name}
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, media)
		return err
	}))
}

// forget makes the browser a new visitor's.
func (b *tab) forget() {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
}

const (
	// axePath is axe-core, which npm puts there with the packages of the pages.
	axePath = "node_modules/axe-core/axe.min.js"
	// axeRun answers with what breaks WCAG 2.2 A or AA, one line for each rule.
	axeRun = `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] })
		.then((found) => { window.axeSaid = found.violations.map((v) => v.id + ": " + v.nodes.slice(0, 4).map((n) => n.target.join(" ") + " (" + n.any.concat(n.all, n.none).map((c) => c.message).slice(0, 1) + ")").join(", ")).join("\n") || "nothing" },
			(wrong) => { window.axeSaid = "axe: " + wrong })`
	// tooWide names what is wider than the window.
	tooWide = `(() => {
		const room = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= room) return "";
		return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 1).slice(0, 5)
			.map((e) => e.tagName + "#" + e.id + "." + e.className).join(" ") || "something";
	})()`
	// overlaid is what a hand that means it does not hit, as something else lies over its middle. What is opened over a page may.
	overlaid = `(() => {
		const at = [scrollX, scrollY];
		const aside = (e) => e && (e.matches(".sr") || e.getBoundingClientRect().width <= 1 || aside(e.parentElement)); // for screen readers alone
		const found = [...document.querySelectorAll("#main button, #main input, #main select, #main summary, #main textarea")].filter((e) => {
			if (e.disabled || !e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || aside(e)) return false;
			e.scrollIntoView({ block: "center", behavior: "instant" });
			const r = e.getBoundingClientRect(), hit = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
			return hit && !e.contains(hit) && !hit.closest("dialog, [role=listbox]") && ![...e.labels || []].some((l) => l.contains(hit));
		});
		scrollTo({ left: at[0], top: at[1], behavior: "instant" });
		return found.slice(0, 5).map((e) => e.tagName + "#" + e.id + "." + e.className).join(" ");
	})()`
	// disorder is a heading that is more than one level below the one before it, or a page without exactly one first heading.
	disorder = `(() => {
		const all = [...document.querySelectorAll("h1,h2,h3,h4")].filter((h) => h.offsetParent), levels = all.map((h) => +h.tagName[1]);
		if (levels.filter((l) => l === 1).length !== 1) return levels.filter((l) => l === 1).length + " first headings";
		const at = levels.findIndex((l, i) => i > 0 && l > levels[i - 1] + 1);
		return at < 0 ? "" : all[at].innerText;
	})()`
	// unsaid is a text that has no words in this language, or that only programs read.
	unsaid = `(document.body.innerText.match(/⟦[^⟧]*⟧|\[\[[^\]]*\]\]|%!\w?\(|<no value>|undefined|NaN|sha256:/) || [""])[0]`
)

func (b *tab) says(script string) string {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return got
}

// axe is what axe-core finds on the page, where it is installed.
// What still moves is taken to its end first: half faded in, every text lacks contrast. What sticks to an edge of the window is put into its
// place: what it covers at this moment is scrolled out from under it (overlaid tries that).
func (b *tab) axe(source string) string {
	b.t.Helper()
	if source == "" {
		return ""
	}
	if there, _ := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!window.axe")); !there {
		b.says(source + `; ""`)
	}
	b.says(`document.getAnimations().forEach(each => each.effect.getComputedTiming().endTime < Infinity && each.finish()); window.axeSaid = "";
		window.stuck = [...document.querySelectorAll("body *")].filter((e) => getComputedStyle(e).position === "sticky" || e.matches(".main-nav"));
		stuck.forEach((e) => e.style.position = "static"); ` + axeRun + `; ""`)
	b.until("axe has looked", `window.axeSaid`)
	b.says(`stuck.forEach((e) => e.style.position = ""); ""`)
	if said := b.says(`window.axeSaid`); said != "nothing" {
		return said
	}
	return ""
}

// looksWorld is an organization whose administrator has something of everything that pages show, and where it is shown.
func looksWorld(t *testing.T) (*world, []look) {
	const admin, adele = "admin@contoso.example", "adele@contoso.example"
	w := newWorld(t)
	w.everyField()
	size := w.customField(crm.FieldDraft{Label: "Número do sapato", Type: "double"})
	gone := w.customField(crm.FieldDraft{Label: "Old contract number", Type: "text"})
	w.must(second(w.site.Fields.Retire(t.Context(), w.actor(admin).Author, record.Contacts, gone.ID)))
	ana := w.contact(admin, record.Fields{record.FirstName: "Ana", record.LastName: "Souza", record.Title: "CEO", record.EmailField: "ana@fabrica.example",
		record.Mobile: "+55 11 91234-5678", size.Name: "42.5", record.DateOfBirth: "1990-01-02"})
	w.must(second(w.crm.SetPicture(t.Context(), w.actor(admin), ana.ID, photos.PNG(t, 1, 300, 400))))
	bia := w.contact(admin, record.Fields{record.FirstName: "Bia", record.LastName: "Lima", record.EmailField: "bia@fabrica.example"})
	zone := record.Fields{record.TimeZone: "America/Sao_Paulo"}
	event := w.event(admin, zone.With(record.Fields{record.EventTitle: "Visita à fábrica", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T15:30",
		record.EndTimeZone: "Europe/Lisbon", record.Venue: "Sala 9", record.WhoID: record.Value(ana.ID.String()), record.ShowAs: "tentative", record.Sensitivity: "private", record.Importance: "high"}))
	w.event(admin, zone.With(record.Fields{record.EventTitle: "Feira", record.AllDay: "true", record.Start: "2026-11-26", record.End: "2026-11-28"}))
	veiled := w.event(adele, zone.With(record.Fields{record.EventTitle: "Hidden", record.Start: "2026-11-25T13:00", record.End: "2026-11-25T14:00", record.Sensitivity: "private"}))
	series := w.event(admin, zone.With(record.Fields{record.EventTitle: "Rodada", record.Start: "2026-11-24T09:00", record.End: "2026-11-24T10:00",
		record.Recurring: "FREQ=WEEKLY;COUNT=10", record.Changed: `{"2026-12-01":{"Venue":"Sala 9"}}`}))

	w.grant(admin)
	entries := []reconcile.Entry{
		{Pair: reconcile.Pair{CRM: ana.ID.Ref(), Microsoft: "m/1", State: reconcile.Synced, Base: record.Fields{record.LastName: "Souza"}, Ask: &reconcile.Ask{
			Conflicts: []record.Field{record.LastName, record.Title, record.DateOfBirth},
			Theirs:    record.Fields{record.LastName: "Sousa", record.Title: "CTO", record.DateOfBirth: ""},
		}}},
		{Pair: reconcile.Pair{Microsoft: "m/2", State: reconcile.Parked, Reason: fault.Ambiguous, Name: "Bia L.", Ask: &reconcile.Ask{
			Matches: []record.Ref{bia.ID.Ref()}, Theirs: record.Fields{record.FirstName: "Bia", record.LastName: "L.", record.EmailField: "bia@fabrica.example"},
		}}},
		{Pair: reconcile.Pair{Microsoft: "m/3", State: reconcile.Excluded, Reason: fault.LeftOut, Name: "Carla Nunes", Ask: &reconcile.Ask{
			Out: true, Theirs: record.Fields{record.FirstName: "Carla", record.LastName: "Nunes", record.EmailField: "carla@fabrica.example"},
		}}},
		{Pair: reconcile.Pair{CRM: bia.ID.Ref(), Microsoft: "m/4", State: reconcile.Parked, Reason: fault.TooLong, Detail: "ErrorPropertyTooLong"}},
	}
	contacts := w.link(admin, record.Contacts, entries, func(*reconcile.Link) {})
	off := w.event(admin, zone.With(record.Fields{record.EventTitle: "Reunião de obra", record.Start: "2026-11-27T10:00", record.End: "2026-11-27T11:00"}))
	w.must(second(w.crm.Delete(t.Context(), w.actor(admin), record.Calendar, []crm.Draft{{ID: off.ID}})))
	w.link(admin, record.Calendar, []reconcile.Entry{
		{Pair: reconcile.Pair{CRM: off.ID.Ref(), Microsoft: "m/5", State: reconcile.Parked, Reason: fault.WouldMail, Ask: &reconcile.Ask{
			Mails: []string{"megan@contoso.example", "rita@fabrica.example"}, Of: "2", Why: reconcile.DeletedCRM,
			Theirs: off.Fields,
		}}},
	}, func(l *reconcile.Link) { l.State, l.Reason = reconcile.Paused, fault.TooManyCreates })
	fresh := updated(ana, reconcile.InMicrosoft, record.Title, "CFO", "CEO")
	fresh.Delay = 7 * time.Second
	run := w.tell(contacts, fresh, updated(ana, reconcile.InCRM, record.EmailField, "", "ana@fabrica.example"),
		reconcile.HistoryLine{CRM: bia.ID.Ref(), Side: reconcile.InCRM, Action: reconcile.Created, Reason: reconcile.NewInMicrosoft},
		reconcile.HistoryLine{CRM: bia.ID.Ref(), Side: reconcile.InMicrosoft, Action: reconcile.Failed, Reason: string(fault.TooLong)},
		reconcile.HistoryLine{CRM: ana.ID.Ref(), Side: reconcile.InCRM, Action: reconcile.Overruled, Reason: reconcile.ChangedBoth,
			Lost: []reconcile.Loss{{Field: record.Mobile, Side: reconcile.InCRM, Value: "+55 11 90000-0000"}}})[0]
	w.must(w.store.Links().KeepUndo(t.Context(), reconcile.UndoRun{Org: w.org.ID}, []reconcile.UndoneLine{{Line: run.ID - 3, What: reconcile.ChangedSince, By: w.users[admin].ID, At: w.now()}}))
	undo, err := w.store.Links().BeginUndo(t.Context(), reconcile.UndoRun{ID: "undo-of-admin", Org: w.org.ID, User: w.users[admin].ID, Link: contacts.ID, Kind: record.Contacts, Run: run.Run, Asked: w.now(), Touched: w.now()})
	w.must(err)
	undo.Ended, undo.Next = w.now(), run.ID-4
	w.must(w.store.Links().KeepUndo(t.Context(), undo, []reconcile.UndoneLine{{Line: run.ID - 4, What: reconcile.Undone, At: w.now()}, {Line: run.ID - 2, What: reconcile.ChangedSince, At: w.now()}}))
	u := w.users[admin]
	preview := func(kind record.Kind, occasion reconcile.Occasion, link *reconcile.Link, done bool) string {
		id, err := fakePreviews{w}.Begin(t.Context(), u, kind, link, occasion, reconcile.Settings{})
		w.must(err)
		if done {
			w.finish(u, id, manyLines()...)
			p, err := w.store.Links().Preview(t.Context(), u.Org, u.ID, id)
			w.must(err)
			p.Summary.LeftOut, p.Summary.Container = map[fault.Reason]int{fault.Imported: 7, fault.BeyondFirstSync: 1234}, "Tandem"
			w.must(w.store.Links().KeepPreview(t.Context(), p, p.Touched, 62, nil))
		}
		return previewPath(kind, id)
	}
	w.bin("admin@contoso.example", "Velha")
	twins := "/contacts/merge?id=" + ana.ID.String() + "&id=" + w.contact("admin@contoso.example", record.Fields{
		record.FirstName: "Ana Maria", record.LastName: "Souza", record.EmailField: ana.Fields[record.EmailField], record.Title: "Sócia", record.Tag: "vip"}).ID.String()
	w.must(w.crm.TellApart(t.Context(), w.actor(admin), []record.ID{bia.ID, w.contact(admin, record.Fields{record.LastName: "Lima", record.FirstName: "Bia"}).ID}))
	draft, events := w.bring(admin, record.Contacts, "pessoas.csv", brought), w.bring(admin, record.Calendar, "agenda.ics", broughtEvents)
	running, done, undone := w.bring(admin, record.Contacts, "grande.csv", brought), w.bring(admin, record.Contacts, "prontos.csv", brought), w.bring(admin, record.Calendar, "desfeita.ics", broughtEvents)
	running.Settings.Duplicates, done.Settings.Duplicates = intake.Create, intake.Create
	desk := w.site.Imports.(fakeImports)
	w.must(desk.Start(t.Context(), running))
	w.must(desk.Begin(t.Context(), done))
	w.must(desk.Begin(t.Context(), undone))
	w.must(desk.TakeBack(t.Context(), undone))
	massDraft, massDone, massUndone := w.draftMass(admin, record.Contacts, record.Department, "Vendas"), w.draftMass(admin, record.Calendar, record.Venue, "Sala 9"), w.draftMass(admin, record.Calendar, record.Tag, "visita")
	massRunning := w.draftMass(admin, record.Contacts, record.Title, "Sócia")
	updater := w.site.Mass.(fakeMass)
	w.must(updater.Go(t.Context(), massDone))
	w.must(updater.Go(t.Context(), massUndone))
	w.must(updater.TakeBack(t.Context(), massUndone))
	w.must(updater.Desk.Start(t.Context(), massRunning))
	meeting := w.meeting(admin, record.Attendance{People: []record.Attendee{
		{Name: "Megan Bowen", Address: "megan@contoso.example", Response: "accepted"}, {Address: "rita@fabrica.example"},
		{Name: "Sala 9", Address: "sala9@contoso.example", Type: "resource", Response: "declined"},
	}})
	copied := w.meeting(admin, record.Attendance{Organizer: "Alex Wilber <alex@contoso.example>", Response: "tentativelyAccepted",
		People: []record.Attendee{{Name: "Ana Souza", Address: "ana@fabrica.example"}}})
	bulk := func(kind record.Kind, deed crm.MassDeed) string {
		return massPath + "/" + w.draftDeed(admin, kind, deed).ID
	}
	m := "/calendar/" + meeting.ID.String()
	e, c, r := "/calendar/"+event.ID.String(), "/contacts/"+ana.ID.String(), "/calendar/"+series.ID.String()
	endsEarly := `document.querySelector("#f-End_DateTime").value = "2026-11-25T01:00"; document.querySelector("button[name=save]").click()`
	one, old := fieldsPath+"/"+size.ID.String(), fieldsPath+"/"+gone.ID.String()
	return w, []look{
		{"setup", "/setup", "", ".setup-list, #main h2"},
		{"fields", fieldsPath, "", "#field-list"}, {"field-new", fieldsPath + "/new", "", "#field-form"},
		{"field-wrong", fieldsPath + "/new", `document.querySelector("#field-form button[name=save]").click()`, "[data-field-error=label]"},
		{"field", one, "", "#field-form"}, {"field-retire", one + "/retire", "", "#field-question"}, {"field-unused", old, "", "#main h1"}, {"field-destroy", old + "/destroy", "", "#field-question"},
		{"company", companyPath, "", "#f-region"},
		{"marketplace", marketplacePath, "", "#card-calendar .growth"}, {"options-contacts", marketplacePath + "/contacts/options", "", "#main form"},
		{"options-calendar", marketplacePath + "/calendar/options", "", "#main form"}, {"mapping", mappingPath, "", "#mapping-form"},
		{"disable", marketplacePath + "/contacts/disable", "", "#disable-contacts"},
		{"preview-on", preview(record.Contacts, reconcile.Beginning, nil, true), "", "#preview-approve"},
		{"preview-off", preview(record.Contacts, reconcile.Ending, contacts, true), "", "#preview[data-state=rehearsed]"},
		{"preview-next", preview(record.Contacts, reconcile.Next, contacts, true) + "?show=update", "", "#preview[data-state=rehearsed]"},
		{"preview-making", preview(record.Calendar, reconcile.Beginning, nil, false), "", "#preview"},
		{"questions", asksPath, `scrollTo(0, 1e6)` /* the bar with the button covers nothing there */, "#left-out"}, {"questions-off", marketplacePath + "/calendar/questions", `document.querySelector("#questions details").open = true; scrollTo(0, 1e6)`, "[data-ask=off]"}, {"records-off", marketplacePath + "/calendar/records?state=failing", "", "#link-records .answer"}, {"bin-off", "/recycle-bin", "", "#bin-calendar a[href*=questions]"}, {"records", marketplacePath + "/contacts/records?state=excluded", "", "#link-records"}, {"status", "/status", "", "#status"},
		{"everybody", orgStatusPath, "", "#org-links"}, {"everybody-link", orgLinkPath(contacts.ID), "", "#link-records"},
		{"history", "/history", "", "#history-list .history"}, {"history-contact", "/history?kind=contacts&record=" + ana.ID.String(), "", "#history-list .history"},
		{"run", runPath(contacts.ID, run.Run), "", "#undo-run button"}, {"undo", "/history/undos/undo-of-admin", "", "#undo[data-ended=true]"},
		{"home", "/", "", "img.disc"}, {"contacts", "/contacts", "", "img.disc"},
		{"contacts-filtered", "/contacts?f=Last_Name&o=has&v=a&f=Date_of_Birth&o=is&v=&f=Lead_Source&o=is_not&v=Partner", "", "#filter-tool[open]"},
		{"contacts-columns", "/contacts", `document.querySelector("#column-tool").open = true`, "#column-tool[open]"},
		{"contacts-saved", "/contacts", `document.querySelector("#saved-tool").open = true`, "#saved-tool[open]"}, {"contact", c, "", "#photo-form"},
		{"contact-timeline", c + "/timeline", "", "#timeline li"},
		{"contact-new", "/contacts/new", "", "#contact-form"},
		{"event-new", "/calendar/new", "", "#event-form"}, {"event-wrong", e, endsEarly, "[data-field-error=End_DateTime]"},
		{"event", e, "", "#event-form"}, {"event-who", "/calendar/new", `const box = document.querySelector("#who_find"); box.value = "souza"; box.dispatchEvent(new Event("input"))`, "#who-options:not([hidden]) [role=option]"}, {"event-veiled", "/calendar/" + veiled.ID.String(), "", "#veiled"},
		{"series", r, "", "#repeat-said strong"}, {"series-one", r + "?on=2026-12-08", "", ".series-scope"}, {"series-following", r + "?on=2026-12-08&scope=following", "", ".series-scope"},
		{"loss", r, `document.querySelector("#repeat_interval").value = "2"; document.querySelector("button[name=save]").click()`, "#loss-form button[name=lose]"},
		{"meeting", m, "", "#invitees"}, {"others-meeting", "/calendar/" + copied.ID.String(), "", "#others-meeting"},
		{"meeting-mails", m, `document.querySelector("#f-Venue").value = "Sala 10"; document.querySelector("button[name=save]").click()`, "#mail-ask button[value=no]"},
		{"meeting-off", m, `document.querySelector("#delete-form button").click()`, "#mail-ask"},
		{"month", "/calendar?view=month&date=2026-11-25", "", ".ec-event"}, {"week", "/calendar?view=week&date=2026-11-25", "", ".ec-event"},
		{"day", "/calendar?view=day&date=2026-11-25", "", ".ec-event"}, {"agenda", "/calendar?view=agenda&date=2026-11-20", "", "#agenda [data-id]"},
		{"bin", "/recycle-bin", "", "#bin-contacts input[name=id]"}, {"bin-question", "/recycle-bin/destroy?kind=contacts&all=1", "", "#bin-question form"},
		{"shortcuts-card", "/contacts", `document.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }))`, "#shortcuts[open] .shortcut-list"},
		{"duplicates", "/contacts/duplicates", "", ".duplicate"}, {"duplicates-not", "/contacts/duplicates?by=apart", "", ".duplicate .apart"}, {"merge", twins, "", "#merge-form .merge-row"},
		{"find", "/search?q=a", "", "#found-contacts"}, {"shortcuts", "/shortcuts", "", ".shortcut-list"},
		{"import", importPath, "", "#import-list tr[data-state]"}, {"import-refused", importPath, `const d = new DataTransfer(); d.items.add(new File(["x"], "a.xlsx")); document.querySelector("#f-file").files = d.files; document.querySelector("#f-file").required = false; document.querySelector("button[name=send]").click()`, "#import-file"},
		{"import-draft", importPath + "/" + draft.ID, `document.querySelectorAll("details").forEach((d) => { d.open = true })`, "#import-preview li[data-fate=fail]"},
		{"import-wrong", importPath + "/" + draft.ID, `document.querySelector("#f-column-1").value = "First_Name"; document.querySelector("#import-form button[value=save]").click()`, "[data-field-error=column-1]"},
		{"import-events", importPath + "/" + events.ID, "", "#import-preview li"}, {"import-running", importPath + "/" + running.ID, "", "#import[data-state=running]"},
		{"import-done", importPath + "/" + done.ID, `document.querySelectorAll("details").forEach((d) => { d.open = true })`, "#import-failed"}, {"import-undone", importPath + "/" + undone.ID, "", "#import-back"},
		{"export", exportPath + "?f=Last_Name&o=has&v=a", "", "#export-form"}, {"export-events", exportPath + "?kind=calendar&owner=all", "", "#export-form"},
		{"mass", massPath + "?kind=contacts&field=Department&f=Last_Name&o=has&v=a", "", "#mass-form"}, {"mass-unclear", massPath + "?kind=calendar&f=Event_Title&o=is&v=", "", "#mass-filter"},
		{"mass-draft", massPath + "/" + massDraft.ID, "", "#mass-enters"}, {"mass-running", massPath + "/" + massRunning.ID, "", "#mass[data-state=running]"},
		{"events", eventsPath + "?when=all&owner=all", "", "#event-list tbody tr"}, {"events-between", eventsPath + "?when=between&from=2026-11-01&to=2026-12-31&outlook=out&sort=name&owner=all&who=" + ana.ID.String(), "", "#list-who"},
		{"events-ticked", eventsPath + "?when=all", `document.querySelectorAll("#event-list tbody input[name=id]").forEach((box, i) => i < 2 && box.click())`, "tr.ticked"},
		{"mass-events", massPath + "?kind=calendar&do=untag&when=past&who=" + ana.ID.String(), "", "#list-who"},
		{"contacts-ticked", "/contacts", `document.querySelectorAll("#contact-list tbody input[name=id]").forEach((box, i) => i < 2 && box.click())`, "tr.ticked"},
		{"mass-picked", pick(record.Contacts, "owner", nil, ana, bia), "", "#mass-form"}, {"mass-none", pick(record.Contacts, "tag", nil), "", "#mass-none"}, {"mass-tags", pick(record.Calendar, "tag", nil, event), "", "#f-Tag"},
		{"mass-hands", bulk(record.Contacts, crm.MassDeed{Do: crm.MassOwner, Value: record.Value(w.users[adele].ID.String())}), "", "#mass-moves"},
		{"mass-deletes", bulk(record.Calendar, crm.MassDeed{Do: crm.MassDelete}), "", "#mass-invited"},
		{"mass-done", massPath + "/" + massDone.ID, `document.querySelectorAll("details").forEach((d) => { d.open = true })`, "#mass-failed"}, {"mass-undone", massPath + "/" + massUndone.ID, "", "#mass-back"},
	}
}

func second[T any](_ T, err error) error { return err }

// looks visits a page in its sizes and themes: wide and light in English, narrow and dark in Portuguese, and with TANDEM_SHOTS each
// way, with a picture. axe is axe-core's source.
func (b *tab) looks(w *world, axe, lang string, l look) {
	b.t.Helper()
	thorough := os.Getenv("TANDEM_SHOTS") != ""
	sizes := []struct{ width, height int64 }{{1280, 900}, {360, 780}}
	if thorough {
		sizes = append(sizes, struct{ width, height int64 }{3840, 2160})
	}
	for _, size := range sizes {
		if !thorough && (lang == "en") != (size.width == 1280) {
			continue
		}
		b.do(chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate(w.url+l.path))
		b.until(l.name+" is there", `document.readyState === 'complete' && document.querySelector('#main h1')`)
		if l.act != "" {
			b.says(l.act + `; ""`)
		}
		for _, theme := range []string{"light", "dark"} {
			if !thorough && (lang == "en") != (theme == "light") {
				continue
			}
			at := fmt.Sprintf("%s %s %d %s", l.name, lang, size.width, theme)
			b.theme(theme)
			b.until(at+" shows what it should", `document.querySelector('`+l.shows+`')`)
			for what, got := range map[string]string{"too wide": b.says(tooWide), "headings": b.says(disorder), "without words": b.says(unsaid), "axe": b.axe(axe), "covered": b.says(overlaid)} {
				if got != "" {
					b.t.Errorf("%s: %s: %s", at, what, got)
				}
			}
			b.shot(strings.ReplaceAll(at, " ", "-"))
		}
		if thorough && size.width == 1280 {
			b.theme("print")
			b.shot(l.name + "-" + lang + "-print")
		}
	}
}

// In a real browser, in both languages, in the light and in the dark, wide and narrow: pages fit, say everything in words, have
// their headings in order, and axe-core finds nothing. With TANDEM_SHOTS every page is kept in each of its looks, those on a very
// large screen and on paper, too.
func TestEveryPageLooksRight(t *testing.T) {
	w, looks := looksWorld(t)
	looks = append(looks, peopleLooks(t, w)...)
	source, err := os.ReadFile(axePath)
	if err != nil {
		t.Logf("axe-core is not installed, the rest is looked at: %v", err)
	}
	only := regexp.MustCompile(os.Getenv("TANDEM_LOOK"))
	b := chrome(t)
	see := func(lang string, l look) {
		t.Helper()
		b.looks(w, string(source), lang, l)
	}
	for _, who := range []struct {
		upn   string
		looks []look
	}{
		{"admin@contoso.example", looks},
		{"admin@fabrikam.example", []look{ // who has nothing yet
			{"users-free", usersPath, "", "#no-invites"},
			{"empty-fields", fieldsPath, "", "#main h1"}, {"empty-home", "/", "", "#main h1"}, {"empty-contacts", "/contacts", "", "#main h1"},
			{"empty-events", eventsPath, "", ".blank .button.primary"}, {"empty-agenda", "/calendar?view=agenda", "", "#agenda"}, {"empty-marketplace", marketplacePath, "", "#card-contacts form.enable"},
			{"empty-bin", "/recycle-bin", "", "#main h1"}, {"empty-duplicates", "/contacts/duplicates", "", ".blank"}, {"empty-find", "/search?q=zzz", "", ".blank"}, {"empty-status", "/status", "", "#main h1"}, {"empty-history", "/history", "", "#no-history"}, {"empty-everybody", orgStatusPath, "", "#main h1"},
		}},
	} {
		b.forget()
		b.signIn(w, who.upn)
		for _, lang := range []string{"en", "pt-BR"} {
			b.speak(lang)
			for _, l := range who.looks {
				if !only.MatchString(l.name) {
					continue
				}
				see(lang, l)
			}
			b.do(chromedp.EmulateViewport(1280, 900))
		}
	}
	b.quiet()
}
