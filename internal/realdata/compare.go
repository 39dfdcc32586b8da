package realdata

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"tandem/internal/importfile"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// flat tells a record in the API's JSON, sent or answered, as comparable text by field. Empty fields are left out.
func flat(module string, fields map[string]any) map[string]string {
	out := map[string]string{}
	allDay := fields["All_day"] == true
	for name, v := range fields {
		var text string
		switch name {
		case "Start_DateTime", "End_DateTime":
			text = flatTime(str(v), allDay)
		case "Time_Zone":
			if !allDay {
				text = zone.Norm(str(v))
			}
		case "End_Time_Zone":
			if !allDay && !zone.Same(str(v), str(fields["Time_Zone"])) {
				text = zone.Norm(str(v))
			}
		case "Recurring_Activity":
			text = flatSeries(fields)
		case "Remind_At":
			text = flatReminder(v)
		case "Tag":
			text = flatTags(v)
		case "Participants":
			text = flatPeople(v)
		case "Account_Name":
			if o, ok := v.(map[string]any); ok {
				v = o["name"]
			}
			text = even(str(v))
		default:
			text = even(fmt.Sprint(v))
			if v == nil {
				text = ""
			}
		}
		if text != "" && text != "false" && compared(module, name) {
			out[name] = text
		}
	}
	return out
}

// compared reports whether a field is one that sync carries or the input may set, not the CRM's own.
func compared(module, name string) bool {
	switch name {
	case "id", "Owner", "Full_Name", "Data_Source", "Record_Status__s", "Created_By", "Created_Time", "Modified_By", "Modified_Time":
		return false
	}
	return module != ""
}

