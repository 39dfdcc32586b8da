package web

import (
	"net/http"
	"net/url"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// findPage is what the search of every page found: the first of each kind, and the way to all of them.
type findPage struct {
	Frame    frame
	Q        string
	Kinds    []foundKind
	Nothing  bool // though something was looked for
	Contacts bool // there are contacts to see; and events
	Calendar bool
}

type foundKind struct {
	Kind string
	Rows []foundRow
	All  string // the address of the whole list; "": these are all
}

type foundRow struct {
	ID, Name, Initials, Photo, Detail, Path string
}

// findMost is how many records of a kind the page shows.
const findMost = 12

func (s *Site) find(v *visit) error {
	page := findPage{Q: strings.TrimSpace(v.r.URL.Query().Get("q")), Contacts: v.sees(record.Contacts), Calendar: v.sees(record.Calendar)}
	for _, each := range []struct {
		kind record.Kind
		path string
		sort crm.Sort
		desc bool
	}{{record.Contacts, "/contacts", crm.ByName, false}, {record.Calendar, "/calendar", crm.ByStart, true}} {
		if page.Q == "" || !v.sees(each.kind) {
			continue
		}
		found, err := s.Records.List(v.ctx(), v.actor(), each.kind,
			crm.Query{Search: page.Q, Sort: each.sort, Descending: each.desc, Limit: findMost + 1})
		if err != nil {
			return err
		}
		k := foundKind{Kind: string(each.kind)}
		if len(found) > findMost {
			found = found[:findMost]
			if each.kind == record.Contacts {
				k.All = "/contacts?" + url.Values{"q": {page.Q}}.Encode()
			}
		}
		for _, r := range found {
			name := recordName(v.words, r)
			row := foundRow{ID: r.ID.String(), Name: name, Detail: v.detail(r), Path: each.path + "/" + r.ID.String()}
			if each.kind == record.Contacts {
				row.Initials, row.Photo = initials(name), photoURL(r, "small")
			}
			k.Rows = append(k.Rows, row)
		}
		if len(k.Rows) > 0 {
			page.Kinds = append(page.Kinds, k)
		}
	}
	page.Nothing = page.Q != "" && len(page.Kinds) == 0
	page.Frame = s.frame(v, "", v.words.T("find.title"))
	page.Frame.Find = page.Q
	return s.render(v, http.StatusOK, "find", page)
}

// The taste that says whether letters alone are shortcuts (WCAG 2.1.4: they can be switched off).
const (
	tasteKeys = "keys"
	keysOff   = "off"
)

// A shortcut is keys that lead somewhere; src/keys.js knows them, too.
type shortcut struct {
	Keys []string
	Key  string // of the message: shortcut.<Key>
}

var shortcuts = []shortcut{
	{[]string{"/"}, "find"}, {[]string{"?"}, "help"}, {[]string{"n"}, "new"},
	{[]string{"g", "h"}, "home"}, {[]string{"g", "c"}, "contacts"}, {[]string{"g", "k"}, "calendar"}, {[]string{"g", "s"}, "status"}, {[]string{"g", "b"}, "bin"},
}

// shortcutsPage is the card of the shortcuts, a page of its own without script.
type shortcutsPage struct {
	Frame     frame
	Shortcuts []shortcut
	On        bool
}

func (s *Site) shortcutsCard(v *visit) error {
	page := shortcutsPage{Shortcuts: shortcuts, On: v.tastes[tasteKeys] != keysOff}
	if v.wants("shortcuts") {
		return s.part(v, "shortcuts", "card", page)
	}
	page.Frame = s.frame(v, "setup", v.words.T("shortcuts.title"))
	return s.render(v, http.StatusOK, "shortcuts", page)
}

func (s *Site) shortcutsSave(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	value, key := "", "flash.keys_on"
	switch form.Get("keys") {
	case "on":
	case keysOff:
		value, key = keysOff, "flash.keys_off"
	default:
		return fault.Wrong(fault.BadValue, "keys", "web: shortcuts are on or off")
	}
	if err := s.Tastes.SetTaste(v.ctx(), v.user.Org, v.user.ID, tasteKeys, value); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: key})
	return v.to("/shortcuts")
}
