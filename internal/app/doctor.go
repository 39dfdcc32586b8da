package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mail"
	"tandem/internal/store"
)

// Finding is one check of the doctor. Problem is what is wrong and what to do, or ""; Note is what one should know
// although nothing is wrong, or "".
type Finding struct{ What, Problem, Note string }

// doctorPatience is how long one of the doctor's calls may take.
const doctorPatience = 15 * time.Second

// Doctor checks the settings with real calls, one finding at a time.
func Doctor(ctx context.Context, config Config, log *slog.Logger) iter.Seq[Finding] {
	incomplete := config.Check() // fills in what follows from other settings, for all that comes after
	checks := []func(context.Context, Config, *slog.Logger) Finding{
		checkCredential, checkDatabase, checkSeal, checkAuthority, checkClient, checkRedirect, checkGraph, checkMail,
	}
	return func(yield func(Finding) bool) {
		if !yield(found("settings are complete", incomplete)) {
			return
		}
		for _, check := range checks {
			bounded, cancel := context.WithTimeout(ctx, doctorPatience)
			finding := check(bounded, config, log)
			cancel()
			if !yield(finding) {
				return
			}
		}
		for finding := range checkConsents(ctx, config, log) {
			if !yield(finding) {
				return
			}
		}
	}
}

func found(what string, err error) Finding {
	if err != nil {
		return Finding{What: what, Problem: err.Error()}
	}
	return Finding{What: what}
}

var looksLikeGUID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// expiresSoon is how long before its end a certificate is worth a word.
const expiresSoon = 30 * 24 * time.Hour

// checkCredential looks at what Tandem proves itself to Entra with, before anybody is asked.
func checkCredential(_ context.Context, c Config, _ *slog.Logger) Finding {
	switch {
	case c.certificate != nil:
		return checkCertificate(c)
	case c.MicrosoftClientCertificate != "":
		return Finding{What: "the client certificate can be used", Problem: "It cannot; why not stands above, by TANDEM_MICROSOFT_CLIENT_CERTIFICATE."}
	}
	f := Finding{What: "the client secret looks like a secret"}
	if c.MicrosoftClientSecret == "" {
		f.Problem = "There is none: set TANDEM_MICROSOFT_CLIENT_SECRET to the Value of a client secret, or TANDEM_MICROSOFT_CLIENT_CERTIFICATE to the file of a certificate."
		return f
	}
	if looksLikeGUID.MatchString(c.MicrosoftClientSecret.Reveal()) {
		f.Problem = "TANDEM_MICROSOFT_CLIENT_SECRET has the form of an ID. Entra shows two columns: paste the secret's Value, not its Secret ID."
	}
	if ends := c.credentialEnds(); !ends.IsZero() {
		f.What += fmt.Sprintf(", good until %s", ends.Format(time.DateOnly))
		switch left := time.Until(ends); {
		case left <= 0:
			f.Note = "By TANDEM_MICROSOFT_CLIENT_SECRET_ENDS it has ended. If Entra still takes it, below, set the day that Entra shows for it; else make a new secret."
		case left < expiresSoon:
			f.Note = "It ends soon. Make a second one in Entra (App registrations › Certificates & secrets), set TANDEM_MICROSOFT_CLIENT_SECRET to its Value and TANDEM_MICROSOFT_CLIENT_SECRET_ENDS to its day, and restart Tandem."
		}
	}
	return f
}

func checkCertificate(c Config) Finding {
	return Finding{
		What: fmt.Sprintf("the client certificate %s is good until %s", c.certificate.Thumbprint(), c.certificate.Expires().Format(time.DateOnly)),
		Note: strings.Join(certificateNotes(c), "\n"),
	}
}

// certificateNotes are what an operator should know of the certificate in use.
func certificateNotes(c Config) (notes []string) {
	if c.certificate == nil {
		return nil
	}
	if time.Until(c.certificate.Expires()) < expiresSoon {
		notes = append(notes, "The client certificate expires soon. Make a new one, upload it in Entra (App registrations › Certificates & secrets › Certificates) beside the old one, put it with its key where TANDEM_MICROSOFT_CLIENT_CERTIFICATE says, and restart Tandem.")
	}
	if c.MicrosoftClientSecret != "" {
		notes = append(notes, "TANDEM_MICROSOFT_CLIENT_SECRET is set too and not used: the certificate wins. Take the secret away once everything works.")
	}
	return notes
}

// noDatabase tells why there is no database file to look at: a note, as Tandem makes it at its start, or the problem that it will have.
// The doctor makes none: it would belong to whoever asked the doctor.
func noDatabase(c Config) (f Finding, missing bool) {
	path, ok := strings.CutPrefix(c.DatabaseURL, "sqlite:")
	if !ok || path == ":memory:" {
		return f, false
	}
	if _, err := os.Stat(path); err == nil {
		return f, false
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Finding{Problem: "Check TANDEM_DATABASE_URL: " + err.Error()}, true
	}
	if folder, err := os.Stat(filepath.Dir(path)); err != nil || !folder.IsDir() {
		return Finding{Problem: fmt.Sprintf("The folder %s is not there. Make it, or check TANDEM_DATABASE_URL.", filepath.Dir(path))}, true
	}
	return Finding{Note: fmt.Sprintf("There is no database at %s yet: tandem serve makes it. Whoever runs that must be allowed to write there.", path)}, true
}

