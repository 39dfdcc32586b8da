package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
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

// askRoutes are those of what sync asks a person: which value counts where both sides changed one, and which contact a
// new one in Outlook is.
func (s *Site) askRoutes() []route {
	return []route{
		{"GET /inbox", member, s.inbox},
		{"GET /setup/marketplace/microsoft/{kind}/questions", member, s.questions},
		{"POST /setup/marketplace/microsoft/{kind}/questions", member, s.decide},
		{"POST /setup/marketplace/microsoft/{kind}/questions/back", member, s.takeBack},
	}
}

// questionsPage is one form about several records: a person decides about those that they like, and the rest stays.
type questionsPage struct {
	Frame  frame
	Card   card
	Rows   []question
	Left   []leftOut // on the first page
	More   bool      // there are more that were left out
	Page   int
	Before string
	After  string
	Kinds  []viewLink // where both kinds ask something
	Rest   bool       // several are conflicts, so that the rest of them can be answered at once
}

// A question is what is asked about one item at Microsoft. It has Units, or Item and Matches, or Off.
type question struct {
	At      int        // its place in the form
	Ref     record.Ref // of the item
	Seen    string     // tells whether what was decided upon is what now stands
	Kind    record.Kind
	Name    string
	Path    string // of the CRM's record, where there is one
	Since   string
	Changed string // the CRM's record: who and when
	Units   []unit
	Item    facts
	Matches []match
	Off     *callOff
}

// callOff asks whether people may be told that a meeting is off, which is no longer this person's in the CRM.
type callOff struct {
	Why     string
	Count   int
	People  []string
	version record.Version
	record  record.Ref
}

// leftOut is an item that the person left out.
type leftOut struct {
	Ref   record.Ref
	Since string
	Facts facts
}

// A unit is fields that count together, with what each side holds.
type unit struct {
	Key    string // its first field, which the form calls it by
	Lines  []unitLine
	Taken  reconcile.Where // what was said, and is not carried out yet
	fields []record.Field
}

type unitLine struct{ Label, Theirs, Ours string }

// A match is a contact of the CRM that an item may be.
type match struct {
	Ref      record.Ref
	Path     string
	Facts    facts
	Imported bool // it does not take part so far: paired, it does
}

// facts are what people know somebody by. Same marks what the other one has as well.
type facts struct {
	Name    string
	Lines   []factLine
	Changed string
}

type factLine struct {
	Label, Value string
	Same         bool
}

// knownBy are the fields that tell one person, or one event, from another.
var knownBy = map[record.Kind][]record.Field{
	record.Contacts: {
		record.AccountName, record.Title, record.EmailField, record.SecondaryEmail, record.Mobile, record.PhoneField,
		record.HomePhone, record.OtherPhone, record.MailingStreet, record.MailingCity, record.DateOfBirth,
	},
	record.Calendar: {record.Start, record.End, record.Venue},
}

// askedAtOnce is how many questions are fetched at once to be counted or searched. Cards say so where there are more.
const askedAtOnce = 200

// askedWords tell how many questions of a link wait for its person; "": none.
func (s *Site) askedWords(v *visit, l *reconcile.Link) (string, error) {
	asked, err := s.Links.Asks(v.ctx(), l.Org, l.ID, 0, askedAtOnce)
	switch n := len(asked); {
	case err != nil || n == 0:
		return "", err
	case n < askedAtOnce:
		return v.words.T("asks.count", "Count", n), nil
	default:
		return v.words.T("asks.many", "Count", n), nil
	}
}

