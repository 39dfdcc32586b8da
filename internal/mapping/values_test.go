package mapping_test

import (
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// shop is an organization with a custom field of each type.
var shop = record.Standard(record.Contacts).With(
	record.Def{Name: "Nickname", Type: record.Text, Max: 255},
	record.Def{Name: "Story", Type: record.LongText, Max: 32000},
	record.Def{Name: "Shoe_Size", Type: record.Number},
	record.Def{Name: "Club", Type: record.Bool},
	record.Def{Name: "Colour", Type: record.Picklist, Max: 120, Values: []string{"Red", "Azul claro"}},
	record.Def{Name: "Member_since", Type: record.Date},
	record.Def{Name: "Beeper", Type: record.Phone, Max: 30},
	record.Def{Name: "Third_address", Type: record.Email, Max: 100},
	record.Def{Name: "Shop", Type: record.URL, Max: 450},
)

var shopTable = (&mapping.Table{Kind: record.Contacts}).In(shop)

func init() {
	shopTable.Rows = []mapping.Row{
		{Microsoft: "nickName", CRM: "Nickname"},
		{Microsoft: "personalNotes", CRM: "Story"},
		{Microsoft: "initials", CRM: "Shoe_Size"},
		{Microsoft: "profession", CRM: "Club"},
		{Microsoft: "generation", CRM: "Colour"},
		{Microsoft: "birthday", CRM: "Member_since"},
		{Microsoft: "homePhones[1]", CRM: "Beeper"},
		{Microsoft: "emailAddresses[2]", CRM: "Third_address"},
		{Microsoft: "businessHomePage", CRM: "Shop"},
	}
}

func TestS26_CustomFieldsMeetOnlyWhatFits(t *testing.T) {
	t.Parallel()
	if err := shopTable.Check(); err != nil {
		t.Fatalf("a table of custom fields: %v", err)
	}
	for _, row := range []mapping.Row{
		{Microsoft: "birthday", CRM: "Shoe_Size"}, {Microsoft: "personalNotes", CRM: "Club"}, {Microsoft: "mobilePhone", CRM: "Shoe_Size"},
		{Microsoft: "nickName", CRM: "Member_since"}, {Microsoft: "categories", CRM: "Story"}, {Microsoft: "birthday", CRM: "Nickname"},
	} {
		table := (&mapping.Table{Kind: record.Contacts}).In(shop)
		table.Rows = []mapping.Row{row}
		if err := table.Check(); fault.ReasonOf(err) != fault.BadValue {
			t.Errorf("%s and %s may meet: %v", row.Microsoft, row.CRM, err)
		}
	}
	if err := (&mapping.Table{Kind: record.Contacts, Rows: shopTable.Rows}).Check(); fault.ReasonOf(err) != fault.UnknownField {
		t.Errorf("in an organization without these fields: %v", err)
	}
}

func TestATableLeavesOutFieldsThatAreNoMore(t *testing.T) {
	t.Parallel()
	none := shopTable.In(record.Standard(record.Contacts))
	if len(none.Rows) != 0 || len(shopTable.Rows) != 9 {
		t.Errorf("left: %v of %d", none.Rows, len(shopTable.Rows))
	}
	if again := none.In(shop); len(again.Rows) != 0 || again.Schema() != shop {
		t.Errorf("again: %v", again)
	}
}

// What the CRM holds of a custom field comes back from Microsoft's text alike.
func TestI11_CustomFieldsThereAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ours := record.Fields{}
		for _, def := range shop.Own() {
			var v string
			switch def.Type {
			case record.Picklist:
				v = rapid.SampledFrom(append(def.Values, "", "no longer offered")).Draw(rt, string(def.Name))
			case record.Date:
				v = rapid.SampledFrom([]string{"", "1970-02-28", "2026-01-01"}).Draw(rt, string(def.Name))
			case record.Bool:
				v = rapid.SampledFrom([]string{"true", "false"}).Draw(rt, string(def.Name))
			case record.Number:
				if n, ok := record.Decimal(rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,5})?`).Draw(rt, string(def.Name))); ok {
					v = string(n)
				}
			default:
				v = rapid.StringMatching(`([A-Za-z0-9é][A-Za-z0-9 é.@+-]{0,20})?`).Draw(rt, string(def.Name))
			}
			ours[def.Name] = record.Value(v)
		}
		back := mapping.Normal(shop, shopTable.ToCRM(shopTable.ToMicrosoft(ours)))
		for f, v := range mapping.Normal(shop, ours) {
			if back[f] != v {
				rt.Fatalf("%s: %q comes back as %q", f, v, back[f])
			}
			if f != "Colour" && ours[f] != "" && shopTable.UnfitForCRM(f, back[f]) != "" {
				rt.Fatalf("%s: %q has no place where it came from", f, v)
			}
		}
	})
}

// What people write in a line of text of Outlook's, and what the CRM has of it. A text that is no such value stays there.
func TestCustomValuesAreReadFromText(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		field     record.Field
		microsoft record.Field
		text      record.Value
		want      record.Value
		unfit     fault.Reason
	}{
		{"Shoe_Size", "initials", " 042.50 ", "42.5", ""},
		{"Shoe_Size", "initials", "42,5", "42,5", fault.BadValue},
		{"Shoe_Size", "initials", "large", "large", fault.BadValue},
		{"Shoe_Size", "initials", "", "", ""},
		{"Club", "profession", "Sim", "true", ""},
		{"Club", "profession", "x", "true", ""},
		{"Club", "profession", "NÃO", "false", ""},
		{"Club", "profession", "", "false", ""},
		{"Club", "profession", "Baker", "Baker", fault.BadValue},
		{"Colour", "generation", "Azul claro", "Azul claro", ""},
		{"Colour", "generation", "Green", "Green", fault.BadValue},
		{"Nickname", "nickName", "Zé", "Zé", ""},
	} {
		got := shopTable.ToCRM(record.Fields{row.microsoft: row.text})[row.field]
		if got != row.want {
			t.Errorf("%s: %q is read as %q, expected %q", row.field, row.text, got, row.want)
		}
		if unfit := shopTable.UnfitForCRM(row.field, got); unfit != row.unfit {
			t.Errorf("%s: %q: unfit %q, expected %q", row.field, got, unfit, row.unfit)
		}
	}
	told := shopTable.ToMicrosoft(record.Fields{"Club": "true", "Shoe_Size": "-1.5"})
	if told["profession"] != "true" || told["initials"] != "-1.5" || shopTable.ToMicrosoft(record.Fields{"Club": "false"})["profession"] != "" {
		t.Errorf("told as %v", told)
	}
}
