package crm

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// The limits of custom fields.
const (
	CustomFieldsMax = 100 // of a kind in one organization, with those out of use
	fieldLabelMax   = 50
	fieldValuesMax  = 200 // of one picklist
)

// Customizer makes and changes custom fields. Only whoever manages the organization may: the store asks, in the transaction
// of the change (Denied with reason NotAllowed).
type Customizer struct {
	store FieldStore
	now   func() time.Time
}

// NewCustomizer makes a Customizer on a store.
func NewCustomizer(store FieldStore, now func() time.Time) *Customizer {
	return &Customizer{store: store, now: now}
}

// FieldStore keeps custom fields.
type FieldStore interface {
	// CustomFields is that of Store.
	CustomFields(ctx context.Context, org record.ID, kind record.Kind) ([]CustomField, error)
	// CountValues counts the records, those in the recycle bin too, that have a value in the field: a box counts if it is ticked.
	CountValues(ctx context.Context, org record.ID, f CustomField) (int, error)
	// ChangeField is one transaction, and those of one organization follow one another: plan is given the fields as they are
	// and says what becomes of one, which is then stored and enters the audit trail. Links that map the field are woken, and
	// take the change in with their next run. The values of a destroyed field are taken out of all records.
	ChangeField(ctx context.Context, by Author, kind record.Kind, plan func(fields []CustomField) (FieldChange, error)) (CustomField, error)
}

// FieldChange is what becomes of a custom field. Its ID is 0 when it is made.
type FieldChange struct {
	Deed  FieldDeed
	Field CustomField
}

// FieldDeed is what is done with a custom field.
type FieldDeed string

// The deeds.
const (
	FieldMade    FieldDeed = "made"
	FieldChanged FieldDeed = "changed"
	FieldRetired FieldDeed = "retired" // taken out of use
	FieldRevived FieldDeed = "revived"
	FieldRazed   FieldDeed = "razed" // destroyed with its values
)

// FieldDraft is what somebody wants a custom field to be.
type FieldDraft struct {
	Label  string
	Type   string   // one of the names of CustomTypes; of a field that is there: passed over
	Values []string // of a picklist
	// Taken are labels that people read beside other fields, such as the standard ones in each language.
	Taken []string
}

// All lists the custom fields of a kind that are not destroyed, in the order in which they were made.
func (c *Customizer) All(ctx context.Context, org record.ID, kind record.Kind) ([]CustomField, error) {
	fields, err := c.store.CustomFields(ctx, org, kind)
	return slices.DeleteFunc(fields, func(f CustomField) bool { return f.State == FieldDestroyed }), err
}

// One finds a custom field that is not destroyed, with the number of records that have a value in it. NotFound: there is none.
func (c *Customizer) One(ctx context.Context, org record.ID, kind record.Kind, id record.ID) (f CustomField, values int, err error) {
	defer fault.Wrap(&err, "crm: custom field %d", id)
	fields, err := c.All(ctx, org, kind)
	if err != nil {
		return f, 0, err
	}
	if f, err = fieldOf(fields, id); err != nil {
		return f, 0, err
	}
	values, err = c.store.CountValues(ctx, org, f)
	return f, values, err
}

// Make makes a custom field. Invalid: Problems of "label", "type" and "values", or of "" if there are as many as may be.
func (c *Customizer) Make(ctx context.Context, by Author, kind record.Kind, d FieldDraft) (_ CustomField, err error) {
	defer fault.Wrap(&err, "crm: make a field of %s", kind)
	if kind != record.Contacts {
		return CustomField{}, fault.Wrong(fault.UnknownField, "", "crm: %s have no custom fields", kind)
	}
	return c.store.ChangeField(ctx, by, kind, func(fields []CustomField) (FieldChange, error) {
		f := CustomField{Kind: kind, State: FieldInUse, CreatedAt: c.now().UTC(), CreatedBy: by.User}
		typ, known := CustomTypeNamed(d.Type)
		f.Type = typ
		problems := f.take(d, fields)
		if !known {
			problems.add(fault.BadValue, "type", "is none of the types")
		}
		there := slices.DeleteFunc(slices.Clone(fields), func(o CustomField) bool { return o.State == FieldDestroyed })
		if len(there) >= CustomFieldsMax {
			problems.add(fault.TooLong, "", "there are "+strconv.Itoa(CustomFieldsMax)+" fields already")
		}
		f.Name = apiName(f.Label, kind, fields)
		return FieldChange{FieldMade, f}, problems.err()
	})
}

// Change gives a custom field another label, and a picklist other values. What records hold already stays.
func (c *Customizer) Change(ctx context.Context, by Author, kind record.Kind, id record.ID, d FieldDraft) (_ CustomField, err error) {
	defer fault.Wrap(&err, "crm: change field %d", id)
	return c.with(ctx, by, kind, id, FieldChanged, func(f *CustomField, fields []CustomField) error {
		return f.take(d, fields).err()
	})
}

// Retire takes a custom field out of use: nobody sees it any more, sync leaves it out, and records keep their values of it.
func (c *Customizer) Retire(ctx context.Context, by Author, kind record.Kind, id record.ID) (_ CustomField, err error) {
	defer fault.Wrap(&err, "crm: take field %d out of use", id)
	return c.with(ctx, by, kind, id, FieldRetired, func(f *CustomField, _ []CustomField) error {
		return f.move(FieldInUse, FieldUnused)
	})
}

