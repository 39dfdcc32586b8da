package crm

import "tandem/internal/record"

// A private event is its owner's own business (record.Private), as in Outlook, where delegates see that somebody is busy
// and not with what. Whoever else may see events sees when it is. Nobody else, administrators included, reads, finds,
// changes or deletes it; with its owner's records it is handed over when the owner leaves.

// open are the fields of a private event that others see.
var open = []record.Field{
	record.Start, record.End, record.AllDay, record.TimeZone, record.EndTimeZone, record.Recurring, record.Excluded, record.Changed,
	record.ShowAs, record.Sensitivity,
}

// show gives the record as the actor is to see it, with every field.
func (a Actor) show(schema *record.Schema, r Record) Record {
	r.Fields = Complete(schema, r.Fields)
	if r.Kind != record.Calendar || r.Owner == a.User || !record.HasPrivate(r.Fields) {
		return r
	}
	if r.Veiled = record.Private(r.Fields); r.Veiled {
		shown := make(record.Fields, len(r.Fields))
		for f := range r.Fields {
			shown[f] = ""
		}
		for _, f := range open {
			shown[f] = r.Fields[f]
		}
		r.Fields = shown
	}
	changed := record.Occurrences(r.Fields[record.Changed])
	for i, o := range changed {
		if !r.Veiled && !record.Private(o.Fields) {
			continue
		}
		changed[i].Fields = record.Fields{}
		for _, f := range open {
			if v, ok := o.Fields[f]; ok {
				changed[i].Fields[f] = v
			}
		}
	}
	r.Fields[record.Changed] = record.OccurrencesValue(changed)
	return r
}

// withheld reports whether the actor is kept from changing the record because it is, in part, another's private one.
func (a Actor) withheld(r Record) bool {
	return r.Owner != a.User && r.Kind == record.Calendar && record.HasPrivate(r.Fields)
}
