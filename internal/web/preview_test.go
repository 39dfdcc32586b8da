package web

import (
	"encoding/csv"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// previewKeys are the messages of preview.go that are put together.
func previewKeys() (out []string) {
	for _, g := range reconcile.Groups() {
		out = append(out, "preview.tab."+string(g), "preview.count."+string(g))
	}
	for _, v := range []reconcile.Verb{
		reconcile.CreateMicrosoft, reconcile.CreateCRM, reconcile.RestoreCRM, reconcile.Adopt, reconcile.AskFirst, reconcile.DeleteMicrosoft,
		reconcile.DeleteCRM, reconcile.Unlink, reconcile.Skip, reconcile.Wait, reconcile.Leave, "merge_microsoft", "merge_crm", "merge_both",
	} {
		out = append(out, "preview.verb."+string(v))
	}
	for _, o := range []reconcile.Occasion{reconcile.Beginning, reconcile.Changing, reconcile.Ending, reconcile.Next} {
		out = append(out, "preview.title."+string(o), "preview.text."+string(o))
		if o != reconcile.Next {
			out = append(out, "preview.approve."+string(o), "preview.at_once."+string(o))
		}
	}
	for _, says := range []string{"found", "own", "own_later", "goes", "stays", "kept", "held"} {
		out = append(out, "preview.says."+says)
	}
	return out
}

const contactsPath = marketplacePath + "/contacts"

// manyLines are 60 contacts to create, an update, and a name that a spreadsheet would take for a formula.
func manyLines() (out []reconcile.Line) {
	for i := range 60 {
		out = append(out, reconcile.Line{
			Verb: reconcile.CreateMicrosoft, Group: reconcile.ToCreate, Why: reconcile.NewInCRM, Name: fmt.Sprintf("Silva %02d", i), CRM: record.Ref(fmt.Sprint(1000 + i)),
		})
	}
	return append(out, reconcile.Line{
		Verb: reconcile.Merge, Group: reconcile.ToUpdate, Why: reconcile.ChangedMicrosoft, Name: "=HYPERLINK(1)", CRM: "2000",
		ToCRM: record.Fields{record.Mobile: "+55 11 91234-5678"},
	})
}

// card is what a page says of a kind of sync.
func (a answer) card(kind record.Kind) string {
	_, rest, _ := strings.Cut(a.body, `id="card-`+string(kind)+`"`)
	card, _, _ := strings.Cut(rest, "</section>")
	return card
}

// TestS14S25_EnableSwitchesOnAtOnce for whoever is connected and whoever must go to Microsoft first, by the card's own
// button; beside it is the one that shows first what would happen.
func TestS14S25_EnableSwitchesOnAtOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, connected := range []bool{true, false} {
			w := newWorld(t)
			if connected {
				w.grant(someone)
			}
			b, u := w.as(someone), w.users[someone]
			card := b.get(marketplacePath).card(kind)
			forms := regexp.MustCompile(`<form class="([^"]*)" action="([^"]*)"`).FindAllStringSubmatch(card, -1)
			path := marketplacePath + "/" + string(kind)
			if len(forms) != 2 || forms[0][1] != "enable" || forms[0][2] != path+"/enable" || forms[1][1] != "preview-first" || forms[1][2] != path+"/preview" {
				t.Fatalf("the card's forms are %q:\n%s", forms, card)
			}
			done := b.post(forms[0][2])
			if !connected {
				done = b.atMicrosoft(done, someone, "accept")
			}
			if done.path != marketplacePath || !strings.HasPrefix(done.card(kind), ` data-state="first"`) || strings.Contains(done.card(kind), "preview-first") {
				t.Errorf("%s, connected %t: %d at %s: %s", kind, connected, done.status, done.path, done.card(kind))
			}
			if links, err := w.store.Links().LinksOf(t.Context(), u.Org, u.ID); err != nil || len(links) != 1 || links[0].Kind != kind || links[0].State != reconcile.On {
				t.Errorf("%s, connected %t: the links are %+v (%v)", kind, connected, links, err)
			}
		}
	}
}

// What the next run will do is asked for on the card of a sync that runs or has stopped growing, and of no other.
func TestTheCardOffersAPreviewOfTheNextRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(someone)
	b := w.as(someone)
	if page := b.get(marketplacePath); strings.Contains(page.body, `value="next"`) {
		t.Error("it is offered where there is no sync")
	}
	w.link(someone, record.Contacts, nil, func(*reconcile.Link) {})
	w.link(someone, record.Calendar, nil, func(l *reconcile.Link) { l.State, l.Reason = reconcile.Paused, fault.TooManyCreates })
	page := b.get(marketplacePath)
	if n := strings.Count(page.body, `value="next"`); n != 2 || !strings.Contains(page.text(), "Preview Contacts") {
		t.Fatalf("offered %d times:\n%s", n, page.text())
	}
	if got := b.post(contactsPath+"/preview", "occasion", "next"); got.status != 200 || !strings.Contains(got.text(), "What the next run will do") || strings.Contains(got.body, "/enable") {
		t.Errorf("%d at %s:\n%s", got.status, got.path, got.text())
	}
}

