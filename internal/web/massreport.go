package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/intake"
	"tandem/internal/massupdate"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// theMass is the one of the path: a person's own.
func (s *Site) theMass(v *visit) (massupdate.Update, error) {
	if !v.may().MassUpdate {
		return massupdate.Update{}, fault.New(fault.Denied, fault.NotAllowed, "web: the profile %q does not allow mass updates", v.user.Profile)
	}
	u, err := s.Mass.Update(v.ctx(), v.user.Org, v.r.PathValue("id"))
	if err == nil && u.User != v.user.ID {
		err = fault.New(fault.NotFound, "", "web: no such mass update of user %d", v.user.ID)
	}
	if err == nil {
		err = v.needs(u.Kind, viewing)
	}
	return u, err
}

func (s *Site) massShow(v *visit) error {
	u, err := s.theMass(v)
	if err != nil {
		return err
	}
	if u.State == intake.Draft {
		return s.massDraft(v, u)
	}
	return s.massReport(v, u, false)
}

func (s *Site) massPart(v *visit) error {
	u, err := s.theMass(v)
	if err != nil {
		return err
	}
	return s.massReport(v, u, true)
}

func (s *Site) massGo(v *visit) error   { return s.massDo(v, s.Mass.Go) }
func (s *Site) massStop(v *visit) error { return s.massDo(v, s.Mass.Stop) }
func (s *Site) massUndo(v *visit) error { return s.massDo(v, s.Mass.TakeBack) }

// massDo does something to a mass update and shows it as it then is; what is no longer so needs no words but its page.
func (s *Site) massDo(v *visit, do func(context.Context, massupdate.Update) error) error {
	u, err := s.theMass(v)
	if err != nil {
		return err
	}
	if err := do(v.ctx(), u); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	return v.to(massPath + "/" + url.PathEscape(u.ID))
}

func (s *Site) massDrop(v *visit) error {
	u, err := s.theMass(v)
	if err != nil {
		return err
	}
	if err := s.Mass.Drop(v.ctx(), u.Org, u.ID); err != nil {
		return err
	}
	return v.to(massPath + "?kind=" + string(u.Kind))
}

// massDraftPage says what a mass update would do.
type massDraftPage struct {
	Frame  frame
	Path   string
	Kind   string
	What   string
	Total  int // records named
	Change int // of them those that this person may change
	Counts []previewCount
	Enters massEnters
}

// massEnters are imported records that a mass update lets into sync, by whose sync takes them.
type massEnters struct {
	Own, Others int
	Later       int // their owner's sync is off, or goes the other way only
}

// Any reports whether there are some.
func (e massEnters) Any() bool { return e.Own+e.Others+e.Later > 0 }

func (s *Site) massDraft(v *visit, u massupdate.Update) error {
	groups, err := s.Mass.Groups(v.ctx(), u.Org, u.ID)
	if err != nil {
		return err
	}
	links, err := s.LinksIn(v.ctx(), u.Org)
	if err != nil {
		return err
	}
	barred := massupdate.Barred(v.actor(), u.Kind, groups)
	page := massDraftPage{Path: massPath + "/" + url.PathEscape(u.ID), Kind: string(u.Kind), What: v.massWords(u), Total: u.Total,
		Enters: entering(v.actor(), u.Kind, groups, links)}
	for _, g := range groups {
		page.Change += g.Count
	}
	page.Change -= barred
	e := page.Enters
	page.Counts = []previewCount{{"named", u.Total}, {"barred", barred}, {"enters", e.Own + e.Others}, {"mailed", 0}}
	page.Frame = s.frame(v, importSection(u.Kind), v.words.T("mass.title"))
	return s.render(v, http.StatusOK, "mass-draft", page)
}

