package web

import (
	"context"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// A card says how one kind of a person's sync stands, in words and numbers, from what is stored here: it needs nothing
// from Microsoft, so it can be shown while nothing there works.
type card struct {
	Kind      string // calendar or contacts
	State     string // none, on, first, paused, held, switching
	Warn      bool   // the state is not as good as it sounds: Label and Reason say why
	Label     string // the state in a word
	Sentence  string
	Container string
	Existing  bool // Container is a calendar that the person had before
	Synced    int
	Waiting   int
	Excluded  int
	Failing   int
	LastRun   string
	Progress  *progress
	Way       string       // which way it goes, in words; "": both ways
	Options   bool         // what the person wants of it can be changed
	Fields    bool         // which fields meet can be changed
	Comparing bool         // all records are read once, because its settings were changed
	Failures  []recordLine // some of the failing ones
	Held      []recordLine // some of the deletions that wait
	Why       []whyLine    // what is excluded, by reason
	Asked     string       // how many questions wait for the person, in words
	Ended     string       // why it was switched off by itself, if it was
	Left      int          // of the question before switching off: how many records only Outlook has, and would lose
	Reason    string       // of paused, and of one that runs but not well: what is wrong
	Do        string       // and what helps
	Reconnect bool         // what helps is going to Microsoft
	Growth    bool         // it has stopped because it was about to make too much, and asks
	Proof     string       // what the last audit came to; "": there was none
	Withheld  bool         // the profile does not allow it: only an administrator can let it go on
	link      *reconcile.Link
}

// Path is the address of the kind's pages.
func (c card) Path() string { return marketplacePath + "/" + c.Kind }

// Running reports whether there is a link to be looked at and run.
func (c card) Running() bool { return c.State == "on" || c.State == "first" || c.State == "held" }

// progress is how far the first sync has come.
type progress struct {
	Done, Total, Percent int
	Left                 string // "" while nothing can be said
}

// recordLine is a record with the reason why it is not in step.
type recordLine struct {
	ID, Name, Path string
	State          string
	What, Do       string
	Detail         string // the neighbour's own words
	Says           string // they, where the reason has no better ones
	Fields         string // in which the two sides differ
	RetryAt        string
	Ref            string // of the CRM, or where it only is in Outlook, there
	Ask            string // where the person is asked about it
}

// whyLine counts records by the reason why they do not take part.
type whyLine struct {
	Reason string
	What   string
	Count  int
}

// cardLines is how many records a card names; the rest are a link away.
const cardLines = 5

// kinds are the kinds of sync, in the order of the pages.
var kinds = []record.Kind{record.Calendar, record.Contacts}

// links are a user's links by kind; where there is none, the last one that ended, which is Off.
func (s *Site) links(v *visit) (map[record.Kind]*reconcile.Link, error) {
	found, err := s.Links.LinksOf(v.ctx(), v.user.Org, v.user.ID)
	if err != nil {
		return nil, err
	}
	out := map[record.Kind]*reconcile.Link{}
	for i := range found {
		out[found[i].Kind] = &found[i]
	}
	if s.Ended == nil || len(out) == len(kinds) {
		return out, nil
	}
	ended, err := s.Ended(v.ctx(), v.user.Org, v.user.ID)
	if err != nil {
		return nil, err
	}
	for i := range ended {
		if out[ended[i].Kind] == nil {
			out[ended[i].Kind] = &ended[i]
		}
	}
	return out, nil
}

// linkOf is the link of the path's kind; nil when it is not switched on.
func (s *Site) linkOf(v *visit) (record.Kind, *reconcile.Link, error) {
	kind, err := kindOf(v.r.PathValue("kind"))
	if err != nil {
		return "", nil, err
	}
	links, err := s.links(v)
	if err != nil {
		return "", nil, err
	}
	l := links[kind]
	if l != nil && l.State == reconcile.Off {
		l = nil
	}
	return kind, l, nil
}

// card fills the card of a kind. full adds the records that are not in step.
func (s *Site) card(ctx context.Context, v *visit, kind record.Kind, l *reconcile.Link, full bool) (card, error) {
	c := card{Kind: string(kind), State: stateOf(l), link: l}
	c.Label = v.words.T("state." + c.State)
	c.Sentence = v.words.T("card." + c.Kind + "." + c.State)
	c.Fields = kind == record.Contacts && c.State != "switching" && (v.may().Sync(kind) || c.State != "none")
	c.Options = c.State != "switching" && (v.may().Sync(kind) || c.State != "none")
	if l == nil || l.State == reconcile.Off {
		if l != nil && l.Reason != "" {
			c.Ended = v.words.T("card."+c.Kind+".ended."+endedKey(l.Reason), "Name", l.ContainerName)
		}
		c.withhold(v, kind)
		return c, nil
	}
	if !l.Proof.At.IsZero() {
		c.Proof = v.words.T("card.proof", "Count", l.Proof.Drift, "When", v.words.Moment(l.Proof.At.In(v.zone)), "Compared", l.Proof.Compared)
	}
	if l.Policy.Direction != mapping.BothWays {
		c.Way = v.words.T("options.way." + wayKey(l.Policy.Direction))
	}
	c.Existing = l.Policy.Calendar != ""
	if c.Existing && c.State == "switching" {
		c.Sentence = v.words.T("card.calendar.switching_own")
	}
	c.Container, c.LastRun = l.ContainerName, v.words.Ago(l.LastRun, v.now, v.zone)
	c.Synced, c.Waiting, c.Excluded, c.Failing = l.Synced, l.Waiting, l.ExcludedSum, l.Failing
	if l.State == reconcile.Paused || l.State == reconcile.On && l.Reason != "" {
		key := reasonKey("reason", l.Reason, reasons)
		c.Reason, c.Do = v.words.T(key+".what"), v.words.T(key+".do")
		c.Reconnect = l.State == reconcile.Paused && needsMicrosoft(l.Reason)
		c.Growth = l.State == reconcile.Paused && l.Reason == fault.TooManyCreates
	}
	c.Comparing = c.State == "on" && c.Reason == "" && (l.Changed || l.Microsoft == "")
	c.withhold(v, kind)
	if c.State == "first" {
		c.Progress = progressOf(v, l)
	}
	if !full {
		c.qualify(v)
		return c, nil
	}
	standing, err := s.Links.Standing(ctx, l.Org, l.ID)
	if err != nil {
		return c, err
	}
	c.Synced, c.Waiting, c.Excluded, c.Failing = standing.Synced, standing.Waiting, standing.Excluded, standing.Failing
	c.qualify(v)
	for _, reason := range reasons {
		if n := standing.Why[reason]; n > 0 && excludes(reason) {
			c.Why = append(c.Why, whyLine{string(reason), v.words.T("reason." + string(reason) + ".what"), n})
		}
	}
	if c.Asked, err = s.askedWords(v, l); err != nil {
		return c, err
	}
	if !v.sees(kind) {
		return c, nil // counts, but no names
	}
	if c.Failing > 0 {
		if c.Failures, err = s.recordLines(ctx, v, l, "failing", 0, cardLines); err != nil {
			return c, err
		}
	}
	if c.State == "held" {
		if c.Held, err = s.recordLines(ctx, v, l, "waiting", 0, 2*cardLines); err != nil {
			return c, err
		}
	}
	return c, nil
}

// withhold says of a kind that does not run that the profile does not allow it, whatever else there was to say.
func (c *card) withhold(v *visit, kind record.Kind) {
	if v.may().Sync(kind) || c.State != "none" && c.State != "paused" {
		return
	}
	c.Withheld, c.Reconnect, c.Growth = true, false, false
	c.Reason, c.Do = v.words.T("reason.sync_withheld.what"), v.words.T("reason.sync_withheld.do")
	if c.State == "none" {
		c.Label = v.words.T("state.withheld")
	}
}

// qualify takes back that all is well where a link runs and yet something is wrong.
func (c *card) qualify(v *visit) {
	word := ""
	switch {
	case c.link.State != reconcile.On:
		return
	case c.Reason != "":
		word = "trying"
		c.Label = v.words.T("state.trying")
	case c.Failing > 0 && c.State == "on":
		word = "attention"
		c.Label = v.words.T("state.attention", "Count", c.Failing)
	default:
		return
	}
	c.Warn, c.Sentence = true, v.words.T("card."+c.Kind+"."+word)
}

// stateOf is the state of a link as a card tells it.
func stateOf(l *reconcile.Link) string {
	switch {
	case l == nil || l.State == reconcile.Off:
		return "none"
	case l.State == reconcile.On && !l.Settled:
		return "first"
	default:
		return string(l.State)
	}
}

// needsMicrosoft reports whether a paused link goes on once the person has been to Microsoft's consent page.
func needsMicrosoft(reason fault.Reason) bool {
	return reason == fault.ReconnectNeeded || reason == fault.ConsentRequired || reason == fault.CannotUnseal
}

// excludes reports whether the reason keeps a record out of a sync, and does not make it fail.
func excludes(reason fault.Reason) bool {
	switch reason {
	case fault.NotOwn, fault.Imported, fault.BeyondFirstSync, fault.MovedOut, fault.OneWay, fault.LeftOut,
		fault.BeforeSync, fault.OwnCalendar, fault.ColleaguesEvent:
		return true
	}
	return false
}

// endings are the reasons of links that are off, as far as there are words for just them.
var endings = []fault.Reason{fault.ContainerDeleted, fault.KeptInOutlook, fault.OwnKept, fault.OtherMailbox}

// endedKey is the word for why a link is off, or what was left behind.
func endedKey(reason fault.Reason) string {
	if slices.Contains(endings, reason) {
		return string(reason)
	}
	return "general"
}

// progressOf reckons how long a first sync will still take from how long it took so far.
func progressOf(v *visit, l *reconcile.Link) *progress {
	p := &progress{Done: l.FirstDone, Total: l.FirstTotal}
	if p.Total <= 0 {
		return p
	}
	p.Percent = min(100, 100*p.Done/p.Total)
	spent := v.now.Sub(l.Since)
	if p.Done > 0 && spent > 2*time.Second && !l.Since.IsZero() {
		p.Left = v.words.Left(time.Duration(float64(spent) / float64(p.Done) * float64(p.Total-p.Done)))
	}
	return p
}

// recordLines are records of a link in a state.
func (s *Site) recordLines(ctx context.Context, v *visit, l *reconcile.Link, state string, offset, limit int) ([]recordLine, error) {
	found, err := s.Links.Records(ctx, l.Org, l.ID, state, offset, limit)
	if err != nil {
		return nil, err
	}
	out := make([]recordLine, len(found))
	for i, r := range found {
		key := reasonKey("reason", r.Reason, reasons)
		out[i] = recordLine{Name: r.Name, State: r.State, Detail: r.Detail, Ref: string(r.CRM)}
		if r.Reason != "" || r.State == "failing" {
			out[i].What, out[i].Do = v.words.T(key+".what"), v.words.T(key+".do")
		}
		if r.Reason == fault.Refused {
			out[i].Says = r.Detail
		}
		if r.CRM == "" {
			out[i].Ref = string(r.Microsoft)
			if out[i].Do != "" && (key == "reason.general" || slices.Contains(mendable, r.Reason)) {
				out[i].Do = v.words.T(key + ".do_outlook")
			}
		}
		if r.State == "synced" && r.Reason != "" { // in step but for some fields, which are named
			out[i].Fields, out[i].Detail = v.misfitWords(l.Kind, r.Detail), ""
			out[i].Do = v.words.T(key + v.misfitPlace(l.Kind, r.Reason, r.Detail))
		}
		switch {
		case r.Asks && r.Reason == fault.WouldMail: // to the deletion: the record has no page any more
			out[i].Do, out[i].Ask = v.words.T("asks.off"), marketplacePath+"/"+string(l.Kind)+"/questions"
		case r.Reason != fault.Ambiguous:
		case r.RetryAt.IsZero():
			out[i].Ask = marketplacePath + "/" + string(l.Kind) + "/questions"
		default: // answered, and about to be carried out
			out[i].What, out[i].Do = v.words.T("asks.decided"), ""
		}
		if r.Name == "" {
			out[i].Name = v.words.T("record.nameless")
		}
		if _, ok := record.ParseID(string(r.CRM)); ok && !(r.Asks && r.Reason == fault.WouldMail) {
			out[i].ID, out[i].Path = string(r.CRM), "/"+string(l.Kind)+"/"+string(r.CRM)
		}
		if !r.RetryAt.IsZero() {
			out[i].RetryAt = v.words.Clock(r.RetryAt.In(v.zone))
		}
	}
	return out, nil
}

// Where a value is to be mended that keeps a record apart: the ends of the messages that say so.
const (
	misfitHere    = ".do"
	misfitOutlook = ".do_outlook"
	misfitBoth    = ".do_both"
)

// misfitPlace says where the values of the fields that a list names are to be mended.
func (v *visit) misfitPlace(kind record.Kind, reason fault.Reason, list string) string {
	switch reason {
	case fault.TooLong: // only the CRM has an end: the whole value is in Outlook
		return misfitOutlook
	case fault.BadValue:
	default:
		return misfitHere
	}
	here, there := false, false
	for name := range strings.SplitSeq(list, ", ") {
		def, known := v.schema(kind).Def(record.Field(name))
		theirs := known && mapping.HeldByMicrosoft(def)
		here, there = here || !theirs, there || theirs
	}
	switch {
	case here && there:
		return misfitBoth
	case there:
		return misfitOutlook
	}
	return misfitHere
}

// misfitWords are the names that people know of the fields that a list names.
func (v *visit) misfitWords(kind record.Kind, list string) string {
	var out []string
	for name := range strings.SplitSeq(list, ", ") {
		if name != "" {
			out = append(out, v.label(kind, record.Field(name)))
		}
	}
	return strings.Join(out, ", ")
}

// onlyInOutlook counts the failing records of a link that the CRM does not have.
func (s *Site) onlyInOutlook(ctx context.Context, l *reconcile.Link) (n int, err error) {
	for offset := 0; ; offset += countedAtOnce {
		found, err := s.Links.Records(ctx, l.Org, l.ID, "failing", offset, countedAtOnce)
		if err != nil {
			return 0, err
		}
		for _, r := range found {
			if r.CRM == "" {
				n++
			}
		}
		if len(found) < countedAtOnce {
			return n, nil
		}
	}
}

// countedAtOnce is how many records are fetched at once to be counted.
const countedAtOnce = 1000
