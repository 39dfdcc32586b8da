package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tandem/internal/account"
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

// massGo begins one: mailing nobody, or those whom the person was shown.
func (s *Site) massGo(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	said := form.Get("mail")
	if said == "" {
		return s.massDo(v, s.Mass.Go)
	}
	return s.massDo(v, func(ctx context.Context, u massupdate.Update) error {
		if u.State != intake.Draft {
			return nil
		}
		off, err := s.Mass.CallsOff(ctx, v.actor(), u)
		if err != nil {
			return err
		}
		if len(off.People) == 0 || said != massAnswer(u, off) {
			s.putFlash(ctx, flash{Key: "flash.mass_mail_changed", Bad: true})
			return nil
		}
		return s.Mass.GoMailing(ctx, u, off.Events)
	})
}

// massAnswer names the events and people whom a yes is about.
func massAnswer(u massupdate.Update, off massupdate.CallsOff) string {
	said := []any{u.ID}
	for _, e := range off.Events {
		if e.Own {
			said = append(said, e.Event, e.Link, e.People)
		}
	}
	return answerOf(said)
}

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
	Do     string
	What   string
	Total  int // records named
	Change int // of them those that this person may change, as far as is known
	Counts []previewCount
	Enters massEnters
	Moves  []string // who gets them into Outlook, and who no longer has them there, in words
	Stays  string   // which events stay as they are because people are invited to them, in words
	Mails  *massMails
	Loses  bool // afterwards this person sees them no more
}

// massMails offers to take along the person's own events that people are invited to.
type massMails struct {
	Change int // records that are changed then
	Events int // of them those that people are invited to
	People []string
	Answer string
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
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	barred := massupdate.Barred(v.actor(), u.Kind, u.Deed, groups)
	page := massDraftPage{Path: massPath + "/" + url.PathEscape(u.ID), Kind: string(u.Kind), Do: string(u.Deed.Do), What: v.massWords(u, users), Total: u.Total}
	for _, g := range groups {
		page.Change += g.Count
	}
	page.Change -= barred
	page.Counts = []previewCount{{"named", u.Total}, {"barred", barred}}
	switch u.Deed.Do {
	case crm.MassSet:
		page.Enters = entering(v.actor(), u.Kind, groups, links)
		page.Counts = append(page.Counts, previewCount{"enters", page.Enters.Own + page.Enters.Others})
	case crm.MassOwner, crm.MassDelete:
		if err := s.massLeaves(v, u, groups, links, users, &page); err != nil {
			return err
		}
	}
	page.Counts = append(page.Counts, previewCount{"mailed", 0})
	page.Frame = s.frame(v, importSection(u.Kind), v.words.T("mass.title"))
	return s.render(v, http.StatusOK, "mass-draft", page)
}

// massMoves counts records by what a deed makes of their place in Outlook.
type massMoves struct {
	own, others int // those that leave the person's own Outlook, and colleagues'
	enters      int // those that the new owner's sync takes
	same        int // those that the new owner has already
}

// moving counts what leaves an owner's Outlook by a deed, and what enters the new owner's (S17, S30).
func moving(a crm.Actor, kind record.Kind, deed crm.MassDeed, groups []massupdate.Group, links []reconcile.Link) (m massMoves) {
	to := slices.IndexFunc(links, func(l reconcile.Link) bool {
		return l.User == deed.Owner() && l.Kind == kind && l.State != reconcile.Off
	})
	for _, g := range groups {
		if massupdate.Barred(a, kind, deed, []massupdate.Group{g}) > 0 {
			continue
		}
		if deed.Do == crm.MassOwner && g.Owner == deed.Owner() {
			m.same += g.Count
			continue
		}
		switch {
		case g.Synced && g.Owner == a.User:
			m.own += g.Count
		case g.Synced:
			m.others += g.Count
		}
		if deed.Do == crm.MassOwner && to >= 0 {
			meta := g.Meta
			meta.Owner = deed.Owner()
			if is, _ := reconcile.Eligible(meta.Owner, links[to].Policy, meta); is {
				m.enters += g.Count
			}
		}
	}
	return m
}

