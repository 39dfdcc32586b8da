package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"tandem/internal/m365sim"
)

// What a person's grant covers in all measurements.
var scopes = []string{
	"openid", "profile", "email", "offline_access", "User.Read", "MailboxSettings.Read", "Calendars.ReadWrite", "Contacts.ReadWrite",
}

// person is somebody of the simulated tenant, with tokens as if they had signed in.
type person struct {
	UPN, TenantID, ObjectID string
	Access, Refresh         string
}

// runSimulator is the child process: it serves the simulator and tells its address and people on standard output. It
// ends when its standard input does.
func runSimulator(_ context.Context, _ []string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	sim := m365sim.New(m365sim.Options{Seed: 1, BaseURL: "http://" + listener.Addr().String()})
	defer sim.Close()
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(0) }()

	var people, crowd []person
	signedIn := func(p *m365sim.Person) person {
		return person{p.UPN, p.TenantID, p.ID, sim.IssueToken(p.UPN, scopes...), sim.IssueRefreshToken(p.UPN, m365sim.DemoClientID, scopes...)}
	}
	for _, name := range peopleNames {
		people = append(people, signedIn(sim.Person(name+"@contoso.example")))
	}
	for i := range crowdSize {
		crowd = append(crowd, signedIn(sim.AddPerson("contoso.example", fmt.Sprint("neighbour", i), "Neighbour", fmt.Sprint(i), nil)))
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"base": sim.BaseURL(), "people": people, "crowd": crowd}); err != nil {
		return err
	}
	return http.Serve(listener, sim)
}

var peopleNames = []string{"adele", "alex", "diego", "grady", "isaiah", "lee", "megan", "admin"}

// simulator is the parent's hold on the child.
type simulator struct {
	Base   string   `json:"base"`
	People []person `json:"people"`
	Crowd  []person `json:"crowd"`

	cmd   *exec.Cmd
	stdin io.Closer
	http  *http.Client
}

func startSimulator(ctx context.Context) (*simulator, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &simulator{cmd: exec.CommandContext(ctx, self, "simulator"), http: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 16},
	}}
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the simulator did not start: %w", err)
	}
	return s, json.Unmarshal(line, s)
}

func (s *simulator) stop() {
	_ = s.stdin.Close() // the child ends by this
	_ = s.cmd.Wait()
}

// call makes a request as a person (nil: of the control handles) and reads the answer into out, if out is not nil.
func (s *simulator) call(ctx context.Context, as *person, method, path string, body, out any) error {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.Base+path, reader)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if as != nil {
		req.Header.Set("Authorization", "Bearer "+as.Access)
		req.Header.Set("Prefer", `IdType="ImmutableId"`)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// latency makes every request, and every part of a batch, take so long.
func (s *simulator) latency(ctx context.Context, d time.Duration) error {
	return s.call(ctx, nil, http.MethodPost, "/sim/latency", map[string]int64{"ms": d.Milliseconds()}, nil)
}
