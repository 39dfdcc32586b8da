package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Switchboard turns links on and off for people.
type Switchboard struct {
	Links Links
	// Allowed reports with a fault whether the user's profile allows a kind, the grant covers it and the mailbox can be
	// reached: Denied with reason SyncWithheld, AccountDisabled, ConsentRequired, ReconnectNeeded or MailboxUnavailable.
	Allowed func(ctx context.Context, org, user record.ID, kind record.Kind) error
	// Choices say what new links begin with; nil: all with the default.
	Choices Choices
	Now     func() time.Time
}

// On switches a kind on for a user, or lets a link run again that was paused. Denied: see Allowed. Conflict: it is on.
func (s *Switchboard) On(ctx context.Context, org, user record.ID, kind record.Kind) (link *Link, err error) {
	defer fault.Wrap(&err, "reconcile: switch on %s of user %d", kind, user)
	if kind != record.Contacts && kind != record.Calendar {
		return nil, fault.Wrong(fault.BadValue, "kind", "there is no kind %q", kind)
	}
	if err := s.Allowed(ctx, org, user, kind); err != nil {
		return nil, err
	}
	links, err := s.Links.LinksOf(ctx, org, user)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if l.Kind == kind && l.State == Paused {
			if err := s.Links.ChangeState(ctx, org, l.ID, []LinkState{Paused}, On, ""); err != nil {
				return nil, err
			}
			return s.Links.Link(ctx, org, l.ID)
		}
	}
	begin, _, err := SettingsFor(ctx, s.Choices, org, user, kind)
	if err != nil {
		return nil, err
	}
	return s.Links.CreateLink(ctx, Link{
		Org: org, User: user, Kind: kind, State: On, Since: s.Now(), Mapping: begin.Mapping,
		Policy: Policy{Winner: begin.Winner, Options: begin.Options},
	})
}

// Set changes what a person wants of a kind of sync, beyond the life of a link, and has the link that there is go by it from its next run on. Invalid: the fields that meet do not go together with it, or with reason ReadOnlyField,
// the calendar of a link cannot become another one. Conflict: the link is being switched off.
func (s *Switchboard) Set(ctx context.Context, org, user record.ID, kind record.Kind, change func(*Wish)) (err error) {
	defer fault.Wrap(&err, "reconcile: options of %s of user %d", kind, user)
	begin, _, err := SettingsFor(ctx, s.Choices, org, user, kind)
	if err != nil {
		return err
	}
	links, err := s.Links.LinksOf(ctx, org, user)
	if err != nil {
		return err
	}
	var link *Link
	for i := range links {
		if links[i].Kind == kind {
			link = &links[i]
		}
	}
	table, want := begin.Mapping, Wish{begin.Winner, begin.Options}
	if link != nil {
		want = Wish{link.Policy.Winner, link.Policy.Options}
	}
	before := want
	change(&want)
	if link != nil && link.Mapping != nil {
		table = link.Mapping
	}
	switch err := want.check(table); {
	case err != nil:
		return err
	case link != nil && link.State == Switching:
		return fault.New(fault.Conflict, "", "the link is being switched off")
	case link != nil && want.Calendar != before.Calendar:
		return fault.Wrong(fault.ReadOnlyField, "calendar", "the calendar of a link stays the same: switch it off first")
	}
	own, err := s.Choices.Chosen(ctx, org, user, kind)
	if err != nil {
		return err
	}
	var keep Settings
	if own != nil {
		keep = *own
	}
	if keep.Options = want.Options; want.Winner != before.Winner {
		keep.Winner = want.Winner
	}
	if err := s.Choices.Choose(ctx, org, user, kind, keep.own()); err != nil || link == nil || want == before {
		return err
	}
	policy := link.Policy
	policy.Winner, policy.Options = want.Winner, want.Options
	return s.Links.ChangeSettings(ctx, org, link.ID, policy, link.Mapping)
}

// Off begins to switch a link off: the next run reads Microsoft a last time, removes the container and ends the link.
// It is no fault if that is under way already.
func (s *Switchboard) Off(ctx context.Context, org, user record.ID, id LinkID) (err error) {
	defer fault.Wrap(&err, "reconcile: switch off link %d", id)
	link, err := s.own(ctx, org, user, id)
	if err != nil || link.State == Switching || link.State == Off {
		return err
	}
	return s.Links.ChangeState(ctx, org, id, []LinkState{On, Held, Paused}, Switching, "")
}

