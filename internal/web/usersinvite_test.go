package web

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/record"
)

// simDirectory is the simulator's directory as app makes it for the pages: only what the stored grant opens.
type simDirectory struct{ w *world }

func (d simDirectory) opened(ctx context.Context, u account.User) error {
	g, err := d.w.store.Accounts().Grant(ctx, u.Org, u.ID)
	if fault.Is(err, fault.NotFound) || err == nil && !subset(directoryScopes, g.Scopes) {
		return fault.New(fault.Denied, fault.ConsentRequired, "not allowed yet")
	}
	return err
}

func (d simDirectory) Search(ctx context.Context, u account.User, begins, after string) (people []account.DirectoryPerson, more string, err error) {
	if err := d.opened(ctx, u); err != nil {
		return nil, "", err
	}
	from, _ := strconv.Atoi(after)
	all := slices.SortedFunc(slices.Values(d.w.sim.Tenant(u.Identity.TenantID).People()), func(a, b *m365sim.Person) int { return cmp.Compare(a.DisplayName, b.DisplayName) })
	for _, p := range all {
		fits := false
		for _, text := range []string{p.DisplayName, p.GivenName, p.Surname, p.Mail, p.UPN} {
			fits = fits || strings.HasPrefix(strings.ToLower(text), strings.ToLower(begins))
		}
		if !fits {
			continue
		}
		if from > 0 {
			from--
			continue
		}
		if len(people) == 40 {
			n, _ := strconv.Atoi(after)
			return people, strconv.Itoa(n + 40), nil
		}
		people = append(people, d.person(p))
	}
	return people, "", nil
}

func (d simDirectory) person(p *m365sim.Person) account.DirectoryPerson {
	out := account.DirectoryPerson{}
	out.Identity = account.Identity{TenantID: p.TenantID, ObjectID: p.ID}
	out.Email, out.FirstName, out.LastName = cmp.Or(p.Mail, p.UPN), p.GivenName, p.Surname
	return out
}

func (d simDirectory) Lookup(ctx context.Context, u account.User, ids []string) (people []account.DirectoryPerson, err error) {
	if err := d.opened(ctx, u); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if p := d.w.sim.Person(id); p != nil && p.TenantID == u.Identity.TenantID && p.ID == id {
			people = append(people, d.person(p))
		}
	}
	return people, nil
}

// managing is a browser of the Super Admin, who has allowed the directory.
func (w *world) managing() *browser {
	w.t.Helper()
	b := w.as("admin@contoso.example")
	if got := b.atMicrosoft(b.get("/connect/microsoft?for=directory"), "admin@contoso.example", "accept"); got.path != directoryPath {
		w.t.Fatalf("allowing the directory ended at %s:\n%s", got.path, got.text())
	}
	return b
}

// found is the user of an organization with an address.
func (w *world) found(org account.Organization, email string) (account.User, bool) {
	w.t.Helper()
	u, err := w.store.Accounts().UserByEmail(context.Background(), org.ID, email)
	if fault.Is(err, fault.NotFound) {
		return u, false
	}
	w.must(err)
	return u, true
}

// edition puts the organization on another edition.
func (w *world) edition(e account.Edition) {
	w.t.Helper()
	w.must(w.store.Accounts().Within(context.Background(), w.org.ID, func(tx account.Tx) error {
		o, err := tx.Organization()
		if err != nil {
			return err
		}
		o.Edition = e
		return tx.UpdateOrganization(o)
	}))
}

// give gives a user another profile, whatever the rules say.
func (w *world) give(upn string, p account.Profile) {
	w.t.Helper()
	u := w.reread(w.users[upn])
	u.Profile = p
	w.must(w.store.Accounts().UpdateUser(context.Background(), u))
}

var rowOf = regexp.MustCompile(`(?s)<li data-id="([^"]+)"[^>]*>(.*?)</li>`)

// directoryRows are the rows of a page of the directory, by object id.
func directoryRows(a answer) map[string]string {
	out := map[string]string{}
	for _, m := range rowOf.FindAllStringSubmatch(a.body, -1) {
		out[m[1]] = m[2]
	}
	return out
}

func (w *world) oid(upn string) string { return w.sim.Person(upn).ID }

