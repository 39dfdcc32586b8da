package web

import (
	"sync/atomic"
	"testing"

	"tandem/internal/account"
	"tandem/internal/store"
)

// Open pages look again whenever accounts have changed. One that changed something by looking would never come to rest.
func TestLookingAtUsersChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lee := w.asks("lee@contoso.example")
	admin := w.as("admin@contoso.example")
	if got := admin.post(userPath(lee.ID)+"/decline", "word", "No"); got.status != 200 {
		t.Fatalf("declining: %d", got.status)
	}
	nina := w.invite(account.Invitee{Email: "nina@elsewhere.example"})
	var commits atomic.Int64
	defer w.store.OnCommit(func(c store.Commit) {
		if c.Accounts {
			commits.Add(1)
		}
	})()
	for _, path := range []string{usersPath, userPath(lee.ID), userPath(nina.ID), userPath(w.users["adele@contoso.example"].ID), profilesPath, auditPath} {
		if got := admin.get(path); got.status != 200 {
			t.Errorf("%s: %d", path, got.status)
		}
		if n := commits.Swap(0); n != 0 {
			t.Errorf("looking at %s changed accounts %d times", path, n)
		}
	}
}

// Withdrawing an invitation and sending another must not be a way around the limit of letters to one address.
func TestInvitationsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stop()
	admin := w.as("admin@contoso.example").stay()
	sent := 0
	for range 10 {
		got := admin.post("/setup/users/new", "email", "Nina@elsewhere.example", "profile", "Standard")
		nina, ok := w.found(w.org, "nina@elsewhere.example")
		if !ok {
			if got.status != 429 || got.header.Get("Retry-After") == "" {
				t.Errorf("refused with %d", got.status)
			}
			break
		}
		sent++
		if got := admin.post(userPath(nina.ID) + "/resend"); got.status == 303 {
			sent++
		}
		if got := admin.post(userPath(nina.ID) + "/withdraw"); got.status != 303 {
			t.Fatalf("withdrawing: %d", got.status)
		}
	}
	if sent > 6 {
		t.Errorf("%d letters went to one address", sent)
	}
	if got := admin.post("/setup/users/new", "email", "another@elsewhere.example", "profile", "Standard"); got.status != 303 {
		t.Errorf("somebody else: %d", got.status)
	}
	other := w.as("admin@fabrikam.example").stay()
	if got := other.post("/setup/users/new", "email", "nina@elsewhere.example", "profile", "Standard"); got.status != 303 {
		t.Errorf("another organization: %d", got.status)
	}
}
