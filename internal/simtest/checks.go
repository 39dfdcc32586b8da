package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"tandem/internal/crm"
	"tandem/internal/m365sim"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Check is one invariant of SYNC-INVARIANTS as it is looked at here.
type Check struct{ ID, What, When string }

// Checks are the invariants that a world is held against. I10 and I11 are properties of pure functions and proved where
// those are (packages reconcile and mapping); C1 to C3 follow from the kills that are in the menu and from a run's sum.
func Checks() []Check {
	return []Check{
		{"I1", "what somebody typed is on both sides, was replaced by somebody who saw it, or is in the history", "at the end"},
		{"I2", "no value is anywhere that nobody typed", "at the end"},
		{"I3", "nothing is there twice, on either side", "after every run"},
		{"I4", "what was deleted stays deleted, what was not is there", "at the end"},
		{"I5", "a run deletes no more than the brake allows, unless a person said yes", "after every deletion"},
		{"I6", "what the ledger says was agreed on is what both sides hold at the versions it names", "after every settle"},
		{"I7", "nothing that changed before a stored cursor is unknown", "at the end, by an audit that finds no drift"},
		{"I8", "no request and no write of one person's sync concerns another's; whoever lost the lease commits nothing", "at every effect"},
		{"I9", "fields that nobody maps, and all outside the container, are as they were", "at the end"},
		{"I12", "a mailbox is left alone for as long as it asks, batches are of 20 at most, requests in flight of 4", "at every request"},
		{"I13", "what was written without an answer is read before it is written again", "at every request"},
		{"L1", "both sides and the ledger agree once all is quiet", "at the end"},
		{"L2", "the run after that writes nothing and asks little", "at the end"},
		{"L3", "an edit is one write on the other side, and its echo none", "at the end"},
		{"L4", "an item that cannot be written holds up no other", "at the end"},
		{"L5", "a ledger that forgot all pairs finds them again without doubling anything", "at the end"},
		{"L6", "an item that differs without a word is found by the audit and mended", "at the end"},
		{"L7", "without any notification an edit arrives by polling", "at the end"},
		{"way", "a sync that goes one way writes nothing on the side from which it goes", "at every effect"},
		{"mail", "nobody is sent a mail", "at the end"},
		{"C3", "the same seed gives the same run, byte for byte", "for every twentieth seed of a test"},
	}
}

// runDeletes counts what a run deletes.
type runDeletes struct {
	all, done int  // all: of the records that there were at the first deletion, or that came since
	settled   int  // of those done, which are no pairs any more
	agreed    int  // those that a person has said yes to
	ends      bool // the link ends
}

// opened notes what a run may do: the engine's own notes of it may be wrong.
func (w *world) opened(t *task, l *reconcile.Link) {
	t.deletes = runDeletes{ends: l.State == reconcile.Switching}
	if l.DeletesOK {
		t.deletes.agreed = w.links[l.ID].agreed
	}
	t.fence = l.Fence
}

// deleted holds a run's deletions against the brake (I5).
func (w *world) deleted(t *task) {
	d := &t.deletes
	l := w.books.link(t.link.id)
	d.all = max(d.all, l.Synced+l.Waiting+l.Failing+d.settled)
	d.done++
	w.stats.Deletes++
	if n := d.done - d.agreed; !d.ends && (n > 10 && n*20 > d.all || n > 1 && n >= d.all) {
		w.fail("I5", "a run of link %d has deleted %d of %d, and the yes was to %d", t.link.id, d.done, d.all, d.agreed)
	}
}

// committed looks whether whoever has written to the ledger had the lease (I8).
func (w *world) committed(ctx context.Context, l *reconcile.Link, what string, err error) {
	t := taskOf(ctx)
	if now := w.books.fence(l.ID); err == nil && t != nil && now != t.fence {
		w.fail("I8", "%s of link %d was taken from a worker with fence %d, when it is %d", what, l.ID, t.fence, now)
	}
}

