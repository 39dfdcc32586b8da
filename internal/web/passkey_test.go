package web

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
)

// A key is an authenticator with one passkey, made after the specification (W3C Web Authentication Level 3, sections 6.1
// and 6.5); it shares nothing with the library that judges it.
type key struct {
	t        *testing.T
	id       []byte
	handle   []byte
	secret   *ecdsa.PrivateKey
	counter  uint32
	origin   string
	rp       string
	verified bool // the person was verified
}

const testRP = "localhost"

func newKey(t *testing.T, w *world) *key {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &key{t: t, id: id, secret: secret, counter: 1, origin: w.url, rp: testRP, verified: true}
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// data is the authenticator data; made says whether the public key is part of it.
func (k *key) data(made bool) []byte {
	const present, verified, attested = 0x01, 0x04, 0x40
	flags := byte(present)
	if k.verified {
		flags |= verified
	}
	if made {
		flags |= attested
	}
	rp := sha256.Sum256([]byte(k.rp))
	out := append(rp[:], flags)
	out = binary.BigEndian.AppendUint32(out, k.counter)
	if !made {
		return out
	}
	out = append(out, make([]byte, 16)...) // of no known make
	out = binary.BigEndian.AppendUint16(out, uint16(len(k.id)))
	out = append(out, k.id...)
	point, err := k.secret.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	// A COSE key in CBOR: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}.
	out = append(out, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20)
	out = append(out, point[1:33]...)
	out = append(out, 0x22, 0x58, 0x20)
	return append(out, point[33:]...)
}

func (k *key) client(kind, challenge string) []byte {
	raw, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": false})
	if err != nil {
		k.t.Fatal(err)
	}
	return raw
}

// made answers to options for a new passkey.
func (k *key) made(options answer) map[string]any {
	k.t.Helper()
	var asked struct {
		PublicKey struct {
			Challenge string `json:"challenge"`
			User      struct {
				ID   string `json:"id"`
				Name string `json:"name"`
			} `json:"user"`
			RP        struct{ ID string }                            `json:"rp"`
			Selection struct{ ResidentKey, UserVerification string } `json:"authenticatorSelection"`
		} `json:"publicKey"`
	}
	if err := json.Unmarshal([]byte(options.body), &asked); err != nil || options.status != 200 {
		k.t.Fatalf("options: %d %s", options.status, options.body)
	}
	handle, err := base64.RawURLEncoding.DecodeString(asked.PublicKey.User.ID)
	if err != nil || len(handle) != 64 || bytes.Contains(handle, []byte("elsewhere")) {
		k.t.Errorf("the handle is %q", asked.PublicKey.User.ID)
	}
	if asked.PublicKey.RP.ID != testRP || asked.PublicKey.Selection.ResidentKey != "required" || asked.PublicKey.Selection.UserVerification != "required" {
		k.t.Errorf("asked for %+v", asked.PublicKey)
	}
	k.handle = handle
	data := k.data(true)
	// {"fmt": "none", "attStmt": {}, "authData": data}
	object := append([]byte{0xa3, 0x63}, "fmt\x64none\x67attStmt\xa0\x68authData\x59"...)
	object = append(binary.BigEndian.AppendUint16(object, uint16(len(data))), data...)
	return map[string]any{
		"id": encoded(k.id), "rawId": encoded(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON":    encoded(k.client("webauthn.create", asked.PublicKey.Challenge)),
			"attestationObject": encoded(object), "transports": []string{"internal"},
		},
	}
}

// signed answers to options for signing in.
func (k *key) signed(options answer) map[string]any {
	k.t.Helper()
	var asked struct {
		PublicKey struct{ Challenge, RpID, UserVerification string } `json:"publicKey"`
	}
	if err := json.Unmarshal([]byte(options.body), &asked); err != nil || options.status != 200 {
		k.t.Fatalf("options: %d %s", options.status, options.body)
	}
	k.counter++
	data, client := k.data(false), k.client("webauthn.get", asked.PublicKey.Challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.secret, digest[:])
	if err != nil {
		k.t.Fatal(err)
	}
	return map[string]any{
		"id": encoded(k.id), "rawId": encoded(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON": encoded(client), "authenticatorData": encoded(data), "signature": encoded(signature), "userHandle": encoded(k.handle),
		},
	}
}

// send is what script sends.
func (b *browser) send(path string, value any) answer {
	b.w.t.Helper()
	raw, err := json.Marshal(value)
	b.w.must(err)
	req, err := http.NewRequest(http.MethodPost, b.address(path), bytes.NewReader(raw))
	b.w.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(req)
}

type fields map[string]string

func sent(credential any, f fields) map[string]any {
	return map[string]any{"credential": credential, "fields": f}
}

// named is a world that is reached by a name, because passkeys belong to one.
func named(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, func(d *Deps) { d.Settings.URL = strings.Replace(d.Settings.URL, "127.0.0.1", testRP, 1) })
	w.url = w.site.Settings.URL
	return w
}

