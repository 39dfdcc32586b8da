package mail_test

import (
	netmail "net/mail"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/mail"
)

func TestTheAddressOfTheMailServer(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]mail.Server{
		"smtp://mail.example.com":                         {Host: "mail.example.com", Port: 587, Security: mail.StartTLS},
		"smtps://mail.example.com/":                       {Host: "mail.example.com", Port: 465, Security: mail.TLSAtOnce},
		"smtp://crm:p%40ss%2Fword@mail.example.com:2525":  {Host: "mail.example.com", Port: 2525, User: "crm", Password: "p@ss/word", Security: mail.StartTLS},
		"smtp://crm%40example.com:x@mail.example.com":     {Host: "mail.example.com", Port: 587, User: "crm@example.com", Password: "x", Security: mail.StartTLS},
		"smtp://127.0.0.1:1025":                           {Host: "127.0.0.1", Port: 1025, Security: mail.TLSIfThere},
		"smtp://[::1]:1025?tls=none":                      {Host: "::1", Port: 1025, Security: mail.Unencrypted},
		"smtp://localhost?tls=none&from=crm@example.com":  {Host: "localhost", Port: 587, Security: mail.Unencrypted, From: from("Tandem", "crm@example.com")},
		"smtps://m.example?from=Vendas <crm@example.com>": {Host: "m.example", Port: 465, Security: mail.TLSAtOnce, From: from("Vendas", "crm@example.com")},
		"smtps://m.example?from=%22Vendas%2C%20CRM%22%20%3Ccrm%2Bx@example.com%3E": {
			Host: "m.example", Port: 465, Security: mail.TLSAtOnce, From: from("Vendas, CRM", "crm+x@example.com")},
	} {
		if got, err := mail.Parse(address); err != nil || got != want {
			t.Errorf("%s\n got %+v, %v\nwant %+v", address, got, err, want)
		}
	}
}

func from(name, address string) netmail.Address {
	return netmail.Address{Name: name, Address: address}
}

func TestComplaintsAboutTheMailServer(t *testing.T) {
	t.Parallel()
	for address, complaints := range map[string][]string{
		"":                                              {"is not an address"},
		"mail.example.com:587":                          {"is not an address"},
		"smtp://":                                       {"is not an address"},
		"smtp://crm:pa ss%@m.example":                   {"is not an address", "%40"},
		"smtp://crm:pass/word@m.example":                {"is not an address"},
		"http://mail.example.com":                       {"smtp:// or smtps://"},
		"smtp://m.example:99999":                        {"99999"},
		"smtp://crm@m.example":                          {"without a password"},
		"smtp://:geheim@m.example":                      {"without a user"},
		"smtp://m.example/inbox":                        {"more than a server"},
		"smtp://m.example?tls=none":                     {"only for a server on this machine"},
		"smtps://127.0.0.1?tls=none":                    {"means nothing"},
		"smtp://m.example?tls=off":                      {"tls=off"},
		"smtp://m.example?form=a@b.c":                   {"form=a@b.c"},
		"smtp://m.example?from=nobody":                  {"nobody"},
		"smtp://m.example?from=":                        {"neither an address"},
		"smtp://m.example?from=a@b.c&from=d@e.f":        {"from= twice"},
		"smtp://crm@m.example:0/inbox?tls=none&from=no": {"port 0", "without a password", "more than a server", "on this machine", "from=\"no\""},
	} {
		s, err := mail.Parse(address)
		if err == nil {
			t.Errorf("%q is taken for %+v", address, s)
			continue
		}
		for _, complaint := range complaints {
			if !strings.Contains(err.Error(), complaint) {
				t.Errorf("%q: %q does not say %q", address, err, complaint)
			}
		}
		for _, secret := range []string{"geheim", "pass", "pa ss"} {
			if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(err.Error(), "user:password", ""), "password", ""), secret) {
				t.Errorf("the complaint tells a password: %q", err)
			}
		}
	}
}

func TestTheSenderFollowsThePublicAddress(t *testing.T) {
	t.Parallel()
	own := from("Vendas", "crm@example.com")
	for host, want := range map[string]string{"crm.contoso.example": "tandem@crm.contoso.example", "127.0.0.1": "tandem@localhost", "::1": "tandem@localhost"} {
		if got := (mail.Server{}).SentFrom(host).From; got != from("Tandem", want) {
			t.Errorf("%s: %v", host, got)
		}
		if got := (mail.Server{From: own}).SentFrom(host).From; got != own {
			t.Errorf("%s instead of the operator's sender: %v", host, got)
		}
	}
	if s := (mail.Server{Password: account.Secret("geheim")}); strings.Contains(s.Password.String(), "geheim") {
		t.Error("the password shows itself")
	}
}
