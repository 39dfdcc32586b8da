package graph

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/credential"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// A vault keeps one grant as the store does: claims end when a grant is saved.
type vault struct {
	mu      sync.Mutex
	grant   account.Grant
	claimed time.Time
	saves   int
}

func (v *vault) Grant(context.Context, record.ID, record.ID) (account.Grant, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.grant.User == 0 {
		return account.Grant{}, fault.New(fault.NotFound, "", "none")
	}
	return v.grant, nil
}

func (v *vault) RefreshGrant(_ context.Context, g account.Grant, until time.Time) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.claimed.Equal(until) || v.grant.User == 0 {
		return false, nil
	}
	v.grant, v.claimed = g, time.Time{}
	v.saves++
	return true, nil
}

// give is what a person at Microsoft's consent page does, or (the zero grant) one who takes the Microsoft person off.
func (v *vault) give(g account.Grant) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.grant, v.claimed = g, time.Time{}
}

func (v *vault) ClaimRefresh(_ context.Context, _, _ record.ID, now, until time.Time) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Before(v.claimed) {
		return false, nil
	}
	v.claimed = until
	return true, nil
}

// An authority hands out pairs and takes each refresh token once.
type authority struct {
	url    string
	calls  atomic.Int32
	mu     sync.Mutex
	valid  string
	refuse func(n int32) (status int, code string)
	form   url.Values
}

func newAuthority(t *testing.T) *authority {
	a := &authority{valid: "refresh-0"}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := a.calls.Add(1)
	_ = r.ParseForm()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.form = r.PostForm
	if a.refuse != nil {
		if status, code := a.refuse(n); code != "" {
			reply(w, status, `{"error":"`+code+`","error_description":"AADSTS1: because"}`)
			return
		}
	}
	if r.PostForm.Get("refresh_token") != a.valid {
		reply(w, 400, `{"error":"invalid_grant","error_description":"AADSTS70000"}`)
		return
	}
	a.valid += "+"
	answer, _ := json.Marshal(map[string]any{
		"token_type": "Bearer", "scope": "openid Contacts.ReadWrite", "expires_in": 3600, "access_token": "access" + a.valid, "refresh_token": a.valid,
	})
	reply(w, 200, string(answer))
}

func (a *authority) tokens(v *vault) *Tokens {
	return NewTokens(TokenOptions{Authority: a.url, ClientID: "app", Credential: credential.Secret("secret")}, v)
}

func expired() *vault {
	return &vault{grant: account.Grant{
		User: 5, Org: 1, Scopes: []string{"Calendars.ReadWrite"}, Access: "old", Expires: time.Now().Add(-time.Minute), Refresh: "refresh-0",
	}}
}

// FIELD-FAILURES 17: 20 goroutines at the moment of expiry, in several processes, and one refresh.
func TestFF17_OneRefresh(t *testing.T) {
	t.Parallel()
	a, v := newAuthority(t), expired()
	processes := []*Tokens{a.tokens(v), a.tokens(v), a.tokens(v)}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			got, err := processes[i%3].For(1, 5, "tenant-1").Token(t.Context(), "")
			if err != nil || got != "accessrefresh-0+" {
				t.Errorf("%q, %v", got.Reveal(), err)
			}
		})
	}
	all.Wait()
	if n := a.calls.Load(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	g := v.grant
	if g.Refresh != "refresh-0+" || len(g.Scopes) != 2 || g.Scopes[1] != "Contacts.ReadWrite" || time.Until(g.Expires) < 50*time.Minute {
		t.Errorf("stored %+v: want the newest pair, the scope and the life of the answer", g)
	}
	if a.form.Get("client_secret") != "secret" || a.form.Get("scope") != "Calendars.ReadWrite offline_access" {
		t.Errorf("asked with %v", a.form)
	}
	if len(processes[0].turns) != 0 {
		t.Error("turns are left over")
	}
}

// FIELD-FAILURES 17: after invalid_grant the row is read once more before giving up.
func TestFF17_AnotherProcessWasFaster(t *testing.T) {
	t.Parallel()
	a, v := newAuthority(t), expired()
	a.refuse = func(n int32) (int, string) {
		if n == 1 { // somebody else spent the token and stored the new pair, whose access token is still good
			v.mu.Lock()
			v.grant.Refresh, v.grant.Access, v.grant.Expires = "refresh-9", "theirs", time.Now().Add(time.Hour)
			v.mu.Unlock()
			return 400, "invalid_grant"
		}
		return 0, ""
	}
	got, err := a.tokens(v).For(1, 5, "").Token(t.Context(), "")
	if err != nil || got != "theirs" || v.grant.Broken {
		t.Errorf("%q, %v, broken %v", got.Reveal(), err, v.grant.Broken)
	}
}

