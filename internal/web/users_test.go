package web

import (
	"context"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// asks is somebody of the tenant who asked to join.
func (w *world) asks(upn string) account.User {
	w.t.Helper()
	p := w.sim.Person(upn)
	r, err := w.site.Registry.AskToJoin(context.Background(), account.Arrival{
		Identity: account.Identity{TenantID: p.TenantID, ObjectID: p.ID}, Username: p.UPN, Email: p.Mail, FirstName: p.GivenName, LastName: p.Surname,
	})
	w.must(err)
	return w.reread(account.User{Org: r.Org, ID: r.User})
}

func (w *world) says(t *testing.T, got answer, status int, key string) {
	t.Helper()
	if words := w.site.pages.words["en"].T(key); got.status != status || !strings.Contains(html.UnescapeString(got.text()), words) {
		t.Errorf("%d at %s, expected %d and %q:\n%s", got.status, got.path, status, words, got.text())
	}
}

func TestS7_TheListOfUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lee := w.asks("lee@contoso.example")
	w.invite(account.Invitee{Email: "nina@elsewhere.example", FirstName: "Nina"})
	for i := range 60 {
		_, err := w.store.Accounts().CreateUser(context.Background(), account.User{
			Org: w.org.ID, Email: fmt.Sprintf("gone%02d@contoso.example", i), FirstName: fmt.Sprintf("Gone %02d", i), Profile: account.Standard, State: account.Deactivated, Created: w.now(),
		})
		w.must(err)
	}
	admin := w.as("admin@contoso.example")
	got := admin.get(usersPath)
	for _, want := range []string{"All (65)", "Active (3)", "Invited (1)", "Asked to join (1)", "Deactivated (60)"} {
		if !strings.Contains(got.text(), want) {
			t.Errorf("no tab %q in\n%s", want, got.text())
		}
	}
	if asking, rows := strings.Index(got.body, `data-id="`+lee.ID.String()), strings.Index(got.body, "<table"); asking < 0 || asking > rows {
		t.Error("who asks does not stand first")
	}
	if n := strings.Count(got.body, `<tr role="row" data-id=`); n < 49 || n > 50 {
		t.Errorf("the first page has %d users", n)
	}
	seen := map[string]bool{}
	for page := 1; page <= 2; page++ {
		body := admin.get(usersPath + "?state=deactivated&page=" + fmt.Sprint(page)).body
		for i := range 60 {
			if name := fmt.Sprintf("gone%02d@", i); strings.Contains(body, name) {
				if seen[name] {
					t.Errorf("%s is on both pages", name)
				}
				seen[name] = true
			}
		}
	}
	if len(seen) != 60 {
		t.Errorf("two pages show %d of 60", len(seen))
	}
	found := admin.get(usersPath+"?q=nina", "HX-Request", "true", "HX-Target", "section#user-list")
	if strings.Contains(found.body, "<html") || !strings.Contains(found.body, "nina@elsewhere.example") || strings.Contains(found.body, "Gone") {
		t.Errorf("the search: %s", found.text())
	}
	if strings.Contains(got.body, "fabrikam") {
		t.Error("the list shows another organization")
	}
}

