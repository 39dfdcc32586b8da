package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// conflictPage shows a record that changed while a person was typing: what it is now beside what was typed.
type conflictPage struct {
	Frame  frame
	Name   string
	Who    string // changed it last
	When   string
	Rows   []conflictRow
	Action string // where Save mine goes
	Back   string // where the record is as it now stands
	Hidden []hidden
}

type conflictRow struct{ Label, Theirs, Mine string }

// hidden is a value that the form carries along.
type hidden struct{ Name, Value string }

// conflict shows the page for a record and what was typed about it; rows are the fields that differ.
func (s *Site) conflict(v *visit, r crm.Record, section, path string, rows []conflictRow) error {
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	return s.render(v, http.StatusConflict, "conflict", conflictPage{
		Frame:  s.frame(v, section, v.words.T("conflict.title")),
		Name:   recordName(v.words, r),
		Who:    ownerName(users, r.ModifiedBy),
		When:   v.words.Moment(r.ModifiedAt.In(v.zone)),
		Rows:   rows,
		Action: path, Back: path,
		Hidden: carried(v.r.PostForm, r.Version),
	})
}

// carried are the posted values with the version that now stands.
func carried(form url.Values, version int64) []hidden {
	out := []hidden{{"version", strconv.FormatInt(version, 10)}}
	names := make([]string, 0, len(form))
	for name := range form {
		if name != "version" && name != "lose" && name != "mail" && name != "save" { // what was agreed to was another state of the record
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range form[name] {
			out = append(out, hidden{name, value})
		}
	}
	return out
}

func (s *Site) contactConflict(v *visit, id record.ID, d crm.Draft) error {
	now, err := s.Records.Get(v.ctx(), v.actor(), record.Contacts, id)
	if err != nil {
		return err
	}
	var rows []conflictRow
	for _, def := range v.schema(record.Contacts).Defs() {
		mine, typed := d.Fields[def.Name]
		if typed && mine != now.Fields[def.Name] {
			rows = append(rows, conflictRow{v.label(record.Contacts, def.Name), v.words.read(def, now.Fields[def.Name]), v.words.read(def, mine)})
		}
	}
	return s.conflict(v, now, "contacts", "/contacts/"+id.String(), rows)
}
