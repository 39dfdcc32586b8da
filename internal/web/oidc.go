package web

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// callbackPath is where the sign-in service sends browsers back to, as it stands in the app's registration.
const callbackPath = "/auth/microsoft/callback"

// signInTimeout bounds each request to the sign-in service.
const signInTimeout = 15 * time.Second

// stay follows no redirect: the sign-in service sends none, and what proves who we are must not travel to another host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// personalTenant is the tenant of personal Microsoft accounts, which have no organization.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// identity is the sign-in service: it learns the service's addresses at the first sign-in, so that Tandem starts and
// shows its pages while the service is away.
type identity struct {
	settings Settings
	client   *http.Client
	now      func() time.Time

	asking   singleflight.Group
	provider atomic.Pointer[provider]
}

// provider is what the discovery document says.
type provider struct {
	*oidc.Provider
	issuer string             // with {tenantid} in it, where people of any organization may sign in
	keys   *oidc.RemoteKeySet // fetched when a token names one that is not known yet
	whose  *keyIssuers        // for whom those are
}

func newIdentity(d Deps) *identity {
	return &identity{settings: d.Settings, client: d.HTTP, now: d.Now}
}

// discover reads the discovery document, once; all who come before it is there wait for the same answer.
func (i *identity) discover(ctx context.Context) (*provider, error) {
	if p := i.provider.Load(); p != nil {
		return p, nil
	}
	answer := i.asking.DoChan("", func() (any, error) {
		if p := i.provider.Load(); p != nil {
			return p, nil
		}
		p, err := i.ask(context.WithoutCancel(ctx)) // of whoever came first, who may leave before the others
		if err == nil {
			i.provider.Store(p)
		}
		return p, err
	})
	select {
	case got := <-answer:
		return got.Val.(*provider), got.Err
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "", "web: wait for the sign-in service: %w", ctx.Err())
	}
}

func (i *identity) ask(ctx context.Context) (*provider, error) {
	// The issuer that "organizations" and tenants' domains publish never equals the address asked, so the library does not compare it;
	// identify() holds each token against it.
	base := i.settings.Authority + "/" + i.settings.Tenant + "/v2.0"
	ctx = oidc.InsecureIssuerURLContext(oidc.ClientContext(ctx, i.client), base)
	p, err := oidc.NewProvider(ctx, base)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "", "web: ask the sign-in service for its addresses: %w", err)
	}
	var told struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := p.Claims(&told); err != nil || told.Issuer == "" || told.Keys == "" {
		return nil, fault.New(fault.Unavailable, "", "web: the sign-in service names no issuer, or no keys")
	}
	if !issuerExpected(told.Issuer, i.settings.Authority, i.settings.Tenant) {
		return nil, fault.New(fault.Unavailable, "", "web: %s says that it is %q", base, told.Issuer)
	}
	whose := &keyIssuers{RoundTripper: i.client.Transport}
	if whose.RoundTripper == nil {
		whose.RoundTripper = http.DefaultTransport
	}
	client := *i.client
	client.Transport = whose
	return &provider{p, told.Issuer, oidc.NewRemoteKeySet(oidc.ClientContext(ctx, &client), told.Keys), whose}, nil
}

// issuerExpected reports whether a discovery document is that of the authority asked, so that no other service stands in for it. Where one
// tenant is asked by its number, it must be that one; by a domain, some one tenant.
func issuerExpected(issuer, authority, tenant string) bool {
	of, ok := strings.CutPrefix(strings.ToLower(issuer), strings.ToLower(authority)+"/")
	of, v2 := strings.CutSuffix(of, "/v2.0")
	if !ok || !v2 {
		return false
	}
	switch tenant = strings.ToLower(tenant); {
	case tenant == "organizations" || tenant == "common":
		return of == "{tenantid}"
	case guid.MatchString(tenant):
		return of == tenant
	}
	return guid.MatchString(of)
}

// config knows no secret: exchange adds the proof of who we are, whatever it is.
func (i *identity) config(p *provider, scopes []string) *oauth2.Config {
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return &oauth2.Config{
		ClientID:    i.settings.ClientID,
		Endpoint:    endpoint,
		RedirectURL: i.settings.URL + callbackPath,
		Scopes:      scopes,
	}
}

// exchange asks for the tokens that the code of a flow stands for.
func (i *identity) exchange(ctx context.Context, p *provider, f flow, code string) (*oauth2.Token, error) {
	config, proof := i.config(p, f.Scopes), url.Values{}
	if err := i.settings.Credential.Authenticate(proof, config.Endpoint.TokenURL); err != nil {
		return nil, fault.New(fault.Broken, "", "web: %w", err)
	}
	options := []oauth2.AuthCodeOption{oauth2.VerifierOption(f.Verifier)}
	for name := range proof {
		options = append(options, oauth2.SetAuthURLParam(name, proof.Get(name)))
	}
	token, err := config.Exchange(ctx, code, options...)
	if err != nil {
		return nil, exchangeFault(err)
	}
	return token, nil
}

// authorizeURL is where a flow begins at the sign-in service: code flow, PKCE with S256, nonce and state.
func (i *identity) authorizeURL(ctx context.Context, f flow, state string) (string, error) {
	p, err := i.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(f.Nonce),
		oauth2.S256ChallengeOption(f.Verifier),
		oauth2.SetAuthURLParam("response_mode", "query"),
	}
	if f.Hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", f.Hint))
	}
	if f.Prompt != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", f.Prompt))
	}
	return i.config(p, f.Scopes).AuthCodeURL(state, options...), nil
}

