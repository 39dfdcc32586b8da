package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Runner carries out runs. Its parts are set once and shared by all runs.
type Runner struct {
	Ledger     Ledger
	Sides      Sides
	Containers Containers
	Now        func() time.Time
	NewID      func() string // a fresh random id for an intent
	Log        *slog.Logger
	Name       string // what dedicated calendars and folders are called
	// Every ticks every so often until its context ends: the pulse by which a lease is kept. nil: there is none, and a
	// run must end within its lease.
	Every func(ctx context.Context, d time.Duration) <-chan time.Time
	// Width is how many chunks of writes may be under way at once within a run; 0 is defaultWidth, with 1 nothing is done
	// side by side.
	Width int
}

const (
	// lease is how long a link stays ours without a sign of life. A worker that was killed keeps its link from
	// others that long.
	lease = 15 * time.Second
	// defaultWidth keeps the mailbox's four places busy while the chunk before is being settled.
	defaultWidth = 3
	// replans is how often a record that changed under our hands is planned anew within one run.
	replans = 3
	// subscriptionMargin is how long before its end a subscription is renewed.
	subscriptionMargin = 12 * time.Hour
	// subscriptionPause is how long a run leaves it be after a subscription could not be had.
	subscriptionPause = 15 * time.Minute
)

// Run brings the two sides of one link together, once. A fault that concerns the whole link ends it, is remembered on
// the link for its user to see, and is returned.
func (r *Runner) Run(ctx context.Context, id LinkID) (err error) {
	defer fault.Wrap(&err, "reconcile: run link %d", id)

	run, err := r.open(ctx, id)
	if err != nil {
		return err
	}
	return run.whole(ctx)
}

// run is one run of one link.
type run struct {
	*Runner
	link      *Link
	microsoft Side
	crm       Side
	rules     Rules
	mu        sync.Mutex // guards link while chunks settle side by side
	leaseMu   sync.Mutex // guards until: mu is held while a chunk settles, which is no reason to let the lease end
	until     time.Time  // end of the lease
	asking    asking
	first     bool                   // the run began within the link's first sync, and counts as part of it to its end
	paired    map[record.Ref]pairing // items that the last match gave a record, by their ref
	released  bool                   // records that were held back are due
	strangers *strangers             // that wait until all of the container has been read; nil: none waits
	creases   *creases               // by which the items of the last match are folded
	ended     bool                   // the link is to end when the run is closed
	stays     bool                   // and what is in its container stays there
	removals  int                    // what the run has deleted because it was on the other side
	unasked   int                    // and of that, what nobody was asked about
	settles   bool                   // the run has settled something: see recounted
	// witness hears of the steps before they are carried out, and may end the run; nil: nobody listens.
	witness func([]Step) error
	road    func(ctx context.Context) error // what the run does; nil: work
}

// open takes the lease of a link. It ends when the ledger says so, however long that took.
func (r *Runner) open(ctx context.Context, id LinkID) (*run, error) {
	now := r.Now()
	link, err := r.Ledger.Open(ctx, id, now, lease)
	if err != nil {
		return nil, err
	}
	return newRun(r, link, now.Add(lease)), nil
}

func newRun(r *Runner, link *Link, until time.Time) *run {
	return &run{Runner: r, link: link, until: until, first: !link.Settled}
}

// watch tells the witness.
func (r *run) watch(steps ...Step) error {
	if r.witness == nil || len(steps) == 0 {
		return nil
	}
	return r.witness(steps)
}

// whole runs while keeping the lease alive, and always closes the link with what came of it.
func (r *run) whole(ctx context.Context) error {
	wanted := r.link.Wanted
	work, stop := context.WithCancelCause(context.WithValue(ctx, leaseKey{}, r))
	var beat sync.WaitGroup
	if r.Every != nil {
		pulse := r.Every(work, lease/3)
		beat.Go(func() { r.keepLease(work, pulse, stop) })
	}

	road := r.road
	if road == nil {
		road = r.work
	}
	err := road(work)
	if cause := context.Cause(work); err != nil && cause != nil {
		err = cause
	}
	stop(nil)
	beat.Wait()

	if fault.ReasonOf(err) == fault.StaleLease {
		return err // somebody else's link now: nothing of it is ours to write
	}
	switch {
	case err == nil:
		r.link.Done, r.link.LastError, r.link.LastRun = wanted, "", r.Now()
		if r.link.State == On {
			r.link.Reason = ""
		}
	case fault.ReasonOf(err) == fault.Interrupted:
		r.link.Done, err = wanted, nil // switching off has woken the link, and so will whoever lets it go on
	default:
		r.link.LastError = err.Error()
		r.afterFault(err)
	}
	r.takeOver()
	// The link is closed even if the caller has given up, or it would stay leased.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if r.ended && err == nil {
		return r.Ledger.End(closing, r.link, r.stays)
	}
	return errors.Join(err, r.Ledger.Close(closing, r.link))
}

