package web

import (
	"net/http"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// binPage lists what lies in the recycle bin, latest first.
type binPage struct {
	Frame frame
	Kinds []binKind
}

type binKind struct {
	Kind string
	Path string // restoring is posted to Path/{id}/restore
	Rows []binRow
	More bool // only the latest are shown
}

type binRow struct {
	ID, Name, Detail, Who, When string
	DaysLeft                    int
	Restores                    bool // may be taken out
}

// binMax is how many records of a kind the page shows.
const binMax = 200

func (s *Site) recycleBin(v *visit) error {
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	page := binPage{}
	actor := v.actor()
	for _, k := range []binKind{{Kind: "contacts", Path: "/contacts"}, {Kind: "calendar", Path: "/calendar"}} {
		if !v.sees(record.Kind(k.Kind)) {
			continue
		}
		found, err := s.Records.List(v.ctx(), actor, record.Kind(k.Kind),
			crm.Query{Deleted: true, Sort: crm.ByModified, Descending: true, Limit: binMax})
		if err != nil {
			return err
		}
		k.More = len(found) == binMax
		for _, r := range found {
			k.Rows = append(k.Rows, binRow{
				ID: r.ID.String(), Name: recordName(v.words, r), Detail: v.detail(r), Who: ownerName(users, r.DeletedBy),
				When:     v.words.Ago(r.DeletedAt, v.now, v.zone),
				DaysLeft: max(0, int(r.DeletedAt.Add(crm.BinAge).Sub(v.now)/(24*time.Hour))),
				Restores: actor.Deletes(r),
			})
		}
		page.Kinds = append(page.Kinds, k)
	}
	page.Frame = s.frame(v, "setup", v.words.T("bin.title"))
	return s.render(v, http.StatusOK, "bin", page)
}

// detail tells records of one name apart.
func (v *visit) detail(r crm.Record) string {
	if r.Kind == record.Contacts {
		return joinNonEmpty(" · ", string(r.Fields[record.AccountName]), string(r.Fields[record.EmailField]))
	}
	if o, ok := first(r, v.zone); ok {
		return v.whenWords(o)
	}
	return ""
}
