package web

import (
	"context"
	"html"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// askKeys are the messages of asks.go that no template names.
func askKeys() []string {
	out := []string{"asks.off." + reconcile.DeletedCRM, "asks.off." + reconcile.OwnerChanged, "asks.nothing", "asks.decided", "asks.late", "asks.stale", "asks.back_done"}
	for _, kind := range kinds {
		for _, each := range []string{"match", "gone", "both_text", "leave_text", "left_text"} {
			out = append(out, "asks."+each+"."+string(kind))
		}
	}
	return out
}

const asksPath = marketplacePath + "/contacts/questions"

var askMarks = regexp.MustCompile(`<input type="hidden" name="(item|seen)" value="([^"]*)"`)

// marks are what a page of questions says of each of them: its item and what was seen of it.
func marks(page answer) (pairs []string) {
	for _, m := range askMarks.FindAllStringSubmatch(page.body, -1) {
		pairs = append(pairs, m[1], html.UnescapeString(m[2]))
	}
	return pairs
}

// askedWorld has a contact of Adele's that both sides changed, and an item that may be one of two more.
func askedWorld(t *testing.T) (w *world, l *reconcile.Link, ana, bia, bea record.ID) {
	w = newWorld(t)
	of := func(fields record.Fields) record.ID { return w.contact(someone, fields).ID }
	ana = of(record.Fields{record.FirstName: "Ana", record.LastName: "Souza", record.Title: "CEO", record.DateOfBirth: "1990-01-02"})
	bia = of(record.Fields{record.FirstName: "Bia", record.LastName: "Lima", record.EmailField: "bia@fabrica.example", record.Mobile: "+55 11 91234-5678"})
	bea = of(record.Fields{record.FirstName: "Bea", record.LastName: "Lima", record.EmailField: "bia@fabrica.example"})
	l = w.link(someone, record.Contacts, []reconcile.Entry{
		{Pair: reconcile.Pair{CRM: ana.Ref(), Microsoft: "m/1", State: reconcile.Synced, Base: record.Fields{record.LastName: "Souza"}, Ask: &reconcile.Ask{
			Conflicts: []record.Field{record.FirstName, record.LastName, record.Title, record.DateOfBirth},
			Theirs:    record.Fields{record.FirstName: "Anna", record.LastName: "Sousa", record.Title: "CTO", record.DateOfBirth: ""},
		}}},
		{Pair: reconcile.Pair{Microsoft: "m/2", State: reconcile.Parked, Reason: fault.Ambiguous, Name: "Bia L.", Ask: &reconcile.Ask{
			Matches: []record.Ref{bia.Ref(), bea.Ref()},
			Theirs:  record.Fields{record.FirstName: "Bia", record.LastName: "L.", record.EmailField: "BIA@fabrica.example", record.Mobile: "(+55) 11 912345678"},
		}}},
		{Pair: reconcile.Pair{CRM: bia.Ref(), Microsoft: "m/3", State: reconcile.Synced}},
	}, func(*reconcile.Link) {})
	return w, l, ana, bia, bea
}

// asked are the questions that are left.
func (w *world) asked(l *reconcile.Link) []reconcile.Question {
	w.t.Helper()
	got, err := w.store.Links().Asks(context.Background(), l.Org, l.ID, 0, 0)
	w.must(err)
	return got
}

// pairOf is the pair of an item as the next run finds it.
func (w *world) pairOf(l *reconcile.Link, item record.Ref) reconcile.Pair {
	w.t.Helper()
	ledger := w.store.Ledger()
	open, err := ledger.Open(context.Background(), l.ID, w.now().Add(time.Hour), time.Minute)
	w.must(err)
	pairs, err := ledger.PairsByRef(context.Background(), open, reconcile.InMicrosoft, []record.Ref{item})
	w.must(err)
	w.must(ledger.Close(context.Background(), open))
	return pairs[item]
}

func TestQuestionsAreShownInBothLanguages(t *testing.T) {
	t.Parallel()
	w, _, ana, bia, _ := askedWorld(t)
	b := w.as(someone)
	for lang, wants := range map[string][]string{
		"en": {"Changed on both sides", "First name · Last name", "First name: Anna Last name: Sousa", "First name: Ana Last name: Souza", "CTO", "CEO",
			"2 Jan 1990", "nothing", "Which contact is this? Bia L.", "Mobile: (+55) 11 912345678", "It is this one: Bia Lima", "It is this one: Bea Lima",
			"Mobile: +55 11 91234-5678 the same", "Keep both", "Leave it out", "by Adele Vance"},
		"pt-BR": {"Alterado dos dois lados", "No Outlook", "No CRM", "2 de jan. de 1990", "Qual contato é este? Bia L.", "É este: Bia Lima", "igual", "Manter os dois", "Deixar de fora"},
	} {
		b.post("/language", "lang", lang)
		got := b.get(asksPath)
		text := html.UnescapeString(got.text())
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page does not say %q:\n%s", lang, want, text)
			}
		}
		if found := rawKey.FindString(text); found != "" {
			t.Errorf("%s: the page shows the key %q", lang, found)
		}
	}
	b.post("/language", "lang", "en")
	for path, want := range map[string]string{
		marketplacePath: "2 questions wait for you Answer", "/status": "2 questions wait for you Answer",
		"/contacts/" + ana.String(): "Changed here and in Outlook: First name, Last name, Position, Date of birth. Which one counts? Answer",
		"/contacts/" + bia.String(): "A contact in Outlook may be this one. Answer",
	} {
		got := b.get(path)
		if !strings.Contains(got.text(), want) || !strings.Contains(got.body, `href="`+asksPath+`"`) {
			t.Errorf("%s does not say %q:\n%s", path, want, got.text())
		}
	}
	// A pair in conflict is in step otherwise; one that waits for an answer is not simply tried again.
	list := b.get(marketplacePath + "/contacts/records?state=failing")
	if !strings.Contains(list.text(), "Bia L. It may be the same as another one on the other side.") || strings.Contains(list.body, `class="retry"`) {
		t.Errorf("the list of failing ones:\n%s", list.text())
	}
	// An administrator sees the contact, but the question is its owner's.
	if got := w.as("admin@contoso.example").get("/contacts/" + ana.String()); strings.Contains(got.text(), "Which one counts") {
		t.Error("somebody else is asked about Adele's contact")
	}
	if got := w.as("admin@contoso.example").get(asksPath); strings.Contains(got.body, "Bia") {
		t.Error("somebody else is shown Adele's questions")
	}
}

