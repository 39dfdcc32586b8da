package web

import (
	"cmp"
	"net/url"
	"slices"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// picks are the rows that were ticked in a list, as addresses have them: pick=1 with the ids; with all=1 too, everything that the
// list shows is meant instead.
type picks struct {
	picked  bool
	ids     []string
	records []record.ID // the same; never nil where picked
}

// pickedMost is how many records an address names: more than a page of a list shows.
const pickedMost = 2 * pageSize

func readPicks(q url.Values) (p picks) {
	if p.picked = q.Has("pick") && !q.Has("all"); !p.picked {
		return p
	}
	p.records = []record.ID{}
	for _, text := range q["id"] {
		if id, ok := record.ParseID(text); ok && len(p.records) < pickedMost && !slices.Contains(p.records, id) {
			p.ids, p.records = append(p.ids, id.String()), append(p.records, id)
		}
	}
	return p
}

func (p picks) values() url.Values {
	if !p.picked {
		return url.Values{}
	}
	return url.Values{"pick": {"1"}, "id": p.ids}
}

// picking is the form around a list in which rows are ticked: what is done to them is asked by the page that it leads to.
type picking struct {
	Action string
	Given  []option // what the list shows: all of it may be meant
	Deeds  []option
	Merge  bool
	Export bool
	Total  int
	More   bool // there are more than Total
}

// pickDeeds are what a list offers to do with what is ticked in it.
var pickDeeds = []crm.MassDo{crm.MassOwner, crm.MassTag, crm.MassUntag, crm.MassSet, crm.MassDelete}

// picking is that of a list; nil: there is nothing that this person may do.
func (v *visit) picking(kind record.Kind, ask listAsk, total int, more bool) *picking {
	p := &picking{Action: massPath, Total: total, More: more}
	if access := v.may().Records(kind); kind == record.Contacts && editing(access) && deleting(access) {
		p.Merge = true
	}
	if v.massUpdates(kind) {
		for _, do := range v.massDos(kind) {
			p.Deeds = append(p.Deeds, option{Value: string(do), Label: v.words.T("pick." + string(do))})
		}
		slices.SortFunc(p.Deeds, func(a, b option) int {
			return cmp.Compare(slices.Index(pickDeeds, crm.MassDo(a.Value)), slices.Index(pickDeeds, crm.MassDo(b.Value)))
		})
	}
	p.Export = v.exports(kind)
	if total == 0 || !p.Merge && !p.Export && len(p.Deeds) == 0 {
		return nil
	}
	for name, values := range (massAsk{listAsk: ask, kind: kind}).values() {
		for _, value := range values {
			p.Given = append(p.Given, option{Value: name, Label: value})
		}
	}
	// The parts of a condition come three by three: those of one name keep their order.
	slices.SortStableFunc(p.Given, func(a, b option) int { return cmp.Compare(a.Value, b.Value) })
	return p
}
