package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// historyPath is what sync did, and where it is undone.
const historyPath = "/history"

func (s *Site) historyRoutes() []route {
	return []route{
		{"GET /history", member, s.historyAll},
		{"POST /history/lines/{line}/undo", member, s.undoLine},
		{"GET /history/runs/{run}", member, s.runShow},
		{"POST /history/runs/{run}/undo", member, s.undoRun},
		{"GET /history/undos/{undo}", member, s.undoShow},
	}
}

// historyLine is one thing that sync did.
type historyLine struct {
	ID     string
	Kind   string
	When   string
	Action string
	What   string // the sentence
	Why    string
	Name   string
	Path   string // of the record
	Fields string // names of those written
	Values []valueLine
	Lost   []lossLine
	Bad    bool
	Run    string // the address of the run it belongs to; "": not known
	Undo   bool   // it can be tried to undo it
	Undone string // what came of an undo, in words
	at     time.Time
	id     int64
}

// valueLine is a value that sync wrote, and what was there before.
type valueLine struct {
	Label, Before, After string
	Known                bool // what was there before is
}

// lossLine is a value that lost a conflict and may be taken after all.
type lossLine struct {
	Field, Label, Value, Side string
	There                     bool   // the record still is, so that the value can be taken
	Now                       string // what the record holds in its place
	Has                       bool   // which is the same
}

// historyListing is lines with what can be chosen of them.
type historyListing struct {
	Frame   frame
	Here    string // the address, for refreshing
	Lines   []historyLine
	Older   string
	Newest  string
	Back    string // where an undo leads back to
	Path    string // of the run that all lines are of
	Kinds   []viewLink
	Kind    string // "": both
	Sides   []option
	Actions []option
	From    string
	To      string
	Person  string // whose it is, where it is somebody else's
	People  []option
	User    string
	Record  *historyRecord
	Empty   bool // nothing was chosen, and there is nothing
}

// historyRecord is the record that a listing is about.
type historyRecord struct{ ID, Name, Path string }

// historyChoice is what a person asked for.
type historyChoice struct {
	kind   record.Kind // "": both
	side   reconcile.Where
	action reconcile.Action
	from   string // days
	to     string
	user   account.User
	record record.ID
	before map[record.Kind]int64
}

func (c historyChoice) address(own record.ID, before map[record.Kind]int64) string {
	q := url.Values{}
	for name, value := range map[string]string{"kind": string(c.kind), "side": string(c.side), "action": string(c.action), "from": c.from, "to": c.to} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.user.ID != own {
		q.Set("user", c.user.ID.String())
	}
	if c.record != 0 {
		q.Set("record", c.record.String())
	}
	for kind, id := range before {
		if id > 0 {
			q.Set("before_"+string(kind), strconv.FormatInt(id, 10))
		}
	}
	if len(q) == 0 {
		return historyPath
	}
	return historyPath + "?" + q.Encode()
}

// chosen reads what a person asks for. Whose history it is, only those who manage users may choose.
func (s *Site) chosen(v *visit) (historyChoice, error) {
	q := v.r.URL.Query()
	c := historyChoice{user: v.user, before: map[record.Kind]int64{}}
	if kind := record.Kind(q.Get("kind")); slices.Contains(kinds, kind) {
		c.kind = kind
	}
	if side := reconcile.Where(q.Get("side")); side == reconcile.InCRM || side == reconcile.InMicrosoft {
		c.side = side
	}
	if action := reconcile.Action(q.Get("action")); slices.Contains(actions, action) {
		c.action = action
	}
	for name, into := range map[string]*string{"from": &c.from, "to": &c.to} {
		if _, err := time.Parse(dayLayout, q.Get(name)); err == nil {
			*into = q.Get(name)
		}
	}
	for _, kind := range kinds {
		if id, err := strconv.ParseInt(q.Get("before_"+string(kind)), 10, 64); err == nil && id > 0 {
			c.before[kind] = id
		}
	}
	if id, ok := record.ParseID(q.Get("user")); ok && id != v.user.ID {
		if !v.may().ManageUsers {
			return c, fault.New(fault.Denied, fault.NotAllowed, "web: the profile does not see what sync did for others")
		}
		u, err := s.Accounts.User(v.ctx(), v.user.Org, id)
		if err != nil {
			return c, err
		}
		c.user = u
	}
	if id, ok := record.ParseID(q.Get("record")); ok && c.kind != "" {
		c.record = id
	}
	return c, nil
}

