package web

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/credential"
	"tandem/internal/m365sim"
	"tandem/internal/testkit/certtest"
)

// TestS1_PeopleSignInWhereTheAppHasACertificate goes the whole way through the simulator, whose app knows no secret.
func TestS1_PeopleSignInWhereTheAppHasACertificate(t *testing.T) {
	t.Parallel()
	pair, stranger := certtest.New(t), certtest.New(t)
	with := func(p certtest.Pair) *world {
		c, err := credential.Parse(p.PEM(t), m365sim.DemoClientID, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, func(d *Deps) { d.Settings.Credential = c })
		w.sim.EditApp(m365sim.DemoClientID, func(a *m365sim.App) { a.Secret, a.Certificates = "", [][]byte{pair.DER} })
		return w
	}
	if got := with(pair).as("adele@contoso.example").get("/contacts"); got.status != 200 || got.path != "/contacts" {
		t.Errorf("signed in, and came to %s with %d", got.path, got.status)
	}
	got := with(stranger).browser().signIn("/", "adele@contoso.example")
	if got.status != 503 || !strings.HasPrefix(got.path, "/auth/microsoft/callback") {
		t.Errorf("a certificate that Entra does not know led to %s with %d:\n%s", got.path, got.status, got.text())
	}
}
