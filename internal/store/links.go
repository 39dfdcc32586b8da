package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var _ reconcile.Links = (*Links)(nil)

// rowsPerLink is how far apart the rows of two links lie in pairs, history and intents: an id is the link's id times
// this, and the number that the link gave it.
const rowsPerLink = 10_000_000_000

// Running states are those in which a link is woken.
const running = `('on', 'held', 'switching')`

const linkColumns = `l.id, l.org_id, l.user_id, l.kind, l.state, l.reason, l.container, l.container_name, l.microsoft_cursor, l.crm_cursor,
	l.known, l.settled, l.subscription, l.subscription_ends, l.wanted, l.done, l.fence, l.deletes_ok, l.last_run, l.last_error, l.since,
	l.first_total, l.first_done, l.synced, l.waiting, l.failing, l.excluded, l.mailbox, l.heir, s.policy, s.mapping, s.changed, l.recent, l.growth_until, l.removing_at,
	l.proof_at, l.proof_compared, l.proof_drift, l.proof_left,
	(SELECT o.region FROM organizations o WHERE o.id = l.org_id),
	(SELECT CASE l.kind WHEN 'contacts' THEN o.admit_contacts ELSE o.admit_events END FROM organizations o WHERE o.id = l.org_id)`

func readLink(scan scan) (reconcile.Link, error) {
	var l reconcile.Link
	var settled, ends, deletesOK, lastRun, since, changed, growth, removing, admits, proof int64
	var policy, table, recent string
	err := scan(&l.ID, &l.Org, &l.User, &l.Kind, &l.State, &l.Reason, &l.Container, &l.ContainerName, &l.Microsoft, &l.CRM,
		&l.Known, &settled, &l.Subscription, &ends, &l.Wanted, &l.Done, &l.Fence, &deletesOK, &lastRun, &l.LastError, &since,
		&l.FirstTotal, &l.FirstDone, &l.Synced, &l.Waiting, &l.Failing, &l.ExcludedSum, &l.Mailbox, &l.Heir, &policy, &table, &changed,
		&recent, &growth, &removing, &proof, &l.Proof.Compared, &l.Proof.Drift, &l.Proof.Left, &l.Region, &admits)
	if err != nil {
		return l, err
	}
	l.Settled, l.DeletesOK, l.Changed = settled != 0, deletesOK != 0, changed != 0
	l.SubscriptionEnds, l.LastRun, l.Since, l.GrowthUntil = moment(max(ends, 0)), moment(lastRun), moment(since), moment(growth)
	l.Removing = moment(removing)
	l.Proof.At = moment(proof)
	if err := json.Unmarshal([]byte(policy), &l.Policy); err != nil {
		return l, err
	}
	l.Policy.AdmitImported = admits != 0
	if recent != "" {
		if err := json.Unmarshal([]byte(recent), &l.Recent); err != nil {
			return l, err
		}
	}
	if table != "" {
		l.Mapping = new(mapping.Table)
		return l, json.Unmarshal([]byte(table), l.Mapping)
	}
	return l, nil
}

// CreateLink stores a link that is being switched on, with the mailbox that its user has at this moment, and wakes it.
func (s *Links) CreateLink(ctx context.Context, link reconcile.Link) (_ *reconcile.Link, err error) {
	defer fault.Wrap(&err, "store: create link of user %d", link.User)
	policy, table, err := settingsOf(link)
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, func(tx *Tx) error {
		u, err := tx.user(link.Org, link.User)
		if err != nil {
			return err
		}
		if err := tx.noteSync(account.SyncOn, link.Org, link.User, link.Kind, ""); err != nil {
			return err
		}
		if err := tx.unshared(link.Policy.Calendar, u.Identity.Mailbox()); err != nil {
			return err
		}
		id, err := tx.count("link")
		if err != nil {
			return err
		}
		link.ID = reconcile.LinkID(id)
		if _, err := tx.exec(tx.ctx, `INSERT INTO links (id, org_id, user_id, kind, state, reason, container, container_name, microsoft_cursor,
				crm_cursor, settled, subscription, subscription_ends, wanted, done, queued_at, fence, lease_until, opened_state,
				opened_deletes_ok, deletes_ok, last_run, last_error, since, first_total, first_done, known, synced, waiting, failing, excluded, seq, mailbox, chosen,
				removing_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, '', 0, 0, 0, 0, 0, 0, '', 0, 0, 0, '', ?, 0, 0, 0, 0, 0, 0, 0, 0, ?, ?,
				(SELECT COALESCE(MAX(removing_at), 0) FROM links WHERE org_id = ? AND user_id = ? AND kind = ?))`,
			id, int64(link.Org), int64(link.User), string(link.Kind), string(link.State), string(link.Reason), string(link.Container),
			link.ContainerName, micros(link.Since), u.Identity.Mailbox(), string(link.Policy.Calendar),
			int64(link.Org), int64(link.User), string(link.Kind)); err != nil {
			return err
		}
		if _, err := tx.exec(tx.ctx, `INSERT INTO link_settings (link_id, org_id, policy, mapping, admitted)
			SELECT CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT), CASE CAST(? AS TEXT) WHEN 'contacts' THEN admit_contacts ELSE admit_events END FROM organizations WHERE id = ?`,
			id, int64(link.Org), policy, table, string(link.Kind), int64(link.Org)); err != nil {
			return err
		}
		return tx.wake(`l.org_id = ? AND l.id = ?`, int64(link.Org), id)
	})
	if err != nil {
		return nil, err
	}
	return s.Link(ctx, link.Org, link.ID)
}