// Each row says the state, the profile, the last sign-in, how each sync stands and how far the latest letter has come.
func TestS7_ARowOfTheListOfUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, adele, boss := context.Background(), w.users["adele@contoso.example"], w.users["admin@contoso.example"]
	w.link(adele.Email, record.Calendar, nil, func(l *reconcile.Link) { l.State, l.Reason = reconcile.Paused, fault.ReconnectNeeded })
	w.link(adele.Email, record.Contacts, nil, func(*reconcile.Link) {})
	w.must(w.store.Accounts().SignedIn(ctx, adele.Org, adele.ID, w.now().Add(-210*time.Minute)))
	w.must(w.site.Registry.SaveProfile(ctx, w.reread(boss), "", "Vendas", account.Permissions{Contacts: record.OwnOnly, SyncContacts: true}))
	w.must(w.site.Registry.ChangeProfile(ctx, w.reread(boss), w.users["alex@contoso.example"].ID, "Vendas"))
	sent, queued, failed := w.invite(account.Invitee{Email: "sent@x.example"}), w.invite(account.Invitee{Email: "queued@x.example"}), w.invite(account.Invitee{Email: "failed@x.example"})
	w.must(w.store.Letters().SettleLetter(ctx, w.letter(sent).ID, account.LetterSent, "", w.now().Add(-150*time.Minute), 1))
	w.must(w.store.Letters().SettleLetter(ctx, w.letter(queued).ID, account.LetterQueued, "451 later", time.Time{}, 1))
	w.must(w.store.Letters().SettleLetter(ctx, w.letter(failed).ID, account.LetterFailed, "550 nobody", time.Time{}, 1))
	page := w.as(boss.Email).get(usersPath).body
	for _, c := range []struct {
		id    record.ID
		parts []string
	}{
		{adele.ID, []string{`data-user-state="active"`, ">Standard<", "3 hours ago", `data-kind="calendar" data-state="paused"`, `data-kind="contacts" data-state="on"`}},
		{w.users["alex@contoso.example"].ID, []string{">Vendas<", ">never<", `data-kind="calendar" data-state="withheld"`, `data-kind="contacts" data-state="none"`}},
		{sent.ID, []string{`data-user-state="invited"`, `data-letter="sent"`, "E-mail sent: 2 hours ago"}},
		{queued.ID, []string{`data-letter="queued"`, "451 later"}},
		{failed.ID, []string{`data-letter="failed"`, "550 nobody"}},
	} {
		_, row, _ := strings.Cut(page, `<tr role="row" data-id="`+c.id.String()+`"`)
		row, _, _ = strings.Cut(row, "</tr>")
		for _, part := range c.parts {
			if !strings.Contains(row, part) {
				t.Errorf("the row of user %s does not say %q:\n%s", c.id, part, row)
			}
		}
	}
}

func TestS13_TheLinkLeadsToTheRequestAndApprovingAdds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lee := w.asks("lee@contoso.example")
	link := usersPath + "/" + lee.ID.String()

	// Whoever is not signed in yet comes to the request after signing in.
	b := w.browser()
	if at := b.get(link); !strings.HasPrefix(at.path, "/signin") {
		t.Fatalf("not signed in, the link leads to %s", at.path)
	}
	got := b.signIn(link, "admin@contoso.example")
	if got.path != link || got.status != 200 || !strings.Contains(got.body, `id="answer"`) || !strings.Contains(html.UnescapeString(got.body), "Approve & Add") {
		t.Fatalf("the link leads to %s with %d\n%s", got.path, got.status, got.text())
	}
	got = b.post(link+"/approve", "profile", "Standard")
	if got.path != link || got.status != 200 {
		t.Fatalf("approving: %d at %s\n%s", got.status, got.path, got.text())
	}
	now := w.reread(lee)
	if now.State != account.Active || now.Profile != account.Standard || w.letter(lee).Kind != account.LetterApproved {
		t.Errorf("after it: %+v, letter %+v", now, w.letter(lee))
	}
	in := w.browser()
	if got := in.signIn("/", "lee@contoso.example"); got.path != "/" || got.status != 200 {
		t.Errorf("whoever was approved ends at %s", got.path)
	}
}

func TestS13_WithoutManageUsersTheLinkIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lee := w.asks("lee@contoso.example")
	b := w.as("adele@contoso.example")
	for _, got := range []answer{
		b.get(userPath(lee.ID)), b.get(usersPath), b.post(userPath(lee.ID)+"/approve", "profile", "Standard"), b.post(userPath(lee.ID) + "/decline"),
	} {
		if got.status != 403 || strings.Contains(got.body, "lee@") {
			t.Errorf("%s: %d\n%s", got.path, got.status, got.text())
		}
	}
	if now := w.reread(lee); now.State != account.Requested {
		t.Errorf("the request is %s", now.State)
	}
}

