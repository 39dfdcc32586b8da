package mapping_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

func TestS26S27_TheDefaultsAreSound(t *testing.T) {
	t.Parallel()
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		if err := mapping.Default(kind).Check(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestS26_CheckRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		rows []mapping.Row
		want fault.Reason
	}{
		{"a field the CRM lacks", []mapping.Row{{Microsoft: "givenName", CRM: "Shoe_Size"}}, fault.UnknownField},
		{"a field Graph does not offer", []mapping.Row{{Microsoft: "businessFax", CRM: record.Fax}}, fault.UnknownField},
		{"a date to a phone", []mapping.Row{{Microsoft: "birthday", CRM: record.Mobile}}, fault.BadValue},
		{"the family name in an address", []mapping.Row{{Microsoft: "emailAddresses[2]", CRM: record.LastName}}, fault.BadValue},
		{"notes to a line", []mapping.Row{{Microsoft: "personalNotes", CRM: record.Title}}, fault.BadValue},
		{"one CRM field twice", []mapping.Row{{Microsoft: "mobilePhone", CRM: record.Mobile}, {Microsoft: "homePhones[0]", CRM: record.Mobile}}, fault.Duplicate},
		{"one Microsoft field twice", []mapping.Row{{Microsoft: "mobilePhone", CRM: record.Mobile}, {Microsoft: "mobilePhone", CRM: record.HomePhone}}, fault.Duplicate},
		{"a direction that is none", []mapping.Row{{Microsoft: "mobilePhone", CRM: record.Mobile, Direction: "up"}}, fault.BadValue},
		{"a name torn apart", []mapping.Row{
			{Microsoft: "givenName", CRM: record.FirstName, Direction: mapping.ToCRM}, {Microsoft: "surname", CRM: record.LastName},
		}, fault.NotExpressible},
	} {
		table := mapping.Table{Kind: record.Contacts, Rows: row.rows}
		if err := table.Check(); fault.ReasonOf(err) != row.want {
			t.Errorf("%s: got %v, want %s", row.name, err, row.want)
		}
	}
}

func TestToCRM_FindsAFamilyName(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		theirs      record.Fields
		first, last record.Value
	}{
		{"both names", record.Fields{"givenName": "Ana", "surname": "Silva"}, "Ana", "Silva"},
		{"a single name", record.Fields{"givenName": "Madonna", "surname": ""}, "", "Madonna"},
		{"a company", record.Fields{"givenName": "", "surname": "", "companyName": "Contoso"}, "", "Contoso"},
		{"an address", record.Fields{"surname": "", "emailAddresses[0]": "x@example.com"}, "", "x@example.com"},
		{"nothing at all", record.Fields{"surname": ""}, "", "?"},
		{"nothing said", nil, "", "?"},
		{"a single name beside a blank", record.Fields{"givenName": "Ana", "surname": "\u00a0"}, "", "Ana"},
		{"blanks and a company", record.Fields{"givenName": "\t", "surname": " \x00", "companyName": "Contoso"}, "\t", "Contoso"},
		{"nothing but blanks", record.Fields{"surname": "\u2003", "companyName": " "}, "", "?"},
	} {
		ours := mapping.Default(record.Contacts).ToCRM(row.theirs)
		if ours[record.LastName] != row.last || ours[record.FirstName] != row.first {
			t.Errorf("%s: got %q %q", row.name, ours[record.FirstName], ours[record.LastName])
		}
	}
}