// An imported contact that an item may be says what choosing it means; one that takes part does not.
func TestS32_AQuestionSaysWhatPairingAnImportedContactMeans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.contact(someone, record.Fields{record.LastName: "Own", record.EmailField: "bia@fabrica.example"})
	old, err := one(w.crm.Insert(t.Context(), w.actor(someone), record.Contacts, []crm.Draft{{
		Fields: record.Fields{record.LastName: "Imported", record.EmailField: "bia@fabrica.example"}, Source: record.Import,
	}}))
	w.must(err)
	w.link(someone, record.Contacts, []reconcile.Entry{{Pair: reconcile.Pair{Microsoft: "m/2", State: reconcile.Parked, Reason: fault.Ambiguous, Name: "Bia L.", Ask: &reconcile.Ask{
		Matches: []record.Ref{own.ID.Ref(), old.ID.Ref()}, Theirs: record.Fields{record.LastName: "L.", record.EmailField: "bia@fabrica.example"},
	}}}}, func(*reconcile.Link) {})
	text := w.as(someone).get(asksPath).text()
	const says = "It came in with an import and is not synced."
	before, after, _ := strings.Cut(text, "It is this one: Imported")
	if !strings.Contains(after, says) || strings.Contains(before, says) {
		t.Errorf("the page says:\n%s", text)
	}
}