// even takes out of a text what systems change among each other: kinds of white space, composed letters.
func even(s string) string {
	var lines []string
	for line := range strings.SplitSeq(norm.NFC.String(s), "\n") {
		line = strings.Join(strings.Fields(line), " ")
		if line != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func flatTime(text string, allDay bool) string {
	if allDay {
		return text[:min(10, len(text))]
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC().Format(time.RFC3339)
	}
	return text
}

func flatReminder(v any) string {
	raw := fmt.Sprint(v)
	var unit int
	var period string
	switch list := v.(type) {
	case []map[string]any:
		unit, _ = list[0]["unit"].(int)
		period = str(list[0]["period"])
	case []any:
		if len(list) == 0 {
			return ""
		}
		o, _ := list[0].(map[string]any)
		n, _ := o["unit"].(float64)
		unit, period = int(n), str(o["period"])
	case nil:
		return ""
	default:
		return raw
	}
	minutes := map[string]int{"minutes": 1, "hours": 60, "days": 24 * 60, "weeks": 7 * 24 * 60}[period]
	return strconv.Itoa(unit * minutes)
}

// flatPeople tells who takes part, a line a person.
func flatPeople(v any) string {
	var lines []string
	add := func(name, address string) {
		if name = even(name); name == "" || strings.EqualFold(name, address) {
			lines = append(lines, address)
		} else {
			lines = append(lines, name+" <"+address+">")
		}
	}
	switch list := v.(type) {
	case []importfile.Guest:
		for _, g := range list {
			add(g.Name, g.Email)
		}
	case []any:
		for _, g := range list {
			o, _ := g.(map[string]any)
			add(str(o["name"]), str(o["Email"]))
		}
	case string:
		lines = strings.Split(even(list), "\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// peopleBlock is where the body of an event in Outlook tells who takes part.
var peopleBlock = regexp.MustCompile(`(?s)\s*---- Tandem: [^\n]* ----\s*\n(.*?)---- Tandem ----\s*`)

func flatTags(v any) string {
	var names []string
	switch list := v.(type) {
	case []map[string]string:
		for _, t := range list {
			names = append(names, t["name"])
		}
	case []any:
		for _, t := range list {
			if o, ok := t.(map[string]any); ok {
				names = append(names, str(o["name"]))
			} else {
				names = append(names, str(t))
			}
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// flatSeries tells a series as its canonical rule and the days left out.
func flatSeries(fields map[string]any) string {
	rule, days, start, ok := seriesOf(fields)
	if !ok {
		return ""
	}
	rule = rule.Resolve(start)
	text := rule.String()
	if len(days) > 0 { // those on which the rule has nothing say nothing
		slices.Sort(days)
		has := rule.Days(start, days[len(days)-1])
		days = slices.DeleteFunc(days, func(day string) bool { return !slices.Contains(has, day) })
	}
	if len(days) > 0 {
		text += " without " + strings.Join(days, ",")
	}
	return text
}

// seriesOf reads a series and its start, in the event's zone or, all-day, midnight UTC.
func seriesOf(fields map[string]any) (rule recur.Rule, days []string, start time.Time, ok bool) {
	var text, left string
	switch o := fields["Recurring_Activity"].(type) {
	case map[string]string:
		text, left = o["RRULE"], o["EXDATE"]
	case map[string]any:
		text, left = str(o["RRULE"]), str(o["EXDATE"])
	default:
		return rule, nil, start, false
	}
	rule, err := recur.Parse(text)
	if err != nil {
		return rule, nil, start, false
	}
	if left != "" {
		days = strings.Split(left, ",")
	}
	if fields["All_day"] == true {
		start, err = time.Parse(time.DateOnly, flatTime(str(fields["Start_DateTime"]), true))
	} else {
		start, err = time.Parse(time.RFC3339, str(fields["Start_DateTime"]))
		if loc, known := zone.Load(str(fields["Time_Zone"])); known {
			start = start.In(loc)
		}
	}
	return rule, days, start, err == nil
}

// diff lists the fields in which two flat records differ; only those of the keys.
func diff(from, to string, was, is map[string]string, keys []string) []Difference {
	var out []Difference
	for _, k := range keys {
		if was[k] != is[k] {
			out = append(out, Difference{Field: k, From: from, To: to, Was: clip(was[k], 300), Is: clip(is[k], 300)})
		}
	}
	return out
}

// contactFields says which Graph property meets which CRM field, by the default mapping.
var contactFields = []struct {
	field string
	graph func(map[string]any) any
}{
	{"Salutation", at("title")}, {"First_Name", at("givenName")}, {"Last_Name", at("surname")},
	{"Email", at("emailAddresses", "0", "address")}, {"Secondary_Email", at("emailAddresses", "1", "address")},
	{"Title", at("jobTitle")}, {"Account_Name", at("companyName")}, {"Department", at("department")},
	{"Phone", at("businessPhones", "0")}, {"Home_Phone", at("homePhones", "0")}, {"Mobile", at("mobilePhone")},
	{"Assistant", at("assistantName")}, {"Date_of_Birth", at("birthday")}, {"Description", at("personalNotes")},
	{"Mailing_Street", at("businessAddress", "street")}, {"Mailing_City", at("businessAddress", "city")},
	{"Mailing_State", at("businessAddress", "state")}, {"Mailing_Zip", at("businessAddress", "postalCode")},
	{"Mailing_Country", at("businessAddress", "countryOrRegion")},
	{"Other_Street", at("otherAddress", "street")}, {"Other_City", at("otherAddress", "city")},
	{"Other_State", at("otherAddress", "state")}, {"Other_Zip", at("otherAddress", "postalCode")},
	{"Other_Country", at("otherAddress", "countryOrRegion")}, {"Tag", at("categories")},
}

// at reads a property by its path; numbers are places in lists.
func at(path ...string) func(map[string]any) any {
	return func(o map[string]any) any {
		var now any = o
		for _, key := range path {
			switch v := now.(type) {
			case map[string]any:
				now = v[key]
			case []any:
				i, err := strconv.Atoi(key)
				if err != nil || i >= len(v) {
					return nil
				}
				now = v[i]
			default:
				return nil
			}
		}
		return now
	}
}

// contact tells a Graph contact as flat text.
func contact(item map[string]any) (out map[string]string, keys []string) {
	fields := map[string]any{}
	for _, row := range contactFields {
		v := row.graph(item)
		if row.field == "Date_of_Birth" {
			v = str(v)[:min(10, len(str(v)))]
		}
		fields[row.field] = v
		keys = append(keys, row.field)
	}
	return flat("Contacts", fields), keys
}

var eventKeys = []string{"Event_Title", "Start_DateTime", "End_DateTime", "All_day", "Time_Zone", "End_Time_Zone",
	"Venue", "Description", "Participants", "Remind_At", "Tag", "Show_As", "Sensitivity", "Importance"}

// meeting tells a Graph event as flat text, but for its recurrence.
func meeting(item map[string]any) map[string]string {
	allDay := item["isAllDay"] == true
	body := strings.ReplaceAll(str(at("body", "content")(item)), "\r\n", "\n")
	people := ""
	if block := peopleBlock.FindStringSubmatch(body); block != nil {
		body, people = peopleBlock.ReplaceAllString(body, "\n"), block[1]
	}
	fields := map[string]any{
		"Event_Title": item["subject"], "All_day": allDay, "Venue": at("location", "displayName")(item),
		"Description": body, "Participants": people, "Tag": item["categories"], "Time_Zone": item["originalStartTimeZone"],
		"End_Time_Zone": item["originalEndTimeZone"], "Show_As": item["showAs"], "Sensitivity": item["sensitivity"], "Importance": item["importance"],
	}
	for field, name := range map[string]string{"Start_DateTime": "start", "End_DateTime": "end"} {
		if t, _, ok := graphTime(item[name]); ok {
			fields[field] = t.Format(time.RFC3339)
		}
	}
	out := flat("Events", fields)
	if n, ok := item["reminderMinutesBeforeStart"].(float64); ok && item["isReminderOn"] == true {
		out["Remind_At"] = strconv.Itoa(int(n))
	}
	return out
}

// How far occurrences are compared: Graph gives at most 1,825 days at once.
const (
	yearsCompared       = 4
	occurrencesCompared = 400
)

// occurrences holds the days of a series as its rule says them against those that Outlook reckons.
func (s *Service) occurrences(ctx context.Context, id string, fields map[string]any) []Difference {
	rule, days, start, ok := seriesOf(fields)
	if !ok {
		return nil
	}
	without := map[string]bool{}
	for _, d := range days {
		without[d] = true
	}
	to := start.AddDate(yearsCompared, 0, 0)
	want := rule.Resolve(start).Between(start, start, to, without, occurrencesCompared)
	if len(want) == occurrencesCompared {
		to = want[len(want)-1].Add(time.Second)
	}
	got, err := s.Occurrences(ctx, id, start, to)
	was, is := dates(want), dates(got)
	if err != nil {
		is = err.Error()
	}
	if was == is {
		return nil
	}
	return []Difference{{Field: "Recurring_Activity", From: "crm", To: "outlook",
		Was: fmt.Sprintf("%d: %s", len(want), clip(was, 200)), Is: fmt.Sprintf("%d: %s", len(got), clip(is, 200))}}
}

func dates(list []time.Time) string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = t.UTC().Format("2006-01-02T15:04Z")
	}
	slices.SortFunc(texts, cmp.Compare[string])
	return strings.Join(texts, " ")
}
