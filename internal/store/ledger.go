package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var _ reconcile.Ledger = (*Ledger)(nil)

// staleLease is the refusal of a worker whose lease another one has taken.
func staleLease(link *reconcile.Link) error {
	return fault.New(fault.Conflict, fault.StaleLease, "store: link %d is another worker's by now (fence %d)", link.ID, link.Fence)
}

// Open takes the lease of a link.
func (s *Ledger) Open(ctx context.Context, id reconcile.LinkID, now time.Time, lease time.Duration) (_ *reconcile.Link, err error) {
	defer fault.Wrap(&err, "store: open link %d", id)
	var link reconcile.Link
	err = s.write(ctx, func(tx *Tx) error {
		s.linkWrites.Add(1)
		n, err := tx.exec(tx.ctx, `UPDATE links SET fence = fence + 1, lease_until = ?, queued_at = 0, opened_state = state, opened_deletes_ok = deletes_ok,
				subscription_ends = CASE WHEN subscription_ends < 0 THEN 0 ELSE subscription_ends END,
				idle = CASE WHEN last_run < ? THEN 1 ELSE idle + 1 END
			WHERE id = ? AND lease_until <= ?`, micros(now.Add(lease)), micros(now.Add(-inARow)), int64(id), micros(now))
		if err != nil {
			return err
		}
		if n == 0 {
			_, ok, err := first(tx.ctx, tx, column[int64], `SELECT id FROM links WHERE id = ?`, int64(id))
			if err == nil && !ok {
				return notFound("link", id)
			}
			if err == nil {
				err = fault.New(fault.Conflict, fault.StaleLease, "store: link %d is leased to another worker", id)
			}
			return err
		}
		var ok bool
		link, ok, err = first(tx.ctx, tx, readLink, `SELECT `+linkColumns+` FROM links l JOIN link_settings s ON s.link_id = l.id WHERE l.id = ?`, int64(id))
		if err == nil && !ok {
			err = notFound("link", id)
		}
		if err != nil {
			return err
		}
		if err := inSchema(tx.ctx, tx, link.Org, &link); err != nil {
			return err
		}
		return tx.takeIn(&link)
	})
	if err != nil {
		return nil, err
	}
	return &link, nil
}

// guarded changes the row of a link that is still this worker's. Every transaction of a run begins with it: on PostgreSQL
// it locks the row, so no other worker can take the link over between this and the end of the transaction.
func (tx *Tx) guarded(link *reconcile.Link, set string, args ...any) error {
	tx.store.linkWrites.Add(1)
	n, err := tx.exec(tx.ctx, `UPDATE links SET `+set+` WHERE org_id = ? AND id = ? AND fence = ?`,
		append(args, int64(link.Org), int64(link.ID), link.Fence)...)
	if err == nil && n == 0 {
		err = staleLease(link)
	}
	return err
}

// takeNumbers takes the link's next n numbers and returns the id before the first one, guarded.
func (tx *Tx) takeNumbers(link *reconcile.Link, n int) (int64, error) {
	tx.store.linkWrites.Add(1)
	last, ok, err := first(tx.ctx, tx, column[int64], `UPDATE links SET seq = seq + ?, idle = 0 WHERE org_id = ? AND id = ? AND fence = ? RETURNING seq`,
		int64(n), int64(link.Org), int64(link.ID), link.Fence)
	if err == nil && !ok {
		err = staleLease(link)
	}
	return int64(link.ID)*rowsPerLink + last - int64(n), err
}

// Renew extends the lease.
func (s *Ledger) Renew(ctx context.Context, link *reconcile.Link, until time.Time) (err error) {
	defer fault.Wrap(&err, "store: renew lease of link %d", link.ID)
	return s.write(ctx, func(tx *Tx) error { return tx.guarded(link, `lease_until = ?`, micros(until)) })
}

const pairColumns = `id, crm_ref, crm_version, microsoft_ref, microsoft_version, base, token, state, reason, detail, attempts, retry_at, missing_side, name, ask`

func readPair(scan scan) (reconcile.Pair, error) {
	var p reconcile.Pair
	var base, ask string
	var retry int64
	err := scan(&p.ID, &p.CRM, &p.CRMVersion, &p.Microsoft, &p.MicrosoftVersion, &base, &p.Token, &p.State, &p.Reason, &p.Detail,
		&p.Attempts, &retry, &p.MissingSide, &p.Name, &ask)
	if err != nil {
		return p, err
	}
	p.RetryAt = moment(retry)
	if p.Base, err = fieldsOf(base); err == nil {
		p.Ask, err = askOf(ask)
	}
	return p, err
}

