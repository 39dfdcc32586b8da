package web

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/internal/account"
)

// persons are those who try every route. Adele owns the records in the examples; Alex is the user in them.
var persons = []struct {
	name string
	come func(t *testing.T, w *world) *browser
}{
	{"nobody", func(_ *testing.T, w *world) *browser { return w.browser() }},
	{"owner", func(_ *testing.T, w *world) *browser { return w.as(someone) }},
	{"colleague", func(_ *testing.T, w *world) *browser {
		w.user(w.org, "grady@contoso.example", account.Standard)
		return w.as("grady@contoso.example")
	}},
	{"allbutusers", func(_ *testing.T, w *world) *browser { // everything but Manage Users
		w.user(w.org, "megan@contoso.example", account.Standard)
		w.profile("megan@contoso.example", func(p *account.Permissions) {
			*p = account.SuperAdmin.Permissions()
			p.ManageUsers = false
		})
		return w.as("megan@contoso.example")
	}},
	{"manager", func(_ *testing.T, w *world) *browser { return w.as("admin@contoso.example") }},
	{"stranger", func(_ *testing.T, w *world) *browser { return w.as("admin@fabrikam.example") }},
	{"deactivated", func(t *testing.T, w *world) *browser {
		w.user(w.org, "lee@contoso.example", account.Standard)
		b := w.as("lee@contoso.example")
		w.must(w.site.Registry.Deactivate(t.Context(), w.users["admin@contoso.example"], w.users["lee@contoso.example"].ID, 0))
		return b
	}},
}

var update = flag.Bool("update", false, "write what everybody is answered into testdata")

const personsFile = "testdata/persons.golden"

// numbers are ids, which differ from run to run.
var numbers = regexp.MustCompile(`[0-9]{6,}|[A-Za-z0-9_-]{60,}`)

// TestS4_PersonsAndRoutes tries every page and form as everybody whom it may concern. What each is answered stands in
// the golden file, line by line: renew it with -update, and read the difference as carefully as code.
func TestS4_PersonsAndRoutes(t *testing.T) {
	t.Parallel()
	lines := map[string][]string{}
	var order []string
	for _, p := range persons {
		w := newWorld(t)
		b := p.come(t, w)
		addresses := examples(w)
		routes := slices.DeleteFunc(w.site.routes(), func(r route) bool { return r.pattern == "GET /live" })
		slices.SortStableFunc(routes, func(a, b route) int { return weight(a.pattern) - weight(b.pattern) })
		order = order[:0]
		for _, rt := range routes {
			got := b.walk(rt.pattern, addresses[rt.pattern])
			to, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(got.header.Get("Location"), w.url), w.site.Settings.Authority), "?")
			lines[rt.pattern] = append(lines[rt.pattern], fmt.Sprintf("%s=%s", p.name, strings.TrimSpace(fmt.Sprint(got.status, " ", numbers.ReplaceAllString(to, "N")))))
			order = append(order, rt.pattern)
			if got.status >= 500 {
				t.Errorf("%s as %s: %d", rt.pattern, p.name, got.status)
			}
		}
		if p.name != "manager" {
			w.sameUsers(p.name)
		}
	}
	slices.Sort(order)
	var out strings.Builder
	for _, pattern := range order {
		fmt.Fprintf(&out, "%s\n\t%s\n", pattern, strings.Join(lines[pattern], "\n\t"))
	}
	if *update {
		if err := os.WriteFile(personsFile, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(personsFile)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		for i, line := range strings.Split(out.String(), "\n") {
			if before := strings.Split(string(want), "\n"); i >= len(before) || before[i] != line {
				t.Fatalf("line %d of %s is now %q; run with -update and read the difference", i+1, personsFile, line)
			}
		}
		t.Fatalf("%s has more lines than there are now", personsFile)
	}
}

// weight puts what ends the walk at the end.
func weight(pattern string) int {
	switch {
	case pattern == "POST /signout" || strings.Contains(pattern, "/sessions"):
		return 3
	case strings.HasSuffix(pattern, "/delete"):
		return 2
	case strings.HasPrefix(pattern, "POST"):
		return 1
	}
	return 0
}

// sameUsers checks that the user in the examples is as before.
func (w *world) sameUsers(person string) {
	w.t.Helper()
	alex := w.users[colleague]
	u, err := w.store.Accounts().User(context.Background(), alex.Org, alex.ID)
	w.must(err)
	if u.State != account.Active || u.Profile != account.Standard {
		w.t.Errorf("after %s tried everything Alex is %s with profile %s", person, u.State, u.Profile)
	}
}