// wrote holds a write in the CRM against who made it (I8), and counts it.
func (w *world) wrote(by crm.Author, r crm.Record) {
	if by.Link == 0 {
		return
	}
	w.stats.WritesCRM++
	l := w.links[reconcile.LinkID(by.Link)]
	if l == nil || r.Org != l.of.org || by.User != l.of.id {
		w.fail("I8", "link %d has written record %s of organization %d", by.Link, r.ID, r.Org)
		return
	}
	if l.of.way == mapping.ToMicrosoft {
		w.fail("way", "link %d, which goes to Outlook only, has written %s in the CRM", by.Link, keyOf(r))
	}
	if t := w.turnOf; r.Deleted() && t != nil && t.link == l {
		w.deleted(t)
	}
}

// settled holds pairs that are said to be in step against both sides, where these still are at the versions named (I6).
func (w *world) settled(l *reconcile.Link, entries []reconcile.Entry) {
	of := w.links[l.ID]
	for _, e := range entries {
		if e.Drop && w.turnOf != nil && slices.ContainsFunc(e.History, func(h reconcile.HistoryLine) bool { return h.Action == reconcile.Deleted }) {
			w.turnOf.deletes.settled++
		}
		p := e.Pair
		if e.Drop || p.State != reconcile.Synced || p.CRM == "" || p.Microsoft == "" {
			continue
		}
		id, _ := record.ParseID(string(p.CRM))
		found, err := w.books.records().ByID(context.Background(), l.Org, l.Kind, []record.ID{id})
		if r, ok := found[id]; err == nil && ok && strconv.FormatInt(r.Version, 10) == string(p.CRMVersion) {
			for _, f := range w.kinds[l.Kind].fields {
				if _, apart := p.Base["crm:"+f.ours]; apart {
					continue
				}
				if base, known := p.Base[f.ours]; known && !asked(p, f.ours) && string(base) != string(r.Fields[f.ours]) && !strings.HasPrefix(string(base), "\x00") {
					w.fail("I6", "the ledger says that %s of %s was %q, and at this version it is %q", f.ours, keyOf(r), base, r.Fields[f.ours])
				}
			}
		}
		status, doc := w.outlook(of.of).Get(itemPath(l.Kind, string(p.Microsoft)))
		if status != http.StatusOK || doc["@odata.etag"] != string(p.MicrosoftVersion) {
			continue
		}
		if l.Kind == record.Contacts {
			for i, f := range w.kinds[l.Kind].fields {
				theirs := path(doc, f.theirs)
				if f.ours == record.RecordImage {
					theirs = string(w.photoOf(of.of, string(p.Microsoft)))
				}
				if base, known := p.Base[f.ours]; known && !asked(p, f.ours) && string(base) != theirs && w.meets(l, f) && i < w.told(of) {
					w.fail("I6", "the ledger says that %s of %v was %q, and at this version it is %q", f.theirs, doc["jobTitle"], base, theirs)
				}
			}
		}
	}
}

// asked reports whether a person is asked about a field, so that nothing is agreed on.
func asked(p reconcile.Pair, f record.Field) bool {
	return p.Ask != nil && slices.Contains(p.Ask.Conflicts, f)
}

// meets reports whether a field meets its usual partner both ways.
func (w *world) meets(l *reconcile.Link, f edited) bool {
	return slices.ContainsFunc(l.Mapping.Rows, func(r mapping.Row) bool { return r.CRM == f.ours && r.Direction == mapping.BothWays })
}

func path(doc map[string]any, name string) string {
	head, rest, deep := strings.Cut(name, ".")
	if !deep {
		s, _ := doc[head].(string)
		return s
	}
	inner, _ := doc[head].(map[string]any)
	return path(inner, rest)
}

// look looks for what is there twice (I3), where sync has written since the last look.
func (w *world) look() {
	if w.failure != nil {
		return
	}
	if w.looked != w.stats.WritesCRM {
		w.looked = w.stats.WritesCRM
		w.lookAtRecords()
	}
	for _, l := range w.order {
		if l.written {
			l.written = false
			w.lookAtItems(l)
		}
	}
}

func (w *world) lookAtRecords() {
	seen := map[string]int{}
	for _, org := range w.orgs() {
		for kind := range kinds {
			for _, r := range w.records(org, kind, false) {
				key := keyOf(r)
				if e := w.entities[key]; e != nil && e.given { // who kept the item of what he gave away has it as a contact of his own once he begins anew
					key += fmt.Sprint(" of user ", r.Owner)
				}
				if seen[key]++; seen[key] > 1 {
					w.fail("I3", "%s is twice in the CRM", key)
				}
			}
		}
	}
}

