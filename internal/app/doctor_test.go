package app_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/app"
	"tandem/internal/credential"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/store"
	"tandem/internal/testkit/mailtest"
	"tandem/internal/testkit/pgtest"
)

const (
	doctorKey    = "a key for tests, of forty characters or so"
	contosoAdmin = "admin@contoso.example"
)

// A surgery is a Tandem on disk, not running, beside a simulated Microsoft 365, for the doctor to look at.
type surgery struct {
	t      *testing.T
	sim    *m365sim.Sim
	db     *store.Store
	config app.Config
	org    account.Organization
	admin  account.User
}

func openSurgery(t *testing.T) *surgery {
	t.Helper()
	s := &surgery{t: t, sim: m365sim.New(m365sim.Options{Seed: 5})}
	server := httptest.NewServer(s.sim)
	t.Cleanup(func() { server.Close(); s.sim.Close() })
	clientID, secret := app.DemoCredentials()
	s.config = app.Config{
		Listen: app.DefaultListen, DatabaseURL: "sqlite:" + filepath.Join(t.TempDir(), "tandem.db"), SecretKey: doctorKey,
		MicrosoftClientID: clientID, MicrosoftClientSecret: secret, MicrosoftTenant: app.DefaultTenant,
		MicrosoftAuthority: server.URL, GraphURL: server.URL + "/v1.0",
	}
	var err error
	s.db, err = store.Open(t.Context(), s.config.DatabaseURL, store.Options{SecretKey: doctorKey, Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	t.Cleanup(func() { _ = s.db.Close() })
	s.must(s.db.Migrate(t.Context()))
	return s
}

func (s *surgery) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// install makes Contoso's organization, with its administrator connected for those permissions.
func (s *surgery) install(consented time.Time, scopes ...string) {
	s.t.Helper()
	person := s.sim.Person(contosoAdmin)
	accounts := s.db.Accounts()
	var err error
	s.org, err = accounts.CreateOrganization(s.t.Context(), account.Organization{
		Name: "Contoso", TenantID: person.TenantID, Edition: account.Enterprise, Zone: "America/Sao_Paulo", Locale: "en", Created: time.Now(), Consented: consented,
	})
	s.must(err)
	s.admin, err = accounts.CreateUser(s.t.Context(), account.User{
		Org: s.org.ID, Email: person.UPN, LastName: "Administrator", Profile: account.SuperAdmin, State: account.Active, Created: time.Now(),
		Identity: account.Identity{TenantID: person.TenantID, ObjectID: person.ID},
	})
	s.must(err)
	if len(scopes) > 0 {
		s.must(accounts.SaveGrant(s.t.Context(), account.Grant{
			User: s.admin.ID, Org: s.org.ID, Scopes: scopes, Access: "old", Expires: time.Now().Add(-time.Hour),
			Refresh: account.Secret(s.sim.IssueRefreshToken(contosoAdmin, s.config.MicrosoftClientID, append(scopes, "openid", "offline_access")...)),
		}))
	}
}

// findings are what the doctor says: problems, and what is only noted.
func (s *surgery) findings() (problems, notes string) {
	s.t.Helper()
	for f := range app.Doctor(s.t.Context(), s.config, slog.New(slog.DiscardHandler)) {
		if f.Problem != "" {
			problems += f.What + ": " + f.Problem + "\n"
		}
		if f.Note != "" {
			notes += f.What + ": " + f.Note + "\n"
		}
	}
	return problems, notes
}

var everyPermission = []string{"User.Read", "User.ReadBasic.All", "MailboxSettings.Read", "Calendars.ReadWrite", "Contacts.ReadWrite"}

// TestS1_FF5_TheDoctorNamesWhatIsWrong has one thing wrong at a time, and the doctor asks over real HTTP.
func TestS1_FF5_TheDoctorNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	yesterday := time.Now().Add(-24 * time.Hour)
	for name, row := range map[string]struct {
		bend    func(*surgery)
		says    []string // among the problems; none: there is no problem
		notes   []string
		silence []string // must not be in either
	}{
		"nothing": {
			bend: func(s *surgery) { s.install(yesterday, everyPermission...) }, notes: []string{"TANDEM_SMTP_URL"}, silence: []string{"Contoso"},
		},
		"a secret's id pasted for its value": {
			bend: func(s *surgery) { s.config.MicrosoftClientSecret = "0b9e6d2c-0c0b-4d7e-9c79-8b2b8f1b7d55" },
			says: []string{"not its Secret ID", "refuses the client secret", "AADSTS7000215"},
		},
		"a wrong secret": {
			bend: func(s *surgery) { s.config.MicrosoftClientSecret = "tandem~demo~secret~mistyped" },
			says: []string{"refuses the client secret", "Value"}, silence: []string{"has the form of an ID"},
		},
		"an expired secret": {
			bend: func(s *surgery) {
				s.sim.EditApp(s.config.MicrosoftClientID, func(a *m365sim.App) { a.SecretExpired = true })
			},
			says: []string{"has expired", "Make a new one", "AADSTS7000222"},
		},
		"an unknown client id": {
			bend: func(s *surgery) { s.config.MicrosoftClientID = "11111111-2222-4333-8444-555555555555" },
			says: []string{"does not know the application 11111111-2222-4333-8444-555555555555", "TANDEM_MICROSOFT_CLIENT_ID", "AADSTS700016"},
		},
		"a wrong tenant": {
			bend: func(s *surgery) { s.config.MicrosoftTenant = "contoso.exmaple" },
			says: []string{`does not know the tenant "contoso.exmaple"`, "TANDEM_MICROSOFT_TENANT"},
		},
		"a redirect address that is not registered": {
			bend: func(s *surgery) { s.config.URL = "https://crm.example.com/" },
			says: []string{"Enter exactly\nhttps://crm.example.com/auth/microsoft/callback\n", "Add a platform › Web", "AADSTS50011"},
		},
		"no Entra there": {
			bend: func(s *surgery) { s.config.MicrosoftAuthority = "http://127.0.0.1:1" },
			says: []string{"Entra answers at http://127.0.0.1:1", "no answer"},
		},
		"no Graph there": {
			bend: func(s *surgery) { s.config.GraphURL = s.config.MicrosoftAuthority + "/elsewhere" },
			says: []string{"Microsoft Graph answers"},
		},
		"an address with a path": {
			bend: func(s *surgery) { s.config.URL = "https://crm.example.com/tandem" }, says: []string{"TANDEM_URL", "has a path", "top of a host"},
		},
		"a secret that ends soon": {
			bend: func(s *surgery) {
				s.config.MicrosoftClientSecretEnds = time.Now().AddDate(0, 0, 10).Format(time.DateOnly)
			},
			notes: []string{"It ends soon", "TANDEM_MICROSOFT_CLIENT_SECRET_ENDS"},
		},
		"a secret that ends much later": {
			bend: func(s *surgery) {
				s.config.MicrosoftClientSecretEnds = time.Now().AddDate(1, 0, 0).Format(time.DateOnly)
			},
			silence: []string{"soon", "has ended"},
		},
		"a secret whose day is over": {
			bend: func(s *surgery) {
				s.config.MicrosoftClientSecretEnds = time.Now().AddDate(0, 0, -10).Format(time.DateOnly)
			},
			notes: []string{"it has ended", "set the day"},
		},
		"an edition that nobody sells": {
			bend: func(s *surgery) { s.config.Edition = "platinum" }, says: []string{"TANDEM_EDITION", "platinum", "enterprise"},
		},
		"nobody connected": {
			bend: func(s *surgery) { s.install(yesterday) }, notes: []string{"No Super Admin of Contoso has connected", "http://127.0.0.1:8080/setup/consent"},
		},
		"consent taken back": {
			bend: func(s *surgery) {
				s.install(yesterday, everyPermission...)
				s.sim.RevokeConsent(contosoAdmin, s.config.MicrosoftClientID)
			},
			says: []string{"Contoso", "was taken back (AADSTS65001)", "http://127.0.0.1:8080/setup/consent"},
		},
		"permissions missing from a consent for everybody": {
			bend: func(s *surgery) { s.install(yesterday, "User.Read", "MailboxSettings.Read", "Contacts.ReadWrite") },
			says: []string{"User.ReadBasic.All, Calendars.ReadWrite was not among", "API permissions"}, silence: []string{"Contacts.ReadWrite, "},
		},
		"permissions not asked for yet": {
			bend:  func(s *surgery) { s.install(time.Time{}, "User.Read", "MailboxSettings.Read", "Contacts.ReadWrite") },
			notes: []string{"has not allowed User.ReadBasic.All, Calendars.ReadWrite"},
		},
		"a session that was revoked": {
			bend: func(s *surgery) {
				s.install(yesterday, everyPermission...)
				s.sim.Revoke(contosoAdmin)
			},
			says: []string{"no longer takes the connection of " + contosoAdmin, "AADSTS50173"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openSurgery(t)
			row.bend(s)
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
			for _, not := range row.silence {
				if strings.Contains(problems+notes, not) {
					t.Errorf("says %q:\n%s%s", not, problems, notes)
				}
			}
			if strings.Contains(problems+notes, s.config.MicrosoftClientSecret.Reveal()) || strings.Contains(problems+notes, doctorKey) {
				t.Error("tells a secret")
			}
		})
	}
}

// TestTheDoctorsLookCostsNobodyAConnection: where a refresh token counts once, the pair that the doctor was given is the
// one that is kept, after a good look and after a refusal.
func TestTheDoctorsLookCostsNobodyAConnection(t *testing.T) {
	t.Parallel()
	s := openSurgery(t)
	s.sim.SetRotateStrictly(true)
	s.install(time.Now(), "User.Read", "Contacts.ReadWrite")
	tokens := graph.NewTokens(graph.TokenOptions{
		Authority: s.config.MicrosoftAuthority, ClientID: s.config.MicrosoftClientID, Credential: credential.Secret(s.config.MicrosoftClientSecret),
	}, s.db.Accounts())
	secret := s.config.MicrosoftClientSecret
	for _, wrong := range []account.Secret{secret, "a wrong one", secret, secret} {
		s.config.MicrosoftClientSecret = wrong
		s.findings()
		g, err := s.db.Accounts().Grant(t.Context(), s.org.ID, s.admin.ID)
		s.must(err)
		if g.Broken || !slices.Contains(g.Scopes, "Contacts.ReadWrite") {
			t.Fatalf("the grant is now broken %v, for %v", g.Broken, g.Scopes)
		}
		g.Expires = time.Now().Add(-time.Hour) // the next run renews it
		s.must(s.db.Accounts().SaveGrant(t.Context(), g))
		if _, err := tokens.For(s.org.ID, s.admin.ID, s.admin.Identity.TenantID).Token(t.Context(), ""); err != nil {
			t.Fatalf("after the doctor: %v", err)
		}
	}
}

// TestTheDoctorTriesTheMailServer and sends nothing.
func TestTheDoctorTriesTheMailServer(t *testing.T) {
	t.Parallel()
	s := openSurgery(t)
	server := mailtest.Start(t, mailtest.Options{User: "crm", Password: "geheim"})
	s.config.SMTPURL = "smtp://crm:geheim@" + server.Addr + "?tls=none"
	if problems, notes := s.findings(); problems != "" || strings.Contains(notes, "SMTP") {
		t.Errorf("a good server: %s%s", problems, notes)
	}
	s.config.SMTPURL = "smtp://crm:falsch@" + server.Addr + "?tls=none"
	if problems, _ := s.findings(); !strings.Contains(problems, "Check TANDEM_SMTP_URL") || strings.Contains(problems, "falsch") {
		t.Errorf("a wrong password: %s", problems)
	}
	s.config.SMTPURL = "smtp://127.0.0.1:1?tls=none"
	if problems, _ := s.findings(); !strings.Contains(problems, "the mail server 127.0.0.1:1") {
		t.Errorf("no server: %s", problems)
	}
	s.config.SMTPURL = "imap://127.0.0.1"
	if problems, _ := s.findings(); !strings.Contains(problems, "TANDEM_SMTP_URL") {
		t.Errorf("no address: %s", problems)
	}
	if n := len(server.Letters()); n > 0 {
		t.Errorf("sent %d letters", n)
	}
}

// TestD12_TheDoctorSeesAnotherSecretKey: the tokens of a connected person cannot be opened with another key.
func TestD12_TheDoctorSeesAnotherSecretKey(t *testing.T) {
	t.Parallel()
	s := openSurgery(t)
	s.install(time.Now(), everyPermission...)
	if problems, _ := s.findings(); problems != "" {
		t.Errorf("with the right key: %s", problems)
	}
	s.config.SecretKey = "another key for tests, of forty characters"
	if problems, _ := s.findings(); !strings.Contains(problems, "TANDEM_SECRET_KEY") {
		t.Errorf("with another key: %q", problems)
	}
}

// TestS1_TheDoctorComesBeforeTheFirstStart: what Tandem makes at its start is nobody's mistake, and the doctor makes none of it.
// A file of its own would belong to whoever asked the doctor, and keep Tandem's user out.
func TestS1_TheDoctorComesBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	s := openSurgery(t)
	path := filepath.Join(t.TempDir(), "new.db")
	s.config.DatabaseURL = "sqlite:" + path
	problems, notes := s.findings()
	if problems != "" || !strings.Contains(notes, "no database at "+path+" yet") || !strings.Contains(notes, "tandem serve") {
		t.Errorf("without a database:\n%s%s", problems, notes)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the doctor made it: %v", err)
	}
	s.config.DatabaseURL = "sqlite:" + filepath.Join(path, "folder", "x.db")
	if problems, _ := s.findings(); !strings.Contains(problems, "folder") {
		t.Errorf("in a folder that is not there: %s", problems)
	}

	s.must(os.WriteFile(path, nil, 0o600))
	for name, empty := range map[string]func(*testing.T) string{
		"an empty file": func(*testing.T) string { return "sqlite:" + path }, "an empty PostgreSQL": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s.config.DatabaseURL = empty(t)
			if problems, notes := s.findings(); problems != "" || !strings.Contains(notes, "is empty") {
				t.Errorf("%s%s", problems, notes)
			}
			s.must(app.Migrate(t.Context(), s.config.DatabaseURL, slog.New(slog.DiscardHandler)))
			if problems, notes := s.findings(); problems != "" || strings.Contains(notes, "database") {
				t.Errorf("with its tables: %s%s", problems, notes)
			}
		})
	}
}

