package phone_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/phone"
)

func TestS29_NumbersAreComparedNormalized(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		region, want string
		same         []string
	}{
		{"BR", "+551187654321", []string{ // a mobile number of São Paulo
			"+55 11 98765-4321", "55 11 98765 4321", "(11) 98765-4321", "11 8765-4321", "011 98765-4321", "0 15 11 98765-4321",
			"0xx11 98765-4321", "+55 (0) 11 98765-4321", "0055 11 98765-4321", "１１ ９８７６５-４３２１", "11 98765-4321 ramal 12", "+55 11 98765-4321 x9",
		}},
		{"BR", "+551133334444", []string{"11 3333-4444", "+55 11 3333 4444", "01133334444", "0 21 11 3333-4444"}},
		{"BR", "+555532214321", []string{"55 3221-4321", "+55 55 3221 4321", "055 3221-4321"}}, // area 55: Santa Maria
		{"BR", "33334444", []string{"3333-4444"}},
		{"BR", "87654321", []string{"98765-4321", "8765 4321"}},
		{"BR", "+12125550123", []string{"+1 (212) 555-0123", "00 1 212 555 0123"}},
		{"BR", "", []string{"", "-", "1234", "ramal 12", "012345"}},
		{"DE", "+49301234567", []string{"030 1234567", "(030) 123 45 67", "+49 30 1234567", "0049 30 1234567", "+49 (0)30 1234567"}},
		{"DE", "+551187654321", []string{"+55 11 98765-4321", "+55 (11) 8765-4321"}},
		{"US", "+12125550123", []string{"(212) 555-0123", "1 212 555 0123", "+1 212-555-0123", "212.555.0123 x45"}},
		{"PT", "+351211234567", []string{"21 123 4567", "+351 211 234 567", "00351 211234567"}},
		{"GB", "+442079460123", []string{"020 7946 0123", "+44 20 7946 0123", "+44 (0)20 7946 0123"}},
	} {
		for _, in := range row.same {
			if got := phone.Number(in, row.region); got != row.want {
				t.Errorf("%q in %s is %q, not %q", in, row.region, got, row.want)
			}
		}
	}
	if phone.Same("11 93333-4444", "11 3333-4444", "BR") {
		t.Error("a land line is taken for a mobile number")
	}
	if phone.Same("030 1234567", "+49 30 1234567", "BR") || phone.Same("11 3333-4444", "+55 11 3333-4444", "DE") {
		t.Error("a number without a country is taken for one of another country than the region")
	}
	for _, region := range phone.Regions {
		if n := phone.Number("0043000", region); n != "" && !strings.HasSuffix(n, "043000") { // abroad, with hardly a number behind it
			t.Errorf("0043000 is %q in %s", n, region)
		}
	}
	if !phone.IsRegion("BR") || !phone.IsRegion("PT") || phone.IsRegion("") || phone.IsRegion("XX") || phone.IsRegion("br") {
		t.Error("regions are mistaken")
	}
}

// What is looked up by its tail is never missed, in no region, and normal forms are fixed points.
func TestS29_NumbersThatAreOneHaveOneTail(t *testing.T) {
	t.Parallel()
	digits := rapid.StringMatching(`(\+|00|0)?[0-9]{4,14}`)
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SampledFrom(phone.Regions).Draw(t, "region")
		a := digits.Draw(t, "a")
		if rapid.Bool().Draw(t, "text") {
			a = rapid.String().Draw(t, "any") + a
		}
		bare := strings.TrimLeft(a, "+0")
		b := rapid.SampledFrom([]string{"", "0", "00", "+", "+55", "0015", "+49", "+1", "1", "8"}).Draw(t, "prefix") + bare
		n := phone.Number(a, region)
		if n != "" && phone.Same(a, b, region) && phone.Tail(a) != phone.Tail(b) {
			t.Fatalf("%q and %q are %q in %s, with the tails %q and %q", a, b, n, region, phone.Tail(a), phone.Tail(b))
		}
		if n != "" && (phone.Tail(a) == "" || !strings.HasSuffix(n, phone.Tail(a))) {
			t.Fatalf("%q is %q in %s, its tail is %q", a, n, region, phone.Tail(a))
		}
		if again := phone.Number(n, region); strings.HasPrefix(n, "+") && again != n {
			t.Fatalf("%q is %q and then %q in %s", a, n, again, region)
		}
	})
}
