package web

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// newPasskeys makes what asks for passkeys and proves them (W3C Web Authentication Level 3); nil where browsers have none:
// a passkey belongs to a name, and an IP address is none.
func newPasskeys(settings Settings) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(settings.URL)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return nil, nil
	}
	// The user is verified always (by finger, face or PIN), because a passkey is the only thing asked for; and it must be
	// one that the authenticator finds by itself, because nobody types an address.
	return webauthn.New(&webauthn.Config{
		RPID: strings.ToLower(u.Hostname()), RPDisplayName: "Tandem", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(), ResidentKey: protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired,
		},
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore, // some managers of passwords send them unasked
	})
}

// A passkeyButton is for script alone: it is hidden where there is none, or a browser without passkeys.
type passkeyButton struct {
	Label   string
	Options string // where the challenge comes from; "": no button
	Finish  string // where the answer goes to
	Form    string // the id of the form whose fields go with it
	Create  bool   // a new passkey
}

// passkeyButton is the button, or none where there are no passkeys, or not at the address that the browser calls us by.
func (s *Site) passkeyButton(v *visit, b passkeyButton) passkeyButton {
	if home, err := url.Parse(s.Settings.URL); s.passkeys == nil || err != nil || !strings.EqualFold(home.Host, v.r.Host) {
		return passkeyButton{}
	}
	return b
}

// challengeLife is how long a person may take with the browser's own questions.
const challengeLife = 5 * time.Minute

// A challenge is what a passkey answers to. It lies in the browser's session and counts once.
type challenge struct {
	For   string               `json:"for"`
	Until time.Time            `json:"until"`
	Data  webauthn.SessionData `json:"data"`
}

const keyChallenge = "challenge" // in the session

// What challenges are for; that of an invitation names the pass.
const (
	toSignIn = "sign in"
	toAdd    = "add"
	toAccept = "accept "
)

func (s *Site) putChallenge(v *visit, purpose string, data *webauthn.SessionData) error {
	raw, err := json.Marshal(challenge{purpose, v.now.Add(challengeLife), *data})
	if err != nil {
		return err
	}
	s.sessions.Put(v.ctx(), keyChallenge, string(raw))
	return nil
}

// takeChallenge takes the challenge out of the session. Denied with reasonPasskeyLate: there is none.
func (s *Site) takeChallenge(v *visit, purpose string) (webauthn.SessionData, error) {
	var c challenge
	raw := s.sessions.PopString(v.ctx(), keyChallenge)
	if raw == "" || json.Unmarshal([]byte(raw), &c) != nil || c.For != purpose || !v.now.Before(c.Until) {
		return c.Data, fault.New(fault.Denied, reasonPasskeyLate, "web: no challenge to %s waits for an answer", purpose)
	}
	return c.Data, nil
}

// A holder is a user as authenticators get to know one.
type holder struct {
	handle []byte // random; the same for all passkeys of a user
	user   account.User
	keys   []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.handle }
func (h holder) WebAuthnName() string                       { return h.user.Email }
func (h holder) WebAuthnDisplayName() string                { return h.user.Name() }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// keptPasskey is account.Passkey's Data.
type keptPasskey struct {
	Handle     []byte              `json:"handle"`
	Credential webauthn.Credential `json:"credential"`
}

// handleBytes is what the specification recommends against guessing and telling users apart (section 14.6.1).
const handleBytes = 64

// holderOf is a user with the passkeys that this user has.
func (s *Site) holderOf(u account.User, keys []account.Passkey) (holder, error) {
	h := holder{user: u}
	for _, k := range keys {
		var kept keptPasskey
		if err := json.Unmarshal(k.Data, &kept); err != nil {
			return h, err
		}
		h.handle, h.keys = kept.Handle, append(h.keys, kept.Credential)
	}
	if h.handle == nil {
		h.handle = make([]byte, handleBytes)
		rand.Read(h.handle)
	}
	return h, nil
}

func credentialID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// answered is what script sends when the browser has asked its questions, with the fields of the form around the button.
type answered struct {
	Credential json.RawMessage   `json:"credential"`
	Fields     map[string]string `json:"fields"`
}

var errNoPasskeys = fault.New(fault.NotFound, "", "web: there are no passkeys at an IP address")

func (s *Site) passkeySignInOptions(v *visit) (any, error) {
	if s.passkeys == nil {
		return nil, errNoPasskeys
	}
	// The limit stands here: without a challenge nothing can be tried.
	if err := s.Registry.Limit(v.ctx(), account.PasskeyTries, "", s.place(v.r)); err != nil {
		return nil, err
	}
	options, data, err := s.passkeys.BeginDiscoverableLogin()
	if err != nil {
		return nil, err
	}
	return options, s.putChallenge(v, toSignIn, data)
}

