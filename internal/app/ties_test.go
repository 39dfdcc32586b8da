package app_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"tandem/internal/account"
)

// arrival is a person of Contoso at the door.
func (d *demo) arrival(name string) account.Arrival {
	d.t.Helper()
	_, me := d.as(name).Get("/me")
	return account.Arrival{
		Identity: account.Identity{TenantID: d.m365.Tenant("contoso.example").ID, ObjectID: me["id"].(string)},
		Username: name + "@contoso.example", Email: name + "@contoso.example",
	}
}

// untie takes the Microsoft person off an account, which opens with a password too.
func (c *client) untie() {
	c.t.Helper()
	registry, _ := c.registry()
	u := c.user()
	if err := c.app.Store.Accounts().Within(context.Background(), u.Org, func(tx account.Tx) error {
		return tx.SetPassword(u.ID, "a hash")
	}); err != nil {
		c.t.Fatal(err)
	}
	if err := registry.Dissociate(context.Background(), u); err != nil {
		c.t.Fatal(err)
	}
}

// tie makes a Microsoft person open the account, and gives the script the hands of that person in Outlook.
func (c *client) tie(name string) *client {
	c.t.Helper()
	registry, _ := c.registry()
	u := c.user()
	proof, err := registry.Prove(context.Background(), u)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := registry.Associate(context.Background(), c.arrival(name), u.Org, u.ID, proof); err != nil {
		c.t.Fatal(err)
	}
	return &client{demo: c.demo, name: name, token: c.token}
}

// connect allows at Microsoft what a kind needs, as the person whose hands these are; that also switches the kind on.
func (c *client) connect(kind string) {
	c.t.Helper()
	told := c.call("POST", "/api/v1/links", doc{"kind": kind}, 409)
	if told["code"] != "CONSENT_REQUIRED" {
		c.t.Fatalf("switch on %s: %v", kind, told)
	}
	c.consent(told["url"].(string))
}

// hand are the versions of the items in the dedicated container, by a property.
func (c *client) hand(kind, property string) map[string]any {
	out := map[string]any{}
	for name, item := range c.items(kind, property) {
		out[name] = item["changeKey"]
	}
	return out
}

// An account may be opened by one Microsoft person today and by another tomorrow. What lies in the mailbox of the one says
// nothing about the other's: nothing is deleted for want of being there, nothing is doubled, nothing is touched that is
// somebody else's.
func TestS6_AnotherPersonsMailboxIsNotTakenForTheFormer(t *testing.T) {
	t.Parallel()
	for _, m := range []struct {
		kind, module, field, property, collection string
		make                                      func(name string) doc
	}{
		{"contacts", "Contacts", "Last_Name", "surname", "/contacts", func(name string) doc { return doc{"Last_Name": name} }},
		{"calendar", "Events", "Event_Title", "subject", "/events", func(name string) doc {
			return doc{"Event_Title": name, "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T10:00:00-03:00"}
		}},
	} {
		for _, rest := range []bool{true, false} {
			t.Run(fmt.Sprint(m.kind, " noticed ", rest), func(t *testing.T) {
				t.Parallel()
				d := startDemo(t)
				adele := d.client("adele")
				adele.insert(m.module, m.make("One"))
				adele.switchOn(m.kind)
				var stranger *client
				all := func(c *client) []string {
					return slices.Sorted(maps.Keys(c.items(m.kind, m.property)))
				}
				records := func() []string { return slices.Sorted(maps.Keys(adele.list(m.module, m.field))) }
				check := func(when string, c *client, want ...string) {
					t.Helper()
					d.eventually(fmt.Sprint(when, ": ", want, " in the mailbox"), func() bool {
						l := c.link(m.kind)
						return slices.Equal(all(c), want) && l != nil && l["state"] == "on" && l["synced"] == float64(len(want))
					})
					if got := records(); !slices.Equal(got, want) {
						t.Fatalf("%s: the CRM has %v, want %v", when, got, want)
					}
				}
				untie := func() {
					t.Helper()
					adele.untie()
					if !rest {
						return
					}
					id := adele.link(m.kind)["id"].(string)
					adele.call("POST", "/api/v1/links/"+id+"/run", nil, 202)
					d.eventually("the sync stands still", func() bool { l := adele.link(m.kind); return l == nil || l["state"] == "paused" })
				}
				check("at first", adele, "One")

				untie()
				before := adele.hand(m.kind, m.property)
				stranger = adele.tie("person001")
				stranger.connect(m.kind)
				check("with the other", stranger, "One")
				adele.insert(m.module, m.make("Two"))
				check("with the other", stranger, "One", "Two")
				if after := adele.hand(m.kind, m.property); !maps.Equal(before, after) {
					t.Errorf("in the mailbox of Adele: %v, before %v", after, before)
				}

				untie()
				before = stranger.hand(m.kind, m.property)
				adele.tie("adele")
				adele.connect(m.kind)
				check("with Adele again", adele, "One", "Two")
				adele.insert(m.module, m.make("Three"))
				check("with Adele again", adele, "One", "Three", "Two")
				if after := stranger.hand(m.kind, m.property); !maps.Equal(before, after) {
					t.Errorf("in the mailbox of the other: %v, before %v", after, before)
				}

				untie()
				stranger = adele.tie("person001")
				stranger.connect(m.kind)
				check("with the other again", stranger, "One", "Three", "Two")
				d.noMails()
			})
		}
	}
}
