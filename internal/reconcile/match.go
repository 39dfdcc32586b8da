package reconcile

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// A Matcher is a CRM side that recognizes records: crm.Side is one.
type Matcher interface {
	// Match tells for each item, given in the CRM's fields, which of the user's own records it may be, as they now are:
	// all by the best of what they have in common, and none that is deleted. Of kinds that are not recognized there are
	// none.
	Match(ctx context.Context, items []record.Fields) ([][]record.Change, error)
}

// A Recognizer is a Matcher that can tell without asking its store whether two records may be one: those that share none of
// the keys are not, and of those that do Alike decides. Two that are alike but whose names do not meet are for a person to tell.
type Recognizer interface {
	Keys(fields record.Fields) []string
	Alike(a, b record.Fields) bool
	NamesMeet(a, b record.Fields) bool
}

// Matched is the reason of a step that brought an item and a record together that both sides had already.
const Matched = "matched"

// Matching keeps what is there already from being doubled (S29): an item that no pair knows and that carries no mark is
// held against the CRM's records before one is made from it.
//
//   - One record that is free, and nobody else's match: the two become a pair whose base is not known.
//   - Several, or one that several items may be, or one of another name: a person is asked. The item stays as it is, no record is made from it, and
//     none of the records is sent to Microsoft until the question is closed. Meanwhile such a record has a parked pair of its
//     own, by which it is found again.
//   - None: it is new.
//   - A record that comes into the CRM while an item is asked about that it may be, is held back like the others, and the
//     question is put anew with it.
//   - An item that a person leaves out stays where it is, and so do the records that it may be.
//
// A record is free if it takes part and has no item, as far as is known. One that was imported is an item's match if no other
// is: the person has the contact or the event in Outlook already, so it is not a second one, and it takes part from then on.

// pairing is an item that was found to be a record.
type pairing struct {
	crm     record.Ref
	ends    int64 // the pair that the record had alone; 0: none, or the item's pair is that one
	claimed bool  // the ledger has it: see claim
}

// asking knows the records that open questions are about, and of which items.
type asking struct {
	mu    sync.Mutex
	about questions               // nil: not read yet
	items map[record.Ref]*Pair    // the items that are asked about, or were left out
	byKey map[string][]record.Ref // and which of them have a key of what records are recognized by
	made  map[string]bool         // what records are called that are made from items which have none yet, as far as is known
}

func (r *run) matcher() (Matcher, bool) {
	if w, ok := r.crm.(whole); ok {
		m, ok := w.Side.(Matcher)
		return m, ok
	}
	return nil, false
}

// strangers are the items without a record that a link finds when it begins. They wait until all of the container has been read: which
// record one is cannot be told as long as another one of its address may follow.
type strangers struct {
	creases *creases
	refs    []record.Ref
	items   map[record.Ref]*folded
}

// keep takes the strangers among items and returns the others.
func (s *strangers) keep(items []Item) []Item {
	if s == nil {
		return items
	}
	return slices.DeleteFunc(items, func(i Item) bool {
		if i.Pair.CRM != "" {
			return false
		}
		if _, known := s.items[i.Pair.Microsoft]; !known {
			s.refs = append(s.refs, i.Pair.Microsoft)
		}
		s.items[i.Pair.Microsoft] = s.creases.fold(i)
		return true
	})
}

// has reports whether an item waits as it is.
func (s *strangers) has(ref record.Ref, version record.Version) bool {
	if s == nil {
		return false
	}
	i, waits := s.items[ref]
	return waits && i.theirs.leaf != nil && i.version == version
}

// forget takes an item out of which something new is told.
func (s *strangers) forget(c record.Change) {
	if s != nil {
		delete(s.items, c.Ref)
	}
}

// applyStrangers finds the records of the items that waited.
func (r *run) applyStrangers(ctx context.Context) error {
	s := r.strangers
	if s == nil {
		return nil
	}
	r.strangers = nil
	items := make([]*folded, 0, len(s.items))
	for _, ref := range s.refs {
		if i, there := s.items[ref]; there {
			items = append(items, i)
			delete(s.items, ref) // it may have been told of, forgotten, and told of again
		}
	}
	items, err := r.matchFolded(ctx, s.creases, items)
	s.creases.deflater = nil
	for err == nil && len(items) > 0 {
		part := items[:min(chunk, len(items))]
		items = items[len(part):]
		open := r.unfolded(part)
		clear(part) // what is done with need not wait for the others
		err = r.apply(ctx, open)
	}
	r.paired, r.creases = nil, nil
	return err
}