func TestSeveralQuestionsAreDecidedAtOnce(t *testing.T) {
	t.Parallel()
	w, l, _, bia, bea := askedWorld(t)
	b := w.as(someone)
	got := b.post(asksPath, append(marks(b.get(asksPath)), "take-First_Name-0", "microsoft", "take-Title-0", "crm", "match-1", string(bea.Ref()))...)
	if got.path != asksPath || !strings.Contains(got.text(), "Your decision is on its way.") {
		t.Fatalf("decided: %d at %s\n%s", got.status, got.path, got.text())
	}
	left := w.asked(l)
	if len(left) != 1 || left[0].Microsoft != "m/1" || left[0].Ask.Taken[record.LastName] != reconcile.InMicrosoft || left[0].Ask.Taken[record.Title] != reconcile.InCRM {
		t.Fatalf("left: %+v", left)
	}
	// What is decided can't be decided again, what is not can.
	page := b.get(asksPath)
	if strings.Count(page.body, "<fieldset class=\"sides\" disabled>") != 2 || strings.Contains(page.body, bia.String()) {
		t.Errorf("after it:\n%s", page.text())
	}
	b.post(asksPath, append(marks(page), "take-Title-0", "microsoft", "take-Date_of_Birth-0", "crm")...)
	if left := w.asked(l); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	p := w.pairOf(l, "m/1")
	if p.RetryAt.IsZero() || p.Ask.Taken[record.Title] != reconcile.InCRM || p.Ask.Taken[record.DateOfBirth] != reconcile.InCRM {
		t.Errorf("the pair: %+v %+v", p, p.Ask)
	}
	if p := w.pairOf(l, "m/2"); p.Ask.Match != bea.Ref() || p.RetryAt.IsZero() {
		t.Errorf("the pair: %+v %+v", p, p.Ask)
	}
	if got := b.get(asksPath); !strings.Contains(got.body, `id="no-questions"`) {
		t.Errorf("nothing is left:\n%s", got.text())
	}
	if got := b.get(marketplacePath + "/contacts/records?state=failing"); !strings.Contains(got.text(), "Bia L. Your decision is on its way.") {
		t.Errorf("until it is carried out:\n%s", got.text())
	}
}

func TestKeepingBothAndLeavingOut(t *testing.T) {
	t.Parallel()
	w, l, _, _, _ := askedWorld(t)
	b := w.as(someone)
	seen := marks(b.get(asksPath))
	if got := b.post(asksPath, append(seen, "match-1", "")...); !strings.Contains(got.text(), "Nothing was chosen, so everything is as it was.") || len(w.asked(l)) != 2 {
		t.Errorf("left out: %s", got.text())
	}
	for _, wrong := range []string{"999", "crm", "m/1"} {
		if b.post(asksPath, append(seen, "match-1", wrong, "take-Title-0", wrong)...); len(w.asked(l)) != 2 {
			t.Errorf("%q is taken for an answer", wrong)
		}
	}
	if got := b.post(asksPath, append(seen, "match-1", "new")...); !strings.Contains(got.text(), "Your decision is on its way.") || len(w.asked(l)) != 1 {
		t.Errorf("kept both: %s", got.text())
	}
	if p := w.pairOf(l, "m/2"); !p.Ask.New {
		t.Errorf("the pair: %+v", p.Ask)
	}
}

// A decision that comes too late, or about something that has changed, does no harm and is told calmly.
func TestDecisionsThatComeTooLate(t *testing.T) {
	t.Parallel()
	w, l, ana, _, bea := askedWorld(t)
	b := w.as(someone)
	seen := marks(b.get(asksPath))
	w.must(w.store.Links().Decide(t.Context(), l.Org, l.ID, "m/2", reconcile.Ask{New: true}))
	got := b.post(asksPath, append(seen, "match-1", string(bea.Ref()))...)
	if got.status != 200 || !strings.Contains(got.text(), "had been settled meanwhile") {
		t.Errorf("settled: %d %s", got.status, got.text())
	}
	if _, err := one(w.crm.Update(t.Context(), w.actor(someone), record.Contacts, []crm.Draft{{ID: ana, Fields: record.Fields{record.Title: "Chair"}}})); err != nil {
		t.Fatal(err)
	}
	got = b.post(asksPath, append(seen, "take-Title-0", "microsoft")...)
	if got.status != 200 || !strings.Contains(got.text(), "changed while you looked") || !strings.Contains(got.text(), "Chair") || len(w.asked(l)[0].Ask.Taken) != 0 {
		t.Errorf("changed: %d %s", got.status, got.text())
	}
	if got := b.post(asksPath, "item", "m/1"); got.status != 422 {
		t.Errorf("without a mark: %d", got.status)
	}
	// Without sync there is nothing to ask.
	if got := w.as("alex@contoso.example").post(asksPath, append(seen, "take-Title-0", "crm")...); got.path != marketplacePath {
		t.Errorf("Alex, who syncs nothing, comes to %s", got.path)
	}
	other := w.link("alex@contoso.example", record.Contacts, nil, func(l *reconcile.Link) { l.Mapping = mapping.Default(record.Contacts) })
	if got := w.as("alex@contoso.example").post(asksPath, append(seen, "take-Title-0", "crm")...); !strings.Contains(got.text(), "settled meanwhile") || len(w.asked(other)) != 0 {
		t.Errorf("Alex answers what Adele is asked: %s", got.text())
	}
	if len(w.asked(l)[0].Ask.Taken) != 0 {
		t.Error("Alex decided for Adele")
	}
}

