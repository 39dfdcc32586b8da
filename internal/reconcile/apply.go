package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// chunk is how many records are written and settled together: ten batches of Graph, one transaction.
const chunk = 200

// apply plans the items and carries the plan out, chunk by chunk. What turns out to have changed meanwhile is read
// again on both sides and planned anew, a few times within the run.
func (r *run) apply(ctx context.Context, items []Item) error { return r.applyInTurn(ctx, items, nil) }

// applyInTurn is apply of one of several pages that are under way: what goes to Microsoft leaves in the order of the pages.
func (r *run) applyInTurn(ctx context.Context, items []Item, t *turn) error {
	for len(items) > 0 {
		part := items[:min(chunk, len(items))]
		items = items[len(part):]
		for try := 0; len(part) > 0; try++ {
			var err error
			if part, err = r.doubts(ctx, part); err != nil {
				return err
			}
			if err := r.pictures(ctx, part); err != nil {
				return err
			}
			steps, err := r.elsewhere(ctx, r.plan(part))
			if err != nil {
				return err
			}
			moved, err := r.carryOut(ctx, steps, try == replans, t)
			if err != nil {
				return err
			}
			if part, err = r.reread(ctx, moved); err != nil {
				return err
			}
		}
	}
	return nil
}

// plan plans items, and says of those that have just been given a record that this is why. A record that is gone, or
// somebody else's, by the time it is read again was not the item's after all.
func (r *run) plan(items []Item) []Step {
	given := func(i Item) bool {
		return i.Pair != nil && i.Pair.CRM != "" && r.paired[i.Pair.Microsoft].crm == i.Pair.CRM
	}
	for i, item := range items {
		if given(item) && item.Ours != nil && item.Ours.State != record.Present {
			alone := *item.Pair
			alone.CRM, alone.CRMVersion = "", ""
			items[i] = Item{Pair: &alone, Theirs: item.Theirs}
		}
	}
	steps := Plan(r.rules, items)
	for i := range steps {
		if s := &steps[i]; given(s.Item) && (s.Verb == Adopt || s.Verb == Merge) {
			s.Why = Matched
		}
	}
	return steps
}

// job is a step on its way.
type job struct {
	Step
	pair    Pair // as it will be stored
	stamp   string
	intent  Intent // of a change: see doubt.go
	history []HistoryLine
	moved   bool // changed under our hands: plan it again
	unknown bool // the answer was lost: read before writing again
	unsent  bool // throttled: it was not written
	drop    bool
	halfway bool // something went wrong: what is left to do is not done
}

// carryOut does the steps: first what goes to the CRM, then what goes to Microsoft, then it settles. Nothing is lost if
// it is cut off anywhere: what is to be written is on disk as intents, from which the next run finds out what became of it.
// It returns the pairs to be planned again; with last set they are parked instead.
func (r *run) carryOut(ctx context.Context, steps []Step, last bool, t *turn) ([]Pair, error) {
	if err := r.watch(steps...); err != nil {
		return nil, err
	}
	jobs := r.jobsOf(steps)
	if err := r.plausible(jobs); err != nil {
		return nil, err
	}
	if err := r.remember(ctx, steps); err != nil {
		return nil, err
	}
	if err := r.claim(ctx, jobs); err != nil {
		return nil, err
	}
	batch, err := r.intend(ctx, jobs)
	if err != nil {
		return nil, err
	}
	fatal := r.write(ctx, r.crm, InCRM, jobs, nil)
	if fatal == nil {
		fatal = r.write(ctx, r.microsoft, InMicrosoft, jobs, t)
	} else {
		r.unsent(jobs, InMicrosoft)
		batch = 0 // it stays open: the next run finds out what the CRM has taken
	}
	entries, moved, err := r.entriesOf(jobs, last, fatal != nil)
	if err != nil {
		return nil, err
	}
	if err := r.settle(ctx, batch, entries); err != nil {
		return nil, err
	}
	return moved, fatal
}