func (s *Site) questions(v *visit) error {
	kind, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	if err := v.needs(kind, viewing); err != nil {
		return err
	}
	if l == nil {
		return v.to(marketplacePath)
	}
	page := questionsPage{Page: 1}
	if n, err := strconv.Atoi(v.r.URL.Query().Get("page")); err == nil && n > 0 && n < 1e6 {
		page.Page = n
	}
	if page.Card, err = s.card(v.ctx(), v, kind, l, false); err != nil {
		return err
	}
	asked, err := s.Links.Asks(v.ctx(), l.Org, l.ID, (page.Page-1)*pageSize, pageSize+1)
	if err != nil {
		return err
	}
	path := func(n int) string { return page.Card.Path() + "/questions?page=" + strconv.Itoa(n) }
	if len(asked) > pageSize {
		asked, page.After = asked[:pageSize], path(page.Page+1)
	}
	if page.Page > 1 {
		page.Before = path(page.Page - 1)
	}
	if page.Rows, err = s.questionRows(v, l, asked); err != nil {
		return err
	}
	conflicts := 0
	for _, row := range page.Rows {
		if row.open() {
			conflicts++
		}
	}
	page.Rest = conflicts > 1
	if page.Kinds, err = s.inboxKinds(v, kind); err != nil {
		return err
	}
	if page.Page == 1 {
		left, err := s.Links.LeftOut(v.ctx(), l.Org, l.ID, 0, pageSize+1)
		if err != nil {
			return err
		}
		page.More = len(left) > pageSize
		for _, q := range left[:min(len(left), pageSize)] {
			f := v.facts(kind, q.Ask.Theirs)
			if f.Name = q.Name; f.Name == "" {
				f.Name = v.words.T("record.nameless")
			}
			page.Left = append(page.Left, leftOut{q.Microsoft, v.words.Moment(q.Since.In(v.zone)), f})
		}
	}
	page.Frame = s.frame(v, "setup", v.words.T("asks.title"))
	return s.render(v, http.StatusOK, "asks", page)
}

// open reports whether the question is which value counts, and not answered whole yet.
func (q question) open() bool {
	return slices.ContainsFunc(q.Units, func(u unit) bool { return u.Taken == "" })
}

// inbox leads to the questions: those of the kind that has some.
func (s *Site) inbox(v *visit) error {
	links, err := s.Links.LinksOf(v.ctx(), v.user.Org, v.user.ID)
	if err != nil {
		return err
	}
	to := marketplacePath
	for _, l := range links {
		if !v.sees(l.Kind) {
			continue
		}
		asked, err := s.Links.Asks(v.ctx(), l.Org, l.ID, 0, 1)
		if err != nil {
			return err
		}
		if len(asked) > 0 || to == marketplacePath {
			to = marketplacePath + "/" + string(l.Kind) + "/questions"
		}
		if len(asked) > 0 {
			break
		}
	}
	return v.to(to)
}

// inboxKinds are the questions of each kind that is synced, where there is more than one.
func (s *Site) inboxKinds(v *visit, open record.Kind) ([]viewLink, error) {
	links, err := s.Links.LinksOf(v.ctx(), v.user.Org, v.user.ID)
	if err != nil {
		return nil, err
	}
	var out []viewLink
	for _, l := range links {
		if !v.sees(l.Kind) {
			continue
		}
		asked, err := s.Links.Asks(v.ctx(), l.Org, l.ID, 0, askedAtOnce)
		if err != nil {
			return nil, err
		}
		label := v.words.T("org.tab", "State", v.words.T("kind."+string(l.Kind)), "N", len(asked))
		out = append(out, viewLink{string(l.Kind), label, marketplacePath + "/" + string(l.Kind) + "/questions", l.Kind == open})
	}
	if len(out) < 2 {
		return nil, nil
	}
	return out, nil
}

// questionRows puts questions into words, with the CRM's present values beside those that the item held. What is about a
// record that this person no longer has is left out: the next run finds that it is no question any more.
func (s *Site) questionRows(v *visit, l *reconcile.Link, asked []reconcile.Question) ([]question, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	ours, err := s.askedAbout(v, l.Kind, asked)
	if err != nil {
		return nil, err
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return nil, err
	}
	var out []question
	for _, q := range asked {
		row := question{At: len(out), Ref: q.Microsoft, Kind: l.Kind, Name: q.Name, Since: v.words.Moment(q.Since.In(v.zone))}
		if len(q.Ask.Mails) > 0 {
			row.Item = v.facts(l.Kind, q.Ask.Theirs)
			row.Name = strings.TrimSpace(row.Item.Name)
			row.Off = &callOff{v.words.T("asks.off." + q.Ask.Why), len(q.Ask.Mails), q.Ask.Mails, q.Ask.Of, q.CRM}
		} else if len(q.Ask.Matches) > 0 {
			v.askMatches(&row, l, q, ours, users)
		} else {
			id, _ := record.ParseID(string(q.CRM))
			r, there := ours[id]
			if !there {
				continue
			}
			row.Name, row.Path, row.Changed = recordName(v.words, r), "/"+string(l.Kind)+"/"+id.String(), v.changedBy(r, users)
			row.Units = v.units(l.Kind, q.Ask, r)
		}
		if row.Name == "" {
			row.Name = v.words.T("record.nameless")
		}
		row.Seen = row.seen()
		out = append(out, row)
	}
	return out, nil
}