// Run wakes a link.
func (s *Switchboard) Run(ctx context.Context, org, user record.ID, id LinkID) error {
	if _, err := s.own(ctx, org, user, id); err != nil {
		return err
	}
	return s.Links.Urge(ctx, org, id)
}

// Answer says yes or no to what a link asks as a whole: to the deletions that the brake holds, or whether it may make as many
// records as it was about to. With a no to that it stays as it is, until it is switched off.
func (s *Switchboard) Answer(ctx context.Context, org, user record.ID, id LinkID, yes bool) error {
	link, err := s.own(ctx, org, user, id)
	if err != nil {
		return err
	}
	if link.State != Paused || link.Reason != fault.TooManyCreates {
		return s.Links.AllowDeletes(ctx, org, id, yes)
	}
	if !yes {
		return nil
	}
	return s.Links.AllowGrowth(ctx, org, id, s.Now().Add(recently))
}

// Retry makes failing records due at once; no refs: all of them.
func (s *Switchboard) Retry(ctx context.Context, org, user record.ID, id LinkID, refs ...record.Ref) error {
	if _, err := s.own(ctx, org, user, id); err != nil {
		return err
	}
	return s.Links.Retry(ctx, org, id, refs...)
}

// own finds a link of the user; anybody else's is not found.
func (s *Switchboard) own(ctx context.Context, org, user record.ID, id LinkID) (*Link, error) {
	link, err := s.Links.Link(ctx, org, id)
	if err == nil && link.User != user {
		return nil, fault.New(fault.NotFound, "", "reconcile: user %d has no link %d", user, id)
	}
	return link, err
}

// switchOff ends the link after its last reading: the container goes, with all that is in it, and the ledger forgets the
// pairs. The CRM keeps everything. A container stays that holds something which the CRM has not.
func (r *run) switchOff(ctx context.Context) error {
	if err := r.Containers.Unsubscribe(ctx, r.link); err != nil {
		r.Log.WarnContext(ctx, "the subscription stays until it ends by itself", "link", r.link.ID, "error", err)
	}
	if r.link.Container == "" {
		r.end("")
		return nil
	}
	if err := r.lookAtList(ctx); err != nil { // what it has not told would go with the container
		return r.endWithout(ctx, err)
	}
	left, err := r.unbrought(ctx)
	if err != nil {
		return r.endWithout(ctx, err)
	}
	if r.link.existing() {
		return r.leaveExisting(ctx)
	}
	if left {
		if err := r.lastDeletions(ctx); err != nil {
			return r.endWithout(ctx, err)
		}
		r.end(fault.KeptInOutlook)
		return nil
	}
	if err := r.keepAsked(ctx); err != nil {
		return err
	}
	strangers, err := r.leftAlone(ctx)
	if err != nil {
		return err
	}
	if strangers {
		if err := r.takeBack(ctx); err != nil {
			return r.endWithout(ctx, err)
		}
		r.end(fault.OwnKept)
		return nil
	}
	r.link.Removing = r.Now()
	if err := r.Ledger.Advance(ctx, r.link); err != nil {
		return err
	}
	if err := r.Containers.Remove(ctx, r.link); err != nil {
		return r.endWithout(ctx, err)
	}
	r.end("")
	return nil
}

// lookAtList holds a list of the container against the ledger: what Microsoft tells of changes may lag behind.
func (r *run) lookAtList(ctx context.Context) error {
	listing, err := r.list(ctx)
	if err != nil {
		return err
	}
	return r.compareListing(ctx, listing)
}