// jobsOf prepares the steps that have something to do or to remember. Deletions are only noted: see brake.go.
func (r *run) jobsOf(steps []Step) []*job {
	var jobs []*job
	for _, s := range steps {
		j := &job{Step: s}
		if s.Pair != nil {
			j.pair = *s.Pair
		}
		if s.Ours != nil {
			j.pair.CRM, j.pair.CRMVersion = s.Ours.Ref, s.Ours.Version
		}
		if s.Theirs != nil {
			j.pair.Microsoft, j.pair.MicrosoftVersion = s.Theirs.Ref, s.Theirs.Version
		}
		if s.Verb != DeleteMicrosoft && s.Why != KeptApart && j.pair.Ask != nil && len(j.pair.Ask.Mails) > 0 { // it is no longer to be deleted
			j.pair.Ask = nil
		}
		switch s.Verb {
		case Skip:
			if s.Pair != nil && s.Pair.ID != 0 && s.Pair.State == Parked {
				j.drop = true // failing while it took part; it no longer does
				break
			}
			continue
		case Adopt, Merge:
			j.pair.Base = s.Base
		case CreateMicrosoft:
			j.pair.Microsoft, j.pair.MicrosoftVersion, j.pair.Base = "", "", nil
			if s.Why == EditBeatsDelete || s.Why == OneWayOnly || j.pair.Token == "" {
				j.pair.Token = newToken(j.pair.CRM, r.NewID())
			}
		case CreateCRM:
			if j.pair.CRM != "" || !isTokenFromItem(j.pair.Token) { // it has lost its record, or never had one
				j.pair.Token = tokenFromItem(r.link, j.pair.Microsoft, j.pair.CRM)
			}
			j.pair.CRM, j.pair.CRMVersion, j.pair.Name = "", "", nameOf(s.ToCRM)
		case Leave:
			if j.pair.State == Excluded && j.pair.MicrosoftVersion == s.Pair.MicrosoftVersion {
				continue
			}
			ask := j.pair.Ask
			j.pair.State, j.pair.MissingSide, j.pair.Ask = Excluded, "", nil
			j.pair.Reason, j.pair.Detail, j.pair.Attempts, j.pair.RetryAt = fault.OneWay, "", 0, time.Time{}
			switch {
			case s.Why == KeptApart: // with all that is known of it, should the record come back
				j.pair.Reason, j.pair.Ask = fault.LeftOut, ask
				if !s.Pair.leftOut() {
					j.history = append(j.history, HistoryLine{Side: InMicrosoft, Action: Unlinked, Reason: s.Why})
				}
			case s.Why == BeforeSync:
				j.pair.Reason = fault.BeforeSync
			case s.Why == ColleaguesOwn:
				j.pair.Reason = fault.ColleaguesEvent
			case r.rules.Way == mapping.ToCRM: // its record is somebody else's
				j.pair.Reason = fault.NotOwn
			}
			if j.pair.Reason == fault.NotOwn || s.Why == KeptApart || j.pair.CRM != "" && s.ours(r.rules) == record.Gone { // whose record may come back
				break
			}
			j.pair.CRM, j.pair.CRMVersion, j.pair.Base, j.pair.Name = "", "", nil, nameOf(s.Theirs.Fields)
		case Drop:
			j.drop = !r.waitsForLate(j)
		case Wait:
			j.pair = *s.Pair
			r.park(&j.pair, fault.New(fault.Unavailable, fault.OutcomeUnknown, "it cannot be told whether the record is still there"))
			j.halfway = true
		}
		if s.Verb != Wait { // which keeps the versions too
			j.pair.Base = s.Item.marked(j.pair.Base)
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// tokenFromItem is the intent's id of a create in the CRM: always the same for one item, so that the CRM, which takes
// each id once, cannot be given the item twice, even if the ledger was lost.
//
// Of an item that has lost its record, to another item or to another owner, lost is that record: it becomes a new one. Each
// token tells of one record back only, so that whoever knows the last record, or the mark, needs no more to find the next.
func tokenFromItem(link *Link, item, lost record.Ref) string {
	text := link.User.String() + "\x00" + string(link.Kind) + "\x00" + string(item)
	if lost != "" {
		text += "\x00" + string(lost)
	}
	sum := sha256.Sum256([]byte(text))
	return fromItem + hex.EncodeToString(sum[:16])
}

const fromItem = "m-"

func isTokenFromItem(token string) bool { return strings.HasPrefix(token, fromItem) }

// maxName is how much of a name lists show; a name that the CRM refuses for its length is cut here and nowhere else.
const maxName = 60

// nameOf is what lists call a record.
func nameOf(fields record.Fields) string {
	name := []rune(strings.TrimSpace(string(fields[record.FirstName] + " " + fields[record.LastName] + " " + fields[record.EventTitle])))
	if len(name) > maxName {
		return string(name[:maxName]) + "…"
	}
	return string(name)
}

// intend puts what is to be written on disk.
func (r *run) intend(ctx context.Context, jobs []*job) (int64, error) {
	var intents []Intent
	stamp := ""
	for _, j := range jobs {
		switch j.Verb {
		case CreateMicrosoft:
			j.intent = Intent{Token: j.pair.Token, Side: InMicrosoft, From: j.pair.CRM, Pair: j.pair.ID, Base: r.sent(j)}
		case CreateCRM:
			w, _ := r.writeOf(j, InCRM)
			j.intent = Intent{Token: j.pair.Token, Side: InCRM, From: j.pair.Microsoft, Pair: j.pair.ID, Base: r.written(j, InCRM, w)}
		default:
			var changes bool
			if j.intent, changes = r.doubtful(j); !changes {
				continue
			}
		}
		if stamp == "" {
			stamp = r.NewID()
		}
		if j.stamp = stamp; j.intent.Token == "" {
			j.intent.Stamp = stamp
		}
		intents = append(intents, j.intent)
	}
	if len(intents) == 0 {
		return 0, nil
	}
	return r.Ledger.Intend(ctx, r.link, intents)
}

// remember puts the values that are about to lose a conflict into the history, before anything takes their places.
func (r *run) remember(ctx context.Context, steps []Step) error {
	var entries []Entry
	for _, s := range steps {
		if len(s.Lost) == 0 {
			continue
		}
		entries = append(entries, Entry{Drop: true, History: []HistoryLine{{
			At: r.Now(), CRM: s.Pair.CRM, Microsoft: s.Pair.Microsoft, Side: s.Lost[0].Side, Action: Overruled, Reason: s.Why, Lost: s.Lost,
		}}})
	}
	return r.settle(ctx, 0, entries)
}

// claim puts the pairs of items that have just found their record on disk, before either side is written: a record that holds an item's
// values by then, or takes part because of it, and no pair that says so, could be claimed by another item, or be sent to Microsoft beside
// its item, of which Microsoft may not tell for a while once it was written.
func (r *run) claim(ctx context.Context, jobs []*job) error {
	var entries []Entry
	var refs []record.Ref
	of := map[record.Ref]*job{}
	for _, j := range jobs {
		found, matched := r.paired[j.pair.Microsoft]
		matched = matched && found.crm == j.pair.CRM && !found.claimed
		writes := j.Verb == RestoreCRM || j.Verb == Merge && (len(j.ToCRM)+len(j.ToMicrosoft) > 0 || j.Admits)
		if !writes || j.pair.ID != 0 && !matched {
			continue
		}
		if matched {
			if found.ends != 0 {
				entries = append(entries, Entry{Pair: Pair{ID: found.ends}, Drop: true})
			}
			r.paired[j.pair.Microsoft] = pairing{crm: found.crm, claimed: true}
		}
		entries = append(entries, Entry{Pair: Pair{
			ID: j.pair.ID, CRM: j.pair.CRM, Microsoft: j.pair.Microsoft, Token: j.pair.Token, State: Parked, Reason: fault.OutcomeUnknown, RetryAt: r.Now(),
		}})
		refs, of[j.pair.Microsoft] = append(refs, j.pair.Microsoft), j
	}
	if len(entries) == 0 {
		return nil
	}
	if err := r.settle(ctx, 0, entries); err != nil {
		return err
	}
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InMicrosoft, refs)
	for ref, pair := range pairs {
		of[ref].pair.ID, of[ref].Pair = pair.ID, &pair
	}
	return err
}

// write makes a side's writes and notes each outcome on its job. The error stops the whole link; jobs whose outcome is
// not known by then are noted as such.
func (r *run) write(ctx context.Context, side Side, where Where, jobs []*job, t *turn) error {
	var writes []record.Write
	var of []*job
	for _, j := range jobs {
		if w, ok := r.writeOf(j, where); ok && !j.halfway {
			writes, of = append(writes, w), append(of, j)
		}
	}
	if len(writes) == 0 {
		return nil
	}
	t.wait(ctx)
	if err := r.leased(); err != nil {
		r.unsent(jobs, where)
		return err
	}
	outcomes, err := applyInOrder(ctx, side, writes, t.next)
	for i, j := range of {
		var o record.Outcome
		if i < len(outcomes) {
			o = outcomes[i]
		}
		if o.Ref == "" && o.Err == nil {
			o.Err = fault.New(fault.Unavailable, fault.OutcomeUnknown, "no answer for this record")
		}
		r.note(j, where, writes[i], o)
	}
	return err
}

// lateness is when to look again for an item whose making nobody answered, if its record is gone and it was not found: its
// request may still be on the way, and what it makes would bring the record back.
var lateness = []time.Duration{time.Minute, 10 * time.Minute}

// waitsForLate keeps a pair that is about to end for as long as its item may yet appear.
func (r *run) waitsForLate(j *job) bool {
	p := &j.pair
	if p.Reason != fault.OutcomeUnknown || p.CRM == "" || p.Microsoft != "" || p.Token == "" || isTokenFromItem(p.Token) || p.Attempts >= len(lateness) {
		return false
	}
	p.State, p.RetryAt = Intended, r.Now().Add(lateness[p.Attempts])
	p.Attempts++
	return true
}

// unsent marks the jobs whose write to a side was not sent: nothing of them is to be remembered as done.
func (r *run) unsent(jobs []*job, where Where) {
	for _, j := range jobs {
		if _, ok := r.writeOf(j, where); ok && !j.halfway {
			j.halfway, j.moved = true, true
		}
	}
}

// writeOf is the write that a job has for a side, if it has one.
func (r *run) writeOf(j *job, where Where) (record.Write, bool) {
	if where == InMicrosoft {
		switch {
		case j.Verb == CreateMicrosoft:
			return record.Write{Op: record.Create, Fields: j.ToMicrosoft, Token: j.pair.Token, Stamp: j.stamp, Agreed: r.agreement(j.Step)}, true
		case j.Verb == Merge && len(j.ToMicrosoft) > 0:
			return record.Write{
				Op: record.Update, Ref: j.pair.Microsoft, Version: j.pair.MicrosoftVersion, Fields: j.ToMicrosoft, Stamp: j.stamp,
				Agreed: r.agreement(j.Step),
			}, true
		}
		return record.Write{}, false
	}
	switch {
	case j.Verb == CreateCRM:
		return record.Write{
			Op: record.Create, Fields: j.ToCRM, Token: j.pair.Token,
			Meta: record.Meta{Owner: r.link.User, Source: record.FromExchange},
		}, true
	case j.Verb == RestoreCRM:
		return record.Write{Op: record.Restore, Ref: j.pair.CRM, Version: j.pair.CRMVersion, Fields: j.ToCRM, Stamp: j.stamp}, true
	case j.Verb == Merge && len(j.ToCRM) > 0, j.Admits:
		return record.Write{
			Op: record.Update, Ref: j.pair.CRM, Version: j.pair.CRMVersion, Fields: j.ToCRM, Stamp: j.stamp,
			Meta: record.Meta{MassUpdated: j.Admits},
		}, true
	}
	return record.Write{}, false
}

// note takes an outcome into the job: what is now known of the pair, or what went wrong.
func (r *run) note(j *job, where Where, w record.Write, o record.Outcome) {
	if o.Err != nil {
		if where == InMicrosoft && o.Ref != "" && o.Fields != nil { // done, but for a part: the item holds this now
			j.pair.Microsoft, j.pair.MicrosoftVersion = o.Ref, o.Version
			holds := r.rules.normal(only(o.Fields, r.rules.goes(InMicrosoft)))
			maps.DeleteFunc(holds, func(f record.Field, _ record.Value) bool { // of a field that was not written nothing more is agreed on than was before
				_, known := j.pair.Base[f]
				_, written := w.Fields[f]
				return w.Op == record.Update && !known && !written
			})
			j.pair.Base = j.writtenBy(j.pair.Base.With(holds), where, w.Op)
			j.halfway = true
			r.park(&j.pair, o.Err)
			return
		}
		r.noteFault(j, where, w, o.Err)
		return
	}
	if where == InMicrosoft {
		j.pair.Microsoft, j.pair.MicrosoftVersion = o.Ref, o.Version
	} else {
		j.pair.CRM, j.pair.CRMVersion = o.Ref, o.Version
	}
	j.pair.Base = r.written(j, where, w)
	if w.Op == record.Restore && !complete(w.Fields, r.rules.Fields) { // it came back with values that have not been held against Microsoft's
		j.halfway, j.moved = true, true
	}
	if where == InMicrosoft && (w.Agreed != nil || r.derived(j.pair.Base, o.Fields)) {
		j.halfway, j.moved = true, true // what Exchange has made of it by itself, or of those it mailed, is yet to be held against the CRM
	}
	action := map[record.Op]Action{record.Create: Created, record.Update: Updated, record.Restore: Restored}[w.Op]
	if j.Admits && where == InCRM && len(w.Fields) == 0 { // it was only let in
		action = Adopted
	}
	line := HistoryLine{Side: where, Action: action, Reason: j.Why, Delay: r.delay(j.Step, where)}
	if w.Op != record.Create {
		line.Fields, line.Before = w.Fields, j.heldAt(where, w.Fields)
	}
	j.history = append(j.history, line)
}

// written is the base of a job once a write to a side has happened.
func (r *run) written(j *job, where Where, w record.Write) record.Fields {
	base, agreed := j.pair.Base, r.agreedBy(j, where, w)
	if w.Op != record.Update {
		base = nil
	}
	return j.writtenBy(agreedOn(base, agreed, j.Apart), where, w.Op)
}

// agreedBy is what both sides hold once a write to one of them has happened: the normal form of what was written.
func (r *run) agreedBy(j *job, where Where, w record.Write) record.Fields {
	agreed := r.rules.normal(w.Fields)
	if w.Op != record.Update {
		agreed = j.marked(r.rules.normal(r.made(j, where, w.Fields)))
	}
	if where == InCRM {
		return agreed.With(j.Half)
	}
	return agreed.With(j.Told)
}

// derived reports whether Exchange has filled a field by itself when it was written, so that the item holds something there
// that has not been agreed on. Where the CRM is right and has nothing, that is how it stays.
func (r *run) derived(base, told record.Fields) bool {
	f, mapped := r.rules.table().Derived()
	if !mapped {
		return false
	}
	agreed, known := base[f]
	_, apart := base[keyInCRM(f)]
	now, said := r.rules.normal(only(told, []record.Field{f}))[f]
	return known && !apart && said && now != agreed && (r.rules.takes(InCRM, f) || agreed != "")
}

// made is what both sides hold once one was made from the other with the fields given. Of a field that does not go that
// way the new side has nothing: they agree on it if the other has nothing either. A record that was restored has what it
// had, which is what was agreed on.
func (r *run) made(j *job, where Where, fields record.Fields) record.Fields {
	switch {
	case j.Verb == RestoreCRM:
		return r.rules.mapped(j.pair.Base).With(fields)
	case len(r.rules.OneWay) == 0:
		return everyField(fields, r.rules.seen(r.rules.Fields, where, j.Theirs))
	}
	names, from := r.rules.goes(where), values(j.Ours)
	if where == InCRM {
		from = values(j.Theirs)
	}
	held := record.Fields{}
	for _, f := range r.rules.Fields {
		if _, given := fields[f]; !given && !r.rules.takes(where, f) && empty([]record.Field{f}, from) {
			held[f] = ""
		}
	}
	return everyField(held.With(fields), r.rules.seen(names, where, j.Theirs))
}

// mapped is a base without fields that no longer take part: a merge leaves them out by itself.
func (r Rules) mapped(base record.Fields) record.Fields {
	out := base.Clone()
	maps.DeleteFunc(out, func(key record.Field, _ record.Value) bool {
		f := record.Field(strings.TrimPrefix(string(key), inCRM))
		_, field := r.table().Schema().Def(f)
		return field && !slices.Contains(r.Fields, f)
	})
	return out
}

// sent is the base of an item of which it is only known what was sent to make it: if it is found, it held this, and so
// did its record.
func (r *run) sent(j *job) record.Fields {
	base := agreedOn(nil, r.rules.normal(r.made(j, InMicrosoft, j.ToMicrosoft)), j.Apart)
	for _, f := range seriesUnit(r.rules) {
		if _, mapped := base[f]; mapped {
			base[f] = "" // what is done to occurrences is done after a series is made, and perhaps never was
		}
	}
	for f := range j.ToMicrosoft {
		if r.rules.picture(f) {
			base[f] = "" // likewise: a picture is given to an item that is there
		}
	}
	return j.writtenBy(base, InMicrosoft, record.Create)
}

func (r *run) noteFault(j *job, where Where, w record.Write, err error) {
	j.halfway = true
	switch kind := fault.KindOf(err); {
	case fault.ReasonOf(err) == fault.OutcomeUnknown && w.Op == record.Create && where == InMicrosoft:
		j.pair.State, j.pair.Reason, j.pair.RetryAt = Intended, fault.OutcomeUnknown, r.Now().Add(findAgain)
		j.pair.Base = r.sent(j)
	case w.Op == record.Create && where == InMicrosoft && kind == fault.Gone:
		r.park(&j.pair, err) // an earlier request had worked, and a person has deleted its item
		j.pair.Token = ""    // if it is ever to be made again, then as another one
	case w.Op == record.Restore && (kind == fault.Gone || kind == fault.NotFound):
		j.pair.CRM, j.pair.CRMVersion, j.moved = "", "", true // gone for good: it is made anew
	case kind == fault.Conflict, w.Op != record.Create && (kind == fault.Gone || kind == fault.NotFound):
		j.moved = true
	default:
		j.unknown, j.unsent = fault.ReasonOf(err) == fault.OutcomeUnknown, kind == fault.Throttled
		r.park(&j.pair, err)
		if j.pair.Attempts == 1 && !j.unknown && !j.unsent {
			j.history = append(j.history, HistoryLine{Side: where, Action: Failed, Reason: string(j.pair.Reason)})
		}
	}
}

// findAgain is how long to wait before an item whose creation went unanswered is looked for: Graph's filter lags
// behind writes by seconds (reference: contacts, idempotent creation).
const findAgain = 5 * time.Second

// entriesOf turns finished jobs into entries for the ledger and lists the pairs to plan again. When the link has failed
// as a whole, those are left for the next run, which finds them by their change.
func (r *run) entriesOf(jobs []*job, last, fatal bool) (entries []Entry, moved []Pair, err error) {
	for _, j := range jobs {
		if j.unknown && j.intent.Stamp != "" {
			if j.pair.Base, err = withDoubt(j.pair.Base, doubtOf(j.intent)); err != nil {
				return nil, nil, err
			}
		}
		switch {
		case j.pair.State == Intended:
		case j.halfway && j.written() && j.moved:
			// One side was written and the other was not: the retry at the end of the run (or the next run) goes on.
			j.pair.State, j.pair.Reason, j.pair.RetryAt = Parked, fault.ChangesTooFast, r.Now()
		case (j.moved || j.unknown || j.unsent) && fatal && !j.written():
			if j.unknown && j.intent.Stamp != "" {
				as := *j.Pair
				r.disown(&as, j.Item)
				as.Base = as.Base.With(record.Fields{doubted: j.pair.Base[doubted]})
				entries = append(entries, Entry{Pair: as})
			}
			continue // nothing was settled, so the next run finds the change again
		case j.moved && last:
			r.park(&j.pair, fault.New(fault.Conflict, fault.ChangesTooFast, "changed on every try"))
		case j.moved:
			moved = append(moved, j.pair)
			continue
		case j.halfway:
		case j.Verb == DeleteCRM:
			j.pair.waits(InMicrosoft)
		case j.Verb == DeleteMicrosoft:
			j.pair.waits(InCRM)
		case j.Verb == Unlink:
			j.pair = j.pair.movedOut()
			j.history = append(j.history, HistoryLine{Side: InMicrosoft, Action: Unlinked, Reason: j.Why})
		case j.drop, j.Verb == Leave:
		default:
			attempts := j.pair.Attempts
			r.agreed(j)
			if j.Blind && attempts < len(pauses) { // else the next audit looks
				j.pair.Attempts = attempts
				r.park(&j.pair, fault.New(fault.Unavailable, fault.OutcomeUnknown, "the picture at Microsoft cannot be looked at"))
			}
			if j.unchanged() {
				continue
			}
		}
		if p, ok := r.paired[j.pair.Microsoft]; ok && p.ends != 0 && p.crm == j.pair.CRM { // the item's pair takes its place
			entries = append(entries, Entry{Pair: Pair{ID: p.ends}, Drop: true})
		}
		entries = append(entries, r.entryOf(j))
	}
	return entries, moved, nil
}

// disown takes out of a pair the versions at which the sides hold something else than the base says: it was planned anew, and what the ledger
// is told of it without having been carried out must not pass for agreed on.
func (r *run) disown(p *Pair, as Item) {
	if as.Ours != nil && as.Ours.Version == p.CRMVersion && !r.untouched(as.Ours, heldInCRM(p.Base)) {
		p.CRMVersion = ""
	}
	if as.Theirs != nil && as.Theirs.Version == p.MicrosoftVersion && !r.untouched(as.Theirs, p.Base) {
		p.MicrosoftVersion = ""
	}
}

// written reports whether a side was written.
func (j *job) written() bool {
	return slices.ContainsFunc(j.history, func(h HistoryLine) bool { return h.Action != Failed })
}

// agreed marks the pair as in step.
func (r *run) agreed(j *job) {
	if j.Verb == Adopt && (j.Pair == nil || j.Pair.State != Synced) {
		j.history = append(j.history, HistoryLine{Side: InCRM, Action: Adopted, Reason: j.Why})
	}
	if j.Ask.asksMore(j.pair.Ask) {
		j.history = append(j.history, HistoryLine{Action: Asked, Reason: ChangedBoth})
	}
	j.pair.Ask = j.Ask
	j.pair.State, j.pair.MissingSide, j.pair.Name = Synced, "", ""
	j.pair.Reason, j.pair.Detail = r.rules.misfit(j.pair.Base)
	j.pair.Attempts, j.pair.RetryAt = 0, time.Time{}
}

// unchanged reports whether the ledger already says what the job came to.
func (j *job) unchanged() bool {
	if j.cleared || j.Pair == nil || j.Pair.ID == 0 || len(j.history) > 0 || j.Pair.State != Synced {
		return false
	}
	return j.pair.Reason == j.Pair.Reason && j.pair.CRMVersion == j.Pair.CRMVersion && j.pair.MicrosoftVersion == j.Pair.MicrosoftVersion &&
		maps.Equal(j.pair.Base, j.Pair.Base) && j.pair.Ask.same(j.Pair.Ask)
}

func (r *run) entryOf(j *job) Entry {
	now := r.Now()
	for i := range j.history {
		h := &j.history[i]
		h.At, h.CRM, h.Microsoft, h.Mark = now, j.pair.CRM, j.pair.Microsoft, j.pair.mark()
	}
	return Entry{Pair: j.pair, Drop: j.drop, History: j.history}
}

// pauses are the waits between tries of a failing record. After the last one it is left for a person.
var pauses = []time.Duration{
	time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// park sets a pair aside with the reason and its own next try.
func (r *run) park(p *Pair, err error) {
	p.State, p.Attempts, p.Detail = Parked, p.Attempts+1, detail(err)
	if p.Reason = fault.ReasonOf(err); p.Reason == "" {
		p.Reason = fault.Refused
	}
	switch kind := fault.KindOf(err); {
	case kind == fault.Throttled:
		p.RetryAt = r.Now().Add(max(fault.RetryAfter(err), time.Second))
	case !kind.Repeatable() && p.Reason != fault.Refused, p.Attempts > len(pauses):
		p.RetryAt = time.Time{} // no use in trying until the record changes or a person asks
	default:
		p.RetryAt = r.Now().Add(pauses[p.Attempts-1])
	}
}

// maxDetail keeps a neighbour's wordy answer from filling the ledger.
const maxDetail = 500

func detail(err error) string {
	s := err.Error()
	if len(s) > maxDetail {
		s = s[:maxDetail]
	}
	return s
}
