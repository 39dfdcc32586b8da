package store

import (
	"context"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

const letterColumns = `id, org_id, kind, to_id, about_id, by_id, pass_id, word, state, reason, tries, made, sent`

func readLetter(scan scan) (l account.Letter, err error) {
	var made, sent int64
	err = scan(&l.ID, &l.Org, &l.Kind, &l.To, &l.About, &l.By, &l.Pass, &l.Word, &l.State, &l.Reason, &l.Tries, &made, &sent)
	l.Made, l.Sent = moment(made), moment(sent)
	return l, err
}

// Send stores a letter; its sending is enqueued when the transaction ends, together with that of the others.
func (a accountTx) Send(l account.Letter) error {
	org := a.at(l.Org)
	seq, err := a.tx.takeSeq(org, 1)
	if err != nil {
		return err
	}
	id, now := int64(org)*idsPerOrg+seq+1, micros(a.tx.store.now())
	if _, err := a.tx.change(`INSERT INTO letters (`+letterColumns+`, touched) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', '', 0, ?, 0, ?)`,
		id, int64(org), string(l.Kind), int64(l.To), int64(l.About), int64(l.By), int64(l.Pass), clean(l.Word), now, now); err != nil {
		return err
	}
	a.tx.letters = append(a.tx.letters, record.ID(id))
	return nil
}

// Letters finds the latest letter about each of the users.
func (s *Accounts) Letters(ctx context.Context, org record.ID, about []record.ID) (_ map[record.ID]account.Letter, err error) {
	defer fault.Wrap(&err, "store: letters about %d users", len(about))
	out := make(map[record.ID]account.Letter, len(about))
	if len(about) == 0 {
		return out, nil
	}
	found, err := list(ctx, s.reader(), readLetter, `SELECT `+letterColumns+` FROM letters WHERE id IN (
		SELECT MAX(id) FROM letters WHERE org_id = ? AND about_id IN (?*) GROUP BY about_id)`, int64(org), intsOf(about))
	for _, l := range found {
		out[l.About] = l
	}
	return out, err
}

// SendOnce sends a letter to users of an organization, unless one of its kind with its word was made since a time, and reports
// whether it did. What was sent is remembered for as long as PruneLetters lets it.
func (s *Accounts) SendOnce(ctx context.Context, org record.ID, l account.Letter, since time.Time, to []record.ID) (sent bool, err error) {
	defer fault.Wrap(&err, "store: send %q once", l.Kind)
	err = s.Within(ctx, org, func(tx account.Tx) error {
		a := tx.(accountTx)
		made, _, err := first(a.tx.ctx, a.tx, column[int64], `SELECT COUNT(*) FROM letters WHERE org_id = ? AND kind = ? AND word = ? AND made >= ?`,
			int64(org), string(l.Kind), l.Word, micros(since))
		if sent = err == nil && made == 0; !sent {
			return err
		}
		for _, id := range to {
			each := l
			each.Org, each.To = org, id
			if err := tx.Send(each); err != nil {
				return err
			}
		}
		return nil
	})
	return sent && err == nil, err
}

// Letter finds a letter. All organizations.
func (s *Letters) Letter(ctx context.Context, id record.ID) (_ account.Letter, err error) {
	defer fault.Wrap(&err, "store: letter %d", id)
	l, ok, err := first(ctx, s.reader(), readLetter, `SELECT `+letterColumns+` FROM letters WHERE id = ?`, int64(id))
	if err == nil && !ok {
		err = notFound("letter", id)
	}
	return l, err
}

// maxLetterReason keeps a mail server's wordy answer from filling the letter's row, in bytes.
const maxLetterReason = 1000

// SettleLetter notes how far a letter has come; one that is Queued still will be tried again. All organizations.
func (s *Letters) SettleLetter(ctx context.Context, id record.ID, state account.LetterState, reason string, sent time.Time, tries int) (err error) {
	defer fault.Wrap(&err, "store: settle letter %d", id)
	return s.write(ctx, func(tx *Tx) error {
		org, ok, err := first(tx.ctx, tx, column[record.ID], `UPDATE letters SET state = ?, reason = ?, sent = ?, tries = ?, touched = ? WHERE id = ?
			RETURNING org_id`, string(state), bounded(reason, maxLetterReason), micros(sent), int64(tries), micros(s.now()), int64(id))
		if err == nil && !ok {
			err = notFound("letter", id)
		}
		tx.news(org)
		return err
	})
}

// Unsent lists letters that are queued although nobody has made or tried them since a time, the oldest first: their job was
// lost, or there was no postman. All organizations.
func (s *Letters) Unsent(ctx context.Context, olderThan time.Time, limit int) (_ []record.ID, err error) {
	defer fault.Wrap(&err, "store: unsent letters")
	return list(ctx, s.reader(), column[record.ID], `SELECT id FROM letters WHERE state = 'queued' AND touched < ? ORDER BY touched, id LIMIT ?`,
		micros(olderThan), int64(pageLimit(limit)))
}

// PruneLetters removes letters that were sent before a time. All organizations.
func (s *Letters) PruneLetters(ctx context.Context, before time.Time) (err error) {
	defer fault.Wrap(&err, "store: prune letters")
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.change(`DELETE FROM letters WHERE state = 'sent' AND sent < ?`, micros(before))
		return err
	})
}
