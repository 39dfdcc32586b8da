package importfile

import (
	"strconv"
	"strings"

	"tandem/internal/record"
)

// record is the plan in the CRM's fields.
func (p *Plan) record() record.Fields {
	out := make(record.Fields, len(p.Fields)+1)
	for name, v := range p.Fields {
		field := record.Field(name)
		switch v := v.(type) {
		case string:
			out[field] = record.Value(v)
		case bool:
			out[field] = record.Value(strconv.FormatBool(v))
		case []map[string]string: // tags
			names := make([]string, len(v))
			for i, tag := range v {
				names[i] = tag["name"]
			}
			out[field] = record.Value(strings.Join(names, "\n"))
		case map[string]string: // a series
			out[record.Recurring], out[record.Excluded] = record.Value(v["RRULE"]), record.Value(v["EXDATE"])
		case []Guest:
			out[field] = guestsValue(v)
		case []map[string]any: // a reminder, in minutes
			minutes, _ := v[0]["unit"].(int)
			out[field] = record.Value(strconv.Itoa(minutes))
		}
	}
	return out
}
