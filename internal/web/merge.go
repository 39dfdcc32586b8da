package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// duplicatesPage lists contacts of one owner that may be one.
type duplicatesPage struct {
	Frame  frame
	Tabs   []viewLink
	By     string
	Owner  string
	Owners []option
	Groups []duplicateGroup
	After  string // the address of the next page; "": there is none
}

type duplicateGroup struct {
	Common string // what they have in common, in words
	Rows   []foundRow
	Merge  string // the address where they are compared; "": nothing may be changed
	IDs    []string
	Apart  bool   // they may be told apart, or told apart no more
	Said   string // who has told them apart, and when
	Rest   int    // more of them than can be merged at once
}

// duplicatesMost is how many groups a page shows.
const duplicatesMost = 25

func (s *Site) duplicates(v *visit) error {
	if err := v.needs(record.Contacts, viewing); err != nil {
		return err
	}
	q := v.r.URL.Query()
	by := crm.SameKey
	if asked := crm.DuplicateBy(q.Get("by")); asked == crm.SameName || asked == toldApart {
		by = asked
	}
	page := duplicatesPage{By: string(by), Owner: "mine"}
	owner := v.user.ID
	if v.may().Contacts.View == record.Anyones {
		users, err := s.Accounts.Users(v.ctx(), v.user.Org)
		if err != nil {
			return err
		}
		if id, ok := record.ParseID(q.Get("owner")); ok {
			owner, page.Owner = id, id.String()
		}
		for _, o := range v.ownerChoices(users, record.Contacts, page.Owner) {
			if o.Value != "all" { // two people's contacts are in two Outlooks
				page.Owners = append(page.Owners, o)
			}
		}
	}
	alike, said, err := s.alike(v, owner, by, q.Get("after"))
	if err != nil {
		return err
	}
	address := func(by crm.DuplicateBy, after string) string {
		next := url.Values{"by": {string(by)}}
		if page.Owner != "mine" {
			next.Set("owner", page.Owner)
		}
		if after != "" {
			next.Set("after", after)
		}
		return "/contacts/duplicates?" + next.Encode()
	}
	for _, each := range []crm.DuplicateBy{crm.SameKey, crm.SameName, toldApart} {
		page.Tabs = append(page.Tabs, viewLink{string(each), v.words.T("duplicates.by." + string(each)), address(each, ""), each == by})
	}
	if len(alike) > duplicatesMost {
		alike = alike[:duplicatesMost]
		page.After = address(by, alike[duplicatesMost-1].Common)
	}
	if page.Groups, err = s.duplicateGroups(v, by, alike, said); err != nil {
		return err
	}
	page.Frame = s.frame(v, "contacts", v.words.T("duplicates.title"))
	return s.render(v, http.StatusOK, "duplicates", page)
}

// toldApart is the list of those who were told apart, beside the ways in which contacts may be alike.
const toldApart crm.DuplicateBy = "apart"