// The history shows the value that counts beside the one that gave way, which can be taken while the record is there.
func TestHistoryShowsBothValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.contact(someone, record.Fields{record.FirstName: "Ana", record.LastName: "Souza", record.Title: "CEO"})
	gone := w.contact(someone, record.Fields{record.LastName: "Prado"})
	line := func(id record.ID, lost ...reconcile.Loss) reconcile.Entry {
		return reconcile.Entry{Drop: true, History: []reconcile.HistoryLine{{
			At: w.now(), CRM: id.Ref(), Microsoft: "m1", Side: lost[0].Side, Action: reconcile.Overruled, Reason: reconcile.ChangedBoth, Lost: lost,
		}}}
	}
	w.link(someone, record.Contacts, []reconcile.Entry{
		line(gone.ID, reconcile.Loss{Field: record.Title, Side: reconcile.InCRM, Value: "Chefe"}),
		line(c.ID, reconcile.Loss{Field: record.Title, Side: reconcile.InMicrosoft, Value: "CTO"}),
		line(c.ID, reconcile.Loss{Field: record.FirstName, Side: reconcile.InCRM, Value: "Anna"}, reconcile.Loss{Field: record.LastName, Side: reconcile.InCRM, Value: "Sousa"}),
	}, func(*reconcile.Link) {})
	if _, err := one(w.crm.Delete(t.Context(), w.actor(someone), record.Contacts, []crm.Draft{{ID: gone.ID}})); err != nil {
		t.Fatal(err)
	}
	b := w.as(someone)
	for lang, wants := range map[string][]string{
		"en":    {"A value in Outlook gave way", "Position had another value in Outlook: CTO It is now: CEO Use this one", "Position had another value in the CRM: Chefe"},
		"pt-BR": {"Um valor no Outlook deu lugar a outro", "Cargo tinha outro valor no Outlook: CTO Agora está: CEO Usar este"},
	} {
		b.post("/language", "lang", lang)
		got := b.get("/status")
		for _, want := range wants {
			if !strings.Contains(got.text(), want) {
				t.Errorf("%s: the page does not say %q:\n%s", lang, want, got.text())
			}
		}
		if n := strings.Count(got.body, `class="lost"`); n != 4 || strings.Count(got.body, `<button class="button small">`) != 3 {
			t.Errorf("%s: %d values, of which those of a deleted record cannot be taken:\n%s", lang, n, got.text())
		}
	}
	// A name is taken whole.
	b.post("/language", "lang", "pt-BR")
	got := b.post("/status/take", "kind", "contacts", "line", hiddenValue(t, b.get("/status").body, "line"), "field", "Last_Name")
	if !strings.Contains(got.body, `value="Anna"`) || !strings.Contains(got.body, `value="Sousa"`) {
		t.Errorf("taken: %d at %s", got.status, got.path)
	}
	if got := b.get("/status").text(); !strings.Contains(got, "É o que está agora.") {
		t.Errorf("once it is taken:\n%s", got)
	}
}

func TestAlikeIsHoweverItWasTyped(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"Bia@X.example", " bia@x.example", true}, {"+55 11 91234-5678", "(+55) 11 912345678", true}, {"12-3", "123", false},
		{"Rua 123456", "Rua 1234567", false}, {"", "", true}, {"João", "JOÃO", true},
	} {
		if got := alike(row.a, row.b); got != row.want {
			t.Errorf("%q and %q: %v, expected %v", row.a, row.b, got, row.want)
		}
	}
}

