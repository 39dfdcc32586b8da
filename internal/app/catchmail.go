package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"tandem/internal/m365sim"
)

// mailCatcher is the demo's mail server: it speaks real SMTP on a loopback port, and what it takes goes no further than the
// simulator's outbox page.
type mailCatcher struct {
	listener net.Listener
	server   *smtp.Server
}

// Limits of the demo's mail server: a letter is a few kilobytes and goes to one person.
const (
	maxCaughtBytes   = 1 << 20
	maxCaughtReaders = 10
	catchTimeout     = time.Minute
)

// catchMail makes a mail server that hands all it takes to keep. It takes connections from serve on.
func catchMail(keep func(m365sim.OutboxMail), log *slog.Logger) (*mailCatcher, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &caught{keep: keep}, nil }))
	server.Domain, server.EnableSMTPUTF8 = "localhost", true
	server.MaxMessageBytes, server.MaxRecipients = maxCaughtBytes, maxCaughtReaders
	server.ReadTimeout, server.WriteTimeout = catchTimeout, catchTimeout
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	return &mailCatcher{listener, server}, nil
}

// url is where letters are to be sent, for SMTP_URL.
func (c *mailCatcher) url() string { return "smtp://" + c.listener.Addr().String() + "?tls=none" }

// serve takes letters until ctx ends.
func (c *mailCatcher) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	if err := c.server.Serve(c.listener); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// close ends the listener itself too: a server that had not yet begun does not know it.
func (c *mailCatcher) close() {
	_ = c.server.Close()
	_ = c.listener.Close()
}

// caught is a letter on its way in.
type caught struct {
	keep func(m365sim.OutboxMail)
	to   []string
}

func (c *caught) Mail(string, *smtp.MailOptions) error { c.Reset(); return nil }

func (c *caught) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.to = append(c.to, to)
	return nil
}

func (c *caught) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := readMail(string(raw))
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "this is not a message: " + err.Error()}
	}
	m.To = c.to
	c.keep(m)
	return nil
}

func (c *caught) Reset()        { c.to = nil }
func (c *caught) Logout() error { return nil }

// readMail takes a message apart into what a mail program shows of it.
func readMail(raw string) (out m365sim.OutboxMail, err error) {
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return out, err
	}
	words := new(mime.WordDecoder)
	out.Raw = raw
	if out.Subject, err = words.DecodeHeader(m.Header.Get("Subject")); err != nil {
		return out, err
	}
	if out.From, err = words.DecodeHeader(m.Header.Get("From")); err != nil {
		return out, err
	}
	out.Time, _ = m.Header.Date() // none: the simulator's own
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return out, err
	}
	if kind != "multipart/alternative" {
		return out, errors.New("only letters with a text and an HTML are known here")
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, err
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return out, err
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		switch kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind {
		case "text/plain":
			out.Text = text
		case "text/html":
			out.HTML = text
		}
	}
}
