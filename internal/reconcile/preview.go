package reconcile

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// A preview is a rehearsal: the run that would come next, by the same plan and the same matching, between two sides and a
// ledger that only remember what they are told. What is really there is read in full and nothing of it is written, so a
// preview may be cut off anywhere. It needs no lease, and a run may go on meanwhile.
//
// It cannot know what a side refuses only when it is asked.

// Occasion is what a preview is of.
type Occasion string

// The occasions.
const (
	Beginning Occasion = "on"     // a kind is to be switched on, or a paused link goes on
	Changing  Occasion = "change" // a link gets other settings
	Ending    Occasion = "off"    // a link is to be switched off
	Next      Occasion = "next"   // what the next run does
)

// Group is what happens to a record, in the words that people choose a tab by.
type Group string

// The groups, in the order in which pages show them.
const (
	ToCreate Group = "create"
	ToUpdate Group = "update"
	ToMatch  Group = "match" // on both sides already: recognized, and brought in step
	ToAsk    Group = "ask"
	ToDelete Group = "delete"
	ToSkip   Group = "skip"
)

// Groups lists the groups.
func Groups() []Group { return []Group{ToCreate, ToUpdate, ToMatch, ToAsk, ToDelete, ToSkip} }

// Line is one step of a preview.
type Line struct {
	Verb        Verb           `json:"verb"`
	Why         string         `json:"why"`
	Group       Group          `json:"group"`
	Name        string         `json:"name,omitempty"`
	CRM         record.Ref     `json:"crm,omitempty"`       // "" where it is not there yet
	Microsoft   record.Ref     `json:"microsoft,omitempty"` // "" where it is not there yet
	ToCRM       record.Fields  `json:"to_crm,omitempty"`    // values that are written there
	ToMicrosoft record.Fields  `json:"to_microsoft,omitempty"`
	Admits      bool           `json:"admits,omitempty"` // it was imported, and takes part from then on
	Asked       []record.Field `json:"asked,omitempty"`  // fields about which a person will be asked
	Mails       []string       `json:"mails,omitempty"`  // whom Microsoft writes to because of it
}

// Summary is what a preview came to.
type Summary struct {
	Counts    map[Group]int        `json:"counts,omitempty"`
	LeftOut   map[fault.Reason]int `json:"left_out,omitempty"`  // records that don't take part, by reason
	Compared  int                  `json:"compared"`            // how many records were read on both sides
	Total     int                  `json:"total,omitempty"`     // of the CRM's that there are to look at, if known
	Container string               `json:"container,omitempty"` // what is there already at Microsoft; "": nothing is
	Existing  bool                 `json:"existing,omitempty"`  // Container is a calendar that the person had before
	Held      bool                 `json:"held,omitempty"`      // the brake would hold the deletions and ask
	Stops     fault.Reason         `json:"stops,omitempty"`     // why the run would stop before it makes more
	Removed   int                  `json:"removed,omitempty"`   // items that go with the container
	Kept      fault.Reason         `json:"kept,omitempty"`      // why the container would stay
	Mailed    int                  `json:"mailed"`              // people who would get mail, each counted once
}

// Previewer rehearses.
type Previewer struct {
	Past  Past
	Sides Sides // read through Past
	// Existing finds the container that carries the link's mark; "" if there is none.
	Existing func(ctx context.Context, link *Link) (record.Ref, string, error)
	Now      func() time.Time
	Runner   Runner // its Log, Name and Every
}

// Past is what a rehearsal reads of the ledger: see Ledger. It needs no lease.
type Past interface {
	PairsByRef(ctx context.Context, link *Link, side Where, refs []record.Ref) (map[record.Ref]Pair, error)
	PairsInState(ctx context.Context, link *Link, state PairState, dueBy time.Time, after int64, limit int) ([]Pair, error)
	Pairs(ctx context.Context, link *Link, after int64, limit int) ([]Pair, error)
	OpenIntents(ctx context.Context, link *Link) (map[int64][]Intent, error)
	Marked(ctx context.Context, link *Link, records []record.Ref) (map[string]record.Ref, error)
	// Before is the mapping that the bases of a link's pairs were made with: another one than the link's, if its settings
	// were changed and no run has taken that in. afresh says that this run lists the CRM's records anew.
	Before(ctx context.Context, link *Link) (before *mapping.Table, afresh bool, err error)
	// LeftOut counts the records of the link's kind in its organization that the first sync leaves out, by reason.
	LeftOut(ctx context.Context, link *Link) (map[fault.Reason]int, error)
}

