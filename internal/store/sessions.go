package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/alexedwards/scs/v2"

	"tandem/internal/fault"
)

var _ scs.CtxStore = (*Sessions)(nil)

// hashed is how tokens are stored: whoever reads the database cannot sign in with what is there.
func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// FindCtx finds what a session that has not ended holds.
func (s *Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	defer fault.Wrap(&err, "store: find session")
	return first(ctx, s.reader(), column[[]byte],
		`SELECT data FROM sessions WHERE token = ? AND expires > ?`, hashed(token), micros(s.now()))
}

// CommitCtx stores what a session holds, until it ends.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) (err error) {
	defer fault.Wrap(&err, "store: commit session")
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.exec(tx.ctx, `INSERT INTO sessions (token, data, expires) VALUES (?, ?, ?)
			ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires = excluded.expires`, hashed(token), data, micros(expiry))
		return err
	})
}

// DeleteCtx ends a session.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) (err error) {
	defer fault.Wrap(&err, "store: delete session")
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.exec(tx.ctx, `DELETE FROM sessions WHERE token = ?`, hashed(token))
		return err
	})
}

// Find is FindCtx without a context, for scs.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context, for scs.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context, for scs.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// How long what nobody comes back to is kept.
const (
	signInLife = 15 * 24 * time.Hour // since it was last seen: longer than any cookie lives
	limitLife  = 24 * time.Hour      // since it was untouched again
)

// EndSessions removes the sessions that have ended, what is said of their browsers, and limits that hold nobody any more. All
// organizations.
func (s *Sessions) EndSessions(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "store: end sessions")
	return s.write(ctx, func(tx *Tx) error {
		now := s.now()
		for text, before := range map[string]time.Time{
			`DELETE FROM sessions WHERE expires <= ?`: now,
			`DELETE FROM signins WHERE seen <= ?`:     now.Add(-signInLife),
			`DELETE FROM limits WHERE arrival <= ?`:   now.Add(-limitLife),
		} {
			if _, err := tx.change(text, micros(before)); err != nil {
				return err
			}
		}
		return nil
	})
}