func TestS13_TwoAdministratorsAtOnceAreCalm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give("adele@contoso.example", account.Administrator)
	lee, grady := w.asks("lee@contoso.example"), w.asks("grady@contoso.example")
	one, two := w.as("admin@contoso.example"), w.as("adele@contoso.example")

	answers := make([]answer, 2)
	var both sync.WaitGroup
	for i, b := range []*browser{one, two} {
		both.Go(func() { answers[i] = b.stay().post(userPath(lee.ID)+"/approve", "profile", "Standard") })
	}
	both.Wait()
	late := answers[0]
	if late.status == 303 {
		late = answers[1]
	}
	if answers[0].status+answers[1].status != 303+409 {
		t.Fatalf("at once: %d and %d", answers[0].status, answers[1].status)
	}
	w.says(t, late, 409, "refusal.answered_already")
	if !strings.Contains(late.body, `data-user-state="active"`) || strings.Contains(late.body, `id="answer"`) {
		t.Errorf("the later one does not see how things stand:\n%s", late.text())
	}

	if got := one.post(userPath(grady.ID)+"/decline", "word", "Ask <b>again</b> in May"); got.path != usersPath || got.status != 200 {
		t.Fatalf("declining: %d at %s", got.status, got.path)
	}
	if l := w.letter(grady); l.Kind != account.LetterDeclined || l.Word != "Ask <b>again</b> in May" {
		t.Errorf("the letter: %+v", l)
	}
	got := two.post(userPath(grady.ID)+"/approve", "profile", "Standard")
	w.says(t, got, 409, "refusal.answered_already")
	if !strings.Contains(got.text(), "Declined by") || !strings.Contains(got.body, "Ask &lt;b&gt;again&lt;/b&gt; in May") {
		t.Errorf("nor that it was declined:\n%s", got.text())
	}
	if got := two.get(userPath(grady.ID)); got.status != 200 || !strings.Contains(got.body, `data-user-state="deleted"`) || strings.Contains(got.body, "<form class=\"approve") {
		t.Errorf("the link of an old letter: %d\n%s", got.status, got.text())
	}
}

func TestInvitationsAreSentAgainAndWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nina := w.invite(account.Invitee{Email: "nina@elsewhere.example"})
	old := w.letterLink(nina)
	admin := w.as("admin@contoso.example")
	if got := admin.post(userPath(nina.ID) + "/resend"); got.status != 200 || got.path != userPath(nina.ID) {
		t.Fatalf("resending: %d at %s", got.status, got.path)
	}
	fresh := w.letterLink(nina)
	if fresh == old {
		t.Fatal("the same link was sent again")
	}
	if got := w.browser().get(old); got.status != 410 {
		t.Errorf("the link of the letter before: %d", got.status)
	}
	for range 4 {
		admin.post(userPath(nina.ID) + "/resend")
	}
	if got := admin.stay().post(userPath(nina.ID) + "/resend"); got.status != 429 {
		t.Errorf("sending for the sixth time: %d", got.status)
	}
	fresh = w.letterLink(nina)
	if got := admin.post(userPath(nina.ID) + "/withdraw"); got.path != usersPath || got.status != 200 {
		t.Fatalf("withdrawing: %d at %s", got.status, got.path)
	}
	if got := w.browser().get(fresh); got.status != 410 {
		t.Errorf("the link of a withdrawn invitation: %d", got.status)
	}
	w.says(t, admin.stay().post(userPath(nina.ID)+"/withdraw"), 409, "refusal.answered_already")
	if got := admin.get(usersPath); strings.Contains(got.body, "nina@") {
		t.Error("who was withdrawn is in the list")
	}
}

