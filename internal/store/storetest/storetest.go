// Package storetest is what package store promises, as tests that run against either database.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// Key is a secret key for stores under test.
const Key = "a secret key for tests, of 40 characters"

// Open opens an empty store whose tables are made, and closes it after the test.
type Open func(t testing.TB, o store.Options) *store.Store

// Run holds a database to everything that the store promises.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, *world){
		"I5 what is not deleted is known again":           testKnownAfterNo,
		"failing links starve nobody":                     testDueIsFair,
		"notifications let a link rest":                   testRest,
		"records are found, sorted, searched and paged":   testLists,
		"records are found by what is in their fields":    testFilters,
		"filters keep private events private":             testFiltersAndPrivacy,
		"contacts that were told apart stay so":           testToldApart,
		"contacts that may be one are found":              testDuplicates,
		"tastes are their user's":                         testTastes,
		"events are found by when they take place":        testEventsInRange,
		"private events are found by their owner alone":   testPrivateEvents,
		"text of any origin is kept":                      testStrangeText,
		"a token is inserted once":                        testToken,
		"S29 contacts are found by their keys":            testContactKeys,
		"updates are conditional":                         testUpdate,
		"a rewrite happens whole or not at all":           testRewrite,
		"S17 S30 a new owner is a departure":              testDepartures,
		"the recycle bin":                                 testBin,
		"S19 the order of the first sync":                 testFirstSync,
		"S20 S32 the first sync leaves out imports":       testFirstSyncImports,
		"I7 no reader misses a commit":                    testSeqVisibility,
		"records are their organization's":                testRecordIsolation,
		"organizations and users":                         testAccounts,
		"tokens of the API":                               testTokens,
		"S2 S5 an organization is founded once":           testFound,
		"changes of one organization are serial":          testWithinIsSerial,
		"a person goes from one organization to another":  testAcrossOrganizations,
		"what fails within leaves nothing":                testWithinRollsBack,
		"everything of accounts is its organization's":    testForeignAccounts,
		"users come with their permissions":               testPermissions,
		"people are listed, searched and paged":           testPeople,
		"passes":                                          testPasses,
		"requests":                                        testRequests,
		"passwords and passkeys":                          testWaysIn,
		"sign-ins":                                        testSignIns,
		"letters":                                         testLetters,
		"the audit trail is paged":                        testAudit,
		"limits":                                          testLimits,
		"all records are handed over":                     testHandOver,
		"sync is withheld and given back":                 testWithheld,
		"syncs enter the audit trail":                     testSyncsEnterTheTrail,
		"a user's syncs are stopped":                      testStopLinks,
		"syncs end where another person is tied to":       testEndLinks,
		"grants are sealed":                               testGrants,
		"one worker refreshes a grant":                    testClaimRefresh,
		"accounts are their organization's":               testAccountIsolation,
		"I8 leases and fences":                            testFence,
		"I8 a stale run writes no records":                testStaleRecords,
		"I8 who is interrupted reads no more":             testInterrupted,
		"Settle keeps the counts in step":                 testCounts,
		"refs differ by letter case":                      testRefs,
		"pairs are paged by state and due time":           testPages,
		"C1 a crash between Intend and Settle":            testIntents,
		"a settle that fails leaves nothing":              testSettleRollback,
		"what the last audits came to":                    testLastProofs,
		"a removal is known to the next link":             testRemoving,
		"Forget leaves the history":                       testForget,
		"End closes and forgets":                          testEnd,
		"Close lets a person's change stand":              testClose,
		"a quiet run writes two rows and no pair":         testQuietRun,
		"links are switched on and change state":          testLinks,
		"S26 what people and organizations choose":        testChoices,
		"the brake's answer":                              testAllowDeletes,
		"S29 questions and their answers":                 testAsks,
		"S29 what is left out, and the way back":          testLeftOut,
		"an answer outlives the run that did not see it":  testAnswerDuringRun,
		"S26 a run begins by changed settings":            testTakeIn,
		"a custom field changes under a link":             testCustomFieldUnderLink,
		"custom fields are kept and destroyed":            testCustomFields,
		"custom fields are searched":                      testOwnFieldsAreSearched,
		"links of earlier versions win new fields":        testGrow,
		"S20 S32 imported records are let in":             testAdmitImported,
		"FF118 what was made and deleted lately":          testRecent,
		"Retry":                                           testRetry,
		"S15 events are found by their start":             testEventsAt,
		"S15 two links never share a calendar":            testChosenCalendar,
		"previews are their user's, for an hour":          testPreviews,
		"a rehearsal reads without a lease":               testPast,
		"History is paged":                                testHistory,
		"lines of history are found":                      testLines,
		"the history knows whose a mark is":               testMarked,
		"what was undone is remembered":                   testUndos,
		"what links did is counted by the hour":           testHours,
		"every record's standing is told":                 testStanding,
		"links are their organization's":                  testLinkIsolation,
		"writes wake the owners' links":                   testWakeOnWrite,
		"a wake is never lost and never doubled":          testWake,
		"a waker that fails takes its transaction along":  testWakerFails,
		"the scheduler's questions":                       testScheduler,
		"commits are told":                                testOnCommit,
		"sessions":                                        testSessions,
		"pictures":                                        testPictures,
		"pictures that nothing names go":                  testPicturesAreSwept,
		"S20 S32 imported contacts":                       testImport,
		"imports meet what is there":                      testImportDuplicates,
		"FF32 imported events are known by their UID":     testImportEvents,
		"an import that is killed goes on":                testImportIsKilled,
		"an import has one worker":                        testImportTwoWorkers,
		"an import is taken back":                         testImportUndo,
		"an import is stopped":                            testImportIsStopped,
		"imports end, and go":                             testImportEnds,
		"a file is kept in pieces":                        testImportFile,
		"S21 S33 mass updates":                            testMassUpdate,
		"events are listed by time, in Outlook or not":    testEventLists,
		"mass updates refuse":                             testMassUpdateRefuses,
		"S17 S30 owners, tags and deletions in bulk":      testMassDeeds,
		"mass deeds call off no meeting":                  testMassDeedsMailNobody,
		"mass deeds mail by their owner's word":           testMassDeedsMailByWord,
		"a mass update that is killed goes on":            testMassUpdateIsKilled,
		"what people change in contacts is told":          testEdits,
		"what many changes keep to":                       testManyChangesKeepTo,
		"migrating twice":                                 testMigrate,
		"S15 what stays in an own calendar is remembered": testKeptEvents,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, open))
		})
	}
}

