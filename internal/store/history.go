package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var _ reconcile.Undos = (*Links)(nil)

const historyColumns = `id, at, crm_ref, microsoft_ref, side, action, reason, fields, lost, held, run`

func readHistory(scan scan) (reconcile.HistoryEntry, error) {
	var h reconcile.HistoryEntry
	var at int64
	var fields, lost, held string
	err := scan(&h.ID, &at, &h.CRM, &h.Microsoft, &h.Side, &h.Action, &h.Reason, &fields, &lost, &held, &h.Run)
	if err != nil {
		return h, err
	}
	h.At, h.Link = moment(at), reconcile.LinkID(h.ID/rowsPerLink)
	if h.Fields, err = fieldsOf(fields); err != nil {
		return h, err
	}
	if h.Before, err = fieldsOf(held); err == nil && lost != "" {
		err = json.Unmarshal([]byte(lost), &h.Lost)
	}
	return h, err
}

// Lines lists what sync did of what is asked for, latest first. A user's links of one kind come one after the other, so their
// lines do too: it reads one link after the other until the page is full.
func (s *Links) Lines(ctx context.Context, org record.ID, q reconcile.HistoryQuery) (_ []reconcile.HistoryEntry, err error) {
	defer fault.Wrap(&err, "store: lines of history")
	where, args := `org_id = ?`, []any{int64(org)}
	add := func(condition string, values ...any) { where, args = where+` AND `+condition, append(args, values...) }
	if q.Run != 0 {
		add(`run = ?`, q.Run)
	}
	if q.Side != "" {
		add(`side = ?`, string(q.Side))
	}
	if q.Action != "" {
		add(`action = ?`, string(q.Action))
	}
	if !q.From.IsZero() {
		add(`at >= ?`, micros(q.From))
	}
	if !q.To.IsZero() {
		add(`at < ?`, micros(q.To))
	}
	limit := pageLimit(q.Limit)
	if q.Record != "" {
		add(`crm_ref = ? AND crm_ref <> ''`, string(q.Record))
		if q.Before > 0 {
			add(`(at < (SELECT b.at FROM history b WHERE b.id = ?) OR at = (SELECT b.at FROM history b WHERE b.id = ?) AND id < ?)`, q.Before, q.Before, q.Before)
		}
		if q.Kind != "" {
			add(`(SELECT l.kind FROM links l WHERE l.id = history.id / CAST(? AS BIGINT)) = ?`, int64(rowsPerLink), string(q.Kind))
		}
		return list(ctx, s.reader(), readHistory, `SELECT `+historyColumns+` FROM history WHERE `+where+` ORDER BY at DESC, id DESC LIMIT ?`, append(args, int64(limit))...)
	}
	var out []reconcile.HistoryEntry
	for _, id := range q.Links {
		top := (int64(id) + 1) * rowsPerLink
		if q.Before > 0 {
			top = min(top, q.Before)
		}
		if top <= int64(id)*rowsPerLink {
			continue
		}
		page, err := list(ctx, s.reader(), readHistory, `SELECT `+historyColumns+` FROM history WHERE `+where+` AND id > ? AND id < ? ORDER BY id DESC LIMIT ?`,
			append(slices.Clip(args), int64(id)*rowsPerLink, top, int64(limit-len(out)))...)
		if err != nil {
			return nil, err
		}
		if out = append(out, page...); len(out) == limit {
			break
		}
	}
	return out, nil
}

// LinksEver lists all links that a user has had of a kind, latest first.
func (s *Links) LinksEver(ctx context.Context, org, user record.ID, kind record.Kind) (_ []reconcile.LinkID, err error) {
	defer fault.Wrap(&err, "store: links that user %d ever had", user)
	return list(ctx, s.reader(), column[reconcile.LinkID], `SELECT id FROM links WHERE org_id = ? AND user_id = ? AND kind = ? ORDER BY id DESC`,
		int64(org), int64(user), string(kind))
}

// RunWork tells what one run of a link did.
func (s *Links) RunWork(ctx context.Context, org record.ID, id reconcile.LinkID, run int64) (w reconcile.RunWork, err error) {
	defer fault.Wrap(&err, "store: what run %d of link %d did", run, id)
	type group struct {
		line     reconcile.HistoryLine
		n        int
		from, to int64
	}
	groups, err := list(ctx, s.reader(), func(scan scan) (g group, err error) {
		var held int64
		if err = scan(&g.line.Side, &g.line.Action, &g.line.Reason, &held, &g.n, &g.from, &g.to); held != 0 {
			g.line.Before = record.Fields{"": ""}
		}
		g.line.CRM = "1"
		return g, err
	}, `SELECT side, action, reason, CASE WHEN held <> '' THEN 1 ELSE 0 END AS known, COUNT(*), MIN(at), MAX(at) FROM history
		WHERE org_id = ? AND id > ? AND id < ? AND run = ? AND crm_ref <> '' GROUP BY side, action, reason, known`,
		int64(org), int64(id)*rowsPerLink, (int64(id)+1)*rowsPerLink, run)
	if err == nil && len(groups) == 0 {
		err = notFound("run", run)
	}
	var from, to int64
	for _, g := range groups {
		if from == 0 || g.from < from {
			from = g.from
		}
		to = max(to, g.to)
		w.Lines += g.n
		switch {
		case !g.line.Undoable():
		case g.line.Action == reconcile.Created:
			w.Deletes += g.n
		case g.line.Action == reconcile.Deleted:
			w.Restores += g.n
		default:
			w.Updates += g.n
		}
	}
	w.From, w.To = moment(from), moment(to)
	return w, err
}

