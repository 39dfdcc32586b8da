package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"tandem/internal/testkit/loopback"
	"testing"
	"time"
)

// says runs a command line in a folder of its own and returns what it says and whether it went well.
func says(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	err := run(ctx, args, &out, &out)
	text := out.String()
	if err != nil {
		text += err.Error()
	}
	return text, err
}

func TestCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, row := range []struct {
		name string
		args []string
		fail bool
		want []string
	}{
		{"nothing", nil, true, []string{"demo", "serve", "sim", "migrate", "package"}},
		{"version", []string{"version"}, false, []string{"tandem "}},
		{"no such command", []string{"frobnicate"}, true, []string{"frobnicate"}},
		{"no such flag", []string{"serve", "--colour"}, true, []string{"--colour"}},
		{
			"all complaints at once", []string{"serve", "--listen", "nowhere", "--url", "ftp://x", "--database-url", "mysql://x", "--graph-url", "http://example.com"}, true,
			[]string{"TANDEM_LISTEN", "TANDEM_URL", "TANDEM_DATABASE_URL", "TANDEM_SECRET_KEY", "TANDEM_MICROSOFT_CLIENT_ID", "TANDEM_MICROSOFT_CLIENT_SECRET", "TANDEM_GRAPH_URL"},
		},
		{"an edition that there is not", []string{"serve", "--edition", "gratis"}, true, []string{"TANDEM_EDITION", "gratis", "free", "enterprise"}},
		{"a token without a database", []string{"token", "--user", "a@b.example"}, true, []string{"there is no database", "TANDEM_DATABASE_URL"}},
		{"a token without a user", []string{"token"}, true, []string{"--user"}},
		{"migrate makes the database", []string{"migrate"}, false, []string{"up to date"}},
		{"a token for nobody", []string{"token", "--user", "a@b.example"}, true, []string{"nobody here has the address a@b.example"}},
		{"backup", []string{"backup", "copy.db"}, false, []string{"copy.db"}},
		{"backup over something", []string{"backup", "copy.db"}, true, []string{"exists already"}},
		{"backup of PostgreSQL", []string{"backup", "x.db", "--database-url", "postgres://localhost/x"}, true, []string{"pg_dump"}},
		{"relink of nothing", []string{"relink"}, false, []string{"0 links"}},
	} {
		text, err := says(t, row.args...)
		if (err != nil) != row.fail {
			t.Errorf("%s: error %v", row.name, err)
		}
		for _, want := range row.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in what it says:\n%s", row.name, want, text)
			}
		}
	}
}

// spoken is an output that several may write to.
type spoken struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestDemo starts the demo as a newcomer does, takes a token for Adele while it runs, uses it, and lets the doctor look.
func TestDemo(t *testing.T) {
	t.Chdir(t.TempDir())
	listen, sim := loopback.Address(t), loopback.Address(t)
	ctx, stop := context.WithCancel(context.Background())
	out, ended := &spoken{}, make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"demo", "--listen", listen, "--sim-listen", sim, "--log-level", "error"}, out, out)
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the demo ended with %v", err)
		}
	}()
	eventually(t, time.Minute, "the demo says where it is", func() bool { return strings.Contains(out.String(), "http://"+listen) })
	if info, err := os.Stat(filepath.Join("tandem-demo", "secret.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info, err)
	}
	token, err := says(t, "token", "--user", "Adele@Contoso.example")
	if err != nil {
		t.Fatal(token)
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+listen+"/crm/v8/users?type=CurrentUser", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Zoho-oauthtoken "+strings.TrimSpace(token))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the token is answered with %s", resp.Status)
	}

	settings := []string{
		"doctor", "--database-url", "sqlite:tandem-demo/tandem.db", "--secret-key", strings.Repeat("k", 32), "--microsoft-authority", "http://" + sim,
		"--graph-url", "http://" + sim + "/v1.0", "--microsoft-client-id", "7a8d0e7e-3c1b-4b1e-9a53-1a4de7a0365d", "--microsoft-client-secret",
	}
	if text, err := says(t, append(settings, "tandem~demo~secret~for~the~simulator")...); err != nil || strings.Contains(text, "PROBLEM") || !strings.Contains(text, "note     letters can be sent") {
		t.Errorf("the doctor finds the demo sick: %v\n%s", err, text)
	}
	if text, err := says(t, append(settings, "7a8d0e7e-3c1b-4b1e-9a53-1a4de7a0365e")...); err == nil || !strings.Contains(text, "not its Secret ID") || !strings.Contains(text, "refuses the client secret") {
		t.Errorf("the doctor misses a secret's ID pasted for its value: %v\n%s", err, text)
	}
	// Without a database named, it is the one that serve will make, and not the demo's with another key.
	settings = slices.DeleteFunc(settings, func(s string) bool { return strings.Contains(s, "database") || strings.HasPrefix(s, "sqlite:") })
	if text, err := says(t, append(settings, "tandem~demo~secret~for~the~simulator")...); err != nil || !strings.Contains(text, "no database at tandem.db yet") {
		t.Errorf("before the first start: %v\n%s", err, text)
	}
}