// unshared refuses a calendar that another link of the mailbox lives in, of whichever organization.
func (tx *Tx) unshared(calendar record.Ref, mailbox string) error {
	if calendar == "" {
		return nil
	}
	_, taken, err := first(tx.ctx, tx, column[int64], `SELECT id FROM links WHERE mailbox = ? AND state <> 'off' AND (chosen = ? OR container = ?)`,
		mailbox, string(calendar), string(calendar))
	if err == nil && taken {
		err = fault.New(fault.Denied, fault.CalendarTaken, "store: another link of the mailbox lives in the calendar")
	}
	return err
}

// settingsOf is how a link's own settings are stored. Whether imported records take part is the organization's to say, and
// stands with it.
func settingsOf(link reconcile.Link) (policy, table string, err error) {
	link.Policy.AdmitImported = false
	p, err := json.Marshal(link.Policy)
	if err != nil || link.Mapping == nil {
		return string(p), "", err
	}
	t, err := json.Marshal(link.Mapping)
	return string(p), string(t), err
}

// ChangeSettings stores a link's policy and mapping and wakes it; its next run takes them in (see Ledger.Open): one that
// is under way goes on by the old ones, and must not be told half of it. NotFound: no such link.
func (s *Links) ChangeSettings(ctx context.Context, org record.ID, id reconcile.LinkID, policy reconcile.Policy, table *mapping.Table) (err error) {
	defer fault.Wrap(&err, "store: change settings of link %d", id)
	p, t, err := settingsOf(reconcile.Link{Policy: policy, Mapping: table})
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(org, id); err != nil {
			return err
		}
		old, _, err := first(tx.ctx, tx, column[string], `SELECT policy FROM link_settings WHERE org_id = ? AND link_id = ?`, int64(org), int64(id))
		if err != nil {
			return err
		}
		changed, err := howChanged(old, policy)
		if err != nil {
			return err
		}
		if _, err := tx.exec(tx.ctx, `UPDATE link_settings SET before = CASE WHEN changed = 0 THEN mapping ELSE before END,
			changed = CASE WHEN policy = ? AND mapping = ? OR changed > ? THEN changed ELSE ? END, policy = ?, mapping = ? WHERE org_id = ? AND link_id = ?`,
			p, t, changed, changed, p, t, int64(org), int64(id)); err != nil {
			return err
		}
		return tx.urge(org, id)
	})
}

// What a change of settings asks of the next run: to compare all that Microsoft has, and to list the CRM afresh, too.
const (
	compareAll = 1
	listAll    = 2
)

// howChanged says what a change from a stored policy asks: the CRM's records were not sent while the link went to the CRM only.
func howChanged(old string, policy reconcile.Policy) (int64, error) {
	var was reconcile.Policy
	if err := json.Unmarshal([]byte(old), &was); err != nil {
		return 0, err
	}
	if was.Direction == mapping.ToCRM && policy.Direction != mapping.ToCRM {
		return listAll, nil
	}
	return compareAll, nil
}

// Link finds one link.
func (s *Links) Link(ctx context.Context, org record.ID, id reconcile.LinkID) (_ *reconcile.Link, err error) {
	defer fault.Wrap(&err, "store: link %d", id)
	l, ok, err := first(ctx, s.reader(), readLink, `SELECT `+linkColumns+`
		FROM links l JOIN link_settings s ON s.link_id = l.id WHERE l.org_id = ? AND l.id = ?`, int64(org), int64(id))
	if err == nil && !ok {
		err = notFound("link", id)
	}
	if err != nil {
		return &l, err
	}
	return &l, inSchema(ctx, s.reader(), org, &l)
}

// LinksOf lists a user's links that are not Off, by kind.
func (s *Links) LinksOf(ctx context.Context, org, user record.ID) (_ []reconcile.Link, err error) {
	defer fault.Wrap(&err, "store: links of user %d", user)
	return listLinks(ctx, s.reader(), org, `l.user_id = ? AND l.state <> 'off' ORDER BY l.kind`, int64(user))
}

// EndedOf lists, of the kinds that a user does not sync, the link that was switched off last, for its reason.
func (s *Links) EndedOf(ctx context.Context, org, user record.ID) (_ []reconcile.Link, err error) {
	defer fault.Wrap(&err, "store: ended links of user %d", user)
	return listLinks(ctx, s.reader(), org, `l.user_id = ? AND l.id IN (SELECT MAX(m.id) FROM links m
		WHERE m.org_id = ? AND m.user_id = ? GROUP BY m.kind) AND l.state = 'off' ORDER BY l.kind`, int64(user), int64(org), int64(user))
}

// LastProofs sums up what the last audits of all links came to that are not Off, whoever made them.
func (s *Links) LastProofs(ctx context.Context) (reconcile.Proof, error) {
	sum, _, err := first(ctx, s.reader(), func(scan scan) (p reconcile.Proof, err error) {
		err = scan(&p.Compared, &p.Drift, &p.Left)
		return p, err
	}, `SELECT CAST(COALESCE(SUM(proof_compared), 0) AS BIGINT), CAST(COALESCE(SUM(proof_drift), 0) AS BIGINT), CAST(COALESCE(SUM(proof_left), 0) AS BIGINT)
		FROM links WHERE state <> 'off'`)
	fault.Wrap(&err, "store: what the last audits came to")
	return sum, err
}

