package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Previews show what sync would do, before it does. They are made in the background.
type Previews interface {
	// Begin asks for a preview of a user's kind of sync and returns its id. link is nil before switching on; settings are
	// those that reconcile.Changing would give the link.
	Begin(ctx context.Context, u account.User, kind record.Kind, link *reconcile.Link, occasion reconcile.Occasion, settings reconcile.Settings) (string, error)
	Preview(ctx context.Context, org, user record.ID, id string) (reconcile.Preview, error)
	PreviewLines(ctx context.Context, org, user record.ID, id string, group reconcile.Group, after, limit int) ([]reconcile.Line, int, error)
}

func (s *Site) previewRoutes() []route {
	const path = marketplacePath + "/{kind}/preview"
	return []route{
		{"POST " + path, member, s.previewBegin},
		{"GET " + path + "/{id}", member, s.previewShow},
		{"GET " + path + "/{id}/part", script, s.previewPart},
		{"GET " + path + "/{id}/preview.csv", member, s.previewCSV},
	}
}

// previewPage says what would happen.
type previewPage struct {
	Frame    frame
	Kind     string
	Occasion string
	Path     string // of this preview
	Again    string // where another one is asked for
	State    string // rehearsing, abandoned, failed, rehearsed
	What, Do string // of failed: why, and what helps
	Compared int
	Counts   []previewCount
	Tabs     []viewLink
	Open     string // the tab
	Rows     []previewRow
	More     int // rows that are only in the file
	LeftOut  []whyLine
	Says     []string // sentences about the whole
	Mailed   int
	Blind    bool // the person may not see such records: counts only
	Draft    url.Values
	Approve  string // where a yes is sent
}

type previewCount struct {
	Key   string
	Count int
}

// previewRow is what would happen to one record.
type previewRow struct {
	Name, Path string
	What, Why  string
	Mails      string // whom it mails
	Values     []previewValue
}

// previewValue is a value that would be written.
type previewValue struct{ Side, Label, Value string }

// previewRows is how many records a tab names, and previewValues how many values of each.
const (
	previewRows   = 50
	previewValues = 6
	// previewExport is how many lines an export reads at a time.
	previewExport = 500
)

// previewBegin asks for a preview and leads to it, or to Microsoft where that comes first.
func (s *Site) previewBegin(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	kind, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	occasion := reconcile.Occasion(form.Get("occasion"))
	switch occasion {
	case reconcile.Beginning:
		if !v.may().Sync(kind) {
			return fault.New(fault.Denied, fault.SyncWithheld, "web: the profile does not allow sync of %s", kind)
		}
		if l != nil {
			return v.to(marketplacePath) // it is on
		}
		err := s.Switch.Allowed(v.ctx(), v.user, kind)
		switch {
		case fault.Is(err, fault.Denied) && needsMicrosoft(fault.ReasonOf(err)):
			return v.to("/connect/microsoft?kind=" + string(kind) + "&preview=yes")
		case fault.Is(err, fault.Denied) && fault.ReasonOf(err) != "":
			s.putFlash(v.ctx(), refusal(fault.ReasonOf(err)))
			return v.to(marketplacePath)
		case err != nil:
			return err
		}
	case reconcile.Ending, reconcile.Next:
		if l == nil {
			return v.to(marketplacePath)
		}
	default: // a change of fields begins its own: see askMapping
		return fault.New(fault.Invalid, "", "web: no preview is called %q", occasion)
	}
	id, err := s.Previews.Begin(v.ctx(), v.user, kind, l, occasion, reconcile.Settings{})
	if err != nil {
		return err
	}
	return v.to(previewPath(kind, id))
}

func previewPath(kind record.Kind, id string) string {
	return marketplacePath + "/" + string(kind) + "/preview/" + url.PathEscape(id)
}

func (s *Site) previewShow(v *visit) error {
	page, err := s.previewOf(v)
	if err != nil {
		return err
	}
	page.Frame = s.frame(v, "setup", v.words.T("preview.title."+page.Occasion))
	return s.render(v, http.StatusOK, "preview", page)
}

// previewPart is what changes while a preview is being made.
func (s *Site) previewPart(v *visit) error {
	page, err := s.previewOf(v)
	if err != nil {
		return err
	}
	return s.part(v, "preview", "preview-part", page)
}

// thePreview is the one of the path.
func (s *Site) thePreview(v *visit) (reconcile.Preview, error) {
	kind, err := kindOf(v.r.PathValue("kind"))
	if err != nil {
		return reconcile.Preview{}, err
	}
	p, err := s.Previews.Preview(v.ctx(), v.user.Org, v.user.ID, v.r.PathValue("id"))
	if err == nil && p.Kind != kind {
		err = fault.New(fault.NotFound, "", "web: the preview is of %s", p.Kind)
	}
	return p, err
}

