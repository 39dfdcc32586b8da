package outlook

import (
	"strings"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/graph"
)

func basic(r *rig) *graph.Mailbox {
	return r.client.For(graph.Static(r.sim.IssueToken(adele, "User.Read", "User.ReadBasic.All")), r.sim.Person(adele).ID)
}

func TestS8_DirectoryIsReadAPageAtATime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := r.sim.Crowd("contoso.example", 300)
	box, seen, link, pages := basic(r), map[string]bool{}, "", 0
	for {
		before := r.trips.Load()
		people, next, err := PeoplePage(t.Context(), box, false, "", link)
		if err != nil {
			t.Fatal(err)
		}
		if trips := r.trips.Load() - before; trips != 1 || len(people) > 40 {
			t.Fatalf("a page of %d people took %d round trips", len(people), trips)
		}
		for _, p := range people {
			if seen[p.ID] {
				t.Fatalf("%s came twice", p.UserPrincipalName)
			}
			seen[p.ID] = true
		}
		if pages++; next == "" {
			break
		}
		link = next
	}
	if len(seen) != all || pages != (all+39)/40 {
		t.Errorf("%d of %d people on %d pages", len(seen), all, pages)
	}
}

// A directory of a hundred thousand: what is typed is answered in one round trip, the last page too.
func TestS8_SearchInADirectoryOfAHundredThousand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.Crowd("contoso.example", 100_000)
	for _, begins := range []string{"ade", "ADELE@", "o'", "nobody is called like this"} {
		before := r.trips.Load()
		people, _, err := PeoplePage(t.Context(), basic(r), false, begins, "")
		if err != nil || r.trips.Load()-before != 1 {
			t.Fatalf("%q: %v", begins, err)
		}
		for _, p := range people {
			fits := false
			for _, text := range []string{p.DisplayName, p.GivenName, p.Surname, p.Mail, p.UserPrincipalName} {
				fits = fits || strings.HasPrefix(strings.ToLower(text), strings.ToLower(begins))
			}
			if !fits {
				t.Errorf("%q found %+v", begins, p)
			}
		}
		if strings.EqualFold(begins, "adele@") && (len(people) == 0 || people[0].Mail != adele) {
			t.Errorf("%q found %d people", begins, len(people))
		}
	}
}

func TestS8_PeopleAreFoundByObjectIDOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alex, stranger := r.sim.Person("alex@contoso.example"), r.sim.Person("admin@fabrikam.example")
	ids := []string{alex.ID, stranger.ID, "11111111-2222-3333-4444-555555555555", "alex@contoso.example", "../me", ""}
	people, err := PeopleByID(t.Context(), basic(r), false, ids)
	if err != nil || len(people) != 1 || people[0].ID != alex.ID || people[0].Mail != alex.Mail {
		t.Fatalf("%+v, %v", people, err)
	}
	var many []string
	for _, p := range r.sim.Tenant("contoso.example").People()[:50] {
		many = append(many, p.ID)
	}
	before := r.trips.Load()
	if people, err = PeopleByID(t.Context(), basic(r), false, many); err != nil || len(people) != 50 || r.trips.Load()-before != 1 {
		t.Errorf("%d people in %d round trips, %v", len(people), r.trips.Load()-before, err)
	}
}

func TestS8_DirectoryNeedsItsPermission(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	no := r.client.For(graph.Static(r.sim.IssueToken(adele, "User.Read")), r.sim.Person(adele).ID)
	if _, _, err := PeoplePage(t.Context(), no, false, "", ""); !fault.Is(err, fault.Denied) {
		t.Errorf("a page without permission: %v", err)
	}
	if _, err := PeopleByID(t.Context(), no, false, []string{r.sim.Person("alex@contoso.example").ID}); !fault.Is(err, fault.Denied) {
		t.Errorf("a person without permission: %v", err)
	}
	if _, _, err := PeoplePage(t.Context(), basic(r), true, "", ""); !fault.Is(err, fault.Denied) {
		t.Errorf("more than the permission opens: %v", err)
	}
	if _, _, err := PeoplePage(t.Context(), basic(r), false, "", "https://elsewhere.example/v1.0/users?$skiptoken=x"); err == nil {
		t.Error("a link that leads away was followed")
	}
}
