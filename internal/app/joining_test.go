package app_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/testkit/chrome"
)

// atMicrosoft signs in at the simulator's page.
func atMicrosoft(tab *chrome.Tab, upn string) {
	tab.Type("input[name=username]", upn)
	tab.Click("form button[type=submit]")
}

// door waits for the accounts page to show one, in Portuguese.
func door(tab *chrome.Tab, name string) {
	tab.Wait(`document.querySelector("#launch")?.dataset.door === "` + name + `" && ` + portuguese)
}

// portuguese holds for a page of ours in that language, without a text that has no words in it.
const portuguese = `document.documentElement.lang === "pt-BR" && !/⟦|\[\[|<no value>/.test(document.body.innerText)`

// lettersTo are the subjects of the letters that an address got by SMTP, after as many as expected have come.
func (d *demo) lettersTo(address string, expected int) (subjects []string, last string) {
	d.t.Helper()
	d.eventually("letters reach "+address, func() bool {
		subjects = nil
		for _, m := range d.m365.Outbox() {
			if slices.Contains(m.To, address) {
				subjects, last = append(subjects, m.Subject), m.Text
			}
		}
		return len(subjects) >= expected
	})
	if len(subjects) != expected {
		d.t.Errorf("%s got %q, expected %d letters", address, subjects, expected)
	}
	return subjects, last
}

// link finds the address in a letter that leads to a path of ours.
func (d *demo) link(text, path string) string {
	d.t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(d.url+path) + `[^\s>)]*`).FindString(text)
	if found == "" {
		d.t.Fatalf("no link to %s in:\n%s", path, text)
	}
	return found
}