func TestNormal_WhatIsNoDifference(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		kind record.Kind
		a, b record.Fields
		same bool
	}{
		{record.Contacts, record.Fields{record.EmailField: "Ana@Example.COM "}, record.Fields{record.EmailField: "Ana@example.com"}, true},
		{record.Contacts, record.Fields{record.EmailField: "ana@example.com"}, record.Fields{record.EmailField: "Ana@example.com"}, false},
		{record.Contacts, record.Fields{record.FirstName: " Ana  Maria"}, record.Fields{record.FirstName: "Ana Maria"}, true},
		{record.Contacts, record.Fields{record.FirstName: "Jose\u0301"}, record.Fields{record.FirstName: "José"}, true},
		{record.Contacts, record.Fields{record.Description: "a\r\n\r\n\r\nb  \r\n"}, record.Fields{record.Description: "a\n\nb"}, true},
		{record.Contacts, record.Fields{record.Description: "a\nb"}, record.Fields{record.Description: "a b"}, false},
		{record.Calendar, record.Fields{record.TimeZone: "Europe/Lisbon"}, record.Fields{record.TimeZone: "GMT Standard Time"}, true},
		{record.Calendar, record.Fields{record.TimeZone: "Europe/Lisbon"}, record.Fields{record.TimeZone: "Europe/Paris"}, false},
		{record.Calendar, record.Fields{record.AllDay: ""}, record.Fields{record.AllDay: "false"}, true},
		{
			record.Calendar,
			record.Fields{record.Start: "2026-11-24T12:00:00Z", record.TimeZone: "America/Sao_Paulo", record.Recurring: "FREQ=WEEKLY"},
			record.Fields{record.Start: "2026-11-24T12:00:00Z", record.TimeZone: "E. South America Standard Time", record.Recurring: "FREQ=WEEKLY;BYDAY=TU;INTERVAL=1"},
			true,
		},
		{
			record.Calendar,
			record.Fields{record.Start: "2026-11-24", record.AllDay: "true", record.TimeZone: "America/Sao_Paulo"},
			record.Fields{record.Start: "2026-11-24", record.AllDay: "true", record.TimeZone: "UTC"},
			true,
		},
	} {
		a, b := mapping.Normal(record.Standard(row.kind), row.a), mapping.Normal(record.Standard(row.kind), row.b)
		for f := range row.a {
			if (a[f] == b[f]) != row.same && (row.same || len(row.a) == 1) {
				t.Errorf("%s: %q and %q: normal forms %q and %q", f, row.a[f], row.b[f], a[f], b[f])
			}
		}
	}
}

// TestI11_NormalForms: the normal form of a normal form is itself, for every type and any text.
func TestI11_NormalForms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]record.Kind{record.Contacts, record.Calendar}).Draw(rt, "kind")
		fields := record.Fields{}
		for _, def := range record.Defs(kind) {
			fields[def.Name] = record.Value(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
				"", " ", "a  b", "a\r\nb", "x@Y.com", "true", "2026-11-24", "2026-11-24T12:00:00Z", "FREQ=WEEKLY", "Asia/Calcutta", "b\na\nb",
				"é", "e\u0301", "\u00a0", strings.Repeat(" \n", 3),
			})).Draw(rt, string(def.Name)))
		}
		once := mapping.Normal(record.Standard(kind), fields)
		twice := mapping.Normal(record.Standard(kind), once)
		for f := range fields {
			if once[f] != twice[f] {
				rt.Fatalf("%s: %q becomes %q, then %q", f, fields[f], once[f], twice[f])
			}
		}
	})
}

// TestI11_ThereAndBack: what the CRM holds comes back from Microsoft's fields alike, unless a stand-in was needed.
func TestI11_ThereAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		table := mapping.Default(record.Contacts)
		ours := record.Fields{}
		for _, f := range table.Fields() {
			def, _ := record.DefOf(record.Contacts, f)
			switch def.Type {
			case record.Picklist:
				ours[f] = record.Value(rapid.SampledFrom(append(def.Values, "")).Draw(rt, string(f)))
			case record.Date:
				ours[f] = "1970-02-28"
			default:
				ours[f] = record.Value(rapid.StringMatching(`[A-Za-z0-9é][A-Za-z0-9 é.@+-]{0,20}`).Draw(rt, string(f)))
			}
		}
		back := mapping.Normal(record.Standard(record.Contacts), table.ToCRM(table.ToMicrosoft(ours)))
		for f, v := range mapping.Normal(record.Standard(record.Contacts), ours) {
			if back[f] != v {
				rt.Fatalf("%s: %q comes back as %q", f, v, back[f])
			}
		}
	})
}

func TestS26_CheckLetsFieldsGoOneWayOrStayOut(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string][]mapping.Row{
		"no family name": {{Microsoft: "givenName", CRM: record.FirstName}},
		"no name at all": {{Microsoft: "mobilePhone", CRM: record.Mobile}},
		"names one way": {
			{Microsoft: "givenName", CRM: record.FirstName, Direction: mapping.ToMicrosoft},
			{Microsoft: "surname", CRM: record.LastName, Direction: mapping.ToMicrosoft},
			{Microsoft: "title", CRM: record.Salutation, Direction: mapping.ToCRM},
		},
		"nothing": nil,
	} {
		if err := (&mapping.Table{Kind: record.Contacts, Rows: rows}).Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	events := *mapping.Default(record.Calendar)
	events.Rows = slices.DeleteFunc(slices.Clone(events.Rows), func(r mapping.Row) bool { return r.CRM == record.End })
	if err := events.Check(); fault.ReasonOf(err) != fault.Mandatory {
		t.Errorf("events without an end: %v", err)
	}
}

