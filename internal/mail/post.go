package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
	"golang.org/x/net/idna"

	"tandem/internal/fault"
)

// Post carries messages to the mail server, each over a connection of its own.
type Post struct {
	Server Server           // with a sender
	Roots  *x509.CertPool   // who may vouch for the server; nil: whom the machine trusts
	Limit  time.Duration    // for one message, from dialling to the server's yes; 0: a minute
	Now    func() time.Time // nil: time.Now
}

const defaultLimit = time.Minute

// Send hands a message to the server and returns when that has taken it. messageID, without its brackets, is the same
// each time the same letter is sent, so that mailboxes can tell a repetition.
//
// Invalid: the server refuses this message or its recipient for good (with OddAddress: it cannot name that); Denied with AppMisconfigured: it refuses us (login,
// encryption, certificate), which the operator can mend; Unavailable: it is away, or says to try again later. The
// message of the fault holds the server's words, without the recipient's address.
func (p *Post) Send(ctx context.Context, to netmail.Address, m Message, messageID string) (err error) {
	limit := p.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	typed := to.Address
	to.Address = onTheWire(typed)
	letter, err := p.compose(to, m, messageID)
	if err != nil {
		return fault.New(fault.Invalid, fault.BadValue, "mail: compose: %w", err)
	}
	talk, err := p.reach(ctx)
	if err != nil {
		return err
	}
	defer talk.close()
	if err := talk.hand(letter, p.Server.From.Address, to.Address); err != nil {
		return hide(hide(err, to.Address), typed)
	}
	return nil
}

// OddAddress is why a letter does not go out whose recipient has letters before the @ that the server does not know.
const OddAddress fault.Reason = "odd_address"

// onTheWire is an address as every mail server understands it: a domain of other letters than ASCII's has a form in those
// (RFC 5891). What stands before the @ has none.
func onTheWire(address string) string {
	at := strings.LastIndexByte(address, '@') + 1
	ascii, err := idna.Lookup.ToASCII(address[at:])
	if err != nil {
		return address // compose, or the server, says what is wrong with it
	}
	return address[:at] + ascii
}

// Probe reports whether the server can be reached, is who it should be and takes the login. Nothing is sent. The errors
// are Send's.
func (p *Post) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, defaultLimit)
	defer cancel()
	talk, err := p.reach(ctx)
	if err != nil {
		return err
	}
	talk.close()
	return nil
}

// compose makes the message as it travels.
func (p *Post) compose(to netmail.Address, m Message, messageID string) (*gomail.Msg, error) {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	to.Name = oneLine(to.Name, maxName)
	for _, line := range []string{m.Subject, messageID, to.Address} {
		if strings.ContainsFunc(line, isControl) {
			return nil, errors.New("a line of the header has a control character")
		}
	}
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	from := p.Server.From
	letter.FromMailAddress(&from)
	if bare, err := netmail.ParseAddress("<" + to.Address + ">"); err != nil || bare.Address != to.Address {
		return nil, errors.New("the recipient's address is not one") // the cause quotes it
	}
	letter.ToMailAddress(&to)
	letter.Subject(m.Subject)
	letter.SetMessageIDWithValue(messageID)
	letter.SetDateWithValue(now())
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers, please
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return letter, nil
}

// conversation is one with a server that has taken our login.
type conversation struct {
	*smtp.Client
	conn net.Conn
	stop func() bool // ends the watch over ctx
}

func (c *conversation) close() {
	c.stop()
	_ = c.Quit() // it has the message, or has refused it: its goodbye changes nothing
	_ = c.conn.Close()
}

// reach dials the server, encrypts and logs in. All of what follows ends with ctx.
func (p *Post) reach(ctx context.Context) (_ *conversation, err error) {
	s := p.Server
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address())
	if err != nil {
		return nil, away(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if err != nil {
			stop()
			_ = conn.Close()
		}
	}()
	config := &tls.Config{ServerName: s.Host, RootCAs: p.Roots, MinVersion: tls.VersionTLS12}
	wire := conn
	if s.Security == TLSAtOnce {
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, unsafe(err)
		}
		wire = secured
	}
	client, err := smtp.NewClient(wire, s.Host)
	if err != nil {
		return nil, ofServer(err)
	}
	if err := client.Hello(s.Domain()); err != nil {
		return nil, ofServer(err)
	}
	offered, _ := client.Extension("STARTTLS")
	switch {
	case s.Security == StartTLS && !offered:
		return nil, misconfigured("mail: the server offers no encryption (STARTTLS); it may want smtps://")
	case s.Security == StartTLS, s.Security == TLSIfThere && offered:
		if err := client.StartTLS(config); err != nil {
			return nil, unsafe(err)
		}
	}
	if s.User != "" {
		login, err := s.login(client)
		if err != nil {
			return nil, err
		}
		if err := client.Auth(login); err != nil {
			return nil, ofServer(err)
		}
	}
	return &conversation{client, conn, stop}, nil
}