// TestS26_APreviewBeforeSwitchingOnIsApproved: nothing is switched on before the person says so, who sees how much is done,
// to whom, and why; the file has everything.
func TestS26_APreviewBeforeSwitchingOnIsApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(someone)
	b, u := w.as(someone), w.users[someone]
	got := b.post(contactsPath+"/preview", "occasion", "on")
	if got.status != 200 || !strings.Contains(got.body, `data-state="rehearsing"`) || !strings.Contains(got.text(), "Switch on without waiting") {
		t.Fatalf("%d: %s", got.status, got.text())
	}
	if links, err := w.store.Links().LinksOf(t.Context(), u.Org, u.ID); err != nil || len(links) > 0 {
		t.Fatalf("it is on already: %v %v", links, err)
	}
	id := "preview-of-contacts-on-" + u.ID.String()
	p, err := w.store.Links().Preview(t.Context(), u.Org, u.ID, id)
	w.must(err)
	w.must(w.store.Links().KeepPreview(t.Context(), p, p.Touched, 1, nil))
	w.finish(u, id, manyLines()...)
	p, err = w.store.Links().Preview(t.Context(), u.Org, u.ID, id)
	w.must(err)
	p.Summary.LeftOut = map[fault.Reason]int{fault.Imported: 7, fault.NotOwn: 9, fault.BeyondFirstSync: 2}
	p.Summary.Container = "Tandem"
	w.must(w.store.Links().KeepPreview(t.Context(), p, p.Touched, 62, nil))

	page := b.get(got.path)
	text := page.text()
	for _, want := range []string{
		"To create 60", "To update 1", "To delete 0", "People who get mail 0", "Create (60)", "Silva 49", "10 more are in the file.",
		"it was new in the CRM", "“Tandem” from an earlier sync", "Approve and switch on",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in: %s", want, text)
		}
	}
	if strings.Contains(text, "Silva 50") || !strings.Contains(page.body, `data-reason="imported"`) || !strings.Contains(page.body, `data-reason="beyond_first_sync"`) {
		t.Errorf("the page: %s", text)
	}
	if seesAll := strings.Contains(page.body, `data-reason="not_own"`); seesAll != (account.Standard.Permissions().Contacts.View == record.Anyones) {
		t.Error("how many records others have is only for those who may see them")
	}
	if text := b.get(got.path + "?show=update").text(); !strings.Contains(text, "Mobile = ") || !strings.Contains(text, "Is updated in the CRM") {
		t.Errorf("the update: %s", text)
	}

	file := b.get(regexp.MustCompile(`href="([^"]*\.csv)"`).FindStringSubmatch(page.body)[1])
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\uFEFF"))).ReadAll()
	if err != nil || len(rows) != 62 || rows[61][3] != "'=HYPERLINK(1)" || rows[1][1] != "create_microsoft" {
		t.Errorf("the file has %d rows, the last %q (%v)", len(rows), rows[len(rows)-1], err)
	}

	if done := b.submit(page, "preview-approve", "do", "save"); done.status != 200 || !strings.Contains(done.body, `id="card-contacts" data-state="first"`) {
		t.Errorf("approved: %d at %s", done.status, done.path)
	}
}

// TestS26_APreviewThatWasCutOffOrFailedSaysSo, and a person may ask again or go on without.
func TestS26_APreviewThatWasCutOffOrFailedSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(someone)
	b, u := w.as(someone), w.users[someone]
	got := b.post(contactsPath+"/preview", "occasion", "on")
	p, err := w.store.Links().Preview(t.Context(), u.Org, u.ID, "preview-of-contacts-on-"+u.ID.String())
	w.must(err)
	asked := p.Touched
	p.Touched = asked.Add(-2 * time.Minute)
	w.must(w.store.Links().KeepPreview(t.Context(), p, asked, 1, nil))
	if page := b.get(got.path); !strings.Contains(page.body, `data-state="abandoned"`) || !strings.Contains(page.text(), "Look again") {
		t.Errorf("cut off: %s", page.text())
	}
	p.Touched, p.State, p.Reason = w.now(), reconcile.Failing, fault.MicrosoftAway
	w.must(w.store.Links().KeepPreview(t.Context(), p, asked.Add(-2*time.Minute), 1, nil))
	if page := b.get(got.path); !strings.Contains(page.text(), "could not be made, and nothing was changed") || !strings.Contains(page.text(), "Switch on without waiting") {
		t.Errorf("failed: %s", page.text())
	}
	if page := w.as(colleague).get(got.path); page.status != 404 {
		t.Errorf("a colleague sees it: %d", page.status)
	}
	if odd := b.post(contactsPath+"/preview", "occasion", "change"); odd.status != 422 && odd.status != 400 {
		t.Errorf("a change without a change: %d", odd.status)
	}
}

