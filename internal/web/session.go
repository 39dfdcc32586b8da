package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// How long a session lasts: over a weekend without a click, and two weeks at the longest.
const (
	sessionIdle = 72 * time.Hour
	sessionLife = 14 * 24 * time.Hour
	// seenEvery is how exactly the last click is remembered; a page view is not worth a write of its own.
	seenEvery = 5 * time.Minute
)

// What a session holds.
const (
	keyOrg   = "org"
	keyUser  = "user"
	keySeen  = "seen"
	keyBegan = "began" // the two weeks count from here, whatever keys the session has had since
	keyFlash = "flash"
	keyUndo  = "undo" // how the last change in the calendar is taken back

	keySession = "session" // account.Session's ID
	keyArrival = "arrival" // a sealed arrival: who came from Microsoft and has no account, or not that one
)

func newSessions(d Deps) *scs.SessionManager {
	m := scs.New()
	m.Store = d.Sessions
	m.Lifetime = sessionLife
	m.HashTokenInStore = true
	like := d.Settings.cookie("tandem_session", "", 0)
	m.Cookie.Name, m.Cookie.Path, m.Cookie.HttpOnly, m.Cookie.Secure, m.Cookie.SameSite = like.Name, like.Path, like.HttpOnly, like.Secure, like.SameSite
	return m
}

// cookie is one of ours: for the whole host and nobody else, out of the reach of scripts, and not sent with what other sites
// have a browser do, but for links that people follow.
func (s Settings) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode,
	}
}

// cookieName has before it what keeps a sibling host, or a page without TLS, from planting a cookie of this name.
func (s Settings) cookieName(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

// sessionsAway answers when sessions cannot be read or stored.
func (s *Site) sessionsAway(w http.ResponseWriter, r *http.Request, err error) {
	s.fail(&visit{w: w, r: r, words: s.pages.negotiate(r, ""), now: s.Now()}, err)
}

// maxAgent is how much is kept of what a browser says of itself.
const maxAgent = 200

// signIn makes the browser's session one of this user, under a new token, and ends the one that it had. The log tells by which
// route somebody came in.
func (s *Site) signIn(v *visit, u account.User) error {
	if err := s.endSession(v.ctx()); err != nil {
		return err
	}
	if err := s.sessions.Clear(v.ctx()); err != nil {
		return err
	}
	if err := s.sessions.RenewToken(v.ctx()); err != nil {
		return err
	}
	agent := []rune(strings.ToValidUTF8(v.r.UserAgent(), ""))
	session := account.Session{
		ID: rand.Text(), Org: u.Org, User: u.ID, Created: s.Now(), Seen: s.Now(),
		Agent: string(agent[:min(len(agent), maxAgent)]), Address: s.place(v.r),
	}
	if err := s.Accounts.OpenSession(v.ctx(), session); err != nil {
		return err
	}
	s.sessions.Put(v.ctx(), keySession, session.ID)
	s.sessions.Put(v.ctx(), keyOrg, int64(u.Org))
	s.sessions.Put(v.ctx(), keyUser, int64(u.ID))
	s.sessions.Put(v.ctx(), keySeen, s.Now().Unix())
	s.sessions.Put(v.ctx(), keyBegan, s.Now().Unix())
	s.Logger.Info("web: signed in", "route", v.r.Pattern, "org", u.Org, "user", u.ID)
	return s.Accounts.SignedIn(v.ctx(), u.Org, u.ID, s.Now())
}

// endSession ends the session of a user that the browser has, if it has one.
func (s *Site) endSession(ctx context.Context) error {
	org, user, id := s.sessions.GetInt64(ctx, keyOrg), s.sessions.GetInt64(ctx, keyUser), s.sessions.GetString(ctx, keySession)
	if id == "" {
		return nil
	}
	return s.Accounts.EndSession(ctx, record.ID(org), record.ID(user), id)
}

// member finds who is signed in; ok is false when nobody is, or no longer. byHand says that a person does something:
// what an open page asks for by itself does not keep a session from being idle.
func (s *Site) member(ctx context.Context, byHand bool) (u account.User, ok bool, err error) {
	org, user := s.sessions.GetInt64(ctx, keyOrg), s.sessions.GetInt64(ctx, keyUser)
	if org == 0 || user == 0 {
		return u, false, nil
	}
	seen, began := time.Unix(s.sessions.GetInt64(ctx, keySeen), 0), time.Unix(s.sessions.GetInt64(ctx, keyBegan), 0)
	if s.Now().Sub(seen) > sessionIdle || s.Now().Sub(began) > sessionLife {
		return u, false, s.sessions.Destroy(ctx)
	}
	var now time.Time
	if byHand && s.Now().Sub(seen) > seenEvery {
		now = s.Now()
		s.sessions.Put(ctx, keySeen, now.Unix())
	}
	u, err = s.Accounts.SessionUser(ctx, s.sessions.GetString(ctx, keySession), now)
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Denied), err == nil && u.ID != record.ID(user):
		return account.User{}, false, s.sessions.Destroy(ctx)
	case err != nil:
		return u, false, err
	}
	return u, true, nil
}

// flash is what the next page says once.
type flash struct {
	Key  string `json:"k"`           // of the message
	More string `json:"m,omitempty"` // the key of a second sentence
	Name string `json:"n,omitempty"` // of the record concerned
	Undo string `json:"u,omitempty"` // where a form takes it back
	// Count is how many records are concerned, for the words of Key; 0: the words have no count.
	Count int  `json:"c,omitempty"`
	Bad   bool `json:"b,omitempty"`
}

func (s *Site) putFlash(ctx context.Context, f flash) {
	if raw, err := json.Marshal(f); err == nil {
		s.sessions.Put(ctx, keyFlash, string(raw))
	}
}

func (s *Site) popFlash(ctx context.Context) *flash {
	raw := s.sessions.PopString(ctx, keyFlash)
	var f flash
	if raw == "" || json.Unmarshal([]byte(raw), &f) != nil {
		return nil
	}
	return &f
}
