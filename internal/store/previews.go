package store

import (
	"context"
	"encoding/json"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var (
	_ reconcile.Past     = (*Past)(nil)
	_ reconcile.Previews = (*Links)(nil)
)

// Past is the ledger as a rehearsal reads it: without a lease, whoever has the link. It fits reconcile.Past.
type Past struct{ ledger *Ledger }

// Past is the face for rehearsals.
func (s *Store) Past() *Past { return &Past{s.Ledger()} }

// now gives a link the fence that it has by now, so that reading it is not refused.
func (s *Past) now(ctx context.Context, link *reconcile.Link, read func(*reconcile.Link) error) error {
	if link.ID == 0 {
		return nil
	}
	as := *link
	for {
		fence, ok, err := first(ctx, s.ledger.reader(), column[int64], `SELECT fence FROM links WHERE org_id = ? AND id = ?`, int64(link.Org), int64(link.ID))
		if err == nil && !ok {
			err = notFound("link", link.ID)
		}
		if err != nil {
			return err
		}
		as.Fence = fence
		switch err = read(&as); fault.ReasonOf(err) {
		case fault.StaleLease: // a run has begun this very moment
		case fault.Interrupted: // whoever has paused the link may look at it all the same
			return nil
		default:
			return err
		}
	}
}

// PairsByRef finds the pairs of the refs of one side.
func (s *Past) PairsByRef(ctx context.Context, link *reconcile.Link, side reconcile.Where, refs []record.Ref) (out map[record.Ref]reconcile.Pair, err error) {
	err = s.now(ctx, link, func(as *reconcile.Link) (err error) {
		out, err = s.ledger.PairsByRef(ctx, as, side, refs)
		return err
	})
	return out, err
}

// PairsInState pages through pairs of a state.
func (s *Past) PairsInState(ctx context.Context, link *reconcile.Link, state reconcile.PairState, dueBy time.Time, after int64, limit int) (out []reconcile.Pair, err error) {
	err = s.now(ctx, link, func(as *reconcile.Link) (err error) {
		out, err = s.ledger.PairsInState(ctx, as, state, dueBy, after, limit)
		return err
	})
	return out, err
}

// Pairs pages through all pairs.
func (s *Past) Pairs(ctx context.Context, link *reconcile.Link, after int64, limit int) (out []reconcile.Pair, err error) {
	err = s.now(ctx, link, func(as *reconcile.Link) (err error) {
		out, err = s.ledger.Pairs(ctx, as, after, limit)
		return err
	})
	return out, err
}

// OpenIntents are the batches that were never settled.
func (s *Past) OpenIntents(ctx context.Context, link *reconcile.Link) (out map[int64][]reconcile.Intent, err error) {
	err = s.now(ctx, link, func(as *reconcile.Link) (err error) {
		out, err = s.ledger.OpenIntents(ctx, as)
		return err
	})
	return out, err
}

// Marked tells which items marks belong to, by the history.
func (s *Past) Marked(ctx context.Context, link *reconcile.Link, records []record.Ref) (out map[string]record.Ref, err error) {
	defer fault.Wrap(&err, "store: marks in the history of %d records", len(records))
	return s.ledger.marked(ctx, link.Org, records)
}

// Before is the mapping that the bases of a link's pairs were made with, and whether the next run lists the CRM afresh.
func (s *Past) Before(ctx context.Context, link *reconcile.Link) (_ *mapping.Table, afresh bool, err error) {
	defer fault.Wrap(&err, "store: the mapping before of link %d", link.ID)
	type change struct {
		how    int64
		before string
	}
	c, ok, err := first(ctx, s.ledger.reader(), func(scan scan) (c change, err error) {
		err = scan(&c.how, &c.before)
		return c, err
	}, `SELECT changed, before FROM link_settings WHERE org_id = ? AND link_id = ? AND changed <> 0`, int64(link.Org), int64(link.ID))
	if err != nil || !ok || c.before == "" {
		return link.Mapping, c.how >= listAll, err
	}
	before := new(mapping.Table)
	return before, c.how >= listAll, json.Unmarshal([]byte(c.before), before)
}

// LeftOut counts the organization's records of the link's kind that its first sync leaves out, by reason.
func (s *Past) LeftOut(ctx context.Context, link *reconcile.Link) (_ map[fault.Reason]int, err error) {
	defer fault.Wrap(&err, "store: what the first sync of %s leaves out", link.Kind)
	type group struct {
		meta        record.Meta
		own, massed int64
		n           int
	}
	groups, err := list(ctx, s.ledger.reader(), func(scan scan) (g group, err error) {
		err = scan(&g.own, &g.meta.Source, &g.massed, &g.meta.KeptIn, &g.n)
		return g, err
	}, `SELECT CASE WHEN owner_id = ? THEN 1 ELSE 0 END AS own, source, mass_updated, `+keptColumn(link.Kind)+` AS kept, COUNT(*)
		FROM `+tableOf(link.Kind)+` WHERE org_id = ? AND deleted_at = 0 GROUP BY own, source, mass_updated, kept`, int64(link.User), int64(link.Org))
	if err != nil {
		return nil, err
	}
	out, taking := map[fault.Reason]int{}, 0
	for _, g := range groups {
		if g.own != 0 {
			g.meta.Owner = link.User
		}
		g.meta.MassUpdated = g.massed != 0
		if ok, reason := reconcile.Eligible(link.User, link.Policy, g.meta); !ok {
			out[reason] += g.n
		} else {
			taking += g.n
		}
	}
	if beyond := taking - reconcile.FirstSyncCap(link.Kind); beyond > 0 {
		out[fault.BeyondFirstSync] = beyond
	}
	return out, nil
}

// Prospect is the link that a user would get.
func (s *Links) Prospect(ctx context.Context, org, user record.ID, kind record.Kind) (_ reconcile.Link, err error) {
	defer fault.Wrap(&err, "store: the %s link that user %d would get", kind, user)
	l := reconcile.Link{Org: org, User: user, Kind: kind, State: reconcile.On}
	u, err := (&Accounts{s.core}).User(ctx, org, user)
	if err != nil {
		return l, err
	}
	l.Mailbox = u.Identity.Mailbox()
	found, ok, err := first(ctx, s.reader(), func(scan scan) (found reconcile.Link, err error) {
		var admits int64
		err = scan(&found.Region, &admits)
		found.Policy.AdmitImported = admits != 0
		return found, err
	}, `SELECT region, CASE ? WHEN 'contacts' THEN admit_contacts ELSE admit_events END FROM organizations WHERE id = ?`, string(kind), int64(org))
	if err == nil && !ok {
		err = notFound("organization", org)
	}
	l.Region, l.Policy = found.Region, found.Policy
	return l, err
}

const previewColumns = `id, org_id, user_id, kind, link_id, occasion, settings, begun, touched, state, reason, summary`

func readPreview(scan scan) (p reconcile.Preview, err error) {
	var settings, summary string
	var begun, touched int64
	if err := scan(&p.ID, &p.Org, &p.User, &p.Kind, &p.Link, &p.Occasion, &settings, &begun, &touched, &p.State, &p.Reason, &summary); err != nil {
		return p, err
	}
	p.Begun, p.Touched = moment(begun), moment(touched)
	if err := json.Unmarshal([]byte(settings), &p.Settings); err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(summary), &p.Summary)
}