// current refuses a worker that has lost the link, or whose link somebody has paused or is switching off. It follows each
// reading: what a stale worker reads must not guide it.
func (s *Ledger) current(ctx context.Context, link *reconcile.Link) error {
	type standing struct {
		fence     int64
		interrupt bool
	}
	now, ok, err := first(ctx, s.reader(), func(scan scan) (n standing, err error) {
		err = scan(&n.fence, &n.interrupt)
		return n, err
	}, `SELECT fence, state <> opened_state AND state IN ('paused', 'switching', 'off') FROM links WHERE org_id = ? AND id = ?`,
		int64(link.Org), int64(link.ID))
	switch {
	case err != nil:
		return err
	case !ok || now.fence != link.Fence:
		return staleLease(link)
	case now.interrupt:
		return fault.New(fault.Conflict, fault.Interrupted, "store: link %d was paused or switched off", link.ID)
	}
	return nil
}

func (s *Ledger) pairs(ctx context.Context, link *reconcile.Link, where string, args ...any) ([]reconcile.Pair, error) {
	pairs, err := list(ctx, s.reader(), readPair, `SELECT `+pairColumns+` FROM pairs WHERE org_id = ? AND `+where,
		append([]any{int64(link.Org)}, args...)...)
	if err != nil {
		return nil, err
	}
	return pairs, s.current(ctx, link)
}

// PairsByRef finds the pairs of the refs of one side.
func (s *Ledger) PairsByRef(ctx context.Context, link *reconcile.Link, side reconcile.Where, refs []record.Ref) (_ map[record.Ref]reconcile.Pair, err error) {
	defer fault.Wrap(&err, "store: pairs of link %d by ref", link.ID)
	out := make(map[record.Ref]reconcile.Pair, len(refs))
	if len(refs) == 0 {
		return out, nil
	}
	where := `link_id = ? AND microsoft_ref IN (?*) AND microsoft_ref <> ''`
	if side == reconcile.InCRM {
		where = `link_id = ? AND crm_ref IN (?*) AND crm_ref <> ''`
	}
	pairs, err := s.pairs(ctx, link, where, int64(link.ID), textsOf(refs))
	for _, p := range pairs {
		if side == reconcile.InCRM {
			out[p.CRM] = p
		} else {
			out[p.Microsoft] = p
		}
	}
	return out, err
}

// Marked tells which items marks belong to, by the history.
func (s *Ledger) Marked(ctx context.Context, link *reconcile.Link, records []record.Ref) (_ map[string]record.Ref, err error) {
	defer fault.Wrap(&err, "store: marks in the history of %d records", len(records))
	out, err := s.marked(ctx, link.Org, records)
	if err != nil {
		return nil, err
	}
	return out, s.current(ctx, link)
}

func (s *Ledger) marked(ctx context.Context, org record.ID, records []record.Ref) (map[string]record.Ref, error) {
	lines, err := list(ctx, s.reader(), func(scan scan) (l [2]string, err error) {
		err = scan(&l[0], &l[1])
		return l, err
	}, `SELECT mark, microsoft_ref FROM history WHERE org_id = ? AND crm_ref IN (?*) AND crm_ref <> '' AND mark <> '' ORDER BY id`, int64(org), textsOf(records))
	out := make(map[string]record.Ref, len(lines))
	for _, l := range lines {
		out[l[0]] = record.Ref(l[1])
	}
	return out, err
}

// PairsInState pages through pairs of a state.
func (s *Ledger) PairsInState(ctx context.Context, link *reconcile.Link, state reconcile.PairState, dueBy time.Time, after int64, limit int) (_ []reconcile.Pair, err error) {
	defer fault.Wrap(&err, "store: %s pairs of link %d", state, link.ID)
	where, args := `link_id = ? AND state = ? AND state <> 'synced' AND id > ?`, []any{int64(link.ID), string(state), after}
	if state == reconcile.Synced {
		where, args = `id > ? AND id < ? AND state = 'synced'`, between(link, after)
	}
	if !dueBy.IsZero() {
		where += ` AND retry_at > 0 AND retry_at <= ?`
		args = append(args, micros(dueBy))
	}
	return s.pairs(ctx, link, where+` ORDER BY id LIMIT ?`, append(args, int64(pageLimit(limit)))...)
}