func TestToCRM_FindsAFamilyNameThatIsNotMapped(t *testing.T) {
	t.Parallel()
	first, mobile := mapping.Row{Microsoft: "givenName", CRM: record.FirstName}, mapping.Row{Microsoft: "mobilePhone", CRM: record.Mobile}
	for _, row := range []struct {
		name   string
		rows   []mapping.Row
		theirs record.Fields
		want   record.Fields
	}{
		{"the family name", []mapping.Row{first}, record.Fields{"givenName": "Ana", "surname": "Silva"},
			record.Fields{record.FirstName: "Ana", record.LastName: "Silva"}},
		{"the given name", []mapping.Row{mobile}, record.Fields{"givenName": "Ana", "mobilePhone": "1"},
			record.Fields{record.LastName: "Ana", record.Mobile: "1"}},
		{"not a name that is said already", []mapping.Row{first}, record.Fields{"givenName": "Ana", "mobilePhone": "1"},
			record.Fields{record.FirstName: "Ana", record.LastName: "1", mapping.StandIn: "true"}},
		{"what its lists show", []mapping.Row{first}, record.Fields{"givenName": "", mapping.Shown: "Rita Lobo", "companyName": "Fábrica", "mobilePhone": "1"},
			record.Fields{record.FirstName: "", record.LastName: "Rita Lobo", mapping.StandIn: "true"}},
	} {
		got := (&mapping.Table{Kind: record.Contacts, Rows: row.rows}).ToCRM(row.theirs)
		if !maps.Equal(got, row.want) {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
	}
}

func TestS27_MicrosoftFieldsAreListedByGroup(t *testing.T) {
	t.Parallel()
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		seen, groups := map[record.Field]bool{}, []mapping.Group{}
		for _, f := range mapping.MicrosoftFields(kind) {
			if seen[f.Name] {
				t.Errorf("%s is listed twice", f.Name)
			}
			seen[f.Name] = true
			if len(groups) == 0 || groups[len(groups)-1] != f.Group {
				if slices.Contains(groups, f.Group) {
					t.Errorf("%s stands apart from its group", f.Name)
				}
				groups = append(groups, f.Group)
			}
		}
		for _, row := range mapping.Default(kind).Rows {
			if !seen[row.Microsoft] {
				t.Errorf("%s is not listed", row.Microsoft)
			}
		}
	}
}

func TestS26_WhatAChangeOfTheMappingConcerns(t *testing.T) {
	t.Parallel()
	table := func(rows ...mapping.Row) *mapping.Table { return &mapping.Table{Kind: record.Contacts, Rows: rows} }
	mobile, title := mapping.Row{Microsoft: "mobilePhone", CRM: record.Mobile}, mapping.Row{Microsoft: "jobTitle", CRM: record.Title}
	other := mapping.Row{Microsoft: "homePhones[0]", CRM: record.Mobile}
	oneWay := mapping.Row{Microsoft: "mobilePhone", CRM: record.Mobile, Direction: mapping.ToCRM}
	for _, row := range []struct {
		name     string
		old, new *mapping.Table
		moved    []record.Field
	}{
		{"nothing", table(mobile, title), table(title, mobile), nil},
		{"another partner", table(mobile, title), table(other, title), []record.Field{record.Mobile}},
		{"another direction", table(mobile), table(oneWay), nil},
		{"left out", table(mobile, title), table(title), []record.Field{record.Mobile}},
		{"taken in", table(title), table(title, mobile), []record.Field{record.Mobile}},
		{"from none", nil, table(title), []record.Field{record.Title}},
	} {
		if got := mapping.Moved(row.old, row.new); !slices.Equal(got, row.moved) {
			t.Errorf("%s: moved %v", row.name, got)
		}
	}
}

// Every end of a line parts tags, as it does at Outlook.
func TestI11_TagsArePartedByAnyEndOfLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[record.Value]record.Value{"B\rA": "A\nB", "A\r\nA": "A", "B\r\n\r\nA": "A\nB", "A": "A", "\r": ""} {
		if got := mapping.Normal(record.Standard(record.Contacts), record.Fields{record.Tag: in})[record.Tag]; got != want {
			t.Errorf("%q is %q, not %q", in, got, want)
		}
	}
}