// keepLease renews the lease until the run ends, and ends the run if the lease is lost.
func (r *run) keepLease(ctx context.Context, pulse <-chan time.Time, stop context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-pulse:
			until := r.Now().Add(lease)
			switch err := r.Ledger.Renew(ctx, r.link, until); {
			case err == nil:
				r.leaseMu.Lock()
				r.until = until
				r.leaseMu.Unlock()
			case fault.Is(err, fault.Conflict):
				stop(err)
				return
			}
		}
	}
}

type leaseKey struct{}

// Leased refuses a request on behalf of a run whose lease has ended, such as one of a process that was asleep. Whoever sends
// something asks right before. Without a run in ctx there is nothing to refuse.
func Leased(ctx context.Context) error {
	if r, ok := ctx.Value(leaseKey{}).(*run); ok {
		return r.leased()
	}
	return nil
}

// leased refuses to go on after a sleep beyond the lease, before anything is written with what was read before it.
func (r *run) leased() error {
	r.leaseMu.Lock()
	defer r.leaseMu.Unlock()
	if r.Now().After(r.until) {
		return fault.New(fault.Conflict, fault.StaleLease, "the lease ran out during the run")
	}
	return nil
}

// work is the road of a run.
func (r *run) work(ctx context.Context) (err error) {
	if r.link.State == Paused || r.link.State == Off {
		return nil
	}
	if r.microsoft, r.crm, err = r.sides(ctx); err != nil {
		return r.endWithout(ctx, err)
	}
	if err := r.container(ctx); err != nil {
		return r.endWithout(ctx, err)
	}
	err = r.recover(ctx)
	if err == nil {
		err = r.pullMicrosoft(ctx)
	}
	if fault.ReasonOf(err) == fault.ContainerDeleted && fault.Is(err, fault.Gone) {
		return r.containerDeleted(ctx)
	} else if err != nil {
		return r.endWithout(ctx, err)
	}
	if r.link.State == Switching {
		r.takeOver()
		return r.switchOff(ctx)
	}
	if err := r.pullCRM(ctx); err != nil {
		return err
	}
	if err := r.retry(ctx); err != nil {
		return err
	}
	return r.deletions(ctx)
}

// sides gives the two sides, Microsoft's wrapped in the link's mapping, both with every mapped field said.
func (r *run) sides(ctx context.Context) (microsoft, crm Side, err error) {
	table := r.link.Mapping.Going(r.link.Policy.Direction)
	r.rules = Rules{
		User: r.link.User, Heir: r.link.Heir, Kind: r.link.Kind, Fields: table.Fields(),
		OneWay: table.OneWay(), Way: r.link.Policy.Direction, Region: r.link.Region, Table: table, Policy: r.link.Policy, Since: r.link.Since,
	}
	if crm, err = r.Sides.CRM(ctx, r.link); err != nil {
		return nil, nil, err
	}
	if microsoft, err = r.Sides.Microsoft(ctx, r.link); err != nil {
		return nil, nil, err
	}
	return mapped{microsoft, table}, whole{crm, r.rules.Fields}, nil
}

// container makes the dedicated calendar or folder on the first run and keeps the subscription alive. A subscription
// that cannot be had costs speed, not truth: the link is polled.
func (r *run) container(ctx context.Context) error {
	if r.link.Container == "" {
		if r.link.State == Switching {
			return nil
		}
		ref, name, err := r.Containers.Create(ctx, r.link, r.Name)
		if err != nil {
			return err
		}
		r.link.Container, r.link.ContainerName = ref, name
		if err := r.Ledger.Advance(ctx, r.link); err != nil {
			return err
		}
		if r.microsoft, r.crm, err = r.sides(ctx); err != nil {
			return err
		}
	}
	if r.link.State != Switching && r.link.SubscriptionEnds.Before(r.Now().Add(subscriptionMargin)) {
		id, ends, err := r.Containers.Subscribe(ctx, r.link)
		if err != nil {
			r.Log.WarnContext(ctx, "no change notifications; polling makes up for them", "link", r.link.ID, "error", err)
			r.link.SubscriptionEnds = r.Now().Add(subscriptionMargin + subscriptionPause)
		} else {
			r.link.Subscription, r.link.SubscriptionEnds = id, ends
		}
	}
	return nil
}

