package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
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

// credentialWarner writes to those who manage users before Tandem's secret or certificate ends, and when it has. It fits jobs.Warner.
type credentialWarner struct {
	accounts *store.Accounts
	links    *store.Links
	ends     time.Time
	now      func() time.Time
	log      *slog.Logger
}

// Warn writes once at each of the times that web.CredentialWarnings names, once when the end is over, and once when Microsoft refuses
// Tandem whatever day was told: to every organization that is concerned.
func (w *credentialWarner) Warn(ctx context.Context) error {
	now := w.now()
	all := w.known(now)
	orgs, err := w.accounts.Organizations(ctx)
	for _, org := range orgs {
		due := all
		if len(all) == 0 || all[0].letter.Kind != account.LetterCredentialEnded {
			refused, refusedErr := w.refused(ctx, org.ID, now)
			err, due = errors.Join(err, refusedErr), append(slices.Clip(all), refused...)
		}
		for _, n := range due {
			err = errors.Join(err, w.send(ctx, org.ID, n))
		}
	}
	return err
}

// notice is a letter that is due since a time.
type notice struct {
	letter account.Letter
	since  time.Time
}

// known is what the day tells that the certificate or the operator names.
func (w *credentialWarner) known(now time.Time) []notice {
	day := w.ends.Format(time.DateOnly)
	if !w.ends.IsZero() && !now.Before(w.ends) {
		w.log.Error("what Tandem proves itself to Microsoft with has ended", "ends", day)
		return []notice{{account.Letter{Kind: account.LetterCredentialEnded, Word: day}, w.ends}}
	}
	since := warnedSince(w.ends, now)
	if since.IsZero() {
		return nil
	}
	w.log.Warn("what Tandem proves itself to Microsoft with ends soon", "ends", day)
	return []notice{{account.Letter{Kind: account.LetterCredential, Word: day}, since}}
}

// refusedFor is how long no sync may have worked before Microsoft's refusal counts: a secret that was just made is not known to all
// of its servers at once.
const refusedFor = time.Hour

// refused says whether Microsoft refuses Tandem itself, by what the syncs of an organization were told. Nobody may have said when the
// secret ends, or the app was deleted in Entra. Once one of them works again that is over, and another refusal is news.
func (w *credentialWarner) refused(ctx context.Context, org record.ID, now time.Time) ([]notice, error) {
	links, err := w.links.LinksIn(ctx, org)
	if err != nil {
		return nil, err
	}
	var told bool
	var worked time.Time
	for _, l := range links {
		told = told || l.Reason == fault.AppMisconfigured
		if l.LastRun.After(worked) {
			worked = l.LastRun
		}
	}
	if !told || now.Sub(worked) < refusedFor {
		return nil, nil
	}
	w.log.ErrorContext(ctx, "Microsoft refuses what Tandem proves itself with", "org", org)
	return []notice{{account.Letter{Kind: account.LetterCredentialEnded}, worked}}, nil
}

// send writes to everybody of an organization who manages users.
func (w *credentialWarner) send(ctx context.Context, org record.ID, n notice) error {
	users, err := w.accounts.Users(ctx, org)
	if err != nil {
		return err
	}
	var to []record.ID
	for _, u := range users {
		if u.State == account.Active && u.May.ManageUsers {
			to = append(to, u.ID)
		}
	}
	_, err = w.accounts.SendOnce(ctx, org, n.letter, n.since, to)
	return err
}

// warnedSince is when the latest of the warnings was due; zero: none is yet, or the end is over.
func warnedSince(ends, now time.Time) (due time.Time) {
	if ends.IsZero() || !now.Before(ends) {
		return due
	}
	for _, days := range web.CredentialWarnings {
		if at := ends.AddDate(0, 0, -days); !now.Before(at) {
			due = at
		}
	}
	return due
}