func (w *world) lookAtItems(l *linkState) {
	once, ours := map[string]bool{}, fmt.Sprintf("k%d-", l.of.org)
	for _, it := range w.itemsOf(l) {
		if once[it.key] && l.belated == 0 {
			w.fail("I3", "%s is twice at Microsoft", it.key)
		}
		if once[it.key] = true; !strings.HasPrefix(it.key, ours) {
			w.fail("I8", "%q is in a mailbox of organization %d", it.key, l.of.org)
		}
	}
}

// overslept reports whether a contact is asked for by a process that was asleep inside the request, when somebody else has the link, and has
// asked for it meanwhile: that one looked before, and this one had done so when it fell asleep (ADR 36; see belated).
func (w *world) overslept(t *task, s *sent) bool {
	return isCreate(s) && t.link.kind == record.Contacts && w.books.link(t.link.id).Fence != t.fence
}

// belated notes that a contact is made by a process that was asleep inside the request, when somebody else has the link: Graph makes it
// all the same, and the next run that hears of it takes it away again (ADR 36). Until then it may be there twice.
func (w *world) belated(t *task, parts []*sent) {
	if slices.ContainsFunc(parts, func(s *sent) bool { return w.overslept(t, s) }) {
		t.link.belated = w.books.link(t.link.id).Fence
	}
}

// timely ends that, once a run that began later has gone well.
func (w *world) timely(link *reconcile.Link) {
	if l := w.links[link.ID]; l.belated > 0 && link.Fence > l.belated && link.LastError == "" && w.sim.Warts().DeltaLag == 0 {
		l.belated, l.written = 0, true
	}
}

// sending looks at requests before they leave (I8, I12, I13).
func (w *world) sending(t *task, req *http.Request, parts []*sent) {
	p, oid := t.process, t.link.of.oid
	w.stats.Requests++
	if isToken(req) {
		return
	}
	if len(parts) > 20 {
		w.fail("I12", "a batch of %d", len(parts))
	}
	if until := p.held[oid]; until.After(w.clock) {
		w.fail("I12", "%s is sent %s before the mailbox may be asked again", nameOf(req, parts), until.Sub(w.clock))
	}
	if p.flying[oid]++; p.flying[oid] > 4 {
		w.fail("I12", "%d requests at once to one mailbox", p.flying[oid])
	}
	for i, s := range parts {
		if rest, ok := strings.CutPrefix(s.path, "/users/"); ok && !strings.HasPrefix(rest, oid) {
			w.fail("I8", "link %d asks for another mailbox: %s", t.link.id, s.path)
		}
		if !s.writes() {
			continue
		}
		id := s.item()
		if id != "" || isCreate(s) {
			w.stats.WritesMicrosoft++
			t.link.written = true
			if t.link.of.way == mapping.ToCRM {
				w.fail("way", "link %d, which goes to the CRM only, asks for %s", t.link.id, s.name())
			}
		}
		if id != "" && !s.conditional() && !w.chained(t.link.of, parts, i) {
			w.fail("I1", "%s is written whatever its version", s.name())
		}
		if was, lost := w.inDoubt()[doubtOf(s)]; lost && doubtOf(s) != "" && !(was == s.ifMatch && s.method != http.MethodPost) && !w.overslept(t, s) {
			w.fail("I13", "%s again, when nobody has looked what became of the last", s.name())
		}
	}
}

// conditional reports whether a write names the version it was planned on. What is below an item, such as a photo, has none.
func (s *sent) conditional() bool {
	path, _, _ := strings.Cut(s.path, "?")
	return s.ifMatch != "" || !strings.HasSuffix(path, "/"+s.item())
}

func isCreate(s *sent) bool {
	return s.method == http.MethodPost && (strings.HasSuffix(s.path, "/contacts") || strings.HasSuffix(s.path, "/events"))
}

// doubtOf names what a write is about: an item, or the mark of a contact that is made.
func doubtOf(s *sent) string {
	if isCreate(s) {
		if strings.HasSuffix(s.path, "/events") {
			return "" // Exchange takes a transactionId once
		}
		return gjson.Get(s.body, "singleValueExtendedProperties.0.value").Str
	}
	if strings.HasSuffix(s.path, "/photo/$value") {
		return "" // the same photo twice is one
	}
	return s.item()
}