// pullMicrosoft brings what changed at Microsoft into the CRM, page by page.
func (r *run) pullMicrosoft(ctx context.Context) error {
	if r.link.Container == "" {
		return nil
	}
	cursor := r.link.Microsoft
	begins := cursor == "" && r.link.CRM == "" && r.link.State != Switching
	if begins {
		r.strangers = &strangers{creases: &creases{link: r.link}, items: map[record.Ref]*folded{}}
	}
	seen, whole := map[record.Ref]bool{}, begins || cursor == "" && r.link.Known > 0
	for afresh := false; ; {
		page, err := r.microsoft.Changes(ctx, cursor, r.link.Known)
		if fault.ReasonOf(err) == fault.CursorExpired && cursor != "" && !afresh {
			afresh = true // once a run: a cursor that expires again and again must not keep it
			cursor, whole = "", r.link.Known > 0
			clear(seen)
			continue
		}
		if err != nil {
			return err
		}
		if whole {
			for _, c := range page.Changes {
				seen[c.Ref] = c.State == record.Present
			}
		}
		if err := r.applyMicrosoft(ctx, page.Changes); err != nil {
			return err
		}
		if page.Listing != nil {
			if err := r.compareListing(ctx, page.Listing); err != nil {
				return err
			}
		}
		if whole && !page.More {
			if err := r.unseen(ctx, seen); err != nil {
				return err
			}
			seen = nil
		}
		if !page.More && r.link.CRM == "" && r.link.State != Switching {
			if err := r.lookForMade(ctx); err != nil {
				return err
			}
		}
		if !page.More {
			if err := r.applyStrangers(ctx); err != nil {
				return err
			}
		}
		if page.Next == r.link.Microsoft && !page.More {
			return nil
		}
		// Within a reading of everything the stored cursor stays empty: what was seen is only in memory.
		if cursor = r.recounted(page.Next); !whole || !page.More {
			if err := r.advance(ctx, func(l *Link) { l.Microsoft = cursor }); err != nil {
				return err
			}
		}
		if !page.More {
			return nil
		}
	}
}

// lookForMade looks, before the CRM is first listed, for items that the changes do not tell of yet: a container that was there before the
// link, or whose pairs were lost, may hold some that were made or edited a moment ago, and whose records would be sent to it again.
func (r *run) lookForMade(ctx context.Context) error {
	if _, can := r.lister(); !can {
		return nil
	}
	return r.lookAtList(ctx)
}

// takeOver takes over another id that Microsoft has given the container, so that no further run needs to look for it. The subscription was
// to what has gone: the next run asks for another. Only Close stores both at once.
func (r *run) takeOver() {
	m, ok := r.microsoft.(mapped)
	if !ok {
		return
	}
	if at, ok := m.Side.(Located); ok && at.Container() != "" && at.Container() != r.link.Container {
		r.link.Container, r.link.Subscription, r.link.SubscriptionEnds = at.Container(), "", time.Time{}
	}
}

// recounted is a cursor of a side that counts, once the run has settled something. What was made anew, and deleted again before the run ends,
// leaves as many items as there were.
func (r *run) recounted(cursor record.Cursor) record.Cursor {
	if m, ok := r.microsoft.(mapped); ok && r.settles {
		if side, ok := m.Side.(Counting); ok {
			return side.Recount(cursor)
		}
	}
	return cursor
}

