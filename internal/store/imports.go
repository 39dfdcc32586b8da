package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"sync"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/intake"
	"tandem/internal/record"
)

var _ intake.Store = (*Imports)(nil)

// Imports are files that people bring, and what became of their rows: an intake.Store.
type Imports struct{ *core }

// Imports is the face for imports.
func (s *Store) Imports() *Imports { return &Imports{s.core} }

const importColumns = `id, org_id, user_id, kind, file, size, settings, state, reason, row_count, at_row, counts, begun, touched`

func readImport(scan scan) (i intake.Import, err error) {
	var settings, counts string
	var begun, touched int64
	if err := scan(&i.ID, &i.Org, &i.User, &i.Kind, &i.File, &i.Size, &settings, &i.State, &i.Reason, &i.Rows, &i.At, &counts, &begun, &touched); err != nil {
		return i, err
	}
	i.Begun, i.Touched = moment(begun), moment(touched)
	if err := json.Unmarshal([]byte(settings), &i.Settings); err != nil {
		return i, err
	}
	return i, json.Unmarshal([]byte(counts), &i.Counts)
}

// importTexts are the settings and counts as they are stored.
func importTexts(i *intake.Import) (settings, counts string, err error) {
	s, err := json.Marshal(i.Settings)
	if err != nil {
		return "", "", err
	}
	c, err := json.Marshal(i.Counts)
	return clean(string(s)), string(c), err
}

// Import finds one.
func (s *Imports) Import(ctx context.Context, org record.ID, id string) (_ intake.Import, err error) {
	defer fault.Wrap(&err, "store: import")
	return theImport(ctx, s.reader(), org, id)
}

func theImport(ctx context.Context, q querier, org record.ID, id string) (intake.Import, error) {
	i, ok, err := first(ctx, q, readImport, `SELECT `+importColumns+` FROM imports WHERE id = ? AND org_id = ?`, clean(id), int64(org))
	if err == nil && !ok {
		err = notFound("import", id)
	}
	return i, err
}

// ImportsOf lists the imports of a user (0: of everybody), the latest first.
func (s *Imports) ImportsOf(ctx context.Context, org, user record.ID, limit int) (_ []intake.Import, err error) {
	defer fault.Wrap(&err, "store: imports of user %d", user)
	where, args := `org_id = ? AND state <> 'loading'`, []any{int64(org)}
	if user != 0 {
		where, args = where+` AND user_id = ?`, append(args, int64(user))
	}
	return list(ctx, s.reader(), readImport, `SELECT `+importColumns+` FROM imports WHERE `+where+` ORDER BY begun DESC, id LIMIT ?`, append(args, int64(pageLimit(limit)))...)
}

// ImportsTo lists those from whose files a record came or was changed, and that were not taken back, the latest first.
func (s *Imports) ImportsTo(ctx context.Context, org, id record.ID, limit int) (_ []intake.Import, err error) {
	defer fault.Wrap(&err, "store: imports that brought record %s", id)
	return list(ctx, s.reader(), readImport, `SELECT `+importColumns+` FROM imports WHERE org_id = ? AND state NOT IN ('loading', 'draft', 'undone')
		AND EXISTS (SELECT 1 FROM import_lines l WHERE l.import_id = imports.id AND l.record_id = ? AND l.record_id > 0 AND l.did IN ('created', 'updated'))
		ORDER BY begun DESC, id LIMIT ?`, int64(org), int64(id), int64(pageLimit(limit)))
}

// Begin stores a new import.
func (s *Imports) Begin(ctx context.Context, i intake.Import) (err error) {
	defer fault.Wrap(&err, "store: begin import")
	settings, counts, err := importTexts(&i)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.change(`INSERT INTO imports (`+importColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			i.ID, int64(i.Org), int64(i.User), string(i.Kind), bounded(i.File, 255), i.Size, settings, string(i.State), string(i.Reason),
			int64(i.Rows), int64(i.At), counts, micros(i.Begun), micros(i.Touched))
		return err
	})
}

// Fill keeps a piece of the file of an import that is loading.
func (s *Imports) Fill(ctx context.Context, org record.ID, id string, piece int, bytes []byte) (err error) {
	defer fault.Wrap(&err, "store: piece %d of import", piece)
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.change(`UPDATE imports SET touched = ? WHERE id = ? AND org_id = ? AND state = 'loading'`, micros(s.now()), id, int64(org))
		if err == nil && n == 0 {
			err = notFound("import", id)
		}
		if err != nil {
			return err
		}
		_, err = tx.change(`INSERT INTO import_pieces (import_id, n, bytes) VALUES (?, ?, ?)`, id, int64(piece), bytes)
		return err
	})
}

