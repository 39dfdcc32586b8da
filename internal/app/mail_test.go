package app

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/testkit/mailtest"
	"tandem/internal/web"
)

// office is an organization whose people cause letters, on a real store.
type office struct {
	t       *testing.T
	store   *store.Store
	rules   *account.Registry
	tickets web.Tickets
	org     account.Organization
	megan   account.User // Super Admin
	mu      sync.Mutex
	time    time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, time: time.Date(2026, 7, 29, 12, 0, 0, 0, time.UTC)}
	var err error
	o.store, err = store.Open(t.Context(), "sqlite::memory:", store.Options{Now: o.now, Log: slog.New(slog.DiscardHandler)})
	o.ok(err)
	t.Cleanup(func() { o.ok(o.store.Close()) })
	o.ok(o.store.Migrate(t.Context()))
	o.rules = account.NewRegistry(o.store.Accounts(), o.now)
	o.tickets, err = web.NewTickets("https://crm.contoso.example", "a key for tests, of forty characters or so", o.now)
	o.ok(err)
	o.org, err = o.store.Accounts().CreateOrganization(t.Context(), account.Organization{
		Name: "Contoso", TenantID: "tenant", Edition: account.Enterprise, Zone: "America/Sao_Paulo", Locale: "pt-BR", Created: o.now(),
	})
	o.ok(err)
	o.megan = o.hire("Megan", account.SuperAdmin, "en")
	return o
}

func (o *office) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.time
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.time = o.time.Add(d)
}

func (o *office) hire(name string, p account.Profile, locale string) account.User {
	o.t.Helper()
	u, err := o.store.Accounts().CreateUser(o.t.Context(), account.User{
		Org: o.org.ID, Email: strings.ToLower(name) + "@contoso.example", FirstName: name, LastName: "Bowen", Profile: p,
		State: account.Active, Locale: locale, Created: o.now(), Identity: account.Identity{TenantID: "tenant", ObjectID: name},
	})
	o.ok(err)
	u, err = o.store.Accounts().User(o.t.Context(), o.org.ID, u.ID)
	o.ok(err)
	return u
}

func (o *office) invite(address string) account.User {
	o.t.Helper()
	out, err := o.rules.Invite(o.t.Context(), o.megan, []account.Invitee{{Email: address, FirstName: "Zoe"}}, account.Standard)
	o.ok(err)
	o.ok(out[0].Err)
	return out[0].User
}

// postman is one that sends by a server; nil: there is none.
func (o *office) postman(s *mailtest.Server) *postman {
	o.t.Helper()
	c := Config{URL: "https://crm.contoso.example"}
	if s != nil {
		c.SMTPURL = "smtp://" + s.Addr + "?tls=none"
	}
	p, err := newPostman(o.store.Letters(), o.store.Accounts(), o.tickets, c, o.now, slog.New(slog.DiscardHandler))
	o.ok(err)
	return p
}

// owed are the letters that are queued, the oldest first.
func (o *office) owed() []record.ID {
	o.t.Helper()
	ids, err := o.store.Letters().Unsent(o.t.Context(), o.now().Add(time.Hour), 100)
	o.ok(err)
	return ids
}

func (o *office) only() record.ID {
	o.t.Helper()
	ids := o.owed()
	if len(ids) != 1 {
		o.t.Fatalf("%d letters are owed", len(ids))
	}
	return ids[0]
}

func (o *office) letter(id record.ID) account.Letter {
	o.t.Helper()
	l, err := o.store.Letters().Letter(o.t.Context(), id)
	o.ok(err)
	return l
}