// BeginPreview stores a preview that is to be made, in the place of the user's earlier ones of that kind and occasion.
func (s *Links) BeginPreview(ctx context.Context, p reconcile.Preview) (err error) {
	defer fault.Wrap(&err, "store: begin preview of user %d", p.User)
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		return err
	}
	summary, err := json.Marshal(p.Summary)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		const same = `org_id = ? AND user_id = ? AND kind = ? AND occasion = ?`
		args := []any{int64(p.Org), int64(p.User), string(p.Kind), string(p.Occasion)}
		if err := tx.dropPreviews(same, args...); err != nil {
			return err
		}
		_, err = tx.change(`INSERT INTO previews (`+previewColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			p.ID, int64(p.Org), int64(p.User), string(p.Kind), int64(p.Link), string(p.Occasion), string(settings), micros(p.Begun),
			micros(p.Touched), string(p.State), string(p.Reason), string(summary))
		return err
	})
}

func (tx *Tx) dropPreviews(where string, args ...any) error {
	if _, err := tx.change(`DELETE FROM preview_lines WHERE preview_id IN (SELECT id FROM previews WHERE `+where+`)`, args...); err != nil {
		return err
	}
	_, err := tx.change(`DELETE FROM previews WHERE `+where, args...)
	return err
}

// ThePreview finds a preview for whoever makes it.
func (s *Links) ThePreview(ctx context.Context, id string) (_ reconcile.Preview, err error) {
	defer fault.Wrap(&err, "store: preview")
	p, ok, err := first(ctx, s.reader(), readPreview, `SELECT `+previewColumns+` FROM previews WHERE id = ?`, id)
	return s.settled(ctx, p, ok, err)
}

// Preview finds a preview of a user's. NotFound: there is none (any more), or it is somebody else's.
func (s *Links) Preview(ctx context.Context, org, user record.ID, id string) (_ reconcile.Preview, err error) {
	defer fault.Wrap(&err, "store: preview of user %d", user)
	p, ok, err := first(ctx, s.reader(), readPreview, `SELECT `+previewColumns+` FROM previews WHERE org_id = ? AND user_id = ? AND id = ?`,
		int64(org), int64(user), id)
	return s.settled(ctx, p, ok, err)
}