// inDoubt is, by what they are about, the writes that were sent and not answered, with the versions they were for.
func (w *world) inDoubt() map[string]string {
	if w.doubts == nil {
		w.doubts = map[string]string{}
	}
	return w.doubts
}

// answered takes in what came back.
func (w *world) answered(t *task, parts []*sent, f *strike) {
	p, oid := t.process, t.link.of.oid
	p.flying[oid]--
	unheard := f != nil && f.cut
	for _, s := range parts {
		asked, err := strconv.Atoi(s.retryAfter)
		if until, bad := http.ParseTime(s.retryAfter); bad == nil {
			asked, err = int(until.Sub(w.clock)/time.Second), nil
		}
		if err == nil && asked > 0 && !unheard {
			if until := w.clock.Add(time.Duration(asked) * time.Second); until.After(p.held[oid]) {
				p.held[oid] = until
			}
		}
		switch lost := unheard || s.status == 0 || s.status >= 500 && s.status != 507 || s.status < 300 && strings.Contains(s.answer, "<!DOCTYPE html>"); {
		case f != nil && f.kind.name == "refused": // whoever is not let in knows that nothing was done
		case s.writes() && lost && doubtOf(s) != "":
			w.inDoubt()[doubtOf(s)] = s.ifMatch
		case !s.writes() && !lost && s.status < 500:
			w.resolve(t.link.of, s)
		}
		if s.method == http.MethodDelete && s.status == http.StatusNoContent && s.item() != "" && !unheard && w.masterOf(t.link.of, s.item()) == "" {
			w.deleted(t)
		}
	}
}

// resolve notes what a reading has told.
func (w *world) resolve(of *person, s *sent) {
	delete(w.inDoubt(), s.item())
	for id := range w.inDoubt() {
		if s.item() != "" && w.masterOf(of, id) == s.item() { // a series tells of its occurrences
			delete(w.inDoubt(), id)
		}
	}
	if strings.Contains(s.path, "filter=") || strings.Contains(s.path, "filter") {
		for mark := range w.inDoubt() {
			if strings.Contains(s.path, mark) || strings.Contains(s.answer, mark) {
				delete(w.inDoubt(), mark)
			}
		}
	}
	gjson.Get(s.answer, "value").ForEach(func(_, it gjson.Result) bool {
		delete(w.inDoubt(), it.Get("id").Str)
		return true
	})
}

// calmDown ends all faults and deeds, lets what runs come to its end, and has the people set right what only they can.
func (w *world) calmDown() {
	w.calm = true
	w.faults.clear()
	w.interjections = nil
	w.behaves(m365sim.Warts{})
	w.sim.ClearFaults()
	w.secretRenewed()
	for len(w.tasks) > 0 {
		if !w.step(w.clock.AddDate(1, 0, 0)) {
			w.fail("L1", "%d runs never end", len(w.tasks))
			return
		}
	}
	w.queue = nil
	for _, l := range w.order {
		l.queued = false
	}
}

// runOnce runs a link from beginning to end with nothing else going on; false: it failed.
func (w *world) runOnce(l *linkState) bool {
	w.clock = w.clock.Add(time.Minute)
	w.run(l, w.worker(l), false)
	for l.running > 0 {
		if !w.step(w.clock.AddDate(1, 0, 0)) {
			w.fail("L1", "a run never ends")
			return false
		}
	}
	return !l.failed
}

// maxCycles is how many cycles all may take to be quiet: parked records have pauses of up to a day.
const maxCycles = 12