// applyMicrosoft plans and carries out a page of changes at Microsoft, with the CRM's present state beside each.
func (r *run) applyMicrosoft(ctx context.Context, changes []record.Change) error {
	changes, err := r.prove(ctx, changes)
	if err != nil || len(changes) == 0 {
		return err
	}
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InMicrosoft, refs(changes))
	if err != nil {
		return err
	}
	var items []Item
	var fresh, unheard []record.Change // items that no pair knows
	for _, c := range changes {
		pair, known := pairs[c.Ref]
		r.strangers.forget(c)
		switch {
		case !known && c.State == record.Gone && c.Token != "":
			unheard = append(unheard, c)
		case !known && c.State == record.Present:
			fresh = append(fresh, c)
		case known && !(c.State == record.Present && c.Version == pair.MicrosoftVersion && r.inStep(&pair)):
			items = append(items, Item{Pair: &pair, Theirs: &c})
		}
	}
	made, err := r.madeAndDeleted(ctx, unheard)
	if err != nil {
		return err
	}
	if items, err = r.besideOurs(ctx, append(items, made...)); err != nil {
		return err
	}
	// First those that have a record: one whose item is gone may have got another one, which is among the rest.
	var rest []Item
	items = slices.DeleteFunc(items, func(i Item) bool {
		if i.Pair.CRM == "" {
			rest = append(rest, i)
		}
		return i.Pair.CRM == ""
	})
	if err := r.apply(ctx, items); err != nil {
		return err
	}
	if err := r.readMarks(ctx, rest); err != nil {
		return err
	}
	if fresh, err = r.stillFresh(ctx, fresh, items); err != nil {
		return err
	}
	found, err := r.newcomers(ctx, fresh)
	if err != nil {
		return err
	}
	return r.applyNew(ctx, r.strangers.keep(append(rest, found...)))
}

// prove looks at each item that is Missing: only a look at the item itself makes it Gone.
func (r *run) prove(ctx context.Context, changes []record.Change) ([]record.Change, error) {
	var missing []record.Ref
	var proved []record.Change
	for _, c := range changes {
		if c.State == record.Missing {
			missing = append(missing, c.Ref)
		} else {
			proved = append(proved, c)
		}
	}
	if len(missing) == 0 {
		return changes, nil
	}
	read, err := r.microsoft.Read(ctx, missing)
	return append(proved, read...), err
}

// stillFresh leaves out the new items that have taken the place of items that are gone: see elsewhere.
func (r *run) stillFresh(ctx context.Context, fresh []record.Change, applied []Item) ([]record.Change, error) {
	if len(fresh) == 0 || !slices.ContainsFunc(applied, func(i Item) bool { return i.theirs() == record.Gone }) {
		return fresh, nil
	}
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InMicrosoft, refs(fresh))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(fresh, func(c record.Change) bool { _, paired := pairs[c.Ref]; return paired }), nil
}

// newcomers tells items that nobody paired yet from items that belong to a CRM record whose pair was lost: those carry
// our mark, or the CRM record carries the id made from the item. If that record has its item already, the person has
// made a copy, and the copy is a record of its own.
func (r *run) newcomers(ctx context.Context, fresh []record.Change) ([]Item, error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	marks, err := r.marksOf(ctx, fresh)
	if err != nil {
		return nil, err
	}
	var items []Item
	var open []*newcomer
	for _, c := range marks {
		if c.State == record.Present {
			open = append(open, &newcomer{Change: c})
		}
	}
	// Of several with one mark the eldest is the original, wherever a page has it.
	slices.SortStableFunc(open, func(a, b *newcomer) int { return a.Created.Compare(b.Created) })
	given := map[record.Ref]bool{} // records that an earlier round has given to an item
	for len(open) > 0 {            // each round finds the record of every item, or that it has none, or has lost one
		found, err := r.claims(ctx, open, given)
		if err != nil {
			return nil, err
		}
		for _, item := range found {
			given[item.Pair.CRM] = item.Pair.CRM != ""
		}
		items = append(items, found...)
		open = slices.DeleteFunc(open, func(n *newcomer) bool { return n.done })
	}
	return items, nil
}

// A newcomer is an item at Microsoft that no pair knows.
type newcomer struct {
	record.Change
	lost   record.Ref // the last record that was its own, and has another item or another owner by now
	marked bool       // its mark has been looked at
	byMark bool       // what it claims now is what its mark names
	awaits bool       // and a pair waits for an item with this mark
	done   bool
}

// tokens are those of the records that may have been made from the item: the first is that of one that is made now, the
// other of one that was made when the record that its mark names was lost to it.
func (n *newcomer) tokens(link *Link) []string {
	out := []string{tokenFromItem(link, n.Ref, n.lost)}
	if ref, ok := refOfToken(n.Token); ok && !n.marked {
		out = append(out, tokenFromItem(link, n.Ref, ref))
	}
	return out
}