func TestS7_InvitingNeedsManageUsersAndAPaidEdition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byAddress := []string{"email", "nina@elsewhere.example", "profile", "Standard"}
	byDirectory := []string{"person", w.oid("lee@contoso.example"), "profile", "Standard"}
	refused := func(b *browser, why string, status int) {
		t.Helper()
		for path, form := range map[string][]string{"/setup/users/new": byAddress, directoryPath: byDirectory} {
			if got := b.stay().post(path, form...); got.status != status {
				t.Errorf("%s, POST %s: %d", why, path, got.status)
			}
		}
		for _, email := range []string{"nina@elsewhere.example", "lee@contoso.example"} {
			if _, ok := w.found(w.org, email); ok {
				t.Errorf("%s: %s was invited", why, email)
			}
		}
	}
	refused(w.as("adele@contoso.example"), "a Standard user", 403)

	admin := w.managing()
	w.edition(account.Free)
	refused(admin, "the free edition", 403)
	words := w.site.pages.words["en"].T("refusal.paid_only")
	for _, path := range []string{usersPath, "/setup/users/new", directoryPath} {
		if got := admin.get(path); got.status != 200 || !strings.Contains(html.UnescapeString(got.text()), words) {
			t.Errorf("%s of the free edition does not say why: %d\n%s", path, got.status, got.text())
		}
	}
	if got := admin.get(usersPath); strings.Contains(got.body, `id="open-directory"`) || !strings.Contains(got.body, "disabled") {
		t.Error("the free edition offers invitations")
	}

	w.edition(account.Professional)
	for path, form := range map[string][]string{"/setup/users/new": byAddress, directoryPath: byDirectory} {
		if got := admin.post(path, form...); got.path != usersPath || !strings.Contains(got.body, `id="invited"`) {
			t.Errorf("paid, POST %s: %d at %s\n%s", path, got.status, got.path, got.text())
		}
	}
}

// singles counts the questions about one person each.
type singles struct {
	account.Store
	asked *atomic.Int32
}

func (s singles) UserByIdentity(ctx context.Context, i account.Identity) (account.User, error) {
	s.asked.Add(1)
	return s.Store.UserByIdentity(ctx, i)
}

func (s singles) UserByEmail(ctx context.Context, org record.ID, email string) (account.User, error) {
	s.asked.Add(1)
	return s.Store.UserByEmail(ctx, org, email)
}

func TestS8_TheDirectoryIsListedSearchedAndMarked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	w := newWorld(t, func(d *Deps) { d.Accounts = singles{d.Accounts, &asked} })
	all := w.sim.Crowd("contoso.example", 0)
	w.invite(account.Invitee{Email: "megan@contoso.example"}) // by address: in by it
	admin := w.as("admin@contoso.example")
	if got := admin.get(directoryPath); got.status != 200 || !strings.Contains(got.body, `href="/connect/microsoft?for=directory"`) || len(directoryRows(got)) != 0 {
		t.Fatalf("before it is allowed: %d\n%s", got.status, got.text())
	}
	admin = w.managing()
	asked.Store(0)

	seen, path, pages := map[string]bool{}, directoryPath, 0
	next := regexp.MustCompile(`id="directory-more"[^>]*><a class="button small" href="([^"]+)"`)
	for path != "" {
		got := admin.get(path)
		for id := range directoryRows(got) {
			if seen[id] {
				t.Fatalf("%s came twice", id)
			}
			seen[id] = true
		}
		path = ""
		if m := next.FindStringSubmatch(got.body); m != nil {
			path = html.UnescapeString(m[1])
		}
		pages++
	}
	if len(seen) != all || pages < 3 {
		t.Errorf("%d of %d people on %d pages", len(seen), all, pages)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the database was asked %d times about one person of %d pages", n, pages)
	}

	for upn, in := range map[string]bool{"adele@contoso.example": true, "megan@contoso.example": true, "lee@contoso.example": false} {
		name, _, _ := strings.Cut(upn, "@")
		row := directoryRows(admin.get(directoryPath + "?q=" + name))[w.oid(upn)]
		if row == "" || strings.Contains(row, "disabled") != in || strings.Contains(row, `class="tag"`) != in {
			t.Errorf("the row of %s, who is in: %v:\n%s", upn, in, row)
		}
	}
	if got := admin.get(directoryPath+"?q=lee", "HX-Request", "true", "HX-Target", "div#directory-people"); strings.Contains(got.body, "<html") || directoryRows(got)[w.oid("lee@contoso.example")] == "" {
		t.Errorf("the part for script: %s", got.body)
	}
}