// settleAll runs everything until nothing is written any more.
func (w *world) settleAll(rng *rand.Rand) {
	for cycle := 1; cycle <= maxCycles; cycle++ {
		before := w.rowsAndWrites()
		for _, p := range w.people {
			if g := w.grants.of[p.id]; g.Broken {
				w.grants.of[p.id] = w.newGrant(p)
			}
		}
		busy := false
		for i := 0; i < len(w.order); i++ {
			l := w.order[i]
			if w.books.link(l.id).State == reconcile.Paused {
				w.reconnect(l)
			}
			w.decides(l, rng)
			if cycle == 3 { // as people do who look at what failed
				w.books.retry(l.id)
			}
			if !runs(w.books.link(l.id).State) {
				continue
			}
			ran := w.runOnce(l) // not if a lease of a process that died is not over yet, as when our clock was set back
			if w.failure != nil {
				return
			}
			link := w.books.link(l.id)
			w.answers(l, true)
			busy = busy || !ran || link.State == reconcile.Held || link.State == reconcile.Switching || link.State == reconcile.Paused ||
				link.LastError != "" || link.Failing > 0 || link.Waiting > 0 || len(w.books.asks(l.id)) > 0 ||
				slices.ContainsFunc(w.books.pairs(l.id), func(p reconcile.Pair) bool { return p.State == reconcile.Intended })
		}
		if !busy && w.rowsAndWrites() == before {
			w.stats.Cycles = max(w.stats.Cycles, cycle)
			return
		}
		w.clock = w.clock.Add(25 * time.Hour) // so that parked records are due
	}
	var all []string
	for _, l := range w.order {
		link := w.books.link(l.id)
		all = append(all, fmt.Sprintf("link %d: %s %s %q failing %d waiting %d", l.id, link.State, link.Reason, link.LastError, link.Failing, link.Waiting))
		for _, p := range w.books.pairs(l.id) {
			if p.State != reconcile.Synced && p.State != reconcile.Excluded {
				all = append(all, fmt.Sprintf("  pair %s/%.8s %s %s %s", p.CRM, p.Microsoft, p.State, p.Reason, p.Detail))
			}
		}
	}
	w.fail("L1", "not quiet after %d cycles\n%s", maxCycles, strings.Join(all, "\n"))
}

func (w *world) rowsAndWrites() int64 {
	return w.books.rows() + int64(w.stats.WritesMicrosoft)
}

// alike holds both sides of every link that is on against each other and against the ledger (L1, I2, I4).
func (w *world) alike(check string) {
	known := map[string]bool{"": true}
	for _, t := range w.typed {
		known[string(t.value)] = true
	}
	for _, l := range w.order {
		link := w.books.link(l.id)
		if !runs(link.State) || w.failure != nil {
			continue
		}
		items, byID, versions := map[string]item{}, map[string]item{}, map[record.Ref]record.Version{}
		for _, it := range w.itemsOf(l) {
			items[it.key], byID[it.id] = it, it
		}
		wanted := map[string]bool{}
		for _, r := range w.records(l.of.org, l.kind, false) {
			key := keyOf(r)
			if !w.takesPart(l, &link, r) || w.entities[key] == nil || w.entities[key].out[l.id] {
				continue
			}
			wanted[key] = true
			versions[r.ID.Ref()] = record.Version(fmt.Sprint(r.Version))
			it, there := items[key]
			if !there {
				w.fail(check, "%s is in the CRM and not at Microsoft (link %d)", key, l.id)
				return
			}
			for i, f := range w.kinds[l.kind].fields {
				ours, theirs := string(r.Fields[f.ours]), it.values[i]
				rows := w.rows(l)
				at := slices.IndexFunc(rows, func(r mapping.Row) bool { return r.CRM == f.ours })
				if at < 0 || ours == theirs || w.apart(l, key, f.ours, ours, theirs) {
					continue
				}
				if way := rows[at].Direction; way == mapping.ToMicrosoft && ours == "" || way == mapping.ToCRM && theirs == "" {
					continue // a source that never held anything empties nothing
				}
				w.fail(check, "%s of %s is %q in the CRM and %q at Microsoft", f.ours, key, ours, theirs)
				return
			}
			w.sameCalendar(check, l, r, it)
		}
		for key := range items {
			if e := w.entities[key]; !wanted[key] && e != nil && !e.out[l.id] && !(e.alone && l.of.way == mapping.ToMicrosoft) {
				w.fail(check, "%s is at Microsoft and does not belong there (link %d)", key, l.id)
				return
			}
		}
		for _, p := range w.books.pairs(l.id) {
			if it, there := byID[string(p.Microsoft)]; there && p.State == reconcile.Synced && l.kind == record.Contacts {
				if etag := it.json.Get(`@odata\.etag`).Str; etag != string(p.MicrosoftVersion) {
					w.fail("I6", "%s is at %s, and the ledger says %s", it.key, etag, p.MicrosoftVersion)
				}
				if at := versions[p.CRM]; at != "" && at != p.CRMVersion {
					w.fail("I6", "%s is at version %s in the CRM, and the ledger says %s", it.key, at, p.CRMVersion)
				}
			}
			if p.State == reconcile.Intended || p.State == reconcile.Parked || p.State == reconcile.Waiting {
				w.fail(check, "a pair of link %d is %s: %s %s", l.id, p.State, p.Reason, p.Detail)
			}
		}
	}
}

