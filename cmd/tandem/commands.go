package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tandem/internal/account"
	"tandem/internal/app"
)

// Where databases are kept when nobody says otherwise. The demo has a folder of its own, so that trying it never
// touches real data.
const (
	demoFolder    = "tandem-demo"
	serveDatabase = "sqlite:tandem.db"
)

type serveCmd struct{}

func (serveCmd) Run(ctx context.Context, s *settings, c *console) error {
	config := s.config()
	if config.DatabaseURL == "" {
		config.DatabaseURL = serveDatabase
	}
	if err := config.Check(); err != nil {
		return err
	}
	return serve(ctx, config, c, "")
}

type demoCmd struct{}

func (demoCmd) Run(ctx context.Context, s *settings, c *console) error {
	config := s.config()
	if err := demoDefaults(&config); err != nil {
		return err
	}
	if err := config.Check(); err != nil {
		return err
	}
	return serve(ctx, config, c, fmt.Sprintf(`
  Tandem is at        %s
  Outlook, simulated  http://%s/sim

  Sign in as adele@contoso.example (no password), then open Setup › Marketplace › Microsoft.
  Everything here is made up. Ctrl+C ends the demo.

`, config.URL, config.SimListen))
}

// demoDefaults chooses what nobody has said. The key is kept beside the database it seals tokens in.
func demoDefaults(config *app.Config) error {
	config.Demo = true
	config.MicrosoftAuthority = "http://" + config.SimListen
	config.GraphURL = "http://" + config.SimListen + "/v1.0"
	config.MicrosoftClientID, config.MicrosoftClientSecret = app.DemoCredentials()
	config.MicrosoftClientCertificate = ""
	if config.DatabaseURL == "" {
		config.DatabaseURL = "sqlite:" + filepath.Join(demoFolder, "tandem.db")
	}
	if config.SecretKey != "" {
		return nil
	}
	folder := demoFolder
	if path, ok := strings.CutPrefix(config.DatabaseURL, "sqlite:"); ok {
		folder = filepath.Dir(path)
	}
	key, err := demoKey(folder)
	config.SecretKey = account.Secret(key)
	return err
}

func demoKey(folder string) (string, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "secret.key")
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw := make([]byte, 32)
		if _, err := rand.Read(raw); err != nil {
			return "", err
		}
		key = []byte(hex.EncodeToString(raw))
		err = os.WriteFile(path, key, 0o600)
	}
	return string(key), err
}

func serve(ctx context.Context, config app.Config, c *console, greeting string) error {
	tandem, err := app.Build(ctx, config, c.log)
	if err != nil {
		return err
	}
	return tandem.Run(ctx, func(address string) {
		if greeting != "" {
			fmt.Fprint(c.out, greeting)
		} else {
			fmt.Fprintf(c.out, "Tandem listens on %s and is reached at %s\n", address, config.URL)
		}
	})
}

type simCmd struct{}

func (simCmd) Run(ctx context.Context, s *settings, c *console) error {
	return app.RunSimulator(ctx, s.SimListen, s.URL, c.log, func(address string) {
		fmt.Fprintf(c.out, "The simulated Microsoft 365 is at http://%s/sim\n", address)
	})
}

type migrateCmd struct{}

func (migrateCmd) Run(ctx context.Context, s *settings, c *console) error {
	if err := app.Migrate(ctx, s.existingDatabase(), c.log); err != nil {
		return err
	}
	fmt.Fprintln(c.out, "The database is up to date.")
	return nil
}

type doctorCmd struct{}

func (doctorCmd) Run(ctx context.Context, s *settings, c *console) error {
	config := s.config()
	if config.DatabaseURL == "" {
		config.DatabaseURL = serveDatabase // what serve will use, and not a demo's
	}
	sick := 0
	for finding := range app.Doctor(ctx, config, c.log) {
		mark, more := "ok     ", finding.Note
		switch {
		case finding.Problem != "":
			mark, more, sick = "PROBLEM", finding.Problem, sick+1
		case finding.Note != "":
			mark = "note   "
		}
		fmt.Fprintf(c.out, "%s  %s\n", mark, finding.What)
		if more != "" {
			fmt.Fprintf(c.out, "         %s\n", strings.ReplaceAll(more, "\n", "\n         "))
		}
	}
	if sick > 0 {
		return fmt.Errorf("%d of the checks found a problem", sick)
	}
	return nil
}

type backupCmd struct {
	To string `arg:"" help:"File to write; it must not exist." type:"path"`
}

func (b backupCmd) Run(ctx context.Context, s *settings, c *console) error {
	if err := app.Backup(ctx, s.existingDatabase(), b.To, c.log); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Wrote %s. Keep the secret key with it, but not in the same place.\n", b.To)
	return nil
}

type relinkCmd struct {
	User string `help:"Address of one user; without it, everybody's links."`
}

func (r relinkCmd) Run(ctx context.Context, s *settings, c *console) error {
	n, err := app.Relink(ctx, s.existingDatabase(), r.User, c.log)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d links will compare both sides anew: items are found again by our mark on them, not doubled.\n", n)
	return nil
}

type tokenCmd struct {
	User string `required:"" help:"Address of the user."`
	Org  string `help:"Name or ID of the organization, if the address is known in several."`
}

func (t tokenCmd) Run(ctx context.Context, s *settings, c *console) error {
	token, err := app.IssueToken(ctx, s.existingDatabase(), t.User, t.Org, c.log)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, token)
	return nil
}

// existingDatabase is the database that an operator's command means: the one named, else tandem.db here, else the demo's.
func (s *settings) existingDatabase() string {
	if s.DatabaseURL != "" {
		return s.DatabaseURL
	}
	path, _ := strings.CutPrefix(serveDatabase, "sqlite:")
	if _, err := os.Stat(path); err == nil {
		return serveDatabase
	}
	if demo := filepath.Join(demoFolder, "tandem.db"); exists(demo) {
		return "sqlite:" + demo
	}
	return serveDatabase
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

type versionCmd struct{}

func (versionCmd) Run(c *console) error {
	fmt.Fprintln(c.out, "tandem", version())
	return nil
}

type auditCmd struct {
	Org   string `help:"Name or ID of the organization whose links are meant (default: all)."`
	User  string `help:"Address of the user whose links are meant (default: everybody's)."`
	Whole bool   `help:"Read every item at Microsoft, whatever its version says. It takes a request for each twenty."`
}

func (a auditCmd) Run(ctx context.Context, s *settings, c *console) error {
	config := s.config()
	config.DatabaseURL = s.existingDatabase()
	if err := config.Check(); err != nil {
		return err
	}
	return app.AuditNow(ctx, config, app.Audited{Org: a.Org, User: a.User, Whole: a.Whole}, c.out, c.log)
}