// alike are groups of contacts that may be one; of toldApart pairs that are not, each with a sentence that says who said so. What follows
// a page of those is told by how many there were.
func (s *Site) alike(v *visit, owner record.ID, by crm.DuplicateBy, after string) (out []crm.Likeness, said []string, err error) {
	if by != toldApart {
		out, err = s.Records.Duplicates(v.ctx(), v.actor(), owner, by, after, duplicatesMost+1)
		return out, nil, err
	}
	offset, err := strconv.Atoi(after)
	if err != nil || offset < 0 || offset > 1e6 {
		offset = 0
	}
	pairs, err := s.Records.ToldApart(v.ctx(), v.actor(), owner, duplicatesMost+1, offset)
	if err != nil || len(pairs) == 0 {
		return nil, nil, err
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range pairs {
		out = append(out, crm.Likeness{Common: strconv.Itoa(offset + i + 1), IDs: []record.ID{p.A, p.B}})
		said = append(said, v.words.T("record.changed", "Who", ownerName(users, p.By), "When", v.words.Moment(p.At.In(v.zone))))
	}
	return out, said, nil
}

// tellApart remembers that contacts are different people, or takes that back.
func (s *Site) tellApart(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := v.needs(record.Contacts, editing); err != nil {
		return err
	}
	named := url.Values{"id": append(v.r.URL.Query()["id"], form["id"]...)}
	ids, again := mergeIDs(named), url.Values{"id": named["id"]}
	if form.Get("back") != "" || v.r.URL.Query().Get("back") != "" {
		if err := s.Records.NotApart(v.ctx(), v.actor(), ids); err != nil {
			return err
		}
		s.putFlash(v.ctx(), flash{Key: "flash.not_apart"})
	} else {
		if err := s.Records.TellApart(v.ctx(), v.actor(), ids); err != nil {
			return err
		}
		again.Set("back", "1")
		s.putFlash(v.ctx(), flash{Key: "flash.apart", Undo: "/contacts/apart?" + again.Encode()})
	}
	if next := ownPath(form.Get("next")); strings.HasPrefix(next, "/contacts/duplicates") {
		return v.to(next)
	}
	return v.to("/contacts/duplicates")
}

func (s *Site) duplicateGroups(v *visit, by crm.DuplicateBy, alike []crm.Likeness, said []string) (out []duplicateGroup, err error) {
	var ids []record.ID
	for _, a := range alike {
		ids = append(ids, a.IDs[:min(len(a.IDs), crm.MergeMax)]...)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := s.Records.ByID(v.ctx(), v.actor(), record.Contacts, ids...)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for n, a := range alike {
		g := duplicateGroup{Common: strings.TrimPrefix(a.Common, "@"), Rest: max(0, len(a.IDs)-crm.MergeMax)}
		address, may, edits := url.Values{}, true, true
		for _, id := range a.IDs[:min(len(a.IDs), crm.MergeMax)] {
			r, ok := found[id]
			if !ok || r.Deleted() { // since the list was made
				continue
			}
			name := contactName(v.words, r)
			if by == crm.SameName || !strings.HasPrefix(a.Common, "@") {
				g.Common = name
			}
			g.Rows = append(g.Rows, foundRow{ID: id.String(), Name: name, Initials: initials(name), Photo: photoURL(r, "small"),
				Detail: joinNonEmpty(" · ", v.detail(r), firstPhone(r.Fields)), Path: "/contacts/" + id.String()})
			address.Add("id", id.String())
			edits = edits && v.actor().Edits(r)
			may = may && v.actor().Edits(r) && v.actor().Deletes(r)
		}
		key := address.Encode()
		if len(g.Rows) < 2 || seen[key] { // the same ones, by another of their addresses
			continue
		}
		if seen[key] = true; may && by != toldApart {
			g.Merge = "/contacts/merge?" + key
		}
		g.IDs, g.Apart = address["id"], edits && g.Rest == 0
		if by == toldApart {
			g.Common, g.Said = joinNonEmpty(" – ", g.Rows[0].Name, g.Rows[1].Name), said[n]
		}
		out = append(out, g)
	}
	return out, nil
}

// mergePage shows contacts side by side; of each field in which they differ a person says which value stays.
type mergePage struct {
	Frame   frame
	Heads   []mergeHead
	Rows    []mergeRow
	Error   string
	Changed bool // one of them changed while the person was choosing
}

type mergeHead struct {
	ID, Name, Initials, Photo, Changed string
	Version                            int64
	Badge                              badge
	Keep                               bool
}

type mergeRow struct {
	Field, Label string
	Same         string // what all have, or the tags of all
	Cells        []mergeCell
}

type mergeCell struct {
	ID, Label, Text, Name string
	Taken                 bool
}

// mergeIDs are the contacts that a form or an address names.
func mergeIDs(q url.Values) (ids []record.ID) {
	for _, text := range q["id"] {
		if id, ok := record.ParseID(text); ok && !slices.Contains(ids, id) && len(ids) < crm.MergeMax {
			ids = append(ids, id)
		}
	}
	return ids
}

// mergeShow compares contacts. A list leads here with what is ticked in it, which may be too few or too many.
func (s *Site) mergeShow(v *visit) error {
	if q := v.r.URL.Query(); q.Has("pick") {
		if n := len(q["id"]); n < 2 || n > crm.MergeMax {
			s.putFlash(v.ctx(), flash{Key: "flash.merge_which", Bad: true})
			return v.to("/contacts")
		}
		return v.to("/contacts/merge?" + url.Values{"id": q["id"]}.Encode())
	}
	return s.mergeForm(v, http.StatusOK, v.r.URL.Query(), mergePage{})
}

// mergeForm shows the contacts of a form with what was chosen in it.
func (s *Site) mergeForm(v *visit, status int, form url.Values, page mergePage) error {
	if err := v.needs(record.Contacts, viewing); err != nil {
		return err
	}
	ids := mergeIDs(form)
	if len(ids) < 2 {
		return fault.New(fault.NotFound, "", "web: fewer than two contacts to merge")
	}
	found, err := s.Records.ByID(v.ctx(), v.actor(), record.Contacts, ids...)
	if err != nil {
		return err
	}
	all := make([]crm.Record, len(ids))
	for i, id := range ids {
		r, ok := found[id]
		if !ok || r.Deleted() {
			return fault.New(fault.NotFound, "", "web: contact %s is not there", id)
		}
		if !v.actor().Edits(r) || !v.actor().Deletes(r) {
			return fault.New(fault.Denied, fault.NotAllowed, "web: contact %s may not be merged", id)
		}
		all[i] = r
	}
	marks, err := s.badges(v, record.Contacts, all)
	if err != nil {
		return err
	}
	keep := max(0, slices.IndexFunc(all, func(r crm.Record) bool { return r.ID.String() == form.Get("keep") }))
	if form.Get("keep") == "" { // what is in Outlook stays there as it is
		keep = max(0, slices.IndexFunc(all, func(r crm.Record) bool { return marks[r.ID].State == "synced" }))
	}
	for i, r := range all {
		name := contactName(v.words, r)
		page.Heads = append(page.Heads, mergeHead{ID: r.ID.String(), Name: name, Initials: initials(name), Photo: photoURL(r, "small"), Version: r.Version,
			Changed: v.words.Ago(r.ModifiedAt, v.now, v.zone), Badge: marks[r.ID], Keep: i == keep})
	}
	page.Rows = v.mergeRows(all, keep, form)
	page.Frame = s.frame(v, "contacts", v.words.T("merge.title"))
	return s.render(v, status, "merge", page)
}

func (v *visit) mergeRows(all []crm.Record, keep int, form url.Values) (out []mergeRow) {
	for _, def := range v.schema(record.Contacts).Defs() {
		if def.Type == record.Image {
			continue // the kept one's, or the first there is
		}
		row := mergeRow{Field: string(def.Name), Label: v.label(record.Contacts, def.Name)}
		taken := slices.IndexFunc(all, func(r crm.Record) bool { return r.ID.String() == form.Get("take-"+row.Field) })
		if taken < 0 {
			if taken = keep; all[keep].Fields[def.Name] == "" {
				taken = max(0, slices.IndexFunc(all, func(r crm.Record) bool { return r.Fields[def.Name] != "" }))
			}
		}
		differ := false
		for i, r := range all {
			value := r.Fields[def.Name]
			differ = differ || value != all[0].Fields[def.Name]
			row.Cells = append(row.Cells, mergeCell{ID: r.ID.String(), Label: row.Label, Text: v.brief(def, value), Name: contactName(v.words, r), Taken: i == taken})
		}
		switch {
		case def.Type == record.Tags:
			if row.Same = v.brief(def, crm.JoinTags(all)); row.Same == "" {
				continue
			}
		case !differ:
			if row.Same = row.Cells[0].Text; row.Same == "" {
				continue
			}
		}
		out = append(out, row)
	}
	return out
}

func (s *Site) mergeDo(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := v.needs(record.Contacts, viewing); err != nil {
		return err
	}
	m := crm.Merge{Take: map[record.Field]record.ID{}}
	for _, id := range mergeIDs(form) {
		d := crm.Draft{ID: id}
		d.Version, _ = strconv.ParseInt(form.Get("version-"+id.String()), 10, 64)
		if id.String() == form.Get("keep") {
			m.Keep = d
		} else {
			m.Gone = append(m.Gone, d)
		}
	}
	if m.Keep.ID == 0 || len(m.Gone) == 0 {
		return s.mergeForm(v, http.StatusUnprocessableEntity, form, mergePage{Error: v.words.T("merge.keep_missing")})
	}
	for _, def := range v.schema(record.Contacts).Defs() {
		if id, ok := record.ParseID(form.Get("take-" + string(def.Name))); ok {
			m.Take[def.Name] = id
		}
	}
	kept, err := s.Records.Merge(v.ctx(), v.actor(), m)
	switch {
	case fault.Is(err, fault.Conflict):
		return s.mergeForm(v, http.StatusConflict, form, mergePage{Changed: true})
	case fault.Is(err, fault.Invalid):
		words, _ := v.fieldWords(err)
		text := v.words.T("merge.wrong")
		for field, said := range words {
			if def, ok := v.schema(record.Contacts).Def(record.Field(field)); ok {
				text = v.label(record.Contacts, def.Name) + ": " + said
			}
		}
		return s.mergeForm(v, http.StatusUnprocessableEntity, form, mergePage{Error: text})
	case err != nil:
		return err
	}
	f := flash{Key: "flash.merged", Name: contactName(v.words, kept), More: "flash.merged_more"}
	if len(m.Gone) == 1 {
		f.Undo = "/contacts/" + m.Gone[0].ID.String() + "/restore"
	}
	s.putFlash(v.ctx(), f)
	return v.to("/contacts/" + kept.ID.String())
}