// applyNew finds the records of items that have none, and plans and carries out what is not asked.
func (r *run) applyNew(ctx context.Context, items []Item) error {
	items, err := r.match(ctx, items)
	if err == nil {
		items, err = r.hold(ctx, items)
	}
	if err == nil {
		err = r.apply(ctx, items)
	}
	r.paired, r.creases = nil, nil // from now on they are pairs like others
	return err
}

// match finds the records of items that have none. It settles what is asked and returns what is to be planned.
func (r *run) match(ctx context.Context, items []Item) ([]Item, error) {
	c, small := &creases{link: r.link}, make([]*folded, len(items))
	for i, item := range items {
		small[i] = c.fold(item)
	}
	small, err := r.matchFolded(ctx, c, small)
	return r.unfolded(small), err
}

func (r *run) unfolded(items []*folded) []Item {
	var out []Item
	for _, i := range items {
		out = append(out, r.creases.unfold(i))
	}
	return out
}

// matchFolded is match of items of which there may be very many.
func (r *run) matchFolded(ctx context.Context, c *creases, items []*folded) ([]*folded, error) {
	r.paired, r.creases = map[record.Ref]pairing{}, c
	m, ok := r.matcher()
	if !ok {
		return items, nil
	}
	var out []*folded
	var open []*stranger
	claimed := map[record.Ref]bool{} // by items that say themselves whose they are
	for _, item := range items {
		if s := (&stranger{folded: item}); item.crm == "" && (s.strange || s.asked() != nil) {
			open = append(open, s)
		} else {
			out = append(out, item)
			claimed[item.crm] = item.microsoft != ""
		}
	}
	if len(open) == 0 {
		return out, nil
	}
	if err := r.recognize(ctx, m, open, claimed); err != nil {
		return nil, err
	}
	planned, err := r.judge(ctx, open)
	return append(r.notGiven(out), planned...), err
}

// notGiven leaves out the records, due by themselves, that have just become an item's: each is planned with its item.
func (r *run) notGiven(items []*folded) []*folded {
	given := map[record.Ref]bool{}
	for _, p := range r.paired {
		given[p.crm] = true
	}
	return slices.DeleteFunc(items, func(i *folded) bool { return i.microsoft == "" && given[i.crm] })
}

// A stranger is an item that has no record, or not yet.
type stranger struct {
	*folded
	made  *record.Change // the record that was made from it, of which only the pair was not stored: see tokenFromItem
	free  []candidate    // records that it may be
	pairs map[record.Ref]Pair
	taken []record.Ref // the record that a person chose for it, if it has another item by now
	busy  bool         // it may be a record of which it is not known whether it has an item
}

// A candidate is a record that an item may be.
type candidate struct {
	ref  record.Ref
	ours passage
	meet bool // nothing in their names says that these are two people
}

// asked is the question about the item; nil: there is none.
func (s *stranger) asked() *Ask {
	if s.pair != nil && s.pair.Ask != nil && len(s.pair.Ask.Matches) > 0 {
		return s.pair.Ask
	}
	return nil
}

// recognize looks for the records that the items may be.
func (r *run) recognize(ctx context.Context, m Matcher, open []*stranger, claimed map[record.Ref]bool) error {
	var tokens []string
	for _, s := range open {
		if s.pair != nil && s.pair.ID != 0 { // of new ones that is known: see newcomers
			tokens = append(tokens, s.pair.Token)
		}
	}
	if len(tokens) > 0 {
		found, err := r.crm.Find(ctx, tokens)
		if err != nil {
			return err
		}
		for _, s := range open {
			if s.pair == nil || s.pair.ID == 0 {
				continue
			}
			if c, ok := found[s.pair.Token]; ok {
				s.made, claimed[c.Ref] = &c, true
			}
		}
	}
	look := slices.DeleteFunc(slices.Clone(open), func(s *stranger) bool { return s.made != nil || !s.strange })
	for part := range slices.Chunk(look, chunk) {
		if err := r.recognizePart(ctx, m, part, claimed); err != nil {
			return err
		}
	}
	return nil
}

