package m365sim

import (
	"strconv"
	"strings"
)

// Preferences (the Prefer header): fact sheet §3.4, §3.9, §4.
type preferences struct {
	immutable bool
	text      bool
	zone      *zone
	pageSize  int
}

func (c *call) readPreferences() *graphError {
	raw := c.header("Prefer")
	if raw == "" {
		return nil
	}
	var applied []string
	for _, item := range splitOutsideQuotes(raw, ',') {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "idtype":
			c.prefer.immutable = strings.EqualFold(value, "ImmutableId")
		case "outlook.body-content-type":
			c.prefer.text = strings.EqualFold(value, "text")
		case "outlook.timezone":
			z, err := findZone(value)
			if err != nil {
				return err
			}
			c.prefer.zone = z
		case "odata.maxpagesize":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				continue
			}
			c.prefer.pageSize = min(n, maxTop)
		default:
			continue
		}
		applied = append(applied, strings.TrimSpace(item))
	}
	if len(applied) > 0 {
		c.headers = append(c.headers, headerLine{"Preference-Applied", strings.Join(applied, ", ")})
	}
	return nil
}

func splitOutsideQuotes(text string, at byte) []string {
	var parts []string
	from, quoted := 0, false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == at && !quoted:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}