// Whoever manages users sees until when an invitation's link works, and that it does no more.
func TestS10_ThePageSaysUntilWhenTheLinkWorks(t *testing.T) {
	t.Parallel()
	for _, mail := range []bool{true, false} {
		w := newWorld(t, func(d *Deps) { d.Settings.Mail = mail })
		w.pass(-account.InvitationLife)
		nina := w.invite(account.Invitee{Email: "nina@elsewhere.example"})
		w.pass(account.InvitationLife)
		admin := w.as("admin@contoso.example")
		if got := admin.get(userPath(nina.ID)).body; !strings.Contains(got, `id="invitation-over"`) || strings.Contains(got, `id="f-link"`) {
			t.Errorf("mail %v, when the link has expired:\n%s", mail, got)
		}
		admin.post(userPath(nina.ID) + "/resend")
		if got := admin.get(userPath(nina.ID)).body; !strings.Contains(got, `id="invitation-until"`) || strings.Contains(got, `id="f-link"`) == mail {
			t.Errorf("mail %v, sent again:\n%s", mail, got)
		}
	}
}

func TestDeactivatingEndsSessionsTokensAndSyncsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	u := w.users["adele@contoso.example"]
	adele, admin := w.as("adele@contoso.example"), w.as("admin@contoso.example")
	w.contact("adele@contoso.example", record.Fields{record.LastName: "Silva"})
	w.must(w.store.Accounts().CreateToken(ctx, u.Org, u.ID, []byte("0123456789abcdef0123456789abcdef"), w.now()))
	link, err := w.store.Links().CreateLink(ctx, reconcile.Link{Org: u.Org, User: u.ID, Kind: record.Calendar, State: reconcile.On})
	w.must(err)

	ask := admin.get(userPath(u.ID) + "/deactivate")
	text := ask.text()
	for _, want := range []string{"owns one record", "Calendar sync ends", "Hand over to " + w.users["alex@contoso.example"].Name()} {
		if !strings.Contains(text, want) {
			t.Errorf("the question does not say %q:\n%s", want, text)
		}
	}
	if !adele.inside() {
		t.Fatal("asking put the person out")
	}
	if got := admin.post(userPath(u.ID) + "/deactivate"); got.path != userPath(u.ID) || !strings.Contains(got.body, `data-user-state="deactivated"`) {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	if adele.inside() {
		t.Error("the session goes on")
	}
	if _, err := w.store.Accounts().UserByToken(ctx, []byte("0123456789abcdef0123456789abcdef")); err == nil {
		t.Error("the API token goes on")
	}
	if l, err := w.store.Links().Link(ctx, u.Org, link.ID); err != nil || l.State != reconcile.Switching {
		t.Errorf("the sync is %+v, %v", l, err)
	}
	if n, err := w.store.Accounts().Owned(ctx, u.Org, u.ID); err != nil || n != 1 {
		t.Errorf("the records did not stay: %d, %v", n, err)
	}
	w.says(t, admin.stay().post(userPath(u.ID)+"/deactivate"), 409, "refusal.answered_already")
	w.says(t, admin.stay().post(userPath(u.ID)+"/delete"), 409, "refusal.sync_ending")
	if got := admin.post(userPath(u.ID) + "/reactivate"); got.status != 200 || w.reread(u).State != account.Active {
		t.Errorf("reactivating: %d, %s", got.status, w.reread(u).State)
	}
}