// Pairs pages through all pairs.
func (s *Ledger) Pairs(ctx context.Context, link *reconcile.Link, after int64, limit int) (_ []reconcile.Pair, err error) {
	defer fault.Wrap(&err, "store: pairs of link %d", link.ID)
	return s.pairs(ctx, link, `id > ? AND id < ? ORDER BY id LIMIT ?`, append(between(link, after), int64(pageLimit(limit)))...)
}

// between are the bounds of a link's ids after one of them.
func between(link *reconcile.Link, after int64) []any {
	return []any{max(after, int64(link.ID)*rowsPerLink), (int64(link.ID) + 1) * rowsPerLink}
}

// Intend stores intents as one batch, before their requests leave. Two chunks of one run that both mean to create a
// record cannot both pass here (D5): the link's row is locked, so the second one sees the first one's batch or pair.
func (s *Ledger) Intend(ctx context.Context, link *reconcile.Link, intents []reconcile.Intent) (batch int64, err error) {
	defer fault.Wrap(&err, "store: %d intents of link %d", len(intents), link.ID)
	body, err := json.Marshal(intents)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, func(tx *Tx) error {
		last, err := tx.takeNumbers(link, 1)
		if err != nil {
			return err
		}
		if err := tx.unknown(link, intents); err != nil {
			return err
		}
		batch = last + 1
		tx.items++
		_, err = tx.exec(tx.ctx, `INSERT INTO intents (id, org_id, refs, body) VALUES (?, ?, ?, ?)`, batch, int64(link.Org), refsOf(intents), string(body))
		return err
	})
	return batch, err
}

// unknown refuses intents for records that are on their way already, or that have a pair which the intent does not name.
func (tx *Tx) unknown(link *reconcile.Link, intents []reconcile.Intent) error {
	duplicate := func(ref record.Ref) error {
		return fault.New(fault.Conflict, fault.Duplicate, "store: record %s of link %d is there or on its way", ref, link.ID)
	}
	open, err := list(tx.ctx, tx, column[string], `SELECT refs FROM intents WHERE org_id = ? AND id > ? AND id < ?`,
		append([]any{int64(link.Org)}, between(link, 0)...)...)
	if err != nil {
		return err
	}
	sent := map[record.Ref]bool{}
	for _, refs := range open {
		for ref := range strings.SplitSeq(refs, "\n") {
			sent[record.Ref(ref)] = true
		}
	}
	var alone texts
	for _, intent := range intents {
		if sent[intent.From] {
			return duplicate(intent.From)
		}
		if intent.Pair == 0 && intent.Side != reconcile.InCRM {
			alone = append(alone, string(intent.From))
		}
	}
	paired, found, err := first(tx.ctx, tx, column[record.Ref],
		`SELECT crm_ref FROM pairs WHERE link_id = ? AND crm_ref IN (?*) AND crm_ref <> '' LIMIT 1`, int64(link.ID), alone)
	if err == nil && found {
		err = duplicate(paired)
	}
	return err
}

// refsOf are the records of intents, a line each: what a batch is about is told without reading all of it.
func refsOf(intents []reconcile.Intent) string {
	var b strings.Builder
	for i, intent := range intents {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(intent.From))
	}
	return b.String()
}

const selectIntents = `SELECT id, body FROM intents WHERE org_id = ? AND id > ? AND id < ?`

type storedIntents struct {
	id      int64
	intents []reconcile.Intent
}

func readIntents(scan scan) (b storedIntents, err error) {
	var body string
	if err = scan(&b.id, &body); err == nil {
		err = json.Unmarshal([]byte(body), &b.intents)
	}
	return b, err
}

// OpenIntents are the batches that were never settled.
func (s *Ledger) OpenIntents(ctx context.Context, link *reconcile.Link) (_ map[int64][]reconcile.Intent, err error) {
	defer fault.Wrap(&err, "store: open intents of link %d", link.ID)
	found, err := list(ctx, s.reader(), readIntents, selectIntents, append([]any{int64(link.Org)}, between(link, 0)...)...)
	if err != nil {
		return nil, err
	}
	out := make(map[int64][]reconcile.Intent, len(found))
	for _, b := range found {
		out[b.id] = b.intents
	}
	return out, s.current(ctx, link)
}

