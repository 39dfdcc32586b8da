package app_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"log/slog"

	"tandem/internal/app"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/testkit/graphspec"
	"tandem/internal/testkit/loopback"
)

// demo is a running `tandem demo` on ports of its own.
type demo struct {
	t   testing.TB
	app *app.App
	url string
	sim string

	database string
	m365     *m365sim.Sim
	mails    int // how many mails the people of the test cause in Outlook by themselves; Tandem causes none
}

// demoKey is the secret key of servers in tests.
const demoKey = "a key for tests, of forty characters or so"

func startDemo(t testing.TB) *demo {
	t.Helper()
	d, stop := startDemoAt(t, "sqlite:"+filepath.Join(t.TempDir(), "tandem.db"))
	t.Cleanup(stop)
	return d
}

// startDemoAt starts a demo on a database, until stop is called.
func startDemoAt(t testing.TB, database string) (_ *demo, stop func()) {
	t.Helper()
	return startDemoWith(t, database, slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// startDemoWith starts a demo that writes its log by a handler.
func startDemoWith(t testing.TB, database string, log slog.Handler) (_ *demo, stop func()) {
	t.Helper()
	clientID, secret := app.DemoCredentials()
	listen, simListen := loopback.Address(t), loopback.Address(t)
	config := app.Config{
		Listen: listen, SimListen: simListen, Demo: true, DatabaseURL: database,
		SecretKey: demoKey, MicrosoftClientID: clientID, MicrosoftClientSecret: secret,
		MicrosoftTenant: app.DefaultTenant, MicrosoftAuthority: "http://" + simListen, GraphURL: "http://" + simListen + "/v1.0",
	}
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	var sim atomic.Pointer[m365sim.Sim]
	config.Observe = judged(t, &sim)
	tandem, err := app.Build(t.Context(), config, slog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	sim.Store(tandem.Sim)
	ctx, cancel := context.WithCancel(context.Background())
	up, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- tandem.Run(ctx, func(address string) { up <- address }) }()
	select {
	case <-up:
	case err := <-ended:
		t.Fatal(err)
	}
	d := &demo{t: t, app: tandem, url: config.URL, sim: "http://" + simListen, database: database, m365: tandem.Sim}
	return d, func() {
		d.noMails()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the demo ended badly: %v", err)
		}
	}
}

// judged holds every request to Graph against Microsoft's description of it, and every answer unless failures were ordered.
func judged(t testing.TB, sim *atomic.Pointer[m365sim.Sim]) func(graph.Exchange) {
	judge := graphspec.NewJudge(t)
	return func(ex graph.Exchange) {
		method, uri := ex.Request.Method, ex.Request.URL.RequestURI()
		judge.Request(method, uri, ex.Request.Header, ex.Body)
		if s := sim.Load(); s != nil && !s.Faulted() {
			judge.Answer(method, uri, ex.Request.Header, ex.Body, ex.Status, ex.Header, ex.Answer)
		}
	}
}

// serveAt serves another database against the same simulator, as `tandem serve` does, until the test ends.
func (d *demo) serveAt(database string) *demo {
	d.t.Helper()
	clientID, secret := app.DemoCredentials()
	config := app.Config{
		Listen: loopback.Address(d.t), DatabaseURL: database, SecretKey: demoKey,
		MicrosoftClientID: clientID, MicrosoftClientSecret: secret, MicrosoftTenant: app.DefaultTenant,
		MicrosoftAuthority: d.sim, GraphURL: d.sim + "/v1.0",
	}
	if err := config.Check(); err != nil {
		d.t.Fatal(err)
	}
	var sim atomic.Pointer[m365sim.Sim]
	sim.Store(d.m365)
	config.Observe = judged(d.t, &sim)
	tandem, err := app.Build(d.t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	up, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- tandem.Run(ctx, func(address string) { up <- address }) }()
	select {
	case <-up:
	case err := <-ended:
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Errorf("the server ended badly: %v", err)
		}
	})
	return &demo{t: d.t, app: tandem, url: config.URL, sim: d.sim, database: database, m365: d.m365}
}

// testLog sends the log of a demo to its test. Lines that come after the test's end are dropped.
type testLog struct{ t testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Log(strings.TrimSpace(string(line)))
	}
	return len(line), nil
}

// as acts in the simulated Outlook as a person.
func (d *demo) as(name string) *m365sim.Actor { return d.m365.As(name + "@contoso.example") }

// eventually asks again until the answer is yes. It asks ever more rarely, because each question is work for the very process
// that is waited for: on a machine that is short of processors, asking every few milliseconds would be what keeps it from happening.
func (d *demo) eventually(what string, yes func() bool) {
	d.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for pause := 5 * time.Millisecond; !yes(); pause = min(pause*3/2, 250*time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("it never happened: %s", what)
		}
		time.Sleep(pause)
	}
}

// metrics is what operators are told.
func (d *demo) metrics() string {
	d.t.Helper()
	resp, err := http.Get(d.url + "/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(body)
}

// noMails checks that Exchange has sent no mail but those that the test's people cause themselves (d.mails). Every demo
// ends with it.
func (d *demo) noMails() {
	d.t.Helper()
	if mails := d.m365.Mails(); len(mails) != d.mails {
		d.t.Errorf("Exchange would have sent %d mails, not %d: %+v", len(mails), d.mails, mails)
	}
}
