// Package mailtest is a mail server for tests: it speaks real SMTP on a loopback port, keeps what it takes, and refuses,
// hangs or drops as a test says.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Options are what Start may be told.
type Options struct {
	StartTLS bool // offers encryption
	TLS      bool // from the first byte
	ASCII    bool // knows of no other letters in addresses
	User     string
	Password string // of User: nobody else may send
	// Answer decides about each step of the nth message to be begun (from 1): "mail", "rcpt" or "data", the last when it
	// has been read whole. nil: it is taken.
	Answer func(n int, step string) error
}

// ErrDrop is an answer: the connection ends without a word. With step "data" the message is kept nevertheless, as by a server
// whose yes is lost on its way.
var ErrDrop = errors.New("mailtest: drop the connection")

// ErrHang is an answer: there is none until the test ends.
var ErrHang = errors.New("mailtest: hang")

// Refuse is an answer: a reply with a code of three digits, such as 550.
func Refuse(code int, words string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: words}
}

// A Letter is a message that the server took.
type Letter struct {
	From, To  string // of the envelope
	Wide      bool   // declared to have addresses of other letters than ASCII's (SMTPUTF8)
	User      string // who had logged in
	Encrypted bool
	Header    mail.Header
	Subject   string
	Text      string
	HTML      string
	Raw       string
}

// Server is a running mail server.
type Server struct {
	Addr  string // host:port
	Roots *x509.CertPool

	t       testing.TB
	options Options
	ended   chan struct{}
	mu      sync.Mutex
	begun   int
	taken   []Letter
}

// Start starts a server that ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, options: o, ended: make(chan struct{})}
	server := smtp.NewServer(s)
	server.Domain, server.AllowInsecureAuth, server.EnableSMTPUTF8 = "mail.example", true, !o.ASCII
	server.ErrorLog = log.New(io.Discard, "", 0) // dropped connections are what tests ask for
	certificate := s.certify()
	if o.StartTLS {
		server.TLSConfig = certificate
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = listener.Addr().String()
	if o.TLS {
		listener = tls.NewListener(listener, certificate)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	t.Cleanup(func() {
		close(s.ended)
		_ = server.Close()
		_ = listener.Close() // a server that had not yet begun does not know it
		<-served
	})
	return s
}

// Letters are what the server took, the oldest first.
func (s *Server) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// Begun is how many messages were begun, taken or not.
func (s *Server) Begun() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

// certify makes a certificate for the loopback address, which Roots vouch for.
func (s *Server) certify() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// NewSession is for the SMTP server.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

type session struct {
	server *Server
	conn   *smtp.Conn
	letter Letter
	user   string
	n      int
}

func (s *session) AuthMechanisms() []string {
	if s.server.options.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if o := s.server.options; user != o.User || password != o.Password {
			return Refuse(535, "these credentials are not taken")
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, options *smtp.MailOptions) error {
	if s.server.options.User != "" && s.user == "" {
		return Refuse(530, "log in first")
	}
	s.server.mu.Lock()
	s.server.begun++
	s.n = s.server.begun
	s.server.mu.Unlock()
	s.letter = Letter{From: from, User: s.user, Wide: options.UTF8}
	_, s.letter.Encrypted = s.conn.TLSConnectionState()
	return s.answer("mail")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.To = to
	return s.answer("rcpt")
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.letter.read(string(raw)); err != nil {
		s.server.t.Errorf("mailtest: a message cannot be read: %v\n%s", err, raw)
	}
	answer := s.decide("data")
	if answer == nil || errors.Is(answer, ErrDrop) {
		s.server.mu.Lock()
		s.server.taken = append(s.server.taken, s.letter)
		s.server.mu.Unlock()
	}
	return s.carryOut(answer)
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) answer(step string) error { return s.carryOut(s.decide(step)) }

func (s *session) decide(step string) error {
	if s.server.options.Answer == nil {
		return nil
	}
	return s.server.options.Answer(s.n, step)
}

func (s *session) carryOut(answer error) error {
	switch {
	case errors.Is(answer, ErrDrop):
		_ = s.conn.Conn().Close()
	case errors.Is(answer, ErrHang):
		<-s.server.ended
	}
	return answer
}

// read takes a message apart as a mail reader does.
func (l *Letter) read(raw string) error {
	l.Raw = raw
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return err
	}
	l.Header = m.Header
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return err
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if kind != "multipart/alternative" {
		return errors.New("it is " + kind)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if how := part.Header.Get("Content-Transfer-Encoding"); how != "quoted-printable" {
			return errors.New("a part is encoded as " + how)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			l.HTML = text
		} else {
			l.Text = text
		}
	}
}
