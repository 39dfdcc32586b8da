package app_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/app"
	"tandem/internal/credential"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/pgtest"
)

// TestFF12FF17_RotationUnderLoad: twenty people's tokens end at once, again and again, each refresh token counts once, and two processes
// of ten goroutines a person want new ones at the same moment. Each person's token is refreshed once, and never lost.
func TestFF12FF17_RotationUnderLoad(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "tandem.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const people, rounds, callers = 20, 3, 10
			d, stop := startDemoAt(t, url(t))
			defer stop()
			d.m365.SetRotateStrictly(true)
			accounts := d.app.Store.Accounts()
			org := d.client("adele").user().Org
			var users []account.User
			for i := range people {
				p := d.m365.AddPerson("contoso.example", fmt.Sprint("rotating", i), "Person", fmt.Sprint(i), nil)
				u, err := accounts.CreateUser(t.Context(), account.User{Org: org, Email: p.UPN, State: account.Active, Profile: account.Standard})
				if err != nil {
					t.Fatal(err)
				}
				if err := accounts.SaveGrant(t.Context(), grantOf(d, u, p.UPN)); err != nil {
					t.Fatal(err)
				}
				users = append(users, u)
			}
			var ahead atomic.Int64
			now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			processes := []*graph.Tokens{d.tokens(accounts, now), d.tokens(accounts, now)}
			for round := range rounds {
				before := d.m365.Requests().Tokens
				got := make([]sync.Map, people) // tokens of this round, by person
				var all sync.WaitGroup
				for i, u := range users {
					for n := range callers {
						all.Go(func() {
							token, err := processes[n%2].For(u.Org, u.ID, "contoso.example").Token(t.Context(), "")
							if err != nil {
								t.Errorf("round %d, person %d: %v", round, i, err)
							}
							got[i].Store(token, true)
						})
					}
				}
				all.Wait()
				if n := d.m365.Requests().Tokens - before; n != people {
					t.Errorf("round %d: %d refreshes for %d people", round, n, people)
				}
				for i := range got {
					n := 0
					got[i].Range(func(any, any) bool { n++; return true })
					if n != 1 {
						t.Errorf("round %d: person %d has %d tokens", round, i, n)
					}
				}
				ahead.Add(int64(2 * time.Hour))
			}
			for _, u := range users {
				if g, err := accounts.Grant(t.Context(), u.Org, u.ID); err != nil || g.Broken {
					t.Errorf("the grant of user %d: %v, broken %v", u.ID, err, g.Broken)
				}
			}
		})
	}
}

func grantOf(d *demo, u account.User, upn string) account.Grant {
	id, _ := app.DemoCredentials()
	scopes := []string{"openid", "offline_access", "Contacts.ReadWrite"}
	return account.Grant{Org: u.Org, User: u.ID, Scopes: scopes, Refresh: account.Secret(d.m365.IssueRefreshToken(upn, id, scopes...))}
}

func (d *demo) tokens(grants graph.Grants, now func() time.Time) *graph.Tokens {
	id, secret := app.DemoCredentials()
	return graph.NewTokens(graph.TokenOptions{Authority: d.sim, ClientID: id, Credential: credential.Secret(secret), Now: now}, grants)
}

// dying are grants of a process that dies after Entra has answered and before the answer is stored.
type dying struct{ graph.Grants }

func (dying) RefreshGrant(context.Context, account.Grant, time.Time) (bool, error) {
	return false, errors.New("the process died")
}

// TestFF12_DeathBetweenRefreshAndStore: where Entra counts a refresh token once, the answer that nobody stored is lost for good. The next
// process takes the refresh up when the claim ends, and the person is asked to reconnect; where the old one is still good, nobody notices.
func TestFF12_DeathBetweenRefreshAndStore(t *testing.T) {
	t.Parallel()
	for _, strictly := range []bool{true, false} {
		t.Run(fmt.Sprint("once only ", strictly), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele := d.client("adele")
			adele.insert("Contacts", doc{"Last_Name": "Silva"})
			adele.switchOn("contacts")
			d.atRest()
			d.m365.SetRotateStrictly(strictly)
			u, accounts := adele.user(), d.app.Store.Accounts()
			d.endAccess()
			if _, err := d.tokens(dying{accounts}, time.Now).For(u.Org, u.ID, "").Token(t.Context(), ""); err == nil {
				t.Fatal("a token that is not stored was given")
			}
			// The claim of the dead process ends after half a minute.
			later := func() time.Time { return time.Now().Add(time.Minute) }
			_, err := d.tokens(accounts, later).For(u.Org, u.ID, "").Token(t.Context(), "")
			if strictly != (fault.ReasonOf(err) == fault.ReconnectNeeded) || !strictly && err != nil {
				t.Fatalf("the next process: %v", err)
			}
			d.wake(adele, "contacts")
			if !strictly {
				d.atRest()
				if l := adele.link("contacts"); l["state"] != "on" {
					t.Errorf("the link is %v", l)
				}
				return
			}
			d.eventually("the person is asked to reconnect", func() bool {
				l := d.storedLink(adele, record.Contacts)
				return l.State == reconcile.Paused && l.Reason == fault.ReconnectNeeded
			})
		})
	}
}

// endAccess lets all access tokens count as expired.
func (d *demo) endAccess() {
	d.t.Helper()
	if _, err := d.app.Store.SQLite().Exec(`UPDATE grants SET expires = 0`); err != nil {
		d.t.Fatal(err)
	}
}

func (d *demo) storedLink(c *client, kind record.Kind) reconcile.Link {
	d.t.Helper()
	u := c.user()
	links, err := d.app.Store.Links().LinksOf(context.Background(), u.Org, u.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, l := range links {
		if l.Kind == kind {
			return l
		}
	}
	d.t.Fatalf("no link of %s", kind)
	return reconcile.Link{}
}

// TestFF6_AnExpiredClientSecretDisconnectsNobody (AADSTS7000222): syncs say that Tandem's registration is at fault, all else goes on, and
// once the secret is replaced everything that waited crosses, without anybody doing anything.
func TestFF6_AnExpiredClientSecretDisconnectsNobody(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("contacts")
	d.eventually("it is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
	d.atRest()
	clientID, _ := app.DemoCredentials()
	secret := func(expired bool) { d.m365.EditApp(clientID, func(a *m365sim.App) { a.SecretExpired = expired }) }

	secret(true)
	d.endAccess()
	adele.call("PUT", "/crm/v8/Contacts/"+id, doc{"data": []doc{{"Department": "Compras"}}}, 200)
	d.eventually("the link says whose fault it is", func() bool {
		l := d.storedLink(adele, record.Contacts)
		return l.State == reconcile.On && l.Reason == fault.AppMisconfigured && l.LastError != ""
	})
	if g, err := d.app.Store.Accounts().Grant(t.Context(), adele.user().Org, adele.user().ID); err != nil || g.Broken {
		t.Errorf("the person's grant: %v, broken %v", err, g.Broken)
	}
	if got := adele.get("Contacts", id); got["Department"] != "Compras" {
		t.Errorf("the CRM: %v", got["Department"])
	}

	secret(false)
	d.eventually("what waited is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"]["department"] == "Compras" })
	d.atRest()
	if l := d.storedLink(adele, record.Contacts); l.State != reconcile.On || l.Reason != "" || l.LastError != "" {
		t.Errorf("afterwards the link is %s %q %q", l.State, l.Reason, l.LastError)
	}
}
