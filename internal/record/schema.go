package record

import (
	"maps"
	"slices"
)

// Schema is the fields of one kind of record in one organization: the standard ones, then the organization's own. It is
// not changed once made.
type Schema struct {
	kind   Kind
	defs   []Def
	all    []Def
	own    []Def
	byName map[Field]Def
}

var standard = map[Kind]*Schema{
	Contacts: {kind: Contacts, defs: contactDefs, all: allContactDefs, byName: contactDefsByName},
	Calendar: {kind: Calendar, defs: eventDefs, all: allEventDefs, byName: eventDefsByName},
}

// Standard is the schema of an organization without fields of its own.
func Standard(kind Kind) *Schema {
	if kind == Contacts {
		return standard[Contacts]
	}
	return standard[Calendar]
}

// With is the schema with an organization's own fields after its own ones. One whose name is taken is left out.
func (s *Schema) With(own ...Def) *Schema {
	if len(own) == 0 {
		return s
	}
	out := &Schema{kind: s.kind, byName: maps.Clone(s.byName), own: slices.Clone(s.own)}
	for _, d := range own {
		if _, taken := out.byName[d.Name]; !taken {
			d.Custom = true
			out.byName[d.Name] = d
			out.own = append(out.own, d)
		}
	}
	added := out.own[len(s.own):]
	out.defs, out.all = slices.Concat(s.defs, added), slices.Concat(s.all, added)
	return out
}

// Kind is the kind of record.
func (s *Schema) Kind() Kind { return s.kind }

// Defs are the fields in the order in which pages show them. The slice is shared: do not change it.
func (s *Schema) Defs() []Def { return s.defs }

// AllDefs are the fields with those that only the API shows. The slice is shared: do not change it.
func (s *Schema) AllDefs() []Def { return s.all }

// Own are the organization's own fields among them. The slice is shared: do not change it.
func (s *Schema) Own() []Def { return s.own }

// Def finds the definition of a field, be it one that only the API shows.
func (s *Schema) Def(name Field) (Def, bool) {
	d, ok := s.byName[name]
	return d, ok
}
