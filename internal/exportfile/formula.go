package exportfile

import "strings"

// formula are what a spreadsheet takes the beginning of a formula for, or what leads to one (OWASP, CSV injection).
const formula = "=+-@\t\r\n＝＋－＠"

// Defused keeps a spreadsheet from taking a cell for a formula: people choose their own names. It puts an apostrophe before the
// cell, and before one that would look as if it had one. Meant takes it away again.
func Defused(cell string) string {
	if rest := strings.TrimLeft(cell, "'"); rest != "" && strings.ContainsRune(formula, []rune(rest)[0]) {
		return "'" + cell
	}
	return cell
}

// Meant is what a cell says that Defused has gone over.
func Meant(cell string) string {
	if cut, ok := strings.CutPrefix(cell, "'"); ok && Defused(cut) != cut {
		return cut
	}
	return cell
}
