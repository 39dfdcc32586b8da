package crmapi

import (
	"hash/fnv"
	"strconv"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// module is a kind of record as the API names it.
type module struct {
	name, singular, plural string
	kind                   record.Kind
	schema                 *record.Schema
	columns                []column // everything that a record of it shows, in order
	byName                 map[string]column
}

// column is one key of a record's JSON object.
type column struct {
	name, label        string
	dataType, jsonType string
	length             int
	mandatory          bool
	readOnly           bool
	massUpdate         bool
	choices            []string
	custom, unused     bool
	standard           string // of choices: the one that is meant where none was chosen
	value              func(*call, crm.Record) any
}

// modules are the kinds of record by the names in addresses, with the standard fields. Meetings are called Events there, as at Zoho.
var modules = map[string]*module{
	"Contacts": newModule("Contacts", "Contact", "Contacts", record.Standard(record.Contacts)),
	"Events":   newModule("Events", "Meeting", "Meetings", record.Standard(record.Calendar)),
}

// moduleNamed is a module with the fields that it has in the organization of whoever asks; nil: there is none.
func (c *call) moduleNamed(name string) *module {
	m := modules[name]
	if m == nil || m.kind != record.Contacts || len(c.contactFields.Own()) == 0 {
		return m
	}
	return newModule(m.name, m.singular, m.plural, c.contactFields)
}

// schema is the fields of a kind in the organization of whoever asks.
func (c *call) schema(kind record.Kind) *record.Schema {
	if kind == record.Contacts {
		return c.contactFields
	}
	return record.Standard(kind)
}

// moduleOrder is the order in which modules are listed.
var moduleOrder = []string{"Contacts", "Events"}

// labels are the names of fields on pages where they are not the API name in plain words.
var labels = map[string]string{
	"Event_Title": "Title", "Start_DateTime": "From", "End_DateTime": "To", "Venue": "Location", "All_day": "All day",
	"Remind_At": "Reminder", "Recurring_Activity": "Repeat", "Record_Status__s": "Record Status",
	"Who_Id": "Contact Name", "What_Id": "Related To", "Meeting_Venue__s": "Meeting Venue", "Remind_Participants": "Participants Reminder",
}

func newModule(name, singular, plural string, schema *record.Schema) *module {
	kind := schema.Kind()
	m := &module{name: name, singular: singular, plural: plural, kind: kind, schema: schema, byName: map[string]column{}}
	add := func(col column) {
		if col.label == "" {
			col.label = labels[col.name]
		}
		if col.label == "" {
			col.label = strings.ReplaceAll(col.name, "_", " ")
		}
		m.columns = append(m.columns, col)
		m.byName[col.name] = col
	}
	system := func(name, dataType, jsonType string, value func(*call, crm.Record) any) {
		add(column{name: name, dataType: dataType, jsonType: jsonType, readOnly: true, value: value})
	}
	system("id", "bigint", "string", func(_ *call, r crm.Record) any { return r.ID.String() })
	add(column{name: "Owner", dataType: "ownerlookup", jsonType: "jsonobject",
		value: func(c *call, r crm.Record) any { return c.person(r.Owner) }})
	if kind == record.Contacts {
		system("Full_Name", "text", "string", func(_ *call, r crm.Record) any { return orNull(display(r)) })
	}
	for _, d := range schema.AllDefs() {
		if inside(d) {
			continue
		}
		t := types[d.Type]
		encode, length := t.encode, d.Max
		switch d.Type {
		case record.Lookup:
			encode = func(c *call, _ crm.Record, v record.Value) any { return c.asNamed(lookups[d.Name], v) }
		case record.Exceptions:
			encode = asOccurrences
		case record.People, record.Related:
			length = 0 // of a list and of an object there is none
		}
		if d.Type == record.Number {
			length = numberLength
		}
		add(column{
			name: string(d.Name), dataType: t.name, jsonType: t.json, length: length, choices: d.Values, standard: string(d.Standard), label: d.Label, custom: d.Custom,
			mandatory: d.Mandatory || d.Name == record.EventTitle, massUpdate: crm.MassUpdatable(d),
			readOnly: d.Type == record.Image || d.Type == record.Attending, // it is written by itself: photos.go
			value:    func(c *call, r crm.Record) any { return encode(c, r, r.Fields[d.Name]) },
		})
	}
	system("Data_Source", "picklist", "string", func(_ *call, r crm.Record) any { return string(r.Source) })
	system("Record_Status__s", "picklist", "string", func(_ *call, r crm.Record) any {
		if r.Deleted() {
			return "Trash"
		}
		return "Available"
	})
	system("Created_By", "ownerlookup", "jsonobject", func(c *call, r crm.Record) any { return c.person(r.CreatedBy) })
	system("Created_Time", "datetime", "string", func(c *call, r crm.Record) any { return c.time(r.CreatedAt) })
	system("Modified_By", "ownerlookup", "jsonobject", func(c *call, r crm.Record) any { return c.person(r.ModifiedBy) })
	system("Modified_Time", "datetime", "string", func(c *call, r crm.Record) any { return c.time(r.ModifiedAt) })
	return m
}

// numberLength is the digits of a number, with its point, and decimalPlaces how many of them may stand behind it.
const numberLength, decimalPlaces = 16, 15

// display is what lists call a record.
func display(r crm.Record) string {
	if r.Kind == record.Calendar {
		return string(r.Fields[record.EventTitle])
	}
	return strings.TrimSpace(string(r.Fields[record.FirstName] + " " + r.Fields[record.LastName]))
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// derived gives a thing without an id of its own (an account known by name, a tag, a field) one that stays the same:
// 18 digits, because Zoho's ids are numbers and its SDK reads them as such.
func derived(parts ...string) string {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(strings.ToLower(p)))
		h.Write([]byte{0})
	}
	return strconv.FormatUint(1e17+h.Sum64()%(9e17), 10)
}
