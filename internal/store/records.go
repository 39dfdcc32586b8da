package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var _ crm.Store = (*Records)(nil)

// idsPerOrg is how far apart the ids of two organizations' records lie: an id is the organization's id times this, and
// the sequence number of the record's first write.
const idsPerOrg = 1_000_000_000_000

// tableOf is the table of a kind of record.
func tableOf(kind record.Kind) string {
	if kind == record.Contacts {
		return "contacts"
	}
	return "events"
}

// maxPage bounds a page whose asker named no limit.
const maxPage = 2000

func pageLimit(limit int) int {
	if limit <= 0 {
		return maxPage
	}
	return limit
}

// recordColumns are those that recordReader reads.
func recordColumns(kind record.Kind) string {
	const columns = `id, owner_id, version, seq, source, mass_updated, token, stamp, created_at, created_by,
		modified_at, modified_by, deleted_at, deleted_by, restored_at, fields, `
	if kind == record.Contacts {
		return columns + "'', ''"
	}
	return columns + "mailing, kept_in"
}

func recordReader(org record.ID, kind record.Kind) func(scan) (crm.Record, error) {
	return func(scan scan) (crm.Record, error) {
		r := crm.Record{Org: org, Kind: kind}
		var created, modified, deleted, restored int64
		var fields, mailing string
		err := scan(&r.ID, &r.Owner, &r.Version, &r.Seq, &r.Source, &r.Mark, &r.Token, &r.Stamp, &created, &r.CreatedBy,
			&modified, &r.ModifiedBy, &deleted, &r.DeletedBy, &restored, &fields, &mailing, &r.KeptIn)
		if err != nil {
			return r, err
		}
		r.CreatedAt, r.ModifiedAt, r.DeletedAt, r.RestoredAt = moment(created), moment(modified), moment(deleted), moment(restored)
		if r.Fields, err = fieldsOf(fields); err == nil && mailing != "" {
			err = json.Unmarshal([]byte(mailing), &r.Mailing)
		}
		return r, err
	}
}

// Records lists a page.
func (s *Records) Records(ctx context.Context, org record.ID, kind record.Kind, q crm.Query) (_ []crm.Record, err error) {
	defer fault.Wrap(&err, "store: list %s", kind)
	q, err = s.candidates(ctx, org, kind, q, manyForPage)
	if err != nil {
		return nil, err
	}
	where, args := conditions(org, kind, q)
	order, by := ordering(kind, q)
	// First the ids, mostly from an index alone, then the rows of the page: long offsets stay cheap.
	return list(ctx, s.reader(), recordReader(org, kind), fmt.Sprintf(
		`SELECT %s FROM %[2]s WHERE id IN (SELECT id FROM %[2]s WHERE %[3]s ORDER BY %[4]s LIMIT ? OFFSET ?) ORDER BY %[4]s`,
		recordColumns(kind), tableOf(kind), where, order), slices.Concat(args, by, []any{int64(pageLimit(q.Limit)), int64(q.Offset)}, by)...)
}

// ordering is the order of a query as SQL, with its arguments.
func ordering(kind record.Kind, q crm.Query) (order string, by []any) {
	column := "id" // also by creation: ids rise with it
	switch q.Sort {
	case crm.ByModified:
		column = "modified_at"
	case crm.ByName:
		column = "name"
	case crm.ByStart:
		if column = "start_at"; kind == record.Contacts {
			column = "id"
		}
	}
	switch {
	case kind == record.Contacts && q.Sort == crm.ByCompany:
		column = "company"
	case kind == record.Contacts && q.Sort == crm.ByEmail:
		column = "email"
	case q.Sort == crm.ByField:
		column, by = sortValue(q.SortOn)
	}
	order = column + ", id"
	if q.Descending {
		order = strings.ReplaceAll(column, ", ", " DESC, ") + " DESC, id DESC"
	}
	return order, by
}

// IDs lists the ids of all that a query finds, in one statement.
func (s *Records) IDs(ctx context.Context, org record.ID, kind record.Kind, q crm.Query) (_ []record.ID, err error) {
	defer fault.Wrap(&err, "store: list ids of %s", kind)
	if q, err = s.candidates(ctx, org, kind, q, manyForCount); err != nil {
		return nil, err
	}
	where, args := conditions(org, kind, q)
	order, by := ordering(kind, q)
	return list(ctx, s.reader(), column[record.ID], fmt.Sprintf(`SELECT id FROM %s WHERE %s ORDER BY %s`, tableOf(kind), where, order), append(args, by...)...)
}

