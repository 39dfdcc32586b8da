package intake

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tandem/internal/crm"
	"tandem/internal/exportfile"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/record"
)

// converter makes of rows what people would write into the CRM's fields.
type converter struct {
	schema   *record.Schema
	settings Settings
}

// taken is what a row says.
type taken struct {
	fields record.Fields // those that have a value
	uid    string
	whys   []Why
}

func (c *converter) row(r importfile.Row) (t taken) {
	if r.Why != "" {
		return taken{whys: []Why{{Reason: string(r.Why), Value: r.Name}}}
	}
	if r.Cells == nil {
		t = taken{fields: c.known(r.Fields), uid: r.UID}
		if c.schema.Kind() == record.Contacts && len(r.Fields) == 0 {
			t.whys = []Why{{Reason: string(fault.Mandatory), Field: record.LastName}}
		}
		return t
	}
	t.fields = record.Fields{}
	said := map[Target]string{}
	var notes []string
	for i, column := range c.settings.Columns {
		if i >= len(r.Cells) || column.Target == Nothing {
			continue
		}
		text := exportfile.Meant(strings.TrimSpace(r.Cells[i])) // our own files keep spreadsheets from taking it for a formula
		switch {
		case text == "":
		case column.Target == Notes:
			notes = append(notes, strings.TrimPrefix(column.Name+": ", ": ")+text)
		default:
			said[column.Target] = text
		}
	}
	for target, text := range said {
		def, ok := c.schema.Def(record.Field(target))
		switch {
		case !ok && strings.HasPrefix(string(target), "-"), def.Group == record.GroupWhen:
			continue
		case !ok: // it was there when the columns were chosen
			t.wrong(fault.UnknownField, record.Field(target), text)
			continue
		}
		value, ok := c.value(def, text)
		if !ok {
			t.wrong(fault.BadValue, def.Name, text)
			continue
		}
		t.fields[def.Name] = value
	}
	if len(notes) > 0 {
		text := strings.Join(notes, "\n")
		if before := t.fields[record.Description]; before != "" {
			text = string(before) + "\n\n" + text
		}
		t.fields[record.Description] = record.Value(text)
	}
	t.uid = said[UID]
	if c.schema.Kind() == record.Contacts {
		c.names(&t, said[FullName])
	} else {
		c.when(&t, said)
		c.remind(&t, said[Reminder])
		if t.fields[record.EventTitle] == "" {
			t.fields[record.EventTitle] = ""
		}
	}
	slices.SortFunc(t.whys, func(a, b Why) int { return strings.Compare(string(a.Field), string(b.Field)) })
	return t
}

// known are the fields of a card or event that people may write here. The others, which only a file of another organization's
// Tandem has, stand at the end of the description.
func (c *converter) known(fields record.Fields) record.Fields {
	out := make(record.Fields, len(fields))
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == record.Participants && guestsOnly(fields[name]) {
			out[name] = fields[name]
		} else if slices.ContainsFunc(c.schema.Defs(), func(d record.Def) bool { return d.Name == name && d.Type != record.Image }) {
			out[name] = fields[name]
		} else if fields[name] != "" {
			lines = append(lines, strings.ReplaceAll(string(name), "_", " ")+": "+string(fields[name]))
		}
	}
	if len(lines) > 0 {
		out[record.Description] = record.Value(strings.TrimSpace(string(out[record.Description]) + "\n\n" + strings.Join(lines, "\n")))
	}
	return out
}

// guestsOnly reports whether participants are names and addresses: which records of the CRM they are, no file says.
func guestsOnly(v record.Value) bool {
	people := crm.Participants(v)
	return len(people) > 0 && !slices.ContainsFunc(people, func(p crm.Participant) bool { return p.Type != crm.EmailTakesPart || p.ID != 0 })
}

// tagNames are names with separators between them; one in quotation marks may have separators in it, and such marks twice.
func tagNames(text string) (names []string) {
	quoted, start := false, 0
	for i, r := range text + "\n" {
		switch {
		case r == '"' && (strings.TrimSpace(text[start:i]) == "" || strings.TrimSpace(text[start:i])[0] == '"'):
			quoted = !quoted
		case i == len(text) || !quoted && (r == ';' || r == ',' || r == '\n'):
			names, start = append(names, text[start:i]), i+1
		}
	}
	return names
}

func (t *taken) wrong(reason fault.Reason, field record.Field, value string) {
	t.whys = append(t.whys, Why{Reason: string(reason), Field: field, Value: short(value)})
}

// short is the beginning of a value, for people.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= 80 {
		return s
	}
	return string([]rune(s)[:80]) + "…"
}

// value is a cell's text in a form that the field takes, as far as that can be told without doubt.
func (c *converter) value(def record.Def, text string) (record.Value, bool) {
	switch def.Type {
	case record.Date:
		read := readDay
		if def.Name == record.DateOfBirth {
			read = readBirthday
		}
		day, ok := read(text, c.settings.Days)
		return record.Value(day.Format(time.DateOnly)), ok
	case record.Bool:
		b, ok := readBool(text)
		return record.Value(strconv.FormatBool(b)), ok
	case record.Number:
		n, ok := readNumber(text, c.settings.Comma)
		return record.Value(n), ok
	case record.Tags:
		names := tagNames(text)
		for i, name := range names { // Google writes "* myContacts ::: Friends"
			if bare := strings.TrimSpace(name); len(bare) > 1 && bare[0] == '"' && bare[len(bare)-1] == '"' {
				names[i] = strings.ReplaceAll(bare[1:len(bare)-1], `""`, `"`)
				continue
			}
			names[i] = strings.Trim(strings.ReplaceAll(name, ":::", "\n"), " *")
		}
		return record.Value(strings.Join(names, "\n")), true
	case record.Picklist:
		return readChoice(def, text), true
	}
	return record.Value(text), true
}