// claims looks once for the records of items: that which was made from an item comes before that which its mark names,
// for a copy has the mark of its original.
func (r *run) claims(ctx context.Context, open []*newcomer, given map[record.Ref]bool) (done []Item, err error) {
	var tokens []string
	for _, n := range open {
		tokens = append(tokens, n.tokens(r.link)...)
	}
	found, err := r.crm.Find(ctx, tokens)
	if err != nil {
		return nil, err
	}
	var claimed []*newcomer
	var items []Item
	var owners []record.Ref
	for _, n := range open {
		var ref record.Ref
		own := n.tokens(r.link)
		for i, token := range own {
			if ref = found[token].Ref; ref != "" {
				n.marked = n.marked || i > 0
				break
			}
		}
		n.byMark = false
		if ref == "" && !n.marked {
			n.marked, n.byMark = true, true
			ref, _ = refOfToken(n.Token)
		} else if ref != "" {
			n.lost = ref // unless it can have it
		}
		if ref == "" {
			n.done = true
			done = append(done, Item{Pair: &Pair{Microsoft: n.Ref, Token: own[0]}, Theirs: &n.Change})
			continue
		}
		claimed, owners = append(claimed, n), append(owners, ref)
	}
	taken, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, owners)
	if err != nil {
		return nil, err
	}
	again, err := r.madeAgain(ctx, claimed, owners, taken)
	if err != nil {
		return nil, err
	}
	done = append(done, again...)
	copies, err := r.copies(ctx, claimed, owners, taken)
	if err != nil {
		return nil, err
	}
	var of []*newcomer
	for i, n := range claimed {
		pair, paired := taken[owners[i]]
		if n.done || copies[n] {
			continue
		}
		if given[owners[i]] || paired && (pair.Microsoft != "" || n.byMark && pair.Token != "" && pair.Token != n.Token) {
			continue // a copy, or an item that was replaced or is about to be
		}
		if paired && n.byMark && pair.isMovedOut() && !r.movedIn(&n.Change, &pair) {
			continue // a copy, too
		}
		if pair.isMovedOut() {
			pair.Base = nil
		}
		n.awaits = n.byMark && paired && pair.Token == n.Token
		pair.CRM, pair.Microsoft = owners[i], n.Ref
		if n.Token != "" {
			pair.Token = n.Token
		}
		taken[owners[i]] = pair
		items, of = append(items, Item{Pair: &pair, Theirs: &n.Change}), append(of, n)
	}
	if items, err = r.besideOurs(ctx, items); err != nil {
		return nil, err
	}
	r.whileOff(items)
	for i, item := range items {
		if item.ours(r.rules) != record.Left || of[i].awaits { // else the record is somebody else's
			of[i].done = true
			done = append(done, item)
		} else if of[i].byMark { // what was made from the item after that says so in its token
			of[i].lost = item.Pair.CRM
		}
	}
	return done, nil
}

// marksOf reads the mark of new items, for the sides whose changes don't carry it.
func (r *run) marksOf(ctx context.Context, fresh []record.Change) ([]record.Change, error) {
	var unread []record.Ref
	for _, c := range fresh {
		if c.Token == "" && !c.TokenRead {
			unread = append(unread, c.Ref)
		}
	}
	if len(unread) == 0 {
		return fresh, nil
	}
	read, err := r.microsoft.Read(ctx, unread)
	if err != nil {
		return nil, err
	}
	out, next := make([]record.Change, len(fresh)), 0
	for i, c := range fresh {
		if out[i] = c; c.Token == "" && !c.TokenRead {
			out[i] = read[next]
			next++
		}
	}
	return out, nil
}

// readMarks is marksOf of the items that a pair knows and that have no record yet.
func (r *run) readMarks(ctx context.Context, items []Item) error {
	var at []int
	var changes []record.Change
	for i, item := range items {
		if item.theirs() == record.Present && item.Theirs != nil {
			at, changes = append(at, i), append(changes, *item.Theirs)
		}
	}
	marks, err := r.marksOf(ctx, changes)
	if err != nil {
		return err
	}
	for n, i := range at {
		items[i].Theirs = &marks[n]
	}
	return nil
}

// besideOurs reads the CRM's present state of every paired item.
func (r *run) besideOurs(ctx context.Context, items []Item) ([]Item, error) {
	var paired []record.Ref
	for _, item := range items {
		if item.Pair.CRM != "" {
			paired = append(paired, item.Pair.CRM)
		}
	}
	if len(paired) == 0 {
		return items, nil
	}
	ours, err := r.crm.Read(ctx, paired)
	if err != nil {
		return nil, err
	}
	for i := range items {
		if items[i].Pair.CRM != "" {
			items[i].Ours, ours = &ours[0], ours[1:]
		}
	}
	return items, nil
}

