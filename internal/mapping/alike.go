package mapping

import (
	"strings"

	"tandem/internal/phone"
	"tandem/internal/record"
)

// Alike reports whether two values in normal form say the same in two forms: an address in other letter case, a telephone
// number with or without its country. Neither is better than the other, so where nobody has changed one into the other each
// side keeps its own. region is whose numbers are written without their country (ISO 3166-1).
func Alike(t record.Type, a, b record.Value, region string) bool {
	switch {
	case a == b:
		return true
	case a == "" || b == "":
		return false
	case t == record.Email:
		return strings.EqualFold(string(a), string(b))
	case t == record.Phone:
		return phone.Alike(string(a), string(b), region)
	}
	return false
}