// Revive takes a custom field into use again, with the values that records have kept of it.
func (c *Customizer) Revive(ctx context.Context, by Author, kind record.Kind, id record.ID) (_ CustomField, err error) {
	defer fault.Wrap(&err, "crm: take field %d into use", id)
	return c.with(ctx, by, kind, id, FieldRevived, func(f *CustomField, _ []CustomField) error {
		return f.move(FieldUnused, FieldInUse)
	})
}

// Destroy removes a custom field that is out of use, and the values that records have kept of it, for good. Conflict: it is in use.
func (c *Customizer) Destroy(ctx context.Context, by Author, kind record.Kind, id record.ID) (_ CustomField, err error) {
	defer fault.Wrap(&err, "crm: destroy field %d", id)
	return c.with(ctx, by, kind, id, FieldRazed, func(f *CustomField, _ []CustomField) error {
		return f.move(FieldUnused, FieldDestroyed)
	})
}

func (c *Customizer) with(ctx context.Context, by Author, kind record.Kind, id record.ID, deed FieldDeed, do func(f *CustomField, fields []CustomField) error) (CustomField, error) {
	return c.store.ChangeField(ctx, by, kind, func(fields []CustomField) (FieldChange, error) {
		f, err := fieldOf(fields, id)
		if err == nil {
			err = do(&f, fields)
		}
		return FieldChange{deed, f}, err
	})
}

func fieldOf(fields []CustomField, id record.ID) (CustomField, error) {
	for _, f := range fields {
		if f.ID == id && f.State != FieldDestroyed {
			return f, nil
		}
	}
	return CustomField{}, fault.New(fault.NotFound, "", "crm: no such field")
}

func (f *CustomField) move(from, to FieldState) error {
	if f.State != from {
		return fault.New(fault.Conflict, "", "crm: field %s is %s", f.Name, f.State)
	}
	f.State = to
	return nil
}

// take gives the field what a draft wants of its label and values. fields are all of the organization.
func (f *CustomField) take(d FieldDraft, fields []CustomField) (problems Problems) {
	before := f.Label
	f.Label = strings.Join(strings.Fields(clean(d.Label, false)), " ")
	switch {
	case f.Label == "":
		problems.add(fault.Mandatory, "label", "is mandatory")
	case utf8.RuneCountInString(f.Label) > fieldLabelMax:
		problems.add(fault.TooLong, "label", "is longer than "+strconv.Itoa(fieldLabelMax)+" characters")
	}
	for _, other := range fields {
		if other.ID != f.ID && other.State != FieldDestroyed && strings.EqualFold(other.Label, f.Label) {
			problems.add(fault.Duplicate, "label", "is another field's already")
		}
	}
	called := func(taken string) bool { return strings.EqualFold(taken, f.Label) }
	if !strings.EqualFold(before, f.Label) && slices.ContainsFunc(d.Taken, called) && !concerns(problems, "label") {
		problems.add(fault.Duplicate, "label", "is what another field is called")
	}
	f.Values = nil
	if f.Type != record.Picklist {
		return problems
	}
	for _, value := range d.Values {
		value = clean(value, false)
		switch {
		case value == "":
			continue
		case value == "-None-":
			problems.add(fault.BadValue, "values", "-None- says that nothing is chosen")
		case utf8.RuneCountInString(value) > f.Def().Max:
			problems.add(fault.TooLong, "values", "one is longer than "+strconv.Itoa(f.Def().Max)+" characters")
		case slices.ContainsFunc(f.Values, func(o string) bool { return strings.EqualFold(o, value) }):
			problems.add(fault.Duplicate, "values", "one is there twice")
		}
		f.Values = append(f.Values, value)
	}
	switch {
	case len(f.Values) == 0:
		problems.add(fault.Mandatory, "values", "there must be one")
	case len(f.Values) > fieldValuesMax:
		problems.add(fault.TooLong, "values", "there are more than "+strconv.Itoa(fieldValuesMax))
	}
	return problems
}

// reserved are names that Zoho CRM gives to fields of contacts which Tandem does not have: they stay free for it.
var reserved = []record.Field{
	"Owner", "Record_Image", "Layout", "Territories", "Locked__s", "Lead", "Currency", "Exchange_Rate", "Unsubscribed_Mode",
	"Unsubscribed_Time", "Enrich_Status__s", "Last_Enriched_Time__s", "Change_Log_Time__s", "Record_Approval_Status", "Wizard",
}

// apiName makes a name of a label as Zoho CRM does: letters and digits without accents, the rest underscores, with a number
// behind it where it is taken. Names differ by more than the case of letters, and one that was ever given is taken for good.
func apiName(label string, kind record.Kind, fields []CustomField) record.Field {
	var b strings.Builder
	for _, r := range norm.NFKD.String(label) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		case !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	name := strings.Trim(b.String(), "_")
	if name = strings.Trim(name[:min(len(name), fieldLabelMax)], "_"); name == "" || name[0] >= '0' && name[0] <= '9' {
		name = strings.TrimSuffix("Field_"+name, "_")
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	var taken []record.Field
	for _, d := range record.Standard(kind).AllDefs() {
		taken = append(taken, d.Name)
	}
	for f := range system {
		taken = append(taken, f)
	}
	for _, f := range fields {
		taken = append(taken, f.Name)
	}
	taken = append(taken, reserved...)
	for n := 0; ; n++ {
		one := name
		if n > 0 {
			one += strconv.Itoa(n)
		}
		if !slices.ContainsFunc(taken, func(f record.Field) bool { return strings.EqualFold(string(f), one) }) {
			return record.Field(one)
		}
	}
}