// Count counts what Records would list without a limit.
func (s *Records) Count(ctx context.Context, org record.ID, kind record.Kind, q crm.Query) (_ int, err error) {
	defer fault.Wrap(&err, "store: count %s", kind)
	if q, err = s.candidates(ctx, org, kind, q, manyForCount); err != nil {
		return 0, err
	}
	if len(q.Filters) > 0 {
		q.Sort = crm.ByID // all of them are looked at, best in the order in which they lie
	}
	where, args := conditions(org, kind, q)
	text := `SELECT COUNT(*) FROM %s WHERE %s`
	if q.Most > 0 {
		order := ""
		if kind != record.Contacts && q.Sort == crm.ByStart { // as Records walks: in the order of an index
			order = " ORDER BY start_at"
		}
		text, args = `SELECT COUNT(*) FROM (SELECT 1 FROM %s WHERE %s`+order+` LIMIT ?) AS most`, append(args, int64(q.Most))
	}
	n, _, err := first(ctx, s.reader(), column[int64], fmt.Sprintf(text, tableOf(kind), where), args...)
	return int(n), err
}

// conditions are those of a query as SQL, with their arguments. A plus before a column keeps the databases from an index
// that begins with it, where another one is better.
func conditions(org record.ID, kind record.Kind, q crm.Query) (string, []any) {
	var where []string
	var args []any
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	plus := ""
	if q.IDs != nil {
		plus = "+"
		add("id IN (?*)", intsOf(q.IDs))
	}
	add(plus+"org_id = ?", int64(org))
	if q.Owner != 0 {
		add(plus+"owner_id = ?", int64(q.Owner))
	} else if q.IDs == nil && (q.Sort == "" || q.Sort == crm.ByID || q.Sort == crm.ByCreated) {
		add("id > ? AND id < ?", int64(org)*idsPerOrg, (int64(org)+1)*idsPerOrg)
	}
	if q.Deleted {
		add("deleted_at > 0")
	} else {
		add("deleted_at = 0")
	}
	if kind != record.Contacts {
		addSpan(q, add)
	}
	if !q.ModifiedSince.IsZero() {
		add("modified_at >= ?", micros(q.ModifiedSince))
	}
	if q.Imported {
		add("mass_updated = 0 AND source IN (?, ?)", string(record.Import), string(record.Migration))
	}
	words := wordsOf(q.Search)
	if q.Who != 0 && kind != record.Contacts {
		add("who_id = ? AND who_id > 0", int64(q.Who))
	}
	if (len(words) > 0 || q.Who != 0 || len(q.Filters) > 0 || q.Unveiled) && q.Reader != 0 && q.Reader != q.Owner && kind != record.Contacts {
		add("(private = 0 OR owner_id = ?)", int64(q.Reader))
	}
	if q.Outlook == crm.InOutlook && q.Owner != 0 { // what one mailbox has is listed once, and each record held against the list
		add(`+id IN (SELECT CAST(p.crm_ref AS BIGINT) FROM links k JOIN pairs p ON p.link_id = k.id
			WHERE k.org_id = ? AND k.user_id = ? AND k.kind = ? AND k.state <> 'off' AND p.crm_ref <> '' AND p.state = 'synced')`,
			int64(org), int64(q.Owner), string(kind))
	} else if q.Outlook != "" {
		add(map[crm.Standing]string{crm.InOutlook: "", crm.NotInOutlook: "NOT "}[q.Outlook]+fmt.Sprintf(`EXISTS (SELECT 1 FROM links k JOIN pairs p ON p.link_id = k.id
			WHERE k.org_id = %[1]s.org_id AND k.user_id = %[1]s.owner_id AND k.kind = ? AND k.state <> 'off'
				AND p.crm_ref = CAST(%[1]s.id AS VARCHAR) AND p.crm_ref <> '' AND p.state = 'synced')`, tableOf(kind)), string(kind))
	}
	for _, word := range words {
		add(`search LIKE ? ESCAPE '\'`, "%"+likeWords.Replace(word)+"%")
	}
	for _, f := range q.Filters {
		addFilter(kind, f, add)
	}
	return strings.Join(where, " AND "), args
}