// TestS26_FirstTimersSeeThePreviewAfterTheConsent: whoever must go to Microsoft first comes back to the preview, and
// nothing was switched on by that.
func TestS26_FirstTimersSeeThePreviewAfterTheConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, u := w.as(someone), w.users[someone]
	got := b.atMicrosoft(b.post(contactsPath+"/preview", "occasion", "on"), someone, "accept")
	if got.status != 200 || !strings.Contains(got.path, "/contacts/preview/") {
		t.Fatalf("came to %s: %s", got.path, got.text())
	}
	if links, err := w.store.Links().LinksOf(t.Context(), u.Org, u.ID); err != nil || len(links) > 0 {
		t.Errorf("it is on already: %v %v", links, err)
	}
}

// TestS26_AChangeOfFieldsShowsItsPreviewAndIsApprovedThere.
func TestS26_AChangeOfFieldsShowsItsPreviewAndIsApprovedThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(someone)
	b, u := w.as(someone), w.users[someone]
	b.post(contactsPath + "/enable")
	asked := b.post(mappingPath, b.mappingDraft("crm.nickName", "Twitter", "way.nickName", "", "do", "save")...)
	id := "preview-of-contacts-change-" + u.ID.String()
	if !strings.Contains(asked.body, `hx-get="`+contactsPath+"/preview/"+id+`/part"`) {
		t.Fatalf("the question: %s", asked.body)
	}
	w.finish(u, id, manyLines()...)
	page := b.get(contactsPath + "/preview/" + id)
	if !strings.Contains(page.text(), "Approve and change") || !strings.Contains(html.UnescapeString(page.body), `name="crm.nickName" value="Twitter"`) {
		t.Fatalf("the preview: %s", page.body)
	}
	if done := b.submit(page, "preview-approve", "do", "save"); done.path != marketplacePath {
		t.Fatalf("approved: %d at %s: %s", done.status, done.path, done.text())
	}
	links, err := w.store.Links().LinksOf(t.Context(), u.Org, u.ID)
	w.must(err)
	if row, ok := rowFor(links[0].Mapping, "nickName"); !ok || row.CRM != "Twitter" {
		t.Errorf("the link goes by %+v", row)
	}
}

// In a real browser: "Show me first" leads to the preview, which shows itself when it is complete and fits every width in both
// languages; Approve is reached by keys.
func TestS26_ThePreviewInABrowser(t *testing.T) {
	w := newWorld(t)
	w.grant(someone)
	u := w.users[someone]
	b := chrome(t)
	b.signIn(w, someone)
	for _, width := range []int64{1280, 360} {
		b.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(w.url+marketplacePath))
		b.until(fmt.Sprintf("both ways stand on the card, %d wide", width), `document.querySelector('#card-contacts form.enable button').getBoundingClientRect().width > 40
			&& document.querySelector('#card-contacts form.preview-first button').getBoundingClientRect().width > 40 && document.documentElement.scrollWidth <= innerWidth`)
		b.shot(fmt.Sprintf("marketplace-off-%d", width))
	}
	b.do(chromedp.Click(`#card-contacts form.preview-first button`))
	b.until("it is being made", `document.querySelector('#preview[data-state="rehearsing"] progress') && document.documentElement.scrollWidth <= innerWidth`)
	w.finish(u, "preview-of-contacts-on-"+u.ID.String(), manyLines()...)
	b.until("it shows itself", `document.querySelectorAll('#preview[data-state="rehearsed"] #preview-rows li').length === 50`)
	for _, lang := range []string{"en", "pt-BR"} {
		for _, size := range []struct{ width, height int64 }{{1280, 900}, {360, 780}} {
			name := fmt.Sprintf("%s at %d", lang, size.width)
			b.do(chromedp.EmulateViewport(size.width, size.height))
			if changed, _ := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.lang !== '`+lang+`'`)); changed {
				b.do(chromedp.Click(`#user-menu summary`), chromedp.Click(`button[value="`+lang+`"]`))
				b.until(name+": the language", `document.documentElement.lang === '`+lang+`' && document.readyState === 'complete'`)
			}
			b.until(name+": it fits", `document.querySelectorAll('#preview-rows li').length === 50 && document.documentElement.scrollWidth <= innerWidth`)
			b.shot(fmt.Sprintf("preview-%s-%d", lang, size.width))
		}
	}
	b.do(chromedp.Focus(`form.approve button`), chromedp.KeyEvent("\r"))
	b.until("it is on", `document.querySelector('#card-contacts[data-state="first"]')`)
	b.quiet()
}
