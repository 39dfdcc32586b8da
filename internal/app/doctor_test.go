package app_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/app"
)

// TestD12_TheDoctorSeesAnotherSecretKey: the tokens of a connected person cannot be opened with another key.
func TestD12_TheDoctorSeesAnotherSecretKey(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "tandem.db")
	d, stop := startDemoAt(t, database)
	defer stop()
	d.client("adele").switchOn("contacts")
	clientID, secret := app.DemoCredentials()
	config := app.Config{
		Listen: app.DefaultListen, DatabaseURL: database, SecretKey: "a key for tests, of forty characters or so",
		MicrosoftClientID: clientID, MicrosoftClientSecret: secret, MicrosoftTenant: app.DefaultTenant, MicrosoftAuthority: d.sim, GraphURL: d.sim + "/v1.0",
	}
	problems := func() (all string) {
		for f := range app.Doctor(t.Context(), config, slog.New(slog.DiscardHandler)) {
			all += f.Problem
		}
		return all
	}
	if got := problems(); got != "" {
		t.Errorf("with the right key: %s", got)
	}
	config.SecretKey = "another key for tests, of forty characters"
	if got := problems(); !strings.Contains(got, "TANDEM_SECRET_KEY") {
		t.Errorf("with another key: %q", got)
	}
}
