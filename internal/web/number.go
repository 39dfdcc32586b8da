package web

import (
	"strings"

	"tandem/internal/record"
)

// marks are what stands before a fraction and between thousands in the person's language.
func (w *words) marks() (point, thousands string) {
	if w.lang == languages[1] {
		return ",", "."
	}
	return ".", ","
}

// number tells a canonical number in the person's language, without marks between thousands. Other text stays as it is.
func (w *words) number(text string) string {
	if _, ok := record.Decimal(text); !ok {
		return text
	}
	point, _ := w.marks()
	return strings.Replace(text, ".", point, 1)
}

// readNumber reads a number as people of the language write it; what is none stays as it was typed, to be refused by name.
// A mark between thousands counts as one only where it stands between thousands.
func (w *words) readNumber(text string) string {
	point, thousands := w.marks()
	whole, fraction, broken := strings.Cut(strings.TrimSpace(text), point)
	if parts := strings.Split(whole, thousands); len(parts) > 1 {
		first := strings.TrimLeft(parts[0], "+-")
		grouped := first != "" && len(first) <= 3
		for _, p := range parts[1:] {
			grouped = grouped && len(p) == 3
		}
		if !grouped {
			if plain, ok := record.Decimal(text); ok {
				return string(plain)
			}
			return text
		}
		whole = strings.Join(parts, "")
	}
	if broken {
		whole += "." + fraction
	}
	if n, ok := record.Decimal(whole); ok {
		return string(n)
	}
	return text
}

// read is a value as people read it, where it is typed otherwise.
func (w *words) read(def record.Def, value record.Value) string {
	if text, ok := w.Date(value); ok && def.Type == record.Date {
		return text
	}
	return w.typed(def, value)
}

// typed is a value as the control of its field has it.
func (w *words) typed(def record.Def, value record.Value) string {
	if def.Type == record.Number {
		return w.number(string(value))
	}
	return string(value)
}