// addSpan adds when events take place. What lasts whole days is held against the bounds for those; as most events are far from either
// bound, hardly any has to be looked into for that.
func addSpan(q crm.Query, add func(condition string, values ...any)) {
	bound := func(condition string, moment, day time.Time) {
		wide, narrow := min(micros(moment), micros(day)), max(micros(moment), micros(day))
		if strings.Contains(condition, "<") {
			wide, narrow = narrow, wide
		}
		switch {
		case moment.IsZero():
		case day.IsZero() || wide == narrow:
			add(condition, micros(moment))
		default:
			add(condition, wide)
			add("("+condition+" OR CASE WHEN FIELD(?) = 'true' THEN "+condition+" ELSE "+condition+" END)",
				narrow, string(record.AllDay), micros(day), micros(moment))
		}
	}
	bound("end_at > ?", q.From, q.FromDay)
	// All that began earlier is much, what ends later is less.
	bound("+start_at < ?", q.To, q.ToDay)
	bound("end_at <= ?", q.Ended, time.Time{})
}

// ByID finds records, deleted ones too.
func (s *Records) ByID(ctx context.Context, org record.ID, kind record.Kind, ids []record.ID) (_ map[record.ID]crm.Record, err error) {
	defer fault.Wrap(&err, "store: find %d %s", len(ids), kind)
	found, err := list(ctx, s.reader(), recordReader(org, kind), fmt.Sprintf(
		`SELECT %s FROM %s WHERE +org_id = ? AND id IN (?*)`, recordColumns(kind), tableOf(kind)), int64(org), intsOf(ids))
	out := make(map[record.ID]crm.Record, len(found))
	for _, r := range found {
		out[r.ID] = r
	}
	return out, err
}

// ByToken finds records by the intent that created them.
func (s *Records) ByToken(ctx context.Context, org record.ID, kind record.Kind, tokens []string) (_ map[string]crm.Record, err error) {
	defer fault.Wrap(&err, "store: find %d %s by token", len(tokens), kind)
	return byToken(ctx, s.reader(), org, kind, tokens)
}

func byToken(ctx context.Context, q querier, org record.ID, kind record.Kind, tokens []string) (map[string]crm.Record, error) {
	found, err := list(ctx, q, recordReader(org, kind), fmt.Sprintf(
		`SELECT %s FROM %s WHERE org_id = ? AND token IN (?*) AND token <> ''`, recordColumns(kind), tableOf(kind)), int64(org), texts(tokens))
	out := make(map[string]crm.Record, len(found))
	for _, r := range found {
		out[r.Token] = r
	}
	return out, err
}

// The columns that Insert and Update write.
var (
	recordInsert = map[record.Kind]*shape{
		record.Contacts: newShape("contacts", "id", "org_id", "created_at", "created_by", "token", "version", "seq", "owner_id", "source",
			"mass_updated", "modified_at", "modified_by", "deleted_at", "deleted_by", "restored_at", "name", "search", "fields", "company", "email"),
		record.Calendar: newShape("events", "id", "org_id", "created_at", "created_by", "token", "version", "seq", "owner_id", "source",
			"mass_updated", "modified_at", "modified_by", "deleted_at", "deleted_by", "restored_at", "name", "search", "fields", "start_at", "end_at", "private", "who_id", "mailing", "kept_in"),
	}
	recordUpdate = map[record.Kind]*shape{
		record.Contacts: newShape("contacts", "id", "stamp", "version", "seq", "owner_id", "source", "mass_updated", "modified_at", "modified_by",
			"deleted_at", "deleted_by", "restored_at", "name", "search", "fields", "company", "email"),
		record.Calendar: newShape("events", "id", "stamp", "version", "seq", "owner_id", "source", "mass_updated", "modified_at", "modified_by",
			"deleted_at", "deleted_by", "restored_at", "name", "search", "fields", "start_at", "end_at", "private", "who_id", "mailing", "kept_in"),
	}
	departureInsert = &shape{table: "departures", columns: []string{"org_id", "kind", "owner_id", "id", "seq"},
		clash: " ON CONFLICT (org_id, kind, owner_id, id) DO UPDATE SET seq = excluded.seq"}
	tombstoneInsert = newShape("tombstones", "id", "org_id", "kind", "owner_id", "name", "deleted_at", "deleted_by", "created_by")
)