// ASVS 7.4.5: who manages users ends somebody's sessions, and leaves the account and its API tokens alone.
func TestASVS745_AnAdministratorEndsSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	u, boss, other := w.users["adele@contoso.example"], w.users["admin@contoso.example"], w.users["admin@fabrikam.example"]
	adele, again, alex, admin := w.as("adele@contoso.example"), w.as("adele@contoso.example"), w.as("alex@contoso.example"), w.as("admin@contoso.example")
	hash := []byte("0123456789abcdef0123456789abcdef")
	w.must(w.store.Accounts().CreateToken(ctx, u.Org, u.ID, hash, w.now()))
	if got := admin.get(userPath(u.ID)); !strings.Contains(got.text(), "signed in in 2 browsers") {
		t.Errorf("the page says:\n%s", got.text())
	}
	if got := admin.get(userPath(boss.ID)); strings.Contains(got.body, "/signout\"") && strings.Contains(got.body, userPath(boss.ID)+"/signout") {
		t.Error("people sign themselves out on their own page")
	}
	for _, row := range []struct {
		by     *browser
		of     record.ID
		status int
	}{{alex, u.ID, 403}, {admin, boss.ID, 403}, {admin, other.ID, 404}} {
		if got := row.by.stay().post(userPath(row.of) + "/signout"); got.status != row.status {
			t.Errorf("signing %d out: %d, want %d", row.of, got.status, row.status)
		}
	}
	if !adele.inside() || !again.inside() {
		t.Fatal("what was refused has put somebody out")
	}
	if got := admin.post(userPath(u.ID) + "/signout"); got.status != 200 || got.path != userPath(u.ID) || strings.Contains(got.body, userPath(u.ID)+"/signout") {
		t.Errorf("signing out: %d at %s\n%s", got.status, got.path, got.text())
	}
	if adele.inside() || again.inside() || !alex.inside() || !admin.inside() {
		t.Error("not just the one is out")
	}
	if who, err := w.store.Accounts().UserByToken(ctx, hash); err != nil || who.ID != u.ID {
		t.Errorf("the API token: %v", err)
	}
	trail, err := w.store.Accounts().Audit(ctx, u.Org, 0, 1)
	if err != nil || len(trail) != 1 || trail[0].Action != account.SessionsEnded || trail[0].Actor != boss.ID || trail[0].Subject != u.ID {
		t.Errorf("the trail says %+v, %v", trail, err)
	}
	if !w.as("adele@contoso.example").inside() {
		t.Error("the person cannot sign in again")
	}
}

func TestRecordsAreHandedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	adele, alex, other := w.users["adele@contoso.example"], w.users["alex@contoso.example"], w.users["admin@fabrikam.example"]
	admin := w.as("admin@contoso.example")
	owns := func(u account.User) int {
		n, err := w.store.Accounts().Owned(ctx, u.Org, u.ID)
		w.must(err)
		return n
	}
	w.contact(adele.Email, record.Fields{record.LastName: "Silva"})
	w.event(adele.Email, record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00"})

	for name, row := range map[string]struct {
		to     string
		status int
	}{"themselves": {adele.ID.String(), 422}, "nobody": {"x", 422}, "another organization": {other.ID.String(), 404}} {
		if got := admin.stay().post(userPath(adele.ID)+"/deactivate", "hand_to", row.to); got.status != row.status || w.reread(adele).State != account.Active {
			t.Errorf("to %s: %d, %s", name, got.status, w.reread(adele).State)
		}
	}
	if got := admin.post(userPath(adele.ID) + "/deactivate"); got.status != 200 || owns(adele) != 2 {
		t.Fatalf("kept: %d, %d records", got.status, owns(adele))
	}
	w.says(t, admin.stay().post(userPath(adele.ID)+"/delete"), 409, "refusal.hand_over_needed")
	if got := admin.post(userPath(adele.ID)+"/delete", "hand_to", alex.ID.String()); got.path != usersPath || got.status != 200 {
		t.Fatalf("deleting: %d at %s\n%s", got.status, got.path, got.text())
	}
	if owns(alex) != 2 || owns(adele) != 0 || w.reread(adele).State != account.Deleted {
		t.Errorf("alex owns %d, adele %d and is %s", owns(alex), owns(adele), w.reread(adele).State)
	}
	if got := admin.get(usersPath); strings.Contains(got.body, adele.Email) {
		t.Error("who was deleted is in the list")
	}
	trail, err := w.store.Accounts().Audit(ctx, adele.Org, 0, 3)
	w.must(err)
	if !slices.ContainsFunc(trail, func(e account.Entry) bool {
		return e.Action == account.RecordsHandedOver && e.Subject == adele.ID && e.Detail["to"] == alex.Name() && e.Detail["count"] == "2"
	}) {
		t.Errorf("the trail: %+v", trail)
	}
}

