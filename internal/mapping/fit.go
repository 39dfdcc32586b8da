package mapping

import (
	"strings"
	"time"
	"unicode/utf8"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// UnfitForMicrosoft says why a contact's value has no place in the field of Microsoft's that its CRM field is mapped to; ""
// where it has one. Such a value stays in the CRM, and the rest of the contact is in step.
func (t *Table) UnfitForMicrosoft(field record.Field, v record.Value) fault.Reason {
	if t.Kind != record.Contacts {
		return ""
	}
	if v == "" {
		if def, _ := t.Schema().Def(field); def.Type == record.Image {
			return fault.PhotoStays // there is no request that takes one off a contact (profilePhoto, delete)
		}
		return ""
	}
	for _, row := range t.Rows {
		if row.CRM != field {
			continue
		}
		switch theirs, _ := microsoftType(t.Kind, row.Microsoft); {
		case theirs == record.Email && !IsAddress(string(v)):
			return fault.BadValue
		case theirs == record.Date && !isDay(v, 1601, 4500):
			return fault.BadValue
		}
	}
	return ""
}

// UnfitForCRM says why a contact's value has no place in a field of the CRM; "" where it has one. Such a value stays at
// Microsoft: cut off, it would be another one.
func (t *Table) UnfitForCRM(field record.Field, v record.Value) fault.Reason {
	def, ok := t.Schema().Def(field)
	switch {
	case t.Kind != record.Contacts || !ok || v == "":
	case def.Max > 0 && utf8.RuneCountInString(strings.TrimSpace(string(v))) > def.Max:
		return fault.TooLong
	case def.Type == record.Date && !isDay(v, 1, 9999):
		return fault.BadValue
	case def.Type == record.Image && !strings.HasPrefix(string(v), "sha256:"):
		return fault.BadValue // see record.Image
	case !tells(def, v):
		return fault.BadValue
	}
	return ""
}

// HeldByMicrosoft reports whether a value that breaks the form of a field, and so keeps the two sides apart, can only be
// Microsoft's: of fields with such a form the CRM takes no other values.
func HeldByMicrosoft(def record.Def) bool {
	switch def.Type {
	case record.Image, record.Picklist, record.Number, record.Bool, record.URL:
		return true
	}
	return false
}

// Clipped is as much of a value as its CRM field takes, for a field that the CRM demands.
func (t *Table) Clipped(field record.Field, v record.Value) record.Value {
	def, _ := t.Schema().Def(field)
	return record.Value(strings.TrimSpace(string(clip(record.Value(strings.TrimSpace(string(v))), def.Max))))
}

// IsAddress reports whether Exchange takes an e-mail address. Of one that it doesn't, it drops the address and keeps the
// name (FIELD-FAILURES 113).
func IsAddress(s string) bool {
	local, domain, ok := strings.Cut(strings.TrimSpace(s), "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(strings.TrimSpace(s), " ,;<>()[]\"\t\r\n")
}

// isDay reports whether a value is a day of the years given: Exchange holds those of 1601 to 4500.
func isDay(v record.Value, from, to int) bool {
	day, err := time.Parse(time.DateOnly, string(v))
	return err == nil && day.Year() >= from && day.Year() <= to
}
