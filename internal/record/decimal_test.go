package record_test

import (
	"strconv"
	"testing"

	"tandem/internal/record"
)

func TestADecimalHasOneText(t *testing.T) {
	for text, want := range map[string]record.Value{
		"0": "0", "-0": "0", "0.000": "0", "+7": "7", " 42 ": "42", "007": "7", "1.50": "1.5", ".5": "0.5", "-0.25": "-0.25", "1000": "1000",
		"1e3": "1000", "1.5E2": "150", "25e-1": "2.5", "5e-3": "0.005", "-1.20e1": "-12", "123456789012345": "123456789012345",
		"0.000000000000001": "0.000000000000001", "100000000000000.00": "100000000000000",
	} {
		if got, ok := record.Decimal(text); !ok || got != want {
			t.Errorf("%q is %q %v, expected %q", text, got, ok, want)
		}
		if again, ok := record.Decimal(string(want)); !ok || again != want {
			t.Errorf("%q is not its own text: %q %v", want, again, ok)
		}
	}
	for _, text := range []string{
		"", " ", "-", "+", ".", "5.", "1,5", "1.234,5", "1 000", "--1", "+-1", "1e", "1e99", "1e-99", "e5", "0x10", "NaN", "Inf", "1_000", "٣",
		"1234567890123456", "0.1234567890123456", "1e15", "0.0000000000000001",
	} {
		if got, ok := record.Decimal(text); ok {
			t.Errorf("%q counts as the number %q", text, got)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"1.5", "-0.00e3", "9e14", "000.100"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, ok := record.Decimal(text)
		if !ok {
			return
		}
		if again, ok := record.Decimal(string(v)); !ok || again != v {
			t.Fatalf("%q became %q, which became %q", text, v, again)
		}
		number, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			t.Fatalf("%q is no JSON number: %v", v, err)
		}
		if back, ok := record.Decimal(strconv.FormatFloat(number, 'f', -1, 64)); !ok || back != v {
			t.Fatalf("%q does not survive a double: %q", v, back)
		}
	})
}