// passkeySignIn opens the account of a passkey.
func (s *Site) passkeySignIn(v *visit) (any, error) {
	u, fields, err := s.passkeyUser(v)
	if err != nil {
		return nil, err
	}
	if err := s.signIn(v, u); err != nil {
		return nil, err
	}
	return onward{ownPath(fields["next"])}, nil
}

// passkeyUser finds the active user whose passkey answers the challenge that this browser got for signing in. Whoever asks
// for more than signing in can use it too. Denied with one of ownReasons, or with AccountInactive.
func (s *Site) passkeyUser(v *visit) (u account.User, fields map[string]string, err error) {
	defer fault.Wrap(&err, "web: sign in with a passkey")
	if s.passkeys == nil {
		return u, nil, errNoPasskeys
	}
	data, err := s.takeChallenge(v, toSignIn)
	if err != nil {
		return u, nil, err
	}
	var sent answered
	if err := v.said(&sent); err != nil {
		return u, nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(sent.Credential)
	if err != nil {
		return u, nil, unproved(err)
	}
	key, err := s.Accounts.PasskeyByID(v.ctx(), credentialID(parsed.RawID))
	if fault.Is(err, fault.NotFound) {
		return u, nil, unproved(err)
	}
	if err != nil {
		return u, nil, err
	}
	if u, err = s.Accounts.User(v.ctx(), key.Org, key.User); err != nil {
		return u, nil, err
	}
	h, err := s.holderOf(u, []account.Passkey{key})
	if err != nil {
		return u, nil, err
	}
	known := func(_, _ []byte) (webauthn.User, error) { return h, nil }
	credential, err := s.passkeys.ValidateDiscoverableLogin(known, data, parsed)
	switch {
	case err != nil:
		return u, nil, unproved(err)
	case credential.Authenticator.CloneWarning:
		s.Logger.Warn("web: the counter of a passkey went back: there may be a copy of it", "org", key.Org, "user", key.User)
		return u, nil, fault.New(fault.Denied, reasonPasskeyCopy, "web: the passkey's counter went back")
	case u.State == account.Deactivated:
		return u, nil, fault.New(fault.Denied, account.AccountInactive, "web: user %d is deactivated", u.ID)
	case u.State != account.Active:
		return u, nil, unproved(errors.New("the user is " + string(u.State)))
	}
	key.LastUsed = v.now
	if key.Data, err = json.Marshal(keptPasskey{h.handle, *credential}); err != nil {
		return u, nil, err
	}
	return u, sent.Fields, s.Accounts.UsedPasskey(v.ctx(), key)
}

// unproved is a passkey that proves nothing, and why.
func unproved(err error) error {
	why := err.Error()
	var p *protocol.Error
	if errors.As(err, &p) && p.DevInfo != "" {
		why += ": " + p.DevInfo
	}
	return fault.New(fault.Denied, reasonPasskey, "web: the passkey proves nothing: %s", why)
}

// maxPasskeys is how many a user may have: one for each of a person's devices is fewer.
const maxPasskeys = 20

// beginPasskey asks a browser to make a passkey for a user.
func (s *Site) beginPasskey(v *visit, purpose string, u account.User, have []account.Passkey) (any, error) {
	if s.passkeys == nil {
		return nil, errNoPasskeys
	}
	if len(have) >= maxPasskeys {
		return nil, fault.New(fault.Conflict, reasonPasskeyMany, "web: user %d has %d passkeys", u.ID, len(have))
	}
	h, err := s.holderOf(u, have)
	if err != nil {
		return nil, err
	}
	options, data, err := s.passkeys.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return nil, err
	}
	return options, s.putChallenge(v, purpose, data)
}

// finishPasskey proves what the browser made. The passkey's owner is left to the registry.
func (s *Site) finishPasskey(v *visit, data webauthn.SessionData, raw json.RawMessage, name string) (k account.Passkey, err error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(raw)
	if err != nil {
		return k, unproved(err)
	}
	credential, err := s.passkeys.CreateCredential(holder{handle: data.UserID}, data, parsed)
	if err != nil {
		return k, unproved(err)
	}
	if name = clipped(name, maxPasskeyName); name == "" {
		name = v.words.browser(v.r.UserAgent())
	}
	k = account.Passkey{ID: credentialID(credential.ID), Name: name}
	k.Data, err = json.Marshal(keptPasskey{data.UserID, *credential})
	return k, err
}

const maxPasskeyName = 60

// clipped is a text without blanks around it, cut to a length.
func clipped(text string, most int) string {
	letters := []rune(strings.TrimSpace(strings.ToValidUTF8(text, "")))
	return string(letters[:min(len(letters), most)])
}

// passkeyTaken says what a Conflict means where a passkey is stored.
func passkeyTaken(err error) error {
	if fault.Is(err, fault.Conflict) && !slices.Contains(account.Refusals, fault.ReasonOf(err)) {
		return fault.New(fault.Conflict, reasonPasskeyKnown, "web: the passkey is known: %w", err)
	}
	return err
}