// The place in the directory belongs to whoever got it: nobody follows an address that a browser made up.
func TestS8_APageOfTheDirectoryIsNotForged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.managing()
	m := regexp.MustCompile(`after=([\w-]+)`).FindStringSubmatch(admin.get(directoryPath).body)
	if m == nil {
		t.Fatal("there is no second page")
	}
	w.give("adele@contoso.example", account.Administrator)
	adele := w.as("adele@contoso.example")
	adele.atMicrosoft(adele.get("/connect/microsoft?for=directory"), "adele@contoso.example", "accept")
	for name, got := range map[string]answer{
		"made up":         admin.get(directoryPath + "?after=https%3A%2F%2Fevil.example%2Fusers"),
		"of another user": adele.get(directoryPath + "?after=" + m[1]),
		"changed":         admin.get(directoryPath + "?after=" + m[1][:len(m[1])-4] + "AAAA"),
	} {
		if got.status != 404 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if got := admin.get(directoryPath + "?after=" + m[1]); got.status != 200 {
		t.Errorf("the real one: %d", got.status)
	}
}

func TestS8_SeveralAreInvitedAndWhoIsNotIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.managing()
	lee, grady, adele := w.oid("lee@contoso.example"), w.oid("grady@contoso.example"), w.oid("adele@contoso.example")
	got := admin.post(directoryPath, "person", lee, "person", grady, "person", lee, "person", adele, "person", "11111111-2222-3333-4444-555555555555", "profile", "Administrator",
		"email", "evil@elsewhere.example", "first", "Evil")
	if got.path != usersPath {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	text := html.UnescapeString(got.text())
	for _, want := range []string{"2 invitations", "One person was not invited", w.site.pages.words["en"].T("users.picked_gone", "Count", 1), w.site.pages.words["en"].T("refusal.already_user"), w.users["adele@contoso.example"].Name()} {
		if !strings.Contains(text, want) {
			t.Errorf("the list does not say %q:\n%s", want, text)
		}
	}
	for _, upn := range []string{"lee@contoso.example", "grady@contoso.example"} {
		u, ok := w.found(w.org, upn)
		p := w.sim.Person(upn)
		if !ok || u.State != account.Invited || u.Profile != account.Administrator || u.Identity.ObjectID != p.ID || u.FirstName != p.GivenName {
			t.Fatalf("%s: %+v", upn, u)
		}
		if l := w.letter(u); l.Kind != account.LetterInvitation || l.State != account.LetterQueued {
			t.Errorf("%s: the letter is %+v", upn, l)
		}
	}
	if _, ok := w.found(w.org, "evil@elsewhere.example"); ok {
		t.Error("an address was taken from the browser")
	}
	if again := admin.get(usersPath); strings.Contains(again.body, `id="invited"`) {
		t.Error("the outcome is told twice")
	}
}

func TestS8_WhatIsPickedWrongly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.managing()
	var many []string
	for i := range account.MaxInvitees + 1 {
		many = append(many, "person", fmt.Sprintf("00000000-0000-0000-0000-%012d", i))
	}
	for name, row := range map[string]struct {
		form   []string
		status int
	}{
		"nobody":              {[]string{"profile", "Standard"}, 422},
		"too many":            {append(many, "profile", "Standard"), 422},
		"of another tenant":   {[]string{"person", w.oid("admin@fabrikam.example"), "profile", "Standard"}, 422},
		"by address":          {[]string{"person", "lee@contoso.example", "profile", "Standard"}, 422},
		"without a profile":   {[]string{"person", w.oid("lee@contoso.example"), "profile", "Nothing"}, 409},
		"of whoever is in it": {[]string{"person", w.oid("lee@contoso.example")}, 409},
	} {
		if got := admin.stay().post(directoryPath, row.form...); got.status != row.status {
			t.Errorf("%s: %d\n%s", name, got.status, got.text())
		}
	}
	w.give("adele@contoso.example", account.Administrator)
	adele := w.as("adele@contoso.example")
	adele.atMicrosoft(adele.get("/connect/microsoft?for=directory"), "adele@contoso.example", "accept")
	got := adele.stay().post(directoryPath, "person", w.oid("lee@contoso.example"), "profile", "Super Admin")
	if got.status != 403 || !strings.Contains(html.UnescapeString(got.text()), w.site.pages.words["en"].T("refusal.beyond_own")) {
		t.Errorf("an Administrator invites a Super Admin: %d\n%s", got.status, got.text())
	}
	if !strings.Contains(directoryRows(got)[w.oid("lee@contoso.example")]+got.body, "checked") && strings.Contains(got.body, `value="Super Admin"`) {
		t.Error("what may not be given is offered")
	}
	if _, ok := w.found(w.org, "lee@contoso.example"); ok {
		t.Error("somebody was invited")
	}
}