// Drop forgets an import of which no row was taken.
func (s *Imports) Drop(ctx context.Context, org record.ID, id string) (err error) {
	defer fault.Wrap(&err, "store: drop import")
	return s.write(ctx, func(tx *Tx) error {
		return tx.dropImports(`id = ? AND org_id = ? AND state IN ('loading', 'draft')`, id, int64(org))
	})
}

func (tx *Tx) dropImports(where string, args ...any) error {
	for _, table := range []string{"import_pieces", "import_lines"} {
		if _, err := tx.change(`DELETE FROM `+table+` WHERE import_id IN (SELECT id FROM imports WHERE `+where+`)`, args...); err != nil {
			return err
		}
	}
	_, err := tx.change(`DELETE FROM imports WHERE `+where, args...)
	return err
}

// Save stores how an import stands if its state and place are those given. The file goes when no row will be taken any more.
func (s *Imports) Save(ctx context.Context, i intake.Import, from intake.State, at int) (err error) {
	defer fault.Wrap(&err, "store: import is %s", i.State)
	return s.write(ctx, func(tx *Tx) error { return tx.saveImport(&i, from, at) })
}

func (tx *Tx) saveImport(i *intake.Import, from intake.State, at int) error {
	settings, counts, err := importTexts(i)
	if err != nil {
		return err
	}
	n, err := tx.change(`UPDATE imports SET size = ?, settings = ?, state = ?, reason = ?, row_count = ?, at_row = ?, counts = ?, touched = ?
		WHERE id = ? AND org_id = ? AND state = ? AND at_row = ?`, i.Size, settings, string(i.State), string(i.Reason), int64(i.Rows), int64(i.At), counts,
		micros(i.Touched), i.ID, int64(i.Org), string(from), int64(at))
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, fault.StaleLease, "store: the import is no longer %s at row %d", from, at)
	}
	if err != nil {
		return err
	}
	if i.State.Ended() {
		if _, err := tx.change(`DELETE FROM import_pieces WHERE import_id = ?`, i.ID); err != nil {
			return err
		}
	}
	tx.commits = append(tx.commits, Commit{Org: i.Org, Kind: i.Kind, Owners: []record.ID{i.User}, Import: true})
	return nil
}

// file reads the pieces of a file; it keeps the latest ones at hand.
type file struct {
	s    *Imports
	ctx  context.Context
	id   string
	size int64

	mu     sync.Mutex
	recent []filePiece
}

type filePiece struct {
	n     int64
	bytes []byte
}

// heldPieces is how many pieces are at hand: where a ZIP archive's directory is, and where it is read.
const heldPieces = 4

// File opens the file of an import, for as long as ctx lasts.
func (s *Imports) File(ctx context.Context, org record.ID, id string) (_ importfile.Source, err error) {
	defer fault.Wrap(&err, "store: the file of an import")
	i, err := s.Import(ctx, org, id)
	if err == nil && i.State.Ended() {
		err = notFound("file of import", id)
	}
	return &file{s: s, ctx: ctx, id: id, size: i.Size}, err
}

func (f *file) Size() int64 { return f.size }

