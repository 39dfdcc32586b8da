package web

import (
	"fmt"

	"tandem/internal/record"
)

// optionKeys are the keys that the options of a sync put together from parts.
func optionKeys() (out []string) {
	for _, word := range calendarWords {
		out = append(out, "people.calendar."+word)
	}
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, kind := range kinds {
		add("options.%s.title", kind)
		add("options.%s.change.comes", kind)
		add("options.%s.change.goes", kind)
		for _, d := range linkWays {
			add("options.%s.way.%s_hint", kind, wayKey(d))
		}
	}
	for _, d := range linkWays {
		add("options.way.%s", wayKey(d))
		add("options.change.%s", wayKey(d))
	}
	for _, each := range []string{"way", "nothing_deleted", "winner"} {
		add("options.change.%s", each)
	}
	add("field.%s", record.Participants)
	for _, each := range winners {
		add("options.winner.%s_hint", each)
	}
	for _, each := range busyKinds {
		add("busy.%s", each)
	}
	return out
}
