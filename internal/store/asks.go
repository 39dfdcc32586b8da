package store

import (
	"context"
	"encoding/json"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func askOf(text string) (*reconcile.Ask, error) {
	if text == "" {
		return nil, nil
	}
	ask := new(reconcile.Ask)
	return ask, json.Unmarshal([]byte(text), ask)
}

func askText(ask *reconcile.Ask) (string, error) {
	if ask == nil {
		return "", nil
	}
	text, err := json.Marshal(ask)
	return string(text), err
}

// askingSince is since when a question is open; 0: it is not.
func askingSince(ask *reconcile.Ask, before, now int64) int64 {
	switch {
	case !ask.Open():
		return 0
	case before > 0:
		return before
	}
	return now
}

// Asks lists the pairs of a link about which a person has something to decide. What is decided is not among them,
// whether or not a run has carried it out.
func (s *Links) Asks(ctx context.Context, org record.ID, id reconcile.LinkID, offset, limit int) (_ []reconcile.Question, err error) {
	defer fault.Wrap(&err, "store: questions of link %d", id)
	return s.asks(ctx, org, id, `asking > 0`, offset, limit)
}

// LeftOut lists the pairs of items that a person left out.
func (s *Links) LeftOut(ctx context.Context, org record.ID, id reconcile.LinkID, offset, limit int) (_ []reconcile.Question, err error) {
	defer fault.Wrap(&err, "store: what is left out of link %d", id)
	return s.asks(ctx, org, id, `state = 'excluded' AND state <> 'synced' AND reason = '`+string(fault.LeftOut)+`' AND microsoft_ref <> '' AND ask <> ''`, offset, limit)
}

func (s *Links) asks(ctx context.Context, org record.ID, id reconcile.LinkID, where string, offset, limit int) ([]reconcile.Question, error) {
	l, err := s.Link(ctx, org, id)
	if err != nil {
		return nil, err
	}
	type asked struct {
		reconcile.Question
		base record.Fields
	}
	found, err := list(ctx, s.reader(), func(scan scan) (q asked, err error) {
		var base, ask string
		var since int64
		if err := scan(&q.CRM, &q.Microsoft, &q.Name, &base, &ask, &since); err != nil {
			return q, err
		}
		q.Since = moment(since)
		a, err := askOf(ask)
		if err == nil {
			q.Ask = *a
			q.base, err = fieldsOf(base)
		}
		return q, err
	}, `SELECT crm_ref, microsoft_ref, name, base, ask, CASE WHEN asking > 0 THEN asking ELSE since END FROM pairs
		WHERE org_id = ? AND link_id = ? AND `+where+` ORDER BY id LIMIT ? OFFSET ?`, int64(org), int64(id), int64(pageLimit(limit)), int64(max(0, offset)))
	if err != nil {
		return nil, err
	}
	out, names := make([]reconcile.Question, len(found)), make([]reconcile.RecordState, len(found))
	for i, q := range found {
		out[i] = q.Question
		for _, fields := range []record.Fields{q.base, q.Ask.Theirs} {
			if out[i].Name == "" {
				out[i].Name = displayName(l.Kind, fields)
			}
		}
		names[i] = reconcile.RecordState{CRM: q.CRM, Name: out[i].Name}
	}
	if err := s.name(ctx, org, l.Kind, names); err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Name = names[i].Name
	}
	return out, nil
}

// Decide stores what a person said about a pair, makes it due and wakes the link.
func (s *Links) Decide(ctx context.Context, org record.ID, id reconcile.LinkID, item record.Ref, answer reconcile.Ask) (err error) {
	defer fault.Wrap(&err, "store: answer for item %s of link %d", item, id)
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(org, id); err != nil {
			return err
		}
		pairs, err := list(tx.ctx, tx, readPair, `SELECT `+pairColumns+` FROM pairs WHERE org_id = ? AND link_id = ?
			AND microsoft_ref = ? AND microsoft_ref <> '' AND asking > 0`, int64(org), int64(id), string(item))
		if err != nil {
			return err
		}
		pairs = slices.DeleteFunc(pairs, func(p reconcile.Pair) bool { return !p.Ask.Open() })
		if len(pairs) == 0 {
			return notFound("question about item", item)
		}
		was := pairs[0].State
		if !pairs[0].Answer(&answer, tx.store.now()) {
			return notFound("question about item", item)
		}
		if err := tx.storeDue(org, id, pairs, was); err != nil {
			return err
		}
		return tx.urge(org, id)
	})
}

