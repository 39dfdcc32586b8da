package main

import (
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tandem/internal/simtest"
	"tandem/internal/testkit/pgtest"
)

// patience is how long the sides may take to come together on a busy machine. Links whose process died are free again after
// 15 s.
const patience = 2 * time.Minute

// round is after how many kills people rest and all is looked at.
const round = 20

// TestC1_OneProcessIsKilledOnSQLite kills the one process of an SQLite database at random moments while people work on both
// sides, and has it started again. `make kills` is the long run.
func TestC1_OneProcessIsKilledOnSQLite(t *testing.T) {
	t.Parallel()
	survives(t, newFleet(t, "sqlite:"+filepath.Join(t.TempDir(), "tandem.db"), "", 1), "SQLite", 1)
}

// TestC1_ThreeProcessesAreKilledOnPostgreSQL is the same with three processes on one database, of which all may be dead at once.
func TestC1_ThreeProcessesAreKilledOnPostgreSQL(t *testing.T) {
	t.Parallel()
	survives(t, newFleet(t, pgtest.URL(t), "", 3), "PostgreSQL", 2)
}

// survives has processes killed under load, in rounds, and sees after each: both sides agree, every write that was acknowledged is
// there, nothing is there twice, nobody was mailed, another run writes nothing.
func survives(t *testing.T, f *fleet, database string, seed uint64) {
	if testing.Short() {
		t.Skip("-short leaves out the storm of kills, which takes half a minute: `make test` runs it")
	}
	for _, m := range f.members {
		m.start()
	}
	for _, m := range f.members {
		m.ready()
	}
	people := f.newTeam("adele", "alex", "diego", "megan")
	random := rand.New(rand.NewPCG(seed, 9))
	k := simtest.Killed{Database: database, Processes: len(f.members)}
	var sum tally
	for k.Kills < *kills {
		f.sim.Latency(30 * time.Millisecond) // so that a kill finds requests on their way
		stop := people.work()
		f.storm(t.Context(), &k, min(*kills-k.Kills, round), random)
		stop()
		f.sim.Latency(0)
		sum = people.atPeace(patience)
		people.learn()
		k.Rounds++
	}
	t.Logf("%d kills: %d during a start, %d while Graph was answering; %s", k.Kills, k.Starting, k.InRequest, sum)
	if *report == "" || t.Failed() {
		return
	}
	k.Records, k.Acked, k.Unknown, k.Returned = sum.records, sum.acked, sum.unknown, sum.returned
	reporting.Lock()
	defer reporting.Unlock()
	if err := simtest.ReportKilled(filepath.Join("..", "..", *report), k); err != nil {
		t.Error(err)
	}
}

// reporting is held by the test that writes the report.
var reporting sync.Mutex

// TestI8_AFrozenWorkerIsRefused: a process is frozen in the middle of a run, beyond its lease; another takes its links over
// and finishes them. Continued, the first one writes nothing more.
func TestI8_AFrozenWorkerIsRefused(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves out the frozen worker, which waits for its lease to end: `make test` runs it")
	}
	f := newFleet(t, pgtest.URL(t), "", 2)
	first, second := f.members[0], f.members[1]
	first.start()
	first.ready()
	adele := f.newTeam("adele")
	f.sim.Latency(150 * time.Millisecond) // four at once: forty contacts take some seconds
	b := adele[0].books[0]
	for len(b.entries) < 40 {
		b.n++
		if err := adele[0].insert(b); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, patience, "the run is in its midst", func() bool { return len(adele[0].items(b)) > 4 })
	first.signal(syscall.SIGSTOP)
	first.up.Store(false)
	if n := len(adele[0].items(b)); n >= 40 {
		t.Fatalf("the run was over: %d contacts", n)
	}
	f.sim.Latency(0)
	second.start()
	second.ready()
	adele.atPeace(patience) // as soon as the lease of the frozen one has ended
	writes := f.writes()
	first.signal(syscall.SIGCONT)
	first.up.Store(true)
	eventually(t, patience, "the first works again", func() bool {
		status, _, err := adele[0].call(t.Context(), "GET", "/api/v1/links", nil)
		return err == nil && status == 200
	})
	time.Sleep(time.Second) // for whatever it would do
	if now := f.writes(); now != writes {
		t.Errorf("the worker that was frozen wrote %d times", now-writes)
	}
	adele.atPeace(patience)
}

// TestC1_APartitionFromTheDatabaseHeals: connections to the database break, new ones are turned away, and later connections
// stand and carry nothing. The process lives on, and all is well once the database is back.
func TestC1_APartitionFromTheDatabaseHeals(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves out the partition, which takes the database away for seconds: `make test` runs it")
	}
	database := pgtest.URL(t)
	cable, through := newCable(t, database)
	f := newFleet(t, database, through, 1)
	f.members[0].start()
	f.members[0].ready()
	people := f.newTeam("adele", "alex")
	stop := people.work()
	for range 2 {
		time.Sleep(700 * time.Millisecond)
		cable.pull()
		time.Sleep(time.Second)
		cable.plug()
		time.Sleep(700 * time.Millisecond)
		cable.silence()
		time.Sleep(2 * time.Second)
		cable.pull() // as when the silent connections are found out
		cable.plug()
	}
	stop()
	if !f.members[0].up.Load() {
		t.Fatalf("the process died of it:\n%s", f.logs())
	}
	t.Logf("%s", people.atPeace(patience))
}
