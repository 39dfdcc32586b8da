package web

import (
	"fmt"

	"tandem/internal/mapping"
	"tandem/internal/record"
)

// mappingKeys are the keys that the dialog of fields puts together from parts.
func mappingKeys() (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, each := range []string{"own", "organization", "product", "link"} {
		add("mapping.origin.%s", each)
	}
	for _, w := range winners {
		add("mapping.winner.%s", w)
		add("mapping.winner.%s_hint", w)
		add("mapping.decides.%s", w)
	}
	for _, d := range mappingWays {
		add("mapping.way.%s", wayKey(d))
	}
	for _, g := range outlookGroups() {
		add("mapping.group.%s", g.key)
	}
	for _, f := range mapping.MicrosoftFields(record.Contacts) {
		add("outlook.%s", f.Name)
	}
	return out
}
