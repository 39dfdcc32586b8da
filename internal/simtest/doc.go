// Package simtest is sync as a whole in one process and one thread of events: the real planner, runner, CRM rules, Graph
// client and webhook, against package m365sim over an in-memory transport, with a clock that the events move. From one
// seed come the people, what they do on both sides and when, and what goes wrong; the same seed gives the same run, byte
// for byte. When all is quiet again, the checks of checks.go hold both sides, the ledger and the history against what the
// people did.
//
// scheduler.go is the thread of events. moves.go is what may happen, people.go what people do and what must become of it,
// faults.go the menu of faults, transport.go and effects.go the numbered effects at which a process may die. defects.go
// breaks the engine on purpose, in 40 and more ways, to see the checks find it. traits.go is what only some worlds have, photos.go their
// photos, series.go their meetings that repeat. shrink.go makes a story of a failure short.
// scenarios.go are stories that are written down, one for each thing that may go wrong, and scenario.go kills them at each of
// their effects.
//
// What it leaves to other tests: the queue of package jobs, which is a few lines of its own here (jobs.go), PostgreSQL,
// real sockets and processes, and batches that travel side by side: see ADR 29.
package simtest