var (
	pairInsert = newShape("pairs", "id", "org_id", "link_id", "since", "crm_ref", "crm_version", "microsoft_ref", "microsoft_version",
		"base", "token", "state", "reason", "detail", "attempts", "retry_at", "missing_side", "name", "ask", "asking")
	pairUpdate = newShape("pairs", "id", "since", "crm_ref", "crm_version", "microsoft_ref", "microsoft_version",
		"base", "token", "state", "reason", "detail", "attempts", "retry_at", "missing_side", "name", "ask", "asking")
	historyInsert = newShape("history", "id", "org_id", "at", "crm_ref", "microsoft_ref", "side", "action", "reason", "fields", "lost", "held", "run", "mark")
)

// addPair adds what may change of a pair; asking is since when its question is open.
func (b *batch) addPair(p *reconcile.Pair, asking int64) error {
	base, err := textOf(p.Base)
	if err != nil {
		return err
	}
	ask, err := askText(p.Ask)
	if err != nil {
		return err
	}
	b.add(string(p.CRM), string(p.CRMVersion), string(p.Microsoft), string(p.MicrosoftVersion), base, p.Token, string(p.State),
		string(p.Reason), clean(p.Detail), int64(p.Attempts), micros(p.RetryAt), string(p.MissingSide), clean(p.Name), ask, asking)
	return nil
}

func (b *batch) addLine(id int64, link *reconcile.Link, h *reconcile.HistoryLine) error {
	fields, err := textOf(h.Fields)
	if err != nil {
		return err
	}
	held, err := textOf(h.Before)
	if err != nil {
		return err
	}
	lost := ""
	if len(h.Lost) > 0 {
		text, err := json.Marshal(h.Lost)
		if err != nil {
			return err
		}
		lost = string(text)
	}
	b.add(id, int64(link.Org), micros(h.At), string(h.CRM), string(h.Microsoft), string(h.Side), string(h.Action), clean(h.Reason), fields, lost,
		held, link.Fence, h.Mark)
	return nil
}

// textOf is how fields are stored.
func textOf(f record.Fields) (string, error) {
	if len(f) == 0 {
		return "", nil
	}
	text, err := json.Marshal(f)
	return string(text), err
}

// tally is how many pairs of a link stand how.
type tally struct{ known, synced, waiting, failing, excluded int }

// count adds a pair n times. Waiting are the deletions that wait for a yes, and only those: the brake goes by them.
// Known are the items that should be in the container: not one that the person moved out of it or deleted there.
func (t *tally) count(n int, state reconcile.PairState, reason fault.Reason, missing reconcile.Where, microsoft bool) {
	there := microsoft
	switch state {
	case reconcile.Synced:
		t.synced += n
	case reconcile.Waiting:
		t.waiting += n
		there = there && missing != reconcile.InMicrosoft
	case reconcile.Parked:
		t.failing += n
	case reconcile.Excluded:
		t.excluded += n
		there = there && reason != fault.MovedOut
	}
	if there {
		t.known += n
	}
}

// Settle stores what became of a batch. Pairs whose row was lost are stored anew.
func (s *Ledger) Settle(ctx context.Context, link *reconcile.Link, batch int64, entries []reconcile.Entry) (err error) {
	defer fault.Wrap(&err, "store: settle %d records of link %d", len(entries), link.ID)
	var change tally
	recent, counted := link.Lately(entries, s.now())
	err = s.write(ctx, func(tx *Tx) error {
		change = tally{}
		if err := tx.settle(link, batch, entries, &change); err != nil || !counted {
			return err
		}
		text, err := recentText(recent)
		if err != nil {
			return err
		}
		return tx.guarded(link, `recent = ?`, text)
	})
	if err == nil {
		link.Recent = recent
		link.Known += change.known
		link.Synced += change.synced
		link.Waiting += change.waiting
		link.Failing += change.failing
		link.ExcludedSum += change.excluded
	}
	return err
}

// recentText is how it is stored what a link made and deleted lately.
func recentText(r reconcile.Recent) (string, error) {
	if len(r) == 0 {
		return "", nil
	}
	text, err := json.Marshal(r)
	return string(text), err
}

