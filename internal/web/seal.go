package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// A sealer hides and authenticates small values that travel through a browser. Each purpose has a key of its own, so
// that what was sealed for one cannot be passed off for another.
type sealer struct{ aead cipher.AEAD }

const minSecretKey = 16 // bytes: less is guessable

func newSealer(secret account.Secret, purpose string) (sealer, error) {
	if len(secret.Reveal()) < minSecretKey {
		return sealer{}, fmt.Errorf("web: the secret key has fewer than %d bytes", minSecretKey)
	}
	key, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "tandem web "+purpose+" v1", 32)
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

// dated is a sealed value with its end.
type dated struct {
	Until int64           `json:"u"` // Unix seconds
	Value json.RawMessage `json:"v"`
}

func (s sealer) seal(value any, until time.Time) string {
	inner, err := json.Marshal(value)
	if err != nil {
		panic(err) // only our own plain structs come here
	}
	outer, err := json.Marshal(dated{until.Unix(), inner})
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, outer, nil))
}

var (
	errForged = errors.New("web: not sealed by us")
	errStale  = errors.New("web: its time is over")
)

func (s sealer) open(text string, now time.Time, value any) error {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errForged
	}
	plain, err := s.aead.Open(nil, nil, raw, nil)
	if err != nil {
		return errForged
	}
	var d dated
	if err := json.Unmarshal(plain, &d); err != nil {
		return errForged
	}
	if now.Unix() >= d.Until {
		return errStale
	}
	return json.Unmarshal(d.Value, value)
}

// Tickets make the addresses at which a person allows Tandem more at Microsoft, for handing out where there is no
// session: the API's CONSENT_REQUIRED.
type Tickets struct {
	base   string
	now    func() time.Time
	sealer sealer
}

// NewTickets makes tickets for the public address of Tandem.
func NewTickets(base string, secret account.Secret, now func() time.Time) (Tickets, error) {
	s, err := newSealer(secret, "ticket")
	return Tickets{base, now, s}, err
}

// ticketLife is how long a ticket can be used: long enough to be passed to a browser, short enough to be forgotten.
const ticketLife = 30 * time.Minute

// ticket names whom an address is for. It opens nothing by itself: at Microsoft the very person must sign in.
type ticket struct {
	Org  record.ID   `json:"o"`
	User record.ID   `json:"p"`
	Kind record.Kind `json:"k"`
	// Directory is for reading the tenant's directory, in place of a kind.
	Directory bool `json:"d,omitempty"`
	// Preview says that the kind is not switched on at once: first it is shown what would happen.
	Preview bool `json:"w,omitempty"`
	// Choose says likewise that first the person chooses what the sync is to be like.
	Choose bool `json:"c,omitempty"`
	// Reconnect says that nothing new is switched on: what has paused for want of the permission goes on.
	Reconnect bool `json:"r,omitempty"`
}

// ConnectURL is the address at which the user allows what a kind of sync needs, and so switches it on. It is for the one who has
// asked for that, by a form of ours or by the API: whoever allowed everything before is asked nothing more at Microsoft.
func (t Tickets) ConnectURL(org, user record.ID, kind record.Kind) string {
	return t.base + t.connectPath(org, user, kind)
}

func (t Tickets) connectPath(org, user record.ID, kind record.Kind) string {
	sealed := t.sealer.seal(ticket{Org: org, User: user, Kind: kind}, t.now().Add(ticketLife))
	return "/connect/microsoft?" + url.Values{"kind": {string(kind)}, "ticket": {sealed}}.Encode()
}

// passGrace is how long the link of a pass is still known for one after its end, so that whoever follows it late is told
// that it is over, and not that it was forged.
const passGrace = 365 * 24 * time.Hour

// sealedPass is what the link of a letter holds. What became of the pass stands in the database.
type sealedPass struct {
	Pass    record.ID       `json:"i"`
	Purpose account.Purpose `json:"f"`
}

func (t Tickets) passPath(p account.Pass) string {
	return t.sealer.seal(sealedPass{p.ID, p.Purpose}, p.Expires.Add(passGrace))
}

// InvitationURL is the address at which an invitation is accepted.
func (t Tickets) InvitationURL(p account.Pass) string { return t.base + "/invitation/" + t.passPath(p) }

// ResetURL is the address at which a forgotten password is replaced.
func (t Tickets) ResetURL(p account.Pass) string { return t.base + "/password/" + t.passPath(p) }

// PageURL is the address of one of our pages, by its path.
func (t Tickets) PageURL(path string) string { return t.base + path }

// openPass reads the sealed part of a link. NotFound: it is none of ours.
func (t Tickets) openPass(text string, purpose account.Purpose) (record.ID, error) {
	var p sealedPass
	if err := t.sealer.open(text, t.now(), &p); err != nil || p.Purpose != purpose || p.Pass == 0 {
		return 0, fault.New(fault.NotFound, "", "web: not a link of ours")
	}
	return p.Pass, nil
}

func (t Tickets) open(text string) (ticket, error) {
	var tk ticket
	err := t.sealer.open(text, t.now(), &tk)
	return tk, err
}
