package crm

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"tandem/internal/phone"
	"tandem/internal/record"
)

// What tells one contact from another. A number only does so together with a name: families and firms share one.
var (
	addresses = []record.Field{record.EmailField, record.SecondaryEmail}
	numbers   = []record.Field{record.PhoneField, record.Mobile, record.HomePhone, record.OtherPhone}
)

// ContactKeys are the texts by which contacts are looked up that may be one: equal ones mean the same address, or the same
// name with a number that ends alike. Stores keep them beside each contact that is not deleted, so a change of this rule takes
// a migration. Whether two numbers are one depends on the organization's region, which may change: that is told afterwards, of
// those that were found (see sameNumber), and no key depends on it.
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
	name := nameKey(fields)
	if name == "" {
		return nil
	}
	for _, f := range numbers {
		n := phone.Tail(string(fields[f]))
		if key := n + " " + name; n != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// nameKey is a contact's name as it is compared.
func nameKey(fields record.Fields) string {
	return folded(string(fields[record.FirstName]) + " " + string(fields[record.LastName]))
}

// sameNumber reports whether two contacts have a telephone number in common.
func sameNumber(a, b record.Fields, region string) bool {
	for _, f := range numbers {
		for _, g := range numbers {
			if a[f] != "" && b[g] != "" && phone.Same(string(a[f]), string(b[g]), region) {
				return true
			}
		}
	}
	return false
}

// Alike reports whether two contacts may be one person: they share an address, or the name and a number.
func Alike(a, b record.Fields, region string) bool {
	keys := addressKeys(a)
	if slices.ContainsFunc(addressKeys(b), func(k string) bool { return slices.Contains(keys, k) }) {
		return true
	}
	name := nameKey(a)
	return name != "" && name == nameKey(b) && sameNumber(a, b, region)
}

// NamesMeet reports whether two contacts of one address may be one person by their names: they share a word, or one of at least
// three letters begins another (Alex, Alexandre). Whoever has no name, or an address in its place, may be anybody. A family or a
// firm shares its address among people whose names do not meet.
func NamesMeet(a, b record.Fields) bool {
	ours, theirs := nameWords(a), nameWords(b)
	if len(ours) == 0 || len(theirs) == 0 {
		return true
	}
	return slices.ContainsFunc(ours, func(one string) bool {
		return slices.ContainsFunc(theirs, func(other string) bool { return one == other || begins(one, other) || begins(other, one) })
	})
}

func nameWords(fields record.Fields) (words []string) {
	for _, f := range []record.Field{record.FirstName, record.LastName} {
		if name := string(fields[f]); !strings.Contains(name, "@") {
			words = append(words, strings.Fields(folded(name))...)
		}
	}
	return words
}

func begins(short, long string) bool {
	return utf8.RuneCountInString(short) >= 3 && strings.HasPrefix(long, short)
}

// Exchange writes an event's UID as a global object id in hexadecimal digits. One that came from elsewhere stands inside it, behind
// 40 bytes and a mark, up to a NUL (MS-OXCICAL 2.1.3.1.1.20.26).
const (
	globalID = "040000008200e00074c5b7101a82e008"
	foreign  = "vCal-Uid\x01\x00\x00\x00"
)

// spellings are what an event with a UID may be called in calendar files; none for an event without one.
func spellings(uid string) []string {
	low := strings.ToLower(uid)
	if !strings.HasPrefix(low, globalID) {
		return slices.DeleteFunc([]string{uid}, func(s string) bool { return s == "" })
	}
	out := []string{uid, low, strings.ToUpper(uid)}
	if raw, err := hex.DecodeString(low); err == nil && len(raw) > 40 {
		if inner, ok := strings.CutPrefix(string(raw[40:]), foreign); ok {
			inner, _, _ = strings.Cut(inner, "\x00")
			out = append(out, inner)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" })
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