// readsOf reports whether a person may see what sync did with the records of a kind of somebody.
func (v *visit) readsOf(kind record.Kind, whose record.ID) bool {
	return v.may().Records(kind).View.Covers(whose == v.user.ID)
}

func (s *Site) historyAll(v *visit) error {
	c, err := s.chosen(v)
	if err != nil {
		return err
	}
	page := historyListing{Here: v.r.URL.RequestURI(), Back: v.r.URL.RequestURI(), Kind: string(c.kind), From: c.from, To: c.to}
	page.Lines, page.Older, err = s.chosenLines(v, c)
	if err != nil {
		return err
	}
	if len(c.before) > 0 {
		page.Newest = c.address(v.user.ID, nil)
	}
	page.Empty = len(page.Lines) == 0 && c.address(v.user.ID, nil) == historyPath
	if c.record != 0 {
		r, err := s.Records.Get(v.ctx(), v.actor(), c.kind, c.record)
		if err != nil {
			return err
		}
		page.Record = &historyRecord{c.record.String(), recordName(v.words, r), "/" + string(c.kind) + "/" + c.record.String()}
	}
	if v.wants("history-list") {
		return s.part(v, "history", "history-list", page)
	}
	all := c
	all.kind = ""
	page.Kinds = []viewLink{{"all", v.words.T("history.all"), all.address(v.user.ID, nil), c.kind == ""}}
	for _, kind := range kinds {
		if v.sees(kind) {
			one := c
			one.kind = kind
			page.Kinds = append(page.Kinds, viewLink{string(kind), v.words.T("kind." + string(kind)), one.address(v.user.ID, nil), c.kind == kind})
		}
	}
	page.Sides = []option{{"", v.words.T("history.any_side"), c.side == ""}}
	for _, side := range []reconcile.Where{reconcile.InMicrosoft, reconcile.InCRM} {
		page.Sides = append(page.Sides, option{string(side), v.words.T("history.side." + string(side)), c.side == side})
	}
	page.Actions = []option{{"", v.words.T("history.any_action"), c.action == ""}}
	for _, a := range actions {
		page.Actions = append(page.Actions, option{string(a), v.words.T("history.action." + string(a)), c.action == a})
	}
	if c.user.ID != v.user.ID {
		page.Person, page.User = c.user.Name(), c.user.ID.String()
	}
	if v.may().ManageUsers && c.record == 0 {
		users, err := s.Accounts.Users(v.ctx(), v.user.Org)
		if err != nil {
			return err
		}
		page.People = []option{{"", v.words.T("history.mine"), c.user.ID == v.user.ID}}
		for _, u := range users {
			if u.ID != v.user.ID && (u.State == account.Active || u.State == account.Deactivated) {
				page.People = append(page.People, option{u.ID.String(), u.Name(), u.ID == c.user.ID})
			}
		}
	}
	page.Frame = s.frame(v, "status", v.words.T("history.title"))
	return s.render(v, http.StatusOK, "history", page)
}