// A page may show a profile that somebody else has deleted since: nobody gets it, and the page says why.
func TestS13_AProfileThatIsGoneIsGivenToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lee, nina := w.asks("lee@contoso.example"), w.invite(account.Invitee{Email: "nina@elsewhere.example"})
	admin := w.as("admin@contoso.example")
	for _, path := range []string{userPath(lee.ID) + "/approve", userPath(nina.ID) + "/profile"} {
		w.says(t, admin.stay().post(path, "profile", "Gone"), 409, "refusal.profile_gone")
	}
	w.says(t, admin.stay().post(usersPath+"/new", "email", "ana@elsewhere.example", "profile", "Gone"), 409, "refusal.profile_gone")
	if now, then := w.reread(lee), w.reread(nina); now.State != account.Requested || then.Profile != account.Standard {
		t.Errorf("%+v, %+v", now, then)
	}
	if _, ok := w.found(w.org, "ana@elsewhere.example"); ok {
		t.Error("somebody was invited with a profile that is gone")
	}
}

// What a user's page says of somebody fits where they stand.
func TestAUsersPageSaysWhatIsTrueOfThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lee, grady := w.asks("lee@contoso.example"), w.asks("grady@contoso.example")
	nina := w.invite(account.Invitee{Email: "nina@elsewhere.example"})
	megan := w.invite(w.invitee("megan@contoso.example"))
	admin := w.as("admin@contoso.example")
	admin.post(userPath(grady.ID) + "/decline")
	w.must(w.site.Registry.Withdraw(t.Context(), w.users["admin@contoso.example"], nina.ID))
	ana := w.invite(account.Invitee{Email: "ana@elsewhere.example"})
	say := func(key string) string { return w.site.pages.words["en"].T(key) }
	every := []string{"users.signs_in", "users.signs_in.microsoft", "users.signs_in.own", "users.signs_in.open", "users.declined_text", "users.deleted_text"}
	for id, want := range map[record.ID][]string{
		lee.ID: {"users.signs_in", "users.signs_in.microsoft"}, grady.ID: {"users.declined_text"}, nina.ID: {"users.deleted_text"},
		megan.ID: {"users.signs_in", "users.signs_in.microsoft"}, ana.ID: {"users.signs_in", "users.signs_in.open"},
	} {
		got := html.UnescapeString(admin.get(userPath(id)).body)
		for _, key := range every {
			if says := strings.Contains(got, ">"+say(key)+"<"); says != slices.Contains(want, key) {
				t.Errorf("of user %s %q is said: %v", id, say(key), says)
			}
		}
	}
}

func TestTheLastSuperAdminStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give("adele@contoso.example", account.Administrator)
	boss := w.users["admin@contoso.example"]
	own, adele := w.as(boss.Email), w.as("adele@contoso.example")
	page := own.get(userPath(boss.ID))
	w.says(t, page, 200, "refusal.last_super_admin")
	for _, button := range []string{`class="button danger deactivate"`, `<form class="profile`} {
		if strings.Contains(page.body, button) {
			t.Errorf("the last Super Admin is offered %s", button)
		}
	}
	w.says(t, own.stay().post(userPath(boss.ID)+"/profile", "profile", "Standard"), 409, "refusal.last_super_admin")
	w.says(t, own.stay().post(userPath(boss.ID)+"/deactivate"), 403, "refusal.own_account")
	w.says(t, adele.stay().post(userPath(boss.ID)+"/deactivate"), 403, "refusal.beyond_own")
	w.says(t, adele.stay().post(userPath(boss.ID)+"/profile", "profile", "Standard"), 403, "refusal.beyond_own")
	if now := w.reread(boss); now.State != account.Active || now.Profile != account.SuperAdmin {
		t.Fatalf("%+v", now)
	}

	w.give("alex@contoso.example", account.SuperAdmin)
	if got := own.post(userPath(w.users["alex@contoso.example"].ID)+"/profile", "profile", "Standard"); got.status != 200 || w.reread(w.users["alex@contoso.example"]).Profile != account.Standard {
		t.Errorf("one of two can be given another profile: %d", got.status)
	}
}

func TestUsersOfAnotherOrganizationAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	adele := w.users["adele@contoso.example"]
	stranger := w.as("admin@fabrikam.example")
	for _, rt := range w.site.userRoutes() {
		if !strings.Contains(rt.pattern, "{id}") {
			continue
		}
		_, path, _ := strings.Cut(rt.pattern, " ")
		got := stranger.walk(rt.pattern, strings.Replace(path, "{id}", adele.ID.String(), 1))
		if got.status != 404 || strings.Contains(got.body, adele.Email) {
			t.Errorf("%s: %d", rt.pattern, got.status)
		}
	}
	if now := w.reread(adele); now != adele && (now.State != account.Active || now.Profile != adele.Profile) {
		t.Errorf("it did something: %+v", now)
	}
	if got := stranger.get(auditPath + "?person=" + adele.ID.String()); got.status != 404 {
		t.Errorf("the trail of a stranger: %d", got.status)
	}
}

func TestLettersThatFailSaySoOnTheRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	admin := w.as("admin@contoso.example")
	for email, reason := range map[string]string{"one@elsewhere.example": "550 5.1.1 <no such user>", "two@elsewhere.example": "no_server", "três@elsewhere.example": "odd_address"} {
		u := w.invite(account.Invitee{Email: email})
		l := w.letter(u)
		w.must(w.store.Letters().SettleLetter(ctx, l.ID, account.LetterFailed, reason, w.now(), 3))
		got := admin.get(usersPath + "?q=" + email)
		want := html.EscapeString("550 5.1.1 <no such user>")
		if !strings.Contains(reason, " ") {
			want = html.EscapeString(w.site.pages.words["en"].T("users.letter." + reason))
		}
		if !strings.Contains(got.body, `data-letter="failed"`) || !strings.Contains(html.UnescapeString(got.body), html.UnescapeString(want)) || strings.Contains(got.body, "<no such user>") {
			t.Errorf("%s: no %q in\n%s", email, want, got.text())
		}
	}
}

// Once somebody is in, what became of the letters that led there is nobody's trouble any more; that their address takes none still is.
func TestLettersThatAreOverAreNotOnTheRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	admin := w.as("admin@contoso.example")
	settle := func(u account.User, reason string) {
		w.must(w.store.Letters().SettleLetter(ctx, w.letter(u).ID, account.LetterFailed, reason, time.Time{}, 1))
	}
	shown := func(u account.User) bool {
		return strings.Contains(admin.get(userPath(u.ID)).body, `data-letter="failed"`)
	}
	ana := w.invite(account.Invitee{Email: "ana@elsewhere.example"})
	settle(ana, "550 nobody")
	if !shown(ana) {
		t.Error("an invitation that did not arrive is not shown")
	}
	_, err := w.site.Registry.AcceptWithPasskey(ctx, w.letter(ana).Pass, account.Newcomer{}, account.Passkey{ID: "key", Data: []byte("{}")}) // the link was passed on
	w.must(err)
	if shown(ana) {
		t.Error("the invitation of somebody who is in is shown still")
	}
	lee := w.asks("lee@contoso.example")
	settle(lee, "550 nobody")
	if !shown(lee) {
		t.Error("that those who manage users were not told is not shown")
	}
	w.must(w.site.Registry.Approve(ctx, w.users["admin@contoso.example"], lee.ID, account.Standard))
	for reason, want := range map[string]bool{"no_server": false, "no_longer_needed": false, "550 nobody": true} {
		if settle(lee, reason); shown(lee) != want {
			t.Errorf("the letter that somebody was approved, %s: shown %v", reason, !want)
		}
	}
}

