package m365sim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// recurrenceNames are the form's fields about repetition, named as in patternedRecurrence.
var recurrenceNames = []string{"recurrenceType", "interval", "daysOfWeek", "dayOfMonth", "index", "month", "rangeType", "endDate", "numberOfOccurrences"}

// fillRecurrence writes a rule as the form shows it, or what a rule beginning on that day would likely be.
func fillRecurrence(form url.Values, rule gjson.Result, start time.Time) {
	form.Set("recurrenceType", rule.Get("pattern.type").Str)
	form.Set("interval", orElse(rule.Get("pattern.interval").Int(), 1))
	form.Set("dayOfMonth", orElse(rule.Get("pattern.dayOfMonth").Int(), int64(start.Day())))
	form.Set("month", orElse(rule.Get("pattern.month").Int(), int64(start.Month())))
	form.Set("numberOfOccurrences", orElse(rule.Get("range.numberOfOccurrences").Int(), 10))
	form["daysOfWeek"] = nil
	for _, day := range rule.Get("pattern.daysOfWeek").Array() {
		form.Add("daysOfWeek", strings.ToLower(day.Str))
	}
	if len(form["daysOfWeek"]) == 0 {
		form.Set("daysOfWeek", strings.ToLower(start.Weekday().String()))
	}
	index := rule.Get("pattern.index").Str
	if index == "" || form.Get("recurrenceType") == "" {
		index = []string{"first", "second", "third", "fourth", "last"}[min((start.Day()-1)/7, 4)]
	}
	form.Set("index", index)
	form.Set("rangeType", rule.Get("range.type").Str)
	if form.Get("rangeType") == "" {
		form.Set("rangeType", "noEnd")
	}
	end := rule.Get("range.endDate").Str
	if form.Get("rangeType") != "endDate" {
		end = start.AddDate(0, 3, 0).Format(dateForm)
	}
	form.Set("endDate", end)
}

func orElse(n, otherwise int64) string {
	if n == 0 {
		n = otherwise
	}
	return strconv.FormatInt(n, 10)
}

// recurrenceDiffers compares what the chosen kind of repetition looks at.
func recurrenceDiffers(form, loaded url.Values) bool {
	if !form.Has("recurrenceType") {
		return false
	}
	if form.Get("recurrenceType") == "" && loaded.Get("recurrenceType") == "" {
		return false
	}
	return slices.ContainsFunc(recurrenceNames, func(name string) bool {
		return form.Has(name) && !slices.Equal(sorted(form[name]), sorted(loaded[name]))
	})
}

func sorted(list []string) []string {
	return slices.Sorted(slices.Values(list))
}

// ruleFromForm reads the rule out of the form; nil when the event is not to repeat. Only what the kind of rule
// looks at is sent (fact sheet §3.5).
func ruleFromForm(pick func(string) string, form, loaded url.Values, start time.Time) (rule map[string]any, problem string) {
	kind := pick("recurrenceType")
	if kind == "" {
		return nil, ""
	}
	number := func(name string, least, most int) int {
		n, err := strconv.Atoi(pick(name))
		if err != nil || n < least || n > most {
			problem = "A number about the repetition is missing or out of bounds."
		}
		return n
	}
	days := form["daysOfWeek"]
	if !form.Has("daysOfWeek") {
		days = loaded["daysOfWeek"]
	}
	days = slices.DeleteFunc(slices.Clone(days), func(day string) bool { return day == "" })

	pattern := map[string]any{"type": kind, "interval": number("interval", 1, 999)}
	switch kind {
	case "daily":
	case "weekly":
		pattern["daysOfWeek"], pattern["firstDayOfWeek"] = days, "sunday"
	case "absoluteMonthly":
		pattern["dayOfMonth"] = number("dayOfMonth", 1, 31)
	case "relativeMonthly":
		pattern["daysOfWeek"], pattern["index"] = days, pick("index")
	case "absoluteYearly":
		pattern["dayOfMonth"], pattern["month"] = number("dayOfMonth", 1, 31), number("month", 1, 12)
	case "relativeYearly":
		pattern["daysOfWeek"], pattern["index"], pattern["month"] = days, pick("index"), number("month", 1, 12)
	}
	if pattern["daysOfWeek"] != nil && len(days) == 0 {
		return nil, "Pick at least one day of the week."
	}
	span := map[string]any{"type": pick("rangeType"), "startDate": start.Format(dateForm)}
	switch pick("rangeType") {
	case "endDate":
		until, err := time.Parse(dateForm, pick("endDate"))
		if err != nil || until.Before(midnight(start)) {
			return nil, "The repetition ends before it begins."
		}
		span["endDate"] = pick("endDate")
	case "numbered":
		span["numberOfOccurrences"] = number("numberOfOccurrences", 1, 999)
	}
	return map[string]any{"pattern": pattern, "range": span}, problem
}

// eventChoices are the options of the event form's selects.
func (l locale) eventChoices() eventChoices {
	words := func(pairs ...string) []choice {
		var list []choice
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, choice{pairs[i], l.say(pairs[i+1])})
		}
		return list
	}
	c := eventChoices{
		ShowAs:      words("free", "Free", "tentative", "Tentative", "busy", "Busy", "oof", "Away", "workingElsewhere", "Working elsewhere"),
		Sensitivity: words("normal", "Normal", "personal", "Personal", "private", "Private", "confidential", "Confidential"),
		Importance:  words("low", "Low", "normal", "Normal", "high", "High"),
		Types: words("", "Does not repeat", "daily", "Daily", "weekly", "Weekly", "absoluteMonthly", "Monthly, on a day of the month",
			"relativeMonthly", "Monthly, on a weekday", "absoluteYearly", "Yearly, on a date", "relativeYearly", "Yearly, on a weekday"),
		Ranges: words("noEnd", "Never", "endDate", "On a date", "numbered", "After a number of times"),
		Index:  words("first", "first", "second", "second", "third", "third", "fourth", "fourth", "last", "last"),
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		c.Days = append(c.Days, choice{strings.ToLower(day.String()), l.weekday(day)})
	}
	for m := time.January; m <= time.December; m++ {
		c.Months = append(c.Months, choice{strconv.Itoa(int(m)), l.month(m)})
	}
	return c
}
