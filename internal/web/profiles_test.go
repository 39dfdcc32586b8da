package web

import (
	"context"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// profileFields are what the editor sends for permissions.
func profileFields(was, name string, may account.Permissions) []string {
	out := []string{"was", was, "name", name}
	for _, a := range accesses {
		access := a.at(&may)
		for _, r := range reaches {
			out = append(out, a.name+"_"+r.name, string(*r.at(access)))
		}
		if out = append(out, a.name+"_create", "false"); access.Create {
			out = append(out, a.name+"_create", "true")
		}
	}
	for _, sw := range switches {
		if out = append(out, sw.name, "false"); *sw.at(&may) {
			out = append(out, sw.name, "true")
		}
	}
	return out
}

func (w *world) permissions(org account.Organization, name account.Profile) (account.Permissions, bool) {
	w.t.Helper()
	all, err := w.store.Accounts().Profiles(context.Background(), org.ID)
	w.must(err)
	for _, p := range all {
		if p.Name == name {
			return p.May, true
		}
	}
	return account.Permissions{}, false
}

// What the editor shows is what it stores, for every permission by itself.
func TestEveryPermissionIsStoredAndShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("admin@contoso.example")
	wants := map[string]account.Permissions{"nothing": {}, "everything": account.SuperAdmin.Permissions(), "like Standard": account.Standard.Permissions()}
	for i, sw := range switches {
		p := account.Permissions{Contacts: record.OwnOnly, Events: record.OwnOnly}
		*sw.at(&p) = true
		wants["switch "+string(rune('a'+i))] = p
	}
	for _, a := range accesses {
		p := account.Permissions{}
		*a.at(&p) = record.Access{View: record.Anyones, Edit: record.Own, Delete: record.Nobodys}
		wants["only "+a.name] = p
	}
	chosen := regexp.MustCompile(`(?s)<select id="f-(\w+)"[^>]*>(.*?)</select>`)
	for name, want := range wants {
		got := admin.post(profilesPath, profileFields("", name, want)...)
		if got.path != profilesPath || got.status != 200 {
			t.Fatalf("%s: %d at %s\n%s", name, got.status, got.path, got.text())
		}
		if have, ok := w.permissions(w.org, account.Profile(name)); !ok || have != want {
			t.Errorf("%s: stored %+v, expected %+v", name, have, want)
		}
		page := admin.get(profilePath(account.Profile(name))).body
		shown := map[string]string{}
		for _, m := range chosen.FindAllStringSubmatch(page, -1) {
			if one := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(m[2]); one != nil {
				shown[m[1]] = one[1]
			}
		}
		for _, a := range accesses {
			for _, r := range reaches {
				if at := a.name + "_" + r.name; shown[at] != string(*r.at(a.at(&want))) {
					t.Errorf("%s shows %s as %q", name, at, shown[at])
				}
			}
		}
		for _, sw := range switches {
			if strings.Contains(page, `id="f-`+sw.name+`" name="`+sw.name+`" value="true" checked`) != *sw.at(&want) {
				t.Errorf("%s shows %s wrongly", name, sw.name)
			}
		}
	}
}

func TestWithholdingASyncIsAskedFirstAndPausesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	for _, upn := range []string{"adele@contoso.example", "alex@contoso.example"} {
		_, err := w.store.Links().CreateLink(ctx, reconcile.Link{Org: w.org.ID, User: w.users[upn].ID, Kind: record.Calendar, State: reconcile.On})
		w.must(err)
	}
	_, err := w.store.Links().CreateLink(ctx, reconcile.Link{Org: w.org.ID, User: w.users["adele@contoso.example"].ID, Kind: record.Contacts, State: reconcile.On})
	w.must(err)
	states := func() (out []string) {
		for _, upn := range []string{"adele@contoso.example", "alex@contoso.example"} {
			links, err := w.store.Links().LinksOf(ctx, w.org.ID, w.users[upn].ID)
			w.must(err)
			for _, l := range links {
				out = append(out, string(l.Kind)+" "+string(l.State)+" "+string(l.Reason))
			}
		}
		slices.Sort(out)
		return out
	}
	admin := w.as("admin@contoso.example")
	may := account.Standard.Permissions()
	may.SyncCalendar = false
	form := profileFields("Standard", "Standard", may)

	ask := admin.post(profilesPath, form...)
	if ask.status != 200 || !strings.Contains(ask.text(), "This changes what 2 people may do") || !strings.Contains(ask.text(), "2 running syncs will pause") {
		t.Fatalf("not asked: %d\n%s", ask.status, ask.text())
	}
	if p, _ := w.permissions(w.org, "Standard"); !p.SyncCalendar || slices.Contains(states(), "calendar paused sync_withheld") {
		t.Fatal("it was done before the answer")
	}
	answer := html.UnescapeString(regexp.MustCompile(`name="answer" value="([^"]*)"`).FindStringSubmatch(ask.body)[1])

	more := may // a yes counts for what was shown only
	more.SyncContacts = false
	if got := admin.post(profilesPath, append(profileFields("Standard", "Standard", more), "answer", answer)...); !strings.Contains(got.text(), "3 running syncs will pause") {
		t.Errorf("a yes to something else: %d\n%s", got.status, got.text())
	}
	if got := admin.post(profilesPath, append(form, "answer", answer)...); got.path != profilesPath || !strings.Contains(got.body, `id="toast"`) {
		t.Fatalf("after the yes: %d at %s", got.status, got.path)
	}
	if got, want := states(), []string{"calendar paused sync_withheld", "calendar paused sync_withheld", "contacts on "}; !slices.Equal(got, want) {
		t.Errorf("links are %q, expected %q", got, want)
	}
	list := admin.get(usersPath)
	if n := strings.Count(list.body, `data-kind="calendar" data-state="withheld"`); n != 2 {
		t.Errorf("the list says of %d users that the calendar is withheld", n)
	}

	back := admin.post(profilesPath, profileFields("Standard", "Standard", account.Standard.Permissions())...)
	if !strings.Contains(back.text(), "2 syncs that were withheld can go on") {
		t.Fatalf("giving it back: %s", back.text())
	}
	answer = html.UnescapeString(regexp.MustCompile(`name="answer" value="([^"]*)"`).FindStringSubmatch(back.body)[1])
	admin.post(profilesPath, append(profileFields("Standard", "Standard", account.Standard.Permissions()), "answer", answer)...)
	if got, want := states(), []string{"calendar on ", "calendar on ", "contacts on "}; !slices.Equal(got, want) {
		t.Errorf("links are %q, expected %q", got, want)
	}
}

func TestProfilesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give("adele@contoso.example", account.Administrator)
	boss, adele := w.as("admin@contoso.example"), w.as("adele@contoso.example")
	own := account.Standard.Permissions()
	blind := own
	blind.Contacts = record.Access{View: record.Nobodys, Edit: record.Anyones}
	blind.SyncContacts = false
	half := own
	half.Events.Delete = record.Nobodys
	boss.post(profilesPath, profileFields("", "Vendas & Cia", own)...)
	for name, row := range map[string]struct {
		b      *browser
		form   []string
		status int
		words  string
	}{
		"taken":             {boss, profileFields("", "Vendas & Cia", own), 409, "refusal.profile_taken"},
		"built in":          {boss, profileFields("", "administrator", own), 409, "refusal.profile_taken"},
		"in Portuguese":     {boss, profileFields("", "padrão", own), 409, "refusal.profile_taken"},
		"renamed to it":     {boss, profileFields("Vendas & Cia", "Padrão", own), 409, "refusal.profile_taken"},
		"unseen":            {boss, profileFields("", "\u200b", own), 422, "profiles.name_wrong"},
		"nameless":          {boss, profileFields("", " ", own), 422, "profiles.name_wrong"},
		"more than seen":    {boss, profileFields("", "Blind", blind), 422, "profiles.more_than_seen"},
		"sync half allowed": {boss, profileFields("", "Half", half), 422, "profiles.sync_needs"},
		"one's own":         {adele, profileFields("Administrator", "Administrator", account.SuperAdmin.Permissions()), 403, "refusal.own_account"},
		"Super Admin":       {boss, profileFields("Super Admin", "Super Admin", account.SuperAdmin.Permissions()), 403, "refusal.profile_fixed"},
	} {
		if got := row.b.stay().post(profilesPath, row.form...); got.status != row.status || !strings.Contains(html.UnescapeString(got.text()), w.site.pages.words["en"].T(row.words)) {
			t.Errorf("%s: %d, expected %d\n%s", name, got.status, row.status, got.text())
		}
	}
	for _, name := range []account.Profile{"Blind", "Half"} {
		if _, ok := w.permissions(w.org, name); ok {
			t.Errorf("%s was made", name)
		}
	}
	w.says(t, boss.stay().post(profilesPath+"/delete", "name", "Standard"), 403, "refusal.profile_fixed")
	w.give("alex@contoso.example", "Vendas & Cia")
	w.says(t, boss.stay().post(profilesPath+"/delete", "name", "Vendas & Cia"), 409, "refusal.profile_in_use")
	w.give("alex@contoso.example", account.Standard)
	if got := boss.post(profilesPath+"/delete", "name", "Vendas & Cia"); got.path != profilesPath || got.status != 200 {
		t.Errorf("deleting: %d at %s", got.status, got.path)
	}
	if _, ok := w.permissions(w.org, "Vendas & Cia"); ok {
		t.Error("it was not deleted")
	}
}

func TestAProfileMayBeCalledAnything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("admin@contoso.example")
	for _, name := range []string{"new", "..", "a/b?c=d#e", `"><b>x</b>`, "Vendas %2F 100%"} {
		admin.post(profilesPath, profileFields("", name, account.Standard.Permissions())...)
		path := regexp.MustCompile(`data-name="` + regexp.QuoteMeta(html.EscapeString(name)) + `"><td role="cell"><a class="cover" href="([^"]+)"`).FindStringSubmatch(admin.get(profilesPath).body)
		if path == nil {
			t.Errorf("%q is not in the list", name)
			continue
		}
		got := admin.get(html.UnescapeString(path[1]))
		if got.status != 200 || !strings.Contains(got.body, `<input type="hidden" name="was" value="`) || strings.Contains(got.body, "<b>x") {
			t.Errorf("%q: %d", name, got.status)
		}
		if got := admin.stay().post(profilesPath+"/delete", "name", name); got.status != 303 {
			t.Errorf("deleting %q: %d", name, got.status)
		}
	}
}

func TestProfilesOfAnotherOrganizationAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.as("admin@contoso.example").post(profilesPath, profileFields("", "Vendas", account.Standard.Permissions())...)
	stranger := w.as("admin@fabrikam.example")
	for _, got := range []answer{
		stranger.get(profilePath("Vendas")), stranger.stay().post(profilesPath+"/delete", "name", "Vendas"),
		stranger.stay().post(profilesPath, profileFields("Vendas", "Taken", account.Permissions{})...),
	} {
		if got.status != 404 {
			t.Errorf("%s: %d", got.path, got.status)
		}
	}
	if _, ok := w.permissions(w.org, "Vendas"); !ok {
		t.Error("a stranger changed it")
	}
}
