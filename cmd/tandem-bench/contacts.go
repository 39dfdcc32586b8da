package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// meter measures what a run costs: requests, time, the greatest memory.
type meter struct {
	trips int
	start time.Time
}

func (b *bench) meter(ctx context.Context) (meter, error) {
	trips, err := b.roundTrips(ctx)
	resetPeak()
	return meter{trips, time.Now()}, err
}

func (b *bench) measured(ctx context.Context, key string, items int, m meter) error {
	took, peak := time.Since(m.start), peakMiB()
	trips, err := b.roundTrips(ctx)
	b.add(key, "items", float64(items))
	b.add(key, "round_trips", float64(trips-m.trips))
	b.add(key, "seconds", took.Seconds())
	b.add(key, "peak_mib", peak)
	return err
}

// reunion measures contacts whose folder holds as many already, of which half are the CRM's: a sync that is switched on again
// where the folder was left. Half are recognized, and each side gets what only the other has.
func (b *bench) reunion(ctx context.Context) error {
	const key = "first_sync_contacts_half_known"
	n := b.n(10_000) / 2 * 2
	user, as := b.users["admin"], b.person("admin")
	link, err := b.link(ctx, user, record.Contacts)
	if err != nil {
		return err
	}
	if err := b.app.Runner.Run(ctx, link.ID); err != nil { // makes the folder
		return err
	}
	if link, err = b.app.Store.Links().Link(ctx, user.Org, link.ID); err != nil {
		return err
	}
	if err := b.fill(ctx, as, link.Container, n); err != nil {
		return err
	}
	if err := b.insert(ctx, user, record.Contacts, n, func(i int) record.Fields { return contactFields(i + n/2) }); err != nil {
		return err
	}
	if err := b.forget(ctx, link.ID); err != nil {
		return err
	}
	m, err := b.meter(ctx)
	if err != nil {
		return err
	}
	if err := b.app.Runner.Run(ctx, link.ID); err != nil {
		return err
	}
	if err := b.measured(ctx, key, n, m); err != nil {
		return err
	}
	if err := b.complete(ctx, user, link.ID, n+n/2); err != nil {
		return err
	}
	return b.owned(ctx, user, n+n/2)
}

// fill makes contacts in a folder, as another program would: none bears our mark.
func (b *bench) fill(ctx context.Context, as *person, folder record.Ref, n int) error {
	for from := 0; from < n; from += 20 {
		var requests []map[string]any
		for i := from; i < min(n, from+20); i++ {
			f := contactFields(i)
			requests = append(requests, map[string]any{
				"id": strconv.Itoa(i), "method": http.MethodPost, "url": "/me/contactFolders/" + string(folder) + "/contacts",
				"headers": map[string]string{"Content-Type": "application/json"},
				"body": map[string]any{
					"givenName": f[record.FirstName], "surname": f[record.LastName], "jobTitle": f[record.Title], "companyName": f[record.AccountName],
					"emailAddresses": []map[string]any{{"address": f[record.EmailField], "name": f[record.EmailField]}},
					"businessPhones": []record.Value{f[record.PhoneField]}, "mobilePhone": f[record.Mobile],
				},
			})
		}
		var answer struct{ Responses []struct{ Status int } }
		if err := b.sim.call(ctx, as, http.MethodPost, "/v1.0/$batch", map[string]any{"requests": requests}, &answer); err != nil {
			return err
		}
		for _, r := range answer.Responses {
			if r.Status != http.StatusCreated {
				return fmt.Errorf("a contact was answered with %d", r.Status)
			}
		}
	}
	return nil
}

// forget takes a link back to before its first sync.
func (b *bench) forget(ctx context.Context, id reconcile.LinkID) error {
	ledger := b.app.Store.Ledger()
	link, err := ledger.Open(ctx, id, time.Now(), time.Minute)
	if err != nil {
		return err
	}
	return errors.Join(ledger.Forget(ctx, link), ledger.Close(ctx, link))
}

// owned makes sure that nothing was doubled.
func (b *bench) owned(ctx context.Context, user account.User, want int) error {
	all, err := b.app.Store.Records().Count(ctx, user.Org, record.Contacts, crm.Query{Owner: user.ID})
	if err == nil && all != want {
		err = fmt.Errorf("%d contacts in the CRM, not %d", all, want)
	}
	return err
}

// remap measures the run that takes in a change of the fields over all contacts of a link: the department goes to another field
// of Outlook's, and so has to be written to each.
func (b *bench) remap(ctx context.Context) error {
	link, err := b.linkOf(ctx, contacts, 10_000)
	if err != nil {
		return err
	}
	if err := b.app.Runner.Run(ctx, link.ID); err != nil { // takes in the echoes of what was measured before
		return err
	}
	table := &mapping.Table{Kind: record.Contacts}
	for _, row := range mapping.Default(record.Contacts).Rows {
		if row.CRM == record.Department {
			row.Microsoft = "officeLocation"
		}
		table.Rows = append(table.Rows, row)
	}
	if err := b.app.Store.Links().ChangeSettings(ctx, link.Org, link.ID, link.Policy, table); err != nil {
		return err
	}
	m, err := b.meter(ctx)
	if err != nil {
		return err
	}
	if err := b.app.Runner.Run(ctx, link.ID); err != nil {
		return err
	}
	if err := b.measured(ctx, "mapping_change_10000", link.Synced, m); err != nil {
		return err
	}
	var page struct {
		Value []struct{ OfficeLocation string }
	}
	path := "/v1.0/me/contactFolders/" + string(link.Container) + "/contacts?$select=officeLocation&$top=999"
	if err := b.sim.call(ctx, b.person(contacts.measured), http.MethodGet, path, nil, &page); err != nil {
		return err
	}
	for _, each := range page.Value {
		if each.OfficeLocation == "" {
			return errors.New("a contact has no department where the new mapping puts it")
		}
	}
	return b.complete(ctx, b.users[contacts.measured], link.ID, link.Synced)
}
