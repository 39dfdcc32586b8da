package app_test

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/record"
)

// TestS8_TheDemosOutboxShowsTheInvitation goes the whole way of a letter: stored with its cause, sent by the job engine over
// SMTP, shown by the simulator.
func TestS8_TheDemosOutboxShowsTheInvitation(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	accounts := d.app.Store.Accounts()
	admins, err := accounts.UsersByEmail(t.Context(), "admin@contoso.example")
	if err != nil || len(admins) != 1 {
		t.Fatal(admins, err)
	}
	out, err := account.NewRegistry(accounts, time.Now).Invite(t.Context(), admins[0], []account.Invitee{{Email: "zoe@elsewhere.example"}}, account.Standard)
	if err != nil || out[0].Err != nil {
		t.Fatal(out, err)
	}
	d.eventually("a letter is in the outbox", func() bool { return len(d.m365.Outbox()) > 0 })
	m := d.m365.Outbox()[0]
	if m.To[0] != "zoe@elsewhere.example" || !strings.Contains(m.Text, d.url+"/invitation/") || !strings.Contains(m.HTML, d.url+"/invitation/") {
		t.Errorf("in the outbox is %+v", m)
	}
	d.eventually("the user's row says that it was sent", func() bool {
		letters, err := accounts.Letters(t.Context(), admins[0].Org, []record.ID{out[0].User.ID})
		if err != nil {
			t.Fatal(err)
		}
		return letters[out[0].User.ID].State == account.LetterSent
	})
}
