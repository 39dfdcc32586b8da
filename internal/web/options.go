package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// optionsPage is what a person decides about a kind of sync as a whole.
type optionsPage struct {
	Frame   frame
	Kind    string
	Path    string
	Running bool // a change is asked about first
	Alert   string
	Ways    []choice
	Winner  *choice    // of contacts: what decides when both sides change a field; Value is where that is chosen
	Winners []choice   // of the calendar: the same, chosen here
	People  []choice   // of the calendar: how those who take part stand in Outlook
	Places  *placeForm // of the calendar
	Busy    *busyForm  // of the calendar
}

// A choice is one of several, with a sentence that says what it means.
type choice struct {
	Value, Label, Hint string
	Chosen             bool
}

// linkWays are the directions of a whole link.
var linkWays = []mapping.Direction{mapping.BothWays, mapping.ToMicrosoft, mapping.ToCRM}

// wanting is what stands for a kind: of the link where there is one, else what a link would begin with.
type wanting struct {
	kind record.Kind
	link *reconcile.Link
	now  reconcile.Wish // with the way to decide conflicts said
}

func (s *Site) wanting(v *visit) (w wanting, err error) {
	if w.kind, w.link, err = s.linkOf(v); err != nil {
		return w, err
	}
	switch {
	case w.link != nil && w.link.State == reconcile.Switching:
		return w, fault.New(fault.Conflict, "", "web: it is being switched off")
	case w.link != nil:
		w.now = wishOf(w.link.Policy.Winner, w.link.Policy.Options)
		return w, nil
	case !v.may().Sync(w.kind):
		return w, fault.New(fault.Denied, fault.SyncWithheld, "web: the profile does not allow sync of %s", w.kind)
	}
	begin, _, err := reconcile.SettingsFor(v.ctx(), s.Choices, v.user.Org, v.user.ID, w.kind)
	w.now = wishOf(begin.Winner, begin.Options)
	return w, err
}

// wishOf says the way to decide conflicts that is meant where none is said.
func wishOf(w reconcile.Winner, o reconcile.Options) reconcile.Wish {
	return reconcile.Wish{Winner: winnerOf(w), Options: o}
}

func (w wanting) path() string { return marketplacePath + "/" + string(w.kind) + "/options" }

func (s *Site) optionsForm(v *visit) error {
	w, err := s.wanting(v)
	if err != nil {
		return err
	}
	return s.showOptions(v, http.StatusOK, w, w.now, "")
}

func (s *Site) showOptions(v *visit, status int, w wanting, draft reconcile.Wish, alert string) error {
	kind := string(w.kind)
	page := optionsPage{Kind: kind, Path: w.path(), Running: w.link != nil, Alert: alert}
	for _, d := range linkWays {
		page.Ways = append(page.Ways, choice{
			wayKey(d), v.words.T("options.way." + wayKey(d)), v.words.T("options." + kind + ".way." + wayKey(d) + "_hint"), d == draft.Direction,
		})
	}
	if w.kind == record.Contacts {
		key := "mapping.winner." + string(draft.Winner)
		page.Winner = &choice{Value: mappingPath + "#mapping-winner", Label: v.words.T(key), Hint: v.words.T(key + "_hint")}
	}
	if w.kind == record.Calendar {
		for _, each := range winners {
			page.Winners = append(page.Winners, choice{string(each), v.words.T("mapping.winner." + string(each)), v.words.T("options.winner." + string(each) + "_hint"), each == draft.Winner})
		}
		for _, invites := range []bool{false, true} {
			page.People = append(page.People, choice{
				peopleKey(invites), v.words.T("options.people." + peopleKey(invites)), v.words.T("options.people." + peopleKey(invites) + "_hint"), invites == draft.Invites,
			})
		}
		var err error
		others := s.others(v)
		if page.Busy, err = s.busyForm(v, others); err != nil {
			return err
		}
		page.Places = v.placeForm(w, draft, others)
	}
	page.Frame = s.frame(v, "setup", v.words.T("options."+kind+".title"))
	return s.render(v, status, "options", page)
}