func checkDatabase(ctx context.Context, c Config, log *slog.Logger) Finding {
	f, missing := noDatabase(c)
	if f.What = "the database answers and has this version's form"; missing {
		return f
	}
	db, err := store.Open(ctx, c.DatabaseURL, store.Options{Log: log})
	if err != nil {
		return found(f.What, err)
	}
	defer db.Close()
	has, wants, err := db.Form(ctx)
	switch {
	case err != nil:
		return found(f.What, err)
	case has == 0:
		f.Note = "It is empty: tandem serve makes its tables."
	case has < wants:
		f.Note = fmt.Sprintf("It is that of an older Tandem (%d of %d): tandem serve brings it up to date. Make a backup first.", has, wants)
	case has > wants:
		f.Problem = fmt.Sprintf("It is that of a newer Tandem (%d, this one knows %d). Run the newer one: an older one does not know what stands there.", has, wants)
	default:
		f = found(f.What, db.Ping(ctx))
		if host := store.Unproved(c.DatabaseURL); host != "" && f.Problem == "" {
			f.Note = fmt.Sprintf("Nothing proves that %s is your database: sslmode=verify-full would.", host)
		}
	}
	return f
}

// stored opens the database if there is one of this version's form, for what has to read its tables; nil: there is not, which
// checkDatabase has said.
func stored(ctx context.Context, c Config, log *slog.Logger) (*store.Store, error) {
	if _, missing := noDatabase(c); missing {
		return nil, nil
	}
	db, err := store.Open(ctx, c.DatabaseURL, store.Options{Log: log, SecretKey: c.SecretKey.Reveal()})
	if err != nil {
		return nil, err
	}
	if has, wants, err := db.Form(ctx); err != nil || has != wants {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// checkSeal opens the first stored grant that there is: with another key than it was sealed with, that fails.
func checkSeal(ctx context.Context, c Config, log *slog.Logger) Finding {
	f := Finding{What: "the secret key opens what is stored"}
	if len(c.SecretKey) < minSecret {
		f.Problem = "TANDEM_SECRET_KEY is missing or too short, as stands above."
		return f
	}
	db, err := stored(ctx, c, log)
	if err != nil {
		return found(f.What, err)
	}
	if db == nil {
		f.Note = "Nothing was looked at: see the database."
		return f
	}
	defer db.Close()
	orgs, err := db.Accounts().Organizations(ctx)
	if err != nil {
		return found(f.What, err)
	}
	for _, org := range orgs {
		users, err := db.Accounts().Users(ctx, org.ID)
		if err != nil {
			return found(f.What, err)
		}
		for _, user := range users {
			switch _, err := db.Accounts().Grant(ctx, org.ID, user.ID); {
			case fault.Is(err, fault.NotFound):
			case fault.ReasonOf(err) == fault.CannotUnseal:
				f.Problem = "TANDEM_SECRET_KEY is not the one that the stored Microsoft tokens were sealed with. Set the former key, or have everybody reconnect."
				return f
			default:
				return found(f.What, err)
			}
		}
	}
	return f
}

// checkGraph calls without a token: 401 is Graph's own answer to that.
func checkGraph(ctx context.Context, c Config, _ *slog.Logger) Finding {
	_, err := fetch(ctx, http.MethodGet, strings.TrimRight(c.GraphURL, "/")+"/me", nil, http.StatusUnauthorized)
	return found("Microsoft Graph answers at "+c.GraphURL, err)
}

// checkMail logs in at the mail server and sends nothing.
func checkMail(ctx context.Context, c Config, _ *slog.Logger) Finding {
	if c.SMTPURL == "" {
		return Finding{
			What: "letters can be sent",
			Note: "TANDEM_SMTP_URL is not set: nobody gets a letter. Whoever is invited has to be given the link, or opens Tandem from Microsoft 365.",
		}
	}
	server, err := mail.Parse(c.SMTPURL)
	if err != nil {
		return Finding{What: "letters can be sent", Problem: "TANDEM_SMTP_URL is wrong: " + err.Error()}
	}
	f := Finding{What: fmt.Sprintf("the mail server %s:%d takes the login", server.Host, server.Port)}
	if u, err := url.Parse(c.URL); err == nil {
		server = server.SentFrom(u.Hostname()) // it introduces itself by its sender's domain
	}
	if err := (&mail.Post{Server: server}).Probe(ctx); err != nil {
		f.Problem = "Check TANDEM_SMTP_URL: " + err.Error()
	}
	return f
}

// fetch makes a request and returns the beginning of the answer, with an error if its status is not the one wanted.
func fetch(ctx context.Context, method, address string, form url.Values, want int) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", noAnswer(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxDoctored))
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("answered %s: %.300s", resp.Status, answer)
	}
	return string(answer), err
}

func noAnswer(err error) error {
	return fmt.Errorf("no answer (is the address right, and can this machine reach it?): %w", err)
}

// maxDoctored bounds what is read of an answer: Entra's error pages name the error far into their script.
const maxDoctored = 256 << 10