// LinksIn lists the organization's links that are not Off.
func (s *Links) LinksIn(ctx context.Context, org record.ID) (_ []reconcile.Link, err error) {
	defer fault.Wrap(&err, "store: links of organization %d", org)
	return listLinks(ctx, s.reader(), org, `l.state <> 'off' ORDER BY l.user_id, l.kind`)
}

// CalendarsOf tells how the sync of the calendar stands of each of these users; whoever has none is not in it.
func (s *Links) CalendarsOf(ctx context.Context, org record.ID, users ...record.ID) (_ map[record.ID]reconcile.LinkState, err error) {
	defer fault.Wrap(&err, "store: calendars of %d users", len(users))
	type row struct {
		user  record.ID
		state reconcile.LinkState
	}
	ids := make(ints, len(users))
	for i, u := range users {
		ids[i] = int64(u)
	}
	found, err := list(ctx, s.reader(), func(scan scan) (r row, err error) {
		err = scan(&r.user, &r.state)
		return r, err
	}, `SELECT user_id, state FROM links WHERE org_id = ? AND user_id IN (?*) AND kind = ? AND state <> 'off'`, int64(org), ids, string(record.Calendar))
	out := make(map[record.ID]reconcile.LinkState, len(found))
	for _, r := range found {
		out[r.user] = r.state
	}
	return out, err
}

// ChangeState moves a link from one of some states to another. That it is switched off enters the audit trail.
func (s *Links) ChangeState(ctx context.Context, org record.ID, id reconcile.LinkID, from []reconcile.LinkState, to reconcile.LinkState, reason fault.Reason) (err error) {
	defer fault.Wrap(&err, "store: change state of link %d to %s", id, to)
	return s.write(ctx, func(tx *Tx) error {
		ends := to == reconcile.Switching || to == reconcile.Off
		if ends { // the trail locks the organization, which comes before its links
			if err := tx.lock(org); err != nil {
				return err
			}
		}
		link, err := tx.changeState(org, id, from, to, reason)
		if err != nil || !ends {
			return err
		}
		return tx.noteSync(account.SyncOff, org, link.User, link.Kind, reason)
	})
}

func (tx *Tx) changeState(org record.ID, id reconcile.LinkID, from []reconcile.LinkState, to reconcile.LinkState, reason fault.Reason) (reconcile.Link, error) {
	// While a link was paused its subscription may have ended with the grant it was made with: the next run asks anew. And if
	// deletions were waiting for a person's yes they wait for it still: the brake would not ask for those alone again if many
	// records have come since. A single one it never asks for.
	link, ok, err := first(tx.ctx, tx, func(scan scan) (l reconcile.Link, err error) {
		err = scan(&l.User, &l.Kind)
		return l, err
	}, `UPDATE links SET
			state = CASE WHEN state = 'paused' AND waiting > 1 AND ? = 'on' THEN 'held' ELSE ? END,
			reason = CASE WHEN state = 'paused' AND waiting > 1 AND ? = 'on' THEN ? ELSE ? END,
			subscription_ends = CASE WHEN state = 'paused' THEN -1 ELSE subscription_ends END
		WHERE org_id = ? AND id = ? AND state IN (?*) RETURNING user_id, kind`,
		string(to), string(to), string(to), string(fault.TooManyDeletes), string(reason), int64(org), int64(id), textsOf(from))
	if err != nil {
		return link, err
	}
	if !ok {
		return link, tx.whyNot(org, id, "is in no state to be moved to %s", to)
	}
	return link, tx.urge(org, id)
}

// whyNot tells a link that is not there from one that is in the wrong state.
func (tx *Tx) whyNot(org record.ID, id reconcile.LinkID, format string, args ...any) error {
	if err := tx.there(org, id); err != nil {
		return err
	}
	return fault.New(fault.Conflict, "", "store: link %d "+format, append([]any{id}, args...)...)
}

// there refuses a link that is not there, and locks it otherwise: before its pairs, as runs do.
func (tx *Tx) there(org record.ID, id reconcile.LinkID) error {
	_, ok, err := first(tx.ctx, tx, column[int64], `SELECT id FROM links WHERE org_id = ? AND id = ? FOR UPDATE`, int64(org), int64(id))
	if err == nil && !ok {
		err = notFound("link", id)
	}
	return err
}

// AllowDeletes answers the brake. Yes: the next run deletes what waits now, and asks again if much has come since. No: what waits loses its base and is due at
// once, so that the run finds a record on one side that nobody agreed to delete, and makes it anew on the other.
func (s *Links) AllowDeletes(ctx context.Context, org record.ID, id reconcile.LinkID, yes bool) (err error) {
	defer fault.Wrap(&err, "store: answer for link %d", id)
	now := micros(s.now())
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(tx.ctx, `UPDATE links SET deletes_ok = ?, opened_deletes_ok = 1 - ? WHERE org_id = ? AND id = ? AND state = 'held'`,
			flag(yes), flag(yes), int64(org), int64(id))
		if err != nil {
			return err
		}
		if n == 0 {
			return tx.whyNot(org, id, "waits for no answer")
		}
		if yes {
			agreed, err := tx.exec(tx.ctx, `UPDATE pairs SET retry_at = ? WHERE org_id = ? AND link_id = ? AND state = 'waiting' AND state <> 'synced'`,
				now, int64(org), int64(id))
			if err != nil {
				return err
			}
			tx.items += agreed
		} else {
			missing, _, err := first(tx.ctx, tx, column[int64], `SELECT COUNT(*) FROM pairs WHERE org_id = ? AND link_id = ? AND state = 'waiting'
				AND state <> 'synced' AND missing_side = 'microsoft' AND microsoft_ref <> ''`, int64(org), int64(id))
			if err != nil {
				return err
			}
			undone, err := tx.exec(tx.ctx, `UPDATE pairs SET state = 'parked', base = '', missing_side = '', attempts = 0, retry_at = ?, since = ?
				WHERE org_id = ? AND link_id = ? AND state = 'waiting' AND state <> 'synced'`, now, now, int64(org), int64(id))
			if err != nil {
				return err
			}
			tx.items += undone
			if _, err := tx.exec(tx.ctx, `UPDATE links SET waiting = waiting - ?, failing = failing + ?, known = known + ? WHERE org_id = ? AND id = ?`,
				undone, undone, missing, int64(org), int64(id)); err != nil {
				return err
			}
		}
		return tx.urge(org, id)
	})
}

