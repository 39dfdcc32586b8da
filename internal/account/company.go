package account

import (
	"context"
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/phone"
	"tandem/internal/record"
)

// Company is what an organization decides for all its people.
type Company struct {
	Region                     string // whose telephone numbers are written without their country: ISO 3166-1
	AdmitContacts, AdmitEvents bool   // imported records are synced
}

// Company is what the organization has decided.
func (o Organization) Company() Company {
	c := Company{Region: o.Region, AdmitContacts: o.AdmitContacts, AdmitEvents: o.AdmitEvents}
	if c.Region == "" {
		c.Region = phone.Brazil
	}
	return c
}

// SaveCompany stores what an organization decides, and enters it into the audit trail. The links concerned take it in by their
// next run: imported records come in when they are admitted; when they no longer are, those that are in step stay so.
// Invalid: there is no such region. Denied: whoever says so does not manage users.
func (r *Registry) SaveCompany(ctx context.Context, actor User, c Company) (err error) {
	defer fault.Wrap(&err, "account: save what organization %d decides", actor.Org)
	if !phone.IsRegion(c.Region) {
		return fault.Wrong(fault.BadValue, "region", "account: there is no region %q", c.Region)
	}
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, err := manager(tx, actor.ID)
		if err != nil {
			return err
		}
		o, err := tx.Organization()
		if err != nil {
			return err
		}
		was := o.Company()
		if was == c {
			return nil
		}
		o.Region, o.AdmitContacts, o.AdmitEvents = c.Region, c.AdmitContacts, c.AdmitEvents
		if err := tx.UpdateOrganization(o); err != nil {
			return err
		}
		detail := map[string]string{}
		if was.Region != c.Region {
			detail["region"] = c.Region
		}
		for _, each := range []struct {
			kind    record.Kind
			was, is bool
		}{{record.Contacts, was.AdmitContacts, c.AdmitContacts}, {record.Calendar, was.AdmitEvents, c.AdmitEvents}} {
			if each.was == each.is {
				continue
			}
			detail["admit_"+string(each.kind)] = strconv.FormatBool(each.is)
			if err := tx.WakeLinks(each.kind); err != nil {
				return err
			}
		}
		return tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: CompanySaved, Detail: detail})
	})
}