// Preview rehearses what would happen to a link on an occasion and tells each step, in order; a fault of tell ends it. link
// is the link as it stands, or of Beginning, as it would be created; settings are those that Changing would give it.
// progress, if not nil, hears now and then how far it is. Never are two calls of them under way at once.
func (p *Previewer) Preview(ctx context.Context, link Link, occasion Occasion, settings Settings, tell func([]Line) error, progress func(Summary)) (_ Summary, err error) {
	defer fault.Wrap(&err, "reconcile: preview of %s for user %d", link.Kind, link.User)
	past := &rehearsedLedger{past: p.Past, now: p.Now, link: &link}
	before, afresh := link.Mapping, false
	if link.ID != 0 && link.Changed {
		if before, afresh, err = p.Past.Before(ctx, &link); err != nil {
			return Summary{}, err
		}
	}
	switch occasion {
	case Beginning:
		link.State, link.Reason = On, ""
	case Changing:
		afresh = afresh || link.Policy.Direction == mapping.ToCRM && settings.Direction != mapping.ToCRM
		link.Mapping, link.Policy.Winner, link.Policy.Options, link.Changed = settings.Mapping, settings.Winner, settings.Options, true
	case Ending:
		link.State = Switching
	}
	if link.ID != 0 && link.Changed {
		if err := past.takeIn(ctx, before, afresh, p.Now()); err != nil {
			return Summary{}, err
		}
	}
	re := &rehearsal{Previewer: p, link: &link, tell: tell, progress: progress, told: map[record.Ref][]Verb{}, mailed: map[string]bool{}, removed: -1, ledger: past, ends: link.State == Switching}
	re.sum.Counts = map[Group]int{}
	runner := p.Runner
	runner.Ledger, runner.Sides, runner.Containers, runner.Now, runner.Width = past, re, re, p.Now, 1
	runner.NewID = func() string { return "preview" }
	r := newRun(&runner, &link, p.Now().Add(1000*time.Hour))
	r.witness, re.first = re.hear, r.first
	if link.ID == 0 || !link.Settled {
		if re.sum.LeftOut, err = p.Past.LeftOut(ctx, &link); err != nil {
			return Summary{}, err
		}
	}
	err = r.work(ctx)
	if fault.ReasonOf(err) == fault.TooManyCreates { // so would the run stop
		re.sum.Stops, err = fault.TooManyCreates, nil
	}
	if err != nil {
		return re.summary(&link), err
	}
	if err := re.flush(); err != nil {
		return Summary{}, err
	}
	return re.summary(&link), nil
}

// rehearsal collects what a run that does nothing would do. It stands in for Sides and Containers.
type rehearsal struct {
	*Previewer
	link     *Link
	first    bool // the run that is rehearsed is, or belongs to, the first sync
	ledger   *rehearsedLedger
	ends     bool // the link is being switched off
	tell     func([]Line) error
	progress func(Summary)

	speaking sync.Mutex // held while tell or progress is called; taken before mu

	mu      sync.Mutex
	sum     Summary
	told    map[record.Ref][]Verb
	mailed  map[string]bool // people who would get mail, by address
	waiting []Line
	spoke   time.Time
	removed int // what the container held when it was removed; -1: it was not
	sides   map[Where]*rehearsedSide
}

func (re *rehearsal) summary(link *Link) Summary {
	re.mu.Lock()
	defer re.mu.Unlock()
	sum := re.sum
	sum.Held = link.State == Held
	sum.Existing = link.existing()
	sum.Total = link.FirstTotal
	if sum.Container == "" {
		sum.Container = link.ContainerName
	}
	switch {
	case re.removed >= 0:
		sum.Removed = re.removed
	case link.State == Off:
		sum.Kept = link.Reason
	}
	return sum
}

// linesAtOnce is how many lines are told at once.
const linesAtOnce = 200