func (s *Site) previewOf(v *visit) (previewPage, error) {
	p, err := s.thePreview(v)
	if err != nil {
		return previewPage{}, err
	}
	page := s.previewPage(v, p)
	switch p.Occasion {
	case reconcile.Changing:
		if err := s.approveChange(v, p, &page); err != nil {
			return page, err
		}
	case reconcile.Beginning:
		inOwn, err := s.beginsInOwn(v, v.user, p.Kind)
		if err != nil {
			return page, err
		}
		if inOwn && page.State != string(reconcile.Rehearsed) { // nobody says yes unseen
			page.Approve = ""
		}
	}
	if page.State != "rehearsed" || page.Blind {
		return page, nil
	}
	group := reconcile.Group(v.r.URL.Query().Get("show"))
	for _, c := range page.Counts {
		if c.Key == string(group) && c.Count > 0 || page.Open == "" && c.Count > 0 {
			page.Open = c.Key
		}
	}
	for _, c := range page.Counts {
		if c.Count > 0 {
			page.Tabs = append(page.Tabs, viewLink{
				c.Key, v.words.T("preview.tab."+c.Key, "N", c.Count), page.Path + "?show=" + c.Key, c.Key == page.Open,
			})
		}
	}
	if page.Open == "" {
		return page, nil
	}
	lines, _, err := s.Previews.PreviewLines(v.ctx(), v.user.Org, v.user.ID, p.ID, reconcile.Group(page.Open), 0, previewRows)
	if err != nil {
		return page, err
	}
	for _, l := range lines {
		page.Rows = append(page.Rows, v.previewRow(p, l))
	}
	page.More = p.Summary.Counts[reconcile.Group(page.Open)] - len(lines)
	return page, nil
}

// approveChange lets a person say yes to the very change that the preview is of, if it still is one.
func (s *Site) approveChange(v *visit, p reconcile.Preview, page *previewPage) error {
	links, err := s.links(v)
	if err != nil {
		return err
	}
	l := links[p.Kind]
	if l == nil || l.ID != p.Link || l.State == reconcile.Off || l.State == reconcile.Switching || p.Settings.Mapping == nil {
		return nil
	}
	now := reconcile.Settings{Winner: l.Policy.Winner, Mapping: l.Mapping, Options: l.Policy.Options}
	if c := (change{link: l, old: now, new: p.Settings}); p.Kind == record.Contacts && !c.none() {
		page.Approve, page.Draft = mappingPath, c.form()
		page.Draft.Set("answer", c.answer())
	} else if draft := wishOf(p.Settings.Winner, p.Settings.Options); draft != wishOf(now.Winner, now.Options) {
		w := wanting{kind: p.Kind, link: l, now: wishOf(now.Winner, now.Options)}
		page.Approve, page.Draft = w.path(), optionsDraft(draft)
		page.Draft.Set("answer", w.answer(draft))
	}
	return nil
}

// previewPage is a preview without its rows.
func (s *Site) previewPage(v *visit, p reconcile.Preview) previewPage {
	page := previewPage{
		Kind: string(p.Kind), Occasion: string(p.Occasion), Path: previewPath(p.Kind, p.ID), State: string(p.State),
		Again: marketplacePath + "/" + string(p.Kind) + "/preview", Compared: p.Summary.Compared, Mailed: p.Summary.Mailed, Blind: !v.sees(p.Kind),
	}
	switch p.Occasion {
	case reconcile.Beginning:
		page.Approve = marketplacePath + "/" + string(p.Kind) + "/enable"
		if page.State == string(reconcile.Rehearsed) {
			page.Draft = url.Values{"seen": {"yes"}}
		}
	case reconcile.Ending:
		page.Approve = marketplacePath + "/" + string(p.Kind) + "/disable"
	case reconcile.Changing:
		page.Again = ""
	}
	switch {
	case p.Abandoned(v.now):
		page.State = "abandoned"
	case p.State == reconcile.Failing:
		key := reasonKey("reason", p.Reason, reasons)
		page.What, page.Do = v.words.T(key+".what"), v.words.T(key+".do")
	case p.State != reconcile.Rehearsed:
		return page
	}
	for _, group := range reconcile.Groups() {
		page.Counts = append(page.Counts, previewCount{string(group), p.Summary.Counts[group]})
	}
	for _, reason := range reasons {
		if n := p.Summary.LeftOut[reason]; n > 0 && (reason != fault.NotOwn || v.may().Records(p.Kind).View == record.Anyones) {
			page.LeftOut = append(page.LeftOut, whyLine{string(reason), v.words.T(reasonKey("reason", reason, reasons) + ".what"), n})
		}
	}
	page.Says = v.previewSays(p)
	return page
}

// previewSays are the sentences about the whole.
func (v *visit) previewSays(p reconcile.Preview) (out []string) {
	sum := p.Summary
	say := func(key string, args ...any) { out = append(out, v.words.T("preview.says."+key, args...)) }
	switch {
	case p.Occasion == reconcile.Beginning && sum.Existing:
		say("own", "Name", sum.Container)
		say("own_later")
	case p.Occasion == reconcile.Beginning && sum.Container != "":
		say("found", "Name", sum.Container)
	}
	if p.Occasion == reconcile.Ending {
		switch {
		case sum.Kept != "":
			say("stays", "Name", sum.Container, "Why", v.words.T(reasonKey("reason", sum.Kept, reasons)+".what"))
		case sum.Container != "":
			say("goes", "Name", sum.Container, "Count", sum.Removed)
		}
		say("kept")
	}
	if sum.Stops != "" {
		out = append(out, v.words.T(reasonKey("reason", sum.Stops, reasons)+".what"))
	}
	if sum.Held {
		say("held")
	}
	return out
}

