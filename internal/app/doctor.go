package app

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
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
	if looksLikeGUID.MatchString(c.MicrosoftClientSecret.Reveal()) {
		f.Problem = "TANDEM_MICROSOFT_CLIENT_SECRET has the form of an ID. Entra shows two columns: paste the secret's Value, not its Secret ID."
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

func checkDatabase(ctx context.Context, c Config, log *slog.Logger) Finding {
	const what = "the database answers and has this version's form"
	db, err := store.Open(ctx, c.DatabaseURL, store.Options{Log: log})
	if err != nil {
		return found(what, err)
	}
	defer db.Close()
	return found(what, db.Ping(ctx))
}

// checkSeal opens the first stored grant that there is: with another key than it was sealed with, that fails.
func checkSeal(ctx context.Context, c Config, log *slog.Logger) Finding {
	f := Finding{What: "the secret key opens what is stored"}
	if len(c.SecretKey) < minSecret {
		return f // said already
	}
	db, err := store.Open(ctx, c.DatabaseURL, store.Options{Log: log, SecretKey: c.SecretKey.Reveal()})
	if err != nil {
		return found(f.What, err)
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
