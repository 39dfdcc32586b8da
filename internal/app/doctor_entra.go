package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// entraTroubles are the refusals of Entra that an operator can mend, by the number in their text, with what to do.
// Microsoft asks programs not to go by these numbers; the doctor speaks to a person, and shows Entra's own words too
// where it knows no better.
var entraTroubles = []struct {
	number string
	advice func(Config) string
}{
	{"7000215", func(Config) string {
		return "Entra refuses the client secret. Check TANDEM_MICROSOFT_CLIENT_SECRET: the secret's Value (not its Secret ID), whole, without blanks. Entra shows the Value only once: if it is lost, make a new secret."
	}},
	{"7000222", func(Config) string {
		return "The client secret has expired. Make a new one in Entra (App registrations › Certificates & secrets) and set TANDEM_MICROSOFT_CLIENT_SECRET to its Value."
	}},
	{"7000218", func(Config) string {
		return "Entra wants a client secret or a certificate and got none. Set TANDEM_MICROSOFT_CLIENT_SECRET to the Value of a secret, or TANDEM_MICROSOFT_CLIENT_CERTIFICATE to the file of a certificate."
	}},
	{"700027", unknownCertificate},
	{"700026", unknownCertificate},
	{"700024", func(Config) string {
		return "Entra finds that what Tandem signed is too old, or not valid yet. Set this machine's clock right."
	}},
	{"700016", func(c Config) string {
		return fmt.Sprintf("Entra does not know the application %s. Check TANDEM_MICROSOFT_CLIENT_ID (Application (client) ID, not Object ID), and, if the app was registered for one organization only, TANDEM_MICROSOFT_TENANT.", c.MicrosoftClientID)
	}},
	{"7000112", func(Config) string {
		return "The application is disabled. Switch it on in Entra (Enterprise applications › Properties › Enabled for users to sign-in)."
	}},
	{"90002", func(c Config) string {
		return fmt.Sprintf("Entra does not know the tenant %q. Check TANDEM_MICROSOFT_TENANT: organizations, or one tenant's ID or domain.", c.MicrosoftTenant)
	}},
	{"50194", func(Config) string {
		return "The application was registered for one organization only. Set TANDEM_MICROSOFT_TENANT to that tenant's ID, or change the registration's supported account types."
	}},
	{"50011", wrongRedirect},
	{"500113", wrongRedirect},
}

// unknownCertificate names the certificate that Tandem signs with, for people to compare.
func unknownCertificate(c Config) string {
	thumbprint := ""
	if c.certificate != nil {
		thumbprint = c.certificate.Thumbprint()
	}
	return fmt.Sprintf("Entra does not take the client certificate. Upload it in Entra (App registrations › Certificates & secrets › Certificates › Upload certificate): only the certificate, not the key. Its thumbprint there must be\n%s\nIf it is there, it has expired, or TANDEM_MICROSOFT_CLIENT_ID is of another app.", thumbprint)
}

func wrongRedirect(c Config) string {
	return fmt.Sprintf("Entra does not know Tandem's redirect address. Enter exactly\n%s\nin Entra (App registrations › Authentication › Add a platform › Web). If another address is meant, TANDEM_URL is wrong.", redirectAddress(c))
}

// redirectAddress is where Entra sends people back to.
func redirectAddress(c Config) string { return c.URL + "/auth/microsoft/callback" }

// troubleNumber finds a number in a text of Entra's.
var troubleNumber = regexp.MustCompile(`AADSTS(\d+)`)

// trouble is what to do about an answer of Entra; "" when it names nothing that is known.
func trouble(c Config, answer string) string {
	for _, found := range troubleNumber.FindAllStringSubmatch(answer, -1) {
		for _, t := range entraTroubles {
			if t.number == found[1] {
				return t.advice(c) + " (AADSTS" + t.number + ")"
			}
		}
	}
	return ""
}

// entra is an address of the sign-in service for a tenant.
func entra(c Config, tenant, path string) string {
	return strings.TrimRight(c.MicrosoftAuthority, "/") + "/" + url.PathEscape(tenant) + path
}

func checkAuthority(ctx context.Context, c Config, _ *slog.Logger) Finding {
	answer, err := fetch(ctx, http.MethodGet, entra(c, c.MicrosoftTenant, "/v2.0/.well-known/openid-configuration"), nil, http.StatusOK)
	f := found("Entra answers at "+c.MicrosoftAuthority+" for "+c.MicrosoftTenant, err)
	if advice := trouble(c, answer); advice != "" && err != nil {
		f.Problem = advice
	}
	return f
}

// unasked tells why Entra cannot be asked about the app; "" where it can.
func unasked(c Config) string {
	switch {
	case c.MicrosoftClientID == "":
		return "It was not asked: TANDEM_MICROSOFT_CLIENT_ID is missing."
	case c.certificate == nil && c.MicrosoftClientSecret == "":
		return "It was not asked: there is neither a client secret nor a certificate that can be used."
	}
	return ""
}

