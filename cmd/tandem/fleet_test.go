package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tandem/internal/app"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/simtest"
	"tandem/internal/store"
	"tandem/internal/testkit/graphspec"
	"tandem/internal/testkit/loopback"
	"tandem/internal/testkit/pgtest"
)

var (
	kills   = flag.Int("kills", 10, "how many processes to kill in each of the tests that kill them at random")
	binary  = flag.String("tandem", "", "the program to run; without it this test binary is the program")
	report  = flag.String("report", "", "the page to tell of the kills, such as docs/reliability.md, from the repository's root")
	shutter = flag.Duration("between", 400*time.Millisecond, "the most time between one kill and the next")
)

// asProgram makes the test binary behave as the program itself.
const asProgram = "TANDEM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		pgtest.Main(m)
		return
	}
	go func() { // whoever started us is gone
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	main()
}

// secretKey seals the tokens of a fleet.
const secretKey = "a key for tests, of forty characters or so"

// fleet are processes of `tandem serve` on one database and one simulated Microsoft 365, behind one public address.
type fleet struct {
	t        testing.TB
	database string // as the test reaches it
	store    *store.Store
	sim      *m365sim.Sim
	members  []*member

	simURL, url string
	busy        atomic.Int64 // requests that Graph is answering
	next        atomic.Int64 // whose turn it is at the public address
}

// newFleet makes the organizations and n processes, none of which runs. through is the database as the processes reach it,
// if that is another way than the test's.
func newFleet(t testing.TB, database, through string, n int) *fleet {
	t.Helper()
	f := &fleet{t: t, database: database}
	f.sim = m365sim.New(m365sim.Options{Seed: 1})
	judge := graphspec.NewJudge(t)
	graph := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.busy.Add(1)
		defer f.busy.Add(-1)
		body, err := io.ReadAll(r.Body)
		if err != nil { // the process died while it sent
			panic(http.ErrAbortHandler)
		}
		judge.Request(r.Method, r.URL.RequestURI(), r.Header, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		told := &heard{ResponseWriter: w, status: http.StatusOK}
		f.sim.ServeHTTP(told, r)
		if !f.sim.Faulted() {
			judge.Answer(r.Method, r.URL.RequestURI(), r.Header, body, told.status, w.Header(), told.body.Bytes())
		}
	}))
	t.Cleanup(graph.Close)
	t.Cleanup(f.sim.Close)
	t.Cleanup(func() { // whatever the test looked at
		if mails := f.sim.Mails(); len(mails) > 0 {
			t.Errorf("Exchange would have sent %d mails: %+v", len(mails), mails)
		}
	})
	f.simURL = graph.URL
	f.sim.SetBaseURL(f.simURL)
	front := httptest.NewServer(f.front())
	t.Cleanup(front.Close)
	f.url = front.URL

	db, err := store.Open(t.Context(), database, store.Options{SecretKey: secretKey, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	f.store = db
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := app.Seed(t.Context(), db.Accounts(), f.sim, time.Now().UTC()); err != nil {
		t.Fatal(err)
	}
	if through == "" {
		through = database
	}
	for i := range n {
		m := &member{fleet: f, name: fmt.Sprint("process ", i+1), listen: loopback.Address(t), database: through}
		f.members = append(f.members, m)
		t.Cleanup(m.kill)
	}
	return f
}

// heard keeps what the simulator answers, whether or not anybody is left to hear it.
type heard struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heard) WriteHeader(status int) {
	h.status = status
	h.ResponseWriter.WriteHeader(status)
}

func (h *heard) Write(p []byte) (int, error) {
	h.body.Write(p)
	return h.ResponseWriter.Write(p)
}

// Unwrap lets the simulator reach what else the connection can do.
func (h *heard) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// served reports whether all wakes of all links have been served.
func (f *fleet) served() bool {
	f.t.Helper()
	orgs, err := f.store.Accounts().Organizations(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, o := range orgs {
		links, err := f.store.Links().LinksIn(f.t.Context(), o.ID)
		if err != nil {
			f.t.Fatal(err)
		}
		if slices.ContainsFunc(links, func(l reconcile.Link) bool { return l.Done < l.Wanted }) {
			return false
		}
	}
	return true
}

// front hands each request to the next process that is up, as a load balancer does.
func (f *fleet) front() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			for range f.members {
				m := f.members[int(f.next.Add(1))%len(f.members)]
				if m.up.Load() {
					r.SetURL(&url.URL{Scheme: "http", Host: m.listen})
					r.Out.Host = r.In.Host
					return
				}
			}
			r.SetURL(&url.URL{Scheme: "http", Host: f.members[0].listen})
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 8},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway) // whether it was done, nobody knows
		},
	}
}

// member is one process, which may die and be started again.
type member struct {
	*fleet
	name, listen, database string

	up    atomic.Bool
	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
	log   tail
}

