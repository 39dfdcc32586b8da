package store

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/picture"
	"tandem/internal/record"
)

var _ crm.Pictures = (*Pictures)(nil)

const (
	// pictureRest is how long a picture stays that nothing names: what was just kept is about to be named.
	pictureRest = 30 * 24 * time.Hour
	// pictureFresh is how long the time at which a picture was last kept is left as it is.
	pictureFresh = 24 * time.Hour
)

// Pictures are the pictures of contacts, by the hash of their bytes: a crm.Pictures.
type Pictures struct{ *core }

// Pictures is the face for pictures.
func (s *Store) Pictures() *Pictures { return &Pictures{s.core} }

// Keep keeps a picture and names it. What is kept already is kept anew.
func (s *Pictures) Keep(ctx context.Context, org record.ID, kept []byte) (_ record.Value, err error) {
	defer fault.Wrap(&err, "store: keep a picture")
	v := picture.Value(kept)
	return v, s.write(ctx, func(tx *Tx) error { return tx.keepPicture(org, v, kept) })
}

func (tx *Tx) keepPicture(org record.ID, v record.Value, kept []byte) error {
	hash, _ := picture.Hash(v)
	_, err := tx.exec(tx.ctx, `INSERT INTO pictures (org_id, hash, bytes, kept_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (org_id, hash) DO UPDATE SET kept_at = excluded.kept_at`, int64(org), hash, kept, micros(tx.store.now()))
	return err
}

// Picture is a picture's bytes. NotFound: the organization keeps none of that name.
func (s *Pictures) Picture(ctx context.Context, org record.ID, v record.Value) (_ []byte, err error) {
	defer fault.Wrap(&err, "store: picture")
	hash, ok := picture.Hash(v)
	if !ok {
		return nil, fault.New(fault.NotFound, "", "store: %q names no picture", v)
	}
	kept, ok, err := first(ctx, s.reader(), column[[]byte], `SELECT bytes FROM pictures WHERE org_id = ? AND hash = ?`, int64(org), hash)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "", "store: no picture %s", v)
	}
	return kept, err
}

// Album is an organization's pictures as a user's sync of contacts sees them.
type Album struct {
	*core
	org, user record.ID
}

// Album opens the pictures for a user's sync.
func (s *Pictures) Album(org, user record.ID) *Album { return &Album{s.core, org, user} }

// A row of picture_forms with the age of the picture.
type pictureForm struct {
	form, hash string
	kept       int64
}

