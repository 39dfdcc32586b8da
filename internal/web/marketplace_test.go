package web

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// link switches a kind on for a user as a run would leave it: with the entries settled and the link changed.
func (w *world) link(upn string, kind record.Kind, entries []reconcile.Entry, change func(*reconcile.Link)) *reconcile.Link {
	w.t.Helper()
	ctx, u := context.Background(), w.users[upn]
	l, err := w.store.Links().CreateLink(ctx, reconcile.Link{
		Org: u.Org, User: u.ID, Kind: kind, State: reconcile.On, Since: w.now().Add(-time.Minute), Mapping: mapping.Default(kind)})
	w.must(err)
	ledger := w.store.Ledger()
	open, err := ledger.Open(ctx, l.ID, w.now(), time.Minute)
	w.must(err)
	open.Container, open.ContainerName, open.Settled = "c1", "Tandem", true
	w.must(ledger.Settle(ctx, open, 0, entries))
	change(open)
	w.must(ledger.Advance(ctx, open))
	open.LastRun = w.now().Add(-3 * time.Minute)
	w.must(ledger.Close(ctx, open))
	l, err = w.store.Links().Link(ctx, u.Org, l.ID)
	w.must(err)
	return l
}

// grant lets the user's sync be switched on without going to Microsoft.
func (w *world) grant(upn string) {
	u := w.users[upn]
	w.must(w.store.Accounts().SaveGrant(context.Background(), account.Grant{
		User: u.ID, Org: u.Org, Scopes: append(kindScopes[record.Calendar], kindScopes[record.Contacts]...), Access: "a", Refresh: "r", Expires: w.now()}))
}

func TestS14_S22_EnableAndDisable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant("adele@contoso.example")
	b := w.as("adele@contoso.example")
	if got := b.get(marketplacePath); strings.Count(got.body, `data-state="none"`) != 2 {
		t.Fatalf("before:\n%s", got.text())
	}
	got := b.post(marketplacePath + "/calendar/enable")
	if got.path != marketplacePath || !strings.Contains(got.body, `id="card-calendar" data-state="first"`) || !strings.Contains(got.body, `id="card-contacts" data-state="none"`) {
		t.Fatalf("enabled: %d at %s\n%s", got.status, got.path, got.text())
	}
	if again := b.post(marketplacePath + "/calendar/enable"); again.status != 200 {
		t.Errorf("enabled twice: %d", again.status)
	}
	ask := b.get(marketplacePath + "/calendar/disable")
	if !strings.Contains(ask.text(), "stay here in the CRM") || !strings.Contains(ask.body, `action="`+marketplacePath+`/calendar/disable" method="post"`) {
		t.Errorf("the question:\n%s", ask.text())
	}
	if got := b.post(marketplacePath + "/calendar/disable"); !strings.Contains(got.body, `id="card-calendar" data-state="switching"`) {
		t.Errorf("disabled:\n%s", got.text())
	}
}

func TestCardsTellHowSyncStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var entries []reconcile.Entry
	for i := range 6 {
		c := w.contact("adele@contoso.example", record.Fields{record.LastName: record.Value(fmt.Sprintf("Nome%d", i))})
		p := reconcile.Pair{CRM: c.ID.Ref(), Microsoft: record.Ref(fmt.Sprintf("m%d", i)), State: reconcile.Synced}
		switch i {
		case 4:
			p.State, p.Reason, p.Detail = reconcile.Parked, fault.TooLong, "ErrorPropertyTooLong"
		case 5:
			p.State, p.Reason = reconcile.Waiting, fault.HeldDelete
		}
		entries = append(entries, reconcile.Entry{Pair: p})
	}
	w.link("adele@contoso.example", record.Contacts, entries, func(l *reconcile.Link) {
		l.State, l.Reason = reconcile.Held, fault.TooManyDeletes
	})
	w.link("adele@contoso.example", record.Calendar, nil, func(l *reconcile.Link) {
		l.Settled, l.FirstDone, l.FirstTotal = false, 25, 100
	})
	b := w.as("adele@contoso.example")
	got := b.get(marketplacePath)
	for _, want := range []string{
		`id="card-contacts" data-state="held" data-synced="4" data-waiting="1" data-excluded="0" data-failing="1"`,
		`id="card-calendar" data-state="first"`, `<progress max="100" value="25"`, `class="answer-yes"`, `class="answer-no"`,
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, want := range []string{"Nome4", "A value is longer than the other side takes. Open the record and shorten it.", "Nome5", "25 of 100",
		"about 3 minutes left", "Folder “Tandem” in Outlook", "3 minutes ago"} {
		if !strings.Contains(got.text(), want) {
			t.Errorf("the page does not say %q:\n%s", want, got.text())
		}
	}
	part := b.get(marketplacePath+"/contacts/card", "HX-Request", "true")
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, `id="card-contacts"`) {
		t.Errorf("the part:\n%s", part.body)
	}
	for state, name := range map[string]string{"failing": "Nome4", "waiting": "Nome5", "synced": "Nome0"} {
		if got := b.get(marketplacePath + "/contacts/records?state=" + state); !strings.Contains(got.text(), name) {
			t.Errorf("%s does not list %s:\n%s", state, name, got.text())
		}
	}
	if got := b.post(marketplacePath + "/contacts/retry"); got.status != 200 || !strings.Contains(got.text(), "tried again") {
		t.Errorf("retry: %d", got.status)
	}
	if got := b.post(marketplacePath+"/contacts/answer", "answer", "perhaps"); got.status != 422 {
		t.Errorf("neither yes nor no: %d", got.status)
	}
	if got := b.post(marketplacePath+"/contacts/answer", "answer", "no"); got.status != 200 || !strings.Contains(got.text(), "brought back") {
		t.Errorf("no: %d\n%s", got.status, got.text())
	}
	if got := b.post(marketplacePath + "/contacts/run"); got.status != 200 {
		t.Errorf("run: %d", got.status)
	}
	for _, path := range []string{"/", "/status", "/contacts"} {
		if got := b.get(path); got.status != 200 {
			t.Errorf("%s: %d", path, got.status)
		}
	}

	// A colleague's cards are the colleague's.
	other := w.as("alex@contoso.example").get(marketplacePath)
	if strings.Contains(other.body, "Nome") || strings.Count(other.body, `data-state="none"`) != 2 {
		t.Errorf("Alex sees Adele's sync:\n%s", other.text())
	}
}

func TestEveryReasonHasWordsOnAPausedCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := &visit{words: w.site.pages.words["en"], now: w.now(), zone: time.UTC, user: account.User{May: account.SuperAdmin.Permissions()}}
	for _, reason := range reasons {
		c, err := w.site.card(t.Context(), v, record.Calendar, &reconcile.Link{Kind: record.Calendar, State: reconcile.Paused, Settled: true, Reason: reason}, false)
		if err != nil || c.Reason == "" || strings.HasPrefix(c.Reason, "reason.") || strings.HasPrefix(c.Do, "reason.") {
			t.Errorf("%s: %q %q %v", reason, c.Reason, c.Do, err)
		}
		if c.Reconnect != needsMicrosoft(reason) {
			t.Errorf("%s: reconnect is %v", reason, c.Reconnect)
		}
	}
}

func TestS23_S35_CardSaysThatSyncEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *Deps) {
		d.Ended = func(context.Context, record.ID, record.ID) ([]reconcile.Link, error) {
			return []reconcile.Link{{Kind: record.Calendar, State: reconcile.Off, Reason: fault.ContainerDeleted}}, nil
		}
	})
	got := w.as("adele@contoso.example").get(marketplacePath)
	if !strings.Contains(got.text(), "The calendar was deleted in Outlook, so sync was switched off.") || !strings.Contains(got.body, `id="card-calendar" data-state="none"`) {
		t.Errorf("\n%s", got.text())
	}
}