// hear takes the steps of a chunk.
func (re *rehearsal) hear(steps []Step) error {
	re.mu.Lock()
	for _, s := range steps {
		line, ok := lineOf(s)
		// A link that ends deletes nothing: what was deleted at Microsoft stays in the CRM.
		if !ok || re.again(line) || re.ends && line.Group == ToDelete && line.Why != SwitchedOff {
			continue
		}
		switch people, may := s.mailed(re.link, re.first, re.Now()); {
		case !may && len(line.ToCRM) == 0:
			line = heldBack(line)
		case !may:
			line.ToMicrosoft = nil
		default:
			line.Mails = people
			for _, address := range people {
				re.mailed[address] = true
			}
			re.sum.Mailed = len(re.mailed)
		}
		re.sum.Counts[line.Group]++
		re.waiting = append(re.waiting, line)
	}
	full := len(re.waiting) >= linesAtOnce
	re.mu.Unlock()
	if full {
		return re.flush()
	}
	return nil
}

// again reports whether a record was told of before: it is planned anew where a run looks twice, such as before it deletes.
// What follows the making of a record belongs to it.
func (re *rehearsal) again(l Line) bool {
	repeat := false
	for _, ref := range []record.Ref{l.CRM, l.Microsoft} {
		if ref == "" {
			continue
		}
		for _, v := range re.told[ref] {
			made := v == CreateCRM || v == CreateMicrosoft || v == RestoreCRM
			repeat = repeat || v == l.Verb || made && (l.Verb == Merge || l.Verb == Adopt)
		}
	}
	for _, ref := range []record.Ref{l.CRM, l.Microsoft} {
		if ref != "" && !repeat {
			re.told[ref] = append(re.told[ref], l.Verb)
		}
	}
	return repeat
}

func (re *rehearsal) flush() error {
	re.speaking.Lock()
	defer re.speaking.Unlock()
	re.mu.Lock()
	lines := re.waiting
	re.waiting = nil
	re.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	return re.tell(lines)
}

// progressEvery is how often progress is told.
const progressEvery = 500 * time.Millisecond

// compared counts what was read. Pages are read while those before are planned, and told of.
func (re *rehearsal) compared(n int) {
	re.mu.Lock()
	re.sum.Compared += n
	due := re.progress != nil && re.Now().Sub(re.spoke) >= progressEvery
	if due {
		re.spoke = re.Now()
	}
	sum := re.sum
	re.mu.Unlock()
	if due {
		sum.Counts = nil // they are being counted
		re.speaking.Lock()
		defer re.speaking.Unlock()
		re.progress(sum)
	}
}

// lineOf is a step in a preview; ok is false for what nobody needs to hear of: records in which nothing happens.
func lineOf(s Step) (l Line, ok bool) {
	l = Line{Verb: s.Verb, Why: s.Why, ToCRM: s.ToCRM, ToMicrosoft: s.ToMicrosoft, Admits: s.Admits}
	if s.Ask != nil {
		l.Asked = s.Ask.Conflicts
	}
	known := s.Pair != nil && s.Pair.ID != 0 && s.Pair.State == Synced
	for _, of := range []struct {
		c   *record.Change
		ref *record.Ref
	}{{s.Ours, &l.CRM}, {s.Theirs, &l.Microsoft}} {
		if of.c != nil {
			*of.ref = of.c.Ref
			if l.Name == "" && of.c.State == record.Present {
				l.Name = nameOf(of.c.Fields)
			}
		}
	}
	if s.Pair != nil {
		if l.CRM == "" {
			l.CRM = s.Pair.CRM
		}
		if l.Microsoft == "" {
			l.Microsoft = s.Pair.Microsoft
		}
		if l.Name == "" {
			l.Name = nameOf(heldInCRM(s.Pair.Base))
		}
		if l.Name == "" {
			l.Name = s.Pair.Name
		}
	}
	l.CRM, l.Microsoft = real(l.CRM), real(l.Microsoft)
	switch s.Verb {
	case CreateCRM, CreateMicrosoft, RestoreCRM:
		l.Group = ToCreate
	case DeleteCRM, DeleteMicrosoft:
		l.Group = ToDelete
	case AskFirst:
		l.Group = ToAsk
	case Merge:
		if l.Group = ToUpdate; s.Why == Matched || s.Pair != nil && s.Pair.ID == 0 {
			l.Group = ToMatch
		}
	case Adopt:
		switch l.Group = ToMatch; {
		case s.Ask.asksMore(askOf(s.Pair)):
			l.Group = ToAsk
		case known:
			return l, false
		}
	case Unlink, Wait, Skip, Leave:
		if l.Group = ToSkip; s.Why == DeletedBoth || s.Pair != nil && s.Pair.ID != 0 && s.Pair.State == Excluded {
			return l, false
		}
	default:
		return l, false
	}
	return l, true
}

