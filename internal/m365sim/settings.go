package m365sim

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// getSettings shows the mailbox's own time zone, language and working hours (fact sheet §3.4).
func (c *call) getSettings() *graphError {
	p := c.box.owner.Load()
	members := []pair{
		{"archiveFolder", quoted(c.box.folderID(c.box.folders[0]))},
		{"timeZone", quoted(p.TimeZone)},
		{"dateFormat", quoted("dd/MM/yyyy")},
		{"timeFormat", quoted("HH:mm")},
		{"userPurpose", quoted("user")},
		{"language", `{"locale":` + quoted(p.Language) + `,"displayName":` + quoted(p.Language) + `}`},
		{"workingHours", `{"daysOfWeek":["monday","tuesday","wednesday","thursday","friday"],"startTime":"08:00:00.0000000","endTime":"17:00:00.0000000",` +
			`"timeZone":{"name":` + quoted(p.TimeZone) + `}}`},
	}
	wanted := c.query.get("$select")
	b := c.context(c.out, "mailboxSettings")
	for _, m := range members {
		if wanted == "" || strings.Contains(","+wanted+",", ","+m.name+",") {
			b = appendRawMember(b, m.name, m.value)
		}
	}
	c.out = append(b, '}')
	return nil
}

// A category is a name with a colour; items carry the name only (fact sheet §3.2).
type category struct{ id, name, color string }

func (cat category) append(b []byte) []byte {
	b = appendTextMember(b, "id", cat.id)
	b = appendTextMember(b, "displayName", cat.name)
	return appendTextMember(b, "color", cat.color)
}

func (c *call) listCategories() *graphError {
	b := append(c.context(c.out, "outlook/masterCategories"), `,"value":[`...)
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	for i, cat := range c.box.tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(cat.append(append(b, '{')), '}')
	}
	c.out = append(b, ']', '}')
	return nil
}

func (c *call) postCategory() *graphError {
	v := gjson.Parse(c.body)
	if !gjson.Valid(c.body) || v.Get("displayName").Str == "" {
		return invalidProperty("displayName", "a category needs a name")
	}
	cat := category{name: v.Get("displayName").Str, color: "none"}
	if color := v.Get("color").Str; color != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(color, "preset"))
		if color != "none" && (err != nil || n < 0 || n > 24) {
			return wrongType("color")
		}
		cat.color = color
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	for _, have := range c.box.tags {
		if strings.EqualFold(have.name, cat.name) {
			return newGraphError(http.StatusConflict, "CategoryExists", "A category with the specified name already exists.")
		}
	}
	cat.id = guid("category", c.person.ID, cat.name)
	c.box.tags = append(c.box.tags, cat)
	c.created()
	c.out = append(cat.append(c.context(c.out, "outlook/masterCategories/$entity")), '}')
	return nil
}

// supportedTimeZones lists the names that a mailbox takes: Windows names, or IANA ones on demand.
func (c *call) supportedTimeZones() *graphError {
	names := ianaOfWindows
	switch ask := strings.ToLower(c.id(0)); ask {
	case "supportedtimezones", "supportedtimezones(timezonestandard='windows')",
		"supportedtimezones(timezonestandard=microsoft.graph.timezonestandard'windows')":
	case "supportedtimezones(timezonestandard='iana')", "supportedtimezones(timezonestandard=microsoft.graph.timezonestandard'iana')":
		names = windowsOfIANA
	default:
		return c.unknown()
	}
	b := append(c.context(c.out, "microsoft.graph.timeZoneInformation"), `,"value":[`...)
	for i, name := range sortedKeys(names) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTextMember(append(b, '{'), "alias", name)
		b = append(appendTextMember(b, "displayName", name), '}')
	}
	c.out = append(b, ']', '}')
	return nil
}
