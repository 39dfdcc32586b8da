package web

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// A savedList is a list that a person has given a name: its search, owner, conditions and order.
type savedList struct {
	Name, Path string
	Open       bool // it is what is shown
}

// savedNameMost is how long the name of a list may be, in code points.
const savedNameMost = 40

func savedKey(kind record.Kind, name string) string { return string(kind) + ".list." + name }

// savedLists are a person's, by name.
func savedLists(kind record.Kind, tastes map[string]string, ask listAsk) (out []savedList) {
	here := ask.saved()
	for key, value := range tastes {
		if name, ok := strings.CutPrefix(key, savedKey(kind, "")); ok {
			path := ask.Path
			if value != "-" {
				path += "?" + value
			}
			out = append(out, savedList{name, path, value == here})
		}
	}
	slices.SortFunc(out, func(a, b savedList) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return out
}

// usualOwner is whose records a list shows that says nothing.
func usualOwner(kind record.Kind) string {
	if kind == record.Calendar {
		return "mine"
	}
	return "all"
}

// saved is the list as it is kept: the query of its first page; "-": what it shows unasked.
func (a listAsk) saved() string {
	if !a.events && a.Owner == "all" || a.events && a.Owner == "mine" {
		a.Owner = ""
	}
	if text := a.query(a.Sort, a.Desc, 1).Encode(); text != "" {
		return text
	}
	return "-"
}

// Query is the query of this list's first page, for forms that keep it.
func (a listAsk) Query() string { return a.query(a.Sort, a.Desc, 1).Encode() }

func (s *Site) listSave(kind record.Kind) func(*visit) error {
	return func(v *visit) error {
		form, err := v.form()
		if err != nil {
			return err
		}
		if err := v.needs(kind, viewing); err != nil {
			return err
		}
		name := strings.Join(strings.Fields(form.Get("name")), " ")
		if name == "" || utf8.RuneCountInString(name) > savedNameMost || strings.ContainsFunc(name, unicode.IsControl) {
			return fault.Wrong(fault.BadValue, "name", "web: a list cannot be called %q", name)
		}
		q, err := url.ParseQuery(form.Get("list"))
		if err != nil || len(form.Get("list")) > maxSaved {
			return fault.Wrong(fault.BadValue, "list", "web: no list to save")
		}
		ask := v.readListAsk(listOf(kind), kind, q, usualOwner(kind))
		v.filtering(kind, &ask) // drops what is no condition
		if err := s.Tastes.SetTaste(v.ctx(), v.user.Org, v.user.ID, savedKey(kind, name), ask.saved()); err != nil {
			return err
		}
		s.putFlash(v.ctx(), flash{Key: "flash.list_saved", Name: name})
		return v.to(ask.with(ask.Sort, ask.Desc, 1))
	}
}

// maxSaved bounds the query of a saved list, in bytes: that many fit into an address.
const maxSaved = 6000

func (s *Site) listForget(kind record.Kind) func(*visit) error {
	return func(v *visit) error {
		form, err := v.form()
		if err != nil {
			return err
		}
		name := form.Get("name")
		if err := s.Tastes.SetTaste(v.ctx(), v.user.Org, v.user.ID, savedKey(kind, name), ""); err != nil {
			return err
		}
		s.putFlash(v.ctx(), flash{Key: "flash.list_forgotten", Name: name})
		return v.to(listOf(kind))
	}
}
