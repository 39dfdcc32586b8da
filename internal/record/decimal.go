package record

import (
	"strconv"
	"strings"
)

// maxDigits is the most significant digits of a number, and the most on either side of its point: as many as every
// program that reads JSON keeps (IEEE 754 double).
const maxDigits = 15

// Decimal brings a decimal number into its canonical text: "-12.5", without leading zeros, trailing zeros of a fraction or
// a plus sign; zero is "0". The point is a point whatever the language, and there is nothing between thousands: "1.234" is
// one and a bit everywhere. An exponent is worked in. False: it is no such number, or has too many digits.
func Decimal(text string) (Value, bool) {
	text = strings.TrimSpace(text)
	sign := ""
	if rest, minus := strings.CutPrefix(text, "-"); minus {
		sign, text = "-", rest
	} else {
		text = strings.TrimPrefix(text, "+")
	}
	shift := 0
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		n, err := strconv.Atoi(text[at+1:])
		if err != nil || n > 2*maxDigits || n < -2*maxDigits {
			return "", false
		}
		text, shift = text[:at], n
	}
	whole, fraction, point := strings.Cut(text, ".")
	if whole+fraction == "" || point && fraction == "" || len(whole)+len(fraction) > 4*maxDigits {
		return "", false
	}
	for _, r := range whole + fraction {
		if r < '0' || r > '9' {
			return "", false
		}
	}
	digits, at := whole+fraction, len(whole)+shift // the point stands before digits[at]
	if at < 0 {
		digits, at = strings.Repeat("0", -at)+digits, 0
	}
	if at > len(digits) {
		digits += strings.Repeat("0", at-len(digits))
	}
	whole, fraction = strings.TrimLeft(digits[:at], "0"), strings.TrimRight(digits[at:], "0")
	significant := strings.TrimLeft(whole+fraction, "0")
	if fraction == "" {
		significant = strings.TrimRight(significant, "0")
	}
	if len(significant) > maxDigits || len(whole) > maxDigits || len(fraction) > maxDigits {
		return "", false
	}
	switch {
	case whole+fraction == "":
		return "0", true
	case whole == "":
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return Value(sign + whole), true
}