// An item that is left out stands in a list of its own, from where the person takes it back.
func TestS29_WhatIsLeftOutIsListedAndTakenBack(t *testing.T) {
	t.Parallel()
	w, l, _, _, _ := askedWorld(t)
	b := w.as(someone)
	page := b.get(asksPath)
	if strings.Contains(page.body, `id="left-out"`) || !strings.Contains(page.body, `name="match-1" value="out"`) {
		t.Fatalf("before:\n%s", page.text())
	}
	b.post(asksPath, append(marks(page), "match-1", "out")...)
	p := w.pairOf(l, "m/2")
	if p.Ask == nil || !p.Ask.Out || p.State != reconcile.Parked || p.RetryAt.IsZero() {
		t.Fatalf("decided: %+v", p)
	}
	open, err := w.store.Ledger().Open(t.Context(), l.ID, w.now().Add(2*time.Hour), time.Minute)
	w.must(err)
	p.State, p.Reason, p.RetryAt = reconcile.Excluded, fault.LeftOut, time.Time{}
	w.must(w.store.Ledger().Settle(t.Context(), open, 0, []reconcile.Entry{{Pair: p}}))
	w.must(w.store.Ledger().Close(t.Context(), open))

	page = b.get(asksPath)
	for _, want := range []string{"Left out", "Bia L.", "E-mail: BIA@fabrica.example", "Ask me again"} {
		if !strings.Contains(html.UnescapeString(page.text()), want) {
			t.Errorf("the page does not say %q:\n%s", want, page.text())
		}
	}
	if list := b.get(marketplacePath + "/contacts/records?state=excluded").text(); !strings.Contains(list, "You left it out") {
		t.Errorf("the list of those that are out:\n%s", list)
	}
	if got := w.as(colleague).post(asksPath+"/back", "item", "m/2"); got.path != marketplacePath || w.pairOf(l, "m/2").State != reconcile.Excluded {
		t.Errorf("a colleague took it back: %d at %s", got.status, got.path)
	}
	if got := b.post(asksPath+"/back", "item", "m/2"); got.path != asksPath || !strings.Contains(got.text(), "asked again") {
		t.Errorf("taken back: %d at %s", got.status, got.path)
	}
	if p := w.pairOf(l, "m/2"); p.State != reconcile.Parked || p.Ask.Out {
		t.Errorf("taken back: %+v", p)
	}
	if got := b.post(asksPath+"/back", "item", "m/2"); !strings.Contains(got.text(), "settled meanwhile") {
		t.Errorf("taken back twice:\n%s", got.text())
	}
}

// A contact that is in step but for a value that only Outlook has room for says which field that is, and where to shorten it.
func TestS29_WhatDoesNotFitIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.contact(someone, record.Fields{record.LastName: "Souza"})
	w.link(someone, record.Contacts, []reconcile.Entry{{Pair: reconcile.Pair{
		CRM: c.ID.Ref(), Microsoft: "m1", State: reconcile.Synced, Reason: fault.TooLong, Detail: "Mailing_Street, Title",
	}}}, func(*reconcile.Link) {})
	b := w.as(someone)
	misfits := regexp.MustCompile(`id="outlook-misfits">[^<]*\p{L}+, \p{L}+`)
	for lang, want := range map[string]string{
		"en": "Shorten it in Outlook. Street, Position", "pt-BR": "Encurte no Outlook. ",
	} {
		b.post("/language", "lang", lang)
		if got := html.UnescapeString(b.get(marketplacePath + "/contacts/records?state=synced").text()); !strings.Contains(got, want) || strings.Contains(got, "Mailing_Street") {
			t.Errorf("%s: the list does not say %q:\n%s", lang, want, got)
		}
		if page := b.get("/contacts/" + c.ID.String()); !misfits.MatchString(page.body) {
			t.Errorf("%s: the contact itself does not name its fields that did not fit:\n%s", lang, page.text())
		}
	}
}