// AllowGrowth lets a link go on that stopped because it was about to make too much.
func (s *Links) AllowGrowth(ctx context.Context, org record.ID, id reconcile.LinkID, until time.Time) (err error) {
	defer fault.Wrap(&err, "store: let link %d grow", id)
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(tx.ctx, `UPDATE links SET growth_until = ? WHERE org_id = ? AND id = ? AND state = 'paused' AND reason = ?`,
			micros(until), int64(org), int64(id), string(fault.TooManyCreates))
		if err != nil {
			return err
		}
		if n == 0 {
			return tx.whyNot(org, id, "has not stopped growing")
		}
		_, err = tx.changeState(org, id, []reconcile.LinkState{reconcile.Paused}, reconcile.On, "")
		return err
	})
}

// Wake raises Wanted of running links and has a job enqueued for each that has none, also for one that rests (see Notified).
func (s *Links) Wake(ctx context.Context, ids ...reconcile.LinkID) (err error) {
	defer fault.Wrap(&err, "store: wake %d links", len(ids))
	if len(ids) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *Tx) error { return tx.wake(`l.id IN (?*)`, intsOf(ids)) })
}

// Notified is Wake for what Microsoft tells, which costs nobody anything to say: a link whose last runs followed each other and
// settled nothing rests before the next one, the longer the more they were. Whoever else wakes it ends its rest, as does a
// run that has something to settle. All organizations.
func (s *Links) Notified(ctx context.Context, ids ...reconcile.LinkID) (err error) {
	defer fault.Wrap(&err, "store: tell %d links of notifications", len(ids))
	if len(ids) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *Tx) error { return tx.raise(notified, `l.id IN (?*)`, intsOf(ids)) })
}

// Resubscribe has the subscriptions of running links renewed by their next run, and wakes them: Graph asked for it, or has
// ended them. A run that is under way may have renewed them before that: what it says of their end does not count (a negative one is
// what Close leaves alone). All organizations.
func (s *Links) Resubscribe(ctx context.Context, ids ...reconcile.LinkID) (err error) {
	defer fault.Wrap(&err, "store: resubscribe %d links", len(ids))
	if len(ids) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *Tx) error {
		tx.store.linkWrites.Add(1)
		if _, err := tx.exec(tx.ctx, `UPDATE links SET subscription_ends = -1 WHERE id IN (?*)`, intsOf(ids)); err != nil {
			return err
		}
		return tx.raise(notified, `l.id IN (?*)`, intsOf(ids))
	})
}

// Urge wakes one link now, past a job that sleeps after a fault.
func (s *Links) Urge(ctx context.Context, org record.ID, id reconcile.LinkID) (err error) {
	defer fault.Wrap(&err, "store: urge link %d", id)
	return s.write(ctx, func(tx *Tx) error { return tx.urge(org, id) })
}

// urge wakes a link for a person. A job that sleeps (see Postpone) no longer counts as on its way; when it wakes up it
// finds nothing left to do.
func (tx *Tx) urge(org record.ID, id reconcile.LinkID) error {
	tx.store.linkWrites.Add(1)
	if _, err := tx.exec(tx.ctx, `UPDATE links SET queued_at = 0 WHERE org_id = ? AND id = ? AND queued_at % 2 = 0`, int64(org), int64(id)); err != nil {
		return err
	}
	return tx.wake(`l.org_id = ? AND l.id = ?`, int64(org), int64(id))
}