// chosenLines are the lines of a page and the address of the next one, "" when these are all.
func (s *Site) chosenLines(v *visit, c historyChoice) ([]historyLine, string, error) {
	query := reconcile.HistoryQuery{Side: c.side, Action: c.action, Limit: pageSize + 1}
	if day, err := time.ParseInLocation(dayLayout, c.from, v.zone); err == nil {
		query.From = day
	}
	if day, err := time.ParseInLocation(dayLayout, c.to, v.zone); err == nil {
		query.To = day.AddDate(0, 0, 1)
	}
	var chains [][]historyLine
	next := map[record.Kind]int64{}
	for _, kind := range kinds {
		if c.kind != "" && c.kind != kind || !v.readsOf(kind, c.user.ID) {
			continue
		}
		query.Before, query.Links = c.before[kind], nil
		whose := c.user.ID
		if c.record != 0 {
			r, err := s.Records.Get(v.ctx(), v.actor(), kind, c.record)
			if err != nil {
				return nil, "", err
			}
			query.Record, query.Kind, whose = c.record.Ref(), kind, r.Owner
		} else {
			var err error
			if query.Links, err = s.Links.LinksEver(v.ctx(), v.user.Org, c.user.ID, kind); err != nil {
				return nil, "", err
			}
		}
		entries, err := s.Links.Lines(v.ctx(), v.user.Org, query)
		if err != nil {
			return nil, "", err
		}
		next[kind] = c.before[kind]
		if next[kind] == 0 && len(entries) > 0 {
			next[kind] = entries[0].ID + 1 // where this page begins, should it show none of them
		}
		lines, err := s.tellLines(v, kind, whose == v.user.ID, entries)
		if err != nil {
			return nil, "", err
		}
		chains = append(chains, lines)
	}
	found := merged(chains)
	if len(found) <= pageSize {
		return found, "", nil
	}
	found = found[:pageSize]
	for _, line := range found {
		next[record.Kind(line.Kind)] = line.id
	}
	return found, c.address(v.user.ID, next), nil
}

// merged are the lines of several chains, latest first; those of one chain stay in their order.
func merged(chains [][]historyLine) (out []historyLine) {
	for {
		latest := -1
		for i, chain := range chains {
			if len(chain) > 0 && (latest < 0 || chain[0].at.After(chains[latest][0].at)) {
				latest = i
			}
		}
		if latest < 0 {
			return out
		}
		out, chains[latest] = append(out, chains[latest][0]), chains[latest][1:]
	}
}

// tellLines puts lines of history into words. Of what is not the person's own, a value is only told where the record, as it is
// now, is one that the person sees; of events none.
func (s *Site) tellLines(v *visit, kind record.Kind, own bool, entries []reconcile.HistoryEntry) ([]historyLine, error) {
	there, err := s.recordsOf(v, kind, entries)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	undone, err := s.Links.UndoneOf(v.ctx(), v.user.Org, ids)
	if err != nil {
		return nil, err
	}
	out := make([]historyLine, len(entries))
	for i, e := range entries {
		out[i] = v.tellLine(kind, own, e, there, undone[e.ID])
	}
	return out, nil
}