// recognizePart is recognize of no more items than are unfolded at once.
func (r *run) recognizePart(ctx context.Context, m Matcher, look []*stranger, claimed map[record.Ref]bool) error {
	fields := make([]record.Fields, len(look))
	for i, s := range look {
		fields[i] = r.creases.fieldsOf(s.folded)
	}
	// What shares an address, or a UID, with a record that has its item may still be another one, by the rest.
	for range 2 {
		if err := r.candidates(ctx, m, look, fields, claimed); err != nil {
			return err
		}
		var still []*stranger
		var without []record.Fields
		for i, s := range look {
			if s.pairs != nil && len(s.free) == 0 && len(s.taken) == 0 && !s.busy {
				still, without = append(still, s), append(without, byTheRest(fields[i]))
			}
		}
		look, fields = still, without
	}
	return nil
}

// byTheRest leaves out of an item what it is recognized by first: its addresses, or what calendar files call it.
func byTheRest(fields record.Fields) record.Fields {
	return fields.With(record.Fields{record.EmailField: "", record.SecondaryEmail: "", record.FurtherAddresses: "", record.UID: ""})
}

// candidates asks once for the records that the items may be, and tells how these stand.
func (r *run) candidates(ctx context.Context, m Matcher, look []*stranger, fields []record.Fields, claimed map[record.Ref]bool) error {
	if len(look) == 0 {
		return nil
	}
	found, err := m.Match(ctx, fields)
	if err != nil {
		return err
	}
	var all []record.Ref
	for i := range look {
		for _, c := range found[i] {
			all = append(all, c.Ref)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, slices.Compact(all))
	if err != nil {
		return err
	}
	for i, s := range look {
		if len(found[i]) > 0 {
			s.pairs = pairs
		}
		var imported []candidate
		for _, c := range found[i] {
			admits := r.rules.mayAdmit(&c)
			if c.State != record.Present || claimed[c.Ref] || !admits && !r.rules.takesIn(&c) {
				continue
			}
			c.Fields = everyField(c.Fields, r.rules.Fields)
			may := func() candidate { return candidate{c.Ref, r.creases.ourSide(c), r.namesMeet(fields[i], c.Fields)} }
			switch pair, known := pairs[c.Ref]; {
			case admits && (!known || pair.lonely()):
				imported = append(imported, may())
			case !known || pair.lonely():
				s.free = append(s.free, may())
			case pair.Microsoft == "":
				s.busy = true
			}
		}
		if len(s.free) == 0 && len(s.taken) == 0 && !s.busy {
			s.free = imported
		}
	}
	return nil
}

// lonely reports whether a pair is a record whose item is surely not there: it could not be made, was moved out, is not
// to be made while a question is open, or was deleted just now, perhaps to be made anew.
func (p Pair) lonely() bool {
	switch p.State {
	case Parked:
		return p.Microsoft == "" && p.Reason != fault.OutcomeUnknown
	case Excluded:
		return p.Microsoft == ""
	case Waiting:
		return p.MissingSide == InMicrosoft
	}
	return false
}

// judge decides about the items, all of them together: two that may be one record are a question.
func (r *run) judge(ctx context.Context, open []*stranger) ([]*folded, error) {
	about, err := r.questions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range open { // these are asked anew, or are not asked any more
		about.forget(s.asked(), s.microsoft)
		delete(r.asking.items, s.microsoft) // what is asked of it from now on, is asked of all records that there are
	}

	chosen, refused, err := r.choices(ctx, open)
	if err != nil {
		return nil, err
	}
	own, err := r.own(ctx, open)
	if err != nil {
		return nil, err
	}
	claims := map[record.Ref]int{}
	for _, s := range open {
		s.free = slices.DeleteFunc(s.free, func(c candidate) bool { return chosen[c.ref] != nil })
		if s.decided() && !refused[s] {
			s.free = nil
		}
		for _, c := range s.free {
			claims[c.ref]++
		}
	}
	var planned []*folded
	var entries []Entry
	closed := map[record.Ref]bool{} // records that a question was about
	for _, s := range open {
		if a := s.asked(); a != nil {
			for _, ref := range a.Matches {
				closed[ref] = true
			}
		}
		var candidates []record.Ref
		for _, c := range s.free {
			candidates = append(candidates, c.ref)
		}
		alone := len(s.free) == 1 && len(s.taken) == 0 && claims[s.free[0].ref] == 1 && len(about[s.free[0].ref]) == 0 && s.free[0].meet
		switch a := s.asked(); {
		case s.made != nil:
			planned = append(planned, own[s])
		case !s.strange:
			s.unask()
			planned = append(planned, s.folded)
		case s.decided() && a.Out:
			out, err := r.leaveOut(ctx, s, about)
			if err != nil {
				return nil, err
			}
			entries = append(entries, out...)
			about.add(a, s.microsoft)
		case s.decided() && !refused[s] && a.New:
			planned = append(planned, s.folded)
		case s.decided() && !refused[s]:
			planned = append(planned, r.pairUp(s, a.Match, r.creases.ourSide(*chosen[a.Match])))
		case s.busy:
			pair := r.creases.pairOf(s.folded)
			pair.MicrosoftVersion, pair.Name = s.version, nameOf(r.creases.fieldsOf(s.folded))
			r.park(&pair, fault.New(fault.Unavailable, fault.OutcomeUnknown, "it may be a record that is on its way to Microsoft"))
			entries = append(entries, Entry{Pair: pair})
			about.add(a, pair.Microsoft)
		case alone && !refused[s]:
			planned = append(planned, r.pairUp(s, s.free[0].ref, s.free[0].ours))
		case len(candidates) > 0 || len(s.taken) > 0:
			if err := r.watch(Step{Item: r.creases.unfold(s.folded), Verb: AskFirst, Why: string(fault.Ambiguous)}); err != nil {
				return nil, err
			}
			entries = append(entries, r.question(s, append(candidates, s.taken...), refused[s])...)
			about.add(&Ask{Matches: candidates}, s.microsoft)
		default:
			s.unask()
			planned = append(planned, s.folded)
		}
	}
	// First what was held back is made due: a question that is closed holds nobody.
	if err := r.release(ctx, closed, about); err != nil {
		return nil, err
	}
	return planned, r.settle(ctx, 0, entries)
}

// own gives items the records that were made from them. One that has another item by now, or another owner, is lost to its
// item, which becomes a new record: see claims.
func (r *run) own(ctx context.Context, open []*stranger) (map[*stranger]*folded, error) {
	var refs []record.Ref
	for _, s := range open {
		if s.made != nil {
			refs = append(refs, s.made.Ref)
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, refs)
	if err != nil {
		return nil, err
	}
	out := map[*stranger]*folded{}
	for _, s := range open {
		if s.made == nil {
			continue
		}
		s.unask()
		pair, known := pairs[s.made.Ref]
		switch state := s.made.State; {
		case state == record.Left, known && (!pair.lonely() || state != record.Present):
			s.pair.Token = tokenFromItem(r.link, s.microsoft, s.made.Ref)
			out[s] = s.folded
		case state == record.Present:
			s.made.Fields, s.pairs = everyField(s.made.Fields, r.rules.Fields), pairs
			out[s] = r.pairUp(s, s.made.Ref, r.creases.ourSide(*s.made))
		default: // deleted, while the item lives
			s.pair.CRM, s.crm, s.ours, s.cleared = s.made.Ref, s.made.Ref, r.creases.ourSide(*s.made), false
			out[s] = s.folded
		}
	}
	return out, nil
}

// unask takes the question off an item.
func (s *stranger) unask() {
	if s.pair != nil {
		s.pair.Ask = nil
	}
}

// decided reports whether a person has said what the item is.
func (s *stranger) decided() bool {
	a := s.asked()
	return a != nil && (a.New || a.Out || a.Match != "")
}

// choices are the records that people have chosen for items, if they still can have them; refused are the items whose
// record is not free any more.
func (r *run) choices(ctx context.Context, open []*stranger) (chosen map[record.Ref]*record.Change, refused map[*stranger]bool, err error) {
	chosen, refused = map[record.Ref]*record.Change{}, map[*stranger]bool{}
	var want []*stranger
	var refs []record.Ref
	for _, s := range open {
		if a := s.asked(); a != nil && a.Match != "" && s.strange && s.made == nil {
			want, refs = append(want, s), append(refs, a.Match)
		}
	}
	if len(want) == 0 {
		return chosen, refused, nil
	}
	ours, err := r.crm.Read(ctx, refs)
	if err != nil {
		return nil, nil, err
	}
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, refs)
	if err != nil {
		return nil, nil, err
	}
	for i, s := range want {
		pair, known := pairs[refs[i]]
		there := ours[i].State == record.Present && (r.rules.takesIn(&ours[i]) || r.rules.mayAdmit(&ours[i]))
		if there && (!known || pair.lonely()) && chosen[refs[i]] == nil {
			chosen[refs[i]] = &ours[i]
			s.pairs = pairs
			continue
		}
		refused[s] = true
		if there && !slices.Contains(s.taken, refs[i]) { // it has its item: the person may think again
			s.taken = append(s.taken, refs[i])
		}
	}
	return chosen, refused, nil
}

// pairUp makes an item and a record a pair that is yet to be compared.
func (r *run) pairUp(s *stranger, crm record.Ref, ours passage) *folded {
	found := pairing{crm: crm}
	lone, known := s.pairs[crm]
	if s.pair != nil || known {
		pair := r.creases.pairOf(s.folded)
		if known && pair.ID == 0 {
			pair.ID, pair.State = lone.ID, lone.State
		} else if known {
			found.ends = lone.ID
		}
		pair.CRM, pair.Base, pair.Ask = crm, nil, nil
		s.pair = &pair
	}
	s.crm, s.ours, s.cleared = crm, ours, false
	r.paired[s.microsoft] = found
	return s.folded
}

// question parks an item with what a person is asked about it; there is nothing to settle if that is asked already. A choice that
// could not be carried out ends with its pair, or it would be carried out again.
func (r *run) question(s *stranger, matches []record.Ref, refused bool) []Entry {
	slices.Sort(matches)
	matches = slices.Compact(matches)
	was := s.asked()
	pair, fields := r.creases.pairOf(s.folded), r.creases.fieldsOf(s.folded)
	if was != nil && !refused && slices.Equal(was.Matches, matches) && pair.State == Parked && pair.RetryAt.IsZero() &&
		pair.MicrosoftVersion == s.version {
		return nil
	}
	before := pair
	pair.MicrosoftVersion, pair.Name, pair.Detail = s.version, nameOf(fields), ""
	pair.State, pair.Reason, pair.Attempts, pair.RetryAt = Parked, fault.Ambiguous, 0, time.Time{}
	pair.Ask = &Ask{Matches: matches, Theirs: r.asIs(fields)}
	var out []Entry
	if refused {
		out = append(out, Entry{Pair: before, Drop: true})
		pair.ID = 0
	}
	entry := Entry{Pair: pair}
	if was == nil || refused || !slices.Equal(was.Matches, matches) {
		entry.History = []HistoryLine{{
			At: r.Now(), Microsoft: pair.Microsoft, Side: InMicrosoft, Action: Asked, Reason: string(fault.Ambiguous),
		}}
	}
	return append(out, entry)
}

// leaveOut keeps an item where it is, and with it the records that it may be and that no open question is about.
func (r *run) leaveOut(ctx context.Context, s *stranger, about questions) ([]Entry, error) {
	var out []Entry
	kept := r.creases.pairOf(s.folded)
	kept.State, kept.Reason = Excluded, fault.LeftOut
	r.asking.items[kept.Microsoft] = &kept // a record that it may be stays out with it
	if pair := r.creases.pairOf(s.folded); !pair.leftOut() || pair.MicrosoftVersion != s.version {
		was, ask, fields := pair, *pair.Ask, r.creases.fieldsOf(s.folded)
		ask.Theirs = r.asIs(fields)
		pair.MicrosoftVersion, pair.Name, pair.Detail, pair.Ask = s.version, nameOf(fields), "", &ask
		pair.State, pair.Reason, pair.Attempts, pair.RetryAt = Excluded, fault.LeftOut, 0, time.Time{}
		entry := Entry{Pair: pair}
		if !was.leftOut() {
			entry.History = []HistoryLine{{
				At: r.Now(), Microsoft: pair.Microsoft, Side: InMicrosoft, Action: Unlinked, Reason: string(fault.LeftOut),
			}}
		}
		out = append(out, entry)
	}
	var refs []record.Ref
	for _, ref := range s.asked().Matches {
		if len(about[ref]) == 0 {
			refs = append(refs, ref)
		}
	}
	if len(refs) == 0 {
		return out, nil
	}
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, refs)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if pair, known := pairs[ref]; known && pair.held() && !pair.leftOut() {
			pair.State, pair.Reason, pair.Attempts, pair.RetryAt = Excluded, fault.LeftOut, 0, time.Time{}
			out = append(out, Entry{Pair: pair})
		}
	}
	return out, nil
}