func (tx *Tx) settle(link *reconcile.Link, batch int64, entries []reconcile.Entry, change *tally) error {
	lines, stored := 0, ints{}
	for i := range entries {
		lines += len(entries[i].History)
		if id := entries[i].Pair.ID; id != 0 {
			stored = append(stored, id)
		}
	}
	next, err := tx.takeNumbers(link, len(entries)+lines)
	if err != nil {
		return err
	}
	before, err := tx.pairsBefore(link, stored)
	if err != nil {
		return err
	}
	now := micros(tx.store.now())
	fresh, changed, history := newBatch(pairInsert, len(entries)), newBatch(pairUpdate, len(stored)), newBatch(historyInsert, lines)
	var dropped ints
	for i := range entries {
		p := &entries[i].Pair
		was, known := before[p.ID]
		if known {
			change.count(-1, was.state, was.reason, was.missing, was.microsoft)
			p.Heed(was.ask, tx.store.now())
		}
		switch {
		case entries[i].Drop:
			if known {
				dropped = append(dropped, p.ID)
			}
		case known:
			if was.state != p.State {
				was.since = now
			}
			changed.add(p.ID, was.since)
			err = changed.addPair(p, askingSince(p.Ask, was.asking, now))
		default:
			id := p.ID
			if id == 0 {
				next++
				id = next
			}
			fresh.add(id, int64(link.Org), int64(link.ID), now)
			err = fresh.addPair(p, askingSince(p.Ask, 0, now))
		}
		if !entries[i].Drop {
			change.count(1, p.State, p.Reason, p.MissingSide, p.Microsoft != "")
		}
		for j := range entries[i].History {
			next++
			if err == nil {
				err = history.addLine(next, link, &entries[i].History[j])
			}
		}
		if err != nil {
			return err
		}
	}
	if len(dropped) > 0 { // first: a new pair may take over a dropped one's ref
		if _, err := tx.exec(tx.ctx, `DELETE FROM pairs WHERE org_id = ? AND id IN (?*)`, int64(link.Org), dropped); err != nil {
			return err
		}
	}
	if err := tx.update(tx.ctx, changed); err != nil {
		return err
	}
	if err := tx.insert(tx.ctx, fresh); err != nil {
		return err
	}
	if err := tx.insert(tx.ctx, history); err != nil {
		return err
	}
	if err := tx.work(link, reconcile.WorkOf(entries)); err != nil {
		return err
	}
	tx.items += int64(len(dropped) + changed.rows() + fresh.rows() + history.rows())
	if batch != 0 {
		if _, err := tx.exec(tx.ctx, `DELETE FROM intents WHERE org_id = ? AND id = ?`, int64(link.Org), batch); err != nil {
			return err
		}
		tx.items++
	}
	tx.tell(link)
	if *change == (tally{}) {
		return nil
	}
	return tx.guarded(link, `known = known + ?, synced = synced + ?, waiting = waiting + ?, failing = failing + ?, excluded = excluded + ?`,
		int64(change.known), int64(change.synced), int64(change.waiting), int64(change.failing), int64(change.excluded))
}

// pairBefore is what Settle needs to know of a pair that it changes.
type pairBefore struct {
	id, since int64
	state     reconcile.PairState
	reason    fault.Reason
	missing   reconcile.Where
	microsoft bool
	ask       *reconcile.Ask
	asking    int64
}

func (tx *Tx) pairsBefore(link *reconcile.Link, ids ints) (map[int64]pairBefore, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := list(tx.ctx, tx, func(scan scan) (p pairBefore, err error) {
		var microsoft record.Ref
		var ask string
		if err = scan(&p.id, &p.since, &p.state, &p.reason, &p.missing, &microsoft, &ask, &p.asking); err == nil {
			p.ask, err = askOf(ask)
		}
		p.microsoft = microsoft != ""
		return p, err
	}, `SELECT id, since, state, reason, missing_side, microsoft_ref, ask, asking FROM pairs WHERE +org_id = ? AND +link_id = ? AND id IN (?*)`,
		int64(link.Org), int64(link.ID), ids)
	out := make(map[int64]pairBefore, len(found))
	for _, p := range found {
		out[p.id] = p
	}
	return out, err
}

// tell has the pages told that the link has moved on.
func (tx *Tx) tell(link *reconcile.Link) {
	tx.commits = append(tx.commits, Commit{Org: link.Org, Kind: link.Kind, Owners: []record.ID{link.User}, Link: link.ID})
}