func TestS8_TheInvitationGoesOutInItsReadersLanguage(t *testing.T) {
	t.Parallel()
	o, s := newOffice(t), mailtest.Start(t, mailtest.Options{})
	o.invite("zoe@elsewhere.example")
	id := o.only()
	o.ok(o.postman(s).Deliver(t.Context(), id))
	o.ok(o.postman(s).Deliver(t.Context(), id)) // a job that was doubled
	letters := s.Letters()
	if len(letters) != 1 {
		t.Fatalf("%d letters", len(letters))
	}
	got := letters[0]
	if got.To != "zoe@elsewhere.example" || got.From != "tandem@crm.contoso.example" || got.Subject != "Megan Bowen convidou você para o Tandem de Contoso" {
		t.Errorf("%s to %s: %s", got.From, got.To, got.Subject)
	}
	for _, part := range []string{"Olá, Zoe!", "\nhttps://crm.contoso.example/invitation/", "até 5 de agosto de 2026, 09:00 (UTC−03:00)"} {
		if !strings.Contains(got.Text, part) {
			t.Errorf("the letter lacks %q:\n%s", part, got.Text)
		}
	}
	if l := o.letter(id); l.State != account.LetterSent || !l.Sent.Equal(o.now()) || l.Tries != 1 || l.Reason != "" {
		t.Errorf("noted is %+v", l)
	}
}

func TestS12_TheRequestGoesToThoseWhoManageUsersAndLeadsThere(t *testing.T) {
	t.Parallel()
	o, s := newOffice(t), mailtest.Start(t, mailtest.Options{})
	o.hire("Lee", account.Standard, "")
	o.hire("Grady", account.Administrator, "pt-BR")
	diego := account.Arrival{Identity: account.Identity{TenantID: "tenant", ObjectID: "Diego"}, Username: "diego@contoso.example", FirstName: "Diego"}
	asked, err := o.rules.AskToJoin(t.Context(), diego)
	o.ok(err)
	for _, id := range o.owed() {
		o.ok(o.postman(s).Deliver(t.Context(), id))
	}
	var to []string
	for _, l := range s.Letters() {
		to = append(to, l.To)
		if want := "\nhttps://crm.contoso.example/setup/users/" + asked.User.String() + "\n"; !strings.Contains(l.Text, want) {
			t.Errorf("the letter to %s does not lead to %s:\n%s", l.To, want, l.Text)
		}
	}
	slices.Sort(to)
	if want := []string{"grady@contoso.example", "megan@contoso.example"}; !slices.Equal(to, want) {
		t.Errorf("letters went to %v, not %v", to, want)
	}
}

func TestS12_TheAnswerIsTold(t *testing.T) {
	t.Parallel()
	o, s := newOffice(t), mailtest.Start(t, mailtest.Options{})
	for _, name := range []string{"diego", "isaiah"} {
		asked, err := o.rules.AskToJoin(t.Context(), account.Arrival{Identity: account.Identity{TenantID: "tenant", ObjectID: name}, Username: name + "@contoso.example"})
		o.ok(err)
		if name == "diego" {
			o.ok(o.rules.Approve(t.Context(), o.megan, asked.User, account.Standard))
		} else {
			o.ok(o.rules.Decline(t.Context(), o.megan, asked.User, "Use o CRM da filial."))
		}
	}
	for _, id := range o.owed() {
		o.ok(o.postman(s).Deliver(t.Context(), id))
	}
	told := map[string]string{}
	for _, l := range s.Letters() {
		told[l.To] = l.Text
	}
	if text := told["diego@contoso.example"]; !strings.Contains(text, "https://crm.contoso.example/launch/microsoft365") {
		t.Errorf("who was approved reads:\n%s", text)
	}
	if text := told["isaiah@contoso.example"]; !strings.Contains(text, "“Use o CRM da filial.”") {
		t.Errorf("who was declined reads:\n%s", text)
	}
	if len(told) != 2 {
		t.Errorf("letters went to %d people: the requests were answered before theirs left", len(told))
	}
}