func TestFF14_RefusedGrants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		kind   fault.Kind
		reason fault.Reason
		broken bool
	}{
		{400, "invalid_grant", fault.Denied, fault.ReconnectNeeded, true},
		{400, "interaction_required", fault.Denied, fault.ReconnectNeeded, true},
		{401, "invalid_client", fault.Denied, fault.AppMisconfigured, false},
		{400, "unauthorized_client", fault.Denied, fault.AppMisconfigured, false},
		{400, "consent_required", fault.Denied, fault.ConsentRequired, false},
		{503, "temporarily_unavailable", fault.Unavailable, "", false},
		{429, "slow_down", fault.Throttled, "", false},
	} {
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			a, v := newAuthority(t), expired()
			a.refuse = func(int32) (int, string) { return c.status, c.code }
			tokens := a.tokens(v)
			_, err := tokens.For(1, 5, "").Token(t.Context(), "")
			if fault.KindOf(err) != c.kind || fault.ReasonOf(err) != c.reason || v.grant.Broken != c.broken {
				t.Errorf("%v (%v %q), broken %v", err, fault.KindOf(err), fault.ReasonOf(err), v.grant.Broken)
			}
			if !v.claimed.IsZero() {
				t.Error("the claim is still held")
			}
			a.refuse = nil
			_, err = tokens.For(1, 5, "").Token(t.Context(), "")
			if c.broken != (err != nil) {
				t.Errorf("the next time: %v", err)
			}
		})
	}
}

// While Entra is being asked, a person may be taken off the account, or another one tied to it: the former person's tokens
// must not come back.
func TestD12_ARefreshBringsNoFormerGrantBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now    account.Grant
		refuse string
		reason fault.Reason
		access account.Secret
	}{
		"dropped":             {reason: fault.ConsentRequired},
		"dropped, refused":    {refuse: "invalid_grant", reason: fault.ConsentRequired},
		"another":             {now: account.Grant{User: 5, Org: 1, Access: "another", Expires: time.Now().Add(time.Hour), Refresh: "r"}, access: "another"},
		"another, refused":    {now: account.Grant{User: 5, Org: 1, Access: "another", Expires: time.Now().Add(time.Hour), Refresh: "r"}, refuse: "invalid_grant", access: "another"},
		"another, refused us": {now: account.Grant{User: 5, Org: 1, Access: "another", Expires: time.Now().Add(time.Hour), Refresh: "r"}, refuse: "invalid_client", access: "another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, v := newAuthority(t), expired()
			a.refuse = func(int32) (int, string) {
				v.give(c.now)
				return 400, c.refuse
			}
			access, err := a.tokens(v).For(1, 5, "").Token(t.Context(), "")
			if access != c.access || fault.ReasonOf(err) != c.reason || v.grant.Access != c.now.Access || v.grant.Broken {
				t.Errorf("got %q, %v; kept is %q", access.Reveal(), err, v.grant.Access.Reveal())
			}
		})
	}
}

// FIELD-FAILURES 13.
func TestFF13_NoRefreshTokenIsLoud(t *testing.T) {
	t.Parallel()
	a, v := newAuthority(t), expired()
	v.grant.Refresh = ""
	_, err := a.tokens(v).For(1, 5, "").Token(t.Context(), "")
	if !fault.Is(err, fault.Denied) || fault.ReasonOf(err) != fault.ReconnectNeeded || a.calls.Load() != 0 {
		t.Errorf("%v", err)
	}
	if _, err = a.tokens(&vault{}).For(1, 5, "").Token(t.Context(), ""); fault.ReasonOf(err) != fault.ConsentRequired {
		t.Errorf("never connected: %v", err)
	}
}

// A 401 is answered with one refresh; if Graph refuses that token too, a person must sign in.
func TestUnauthorized(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]string{"refresh helps": "Bearer accessrefresh-0+", "refresh does not help": "nothing"} {
		a, v := newAuthority(t), expired()
		v.grant.Expires = time.Now().Add(time.Hour)
		f := newFake(t, func(w http.ResponseWriter, r request) {
			if r.Header.Get("Authorization") != good {
				reply(w, 401, refuse("InvalidAuthenticationToken", ""))
				return
			}
			reply(w, 200, `{}`)
		})
		box := f.client(Limits{}).For(a.tokens(v).For(1, 5, ""), "a")
		_, err := box.Do(t.Context(), Part{Method: "POST", Path: "/x", Body: []byte(`{}`)})
		if (err == nil) != (name == "refresh helps") || err != nil && fault.ReasonOf(err) != fault.ReconnectNeeded {
			t.Errorf("%s: %v", name, err)
		}
		if a.calls.Load() != 1 || len(f.requests()) != 2 {
			t.Errorf("%s: %d refreshes, %d requests", name, a.calls.Load(), len(f.requests()))
		}
	}
}

func TestUnauthorizedPart(t *testing.T) {
	t.Parallel()
	a, v := newAuthority(t), expired()
	v.grant.Expires = time.Now().Add(time.Hour)
	f := newFake(t, func(w http.ResponseWriter, r request) {
		batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
			if r.Header.Get("Authorization") == "Bearer old" && p.URL == "/p1" {
				return 401, refuse("InvalidAuthenticationToken", ""), nil
			}
			return 201, `{}`, nil
		})
	})
	results, err := f.client(Limits{}).For(a.tokens(v).For(1, 5, ""), "a").Batch(t.Context(), posts(3))
	if err != nil || results[1].Err != nil || a.calls.Load() != 1 {
		t.Errorf("%v, %+v", err, results)
	}
}

func TestSecretsStaySealed(t *testing.T) {
	t.Parallel()
	a, v := newAuthority(t), expired()
	a.refuse = func(int32) (int, string) { return 400, "invalid_grant" }
	_, err := a.tokens(v).For(1, 5, "").Token(t.Context(), "")
	for _, secret := range []string{"refresh-0", "secret"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the fault tells %q: %v", secret, err)
		}
	}
}
