package web

import (
	"regexp"
	"strings"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// optionsOf are the options that a user's sync of a kind goes by, or would begin with.
func (w *world) optionsOf(upn string, kind record.Kind) reconcile.Options {
	w.t.Helper()
	u := w.users[upn]
	links, err := w.store.Links().LinksOf(w.t.Context(), u.Org, u.ID)
	w.must(err)
	for _, l := range links {
		if l.Kind == kind {
			return l.Policy.Options
		}
	}
	begin, _, err := reconcile.SettingsFor(w.t.Context(), w.store.Links(), u.Org, u.ID, kind)
	w.must(err)
	return begin.Options
}

// yesTo is what a page of questions sends as a yes.
func yesTo(asked answer) string {
	if m := regexp.MustCompile(`name="answer" value="([^"]+)"`).FindStringSubmatch(asked.body); m != nil {
		return m[1]
	}
	return ""
}

// TestOptions_DirectionIsChosenBeforeAndAskedAboutLater: before the sync is on a choice is simply kept; of a running one the
// page says first what it means, and only that very change is done.
func TestOptions_DirectionIsChosenBeforeAndAskedAboutLater(t *testing.T) {
	t.Parallel()
	const adele, path = "adele@contoso.example", marketplacePath + "/calendar/options"
	w := newWorld(t)
	w.grant(adele)
	b := w.as(adele)
	if got := b.get(path); !strings.Contains(got.body, `value="both" checked`) {
		t.Fatalf("before:\n%s", got.text())
	}
	if got := b.post(path, "direction", "to_microsoft", "do", "save"); got.path != marketplacePath {
		t.Fatalf("kept: %d at %s", got.status, got.path)
	}
	if got := w.optionsOf(adele, record.Contacts); got.Direction != mapping.BothWays {
		t.Errorf("the other kind goes %q", got.Direction)
	}
	if got := b.post(marketplacePath + "/calendar/enable"); !strings.Contains(got.body, "Only to Outlook") {
		t.Errorf("the card does not say which way:\n%s", got.text())
	}
	if got := w.optionsOf(adele, record.Calendar); got.Direction != mapping.ToMicrosoft {
		t.Fatalf("the link goes %q", got.Direction)
	}

	asked := b.post(path, "direction", "both", "do", "save")
	if w.optionsOf(adele, record.Calendar).Direction != mapping.ToMicrosoft || !strings.Contains(asked.body, `id="options-change"`) {
		t.Fatalf("changed without a word:\n%s", asked.text())
	}
	answer := yesTo(asked)
	if got := b.post(path, "direction", "to_crm", "do", "save", "answer", answer); !strings.Contains(got.body, `id="options-change"`) {
		t.Errorf("a yes to one change did another:\n%s", got.text())
	}
	if got := b.post(path, "direction", "both", "do", "save", "answer", answer); got.path != marketplacePath || w.optionsOf(adele, record.Calendar).Direction != mapping.BothWays {
		t.Errorf("said yes: %d at %s\n%s", got.status, got.path, got.text())
	}
	if got := b.post(path, "direction", "sideways", "do", "save"); got.status != 422 {
		t.Errorf("no direction: %d", got.status)
	}
}

// What decides when both sides change a field is told where people look for it, in words, with the way to where it is chosen.
func TestOptions_SayWhatDecidesAConflict(t *testing.T) {
	t.Parallel()
	const adele = "adele@contoso.example"
	w := newWorld(t)
	b := w.as(adele)
	says := func(want string) {
		t.Helper()
		got := b.get(marketplacePath + "/contacts/options")
		if text := got.text(); !strings.Contains(text, "When both sides change the same field "+want) || !strings.Contains(got.body, `href="`+mappingPath+`#mapping-winner"`) {
			t.Errorf("the options do not say %q:\n%s", want, text)
		}
	}
	says("The later change counts")
	b.post(mappingPath, b.mappingDraft("winner", "ask", "do", "save")...)
	says("Ask me")
	b.post(marketplacePath + "/contacts/enable")
	says("Ask me")
}

// For the calendar it is chosen among its options: before the sync is on it is simply kept, and later asked about, in words.
func TestOptions_WhatDecidesAConflictOfEvents(t *testing.T) {
	t.Parallel()
	const adele, path = "adele@contoso.example", marketplacePath + "/calendar/options"
	w := newWorld(t)
	w.grant(adele)
	b := w.as(adele)
	chosen := func(want string) {
		t.Helper()
		if got := b.get(path); strings.Count(got.body, `name="winner"`) != 4 || !strings.Contains(got.body, `name="winner" value="`+want+`" checked`) {
			t.Errorf("%s is not chosen:\n%s", want, got.body)
		}
	}
	chosen("later")
	b.post(path, "direction", "both", "winner", "crm", "do", "save")
	chosen("crm")
	b.post(marketplacePath + "/calendar/enable")
	policy := func() reconcile.Winner {
		t.Helper()
		links, err := w.store.Links().LinksOf(t.Context(), w.users[adele].Org, w.users[adele].ID)
		w.must(err)
		for _, l := range links {
			if l.Kind == record.Calendar {
				return l.Policy.Winner
			}
		}
		t.Fatal("the calendar is not on")
		return ""
	}
	if got := policy(); got != reconcile.CRMWins {
		t.Fatalf("the link begins with %q", got)
	}
	asked := b.post(path, "winner", "ask", "do", "save")
	if text := asked.text(); policy() != reconcile.CRMWins || !strings.Contains(text, "from now on: Ask me.") {
		t.Fatalf("changed without a word:\n%s", text)
	}
	if got := b.post(path, "winner", "ask", "do", "save", "answer", yesTo(asked)); got.path != marketplacePath || policy() != reconcile.AskPerson {
		t.Errorf("said yes: %d at %s, %q", got.status, got.path, policy())
	}
	chosen("ask")
	if got := b.post(path, "winner", "nobody", "do", "save"); got.status != 422 || policy() != reconcile.AskPerson {
		t.Errorf("nobody: %d", got.status)
	}
}

// TestOptions_ChangeSaysWhatComes: turning a link that left things alone says how many come over.
func TestOptions_ChangeSaysWhatComes(t *testing.T) {
	t.Parallel()
	const adele = "adele@contoso.example"
	w := newWorld(t)
	stays := reconcile.Pair{Microsoft: "m1", State: reconcile.Excluded, Reason: fault.OneWay, Name: "Her own"}
	w.link(adele, record.Calendar, []reconcile.Entry{{Pair: stays}}, func(*reconcile.Link) {})
	w.must(w.site.Switch.Set(t.Context(), w.users[adele], record.Calendar, func(o *reconcile.Wish) { o.Direction = mapping.ToMicrosoft }))
	got := w.as(adele).post(marketplacePath+"/calendar/options", "direction", "both", "do", "save")
	if !strings.Contains(got.text(), "1 event that you made in Outlook comes to the CRM") {
		t.Errorf("asks:\n%s", got.text())
	}
	if got := w.as(adele).get(marketplacePath + "/calendar/records?state=excluded"); !strings.Contains(got.text(), "Her own") {
		t.Errorf("left out are:\n%s", got.text())
	}
}

// TestOptions_FieldsKeepThem: saving which fields meet keeps the direction, for oneself; the organization's default has none.
func TestOptions_FieldsKeepThem(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	b := w.as(admin)
	b.post(marketplacePath+"/contacts/options", "direction", "to_crm", "do", "save")
	b.post(mappingPath, "winner", "crm", "do", "save")
	if got := w.optionsOf(admin, record.Contacts); got.Direction != mapping.ToCRM {
		t.Errorf("after the fields were saved it goes %q", got.Direction)
	}
	b.post(mappingPath+"/default", "winner", "crm")
	if got := w.optionsOf("adele@contoso.example", record.Contacts); got.Direction != mapping.BothWays {
		t.Errorf("a colleague's goes %q by the organization's default", got.Direction)
	}
	b.post(mappingPath, "winner", "later", "do", "save")
	if got := w.optionsOf(admin, record.Contacts); got.Direction != mapping.ToCRM {
		t.Errorf("after the organization's fields were taken again it goes %q", got.Direction)
	}
}

// TestOptions_ACalendarOfOnesOwn: a person chooses among the calendars that are their own, sees what it would do before it is
// switched on, however they go about it, and cannot move a running sync.
func TestOptions_ACalendarOfOnesOwn(t *testing.T) {
	t.Parallel()
	const adele, path, enable = "adele@contoso.example", marketplacePath + "/calendar/options", marketplacePath + "/calendar/enable"
	w := newWorld(t)
	w.grant(adele)
	other := &fakeElsewhere{}
	w.site.Elsewhere = other
	b := w.as(adele)
	page := b.get(path)
	if strings.Count(page.body, `name="place"`) != 3 || !strings.Contains(page.body, `value="tandem" checked`) || strings.Contains(page.body, `name="place" value="id-Room"`) {
		t.Fatalf("to choose from:\n%s", page.body)
	}
	for _, wrong := range []string{"id-Room", "somebody-elses"} {
		if got := b.post(path, "place", wrong, "do", "save"); got.status != 422 || w.optionsOf(adele, record.Calendar).Calendar != "" {
			t.Errorf("%s: %d\n%s", wrong, got.status, got.text())
		}
	}
	other.refuse = fault.New(fault.Unavailable, "", "away")
	if got := b.post(path, "place", "id-Calendar", "do", "save"); got.status != 422 || !strings.Contains(got.text(), "does not tell your calendars") {
		t.Errorf("Outlook is away: %d\n%s", got.status, got.text())
	}
	other.refuse = fault.New(fault.Denied, fault.ConsentRequired, "never")
	if got := b.get(path); !strings.Contains(got.body, `href="/connect/microsoft?kind=calendar&amp;choose=yes"`) {
		t.Errorf("never connected:\n%s", got.body)
	}
	other.refuse = nil

	got := b.post(path, "place", "id-Calendar", "do", "save")
	if o := w.optionsOf(adele, record.Calendar); o.Calendar != "id-Calendar" || o.CalendarName != "Calendar" || !strings.Contains(got.path, "/calendar/preview/") {
		t.Fatalf("chosen is %+v, shown is %s", o, got.path)
	}
	shown := b.post(enable)
	if !strings.Contains(shown.path, "/calendar/preview/") || strings.Contains(shown.body, enable) {
		t.Errorf("switched on unseen: %s\n%s", shown.path, shown.text())
	}
	w.finish(w.users[adele], shown.path[strings.LastIndexByte(shown.path, '/')+1:])
	if got := b.get(shown.path); !strings.Contains(got.body, `name="seen" value="yes"`) || !strings.Contains(got.body, enable) {
		t.Errorf("what would happen:\n%s", got.text())
	}
	// What was chosen stays choosable while Outlook does not tell.
	other.refuse = fault.New(fault.Unavailable, "", "away")
	if got := b.get(path); !strings.Contains(got.body, `value="id-Calendar" checked`) {
		t.Errorf("while Outlook is away:\n%s", got.body)
	}
	if got := b.post(path, "place", "id-Calendar", "direction", "to_crm", "do", "save"); got.path != marketplacePath || w.optionsOf(adele, record.Calendar).Direction != mapping.ToCRM {
		t.Errorf("the direction: %d at %s", got.status, got.path)
	}
	b.post(path, "direction", "both", "do", "save")
	other.refuse = nil

	if got := b.post(enable, "seen", "yes"); got.path != marketplacePath {
		t.Fatalf("enabled: %d at %s\n%s", got.status, got.path, got.text())
	}
	if o := w.optionsOf(adele, record.Calendar); o.Calendar != "id-Calendar" {
		t.Errorf("the link is in %+v", o)
	}
	if got := b.get(path); strings.Contains(got.body, `name="place"`) || !strings.Contains(got.text(), "Your calendar “Calendar”") {
		t.Errorf("while it is on:\n%s", got.text())
	}
	b.post(path, "place", "tandem", "direction", "both", "do", "save")
	if o := w.optionsOf(adele, record.Calendar); o.Calendar != "id-Calendar" {
		t.Errorf("moved to %+v", o)
	}
	if got := b.get(marketplacePath + "/calendar/disable"); !strings.Contains(got.text(), "Only the events that Tandem put there go") {
		t.Errorf("before disabling:\n%s", got.text())
	}
	if got := b.get(marketplacePath + "/contacts/options"); strings.Contains(got.body, `name="place"`) {
		t.Errorf("contacts choose a calendar:\n%s", got.text())
	}
}