// Known tells which pictures are meant by bytes with the hashes (in hex), and keeps those anew. A picture's own bytes are
// one of its forms. Forms that nobody has seen are absent.
func (s *Album) Known(ctx context.Context, forms []string) (_ map[string]record.Value, err error) {
	defer fault.Wrap(&err, "store: known forms of pictures")
	if len(forms) == 0 {
		return nil, nil
	}
	look := func(q querier) ([]pictureForm, error) {
		return list(ctx, q, func(scan scan) (f pictureForm, err error) {
			err = scan(&f.form, &f.hash, &f.kept)
			return f, err
		}, `SELECT hash, hash, kept_at FROM pictures WHERE org_id = ? AND hash IN (?*)
			UNION ALL
			SELECT f.form, f.hash, p.kept_at FROM picture_forms f JOIN pictures p ON p.org_id = f.org_id AND p.hash = f.hash
			WHERE f.org_id = ? AND f.form IN (?*)`, int64(s.org), texts(forms), int64(s.org), texts(forms))
	}
	found, err := look(s.reader())
	if err != nil {
		return nil, err
	}
	now := s.now()
	var old texts
	for _, f := range found {
		if f.kept < micros(now.Add(-pictureFresh)) {
			old = append(old, f.hash)
		}
	}
	if len(old) > 0 { // once they are kept anew, they are sure to be there
		err = s.write(ctx, func(tx *Tx) error {
			if _, err := tx.exec(tx.ctx, `UPDATE pictures SET kept_at = ? WHERE org_id = ? AND hash IN (?*)`, micros(now), int64(s.org), old); err != nil {
				return err
			}
			found, err = look(tx)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	out := make(map[string]record.Value, len(found))
	for _, f := range found {
		out[f.form] = picture.Of(f.hash)
	}
	return out, nil
}

// Keep keeps pictures under the forms in which they came, by the hash of those bytes.
func (s *Album) Keep(ctx context.Context, byForm map[string][]byte) (err error) {
	defer fault.Wrap(&err, "store: keep %d pictures", len(byForm))
	return s.write(ctx, func(tx *Tx) error {
		values := make(map[string]record.Value, len(byForm))
		for _, form := range slices.Sorted(maps.Keys(byForm)) {
			values[form] = picture.Value(byForm[form])
			if err := tx.keepPicture(s.org, values[form], byForm[form]); err != nil {
				return err
			}
		}
		return tx.same(s.org, values)
	})
}

// Same notes of bytes with a hash which picture they are, and that the items' pictures have been seen.
func (s *Album) Same(ctx context.Context, forms map[string]record.Value, items []record.Ref) (err error) {
	defer fault.Wrap(&err, "store: note forms of pictures")
	if len(forms)+len(items) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.same(s.org, forms); err != nil || len(items) == 0 {
			return err
		}
		_, err := tx.exec(tx.ctx, `DELETE FROM picture_sendings WHERE org_id = ? AND user_id = ? AND item IN (?*)`,
			int64(s.org), int64(s.user), textsOf(items))
		return err
	})
}

var formInsert = func() *shape {
	s := newShape("picture_forms", "org_id", "form", "hash")
	s.clash = "ON CONFLICT (org_id, form) DO UPDATE SET hash = excluded.hash"
	return s
}()

func (tx *Tx) same(org record.ID, forms map[string]record.Value) error {
	rows := newBatch(formInsert, len(forms))
	for _, form := range slices.Sorted(maps.Keys(forms)) {
		if hash, ok := picture.Hash(forms[form]); ok && hash != form {
			rows.add(int64(org), form, hash)
		}
	}
	if rows.rows() == 0 {
		return nil
	}
	return tx.insert(tx.ctx, rows)
}

// Bytes are the pictures of values; those that are not kept are absent.
func (s *Album) Bytes(ctx context.Context, values []record.Value) (_ map[record.Value][]byte, err error) {
	defer fault.Wrap(&err, "store: %d pictures", len(values))
	var hashes texts
	for _, v := range values {
		if hash, ok := picture.Hash(v); ok {
			hashes = append(hashes, hash)
		}
	}
	out := make(map[record.Value][]byte, len(hashes))
	if len(hashes) == 0 {
		return out, nil
	}
	type kept struct {
		hash  string
		bytes []byte
	}
	found, err := list(ctx, s.reader(), func(scan scan) (k kept, err error) {
		err = scan(&k.hash, &k.bytes)
		return k, err
	}, `SELECT hash, bytes FROM pictures WHERE org_id = ? AND hash IN (?*)`, int64(s.org), hashes)
	for _, k := range found {
		out[picture.Of(k.hash)] = k.bytes
	}
	return out, err
}

var sendingInsert = func() *shape {
	s := newShape("picture_sendings", "org_id", "user_id", "item", "hash", "sent_at")
	s.clash = "ON CONFLICT (org_id, user_id, item) DO UPDATE SET hash = excluded.hash, sent_at = excluded.sent_at"
	return s
}()

// Sending notes which pictures items are about to be given.
func (s *Album) Sending(ctx context.Context, items map[record.Ref]record.Value) (err error) {
	defer fault.Wrap(&err, "store: note pictures on their way")
	return s.write(ctx, func(tx *Tx) error {
		rows := newBatch(sendingInsert, len(items))
		for _, item := range slices.Sorted(maps.Keys(items)) {
			hash, _ := picture.Hash(items[item])
			rows.add(int64(s.org), int64(s.user), string(item), hash, micros(s.now()))
		}
		return tx.insert(tx.ctx, rows)
	})
}

// Sendings are the pictures that items were about to be given and in which form nobody has seen yet.
func (s *Album) Sendings(ctx context.Context, items []record.Ref) (_ map[record.Ref]record.Value, err error) {
	defer fault.Wrap(&err, "store: pictures on their way")
	type sending struct{ item, hash string }
	found, err := list(ctx, s.reader(), func(scan scan) (x sending, err error) {
		err = scan(&x.item, &x.hash)
		return x, err
	}, `SELECT item, hash FROM picture_sendings WHERE org_id = ? AND user_id = ? AND item IN (?*)`, int64(s.org), int64(s.user), textsOf(items))
	out := make(map[record.Ref]record.Value, len(found))
	for _, x := range found {
		out[record.Ref(x.item)] = picture.Of(x.hash)
	}
	return out, err
}

// namers are the columns in which pictures are named.
var namers = []struct{ table, column string }{
	{"contacts", "fields"}, {"pairs", "base"}, {"pairs", "ask"}, {"intents", "body"}, {"history", "fields"}, {"history", "lost"}, {"history", "held"},
}

var pictureName = regexp.MustCompile(`sha256:([0-9a-f]{64})`)

// sweepPage bounds how many pictures one transaction of a sweep is about.
const sweepPage = 500

// Sweep removes the pictures of an organization that nothing has named for long, and returns how many those were. A
// picture that is named counts as kept anew, so that each is looked for once in that time.
func (s *Pictures) Sweep(ctx context.Context, org record.ID) (n int, err error) {
	defer fault.Wrap(&err, "store: sweep the pictures of organization %d", org)
	before := micros(s.now().Add(-pictureRest))
	if _, err := s.forgetSendings(ctx, org, before); err != nil {
		return 0, err
	}
	old, err := list(ctx, s.reader(), column[string], `SELECT hash FROM pictures WHERE org_id = ? AND kept_at < ?`, int64(org), before)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	named := map[string]bool{}
	for _, at := range namers {
		err := s.eachNamed(ctx, org, at.table, at.column, func(hash string) { named[hash] = true })
		if err != nil {
			return 0, err
		}
	}
	for page := range slices.Chunk(old, sweepPage) {
		var stay, leave texts
		for _, hash := range page {
			if named[hash] {
				stay = append(stay, hash)
			} else {
				leave = append(leave, hash)
			}
		}
		err := s.write(ctx, func(tx *Tx) error {
			if _, err := tx.exec(tx.ctx, `UPDATE pictures SET kept_at = ? WHERE org_id = ? AND hash IN (?*)`, micros(s.now()), int64(org), stay); err != nil {
				return err
			}
			// What was kept anew while we looked stays.
			gone, err := tx.exec(tx.ctx, `DELETE FROM pictures WHERE org_id = ? AND hash IN (?*) AND kept_at < ?`, int64(org), leave, before)
			n += int(gone)
			if err != nil {
				return err
			}
			_, err = tx.exec(tx.ctx, `DELETE FROM picture_forms WHERE org_id = ? AND hash IN (?*)
				AND NOT EXISTS (SELECT 1 FROM pictures p WHERE p.org_id = picture_forms.org_id AND p.hash = picture_forms.hash)`, int64(org), leave)
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s *Pictures) forgetSendings(ctx context.Context, org record.ID, before int64) (n int64, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		n, err = tx.exec(tx.ctx, `DELETE FROM picture_sendings WHERE org_id = ? AND sent_at < ?`, int64(org), before)
		return err
	})
	return n, err
}

// eachNamed tells the hashes of the pictures that a column names.
func (s *Pictures) eachNamed(ctx context.Context, org record.ID, table, name string, do func(hash string)) error {
	rows, err := s.reader().query(ctx, `SELECT `+name+` FROM `+table+` WHERE org_id = ? AND `+name+` LIKE '%sha256:%'`, int64(org))
	if err != nil {
		return classify(err)
	}
	defer rows.close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return classify(err)
		}
		for _, m := range pictureName.FindAllStringSubmatch(text, -1) {
			do(m[1])
		}
	}
	return classify(rows.Err())
}
