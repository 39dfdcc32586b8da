// Package mapping says which Microsoft field meets which CRM field, and translates records both ways. Tables are data:
// the default mapping, the type check, the translator and the pages read the same rows.
//
// Normal forms live here too (normal.go): what two values must have in common to count as equal, so that a value which
// comes back from the other side a little changed (white space, the name of a time zone) is no change.
package mapping

import (
	"slices"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Row joins one field of each side.
type Row struct {
	Microsoft record.Field `json:"microsoft"`
	CRM       record.Field `json:"crm"`
	Direction Direction    `json:"direction,omitempty"`
}

// Direction is which way the values of a row go (S26). A field that goes nowhere is in no row.
type Direction string

// The directions. One way means that the source is always right: what is changed on the other side is changed back, and
// stands in the history.
const (
	BothWays    Direction = ""
	ToMicrosoft Direction = "to_microsoft"
	ToCRM       Direction = "to_crm"
)

// Table is the mapping of one link. It is not changed once made.
type Table struct {
	Kind record.Kind `json:"kind"`
	Rows []Row       `json:"rows"`
	// schema is the fields that the CRM's records have; nil: the standard ones. It is not stored with the table: see In.
	schema *record.Schema
}

// In is the table in an organization whose records have these fields. A row whose field is not among them is left out.
func (t *Table) In(schema *record.Schema) *Table {
	if t == nil {
		return nil
	}
	out := &Table{Kind: t.Kind, Rows: t.Rows}
	if len(schema.Own()) > 0 {
		out.schema = schema
	}
	gone := func(r Row) bool { _, ok := schema.Def(r.CRM); return !ok }
	if slices.ContainsFunc(t.Rows, gone) {
		out.Rows = slices.DeleteFunc(slices.Clone(t.Rows), gone)
	}
	return out
}

// Schema is the fields that the CRM's records have.
func (t *Table) Schema() *record.Schema {
	if t.schema == nil {
		return record.Standard(t.Kind)
	}
	return t.schema
}

// defaultContacts follows the only table that Zoho published for Outlook, with the names of the Graph contact resource
// (zoho-crm.md §5, Default contact mapping). Fields that Graph does not offer (other telephone, fax, assistant's
// telephone) are absent (S27), and so is the manager (ADR 45).
var defaultContacts = Table{Kind: record.Contacts, Rows: []Row{
	{Microsoft: "title", CRM: record.Salutation},
	{Microsoft: "givenName", CRM: record.FirstName},
	{Microsoft: "surname", CRM: record.LastName},
	{Microsoft: "emailAddresses[0]", CRM: record.EmailField},
	{Microsoft: "emailAddresses[1]", CRM: record.SecondaryEmail},
	{Microsoft: "jobTitle", CRM: record.Title},
	{Microsoft: "companyName", CRM: record.AccountName},
	{Microsoft: "department", CRM: record.Department},
	{Microsoft: "businessPhones[0]", CRM: record.PhoneField},
	{Microsoft: "homePhones[0]", CRM: record.HomePhone},
	{Microsoft: "mobilePhone", CRM: record.Mobile},
	{Microsoft: "assistantName", CRM: record.Assistant},
	{Microsoft: "birthday", CRM: record.DateOfBirth},
	{Microsoft: "businessAddress.street", CRM: record.MailingStreet},
	{Microsoft: "businessAddress.city", CRM: record.MailingCity},
	{Microsoft: "businessAddress.state", CRM: record.MailingState},
	{Microsoft: "businessAddress.postalCode", CRM: record.MailingZip},
	{Microsoft: "businessAddress.countryOrRegion", CRM: record.MailingCountry},
	{Microsoft: "otherAddress.street", CRM: record.OtherStreet},
	{Microsoft: "otherAddress.city", CRM: record.OtherCity},
	{Microsoft: "otherAddress.state", CRM: record.OtherState},
	{Microsoft: "otherAddress.postalCode", CRM: record.OtherZip},
	{Microsoft: "otherAddress.countryOrRegion", CRM: record.OtherCountry},
	{Microsoft: "personalNotes", CRM: record.Description},
	{Microsoft: "categories", CRM: record.Tag},
	{Microsoft: "photo", CRM: record.RecordImage},
}}

var defaultCalendar = Table{Kind: record.Calendar, Rows: []Row{
	{Microsoft: "subject", CRM: record.EventTitle},
	{Microsoft: "start", CRM: record.Start},
	{Microsoft: "end", CRM: record.End},
	{Microsoft: "isAllDay", CRM: record.AllDay},
	{Microsoft: "timeZone", CRM: record.TimeZone},
	{Microsoft: "endTimeZone", CRM: record.EndTimeZone},
	{Microsoft: "recurrence", CRM: record.Recurring},
	{Microsoft: "exdates", CRM: record.Excluded},
	{Microsoft: "exceptions", CRM: record.Changed},
	{Microsoft: "location", CRM: record.Venue},
	{Microsoft: "body", CRM: record.Description},
	{Microsoft: "participants", CRM: record.Participants, Direction: ToMicrosoft},
	{Microsoft: "attendees", CRM: record.Attendees, Direction: ToCRM},
	{Microsoft: "reminder", CRM: record.RemindAt},
	{Microsoft: "showAs", CRM: record.ShowAs},
	{Microsoft: "sensitivity", CRM: record.Sensitivity},
	{Microsoft: "importance", CRM: record.Importance},
	{Microsoft: "categories", CRM: record.Tag},
}}

// Default is the mapping that a link has when nobody has changed it.
func Default(kind record.Kind) *Table {
	if kind == record.Contacts {
		return &defaultContacts
	}
	return &defaultCalendar
}

// Grown gives a stored table the rows that the default has won since it was stored; false: it has them all. A calendar's
// table has every row of the default, for nobody chooses among them. They go the way that the event's time goes, but for those
// that only ever go one way.
func Grown(t *Table) (*Table, bool) {
	if t == nil || t.Kind != record.Calendar {
		return t, false
	}
	have := t.byCRM()
	missing := slices.DeleteFunc(slices.Clone(defaultCalendar.Rows), func(r Row) bool {
		_, ok := have[r.CRM]
		return ok || slices.ContainsFunc(t.Rows, func(other Row) bool { return other.Microsoft == r.Microsoft })
	})
	if len(missing) == 0 {
		return t, false
	}
	for i := range missing {
		if missing[i].Direction == BothWays {
			missing[i].Direction = have[record.Start].Direction
		}
	}
	return &Table{Kind: t.Kind, Rows: slices.Concat(t.Rows, missing)}, true
}

// Photoless reports whether a table is the default of contacts as it was before they had photos. Who has it and chose nothing
// is given the row, unlike somebody who took it out.
func Photoless(t *Table) bool {
	if t == nil || t.Kind != record.Contacts {
		return false
	}
	before := slices.DeleteFunc(slices.Clone(defaultContacts.Rows), func(r Row) bool { return r.CRM == record.RecordImage })
	return slices.Equal(t.Rows, before)
}

// Fields are the CRM's fields that take part.
func (t *Table) Fields() []record.Field {
	if t == nil {
		return nil
	}
	out := make([]record.Field, len(t.Rows))
	for i, row := range t.Rows {
		out[i] = row.CRM
	}
	return out
}

// OneWay are the CRM fields whose values go one way only.
func (t *Table) OneWay() map[record.Field]Direction {
	out := map[record.Field]Direction{}
	for _, row := range t.Rows {
		if row.Direction != BothWays {
			out[row.CRM] = row.Direction
		}
	}
	return out
}

// Check refuses a table with an unknown field or direction, with types that do not go together (S26), in which two rows
// write one field, or that would tear a group of fields apart: those of a name, or of a time, go the same way, and without
// the time there is no event.
//
// A contact's family name may be left out, or go one way only: the CRM demands one, so a contact that comes from Outlook
// is given what Outlook calls it (see ToCRM).
func (t *Table) Check() error {
	if err := t.CheckRows(); err != nil || t.Kind != record.Calendar {
		return err
	}
	rows := t.byCRM()
	for _, row := range defaultCalendar.Rows {
		def, _ := t.Schema().Def(row.CRM)
		if mapped, ok := rows[row.CRM]; (def.Group == record.GroupWhen || def.Group == record.GroupSeries) && (!ok || mapped.Microsoft != row.Microsoft) {
			return fault.Wrong(fault.Mandatory, string(row.CRM), "mapping: an event needs %s", row.CRM)
		}
	}
	return nil
}

// CheckRows is Check of a table that need not be whole yet.
func (t *Table) CheckRows() error {
	var crm, microsoft []record.Field
	ways := map[string]Direction{}
	for _, row := range t.Rows {
		ours, ok := t.Schema().Def(row.CRM)
		if !ok {
			return fault.Wrong(fault.UnknownField, string(row.CRM), "mapping: the CRM has no field %s", row.CRM)
		}
		theirs, ok := microsoftType(t.Kind, row.Microsoft)
		if !ok {
			return fault.Wrong(fault.UnknownField, string(row.Microsoft), "mapping: Microsoft offers no field %s", row.Microsoft)
		}
		if theirs == record.People && row.Direction != ToMicrosoft {
			return fault.Wrong(fault.NotExpressible, string(row.CRM), "mapping: who takes part is said in the CRM")
		}
		if theirs == record.Attending && row.Direction != ToCRM {
			return fault.Wrong(fault.NotExpressible, string(row.CRM), "mapping: who is invited is said in Outlook")
		}
		if row.Direction != BothWays && row.Direction != ToMicrosoft && row.Direction != ToCRM {
			return fault.Wrong(fault.BadValue, string(row.CRM), "mapping: there is no direction %q", row.Direction)
		}
		if !Meets(theirs, ours) {
			return fault.Wrong(fault.BadValue, string(row.CRM), "mapping: %s and %s hold different things", row.Microsoft, row.CRM)
		}
		if slices.Contains(crm, row.CRM) || slices.Contains(microsoft, row.Microsoft) {
			return fault.Wrong(fault.Duplicate, string(row.CRM), "mapping: %s and %s: one of them is mapped twice", row.Microsoft, row.CRM)
		}
		if way, known := ways[ours.Group]; known && ours.Group != "" && way != row.Direction {
			return fault.Wrong(fault.NotExpressible, string(row.CRM), "mapping: %s goes another way than the fields it belongs to", row.CRM)
		}
		ways[ours.Group] = row.Direction
		crm, microsoft = append(crm, row.CRM), append(microsoft, row.Microsoft)
	}
	return nil
}

// Moved are the CRM fields that have another partner in the new table, or that only one of the two tables has: what their two
// sides once agreed on says nothing now. Another direction alone moves nothing.
func Moved(old, new *Table) []record.Field {
	was, is := old.byCRM(), new.byCRM()
	var out []record.Field
	for _, f := range slices.Concat(old.Fields(), new.Fields()) {
		a, before := was[f]
		b, after := is[f]
		if (before != after || a.Microsoft != b.Microsoft) && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// Going is the table of a link that goes one way as a whole: its rows all go that way, and those meant for the other way
// only take no part. But who is invited is always told to the CRM: without it nobody could say whom a change would mail.
func (t *Table) Going(way Direction) *Table {
	if t == nil || way == BothWays {
		return t
	}
	out := &Table{Kind: t.Kind, Rows: make([]Row, 0, len(t.Rows)), schema: t.schema}
	for _, row := range t.Rows {
		if theirs, _ := microsoftType(t.Kind, row.Microsoft); theirs == record.Attending {
			out.Rows = append(out.Rows, row)
		} else if row.Direction == BothWays || row.Direction == way {
			row.Direction = way
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

func (t *Table) byCRM() map[record.Field]Row {
	out := map[record.Field]Row{}
	if t != nil {
		for _, row := range t.Rows {
			out[row.CRM] = row
		}
	}
	return out
}

// ToCRM translates an item's Microsoft fields into the CRM's; unmapped ones stay behind. Of a contact there is always a
// family name, mapped or not, for it may have to be created.
func (t *Table) ToCRM(theirs record.Fields) record.Fields {
	ours := make(record.Fields, len(t.Rows)+1)
	for _, row := range t.Rows {
		value, known := theirs[row.Microsoft]
		if !known {
			continue
		}
		ours[row.CRM] = t.toCRM(row, value)
	}
	if t.Kind == record.Contacts {
		t.nameFallback(ours, theirs)
	} else if ours[record.AllDay] == "true" {
		ours[record.TimeZone] = "" // a day is a day in every zone
		if _, mapped := ours[record.EndTimeZone]; mapped {
			ours[record.EndTimeZone] = ""
		}
	}
	return ours
}

// toCRM is a value of Microsoft's in its CRM field.
func (t *Table) toCRM(row Row, value record.Value) record.Value {
	def, _ := t.Schema().Def(row.CRM)
	if def.Type != record.Exceptions {
		return inCRM(def, value)
	}
	return t.translated(value, func(theirs record.Fields) record.Fields {
		ours := record.Fields{}
		for _, row := range t.Rows {
			if v, known := theirs[row.Microsoft]; known && record.InOccurrence(row.CRM) {
				ours[row.CRM] = t.toCRM(row, v)
			}
		}
		return ours
	})
}

// toMicrosoft is a value of the CRM's in its field at Microsoft.
func (t *Table) toMicrosoft(row Row, value record.Value) record.Value {
	if row.CRM == record.Changed {
		return t.translated(value, t.ToMicrosoft)
	}
	return t.atMicrosoft(row, value)
}

// translated puts the fields of each changed occurrence into the words of the other side; those that are not mapped stay
// behind.
func (t *Table) translated(value record.Value, words func(record.Fields) record.Fields) record.Value {
	list := record.Occurrences(value)
	for i := range list {
		list[i].Fields = words(list[i].Fields)
	}
	return record.OccurrencesValue(list)
}

// StandIn is no field of the CRM's: it stands beside a family name that is something else at Outlook, such as the company.
// With such a name a contact can be made; it is no reason to call one otherwise that has a name.
const StandIn record.Field = "-stand_in"

// Shown is no field that is mapped: it is what Outlook's lists call a contact that has no parts of a name. Apps that know of one
// name only write nothing else.
const Shown record.Field = "-shown"

// nameFallback finds a family name, which the CRM demands, for a contact that Outlook has without one, or whose family
// name is not mapped: a single name, what its lists show, the company, an address or a number stands in. The name fields are a group, so a
// later edit writes both.
func (t *Table) nameFallback(ours, theirs record.Fields) {
	_, first := ours[record.FirstName]
	if mapped := slices.ContainsFunc(t.Rows, func(r Row) bool { return r.CRM == record.LastName }); mapped {
		if !blank(ours[record.LastName]) {
			return
		}
		if given := ours[record.FirstName]; !blank(given) {
			ours[record.FirstName], ours[record.LastName] = "", given
			return
		}
	} else if surname := theirs["surname"]; !blank(surname) {
		ours[record.LastName] = clip(surname, 80)
		return
	} else if given := theirs["givenName"]; !blank(given) && !first {
		ours[record.LastName] = clip(given, 80)
		return
	}
	ours[StandIn] = "true"
	for _, stand := range []record.Field{
		Shown, "companyName", "nickName", "emailAddresses[0]", "emailAddresses[1]", "emailAddresses[2]",
		"mobilePhone", "businessPhones[0]", "homePhones[0]", "jobTitle",
	} {
		if v := theirs[stand]; !blank(v) {
			ours[record.LastName] = clip(v, 80)
			return
		}
	}
	ours[record.LastName] = "?"
}

// ToMicrosoft translates the CRM fields given into Microsoft's; unmapped ones stay behind.
func (t *Table) ToMicrosoft(ours record.Fields) record.Fields {
	theirs := make(record.Fields, len(ours))
	for _, row := range t.Rows {
		if value, known := ours[row.CRM]; known {
			theirs[row.Microsoft] = t.toMicrosoft(row, value)
		}
	}
	return theirs
}

// blank reports whether there is nothing to read in a value: the CRM takes it as empty.
func blank(v record.Value) bool { return strings.TrimSpace(strings.Map(printed, string(v))) == "" }

func clip(v record.Value, runes int) record.Value {
	for i := range v {
		if runes == 0 {
			return v[:i]
		}
		runes--
	}
	return v
}
