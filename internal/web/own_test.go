package web

import "fmt"

// ownKeys are the keys of messages that the pages of one's own account put together from parts.
func ownKeys() (out []string) {
	for _, r := range ownReasons {
		out = append(out, "own.refusal."+string(r))
	}
	for _, state := range linkStates {
		for _, format := range []string{"own.link.%s", "own.reset.%s", "own.invitation.%s"} {
			out = append(out, fmt.Sprintf(format, state))
		}
	}
	return append(out, "own.flash.untied", "own.flash.password", "own.flash.password_removed", "own.flash.passkey_removed", "own.flash.session", "own.flash.others")
}