func TestS9_AnybodyIsInvitedByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("admin@contoso.example") // no directory needed
	got := admin.post("/setup/users/new", "first", "Nina", "last", "Reis", "email", " Nina@Elsewhere.Example ", "lang", "pt-BR", "profile", "Standard")
	if got.path != usersPath || !strings.Contains(got.text(), "One invitation is on its way") {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	u, ok := w.found(w.org, "nina@elsewhere.example")
	if !ok || u.State != account.Invited || u.Name() != "Nina Reis" || u.Locale != "pt-BR" || !u.Identity.IsZero() {
		t.Fatalf("%+v", u)
	}
	if row := regexp.MustCompile(`(?s)<tr role="row" data-id="` + u.ID.String() + `".*?</tr>`).FindString(got.body); !strings.Contains(row, `data-user-state="invited"`) || !strings.Contains(row, `data-letter="queued"`) {
		t.Errorf("the row: %s", row)
	}
	for name, row := range map[string]struct {
		email  string
		status int
		words  string
	}{
		"twice":         {"nina@elsewhere.example", 409, "refusal.already_user"},
		"a user":        {"ADELE@contoso.example", 409, "refusal.already_user"},
		"no address":    {"nina", 422, "refusal.bad_address"},
		"nothing":       {"", 422, "refusal.bad_address"},
		"with a header": {"a@b.example\r\nBcc: all@b.example", 422, "refusal.bad_address"},
	} {
		got := admin.stay().post("/setup/users/new", "first", "Kept", "email", row.email, "profile", "Standard")
		if got.status != row.status || !strings.Contains(html.UnescapeString(got.body), w.site.pages.words["en"].T(row.words)) || !strings.Contains(got.body, `data-field-error="email"`) || !strings.Contains(got.body, `value="Kept"`) {
			t.Errorf("%s: %d\n%s", name, got.status, got.text())
		}
	}
}

func TestInvitationsAreLimitedByInviter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stop()
	admin := w.as("admin@contoso.example")
	id := w.users["admin@contoso.example"].ID.String()
	for range 499 {
		w.must(w.site.Registry.Limit(context.Background(), account.Invitations, id, ""))
	}
	if got := admin.stay().post("/setup/users/new", "email", "one@elsewhere.example", "profile", "Standard"); got.status != 303 {
		t.Fatalf("the last one: %d", got.status)
	}
	got := admin.stay().post("/setup/users/new", "email", "two@elsewhere.example", "profile", "Standard")
	if _, ok := w.found(w.org, "two@elsewhere.example"); ok || got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("one more: %d", got.status)
	}
}

// Whoever is tied to a person of another tenant would see, and invite from, somebody else's directory.
func TestS8_TheDirectoryIsThatOfTheOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.AddPerson("fabrikam.example", "nora", "Nora", "Lima", nil)
	w.user(w.org, "nora@fabrikam.example", account.Administrator)
	local := w.local("lia@elsewhere.example")
	local.Profile = account.Administrator
	w.must(w.store.Accounts().UpdateUser(context.Background(), local))
	nora := w.as("nora@fabrikam.example")
	nora.atMicrosoft(nora.get("/connect/microsoft?for=directory"), "nora@fabrikam.example", "accept")
	for name, b := range map[string]*browser{"of another tenant": nora, "without Microsoft": w.enter(local.Email, goodPassword)} {
		got := b.get(directoryPath)
		w.says(t, got, 200, "directory.own_account")
		if len(directoryRows(got)) != 0 || strings.Contains(got.body, "for=directory") {
			t.Errorf("%s: %s", name, got.text())
		}
		w.says(t, b.stay().post(directoryPath, "person", w.oid("admin@fabrikam.example"), "profile", "Standard"), 403, "directory.own_account")
	}
}
