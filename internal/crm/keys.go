package crm

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"tandem/internal/record"
)

// What tells one contact from another. A number only does so together with a name: families and firms share one.
var (
	addresses = []record.Field{record.EmailField, record.SecondaryEmail}
	numbers   = []record.Field{record.PhoneField, record.Mobile, record.HomePhone, record.OtherPhone}
)

// ContactKeys are the texts by which a contact is recognized: equal ones mean the same address, or the same name with the
// same number. Stores keep them beside each contact that is not deleted, so a change of this rule takes a migration.
func ContactKeys(fields record.Fields) []string {
	return append(addressKeys(fields), numberKeys(fields)...)
}

func addressKeys(fields record.Fields) (keys []string) {
	all := strings.Split(string(fields[record.FurtherAddresses]), "\n") // only items have those
	for _, f := range addresses {
		all = append(all, string(fields[f]))
	}
	for _, s := range all {
		if a := address(s); a != "" && !slices.Contains(keys, "@"+a) {
			keys = append(keys, "@"+a)
		}
	}
	return keys
}

func numberKeys(fields record.Fields) (keys []string) {
	name := folded(string(fields[record.FirstName]) + " " + string(fields[record.LastName]))
	if name == "" {
		return nil
	}
	for _, f := range numbers {
		n := number(string(fields[f]))
		if key := n + " " + name; n != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// address is an e-mail address as it is compared; "" for what is none, such as a dash that somebody typed.
func address(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	at := strings.LastIndexByte(s, '@')
	odd := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar }
	if at < 1 || at == len(s)-1 || strings.ContainsFunc(s, odd) {
		return ""
	}
	return s
}

// folded is a name as it is compared: its words in lower case, without accents and punctuation.
func folded(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) {
		return wordsOf(s)
	}
	plain, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), strings.ToValidUTF8(s, ""))
	if err != nil {
		plain = strings.ToValidUTF8(s, "")
	}
	return wordsOf(plain)
}

func wordsOf(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	return strings.Join(words, " ")
}

// fewestDigits keeps extensions and typing errors from being anybody's number.
const fewestDigits = 6

// number is a phone number as it is compared: "+", the country and the rest, or bare digits of a number without an area.
// A number that names no country is one of Brazil, written with or without the zero and the operator before its area
// (0 15 11 …) and with or without the ninth digit that mobile numbers got in 2012 to 2016.
//
// A library would know the plans of all countries, but its tables change, and keys that are stored must not: whether two
// ways to write one number are told alike is worth less than that the answer stays the same.
func number(s string) string {
	s = strings.TrimSpace(norm.NFKC.String(strings.ToValidUTF8(s, "")))
	digits := digitsOf(s)
	switch {
	case len(digits) < fewestDigits:
		return ""
	case strings.HasPrefix(s, "+"):
		return international(digits)
	case strings.HasPrefix(digits, "00"):
		return international(digits[2:])
	case digits[0] == '0':
		if digits = digits[1:]; len(digits) == 12 || len(digits) == 13 {
			digits = digits[2:] // the operator
		}
	case strings.HasPrefix(digits, brazil) && (len(digits) == 12 || len(digits) == 13):
		digits = digits[2:]
	}
	return national(digits)
}

const brazil = "55"

func international(digits string) string {
	if rest, ok := strings.CutPrefix(digits, brazil); ok {
		return national(strings.TrimPrefix(rest, "0")) // +55 (0) 11 …
	}
	return "+" + digits
}

// national is a number of Brazil: an area of two digits and eight or nine more, or a local number without an area.
func national(digits string) string {
	local := max(0, len(digits)-9)
	if mobile := digits[local:]; (local == 0 || local == 2) && len(mobile) == 9 && mobile[0] == '9' && mobile[1] >= '6' {
		digits = digits[:local] + mobile[1:]
	}
	if len(digits) == 10 {
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