// checkClient asks the token endpoint to redeem a refresh token that cannot exist: who is told that the token is wrong
// has shown the right client id, and the right secret or certificate (reference: Entra, errors of the token endpoint).
func checkClient(ctx context.Context, c Config, _ *slog.Logger) Finding {
	f := Finding{What: "Entra takes the client ID and secret"}
	if c.certificate != nil {
		f.What = "Entra takes the client ID and certificate"
	}
	if f.Problem = unasked(c); f.Problem != "" {
		return f
	}
	status, answer, err := askToken(ctx, c, c.MicrosoftTenant, "doctor", "openid")
	advice := trouble(c, answer.Description)
	switch {
	case err != nil:
		f.Problem = err.Error()
	case answer.Error == "invalid_grant":
	case advice != "":
		f.Problem = advice
	default:
		f.Problem = fmt.Sprintf("Entra answered %d %s: %.300s", status, answer.Error, answer.Description)
	}
	return f
}

// tokenReply is what the doctor reads of an answer of the token endpoint.
type tokenReply struct {
	Access      string      `json:"access_token"`
	Refresh     string      `json:"refresh_token"`
	Scope       string      `json:"scope"`
	ExpiresIn   json.Number `json:"expires_in"`
	Error       string      `json:"error"`
	Suberror    string      `json:"suberror"`
	Description string      `json:"error_description"`
}

// askToken redeems a refresh token.
func askToken(ctx context.Context, c Config, tenant, refresh, scope string) (status int, reply tokenReply, err error) {
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "scope": {scope},
		"client_id": {c.MicrosoftClientID},
	}
	address := entra(c, tenant, "/oauth2/v2.0/token")
	if err := c.credential().Authenticate(form, address); err != nil {
		return 0, reply, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, reply, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, reply, noAnswer(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxDoctored))
	if err != nil {
		return resp.StatusCode, reply, err
	}
	if json.Unmarshal(raw, &reply) != nil {
		return resp.StatusCode, reply, fmt.Errorf("answered %s, and not as a sign-in service does: %.300s", resp.Status, raw)
	}
	return resp.StatusCode, reply, nil
}

// checkRedirect begins a sign-in that must not ask anybody anything. Entra sends its refusal to the redirect address,
// if it knows that; else it shows a page of its own.
func checkRedirect(ctx context.Context, c Config, _ *slog.Logger) Finding {
	f := Finding{What: "Entra sends people back to " + redirectAddress(c)}
	if c.MicrosoftClientID == "" {
		f.Problem = unasked(c)
		return f
	}
	address := entra(c, c.MicrosoftTenant, "/oauth2/v2.0/authorize") + "?" + url.Values{
		"client_id": {c.MicrosoftClientID}, "response_type": {"code"}, "response_mode": {"query"}, "redirect_uri": {redirectAddress(c)},
		"scope": {"openid"}, "prompt": {"none"}, "state": {"doctor"},
	}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return found(f.What, err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return found(f.What, noAnswer(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxDoctored))
	if err != nil {
		return found(f.What, err)
	}
	to := resp.Header.Get("Location")
	sentBack := to == redirectAddress(c) || strings.HasPrefix(to, redirectAddress(c)+"?")
	switch advice := trouble(c, string(answer)); {
	case sentBack:
	case advice != "":
		f.Problem = advice
	case resp.StatusCode >= http.StatusBadRequest:
		f.Problem = "Entra answered " + resp.Status + " to the beginning of a sign-in: " + clipped(troubleText.FindString(string(answer)))
	default: // it wants to talk to a browser first
		f.Note = "Entra did not say so without a browser. Sign in once to be sure; AADSTS50011 would mean that the address is not registered."
	}
	return f
}

// troubleText is a number of Entra's and the sentence after it.
var troubleText = regexp.MustCompile(`AADSTS\d+[^<"\\]*`)

func clipped(text string) string { return fmt.Sprintf("%.300s", text) }

// What Tandem asks for at Microsoft Graph, in all its parts together (docs/entra.md).
var graphScopes = []string{"User.Read", "User.ReadBasic.All", "MailboxSettings.Read", "Calendars.ReadWrite", "Contacts.ReadWrite"}

// checkConsents looks, for each organization that is tied to a tenant, at what Microsoft allows.
func checkConsents(ctx context.Context, c Config, log *slog.Logger) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		const what = "organizations can be read"
		db, err := stored(ctx, c, log)
		if err != nil {
			yield(found(what, err))
			return
		}
		if db == nil {
			return
		}
		defer db.Close()
		accounts := db.Accounts()
		orgs, err := accounts.Organizations(ctx)
		if err != nil {
			yield(found(what, err))
			return
		}
		for _, org := range orgs {
			if org.TenantID == "" {
				continue
			}
			bounded, cancel := context.WithTimeout(ctx, doctorPatience)
			finding := checkConsent(bounded, c, accounts, org)
			cancel()
			if !yield(finding) {
				return
			}
		}
	}
}