// addRecord adds what changes with every write of a record.
func (b *batch) addRecord(r *crm.Record, search string) error {
	// Empty values are left out: the CRM fills them in, and most of a record is empty.
	filled := maps.Clone(r.Fields)
	maps.DeleteFunc(filled, func(_ record.Field, v record.Value) bool { return v == "" })
	fields, err := json.Marshal(filled)
	if err != nil {
		return err
	}
	b.add(r.Version, r.Seq, int64(r.Owner), string(r.Source), int64(r.Mark), micros(r.ModifiedAt), int64(r.ModifiedBy),
		micros(r.DeletedAt), int64(r.DeletedBy), micros(r.RestoredAt), sortName(r.Kind, r.Fields), search, string(fields))
	if r.Kind == record.Contacts {
		b.add(sortKey(r.Fields[record.AccountName]), sortKey(r.Fields[record.EmailField]))
		return nil
	}
	start, end := span(r.Fields)
	who, _ := record.ParseID(string(r.Fields[record.WhoID]))
	mailing := ""
	if r.Mailing != (crm.Mailing{}) {
		text, err := json.Marshal(r.Mailing)
		if err != nil {
			return err
		}
		mailing = string(text)
	}
	r.KeptIn = ""
	b.add(start, end, flag(record.HasPrivate(r.Fields)), int64(who), mailing, "")
	return nil
}

// takeSeq takes the organization's next n sequence numbers and returns the one before them. Whoever has taken some keeps
// the organization's row locked until its transaction ends. So transactions that write records of an organization
// follow one another, and their sequence numbers become visible in ascending order: who has read up to a number will
// never miss one below it (SYNC-INVARIANTS I7). SQLite has one writer anyway.
func (tx *Tx) takeSeq(org record.ID, n int) (int64, error) {
	last, ok, err := first(tx.ctx, tx, column[int64], `UPDATE organizations SET seq = seq + ? WHERE id = ? RETURNING seq`, int64(n), int64(org))
	if err == nil && !ok {
		err = notFound("organization", org)
	}
	return last - int64(n), err
}

