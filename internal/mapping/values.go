package mapping

import (
	"slices"
	"strings"

	"tandem/internal/record"
)

// Some values are told otherwise at Microsoft, where there is nothing but text for them: a number as its canonical digits, a
// ticked box as "true" and an empty one as nothing. What people write there is understood a little more widely, and stays as
// they wrote it. A text that tells no such value is left as it is: see UnfitForCRM.

// yes and no are what people write for a ticked box and an empty one, in small letters.
var (
	yes = []string{"true", "yes", "sim", "verdadeiro", "x", "1", "✓", "✔"}
	no  = []string{"false", "no", "não", "nao", "falso", "0", "-"}
)

// inCRM is a value of Microsoft's as a CRM field has it.
func inCRM(def record.Def, v record.Value) record.Value {
	text := strings.TrimSpace(string(v))
	switch def.Type {
	case record.Picklist: // such as "Sr.": it stays at Microsoft, which nobody overwrites with nothing
		if !def.Open && !def.Custom && !slices.Contains(def.Values, string(v)) {
			return ""
		}
		if def.Custom {
			return record.Value(text)
		}
	case record.Number:
		if n, ok := record.Decimal(text); ok {
			return n
		}
	case record.Bool:
		switch word := strings.ToLower(text); {
		case slices.Contains(yes, word):
			return "true"
		case word == "" || slices.Contains(no, word):
			return "false"
		}
	}
	return v
}

// atMicrosoft is a value of the CRM's as the row's field at Microsoft has it.
func (t *Table) atMicrosoft(row Row, v record.Value) record.Value {
	if theirs, _ := microsoftType(t.Kind, row.Microsoft); theirs == record.Text && v == "false" {
		if def, _ := t.Schema().Def(row.CRM); def.Type == record.Bool {
			return ""
		}
	}
	return v
}

// tells reports whether a value is one of its CRM field's type. The choices of a picklist that an organization made change:
// a value that is none of them stays at Microsoft, and one that both sides hold already stays on both.
func tells(def record.Def, v record.Value) bool {
	switch def.Type {
	case record.Picklist:
		return !def.Custom || def.Open || slices.Contains(def.Values, string(v))
	case record.Number:
		n, ok := record.Decimal(string(v))
		return ok && n == v
	case record.URL:
		return record.IsAddress(strings.TrimSpace(string(v)))
	case record.Bool:
		return v == "true" || v == "false"
	}
	return true
}