// A letter that lay in the queue is not sent when what it is about is over.
func TestLettersThatNobodyNeedsStayHere(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]func(o *office, zoe account.User){
		"withdrawn":     func(o *office, zoe account.User) { o.ok(o.rules.Withdraw(o.t.Context(), o.megan, zoe.ID)) },
		"expired":       func(o *office, _ account.User) { o.pass(account.InvitationLife) },
		"resent":        func(o *office, zoe account.User) { o.ok(o.rules.Resend(o.t.Context(), o.megan, zoe.ID)) },
		"accepted":      func(o *office, zoe account.User) { o.accept(zoe) },
		"no letter due": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, s := newOffice(t), mailtest.Start(t, mailtest.Options{})
			zoe := o.invite("zoe@elsewhere.example")
			id := o.only()
			if over == nil {
				o.ok(o.postman(s).Deliver(t.Context(), id))
				if l := o.letter(id); l.State != account.LetterSent {
					t.Errorf("nothing is over, and yet: %+v", l)
				}
				return
			}
			over(o, zoe)
			o.ok(o.postman(s).Deliver(t.Context(), id))
			if l := o.letter(id); l.State != account.LetterFailed || l.Reason != noLongerNeeded {
				t.Errorf("noted is %+v", l)
			}
			if s.Begun() != 0 {
				t.Error("a letter was sent")
			}
		})
	}
}

func (o *office) accept(zoe account.User) {
	o.t.Helper()
	pass := o.letter(o.only()).Pass
	_, err := o.rules.AcceptWithPasskey(o.t.Context(), pass, account.Newcomer{}, account.Passkey{ID: "key", Name: "Key", Data: []byte("{}")})
	o.ok(err)
}

func TestWithoutAMailServerTheRowSaysSo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.invite("zoe@elsewhere.example")
	id := o.only()
	o.ok(o.postman(nil).Deliver(t.Context(), id))
	if l := o.letter(id); l.State != account.LetterFailed || l.Reason != noServer {
		t.Errorf("noted is %+v", l)
	}
}

func TestARefusalIsShownAtOnceAndATroubleAfterADay(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	answer := mailtest.Refuse(451, "come back later")
	s := mailtest.Start(t, mailtest.Options{Answer: func(_ int, step string) error {
		if step == "rcpt" {
			return answer
		}
		return nil
	}})
	p := o.postman(s)
	zoe := o.invite("zoe@elsewhere.example")
	id := o.only()
	for range 3 {
		if err := p.Deliver(t.Context(), id); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		o.pass(time.Hour)
	}
	if l := o.letter(id); l.State != account.LetterQueued || l.Tries != 3 || l.Reason != "451 come back later" {
		t.Errorf("after three tries: %+v", l)
	}
	o.pass(letterLife)
	o.ok(p.Deliver(t.Context(), id))
	if l := o.letter(id); l.State != account.LetterFailed || l.Tries != 4 || l.Reason != "451 come back later" {
		t.Errorf("after a day: %+v", l)
	}

	answer = mailtest.Refuse(550, "no such person <zoe@elsewhere.example>")
	o.ok(o.rules.Resend(t.Context(), o.megan, zoe.ID))
	again := o.only()
	o.ok(p.Deliver(t.Context(), again))
	if l := o.letter(again); l.State != account.LetterFailed || l.Tries != 1 || l.Reason != "550 no such person <…>" {
		t.Errorf("refused: %+v", l)
	}
	shown, err := o.store.Accounts().Letters(t.Context(), o.org.ID, []record.ID{zoe.ID})
	o.ok(err)
	if shown[zoe.ID].ID != again || shown[zoe.ID].State != account.LetterFailed {
		t.Errorf("on the user's row: %+v", shown[zoe.ID])
	}
}

// Whom the mail server cannot name is not tried for a day: the row says so, in words of ours.
func TestS9_AnAddressThatTheServerCannotNameFailsAtOnce(t *testing.T) {
	t.Parallel()
	o, s := newOffice(t), mailtest.Start(t, mailtest.Options{ASCII: true})
	o.invite("josé@elsewhere.example")
	id := o.only()
	o.ok(o.postman(s).Deliver(t.Context(), id))
	if l := o.letter(id); l.State != account.LetterFailed || l.Reason != "odd_address" || l.Tries != 1 {
		t.Errorf("noted is %+v", l)
	}
	o.invite("ana@café.example")
	o.ok(o.postman(s).Deliver(t.Context(), o.only()))
	if letters := s.Letters(); len(letters) != 1 || letters[0].To != "ana@xn--caf-dma.example" {
		t.Errorf("arrived: %+v", letters)
	}
}

