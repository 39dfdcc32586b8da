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
