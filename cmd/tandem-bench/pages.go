package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tandem/internal/m365sim"
	"tandem/internal/record"
	"tandem/internal/testkit/browse"
)

// pages measures how long pages take with 100,000 contacts and 50,000 events in the CRM, as a signed-in person's browser waits for them.
func (b *bench) pages(ctx context.Context) (err error) {
	if err := b.insert(ctx, b.users["isaiah"], record.Contacts, b.n(100_000), contactFields); err != nil {
		return err
	}
	if err := b.insert(ctx, b.users["isaiah"], record.Calendar, b.n(50_000), eventFields); err != nil {
		return err
	}
	address, stop, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := stop(); err == nil {
			err = stopErr
		}
	}()
	browser, err := b.signIn(ctx, address, "isaiah")
	if err != nil {
		return err
	}
	var took []time.Duration
	for i := range 40 {
		for _, path := range []string{
			"/contacts", fmt.Sprintf("/contacts?page=%d", i*7+2), fmt.Sprintf("/contacts?q=tal+%05d", i*97),
			fmt.Sprintf("/contacts?q=fulana%d", i*31), "/contacts?sort=modified", "/",
			"/contacts?sort=Account_Name", fmt.Sprintf("/contacts?f=Email&o=begins&v=fulana%d", i*31), "/contacts?f=Email&o=filled&v=&sort=Email",
			"/calendar/list", fmt.Sprintf("/calendar/list?when=all&sort=name&page=%d", i*7+2), fmt.Sprintf("/calendar/list?owner=all&from=2027-%02d-01&to=2027-%02d-28", i%12+1, i%12+1),
			fmt.Sprintf("/calendar/list?q=visita+%d", i*97), "/calendar/list?outlook=out", "/calendar/list?when=all&f=Venue&o=has&v=paulista",
		} {
			start := time.Now()
			page, err := browser.Get(ctx, address+path)
			if err != nil {
				return err
			}
			if page.Status != http.StatusOK || page.URL.Path == "/signin" {
				return fmt.Errorf("%s answered %d at %s", path, page.Status, page.URL)
			}
			took = append(took, time.Since(start))
		}
	}
	b.add("pages_100k", "p50_ms", percentile(took, 50))
	b.add("pages_100k", "p99_ms", percentile(took, 99))
	return nil
}

// serve runs Tandem until stop is called.
func (b *bench) serve(ctx context.Context) (address string, stop func() error, err error) {
	serving, cancel := context.WithCancel(ctx)
	up, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- b.app.Serve(serving, func(address string) { up <- address }) }()
	select {
	case address = <-up:
		return "http://" + address, func() error { cancel(); return <-ended }, nil
	case err = <-ended:
		cancel()
		return "", nil, err
	}
}

// signIn signs a person in through the simulator's pages.
func (b *bench) signIn(ctx context.Context, address, name string) (*browse.Browser, error) {
	browser := browse.New()
	page, err := browser.Get(ctx, address+"/signin")
	if err != nil {
		return nil, err
	}
	if page, err = browser.Follow(ctx, page, "Sign in with Microsoft"); err != nil {
		return nil, err
	}
	page, err = browser.Submit(ctx, page, "Sign in", map[string]string{"username": name + "@contoso.example"})
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(page.URL.String(), address) { // consent is asked for once
		_, err = browser.Submit(ctx, page, "Accept", nil)
	}
	return browser, err
}

// start measures how long the program takes from its start until it is ready, with a database that exists.
func (b *bench) start(ctx context.Context) error {
	binary := filepath.Join(b.dir, "tandem")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/tandem")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	var took []time.Duration
	for range 5 {
		d, err := b.startOnce(ctx, binary)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	b.add("start_ms", "start_ms", percentile(took, 50))
	return nil
}

func (b *bench) startOnce(ctx context.Context, binary string) (time.Duration, error) {
	listen, err := freeAddress()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, binary, "serve", "--listen", listen, "--log-level", "error",
		"--database-url", "sqlite:"+filepath.Join(b.dir, "start.db"), "--secret-key", "0123456789abcdef0123456789abcdef",
		"--microsoft-client-id", m365sim.DemoClientID, "--microsoft-client-secret", m365sim.DemoClientSecret,
		"--microsoft-authority", b.sim.Base, "--graph-url", b.sim.Base+"/v1.0")
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err = eventually(ctx, 20*time.Second, func() (bool, error) {
		resp, err := http.Get("http://" + listen + "/readyz")
		if err != nil {
			return false, nil // not listening yet
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
	took := time.Since(start)
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait() // how it ends is not what is measured
	return took, err
}