// checkConsent renews the grant of a Super Admin, if one of them has connected, and reads what it is good for.
func checkConsent(ctx context.Context, c Config, accounts account.Store, org account.Organization) Finding {
	f := Finding{What: "Microsoft allows " + org.Name + " what Tandem needs"}
	users, err := accounts.Users(ctx, org.ID)
	if err != nil {
		return found(f.What, err)
	}
	for _, u := range users {
		if u.Profile != account.SuperAdmin || u.State != account.Active || u.Identity.IsZero() {
			continue
		}
		g, err := accounts.Grant(ctx, org.ID, u.ID)
		if fault.Is(err, fault.NotFound) || err == nil && g.Refresh == "" {
			continue
		}
		if err != nil {
			return found(f.What, err)
		}
		if g.Broken {
			f.Problem = fmt.Sprintf("Microsoft no longer takes the connection of %s. They sign in again (Setup › Marketplace › Microsoft › Reconnect).", u.Email)
			return f
		}
		return checkGrant(ctx, c, accounts, org, u, f)
	}
	f.Note = "No Super Admin of " + org.Name + " has connected to Microsoft yet, so nothing could be asked in their name." + adviseConsent(c, org)
	return f
}

// claimForDoctor is how long workers leave a grant to the doctor; longer than one of its calls may take.
const claimForDoctor = 2 * doctorPatience

// checkGrant renews a grant for whatever was allowed, keeps the new pair, as the old one may be worth nothing from now
// on, and compares.
func checkGrant(ctx context.Context, c Config, accounts account.Store, org account.Organization, u account.User, f Finding) Finding {
	now := time.Now()
	until := now.Add(claimForDoctor)
	switch mine, err := accounts.ClaimRefresh(ctx, org.ID, u.ID, now, until); {
	case err != nil:
		return found(f.What, err)
	case !mine:
		f.Note = "Tandem is renewing the connection of " + u.Email + " at this very moment. Ask again."
		return f
	}
	g, err := accounts.Grant(ctx, org.ID, u.ID) // the newest, now that nobody else renews it
	if err != nil {
		return found(f.What, err)
	}
	_, reply, askErr := askToken(ctx, c, u.Identity.TenantID, g.Refresh.Reveal(), "openid offline_access "+everyScope(c))
	if askErr == nil && reply.Access != "" {
		life, _ := reply.ExpiresIn.Int64() // without one it counts as expired, and is renewed at its next use
		g.Access, g.Expires = account.Secret(reply.Access), now.Add(time.Duration(life)*time.Second).UTC()
		if reply.Refresh != "" {
			g.Refresh = account.Secret(reply.Refresh)
		}
	}
	if _, err := accounts.RefreshGrant(context.WithoutCancel(ctx), g, until); err != nil { // ends the claim, too
		return found(f.What, err)
	}
	advice := trouble(c, reply.Description)
	switch {
	case askErr != nil:
		f.Problem = askErr.Error()
	case reply.Suberror == "consent_required" || reply.Error == "consent_required" || strings.Contains(reply.Description, "AADSTS65001"):
		f.Problem = fmt.Sprintf("The permission that %s gave was taken back (AADSTS65001).%s", u.Email, adviseConsent(c, org))
	case advice != "":
		f.Problem = advice
	case reply.Error != "":
		f.Problem = fmt.Sprintf("Microsoft no longer takes the connection of %s: %s. They sign in again (Setup › Marketplace › Microsoft › Reconnect).", u.Email, clipped(reply.Description))
	default:
		missing := lacking(strings.Fields(reply.Scope))
		switch {
		case len(missing) == 0:
		case org.Consented.IsZero():
			f.Note = fmt.Sprintf("%s has not allowed %s; each person is asked when it is needed.%s", u.Email, strings.Join(missing, ", "), adviseConsent(c, org))
		default:
			f.Problem = fmt.Sprintf("%s was not among what was allowed. Add it in Entra (App registrations › API permissions › Microsoft Graph › Delegated).%s", strings.Join(missing, ", "), adviseConsent(c, org))
		}
	}
	return f
}

// everyScope asks for whatever was allowed at Microsoft Graph.
func everyScope(c Config) string {
	u, err := url.Parse(c.GraphURL)
	if err != nil {
		return "https://graph.microsoft.com/.default"
	}
	return u.Scheme + "://" + u.Host + "/.default"
}

// lacking are those of Tandem's scopes that are not among the granted ones, which Entra gives with or without the
// address of Graph before them.
func lacking(granted []string) []string {
	return slices.DeleteFunc(slices.Clone(graphScopes), func(need string) bool {
		return slices.ContainsFunc(granted, func(s string) bool { return strings.EqualFold(s[strings.LastIndexByte(s, '/')+1:], need) })
	})
}

// adviseConsent tells where an administrator allows Tandem for everybody.
func adviseConsent(c Config, org account.Organization) string {
	return "\nSomebody who manages the users of " + org.Name + " in Tandem and administers its Microsoft 365 allows Tandem for everybody at\n" + c.URL + "/setup/consent"
}