func askOf(p *Pair) *Ask {
	if p == nil {
		return nil
	}
	return p.Ask
}

// A ref of what a rehearsal would have made: it names nothing.
const unreal = "\x00"

func real(ref record.Ref) record.Ref {
	if strings.HasPrefix(string(ref), unreal) {
		return ""
	}
	return ref
}

func (re *rehearsal) side(ctx context.Context, link *Link, where Where, of func(context.Context, *Link) (Side, error)) (Side, error) {
	side, err := of(ctx, link)
	if err != nil {
		return nil, err
	}
	re.mu.Lock()
	defer re.mu.Unlock()
	if re.sides == nil {
		re.sides = map[Where]*rehearsedSide{}
	}
	if re.sides[where] == nil {
		re.sides[where] = &rehearsedSide{rehearsal: re, where: where, written: map[record.Ref]pretended{}}
	}
	re.sides[where].Side = side // its container may be known only now
	return re.sides[where], nil
}

// Microsoft is Microsoft's side, of which nothing is written.
func (re *rehearsal) Microsoft(ctx context.Context, link *Link) (Side, error) {
	return re.side(ctx, link, InMicrosoft, re.Sides.Microsoft)
}

// CRM is the CRM, in which nothing is written.
func (re *rehearsal) CRM(ctx context.Context, link *Link) (Side, error) {
	return re.side(ctx, link, InCRM, re.Sides.CRM)
}

// Create finds the container that there is.
func (re *rehearsal) Create(ctx context.Context, link *Link, _ string) (record.Ref, string, error) {
	ref, name, err := re.Existing(ctx, link)
	re.mu.Lock()
	defer re.mu.Unlock()
	re.sum.Container = name
	return ref, name, err
}

// Remove notes that the container would go, with what is in it by now: a run may have brought more since the link was read. As
// Microsoft's side does, it refuses where a meeting would be called off by that.
func (re *rehearsal) Remove(ctx context.Context, link *Link) error {
	there := 0
	for after := int64(0); ; {
		pairs, err := re.ledger.Pairs(ctx, link, after, pairsPage)
		if err != nil {
			return err
		}
		if len(pairs) == 0 {
			break
		}
		after = pairs[len(pairs)-1].ID
		for _, p := range pairs {
			if !p.InContainer() {
				continue
			}
			if there++; link.Kind == record.Calendar && len(record.AttendanceOf(p.Base[record.Attendees]).Mailed()) > 0 {
				return fault.New(fault.Denied, fault.WouldMail, "reconcile: the calendar stays, as not only its owner would hear of it")
			}
		}
	}
	re.mu.Lock()
	defer re.mu.Unlock()
	re.removed = there
	return nil
}

// Subscribe asks nobody.
func (re *rehearsal) Subscribe(context.Context, *Link) (string, time.Time, error) {
	return "", re.Now().AddDate(1, 0, 0), nil
}

// Unsubscribe ends nothing.
func (re *rehearsal) Unsubscribe(context.Context, *Link) error { return nil }

func unrealRef(where Where, n int) record.Ref {
	return record.Ref(fmt.Sprintf("%s%s%d", unreal, where, n))
}

// InContainer reports whether a pair's item should be in the container: not one that the person deleted or moved out of it.
func (p *Pair) InContainer() bool {
	deleted := p.State == Waiting && p.MissingSide == InMicrosoft
	return p.Microsoft != "" && !deleted && !p.isMovedOut()
}