// names takes a whole name apart where the parts have no columns, and sees to a family name.
func (c *converter) names(t *taken, full string) {
	if full != "" && t.fields[record.LastName] == "" {
		given, family := splitName(full)
		if t.fields[record.FirstName] != "" {
			given = ""
			family = strings.TrimSpace(strings.TrimPrefix(full, string(t.fields[record.FirstName])))
		}
		if given != "" {
			t.fields[record.FirstName] = record.Value(given)
		}
		if family != "" {
			t.fields[record.LastName] = record.Value(family)
		}
	}
	if t.fields[record.LastName] != "" {
		return
	}
	// As with cards: a person without a family name goes by the given one, a company by its own.
	for _, field := range []record.Field{record.FirstName, record.AccountName, record.EmailField} {
		if v := t.fields[field]; v != "" {
			if t.fields[record.LastName] = v; field == record.FirstName {
				delete(t.fields, record.FirstName)
			}
			return
		}
	}
}

// particles belong to the family name that follows them.
var particles = []string{"da", "de", "do", "das", "dos", "e", "di", "del", "della", "van", "von", "der", "den", "la", "le", "el", "bin", "ibn"}

// splitName takes "Silva, Ana" and "Ana Maria da Silva" apart.
func splitName(full string) (given, family string) {
	if family, given, ok := strings.Cut(full, ","); ok && !strings.Contains(given, ",") && strings.TrimSpace(given) != "" {
		return strings.TrimSpace(given), strings.TrimSpace(family)
	}
	parts := strings.Fields(full)
	at := len(parts) - 1
	for at > 1 && slices.Contains(particles, strings.ToLower(parts[at-1])) {
		at--
	}
	if at <= 0 {
		return "", strings.Join(parts, " ")
	}
	return strings.Join(parts[:at], " "), strings.Join(parts[at:], " ")
}

// when reads the fields that say when an event takes place. A day without a clock is a whole day; the last day of several without
// clocks belongs to the event.
func (c *converter) when(t *taken, said map[Target]string) {
	start, startDay, ok := c.moment(said[Target(record.Start)], said[StartTime])
	if said[Target(record.Start)] == "" {
		t.whys = append(t.whys, Why{Reason: string(fault.Mandatory), Field: record.Start})
		return
	}
	if !ok {
		t.wrong(fault.BadValue, record.Start, strings.TrimSpace(said[Target(record.Start)]+" "+said[StartTime]))
		return
	}
	end, endDay, ok := start, startDay, true
	if said[Target(record.End)] != "" || said[EndTime] != "" {
		day := said[Target(record.End)]
		if day == "" {
			day = said[Target(record.Start)]
		}
		if end, endDay, ok = c.moment(day, said[EndTime]); !ok {
			t.wrong(fault.BadValue, record.End, strings.TrimSpace(day+" "+said[EndTime]))
			return
		}
	}
	allDay := startDay
	if text := said[Target(record.AllDay)]; text != "" {
		if allDay, ok = readBool(text); !ok {
			t.wrong(fault.BadValue, record.AllDay, text)
			return
		}
	}
	if allDay && endDay { // the last day is told, not the one after it
		if day, err := time.Parse(time.DateOnly, string(end)); err == nil {
			end = record.Value(day.AddDate(0, 0, 1).Format(time.DateOnly))
		}
	}
	t.fields[record.AllDay] = record.Value(strconv.FormatBool(allDay))
	t.fields[record.Start], t.fields[record.End] = start, end
	for _, field := range []record.Field{record.TimeZone, record.EndTimeZone, record.Recurring} {
		if text := said[Target(field)]; text != "" {
			t.fields[field] = record.Value(text)
		}
	}
	if !allDay && t.fields[record.TimeZone] == "" {
		t.fields[record.TimeZone] = record.Value(c.settings.Zone)
	}
}

// moment reads a day, with or without a clock, and a clock from another column.
func (c *converter) moment(day, clock string) (_ record.Value, dayOnly, ok bool) {
	if at, err := time.Parse(time.RFC3339, day); err == nil && clock == "" {
		return record.Value(at.Format(time.RFC3339)), false, true
	}
	at, rest, ok := cutDay(day, c.settings.Days)
	if !ok {
		return "", false, false
	}
	if clock == "" {
		clock = rest
	}
	if clock == "" {
		return record.Value(at.Format(time.DateOnly)), true, true
	}
	h, m, s, ok := readClock(clock)
	if !ok {
		return "", false, false
	}
	at = at.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
	return record.Value(at.Format("2006-01-02T15:04:05")), false, true
}

// remind reads a reminder: minutes before the start, or the moment itself.
func (c *converter) remind(t *taken, text string) {
	if text == "" {
		return
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		t.fields[record.RemindAt] = record.Value(strconv.Itoa(n))
		return
	}
	at, day, ok := c.moment(text, "")
	start, err := time.Parse("2006-01-02T15:04:05", string(t.fields[record.Start]))
	if before, wrong := time.Parse("2006-01-02T15:04:05", string(at)); ok && !day && err == nil && wrong == nil && !before.After(start) {
		t.fields[record.RemindAt] = record.Value(strconv.Itoa(int(start.Sub(before).Minutes())))
		return
	}
	t.wrong(fault.BadValue, record.RemindAt, text)
}
