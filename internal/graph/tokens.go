package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// Grants keeps what Entra gave us. account.Store fits it.
type Grants interface {
	Grant(ctx context.Context, org, user record.ID) (account.Grant, error)
	ClaimRefresh(ctx context.Context, org, user record.ID, now, until time.Time) (bool, error)
	RefreshGrant(ctx context.Context, g account.Grant, until time.Time) (bool, error)
}

// A Credential proves to Entra that we are the registered app: it adds the proof to a form that goes to a token endpoint.
type Credential interface {
	Authenticate(form url.Values, tokenEndpoint string) error
}

// TokenOptions says who we are to Entra.
type TokenOptions struct {
	Authority  string // https://login.microsoftonline.com
	Tenant     string // for users whose tenant is not known: "organizations"
	ClientID   string
	Credential Credential
	HTTP       *http.Client
	Now        func() time.Time
	Sleep      func(ctx context.Context, d time.Duration) error
	Logger     *slog.Logger
}

// Tokens keeps the access tokens of all users fresh. Of all workers in all processes that find one expired, one asks
// Entra for the next: those in this process take turns, those in others are kept away by a claim in the database. The
// newest pair is stored before it is used.
type Tokens struct {
	o      TokenOptions
	grants Grants

	mu    sync.Mutex
	turns map[turnKey]*turn // of users for whom somebody is asking right now
}

type turnKey struct{ org, user record.ID }

type turn struct {
	busy  chan struct{} // holds one
	users int
}