// compareListing holds a complete listing of the container against the ledger: pairs whose item is absent are looked
// at one by one, and so are items whose version the ledger does not know.
func (r *run) compareListing(ctx context.Context, listing map[record.Ref]record.Version) error {
	rest := make(map[record.Ref]bool, len(listing))
	for ref, version := range listing {
		if !r.strangers.has(ref, version) {
			rest[ref] = true
		}
	}
	err := r.eachPair(ctx, func(pairs []Pair) error {
		var look []record.Ref
		for _, p := range pairs {
			version, there := listing[p.Microsoft]
			delete(rest, p.Microsoft)
			if p.Microsoft != "" && (!there || version != p.MicrosoftVersion) {
				look = append(look, p.Microsoft)
			}
		}
		return r.look(ctx, look)
	})
	if err != nil {
		return err
	}
	return r.look(ctx, slices.Sorted(maps.Keys(rest)))
}

// unseen looks at the pairs that a reading of everything did not mention: candidates for deletion, no more.
func (r *run) unseen(ctx context.Context, seen map[record.Ref]bool) error {
	return r.eachPair(ctx, func(pairs []Pair) error {
		var look []record.Ref
		for _, p := range pairs {
			if p.Microsoft != "" && !seen[p.Microsoft] {
				look = append(look, p.Microsoft)
			}
		}
		return r.look(ctx, look)
	})
}

// look reads single items at Microsoft and treats them as changes.
func (r *run) look(ctx context.Context, refs []record.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	changes, err := r.microsoft.Read(ctx, refs)
	if err != nil {
		return err
	}
	return r.applyMicrosoft(ctx, changes)
}

const pairsPage = 500

func (r *run) eachPair(ctx context.Context, do func([]Pair) error) error {
	for after := int64(0); ; {
		pairs, err := r.Ledger.Pairs(ctx, r.link, after, pairsPage)
		if err != nil || len(pairs) == 0 {
			return err
		}
		after = pairs[len(pairs)-1].ID
		if err := do(pairs); err != nil {
			return err
		}
	}
}

// pullCRM brings what changed in the CRM to Microsoft, page by page, several pages under way at once. A page's cursor
// is stored when it and all before it are settled.
func (r *run) pullCRM(ctx context.Context) error {
	width := r.Width
	if width == 0 {
		width = defaultWidth
	}
	line := newLine(width)
	defer line.wait()
	r.asking.about = nil
	var underWay [][]record.Ref // of the pages that may not be settled yet
	for cursor := r.link.CRM; ; {
		page, err := r.crm.Changes(ctx, cursor, 0)
		if fault.ReasonOf(err) == fault.CursorExpired && cursor != "" {
			cursor = ""
			continue
		}
		if err != nil {
			return err
		}
		if cursor == "" {
			if err := r.departed(ctx); err != nil {
				return err
			}
		}
		first, changed := r.firstSync(page), page.Next != cursor
		if cursor = page.Next; len(page.Changes) > 0 || changed {
			next, told := cursor, refs(page.Changes)
			// A listing that people's writes shift tells a record twice. Planned before the first time is settled, the
			// second would not know of the item and make another.
			if slices.ContainsFunc(underWay, func(page []record.Ref) bool { return common(page, told) }) {
				if err := line.wait(); err != nil {
					return err
				}
			}
			underWay = append(underWay[max(0, len(underWay)-width+1):], told)
			line.start(func(t *turn) error { return r.applyCRM(ctx, page.Changes, t) }, func() error {
				return r.advance(ctx, func(l *Link) {
					if !l.Settled {
						l.FirstDone += len(page.Changes)
					}
					l.CRM, l.Settled = next, !first
				})
			})
		}
		if err := line.err(); err != nil {
			return err
		}
		if !page.More {
			break
		}
	}
	return line.wait()
}

// common reports whether two pages share a record.
func common(a, b []record.Ref) bool {
	in := make(map[record.Ref]bool, len(a))
	for _, ref := range a {
		in[ref] = true
	}
	return slices.ContainsFunc(b, func(ref record.Ref) bool { return in[ref] })
}

