package store

import (
	"context"
	"fmt"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// Words are looked for anywhere in a record's search text, which takes a look at every record. PostgreSQL does that fast
// enough. SQLite gets help: a table of trigrams names the few records that may have a rare word, and only these are
// looked at. A common word needs no help where there is a limit, because its records are found soon.

// wordsOf are the words of a search, each once.
func wordsOf(search string) []string {
	const most = 8 // words: more narrow nothing down
	words := strings.Fields(fold(search))
	return words[:min(len(words), most)]
}

// How many records may have a word before it counts as common: for a page, which then is soon full, and for a count,
// which has to look at all of them.
const (
	manyForPage  = 2000
	manyForCount = 20000
)

// candidates narrows a query with a rare word down to the records that may have it.
func (s *Records) candidates(ctx context.Context, org record.ID, kind record.Kind, q crm.Query, many int) (crm.Query, error) {
	match := trigramsOf(append(wordsOf(q.Search), filterTexts(kind, q.Filters)...))
	if match == "" || q.IDs != nil || !s.db.trigrams() {
		return q, nil
	}
	table := tableOf(kind) + "_search"
	ids, err := list(ctx, s.reader(), column[record.ID], fmt.Sprintf(
		`SELECT rowid FROM %[1]s WHERE %[1]s MATCH ? AND rowid > ? AND rowid < ? LIMIT ?`, table),
		match, int64(org)*idsPerOrg, (int64(org)+1)*idsPerOrg, int64(many+1))
	if err == nil && len(ids) <= many {
		q.IDs = append([]record.ID{}, ids...) // not nil: none may have it
	}
	return q, err
}

// trigramsOf asks for all trigrams of the words; "" if there are none.
func trigramsOf(words []string) string {
	var all []string
	for _, word := range words {
		letters := []rune(word)
		for i := range max(0, len(letters)-2) {
			all = append(all, `"`+strings.ReplaceAll(string(letters[i:i+3]), `"`, `""`)+`"`)
		}
	}
	return strings.Join(all, " AND ")
}

var searchInsert = map[record.Kind]*shape{
	record.Contacts: newShape("contacts_search", "rowid", "search"),
	record.Calendar: newShape("events_search", "rowid", "search"),
}

// reindex keeps the trigrams in step with records that were written or destroyed; own as in searchText.
func (tx *Tx) reindex(kind record.Kind, written []*crm.Record, own []record.Def, gone ints) error {
	if !tx.store.db.trigrams() {
		return nil
	}
	rows := newBatch(searchInsert[kind], len(written))
	for _, r := range written {
		if r.Version > 1 {
			gone = append(gone, int64(r.ID))
		}
		rows.add(int64(r.ID), searchText(kind, r.Fields, own))
	}
	if len(gone) > 0 {
		if _, err := tx.exec(tx.ctx, `DELETE FROM `+rows.table+` WHERE rowid IN (?*)`, gone); err != nil {
			return err
		}
	}
	return tx.insert(tx.ctx, rows)
}

// likeWords keeps a word's own characters from meaning something to LIKE.
var likeWords = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)
