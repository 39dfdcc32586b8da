package mail_test

import (
	"context"
	"crypto/x509"
	"net"
	netmail "net/mail"
	"net/url"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/mail"
	"tandem/internal/testkit/mailtest"
)

// post is one to a test's server.
func post(t *testing.T, s *mailtest.Server, url string) *mail.Post {
	t.Helper()
	server, err := mail.Parse(strings.Replace(url, "HOST", s.Addr, 1))
	if err != nil {
		t.Fatal(err)
	}
	return &mail.Post{Server: server.SentFrom("crm.contoso.example"), Roots: s.Roots, Limit: 20 * time.Second}
}

var adele = netmail.Address{Name: "Adele Vance", Address: "adele@contoso.example"}

func send(t *testing.T, p *mail.Post) error {
	t.Helper()
	return p.Send(t.Context(), adele, write(t, full(t, account.LetterInvitation), "pt-BR"), "letter-7@crm.contoso.example")
}

func TestS8_ALetterArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options   mailtest.Options
		url       string
		encrypted bool
	}{
		"STARTTLS and login":      {mailtest.Options{StartTLS: true, User: "crm", Password: "p@ss word"}, "smtp://crm:p%40ss%20word@HOST", true},
		"TLS at once and login":   {mailtest.Options{TLS: true, User: "crm", Password: "geheim"}, "smtps://crm:geheim@HOST", true},
		"TLS at once, no login":   {mailtest.Options{TLS: true}, "smtps://HOST", true},
		"plain on this machine":   {mailtest.Options{User: "crm", Password: "geheim"}, "smtp://crm:geheim@HOST", false},
		"plain though encryption": {mailtest.Options{StartTLS: true}, "smtp://HOST?tls=none", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, c.options)
			p := post(t, s, c.url)
			at := time.Date(2026, 7, 29, 12, 0, 0, 0, time.UTC)
			p.Now = func() time.Time { return at }
			if err := send(t, p); err != nil {
				t.Fatal(err)
			}
			letters := s.Letters()
			if len(letters) != 1 {
				t.Fatalf("the server took %d letters", len(letters))
			}
			got, want := letters[0], write(t, full(t, account.LetterInvitation), "pt-BR")
			if got.Encrypted != c.encrypted || got.User != c.options.User {
				t.Errorf("encrypted %v, sent by %q", got.Encrypted, got.User)
			}
			if got.From != "tandem@crm.contoso.example" || got.To != adele.Address {
				t.Errorf("from %s to %s", got.From, got.To)
			}
			if got.Subject != want.Subject || got.Text != want.Text || got.HTML != want.HTML {
				t.Errorf("arrived\n%q\n%q\n%q\nwritten\n%q\n%q\n%q", got.Subject, got.Text, got.HTML, want.Subject, want.Text, want.HTML)
			}
			for header, want := range map[string]string{
				"From": `"Tandem" <tandem@crm.contoso.example>`, "To": `"Adele Vance" <adele@contoso.example>`,
				"Message-Id": "<letter-7@crm.contoso.example>", "Auto-Submitted": "auto-generated", "Date": at.Format(time.RFC1123Z),
			} {
				if got := got.Header.Get(header); got != want {
					t.Errorf("%s: %q instead of %q", header, got, want)
				}
			}
			if long := longest(got.Raw); long > 998 {
				t.Errorf("a line has %d characters", long)
			}
		})
	}
}

func longest(raw string) (most int) {
	for line := range strings.SplitSeq(raw, "\r\n") {
		most = max(most, len(line))
	}
	return most
}