// keyed is a user who has joined with a passkey.
func (w *world) keyed(t *testing.T, email string) (account.User, *key) {
	t.Helper()
	u := w.invite(account.Invitee{Email: email, FirstName: "Lia", LastName: "Rocha"})
	k, b, f := newKey(t, w), w.browser(), fields{"terms": "yes", "first_name": "Lia", "last_name": "Rocha"}
	link := w.letterLink(u)
	got := b.send(link+"/passkey", sent(k.made(b.send(link+"/passkey/options", sent(nil, f))), f))
	if got.status != 200 || !strings.Contains(got.body, `"next":"/"`) || !b.inside() {
		t.Fatalf("joining with a passkey: %d %s", got.status, got.body)
	}
	return w.reread(u), k
}

// open tries to sign in with a passkey.
func (k *key) open(b *browser) answer {
	k.t.Helper()
	return b.send("/signin/passkey", sent(k.signed(b.send("/signin/passkey/options", sent(nil, nil))), fields{"next": "/contacts"}))
}

func TestS9_WhoeverIsInvitedJoinsWithAPasskey(t *testing.T) {
	t.Parallel()
	w := named(t)
	u := w.invite(account.Invitee{Email: "bia@elsewhere.example"})
	b, link := w.browser(), w.letterLink(u)
	if got := b.send(link+"/passkey/options", sent(nil, fields{"first_name": "Bia"})); got.status != 422 || !strings.Contains(got.body, "accept the terms") {
		t.Errorf("without the terms: %d %s", got.status, got.body)
	}
	k := newKey(t, w)
	credential := k.made(b.send(link+"/passkey/options", sent(nil, fields{"terms": "yes"})))
	if got := b.send(link+"/passkey", sent(credential, fields{})); got.status != 422 || w.reread(u).State != account.Invited {
		t.Errorf("without the terms at the end: %d, %s", got.status, w.reread(u).State)
	}

	u, k = w.keyed(t, "lia@elsewhere.example")
	if u.State != account.Active || u.Name() != "Lia Rocha" || u.Terms.IsZero() {
		t.Errorf("joined as %+v", u)
	}
	b = w.browser()
	if got := k.open(b); got.status != 200 || !strings.Contains(got.body, `"next":"/contacts"`) || !b.inside() {
		t.Errorf("signing in: %d %s", got.status, got.body)
	}
	keys, err := w.store.Accounts().Passkeys(context.Background(), u.Org, u.ID)
	if err != nil || len(keys) != 1 || keys[0].LastUsed.IsZero() {
		t.Errorf("the passkey was not noted: %v, %v", keys, err)
	}
}

func TestPasskeysThatAreRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := named(t)
	_, _ = w.keyed(t, "somebody@elsewhere.example")
	for _, row := range []struct {
		name string
		try  func(t *testing.T, b *browser, u account.User, k *key) answer
		say  string
	}{
		{"another site's page asked", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			k.origin = "http://evil.example"
			return k.open(b)
		}, "opens no account"},
		{"another port's page asked", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			k.origin = "http://localhost:1"
			return k.open(b)
		}, "opens no account"},
		{"for another site", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			k.rp = "evil.example"
			return k.open(b)
		}, "opens no account"},
		{"the person was not verified", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			k.verified = false
			return k.open(b)
		}, "opens no account"},
		{"a key nobody knows", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			other := newKey(t, w)
			other.handle = k.handle
			return other.open(b)
		}, "opens no account"},
		{"another secret", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			k.secret = newKey(t, w).secret
			return k.open(b)
		}, "opens no account"},
		{"another handle", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			k.handle = make([]byte, 64)
			return k.open(b)
		}, "opens no account"},
		{"a copy", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			k.counter += 10
			if got := k.open(w.browser()); got.status != 200 {
				t.Fatalf("the true one: %d %s", got.status, got.body)
			}
			k.counter -= 5
			return k.open(b)
		}, "a copy of this passkey"},
		{"a challenge of another browser", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			b.send("/signin/passkey/options", nil)
			return b.send("/signin/passkey", sent(k.signed(w.browser().send("/signin/passkey/options", nil)), nil))
		}, "opens no account"},
		{"no challenge", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			return b.send("/signin/passkey", sent(k.signed(w.browser().send("/signin/passkey/options", nil)), nil))
		}, "took too long"},
		{"a challenge for a new passkey", func(t *testing.T, b *browser, u account.User, k *key) answer {
			i := w.letterLink(w.invite(account.Invitee{Email: "c" + u.Email}))
			return b.send("/signin/passkey", sent(k.signed(b.send(i+"/passkey/options", sent(nil, fields{"terms": "yes"}))), nil))
		}, "took too long"},
		{"deactivated", func(t *testing.T, b *browser, u account.User, k *key) answer {
			admin := w.reread(w.users["admin@contoso.example"])
			w.must(w.site.Registry.Deactivate(ctx, admin, u.ID, 0))
			return k.open(b)
		}, "deactivated"},
		{"removed", func(t *testing.T, b *browser, u account.User, k *key) answer {
			w.must(w.site.Registry.SetPassword(ctx, u, "", goodPassword, "", ""))
			w.must(w.site.Registry.RemovePasskey(ctx, u, encoded(k.id)))
			return k.open(b)
		}, "opens no account"},
		{"nonsense", func(t *testing.T, b *browser, _ account.User, k *key) answer {
			b.send("/signin/passkey/options", nil)
			return b.send("/signin/passkey", sent(map[string]any{"id": "x"}, nil))
		}, "opens no account"},
	} {
		t.Run(row.name, func(t *testing.T) {
			u, k := w.keyed(t, strings.ReplaceAll(strings.ReplaceAll(row.name, " ", "-"), "'", "")+"@elsewhere.example")
			b := w.browser()
			got := row.try(t, b, u, k)
			if got.status != 403 || !strings.Contains(got.body, row.say) || b.inside() {
				t.Errorf("%d %s; inside: %v", got.status, got.body, b.inside())
			}
		})
	}
}