// Advance stores the link's cursors, progress and container.
func (s *Ledger) Advance(ctx context.Context, link *reconcile.Link) (err error) {
	defer fault.Wrap(&err, "store: advance link %d", link.ID)
	return s.write(ctx, func(tx *Tx) error {
		tx.tell(link)
		return tx.guarded(link, `microsoft_cursor = ?, crm_cursor = ?, settled = ?, first_total = ?, first_done = ?, container = ?, container_name = ?,
			removing_at = ?`,
			string(link.Microsoft), string(link.CRM), flag(link.Settled), int64(link.FirstTotal), int64(link.FirstDone),
			string(link.Container), link.ContainerName, micros(link.Removing))
	})
}

// maxError keeps a neighbour's wordy answer from filling the link's row.
const maxError = 2000

// Close ends the lease. What was said during the run stands: the state, the answer to the brake, and that another subscription is needed. If wake-ups
// came during the run, a job for them is enqueued here, in the transaction that frees the link. If those that the run
// began with were not served, its own job comes back and stays the link's one.
func (s *Ledger) Close(ctx context.Context, link *reconcile.Link) (err error) {
	defer fault.Wrap(&err, "store: close link %d", link.ID)
	return s.close(ctx, link, func(*Tx) error { return nil })
}

// End is Close and Forget in one transaction.
func (s *Ledger) End(ctx context.Context, link *reconcile.Link, stays bool) (err error) {
	defer fault.Wrap(&err, "store: end link %d", link.ID)
	err = s.close(ctx, link, func(tx *Tx) error { return tx.forgetAll(link, stays) })
	if err == nil {
		knowsNothing(link)
	}
	return err
}

// close ends the lease, and before that does what else is to be done in the same transaction.
func (s *Ledger) close(ctx context.Context, link *reconcile.Link, before func(*Tx) error) error {
	recent, err := recentText(link.Recent)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		if link.State == reconcile.Off { // the audit trail locks the organization, which comes before its links
			if err := tx.lock(link.Org); err != nil {
				return err
			}
		}
		if err := before(tx); err != nil {
			return err
		}
		_, stamp := tx.stamp()
		s.linkWrites.Add(1)
		type closed struct {
			state, opened reconcile.LinkState
			wanted, done  int64
			settled, idle int64
		}
		c, ok, err := first(tx.ctx, tx, func(scan scan) (c closed, err error) {
			err = scan(&c.state, &c.opened, &c.wanted, &c.done, &c.settled, &c.idle)
			return c, err
		}, `UPDATE links SET lease_until = 0,
				state = CASE WHEN state = opened_state THEN ? ELSE state END,
				reason = CASE WHEN state = opened_state THEN ? ELSE reason END,
				deletes_ok = CASE WHEN deletes_ok = opened_deletes_ok THEN ? ELSE deletes_ok END,
				done = CASE WHEN done > ? THEN done ELSE ? END,
				last_run = ?, last_error = ?, container = ?, container_name = ?, subscription = ?,
				subscription_ends = CASE WHEN subscription_ends < 0 THEN 0 ELSE CAST(? AS BIGINT) END, recent = ?,
				proof_at = ?, proof_compared = ?, proof_drift = ?, proof_left = ?,
				queued_at = CASE WHEN wanted > ? AND (CASE WHEN state = opened_state THEN ? ELSE state END) IN `+running+`
					THEN CAST(? AS BIGINT) ELSE 0 END
			WHERE org_id = ? AND id = ? AND fence = ? RETURNING state, opened_state, wanted, done, settled, idle`,
			string(link.State), string(link.Reason), flag(link.DeletesOK), link.Done, link.Done,
			micros(link.LastRun), bounded(link.LastError, maxError), string(link.Container), link.ContainerName, link.Subscription,
			micros(link.SubscriptionEnds), recent, micros(link.Proof.At), link.Proof.Compared, link.Proof.Drift, link.Proof.Left, link.Done, string(link.State), stamp, int64(link.Org), int64(link.ID), link.Fence)
		if err == nil && !ok {
			err = staleLease(link)
		}
		if err != nil {
			return err
		}
		tx.tell(link)
		if c.state == reconcile.Off && c.opened != reconcile.Switching && c.opened != reconcile.Off { // nobody switched it off
			if err := tx.noteSync(account.SyncOff, link.Org, link.User, link.Kind, link.Reason); err != nil {
				return err
			}
			if err := tx.tellEnded(link); err != nil {
				return err
			}
		}
		runs := c.state == reconcile.On || c.state == reconcile.Held || c.state == reconcile.Switching
		if served := link.Done >= link.Wanted; !runs || !served {
			return nil
		}
		rest := restAfter(c.idle)
		if rest > 0 {
			until := micros(s.now().Add(rest)) &^ 1 // as Postpone has it
			if err := tx.guarded(link, `rest_until = ?`, until); err != nil {
				return err
			}
		}
		if c.wanted <= c.done {
			return nil
		}
		return tx.enqueue([]Due{{Link: link.ID, First: c.settled == 0, Rests: rest > 0}})
	})
}

