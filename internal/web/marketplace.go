package web

import (
	"net/http"
	"slices"
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// marketplacePage is Setup › Marketplace › Microsoft: a card for each kind of sync.
type marketplacePage struct {
	Frame frame
	Cards []card
}

func (s *Site) marketplace(v *visit) error {
	cards, err := s.cards(v, true)
	if err != nil {
		return err
	}
	return s.render(v, http.StatusOK, "marketplace", marketplacePage{s.frame(v, "setup", v.words.T("marketplace.title")), cards})
}

// cards are those of all kinds.
func (s *Site) cards(v *visit, full bool) ([]card, error) {
	links, err := s.links(v)
	if err != nil {
		return nil, err
	}
	var out []card
	for _, kind := range kinds {
		c, err := s.card(v.ctx(), v, kind, links[kind], full)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// cardPart is one card, for a page that is open.
func (s *Site) cardPart(v *visit) error {
	kind, err := kindOf(v.r.PathValue("kind"))
	if err != nil {
		return err
	}
	links, err := s.links(v)
	if err != nil {
		return err
	}
	c, err := s.card(v.ctx(), v, kind, links[kind], true)
	if err != nil {
		return err
	}
	return s.part(v, "marketplace", "card", c)
}

// enable switches a kind on, or sends the person to Microsoft where that comes first.
func (s *Site) enable(v *visit) error {
	kind, err := kindOf(v.r.PathValue("kind"))
	if err != nil {
		return err
	}
	if !v.may().Sync(kind) {
		return fault.New(fault.Denied, fault.SyncWithheld, "web: the profile does not allow sync of %s", kind)
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	if inOwn, err := s.beginsInOwn(v, v.user, kind); err != nil {
		return err
	} else if inOwn && form.Get("seen") == "" {
		return s.showFirst(v, v.user, kind)
	}
	_, err = s.Switch.On(v.ctx(), v.user, kind)
	switch {
	case fault.Is(err, fault.Denied) && needsMicrosoft(fault.ReasonOf(err)):
		return v.to(s.tickets.connectPath(v.user.Org, v.user.ID, kind))
	case fault.Is(err, fault.Conflict): // it is on: nothing to say
	case fault.Is(err, fault.Denied) && fault.ReasonOf(err) != "":
		s.putFlash(v.ctx(), refusal(fault.ReasonOf(err)))
	case err != nil:
		return err
	default:
		s.putFlash(v.ctx(), flash{Key: "flash.enabled_" + string(kind)})
	}
	return v.to(marketplacePath)
}

// refusal says why sync could not be switched on.
func refusal(reason fault.Reason) flash {
	key := reasonKey("reason", reason, reasons)
	return flash{Key: key + ".what", More: key + ".do", Bad: true}
}

// disablePage asks before switching off, and says what will happen.
type disablePage struct {
	Frame frame
	Card  card
}

func (s *Site) disablePage(v *visit) error {
	kind, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	if l == nil {
		return v.to(marketplacePath)
	}
	c, err := s.card(v.ctx(), v, kind, l, false)
	if err != nil {
		return err
	}
	if c.Left, err = s.onlyInOutlook(v.ctx(), l); err != nil {
		return err
	}
	return s.render(v, http.StatusOK, "disable", disablePage{s.frame(v, "setup", v.words.T("disable."+c.Kind+".title")), c})
}

func (s *Site) disable(v *visit) error {
	kind, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	if l != nil {
		if err := s.Switch.Off(v.ctx(), v.user, l.ID); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
		s.putFlash(v.ctx(), flash{Key: "flash.disabled_" + string(kind)})
	}
	return v.to(marketplacePath)
}

func (s *Site) runNow(v *visit) error {
	_, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	if l != nil {
		if err := s.Switch.Run(v.ctx(), v.user, l.ID); err != nil {
			return err
		}
		s.putFlash(v.ctx(), flash{Key: "flash.run"})
	}
	return v.to(marketplacePath)
}

// retry lets parked records be tried at once: those named, or all.
func (s *Site) retry(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	_, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	if l != nil {
		var refs []record.Ref
		for _, ref := range form["ref"] {
			refs = append(refs, record.Ref(ref))
		}
		if err := s.Links.Retry(v.ctx(), v.user.Org, l.ID, refs...); err != nil {
			return err
		}
		s.putFlash(v.ctx(), flash{Key: "flash.retry"})
	}
	return v.to(backTo(form.Get("back")))
}

// backTo is the page that a form was on, where there are several.
func backTo(path string) string {
	if path == "" {
		return marketplacePath
	}
	return ownPath(path)
}

// answer passes on what a person decided about deletions that wait.
func (s *Site) answer(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	_, l, err := s.linkOf(v)
	if err != nil {
		return err
	}
	said := form.Get("answer")
	if l == nil || said != "yes" && said != "no" {
		return fault.New(fault.Invalid, "", "web: neither yes nor no")
	}
	if err := s.Switch.Answer(v.ctx(), v.user, l.ID, said == "yes"); err != nil {
		return err
	}
	if l.State == reconcile.Paused {
		said = "growth"
	}
	s.putFlash(v.ctx(), flash{Key: "flash.answer_" + said})
	return v.to(marketplacePath)
}

// recordsPage lists where the records of a link stand.
type recordsPage struct {
	Frame  frame
	Card   card
	State  string // failing, waiting, excluded, synced
	Tabs   []viewLink
	Rows   []recordLine
	Page   int
	Before string
	After  string
}

var recordStates = []string{"failing", "waiting", "excluded", "synced"}

func (s *Site) linkRecords(v *visit) error {
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
	q := v.r.URL.Query()
	page := recordsPage{State: q.Get("state"), Page: 1}
	if !slices.Contains(recordStates, page.State) {
		page.State = "failing"
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 && n < 1e6 {
		page.Page = n
	}
	if page.Card, err = s.card(v.ctx(), v, kind, l, true); err != nil {
		return err
	}
	rows, err := s.recordLines(v.ctx(), v, l, page.State, (page.Page-1)*pageSize, pageSize+1)
	if err != nil {
		return err
	}
	path := func(state string, n int) string {
		return page.Card.Path() + "/records?state=" + state + "&page=" + strconv.Itoa(n)
	}
	if len(rows) > pageSize {
		rows, page.After = rows[:pageSize], path(page.State, page.Page+1)
	}
	if page.Page > 1 {
		page.Before = path(page.State, page.Page-1)
	}
	page.Rows = rows
	for _, state := range recordStates {
		page.Tabs = append(page.Tabs, viewLink{state, v.words.T("badge." + state), path(state, 1), state == page.State})
	}
	page.Frame = s.frame(v, "setup", v.words.T("records."+string(kind)+".title"))
	return s.render(v, http.StatusOK, "records", page)
}