func TestAChallengeCountsOnceAndNotForLong(t *testing.T) {
	t.Parallel()
	w := named(t)
	_, k := w.keyed(t, "lia@elsewhere.example")
	b := w.browser()
	answered := sent(k.signed(b.send("/signin/passkey/options", nil)), nil)
	broken := sent(map[string]any{"id": "x"}, nil)
	if got := b.send("/signin/passkey", broken); got.status != 403 {
		t.Fatalf("nonsense: %d", got.status)
	}
	if got := b.send("/signin/passkey", answered); got.status != 403 || b.inside() {
		t.Errorf("the challenge was there still: %d %s", got.status, got.body)
	}
	answered = sent(k.signed(b.send("/signin/passkey/options", nil)), nil)
	held := w.holding(sessionToken(t, b)) // whoever has overheard all
	if got := b.send("/signin/passkey", answered); got.status != 200 {
		t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	for name, thief := range map[string]*browser{"the same browser": b, "the former cookie": held} {
		if got := thief.send("/signin/passkey", answered); got.status != 403 || !strings.Contains(got.body, "answered before") {
			t.Errorf("%s sends it again: %d %s", name, got.status, got.body)
		}
	}
	answered = sent(k.signed(held.send("/signin/passkey/options", nil)), nil)
	w.pass(challengeLife)
	if got := held.send("/signin/passkey", answered); got.status != 403 || held.inside() {
		t.Errorf("after its time: %d %s", got.status, got.body)
	}
}

func TestOwnPasskeysAreAddedAndRemoved(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := named(t)
	u := w.local("lia@elsewhere.example")
	b := w.enter(u.Email, goodPassword)
	k := newKey(t, w)
	options := b.send(accountPath+"/passkeys/options", nil)
	got := b.send(accountPath+"/passkeys", sent(k.made(options), fields{"name": "Chave azul"}))
	if got.status != 200 || !strings.Contains(got.body, accountPath) {
		t.Fatalf("adding: %d %s", got.status, got.body)
	}
	if page := b.get(accountPath); !strings.Contains(page.text(), "Chave azul was added.") || !strings.Contains(page.text(), "Chave azul Added") {
		t.Errorf("the page:\n%s", page.text())
	}
	if got := k.open(w.browser()); got.status != 200 {
		t.Errorf("it opens nothing: %d %s", got.status, got.body)
	}

	// A second one is of the same handle; the first is named, so that its authenticator makes no other.
	again := b.send(accountPath+"/passkeys/options", nil)
	if !strings.Contains(again.body, `"id":"`+encoded(k.handle)+`"`) || !strings.Contains(again.body, `"id":"`+encoded(k.id)+`"`) {
		t.Errorf("the second time: %s", again.body)
	}
	if got := b.send(accountPath+"/passkeys", sent(k.made(again), nil)); got.status != 409 || !strings.Contains(got.body, "has a passkey") {
		t.Errorf("the same passkey again: %d %s", got.status, got.body)
	}

	stranger := w.as("adele@contoso.example")
	stranger.post(accountPath+"/password", "password", goodPassword) // another way in, so that this is not why it is refused
	if got := stranger.post(accountPath+"/passkeys/remove", "passkey", encoded(k.id)); got.status != 404 {
		t.Errorf("a stranger removes it: %d at %s", got.status, got.path)
	}
	if got := b.post(accountPath + "/password/remove"); !strings.Contains(got.text(), "Your password was removed.") {
		t.Errorf("removing the password:\n%s", got.text())
	}
	if got := b.post(accountPath+"/passkeys/remove", "passkey", encoded(k.id)); !strings.Contains(got.text(), "This is the only way to sign in") {
		t.Errorf("the only way in went:\n%s", got.text())
	}
	w.must(w.site.Registry.SetPassword(ctx, u, "", goodPassword, "", ""))
	b = w.enter(u.Email, goodPassword)
	if got := b.post(accountPath+"/passkeys/remove", "passkey", encoded(k.id)); !strings.Contains(got.text(), "The passkey was removed.") {
		t.Errorf("removing:\n%s", got.text())
	}
	if got := k.open(w.browser()); got.status != 403 {
		t.Errorf("a removed one opens: %d", got.status)
	}
}

// What script sends is held against other sites' pages like any form.
func TestOtherSitesSendNoPasskeys(t *testing.T) {
	t.Parallel()
	w := named(t)
	for name, header := range map[string][2]string{"fetch metadata": {"Sec-Fetch-Site", "cross-site"}, "origin": {"Origin", "https://evil.example"}} {
		for _, kind := range []string{"application/json", "text/plain"} {
			req, err := http.NewRequest(http.MethodPost, w.url+"/signin/passkey/options", strings.NewReader("{}"))
			w.must(err)
			req.Header.Set("Content-Type", kind)
			req.Header.Set(header[0], header[1])
			if got := w.browser().do(req); got.status != 403 || strings.Contains(got.body, "challenge") {
				t.Errorf("%s, %s: %d", name, kind, got.status)
			}
		}
	}
}

// At an IP address browsers have no passkeys, and no page offers them.
func TestPasskeysNeedAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.local("lia@elsewhere.example")
	for path, b := range map[string]*browser{
		"/signin": w.browser(), accountPath: w.enter(u.Email, goodPassword), w.letterLink(w.invite(account.Invitee{Email: "b@elsewhere.example"})): w.browser(),
	} {
		if got := b.get(path); got.status != 200 || strings.Contains(got.body, "data-passkey") {
			t.Errorf("%s offers passkeys (%d)", path, got.status)
		}
	}
	if got := w.browser().send("/signin/passkey/options", nil); got.status != 404 {
		t.Errorf("options: %d", got.status)
	}
	for url, want := range map[string]string{"https://crm.example": "crm.example", "https://CRM.example:8443": "crm.example", "http://localhost:8080": "localhost"} {
		p, err := newPasskeys(Settings{URL: url})
		if err != nil || p == nil || p.Config.RPID != want || !strings.EqualFold(p.Config.RPOrigins[0], url) {
			t.Errorf("%s: %v, %v", url, p, err)
		}
	}
}