// A placeForm is where in Outlook the events of a sync live.
type placeForm struct {
	Choices []choice
	Fixed   string // of a sync that is on: where, in words
	Alert   string // why there is nothing to choose from
	Connect string // where Microsoft is asked to let Tandem see the calendars; "": it does, or cannot say
}

// ownPlace is the value of a calendar of the sync's own.
const ownPlace = "tandem"

func (v *visit) placeForm(w wanting, draft reconcile.Wish, others elsewhereNow) *placeForm {
	form := &placeForm{}
	switch {
	case w.link != nil && w.now.Calendar == "":
		form.Fixed = v.words.T("place.fixed_own")
		return form
	case w.link != nil:
		form.Fixed = v.words.T("place.fixed", "Name", cmp.Or(w.link.ContainerName, w.now.CalendarName))
		return form
	}
	form.Choices = []choice{{ownPlace, v.words.T("place.own"), v.words.T("place.own_hint"), draft.Calendar == ""}}
	if draft.Calendar != "" && !slices.ContainsFunc(others.calendars, func(c OtherCalendar) bool { return c.ID == draft.Calendar && c.Fit }) {
		form.Choices = append(form.Choices, choice{string(draft.Calendar), draft.CalendarName, v.words.T("place.kept"), true})
	}
	for _, c := range others.calendars {
		if !c.Fit {
			continue
		}
		hint := v.words.T("place.other_hint")
		if c.Default {
			hint = v.words.T("place.default_hint")
		}
		form.Choices = append(form.Choices, choice{string(c.ID), c.Name, hint, c.ID == draft.Calendar})
	}
	switch {
	case others.connect:
		form.Alert, form.Connect = v.words.T("place.connect"), "/connect/microsoft?kind=calendar&choose=yes"
	case others.trouble != "":
		form.Alert = v.words.T("place.away")
	}
	return form
}

// readPlace takes the calendar that was chosen, which must be among those that the page offered or the one that it was.
func (s *Site) readPlace(v *visit, form url.Values, w wanting, draft *reconcile.Wish) (alert string) {
	place := form.Get("place")
	switch {
	case w.kind != record.Calendar || w.link != nil || place == "" || place == string(w.now.Calendar):
		return ""
	case place == ownPlace:
		draft.Calendar, draft.CalendarName = "", ""
		return ""
	}
	others := s.others(v)
	for _, c := range others.calendars {
		if c.Fit && string(c.ID) == place {
			draft.Calendar, draft.CalendarName = c.ID, c.Name
			return ""
		}
	}
	if others.trouble != "" {
		return v.words.T("place.away")
	}
	return v.words.T("reason.calendar_unfit.what")
}

// readOptions reads the form; what was not sent stays as it is.
func readOptions(form url.Values, now reconcile.Wish) (reconcile.Wish, error) {
	draft := now
	if form.Has("direction") {
		i := slices.IndexFunc(linkWays, func(d mapping.Direction) bool { return wayKey(d) == form.Get("direction") })
		if i < 0 {
			return draft, fault.New(fault.Invalid, "", "web: there is no direction %q", form.Get("direction"))
		}
		draft.Direction = linkWays[i]
	}
	if form.Has("winner") {
		if draft.Winner = reconcile.Winner(form.Get("winner")); !slices.Contains(winners, draft.Winner) {
			return draft, fault.New(fault.Invalid, "", "web: %q decides no conflict", draft.Winner)
		}
	}
	switch said := form.Get("people"); {
	case !form.Has("people"):
	case said == peopleKey(true) || said == peopleKey(false):
		draft.Invites = said == peopleKey(true)
	default:
		return draft, fault.New(fault.Invalid, "", "web: people take part neither by %q", said)
	}
	return draft, nil
}

// peopleKey names in forms and words how those who take part stand in Outlook.
func peopleKey(invites bool) string {
	if invites {
		return "attendees"
	}
	return "text"
}