// TakeBack asks again about an item that was left out.
func (s *Links) TakeBack(ctx context.Context, org record.ID, id reconcile.LinkID, item record.Ref) (err error) {
	defer fault.Wrap(&err, "store: take item %s of link %d back", item, id)
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(org, id); err != nil {
			return err
		}
		pairs, err := list(tx.ctx, tx, readPair, `SELECT `+pairColumns+` FROM pairs WHERE org_id = ? AND link_id = ?
			AND microsoft_ref = ? AND microsoft_ref <> '' AND state = 'excluded'`, int64(org), int64(id), string(item))
		if err != nil {
			return err
		}
		if len(pairs) == 0 || !pairs[0].TakeBack(tx.store.now()) {
			return notFound("item that was left out", item)
		}
		if err := tx.storeDue(org, id, pairs, reconcile.Excluded); err != nil {
			return err
		}
		if _, err := tx.exec(tx.ctx, `UPDATE links SET excluded = excluded - 1, failing = failing + 1 WHERE org_id = ? AND id = ?`,
			int64(org), int64(id)); err != nil {
			return err
		}
		return tx.urge(org, id)
	})
}

// storeDue stores the state and the question of pairs that were in a state and are due now, and counts them where they
// stand.
func (tx *Tx) storeDue(org record.ID, id reconcile.LinkID, pairs []reconcile.Pair, was reconcile.PairState) error {
	now := micros(tx.store.now())
	moved := int64(0)
	for i := range pairs {
		p := &pairs[i]
		ask, err := askText(p.Ask)
		if err != nil {
			return err
		}
		since := `since`
		if p.State != was {
			since, moved = `?`, moved+1
		}
		args := []any{string(p.State), string(p.Reason), int64(p.Attempts), micros(p.RetryAt), ask, flag(p.Ask.Open()), now}
		if p.State != was {
			args = append(args, now)
		}
		if _, err := tx.exec(tx.ctx, `UPDATE pairs SET state = ?, reason = ?, attempts = ?, retry_at = ?, ask = ?,
			asking = CASE WHEN CAST(? AS BIGINT) = 0 THEN 0 WHEN asking > 0 THEN asking ELSE ? END, since = `+since+`
			WHERE org_id = ? AND id = ?`, append(args, int64(org), p.ID)...); err != nil {
			return err
		}
		tx.items++
	}
	if moved == 0 || was != reconcile.Synced {
		return nil
	}
	_, err := tx.exec(tx.ctx, `UPDATE links SET synced = synced - ?, failing = failing + ? WHERE org_id = ? AND id = ?`,
		moved, moved, int64(org), int64(id))
	return err
}

// Invitations tells which events, of those named, are in the calendar of a link with their participants as people who are invited.
// One that is held back from being deleted still is, and so is one that its person keeps there.
func (s *Links) Invitations(ctx context.Context, org record.ID, link int64, events []record.ID) (_ map[record.ID]bool, err error) {
	defer fault.Wrap(&err, "store: which of %d events link %d has invited people to", len(events), link)
	refs := make([]record.Ref, len(events))
	for i, id := range events {
		refs[i] = id.Ref()
	}
	type pair struct {
		event   record.Ref
		invited bool
	}
	pairs, err := list(ctx, s.reader(), func(scan scan) (p pair, err error) {
		var base string
		if err = scan(&p.event, &base); err != nil {
			return p, err
		}
		agreed, err := fieldsOf(base)
		_, p.invited = record.Lines(agreed[record.Participants])
		return p, err
	}, `SELECT crm_ref, base FROM pairs WHERE org_id = ? AND link_id = ? AND crm_ref IN (?*) AND crm_ref <> '' AND microsoft_ref <> ''`,
		int64(org), link, textsOf(refs))
	out := make(map[record.ID]bool, len(pairs))
	for _, p := range pairs {
		if id, ok := record.ParseID(string(p.event)); ok {
			out[id] = p.invited
		}
	}
	return out, err
}