// askedAbout are the records of the CRM that questions name, as far as this person has them.
func (s *Site) askedAbout(v *visit, kind record.Kind, asked []reconcile.Question) (map[record.ID]crm.Record, error) {
	seen := map[record.ID]bool{}
	var ids []record.ID
	for _, q := range asked {
		for _, ref := range append([]record.Ref{q.CRM}, q.Ask.Matches...) {
			if id, ok := record.ParseID(string(ref)); ok && !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := s.Records.ByID(v.ctx(), v.actor(), kind, ids...)
	if err != nil {
		return nil, err
	}
	for id, r := range found {
		if r.Deleted() {
			delete(found, id)
		}
	}
	return found, nil
}

func (v *visit) changedBy(r crm.Record, users []account.User) string {
	return v.words.T("record.changed", "Who", ownerName(users, r.ModifiedBy), "When", v.words.Moment(r.ModifiedAt.In(v.zone)))
}

// units are the fields in conflict, those of a group as one.
func (v *visit) units(kind record.Kind, a reconcile.Ask, r crm.Record) (out []unit) {
	at := map[string]int{}
	for _, def := range v.schema(kind).Defs() {
		if !slices.Contains(a.Conflicts, def.Name) {
			continue
		}
		i, known := at[def.Group]
		if !known || def.Group == "" {
			i = len(out)
			at[def.Group] = i
			out = append(out, unit{Key: string(def.Name), Taken: a.Taken[def.Name]})
		}
		out[i].fields = append(out[i].fields, def.Name)
		out[i].Lines = append(out[i].Lines, unitLine{
			v.label(kind, def.Name), v.valueWords(kind, def.Name, a.Theirs), v.valueWords(kind, def.Name, r.Fields),
		})
	}
	return out
}

// askMatches sets an item beside the contacts that it may be.
func (v *visit) askMatches(row *question, l *reconcile.Link, q reconcile.Question, ours map[record.ID]crm.Record, users []account.User) {
	row.Item = v.facts(l.Kind, q.Ask.Theirs)
	if row.Name == "" {
		row.Name = strings.TrimSpace(row.Item.Name)
	}
	for _, ref := range q.Ask.Matches {
		id, _ := record.ParseID(string(ref))
		r, there := ours[id]
		if !there {
			continue
		}
		m := match{Ref: ref, Path: "/" + string(l.Kind) + "/" + id.String(), Facts: v.facts(l.Kind, r.Fields)}
		_, why := reconcile.Eligible(l.User, l.Policy, r.Meta())
		m.Imported = why == fault.Imported
		m.Facts.Name, m.Facts.Changed = recordName(v.words, r), v.changedBy(r, users)
		for i, line := range m.Facts.Lines {
			m.Facts.Lines[i].Same = slices.ContainsFunc(row.Item.Lines, func(other factLine) bool { return alike(line.Value, other.Value) })
		}
		row.Matches = append(row.Matches, m)
	}
}

// alike compares what people see, however it was typed.
func alike(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) || len(digits(a)) > 5 && digits(a) == digits(b)
}

// digits are those of a number that has no letters.
func digits(text string) string {
	var out []byte
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			out = append(out, byte(c))
		case !strings.ContainsRune(" +-()./", c):
			return ""
		}
	}
	return string(out)
}

func (v *visit) facts(kind record.Kind, fields record.Fields) facts {
	f := facts{Name: strings.TrimSpace(string(fields[record.FirstName] + " " + fields[record.LastName]))}
	if kind == record.Calendar {
		f.Name = string(fields[record.EventTitle])
	}
	for _, name := range knownBy[kind] {
		if fields[name] != "" {
			f.Lines = append(f.Lines, factLine{Label: v.label(kind, name), Value: v.valueWords(kind, name, fields)})
		}
	}
	return f
}