func (v *visit) tellLine(kind record.Kind, own bool, e reconcile.HistoryEntry, there map[record.ID]crm.Record, undone reconcile.UndoneLine) historyLine {
	line := historyLine{
		ID: strconv.FormatInt(e.ID, 10), Kind: string(kind), When: v.words.Moment(e.At.In(v.zone)), Action: string(e.Action),
		Why: v.whyWords(e.Reason), Bad: e.Action == reconcile.Failed, at: e.At, id: e.ID,
	}
	side := string(e.Side)
	if side == "" {
		side = "none"
	}
	line.What = v.words.T("history."+string(e.Action), "Side", v.words.T("side."+side))
	id, _ := record.ParseID(string(e.CRM))
	now, still := there[id]
	shown := own || still && kind == record.Contacts
	switch {
	case still:
		line.Name, line.Path = recordName(v.words, now), "/"+string(kind)+"/"+id.String()
	case own && e.Action == reconcile.Deleted && len(e.Before) > 0:
		line.Name = recordName(v.words, crm.Record{Kind: kind, Fields: e.Before})
	}
	for _, d := range v.schema(kind).Defs() {
		after, written := e.Fields[d.Name]
		if !written || e.Action != reconcile.Updated && e.Action != reconcile.Restored {
			continue
		}
		before, known := e.Before[d.Name]
		if e.Action == reconcile.Restored && known && before == after {
			continue
		}
		line.Fields = joinNonEmpty(", ", line.Fields, v.label(kind, d.Name))
		if shown {
			line.Values = append(line.Values, valueLine{
				Label: v.label(kind, d.Name), Known: known,
				Before: v.valueWords(kind, d.Name, e.Before.With(record.Fields{d.Name: before})), After: v.valueWords(kind, d.Name, e.Fields.With(record.Fields{d.Name: after})),
			})
		}
	}
	if shown && own {
		for _, lost := range e.Lost {
			if _, known := v.schema(kind).Def(lost.Field); !known {
				continue // a field that is out of use
			}
			line.Lost = append(line.Lost, lossLine{
				Field: string(lost.Field), Label: v.label(kind, lost.Field), Side: v.words.T("side." + string(lost.Side)),
				Value: v.valueWords(kind, lost.Field, record.Fields{lost.Field: lost.Value}),
				There: still, Now: v.valueWords(kind, lost.Field, now.Fields), Has: now.Fields[lost.Field] == lost.Value,
			})
		}
	}
	if undone.What != "" {
		line.Undone = v.words.T("undo."+string(undone.What), "When", v.words.Moment(undone.At.In(v.zone)))
	}
	if own && e.Run > 0 {
		line.Run = runPath(e.Link, e.Run)
	}
	line.Undo = own && e.Undoable() && !undone.What.Done()
	return line
}

func runPath(link reconcile.LinkID, run int64) string {
	return historyPath + "/runs/" + strconv.FormatInt(int64(link), 10) + "." + strconv.FormatInt(run, 10)
}

// ownLink is a link of the person's, also one that is off.
func (s *Site) ownLink(v *visit, id reconcile.LinkID) (*reconcile.Link, error) {
	l, err := s.Links.Link(v.ctx(), v.user.Org, id)
	if err != nil {
		return nil, err
	}
	if l.User != v.user.ID {
		return nil, fault.New(fault.NotFound, "", "web: link %d is somebody else's", id)
	}
	return l, v.needs(l.Kind, viewing)
}

// lineOf finds a line of the person's own history.
func (s *Site) lineOf(v *visit, text string) (*reconcile.Link, reconcile.HistoryEntry, error) {
	id, ok := record.ParseID(text)
	if !ok {
		return nil, reconcile.HistoryEntry{}, fault.New(fault.NotFound, "", "web: %q is no line of history", text)
	}
	for _, kind := range kinds {
		links, err := s.Links.LinksEver(v.ctx(), v.user.Org, v.user.ID, kind)
		if err != nil {
			return nil, reconcile.HistoryEntry{}, err
		}
		found, err := s.Links.Lines(v.ctx(), v.user.Org, reconcile.HistoryQuery{Links: links, Before: int64(id) + 1, Limit: 1})
		if err != nil {
			return nil, reconcile.HistoryEntry{}, err
		}
		if len(found) == 1 && found[0].ID == int64(id) {
			l, err := s.ownLink(v, found[0].Link)
			return l, found[0], err
		}
	}
	return nil, reconcile.HistoryEntry{}, fault.New(fault.NotFound, "", "web: the line is not this person's")
}

// undoLine undoes one change.
func (s *Site) undoLine(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	l, line, err := s.lineOf(v, v.r.PathValue("line"))
	if err != nil {
		return err
	}
	if !line.Undoable() {
		return fault.New(fault.Invalid, "", "web: there is nothing to undo of line %d", line.ID)
	}
	what, err := s.Undo.Line(v.ctx(), v.user, l, line)
	if err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "undo.now." + string(what), Bad: !what.Done()})
	back := form.Get("back")
	if back == "" {
		back = historyPath
	}
	return v.to(ownPath(back))
}

