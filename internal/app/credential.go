package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tandem/internal/account"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/web"
)

// credentialEnds is when Entra stops taking what Tandem proves itself with: the end of the certificate, or what the operator says
// of the secret, whose own end a program is not told without a permission to read every app of the tenant. Zero: not known.
func (c Config) credentialEnds() time.Time {
	if c.certificate != nil {
		return c.certificate.Expires()
	}
	ends, err := time.Parse(time.DateOnly, c.MicrosoftClientSecretEnds)
	if err != nil {
		return time.Time{}
	}
	return ends
}

// credentialWarner writes to those who manage users before Tandem's secret or certificate ends. It fits jobs.Warner.
type credentialWarner struct {
	accounts *store.Accounts
	ends     time.Time
	now      func() time.Time
	log      *slog.Logger
}

// Warn writes once at each of the times that web.CredentialWarnings names, to every organization: the sync of all of them ends.
func (w *credentialWarner) Warn(ctx context.Context) error {
	now := w.now()
	since := warnedSince(w.ends, now)
	if since.IsZero() {
		return nil
	}
	w.log.WarnContext(ctx, "what Tandem proves itself to Microsoft with ends soon", "ends", w.ends.Format(time.DateOnly))
	orgs, err := w.accounts.Organizations(ctx)
	for _, org := range orgs {
		users, usersErr := w.accounts.Users(ctx, org.ID)
		if err = errors.Join(err, usersErr); usersErr != nil {
			continue
		}
		var to []record.ID
		for _, u := range users {
			if u.State == account.Active && u.May.ManageUsers {
				to = append(to, u.ID)
			}
		}
		_, sendErr := w.accounts.SendOnce(ctx, org.ID, account.Letter{Kind: account.LetterCredential, Word: w.ends.Format(time.DateOnly)}, since, to)
		err = errors.Join(err, sendErr)
	}
	return err
}

// warnedSince is when the latest of the warnings was due; zero: none is yet, or the end is over and everybody knows.
func warnedSince(ends, now time.Time) (due time.Time) {
	if ends.IsZero() || now.After(ends) {
		return due
	}
	for _, days := range web.CredentialWarnings {
		if at := ends.AddDate(0, 0, -days); !now.Before(at) {
			due = at
		}
	}
	return due
}
