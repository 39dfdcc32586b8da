package crmapi

import (
	"encoding/json"
	"slices"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// lookups are the modules that fields refer to. Accounts and vendors are no records of their own yet: they are known by
// name, and the id that is shown follows from it.
var lookups = map[record.Field]string{
	record.AccountName: "Accounts", record.VendorName: "Vendors", record.ReportingTo: "Contacts", record.WhoID: "Contacts",
	record.WhatID: "se_module",
}

// namedBy are the fields whose values name the records of a module.
var namedBy = map[string]record.Field{"Accounts": record.AccountName, "Vendors": record.VendorName}

// keyModule says which module the What_Id of an event is of.
const keyModule = "$se_module"

// relatable are the modules that an event may be about (zoho-crm.md §4). Only those in namedBy have anything.
var relatable = []string{"Accounts", "Deals", "Products", "Quotes", "Sales_Orders", "Purchase_Orders", "Invoices", "Campaigns",
	"Vendors", "Cases", "Leads"}

// lookup takes {"name": N}, {"id": I} or plain text.
func (d *decoder) lookup(raw json.RawMessage) (record.Value, bool) {
	var now record.Value
	if d.stored != nil {
		now = d.stored.Fields[d.def.Name]
	}
	return d.named(lookups[d.def.Name], now, raw)
}

// named reads a reference to what is known by name. An id alone says something only if it is the one that the record
// has, now being its name, or that of a name which some contact has.
func (d *decoder) named(module string, now record.Value, raw json.RawMessage) (record.Value, bool) {
	if v, ok := text(d, raw); ok {
		return v, true
	}
	var ref struct{ ID, Name *string }
	if json.Unmarshal(raw, &ref) != nil {
		return "", false
	}
	if ref.Name != nil {
		return record.Value(*ref.Name), true
	}
	if ref.ID == nil {
		return "", false
	}
	if now != "" && d.call.namedID(module, now) == *ref.ID {
		return now, true
	}
	name := d.call.nameOf(module, *ref.ID)
	return name, name != ""
}

// namedID is the id of what is known by name.
func (c *call) namedID(module string, name record.Value) string {
	return derived(strings.ToLower(strings.TrimSuffix(module, "s")), c.user.Org.String(), string(name))
}

// nameOf finds the name that has an id, among those that contacts have; "" if there is none.
func (c *call) nameOf(module, id string) record.Value {
	if c.names == nil {
		c.names = map[string]record.Value{}
		err := c.scan(&sought{fits: func(crm.Record) bool { return true }, kind: record.Contacts}, func(r crm.Record) bool {
			for module, field := range namedBy {
				if name := r.Fields[field]; name != "" {
					c.names[c.namedID(module, name)] = name
				}
			}
			return true
		})
		if err != nil {
			c.Log.WarnContext(c.r.Context(), "the names behind ids could not be read", "org", c.user.Org, "error", err)
		}
	}
	return c.names[id]
}

func (c *call) asNamed(module string, v record.Value) any {
	if v == "" {
		return nil
	}
	return object{"name": string(v), "id": c.namedID(module, v)}
}

// unnamedModule finds the fault of a What_Id that stands without its module.
func (d *decoder) unnamedModule(field record.Field) *fault.Fault {
	if field != record.WhatID {
		return nil
	}
	raw := d.given[keyModule]
	if absent(raw) {
		return &fault.Fault{Kind: fault.Invalid, Reason: fault.Mandatory, Field: keyModule, Message: keyModule + ": is mandatory with What_Id"}
	}
	if name, ok := text(d, raw); !ok || !slices.Contains(relatable, string(name)) {
		return &fault.Fault{Kind: fault.Invalid, Reason: fault.BadValue, Field: keyModule, Message: keyModule + ": is no module that an event may be about"}
	}
	return nil
}

// related reads what an event is about, of the module in $se_module. Modules that Tandem does not have have no records.
func (d *decoder) related(raw json.RawMessage) (record.Value, bool) {
	module, _ := text(d, d.given[keyModule])
	if _, ok := namedBy[string(module)]; !ok {
		return "", false
	}
	var now record.Value
	if d.stored != nil {
		if of, name := splitRelated(d.stored.Fields[record.WhatID]); of == string(module) {
			now = name
		}
	}
	name, ok := d.named(string(module), now, raw)
	name = record.Value(strings.Join(strings.Fields(string(name)), " "))
	if name == "" {
		return "", false
	}
	return module + "\n" + name, ok
}

func splitRelated(v record.Value) (module string, name record.Value) {
	module, rest, _ := strings.Cut(string(v), "\n")
	return module, record.Value(rest)
}

func asRelated(c *call, _ crm.Record, v record.Value) any {
	module, name := splitRelated(v)
	return c.asNamed(module, name)
}

// reference reads {"id": I} or an id.
func reference(_ *decoder, raw json.RawMessage) (record.Value, bool) {
	id, ok := readID(raw)
	return record.Value(id.String()), ok
}

func asReference(c *call, _ crm.Record, v record.Value) any {
	id, ok := record.ParseID(string(v))
	if !ok {
		return nil
	}
	return object{"id": id.String(), "name": orNull(display(c.contact(id)))}
}

// contact is one that a record refers to; zero: whoever asks does not see it.
func (c *call) contact(id record.ID) crm.Record {
	if _, known := c.contacts[id]; !known {
		c.meet([]record.ID{id})
	}
	return c.contacts[id]
}

// meet reads contacts that records refer to, in one question.
func (c *call) meet(ids []record.ID) {
	if len(ids) == 0 {
		return
	}
	found, err := c.CRM.ByID(c.r.Context(), c.actor, record.Contacts, ids...)
	if err != nil {
		c.Log.WarnContext(c.r.Context(), "contacts referred to could not be read", "org", c.user.Org, "error", err)
	}
	if c.contacts == nil {
		c.contacts = map[record.ID]crm.Record{}
	}
	for _, id := range ids {
		c.contacts[id] = found[id]
	}
}

// meetAll reads the contacts that records refer to in the columns.
func (c *call) meetAll(records []crm.Record, columns []column) {
	var ids []record.ID
	for _, col := range columns {
		def, _ := c.module.schema.Def(record.Field(col.name))
		for _, r := range records {
			switch def.Type {
			case record.Reference:
				if id, ok := record.ParseID(string(r.Fields[def.Name])); ok {
					ids = append(ids, id)
				}
			case record.People:
				for _, p := range crm.Participants(r.Fields[def.Name]) {
					if p.Type == crm.ContactTakesPart {
						ids = append(ids, p.ID)
					}
				}
			}
		}
	}
	slices.Sort(ids)
	c.meet(slices.Compact(ids))
}

// participants reads [{"type":"contact","participant":"<id>"},{"type":"email","Email":"a@b.example"}].
func participants(_ *decoder, raw json.RawMessage) (record.Value, bool) {
	var list []struct {
		Type        string
		Participant json.RawMessage
		Email, Name *string
	}
	if json.Unmarshal(raw, &list) != nil {
		return "", false
	}
	people := make([]crm.Participant, len(list))
	for i, item := range list {
		p := crm.Participant{Type: item.Type}
		switch item.Type {
		case crm.EmailTakesPart:
			if item.Email == nil {
				if json.Unmarshal(item.Participant, &item.Email) != nil || item.Email == nil {
					return "", false
				}
			}
			if p.Email = *item.Email; item.Name != nil {
				p.Name = *item.Name
			}
		case crm.ContactTakesPart, crm.UserTakesPart:
			var ok bool
			if p.ID, ok = readID(item.Participant); !ok {
				return "", false
			}
		default: // leads are in no module that Tandem has
			return "", false
		}
		people[i] = p
	}
	return crm.PeopleValue(people), true
}

// asParticipants tells who takes part. Tandem invites nobody by itself, so nobody's answer is known.
func asParticipants(c *call, r crm.Record, v record.Value) any {
	if v == "" {
		return nil
	}
	list := []object{}
	for _, p := range crm.Participants(v) {
		who, name, email := p.ID.String(), any(nil), any(nil)
		switch p.Type {
		case crm.ContactTakesPart:
			contact := c.contact(p.ID)
			name, email = orNull(display(contact)), orNull(string(contact.Fields[record.EmailField]))
		case crm.UserTakesPart:
			user, _ := c.person(p.ID).(object)
			name, email = user["name"], user["email"]
		default:
			who, name, email = p.Email, orNull(p.Name), p.Email
		}
		list = append(list, object{
			"id": derived("participant", r.ID.String(), p.Type, who), "type": p.Type, "participant": who, "name": name, "Email": email,
			"invited": false, "status": "not_known",
		})
	}
	return list
}
