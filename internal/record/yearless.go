package record

import (
	"strings"
	"time"
)

// NoYear is the year that stands for none in a date of which only day and month are known, such as most birthdays: Apple's address
// book and telephones write it, and Exchange keeps it. It is a leap year, so 29 February is one of its days.
const NoYear = 1604

const noYear = "1604-"

// WithoutYear is a day of no year; ok is false where there is no such day.
func WithoutYear(month time.Month, day int) (v Value, ok bool) {
	at := time.Date(NoYear, month, day, 0, 0, 0, 0, time.UTC)
	return Value(at.Format(time.DateOnly)), month >= time.January && month <= time.December && at.Month() == month && at.Day() == day
}

// Yearless is the day of a date that has no year; ok is false of any other value.
func Yearless(v Value) (at time.Time, ok bool) {
	at, err := time.Parse(time.DateOnly, string(v))
	return at, err == nil && strings.HasPrefix(string(v), noYear)
}