// lastDeletions takes out of a container that stays what was deleted in the CRM before the link was switched off, as far as the brake lets
// it: with the pairs it is forgotten, and an item without our mark would be a new record to the next link.
func (r *run) lastDeletions(ctx context.Context) error {
	if err := r.departed(ctx); err != nil {
		return err
	}
	waiting, all, lately := r.link.Waiting, r.link.Synced+r.link.Waiting+r.link.Failing, r.link.Recent.sum(r.Now()).Deleted
	if brakes(waiting, all) || tooMany(waiting+lately, all+lately) {
		return nil
	}
	return r.eachInState(ctx, Waiting, time.Time{}, func(pairs []Pair) error {
		return r.delete(ctx, slices.DeleteFunc(pairs, func(p Pair) bool { return p.MissingSide != InCRM }))
	})
}

// leftAlone reports whether Microsoft holds what the link never brought to the CRM because it goes the other way.
func (r *run) leftAlone(ctx context.Context) (some bool, err error) {
	err = r.eachInState(ctx, Excluded, time.Time{}, func(pairs []Pair) error {
		some = some || slices.ContainsFunc(pairs, func(p Pair) bool { return p.Microsoft != "" && p.CRM == "" })
		return nil
	})
	return some, err
}

// takeBack deletes at Microsoft, one by one, the items of records that are whole in the CRM, where the container stays.
func (r *run) takeBack(ctx context.Context) error {
	for try := 0; ; try++ {
		var moved error
		err := r.eachInState(ctx, Synced, time.Time{}, func(pairs []Pair) error {
			items, err := r.reread(ctx, pairs)
			if err == nil {
				items, err = r.doubts(ctx, items)
			}
			if err != nil {
				return err
			}
			again, err := r.takeBackThese(ctx, items)
			if again != nil {
				moved = again
			}
			return err
		})
		if err != nil || moved == nil {
			return err
		}
		if try == replans {
			return moved
		}
	}
}

// takeBackThese deletes items; moved is the fault of one that has changed meanwhile and must be looked at once more.
func (r *run) takeBackThese(ctx context.Context, items []Item) (moved, err error) {
	var steps []Step
	var edited []Item
	for _, s := range Plan(r.rules, items) {
		switch {
		case toCRM(s):
			edited = append(edited, s.Item)
		case s.theirs() == record.Present && s.ours(r.rules) == record.Present && r.takes(s.Pair):
			s.Verb, s.Why = DeleteMicrosoft, SwitchedOff
			steps = append(steps, s)
		}
	}
	if err := r.watch(steps...); err != nil {
		return nil, err
	}
	if len(edited) > 0 {
		moved = fault.New(fault.Unavailable, fault.ChangesTooFast, "reconcile: %d items are edited while the link is switched off", len(edited))
		if err := r.apply(ctx, edited); err != nil {
			return moved, err
		}
	}
	entries, err := r.removeAt(ctx, InMicrosoft, steps, "")
	for _, i := range items {
		if i.theirs() == record.Gone && i.Pair.ID != 0 { // deleted by a run that did not come to note it
			entries = append(entries, Entry{Pair: *i.Pair, Drop: true})
		}
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool {
		again := !e.Drop && e.Pair.Reason == fault.ChangesTooFast
		if again {
			moved = fault.New(fault.Unavailable, fault.ChangesTooFast, "reconcile: an item changed while the link is switched off")
		}
		return again
	})
	return moved, errors.Join(err, r.settle(ctx, 0, entries))
}

// unbrought reports whether Microsoft holds something that the CRM does not, because it could not be brought there: such
// as a record that the CRM refuses. One more try is made.
func (r *run) unbrought(ctx context.Context) (left bool, err error) {
	for _, state := range []PairState{Intended, Parked} {
		err := r.eachInState(ctx, state, time.Time{}, func(pairs []Pair) error {
			items, err := r.rereadWhole(ctx, pairs)
			if err != nil {
				return err
			}
			if items, err = r.match(ctx, items); err != nil { // a question stays one, and its item where it is
				return err
			}
			items = slices.DeleteFunc(items, func(i Item) bool {
				_, found := r.paired[i.Pair.Microsoft]
				return !found && !toCRM(plan(r.rules, i))
			})
			return r.apply(ctx, items)
		})
		if err != nil {
			return false, err
		}
		err = r.eachInState(ctx, state, time.Time{}, func(pairs []Pair) error {
			items, err := r.rereadWhole(ctx, pairs)
			left = left || slices.ContainsFunc(items, func(i Item) bool { return toCRM(plan(r.rules, i)) })
			return err
		})
		if err != nil {
			return false, err
		}
	}
	err = r.eachInState(ctx, Excluded, time.Time{}, func(pairs []Pair) error { // what a person left out is nowhere else
		out := slices.DeleteFunc(pairs, func(p Pair) bool { return p.Microsoft == "" || !p.leftOut() })
		items, err := r.reread(ctx, out)
		left = left || slices.ContainsFunc(items, func(i Item) bool { return i.theirs() == record.Present || i.theirs() == record.Missing })
		return err
	})
	if err != nil {
		return false, err
	}
	err = r.eachPair(ctx, func(pairs []Pair) error {
		left = left || slices.ContainsFunc(pairs, func(p Pair) bool { return len(r.rules.onlyInOutlook(p.Base)) > 0 })
		return nil
	})
	return left, err
}

