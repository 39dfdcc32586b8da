package web

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// accountPath is where people look after their own account.
const accountPath = "/setup/account"

// ownRoutes are those of one's own account: invitations, ways to sign in, passwords, sessions.
func (s *Site) ownRoutes() []route {
	return []route{
		{"POST /signin/password", anyone, s.passwordSignIn},
		{"POST /signin/passkey/options", anyone, s.scriptly(s.passkeySignInOptions)},
		{"POST /signin/passkey", anyone, s.scriptly(s.passkeySignIn)},

		{"GET /password/forgot", anyone, s.forgotPage},
		{"POST /password/forgot", anyone, s.forgot},
		{"GET /password/{token}", anyone, s.resetPage},
		{"POST /password/{token}", anyone, s.reset},

		{"GET /invitation/{token}", anyone, s.invitation},
		{"POST /invitation/{token}/microsoft", anyone, s.acceptWithMicrosoft},
		{"POST /invitation/{token}/password", anyone, s.acceptWithPassword},
		{"POST /invitation/{token}/passkey/options", anyone, s.scriptly(s.acceptPasskeyOptions)},
		{"POST /invitation/{token}/passkey", anyone, s.scriptly(s.acceptWithPasskey)},

		{"GET /setup/account", member, s.ownAccount},
		{"POST /setup/account/microsoft/untie", member, s.untie},
		{"POST /setup/account/password", member, s.changePassword},
		{"POST /setup/account/password/remove", member, s.removePassword},
		{"POST /setup/account/passkeys/options", script, s.scriptly(s.newPasskeyOptions)},
		{"POST /setup/account/passkeys", script, s.scriptly(s.newPasskey)},
		{"POST /setup/account/passkeys/remove", member, s.removePasskey},
		{"POST /setup/account/sessions/end", member, s.endOneSession},
		{"POST /setup/account/sessions/others", member, s.endOtherSessions},
		{"POST /setup/account/sessions/all", member, s.endAllSessions},
	}
}

// Reasons that only these pages know, with the words own.refusal.<reason>.
const (
	reasonPasskey      fault.Reason = "passkey"       // it proves nothing
	reasonPasskeyLate  fault.Reason = "passkey_late"  // the challenge is used, or too old
	reasonPasskeyCopy  fault.Reason = "passkey_copy"  // its counter went back
	reasonPasskeyKnown fault.Reason = "passkey_known" // it is somebody's already
	reasonPasskeyMany  fault.Reason = "passkey_many"
	reasonLink         fault.Reason = "link_unknown" // none of ours, or a part of one
)

var ownReasons = []fault.Reason{reasonPasskey, reasonPasskeyLate, reasonPasskeyCopy, reasonPasskeyKnown, reasonPasskeyMany, reasonLink, reasonSignInAgain}

// refusalKey is the message of a reason for which something was refused; false: it is no such reason.
func refusalKey(reason fault.Reason) (string, bool) {
	switch {
	case slices.Contains(account.Refusals, reason):
		return "refusal." + string(reason), true
	case slices.Contains(ownReasons, reason):
		return "own.refusal." + string(reason), true
	}
	return "", false
}

// refused finds what to tell a person of a refusal, and the status that goes with it. ok is false for what is none, such as
// a database that is away.
func (v *visit) refused(err error) (text string, status int, ok bool) {
	reason := fault.ReasonOf(err)
	key, ok := refusalKey(reason)
	if !ok {
		return "", 0, false
	}
	text = v.words.T(key)
	switch {
	case reason == account.TooOften:
		wait := fault.RetryAfter(err)
		v.w.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
		return text + " " + v.words.T("own.wait", "Count", int((wait+time.Minute-1)/time.Minute)), http.StatusTooManyRequests, true
	case reason == account.WrongPassword:
		return text, http.StatusUnprocessableEntity, true
	}
	return text, fault.KindOf(err).Status(), true
}

// maxScript bounds what script may send: a passkey's answer and a few words.
const maxScript = 64 << 10

// scriptly gives script what a handler finds out, as JSON; of what goes wrong it gets a sentence to show.
func (s *Site) scriptly(handle func(*visit) (any, error)) func(*visit) error {
	return func(v *visit) error {
		status := http.StatusOK
		out, err := handle(v)
		if err != nil {
			var text string
			text, status = s.sentence(v, err)
			out = struct {
				Message string `json:"message"`
			}{text}
		}
		raw, err := json.Marshal(out)
		if err != nil {
			return err
		}
		v.w.Header().Set("Content-Type", "application/json")
		v.w.Header().Set("Cache-Control", "no-store")
		v.w.WriteHeader(status)
		if _, err := v.w.Write(raw); err != nil {
			s.Logger.Debug("web: the reader went away", "err", err)
		}
		return nil
	}
}

// sentence is fail in one sentence.
func (s *Site) sentence(v *visit, err error) (string, int) {
	if text, status, ok := v.refused(err); ok {
		s.Logger.Info("web: refused", "path", v.r.Pattern, "org", v.user.Org, "user", v.user.ID, "err", err)
		return text, status
	}
	kind := fault.KindOf(err)
	text := v.words.T("error." + kindWords[kind] + ".text")
	if kind == fault.Broken {
		ref := reference()
		s.Logger.Error("web: a page broke", "reference", ref, "path", v.r.Pattern, "org", v.user.Org, "err", err)
		text += " " + v.words.T("error.reference") + " " + ref
	}
	return text, kind.Status()
}

// said reads what script sends.
func (v *visit) said(into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, maxScript))
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fault.New(fault.Invalid, "", "web: read what script sends: %w", err)
	}
	return nil
}

// onward is where script goes on.
type onward struct {
	Next string `json:"next"`
}

// secret is the control of a password; auto says to the browser whether it is an old or a new one.
func (v *visit) secret(name, label, auto, hint, wrong string) field {
	return field{Name: name, Label: label, Input: "password", Required: true, Auto: auto, Hint: hint, Error: wrong}
}

func (v *visit) newSecret(wrong string) field {
	return v.secret("password", v.words.T("own.new_password"), "new-password", v.words.T("own.password_hint", "Count", account.MinPassword), wrong)
}

// aboutPassword are the reasons that stand by the field of a new password.
var aboutPassword = []fault.Reason{account.ShortPassword, account.LongPassword, account.WeakPassword}