// valueWords is the value of a field as people read it; "" is nothing.
func (v *visit) valueWords(kind record.Kind, name record.Field, fields record.Fields) string {
	value := string(fields[name])
	def, _ := v.schema(kind).Def(name)
	switch def.Type {
	case record.Bool:
		if value == "true" {
			return v.words.T("asks.yes")
		}
		return v.words.T("asks.no")
	case record.Date:
		if text, ok := v.words.Date(fields[name]); ok {
			return text
		}
	case record.Moment:
		if t, ok := readTime(record.Value(value), len(value) == len(dayLayout)); ok && len(value) == len(dayLayout) {
			return v.words.Day(t)
		} else if ok {
			return v.words.Moment(t.In(v.zone))
		}
	case record.Tags:
		return strings.ReplaceAll(value, "\n", ", ")
	case record.Image:
		if value != "" {
			return v.words.T("photo.one")
		}
	case record.Picklist:
		if slices.Contains(def.Values, value) {
			return v.choice(def, value)
		}
	case record.Number:
		return v.words.number(value)
	case record.Recurrence:
		return v.ruleWords(crm.Record{Kind: kind, Fields: fields})
	case record.Minutes:
		for _, o := range v.reminderOptions(value) {
			if o.Selected {
				return o.Label
			}
		}
	}
	return value
}