// Where no letters go out, nobody is told that one did, and whoever manages users passes the link on.
func TestS9_WithoutAMailServerTheLinkIsPassedOnByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *Deps) { d.Settings.Mail = false })
	u := w.invite(account.Invitee{Email: "ana@elsewhere.example"})
	admin := w.as("admin@contoso.example")
	if got := admin.get(usersPath); !strings.Contains(got.body, `id="no-mail"`) {
		t.Errorf("the list does not say that no e-mail goes out:\n%s", got.text())
	}
	found := regexp.MustCompile(`id="f-link"[^>]*value="([^"]*)"`).FindStringSubmatch(admin.get(userPath(u.ID)).body)
	if found == nil || w.browser().get(html.UnescapeString(found[1])).status != 200 {
		t.Fatalf("no link that opens: %q", found)
	}
	says := func(got answer, what string, keys ...string) {
		t.Helper()
		text := html.UnescapeString(got.text())
		say := func(key string) string {
			words := w.site.pages.words["en"]
			switch strings.TrimSuffix(key, "_by_hand") {
			case "users.invited":
				return words.T(key, "Count", 1)
			case "flash.user_resent":
				return words.T(key, "Name", u.Name())
			}
			return words.T(key)
		}
		for _, key := range keys {
			if with, by := say(key), say(key+"_by_hand"); !strings.Contains(text, by) || with == by || !strings.Contains(by, with) && strings.Contains(text, with) {
				t.Errorf("%s does not say %q, or says %q:\n%s", what, by, with, text)
			}
		}
	}
	says(admin.post(usersPath+"/new", "email", "bia@elsewhere.example", "profile", "Standard"), "inviting", "users.invited")
	says(admin.get(usersPath+"/new"), "the form", "users.new.send")
	says(admin.get(directoryPath), "the directory", "directory.text")
	says(admin.get(userPath(u.ID)), "the page of somebody invited", "users.invitation_text", "users.resend")
	says(admin.post(userPath(u.ID)+"/resend"), "a new link", "flash.user_resent")
	w.must(w.site.Registry.Withdraw(t.Context(), w.users["admin@contoso.example"], u.ID))
	if got := admin.get(userPath(u.ID)); strings.Contains(got.body, `id="f-link"`) {
		t.Error("a withdrawn invitation still shows its link")
	}
	says(admin.get(userPath(w.asks("megan@contoso.example").ID)), "the page of somebody who asks", "users.wants_in_text", "users.word_hint")
	if got := w.browser().signIn("/", "megan@contoso.example"); !strings.Contains(got.text(), "No e-mail goes out here") {
		t.Errorf("whoever asks is told of e-mail:\n%s", got.text())
	}
	with := newWorld(t)
	v := with.invite(account.Invitee{Email: "ana@elsewhere.example"})
	if got := with.as("admin@contoso.example").get(userPath(v.ID)); strings.Contains(got.body, `id="f-link"`) {
		t.Error("the link is shown where the letter brings it")
	}
}

func TestSetupShowsWhatOneMayEnter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for upn, manages := range map[string]bool{"admin@contoso.example": true, "adele@contoso.example": false} {
		b := w.as(upn)
		got := b.get("/setup")
		for path, forAll := range map[string]bool{usersPath: false, profilesPath: false, auditPath: false, marketplacePath: true, "/setup/preferences": true, "/setup/account": true} {
			if shown := strings.Contains(got.body, `<li><a href="`+path+`"`); shown != (forAll || manages) {
				t.Errorf("%s is shown to %s: %v", path, upn, shown)
			}
		}
		for _, m := range setupMenus {
			for _, item := range m.Items {
				if shown := strings.Contains(got.body, `<li><a href="`+item.Path+`"`); shown && b.get(item.Path).status != 200 {
					t.Errorf("%s leads %s nowhere", item.Path, upn)
				}
			}
		}
	}
}