// What a server's answers mean for the next try, and what the log gets to read of them.
func TestWhatAServerSaysDecides(t *testing.T) {
	t.Parallel()
	on := func(step string, answer error) func(int, string) error {
		return func(_ int, s string) error {
			if s == step {
				return answer
			}
			return nil
		}
	}
	type want struct {
		kind   fault.Kind
		reason fault.Reason
		words  string
	}
	for name, c := range map[string]struct {
		options mailtest.Options
		url     string
		want    want
	}{
		"no such recipient":     {mailtest.Options{Answer: on("rcpt", mailtest.Refuse(550, "5.1.1 <Adele@contoso.example> unknown"))}, "smtp://HOST", want{fault.Invalid, fault.Refused, "550 5.1.1 <…> unknown"}},
		"sender refused":        {mailtest.Options{Answer: on("mail", mailtest.Refuse(553, "not with this sender"))}, "smtp://HOST", want{fault.Denied, fault.AppMisconfigured, "553 not with this sender"}},
		"content refused":       {mailtest.Options{Answer: on("data", mailtest.Refuse(554, "looks like spam"))}, "smtp://HOST", want{fault.Invalid, fault.Refused, "554 looks like spam"}},
		"greylisted":            {mailtest.Options{Answer: on("rcpt", mailtest.Refuse(451, "try again later"))}, "smtp://HOST", want{fault.Unavailable, "", "451 try again later"}},
		"full":                  {mailtest.Options{Answer: on("data", mailtest.Refuse(452, "no room"))}, "smtp://HOST", want{fault.Unavailable, "", "452 no room"}},
		"closing down":          {mailtest.Options{Answer: on("mail", mailtest.Refuse(421, "closing"))}, "smtp://HOST", want{fault.Unavailable, "", "421 closing"}},
		"dropped before DATA":   {mailtest.Options{Answer: on("rcpt", mailtest.ErrDrop)}, "smtp://HOST", want{fault.Unavailable, "", ""}},
		"dropped after DATA":    {mailtest.Options{Answer: on("data", mailtest.ErrDrop)}, "smtp://HOST", want{fault.Unavailable, "", ""}},
		"wrong password":        {mailtest.Options{User: "crm", Password: "right"}, "smtp://crm:wrong@HOST", want{fault.Denied, fault.AppMisconfigured, "535 these credentials are not taken"}},
		"no login where asked":  {mailtest.Options{User: "crm", Password: "right"}, "smtp://HOST", want{fault.Denied, fault.AppMisconfigured, "530 log in first"}},
		"login where none is":   {mailtest.Options{}, "smtp://crm:x@HOST", want{fault.Denied, fault.AppMisconfigured, "no way to log in"}},
		"TLS where STARTTLS is": {mailtest.Options{StartTLS: true}, "smtps://HOST", want{fault.Unavailable, "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := send(t, post(t, mailtest.Start(t, c.options), c.url))
			if err == nil {
				t.Fatal("it was sent")
			}
			if got := (want{fault.KindOf(err), fault.ReasonOf(err), c.want.words}); got != c.want || !strings.Contains(err.Error(), c.want.words) {
				t.Errorf("got %v (%v, %q), want %v", err, got.kind, got.reason, c.want)
			}
			if strings.Contains(strings.ToLower(err.Error()), adele.Address) || strings.Contains(err.Error(), "wrong") {
				t.Errorf("the fault tells an address or a password: %v", err)
			}
		})
	}
}

func TestACertificateThatNobodyVouchesForStopsTheLetter(t *testing.T) {
	t.Parallel()
	for url, o := range map[string]mailtest.Options{"smtp://HOST": {StartTLS: true}, "smtps://HOST": {TLS: true}} {
		s := mailtest.Start(t, o)
		p := post(t, s, url)
		p.Roots = x509.NewCertPool()
		if err := send(t, p); !fault.Is(err, fault.Denied) || fault.ReasonOf(err) != fault.AppMisconfigured {
			t.Errorf("%s: %v", url, err)
		}
		if s.Begun() != 0 {
			t.Errorf("%s: something was sent", url)
		}
	}
}

// A server that takes part in nothing but plain text gets nothing from us, unless it is on this machine.
func TestNothingIsSentInTheOpenToAnotherMachine(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{User: "crm", Password: "geheim"})
	p := post(t, s, "smtp://crm:geheim@HOST")
	p.Server.Security = mail.StartTLS // as Parse has it for every other machine
	if err := send(t, p); !fault.Is(err, fault.Denied) || fault.ReasonOf(err) != fault.AppMisconfigured {
		t.Error(err)
	}
	if s.Begun() != 0 {
		t.Error("something was sent")
	}
}

func TestAServerThatHangsIsLeft(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for _, step := range []string{"greeting", "mail", "rcpt", "data"} {
		s := mailtest.Start(t, mailtest.Options{Answer: func(_ int, at string) error {
			if at == step {
				return mailtest.ErrHang
			}
			return nil
		}})
		p := post(t, s, "smtp://HOST")
		if step == "greeting" {
			p.Server.Port = silent.Addr().(*net.TCPAddr).Port
		}
		p.Limit = 300 * time.Millisecond
		if err := send(t, p); !fault.Is(err, fault.Unavailable) {
			t.Errorf("hung at %s: %v", step, err)
		}
	}
}

func TestSendingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := mailtest.Start(t, mailtest.Options{Answer: func(int, string) error { cancel(); return mailtest.ErrHang }})
	p := post(t, s, "smtp://HOST")
	p.Limit = time.Hour
	if err := p.Send(ctx, adele, mail.Message{Subject: "x", Text: "x", HTML: "x"}, "x@y"); err == nil {
		t.Error("it was sent")
	}
}

