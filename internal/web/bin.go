package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// binPage lists what lies in the recycle bin, latest first.
type binPage struct {
	Frame frame
	Kinds []binKind
}

type binKind struct {
	Kind     string
	Path     string // restoring one is posted to Path/{id}/restore
	Rows     []binRow
	More     bool // only the latest are shown
	Restores bool // of some, what is there may be taken out, or destroyed
}

type binRow struct {
	ID, Name, Detail, Who, When string
	DaysLeft                    int
	Restores                    bool   // may be taken out
	Ask                         string // where its owner is asked about it; "": nothing is asked
}

const (
	binMax  = 200    // records of a kind that the page shows, and that are destroyed at once
	binOnce = 10_000 // records that one request destroys; the rest waits for the next
)

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
		asks, err := s.asksOfDeleted(v, record.Kind(k.Kind), found)
		if err != nil {
			return err
		}
		for _, r := range found {
			row := binRow{
				ID: r.ID.String(), Name: recordName(v.words, r), Detail: v.detail(r), Who: ownerName(users, r.DeletedBy),
				When:     v.words.Ago(r.DeletedAt, v.now, v.zone),
				DaysLeft: max(0, int(r.DeletedAt.Add(crm.BinAge).Sub(v.now)/(24*time.Hour))),
				Restores: actor.Deletes(r), Ask: asks[r.ID.Ref()],
			}
			k.Restores = k.Restores || row.Restores
			k.Rows = append(k.Rows, row)
		}
		page.Kinds = append(page.Kinds, k)
	}
	page.Frame = s.frame(v, "setup", v.words.T("bin.title"))
	return s.render(v, http.StatusOK, "bin", page)
}

// asksOfDeleted says of which records in the bin this person's sync asks something, and where.
func (s *Site) asksOfDeleted(v *visit, kind record.Kind, records []crm.Record) (map[record.Ref]string, error) {
	var own []record.Ref
	for _, r := range records {
		if r.Owner == v.user.ID {
			own = append(own, r.ID.Ref())
		}
	}
	if kind != record.Calendar || len(own) == 0 { // only meetings are asked about once they are deleted
		return nil, nil
	}
	states, err := s.Links.RecordsOf(v.ctx(), v.user.Org, kind, own)
	out := map[record.Ref]string{}
	for ref, state := range states {
		if state.Asks {
			out[ref] = marketplacePath + "/" + string(kind) + "/questions"
		}
	}
	return out, err
}

// binAsked is the kind and the records that a form of the bin is about.
func (v *visit) binAsked(form url.Values) (kind record.Kind, ids []record.ID, err error) {
	kind = record.Kind(form.Get("kind"))
	if kind != record.Contacts && kind != record.Calendar {
		return "", nil, fault.New(fault.NotFound, "", "web: no recycle bin for %q", kind)
	}
	if err := v.needs(kind, deleting); err != nil {
		return "", nil, err
	}
	for _, text := range form["id"] {
		if id, ok := record.ParseID(text); ok && len(ids) < binMax {
			ids = append(ids, id)
		}
	}
	return kind, ids, nil
}

func deleting(a record.Access) bool { return a.Delete != record.Nobodys }

// binSays tells how many records a deed was done to, and whether some were left.
func (s *Site) binSays(v *visit, key string, results []crm.Result, more string) error {
	done := 0
	for _, r := range results {
		switch {
		case r.Err == nil:
			done++
		case fault.Is(r.Err, fault.NotFound) || fault.Is(r.Err, fault.Denied) || fault.Is(r.Err, fault.Conflict):
			more = "flash.bin_some"
		default:
			return r.Err
		}
	}
	f := flash{Key: key, Count: done, More: more}
	if done == 0 {
		f = flash{Key: "flash.bin_nothing", Bad: true}
	}
	s.putFlash(v.ctx(), f)
	return v.to("/recycle-bin")
}

func (s *Site) binRestore(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	kind, ids, err := v.binAsked(form)
	if err != nil {
		return err
	}
	results, err := s.Records.Restore(v.ctx(), v.actor(), kind, ids)
	if err != nil {
		return err
	}
	return s.binSays(v, "flash.restored_many", results, "")
}