// A server whose yes is lost has the letter; it gets it again, and can tell by the Message-ID.
func TestASecondCopyHasTheSameMessageID(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := mailtest.Start(t, mailtest.Options{Answer: func(n int, step string) error {
		if n == 1 && step == "data" {
			return mailtest.ErrDrop
		}
		return nil
	}})
	o.invite("zoe@elsewhere.example")
	id := o.only()
	if err := o.postman(s).Deliver(t.Context(), id); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
	o.ok(o.postman(s).Deliver(t.Context(), id))
	letters := s.Letters()
	if len(letters) != 2 || letters[0].Header.Get("Message-Id") != letters[1].Header.Get("Message-Id") || letters[0].Header.Get("Message-Id") == "" {
		t.Errorf("%d copies: %v", len(letters), letters)
	}
	o.invite("yara@elsewhere.example")
	o.ok(o.postman(s).Deliver(t.Context(), o.only()))
	if letters = s.Letters(); letters[2].Header.Get("Message-Id") == letters[0].Header.Get("Message-Id") {
		t.Error("another letter has the same Message-ID")
	}
}

func TestATryThatIsCutOffIsNone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := mailtest.Start(t, mailtest.Options{Answer: func(int, string) error { cancel(); return mailtest.ErrHang }})
	o.invite("zoe@elsewhere.example")
	id := o.only()
	if err := o.postman(s).Deliver(ctx, id); err == nil {
		t.Error("it was delivered")
	}
	if l := o.letter(id); l.State != account.LetterQueued || l.Tries != 0 {
		t.Errorf("noted is %+v", l)
	}
}

func TestTheDemoKeepsWhatItsLettersSay(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var mu sync.Mutex
	var kept []m365sim.OutboxMail
	catcher, err := catchMail(func(m m365sim.OutboxMail) {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, m)
	}, slog.New(slog.DiscardHandler))
	o.ok(err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- catcher.serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	p, err := newPostman(o.store.Letters(), o.store.Accounts(), o.tickets, Config{URL: "http://127.0.0.1:8080", SMTPURL: catcher.url()}, o.now, slog.New(slog.DiscardHandler))
	o.ok(err)
	o.invite("zoë@elsewhere.example")
	o.ok(p.Deliver(t.Context(), o.only()))
	mu.Lock()
	defer mu.Unlock()
	if len(kept) != 1 {
		t.Fatalf("%d letters are kept", len(kept))
	}
	m := kept[0]
	if m.Subject != "Megan Bowen convidou você para o Tandem de Contoso" || !slices.Equal(m.To, []string{"zoë@elsewhere.example"}) ||
		m.From != `"Tandem" <tandem@localhost>` || !m.Time.Equal(o.now()) {
		t.Errorf("kept is %q to %v from %s at %v", m.Subject, m.To, m.From, m.Time)
	}
	if !strings.Contains(m.Text, "Olá, Zoe!") || !strings.Contains(m.HTML, "<p>Olá, Zoe!</p>") || strings.Contains(m.Text, "\r") {
		t.Errorf("text and HTML:\n%s\n%s", m.Text, m.HTML)
	}
}

func TestTheMailServerIsCheckedWithTheOtherSettings(t *testing.T) {
	t.Parallel()
	c := Config{SMTPURL: "smtp://crm:geheim@mail.example.com/x?tls=none"}
	err := c.Check()
	if err == nil || !strings.Contains(err.Error(), "TANDEM_SMTP_URL: has tls=none") && !strings.Contains(err.Error(), "; has tls=none") || strings.Contains(err.Error(), "geheim") {
		t.Error(err)
	}
	c.SMTPURL = "smtps://crm:geheim@mail.example.com"
	if err := c.Check(); err == nil || strings.Contains(err.Error(), "SMTP_URL") {
		t.Error(err)
	}
}