// optionsSave takes what a person wants: while the sync is on, only after a look at what it would mean.
func (s *Site) optionsSave(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	w, err := s.wanting(v)
	if err != nil {
		return err
	}
	draft, err := readOptions(form, w.now)
	if err != nil {
		return err
	}
	alert := s.readPlace(v, form, w, &draft)
	switch {
	case form.Get("do") == "edit":
		return s.showOptions(v, http.StatusOK, w, draft, "")
	case alert != "":
		return s.showOptions(v, http.StatusUnprocessableEntity, w, draft, alert)
	case draft == w.now && w.link != nil:
		s.putFlash(v.ctx(), flash{Key: "flash.options_same"})
		return v.to(marketplacePath)
	case w.link != nil && form.Get("answer") != w.answer(draft):
		return s.askOptions(v, w, draft)
	}
	err = s.Switch.Set(v.ctx(), v.user, w.kind, func(o *reconcile.Wish) {
		was := o.Winner
		if *o = draft; winnerOf(was) == draft.Winner { // what was left unsaid stays so
			o.Winner = was
		}
	})
	switch {
	case fault.ReasonOf(err) == fault.NotExpressible:
		return s.showOptions(v, http.StatusUnprocessableEntity, w, draft, v.words.T("options.fields"))
	case err != nil:
		return err
	}
	if w.link == nil && draft.Calendar != "" && draft.Calendar != w.now.Calendar {
		return s.showFirst(v, v.user, w.kind)
	}
	if w.link == nil {
		s.putFlash(v.ctx(), flash{Key: "flash.options_kept"})
	} else {
		s.putFlash(v.ctx(), flash{Key: "flash.options_changed"})
	}
	return v.to(marketplacePath)
}

// answer names this very change, so that a yes counts for what was shown and for nothing else.
func (w wanting) answer(draft reconcile.Wish) string {
	raw, err := json.Marshal([]any{w.link.ID, w.now, draft})
	if err != nil {
		panic(err) // strings and numbers only
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// optionsChangePage says what a change of a running sync does before it is done.
type optionsChangePage struct {
	Frame  frame
	Path   string
	Says   []string
	Draft  url.Values
	Answer string
	// Preview is the address of what would be written; "": it could not be asked for.
	Preview string
}

// optionsDraft is a draft as the form sends it.
func optionsDraft(draft reconcile.Wish) url.Values {
	return url.Values{"direction": {wayKey(draft.Direction)}, "people": {peopleKey(draft.Invites)}, "winner": {string(draft.Winner)}}
}

func (s *Site) askOptions(v *visit, w wanting, draft reconcile.Wish) error {
	standing, err := s.Links.Standing(v.ctx(), v.user.Org, w.link.ID)
	if err != nil {
		return err
	}
	page := optionsChangePage{Path: w.path(), Answer: w.answer(draft), Draft: optionsDraft(draft)}
	page.Preview = s.previewLink(v, w.link, reconcile.Settings{Winner: draft.Winner, Mapping: w.link.Mapping, Options: draft.Options})
	page.Frame = s.frame(v, "setup", v.words.T("options.change.title"))
	say := func(key string, args ...any) { page.Says = append(page.Says, v.words.T(key, args...)) }
	if was, will := w.now.Direction, draft.Direction; was != will {
		kind := string(w.kind)
		say("options.change.way", "Was", v.words.T("options.way."+wayKey(was)), "Will", v.words.T("options.way."+wayKey(will)))
		left := standing.Why[fault.OneWay]
		switch {
		case was == mapping.ToMicrosoft:
			say("options."+kind+".change.comes", "Count", left)
		case was == mapping.ToCRM:
			say("options."+kind+".change.goes", "Count", min(left, reconcile.FirstSyncCap(w.kind)))
		}
		say("options.change."+wayKey(will), "Count", standing.Synced)
		say("options.change.nothing_deleted")
	}
	if w.now.Winner != draft.Winner {
		say("options.change.winner", "Will", v.words.T("mapping.winner."+string(draft.Winner)))
	}
	if w.now.Invites != draft.Invites {
		say("options.change.people_" + peopleKey(draft.Invites))
		say("options.change.mails_nobody")
	}
	return s.render(v, http.StatusOK, "options-change", page)
}
