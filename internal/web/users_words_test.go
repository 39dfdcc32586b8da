package web

import (
	"fmt"

	"tandem/internal/account"
)

// letterKinds are all letters there are.
var letterKinds = []account.LetterKind{
	account.LetterInvitation, account.LetterReset, account.LetterRequest, account.LetterApproved, account.LetterDeclined,
	account.LetterPasswordChanged, account.LetterAssociated, account.LetterContactsEnded, account.LetterCalendarEnded, account.LetterCredential,
	account.LetterCredentialEnded,
}

// userKeys are the keys that the pages of Users and Control put together from parts.
func userKeys() (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, m := range setupMenus {
		add("setup.%s", m.Key)
		for _, item := range m.Items {
			add("setup.%s.%s", m.Key, item.Key)
			add("setup.%s.%s_text", m.Key, item.Key)
		}
	}
	for _, s := range userStates {
		add("users.tab.%s", stateKey(s))
	}
	for _, s := range []account.State{account.Active, account.Invited, account.Requested, account.Deactivated, account.Deleted} {
		add("users.state.%s", s)
	}
	for _, s := range []account.State{account.Active, account.Invited, account.Requested, account.Deactivated, "elsewhere"} {
		add("directory.in.%s", s)
	}
	add("state.withheld")
	for _, k := range letterKinds {
		add("users.letter.kind.%s", k)
	}
	for _, s := range []account.RequestState{account.RequestApproved, account.RequestDeclined} {
		add("users.request.%s", s)
	}
	for _, each := range []string{"signs_in.microsoft", "signs_in.own", "signs_in.open", "word_hint", "word_hint_by_hand", "leave.sync.calendar", "leave.sync.contacts", "deactivate.title", "deactivate.yes", "delete.title", "delete.yes"} {
		add("users.%s", each)
	}
	for _, each := range []string{"first", "last", "email", "lang", "lang_hint"} {
		add("users.new.%s", each)
	}
	for _, deed := range []string{"approved", "declined", "resent", "resent_by_hand", "withdrawn", "profile", "signed_out", "deactivated", "reactivated", "deleted"} {
		add("flash.user_%s", deed)
	}
	for _, key := range profileKeys {
		add("%s", key)
	}
	for _, a := range accesses {
		add("profiles.of.%s", a.name)
		add("profiles.create_%s", a.name)
		for _, r := range []string{"none", "own", "all"} {
			add("profiles.sees_%s.%s", a.name, r)
			add("profiles.reach.%s", r)
		}
	}
	for _, r := range reaches {
		add("profiles.%s", r.name)
	}
	for _, sw := range switches {
		add("profiles.%s", sw.name)
		add("profiles.%s_hint", sw.name)
		add("profiles.short.%s", sw.name)
	}
	for _, a := range account.Actions {
		add("audit.action.%s", a)
	}
	for _, d := range auditDetails {
		add("audit.detail.%s", d)
		for _, value := range auditValues[d] {
			add("audit.%s.%s", d, value)
		}
	}
	return out
}
