package crm

import (
	"context"
	"slices"
	"time"

	"tandem/internal/record"
)

// CustomField is a field that an organization made.
type CustomField struct {
	ID     record.ID
	Kind   record.Kind
	Name   record.Field // the API name: unique for ever within the organization and kind, and never changed
	Label  string       // what people call it
	Type   record.Type  // one of CustomTypes; never changed
	Values []string     // of a picklist
	State  FieldState

	CreatedAt time.Time
	CreatedBy record.ID
}

// FieldState is where a custom field stands.
type FieldState string

// The states of a custom field.
const (
	FieldInUse     FieldState = "used"
	FieldUnused    FieldState = "unused"    // nobody sees it; records keep their values of it
	FieldDestroyed FieldState = "destroyed" // its values are gone; its name is never given again
)

// CustomTypes are the types that a custom field may have, in the order of the page, with the most code points of a value
// (0: the type itself sets the limit).
var CustomTypes = []struct {
	Type record.Type
	Name string // as the API calls it, and as it is stored
	Max  int
}{
	{record.Text, "text", 255},
	{record.LongText, "textarea", 32000},
	{record.Number, "double", 0},
	{record.Date, "date", 0},
	{record.Picklist, "picklist", 120},
	{record.Bool, "boolean", 0},
	{record.Phone, "phone", 30},
	{record.Email, "email", 100},
	{record.URL, "website", 450},
}

// CustomTypeNamed finds a type of CustomTypes.
func CustomTypeNamed(name string) (record.Type, bool) {
	for _, t := range CustomTypes {
		if t.Name == name {
			return t.Type, true
		}
	}
	return 0, false
}

// TypeName is how CustomTypes calls the field's type.
func (f CustomField) TypeName() string {
	for _, t := range CustomTypes {
		if t.Type == f.Type {
			return t.Name
		}
	}
	return ""
}

// Def describes the field.
func (f CustomField) Def() record.Def {
	d := record.Def{Name: f.Name, Type: f.Type, Custom: true, Label: f.Label, Values: f.Values}
	for _, t := range CustomTypes {
		if t.Type == f.Type {
			d.Max = t.Max
		}
	}
	return d
}

// SchemaOf is the schema of a kind with those of the fields that are in one of the states.
func SchemaOf(kind record.Kind, fields []CustomField, states ...FieldState) *record.Schema {
	var own []record.Def
	for _, f := range fields {
		if f.Kind == kind && slices.Contains(states, f.State) {
			own = append(own, f.Def())
		}
	}
	return record.Standard(kind).With(own...)
}

// Unused is the fields of a kind that an organization has taken out of use, beside the standard ones.
func (c *CRM) Unused(ctx context.Context, org record.ID, kind record.Kind) (*record.Schema, error) {
	fields, err := c.store.CustomFields(ctx, org, kind)
	return SchemaOf(kind, fields, FieldUnused), err
}

// Schema is the fields that an organization's records of a kind have now. It is read each time: several processes may
// serve one database, and each must refuse what another one has just taken out of use.
func (c *CRM) Schema(ctx context.Context, org record.ID, kind record.Kind) (*record.Schema, error) {
	if kind != record.Contacts { // only they have custom fields
		return record.Standard(kind), nil
	}
	fields, err := c.store.CustomFields(ctx, org, kind)
	if err != nil {
		return nil, err
	}
	return SchemaOf(kind, fields, FieldInUse), nil
}