// runPage is one run, and what its undo would do.
type runPage struct {
	Frame    frame
	Kind     string
	Path     string
	Back     string
	When     string
	Lines    []historyLine
	Older    string
	Work     reconcile.RunWork
	Undoable int
}

func (s *Site) runOf(v *visit) (*reconcile.Link, int64, error) {
	before, after, _ := strings.Cut(v.r.PathValue("run"), ".")
	link, ok := record.ParseID(before)
	run, more := record.ParseID(after)
	if !ok || !more {
		return nil, 0, fault.New(fault.NotFound, "", "web: %q names no run", v.r.PathValue("run"))
	}
	l, err := s.ownLink(v, reconcile.LinkID(link))
	return l, int64(run), err
}

func (s *Site) runShow(v *visit) error {
	l, run, err := s.runOf(v)
	if err != nil {
		return err
	}
	page := runPage{Kind: string(l.Kind), Path: runPath(l.ID, run), Back: v.r.URL.RequestURI()}
	if page.Work, err = s.Links.RunWork(v.ctx(), l.Org, l.ID, run); err != nil {
		return err
	}
	page.Undoable = page.Work.Deletes + page.Work.Restores + page.Work.Updates
	page.When = v.words.Moment(page.Work.From.In(v.zone))
	before, _ := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64)
	entries, err := s.Links.Lines(v.ctx(), l.Org, reconcile.HistoryQuery{Links: []reconcile.LinkID{l.ID}, Run: run, Before: max(0, before), Limit: pageSize + 1})
	if err != nil {
		return err
	}
	if len(entries) > pageSize {
		entries = entries[:pageSize]
		page.Older = page.Path + "?before=" + strconv.FormatInt(entries[pageSize-1].ID, 10)
	}
	if page.Lines, err = s.tellLines(v, l.Kind, true, entries); err != nil {
		return err
	}
	page.Frame = s.frame(v, "status", v.words.T("history.run.title"))
	return s.render(v, http.StatusOK, "run", page)
}

func (s *Site) undoRun(v *visit) error {
	l, run, err := s.runOf(v)
	if err != nil {
		return err
	}
	if _, err := s.Links.RunWork(v.ctx(), l.Org, l.ID, run); err != nil {
		return err
	}
	id, err := s.Undo.Begin(v.ctx(), v.user, l, run)
	if err != nil {
		return err
	}
	return v.to(historyPath + "/undos/" + url.PathEscape(id))
}

// undoPage is how far the undo of a run is, and what came of it.
type undoPage struct {
	Frame frame
	Here  string
	Kind  string
	Run   string
	Ended bool
	Done  int
	Left  []whyLine // what stayed as it is, by reason
}

func (s *Site) undoShow(v *visit) error {
	u, err := s.Links.TheUndo(v.ctx(), v.r.PathValue("undo"))
	if err == nil && (u.Org != v.user.Org || u.User != v.user.ID) {
		err = fault.New(fault.NotFound, "", "web: the undo is somebody else's")
	}
	if err != nil {
		return err
	}
	page := undoPage{Here: v.r.URL.RequestURI(), Kind: string(u.Kind), Run: runPath(u.Link, u.Run), Ended: !u.Ended.IsZero()}
	for _, what := range reconcile.Undoings() {
		n := u.Came[what]
		switch {
		case n == 0:
		case what == reconcile.Undone || what == reconcile.UndoneBefore:
			page.Done += n
		default:
			page.Left = append(page.Left, whyLine{string(what), v.words.T("undo.why."+string(what), "Count", n), n})
		}
	}
	if v.wants("undo") {
		return s.part(v, "undo", "undo", page)
	}
	page.Frame = s.frame(v, "status", v.words.T("undo.title"))
	return s.render(v, http.StatusOK, "undo", page)
}