func TestEndedCardsSayWhatStaysInOutlook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *Deps) {
		d.Ended = func(context.Context, record.ID, record.ID) ([]reconcile.Link, error) {
			return []reconcile.Link{
				{Kind: record.Calendar, State: reconcile.Off, Reason: fault.KeptInOutlook},
				{Kind: record.Contacts, State: reconcile.Off, Reason: fault.KeptInOutlook, ContainerName: "Tandem"},
			}, nil
		}
	})
	b := w.as("adele@contoso.example")
	for lang, wants := range map[string][]string{
		"en":    {"The calendar stays in Outlook because events in it never reached Tandem.", "The folder “Tandem” stays in Outlook because contacts in it never reached Tandem."},
		"pt-BR": {"O calendário continua no Outlook porque há eventos nele", "A pasta “Tandem” continua no Outlook porque há contatos nela"},
	} {
		b.post("/language", "lang", lang)
		for _, path := range []string{marketplacePath, "/status"} {
			for _, want := range wants {
				if got := b.get(path); !strings.Contains(got.text(), want) {
					t.Errorf("%s does not say %q:\n%s", path, want, got.text())
				}
			}
		}
	}
}

func TestLinkThatRunsBadlySaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.link("adele@contoso.example", record.Contacts, nil, func(l *reconcile.Link) { l.Reason = fault.MicrosoftAway })
	w.link("adele@contoso.example", record.Calendar, nil, func(l *reconcile.Link) { l.Reason = fault.Trouble })
	b := w.as("adele@contoso.example")
	for lang, wants := range map[string][]string{
		"en":    {"Microsoft is not answering", "Tandem keeps trying.", "Something went wrong", "your administrator finds the cause in the log"},
		"pt-BR": {"A Microsoft não está respondendo", "O Tandem continua tentando.", "Algo deu errado", "o administrador encontra a causa no log"},
	} {
		b.post("/language", "lang", lang)
		for _, path := range []string{marketplacePath, "/status"} {
			got := b.get(path)
			for _, want := range wants {
				if !strings.Contains(got.text(), want) {
					t.Errorf("%s does not say %q:\n%s", path, want, got.text())
				}
			}
			if strings.Count(got.body, `<p class="state on warn">`) != 2 || strings.Contains(got.text(), "In step") || strings.Contains(got.text(), "Em dia") {
				t.Errorf("%s says that all is well:\n%s", path, got.text())
			}
		}
	}
	w.must(w.store.Links().ChangeState(t.Context(), l.Org, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.On, ""))
	b.post("/language", "lang", "en")
	if got := b.get(marketplacePath); strings.Count(got.body, `<p class="state on warn">`) != 1 || !strings.Contains(got.text(), "In step") {
		t.Errorf("once it runs well again:\n%s", got.text())
	}
}

// What only Outlook has is told by its name, is mended there, and keeps its folder from being deleted.
func TestRecordsThatOnlyOutlookHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parked := func(ref record.Ref, name string, crmRef record.Ref, reason fault.Reason) reconcile.Entry {
		return reconcile.Entry{Pair: reconcile.Pair{CRM: crmRef, Microsoft: ref, Name: name, State: reconcile.Parked, Reason: reason}}
	}
	known := w.contact("adele@contoso.example", record.Fields{record.LastName: "Souza"})
	w.link("adele@contoso.example", record.Contacts, []reconcile.Entry{
		parked("m1", "Zilda Prado", "", fault.TooLong), parked("m2", "Otto Lima", "", fault.ReadOnlyField), parked("m3", "", known.ID.Ref(), fault.TooLong),
	}, func(*reconcile.Link) {})
	w.link("adele@contoso.example", record.Calendar, nil, func(*reconcile.Link) {})
	b := w.as("adele@contoso.example")

	list := b.get(marketplacePath + "/contacts/records?state=failing")
	for _, want := range []string{"Zilda Prado A value is longer than the other side takes. Shorten it in Outlook.",
		"Otto Lima One of its fields may not be written. Ask your administrator", "Souza A value is longer than the other side takes. Open the record and shorten it."} {
		if !strings.Contains(list.text(), want) {
			t.Errorf("the list does not say %q:\n%s", want, list.text())
		}
	}
	if !strings.Contains(list.body, `name="ref" value="m1"`) {
		t.Error("what only Outlook has cannot be tried again by itself")
	}
	for _, path := range []string{marketplacePath, "/status"} {
		got := b.get(path)
		if !strings.Contains(got.text(), "3 records need attention") || strings.Count(got.body, `<p class="state on warn">`) != 1 {
			t.Errorf("%s does not say that records need attention:\n%s", path, got.text())
		}
	}
	for lang, want := range map[string]string{
		"en":    "2 contacts in Outlook could not be brought into the CRM. So that they are not lost, the folder “Tandem” is left in Outlook",
		"pt-BR": "2 contatos do Outlook não puderam ser trazidos para o CRM. Para que não se percam, a pasta “Tandem” fica no Outlook",
	} {
		b.post("/language", "lang", lang)
		ask := b.get(marketplacePath + "/contacts/disable").text()
		if !strings.Contains(ask, want) || strings.Contains(ask, "is deleted in Outlook") || strings.Contains(ask, "é excluída no Outlook") {
			t.Errorf("the question does not say %q:\n%s", want, ask)
		}
	}
	b.post("/language", "lang", "pt-BR")
	if ask := b.get(marketplacePath + "/calendar/disable").text(); !strings.Contains(ask, "O calendário “Tandem” é excluído no Outlook") {
		t.Errorf("where nothing would be lost:\n%s", ask)
	}
}

func TestLostValuesCanBeTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.contact("adele@contoso.example", record.Fields{record.LastName: "Souza", record.Title: "CEO"})
	w.link("adele@contoso.example", record.Contacts, []reconcile.Entry{{
		Pair: reconcile.Pair{CRM: c.ID.Ref(), Microsoft: "m1", State: reconcile.Synced},
		History: []reconcile.HistoryLine{{
			At: w.now(), CRM: c.ID.Ref(), Microsoft: "m1", Side: reconcile.InCRM, Action: reconcile.Updated, Reason: reconcile.ChangedBoth,
			Fields: record.Fields{record.Title: "CEO"}, Lost: []reconcile.Loss{{Field: record.Title, Side: reconcile.InCRM, Value: "CTO"}},
		}},
	}}, func(*reconcile.Link) {})
	b := w.as("adele@contoso.example")
	got := b.get("/status")
	for _, want := range []string{"Changed in the CRM", "Souza", "it was changed on both sides", "Position had another value in the CRM:", "CTO"} {
		if !strings.Contains(got.text(), want) {
			t.Errorf("the page does not say %q:\n%s", want, got.text())
		}
	}
	line := hiddenValue(t, got.body, "line")
	if got := w.as("alex@contoso.example").post("/status/take", "kind", "contacts", "line", line, "field", "Title"); got.status != 404 {
		t.Errorf("Alex takes a value of Adele's: %d", got.status)
	}
	if got := b.post("/status/take", "kind", "contacts", "line", line, "field", "Email"); got.status != 404 {
		t.Errorf("a field that lost nothing: %d", got.status)
	}
	if got := b.post("/status/take", "kind", "contacts", "line", line, "field", "Title"); !strings.Contains(got.body, `value="CTO"`) {
		t.Errorf("taken: %d at %s", got.status, got.path)
	}
}

func TestPreferencesLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	if got := b.post("/setup/preferences", "lang", "pt-BR", "zone", "Asia/Tokyo"); got.status != 200 || !strings.Contains(got.text(), "Suas preferências foram salvas.") {
		t.Errorf("%d\n%s", got.status, got.text())
	}
	if got := w.as("adele@contoso.example").get("/calendar"); !strings.Contains(got.text(), "Horários em Asia/Tokyo") {
		t.Errorf("in another browser:\n%s", got.text())
	}
	if got := b.post("/setup/preferences", "lang", "xx", "zone", "Mars/Base"); got.status != 422 {
		t.Errorf("an unknown zone: %d", got.status)
	}
	if got := b.post("/language", "lang", "xx"); got.status != 404 {
		t.Errorf("an unknown language: %d", got.status)
	}
	stranger := w.browser()
	stranger.post("/language", "lang", "pt-BR", "next", "/signin")
	if got := stranger.get("/signin"); !strings.Contains(got.text(), "Entrar com a Microsoft") {
		t.Error("a stranger's choice is forgotten")
	}
	first := w.browser()
	first.lang = "pt-PT,pt;q=0.9,en;q=0.5"
	if got := first.get("/signin"); !strings.Contains(got.text(), "Entrar com a Microsoft") {
		t.Error("Portuguese browsers are greeted in English")
	}
}
