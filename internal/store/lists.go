package store

import (
	"context"
	"database/sql"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// Filters look into the JSON of a record. That is fast where the list is soon full, and where something else narrows it down:
// what text a filter looks for stands in the record's search text too, of the fields that are in it, and so the trigrams of
// SQLite help (see search.go).

// found is the text that a filter looks for in the search text; "": it says nothing about that.
func found(kind record.Kind, f crm.Filter) string {
	switch f.Op {
	case crm.Has, crm.Is, crm.Begins:
	default:
		return ""
	}
	for _, name := range searched[kind] {
		if name != f.Def.Name {
			continue
		}
		if f.Def.Type == record.Phone {
			if bare := bareNumber(string(f.Value)); bare == onlyDigits(bare) {
				return bare
			}
			return ""
		}
		return fold(string(f.Value))
	}
	return ""
}

func filterTexts(kind record.Kind, filters []crm.Filter) (texts []string) {
	for _, f := range filters {
		if text := found(kind, f); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// numberMarks are what people write between the digits of a telephone number.
var numberMarks = []string{" ", "-", "(", ")", "+", ".", "/"}

func bareNumber(v string) string {
	for _, mark := range numberMarks {
		v = strings.ReplaceAll(v, mark, "")
	}
	return fold(v)
}

// bareField is a field as bareNumber leaves it.
var bareField = func() string {
	text := "COALESCE(FOLDED(?), '')"
	for _, mark := range numberMarks {
		text = "REPLACE(" + text + ", '" + mark + "', '')"
	}
	return text
}()

// moments are the columns of a record's moments.
var moments = map[record.Field]string{crm.CreatedTime: "created_at", crm.ModifiedTime: "modified_at"}

// addFilter adds the condition of a filter. The plus before a column of a moment keeps the databases from its index, which
// another order would not profit from.
func addFilter(kind record.Kind, f crm.Filter, add func(condition string, values ...any)) {
	if text := found(kind, f); text != "" {
		add(`search LIKE ? ESCAPE '\'`, "%"+likeWords.Replace(text)+"%")
	}
	name := string(f.Def.Name)
	if column, ok := moments[f.Def.Name]; ok {
		switch f.Op {
		case crm.Is:
			add("+"+column+" >= ? AND +"+column+" < ?", micros(f.From), micros(f.To))
		case crm.Below:
			add("+"+column+" < ?", micros(f.From))
		case crm.Above:
			add("+"+column+" >= ?", micros(f.To))
		}
		return
	}
	switch f.Op {
	case crm.Empty:
		add("FIELD(?) IS NULL", name)
		return
	case crm.Filled:
		add("FIELD(?) IS NOT NULL", name)
		return
	}
	switch f.Def.Type {
	case record.Number:
		add("CAST(FIELD(?) AS DOUBLE PRECISION) "+compare[f.Op]+" CAST(? AS DOUBLE PRECISION)", name, string(f.Value))
	case record.Date:
		add("FIELD(?) "+compare[f.Op]+" ?", name, string(f.Value))
	case record.Picklist, record.Bool:
		usual := string(f.Def.Standard)
		if f.Def.Type == record.Bool {
			usual = "false"
		}
		add("COALESCE(FIELD(?), ?) "+compare[f.Op]+" ?", name, usual, string(f.Value))
	case record.Tags: // names between ends of lines
		not := map[crm.Op]string{crm.IsNot: "NOT "}[f.Op]
		add(`'`+"\n"+`' || COALESCE(FOLDED(?), '') || '`+"\n"+`' `+not+`LIKE ? ESCAPE '\'`, name, "%\n"+likeWords.Replace(fold(string(f.Value)))+"\n%")
	case record.Phone:
		addText(bareField, name, f.Op, bareNumber(string(f.Value)), add)
	default:
		addText("COALESCE(FOLDED(?), '')", name, f.Op, fold(string(f.Value)), add)
	}
}

// compare are the signs for an Op.
var compare = map[crm.Op]string{crm.Is: "=", crm.IsNot: "<>", crm.Below: "<", crm.Above: ">"}

func addText(text, name string, op crm.Op, value string, add func(condition string, values ...any)) {
	switch op {
	case crm.Has:
		add(text+` LIKE ? ESCAPE '\'`, name, "%"+likeWords.Replace(value)+"%")
	case crm.Begins:
		add(text+` LIKE ? ESCAPE '\'`, name, likeWords.Replace(value)+"%")
	default:
		add(text+" "+compare[op]+" ?", name, value)
	}
}

// sortValue is by what a list is ordered by a field, with its arguments.
func sortValue(def record.Def) (string, []any) {
	name := string(def.Name)
	switch def.Type {
	case record.Number:
		return "FIELD(?) IS NULL, CAST(FIELD(?) AS DOUBLE PRECISION)", []any{name, name}
	case record.Date, record.Bool:
		return "FIELD(?) IS NULL, FIELD(?)", []any{name, name}
	}
	return "FIELD(?) IS NULL, FOLDED(?)", []any{name, name}
}

// makeSortKeys is the second half of migration 16: what contacts that are there are ordered and found by.
func makeSortKeys(ctx context.Context, tx *sql.Tx, dialect func(text string) string) error {
	trigrams := dialect(" FOR UPDATE") == "" // SQLite's
	for after := int64(0); ; {
		page, next, err := contactsAfter(ctx, tx, dialect, after)
		if err != nil || len(page) == 0 {
			return err
		}
		after = next
		for _, r := range page {
			search := searchText(record.Contacts, r.Fields, nil) // migration 24 adds the fields of organizations
			if _, err := tx.ExecContext(ctx, dialect(`UPDATE contacts SET company = ?, email = ?, search = ? WHERE id = ?`),
				sortKey(r.Fields[record.AccountName]), sortKey(r.Fields[record.EmailField]), search, int64(r.ID)); err != nil {
				return err
			}
			if !trigrams || r.Fields[record.MailingState] == "" && r.Fields[record.MailingCountry] == "" && r.Fields[record.Tag] == "" {
				continue // nothing is found that was not
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM contacts_search WHERE rowid = ?`, int64(r.ID)); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO contacts_search (rowid, search) VALUES (?, ?)`, int64(r.ID), search); err != nil {
				return err
			}
		}
	}
}
