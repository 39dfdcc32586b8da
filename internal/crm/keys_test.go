package crm

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/record"
)

func TestS29_AddressesAreComparedNormalized(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" Kim.Lee@Contoso.Example ": "kim.lee@contoso.example",
		"kim@contoso.example":       "kim@contoso.example",
		"JOSÉ@contoso.example":      "josé@contoso.example",
		"-":                         "",
		"n/a":                       "",
		"@home":                     "",
		"kim@":                      "",
		"kim lee@contoso.example":   "",
		"kim@contoso\x00.example":   "",
		"\xffkim@contoso.example":   "",
		"":                          "",
	} {
		if got := address(in); got != want {
			t.Errorf("address(%q) = %q, not %q", in, got, want)
		}
	}
}

func TestS29_NamesAreComparedNormalized(t *testing.T) {
	t.Parallel()
	zoe := record.Fields{record.FirstName: "Zoë", record.LastName: "d'Ávila  Müller", record.Mobile: "11 98765-4321"}
	plain := record.Fields{record.LastName: "zoe D Avila Muller", record.PhoneField: "+55 11 98765-4321"}
	if a, b := ContactKeys(zoe), ContactKeys(plain); len(a) != 1 || !slices.Equal(a, b) {
		t.Errorf("%q and %q are not alike", a, b)
	}
	for name, fields := range map[string]record.Fields{
		"a number alone":        {record.PhoneField: "11 98765-4321"},
		"a name alone":          {record.LastName: "Müller"},
		"a name of signs":       {record.LastName: "?", record.PhoneField: "11 98765-4321"},
		"the assistant's":       {record.LastName: "Müller", record.AsstPhone: "11 98765-4321"},
		"no address, extension": {record.LastName: "Müller", record.EmailField: "-", record.PhoneField: "4321"},
	} {
		if keys := ContactKeys(fields); len(keys) != 0 {
			t.Errorf("%s is a key: %q", name, keys)
		}
	}
	if keys := ContactKeys(record.Fields{record.EmailField: "a@b", record.SecondaryEmail: "A@B "}); len(keys) != 1 {
		t.Errorf("one address twice: %q", keys)
	}
}

func TestFF116_NamesThatMeet(t *testing.T) {
	t.Parallel()
	name := func(first, last string) record.Fields {
		return record.Fields{record.FirstName: record.Value(first), record.LastName: record.Value(last)}
	}
	for _, row := range []struct {
		a, b record.Fields
		meet bool
	}{
		{name("Ana", "Lima"), name("ANA", "Souza"), true},
		{name("", "Lima, Ana"), name("Ana", "Lima"), true},
		{name("João", "Conceição"), name("", "joao conceicao"), true},
		{name("Alex", "Wilber"), name("Alexandre", "W."), true},
		{name("", ""), name("Ana", "Lima"), true},
		{name("", "ana.lima@x.example"), name("Rui", "Matos"), true},
		{name("王", "小明"), name("小明", "王"), true},
		{name("Ana", "Lima"), name("Rui", "Matos"), false},
		{name("A.", "Lima"), name("Ada", "Souza"), false}, // one letter says nothing
		{name("Zé", "Lima"), name("Zélia", "Souza"), false},
		{name("Reception", ""), name("Rui", "Matos"), false},
	} {
		if NamesMeet(row.a, row.b) != row.meet || NamesMeet(row.b, row.a) != row.meet {
			t.Errorf("%v and %v: want %v, whichever comes first", row.a, row.b, row.meet)
		}
	}
}

// Keys can be stored in both databases, and normal forms are fixed points.
func TestS29_KeysOfAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		if rapid.Bool().Draw(t, "runes") {
			s = rapid.String().Draw(t, "string")
		}
		fields := record.Fields{
			record.FirstName: record.Value(s), record.LastName: "L" + record.Value(s), record.EmailField: record.Value(s) + "@x", record.Mobile: record.Value(s) + "123456",
		}
		for _, key := range ContactKeys(fields) {
			if slices.Contains([]byte(key), 0) || !slices.Equal([]rune(key), []rune(string([]rune(key)))) {
				t.Fatalf("%q cannot be stored", key)
			}
		}
		if a := address(s); a != address(a) {
			t.Fatalf("address of %q: %q, then %q", s, a, address(a))
		}
		if n := folded(s); n != folded(n) {
			t.Fatalf("name %q: %q, then %q", s, n, folded(n))
		}
	})
}