// ReadAt reads across pieces.
func (f *file) ReadAt(p []byte, at int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at < 0 {
		return 0, fault.New(fault.Broken, "", "store: a place before the file")
	}
	for n < len(p) && at < f.size {
		piece, err := f.piece(at / intake.PieceSize)
		if err != nil {
			return n, err
		}
		from := int(at % intake.PieceSize)
		if from >= len(piece) {
			return n, io.ErrUnexpectedEOF
		}
		c := copy(p[n:], piece[from:])
		n, at = n+c, at+int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) piece(n int64) ([]byte, error) {
	for i, p := range f.recent {
		if p.n == n {
			f.recent = append(slices.Delete(f.recent, i, i+1), p)
			return p.bytes, nil
		}
	}
	bytes, ok, err := first(f.ctx, f.s.reader(), column[[]byte], `SELECT bytes FROM import_pieces WHERE import_id = ? AND n = ?`, f.id, n)
	if err == nil && !ok {
		err = notFound("piece of a file", n)
	}
	if err != nil {
		return nil, err
	}
	if len(f.recent) == heldPieces {
		f.recent = slices.Delete(f.recent, 0, 1)
	}
	f.recent = append(f.recent, filePiece{n, bytes})
	return bytes, nil
}

var (
	importLines = newShape("import_lines", "import_id", "n", "did", "record_id", "version", "body")
	eventUIDs   = &shape{table: "event_uids", columns: []string{"org_id", "uid", "record_id"}, clash: " ON CONFLICT (org_id, uid, record_id) DO NOTHING"}
)

// Take stores a step: the records, what became of the rows and how far the import is, in one transaction.
func (s *Imports) Take(ctx context.Context, by crm.Author, step intake.Step) (err error) {
	defer fault.Wrap(&err, "store: take rows of an import")
	return s.write(ctx, func(tx *Tx) error {
		i := step.Import
		seq, err := tx.takeSeq(by.Org, len(step.Fresh)+len(step.Changed))
		if err != nil {
			return err
		}
		if err := tx.saveImport(&i, i.State, step.From); err != nil {
			return err
		}
		lines := slices.Clone(step.Lines)
		if len(step.Changed) > 0 {
			changed, faults := slices.Clone(step.Changed), make([]error, len(step.Changed))
			if err := tx.updateRecords(by, i.Kind, changed, faults, seq); err != nil {
				return err
			}
			for n, wrong := range faults {
				if wrong != nil {
					return wrong // takes everything back
				}
				if n < len(step.ChangedLines) {
					lines[step.ChangedLines[n]].Version = changed[n].Version
				}
				if slices.Contains(step.Rebase, changed[n].ID) {
					if _, err := tx.change(`UPDATE import_lines SET version = ? WHERE import_id = ? AND record_id = ? AND n < ? AND version = ?`,
						changed[n].Version, i.ID, int64(changed[n].ID), int64(i.At), changed[n].Version-2); err != nil {
						return err
					}
				}
			}
		}
		uids := newBatch(eventUIDs, 0)
		if len(step.Fresh) > 0 {
			fresh := slices.Clone(step.Fresh)
			if err := tx.insertRecords(by, i.Kind, fresh, seq+int64(len(step.Changed))); err != nil {
				return err
			}
			for n, r := range fresh {
				line := &lines[step.FreshLines[n]]
				line.Record, line.Version = r.ID, r.Version
				if uid := step.UIDs[n]; uid != "" && i.Kind == record.Calendar {
					uids.add(int64(by.Org), uidKey(uid), int64(r.ID))
				}
			}
		}
		if uids.rows() > 0 {
			if err := tx.insert(tx.ctx, uids); err != nil {
				return err
			}
		}
		return tx.keepLines(i.ID, lines)
	})
}

func (tx *Tx) keepLines(id string, lines []intake.Line) error {
	if len(lines) == 0 {
		return nil
	}
	b := newBatch(importLines, len(lines))
	for _, l := range lines {
		body, err := json.Marshal(l)
		if err != nil {
			return err
		}
		b.add(id, int64(l.N), string(l.Did), int64(l.Record), l.Version, string(body))
	}
	return tx.insert(tx.ctx, b)
}

func readLine(scan scan) (l intake.Line, err error) {
	var n, version, id int64
	var body string
	if err := scan(&n, &id, &version, &body); err != nil {
		return l, err
	}
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		return l, err
	}
	l.N, l.Record, l.Version = int(n), record.ID(id), version
	return l, nil
}

// Lines lists lines that were created or updated, backwards from the one before a place.
func (s *Imports) Lines(ctx context.Context, org record.ID, id string, before, limit int) (_ []intake.Line, err error) {
	defer fault.Wrap(&err, "store: lines of an import")
	where, args := "", []any{id, int64(org)}
	if before > 0 {
		where, args = ` AND n < ?`, append(args, int64(before))
	}
	return list(ctx, s.reader(), readLine, `SELECT n, record_id, version, body FROM import_lines
		WHERE import_id = (SELECT id FROM imports WHERE id = ? AND org_id = ?) AND record_id > 0`+where+` ORDER BY n DESC LIMIT ?`,
		append(args, int64(limit))...)
}

// FailedLines lists lines of rows that were not taken, after a place.
func (s *Imports) FailedLines(ctx context.Context, org record.ID, id string, after, limit int) (_ []intake.Line, err error) {
	defer fault.Wrap(&err, "store: failed lines of an import")
	return list(ctx, s.reader(), readLine, `SELECT n, record_id, version, body FROM import_lines
		WHERE import_id = (SELECT id FROM imports WHERE id = ? AND org_id = ?) AND did = 'failed' AND n > ? ORDER BY n LIMIT ?`,
		id, int64(org), int64(after), int64(limit))
}