// binQuestion asks before records are destroyed: those named, or all that lay in the bin when it was asked.
type binQuestion struct {
	Frame   frame
	Heading string
	Kind    string
	IDs     []string
	Names   []string // the first of those named
	Until   int64    // of all: what was deleted later is not meant (microseconds since 1970)
	Nothing bool
}

// binDoomed are the actor's to destroy among what lies in the bin.
func (v *visit) binDoomed(kind record.Kind, ids []record.ID) crm.Query {
	q := crm.Query{Deleted: true, IDs: ids, Sort: crm.ByModified}
	if v.may().Records(kind).Delete != record.Anyones {
		q.Owner = v.user.ID
	}
	return q
}

func (s *Site) binAsk(v *visit) error {
	kind, ids, err := v.binAsked(v.r.URL.Query())
	if err != nil {
		return err
	}
	page := binQuestion{Kind: string(kind), Until: v.now.UnixMicro()}
	count, key := 0, "bin.ask."+string(kind)
	if len(v.r.URL.Query()["id"]) > 0 || v.r.URL.Query().Get("all") == "" {
		key = "bin.ask.some"
		if ids == nil {
			ids = []record.ID{}
		}
		q := v.binDoomed(kind, ids)
		q.Limit = binMax
		found, err := s.Records.List(v.ctx(), v.actor(), kind, q)
		if err != nil {
			return err
		}
		count = len(found)
		for i, r := range found {
			page.IDs = append(page.IDs, r.ID.String())
			if i < binNames {
				page.Names = append(page.Names, recordName(v.words, r))
			}
		}
	} else if count, err = s.Records.Count(v.ctx(), v.actor(), kind, v.binDoomed(kind, nil)); err != nil {
		return err
	}
	page.Nothing = count == 0
	page.Heading = v.words.T(key, "Count", count)
	page.Frame = s.frame(v, "setup", v.words.T("bin.title"))
	return s.render(v, http.StatusOK, "bin-question", page)
}

// binNames is how many names the question tells.
const binNames = 10

func (s *Site) binDestroy(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	kind, ids, err := v.binAsked(form)
	if err != nil {
		return err
	}
	if len(form["id"]) > 0 {
		results, err := s.Records.Destroy(v.ctx(), v.actor(), kind, ids)
		if err != nil {
			return err
		}
		return s.binSays(v, "flash.destroyed", results, "")
	}
	until, err := strconv.ParseInt(form.Get("until"), 10, 64)
	if err != nil {
		return fault.Wrong(fault.BadValue, "until", "web: empty the recycle bin of what?")
	}
	results, left, err := s.emptyBin(v, kind, time.UnixMicro(until))
	if err != nil {
		return err
	}
	more := ""
	if left {
		more = "flash.bin_left"
	}
	return s.binSays(v, "flash.destroyed", results, more)
}

// emptyBin destroys what the actor may of what was deleted by then; left: there is more of it. Records leave the order of
// the list as they go, and those that stay are passed over.
func (s *Site) emptyBin(v *visit, kind record.Kind, until time.Time) (results []crm.Result, left bool, err error) {
	q := v.binDoomed(kind, nil)
	q.Limit = binMax
	for len(results) < binOnce {
		found, err := s.Records.List(v.ctx(), v.actor(), kind, q)
		if err != nil {
			return nil, false, err
		}
		var doomed []record.ID
		for _, r := range found {
			if !r.DeletedAt.After(until) && v.actor().Deletes(r) {
				doomed = append(doomed, r.ID)
			}
		}
		q.Offset += len(found) - len(doomed)
		if len(doomed) > 0 {
			gone, err := s.Records.Destroy(v.ctx(), v.actor(), kind, doomed)
			if err != nil {
				return nil, false, err
			}
			results = append(results, gone...)
		}
		if len(found) < binMax {
			return results, false, nil
		}
	}
	return results, true, nil
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
