// Package phone says when two telephone numbers, as people type them, are one. Numbers are kept as they were typed; what is
// said here is only for comparing them, and depends on the country whose numbers are written without their country.
package phone

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

// Brazil is the region that is taken where nobody has chosen another one.
const Brazil = "BR"

// Regions are the countries and regions whose numbers are known, by their ISO 3166-1 code, in order.
var Regions = func() []string {
	var out []string
	for region := range phonenumbers.GetSupportedRegions() {
		out = append(out, region)
	}
	slices.Sort(out)
	return out
}()

// IsRegion reports whether the numbers of a region are known.
func IsRegion(region string) bool {
	_, known := slices.BinarySearch(Regions, region)
	return known
}

// fewest keeps extensions and typing errors from being anybody's number.
const fewest = 6

// Number is a telephone number as it is compared: "+", the country and the rest, or bare digits of a number without an area;
// "" for what is none. A number that names no country is one of the region.
//
// Of Brazil more is known than libraries say: numbers are written with or without the zero and the operator before their area
// (0 15 11 …), and with or without the ninth digit that mobile numbers got in 2012 to 2016.
func Number(s, region string) string {
	s = strings.TrimSpace(norm.NFKC.String(strings.ToValidUTF8(s, "")))
	number := digitsOf(s)
	if len(number) < fewest {
		return ""
	}
	rest, abroad := "", strings.HasPrefix(s, "+")
	if rest = number; !abroad {
		rest, abroad = strings.CutPrefix(number, "00")
	}
	switch {
	case abroad && strings.HasPrefix(rest, brazil):
		number = national(strings.TrimPrefix(rest[len(brazil):], "0")) // +55 (0) 11 …
	case abroad:
		number = "+" + planned("+"+rest, rest, "")
	case region == Brazil:
		number = national(domestic(number))
	default:
		if number = planned(number, number, region); strings.HasPrefix(number, "+"+brazil) {
			return Number(number, region)
		}
	}
	if len(strings.TrimPrefix(number, "+")) < fewest {
		return ""
	}
	return number
}

// Tail is what the last digits of a number are however its country is written: numbers that are one in some region have the
// same. So it is what to look numbers up by, before they are compared; "" for what is no number.
func Tail(s string) string {
	digits := digitsOf(strings.TrimSpace(norm.NFKC.String(strings.ToValidUTF8(s, ""))))
	if len(digits) < fewest {
		return ""
	}
	return digits[len(digits)-fewest:]
}

// Same reports whether two texts are one number.
func Same(a, b, region string) bool {
	n := Number(a, region)
	return n != "" && n == Number(b, region)
}

// planned is a number as its country's plan reads it, or the digits where no plan does. A plan that reads other digits at the
// end is not believed: see Tail.
func planned(text, digits, region string) string {
	n, err := phonenumbers.Parse(text, region)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return digits
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if min(len(e164), len(digits)) < fewest || !strings.HasSuffix(e164, digits[len(digits)-fewest:]) {
		return digits
	}
	if e164 != text { // a plan may take off a second zero where it took off the first
		return planned(e164, strings.TrimPrefix(e164, "+"), region)
	}
	if region == "" {
		return strings.TrimPrefix(e164, "+")
	}
	return e164
}

// Alike reports whether two texts are one number with one extension, or both without any: then neither says more than the other.
func Alike(a, b, region string) bool { return Same(a, b, region) && extension(a) == extension(b) }

// extension is what digits stand behind a number.
func extension(s string) string {
	s = norm.NFKC.String(strings.ToValidUTF8(s, ""))
	var all strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' {
			all.WriteRune(r)
		}
	}
	return strings.TrimPrefix(all.String(), digitsOf(strings.TrimSpace(s)))
}

const brazil = "55"

// domestic is a number dialled within Brazil without the zero, the operator and the country.
func domestic(digits string) string {
	switch {
	case digits[0] == '0':
		if digits = digits[1:]; len(digits) == 12 || len(digits) == 13 {
			digits = digits[2:] // the operator
		}
	case strings.HasPrefix(digits, brazil) && (len(digits) == 12 || len(digits) == 13):
		digits = digits[2:]
	}
	return digits
}

// national is a number of Brazil: an area of two digits and eight or nine more, or a local number without an area.
func national(digits string) string {
	local := max(0, len(digits)-9)
	if mobile := digits[local:]; (local == 0 || local == 2) && len(mobile) == 9 && mobile[0] == '9' && mobile[1] >= '6' {
		digits = digits[:local] + mobile[1:]
	}
	if len(digits) == 10 && digits[0] != '0' {
		return "+" + brazil + digits
	}
	return digits
}

// digitsOf are the digits of a number without its extension, which letters or a sign set off ("ramal 12", "x12", "#12").
func digitsOf(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() >= 8 && (unicode.IsLetter(r) || strings.ContainsRune("#;,*/", r)):
			return b.String()
		}
	}
	return b.String()
}