// world is two organizations: Ana and Bob work at ours, Eve at the other one.
type world struct {
	t     *testing.T
	open  Open
	clock *clock
	*store.Store
	ours, theirs  record.ID
	ana, bob, eve record.ID
	waker         *waker
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newWorld(t *testing.T, open Open) *world {
	w := &world{t: t, open: open, clock: &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}}
	w.Store = open(t, store.Options{SecretKey: Key, Now: w.clock.Now})
	w.waker = newWaker(t, w.Store)
	for i, tenant := range []string{"tenant-1", "tenant-2"} {
		o := must(w.Accounts().CreateOrganization(t.Context(), account.Organization{Name: tenant, TenantID: tenant, Created: w.clock.Now()}))(t)
		*[]*record.ID{&w.ours, &w.theirs}[i] = o.ID
	}
	w.ana, w.bob, w.eve = w.user(w.ours, "ana"), w.user(w.ours, "bob"), w.user(w.theirs, "eve")
	return w
}

func (w *world) user(org record.ID, name string) record.ID {
	w.t.Helper()
	return must(w.Accounts().CreateUser(w.t.Context(), account.User{
		Org: org, Email: name + "@x.example", FirstName: name, State: account.Active, Profile: account.Standard,
		Identity: account.Identity{TenantID: org.String(), ObjectID: name}, Created: w.clock.Now(),
	}))(w.t).ID
}

// by is the author of a user's writes.
func (w *world) by(user record.ID) crm.Author {
	org := w.ours
	if user == w.eve {
		org = w.theirs
	}
	return crm.Author{Org: org, User: user}
}

// contact is a contact that is not stored yet.
func (w *world) contact(owner record.ID, lastName string, bend ...func(*crm.Record)) crm.Record {
	r := crm.Record{
		Kind: record.Contacts, Owner: owner, Source: record.Manual, Fields: record.Fields{record.LastName: record.Value(lastName)},
		CreatedAt: w.clock.Now(), CreatedBy: owner, ModifiedAt: w.clock.Now(), ModifiedBy: owner,
	}
	for _, b := range bend {
		b(&r)
	}
	return r
}

// event is an event that is not stored yet, from and to as they are written in fields.
func (w *world) event(owner record.ID, title, from, to string, bend ...func(*crm.Record)) crm.Record {
	return w.contact(owner, "", append([]func(*crm.Record){func(r *crm.Record) {
		r.Kind = record.Calendar
		r.Fields = record.Fields{record.EventTitle: record.Value(title), record.Start: record.Value(from), record.End: record.Value(to)}
	}}, bend...)...)
}

// insert stores records as one user.
func (w *world) insert(user record.ID, records ...crm.Record) []crm.Record {
	w.t.Helper()
	return must(w.Records().Insert(w.t.Context(), w.by(user), records))(w.t)
}