// UndoneOf tells which lines somebody has tried to undo.
func (s *Links) UndoneOf(ctx context.Context, org record.ID, lines []int64) (_ map[int64]reconcile.UndoneLine, err error) {
	defer fault.Wrap(&err, "store: what was undone of %d lines", len(lines))
	out := make(map[int64]reconcile.UndoneLine, len(lines))
	if len(lines) == 0 {
		return out, nil
	}
	found, err := list(ctx, s.reader(), func(scan scan) (u reconcile.UndoneLine, err error) {
		var at int64
		err = scan(&u.Line, &u.What, &u.By, &at)
		u.At = moment(at)
		return u, err
	}, `SELECT line, what, user_id, at FROM undone_lines WHERE org_id = ? AND line IN (?*)`, int64(org), ints(lines))
	for _, u := range found {
		out[u.Line] = u
	}
	return out, err
}

const undoColumns = `u.id, u.org_id, u.user_id, u.link_id, (SELECT l.kind FROM links l WHERE l.id = u.link_id), u.run, u.asked, u.touched, u.ended, u.next`

func readUndo(scan scan) (u reconcile.UndoRun, err error) {
	var asked, touched, ended int64
	err = scan(&u.ID, &u.Org, &u.User, &u.Link, &u.Kind, &u.Run, &asked, &touched, &ended, &u.Next)
	u.Asked, u.Touched, u.Ended = moment(asked), moment(touched), moment(ended)
	return u, err
}

// BeginUndo stores the undo of a run, and returns the one that is under way, if there is one.
func (s *Links) BeginUndo(ctx context.Context, u reconcile.UndoRun) (_ reconcile.UndoRun, err error) {
	defer fault.Wrap(&err, "store: begin to undo run %d of link %d", u.Run, u.Link)
	err = s.write(ctx, func(tx *Tx) error {
		if err := tx.there(u.Org, u.Link); err != nil {
			return err
		}
		open, ok, err := first(tx.ctx, tx, readUndo, `SELECT `+undoColumns+` FROM undos u WHERE u.org_id = ? AND u.link_id = ? AND u.run = ? AND u.ended = 0`,
			int64(u.Org), int64(u.Link), u.Run)
		if err != nil || ok {
			u = open
			return err
		}
		_, err = tx.exec(tx.ctx, `INSERT INTO undos (id, org_id, user_id, link_id, run, asked, touched, ended, next) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)`,
			u.ID, int64(u.Org), int64(u.User), int64(u.Link), u.Run, micros(u.Asked), micros(u.Touched))
		return err
	})
	return u, err
}

// TheUndo finds one, with what came of it so far. All organizations: who may look at it is the caller's to say.
func (s *Links) TheUndo(ctx context.Context, id string) (u reconcile.UndoRun, err error) {
	defer fault.Wrap(&err, "store: an undo")
	u, ok, err := first(ctx, s.reader(), readUndo, `SELECT `+undoColumns+` FROM undos u WHERE u.id = ?`, id)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "", "store: no such undo")
	}
	if err != nil {
		return u, err
	}
	type count struct {
		what reconcile.Undoing
		n    int
	}
	counts, err := list(ctx, s.reader(), func(scan scan) (c count, err error) {
		err = scan(&c.what, &c.n)
		return c, err
	}, `SELECT what, COUNT(*) FROM undone_lines WHERE undo_id = ? GROUP BY what`, id)
	u.Came = make(map[reconcile.Undoing]int, len(counts))
	for _, c := range counts {
		u.Came[c.what] = c.n
	}
	return u, err
}

// ToUndo lists lines of a run that changed something, latest first, and what was undone of them.
func (s *Links) ToUndo(ctx context.Context, org record.ID, link reconcile.LinkID, run, below int64, limit int) (_ []reconcile.HistoryEntry, _ map[int64]reconcile.UndoneLine, err error) {
	defer fault.Wrap(&err, "store: what to undo of run %d of link %d", run, link)
	lines, err := s.Lines(ctx, org, reconcile.HistoryQuery{Links: []reconcile.LinkID{link}, Run: run, Before: below, Limit: limit})
	if err != nil {
		return nil, nil, err
	}
	ids := make([]int64, len(lines))
	for i, h := range lines {
		ids[i] = h.ID
	}
	done, err := s.UndoneOf(ctx, org, ids)
	return lines, done, err
}