// TestS1ToS13 is the beginning of an organization's life, as its people see it: in Portuguese, in a browser, with letters
// by SMTP.
func TestS1S2S3S4S5S6S7S8S9S10S11S12S13_AnOrganizationBegins(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	accounts := d.app.Store.Accounts()
	tenant := d.m365.Tenant("northwind.example").ID
	const pt = "pt-BR,pt;q=0.9"
	any := chrome.Open(t)

	// S4: who is no administrator is told who must act, and nothing is made.
	marta := any.Stranger(pt)
	marta.Go(d.sim + "/apps")
	marta.Shot("01-apps")
	marta.Click("#tandem")
	atMicrosoft(marta, "marta@northwind.example")
	marta.Click("button[value=accept]")
	door(marta, "nobody_yet")
	marta.Shot("02-nobody-yet")
	if got := chrome.Eval[string](marta, `document.querySelector("#f-link").value`); got != d.url+"/launch/microsoft365" {
		t.Errorf("the link to send is %q", got)
	}

	// S1, S2, S5: the administrator clicks the tile, accepts the terms, and is Super Admin.
	admin := any.Stranger(pt)
	admin.Go(d.sim + "/apps")
	admin.Click("#tandem")
	atMicrosoft(admin, "admin@northwind.example")
	admin.Click("button[value=accept]")
	door(admin, "may_install")
	admin.Shot("03-may-install")
	admin.Click("#launch-form button[name=go]") // the browser holds it back: the box is not ticked
	if _, err := accounts.OrganizationByTenant(t.Context(), tenant); !fault.Is(err, fault.NotFound) {
		t.Errorf("before the terms were accepted: %v", err)
	}
	admin.Click("#f-terms")
	admin.Click("#launch-form button[name=go]")
	admin.Wait(`location.pathname === "/setup/consent"`)
	admin.Shot("04-consent")
	org, err := accounts.OrganizationByTenant(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	if boss, err := accounts.UserByEmail(t.Context(), org.ID, "admin@northwind.example"); err != nil || boss.Profile != account.SuperAdmin || boss.State != account.Active {
		t.Errorf("whoever installed is %+v, %v", boss, err)
	}
	admin.Click("#consent-form button")
	admin.Click("button[value=accept]")
	admin.Wait(`location.pathname === "/setup/consent" && document.querySelector("#consent")?.dataset.given === "yes" || location.pathname === "/"`)
	admin.Shot("05-consent-given")
	if org, err = accounts.Organization(t.Context(), org.ID); err != nil || org.Consented.IsZero() {
		t.Errorf("consent was not recorded: %+v, %v", org, err)
	}

	// S7, S8: colleagues are invited from the directory.
	admin.Go(d.url + "/setup/users")
	admin.Click("#open-directory")
	admin.Type("#directory-q", "Mar")
	admin.Wait(`document.querySelectorAll("#directory-people input[name=person]:not(:disabled)").length === 1`)
	admin.Click("#directory-people input[name=person]:not(:disabled)")
	admin.Shot("06-directory")
	admin.Type("#directory-q", "Rosa")
	admin.Wait(`document.querySelector("#directory-people").textContent.includes("Quintela")`)
	admin.Click("#directory-people input[name=person]:not(:disabled)")
	admin.Click("#directory-form button[name=save]")
	admin.Wait(`document.querySelector("#invited")`)
	subjects, _ := d.lettersTo("marta@northwind.example", 1)
	if !strings.Contains(subjects[0], "Northwind") || !strings.Contains(subjects[0], "convid") {
		t.Errorf("Marta's letter is called %q", subjects[0])
	}
	d.lettersTo("rosa@northwind.example", 1)
	admin.Wait(`document.querySelectorAll('#user-list tr[data-state="invited"]').length === 2 && ` + portuguese)
	admin.Shot("07-users")

	// S10: opening the app from Microsoft 365 accepts the invitation.
	marta.Go(d.sim + "/apps")
	marta.Click("#tandem")
	door(marta, "welcome")
	marta.Shot("08-welcome")
	marta.Click("#f-terms")
	marta.Click("#launch-form button[name=go]")
	marta.Wait(`location.pathname === "/"`)

	// S9: somebody without Microsoft 365 is invited by address, sets a password, and signs in with it.
	admin.Go(d.url + "/setup/users/new")
	admin.Type("[name=email]", "bia@cliente.example")
	admin.Shot("09-new-user")
	admin.Click("#new-user-form button[name=invite]")
	admin.Wait(`location.pathname === "/setup/users"`)
	_, letter := d.lettersTo("bia@cliente.example", 1)
	bia := any.Stranger(pt)
	bia.Go(d.link(letter, "/invitation/"))
	bia.Wait(portuguese)
	bia.Shot("10-invitation")
	bia.Type("#join-form [name=first_name]", "Bia")
	const password = "quatro cavalos sem pressa 9"
	bia.Type("#join-form [name=password]", password)
	bia.Click("#f-terms")
	bia.Click("#join-form button[name=join]")
	bia.Wait(`location.pathname === "/"`)
	bia.Go(d.url + "/setup/account")
	bia.Shot("11-account")
	again := any.Stranger(pt)
	again.Go(d.url + "/signin")
	again.Shot("12-signin")
	again.Type("#signin-form [name=email]", "bia@cliente.example")
	again.Type("#signin-form [name=password]", password)
	again.Click("#signin-form button[name=signin]")
	again.Wait(`location.pathname === "/"`)

	// S6, S11: Rosa has an account at another organization already, and takes that one.
	contoso, err := accounts.OrganizationByTenant(t.Context(), d.m365.Tenant("contoso.example").ID)
	if err != nil {
		t.Fatal(err)
	}
	boss, err := accounts.UserByEmail(t.Context(), contoso.ID, "admin@contoso.example")
	if err != nil {
		t.Fatal(err)
	}
	registry := account.NewRegistry(accounts, time.Now)
	if _, err := registry.Invite(t.Context(), boss, []account.Invitee{{Email: "rosa@casa.example", Locale: "pt-BR"}}, account.Standard); err != nil {
		t.Fatal(err)
	}
	_, letter = d.lettersTo("rosa@casa.example", 1)
	home := any.Stranger(pt)
	home.Go(d.link(letter, "/invitation/"))
	home.Type("#join-form [name=password]", password)
	home.Click("#f-terms")
	home.Click("#join-form button[name=join]")
	home.Wait(`location.pathname === "/"`)
	rosa := any.Stranger(pt)
	rosa.Go(d.url + "/launch/microsoft365")
	atMicrosoft(rosa, "rosa@northwind.example")
	door(rosa, "welcome")
	rosa.Click("#launch-associate")
	rosa.Type("#associate-form [name=email]", "rosa@casa.example")
	rosa.Type("#associate-form [name=password]", password)
	rosa.Click("#associate-form button[name=go]")
	rosa.Wait(`document.querySelector("#associate-confirm")`)
	rosa.Shot("13-associate")
	if text := chrome.Eval[string](rosa, `document.querySelector("#associate").innerText`); !strings.Contains(text, "Contoso") || !strings.Contains(text, "Northwind") {
		t.Errorf("before confirming it does not say which organization is entered:\n%s", text)
	}
	rosa.Click("#associate-confirm button")
	rosa.Wait(`location.pathname === "/"`)
	if u, err := accounts.UserByIdentity(t.Context(), account.Identity{TenantID: tenant, ObjectID: d.m365.Person("rosa@northwind.example").ID}); err != nil || u.Org != contoso.ID {
		t.Errorf("Rosa's Microsoft account opens %+v, %v", u, err)
	}

	// S12: whoever was not invited asks to join; those who manage users are told, once.
	otavio := any.Stranger(pt)
	otavio.Go(d.url + "/launch/microsoft365")
	atMicrosoft(otavio, "otavio@northwind.example")
	door(otavio, "may_ask")
	otavio.Shot("14-may-ask")
	otavio.Click("#f-terms")
	otavio.Click("#launch-form button[name=go]")
	door(otavio, "waiting")
	otavio.Shot("15-waiting")
	otavio.Click("#launch-form button[name=go]")
	door(otavio, "waiting")
	_, letter = d.lettersTo("admin@northwind.example", 1)
	toUser := d.link(letter, "/setup/users/")

	// S13: the link leads to Users; who does not manage users is refused; Approve & Add lets in.
	marta.Go(toUser)
	marta.Wait(`document.querySelector("#error-title")`)
	marta.Shot("16-refused")
	if chrome.Eval[bool](marta, `document.body.innerText.includes("otavio@northwind.example")`) {
		t.Error("who does not manage users sees who asked")
	}
	admin.Go(toUser)
	admin.Shot("17-asked")
	admin.Click("#answer .approve button")
	admin.Wait(`document.querySelector("#user")?.dataset.state === "active"`)
	d.lettersTo("otavio@northwind.example", 1)
	d.lettersTo("marta@northwind.example", 1)

	// S3: a person who is known goes straight in.
	otavio.Go(d.sim + "/apps")
	otavio.Click("#tandem")
	otavio.Wait(`location.pathname === "/" && location.origin === "` + d.url + `"`)
	otavio.Shot("18-in")

	// Users: another profile, and the end, which is at once.
	admin.Wait(`document.querySelector("form.profile option[selected]")?.value === "Standard"`)
	chrome.Eval[bool](admin, `(document.querySelector("form.profile select").value = "Administrator", true)`)
	admin.Click(`form.profile button`)
	admin.Wait(`document.querySelector("form.profile option[selected]")?.value === "Administrator"`)
	admin.Click("a.deactivate")
	admin.Wait(`document.querySelector("#deactivate") && ` + portuguese)
	admin.Click("form.deactivate-now button")
	admin.Wait(`document.querySelector("#user")?.dataset.state === "deactivated"`)
	otavio.Go(d.url + "/contacts")
	otavio.Wait(`location.pathname === "/signin"`)

	admin.Go(d.url + "/setup/audit")
	admin.Wait(portuguese)
	for _, deed := range []string{"Organização instalada", "Convite enviado", "Entrada na organização", "Pedido de entrada", "Pedido aprovado", "Perfil do usuário alterado", "Usuário desativado"} {
		if !chrome.Eval[bool](admin, `[...document.querySelectorAll("#audit-list .deed")].some((e) => e.innerText === "`+deed+`")`) {
			t.Errorf("the audit trail does not say %q", deed)
		}
	}
	admin.Shot("19-audit")
	admin.Go(d.sim + "/outbox")
	admin.Shot("20-outbox")
	d.lettersTo("admin@northwind.example", 1) // no second wave came meanwhile
	d.noMails()
}
