package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/store"
)

// What operators do from the command line, while Tandem runs or while it doesn't.

// open opens a database that exists; secrets stay sealed.
func open(ctx context.Context, url string, log *slog.Logger) (*store.Store, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("there is no database at %s; name it with --database-url (or TANDEM_DATABASE_URL)", path)
		}
	}
	return store.Open(ctx, url, store.Options{Log: log})
}

// Migrate brings a database to this version's form.
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	db, err := store.Open(ctx, url, store.Options{Log: log})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

// tokenBytes is how much chance an API token holds.
const tokenBytes = 32

// IssueToken makes an API token for the user with an address and returns it; only its hash is kept.
func IssueToken(ctx context.Context, url, email, org string, log *slog.Logger) (string, error) {
	db, err := open(ctx, url, log)
	if err != nil {
		return "", err
	}
	defer db.Close()
	user, err := userByEmail(ctx, db.Accounts(), email, org)
	if err != nil {
		return "", err
	}
	if user.State != account.Active {
		return "", fmt.Errorf("%s is %s: only an active user can have a token", email, user.State)
	}
	return newToken(ctx, db.Accounts(), user)
}

func newToken(ctx context.Context, accounts account.Store, user account.User) (string, error) {
	raw := make([]byte, tokenBytes)
	if _, err := io.ReadFull(rand.Reader, raw); err != nil {
		return "", err
	}
	token := "tandem." + base64.RawURLEncoding.EncodeToString(raw)
	hash := sha256.Sum256([]byte(token))
	return token, accounts.CreateToken(ctx, user.Org, user.ID, hash[:], time.Now())
}

// userByEmail finds the one user with an address; org (a name or id) decides where several organizations know it.
func userByEmail(ctx context.Context, accounts account.Store, email, org string) (account.User, error) {
	users, err := accounts.UsersByEmail(ctx, email)
	if err != nil {
		return account.User{}, err
	}
	var fits []account.User
	for _, u := range users {
		o, err := accounts.Organization(ctx, u.Org)
		if err != nil {
			return account.User{}, err
		}
		if org == "" || o.Name == org || o.ID.String() == org {
			fits = append(fits, u)
		}
	}
	switch len(fits) {
	case 0:
		return account.User{}, fmt.Errorf("nobody here has the address %s", email)
	case 1:
		return fits[0], nil
	}
	return account.User{}, fmt.Errorf("%d organizations know %s: say which with --org", len(fits), email)
}

// Backup writes a consistent copy of an SQLite database, while others write to it.
func Backup(ctx context.Context, url, to string, log *slog.Logger) error {
	if !strings.HasPrefix(url, "sqlite:") {
		return fmt.Errorf("PostgreSQL has its own tools for this: pg_dump --format=custom")
	}
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("%s exists already", to)
	}
	db, err := open(ctx, url, log)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.SQLite().ExecContext(ctx, `VACUUM INTO ?`, to)
	return err
}

// Relink makes links compare both sides from the start, as after a restored backup: pairs whose rows are missing or old
// are found again by the marks on the items. It returns how many links that are. Links that run right now are left as they are, and
// the error says so.
func Relink(ctx context.Context, url, email string, log *slog.Logger) (int, error) {
	db, err := open(ctx, url, log)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var ids []reconcile.LinkID
	if email == "" {
		ids, err = db.Links().Running(ctx)
	} else {
		ids, err = linksOf(ctx, db, email)
	}
	if err != nil {
		return 0, err
	}
	if err := db.Accounts().LeapNumbers(ctx, leap); err != nil {
		return 0, err
	}
	done, busy := 0, 0
	for _, id := range ids {
		switch err := relink(ctx, db.Ledger(), id); {
		case fault.Is(err, fault.Conflict):
			busy++
		case err != nil:
			return done, err
		default:
			done++
		}
	}
	if busy > 0 {
		return done, fault.New(fault.Conflict, "", "%d of %d links are running right now; try again in a minute", busy, len(ids))
	}
	return done, nil
}

// leap is more records than are made between a backup and its being needed.
const leap = 10_000_000

func linksOf(ctx context.Context, db *store.Store, email string) (ids []reconcile.LinkID, err error) {
	user, err := userByEmail(ctx, db.Accounts(), email, "")
	if err != nil {
		return nil, err
	}
	links, err := db.Links().LinksOf(ctx, user.Org, user.ID)
	for _, l := range links {
		ids = append(ids, l.ID)
	}
	return ids, err
}

// relinkLease is how long forgetting a link's pairs may take.
const relinkLease = time.Minute

func relink(ctx context.Context, ledger reconcile.Ledger, id reconcile.LinkID) error {
	link, err := ledger.Open(ctx, id, time.Now(), relinkLease)
	if err != nil {
		return err
	}
	if err := ledger.Forget(ctx, link); err != nil {
		return err
	}
	link.Wanted++ // the next poll takes it up
	return ledger.Close(ctx, link)
}
