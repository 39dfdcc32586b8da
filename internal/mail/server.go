package mail

import (
	"errors"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// Server is the SMTP server that takes our letters.
type Server struct {
	Host     string
	Port     int
	User     string // "": it asks for no login
	Password account.Secret
	Security Security
	From     netmail.Address // zero: Parse was told no sender
}

// Security is how the connection is encrypted.
type Security string

// The ways to encrypt. Only a server on this very machine may do without, as the letters open accounts.
const (
	TLSAtOnce   Security = "tls"      // from the first byte
	StartTLS    Security = "starttls" // or nothing is sent
	TLSIfThere  Security = "if there" // STARTTLS where it is offered
	Unencrypted Security = "none"     // also where it is offered: a certificate that nobody can check
)

// The ports of mail submission (RFC 8314).
const (
	submissionPort  = 587
	submissionsPort = 465
)

// senderName is what letters come from unless the setting says otherwise.
const senderName = "Tandem"

// Parse reads the address of a mail server: smtp://user:password@host:port or smtps://…, and after a ? from= with the
// sender's address, or Name <address>, and tls=none. It tells all that is wrong at once, and never the password.
func Parse(smtpURL string) (Server, error) {
	u, err := url.Parse(smtpURL)
	if err != nil || u.Hostname() == "" { // the error quotes the address, and with it the password
		return Server{}, wrong("is not an address such as smtp://user:password@mail.example.com:587; write signs such as @ / # %% in a password as %%40 %%2F %%23 %%25")
	}
	var problems []error
	complain := func(format string, args ...any) { problems = append(problems, wrong(format, args...)) }

	s := Server{Host: u.Hostname()}
	loopback := isLoopback(s.Host)
	switch u.Scheme {
	case "smtps":
		s.Security, s.Port = TLSAtOnce, submissionsPort
	case "smtp":
		s.Security, s.Port = StartTLS, submissionPort
		if loopback {
			s.Security = TLSIfThere
		}
	default:
		complain("must begin with smtp:// or smtps://")
	}
	if text := u.Port(); text != "" {
		if s.Port, err = strconv.Atoi(text); err != nil || s.Port < 1 || s.Port > 65535 {
			complain("has port %s; ports go from 1 to 65535", text)
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.User, s.Password = u.User.Username(), account.Secret(password)
		if s.User == "" || password == "" {
			complain("has a login without a user or without a password")
		}
	}
	if u.Path != "" && u.Path != "/" || u.Fragment != "" {
		complain("has more than a server, from= and tls=; write signs such as @ / # %% in a password as %%40 %%2F %%23 %%25")
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		complain("has something after the ? that cannot be read")
	}
	for name, value := range values {
		switch {
		case len(value) > 1:
			complain("says %s= twice", name)
		case name == "from":
			s.From, err = sender(value[0])
			if err != nil {
				complain("has from=%q, which is neither an address nor Name <address> (write a + as %%2B)", value[0])
			}
		case name == "tls" && value[0] == "none" && u.Scheme == "smtp":
			if !loopback {
				complain("has tls=none, which is only for a server on this machine: passwords and invitations would travel in the open")
			}
			s.Security = Unencrypted
		default:
			complain("has %s=%s, which means nothing here; there are from= and, with smtp://, tls=none", name, value[0])
		}
	}
	return s, errors.Join(problems...)
}

func wrong(format string, args ...any) error {
	return fault.Wrong(fault.BadValue, "SMTP_URL", format, args...)
}

// sender is the address that letters come from.
func sender(text string) (netmail.Address, error) {
	a, err := netmail.ParseAddress(text)
	if err != nil {
		return netmail.Address{}, err
	}
	if a.Name = oneLine(a.Name, maxName); a.Name == "" {
		a.Name = senderName
	}
	return *a, nil
}

// SentFrom gives the server a sender at a host, if it has none.
func (s Server) SentFrom(host string) Server {
	if s.From.Address == "" {
		if net.ParseIP(host) != nil { // no address to answer to, but a well-formed one
			host = "localhost"
		}
		s.From = netmail.Address{Name: senderName, Address: "tandem@" + host}
	}
	s.From.Address = onTheWire(s.From.Address)
	return s
}

func (s Server) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Domain is that of the sender.
func (s Server) Domain() string { return s.From.Address[strings.LastIndexByte(s.From.Address, '@')+1:] }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
