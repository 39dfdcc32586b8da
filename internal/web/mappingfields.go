package web

import (
	"strings"

	"tandem/internal/mapping"
	"tandem/internal/record"
)

// outlookGroup is fields of Outlook's that belong together under a heading, mapping.group.<key>.
type outlookGroup struct {
	key    mapping.Group
	fields []mapping.MicrosoftField
}

// outlookGroups are the fields of Outlook's contacts that Graph offers (S27), by what they are about.
func outlookGroups() (out []outlookGroup) {
	for _, f := range mapping.MicrosoftFields(record.Contacts) {
		if len(out) == 0 || out[len(out)-1].key != f.Group {
			out = append(out, outlookGroup{key: f.Group})
		}
		last := &out[len(out)-1]
		last.fields = append(last.fields, f)
	}
	return out
}

// outlook is what a person calls a field of Outlook's.
func (w *words) outlook(f record.Field) string { return w.T("outlook." + string(f)) }

// idOf makes of a field's name what may stand in an id.
func idOf(name string) string { return strings.NewReplacer("[", "-", "]", "", ".", "-").Replace(name) }
