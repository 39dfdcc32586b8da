package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/store"
)

// The people of the simulated tenant who have an account in the demo's organization from the start.
var demoPeople = []string{"admin", "adele", "alex", "diego", "grady", "isaiah", "lee", "megan", "nomailbox"}

// installedTenants are those whose organization is there from the start.
var installedTenants = []string{"contoso.example", "fabrikam.example"}

// DemoCredentials are those of the app registration that the simulator knows.
func DemoCredentials() (clientID string, secret account.Secret) {
	return m365sim.DemoClientID, m365sim.DemoClientSecret
}

// Seed makes the organizations of the simulated tenants, with their people, where they are missing.
func Seed(ctx context.Context, accounts account.Store, sim *m365sim.Sim, now time.Time) (err error) {
	defer fault.Wrap(&err, "app: make the demo's organizations")
	for _, tenant := range sim.Tenants() {
		if !slices.Contains(installedTenants, tenant.Domain) {
			continue // for trying the installation
		}
		if err := seedTenant(ctx, accounts, sim, tenant, now); err != nil {
			return err
		}
	}
	return nil
}

func seedTenant(ctx context.Context, accounts account.Store, sim *m365sim.Sim, tenant *m365sim.Tenant, now time.Time) error {
	org, err := accounts.OrganizationByTenant(ctx, tenant.ID)
	if fault.Is(err, fault.NotFound) {
		org, err = accounts.CreateOrganization(ctx, account.Organization{
			Name: tenant.Name, TenantID: tenant.ID, Edition: account.Enterprise, Zone: "America/Sao_Paulo", Locale: "pt-BR", Created: now,
		})
	}
	if err != nil {
		return err
	}
	for _, name := range demoPeople {
		person := sim.Person(name + "@" + tenant.Domain)
		if person == nil {
			continue
		}
		user := account.User{
			Org: org.ID, Email: person.UPN, FirstName: person.GivenName, LastName: person.Surname,
			Profile: account.Standard, State: account.Active, Zone: "America/Sao_Paulo", Created: now,
			Identity: account.Identity{TenantID: person.TenantID, ObjectID: person.ID}, Terms: now,
		}
		if strings.HasPrefix(person.UPN, "admin@") {
			user.Profile = account.SuperAdmin
		}
		if _, err := accounts.CreateUser(ctx, user); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}

// beginAnew makes running links build their containers afresh: the simulated mailboxes are as empty as on the first day
// each time the demo starts, and that is nobody's deletion. The CRM is whole, so everything goes out again.
func beginAnew(ctx context.Context, db *store.Store, now time.Time) (err error) {
	defer fault.Wrap(&err, "app: let the demo's links begin anew")
	ids, err := db.Links().Running(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		link, err := db.Ledger().Open(ctx, id, now.Add(demoLease), demoLease) // whoever had a lease died with the last demo
		if err != nil {
			return err
		}
		if err := db.Ledger().Forget(ctx, link); err != nil {
			return err
		}
		link.Container, link.ContainerName, link.Subscription, link.SubscriptionEnds = "", "", "", time.Time{}
		if err := db.Ledger().Close(ctx, link); err != nil {
			return err
		}
	}
	return db.Links().Wake(ctx, ids...)
}

// demoLease is longer than any lease of a demo that ended.
const demoLease = time.Hour