// entering counts what a mass update lets into sync: what the rule of reconcile.Eligible leaves out now and takes in afterwards.
func entering(a crm.Actor, kind record.Kind, groups []massupdate.Group, links []reconcile.Link) (e massEnters) {
	for _, g := range groups {
		imported := (g.Source == record.Import || g.Source == record.Migration) && !g.MassUpdated
		if !imported || massupdate.Barred(a, kind, []massupdate.Group{g}) > 0 {
			continue
		}
		after := g.Meta
		after.MassUpdated = true
		link := slices.IndexFunc(links, func(l reconcile.Link) bool { return l.User == g.Owner && l.Kind == kind && l.State != reconcile.Off })
		if link < 0 {
			e.Later += g.Count
			continue
		}
		was, _ := reconcile.Eligible(g.Owner, links[link].Policy, g.Meta)
		is, _ := reconcile.Eligible(g.Owner, links[link].Policy, after)
		switch {
		case was:
		case !is:
			e.Later += g.Count
		case g.Owner == a.User:
			e.Own += g.Count
		default:
			e.Others += g.Count
		}
	}
	return e
}

// massPage tells how far a mass update is, and at the end what became of it.
type massPage struct {
	Frame     frame
	Path      string
	Kind      string
	What      string
	State     string
	Moving    bool
	At, Total int
	Counts    []previewCount
	Back      []previewCount // after an undo
	Admitted  int
	Failed    []massFailedRow
	MoreBad   int
	Why       string // of a failed one
	Undoable  bool
	List      string
}

type massFailedRow struct{ Name, Path, Why string }

func (s *Site) massReport(v *visit, u massupdate.Update, part bool) error {
	c := u.Counts
	page := massPage{
		Path: massPath + "/" + url.PathEscape(u.ID), Kind: string(u.Kind), What: v.massWords(u), State: string(u.State), At: u.Seen, Total: u.Total,
		Moving: u.State == intake.Running || u.State == intake.Undoing, Admitted: c.Admitted,
		Counts:   []previewCount{{"changed", c.Changed}, {"same", c.Same}, {"failed", c.Failed}},
		Undoable: c.Changed > 0 && (u.State == intake.Done || u.State == intake.Stopped || u.State == intake.Failed),
		List:     map[record.Kind]string{record.Contacts: "/contacts", record.Calendar: "/calendar"}[u.Kind],
	}
	if u.State == intake.Undoing || u.State == intake.Undone {
		page.Back = []previewCount{{"restored", c.Restored}, {"kept", c.Kept}}
		page.Total = c.Changed
	}
	if u.State == intake.Failed {
		page.Why = v.massWhy(u.Reason)
	}
	if c.Failed > 0 {
		var err error
		if page.Failed, err = s.massFailed(v, u); err != nil {
			return err
		}
		page.MoreBad = c.Failed - len(page.Failed)
	}
	if part {
		return s.part(v, "mass", "mass-part", page)
	}
	page.Frame = s.frame(v, importSection(u.Kind), v.words.T("mass.title"))
	return s.render(v, http.StatusOK, "mass", page)
}

// massFailed are the first records that were not changed, as far as this person sees them.
func (s *Site) massFailed(v *visit, u massupdate.Update) (out []massFailedRow, err error) {
	lines, err := s.Mass.Lines(v.ctx(), u.Org, u.ID, massupdate.Failed, 0, massFailed)
	if err != nil {
		return nil, err
	}
	ids := make([]record.ID, len(lines))
	for i, l := range lines {
		ids[i] = l.Record
	}
	found, err := s.Records.ByID(v.ctx(), v.actor(), u.Kind, ids...)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		row := massFailedRow{Name: v.words.T("mass.gone"), Why: v.massWhy(l.Reason)}
		if r, ok := found[l.Record]; ok {
			if u.Kind == record.Contacts {
				row.Name, row.Path = contactName(v.words, r), "/contacts/"+l.Record.String()
			} else {
				row.Name, row.Path = eventName(v.words, r), "/calendar/"+l.Record.String()
			}
			if r.Deleted() {
				row.Path = ""
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// massReasons are the reasons for which records are not changed, or a mass update ends.
var massReasons = []fault.Reason{fault.NotAllowed, fault.NotOrganizer, fault.BadValue, fault.UnknownField, fault.ReadOnlyField}

func (v *visit) massWhy(reason fault.Reason) string {
	return v.words.T(reasonKey("mass.why", reason, massReasons))
}