// TestTheDoctorSeesADatabaseOfAnotherVersion: an older one is brought up to date by the next start, a newer one by nothing.
func TestTheDoctorSeesADatabaseOfAnotherVersion(t *testing.T) {
	t.Parallel()
	s := openSurgery(t)
	s.install(time.Now(), everyPermission...)
	bend := func(statement string) {
		t.Helper()
		if _, err := s.db.SQLite().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	bend(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, 1)`)
	if problems, _ := s.findings(); !strings.Contains(problems, "a newer Tandem") {
		t.Errorf("newer: %s", problems)
	}
	bend(`DELETE FROM goose_db_version WHERE version_id > 20`)
	problems, notes := s.findings()
	if problems != "" || !strings.Contains(notes, "an older Tandem") || !strings.Contains(notes, "backup") {
		t.Errorf("older:\n%s%s", problems, notes)
	}
}

// TestTheDoctorAsksNothingWithoutSettings: what is missing is named, and not taken for what Entra refuses or for what is right.
func TestTheDoctorAsksNothingWithoutSettings(t *testing.T) {
	t.Parallel()
	s := openSurgery(t)
	s.config.MicrosoftClientID, s.config.MicrosoftClientSecret = "", ""
	var ok []string
	for f := range app.Doctor(t.Context(), s.config, slog.New(slog.DiscardHandler)) {
		if f.Problem == "" {
			ok = append(ok, f.What)
		}
		if strings.Contains(f.Problem, "AADSTS") {
			t.Errorf("Entra was asked without an app: %s: %s", f.What, f.Problem)
		}
	}
	for _, what := range ok {
		if strings.Contains(what, "secret looks") || strings.Contains(what, "takes the client") || strings.Contains(what, "sends people back") {
			t.Errorf("content with %q", what)
		}
	}
}
