package web

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"tandem/internal/record"
)

// yearless is the part of a date's control for a day of which the year is not known. It stands beside the control with a year,
// and what was changed of the two counts.
type yearless struct {
	Was          string // the date that the form was made with
	Days, Months []option
	Open         bool
}

// ofNoYear is what a form makes of a day without a year, also where there is no such day.
var ofNoYear = regexp.MustCompile(`^` + strconv.Itoa(record.NoYear) + `-(\d\d)-(\d\d)$`)

// withoutYear lets a person leave out the year of a birthday, and of a date that has none.
func (v *visit) withoutYear(f *field) {
	parts := ofNoYear.FindStringSubmatch(f.Value)
	if f.Input != inputs[record.Date] || parts == nil && (f.Name != string(record.DateOfBirth) || f.Reading) {
		return
	}
	y := yearless{Was: f.Value, Open: parts != nil}
	month, day := "", ""
	if y.Open {
		month, day, f.Value = parts[1], parts[2], ""
	}
	y.Days, y.Months = []option{{"", "–", false}}, []option{{"", "–", false}}
	for n := range 31 {
		value := fmt.Sprintf("%02d", n+1)
		y.Days = append(y.Days, option{value, strconv.Itoa(n + 1), value == day})
	}
	for n := time.January; n <= time.December; n++ {
		value := fmt.Sprintf("%02d", n)
		y.Months = append(y.Months, option{value, v.words.T(fmt.Sprintf("month.%d", n)), value == month})
	}
	f.Yearless = &y
}

// postedDay is a date with or without a year, as a form sends it: the one that differs from the date that the form was made with.
func postedDay(form url.Values, name, whole string) string {
	month, day, was := form.Get(name+".month"), form.Get(name+".day"), form.Get(name+".was")
	if month == "" && day == "" || whole != "" && whole != was {
		return whole
	}
	if month == "" {
		month = "00" // no date, of which the person is told
	}
	if day == "" {
		day = "00"
	}
	return strconv.Itoa(record.NoYear) + "-" + month + "-" + day
}