// massLeaves says what a deed takes out of whose Outlook, what it brings into whose, and what it leaves as it is.
func (s *Site) massLeaves(v *visit, u massupdate.Update, groups []massupdate.Group, links []reconcile.Link, users []account.User, page *massDraftPage) error {
	m := moving(v.actor(), u.Kind, u.Deed, groups, links)
	say := func(key string, n int, more ...any) {
		if n > 0 {
			page.Moves = append(page.Moves, v.words.T("mass."+key+"."+string(u.Kind), append([]any{"Count", n}, more...)...))
		}
	}
	page.Counts = append(page.Counts, previewCount{"leaves", m.own + m.others})
	say("leaves_own", m.own)
	say("leaves_others", m.others)
	if u.Deed.Do == crm.MassOwner {
		page.Counts = append(page.Counts, previewCount{"enters", m.enters}, previewCount{"same", m.same})
		name := ownerName(users, u.Deed.Owner())
		say("arrives", m.enters, "Name", name)
		say("arrives_not", page.Change-m.same-m.enters, "Name", name)
		page.Loses = u.Deed.Owner() != v.user.ID && v.may().Records(u.Kind).View != record.Anyones
		page.Change -= m.same
	}
	off, err := s.Mass.CallsOff(v.ctx(), v.actor(), u)
	if err != nil {
		return err
	}
	if invited := len(off.Events); invited > 0 {
		page.Stays = v.words.T("mass.invited", "Count", invited)
		switch {
		case off.More:
			page.Stays += " " + v.words.T("mass.invited_more")
		case len(off.People) == 0:
			page.Stays += " " + v.words.T("mass.invited_pages")
		}
		page.Counts = append(page.Counts, previewCount{"invited", invited})
		if page.Change = max(0, page.Change-invited); off.More {
			page.Change = max(1, page.Change)
		}
		if len(off.People) > 0 {
			page.Mails = &massMails{Change: page.Change + off.Own, Events: off.Own, People: off.People, Answer: massAnswer(u, off)}
		}
	}
	return nil
}

// entering counts what a mass update lets into sync: what the rule of reconcile.Eligible leaves out now and takes in afterwards.
func entering(a crm.Actor, kind record.Kind, groups []massupdate.Group, links []reconcile.Link) (e massEnters) {
	for _, g := range groups {
		imported := (g.Source == record.Import || g.Source == record.Migration) && !g.MassUpdated
		if !imported || massupdate.Barred(a, kind, crm.MassDeed{Do: crm.MassSet}, []massupdate.Group{g}) > 0 {
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
	Do        string
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

type massFailedRow struct{ ID, Name, Path, Why string }

func (s *Site) massReport(v *visit, u massupdate.Update, part bool) error {
	c := u.Counts
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	page := massPage{Do: string(u.Deed.Do),
		Path: massPath + "/" + url.PathEscape(u.ID), Kind: string(u.Kind), What: v.massWords(u, users), State: string(u.State), At: u.Seen, Total: u.Total,
		Moving: u.State == intake.Running || u.State == intake.Undoing, Admitted: c.Admitted,
		Counts:   []previewCount{{"changed", c.Changed}, {"same", c.Same}, {"failed", c.Failed}},
		Undoable: c.Changed > 0 && (u.State == intake.Done || u.State == intake.Stopped || u.State == intake.Failed),
		List:     listOf(u.Kind),
	}
	if u.State == intake.Undoing || u.State == intake.Undone {
		page.Back = []previewCount{{"restored", c.Restored}, {"kept", c.Kept}}
		page.Total = c.Changed
	}
	if u.State == intake.Failed {
		page.Why = v.massWhy(u.Reason)
	}
	if c.Failed > 0 {
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
	out, _, err = s.massFailedAfter(v, u, 0, massFailed)
	return out, err
}

// massFailedAfter are those behind a record; last is the last one, 0 if there is none.
func (s *Site) massFailedAfter(v *visit, u massupdate.Update, after record.ID, limit int) (out []massFailedRow, last record.ID, err error) {
	lines, err := s.Mass.Lines(v.ctx(), u.Org, u.ID, massupdate.Failed, after, limit)
	if err != nil {
		return nil, 0, err
	}
	ids := make([]record.ID, len(lines))
	for i, l := range lines {
		ids[i], last = l.Record, l.Record
	}
	found, err := s.Records.ByID(v.ctx(), v.actor(), u.Kind, ids...)
	if err != nil {
		return nil, 0, err
	}
	for _, l := range lines {
		row := massFailedRow{ID: l.Record.String(), Name: v.words.T("mass.gone"), Why: v.massWhy(l.Reason)}
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
	return out, last, nil
}

// massFailedCSV streams all records that were not changed, each with the reason.
func (s *Site) massFailedCSV(v *visit) error {
	u, err := s.theMass(v)
	if err != nil {
		return err
	}
	rows, last, err := s.massFailedAfter(v, u, 0, importsExport)
	if err != nil {
		return err
	}
	out := v.csvFile("tandem-mass-update-"+string(u.Kind)+"-"+u.Begun.UTC().Format(time.DateOnly), "id", v.words.T("import.csv.name"), v.words.T("import.csv.why"))
	for len(rows) > 0 {
		for _, r := range rows {
			_ = out.Write([]string{r.ID, defused(r.Name), defused(r.Why)})
		}
		if out.Flush(); out.Error() != nil {
			return nil // the reader went away
		}
		if rows, last, err = s.massFailedAfter(v, u, last, importsExport); err != nil {
			s.cutOff(v, err)
		}
	}
	out.Flush()
	return nil
}

// massReasons are the reasons for which records are not changed, or a mass update ends.
var massReasons = []fault.Reason{fault.NotAllowed, fault.NotOrganizer, fault.BadValue, fault.UnknownField, fault.ReadOnlyField, fault.WouldMail, fault.TooLong}

func (v *visit) massWhy(reason fault.Reason) string {
	return v.words.T(reasonKey("mass.why", reason, massReasons))
}
