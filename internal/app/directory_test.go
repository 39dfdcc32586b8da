package app_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/record"
	"tandem/internal/testkit/browse"
)

// The directory of a company of a hundred thousand, through the pages, a real Graph client and the simulator: nothing
// before it is allowed, then found by what is typed, picked, invited.
func TestS8_InvitingFromADirectoryOfAHundredThousand(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.m365.Crowd("contoso.example", 100_000)
	chosen := d.m365.Person("person99999@contoso.example")
	ctx, b := context.Background(), browse.New()
	page, err := b.Get(ctx, d.url+"/signin/microsoft?next=/setup/users/directory")
	step := func(what string, next *browse.Page, e error) {
		t.Helper()
		if page = next; e != nil {
			t.Fatalf("%s: %v", what, e)
		}
	}
	step("come", page, err)
	page, err = b.Submit(ctx, page, "Sign in", map[string]string{"username": "admin@contoso.example"})
	step("sign in", page, err)
	if strings.HasPrefix(page.URL.String(), d.sim) {
		page, err = b.Submit(ctx, page, "Accept", nil)
		step("consent", page, err)
	}
	if page.URL.Path != "/setup/users/directory" || !strings.Contains(page.Text, "may not look into") {
		t.Fatalf("before it is allowed: %s\n%s", page.URL, page.Text)
	}
	page, err = b.Follow(ctx, page, "Allow at Microsoft")
	step("allow", page, err)
	if strings.Contains(page.Text, "Sign in") && strings.HasPrefix(page.URL.String(), d.sim) {
		page, err = b.Submit(ctx, page, "Sign in", map[string]string{"username": "admin@contoso.example"})
		step("sign in again", page, err)
	}
	if strings.HasPrefix(page.URL.String(), d.sim) {
		page, err = b.Submit(ctx, page, "Accept", nil)
		step("consent to the directory", page, err)
	}
	if page.URL.Path != "/setup/users/directory" || !strings.Contains(page.Text, "@contoso.example") {
		t.Fatalf("allowed: %s\n%.500s", page.URL, page.Text)
	}
	page, err = b.Get(ctx, d.url+"/setup/users/directory?q=Gerda")
	step("search a guest, who comes from another tenant", page, err)
	if strings.Contains(page.Text, "partner.example") {
		t.Errorf("a guest is offered: %.500s", page.Text)
	}
	for _, typed := range []string{"o'hara", `"a\b`, "50%_+&#?/$filter=1", "João 🙂", "a\x00\r\n\xffz", strings.Repeat("ã", 3000), "   ", "') or startswith(mail,'a"} {
		page, err = b.Get(ctx, d.url+"/setup/users/directory?q="+url.QueryEscape(typed))
		step("search for odd letters", page, err)
		if none := strings.Contains(page.Text, "Nobody"); page.Status != 200 || none != (strings.TrimSpace(typed) != "") {
			t.Errorf("%.40q: %d, nobody is found: %v\n%.400s", typed, page.Status, none, page.Text)
		}
	}
	page, err = b.Get(ctx, d.url+"/setup/users/directory?q="+strings.SplitN(chosen.UPN, "@", 2)[0])
	step("search", page, err)
	if !strings.Contains(page.Text, chosen.UPN) {
		t.Fatalf("not found: %.500s", page.Text)
	}
	page, err = b.Submit(ctx, page, "Save", map[string]string{"person": chosen.ID, "profile": "Standard"})
	step("invite", page, err)
	if page.URL.Path != "/setup/users" || !strings.Contains(page.Text, "One invitation is on its way") {
		t.Fatalf("%s\n%.600s", page.URL, page.Text)
	}
	users, err := d.app.Store.Accounts().UsersByEmail(ctx, chosen.UPN)
	if err != nil || len(users) != 1 || users[0].State != account.Invited || users[0].Identity.ObjectID != chosen.ID {
		t.Fatalf("%+v, %v", users, err)
	}
	d.eventually("the letter is sent", func() bool {
		letters, err := d.app.Store.Accounts().Letters(ctx, users[0].Org, []record.ID{users[0].ID})
		return err == nil && letters[users[0].ID].State == account.LetterSent
	})
}