// wakeOwners wakes the links of the owners of records that were written, but for the one whose sync wrote them.
func (tx *Tx) wakeOwners(by crm.Author, kind record.Kind, owners []record.ID) error {
	if len(owners) == 0 {
		return nil
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	tx.commits = append(tx.commits, Commit{Org: by.Org, Kind: kind, Owners: owners})
	return tx.wake(`l.org_id = ? AND l.user_id IN (?*) AND l.kind = ? AND l.id <> ?`, int64(by.Org), intsOf(owners), string(kind), by.Link)
}

// stale is how old a job may be that has not begun before it counts as lost.
const stale = 10 * time.Minute

// wake raises wanted of the running links that a condition names. A link gets a job if none is on its way and no run has
// it: a run that finds wanted risen when it closes the link has the job enqueued then, in that transaction (see Close),
// so no wake falls between the last look of a run and its end. Both hold the link's row, so one of them sees the other. A rest
// ends: its job is no longer the link's, and finds nothing left to do.
func (tx *Tx) wake(where string, args ...any) error {
	return tx.raise(`idle = 0, rest_until = 0,
		queued_at = CASE WHEN lease_until <= ? AND (queued_at < ? OR queued_at = rest_until) THEN CAST(? AS BIGINT) ELSE queued_at END`, where, args...)
}

// notified is what a wake that lets a link rest does to its row.
const notified = `queued_at = CASE WHEN lease_until <= ? AND queued_at < ? THEN CAST(? AS BIGINT) ELSE queued_at END`

func (tx *Tx) raise(set, where string, args ...any) error {
	now, stamp := tx.stamp()
	type woken struct {
		Due
		queued, settled, rest int64
	}
	links, err := list(tx.ctx, tx, func(scan scan) (w woken, err error) {
		err = scan(&w.Link, &w.queued, &w.settled, &w.rest)
		return w, err
	}, `UPDATE links SET wanted = wanted + 1, `+set+`
		WHERE id IN (SELECT l.id FROM links l WHERE `+where+` AND l.state IN `+running+` ORDER BY l.id FOR UPDATE)
		RETURNING id, queued_at, settled, rest_until`, append([]any{now, now - stale.Microseconds(), stamp}, args...)...)
	if err != nil {
		return err
	}
	tx.store.linkWrites.Add(1)
	var due []Due
	for _, w := range links {
		if w.queued == stamp {
			due = append(due, Due{Link: w.Link, First: w.settled == 0, Rests: w.rest > now})
		}
	}
	return tx.enqueue(due)
}

// stamp gives the time, and about the same as a number that was never given before, which tells whose queued_at was set
// now. It is odd, and what Postpone stores is even.
func (tx *Tx) stamp() (now, stamp int64) {
	now = micros(tx.store.now())
	for {
		last := tx.store.stamp.Load()
		stamp = max(now, last+1) | 1
		if tx.store.stamp.CompareAndSwap(last, stamp) {
			return now, stamp
		}
	}
}

func (tx *Tx) enqueue(due []Due) error {
	if len(due) == 0 || tx.store.enqueue == nil {
		return nil
	}
	tx.enqueued = true
	return tx.store.enqueue(tx.ctx, tx, due)
}

// Retry makes parked pairs due at once and wakes the link; no refs: all of them.
func (s *Links) Retry(ctx context.Context, org record.ID, id reconcile.LinkID, refs ...record.Ref) (err error) {
	defer fault.Wrap(&err, "store: retry records of link %d", id)
	return s.write(ctx, func(tx *Tx) error {
		text := `UPDATE pairs SET attempts = 0, retry_at = ? WHERE org_id = ? AND link_id = ? AND state = 'parked' AND state <> 'synced'`
		args := []any{micros(s.now()), int64(org), int64(id)}
		if len(refs) > 0 {
			text += ` AND (crm_ref IN (?*) OR microsoft_ref IN (?*))`
			args = append(args, textsOf(refs), textsOf(refs))
		}
		if err := tx.there(org, id); err != nil {
			return err
		}
		n, err := tx.exec(tx.ctx, text, args...)
		if err != nil {
			return err
		}
		tx.items += n
		return tx.urge(org, id)
	})
}

// History lists what sync did, latest first.
func (s *Links) History(ctx context.Context, org record.ID, id reconcile.LinkID, before int64, limit int) (_ []reconcile.HistoryEntry, err error) {
	defer fault.Wrap(&err, "store: history of link %d", id)
	if last := (int64(id) + 1) * rowsPerLink; before <= 0 || before > last {
		before = last
	}
	return list(ctx, s.reader(), readHistory, `SELECT `+historyColumns+` FROM history WHERE org_id = ? AND id > ? AND id < ? ORDER BY id DESC LIMIT ?`,
		int64(org), int64(id)*rowsPerLink, before, int64(pageLimit(limit)))
}

// Due lists running links whose last run ended before the given time, oldest first. All organizations.
func (s *Links) Due(ctx context.Context, before time.Time, limit int) (_ []reconcile.LinkID, err error) {
	defer fault.Wrap(&err, "store: due links")
	now := micros(s.now())
	return list(ctx, s.reader(), column[reconcile.LinkID], `SELECT id FROM links WHERE last_run < ? AND lease_until <= ? AND queued_at < ?
		AND state IN `+running+` ORDER BY last_run LIMIT ?`, micros(before), now, now-stale.Microseconds(), int64(pageLimit(limit)))
}

// Running lists all running links. All organizations.
func (s *Links) Running(ctx context.Context) (_ []reconcile.LinkID, err error) {
	defer fault.Wrap(&err, "store: running links")
	return list(ctx, s.reader(), column[reconcile.LinkID], `SELECT id FROM links WHERE state IN `+running+` ORDER BY id`)
}

// Unproved lists links that were on before a time and have had no audit since, the longest ago first, at most one of a mailbox
// and one twentieth of all, but not fewer than least. All organizations.
func (s *Links) Unproved(ctx context.Context, before time.Time, least int) (_ []reconcile.LinkID, err error) {
	defer fault.Wrap(&err, "store: links without a proof")
	type due struct {
		id   reconcile.LinkID
		user int64
	}
	found, err := list(ctx, s.reader(), func(scan scan) (d due, err error) {
		err = scan(&d.id, &d.user)
		return d, err
	}, `SELECT id, user_id FROM links WHERE state IN ('on', 'held') AND settled = 1 AND proof_at < ? AND since < ? ORDER BY proof_at, id LIMIT
		(SELECT CASE WHEN COUNT(*) > ? THEN COUNT(*) / 20 ELSE ? END FROM links WHERE state IN ('on', 'held'))`,
		micros(before), micros(before), int64(20*least), int64(least))
	var out []reconcile.LinkID
	told := map[int64]bool{}
	for _, d := range found {
		if !told[d.user] {
			told[d.user] = true
			out = append(out, d.id)
		}
	}
	return out, err
}

// Subscriptions lists running links whose subscription ends before the given time or that have none. All organizations.
func (s *Links) Subscriptions(ctx context.Context, before time.Time, limit int) (_ []reconcile.LinkID, err error) {
	defer fault.Wrap(&err, "store: subscriptions")
	return list(ctx, s.reader(), column[reconcile.LinkID], `SELECT id FROM links WHERE subscription_ends < ? AND state IN ('on', 'held')
		ORDER BY subscription_ends LIMIT ?`, micros(before), int64(pageLimit(limit)))
}

// Stranded lists running links with wake-ups that nobody will serve: their worker died and its lease has ended, or their
// job was lost. Waking them brings them back. All organizations.
func (s *Links) Stranded(ctx context.Context, limit int) (_ []reconcile.LinkID, err error) {
	defer fault.Wrap(&err, "store: stranded links")
	now := micros(s.now())
	return list(ctx, s.reader(), column[reconcile.LinkID], `SELECT id FROM links WHERE wanted > done AND lease_until <= ? AND queued_at < ?
		AND state IN `+running+` ORDER BY id LIMIT ?`, now, now-stale.Microseconds(), int64(pageLimit(limit)))
}

// Overdue lists running links with wake-ups whose job should have begun before a time and did not, nobody having their lease, by
// what is remembered of the job: see Enqueue. All organizations.
func (s *Links) Overdue(ctx context.Context, before time.Time, limit int) (_ map[reconcile.LinkID]int64, err error) {
	defer fault.Wrap(&err, "store: overdue links")
	type overdue struct {
		id     reconcile.LinkID
		queued int64
	}
	found, err := list(ctx, s.reader(), func(scan scan) (o overdue, err error) {
		err = scan(&o.id, &o.queued)
		return o, err
	}, `SELECT id, queued_at FROM links WHERE wanted > done AND lease_until <= ? AND queued_at > 0 AND queued_at < ?
		AND state IN `+running+` ORDER BY id LIMIT ?`, micros(s.now()), micros(before), int64(pageLimit(limit)))
	out := make(map[reconcile.LinkID]int64, len(found))
	for _, o := range found {
		out[o.id] = o.queued
	}
	return out, err
}

// Enqueue gives another job to links whose job is lost, as Overdue told them: one that has begun meanwhile is left alone. All
// organizations.
func (s *Links) Enqueue(ctx context.Context, lost map[reconcile.LinkID]int64) (err error) {
	defer fault.Wrap(&err, "store: enqueue %d links", len(lost))
	if len(lost) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *Tx) error {
		var ids []reconcile.LinkID
		for _, id := range slices.Sorted(maps.Keys(lost)) { // in the order in which wake locks them
			tx.store.linkWrites.Add(1)
			n, err := tx.exec(tx.ctx, `UPDATE links SET queued_at = 0 WHERE id = ? AND queued_at = ?`, int64(id), lost[id])
			if err != nil {
				return err
			}
			if n > 0 {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		return tx.wake(`l.id IN (?*)`, intsOf(ids))
	})
}

// Postpone says that the link's job sleeps until a time, as after a fault that asks to wait; until then wakes do not
// bring another one. All organizations.
func (s *Links) Postpone(ctx context.Context, id reconcile.LinkID, until time.Time) (err error) {
	defer fault.Wrap(&err, "store: postpone link %d", id)
	return s.write(ctx, func(tx *Tx) error {
		s.linkWrites.Add(1)
		_, err := tx.exec(tx.ctx, `UPDATE links SET queued_at = ? WHERE id = ? AND queued_at > 0`, micros(until)&^1, int64(id))
		return err
	})
}

// The states of records on pages.
const (
	standsSynced   = "synced"
	standsWaiting  = "waiting"
	standsFailing  = "failing"
	standsExcluded = "excluded"
)

// standing is what a pair's state means for its record.
var standing = map[reconcile.PairState]string{
	reconcile.Synced:   standsSynced,
	reconcile.Intended: standsWaiting,
	reconcile.Waiting:  standsWaiting,
	reconcile.Parked:   standsFailing,
	reconcile.Excluded: standsExcluded,
}

// outside tells where a live record of the link's owner stands that no pair knows.
func outside(l *reconcile.Link, source record.Source, massUpdated bool, kept record.Ref, written time.Time) (string, fault.Reason) {
	ok, reason := reconcile.Eligible(l.User, l.Policy, record.Meta{Owner: l.User, Source: source, MassUpdated: massUpdated, KeptIn: kept})
	switch {
	case !ok:
		return standsExcluded, reason
	case !l.Settled, !written.Before(l.LastRun):
		return standsWaiting, ""
	}
	return standsExcluded, fault.BeyondFirstSync
}

// Standing counts the records of a link by state.
func (s *Links) Standing(ctx context.Context, org record.ID, id reconcile.LinkID) (out reconcile.Standing, err error) {
	defer fault.Wrap(&err, "store: standing of link %d", id)
	l, err := s.Link(ctx, org, id)
	if err != nil {
		return out, err
	}
	out = reconcile.Standing{Synced: l.Synced, Why: map[fault.Reason]int{}}
	add := func(state string, reason fault.Reason, n int) {
		switch state {
		case standsWaiting:
			out.Waiting += n
			return
		case standsFailing:
			out.Failing += n
		case standsExcluded:
			out.Excluded += n
		}
		out.Why[reason] += n
	}
	type group struct {
		state       reconcile.PairState
		reason      fault.Reason
		source      record.Source
		massUpdated int64
		fresh       int64
		kept        record.Ref
		n           int
	}
	pairs, err := list(ctx, s.reader(), func(scan scan) (g group, err error) {
		err = scan(&g.state, &g.reason, &g.n)
		return g, err
	}, `SELECT state, reason, COUNT(*) FROM pairs WHERE org_id = ? AND link_id = ? AND state <> 'synced' GROUP BY state, reason`, int64(org), int64(id))
	if err != nil {
		return out, err
	}
	for _, g := range pairs {
		add(standing[g.state], g.reason, g.n)
	}
	if l.State == reconcile.Off {
		return out, nil
	}
	others, err := list(ctx, s.reader(), func(scan scan) (g group, err error) {
		err = scan(&g.source, &g.massUpdated, &g.fresh, &g.kept, &g.n)
		return g, err
	}, `SELECT source, mass_updated, CASE WHEN modified_at >= ? THEN 1 ELSE 0 END AS fresh, `+keptColumn(l.Kind)+` AS kept, COUNT(*) FROM `+tableOf(l.Kind)+` r
		WHERE `+unpaired+` GROUP BY source, mass_updated, fresh, kept`, micros(l.LastRun), int64(org), int64(l.User), int64(id))
	for _, g := range others {
		written := time.Time{}
		if g.fresh != 0 {
			written = l.LastRun
		}
		state, reason := outside(l, g.source, g.massUpdated != 0, g.kept, written)
		add(state, reason, g.n)
	}
	return out, err
}

// unpaired are the live records of a link's owner that no pair of the link knows.
const unpaired = `r.org_id = ? AND r.owner_id = ? AND r.deleted_at = 0 AND NOT EXISTS (
	SELECT 1 FROM pairs p WHERE p.link_id = ? AND p.crm_ref = CAST(r.id AS TEXT) AND p.crm_ref <> '')`

// Records tells where records stand in a link: first those that pairs know, then the others.
func (s *Links) Records(ctx context.Context, org record.ID, id reconcile.LinkID, state string, offset, limit int) (_ []reconcile.RecordState, err error) {
	defer fault.Wrap(&err, "store: records of link %d", id)
	l, err := s.Link(ctx, org, id)
	if err != nil {
		return nil, err
	}
	limit = pageLimit(limit)
	where, args := `org_id = ? AND id > ? AND id < ?`, []any{int64(org), int64(id) * rowsPerLink, (int64(id) + 1) * rowsPerLink}
	switch state {
	case "":
	case standsSynced:
		where += ` AND state = 'synced'`
	default:
		var states texts
		for pair, stands := range standing {
			if stands == state {
				states = append(states, string(pair))
			}
		}
		where, args = `org_id = ? AND link_id = ? AND state IN (?*) AND state <> 'synced'`, []any{int64(org), int64(id), states}
	}
	pairs, err := list(ctx, s.reader(), readStanding, `SELECT `+standingColumns+` FROM pairs WHERE `+where+` ORDER BY id LIMIT ? OFFSET ?`,
		append(slices.Clip(args), int64(limit), int64(offset))...)
	if err != nil {
		return nil, err
	}
	out := make([]reconcile.RecordState, len(pairs), limit)
	for i, p := range pairs {
		out[i] = p.tell(l.Kind)
	}
	if err := s.name(ctx, org, l.Kind, out); err != nil {
		return nil, err
	}
	if len(out) == limit || state == standsSynced || state == standsFailing || l.State == reconcile.Off {
		return out, nil
	}
	skip := int64(0)
	if len(out) == 0 && offset > 0 {
		known, _, err := first(ctx, s.reader(), column[int64], `SELECT COUNT(*) FROM pairs WHERE `+where, args...)
		if err != nil {
			return nil, err
		}
		skip = max(0, int64(offset)-known)
	}
	others, err := s.others(ctx, l, state, skip, limit-len(out))
	return append(out, others...), err
}

// others are the records that no pair knows and that stand so ("": all), by id. The conditions say in SQL what outside
// says of one record.
func (s *Links) others(ctx context.Context, l *reconcile.Link, state string, skip int64, limit int) ([]reconcile.RecordState, error) {
	where, args := unpaired, []any{int64(l.Org), int64(l.User), int64(l.ID)}
	barred := `(CAST(? AS BIGINT) = 1 OR r.source IN (?, ?) AND r.mass_updated = 0 AND CAST(? AS BIGINT) = 0 OR ` + keptColumn(l.Kind) + ` NOT IN ('', ?))`
	given := []any{
		flag(l.Policy.Direction == mapping.ToCRM), string(record.Import), string(record.Migration), flag(l.Policy.AdmitImported), string(l.Policy.Calendar),
	}
	switch state {
	case standsWaiting:
		where += ` AND NOT ` + barred + ` AND (CAST(? AS BIGINT) = 0 OR r.modified_at >= ?)`
	case standsExcluded:
		where += ` AND (` + barred + ` OR NOT (CAST(? AS BIGINT) = 0 OR r.modified_at >= ?))`
	}
	if state != "" {
		args = append(append(args, given...), flag(l.Settled), micros(l.LastRun))
	}
	records, err := list(ctx, s.reader(), recordReader(l.Org, l.Kind), `SELECT `+recordColumns(l.Kind)+` FROM `+tableOf(l.Kind)+` r
		WHERE `+where+` ORDER BY r.id LIMIT ? OFFSET ?`, append(args, int64(limit), skip)...)
	out := make([]reconcile.RecordState, len(records))
	for i := range records {
		out[i] = outsider(l, &records[i])
	}
	return out, err
}

// keptColumn is what tells in which calendar of its owner's own a record stayed.
func keptColumn(kind record.Kind) string {
	if kind == record.Calendar {
		return "kept_in"
	}
	return "''"
}

func outsider(l *reconcile.Link, r *crm.Record) reconcile.RecordState {
	state, reason := outside(l, r.Source, r.Mark != crm.NoMark, r.KeptIn, r.ModifiedAt)
	return reconcile.RecordState{Link: l.ID, CRM: r.ID.Ref(), Name: displayName(l.Kind, r.Fields), State: state, Reason: reason, Since: r.ModifiedAt}
}

const standingColumns = `link_id, crm_ref, microsoft_ref, state, reason, detail, retry_at, since, base, name, asking`

// stands is a pair as pages see it.
type stands struct {
	reconcile.RecordState
	pair reconcile.PairState
	base string
}

func readStanding(scan scan) (p stands, err error) {
	var retry, since, asking int64
	err = scan(&p.Link, &p.CRM, &p.Microsoft, &p.pair, &p.Reason, &p.Detail, &retry, &since, &p.base, &p.Name, &asking)
	if p.Since, p.Asks = moment(since), asking > 0; p.pair != reconcile.Waiting { // which has no next try
		p.RetryAt = moment(retry)
	}
	return p, err
}

// tell gives the record's state, with the name that the two sides last agreed on.
func (p stands) tell(kind record.Kind) reconcile.RecordState {
	p.State = standing[p.pair]
	if fields, err := fieldsOf(p.base); err == nil && p.Name == "" {
		p.Name = displayName(kind, fields)
	}
	return p.RecordState
}

// name gives the records of the built-in CRM their present names.
func (s *Links) name(ctx context.Context, org record.ID, kind record.Kind, states []reconcile.RecordState) error {
	var ids []record.ID
	for _, st := range states {
		if id, ok := record.ParseID(string(st.CRM)); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := (&Records{s.core}).ByID(ctx, org, kind, ids)
	if err != nil {
		return err
	}
	for i := range states {
		if id, ok := record.ParseID(string(states[i].CRM)); ok {
			if r, ok := found[id]; ok {
				states[i].Name = displayName(kind, r.Fields)
			}
		}
	}
	return nil
}

// RecordsOf tells where single records of the built-in CRM stand in the links of their owners. A record whose owner has
// no link is absent, and so is one in the recycle bin that no pair knows.
func (s *Links) RecordsOf(ctx context.Context, org record.ID, kind record.Kind, refs []record.Ref) (_ map[record.Ref]reconcile.RecordState, err error) {
	defer fault.Wrap(&err, "store: where %d %s stand", len(refs), kind)
	var ids []record.ID
	for _, ref := range refs {
		if id, ok := record.ParseID(string(ref)); ok {
			ids = append(ids, id)
		}
	}
	out := make(map[record.Ref]reconcile.RecordState, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	records, err := (&Records{s.core}).ByID(ctx, org, kind, ids)
	if err != nil || len(records) == 0 {
		return out, err
	}
	var owners []record.ID
	for _, r := range records {
		owners = append(owners, r.Owner)
	}
	slices.Sort(owners)
	links, err := list(ctx, s.reader(), readLink, `SELECT `+linkColumns+` FROM links l JOIN link_settings s ON s.link_id = l.id
		WHERE l.org_id = ? AND l.user_id IN (?*) AND l.kind = ? AND l.state <> 'off'`, int64(org), intsOf(slices.Compact(owners)), string(kind))
	if err != nil || len(links) == 0 {
		return out, err
	}
	of := make(map[record.ID]*reconcile.Link, len(links))
	linkIDs := make([]reconcile.LinkID, len(links))
	for i := range links {
		of[links[i].User], linkIDs[i] = &links[i], links[i].ID
	}
	pairs, err := list(ctx, s.reader(), readStanding, `SELECT `+standingColumns+` FROM pairs
		WHERE org_id = ? AND link_id IN (?*) AND crm_ref IN (?*) AND crm_ref <> ''`, int64(org), intsOf(linkIDs), textsOf(refs))
	if err != nil {
		return out, err
	}
	for id, r := range records {
		if l := of[r.Owner]; l != nil {
			out[id.Ref()] = outsider(l, &r)
		}
	}
	told := make(map[record.Ref]bool, len(pairs))
	for _, p := range pairs {
		was, ok := out[p.CRM]
		if ok && was.Link == p.Link { // not that of a former owner
			state := p.tell(kind)
			state.Name = was.Name
			out[p.CRM], told[p.CRM] = state, true
		}
	}
	for id, r := range records {
		if r.Deleted() && !told[id.Ref()] {
			delete(out, id.Ref())
		}
	}
	return out, nil
}