// seen is a short mark of all that a person decides upon.
func (q question) seen() string {
	h := sha256.New()
	say := func(parts ...string) {
		for _, p := range parts {
			h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
		}
	}
	for _, u := range q.Units {
		for _, line := range u.Lines {
			say(line.Label, line.Theirs, line.Ours)
		}
	}
	say(q.Item.Name)
	for _, line := range q.Item.Lines {
		say(line.Label, line.Value)
	}
	for _, m := range q.Matches {
		say(string(m.Ref))
	}
	if q.Off != nil {
		say(append([]string{string(q.Off.version)}, q.Off.People...)...)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

// decide stores what a person said about the questions of a page. What was settled or changed since the page was shown
// is left as it is, and the next page says so.
func (s *Site) decide(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	kind, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	if err := v.needs(kind, viewing); err != nil {
		return err
	}
	items, seen := form["item"], form["seen"]
	if len(items) > pageSize || len(seen) != len(items) {
		return fault.New(fault.Invalid, "", "web: %d questions and %d marks", len(items), len(seen))
	}
	if l == nil {
		return v.to(marketplacePath)
	}
	asked, err := s.findAsks(v, l, items)
	if err != nil {
		return err
	}
	var decided, late, stale int
	for i, item := range items {
		said := func(name string) string {
			chosen := form.Get(name + "-" + strconv.Itoa(i))
			if chosen == "" && strings.HasPrefix(name, "take-") {
				return form.Get("rest") // one side's values for all that nothing else was said about
			}
			return chosen
		}
		q, there := asked[record.Ref(item)]
		switch {
		case !there && spoken(form, i):
			late++
			continue
		case !there:
			continue
		}
		answer, ok := q.answer(said, v.now)
		if !ok {
			continue
		}
		if q.Seen != seen[i] {
			stale++
			continue
		}
		switch err := s.Links.Decide(v.ctx(), l.Org, l.ID, q.Ref, answer); {
		case fault.Is(err, fault.NotFound):
			late++
		case err != nil:
			return err
		default:
			decided++
		}
	}
	s.putFlash(v.ctx(), decidedWords(decided, late, stale))
	return v.to(marketplacePath + "/" + string(kind) + "/questions")
}

// takeBack asks again about an item that was left out.
func (s *Site) takeBack(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	kind, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	if err := v.needs(kind, viewing); err != nil {
		return err
	}
	if l == nil {
		return v.to(marketplacePath)
	}
	said := "asks.back_done"
	switch err := s.Links.TakeBack(v.ctx(), l.Org, l.ID, record.Ref(form.Get("item"))); {
	case fault.Is(err, fault.NotFound):
		said = "asks.late"
	case err != nil:
		return err
	}
	s.putFlash(v.ctx(), flash{Key: said})
	return v.to(marketplacePath + "/" + string(kind) + "/questions")
}

// findAsks are the questions about items, as they stand now.
func (s *Site) findAsks(v *visit, l *reconcile.Link, items []string) (map[record.Ref]question, error) {
	var found []reconcile.Question
	for offset := 0; len(found) < len(items); offset += askedAtOnce {
		asked, err := s.Links.Asks(v.ctx(), l.Org, l.ID, offset, askedAtOnce)
		if err != nil {
			return nil, err
		}
		for _, q := range asked {
			if slices.Contains(items, string(q.Microsoft)) {
				found = append(found, q)
			}
		}
		if len(asked) < askedAtOnce {
			break
		}
	}
	rows, err := s.questionRows(v, l, found)
	out := make(map[record.Ref]question, len(rows))
	for _, q := range rows {
		out[q.Ref] = q
	}
	return out, err
}

// spoken reports whether a person chose something for the question at a place of the form.
func spoken(form map[string][]string, at int) bool {
	for name, values := range form {
		chosen := strings.HasPrefix(name, "take-") || strings.HasPrefix(name, "match-") || strings.HasPrefix(name, "off-")
		if chosen && strings.HasSuffix(name, "-"+strconv.Itoa(at)) && values[0] != "" {
			return true
		}
	}
	return false
}

// answer is what was said about a question; ok is false where nothing was.
func (q question) answer(said func(name string) string, now time.Time) (a reconcile.Ask, ok bool) {
	if q.Off != nil && said("off") == "keep" {
		return reconcile.Ask{Of: q.Off.version, Out: true}, true
	}
	if q.Off != nil {
		id := string(q.Off.record) + "." + string(q.Off.version) + ".off"
		return reconcile.Ask{
			Of: q.Off.version, Agreed: &record.Agreement{ID: id, People: q.Off.People, Removes: true, At: now},
		}, said("off") == "yes"
	}
	for _, u := range q.Units {
		side := reconcile.Where(said("take-" + u.Key))
		if u.Taken != "" || side != reconcile.InCRM && side != reconcile.InMicrosoft {
			continue
		}
		for _, name := range u.fields {
			if a.Taken == nil {
				a.Taken = map[record.Field]reconcile.Where{}
			}
			a.Taken[name], ok = side, true
		}
	}
	if len(q.Units) > 0 {
		return a, ok
	}
	switch chosen := said("match"); chosen {
	case "":
		return a, false
	case "new":
		return reconcile.Ask{New: true}, true
	case "out":
		return reconcile.Ask{Out: true}, true
	default:
		ok = slices.ContainsFunc(q.Matches, func(m match) bool { return string(m.Ref) == chosen })
		return reconcile.Ask{Match: record.Ref(chosen)}, ok
	}
}

// decidedWords tell what became of a form full of decisions.
func decidedWords(decided, late, stale int) flash {
	f := flash{Key: "asks.nothing"}
	if decided > 0 {
		f.Key = "asks.decided"
	}
	more := ""
	switch {
	case stale > 0:
		more = "asks.stale"
	case late > 0:
		more = "asks.late"
	}
	switch {
	case more == "":
	case decided == 0:
		f.Key = more
	default:
		f.More = more
	}
	return f
}

// askNote is, on a record's own page, that sync asks something about it; nil: it does not.
type askNote struct {
	Path   string
	Fields string // those in conflict
}

// asksAbout looks whether this person's sync asks something about a record.
func (s *Site) asksAbout(v *visit, r crm.Record) (*askNote, error) {
	if r.Owner != v.user.ID || r.ID == 0 {
		return nil, nil
	}
	links, err := s.Links.LinksOf(v.ctx(), v.user.Org, v.user.ID)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if l.Kind != r.Kind {
			continue
		}
		asked, err := s.Links.Asks(v.ctx(), l.Org, l.ID, 0, askedAtOnce)
		if err != nil {
			return nil, err
		}
		for _, q := range asked {
			if q.CRM != r.ID.Ref() && !slices.Contains(q.Ask.Matches, r.ID.Ref()) {
				continue
			}
			note := &askNote{Path: marketplacePath + "/" + string(l.Kind) + "/questions"}
			for _, u := range v.units(l.Kind, q.Ask, r) {
				for _, line := range u.Lines {
					note.Fields = joinNonEmpty(", ", note.Fields, line.Label)
				}
			}
			return note, nil
		}
	}
	return nil, nil
}