// update changes one stored record.
func (w *world) update(by crm.Author, r crm.Record, change func(*crm.Record)) crm.Record {
	w.t.Helper()
	r.Fields = r.Fields.Clone()
	change(&r)
	out, faults, err := w.Records().Update(w.t.Context(), by, []crm.Record{r})
	if err != nil || faults[0] != nil {
		w.t.Fatalf("update: %v, %v", err, faults)
	}
	return out[0]
}

// link switches a kind on for a user.
func (w *world) link(user record.ID, kind record.Kind) *reconcile.Link {
	w.t.Helper()
	return must(w.Links().CreateLink(w.t.Context(), reconcile.Link{
		Org: w.by(user).Org, User: user, Kind: kind, State: reconcile.On, Since: w.clock.Now(), Mapping: &mapping.Table{Kind: kind},
	}))(w.t)
}

// run opens a link as a worker does.
func (w *world) run(id reconcile.LinkID) *reconcile.Link {
	w.t.Helper()
	return must(w.Ledger().Open(w.t.Context(), id, w.clock.Now(), time.Minute))(w.t)
}

// served closes a link after a good run.
func (w *world) served(l *reconcile.Link) {
	w.t.Helper()
	l.Done, l.LastRun = l.Wanted, w.clock.Now()
	ok(w.t, w.Ledger().Close(w.t.Context(), l))
}

func (w *world) reload(l *reconcile.Link) *reconcile.Link {
	w.t.Helper()
	return must(w.Links().Link(w.t.Context(), l.Org, l.ID))(w.t)
}

// settle stores pairs for an open link and returns all its pairs.
func (w *world) settle(l *reconcile.Link, entries ...reconcile.Entry) []reconcile.Pair {
	w.t.Helper()
	ok(w.t, w.Ledger().Settle(w.t.Context(), l, 0, entries))
	return must(w.Ledger().Pairs(w.t.Context(), l, 0, 1000))(w.t)
}

// pair is a pair in step.
func pair(crm, microsoft record.Ref) reconcile.Pair {
	return reconcile.Pair{CRM: crm, CRMVersion: "1", Microsoft: microsoft, MicrosoftVersion: "W/1", State: reconcile.Synced,
		Base: record.Fields{record.LastName: "Silva"}}
}

// waker keeps its jobs in a table of its own, so that what a transaction takes back is gone.
type waker struct {
	store *store.Store
	err   error
	mu    sync.Mutex
	told  int // how often a commit was told
}

func newWaker(t testing.TB, s *store.Store) *waker {
	w := &waker{store: s}
	w.raw(t, `CREATE TABLE IF NOT EXISTS test_jobs (link BIGINT, first BIGINT)`)
	s.SetWaker(w.enqueue, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told++
	})
	return w
}

func (w *waker) enqueue(ctx context.Context, tx *store.Tx, due []store.Due) error {
	for _, d := range due {
		var err error
		text := fmt.Sprintf(`INSERT INTO test_jobs VALUES (%d, %t)`, d.Link, d.First)
		if tx.SQL != nil {
			_, err = tx.SQL.ExecContext(ctx, text)
		} else {
			_, err = tx.PGX.Exec(ctx, strings.NewReplacer("true", "1", "false", "0").Replace(text))
		}
		if err != nil {
			return err
		}
	}
	return w.err
}

// take returns the links enqueued since the last call, in ascending order.
func (w *waker) take(t testing.TB) []reconcile.LinkID {
	t.Helper()
	var ids []reconcile.LinkID
	for _, row := range w.raw(t, `DELETE FROM test_jobs RETURNING link`) {
		ids = append(ids, reconcile.LinkID(row[0].(int64)))
	}
	slices.Sort(ids)
	return ids
}

// raw runs a statement past the store and returns its rows.
func (w *waker) raw(t testing.TB, text string) (out [][]any) {
	t.Helper()
	ctx := context.Background()
	if pool := w.store.Postgres(); pool != nil {
		rows, err := pool.Query(ctx, text)
		ok(t, err)
		defer rows.Close()
		for rows.Next() {
			out = append(out, must(rows.Values())(t))
		}
		ok(t, rows.Err())
		return out
	}
	rows, err := w.store.SQLite().QueryContext(ctx, text)
	ok(t, err)
	defer rows.Close()
	columns := must(rows.Columns())(t)
	for rows.Next() {
		row, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		ok(t, rows.Scan(dest...))
		out = append(out, row)
	}
	ok(t, rows.Err())
	return out
}

// must unwraps a result or fails: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