// rereadWhole is reread with all that there is to know: what became of unanswered writes, and pictures.
func (r *run) rereadWhole(ctx context.Context, pairs []Pair) ([]Item, error) {
	items, err := r.reread(ctx, pairs)
	if err == nil {
		items, err = r.doubts(ctx, items)
	}
	if err == nil {
		err = r.pictures(ctx, items)
	}
	return items, err
}

// toCRM reports whether a step has something to bring to the CRM, be it only to its history, or cannot tell.
func toCRM(s Step) bool {
	loses := slices.ContainsFunc(s.Lost, func(l Loss) bool { return l.Side == InMicrosoft })
	return s.Verb == CreateCRM || s.Verb == RestoreCRM || s.Verb == Wait || s.Blind || len(s.ToCRM) > 0 || loses
}

// containerDeleted ends the link because the person deleted its calendar or folder at Microsoft (S23, S35).
func (r *run) containerDeleted(ctx context.Context) error {
	if r.link.State == Switching {
		r.end("")
		return nil
	}
	r.Log.InfoContext(ctx, "the container was deleted at Microsoft; the sync is off", "link", r.link.ID, "org", r.link.Org)
	r.end(fault.ContainerDeleted)
	return nil
}

// end ends the link when the run is closed.
func (r *run) end(reason fault.Reason) {
	r.link.State, r.link.Reason = Off, reason
	r.link.Subscription, r.link.SubscriptionEnds = "", time.Time{}
	r.ended, r.stays = true, r.link.existing() && reason != fault.ContainerDeleted
}

// endWithout ends a link that is being switched off although Microsoft denies us: then the container stays where it is,
// and the reason says so. Every other fault is the run's.
func (r *run) endWithout(ctx context.Context, err error) error {
	if r.link.State == Switching && fault.ReasonOf(err) == fault.TooManyCreates { // what is unread stays there, and is not lost
		r.end(fault.KeptInOutlook)
		return nil
	}
	if r.link.State == Switching && fault.Is(err, fault.Denied) && fault.ReasonOf(err) != fault.AppMisconfigured {
		r.end(fault.ReasonOf(err))
		return nil
	}
	return err
}

// afterFault says on the link what a run's fault means for its person: it is paused if somebody must act before another
// run can do better, else it goes on trying and says so.
func (r *run) afterFault(err error) {
	reason := fault.ReasonOf(err)
	// AppMisconfigured is the operator's and disconnects nobody; a container that is no longer listed but still answers by
	// its id is on its way to Deleted Items, or in another group of calendars: time will tell.
	denied := fault.Is(err, fault.Denied) && reason != fault.AppMisconfigured && reason != fault.ContainerDeleted
	switch {
	case r.link.State == Switching:
	case denied && reason == "":
		r.link.State, r.link.Reason = Paused, fault.ConsentRequired
	case denied:
		r.link.State, r.link.Reason = Paused, reason
	case r.link.State != On:
	case reason == fault.CannotUnseal || reason == fault.AppMisconfigured || reason == fault.MailboxFull || reason == fault.StillRemoving:
		r.link.Reason = reason
	case fault.Is(err, fault.Throttled) || fault.Is(err, fault.Unavailable):
		r.link.Reason = fault.MicrosoftAway
	default:
		r.link.Reason = fault.Trouble
	}
}