// A person is who signed in at Microsoft, as proved by an ID token, and the tokens that came with it.
type person struct {
	account.Identity
	Name     string
	Email    string // for show
	Username string // preferred_username
	First    string
	Last     string
	Roles    []string // wids: template ids of directory roles, where the app's registration asks for them
	token    *oauth2.Token
}

// scopes are those that the token endpoint says were granted, without the address of Graph before them.
func (p person) scopes() []string {
	told, _ := p.token.Extra("scope").(string)
	scopes := strings.Fields(told)
	for i, s := range scopes {
		scopes[i] = s[strings.LastIndexByte(s, '/')+1:]
	}
	return scopes
}

// allows reports whether every scope was granted. Those of OpenID itself are not always repeated in the answer.
func (p person) allows(scopes []string) bool {
	granted := p.scopes()
	for _, s := range scopes {
		if slices.Contains(openIDScopes, s) {
			continue
		}
		if !slices.ContainsFunc(granted, func(g string) bool { return strings.EqualFold(g, s) }) {
			return false
		}
	}
	return true
}

// guid is the form of tid and oid.
var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// identify exchanges the code of a flow and proves who signed in. Denied: the answer does not prove it.
func (i *identity) identify(ctx context.Context, f flow, code string) (person, error) {
	p, err := i.discover(ctx)
	if err != nil {
		return person{}, err
	}
	ctx = oidc.ClientContext(ctx, i.client)
	token, err := i.exchange(ctx, p, f, code)
	if err != nil {
		return person{}, err
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return person{}, fault.New(fault.Denied, "", "web: the token endpoint sent no ID token")
	}
	// The issuer check is skipped here and made below, because the library cannot fill in a tenant.
	keys := &watchedKeys{KeySet: p.keys}
	verified, err := oidc.NewVerifier("", keys, &oidc.Config{
		ClientID: i.settings.ClientID, SkipIssuerCheck: true, Now: i.now, SupportedSigningAlgs: []string{oidc.RS256},
	}).Verify(ctx, raw)
	switch {
	case keys.away != nil:
		return person{}, fault.New(fault.Unavailable, "", "web: ask the sign-in service for its keys: %w", keys.away)
	case err != nil:
		return person{}, fault.New(fault.Denied, "", "web: the ID token: %w", err)
	}
	var claims struct {
		TID      string   `json:"tid"`
		OID      string   `json:"oid"`
		Name     string   `json:"name"`
		Email    string   `json:"email"`
		Username string   `json:"preferred_username"`
		First    string   `json:"given_name"`
		Last     string   `json:"family_name"`
		WIDs     []string `json:"wids"`
	}
	if err := verified.Claims(&claims); err != nil {
		return person{}, fault.New(fault.Denied, "", "web: the ID token's claims: %w", err)
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(f.Nonce)) != 1:
		return person{}, fault.New(fault.Denied, "", "web: the ID token answers another request")
	case !guid.MatchString(claims.TID) || !guid.MatchString(claims.OID):
		return person{}, fault.New(fault.Denied, "", "web: the ID token names no person of an organization")
	case strings.EqualFold(claims.TID, personalTenant):
		return person{}, fault.New(fault.Denied, reasonPersonal, "web: a personal account")
	case verified.Issuer != strings.ReplaceAll(p.issuer, "{tenantid}", claims.TID),
		!strings.Contains(strings.ToLower(verified.Issuer), "/"+strings.ToLower(claims.TID)+"/"): // where one tenant is asked, its issuer has no pattern
		return person{}, fault.New(fault.Denied, "", "web: the ID token was issued for another tenant than it names")
	case !p.whose.allow(raw, verified.Issuer, claims.TID):
		return person{}, fault.New(fault.Denied, "", "web: the ID token is signed with a key that is not for its issuer")
	}
	email := claims.Email
	if email == "" {
		email = claims.Username
	}
	return person{
		Identity: account.Identity{TenantID: strings.ToLower(claims.TID), ObjectID: strings.ToLower(claims.OID)},
		Name:     claims.Name, Email: email, Username: claims.Username, First: claims.First, Last: claims.Last,
		Roles: claims.WIDs, token: token,
	}, nil
}

// watchedKeys remembers that keys could not be fetched: a token that cannot be proved is not yet a wrong one.
type watchedKeys struct {
	oidc.KeySet
	away error
}

func (k *watchedKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, token)
	if cause := errors.Unwrap(err); cause != nil { // the library wraps what kept it from the keys, and nothing else
		k.away = cause
	}
	return payload, err
}

// exchangeFault tells apart whose problem a refused code is.
func exchangeFault(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return fault.New(fault.Unavailable, "", "web: exchange the code: %w", err)
	}
	switch {
	case refused.ErrorCode == "invalid_client" || refused.ErrorCode == "unauthorized_client":
		return fault.New(fault.Unavailable, fault.AppMisconfigured, "web: exchange the code: %w", err)
	case refused.Response != nil && (refused.Response.StatusCode >= 500 || refused.Response.StatusCode == http.StatusTooManyRequests):
		return fault.New(fault.Unavailable, "", "web: exchange the code: %w", err)
	default:
		return fault.New(fault.Denied, "", "web: exchange the code: %w", err)
	}
}