// uidKey is a UID as it is kept: long ones by their hash.
func uidKey(uid string) string {
	if uid = clean(uid); len(uid) <= 255 {
		return uid
	}
	sum := sha256.Sum256([]byte(uid))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ByUID finds events that are not deleted by the UID that they were imported with.
func (s *Imports) ByUID(ctx context.Context, org, owner record.ID, uids []string) (_ map[string]record.ID, err error) {
	defer fault.Wrap(&err, "store: events by %d UIDs", len(uids))
	keys := make(texts, len(uids))
	asked := make(map[string][]string, len(uids))
	for i, uid := range uids {
		keys[i] = uidKey(uid)
		asked[keys[i]] = append(asked[keys[i]], uid)
	}
	where, args := `u.org_id = ? AND u.uid IN (?*) AND e.deleted_at = 0`, []any{int64(org), keys}
	if owner != 0 {
		where, args = where+` AND e.owner_id = ?`, append(args, int64(owner))
	}
	type row struct {
		key string
		id  record.ID
	}
	found, err := list(ctx, s.reader(), func(scan scan) (r row, err error) {
		err = scan(&r.key, &r.id)
		return r, err
	}, `SELECT u.uid, MIN(u.record_id) FROM event_uids u JOIN events e ON e.id = u.record_id AND e.org_id = u.org_id WHERE `+where+` GROUP BY u.uid`, args...)
	out := make(map[string]record.ID, len(found))
	for _, r := range found {
		for _, uid := range asked[r.key] {
			out[uid] = r.id
		}
	}
	return out, err
}

// Remembered tells what columns of these names were said to be.
func (s *Imports) Remembered(ctx context.Context, org, user record.ID, kind record.Kind, keys []string) (_ map[string]intake.Target, err error) {
	defer fault.Wrap(&err, "store: remembered columns")
	type row struct {
		name, target string
	}
	found, err := list(ctx, s.reader(), func(scan scan) (r row, err error) {
		err = scan(&r.name, &r.target)
		return r, err
	}, `SELECT name, target FROM import_columns WHERE org_id = ? AND kind = ? AND name IN (?*)
		ORDER BY CASE WHEN user_id = ? THEN 1 ELSE 0 END, said_at`, int64(org), string(kind), columnNames(keys), int64(user))
	out := make(map[string]intake.Target, len(found))
	for _, r := range found { // what comes later counts
		out[r.name] = intake.Target(r.target)
	}
	return out, err
}

// columnNames are names of columns as they are kept.
func columnNames(keys []string) texts {
	out := make(texts, len(keys))
	for i, key := range keys {
		out[i] = bounded(key, 255)
	}
	return out
}

var importColumnInsert = &shape{table: "import_columns", columns: []string{"org_id", "kind", "name", "user_id", "target", "said_at"},
	clash: " ON CONFLICT (org_id, kind, name, user_id) DO UPDATE SET target = excluded.target, said_at = excluded.said_at"}

// Remember keeps what a user said that columns are.
func (s *Imports) Remember(ctx context.Context, org, user record.ID, kind record.Kind, targets map[string]intake.Target) (err error) {
	defer fault.Wrap(&err, "store: remember columns")
	if len(targets) == 0 {
		return nil
	}
	b := newBatch(importColumnInsert, len(targets))
	seen := map[string]bool{}
	for name, target := range targets {
		if name = bounded(name, 255); seen[name] {
			continue
		}
		seen[name] = true
		b.add(int64(org), string(kind), name, int64(user), string(target), micros(s.now()))
	}
	return s.write(ctx, func(tx *Tx) error { return tx.insert(tx.ctx, b) })
}

// Stranded lists imports that nobody has worked on since a time though there is work, of all organizations.
func (s *Imports) Stranded(ctx context.Context, since time.Time, limit int) (_ []intake.Import, err error) {
	defer fault.Wrap(&err, "store: stranded imports")
	return list(ctx, s.reader(), readImport, `SELECT `+importColumns+` FROM imports WHERE state IN ('running', 'undoing') AND touched < ? ORDER BY touched LIMIT ?`,
		micros(since), int64(limit))
}

// PruneImports forgets what was not touched since: files that were never started since drafts, all others since ended.
func (s *Imports) PruneImports(ctx context.Context, drafts, ended time.Time) (err error) {
	defer fault.Wrap(&err, "store: prune imports")
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.dropImports(`state IN ('loading', 'draft') AND touched < ?`, micros(drafts)); err != nil {
			return err
		}
		if err := tx.dropImports(`state NOT IN ('loading', 'draft', 'running', 'undoing') AND touched < ?`, micros(ended)); err != nil {
			return err
		}
		_, err := tx.change(`DELETE FROM event_uids WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = event_uids.record_id)`)
		return err
	})
}

// ImportRows counts what is kept of all imports: their files in pieces, and lines.
func (s *Imports) ImportRows(ctx context.Context) (int64, error) {
	n, _, err := first(ctx, s.reader(), column[int64], `SELECT (SELECT COUNT(*) FROM import_pieces) + (SELECT COUNT(*) FROM import_lines)`)
	return n, err
}
