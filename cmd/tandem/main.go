// Command tandem is a CRM that stays in step with Microsoft 365. See the README for what each subcommand does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"tandem/internal/account"
	"tandem/internal/app"
	"tandem/internal/m365app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app.TuneMemory()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "tandem:", err)
		os.Exit(1)
	}
}

// settings are the flags; each is an environment variable too (--listen is TANDEM_LISTEN).
type settings struct {
	Listen      string `help:"Address to listen on." default:"${listen}"`
	URL         string `name:"url" help:"Public address of Tandem, such as https://crm.example.com (default: http://LISTEN)."`
	DatabaseURL string `name:"database-url" help:"sqlite:PATH or postgres://… (default: sqlite:tandem.db; demo: sqlite:tandem-demo/tandem.db)."`
	SecretKey   string `help:"At least 32 random characters; seals the stored Microsoft tokens."`

	MicrosoftClientID          string `name:"microsoft-client-id" help:"Application (client) ID of the app registration in Entra."`
	MicrosoftClientSecret      string `help:"Client secret of the app registration (its value, not its ID)."`
	MicrosoftClientSecretEnds  string `help:"Last day of the client secret, such as 2027-01-31, as Entra shows it: administrators are warned before."`
	MicrosoftClientCertificate string `help:"PEM file with a private key and its certificate, in place of a client secret."`
	MicrosoftTenant            string `help:"Who may sign in: organizations, or one tenant's ID or domain." default:"${tenant}"`
	MicrosoftAuthority         string `help:"Address of Entra ID." default:"${authority}"`
	GraphURL                   string `name:"graph-url" help:"Address of Microsoft Graph." default:"${graph}"`

	SMTPURL        string `name:"smtp-url" help:"smtp://user:password@host:port, for letters."`
	Edition        string `help:"Edition of new organizations: free, standard, professional or enterprise." default:"${edition}"`
	TrustedProxies string `help:"Addresses and networks, between commas, of proxies whose X-Forwarded-For is believed." default:"${proxies}"`

	SimListen string `help:"Address of the simulated Microsoft 365." default:"${sim}"`
	LogLevel  string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error"`
}

type cli struct {
	settings

	Demo    demoCmd    `cmd:"" help:"Try Tandem against a simulated Microsoft 365 full of people; nothing to configure."`
	Serve   serveCmd   `cmd:"" help:"Run Tandem."`
	Sim     simCmd     `cmd:"" help:"Run the simulated Microsoft 365 alone."`
	Migrate migrateCmd `cmd:"" help:"Bring the database to this version's form; serve does so by itself."`
	Package packageCmd `cmd:"" help:"Write the Microsoft 365 app package, so that Tandem shows among the apps of Microsoft 365."`
	Doctor  doctorCmd  `cmd:"" help:"Check the settings with real calls and say what is wrong."`
	Backup  backupCmd  `cmd:"" help:"Write a consistent copy of an SQLite database while Tandem runs."`
	Relink  relinkCmd  `cmd:"" help:"Find the pairs of records again after a backup was restored."`
	Audit   auditCmd   `cmd:"" help:"Compare both sides of links now, repair what has drifted apart, and print a table."`
	Token   tokenCmd   `cmd:"" help:"Print a new API token for a user."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// console is where a command speaks to the person who typed it.
type console struct {
	out  io.Writer
	warn io.Writer // what the person should know, beside what the command makes
	log  *slog.Logger
}

// run is main without the process around it.
func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("tandem"),
		kong.Description("A CRM that stays in step with Microsoft 365."),
		kong.DefaultEnvars("TANDEM"),
		kong.Writers(out, errOut),
		kong.Vars{
			"listen": app.DefaultListen, "sim": app.DefaultSimListen, "tenant": app.DefaultTenant,
			"authority": app.DefaultAuthority, "graph": app.DefaultGraphURL, "proxies": app.DefaultTrustedProxies,
			"edition": app.DefaultEdition, "appname": m365app.DefaultName,
		},
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("--log-level: %w", err)
	}
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level}))
	err = parsed.Run(&c.settings, &console{out: out, warn: errOut, log: log})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // asked to stop
	}
	return err
}

// config is the settings as the app takes them.
func (s *settings) config() app.Config {
	return app.Config{
		Listen: s.Listen, URL: s.URL, DatabaseURL: s.DatabaseURL, SecretKey: account.Secret(s.SecretKey),
		MicrosoftClientID: s.MicrosoftClientID, MicrosoftClientSecret: account.Secret(s.MicrosoftClientSecret),
		MicrosoftClientSecretEnds: s.MicrosoftClientSecretEnds, MicrosoftClientCertificate: s.MicrosoftClientCertificate,
		MicrosoftTenant: s.MicrosoftTenant, MicrosoftAuthority: s.MicrosoftAuthority, GraphURL: s.GraphURL,
		SMTPURL: s.SMTPURL, Edition: s.Edition, TrustedProxies: s.TrustedProxies, SimListen: s.SimListen,
	}
}

// buildVersion is the release that this is, such as v1.4.0; of a build from sources it is something else.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// version is what the build says of itself.
func version() string {
	out := buildVersion()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				out += " " + s.Value
			}
		}
	}
	return out
}
