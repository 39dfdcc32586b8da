package crm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

func (w *world) customizer() *crm.Customizer {
	return crm.NewCustomizer(w.store, func() time.Time { return w.now })
}

var chief = crm.Author{Org: contoso, User: adele}

func TestNamesOfCustomFields(t *testing.T) {
	w := newWorld()
	c := w.customizer()
	for _, row := range []struct{ label, name string }{
		{"Shoe size", "Shoe_size"}, {"  Data  de   renovação ", "Data_de_renovacao"}, {"2nd language", "Field_2nd_language"},
		{"靴", "Field"}, {"鞋", "Field1"}, {"SHOE-SIZE", "SHOE_SIZE1"}, {"mobile", "Mobile1"}, {"ID", "ID1"}, {"version", "Version"},
		{"Record image", "Record_image1"}, {"C++ / Go", "C_Go"},
	} {
		f, err := c.Make(t.Context(), chief, record.Contacts, crm.FieldDraft{Label: row.label, Type: "text"})
		if err != nil || string(f.Name) != row.name {
			t.Errorf("%q is called %q, expected %q: %v", row.label, f.Name, row.name, err)
		}
	}
	// A name stays with its field whatever becomes of either.
	f, err := c.Make(t.Context(), chief, record.Contacts, crm.FieldDraft{Label: "Hat", Type: "double"})
	if err != nil {
		t.Fatal(err)
	}
	if f, err = c.Change(t.Context(), chief, record.Contacts, f.ID, crm.FieldDraft{Label: "Cap", Type: "text"}); err != nil || f.Name != "Hat" || f.Type != record.Number {
		t.Errorf("renamed: %+v %v", f, err)
	}
	if _, err := c.Destroy(t.Context(), chief, record.Contacts, f.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("a field in use is destroyed: %v", err)
	}
	for _, deed := range []func() error{
		func() error { _, err := c.Retire(t.Context(), chief, record.Contacts, f.ID); return err },
		func() error { _, err := c.Destroy(t.Context(), chief, record.Contacts, f.ID); return err },
	} {
		if err := deed(); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := c.Make(t.Context(), chief, record.Contacts, crm.FieldDraft{Label: "Hat", Type: "text"}); err != nil || again.Name != "Hat1" {
		t.Errorf("the name of a destroyed field: %q %v", again.Name, err)
	}
	if _, _, err := c.One(t.Context(), contoso, record.Contacts, f.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("a destroyed field is found: %v", err)
	}
}

func TestCustomFieldsAreRefused(t *testing.T) {
	w := newWorld()
	c := w.customizer()
	if _, err := c.Make(t.Context(), chief, record.Contacts, crm.FieldDraft{Label: "Colour", Type: "picklist", Values: []string{"Red", " ", "Blue"}}); err != nil {
		t.Fatal(err)
	}
	many := make([]string, 201)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, row := range map[string]struct {
		draft  crm.FieldDraft
		reason fault.Reason
		field  string
	}{
		"no label":          {crm.FieldDraft{Label: " \t", Type: "text"}, fault.Mandatory, "label"},
		"a long label":      {crm.FieldDraft{Label: strings.Repeat("é", 51), Type: "text"}, fault.TooLong, "label"},
		"a label again":     {crm.FieldDraft{Label: "colour", Type: "text"}, fault.Duplicate, "label"},
		"a standard label":  {crm.FieldDraft{Label: " data  de NASCIMENTO", Type: "date", Taken: []string{"Date of birth", "Data de nascimento"}}, fault.Duplicate, "label"},
		"no such type":      {crm.FieldDraft{Label: "X", Type: "lookup"}, fault.BadValue, "type"},
		"no choices":        {crm.FieldDraft{Label: "X", Type: "picklist"}, fault.Mandatory, "values"},
		"a choice twice":    {crm.FieldDraft{Label: "X", Type: "picklist", Values: []string{"a", "A"}}, fault.Duplicate, "values"},
		"nothing as choice": {crm.FieldDraft{Label: "X", Type: "picklist", Values: []string{"-None-"}}, fault.BadValue, "values"},
		"a long choice":     {crm.FieldDraft{Label: "X", Type: "picklist", Values: []string{strings.Repeat("a", 121)}}, fault.TooLong, "values"},
		"too many choices":  {crm.FieldDraft{Label: "X", Type: "picklist", Values: many}, fault.TooLong, "values"},
	} {
		_, err := c.Make(t.Context(), chief, record.Contacts, row.draft)
		if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Reason != row.reason || f.Field != row.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Make(t.Context(), chief, record.Calendar, crm.FieldDraft{Label: "X", Type: "text"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a field of events: %v", err)
	}
	for i := range crm.CustomFieldsMax - 1 {
		if _, err := c.Make(t.Context(), chief, record.Contacts, crm.FieldDraft{Label: fmt.Sprint("Field ", i), Type: "text"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Make(t.Context(), chief, record.Contacts, crm.FieldDraft{Label: "One more", Type: "text"}); fault.ReasonOf(err) != fault.TooLong {
		t.Errorf("one more than may be: %v", err)
	}
}

func (w *world) get(t *testing.T, who crm.Actor, id record.ID) crm.Record {
	t.Helper()
	r, err := w.Get(t.Context(), who, record.Contacts, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func shows(r crm.Record, f record.Field) bool {
	_, shown := r.Fields[f]
	return shown
}

// everyType makes a custom field of each type and gives their names by the types' names.
func everyType(t *testing.T, w *world) map[string]crm.CustomField {
	out := map[string]crm.CustomField{}
	for _, typ := range crm.CustomTypes {
		d := crm.FieldDraft{Label: "My " + typ.Name, Type: typ.Name}
		if typ.Type == record.Picklist {
			d.Values = []string{"Red", "Blue"}
		}
		f, err := w.customizer().Make(t.Context(), chief, record.Contacts, d)
		if err != nil {
			t.Fatal(err)
		}
		out[typ.Name] = f
	}
	return out
}

func TestCustomValuesHaveCanonicalText(t *testing.T) {
	w := newWorld()
	fields := everyType(t, w)
	for _, row := range []struct{ typ, given, want string }{
		{"text", " a\nb ", "a b"}, {"textarea", "a\r\nb", "a\nb"}, {"double", "007.50", "7.5"}, {"double", "", ""},
		{"date", "2026-02-28", "2026-02-28"}, {"picklist", "Red", "Red"}, {"picklist", "-None-", ""}, {"boolean", "true", "true"},
		{"boolean", "", "false"}, {"phone", "+55 11 99999-0000", "+55 11 99999-0000"}, {"email", "a@b.example", "a@b.example"},
		{"website", "https://b.example", "https://b.example"},
	} {
		r := w.insert(t, adele, record.Contacts, record.Fields{record.LastName: "L", fields[row.typ].Name: record.Value(row.given)}).ID
		if got := w.get(t, person(adele), r).Fields[fields[row.typ].Name]; string(got) != row.want {
			t.Errorf("%s: %q is kept as %q, expected %q", row.typ, row.given, got, row.want)
		}
	}
	for _, row := range []struct {
		typ, given string
		reason     fault.Reason
	}{
		{"double", "1,5", fault.BadValue}, {"double", "1234567890123456", fault.BadValue}, {"date", "28.02.2026", fault.BadValue},
		{"picklist", "Green", fault.BadValue}, {"boolean", "maybe", fault.BadValue}, {"email", "nobody", fault.BadValue},
		{"text", strings.Repeat("é", 256), fault.TooLong},
	} {
		results, err := w.Insert(t.Context(), person(adele), record.Contacts, []crm.Draft{{Fields: record.Fields{record.LastName: "L", fields[row.typ].Name: record.Value(row.given)}}})
		if err != nil || fault.ReasonOf(results[0].Err) != row.reason {
			t.Errorf("%s takes %q: %v %v", row.typ, row.given, results[0].Err, err)
		}
	}
}

// Whatever is done to a record while a field is out of use, its value of it is there when the field is used again.
func TestValuesOfAFieldOutOfUseStay(t *testing.T) {
	w := newWorld()
	fields := everyType(t, w)
	size, colour := fields["double"], fields["picklist"]
	r := w.insert(t, adele, record.Contacts, record.Fields{record.LastName: "L", size.Name: "42", colour.Name: "Red"}).ID
	known, err := w.Schema(t.Context(), contoso, record.Contacts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.customizer().Retire(t.Context(), chief, record.Contacts, size.ID); err != nil {
		t.Fatal(err)
	}
	if now := w.get(t, person(adele), r); shows(now, size.Name) {
		t.Errorf("a field out of use is shown: %v", now.Fields)
	}
	side := w.Side(crm.LinkSide{Org: contoso, User: adele, Kind: record.Contacts, Link: 1, Cap: 10})
	results := func(got []crm.Result, err error) {
		t.Helper()
		if err != nil || got[0].Err != nil {
			t.Fatal(err, got)
		}
	}
	results(w.Update(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: r, Fields: record.Fields{record.FirstName: "F"}}}))
	results(w.MassUpdate(t.Context(), person(adele), record.Contacts, []record.ID{r}, record.Department, "D"))
	results(w.Delete(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: r}}))
	results(w.Restore(t.Context(), person(adele), record.Contacts, []record.ID{r}))
	for _, change := range []record.Op{record.Update, record.Delete, record.Restore} {
		told, err := side.Read(t.Context(), []record.Ref{r.Ref()})
		if err != nil {
			t.Fatal(err)
		}
		if _, shown := told[0].Fields[size.Name]; shown {
			t.Errorf("sync is told of a field out of use")
		}
		outcomes, err := side.Apply(t.Context(), []record.Write{{Op: change, Ref: r.Ref(), Version: told[0].Version, Fields: record.Fields{record.Title: record.Value(fmt.Sprint("T", change))}}})
		if err != nil || outcomes[0].Err != nil {
			t.Fatal(err, outcomes)
		}
	}
	if got, _ := w.Update(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: r, Fields: record.Fields{size.Name: "1"}}}); fault.ReasonOf(got[0].Err) != fault.UnknownField {
		t.Errorf("a field out of use is written: %v", got[0].Err)
	}
	// A run that began before goes on with the field, so that nothing looks emptied.
	before := w.Side(crm.LinkSide{Org: contoso, User: adele, Kind: record.Contacts, Link: 1, Cap: 10, Schema: known})
	if told, err := before.Read(t.Context(), []record.Ref{r.Ref()}); err != nil || told[0].Fields[size.Name] != "42" {
		t.Errorf("the run that knows the field is told %v %v", told, err)
	}
	if _, n, err := w.customizer().One(t.Context(), contoso, record.Contacts, size.ID); err != nil || n != 1 {
		t.Errorf("%d records are said to have a value: %v", n, err)
	}
	if _, err := w.customizer().Revive(t.Context(), chief, record.Contacts, size.ID); err != nil {
		t.Fatal(err)
	}
	if now := w.get(t, person(adele), r); now.Fields[size.Name] != "42" || now.Fields[record.Title] == "" || now.Fields[record.Department] != "D" {
		t.Errorf("in use again: %v", now.Fields)
	}

	// Destroyed, it is gone, and no run takes that for somebody's edit.
	for _, deed := range []func() (crm.CustomField, error){
		func() (crm.CustomField, error) {
			return w.customizer().Retire(t.Context(), chief, record.Contacts, size.ID)
		},
		func() (crm.CustomField, error) {
			return w.customizer().Destroy(t.Context(), chief, record.Contacts, size.ID)
		},
	} {
		if _, err := deed(); err != nil {
			t.Fatal(err)
		}
	}
	if told, err := before.Read(t.Context(), []record.Ref{r.Ref()}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a run that knows a destroyed field goes on: %v %v", told, err)
	}
	if _, err := before.Changes(t.Context(), "", 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("a listing goes on: %v", err)
	}
	if all := w.store.All(); all[0].Fields[size.Name] != "" || all[0].Fields[colour.Name] != "Red" {
		t.Errorf("destroyed: %v", all[0].Fields)
	}
}

// A value that is no longer a choice stays with the records that have it, and nobody gets it anew.
func TestChoicesThatAreNoMoreStay(t *testing.T) {
	w := newWorld()
	colour := everyType(t, w)["picklist"]
	r := w.insert(t, adele, record.Contacts, record.Fields{record.LastName: "L", colour.Name: "Red"}).ID
	if _, err := w.customizer().Change(t.Context(), chief, record.Contacts, colour.ID, crm.FieldDraft{Label: colour.Label, Values: []string{"Blue"}}); err != nil {
		t.Fatal(err)
	}
	got, err := w.Update(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: r, Fields: record.Fields{colour.Name: "Red", record.Title: "T"}}})
	if err != nil || got[0].Err != nil || w.get(t, person(adele), r).Fields[colour.Name] != "Red" {
		t.Errorf("saved with its old value: %v %v", got, err)
	}
	if got, _ := w.Insert(t.Context(), person(adele), record.Contacts, []crm.Draft{{Fields: record.Fields{record.LastName: "L", colour.Name: "Red"}}}); fault.ReasonOf(got[0].Err) != fault.BadValue {
		t.Errorf("given anew: %v", got[0].Err)
	}
}

func TestCustomFieldsAreTheirOrganizations(t *testing.T) {
	w := newWorld()
	size := everyType(t, w)["double"]
	other := crm.Author{Org: fabrikam, User: adele}
	if _, err := w.customizer().Change(t.Context(), other, record.Contacts, size.ID, crm.FieldDraft{Label: "Mine"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("another organization changes the field: %v", err)
	}
	if s, err := w.Schema(t.Context(), fabrikam, record.Contacts); err != nil || len(s.Own()) != 0 {
		t.Errorf("another organization sees %v %v", s.Own(), err)
	}
	if s, err := w.Schema(t.Context(), contoso, record.Calendar); err != nil || len(s.Own()) != 0 {
		t.Errorf("events have them too: %v %v", s.Own(), err)
	}
}
