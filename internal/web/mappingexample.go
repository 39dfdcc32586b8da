package web

import (
	"net/http"

	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// mappingExample shows by one of the person's own contacts what a mapping does.
type mappingExample struct {
	Name    string
	Outlook []labelled // what Outlook will show
	CRM     []labelled // what the CRM will show
}

// exampleOf is among how many of the latest contacts the one with the most to show is looked for.
const exampleOf = 10

// mappingExample is nil for whoever has no contact.
func (s *Site) mappingExample(v *visit, m meeting, table *mapping.Table) (*mappingExample, error) {
	if !v.sees(record.Contacts) {
		return nil, nil
	}
	own, err := s.Records.List(v.ctx(), v.actor(), record.Contacts, crm.Query{Owner: v.user.ID, Sort: crm.ByModified, Descending: true, Limit: exampleOf})
	if err != nil || len(own) == 0 {
		return nil, err
	}
	best := own[0]
	for _, r := range own[1:] {
		if filled(r.Fields) > filled(best.Fields) {
			best = r
		}
	}
	ex := &mappingExample{Name: contactName(v.words, best)}

	// What Outlook has today is what the present mapping has brought there.
	outlook := record.Fields{}
	if m.link != nil {
		outlook = m.settings.Mapping.ToMicrosoft(best.Fields)
	}
	ours := best.Fields.Clone()
	for _, of := range mapping.MicrosoftFields(record.Contacts) {
		f := of.Name
		row, ok := rowFor(table, f)
		if !ok {
			continue
		}
		if row.Direction == mapping.ToCRM {
			if value := outlook[f]; value != "" {
				ours[row.CRM] = value
			}
		} else {
			outlook[f] = best.Fields[row.CRM]
		}
	}
	for _, of := range mapping.MicrosoftFields(record.Contacts) {
		f := of.Name
		row, ok := rowFor(table, f)
		if text := v.shown(record.Contacts, row.CRM, outlook[f]); ok && text != "" {
			ex.Outlook = append(ex.Outlook, labelled{v.words.outlook(f), text})
		}
	}
	for _, def := range v.schema(table.Kind).Defs() {
		ex.CRM = append(ex.CRM, v.labelled(ours, []record.Field{def.Name})...)
	}
	return ex, nil
}

func filled(fields record.Fields) (n int) {
	for _, value := range fields {
		if value != "" {
			n++
		}
	}
	return n
}

// mappingExamplePart is the example alone, for a dialog in which somebody tries things out.
func (s *Site) mappingExamplePart(v *visit) error {
	form, m, err := s.mappingPosted(v)
	if err != nil {
		return err
	}
	draft, _, err := v.readMapping(form, m.settings)
	if err != nil {
		return err
	}
	ex, err := s.mappingExample(v, m, draft.Mapping)
	if err != nil {
		return err
	}
	return s.write(v, http.StatusOK, "mapping", "mapping-example", ex)
}