// Insert stores new records. One whose Token is known already comes back as it is stored.
func (s *Records) Insert(ctx context.Context, by crm.Author, records []crm.Record) (out []crm.Record, err error) {
	defer fault.Wrap(&err, "store: insert %d records", len(records))
	if len(records) == 0 {
		return nil, nil
	}
	err = s.write(ctx, func(tx *Tx) error {
		out = slices.Clone(records)
		seq, err := tx.takeSeq(by.Org, len(records))
		if err != nil {
			return err
		}
		if err := tx.fenced(by); err != nil {
			return err
		}
		for _, kind := range kindsOf(records) {
			if err := tx.insertRecords(by, kind, out, seq); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// fenced refuses the writes of a run of sync whose lease another one has taken, such as one of a process that was frozen. The
// link's row stays locked until the end of the transaction; the organization's is locked before it, as by everybody who wakes links.
func (tx *Tx) fenced(by crm.Author) error {
	if by.Fence == 0 {
		return nil
	}
	fence, ok, err := first(tx.ctx, tx, column[int64], `SELECT fence FROM links WHERE org_id = ? AND id = ? FOR UPDATE`, int64(by.Org), by.Link)
	if err == nil && (!ok || fence != by.Fence) {
		err = staleLease(&reconcile.Link{ID: reconcile.LinkID(by.Link), Fence: by.Fence})
	}
	return err
}

func kindsOf(records []crm.Record) []record.Kind {
	var kinds []record.Kind
	for i := range records {
		if !slices.Contains(kinds, records[i].Kind) {
			kinds = append(kinds, records[i].Kind)
		}
	}
	return kinds
}

// insertRecords stores those of the records that are of a kind; seq is the number before the first one's.
func (tx *Tx) insertRecords(by crm.Author, kind record.Kind, records []crm.Record, seq int64) error {
	var tokens []string
	for i := range records {
		if records[i].Kind == kind && records[i].Token != "" {
			tokens = append(tokens, records[i].Token)
		}
	}
	known := map[string]crm.Record{}
	if len(tokens) > 0 {
		var err error
		if known, err = byToken(tx.ctx, tx, by.Org, kind, tokens); err != nil {
			return err
		}
	}
	own, err := tx.findable(by.Org, kind, records)
	if err != nil {
		return err
	}
	rows := newBatch(recordInsert[kind], len(records))
	var owners []record.ID
	var fresh []*crm.Record
	for i := range records {
		r := &records[i]
		if r.Kind != kind {
			continue
		}
		if stored, ok := known[r.Token]; ok && r.Token != "" {
			*r = stored
			continue
		}
		r.Org, r.Version, r.Seq = by.Org, 1, seq+int64(i)+1
		r.ID = record.ID(int64(by.Org)*idsPerOrg + r.Seq)
		rows.add(int64(r.ID), int64(r.Org), micros(r.CreatedAt), int64(r.CreatedBy), r.Token)
		if err := rows.addRecord(r, searchText(kind, r.Fields, own)); err != nil {
			return err
		}
		if r.Token != "" {
			known[r.Token] = *r // the same token twice in one call is one record too
		}
		fresh = append(fresh, r)
		owners = append(owners, r.Owner)
	}
	tx.items += int64(rows.rows())
	if err := tx.insert(tx.ctx, rows); err != nil {
		return err
	}
	if err := tx.reindex(kind, fresh, own, nil); err != nil {
		return err
	}
	if err := tx.rekey(by.Org, kind, fresh); err != nil {
		return err
	}
	return tx.wakeOwners(by, kind, owners)
}

// Update stores records that are still at the version they were read at.
func (s *Records) Update(ctx context.Context, by crm.Author, records []crm.Record) (out []crm.Record, faults []error, err error) {
	defer fault.Wrap(&err, "store: update %d records", len(records))
	if len(records) == 0 {
		return nil, nil, nil
	}
	err = s.write(ctx, func(tx *Tx) error {
		out, faults = slices.Clone(records), make([]error, len(records))
		seq, err := tx.takeSeq(by.Org, len(records))
		if err != nil {
			return err
		}
		if err := tx.fenced(by); err != nil {
			return err
		}
		before, err := tx.toldEdits(by, records)
		if err != nil {
			return err
		}
		for _, kind := range kindsOf(records) {
			if err := tx.updateRecords(by, kind, out, faults, seq); err != nil {
				return err
			}
		}
		return tx.tellEdits(by, before, out, faults)
	})
	return out, faults, err
}

// Rewrite stores changed records and fresh ones in one transaction, or none of them.
func (s *Records) Rewrite(ctx context.Context, by crm.Author, changed, fresh []crm.Record) (after, added []crm.Record, err error) {
	defer fault.Wrap(&err, "store: rewrite %d records and add %d", len(changed), len(fresh))
	err = s.write(ctx, func(tx *Tx) error {
		after, added = slices.Clone(changed), slices.Clone(fresh)
		faults := make([]error, len(changed))
		seq, err := tx.takeSeq(by.Org, len(changed)+len(fresh))
		if err != nil {
			return err
		}
		if err := tx.fenced(by); err != nil {
			return err
		}
		before, err := tx.toldEdits(by, changed)
		if err != nil {
			return err
		}
		for _, kind := range kindsOf(changed) {
			if err := tx.updateRecords(by, kind, after, faults, seq); err != nil {
				return err
			}
		}
		for _, fault := range faults {
			if fault != nil {
				return fault // takes everything back
			}
		}
		if err := tx.tellEdits(by, before, after, faults); err != nil {
			return err
		}
		for _, kind := range kindsOf(fresh) {
			if err := tx.insertRecords(by, kind, added, seq+int64(len(changed))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return after, added, nil
}

// updateRecords stores those of the records that are of a kind and notes why others were not.
func (tx *Tx) updateRecords(by crm.Author, kind record.Kind, records []crm.Record, faults []error, seq int64) error {
	type stored struct {
		id, version, owner int64
		search             string
	}
	var ids ints
	for i := range records {
		if records[i].Kind == kind {
			ids = append(ids, int64(records[i].ID))
		}
	}
	// Nobody else writes records of the organization before this transaction ends: see takeSeq.
	found, err := list(tx.ctx, tx, func(scan scan) (r stored, err error) {
		err = scan(&r.id, &r.version, &r.owner, &r.search)
		return r, err
	},
		fmt.Sprintf(`SELECT id, version, owner_id, search FROM %s WHERE +org_id = ? AND id IN (?*)`, tableOf(kind)), int64(by.Org), ids)
	if err != nil {
		return err
	}
	before := make(map[record.ID]stored, len(found))
	for _, f := range found {
		before[record.ID(f.id)] = f
	}
	own, err := tx.findable(by.Org, kind, records)
	if err != nil {
		return err
	}
	rows, departures := newBatch(recordUpdate[kind], len(ids)), newBatch(departureInsert, 0)
	arrived := map[record.ID]ints{}
	var owners []record.ID
	var written, moved []*crm.Record // moved: in what a search finds
	for i := range records {
		r := &records[i]
		if r.Kind != kind {
			continue
		}
		was, ok := before[r.ID]
		switch {
		case !ok:
			faults[i] = notFound("record", r.ID)
			continue
		case was.version != r.Version:
			faults[i] = fault.New(fault.Conflict, "", "store: record %d is at version %d, not at %d", r.ID, was.version, r.Version)
			continue
		}
		r.Org, r.Version, r.Seq = by.Org, r.Version+1, seq+int64(i)+1
		search := searchText(kind, r.Fields, own)
		if search != was.search {
			moved = append(moved, r)
		}
		before[r.ID] = stored{was.id, r.Version, int64(r.Owner), search} // should the call name it twice
		rows.add(int64(r.ID), r.Stamp)
		if err := rows.addRecord(r, search); err != nil {
			return err
		}
		owners, written = append(owners, r.Owner), append(written, r)
		if old := record.ID(was.owner); old != r.Owner {
			owners = append(owners, old)
			departures.add(int64(by.Org), string(kind), int64(old), int64(r.ID), r.Seq)
			arrived[r.Owner] = append(arrived[r.Owner], int64(r.ID))
		}
	}
	tx.items += int64(rows.rows())
	if err := tx.update(tx.ctx, rows); err != nil {
		return err
	}
	if err := tx.reindex(kind, moved, own, nil); err != nil {
		return err
	}
	if err := tx.rekey(by.Org, kind, written); err != nil {
		return err
	}
	if err := tx.depart(by.Org, kind, departures, arrived); err != nil {
		return err
	}
	return tx.wakeOwners(by, kind, owners)
}

// depart notes who no longer has a record; whoever has it again has not lost it.
func (tx *Tx) depart(org record.ID, kind record.Kind, departures *batch, arrived map[record.ID]ints) error {
	if err := tx.insert(tx.ctx, departures); err != nil {
		return err
	}
	for owner, ids := range arrived {
		if _, err := tx.exec(tx.ctx, `DELETE FROM departures WHERE org_id = ? AND kind = ? AND owner_id = ? AND id IN (?*)`,
			int64(org), string(kind), int64(owner), ids); err != nil {
			return err
		}
	}
	return nil
}

// Destroy removes records from the recycle bin for good; those that are not in it stay.
func (s *Records) Destroy(ctx context.Context, by crm.Author, kind record.Kind, ids []record.ID, at time.Time) (err error) {
	defer fault.Wrap(&err, "store: destroy %d %s", len(ids), kind)
	if len(ids) == 0 {
		return nil
	}
	return s.write(ctx, func(tx *Tx) error {
		seq, err := tx.takeSeq(by.Org, len(ids))
		if err != nil {
			return err
		}
		doomed, err := list(tx.ctx, tx, recordReader(by.Org, kind), fmt.Sprintf(
			`SELECT %s FROM %s WHERE +org_id = ? AND id IN (?*) AND +deleted_at > 0`, recordColumns(kind), tableOf(kind)), int64(by.Org), intsOf(ids))
		if err != nil || len(doomed) == 0 {
			return err
		}
		stones, departures := newBatch(tombstoneInsert, len(doomed)), newBatch(departureInsert, len(doomed))
		var owners []record.ID
		gone := make(ints, len(doomed))
		for i, r := range doomed {
			gone[i], owners = int64(r.ID), append(owners, r.Owner)
			who := by.User
			if who == 0 {
				who = r.DeletedBy // the bin was emptied by itself
			}
			stones.add(int64(r.ID), int64(by.Org), string(kind), int64(r.Owner), graveName(kind, r.Fields), micros(at), int64(who), int64(r.CreatedBy))
			departures.add(int64(by.Org), string(kind), int64(r.Owner), int64(r.ID), seq+int64(i)+1)
		}
		if _, err := tx.exec(tx.ctx, fmt.Sprintf(`DELETE FROM %s WHERE +org_id = ? AND id IN (?*)`, tableOf(kind)), int64(by.Org), gone); err != nil {
			return err
		}
		if err := tx.reindex(kind, nil, nil, gone); err != nil {
			return err
		}
		if kind == record.Contacts {
			if err := tx.forgetApart(by.Org, gone); err != nil {
				return err
			}
			if err := tx.forgetEdits(by.Org, gone); err != nil {
				return err
			}
		}
		if err := tx.insert(tx.ctx, stones); err != nil {
			return err
		}
		if err := tx.insert(tx.ctx, departures); err != nil {
			return err
		}
		tx.items += int64(len(doomed))
		return tx.wakeOwners(by, kind, owners)
	})
}

// Tombstones lists what was deleted at or after since, latest first.
func (s *Records) Tombstones(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, since time.Time, limit, offset int) (_ []crm.Tombstone, err error) {
	defer fault.Wrap(&err, "store: list deleted %s", kind)
	from := max(micros(since), 1)
	page := int64(pageLimit(limit))
	return list(ctx, s.reader(), func(scan scan) (crm.Tombstone, error) {
		var t crm.Tombstone
		var permanent, deleted int64
		var fields, firstName, lastName, email string
		err := scan(&t.ID, &permanent, &t.Name, &fields, &deleted, &t.DeletedBy, &t.CreatedBy, &t.Owner, &firstName, &lastName, &email)
		if err != nil {
			return t, err
		}
		t.Permanent, t.DeletedAt, t.DeletedName = permanent != 0, moment(deleted), userName(firstName, lastName, email)
		if !t.Permanent {
			values, err := fieldsOf(fields)
			if err != nil {
				return t, err
			}
			t.Name, t.Private = displayName(kind, values), kind == record.Calendar && record.HasPrivate(values)
		}
		return t, nil
	}, fmt.Sprintf(`
		SELECT d.id, d.permanent, d.name, d.fields, d.deleted_at, d.deleted_by, d.created_by, d.owner_id,
			COALESCE(u.first_name, ''), COALESCE(u.last_name, ''), COALESCE(u.email, '')
		FROM (
			SELECT id, 0 AS permanent, '' AS name, fields, deleted_at, deleted_by, created_by, owner_id FROM %s
			WHERE org_id = ? AND deleted_at >= ? AND deleted_at > 0 AND (owner_id = ? OR CAST(? AS BIGINT) = 0)
			UNION ALL
			SELECT id, 1, name, '', deleted_at, deleted_by, created_by, owner_id FROM tombstones
			WHERE org_id = ? AND kind = ? AND deleted_at >= ? AND (owner_id = ? OR CAST(? AS BIGINT) = 0)
		) AS d LEFT JOIN users u ON u.org_id = ? AND u.id = d.deleted_by
		ORDER BY d.deleted_at DESC, d.id DESC LIMIT ? OFFSET ?`, tableOf(kind)),
		int64(org), from, int64(owner), int64(owner), int64(org), string(kind), from, int64(owner), int64(owner), int64(org), page, int64(offset))
}

// Seq is the organization's latest sequence number.
func (s *Records) Seq(ctx context.Context, org record.ID) (_ int64, err error) {
	defer fault.Wrap(&err, "store: sequence of organization %d", org)
	seq, ok, err := first(ctx, s.reader(), column[int64], `SELECT seq FROM organizations WHERE id = ?`, int64(org))
	if err == nil && !ok {
		err = notFound("organization", org)
	}
	return seq, err
}

// Touched lists what was written after a sequence number among the records that the owner has or had. Seq of a record
// that the owner no longer has is that of its departure, so that Seq ascends in what is returned. Who wants to go on
// behind the last one when there are none asks Seq before Touched, not after it.
func (s *Records) Touched(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, after int64, limit int) (_ []crm.Record, err error) {
	defer fault.Wrap(&err, "store: touched %s", kind)
	page := int64(pageLimit(limit))
	ofEvents := "COALESCE(r.mailing, ''), COALESCE(r.kept_in, '')"
	if kind == record.Contacts {
		ofEvents = "'', ''"
	}
	read := recordReader(org, kind)
	return list(ctx, s.reader(), func(scan scan) (crm.Record, error) {
		var place int64
		r, err := read(func(dest ...any) error { return scan(append(dest, &place)...) })
		if r.Seq = place; r.Version == 0 { // destroyed
			r = crm.Record{Org: org, Kind: kind, ID: r.ID, Seq: r.Seq, DeletedAt: r.DeletedAt}
		}
		return r, err
	}, fmt.Sprintf(`
		SELECT t.id, COALESCE(r.owner_id, 0), COALESCE(r.version, 0), COALESCE(r.seq, 0), COALESCE(r.source, ''), COALESCE(r.mass_updated, 0),
			COALESCE(r.token, ''), COALESCE(r.stamp, ''), COALESCE(r.created_at, 0), COALESCE(r.created_by, 0), COALESCE(r.modified_at, 0), COALESCE(r.modified_by, 0),
			COALESCE(r.deleted_at, g.deleted_at, 0), COALESCE(r.deleted_by, 0), COALESCE(r.restored_at, 0), COALESCE(r.fields, ''), %[2]s, t.place
		FROM (
			SELECT * FROM (SELECT seq AS place, id FROM %[1]s
				WHERE org_id = ? AND owner_id = ? AND seq > ? ORDER BY seq LIMIT ?) AS a
			UNION ALL
			SELECT * FROM (SELECT seq AS place, id FROM departures
				WHERE org_id = ? AND kind = ? AND owner_id = ? AND seq > ? ORDER BY seq LIMIT ?) AS b
		) AS t
		LEFT JOIN %[1]s r ON r.id = t.id
		LEFT JOIN tombstones g ON g.id = t.id
		ORDER BY t.place LIMIT ?`, tableOf(kind), ofEvents),
		int64(org), int64(owner), after, page, int64(org), string(kind), int64(owner), after, page, page)
}

// candidates are the records that a first sync may send.
func candidates(org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref) (where string, args []any) {
	where, args = `org_id = ? AND owner_id = ? AND deleted_at = 0`, []any{int64(org), int64(owner)}
	if !admitImported {
		where += ` AND (mass_updated <> 0 OR source NOT IN (?, ?))`
		args = append(args, string(record.Import), string(record.Migration))
	}
	if kind == record.Calendar {
		where += ` AND kept_in IN ('', ?)`
		args = append(args, string(calendar))
	}
	return where, args
}

// FirstSyncCount counts what FirstSync lists.
func (s *Records) FirstSyncCount(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref) (_ int, err error) {
	defer fault.Wrap(&err, "store: count the first sync of %s", kind)
	where, args := candidates(org, kind, owner, admitImported, calendar)
	n, _, err := first(ctx, s.reader(), column[int64], fmt.Sprintf(`SELECT COUNT(*) FROM %s WHERE %s`, tableOf(kind), where), args...)
	return int(n), err
}

// FirstSync lists the owner's records in the order of the first sync (S19).
func (s *Records) FirstSync(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref, now time.Time, offset, limit int) (_ []crm.Record, err error) {
	defer fault.Wrap(&err, "store: first sync of %s", kind)
	own, args := candidates(org, kind, owner, admitImported, calendar)
	page := func(more, order string, values ...any) ([]crm.Record, error) {
		return list(ctx, s.reader(), recordReader(org, kind), fmt.Sprintf(
			`SELECT %s FROM %[2]s WHERE id IN (SELECT id FROM %[2]s WHERE %[3]s%[4]s ORDER BY %[5]s LIMIT ? OFFSET ?) ORDER BY %[5]s`,
			recordColumns(kind), tableOf(kind), own, more, order), append(slices.Clip(args), values...)...)
	}
	if kind == record.Contacts {
		return page("", "modified_at DESC, id DESC", int64(limit), int64(offset))
	}
	coming, err := page(" AND +end_at > ?", "start_at, id", micros(now), int64(limit), int64(offset))
	if err != nil || len(coming) == limit {
		return coming, err
	}
	skip := int64(0)
	if len(coming) == 0 && offset > 0 {
		all, _, err := first(ctx, s.reader(), column[int64], fmt.Sprintf(`SELECT COUNT(*) FROM events WHERE %s AND end_at > ?`, own),
			append(slices.Clip(args), micros(now))...)
		if err != nil {
			return nil, err
		}
		skip = max(0, int64(offset)-all)
	}
	past, err := page(" AND end_at <= ?", "end_at DESC, id DESC", micros(now), int64(limit-len(coming)), skip)
	return append(coming, past...), err
}

// fieldsOf reads stored fields.
func fieldsOf(text string) (record.Fields, error) {
	if text == "" {
		return nil, nil
	}
	var f record.Fields
	err := json.Unmarshal([]byte(text), &f)
	return f, err
}
