//go:build unix

// Package pgtest gives tests a PostgreSQL of their own: it starts the machine's server binaries in a temporary folder,
// one server for the test process and one database for each test, and leaves nothing behind. Where there are no
// binaries the test is skipped.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Main runs a package's tests and stops the server that they started: func TestMain(m *testing.M) { pgtest.Main(m) }.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

// URL makes an empty database, which lives as long as the test, and returns its address.
func URL(t testing.TB) string {
	t.Helper()
	s, err := running()
	if errors.Is(err, errAbsent) {
		t.Skipf("pgtest: %v", err)
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name := fmt.Sprintf("t%d", s.databases.Add(1))
	s.admin(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { s.admin(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	return s.url(name)
}

// Stop stops the server, if one was started.
func Stop() {
	starting.Lock()
	defer starting.Unlock()
	if shared == nil {
		return
	}
	shared.stop()
	shared = nil
}

var (
	starting sync.Mutex
	shared   *server
	absent   error

	errAbsent = errors.New("this machine has no PostgreSQL server (postgres and initdb)")
)

func running() (*server, error) {
	starting.Lock()
	defer starting.Unlock()
	if shared != nil || absent != nil {
		return shared, absent
	}
	s, err := start()
	if err != nil {
		if errors.Is(err, errAbsent) {
			absent = err
		}
		return nil, err
	}
	shared = s
	return s, nil
}

type server struct {
	folder    string // also holds its socket: paths of sockets have at most 107 bytes
	process   *exec.Cmd
	ended     chan struct{}
	databases atomic.Int64
}

// patience bounds the wait for a server to start or to stop on a busy machine.
const patience = 60 * time.Second

func start() (_ *server, err error) {
	initdb, postgres, err := binaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pgt")
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	attr, err := unprivileged(folder)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	setup := exec.Command(initdb, "--pgdata="+data, "--username=tandem", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	setup.Dir, setup.SysProcAttr = folder, attr
	if out, err := setup.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.process = exec.Command(postgres, "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "synchronous_commit=off", "-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "autovacuum_naptime=10min")
	s.process.Dir, s.process.SysProcAttr, s.process.Stdout, s.process.Stderr = folder, attr, log, log
	if err := s.launch(); err != nil {
		return nil, err
	}
	return s, s.wait()
}

// launch starts the process from a thread that lives as long as the server: the server is told to end when the thread
// does that started it, so that it does not outlive a test process that was killed.
func (s *server) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := s.process.Start()
		started <- err
		if err == nil {
			_ = s.process.Wait()
			close(s.ended)
		}
	}()
	return <-started
}

// wait waits until the server takes connections.
func (s *server) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.ended:
			log, _ := os.ReadFile(filepath.Join(s.folder, "log"))
			return fmt.Errorf("the server ended:\n%s", log)
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-tick.C:
		}
	}
}

func (s *server) stop() {
	if s.process != nil && s.process.Process != nil {
		_ = s.process.Process.Signal(os.Interrupt) // ends sessions and shuts down in order
		select {
		case <-s.ended:
		case <-time.After(patience):
			_ = s.process.Process.Kill()
			<-s.ended
		}
	}
	_ = os.RemoveAll(s.folder)
}

func (s *server) url(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("tandem"), Path: "/" + database, RawQuery: "host=" + url.QueryEscape(s.folder)}).String()
}

func (s *server) admin(t testing.TB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("pgtest: %s: %v", statement, err)
	}
}

// binaries finds the newest server: in what pg_config names, Debian's folders, or PATH.
func binaries() (initdb, postgres string, err error) {
	var folders []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	folders = append(folders, found...)
	for _, folder := range folders {
		initdb, postgres = filepath.Join(folder, "initdb"), filepath.Join(folder, "postgres")
		if executable(initdb) && executable(postgres) {
			return initdb, postgres, nil
		}
	}
	if initdb, err = exec.LookPath("initdb"); err == nil {
		if postgres, err = exec.LookPath("postgres"); err == nil {
			return initdb, postgres, nil
		}
	}
	return "", "", errAbsent
}

func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return n
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// unprivileged gives the folder to a user as whom the server may run: it refuses to run as root.
func unprivileged(folder string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return dieWithUs(&syscall.SysProcAttr{}), nil
	}
	var someone *user.User
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			someone = u
			break
		}
	}
	if someone == nil {
		return nil, errors.New("as root there must be a user postgres or nobody to run the server as")
	}
	uid, err := strconv.ParseUint(someone.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(someone.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(folder, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return dieWithUs(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}), nil
}