// kept looks whether everything that people typed has the fate that it must have (I1, I2, I4, I9).
func (w *world) kept() {
	live, held := map[string]crm.Record{}, map[string]bool{}
	values := map[string]bool{}
	for _, org := range w.orgs() {
		for kind := range kinds {
			for _, r := range w.records(org, kind, false) {
				live[keyOf(r)] = r
				for i, v := range w.valuesOf(r) {
					held[fmt.Sprint(keyOf(r), i, v)], values[v] = true, true
				}
			}
		}
	}
	atMicrosoft := map[string]bool{}
	left := map[string]bool{} // what stayed at Microsoft when its link was ended without being let in
	for _, l := range w.order {
		containers := []string{string(w.books.link(l.id).Container)}
		if l.kind == record.Contacts {
			containers = append(containers, w.privateFolder(l.of))
		}
		for _, c := range containers {
			for _, it := range w.items(l.of, l.kind, c) {
				atMicrosoft[it.key], atMicrosoft[it.id] = true, true
				left[it.key] = left[it.key] || w.books.link(l.id).State == reconcile.Off
				for i, v := range it.values {
					held[fmt.Sprint(it.key, i, v)], values[v] = true, true
				}
				if e := w.entities[it.key]; e != nil && e.foreign[it.id] != "" && e.foreign[it.id] != it.foreign {
					w.fail("I9", "what nobody maps of %s was %q and is %q", it.key, e.foreign[it.id], it.foreign)
				}
			}
		}
	}
	for _, org := range w.orgs() {
		for kind := range kinds {
			for _, r := range w.records(org, kind, true) {
				for i, v := range w.valuesOf(r) { // what does not go to Microsoft is no reason to keep a record that was deleted there
					held[fmt.Sprint(keyOf(r), i, v)] = held[fmt.Sprint(keyOf(r), i, v)] || !w.counts(org, kind, w.kinds[kind].fields[i].ours, mapping.ToMicrosoft)
				}
			}
		}
	}
	lost := w.books.lost()
	for _, t := range w.typed {
		if t.theirs && w.leftOut[leaving{w.entities[t.key].org, w.kinds[t.kind].fields[t.field].ours}] {
			t.over = true // it goes where its item goes, such as to Deleted Items
		}
		if !t.over && !(t.item != "" && !atMicrosoft[t.item]) && !held[fmt.Sprint(t.key, t.field, t.value)] && !lost[t.value] {
			w.fail("I1", "%s, typed for %s of %s (in Outlook: %v), is lost", t.value, w.kinds[t.kind].fields[t.field].ours, t.key, t.theirs)
		}
		delete(values, string(t.value))
	}
	for v := range values {
		if v != "" && !strings.HasPrefix(v, "m") && !strings.HasPrefix(v, "+55 11 4002") && v != "for a moment" {
			w.fail("I2", "nobody has typed %q", v)
		}
	}
	for _, key := range w.keys {
		_, there := live[key]
		switch e := w.entities[key]; {
		case e.fate == lives && !there && (left[key] || e.alone && atMicrosoft[key]):
		case e.fate == lives && !there:
			w.fail("I4", "%s was not deleted, and is gone", key)
		case e.fate == dies && there:
			w.fail("I4", "%s was deleted, and is back", key)
		}
	}
	w.keptSeries(live)
	for _, p := range w.people {
		if now := w.strangers(p); now != w.foreign[p] {
			w.fail("I9", "what is outside the container of %s has changed:\n%s\n%s", p.upn, w.foreign[p], now)
		}
	}
	if mails := w.sim.Mails(); len(mails) > 0 {
		w.fail("mail", "%d mails, the first to %s", len(mails), mails[0].Recipient)
	}
}