// departed looks at the CRM record of every pair that there is before the CRM is first listed: the listing tells only of
// what is there, so a record that was deleted or given away meanwhile would not be missed.
func (r *run) departed(ctx context.Context) error {
	if r.link.Known == 0 {
		return nil
	}
	return r.eachPair(ctx, func(pairs []Pair) error {
		items := make([]Item, len(pairs))
		for i := range pairs {
			items[i] = Item{Pair: &pairs[i]}
		}
		items, err := r.besideOurs(ctx, items)
		if err != nil {
			return err
		}
		items = slices.DeleteFunc(items, func(i Item) bool {
			return i.Ours == nil || i.Ours.State == record.Present || i.Pair.State != Synced
		})
		if items, err = r.besideTheirs(ctx, items); err != nil {
			return err
		}
		return r.apply(ctx, items)
	})
}

// firstSync reports whether a page belongs to the first sync with more of it to come, and notes how much there is.
func (r *run) firstSync(page record.Page) bool {
	if page.Total > 0 {
		r.mu.Lock()
		r.link.FirstTotal = page.Total
		r.mu.Unlock()
	}
	return page.First
}

// applyCRM plans and carries out a page of changes in the CRM. What is at Microsoft has just been read, so a pair
// stands as the ledger says; a write that finds otherwise is refused there and planned again with both sides read.
func (r *run) applyCRM(ctx context.Context, changes []record.Change, t *turn) error {
	if len(changes) == 0 {
		return nil
	}
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, refs(changes))
	if err != nil {
		return err
	}
	items := make([]Item, 0, len(changes))
	var full []Item
	for _, c := range changes {
		pair, known := pairs[c.Ref]
		switch {
		case !known:
			items = append(items, Item{Ours: &c})
		case c.State == record.Present && c.Version == pair.CRMVersion && pair.State == Synced: // what the base lacks, Microsoft's side tells
		case pair.State == Intended: // first it must be known what became of the create: see recover
		case r.inStep(&pair) && pair.Ask == nil && !r.rules.newPicture(&pair, &c) && !(Item{Pair: &pair, Ours: &c}).restored(): // else Microsoft may hold something that is not the base
			items = append(items, Item{Pair: &pair, Ours: &c})
		default:
			full = append(full, Item{Pair: &pair, Ours: &c})
		}
	}
	if full, err = r.besideTheirs(ctx, full); err != nil {
		return err
	}
	if items, err = r.hold(ctx, append(items, full...)); err != nil {
		return err
	}
	return r.applyInTurn(ctx, items, t)
}

// inStep reports whether a pair's sides agreed on every mapped field when they were last seen, but for those about which a
// person is asked.
func (r *run) inStep(p *Pair) bool {
	return p.State == Synced && complete(p.Base, r.rules.Fields)
}

// complete reports whether the base says something of every mapped field.
func complete(base record.Fields, fields []record.Field) bool {
	for _, f := range fields {
		if _, ok := base[f]; !ok {
			return false
		}
	}
	return true
}

// besideTheirs reads Microsoft's present state of every item that has reached it.
func (r *run) besideTheirs(ctx context.Context, items []Item) ([]Item, error) {
	var paired []record.Ref
	for _, item := range items {
		if item.Pair.Microsoft != "" {
			paired = append(paired, item.Pair.Microsoft)
		}
	}
	if len(paired) == 0 {
		return items, nil
	}
	theirs, err := r.microsoft.Read(ctx, paired)
	if err != nil {
		return nil, err
	}
	for i := range items {
		if items[i].Pair.Microsoft != "" {
			items[i].Theirs, theirs = &theirs[0], theirs[1:]
		}
	}
	return items, nil
}

// reread reads both sides of pairs afresh.
func (r *run) reread(ctx context.Context, pairs []Pair) ([]Item, error) {
	items := make([]Item, len(pairs))
	for i := range pairs {
		items[i] = Item{Pair: &pairs[i]}
	}
	items, err := r.besideOurs(ctx, items)
	if err != nil {
		return nil, err
	}
	return r.besideTheirs(ctx, items)
}

// advance changes the link's cursors or progress and stores them.
func (r *run) advance(ctx context.Context, change func(*Link)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r.link)
	return r.Ledger.Advance(ctx, r.link)
}

func refs(changes []record.Change) []record.Ref {
	out := make([]record.Ref, len(changes))
	for i, c := range changes {
		out[i] = c.Ref
	}
	return out
}
