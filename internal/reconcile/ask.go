package reconcile

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Open reports whether something is left for a person to say.
func (a *Ask) Open() bool {
	if a == nil {
		return false
	}
	undecided := func(f record.Field) bool { _, said := a.Taken[f]; return !said }
	return slices.ContainsFunc(a.Conflicts, undecided) || a.asksMatch() || a.AsksMails()
}

// AsksMails reports whether it is left to say that a meeting may be called off, or that it stays in Outlook.
func (a *Ask) AsksMails() bool { return len(a.Mails) > 0 && a.Agreed == nil && !a.Out }

// stays is the person's word that a meeting, which is no longer this person's in the CRM, is to stay in Outlook for good: there it
// is nobody's business but its owner's, until the record is this person's again.
func (a *Ask) stays() bool { return a != nil && len(a.Mails) > 0 && a.Out }

// edited reports whether somebody edited an item since its record was deleted, or since its person wanted to be asked again.
func (a *Ask) edited(rules Rules, item Item) bool {
	switch fields := rules.goes(InCRM); {
	case a == nil || !a.Again:
		return edited(rules, item.Pair.Base, item.Theirs, fields)
	case a.Seen == nil:
		return false
	default:
		return edited(rules, a.Seen, item.Theirs, fields)
	}
}

// callsOff is the person's word that a record's item may be deleted with the mails that this brings; nil: there is none, or
// it was about the record as it no longer is.
func (a *Ask) callsOff(ours *record.Change) *record.Agreement {
	if a == nil || len(a.Mails) == 0 || ours == nil || ours.Version != a.Of {
		return nil
	}
	return a.Agreed
}

// asksOf reports whether a person is asked about a unit: then both sides have changed it, and one that holds what was agreed on before does so
// because somebody went back to it.
func (a *Ask) asksOf(unit []record.Field) bool {
	return a != nil && slices.ContainsFunc(unit, func(f record.Field) bool { return slices.Contains(a.Conflicts, f) })
}

// asksMatch reports whether it is left to say which record an item is.
func (a *Ask) asksMatch() bool { return len(a.Matches) > 0 && a.Match == "" && !a.New && !a.Out }

// With is the question together with what of an answer answers it; ok is false if nothing does that is not said already.
func (a *Ask) With(answer *Ask) (_ *Ask, ok bool) {
	if a == nil || answer == nil {
		return a, false
	}
	out := *a
	out.Taken = maps.Clone(a.Taken)
	for _, f := range a.Conflicts {
		side, said := answer.Taken[f]
		if _, already := a.Taken[f]; already || !said || side != InCRM && side != InMicrosoft {
			continue
		}
		if out.Taken == nil {
			out.Taken = map[record.Field]Where{}
		}
		out.Taken[f], ok = side, true
	}
	if a.asksMatch() {
		switch {
		case slices.Contains(a.Matches, answer.Match):
			out.Match, ok = answer.Match, true
		case answer.Match == "" && answer.New:
			out.New, ok = true, true
		case answer.Match == "" && answer.Out:
			out.Out, ok = true, true
		}
	}
	if a.AsksMails() && answer.Of != "" && answer.Of == a.Of {
		switch {
		case answer.Out && answer.Agreed == nil:
			out.Out, ok = true, true
		case answer.Agreed != nil && slices.Equal(answer.Agreed.People, a.Mails):
			out.Agreed, ok = answer.Agreed, true
		}
	}
	return &out, ok
}

// asksMore reports whether a has a conflict that was not asked about before.
func (a *Ask) asksMore(before *Ask) bool {
	return a != nil && slices.ContainsFunc(a.Conflicts, func(f record.Field) bool {
		return before == nil || !slices.Contains(before.Conflicts, f)
	})
}

// same reports whether two questions are one, with the same answers.
func (a *Ask) same(b *Ask) bool { return reflect.DeepEqual(a, b) }

// Answer stores in the pair what of an answer answers its question, and makes it due, so that the next run looks at both
// sides and carries it out. ok is false if there is no such question.
func (p *Pair) Answer(answer *Ask, now time.Time) (ok bool) {
	if answer != nil && answer.Agreed != nil && !answer.Agreed.Covers(nil, true, now) {
		late := *answer // a word that holds no more, which a run has asked about again
		late.Agreed, answer = nil, &late
	}
	ask, ok := p.Ask.With(answer)
	if !ok {
		return false
	}
	p.Ask = ask
	p.Due(now)
	return true
}

// Heed takes in what a person has said about a pair while a run was at it, which knows it as it was before: said is the question as it
// stands in the ledger.
func (p *Pair) Heed(said *Ask, now time.Time) {
	if said != nil && !said.Out {
		p.TakeBack(now)
	}
	p.Answer(said, now)
}

// leftOut reports whether a person has left an item out, or whether a record is kept out with it.
func (p *Pair) leftOut() bool { return p.State == Excluded && p.Reason == fault.LeftOut }

// TakeBack asks again about an item that was left out. ok is false if it was not.
func (p *Pair) TakeBack(now time.Time) (ok bool) {
	if !p.leftOut() || p.Ask == nil || !p.Ask.Out {
		return false
	}
	ask := *p.Ask
	ask.Out, ask.Again, ask.Seen = false, len(ask.Mails) > 0, nil
	p.Ask, p.State = &ask, Parked
	p.Due(now)
	return true
}

// Due has the next run look at both sides of the pair. One on its way, waiting for a yes or out of the sync has a next
// look of its own.
func (p *Pair) Due(now time.Time) {
	if p.State == Synced || p.State == Parked {
		p.State, p.Reason, p.Attempts, p.RetryAt = Parked, fault.Ambiguous, 0, now
	}
}

// Forget takes fields out of what a pair's sides agreed on, as after their mapping has changed. A base of which nothing
// is left still is one (D3: an empty base says that a person said no to a deletion).
func Forget(base record.Fields, fields []record.Field) record.Fields {
	if _, carried := base[doubted]; carried {
		if bare, d, err := withoutDoubt(base); err == nil {
			d.forget(fields)
			if carrying, err := withDoubt(Forget(bare, fields), *d); err == nil {
				return carrying
			}
		}
		base = base.Clone()
		delete(base, doubted) // nobody can read it
	}
	if !slices.ContainsFunc(fields, func(f record.Field) bool { _, known := base[f]; return known }) {
		return base
	}
	out := base.Clone()
	for _, f := range fields {
		delete(out, f)
		delete(out, keyInCRM(f))
	}
	if len(out) == 0 {
		out[nothing] = ""
	}
	return out
}

// nothing is no field: it stands in a base that has been forgotten.
const nothing record.Field = "-"

// keepAsked puts into the history what Microsoft holds of fields about which a person has not decided: the container goes,
// and the CRM has values of its own.
func (r *run) keepAsked(ctx context.Context) error {
	return r.eachPair(ctx, func(pairs []Pair) error {
		var entries []Entry
		for _, p := range pairs {
			if p.Ask == nil || len(p.Ask.Conflicts) == 0 {
				continue
			}
			line := HistoryLine{At: r.Now(), CRM: p.CRM, Microsoft: p.Microsoft, Side: InMicrosoft, Action: Overruled, Reason: ChangedBoth}
			for _, f := range p.Ask.Conflicts {
				line.Lost = append(line.Lost, Loss{Field: f, Side: InMicrosoft, Value: p.Ask.Theirs[f]})
			}
			entries = append(entries, Entry{Drop: true, History: []HistoryLine{line}})
		}
		return r.settle(ctx, 0, entries)
	})
}