// NewTokens makes a Tokens.
func NewTokens(o TokenOptions, grants Grants) *Tokens {
	if o.Authority == "" {
		o.Authority = "https://login.microsoftonline.com"
	}
	if o.Tenant == "" {
		o.Tenant = "organizations"
	}
	if o.HTTP == nil {
		o.HTTP = NewHTTP()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Tokens{o: o, grants: grants, turns: map[turnKey]*turn{}}
}

// For gives the tokens of one user. tenant is the user's Entra tenant, or "" when it is not known. The value remembers
// the current token; it is made for one run.
func (t *Tokens) For(org, user record.ID, tenant string) TokenSource {
	if tenant == "" {
		tenant = t.o.Tenant
	}
	return &userTokens{t: t, key: turnKey{org, user}, tenant: tenant}
}

type userTokens struct {
	t      *Tokens
	key    turnKey
	tenant string

	mu      sync.Mutex
	access  account.Secret
	expires time.Time
}

const (
	// early is how long before its end a token counts as expired, so that it lasts for the call it is meant for.
	early = 2 * time.Minute
	// claimFor bounds how long a process that died while refreshing keeps the others away.
	claimFor = 30 * time.Second
	// claimPause is how long to wait before looking again at what another process is doing.
	claimPause = 50 * time.Millisecond
)

// Token gives the user's access token. Faults: Denied with ReconnectNeeded (a person must sign in again),
// ConsentRequired or AppMisconfigured (nobody's grant is touched); Broken with CannotUnseal; Unavailable.
func (s *userTokens) Token(ctx context.Context, refused account.Secret) (account.Secret, error) {
	s.mu.Lock()
	access, expires := s.access, s.expires
	s.mu.Unlock()
	if access != "" && access != refused && s.t.o.Now().Before(expires.Add(-early)) {
		return access, nil
	}
	g, err := s.t.fresh(ctx, s.key, s.tenant, refused)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.access, s.expires = g.Access, g.Expires
	s.mu.Unlock()
	return g.Access, nil
}

// fresh reads the user's grant and renews it if it has to.
func (t *Tokens) fresh(ctx context.Context, key turnKey, tenant string, refused account.Secret) (g account.Grant, err error) {
	defer fault.Wrap(&err, "graph: a token for user %d", key.user)
	if err := t.enter(ctx, key); err != nil {
		return g, err
	}
	defer t.leave(key)
	for {
		g, err = t.grants.Grant(ctx, key.org, key.user)
		switch {
		case fault.Is(err, fault.NotFound):
			return g, fault.New(fault.Denied, fault.ConsentRequired, "never connected: %w", err)
		case err != nil:
			return g, err
		case g.Broken:
			return g, fault.New(fault.Denied, fault.ReconnectNeeded, "Entra no longer takes the grant")
		case g.Access != "" && g.Access != refused && t.o.Now().Before(g.Expires.Add(-early)):
			return g, nil
		case g.Refresh == "":
			t.o.Logger.ErrorContext(ctx, "a grant has no refresh token; was offline_access asked for?", "user", key.user)
			return g, fault.New(fault.Denied, fault.ReconnectNeeded, "the grant has no refresh token (offline_access)")
		}
		now := t.o.Now()
		until := now.Add(claimFor)
		mine, err := t.grants.ClaimRefresh(ctx, key.org, key.user, now, until)
		if err != nil {
			return g, err
		}
		if mine {
			if g, again, err := t.renew(ctx, key, tenant, refused, until); !again || err != nil {
				return g, err
			}
			continue
		}
		if err := t.o.Sleep(ctx, claimPause); err != nil {
			return g, err
		}
	}
}

// renew has the claim until a time. again: the grant is another one by now, look at that.
func (t *Tokens) renew(ctx context.Context, key turnKey, tenant string, refused account.Secret, until time.Time) (g account.Grant, again bool, err error) {
	// What Entra answers must reach the disk even if the run is being stopped: the old pair may be worth nothing by then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimFor)
	defer cancel()
	g, err = t.grants.Grant(ctx, key.org, key.user)
	if err != nil {
		return g, false, err
	}
	if g.Broken || g.Access != refused && t.o.Now().Before(g.Expires.Add(-early)) {
		_, err := t.grants.RefreshGrant(ctx, g, until) // ends the claim
		return g, true, err
	}
	next, err := t.ask(ctx, tenant, g)
	if err == nil {
		stored, err := t.grants.RefreshGrant(ctx, next, until)
		return next, !stored, err
	}
	if fault.ReasonOf(err) == fault.ReconnectNeeded {
		now, readErr := t.grants.Grant(ctx, key.org, key.user)
		if readErr == nil && now.Refresh != g.Refresh {
			return now, true, nil // the claim ended when that pair was stored
		}
		g.Broken = true
		t.o.Logger.WarnContext(ctx, "Entra no longer takes a grant", "user", key.user, "error", err)
	}
	stored, saveErr := t.grants.RefreshGrant(ctx, g, until)
	if saveErr != nil || !stored {
		return g, !stored, saveErr
	}
	return g, false, err
}

type tokenAnswer struct {
	Access      string      `json:"access_token"`
	Refresh     string      `json:"refresh_token"`
	Scope       string      `json:"scope"`
	ExpiresIn   json.Number `json:"expires_in"`
	Error       string      `json:"error"`
	Description string      `json:"error_description"`
	SubError    string      `json:"suberror"`
}

// maxTokenAnswer bounds what is read of an answer of the token endpoint.
const maxTokenAnswer = 1 << 20

// ask exchanges the refresh token for a new pair.
func (t *Tokens) ask(ctx context.Context, tenant string, g account.Grant) (account.Grant, error) {
	form := url.Values{
		"grant_type":    {"refresh_token"},
		"client_id":     {t.o.ClientID},
		"refresh_token": {g.Refresh.Reveal()},
	}
	if len(g.Scopes) > 0 {
		scopes := slices.Clone(g.Scopes)
		if !slices.Contains(scopes, "offline_access") {
			scopes = append(scopes, "offline_access")
		}
		form.Set("scope", strings.Join(scopes, " "))
	}
	address := strings.TrimRight(t.o.Authority, "/") + "/" + url.PathEscape(tenant) + "/oauth2/v2.0/token"
	if err := t.o.Credential.Authenticate(form, address); err != nil {
		return g, fault.New(fault.Broken, "", "%w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return g, fault.New(fault.Broken, "", "%w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Client-Request-Id", newRequestID())
	resp, err := t.o.HTTP.Do(req)
	if err != nil {
		return g, fault.New(fault.Unavailable, "", "Entra does not answer: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err != nil {
		return g, fault.New(fault.Unavailable, "", "Entra's answer broke off: %w", err)
	}
	var a tokenAnswer
	if err := json.Unmarshal(raw, &a); err != nil {
		return g, fault.New(fault.Unavailable, "", "Entra's answer (%d) is not JSON", resp.StatusCode)
	}
	if resp.StatusCode != http.StatusOK || a.Access == "" {
		return g, tokenRefusal(resp, a, t.o.Now())
	}
	life, _ := a.ExpiresIn.Int64()
	g.Access, g.Expires = account.Secret(a.Access), t.o.Now().Add(time.Duration(life)*time.Second).UTC()
	if a.Refresh != "" {
		g.Refresh = account.Secret(a.Refresh)
	}
	if a.Scope != "" {
		g.Scopes = strings.Fields(a.Scope)
	}
	g.Broken = false
	return g, nil
}

// oauthErrors says what the errors of the token endpoint mean (reference §10.4). Microsoft asks not to go by the
// numbers in the description, so they are for people only.
var oauthErrors = map[string]fault.Reason{
	"invalid_grant":             fault.ReconnectNeeded,
	"interaction_required":      fault.ReconnectNeeded,
	"login_required":            fault.ReconnectNeeded,
	"consent_required":          fault.ConsentRequired,
	"access_denied":             fault.ConsentRequired,
	"invalid_client":            fault.AppMisconfigured,
	"unauthorized_client":       fault.AppMisconfigured,
	"invalid_request":           fault.AppMisconfigured,
	"invalid_scope":             fault.AppMisconfigured,
	"invalid_resource":          fault.AppMisconfigured,
	"unsupported_grant_type":    fault.AppMisconfigured,
	"unsupported_response_type": fault.AppMisconfigured,
}

func tokenRefusal(resp *http.Response, a tokenAnswer, now time.Time) error {
	message := fmt.Sprintf("Entra refuses (%d %s): %s", resp.StatusCode, a.Error, clip(a.Description))
	after := retryAfter(resp.Header.Get("Retry-After"), now)
	reason, refused := oauthErrors[a.Error]
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return &fault.Fault{Kind: fault.Throttled, RetryAfter: after, Message: message}
	case refused:
		return &fault.Fault{Kind: fault.Denied, Reason: reason, Message: message}
	}
	return &fault.Fault{Kind: fault.Unavailable, RetryAfter: after, Message: message}
}

// enter waits for the user's turn in this process.
func (t *Tokens) enter(ctx context.Context, key turnKey) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	at := t.turns[key]
	if at == nil {
		at = &turn{busy: make(chan struct{}, 1)}
		t.turns[key] = at
	}
	at.users++
	t.mu.Unlock()
	select {
	case at.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		t.depart(key, at)
		return ctx.Err()
	}
}

func (t *Tokens) leave(key turnKey) {
	t.mu.Lock()
	at := t.turns[key]
	t.mu.Unlock()
	<-at.busy
	t.depart(key, at)
}

func (t *Tokens) depart(key turnKey, at *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(t.turns, key)
	}
}