// KeepUndo stores outcomes and how far the undo is. What was undone once stays so.
func (s *Links) KeepUndo(ctx context.Context, u reconcile.UndoRun, outcomes []reconcile.UndoneLine) (err error) {
	defer fault.Wrap(&err, "store: note %d undone lines", len(outcomes))
	return s.write(ctx, func(tx *Tx) error {
		for _, o := range outcomes {
			if _, err := tx.exec(tx.ctx, `INSERT INTO undone_lines (line, org_id, undo_id, what, user_id, at) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (line) DO UPDATE SET undo_id = excluded.undo_id, what = excluded.what, user_id = excluded.user_id, at = excluded.at
				WHERE undone_lines.what NOT IN ('undone', 'partly')`, o.Line, int64(u.Org), u.ID, string(o.What), int64(o.By), micros(o.At)); err != nil {
				return err
			}
		}
		tx.items += int64(len(outcomes))
		if u.ID == "" {
			return nil
		}
		tx.commits = append(tx.commits, Commit{Org: u.Org, Kind: u.Kind, Owners: []record.ID{u.User}, Link: u.Link})
		_, err := tx.exec(tx.ctx, `UPDATE undos SET touched = ?, ended = CASE WHEN ended > 0 THEN ended ELSE ? END, next = CASE WHEN next > 0 AND next < ? THEN next ELSE ? END
			WHERE org_id = ? AND id = ?`, micros(u.Touched), micros(u.Ended), u.Next, u.Next, int64(u.Org), u.ID)
		return err
	})
}

// IdleUndos lists undos that have not ended and that nobody has worked at since a time. All organizations.
func (s *Links) IdleUndos(ctx context.Context, since time.Time) (_ []string, err error) {
	defer fault.Wrap(&err, "store: undos that nobody works at")
	return list(ctx, s.reader(), column[string], `SELECT id FROM undos WHERE ended = 0 AND touched < ? ORDER BY asked`, micros(since))
}

// work adds to what the link did in this hour.
func (tx *Tx) work(link *reconcile.Link, w reconcile.Work) error {
	if w.CRM+w.Microsoft+w.Failed == 0 {
		return nil
	}
	hour := hourOf(tx.store.now())
	was, _, err := first(tx.ctx, tx, readHour, `SELECT `+hourColumns+` FROM sync_hours WHERE link_id = ? AND hour = ?`, int64(link.ID), hour)
	if err != nil {
		return err
	}
	w.With(was.Work)
	delays, err := json.Marshal(w.Delays.Counts)
	if err != nil {
		return err
	}
	_, err = tx.exec(tx.ctx, `INSERT INTO sync_hours (link_id, hour, org_id, crm, microsoft, failed, slowest, delays) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (link_id, hour) DO UPDATE SET crm = excluded.crm, microsoft = excluded.microsoft, failed = excluded.failed,
			slowest = excluded.slowest, delays = excluded.delays`,
		int64(link.ID), hour, int64(link.Org), int64(w.CRM), int64(w.Microsoft), int64(w.Failed), w.Delays.Slowest.Microseconds(), string(delays))
	return err
}

func hourOf(at time.Time) int64 { return at.Unix() / 3600 }

const hourColumns = `link_id, hour, crm, microsoft, failed, slowest, delays`

func readHour(scan scan) (h reconcile.HourWork, err error) {
	var hour, slowest int64
	var delays string
	if err = scan(&h.Link, &hour, &h.CRM, &h.Microsoft, &h.Failed, &slowest, &delays); err != nil {
		return h, err
	}
	h.At, h.Delays.Slowest = time.Unix(hour*3600, 0).UTC(), time.Duration(slowest)*time.Microsecond
	return h, json.Unmarshal([]byte(delays), &h.Delays.Counts)
}

// Hours lists what links did in each hour since a time, oldest first.
func (s *Links) Hours(ctx context.Context, org record.ID, ids []reconcile.LinkID, since time.Time) (_ []reconcile.HourWork, err error) {
	defer fault.Wrap(&err, "store: the work of %d links", len(ids))
	if len(ids) == 0 {
		return nil, nil
	}
	return list(ctx, s.reader(), readHour, `SELECT `+hourColumns+` FROM sync_hours WHERE org_id = ? AND link_id IN (?*) AND hour >= ? ORDER BY hour, link_id`,
		int64(org), intsOf(ids), hourOf(since))
}

// PruneHours forgets the work of hours before a time.
func (s *Links) PruneHours(ctx context.Context, before time.Time) (err error) {
	defer fault.Wrap(&err, "store: forget old hours of work")
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.exec(tx.ctx, `DELETE FROM sync_hours WHERE hour < ?`, hourOf(before))
		return err
	})
}