// asIs is what an item holds, for the question about it: of the mapped fields, and what else it is recognized by.
func (r *run) asIs(theirs record.Fields) record.Fields {
	out := filled(only(theirs, r.rules.Fields))
	for _, also := range []record.Field{record.FurtherAddresses, record.UID} {
		if v := theirs[also]; v != "" {
			out = out.With(record.Fields{also: v})
		}
	}
	return out
}

// release makes the records due that were held back by questions which are closed now.
func (r *run) release(ctx context.Context, closed map[record.Ref]bool, about questions) error {
	var refs []record.Ref
	for ref := range closed {
		if len(about[ref]) == 0 {
			refs = append(refs, ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	slices.Sort(refs)
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, refs)
	if err != nil {
		return err
	}
	given := map[record.Ref]bool{}
	for _, p := range r.paired {
		given[p.crm] = true
	}
	var entries []Entry
	for _, ref := range refs {
		if pair, known := pairs[ref]; known && pair.held() && !given[ref] {
			pair.State, pair.Reason, pair.RetryAt = Parked, fault.Ambiguous, r.Now()
			entries = append(entries, Entry{Pair: pair})
		}
	}
	r.released = r.released || len(entries) > 0
	return r.settle(ctx, 0, entries)
}

// held reports whether a pair is a record that waits for a question about an item.
func (p Pair) held() bool {
	return (p.State == Parked && p.Reason == fault.Ambiguous || p.leftOut()) && p.Microsoft == "" && p.CRM != ""
}

// hold keeps back the records that an open question is about, or could be had they been there when it arose: sent to Microsoft, one of them might be there twice. So would
// one be that was made from an item by a run that was cut off before it could say so: that item's next try finds it.
func (r *run) hold(ctx context.Context, items []Item) ([]Item, error) {
	fresh := func(i Item) bool {
		return (i.Pair == nil || i.Pair.CRM != "" && i.Pair.Microsoft == "" && i.Pair.State == Parked) &&
			i.Ours != nil && i.Ours.State == record.Present && eligible(r.rules, i.Ours)
	}
	if !slices.ContainsFunc(items, fresh) {
		return items, nil
	}
	about, err := r.questions(ctx)
	if err != nil {
		return items, err
	}
	r.asking.mu.Lock() // several pages at once may each find one
	defer r.asking.mu.Unlock()
	var out []Item
	var entries []Entry
	joined := map[record.Ref]bool{} // items whose question has one record more
	for _, i := range items {
		if fresh(i) && len(about[i.Ours.Ref]) == 0 {
			r.join(about, i.Ours, joined)
		}
		switch {
		case fresh(i) && i.Pair == nil && r.asking.made[i.Ours.Token]:
			continue
		case !fresh(i) || len(about[i.Ours.Ref]) == 0:
			out = append(out, i)
			continue
		}
		pair := Pair{CRM: i.Ours.Ref}
		if i.Pair != nil {
			pair = *i.Pair
		}
		if pair.held() && pair.RetryAt.IsZero() && pair.CRMVersion == i.Ours.Version {
			continue
		}
		if err := r.watch(Step{Item: i, Verb: AskFirst, Why: string(fault.Ambiguous)}); err != nil {
			return nil, err
		}
		pair.CRMVersion, pair.State, pair.Reason, pair.Detail = i.Ours.Version, Parked, fault.Ambiguous, ""
		pair.Attempts, pair.RetryAt = 0, time.Time{}
		if r.keptOut(about[i.Ours.Ref]) {
			pair.State, pair.Reason = Excluded, fault.LeftOut
		}
		entries = append(entries, Entry{Pair: pair})
	}
	for _, item := range slices.Sorted(maps.Keys(joined)) {
		entries = append(entries, Entry{Pair: *r.asking.items[item]})
	}
	return out, r.settle(ctx, 0, entries)
}

// join adds a record to the questions about items that it may be, and has them put anew at the end of the run.
func (r *run) join(about questions, ours *record.Change, joined map[record.Ref]bool) {
	knows, ok := r.recognizer()
	if !ok || len(r.asking.byKey) == 0 {
		return
	}
	for _, key := range knows.Keys(ours.Fields) {
		for _, item := range r.asking.byKey[key] {
			pair := r.asking.items[item]
			if pair == nil || about[ours.Ref][item] || pair.Ask.New || pair.Ask.Match != "" || !knows.Alike(pair.Ask.Theirs, ours.Fields) {
				continue
			}
			ask := *pair.Ask
			ask.Matches = append(slices.Clone(ask.Matches), ours.Ref)
			slices.Sort(ask.Matches)
			pair.Ask = &ask
			if !pair.leftOut() {
				pair.Due(r.Now())
			}
			about.add(pair.Ask, item)
			joined[item] = true
		}
	}
}

// keptOut reports whether items were all left out.
func (r *run) keptOut(items map[record.Ref]bool) bool {
	for item := range items {
		if pair := r.asking.items[item]; pair == nil || !pair.leftOut() {
			return false
		}
	}
	return true
}

// namesMeet reports whether nothing in the names of an item and of a record that it may be says that these are two people.
func (r *run) namesMeet(theirs, ours record.Fields) bool {
	knows, ok := r.recognizer()
	return !ok || knows.NamesMeet(theirs, ours)
}

func (r *run) recognizer() (Recognizer, bool) {
	if w, ok := r.crm.(whole); ok && r.link.Kind == record.Contacts {
		knows, ok := w.Side.(Recognizer)
		return knows, ok
	}
	return nil, false
}

// questions are the records that open questions are about, with the items that may be they.
type questions map[record.Ref]map[record.Ref]bool

// add takes an item's question in. Once it is answered, it is about the record that was chosen, if one was.
func (q questions) add(a *Ask, item record.Ref) {
	for _, ref := range a.about() {
		if q[ref] == nil {
			q[ref] = map[record.Ref]bool{}
		}
		q[ref][item] = true
	}
}

// forget takes an item's question out, as it was put: a person may have answered it since the run took it in.
func (q questions) forget(a *Ask, item record.Ref) {
	if a == nil {
		return
	}
	for _, ref := range a.Matches {
		if delete(q[ref], item); len(q[ref]) == 0 {
			delete(q, ref)
		}
	}
}

func (a *Ask) about() []record.Ref {
	switch {
	case a == nil || a.New:
		return nil
	case a.Match != "":
		return []record.Ref{a.Match}
	}
	return a.Matches
}

// questions reads what is asked, once for Microsoft's changes and once for the CRM's; judge keeps it in step. Only pages of
// the CRM are several at once, and they only read.
func (r *run) questions(ctx context.Context) (questions, error) {
	r.asking.mu.Lock()
	defer r.asking.mu.Unlock()
	if r.asking.about != nil {
		return r.asking.about, nil
	}
	about, made := questions{}, map[string]bool{}
	items, byKey := map[record.Ref]*Pair{}, map[string][]record.Ref{}
	knows, recognizes := r.recognizer()
	for _, state := range []PairState{Parked, Excluded} {
		err := r.eachInState(ctx, state, time.Time{}, func(pairs []Pair) error {
			for i, p := range pairs {
				if p.CRM != "" || state == Excluded && !p.leftOut() {
					continue
				}
				about.add(p.Ask, p.Microsoft)
				made[p.Token] = p.Token != ""
				if p.Ask == nil || len(p.Ask.Matches) == 0 || !recognizes {
					continue
				}
				items[p.Microsoft] = &pairs[i]
				for _, key := range knows.Keys(p.Ask.Theirs) {
					byKey[key] = append(byKey[key], p.Microsoft)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	r.asking.about, r.asking.made, r.asking.items, r.asking.byKey = about, made, items, byKey
	return about, nil
}
