package simtest

import (
	"context"
	"maps"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// effect does something that outlasts the process, or asks for it: the process may die before it, and after it with the
// answer unheard; it takes its time; and it is a line of the trace.
func (w *world) effect(ctx context.Context, what string, writes bool, do func() error) error {
	t := taskOf(ctx)
	if t == nil {
		return do()
	}
	if err := t.point(what, "before", writes); err != nil {
		return err
	}
	refused, unknown := w.faults.store(t, writes)
	if refused != nil {
		w.note("p%d l%d %s refused", t.process.n, t.link.id, what)
		return refused
	}
	err := do()
	w.note("p%d l%d %s %s", t.process.n, t.link.id, what, kindOf(err))
	if dead := t.point(what, "after", writes); dead != nil {
		return dead
	}
	if unknown != nil && err == nil {
		return unknown
	}
	return err
}

func kindOf(err error) string {
	if err == nil {
		return "ok"
	}
	if reason := fault.ReasonOf(err); reason != "" {
		return string(reason)
	}
	return fault.KindOf(err).String()
}

// point is one of the numbered points at which a process may die, be frozen, or just take its time.
func (t *task) point(what, when string, writes bool) error {
	if t.process.dead {
		return errDead
	}
	w := t.w
	if writes {
		w.stats.Points++
		if w.faults.kills(t, what, when) {
			w.kill(t.process)
			return errDead
		}
	}
	t.interject()
	pause := 200*time.Microsecond + w.spread(2*time.Millisecond)
	if frozen := w.faults.freezes(t); frozen > 0 {
		w.note("p%d l%d sleeps %s", t.process.n, t.link.id, frozen)
		t.frozen = w.clock.Add(frozen)
	}
	return t.park(pause)
}

// kill ends a process at once, with all that it had in memory.
func (w *world) kill(p *process) {
	p.dead = true
	w.note("p%d dies", p.n)
	w.stats.Kills++
}

// effectLedger is the ledger with its effects.
type effectLedger struct {
	reconcile.Ledger
	w *world
}

func (e effectLedger) Open(ctx context.Context, id reconcile.LinkID, now time.Time, lease time.Duration) (l *reconcile.Link, err error) {
	err = e.w.effect(ctx, "open", true, func() error {
		l, err = e.Ledger.Open(ctx, id, now, lease)
		return err
	})
	if err == nil {
		e.w.opened(taskOf(ctx), l)
	}
	return l, err
}

func (e effectLedger) Renew(ctx context.Context, l *reconcile.Link, until time.Time) error {
	t := taskOf(ctx)
	if t.probing {
		t.renewed <- nil
		return fault.New(fault.Unavailable, "", "the pulse is only felt")
	}
	err := e.Ledger.Renew(ctx, l, until)
	t.renewed <- err
	return err
}

func (e effectLedger) PairsByRef(ctx context.Context, l *reconcile.Link, side reconcile.Where, refs []record.Ref) (out map[record.Ref]reconcile.Pair, err error) {
	err = e.w.effect(ctx, "pairs by ref", false, func() error {
		out, err = e.Ledger.PairsByRef(ctx, l, side, refs)
		return err
	})
	if t := taskOf(ctx); t != nil {
		t.handles(slices.Concat(refs, namedIn(slices.Collect(maps.Values(out)))))
	}
	return out, err
}

func (e effectLedger) Marked(ctx context.Context, l *reconcile.Link, records []record.Ref) (out map[string]record.Ref, err error) {
	err = e.w.effect(ctx, "marked", false, func() error {
		out, err = e.Ledger.Marked(ctx, l, records)
		return err
	})
	return out, err
}

func (e effectLedger) PairsInState(ctx context.Context, l *reconcile.Link, state reconcile.PairState, due time.Time, after int64, limit int) ([]reconcile.Pair, error) {
	return e.read(ctx, func() ([]reconcile.Pair, error) { return e.Ledger.PairsInState(ctx, l, state, due, after, limit) })
}

func (e effectLedger) Pairs(ctx context.Context, l *reconcile.Link, after int64, limit int) ([]reconcile.Pair, error) {
	return e.read(ctx, func() ([]reconcile.Pair, error) { return e.Ledger.Pairs(ctx, l, after, limit) })
}

// read is a reading of pairs, which somebody may be quicker than, or change right after.
func (e effectLedger) read(ctx context.Context, pairs func() ([]reconcile.Pair, error)) ([]reconcile.Pair, error) {
	return looked(e.w, ctx, func() ([]reconcile.Pair, error) {
		out, err := pairs()
		if t := taskOf(ctx); t != nil && len(out) > 0 {
			t.handles(namedIn(out))
		}
		return out, err
	})
}

func (e effectLedger) OpenIntents(ctx context.Context, l *reconcile.Link) (map[int64][]reconcile.Intent, error) {
	return looked(e.w, ctx, func() (map[int64][]reconcile.Intent, error) { return e.Ledger.OpenIntents(ctx, l) })
}

func (e effectLedger) Intend(ctx context.Context, l *reconcile.Link, intents []reconcile.Intent) (id int64, err error) {
	err = e.w.effect(ctx, "intend", true, func() error {
		id, err = e.Ledger.Intend(ctx, l, intents)
		e.w.committed(ctx, l, "intend", err)
		return err
	})
	return id, err
}

func (e effectLedger) Settle(ctx context.Context, l *reconcile.Link, batch int64, entries []reconcile.Entry) error {
	return e.w.effect(ctx, "settle", true, func() error {
		err := e.Ledger.Settle(ctx, l, batch, entries)
		if e.w.committed(ctx, l, "settle", err); err == nil {
			e.w.settled(l, entries)
		}
		return err
	})
}

func (e effectLedger) Advance(ctx context.Context, l *reconcile.Link) error {
	return e.w.effect(ctx, "advance", true, func() error {
		err := e.Ledger.Advance(ctx, l)
		e.w.committed(ctx, l, "advance", err)
		return err
	})
}

func (e effectLedger) Close(ctx context.Context, l *reconcile.Link) error {
	return e.w.effect(ctx, "close", true, func() error {
		err := e.Ledger.Close(ctx, l)
		if e.w.committed(ctx, l, "close", err); err == nil {
			e.w.timely(l)
		}
		return err
	})
}

func (e effectLedger) End(ctx context.Context, l *reconcile.Link, stays bool) error {
	return e.w.effect(ctx, "end", true, func() error {
		err := e.Ledger.End(ctx, l, stays)
		e.w.committed(ctx, l, "end", err)
		return err
	})
}

// effectRecords is the CRM's store with its effects. People's own calls, which belong to no run, pass at once.
type effectRecords struct {
	crm.Store
	w *world
}

func (e effectRecords) Insert(ctx context.Context, by crm.Author, records []crm.Record) (out []crm.Record, err error) {
	err = e.w.effect(ctx, "crm insert", true, func() error {
		out, err = e.Store.Insert(ctx, by, records)
		return err
	})
	return out, err
}

func (e effectRecords) Update(ctx context.Context, by crm.Author, records []crm.Record) (out []crm.Record, faults []error, err error) {
	err = e.w.effect(ctx, "crm update", true, func() error {
		out, faults, err = e.Store.Update(ctx, by, records)
		return err
	})
	return out, faults, err
}

func (e effectRecords) ByID(ctx context.Context, org record.ID, kind record.Kind, ids []record.ID) (out map[record.ID]crm.Record, err error) {
	err = e.w.effect(ctx, "crm read", false, func() error {
		out, err = e.Store.ByID(ctx, org, kind, ids)
		return err
	})
	return out, err
}

func (e effectRecords) Touched(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, after int64, limit int) (out []crm.Record, err error) {
	err = e.w.effect(ctx, "crm touched", false, func() error {
		out, err = e.Store.Touched(ctx, org, kind, owner, after, limit)
		return err
	})
	return out, err
}

func (e effectRecords) ByToken(ctx context.Context, org record.ID, kind record.Kind, tokens []string) (map[string]crm.Record, error) {
	return looked(e.w, ctx, func() (map[string]crm.Record, error) { return e.Store.ByToken(ctx, org, kind, tokens) })
}

func (e effectRecords) ContactsByKey(ctx context.Context, org, owner record.ID, keys []string) (map[string][]record.ID, error) {
	return looked(e.w, ctx, func() (map[string][]record.ID, error) { return e.Store.ContactsByKey(ctx, org, owner, keys) })
}

func (e effectRecords) EventsAt(ctx context.Context, org, owner record.ID, starts []time.Time) ([]record.ID, error) {
	return looked(e.w, ctx, func() ([]record.ID, error) { return e.Store.EventsAt(ctx, org, owner, starts) })
}

func (e effectRecords) FirstSync(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref, now time.Time, offset, limit int) ([]crm.Record, error) {
	return looked(e.w, ctx, func() ([]crm.Record, error) {
		return e.Store.FirstSync(ctx, org, kind, owner, admitImported, calendar, now, offset, limit)
	})
}

// sides gives the two sides of a link to a process. It fits reconcile.Sides.
type sides struct{ p *process }

func (p *process) mailbox(of *person) *graph.Mailbox {
	return p.client.For(p.tokens.For(of.org, of.id, ""), of.oid)
}

func (s sides) Microsoft(_ context.Context, link *reconcile.Link) (reconcile.Side, error) {
	w := s.p.w
	of := w.links[link.ID].of
	options := outlook.Options{
		Container: link.Container, Mark: outlook.Mark(link), Now: func() time.Time { return w.clock }, Participants: "Participants",
	}
	known := func(ctx context.Context, refs []record.Ref) (map[record.Ref]record.Version, error) {
		pairs, err := s.p.runner.Ledger.PairsByRef(ctx, link, reconcile.InMicrosoft, refs)
		versions := make(map[record.Ref]record.Version, len(pairs))
		for ref, p := range pairs {
			if versions[ref] = ""; p.State == reconcile.Synced {
				versions[ref] = p.MicrosoftVersion
			}
		}
		return versions, err
	}
	var side interface {
		reconcile.Side
		reconcile.Lister
	}
	if link.Kind == record.Contacts {
		contacts := outlook.NewContacts(s.p.mailbox(of), options, known)
		if slices.Contains(link.Mapping.Fields(), record.RecordImage) { // the store gives it to whoever has chosen nothing
			var album outlook.Album = effectAlbum{w.books.album(link.Org, link.User), w}
			if w.defect != nil && w.defect.album != nil {
				album = w.defect.album(album)
			}
			contacts.WithPhotos(album)
		}
		side = contacts
	} else {
		side = outlook.NewEvents(s.p.mailbox(of), options, known)
	}
	if w.defect != nil && w.defect.microsoft != nil {
		return w.defect.microsoft(w, link, side), nil
	}
	return side, nil
}

func (s sides) CRM(_ context.Context, link *reconcile.Link) (reconcile.Side, error) {
	w := s.p.w
	side := w.crm.Side(crm.LinkSide{
		Org: link.Org, User: link.User, Kind: link.Kind, Link: int64(link.ID), Fence: link.Fence, Zone: "UTC", Cap: reconcile.FirstSyncCap(link.Kind),
		AdmitImported: link.Policy.AdmitImported, Calendar: link.Policy.Calendar, Heir: link.Heir, Region: link.Region, Fields: link.Mapping.Fields(), Schema: link.Mapping.Schema(),
	})
	if w.defect != nil && w.defect.crm != nil {
		return w.defect.crm(w, link, side), nil
	}
	return side, nil
}

func (p *process) containers() reconcile.Containers {
	w := p.w
	var c reconcile.Containers = &outlook.Containers{
		Mailbox: func(_ context.Context, link *reconcile.Link) (*graph.Mailbox, error) {
			return p.mailbox(w.links[link.ID].of), nil
		},
		HookURL: hookURL, Seal: w.seal, Now: func() time.Time { return w.clock },
	}
	return c
}
