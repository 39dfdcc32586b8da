package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// sealer seals secrets with AES-256-GCM under a key that is not in the database. What is sealed for one user and column opens for no other: a row that somebody
// with access to the database copied elsewhere is of no use there.
type sealer struct{ cipher.AEAD }

// minSecretKey is the least length of the setting SECRET_KEY.
const minSecretKey = 32

// sealed is the first byte of what this version seals, so that another one can tell.
const sealed = 1

func newSealer(key string) (sealer, error) {
	if key == "" {
		return sealer{}, nil
	}
	if len(key) < minSecretKey {
		return sealer{}, fault.Wrong(fault.BadValue, "SECRET_KEY", "the secret key has fewer than %d characters", minSecretKey)
	}
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, "tandem: tokens at rest", 32)
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return sealer{}, err
	}
	// The standard library draws the nonces: 2^32 of them are safe under one key.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

func sealedFor(org, user record.ID, column string) []byte {
	return fmt.Appendf(nil, "%d %d %s", org, user, column)
}

func (s sealer) seal(secret account.Secret, org, user record.ID, column string) ([]byte, error) {
	if s.AEAD == nil {
		return nil, errors.New("store: there is no secret key to seal with")
	}
	return s.Seal([]byte{sealed}, nil, []byte(secret.Reveal()), sealedFor(org, user, column)), nil
}

func (s sealer) unseal(box []byte, org, user record.ID, column string) (account.Secret, error) {
	if s.AEAD == nil || len(box) == 0 || box[0] != sealed {
		return "", fault.New(fault.Broken, fault.CannotUnseal, "store: a stored token cannot be unsealed")
	}
	out, err := s.Open(nil, nil, box[1:], sealedFor(org, user, column))
	if err != nil {
		return "", fault.New(fault.Broken, fault.CannotUnseal, "store: a stored token cannot be unsealed: %w", err)
	}
	return account.Secret(out), nil
}
