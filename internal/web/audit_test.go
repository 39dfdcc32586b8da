package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
)

func (w *world) note(entries ...account.Entry) {
	w.t.Helper()
	w.must(w.store.Accounts().Within(context.Background(), w.org.ID, func(tx account.Tx) error {
		for _, e := range entries {
			if e.At.IsZero() {
				e.At = w.now()
			}
			if err := tx.Note(e); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Every action has words in both languages, and the actions are those that the constants name.
func TestEveryActionOfTheTrailHasWords(t *testing.T) {
	t.Parallel()
	for lang, w := range loadWords() {
		said := map[string]account.Action{}
		for _, a := range account.Actions {
			key := "audit.action." + string(a)
			text := w.T(key)
			if text == key || text == "" {
				t.Errorf("%s has no words for %s", lang, a)
			}
			if before, twice := said[text]; twice {
				t.Errorf("%s says %q of %s and of %s", lang, text, a, before)
			}
			said[text] = a
		}
	}
}

func TestTheTrailSaysWhoDidWhatToWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("admin@contoso.example")
	admin.post("/setup/users/new", "email", "nina@elsewhere.example", "first", "Nina", "profile", "Standard")
	alex, adele := w.users["alex@contoso.example"], w.users["adele@contoso.example"]
	admin.post(userPath(alex.ID)+"/profile", "profile", "Administrator")
	row := func(page answer, action account.Action) string {
		for _, r := range regexp.MustCompile(`(?s)<tr role="row" data-id=.*?</tr>`).FindAllString(page.body, -1) {
			if strings.Contains(r, ">"+w.site.pages.words["en"].T("audit.action."+string(action))+"<") {
				return r
			}
		}
		return ""
	}
	page := admin.get(auditPath)
	for action, wants := range map[account.Action][]string{
		account.UserInvited:    {w.users["admin@contoso.example"].Name(), "Nina", "nina@elsewhere.example", "Profile: Standard"},
		account.ProfileChanged: {w.users["admin@contoso.example"].Name(), alex.Name(), "Before: Standard", "Now: Administrator"},
	} {
		for _, want := range wants {
			if got := row(page, action); !strings.Contains(got, want) {
				t.Errorf("the row of %s does not say %q: %s", action, want, got)
			}
		}
	}
	if got := admin.get(auditPath + "?person=" + alex.ID.String()); row(got, account.ProfileChanged) == "" || row(got, account.UserInvited) != "" {
		t.Errorf("about Alex: %s", got.text())
	}
	if got := admin.get(auditPath + "?action=invited"); row(got, account.ProfileChanged) != "" || row(got, account.UserInvited) == "" {
		t.Errorf("invitations: %s", got.text())
	}
	if got := admin.get(auditPath + "?action=invited&person=" + adele.ID.String()); strings.Contains(got.body, `<tr role="row" data-id=`) {
		t.Errorf("invitations about Adele: %s", got.text())
	}
	if got := w.as("admin@fabrikam.example").get(auditPath); strings.Contains(got.body, "Nina") || strings.Contains(got.body, alex.Name()) {
		t.Error("another organization sees the trail")
	}
}

func TestTheTrailIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.users["admin@contoso.example"]
	for i := range 130 {
		action := account.SessionsEnded
		if i%2 == 0 {
			action = account.TokenCreated
		}
		w.note(account.Entry{Actor: admin.ID, Subject: admin.ID, Action: action, Detail: map[string]string{"name": fmt.Sprintf("n%03d", i)}})
	}
	for query, want := range map[string]int{"?action=": 130, "?action=token_created": 65} {
		b := w.as(admin.Email)
		seen, path := []string{}, auditPath+query
		for path != "" {
			page := b.get(path)
			found := regexp.MustCompile(`n\d{3}`).FindAllString(page.text(), -1)
			if len(found) > pageSize {
				t.Errorf("a page of %d", len(found))
			}
			seen, path = append(seen, found...), ""
			if m := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(page.body); m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		sorted := slices.Clone(seen)
		slices.Sort(sorted)
		slices.Reverse(sorted)
		if len(slices.Compact(slices.Clone(sorted))) != want || !slices.Equal(sorted, seen) {
			t.Errorf("%s: %d entries, expected %d, latest first", query, len(seen), want)
		}
	}
}

func TestTheTrailIsExported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.users["admin@contoso.example"]
	evil := w.invite(account.Invitee{Email: "evil@elsewhere.example", FirstName: `=HYPERLINK("https://evil.example","x")`, LastName: "\"a\",\nb"})
	at := time.Date(2026, 3, 1, 23, 30, 0, 0, time.FixedZone("", -3*3600))
	w.note(account.Entry{At: at, Actor: evil.ID, Subject: admin.ID, Action: account.ProfileSaved, Detail: map[string]string{"profile": "@SUM(A1)", "from": "x"}})
	var many []account.Entry
	for range 2100 { // more than are read at a time
		many = append(many, account.Entry{Actor: admin.ID, Action: account.SessionsEnded})
	}
	w.note(many...)
	for _, name := range []string{"=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1"} {
		if got := defused(name); got != "'"+name {
			t.Errorf("%q is left as %q", name, got)
		}
	}
	if got := defused("Ana =1"); got != "Ana =1" {
		t.Errorf("a harmless cell became %q", got)
	}

	b := w.as(admin.Email)
	got := b.get("/setup/audit.csv")
	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") || !strings.Contains(got.header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("%d %v", got.status, got.header)
	}
	text, marked := strings.CutPrefix(got.body, "\uFEFF")
	if !marked {
		t.Error("it does not begin with the mark of UTF-8")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.store.Accounts().Audit(context.Background(), w.org.ID, 0, 5000)
	w.must(err)
	if len(rows) != len(all)+1 || len(all) < 2100 {
		t.Fatalf("%d rows for %d entries", len(rows), len(all))
	}
	found := false
	for _, r := range rows[1:] {
		when, err := time.Parse(time.RFC3339, r[0])
		if err != nil || !strings.HasSuffix(r[0], "Z") {
			t.Fatalf("time %q: %v", r[0], err)
		}
		for i, cell := range r {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("cell %d is taken for a formula: %q", i, cell)
			}
		}
		if when.Equal(at) {
			found = true
			if want := []string{"'=HYPERLINK(\"https://evil.example\",\"x\") \"a\", b", "evil@elsewhere.example", "profile_saved", "Profile saved", admin.Name(), admin.Email, "from=x; profile=@SUM(A1)"}; !slices.Equal(r[1:], want) {
				t.Errorf("the row is %q, expected %q", r[1:], want)
			}
		}
	}
	if !found {
		t.Error("an entry is not exported")
	}
	if got := w.as("adele@contoso.example").get("/setup/audit.csv"); got.status != 403 {
		t.Errorf("to a Standard user: %d", got.status)
	}
}
