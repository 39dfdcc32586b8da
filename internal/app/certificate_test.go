package app_test

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the name by which Entra shows a certificate
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/app"
	"tandem/internal/m365sim"
	"tandem/internal/testkit/certtest"
	"tandem/internal/testkit/loopback"
)

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bad.pem")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestS1_TheSettingsNameWhatIsWrongWithACertificate: the complaint names the setting, the file and the reason.
func TestS1_TheSettingsNameWhatIsWrongWithACertificate(t *testing.T) {
	t.Parallel()
	pair, other := certtest.New(t), certtest.New(t)
	const certificate, secret = "TANDEM_MICROSOFT_CLIENT_CERTIFICATE", "TANDEM_MICROSOFT_CLIENT_SECRET"
	for name, row := range map[string]struct {
		path, secret string
		says         []string // none: there is nothing wrong
	}{
		"a certificate":      {path: pair.File(t)},
		"a secret":           {secret: "s3cret"},
		"both":               {path: pair.File(t), secret: "s3cret"},
		"neither":            {says: []string{secret, certificate}},
		"no such file":       {path: "/nowhere/at/all.pem", says: []string{certificate, "/nowhere/at/all.pem: no such file"}},
		"a folder":           {path: t.TempDir(), says: []string{certificate, "is a directory"}},
		"an empty file":      {path: written(t, ""), says: []string{certificate, "no private key", "no certificate"}},
		"no key":             {path: written(t, pair.CertificatePEM()), says: []string{certificate, "no private key"}},
		"no certificate":     {path: written(t, pair.KeyPEM(t)), says: []string{certificate, "no certificate"}},
		"another's key":      {path: written(t, other.KeyPEM(t)+pair.CertificatePEM()), says: []string{certificate, "does not belong"}},
		"bad, with a secret": {path: written(t, ""), secret: "s3cret", says: []string{certificate, "no private key"}},
		"expired":            {path: certtest.New(t, certtest.Until(time.Now().Add(-time.Hour))).File(t), says: []string{certificate, "has expired"}},
		"not valid yet": {
			path: certtest.New(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }).File(t), says: []string{certificate, "not valid before"},
		},
	} {
		config := app.Config{
			Listen: app.DefaultListen, DatabaseURL: "sqlite:x.db", SecretKey: doctorKey, MicrosoftClientID: m365sim.DemoClientID,
			MicrosoftAuthority: app.DefaultAuthority, GraphURL: app.DefaultGraphURL,
			MicrosoftClientSecret: account.Secret(row.secret), MicrosoftClientCertificate: row.path,
		}
		err := config.Check()
		if len(row.says) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: one complaint is wanted: %v", name, err)
			continue
		}
		for _, want := range row.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not said: %v", name, want, err)
			}
		}
		config.Listen = "nowhere"
		if err := config.Check(); !strings.Contains(err.Error(), "TANDEM_LISTEN") || !strings.Contains(err.Error(), row.says[0]) {
			t.Errorf("%s: not all complaints at once: %v", name, err)
		}
	}
}