// start starts the process and does not wait for it.
func (m *member) start() {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	program := *binary
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			m.t.Fatal(err)
		}
	}
	clientID, secret := app.DemoCredentials()
	cmd := exec.Command(program, "serve", "--listen", m.listen, "--url", m.url, "--database-url", m.database, "--secret-key", secretKey,
		"--microsoft-client-id", clientID, "--microsoft-client-secret", secret.Reveal(),
		"--microsoft-authority", m.simURL, "--graph-url", m.simURL+"/v1.0", "--log-level", "warn")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = &m.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ended := make(chan struct{})
	m.cmd, m.stdin, m.ended = cmd, stdin, ended
	go func() {
		line := bufio.NewScanner(stdout)
		for line.Scan() {
			if strings.HasPrefix(line.Text(), "Tandem listens") {
				m.up.Store(true)
			}
		}
		_ = cmd.Wait() // how it ends is the test's doing
		m.up.Store(false)
		close(ended)
	}()
}

// ready waits until the process takes requests.
func (m *member) ready() {
	m.t.Helper()
	eventually(m.t, time.Minute, m.name+" is up", func() bool { return m.up.Load() })
}

// kill is kill -9. It comes back when the process is gone.
func (m *member) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Kill() // it may have ended already
	<-m.ended
	_ = m.stdin.Close()
	m.cmd = nil
}

// signal stops and continues the process where it stands.
func (m *member) signal(s syscall.Signal) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// storm kills processes at random moments, n times, and has each started again a moment later. All are up at its end. k counts what it
// hit. Half of the kills wait for a request to Graph; a process that is still starting is spared most times, or none would ever work.
func (f *fleet) storm(ctx context.Context, k *simtest.Killed, n int, random *rand.Rand) {
	f.t.Helper()
	var restarts sync.WaitGroup
	for end := k.Kills + n; k.Kills < end && ctx.Err() == nil; {
		time.Sleep(upTo(random, *shutter))
		if random.IntN(2) == 0 {
			for asked := time.Now(); f.busy.Load() == 0 && time.Since(asked) < *shutter; {
				time.Sleep(time.Millisecond)
			}
		}
		m := f.members[random.IntN(len(f.members))]
		up := m.up.Load()
		if !m.alive() || !up && random.IntN(8) > 0 {
			continue
		}
		if !up {
			k.Starting++
		}
		if f.busy.Load() > 0 {
			k.InRequest++
		}
		m.kill()
		k.Kills++
		pause := upTo(random, *shutter/2)
		restarts.Go(func() {
			time.Sleep(pause)
			m.start()
		})
	}
	restarts.Wait()
	for _, m := range f.members {
		m.ready()
	}
}

func (m *member) alive() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cmd != nil
}

// tail keeps the end of what a process says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 32 << 10

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if extra := len(l.text) - tailSize; extra > 0 {
		l.text = l.text[extra:]
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// eventually asks again until the answer is yes.
func eventually(t testing.TB, patience time.Duration, what string, yes func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !yes() {
		if time.Now().After(deadline) {
			t.Fatalf("it never happened: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// token is an API token of a person of Contoso.
func (f *fleet) token(name string) string {
	f.t.Helper()
	token, err := app.IssueToken(f.t.Context(), f.database, name+"@contoso.example", "", slog.New(slog.DiscardHandler))
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// cable is a TCP connection to a database that can be pulled out.
type cable struct {
	listener net.Listener
	dial     func() (net.Conn, error)

	mu    sync.Mutex
	out   bool // pulled out: whoever connects is turned away
	mute  bool // connections stand and carry nothing
	conns map[net.Conn]struct{}
}

// newCable leads to a PostgreSQL of pgtest and returns the address of its own end.
func newCable(t testing.TB, database string) (c *cable, through string) {
	t.Helper()
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	socket := at.Query().Get("host") + "/.s.PGSQL.5432"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c = &cable{listener: listener, dial: func() (net.Conn, error) { return net.Dial("unix", socket) }, conns: map[net.Conn]struct{}{}}
	go c.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		c.pull()
	})
	at.Host, at.RawQuery = listener.Addr().String(), "sslmode=disable"
	return c, at.String()
}

func (c *cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := c.dial()
		if err != nil || !c.join(near, far) {
			_ = near.Close()
			if err == nil {
				_ = far.Close()
			}
			continue
		}
		go c.carry(near, far)
		go c.carry(far, near)
	}
}

func (c *cable) join(near, far net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out {
		return false
	}
	c.conns[near], c.conns[far] = struct{}{}, struct{}{}
	return true
}

func (c *cable) carry(from, to net.Conn) {
	defer func() {
		_, _ = from.Close(), to.Close()
		c.mu.Lock()
		delete(c.conns, from)
		delete(c.conns, to)
		c.mu.Unlock()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if c.muted() { // lost on the way, as behind a firewall that has forgotten the connection
			if err != nil {
				return
			}
			continue
		}
		if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (c *cable) muted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mute
}

// silence has all connections stand and carry nothing.
func (c *cable) silence() {
	c.mu.Lock()
	c.mute = true
	c.mu.Unlock()
}

// pull breaks all connections and turns away new ones, until plug.
func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out, c.mute = true, false
	for conn := range c.conns {
		_ = conn.Close()
	}
}

func (c *cable) plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = false
}

// upTo is a random time below most.
func upTo(random *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(most)))
}