func TestPasskeysCannotBeTriedForEver(t *testing.T) {
	t.Parallel()
	w := named(t)
	w.stop()
	b := w.browser()
	for range 100 {
		b.send("/signin/passkey/options", nil)
	}
	if got := b.send("/signin/passkey/options", nil); got.status != 429 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "You can try again") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Whoever has no password shows the account's passkey where a Microsoft person is to be tied to it.
func TestS6_AssociatingByAPasskey(t *testing.T) {
	t.Parallel()
	w := named(t)
	u, k := w.keyed(t, "lia@elsewhere.example")
	b := w.browser()
	b.atMicrosoft(b.get(launchPath), "megan@contoso.example", "accept")
	if page := b.get(associatePath); !strings.Contains(page.body, associatePath+"/passkey") {
		t.Fatalf("no passkey is offered:\n%s", page.text())
	}
	show := func(k *key) answer {
		return b.send(associatePath+"/passkey", sent(k.signed(b.send("/signin/passkey/options", nil)), nil))
	}
	if other := newKey(t, w); show(&key{t: t, id: other.id, handle: k.handle, secret: other.secret, origin: k.origin, rp: k.rp, verified: true}).status != 403 {
		t.Error("a strange passkey counts")
	}
	if got := show(k); got.status != 200 || !strings.Contains(got.body, associatePath) || b.inside() {
		t.Fatalf("%d %s, inside: %v", got.status, got.body, b.inside())
	}
	if page := b.get(associatePath); !strings.Contains(page.text(), u.Email) || !w.reread(u).Identity.IsZero() {
		t.Errorf("before the answer, %v:\n%s", w.reread(u).Identity, page.text())
	}
	b.post(associatePath + "/confirm")
	if p := w.sim.Person("megan@contoso.example"); w.reread(u).Identity != (account.Identity{TenantID: p.TenantID, ObjectID: p.ID}) || !b.inside() {
		t.Errorf("afterwards %v, inside: %v", w.reread(u).Identity, b.inside())
	}
	if got := w.browser().send(associatePath+"/passkey", sent(nil, nil)); got.status != 200 || !strings.Contains(got.body, `"next":"`+launchPath+`"`) {
		t.Errorf("with nobody at the door: %d %s", got.status, got.body)
	}
}

// A passkey knows no organization: whoever is signed in elsewhere stays who they are when a deactivated one is shown.
func TestAStrangersDeactivatedPasskeyChangesNothing(t *testing.T) {
	t.Parallel()
	w := named(t)
	u, k := w.keyed(t, "lia@elsewhere.example")
	w.must(w.site.Registry.Deactivate(context.Background(), w.reread(w.users["admin@contoso.example"]), u.ID, 0))
	b := w.as("admin@fabrikam.example")
	w.pass(time.Hour)
	if got := k.open(b); got.status != 403 || !strings.Contains(got.body, "deactivated") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := b.get(accountPath); !strings.Contains(got.body, "admin@fabrikam.example") {
		t.Errorf("one is somebody else now, or nobody: %s\n%s", got.path, got.text())
	}
	keys, err := w.store.Accounts().Passkeys(context.Background(), u.Org, u.ID)
	if err != nil || len(keys) != 1 || keys[0].LastUsed.After(w.now().Add(-30*time.Minute)) {
		t.Errorf("the passkey counts as used: %v, %v", keys, err)
	}
}
