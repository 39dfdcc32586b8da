package m365sim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// eventBody reads the event form into what Graph is to be sent: of the fields that the form has, those that
// differ from what was loaded. The problem is for the person who typed.
func (d *desk) eventBody(loaded url.Values) (body map[string]any, problem string) {
	form := d.r.PostForm
	differs := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return form.Has(name) && lastOf(form, name) != lastOf(loaded, name) })
	}
	body = map[string]any{}
	for _, name := range plainNames {
		if differs(name) {
			body[name] = lastOf(form, name)
		}
	}
	if differs("location") {
		body["location"] = map[string]any{"displayName": form.Get("location")}
	}
	if differs(bodyNames...) {
		kind := lastOf(form, "bodyContentType")
		if kind == "" {
			kind = "text"
		}
		content := strings.ReplaceAll(form.Get("body"), "\r\n", "\n")
		if kind != lastOf(loaded, "bodyContentType") || content != strings.ReplaceAll(loaded.Get("body"), "\r\n", "\n") {
			body["body"] = map[string]any{"contentType": kind, "content": content}
		}
	}
	if differs("isReminderOn") {
		body["isReminderOn"] = lastOf(form, "isReminderOn") == "true"
	}
	if differs("reminderMinutesBeforeStart") {
		minutes, err := strconv.Atoi(form.Get("reminderMinutesBeforeStart"))
		if err != nil {
			return nil, d.lang.say("The reminder is a number of minutes.")
		}
		body["reminderMinutesBeforeStart"] = minutes
	}
	if differs("categories") {
		body["categories"] = splitTexts(form.Get("categories"))
	}
	if differs("attendees") && strings.TrimSpace(form.Get("attendees")) != strings.ReplaceAll(loaded.Get("attendees"), "\r\n", "\n") {
		body["attendees"] = readAttendees(strings.ReplaceAll(form.Get("attendees"), "\r\n", "\n"))
	}
	return body, d.whenBody(body, form, loaded, differs)
}

// whenBody adds start, end and recurrence: they hang together, since a series begins on the day of its first event.
func (d *desk) whenBody(body map[string]any, form, loaded url.Values, differs func(...string) bool) (problem string) {
	moved, repeats := differs(whenNames...), recurrenceDiffers(form, loaded)
	if !moved && !repeats {
		return ""
	}
	pick := func(name string) string {
		if form.Has(name) {
			return lastOf(form, name)
		}
		return lastOf(loaded, name)
	}
	zone := pick("timeZone")
	if zone == "" {
		zone = d.person.TimeZone
	}
	from, ok1 := readInputTime(pick("start"))
	to, ok2 := readInputTime(pick("end"))
	if !ok1 || !ok2 {
		return d.lang.say("Start and end need a date and a time.")
	}
	allDay := pick("isAllDay") == "true"
	if allDay {
		from, to = midnight(from), midnight(to).AddDate(0, 0, 1)
	}
	if to.Before(from) {
		return d.lang.say("The end is before the start.")
	}
	if moved {
		body["isAllDay"] = allDay
		body["start"] = map[string]any{"dateTime": from.Format("2006-01-02T15:04:05"), "timeZone": zone}
		body["end"] = map[string]any{"dateTime": to.Format("2006-01-02T15:04:05"), "timeZone": zone}
	}
	if repeats || pick("recurrenceType") != "" && from.Format(dateForm) != firstDate(lastOf(loaded, "start")) {
		rule, problem := ruleFromForm(pick, form, loaded, from)
		if problem != "" {
			return d.lang.say(problem)
		}
		body["recurrence"] = rule
	}
	return ""
}

func firstDate(text string) string {
	date, _, _ := strings.Cut(text, "T")
	return date
}

// lastOf reads a field. A checkbox has a hidden "false" before it, so that "off" is told from "not in the form".
func lastOf(form url.Values, name string) string {
	values := form[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// readInputTime takes a date with a time, or a date alone.
func readInputTime(text string) (time.Time, bool) {
	for _, layout := range []string{inputTime, "2006-01-02T15:04:05", dateForm} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// htmlToText is the text of an HTML body, a line for each block. The page shows nothing else of it.
func htmlToText(source string) string {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return source // html.Parse reads anything; this is for a reader that fails, which this one does not
	}
	var b strings.Builder
	writeText(&b, root)
	lines := strings.Split(b.String(), "\n")
	var out []string
	for _, line := range lines {
		line = strings.Join(strings.Fields(line), " ")
		if line != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, line)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

func writeText(b *strings.Builder, n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		b.WriteString(strings.ReplaceAll(n.Data, "\n", " "))
	case n.Type == html.ElementNode && slices.Contains([]string{"head", "script", "style", "title"}, n.Data):
		return
	case n.Type == html.ElementNode && n.Data == "br":
		b.WriteByte('\n')
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		writeText(b, child)
	}
	if n.Type == html.ElementNode && slices.Contains([]string{"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "table", "ul", "ol"}, n.Data) {
		b.WriteByte('\n')
	}
}