// logins are the ways to log in that we know, the best first.
var logins = []struct {
	name string
	make func(s Server) smtp.Auth
}{
	{"SCRAM-SHA-256", func(s Server) smtp.Auth { return smtp.ScramSHA256Auth(s.User, s.Password.Reveal()) }},
	{"PLAIN", func(s Server) smtp.Auth {
		return smtp.PlainAuth("", s.User, s.Password.Reveal(), s.Host, isLoopback(s.Host))
	}},
	{"LOGIN", func(s Server) smtp.Auth {
		return smtp.LoginAuth(s.User, s.Password.Reveal(), s.Host, isLoopback(s.Host))
	}},
}

func (s Server) login(client *smtp.Client) (smtp.Auth, error) {
	_, offer := client.Extension("AUTH")
	offered := strings.Fields(offer)
	for _, l := range logins {
		if slices.Contains(offered, l.name) {
			return l.make(s), nil
		}
	}
	return nil, misconfigured("mail: the server offers no way to log in that we know (it offers %q)", offer)
}

// hand gives the message over. Once the server has said yes to the last line, it is the server's.
func (c *conversation) hand(letter *gomail.Msg, from, to string) error {
	// Only where an address needs it (RFC 6531, 3.2): what was declared, each server on the way has to be able to do.
	wide := !isASCII(from) || !isASCII(to)
	c.SkipSMTPUTF8(!wide)
	if offered, _ := c.Extension("SMTPUTF8"); wide && !offered {
		return fault.New(fault.Invalid, OddAddress, "the mail server takes no address with such letters before the @ (SMTPUTF8)")
	}
	if err := c.Mail("<" + from + ">"); err != nil {
		return ofServer(err) // our sender, or that we did not log in: the same for every message
	}
	if err := c.Rcpt("<" + to + ">"); err != nil {
		return ofMessage(err)
	}
	data, err := c.Data()
	if err != nil {
		return ofMessage(err)
	}
	if _, err := letter.WriteTo(data); err != nil {
		return away(err)
	}
	if err := data.Close(); err != nil {
		return ofMessage(err)
	}
	return nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// permanent is the first of the replies by which a server says that repeating will not help (RFC 5321, 4.2.1).
const permanent = 500

// ofMessage is the fault of a reply about this message.
func ofMessage(err error) error {
	if words, code := reply(err); code >= permanent {
		return fault.New(fault.Invalid, fault.Refused, "%s", words)
	}
	return away(err)
}

// ofServer is the fault of a reply that has nothing to do with the message.
func ofServer(err error) error {
	if words, code := reply(err); code >= permanent {
		return misconfigured("%s", words)
	}
	return away(err)
}

// unsafe is the fault of an encryption that did not come about.
func unsafe(err error) error {
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return misconfigured("mail: the server's certificate cannot be trusted: %w", err)
	}
	return ofServer(err)
}

// away is the fault of a server that is not to be had now, or says so.
func away(err error) error {
	if words, code := reply(err); code != 0 {
		return fault.New(fault.Unavailable, "", "%s", words)
	}
	return fault.New(fault.Unavailable, "", "mail: %w", err)
}

func misconfigured(format string, args ...any) error {
	return fault.New(fault.Denied, fault.AppMisconfigured, format, args...)
}

// maxWords is how many letters of a server's reply are kept.
const maxWords = 500

// reply is what a server said, on one line, and the number of it; 0: it said nothing.
func reply(err error) (words string, code int) {
	var said *textproto.Error
	if !errors.As(err, &said) {
		return "", 0
	}
	return oneLine(fmt.Sprintf("%d %s", said.Code, said.Msg), maxWords), said.Code
}

// hide leaves the recipient's address out of a fault, which goes to logs.
func hide(err error, address string) error {
	f := fault.As(err)
	at := strings.Index(strings.ToLower(f.Message), strings.ToLower(address))
	if at < 0 || len(strings.ToLower(f.Message)) != len(f.Message) {
		return err
	}
	return fault.New(f.Kind, f.Reason, "%s…%s", f.Message[:at], f.Message[at+len(address):])
}