// A value that breaks its field's form is to be corrected where it stands, which the list and the contact's own page say.
func TestS29_ABadValueIsCorrectedWhereItStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	size := w.customField(crm.FieldDraft{Label: "Shoe size", Type: "double"}).Name
	texts := map[string]map[string]string{
		"en":    {"here": "Open the record and correct it.", "outlook": "Correct it in Outlook.", "both": "Correct it where it stands: in the record here, or in Outlook."},
		"pt-BR": {"here": "Abra o registro e corrija.", "outlook": "Corrija no Outlook.", "both": "Corrija onde está: no registro aqui ou no Outlook."},
	}
	contacts := map[string]crm.Record{}
	var entries []reconcile.Entry
	for place, fields := range map[string]string{"here": "Email", "outlook": "Record_Image, " + string(size), "both": "Email, " + string(size)} {
		contacts[place] = w.contact(someone, record.Fields{record.LastName: record.Value("In " + place)})
		entries = append(entries, reconcile.Entry{Pair: reconcile.Pair{
			CRM: contacts[place].ID.Ref(), Microsoft: record.Ref(place), State: reconcile.Synced, Reason: fault.BadValue, Detail: fields,
		}})
	}
	w.link(someone, record.Contacts, entries, func(*reconcile.Link) {})
	b := w.as(someone)
	for lang, words := range texts {
		b.post("/language", "lang", lang)
		list := html.UnescapeString(b.get(marketplacePath + "/contacts/records?state=synced").text())
		for place, want := range words {
			if _, line, _ := strings.Cut(list, "In "+place); !strings.Contains(strings.Split(line, " In ")[0], want) {
				t.Errorf("%s, %s: the list does not say %q:\n%s", lang, place, want, list)
			}
			page := html.UnescapeString(b.get("/contacts/" + contacts[place].ID.String()).text())
			if strings.Contains(page, want) != (place != "here") {
				t.Errorf("%s, %s: the page with %q:\n%s", lang, place, want, page)
			}
		}
	}
}

// S29: the inbox leads to the kind that asks something. Several conflicts are answered at once with the values of one side; what was
// chosen by itself, and which contact somebody is, stays as it was said.
func TestS29_TheRestIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const adele = "adele@contoso.example"
	w.link(adele, record.Calendar, nil, func(*reconcile.Link) {})
	var entries []reconcile.Entry
	for i := range 3 {
		c := w.contact(adele, record.Fields{record.LastName: record.Value("Souza " + strconv.Itoa(i)), record.Title: "ours"})
		entries = append(entries, reconcile.Entry{Pair: reconcile.Pair{CRM: c.ID.Ref(), Microsoft: record.Ref("m/" + strconv.Itoa(i)), State: reconcile.Synced,
			Ask: &reconcile.Ask{Conflicts: []record.Field{record.Title}, Theirs: record.Fields{record.Title: "theirs"}}}})
	}
	like := w.contact(adele, record.Fields{record.LastName: "Lima"})
	entries = append(entries, reconcile.Entry{Pair: reconcile.Pair{Microsoft: "m/like", State: reconcile.Parked, Reason: fault.Ambiguous, Ask: &reconcile.Ask{
		Matches: []record.Ref{like.ID.Ref()}, Theirs: record.Fields{record.LastName: "Lima"}}}})
	l := w.link(adele, record.Contacts, entries, func(*reconcile.Link) {})
	b := w.as(adele)
	page := b.get("/inbox")
	if page.path != asksPath || !strings.Contains(page.text(), "Contacts (4)") || !strings.Contains(page.text(), "Calendar (0)") {
		t.Fatalf("the inbox is %s: %s", page.path, page.text())
	}
	pairs := []string{"rest", "crm"}
	at := regexp.MustCompile(`name="item" value="([^"]*)"><input type="hidden" name="seen" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1)
	for i, m := range at {
		pairs = append(pairs, "item", m[1], "seen", m[2])
		if m[1] == "m/1" {
			pairs = append(pairs, "take-Title-"+strconv.Itoa(i), "microsoft")
		}
	}
	b.post(asksPath, pairs...)
	asked, err := w.store.Links().Asks(t.Context(), l.Org, l.ID, 0, 10)
	w.must(err)
	if len(at) != 4 || len(asked) != 1 || asked[0].Microsoft != "m/like" {
		t.Fatalf("%d questions on the page, left are %+v", len(at), asked)
	}
	pairsNow, err := w.store.Past().Pairs(t.Context(), l, 0, 10)
	w.must(err)
	for _, q := range pairsNow {
		want := map[record.Ref]reconcile.Where{"m/0": reconcile.InCRM, "m/1": reconcile.InMicrosoft, "m/2": reconcile.InCRM}[q.Microsoft]
		if q.Ask.Taken[record.Title] != want || q.Ask.New || q.Ask.Out || q.Ask.Match != "" {
			t.Errorf("%s: %+v", q.Microsoft, q.Ask)
		}
	}
}
