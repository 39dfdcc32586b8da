package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"tandem/internal/account"
	"tandem/internal/app"
	"tandem/internal/realdata"
)

// who gets the records in a Tandem of our own.
const who = "adele@contoso.example"

// scopes are what this person has allowed.
var scopes = []string{
	"openid", "profile", "email", "offline_access", "User.Read", "MailboxSettings.Read", "Calendars.ReadWrite", "Contacts.ReadWrite",
}

// demo starts a Tandem with its simulated Microsoft 365 in a folder that goes with it, with Adele connected, and points
// the options at it. stop ends both.
func demo(ctx context.Context, o *realdata.Options) (stop func(), err error) {
	folder, err := os.MkdirTemp("", "tandem-realdata-")
	if err != nil {
		return nil, err
	}
	listen, simListen, err := twoPorts()
	if err != nil {
		return nil, err
	}
	clientID, secret := app.DemoCredentials()
	config := app.Config{
		Demo: true, Listen: listen, SimListen: simListen, DatabaseURL: "sqlite:" + filepath.Join(folder, "tandem.db"),
		SecretKey: account.Secret(rand.Text() + rand.Text()), MicrosoftClientID: clientID, MicrosoftClientSecret: secret,
		MicrosoftTenant: app.DefaultTenant, MicrosoftAuthority: "http://" + simListen, GraphURL: "http://" + simListen + "/v1.0",
	}
	if err := config.Check(); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	tandem, err := app.Build(ctx, config, log)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	up, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- tandem.Run(running, func(address string) { up <- address }) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		_ = os.RemoveAll(folder)
	}
	select {
	case <-up:
	case err := <-ended:
		return nil, err
	}
	token, err := connect(ctx, tandem)
	if err != nil {
		stop()
		return nil, err
	}
	o.CRM = &realdata.Service{URL: config.URL, Token: token}
	o.Graph = &realdata.Service{URL: config.GraphURL, Token: tandem.Sim.IssueToken(who, scopes...)}
	return stop, nil
}

// connect lets Tandem act for Adele at Microsoft as if she had signed in and agreed, and gives her an API token.
func connect(ctx context.Context, tandem *app.App) (token string, err error) {
	accounts := tandem.Store.Accounts()
	person := tandem.Sim.Person(who)
	user, err := accounts.UserByIdentity(ctx, account.Identity{TenantID: person.TenantID, ObjectID: person.ID})
	if err != nil {
		return "", err
	}
	clientID, _ := app.DemoCredentials()
	err = accounts.SaveGrant(ctx, account.Grant{
		User: user.ID, Org: user.Org, Scopes: scopes, Expires: time.Now().Add(30 * time.Minute),
		Access:  account.Secret(tandem.Sim.IssueToken(who, scopes...)),
		Refresh: account.Secret(tandem.Sim.IssueRefreshToken(who, clientID, scopes...)),
	})
	if err != nil {
		return "", err
	}
	token = rand.Text()
	hash := sha256.Sum256([]byte(token))
	return token, accounts.CreateToken(ctx, user.Org, user.ID, hash[:], time.Now())
}

// twoPorts finds two addresses that nobody listens on.
func twoPorts() (a, b string, err error) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer first.Close()
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer second.Close()
	return first.Addr().String(), second.Addr().String(), nil
}