// settled is a preview that was looked for, with the fields that its organization's records have by now.
func (s *Links) settled(ctx context.Context, p reconcile.Preview, ok bool, err error) (reconcile.Preview, error) {
	if err == nil && !ok {
		err = notFound("preview", "that was asked for")
	}
	if err != nil || p.Settings.Mapping == nil {
		return p, err
	}
	schema, err := schemaOf(ctx, s.reader(), p.Org, p.Kind)
	if err == nil {
		p.Settings.Mapping = p.Settings.Mapping.In(schema)
	}
	return p, err
}

var previewLines = newShape("preview_lines", "preview_id", "n", "org_id", "section", "body")

// KeepPreview stores how far a preview is, and lines of it that begin at number from (those that are there already give
// way: it is being made anew). NotFound: nobody waits for it any more. Conflict with reason StaleLease: somebody has touched it
// since it was last touched as far as the caller knows.
func (s *Links) KeepPreview(ctx context.Context, p reconcile.Preview, last time.Time, from int, lines []reconcile.Line) (err error) {
	defer fault.Wrap(&err, "store: keep preview of user %d", p.User)
	summary, err := json.Marshal(p.Summary)
	if err != nil {
		return err
	}
	b := newBatch(previewLines, len(lines))
	for i := range lines {
		body, err := json.Marshal(&lines[i])
		if err != nil {
			return err
		}
		b.add(p.ID, int64(from+i), int64(p.Org), string(lines[i].Group), string(body))
	}
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.change(`UPDATE previews SET touched = ?, state = ?, reason = ?, summary = ? WHERE org_id = ? AND id = ? AND touched = ?`,
			micros(p.Touched), string(p.State), string(p.Reason), string(summary), int64(p.Org), p.ID, micros(last))
		if err == nil && n == 0 {
			err = tx.passedOver(p)
		}
		if err != nil {
			return err
		}
		if _, err := tx.change(`DELETE FROM preview_lines WHERE preview_id = ? AND n >= ?`, p.ID, int64(from)); err != nil {
			return err
		}
		tx.commits = append(tx.commits, Commit{Org: p.Org, Kind: p.Kind, Owners: []record.ID{p.User}, Link: p.Link, Preview: true})
		if len(lines) == 0 {
			return nil
		}
		return tx.insert(tx.ctx, b)
	})
}

// passedOver is why a preview is not to be touched by whoever knows it as it no longer is.
func (tx *Tx) passedOver(p reconcile.Preview) error {
	_, there, err := first(tx.ctx, tx, column[int64], `SELECT touched FROM previews WHERE org_id = ? AND id = ?`, int64(p.Org), p.ID)
	switch {
	case err != nil:
		return err
	case there:
		return fault.New(fault.Conflict, fault.StaleLease, "store: preview %s is made by somebody else by now", p.ID)
	}
	return notFound("preview", p.ID)
}

// PreviewLines lists lines of a user's preview, in their order: of a group, or ("") of all, those after the given number;
// their numbers come with them.
func (s *Links) PreviewLines(ctx context.Context, org, user record.ID, id string, group reconcile.Group, after, limit int) (_ []reconcile.Line, last int, err error) {
	defer fault.Wrap(&err, "store: lines of a preview of user %d", user)
	where, args := `preview_id = ? AND n > ?`, []any{id, int64(after)}
	if group != "" {
		where, args = where+` AND section = ?`, append(args, string(group))
	}
	last = after
	lines, err := list(ctx, s.reader(), func(scan scan) (l reconcile.Line, err error) {
		var n int64
		var body string
		if err := scan(&n, &body); err != nil {
			return l, err
		}
		last = int(n)
		return l, json.Unmarshal([]byte(body), &l)
	}, `SELECT n, body FROM preview_lines WHERE `+where+` AND org_id = ? AND EXISTS (SELECT 1 FROM previews p
		WHERE p.id = preview_id AND p.org_id = ? AND p.user_id = ?) ORDER BY n LIMIT ?`,
		append(args, int64(org), int64(org), int64(user), int64(pageLimit(limit)))...)
	return lines, last, err
}

// PrunePreviews removes previews that began before a time. All organizations.
func (s *Links) PrunePreviews(ctx context.Context, before time.Time) (err error) {
	defer fault.Wrap(&err, "store: prune previews")
	return s.write(ctx, func(tx *Tx) error { return tx.dropPreviews(`begun < ?`, micros(before)) })
}

// PreviewRows counts the lines of all previews.
func (s *Store) PreviewRows(ctx context.Context) (int64, error) {
	n, _, err := first(ctx, s.reader(), column[int64], `SELECT COUNT(*) FROM preview_lines`)
	return n, err
}