// tellEnded writes to the person whose sync ended because its container was deleted in Outlook: it may have been a slip of the
// hand, or somebody else's.
func (tx *Tx) tellEnded(link *reconcile.Link) error {
	if link.Reason != fault.ContainerDeleted {
		return nil
	}
	kind := account.LetterCalendarEnded
	if link.Kind == record.Contacts {
		kind = account.LetterContactsEnded
	}
	return accountTx{tx, link.Org}.Send(account.Letter{Kind: kind, To: link.User, Word: link.ContainerName})
}

// Forget removes all pairs and open intents of the link and zeroes its cursors and counts.
func (s *Ledger) Forget(ctx context.Context, link *reconcile.Link) (err error) {
	defer fault.Wrap(&err, "store: forget pairs of link %d", link.ID)
	err = s.write(ctx, func(tx *Tx) error { return tx.forgetAll(link, false) })
	if err == nil {
		knowsNothing(link)
	}
	return err
}

// knowsNothing tells of a link what nothingKnown stores.
func knowsNothing(link *reconcile.Link) {
	link.Microsoft, link.CRM, link.Settled = "", "", false
	link.FirstTotal, link.FirstDone, link.Known, link.Synced, link.Waiting, link.Failing, link.ExcludedSum = 0, 0, 0, 0, 0, 0, 0
}

// keptIn has the records that are in step with what stays in a calendar of their owner's own remember that, and no others of it.
func (tx *Tx) keptIn(link *reconcile.Link, stays bool) error {
	calendar := string(link.Policy.Calendar)
	if link.Kind != record.Calendar || calendar == "" {
		return nil
	}
	n, err := tx.exec(tx.ctx, `UPDATE events SET kept_in = '' WHERE org_id = ? AND owner_id = ? AND kept_in <> '' AND kept_in = ?`,
		int64(link.Org), int64(link.User), calendar)
	if tx.items += n; err != nil || !stays {
		return err
	}
	n, err = tx.exec(tx.ctx, `UPDATE events SET kept_in = ? WHERE org_id = ? AND owner_id = ? AND EXISTS (
		SELECT 1 FROM pairs p WHERE p.link_id = ? AND p.crm_ref = CAST(events.id AS TEXT) AND p.crm_ref <> ''
		AND p.crm_version = CAST(events.version AS TEXT) AND p.microsoft_ref <> '' AND p.state <> 'waiting')`,
		calendar, int64(link.Org), int64(link.User), int64(link.ID))
	tx.items += n
	return err
}

// nothingKnown is how a link stands that knows nothing of either side.
const nothingKnown = `microsoft_cursor = '', crm_cursor = '', settled = 0, first_total = 0, first_done = 0,
	known = 0, synced = 0, waiting = 0, failing = 0, excluded = 0`

// forgetAll is Forget within a transaction, and remembers what stays in a calendar of the owner's own.
func (tx *Tx) forgetAll(link *reconcile.Link, stays bool) error {
	if err := tx.guarded(link, nothingKnown); err != nil {
		return err
	}
	if err := tx.keptIn(link, stays); err != nil {
		return err
	}
	return tx.forget(link)
}

// forget removes a link's pairs and open intents, and has pages told.
func (tx *Tx) forget(link *reconcile.Link) error {
	for _, table := range []string{"pairs", "intents"} {
		n, err := tx.exec(tx.ctx, `DELETE FROM `+table+` WHERE org_id = ? AND id > ? AND id < ?`,
			append([]any{int64(link.Org)}, between(link, 0)...)...)
		if err != nil {
			return err
		}
		tx.items += n
	}
	tx.tell(link)
	return nil
}