// previewRow tells a line in words.
func (v *visit) previewRow(p reconcile.Preview, l reconcile.Line) previewRow {
	kind := p.Kind
	row := previewRow{Name: l.Name, What: v.words.T("preview.verb." + string(previewVerb(l))), Why: v.whyWords(l.Why)}
	row.Mails = strings.Join(l.Mails, ", ")
	if p.Occasion == reconcile.Changing && l.Group == reconcile.ToUpdate {
		row.Why = "" // it is the change that does it
	}
	if row.Name == "" {
		row.Name = v.words.T("preview.nameless")
	}
	if id, ok := record.ParseID(string(l.CRM)); ok {
		row.Path = map[record.Kind]string{record.Contacts: "/contacts/", record.Calendar: "/calendar/"}[kind] + id.String()
	}
	if l.Group != reconcile.ToUpdate && l.Group != reconcile.ToMatch {
		return row
	}
	for _, side := range []struct {
		where  reconcile.Where
		fields record.Fields
	}{{reconcile.InMicrosoft, l.ToMicrosoft}, {reconcile.InCRM, l.ToCRM}} {
		for _, f := range fieldsInOrder(side.fields) {
			text := v.shown(kind, f, side.fields[f])
			if text == "" {
				text = v.words.T("preview.emptied")
			}
			row.Values = append(row.Values, previewValue{v.words.T("side." + string(side.where)), v.words.T("field." + string(f)), text})
		}
	}
	if len(row.Values) > previewValues {
		row.Values = row.Values[:previewValues]
	}
	return row
}

// previewVerb is the verb of a line in the words of people: an update is told by where it is written.
func previewVerb(l reconcile.Line) string {
	if l.Verb != reconcile.Merge {
		return string(l.Verb)
	}
	switch {
	case len(l.ToCRM) == 0:
		return "merge_microsoft"
	case len(l.ToMicrosoft) == 0:
		return "merge_crm"
	}
	return "merge_both"
}

func fieldsInOrder(fields record.Fields) (out []record.Field) {
	for f := range fields {
		out = append(out, f)
	}
	slices.Sort(out)
	return out
}

// previewCSV streams all lines. It begins with the mark of UTF-8, as auditCSV does.
func (s *Site) previewCSV(v *visit) error {
	p, err := s.thePreview(v)
	if err != nil {
		return err
	}
	if err := v.needs(p.Kind, viewing); err != nil {
		return err
	}
	lines, last, err := s.Previews.PreviewLines(v.ctx(), v.user.Org, v.user.ID, p.ID, "", 0, previewExport)
	if err != nil {
		return err
	}
	out := v.csvFile("tandem-preview-"+string(p.Kind)+"-"+p.Begun.UTC().Format(time.DateOnly), "group", "action", "what", "name", "why", "crm_id", "to_outlook", "to_crm", "mailed")
	for len(lines) > 0 {
		for _, l := range lines {
			_ = out.Write(v.previewCells(p.Kind, l))
		}
		if out.Flush(); out.Error() != nil {
			return nil // the reader went away
		}
		if lines, last, err = s.Previews.PreviewLines(v.ctx(), v.user.Org, v.user.ID, p.ID, "", last, previewExport); err != nil {
			s.cutOff(v, err)
		}
	}
	out.Flush()
	return nil
}

func (v *visit) previewCells(kind record.Kind, l reconcile.Line) []string {
	values := func(fields record.Fields) string {
		var out []string
		for _, f := range fieldsInOrder(fields) {
			out = append(out, v.label(kind, f)+": "+v.shown(kind, f, fields[f]))
		}
		return strings.Join(out, "; ")
	}
	cells := []string{
		string(l.Group), string(l.Verb), v.words.T("preview.verb." + string(previewVerb(l))), l.Name, v.whyWords(l.Why), string(l.CRM),
		values(l.ToMicrosoft), values(l.ToCRM), strings.Join(l.Mails, "; "),
	}
	for i, cell := range cells {
		cells[i] = defused(cell)
	}
	return cells
}

// previewLink begins the preview of a change and returns its address; "" if there cannot be one now, which is no reason to
// keep the question from being asked.
func (s *Site) previewLink(v *visit, l *reconcile.Link, to reconcile.Settings) string {
	id, err := s.Previews.Begin(v.ctx(), v.user, l.Kind, l, reconcile.Changing, to)
	if err != nil {
		s.Logger.WarnContext(v.ctx(), "web: a change is asked about without a preview", "org", v.user.Org, "user", v.user.ID, "link", l.ID, "err", err)
		return ""
	}
	return previewPath(l.Kind, id)
}
