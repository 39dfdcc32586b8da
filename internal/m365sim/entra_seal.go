package m365sim

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// A sealer turns small values into opaque strings and back. Its key comes from the seed alone, so that
// tokens which a client kept are still good after the simulator was restarted with the same seed.
//
// It protects nobody: a seed is not a secret. It only makes a token look like one, and makes sure that
// what comes back is what was given.
type sealer struct{ aead cipher.AEAD }

func newSealer(seed string) sealer {
	key, err := hkdf.Key(sha256.New, []byte(seed), nil, "tandem m365sim tokens", 32)
	if err != nil {
		panic("m365sim: derive the token key: " + err.Error()) // only for a length that no hash gives
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("m365sim: token cipher: " + err.Error()) // only for a key of another length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("m365sim: token cipher: " + err.Error()) // only for a block of another size
	}
	return sealer{aead}
}

var errNotSealed = errors.New("not sealed by this simulator")

// seal writes v as prefix + base64. The prefix is authenticated, so one kind cannot pose as another.
func (s sealer) seal(prefix string, v any) string {
	plain, err := json.Marshal(v)
	if err != nil {
		panic("m365sim: seal " + prefix + ": " + err.Error()) // only our own plain structs come here
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	rand.Read(nonce)
	return prefix + base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, []byte(prefix)))
}

// open reads into v what seal wrote under the same prefix.
func (s sealer) open(prefix, sealed string, v any) error {
	if len(sealed) < len(prefix) || sealed[:len(prefix)] != prefix {
		return errNotSealed
	}
	box, err := base64.RawURLEncoding.DecodeString(sealed[len(prefix):])
	if err != nil || len(box) < s.aead.NonceSize() {
		return errNotSealed
	}
	n := s.aead.NonceSize()
	plain, err := s.aead.Open(nil, box[:n], box[n:], []byte(prefix))
	if err != nil {
		return errNotSealed
	}
	return json.Unmarshal(plain, v)
}

// b64 is how web tokens spell bytes.
func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
