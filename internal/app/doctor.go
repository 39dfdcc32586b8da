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
	"tandem/internal/store"
)

// Finding is one check of the doctor; Problem is what is wrong and what to do, or "".
type Finding struct{ What, Problem string }

// doctorPatience is how long one of the doctor's calls may take.
const doctorPatience = 15 * time.Second

// Doctor checks the settings with real calls, one finding at a time.
func Doctor(ctx context.Context, config Config, log *slog.Logger) iter.Seq[Finding] {
	checks := []func(context.Context, Config, *slog.Logger) Finding{
		checkSettings, checkSecret, checkDatabase, checkSeal, checkAuthority, checkClient, checkGraph,
	}
	return func(yield func(Finding) bool) {
		for _, check := range checks {
			bounded, cancel := context.WithTimeout(ctx, doctorPatience)
			finding := check(bounded, config, log)
			cancel()
			if !yield(finding) {
				return
			}
		}
	}
}

func found(what string, err error) Finding {
	if err != nil {
		return Finding{what, err.Error()}
	}
	return Finding{What: what}
}

func checkSettings(_ context.Context, c Config, _ *slog.Logger) Finding {
	return found("settings are complete", c.Check())
}

var looksLikeGUID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func checkSecret(_ context.Context, c Config, _ *slog.Logger) Finding {
	f := Finding{What: "the client secret looks like a secret"}
	if looksLikeGUID.MatchString(c.MicrosoftClientSecret.Reveal()) {
		f.Problem = "TANDEM_MICROSOFT_CLIENT_SECRET has the form of an ID. Entra shows two columns: paste the secret's Value, not its Secret ID."
	}
	return f
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

func checkAuthority(ctx context.Context, c Config, _ *slog.Logger) Finding {
	address := strings.TrimRight(c.MicrosoftAuthority, "/") + "/" + c.MicrosoftTenant + "/v2.0/.well-known/openid-configuration"
	_, err := fetch(ctx, http.MethodGet, address, nil, http.StatusOK)
	return found("Entra answers at "+c.MicrosoftAuthority+" for "+c.MicrosoftTenant, err)
}

// checkClient asks the token endpoint to redeem a refresh token that cannot exist: who is told that the token is wrong
// has shown the right client id and secret (reference: Entra, errors of the token endpoint).
func checkClient(ctx context.Context, c Config, _ *slog.Logger) Finding {
	f := Finding{What: "Entra takes the client ID and secret"}
	address := strings.TrimRight(c.MicrosoftAuthority, "/") + "/" + c.MicrosoftTenant + "/oauth2/v2.0/token"
	answer, err := fetch(ctx, http.MethodPost, address, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {"doctor"}, "scope": {"openid"},
		"client_id": {c.MicrosoftClientID}, "client_secret": {c.MicrosoftClientSecret.Reveal()},
	}, http.StatusBadRequest)
	switch {
	case err == nil:
	case strings.Contains(answer, "7000222"):
		f.Problem = "The client secret has expired. Make a new one in Entra (App registrations › Certificates & secrets)."
	case strings.Contains(answer, "invalid_client"):
		f.Problem = "Entra refuses the client secret. Check TANDEM_MICROSOFT_CLIENT_SECRET: the Value, whole, without blanks."
	case strings.Contains(answer, "unauthorized_client"):
		f.Problem = "Entra does not know the application. Check TANDEM_MICROSOFT_CLIENT_ID and that the tenant has it."
	default:
		f.Problem = err.Error()
	}
	return f
}

// checkGraph calls without a token: 401 is Graph's own answer to that.
func checkGraph(ctx context.Context, c Config, _ *slog.Logger) Finding {
	_, err := fetch(ctx, http.MethodGet, strings.TrimRight(c.GraphURL, "/")+"/me", nil, http.StatusUnauthorized)
	return found("Microsoft Graph answers at "+c.GraphURL, err)
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
		return "", fmt.Errorf("no answer (is the address right, and can this machine reach it?): %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("answered %s: %.300s", resp.Status, answer)
	}
	return string(answer), err
}
