package simtest

import (
	"slices"

	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
)

// Some people have their syncs go one way. What they do on the side that takes is put back, and stands in the history; what they make
// there is nobody's business and stays. Such a person is alone in the organization, so that no record goes both ways for somebody else.

// putBack notes that somebody has deleted what a link that goes a way makes again. What a no has set apart is made again if its record was taken out
// of the recycle bin meanwhile, and its item was not there any more.
func (w *world) putBack(p *person, key string, way mapping.Direction, before fate) {
	e := w.entities[key]
	switch {
	case p.way != way:
	case !e.alone:
		if e.fate = before; e.fate != lives {
			e.fate = open
		}
	case way == mapping.ToMicrosoft && slices.ContainsFunc(w.records(p.org, e.kind, false), func(r crm.Record) bool { return keyOf(r) == key }):
		e.fate = open
	}
}

// keepsApart notes that somebody has said no to a deletion, by a link that goes one way: what is left of the pair stays where it is, and no
// item or record is made for it.
func (w *world) keepsApart(l *linkState, p reconcile.Pair) {
	if l.of.way == mapping.BothWays {
		return
	}
	for _, r := range append(w.records(l.of.org, l.kind, false), w.records(l.of.org, l.kind, true)...) {
		if e := w.entities[keyOf(r)]; e != nil && r.ID.Ref() == p.CRM {
			e.alone = true
		}
	}
}

// rows are what meets what in a link, with the way of the link.
func (w *world) rows(l *linkState) []mapping.Row {
	link := w.books.link(l.id)
	return link.Mapping.Going(link.Policy.Direction).Rows
}

// takesPart reports whether a record is to be on both sides.
func (w *world) takesPart(l *linkState, link *reconcile.Link, r crm.Record) bool {
	if l.of.way == mapping.ToCRM {
		e := w.entities[keyOf(r)]
		return r.Owner == l.of.id && e != nil && !e.alone
	}
	eligible, _ := reconcile.Eligible(l.of.id, link.Policy, r.Meta())
	return eligible
}