// TestS1_TheDoctorKnowsCertificates asks the simulator over real HTTP, and renews an administrator's grant there.
func TestS1_TheDoctorKnowsCertificates(t *testing.T) {
	t.Parallel()
	good := certtest.New(t)
	thumbprint := func(p certtest.Pair) string { return fmt.Sprintf("%X", sha1.Sum(p.DER)) } //nolint:gosec // as above
	nearly := certtest.New(t, certtest.Until(time.Now().AddDate(0, 0, 29)))
	later := certtest.New(t, certtest.Until(time.Now().AddDate(0, 0, 32)))
	stranger := certtest.New(t)
	for name, row := range map[string]struct {
		pair      certtest.Pair
		bend      func(*surgery)
		says      []string // among the problems; none: there is no problem
		notes     []string
		silence   string // must not be in either
		unrenewed bool
	}{
		"a good one":        {pair: good, silence: "CLIENT_"},
		"one for some time": {pair: later, silence: "expires soon"},
		"one that expires":  {pair: nearly, notes: []string{thumbprint(nearly), "expires soon"}},
		"one beside a secret": {
			pair: good, bend: func(s *surgery) { s.config.MicrosoftClientSecret = "tandem~demo~secret~mistyped" },
			notes: []string{"TANDEM_MICROSOFT_CLIENT_SECRET is set too", "the certificate wins"}, silence: "mistyped",
		},
		"one that Entra does not know": {
			pair: stranger, bend: func(s *surgery) { s.registered(good) }, says: []string{"Upload it in Entra", "\n" + thumbprint(stranger) + "\n", "AADSTS700027"}, unrenewed: true,
		},
		"an app without certificates": {
			pair: stranger, bend: func(s *surgery) {
				s.sim.EditApp(s.config.MicrosoftClientID, func(a *m365sim.App) { a.Secret, a.Certificates = "s", nil })
			},
			says: []string{"Upload it in Entra", thumbprint(stranger), "AADSTS700026"}, unrenewed: true,
		},
		"a file that is not there": {
			pair: good, bend: func(s *surgery) { s.config.MicrosoftClientCertificate = "/nowhere.pem" },
			says: []string{"TANDEM_MICROSOFT_CLIENT_CERTIFICATE: /nowhere.pem: no such file", "the client certificate can be used"}, unrenewed: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openSurgery(t)
			s.sim.SetRotateStrictly(true)
			s.install(time.Now(), everyPermission...)
			before, err := s.db.Accounts().Grant(t.Context(), s.org.ID, s.admin.ID)
			s.must(err)
			s.registered(row.pair)
			s.config.MicrosoftClientSecret, s.config.MicrosoftClientCertificate = "", row.pair.File(t)
			if row.bend != nil {
				row.bend(s)
			}
			problems, notes := s.findings()
			if len(row.says) == 0 && problems != "" {
				t.Errorf("finds:\n%s", problems)
			}
			for _, want := range row.says {
				if !strings.Contains(problems, want) {
					t.Errorf("%q is not among the problems:\n%s", want, problems)
				}
			}
			for _, want := range row.notes {
				if !strings.Contains(notes, want) {
					t.Errorf("%q is not among the notes:\n%s", want, notes)
				}
			}
			if row.silence != "" && strings.Contains(problems+notes, row.silence) {
				t.Errorf("says %q:\n%s%s", row.silence, problems, notes)
			}
			after, err := s.db.Accounts().Grant(t.Context(), s.org.ID, s.admin.ID)
			s.must(err)
			if renewed := after.Refresh != before.Refresh; renewed == row.unrenewed || after.Broken {
				t.Errorf("renewed the grant: %v; broken: %v", renewed, after.Broken)
			}
		})
	}
}

// registered gives the simulated app a certificate and takes its secret away.
func (s *surgery) registered(p certtest.Pair) {
	s.sim.EditApp(s.config.MicrosoftClientID, func(a *m365sim.App) { a.Secret, a.Certificates = "", [][]byte{p.DER} })
}

// TestS1_ServedWithACertificate connects a person, switches contacts on and renews the connection, where the registered
// app has no secret.
func TestS1_ServedWithACertificate(t *testing.T) {
	t.Parallel()
	s, pair := openSurgery(t), certtest.New(t)
	s.registered(pair)
	s.config.MicrosoftClientSecret, s.config.MicrosoftClientCertificate = "", pair.File(t)
	s.config.Listen = loopback.Address(t)
	s.must(s.config.Check())
	s.install(time.Now())
	tandem, err := app.Build(t.Context(), s.config, slog.New(slog.DiscardHandler))
	s.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	up, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- tandem.Run(ctx, func(address string) { up <- address }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-up:
	case err := <-ended:
		ended <- err // the end of the test tells of it
		t.Fatal("it did not start")
	}
	d := &demo{t: t, app: tandem, url: s.config.URL, sim: s.config.MicrosoftAuthority, m365: s.sim}
	admin := d.client("admin")
	admin.switchOn("contacts")

	accounts := tandem.Store.Accounts()
	g, err := accounts.Grant(t.Context(), s.org.ID, s.admin.ID)
	s.must(err)
	given := g.Refresh
	g.Expires = time.Now().Add(-time.Hour)
	s.must(accounts.SaveGrant(t.Context(), g))
	admin.insert("Contacts", doc{"Last_Name": "Silva"})
	d.eventually("the connection is renewed", func() bool {
		g, err := accounts.Grant(t.Context(), s.org.ID, s.admin.ID)
		s.must(err)
		return g.Refresh != given && !g.Broken && g.Expires.After(time.Now())
	})
	admin.settled("contacts")
	if l := admin.link("contacts"); l["state"] != "on" {
		t.Errorf("the link is %v", l)
	}
}

// TestServeSaysWhichOfBothItUses in its log, when it starts.
func TestServeSaysWhichOfBothItUses(t *testing.T) {
	t.Parallel()
	s := openSurgery(t)
	s.config.Listen, s.config.MicrosoftClientCertificate = "127.0.0.1:0", certtest.New(t, certtest.Until(time.Now().AddDate(0, 0, 3))).File(t)
	s.must(s.config.Check())
	var log bytes.Buffer
	tandem, err := app.Build(t.Context(), s.config, slog.New(slog.NewTextHandler(&log, nil)))
	s.must(err)
	tandem.Close()
	for _, want := range []string{"the certificate wins", "expires soon"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), m365sim.DemoClientSecret) || strings.Contains(log.String(), "PRIVATE KEY") {
		t.Errorf("the log tells a secret:\n%s", log.String())
	}
}
