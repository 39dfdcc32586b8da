package web

import (
	"fmt"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// mailingKeys are the keys that mails and answers put together from parts.
func mailingKeys() (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, deed := range []crm.Deed{crm.Writes, crm.Revises, crm.Removes, "owner"} {
		add("mail.ask_%s", deed)
		add("mail.yes_%s", deed)
	}
	for _, response := range []string{"accepted", "tentativelyAccepted", "declined", ""} {
		add("%s", responseKey(response))
		add("%s_own", responseKey(response))
	}
	add("invitee.optional")
	add("invitee.resource")
	for _, invites := range []bool{false, true} {
		add("options.people.%s", peopleKey(invites))
		add("options.people.%s_hint", peopleKey(invites))
		add("options.change.people_%s", peopleKey(invites))
	}
	add("options.change.mails_nobody")
	add("field.%s", record.Attendees)
	return out
}
