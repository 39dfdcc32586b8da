package web

import (
	"maps"
	"net/http"
	"strconv"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// statusPage says how a person's links stand, and what sync did.
type statusPage struct {
	Frame      frame
	Here       string // the address, for refreshing
	Cards      []statusCard
	Manager    bool        // sees how everybody's sync stands
	Credential *healthLine // where those who manage users must act
	Activity   activity
}

type statusCard struct {
	card
	Health []healthLine
	Lines  []historyLine
	Older  string // the address of older lines, "" when these are all
	Back   string // where an undo leads back to
}

// historyShown is how many lines of a link are shown at once.
const historyShown = 25

func (s *Site) status(v *visit) error {
	cards, err := s.cards(v, true)
	if err != nil {
		return err
	}
	page := statusPage{Here: v.r.URL.RequestURI()}
	hours, err := s.ownHours(v)
	if err != nil {
		return err
	}
	broken, err := s.brokenGrant(v, v.user.ID)
	if err != nil {
		return err
	}
	page.Activity, page.Manager = v.activityOf(hours), v.may().ManageUsers
	if line := s.credentialLine(v); page.Manager && line.Bad {
		page.Credential = line
	}
	delays := v.delaysOf(hours)
	for _, c := range cards {
		shown := statusCard{card: c, Back: v.r.URL.RequestURI()}
		if c.link != nil {
			shown.Health = v.health(c.link, broken, delays[c.link.ID])
		}
		if c.link != nil && v.sees(c.link.Kind) {
			before, _ := strconv.ParseInt(v.r.URL.Query().Get(c.Kind), 10, 64)
			if shown.Lines, shown.Older, err = s.history(v, c.link, max(0, before)); err != nil {
				return err
			}
		}
		page.Cards = append(page.Cards, shown)
	}
	if v.wants("status") {
		return s.part(v, "status", "links", page)
	}
	page.Frame = s.frame(v, "status", v.words.T("status.title"))
	return s.render(v, http.StatusOK, "status", page)
}

// ownHours is what the person's syncs did, also those that are off by now.
func (s *Site) ownHours(v *visit) ([]reconcile.HourWork, error) {
	var all []reconcile.LinkID
	for _, kind := range kinds {
		ids, err := s.Links.LinksEver(v.ctx(), v.user.Org, v.user.ID, kind)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	return s.Links.Hours(v.ctx(), v.user.Org, all, v.activitySince())
}

// whys are the reasons of steps that pages have words for, besides those of package fault.
var whys = []string{
	reconcile.NewInCRM, reconcile.NewInMicrosoft, reconcile.ChangedCRM, reconcile.ChangedMicrosoft, reconcile.ChangedBoth,
	reconcile.Alike, reconcile.DeletedCRM, reconcile.DeletedMicrosoft, reconcile.DeletedBoth, reconcile.EditBeatsDelete,
	reconcile.OwnerChanged, reconcile.MovedOutOf, reconcile.Matched, reconcile.OneWayOnly, reconcile.SwitchedOff, reconcile.MadeTwice,
}

// actions are what the history tells.
var actions = []reconcile.Action{
	reconcile.Created, reconcile.Updated, reconcile.Deleted, reconcile.Restored, reconcile.Adopted, reconcile.Unlinked,
	reconcile.Overruled, reconcile.Failed, reconcile.Asked,
}

// whyWords tell the reason of a step or a fault.
func (v *visit) whyWords(code string) string {
	for _, why := range whys {
		if why == code {
			return v.words.T("why." + code)
		}
	}
	if code == "" {
		return ""
	}
	return v.words.T(reasonKey("reason", fault.Reason(code), reasons) + ".what")
}

func (s *Site) history(v *visit, l *reconcile.Link, before int64) ([]historyLine, string, error) {
	entries, err := s.Links.History(v.ctx(), l.Org, l.ID, before, historyShown)
	if err != nil {
		return nil, "", err
	}
	out, err := s.tellLines(v, l.Kind, true, entries)
	if err != nil {
		return nil, "", err
	}
	older := ""
	if len(entries) == historyShown {
		older = "/status?" + string(l.Kind) + "=" + out[len(out)-1].ID
	}
	return out, older, nil
}

// recordsOf are the records that lines are about, as far as they are still there for this person.
func (s *Site) recordsOf(v *visit, kind record.Kind, entries []reconcile.HistoryEntry) (map[record.ID]crm.Record, error) {
	var ids []record.ID
	seen := map[record.ID]bool{}
	for _, e := range entries {
		if id, ok := record.ParseID(string(e.CRM)); ok && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := s.Records.ByID(v.ctx(), v.actor(), kind, ids...)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(found, func(_ record.ID, r crm.Record) bool { return r.Deleted() })
	return found, nil
}

// takeLost writes a value that lost a conflict into the record after all; sync brings it to the other side.
func (s *Site) takeLost(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	kind, err := kindOf(form.Get("kind"))
	if err != nil {
		return err
	}
	links, err := s.links(v)
	if err != nil {
		return err
	}
	l := links[kind]
	line, err := strconv.ParseInt(form.Get("line"), 10, 64)
	if l == nil || err != nil || line < 1 {
		return fault.New(fault.NotFound, "", "web: no such line of history")
	}
	entries, err := s.Links.History(v.ctx(), l.Org, l.ID, line+1, 1)
	if err != nil {
		return err
	}
	if len(entries) == 0 || entries[0].ID != line {
		return fault.New(fault.NotFound, "", "web: no such line of history")
	}
	id, ok := record.ParseID(string(entries[0].CRM))
	if !ok {
		return fault.New(fault.NotFound, "", "web: the line is about no record of the CRM")
	}
	for _, lost := range entries[0].Lost {
		if string(lost.Field) != form.Get("field") {
			continue
		}
		fields := record.Fields{}
		for _, other := range entries[0].Lost { // those that only make sense together come back together
			if other.Field == lost.Field || other.Side == lost.Side && together(kind, other.Field, lost.Field) {
				fields[other.Field] = other.Value
			}
		}
		r, err := s.takeFormer(v, kind, id, lost.Field, fields)
		if err != nil {
			return err
		}
		s.putFlash(v.ctx(), flash{Key: "flash.taken", Name: recordName(v.words, r)})
		return v.to("/" + string(kind) + "/" + id.String())
	}
	return fault.New(fault.NotFound, "", "web: the line lost no such value")
}

// takeFormer writes former values of a field, and of those that belong to it.
func (s *Site) takeFormer(v *visit, kind record.Kind, id record.ID, of record.Field, fields record.Fields) (crm.Record, error) {
	if def, _ := record.DefOf(kind, of); def.Type == record.Image {
		return s.Records.TakePicture(v.ctx(), v.actor(), id, fields[of])
	}
	return s.update(v, kind, crm.Draft{ID: id, Fields: fields})
}

// together reports whether two fields are of one group.
func together(kind record.Kind, a, b record.Field) bool {
	one, _ := record.Standard(kind).Def(a) // no field of an organization's own belongs to a group
	other, _ := record.Standard(kind).Def(b)
	return one.Group != "" && one.Group == other.Group
}