func TestAServerThatIsAway(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := mailtest.Start(t, mailtest.Options{})
	p := post(t, s, "smtp://HOST")
	p.Server.Port = gone.Addr().(*net.TCPAddr).Port
	_ = gone.Close()
	if err := send(t, p); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

// A header is a list of lines: whoever could put another line into it could add recipients.
func TestNobodyAddsALineToTheHeader(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{})
	p := post(t, s, "smtp://HOST")
	good := mail.Message{Subject: "Olá", Text: "x", HTML: "x"}
	for name, try := range map[string]func() error{
		"subject": func() error {
			return p.Send(t.Context(), adele, mail.Message{Subject: "Olá\r\nBcc: x@example.com", Text: "x", HTML: "x"}, "a@b")
		},
		"address": func() error {
			return p.Send(t.Context(), netmail.Address{Address: "a@b.c>\r\nRCPT TO:<x@example.com"}, good, "a@b")
		},
		"message id": func() error { return p.Send(t.Context(), adele, good, "a@b>\r\nBcc: <x@example.com") },
		"two in one": func() error {
			return p.Send(t.Context(), netmail.Address{Address: "a@b.c, x@example.com"}, good, "a@b")
		},
		"no address":  func() error { return p.Send(t.Context(), netmail.Address{Name: "A"}, good, "a@b") },
		"half of one": func() error { return p.Send(t.Context(), netmail.Address{Address: "adele"}, good, "a@b") },
	} {
		if err := try(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.Begun() != 0 {
		t.Error("something was sent")
	}
}

// A name that would break a header is put right: it must not keep its owner from ever getting a letter.
func TestAnOddNameGetsItsLetter(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{})
	p := post(t, s, "smtp://HOST")
	to := netmail.Address{Name: "A\r\nBcc: x@example.com\u202e", Address: "a@b.c"}
	if err := p.Send(t.Context(), to, mail.Message{Subject: "Olá", Text: "x", HTML: "x"}, "a@b"); err != nil {
		t.Fatal(err)
	}
	got := s.Letters()
	if len(got) != 1 || got[0].Header.Get("Bcc") != "" || !strings.Contains(got[0].Header.Get("To"), "A Bcc: x@example.com") {
		t.Errorf("%+v", got)
	}
}

// A domain of other letters travels in its ASCII form, which every server knows. Letters such as those before the @ need a server
// that takes them, and only then is it asked for that.
func TestS9_AddressesOfOtherLettersAreReached(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ascii    bool
		to, want string // "": it is refused for good
		wide     bool
	}{
		{true, "ana@café.example", "ana@xn--caf-dma.example", false},
		{false, "ana@café.example", "ana@xn--caf-dma.example", false},
		{false, "ana@contoso.example", "ana@contoso.example", false},
		{false, "josé@café.example", "josé@xn--caf-dma.example", true},
		{true, "josé@café.example", "", false},
	} {
		s := mailtest.Start(t, mailtest.Options{ASCII: c.ascii})
		p := post(t, s, "smtp://HOST?from="+url.QueryEscape("crm@são-paulo.example"))
		err := p.Send(t.Context(), netmail.Address{Name: "Ana", Address: c.to}, mail.Message{Subject: "Olá", Text: "x", HTML: "x"}, "a@b")
		got := s.Letters()
		if c.want == "" {
			if !fault.Is(err, fault.Invalid) || fault.ReasonOf(err) != mail.OddAddress || s.Begun() != 0 {
				t.Errorf("%s: %v, %d begun", c.to, err, s.Begun())
			}
			continue
		}
		if err != nil || len(got) != 1 || got[0].To != c.want || got[0].From != "crm@xn--so-paulo-rza.example" || got[0].Wide != c.wide {
			t.Errorf("%s, a server of ASCII alone: %v: %v, %+v", c.to, c.ascii, err, got)
			continue
		}
		if to := got[0].Header.Get("To"); !strings.Contains(to, "<"+c.want+">") {
			t.Errorf("%s: the header says %q", c.to, to)
		}
	}
}

func TestTheServerIsTriedWithoutALetter(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{StartTLS: true, User: "crm", Password: "geheim"})
	if err := post(t, s, "smtp://crm:geheim@HOST").Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if err := post(t, s, "smtp://crm:falsch@HOST").Probe(t.Context()); fault.ReasonOf(err) != fault.AppMisconfigured {
		t.Error(err)
	}
	if s.Begun() != 0 {
		t.Error("something was sent")
	}
}
