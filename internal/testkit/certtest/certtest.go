// Package certtest makes certificates with their keys, as an operator does with openssl, good ones and bad ones.
package certtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A Pair is a key and its certificate, signed by itself.
type Pair struct {
	Key *rsa.PrivateKey
	DER []byte // the certificate
}

// New makes a pair that is good from yesterday for a year, unless change says otherwise.
func New(t testing.TB, change ...func(*x509.Certificate)) Pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return Of(t, key, change...)
}

// Of makes a certificate for a key.
func Of(t testing.TB, key *rsa.PrivateKey, change ...func(*x509.Certificate)) Pair {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Tandem"},
		NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(1, 0, -1),
	}
	for _, c := range change {
		c(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{Key: key, DER: der}
}

// Until ends a certificate at a time.
func Until(end time.Time) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = end }
}

// KeyPEM is the key in PKCS #8.
func (p Pair) KeyPEM(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return Block("PRIVATE KEY", der)
}

// CertificatePEM is the certificate without the key.
func (p Pair) CertificatePEM() string { return Block("CERTIFICATE", p.DER) }

// PEM is what the setting's file holds.
func (p Pair) PEM(t testing.TB) []byte { return []byte(p.KeyPEM(t) + p.CertificatePEM()) }

// File writes the PEM to a file of the test and returns its path.
func (p Pair) File(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tandem-entra.pem")
	if err := os.WriteFile(path, p.PEM(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Block is a block of PEM.
func Block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