// stranger puts something into a mailbox that is none of sync's business.
func (w *world) stranger(p *person) {
	if status, doc := w.outlook(p).Post("/me/contacts", map[string]any{"givenName": "Private", "surname": "of " + p.upn}); status != http.StatusCreated {
		w.fail("simulation", "a private contact is answered with %d %v", status, doc)
	}
	if w.foreign == nil {
		w.foreign = map[*person]string{}
	}
	w.foreign[p] = w.strangers(p)
}

func (w *world) strangers(p *person) string {
	_, _, raw := w.outlook(p).Raw("GET", "/me/contacts?$top=50", nil)
	return string(raw)
}

// quiet looks whether another run writes nothing and asks little (L2).
func (w *world) quiet() {
	for _, l := range w.order {
		if !runs(w.books.link(l.id).State) {
			continue
		}
		rows, requests := w.rowsAndWrites(), w.stats.Requests
		w.runOnce(l)
		if now := w.rowsAndWrites(); now != rows {
			w.fail("L2", "a run of link %d with nothing to do has written %d times", l.id, now-rows)
		}
		if asked := w.stats.Requests - requests; asked > 6 {
			w.fail("L2", "a run of link %d with nothing to do has asked Microsoft %d times", l.id, asked)
		}
	}
}

// echo has people edit a few records, each on one side, and counts what sync writes for it (L3, L7).
func (w *world) echo(rng *rand.Rand) {
	for _, l := range w.order {
		link := w.books.link(l.id)
		if link.State != reconcile.On || l.remapped || w.failure != nil {
			continue
		}
		edits, used := 0, map[string]bool{}
		for _, it := range w.itemsOf(l) {
			if e := w.entities[it.key]; e != nil && edits < 2 && !e.out[l.id] && !e.alone {
				w.editItem(l, it, rng.IntN(w.told(l)))
				used[it.key] = true
				edits++
			}
		}
		for _, r := range w.records(l.of.org, l.kind, false) {
			eligible, _ := reconcile.Eligible(l.of.id, link.Policy, r.Meta())
			if e := w.entities[keyOf(r)]; e != nil && eligible && !e.out[l.id] && !used[keyOf(r)] && edits < 4 {
				w.editRecord(l.of, r, rng.IntN(len(w.kinds[l.kind].fields)))
				edits++
			}
		}
		before := w.stats.WritesCRM + w.stats.WritesMicrosoft
		w.runOnce(l)
		w.alike("L7")
		w.runOnce(l)
		if n := w.stats.WritesCRM + w.stats.WritesMicrosoft - before; n != edits && w.failure == nil {
			w.fail("L3", "%d edits under link %d made %d writes", edits, l.id, n)
		}
	}
}

// forgets loses the pairs of a link, as a restored backup does (L5).
func (w *world) forgets(rng *rand.Rand) {
	l := w.anyLink(rng, w.is(reconcile.On))
	if l == nil {
		return
	}
	w.books.forget(l.id)
	w.say("the pairs of link %d are lost", l.id)
	taking := func() (n int) {
		for _, it := range w.itemsOf(l) {
			if e := w.entities[it.key]; e != nil && !e.out[l.id] { // that an item was moved out is forgotten with its pair
				n++
			}
		}
		return n
	}
	items := taking()
	w.settleAll(rng)
	w.alike("L5")
	if now := taking(); now != items && w.failure == nil {
		w.fail("L5", "%d items were %d after the pairs were lost", items, now)
	}
}

// audit runs the audit of a link with nothing else going on.
func (w *world) audit(l *linkState) reconcile.Proof {
	w.clock = w.clock.Add(time.Minute)
	w.run(l, w.worker(l), true)
	for l.running > 0 && w.step(w.clock.AddDate(1, 0, 0)) {
	}
	return w.books.link(l.id).Proof
}

// audits runs the audit of every link; there is nothing for it to find (I7).
func (w *world) audits() {
	for _, l := range w.order {
		if w.books.link(l.id).State != reconcile.On || w.failure != nil {
			continue
		}
		if proof := w.audit(l); proof.Drift > 0 {
			w.fail("I7", "the audit of link %d found drift: %v", l.id, proof)
		}
	}
}
