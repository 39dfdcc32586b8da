package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// What people do, and what must become of it. Every contact and event has a key of its own, in a field that nobody edits,
// and every value that somebody types is typed once in a world, so that its fate can be followed by looking at both sides
// alone: nothing here believes the engine.

// fate is what must become of an entity.
type fate string

const (
	lives fate = "lives"
	dies  fate = "dies"
	open  fate = "either" // both are right: people disagreed in a way that only the order of events decides
)

// entity is one contact or event of the people's.
type entity struct {
	key     string
	kind    record.Kind
	org     record.ID
	fate    fate
	out     map[reconcile.LinkID]bool // links out of whose folder somebody moved its item: from then on it has none there
	given   bool                      // it has had another owner
	erased  bool                      // somebody has deleted it, whatever came of it
	foreign map[string]string         // what its items held that nobody maps, by item
	alone   bool                      // it was made on the side to which its link does not go on from, and stays there: see oneway.go
	bare    bool                      // somebody has taken its photo off in the CRM
	bared   bool                      // somebody has done so in Outlook, and Microsoft did not tell: an edit, whenever it is seen
	retimed bool                      // somebody has changed when it takes place, or how often
	alike   string                    // the address that it shares with others, by which it may be taken for them; "": none
}

// typed is one value that somebody typed.
type typed struct {
	key    string
	kind   record.Kind
	field  int // of the kind's edited fields
	theirs bool
	value  record.Value
	over   bool   // replaced, or deleted, by somebody who had it before the eyes
	item   string // with which it may go before anybody looks, as Microsoft did not tell of it (ADR 18); "": it did
}

// edited is a field that people edit, by its names on both sides.
type edited struct {
	ours   record.Field
	theirs string // path in Graph's JSON
	patch  func(value string) map[string]any
}

// leaving is a field that a link of an organization leaves out, or has left out.
type leaving struct {
	org   record.ID
	field record.Field
}

type editable struct {
	key    edited
	fields []edited
}

func plain(name string) func(string) map[string]any {
	return func(v string) map[string]any { return map[string]any{name: v} }
}

// kinds are the fields that people edit.
var kinds = map[record.Kind]editable{
	record.Contacts: {
		key: edited{record.Title, "jobTitle", plain("jobTitle")},
		fields: []edited{
			{record.Department, "department", plain("department")},
			{record.Mobile, "mobilePhone", plain("mobilePhone")},
			{record.AccountName, "companyName", plain("companyName")},
			{record.MailingCity, "businessAddress.city", func(v string) map[string]any {
				return map[string]any{"businessAddress": map[string]any{"city": v}}
			}},
			{record.Assistant, "assistantName", plain("assistantName")},
		},
	},
	record.Calendar: {
		key: edited{record.EventTitle, "subject", plain("subject")},
		fields: []edited{
			{record.Venue, "location.displayName", func(v string) map[string]any {
				return map[string]any{"location": map[string]any{"displayName": v}}
			}},
			{record.Tag, "categories.0", func(v string) map[string]any { return map[string]any{"categories": []string{v}} }},
			{record.Description, "body.content", func(v string) map[string]any {
				return map[string]any{"body": map[string]any{"contentType": "text", "content": v}}
			}},
		},
	},
}

// item is an item in a mailbox as anybody sees it.
type item struct {
	id, key string
	foreign string
	values  []string
	json    gjson.Result
}

// path is where a container's items are.
func itemsPath(kind record.Kind, container string) string {
	if kind == record.Contacts {
		return "/me/contactFolders/" + container + "/contacts"
	}
	return "/me/calendars/" + container + "/events"
}

func itemPath(kind record.Kind, id string) string {
	if kind == record.Contacts {
		return "/me/contacts/" + id
	}
	return "/me/events/" + id
}

// items lists a container.
func (w *world) items(of *person, kind record.Kind, container string) []item {
	if container == "" {
		return nil
	}
	path := itemsPath(kind, container) + "?$top=500&$select=id,"
	if kind == record.Contacts {
		path += "jobTitle,department,mobilePhone,companyName,businessAddress,assistantName,spouseName"
	} else {
		path += "subject,start,end,recurrence,location,categories,body"
	}
	return w.listed(of, kind, path)
}

// listed lists the items at a path.
func (w *world) listed(of *person, kind record.Kind, path string) []item {
	who := w.sim.As(of.upn).Prefer(`IdType="ImmutableId", outlook.body-content-type="text"`)
	k := w.kinds[kind]
	var out []item
	for path != "" { // a page may be empty, with more after it
		status, _, raw := who.Raw("GET", path, nil)
		if status != 200 {
			return nil
		}
		for _, doc := range gjson.GetBytes(raw, "value").Array() {
			it := item{id: doc.Get("id").Str, key: doc.Get(k.key.theirs).Str, foreign: doc.Get("spouseName").Str, json: doc}
			for _, f := range k.fields {
				if f.ours == record.RecordImage {
					it.values = append(it.values, string(w.photoOf(of, it.id)))
					continue
				}
				it.values = append(it.values, strings.TrimSpace(doc.Get(f.theirs).Str))
			}
			out = append(out, it)
		}
		path = strings.TrimPrefix(gjson.GetBytes(raw, `@odata\.nextLink`).Str, graphBase)
	}
	return out
}

// itemsOf lists what a link has at Microsoft.
func (w *world) itemsOf(l *linkState) []item {
	return w.items(l.of, l.kind, string(w.books.link(l.id).Container))
}

// records lists what an organization has in the CRM; deleted: in the recycle bin.
func (w *world) records(org record.ID, kind record.Kind, deleted bool) []crm.Record {
	out, err := w.books.records().Records(context.Background(), org, kind, crm.Query{Deleted: deleted, Sort: crm.ByID, Limit: everything})
	if err != nil {
		w.fail("store", "records: %v", err)
	}
	return out
}

func keyOf(r crm.Record) string { return string(r.Fields[kinds[r.Kind].key.ours]) }

func (w *world) newKey(kind record.Kind, org record.ID) string {
	w.values++
	key := fmt.Sprintf("k%d-%d", org, w.values)
	w.entities[key] = &entity{key: key, kind: kind, org: org, fate: lives, foreign: map[string]string{}, out: map[reconcile.LinkID]bool{}}
	w.keys = append(w.keys, key)
	return key
}

// types notes that a value is about to be typed over another one.
func (w *world) types(key string, kind record.Kind, field int, theirs bool, now string) record.Value {
	for _, t := range w.typed {
		if t.key == key && t.field == field && string(t.value) == now {
			t.over = true
		}
	}
	w.values++
	v := record.Value(fmt.Sprintf("v%d", w.values))
	switch w.kinds[kind].fields[field].ours {
	case record.Mobile:
		v = record.Value(fmt.Sprintf("+55 11 9%04d-%04d", w.values/10000, w.values%10000))
	case record.RecordImage:
		v = draw(w.values).value
	}
	w.typed = append(w.typed, &typed{key: key, kind: kind, field: field, theirs: theirs, value: v})
	return v
}

// erases notes that somebody deletes what has these values: they go with it, on purpose. What the other side holds that
// has not come here must live on.
func (w *world) erases(key string, values []string, text string) {
	e := w.entities[key]
	if e == nil {
		return
	}
	e.erased = true
	if e.fate == lives && w.inStep(e, 1) {
		e.fate = dies
	} else if e.fate == lives { // what sync has written and not remembered yet may be taken for an edit
		e.fate = open
	}
	if e.fate == dies && (w.keptBySomebody(e) || e.bared) {
		e.fate = open
	}
	for _, t := range w.typed {
		if t.key != key {
			continue
		}
		if slices.Contains(values, string(t.value)) {
			t.over = true
		}
		if !t.over && !w.overruled(t) {
			e.fate = open // what was typed elsewhere beats the deletion, unless it is in the history by then
		}
	}
	w.goes(e, text)
}

// keptBySomebody reports whether an item of what was given away lies in the folder of a link that has ended, or of somebody who has said no to
// its deletion: whoever has it there has it as a record of his own once he begins anew, or with the next run.
func (w *world) keptBySomebody(e *entity) bool {
	return e.given && slices.ContainsFunc(w.order, func(l *linkState) bool {
		return l.of.org == e.org && l.kind == e.kind && slices.ContainsFunc(w.itemsOf(l), func(it item) bool {
			return it.key == e.key && (w.books.link(l.id).State == reconcile.Off || w.saidNo(l, it))
		})
	})
}

// saidNo reports whether a link's person has said no to the deletion of an item whose record is somebody else's, and no run has heard that yet.
func (w *world) saidNo(l *linkState, it item) bool {
	return w.elsewhere(l, it.key) && slices.ContainsFunc(w.books.pairs(l.id), func(p reconcile.Pair) bool {
		return string(p.Microsoft) == it.id && p.CRM != "" && p.State == reconcile.Parked && len(p.Base) == 0
	})
}

// inStep reports whether both sides and the ledger say the same of an entity; with least 1 also if it is on one side alone
// and nobody works on it.
func (w *world) inStep(e *entity, least int) bool {
	sides := 0
	versions := map[record.Ref]record.Version{}
	for _, r := range w.records(e.org, e.kind, false) {
		if keyOf(r) == e.key {
			sides++
			versions[r.ID.Ref()] = record.Version(fmt.Sprint(r.Version))
		}
	}
	busy := false
	for _, l := range w.order {
		if l.of.org != e.org || l.kind != e.kind {
			continue
		}
		if busy = busy || l.running > 0; l.remapped { // of a field that meets another one nothing is agreed on yet
			return false
		}
		for _, it := range w.itemsOf(l) {
			if it.key == e.key {
				sides++
				versions[record.Ref(it.id)] = record.Version(it.json.Get(`@odata\.etag`).Str)
			}
		}
	}
	for _, l := range w.order {
		for _, p := range w.books.pairs(l.id) {
			etag, _, _ := strings.Cut(string(p.MicrosoftVersion), "#") // a series has what was done to its occurrences behind it
			if p.State == reconcile.Synced && p.CRM != "" && versions[p.CRM] == p.CRMVersion && string(versions[p.Microsoft]) == etag {
				return true
			}
		}
	}
	return least == 1 && sides == 1 && !busy
}

func (w *world) overruled(t *typed) bool { return w.books.lost()[t.value] }

func (w *world) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	w.note("%s", line)
	w.story = append(w.story, fmt.Sprintf("%s  %s", w.clock.Format("02 15:04:05.000"), line))
}

// pick takes one of some; false: there are none.
func pick[T any](rng *rand.Rand, all []T) (one T, ok bool) {
	if len(all) == 0 {
		return one, false
	}
	return all[rng.IntN(len(all))], true
}

func (w *world) anyLink(rng *rand.Rand, want func(*linkState) bool) *linkState {
	var of []*linkState
	for _, l := range w.order {
		if want == nil || want(l) {
			of = append(of, l)
		}
	}
	if w.amidst != nil && slices.Contains(of, w.amidst.link) && rng.IntN(4) > 0 {
		return w.amidst.link
	}
	l, _ := pick(rng, of)
	return l
}

func (w *world) is(states ...reconcile.LinkState) func(*linkState) bool {
	return func(l *linkState) bool { return slices.Contains(states, w.books.link(l.id).State) }
}

// settled are links in which people may type at Microsoft: not while one is being switched off, as what is typed between
// the last look and the removal of a folder goes with the folder.
func (w *world) typable() func(*linkState) bool {
	return func(l *linkState) bool {
		link := w.books.link(l.id)
		return link.State != reconcile.Off && link.State != reconcile.Switching && link.Container != ""
	}
}

func must[T any](w *world, results []T, err error, of func(T) error) {
	if err != nil {
		w.fail("simulation", "a person's deed: %v", err)
	}
	for _, r := range results {
		if err := of(r); err != nil {
			w.fail("simulation", "a person's deed: %v", err)
		}
	}
}

func resultErr(r crm.Result) error { return r.Err }

// fresh are the fields of a new record.
func (w *world) fresh(kind record.Kind, key string) record.Fields {
	if kind == record.Contacts {
		return record.Fields{record.Title: record.Value(key), record.LastName: record.Value("Family " + key)}
	}
	at := w.clock.Add(time.Duration(24+w.values%500) * time.Hour).Truncate(time.Hour)
	return record.Fields{
		record.EventTitle: record.Value(key), record.Start: record.Value(at.Format(time.RFC3339)), record.End: record.Value(at.Add(time.Hour).Format(time.RFC3339)),
	}
}

func (w *world) newInCRM(rng *rand.Rand, source record.Source) {
	l := w.anyLink(rng, nil)
	key := w.newKey(l.kind, l.of.org)
	w.entities[key].alone = l.of.way == mapping.ToCRM
	fields := w.fresh(l.kind, key)
	field := rng.IntN(len(w.kinds[l.kind].fields))
	v := w.types(key, l.kind, field, false, "")
	f := w.kinds[l.kind].fields[field].ours
	if f != record.RecordImage {
		fields[f] = v
	}
	results, err := w.crm.Insert(context.Background(), w.actor(l.of), l.kind, []crm.Draft{{Fields: fields, Source: source}})
	if must(w, results, err, resultErr); f == record.RecordImage && w.failure == nil {
		w.uploads(l.of, results[0].Record.ID)
	}
	w.say("user %d makes %s in the CRM%s", l.of.id, key, map[bool]string{true: ", imported"}[source == record.Import])
}

func (w *world) newInOutlook(rng *rand.Rand) {
	l := w.anyLink(rng, w.typable())
	if l == nil {
		return
	}
	key := w.newKey(l.kind, l.of.org)
	w.entities[key].alone = l.of.way == mapping.ToMicrosoft
	w.makeInOutlook(rng, l, key, "")
	w.say("user %d makes %s in Outlook", l.of.id, key)
}

func (w *world) makeInOutlook(rng *rand.Rand, l *linkState, key, address string) {
	field, body := rng.IntN(len(w.kinds[l.kind].fields)), map[string]any{}
	if f, v := w.kinds[l.kind].fields[field], w.types(key, l.kind, field, true, ""); f.patch != nil {
		body = f.patch(string(v))
	}
	if address != "" {
		body["emailAddresses"] = []map[string]any{{"address": address, "name": address}}
	}
	if l.kind == record.Contacts {
		body["jobTitle"], body["surname"], body["spouseName"] = key, "Family "+key, "spouse of "+key
	} else {
		at := w.clock.Add(time.Duration(24+w.values%500) * time.Hour).Truncate(time.Hour).UTC()
		body["subject"] = key
		body["start"] = map[string]any{"dateTime": at.Format("2006-01-02T15:04:05"), "timeZone": "UTC"}
		body["end"] = map[string]any{"dateTime": at.Add(time.Hour).Format("2006-01-02T15:04:05"), "timeZone": "UTC"}
	}
	status, doc := w.outlook(l.of).Post(itemsPath(l.kind, string(w.books.link(l.id).Container)), body)
	if status != 201 {
		w.fail("simulation", "a new item is answered with %d %v", status, doc)
		return
	}
	if l.kind == record.Contacts {
		id, _ := doc["id"].(string)
		w.entities[key].foreign[id] = "spouse of " + key
		if w.kinds[l.kind].fields[field].patch == nil {
			w.uploadsInOutlook(l.of, id)
		}
	}
}

// someRecord is a record of the people's that is there, or in the bin.
func (w *world) someRecord(rng *rand.Rand, deleted bool) (crm.Record, *person, bool) {
	l := w.anyLink(rng, nil)
	var mine []crm.Record
	for _, r := range w.records(l.of.org, l.kind, deleted) {
		if r.Owner == l.of.id && w.entities[keyOf(r)] != nil {
			mine = append(mine, r)
		}
	}
	r, ok := pick(rng, handled(w, rng, mine, func(r crm.Record) record.Ref { return r.ID.Ref() }))
	return r, l.of, ok
}

func (w *world) editInCRM(rng *rand.Rand) {
	if r, p, ok := w.someRecord(rng, false); ok {
		w.editRecord(p, r, rng.IntN(len(w.kinds[r.Kind].fields)))
	}
}

func (w *world) editRecord(p *person, r crm.Record, field int) {
	f, key := w.kinds[r.Kind].fields[field], keyOf(r)
	v := w.types(key, r.Kind, field, false, string(r.Fields[f.ours]))
	w.revive(key, w.counts(r.Org, r.Kind, f.ours, mapping.ToMicrosoft))
	if f.patch == nil {
		w.uploads(p, r.ID)
	} else {
		results, err := w.crm.Update(context.Background(), w.actor(p), r.Kind, []crm.Draft{{ID: r.ID, Fields: record.Fields{f.ours: v}}})
		must(w, results, err, resultErr)
	}
	w.say("user %d types %s for %s of %s in the CRM", p.id, v, f.ours, key)
}

// revive notes that somebody works on what somebody else may have deleted: an edit beats a deletion, if it is of a field
// whose values go to the other side.
func (w *world) revive(key string, counts bool) {
	e := w.entities[key]
	switch {
	case e == nil:
	case counts:
		e.fate = lives
	case e.fate == dies:
		e.fate = open
	}
}

// counts reports whether the values of a field go a way in every link that may have the record.
func (w *world) counts(org record.ID, kind record.Kind, f record.Field, way mapping.Direction) bool {
	for _, l := range w.order {
		if l.of.org != org || l.kind != kind {
			continue
		}
		goes := slices.ContainsFunc(w.rows(l), func(r mapping.Row) bool {
			return r.CRM == f && (r.Direction == mapping.BothWays || r.Direction == way)
		})
		if !goes || l.remapped {
			return false
		}
	}
	return true
}

func (w *world) someItem(rng *rand.Rand) (*linkState, item, bool) {
	l := w.anyLink(rng, w.typable())
	if l == nil {
		return nil, item{}, false
	}
	var known []item
	all := w.itemsOf(l)
	for _, it := range all {
		if w.entities[it.key] != nil && !(w.sim.Warts().DeltaLag > 0 && w.unheard(l, it)) && !madeTwice(l, all, it) {
			known = append(known, it)
		}
	}
	it, ok := pick(rng, handled(w, rng, known, func(it item) record.Ref { return record.Ref(it.id) }))
	return l, it, ok
}

// madeTwice reports whether an item may be one of two that sync has made of a record, and of which it has yet to take one away. What
// somebody makes of the second is a contact of its own from then on (ADR 36), and no longer told from the first by its key.
func madeTwice(l *linkState, all []item, it item) bool {
	n := 0
	for _, other := range all {
		if other.key == it.key {
			n++
		}
	}
	return l.belated > 0 && n > 1
}

func (w *world) editInOutlook(rng *rand.Rand) {
	if l, it, ok := w.someItem(rng); ok {
		w.editItem(l, it, rng.IntN(len(w.kinds[l.kind].fields)))
	}
}

func (w *world) editItem(l *linkState, it item, field int) {
	f := w.kinds[l.kind].fields[field]
	v := w.types(it.key, l.kind, field, true, it.values[field])
	w.revive(it.key, w.counts(l.of.org, l.kind, f.ours, mapping.ToCRM) && !w.elsewhere(l, it.key) && field < w.told(l))
	if f.patch == nil {
		w.uploadsInOutlook(l.of, it.id)
	} else if status, doc := w.outlook(l.of).Patch(itemPath(l.kind, it.id), f.patch(string(v))); status != 200 {
		w.fail("simulation", "an edit is answered with %d %v", status, doc)
	}
	w.say("user %d types %s for %s of %s in Outlook", l.of.id, v, f.theirs, it.key)
}

func (w *world) valuesOf(r crm.Record) (out []string) {
	for _, f := range w.kinds[r.Kind].fields {
		out = append(out, string(r.Fields[f.ours]))
	}
	return out
}

func (w *world) deleteInCRM(rng *rand.Rand) {
	if r, p, ok := w.someRecord(rng, false); ok {
		w.deleteRecord(p, r)
	}
}

func (w *world) deleteRecord(p *person, r crm.Record) {
	if w.mistakable(keyOf(r)) {
		return
	}
	fate := w.entities[keyOf(r)].fate
	if w.erases(keyOf(r), w.valuesOf(r), textOf(r)); w.othersTwin(r) {
		w.entities[keyOf(r)].fate = fate // who kept the item of what he gave away deletes a record of his own
	}
	w.putBack(p, keyOf(r), mapping.ToCRM, fate)
	if e := w.entities[keyOf(r)]; e.fate == dies && w.unmarked(r) {
		e.fate = open
	}
	results, err := w.crm.Delete(context.Background(), w.actor(p), r.Kind, []crm.Draft{{ID: r.ID}})
	must(w, results, err, resultErr)
	w.say("user %d deletes %s in the CRM", p.id, keyOf(r))
}

func (w *world) deleteInOutlook(rng *rand.Rand) {
	if l, it, ok := w.someItem(rng); ok {
		w.deleteItem(l, it)
	}
}

func (w *world) deleteItem(l *linkState, it item) {
	if w.mistakable(it.key) {
		return
	}
	fate := w.entities[it.key].fate
	w.erases(it.key, it.values, w.textOfItem(l.of, it))
	w.putBack(l.of, it.key, mapping.ToMicrosoft, fate)
	if e := w.entities[it.key]; e != nil && e.fate == dies && w.elsewhere(l, it.key) {
		e.fate = open // its record is, or was, on its way to somebody else
	}
	if status, doc := w.outlook(l.of).Delete(itemPath(l.kind, it.id)); status != 204 {
		w.fail("simulation", "a deletion is answered with %d %v", status, doc)
	}
	w.say("user %d deletes %s in Outlook", l.of.id, it.key)
}

// elsewhere reports whether the record of an item belongs to somebody else.
func (w *world) elsewhere(l *linkState, key string) bool {
	others := func(r crm.Record) bool { return keyOf(r) == key && r.Owner != l.of.id }
	return slices.ContainsFunc(w.records(l.of.org, l.kind, false), others) || slices.ContainsFunc(w.records(l.of.org, l.kind, true), others)
}

// bulkDelete deletes many at once on one side: what the brake is for.
func (w *world) bulkDelete(rng *rand.Rand) {
	l := w.anyLink(rng, w.typable())
	if l == nil {
		return
	}
	items, all := w.itemsOf(l), rng.IntN(2) == 0
	if rng.IntN(2) == 0 {
		for _, it := range items {
			if w.entities[it.key] != nil && (all || rng.IntN(3) > 0) {
				w.deleteItem(l, it)
			}
		}
		return
	}
	for _, r := range w.records(l.of.org, l.kind, false) {
		if r.Owner == l.of.id && w.entities[keyOf(r)] != nil && (all || rng.IntN(3) > 0) {
			w.deleteRecord(l.of, r)
		}
	}
}

func (w *world) restore(rng *rand.Rand) {
	r, p, ok := w.someRecord(rng, true)
	if !ok || w.liveTwin(r) || p.way == mapping.ToCRM {
		return
	}
	w.revive(keyOf(r), true)
	results, err := w.crm.Restore(context.Background(), w.actor(p), r.Kind, []record.ID{r.ID})
	must(w, results, err, resultErr)
	w.say("user %d takes %s out of the recycle bin", p.id, keyOf(r))
}

// liveTwin reports whether a record in the bin has been made anew meanwhile, or its item still is there.
func (w *world) liveTwin(r crm.Record) bool {
	return slices.ContainsFunc(w.records(r.Org, r.Kind, false), func(o crm.Record) bool { return keyOf(o) == keyOf(r) })
}

// othersTwin reports whether somebody else has a record of the same key.
func (w *world) othersTwin(r crm.Record) bool {
	return slices.ContainsFunc(w.records(r.Org, r.Kind, false), func(o crm.Record) bool { return keyOf(o) == keyOf(r) && o.Owner != r.Owner })
}

// hasItem reports whether a person has an item of a record's key, in a folder in use or left behind.
func (w *world) hasItem(p *person, r crm.Record) bool {
	return slices.ContainsFunc(w.order, func(l *linkState) bool {
		return l.of == p && l.kind == r.Kind && slices.ContainsFunc(w.itemsOf(l), func(it item) bool { return it.key == keyOf(r) })
	})
}

// hadItem reports whether a person's sync still knows an item of a record.
func (w *world) hadItem(p *person, r crm.Record) bool {
	return slices.ContainsFunc(w.order, func(l *linkState) bool {
		return l.of == p && slices.ContainsFunc(w.books.pairs(l.id), func(p reconcile.Pair) bool { return p.CRM == r.ID.Ref() && p.Microsoft != "" })
	})
}

func (w *world) give(rng *rand.Rand) {
	r, p, ok := w.someRecord(rng, false)
	if !ok {
		return
	}
	var others []*person
	for _, o := range w.people {
		if o.org == p.org && o != p {
			others = append(others, o)
		}
	}
	to, ok := pick(rng, others)
	if !ok || w.mistakable(keyOf(r)) || w.othersTwin(r) || w.hasItem(to, r) { // what he has kept of his own: nobody could tell the two apart
		return
	}
	if e := w.entities[keyOf(r)]; e.fate != lives || w.hadItem(to, r) {
		e.fate = open // deleted by its owner in Outlook, and given away, or given back, before that was known here
	}
	w.entities[keyOf(r)].given = true
	results, err := w.crm.Update(context.Background(), w.actor(p), r.Kind, []crm.Draft{{ID: r.ID, Owner: to.id}})
	must(w, results, err, resultErr)
	w.say("user %d gives %s to user %d", p.id, keyOf(r), to.id)
}

func (w *world) massUpdate(rng *rand.Rand) {
	l := w.anyLink(rng, nil)
	var ids []record.ID
	field := rng.IntN(len(w.kinds[l.kind].fields))
	f := w.kinds[l.kind].fields[field].ours
	if def, ok := record.DefOf(l.kind, f); !ok || !crm.MassUpdatable(def) {
		return
	}
	w.values++
	v := record.Value(fmt.Sprintf("m%d", w.values))
	if f == record.Mobile {
		v = "+55 11 4002-8922"
	}
	for _, r := range w.records(l.of.org, l.kind, false) {
		if key := keyOf(r); r.Owner == l.of.id && w.entities[key] != nil && !w.mistakable(key) && rng.IntN(2) == 0 {
			for _, t := range w.typed {
				t.over = t.over || t.key == key && t.field == field && t.value == r.Fields[f]
			}
			if r.Fields[f] != v { // else nothing is changed, and what Outlook says of it is the only change
				w.typed = append(w.typed, &typed{key: key, kind: l.kind, field: field, value: v})
				w.revive(key, w.counts(r.Org, r.Kind, f, mapping.ToMicrosoft))
			}
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	results, err := w.crm.MassUpdate(context.Background(), w.actor(l.of), l.kind, ids, f, v)
	must(w, results, err, resultErr)
	w.say("user %d mass-updates %s of %d records", l.of.id, f, len(ids))
}

// backAgain types a value and takes it back (A-B-A).
func (w *world) backAgain(rng *rand.Rand) {
	l, it, ok := w.someItem(rng)
	if !ok {
		return
	}
	f := w.kinds[l.kind].fields[0]
	for _, v := range []string{"for a moment", it.values[0]} {
		if status, doc := w.outlook(l.of).Patch(itemPath(l.kind, it.id), f.patch(v)); status != 200 {
			w.fail("simulation", "an edit is answered with %d %v", status, doc)
		}
	}
	if e := w.entities[it.key]; e.fate == dies {
		e.fate = open
	}
	w.say("user %d changes %s in Outlook and back", l.of.id, it.key)
}

func (w *world) touch(rng *rand.Rand) {
	l, it, ok := w.someItem(rng)
	if !ok {
		return
	}
	if err := w.sim.Mailbox(l.of.upn).Touch(it.id); err != nil {
		w.fail("simulation", "touch: %v", err)
	}
	w.say("the version of %s moves by itself", it.key)
}

// bothSides edits one field of one record on both sides.
func (w *world) bothSides(rng *rand.Rand) {
	l, it, ok := w.someItem(rng)
	if !ok {
		return
	}
	for _, r := range w.records(l.of.org, l.kind, false) {
		if keyOf(r) == it.key && r.Owner == l.of.id {
			field := rng.IntN(len(it.values))
			w.editRecord(l.of, r, field)
			w.editItem(l, it, field)
			return
		}
	}
}

// copies an item that has its pair, as dragging with the control key does; the copy is somebody new.
func (w *world) copyItem(rng *rand.Rand) {
	l, it, ok := w.someItem(rng)
	if !ok || l.kind != record.Contacts || l.of.way != mapping.BothWays || w.entities[it.key].alike != "" || w.underWay(l, it) || !slices.ContainsFunc(w.books.pairs(l.id), func(p reconcile.Pair) bool { return string(p.Microsoft) == it.id }) {
		return
	}
	id, err := w.sim.Mailbox(l.of.upn).Copy(it.id)
	if err != nil {
		w.fail("simulation", "copy: %v", err)
		return
	}
	key := w.newKey(l.kind, l.of.org)
	if status, doc := w.outlook(l.of).Patch(itemPath(l.kind, id), map[string]any{"jobTitle": key, "surname": "Family " + key}); status != 200 {
		w.fail("simulation", "an edit of a copy is answered with %d %v", status, doc)
	}
	w.say("user %d copies %s in Outlook as %s", l.of.id, it.key, key)
}

// moveOut drags an item into another folder.
func (w *world) moveOut(rng *rand.Rand) {
	l, it, ok := w.someItem(rng)
	if !ok || l.kind != record.Contacts || l.of.way != mapping.BothWays {
		return
	}
	paired := slices.ContainsFunc(w.books.pairs(l.id), func(p reconcile.Pair) bool {
		return string(p.Microsoft) == it.id && p.CRM != "" && p.State == reconcile.Synced
	})
	if e := w.entities[it.key]; !paired || e.fate != lives || !w.inStep(e, 2) {
		return
	}
	folder := w.privateFolder(l.of)
	if _, err := w.sim.Mailbox(l.of.upn).Move(it.id, folder); err != nil {
		w.fail("simulation", "move: %v", err)
	}
	w.entities[it.key].out[l.id] = true
	w.say("user %d moves %s to another folder", l.of.id, it.key)
}

func (w *world) privateFolder(p *person) string {
	_, doc := w.outlook(p).Get("/me/contactFolders?$top=50")
	folders, _ := doc["value"].([]any)
	for _, f := range folders {
		if f, _ := f.(map[string]any); f["displayName"] == "Private" {
			id, _ := f["id"].(string)
			return id
		}
	}
	_, doc = w.outlook(p).Post("/me/contactFolders", map[string]any{"displayName": "Private"})
	id, _ := doc["id"].(string)
	return id
}

func (w *world) switchOff(rng *rand.Rand) {
	l := w.anyLink(rng, w.is(reconcile.On, reconcile.Held, reconcile.Paused))
	if l == nil || l.of.way != mapping.BothWays {
		return
	}
	link := w.books.link(l.id)
	for _, t := range w.typed { // what is in Outlook alone because nobody maps it goes with the folder
		e := w.entities[t.key]
		if t.theirs && e.org == l.of.org && t.kind == l.kind && !w.reachesCRM(link.Mapping, w.kinds[l.kind].fields[t.field].ours) {
			t.over = true
		}
	}
	if w.books.move(l.id, []reconcile.LinkState{reconcile.On, reconcile.Held, reconcile.Paused}, reconcile.Switching) {
		l.of.wants[l.kind] = false
		for _, r := range w.records(l.of.org, l.kind, false) { // what was deleted in Outlook may not have been read, or waits
			if e := w.entities[keyOf(r)]; e != nil && e.fate == dies {
				e.fate = open
			}
		}
		for _, r := range w.records(l.of.org, l.kind, true) {
			if e := w.entities[keyOf(r)]; e != nil && e.fate == dies && w.unmarked(r) {
				e.fate = open
			}
		}
		w.say("user %d switches %s off", l.of.id, l.kind)
	}
}

func (w *world) reachesCRM(table *mapping.Table, f record.Field) bool {
	return slices.ContainsFunc(table.Rows, func(r mapping.Row) bool { return r.CRM == f && r.Direction != mapping.ToMicrosoft })
}

// switchOn switches on what is off.
func (w *world) switchOn(p *person, kind record.Kind) {
	for _, l := range w.order {
		if l.of == p && l.kind == kind && w.books.link(l.id).State != reconcile.Off {
			return
		}
	}
	id, err := w.books.create(reconcile.Link{
		Org: p.org, User: p.id, Kind: kind, State: reconcile.On, Mapping: w.tableOf(kind), Since: w.clock, Mailbox: p.oid,
		Policy: reconcile.Policy{Options: reconcile.Options{Direction: p.way}},
	})
	if err != nil {
		w.fail("simulation", "switch on: %v", err)
		return
	}
	l := &linkState{id: id, of: p, kind: kind}
	w.links[id], p.wants[kind] = l, true
	w.order = append(w.order, l)
	if err := w.books.wake(context.Background(), id); err != nil {
		w.fail("simulation", "wake: %v", err)
	}
	w.say("user %d switches %s on (link %d)%s", p.id, kind, id, map[mapping.Direction]string{mapping.ToMicrosoft: ", only to Outlook", mapping.ToCRM: ", only to the CRM"}[p.way])
}

// changeMapping drops some of the rows that people edit, or lets them go one way.
func (w *world) changeMapping(rng *rand.Rand) {
	l := w.anyLink(rng, func(l *linkState) bool { return l.kind == record.Contacts && w.is(reconcile.On)(l) })
	if l == nil {
		return
	}
	table := &mapping.Table{Kind: l.kind}
	for _, row := range w.tableOf(l.kind).Rows {
		if slices.ContainsFunc(w.kinds[l.kind].fields, func(f edited) bool { return f.ours == row.CRM }) {
			switch rng.IntN(6) {
			case 0:
				continue
			case 1:
				row.Direction = mapping.ToMicrosoft
			case 2:
				row.Direction = mapping.ToCRM
			}
		}
		table.Rows = append(table.Rows, row)
	}
	var deleted []*entity // also what somebody edited since: whether that edit counts is for the mapping to say under which it is read
	for _, e := range w.entities {
		if e.org == l.of.org && e.kind == l.kind && (e.fate == dies || e.erased && !w.inStep(e, 2)) {
			deleted = append(deleted, e)
		}
	}
	policy := reconcile.Policy{Winner: []reconcile.Winner{
		reconcile.LaterWins, reconcile.MicrosoftWins, reconcile.CRMWins, reconcile.AskPerson,
	}[rng.IntN(4)], Options: w.books.link(l.id).Policy.Options}
	if err := w.books.settings(l.id, policy, table); err != nil {
		w.fail("simulation", "settings: %v", err)
	}
	l.remapped = true
	for _, e := range deleted {
		e.fate = open
	}
	for _, f := range w.kinds[l.kind].fields {
		if !slices.ContainsFunc(table.Going(l.of.way).Rows, func(r mapping.Row) bool { return r.CRM == f.ours }) {
			w.leftOut[leaving{l.of.org, f.ours}] = true
		}
	}
	var odd []string
	for _, f := range w.kinds[l.kind].fields {
		at := slices.IndexFunc(table.Rows, func(r mapping.Row) bool { return r.CRM == f.ours })
		if at < 0 {
			odd = append(odd, string(f.ours)+" out")
		} else if table.Rows[at].Direction != mapping.BothWays {
			odd = append(odd, string(f.ours)+" "+string(table.Rows[at].Direction))
		}
	}
	w.say("user %d changes what meets what (%s), and who wins: %s", l.of.id, strings.Join(odd, ", "), policy.Winner)
}

// reconnect signs a person in again.
func (w *world) reconnect(l *linkState) {
	if l.away.After(w.clock) && !w.calm {
		return
	}
	w.grants.of[l.of.id] = w.newGrant(l.of)
	delete(w.grants.claimed, l.of.id)
	if w.books.move(l.id, []reconcile.LinkState{reconcile.Paused}, reconcile.On) {
		w.say("user %d reconnects link %d", l.of.id, l.id)
	}
}

// answers says yes to the brake, now and then no.
func (w *world) answers(l *linkState, yes bool) {
	if w.books.link(l.id).State != reconcile.Held {
		return
	}
	l.agreed = 0
	for _, p := range w.books.pairs(l.id) {
		switch {
		case p.State != reconcile.Waiting:
		case yes:
			l.agreed++
		default:
			for _, e := range w.entities {
				if e.org == l.of.org && e.fate == dies {
					e.fate = open
				}
			}
			w.keepsApart(l, p)
		}
	}
	if w.books.answer(l.id, yes) {
		w.say("user %d answers the brake: %v", l.of.id, yes)
	}
}

// decides answers what a link's person is asked: of conflicts one or the other, and which record an item is as it is.
func (w *world) decides(l *linkState, rng *rand.Rand) {
	for _, q := range w.books.asks(l.id) {
		answer := reconcile.Ask{Taken: map[record.Field]reconcile.Where{}}
		for _, f := range q.Ask.Conflicts {
			answer.Taken[f] = []reconcile.Where{reconcile.InCRM, reconcile.InMicrosoft}[rng.IntN(2)]
		}
		if len(q.Ask.Matches) > 0 {
			answer.Match = w.same(l, q)
			answer.New = answer.Match == ""
		}
		if err := w.books.decide(l.id, q.Microsoft, answer); err != nil {
			w.fail("simulation", "decide: %v", err)
		}
		w.say("user %d decides about %s%s", l.of.id, q.Microsoft[max(0, len(q.Microsoft)-8):], map[bool]string{true: ", which is new"}[answer.New])
	}
}

// same is, of the records that an item may be, the one of its key; "": none is.
func (w *world) same(l *linkState, q reconcile.Question) record.Ref {
	for _, it := range w.itemsOf(l) {
		if it.id != string(q.Microsoft) {
			continue
		}
		for _, r := range w.records(l.of.org, l.kind, false) {
			if keyOf(r) == it.key && slices.Contains(q.Ask.Matches, r.ID.Ref()) {
				return r.ID.Ref()
			}
		}
	}
	return ""
}

// mistakable reports whether something may be taken for somebody else once a part of it is gone: by what it has in common with others it
// is known until its two sides have found each other.
func (w *world) mistakable(key string) bool {
	e := w.entities[key]
	return e != nil && e.alike != "" && !w.inStep(e, 2)
}

// unmarked reports whether a record's item may have been recognized and never written: it bears no mark, by which it would be known for
// that record's once its sync has been switched off and its folder has stayed (ADR 36).
func (w *world) unmarked(r crm.Record) bool {
	return w.entities[keyOf(r)].alike != "" && slices.ContainsFunc(w.order, func(l *linkState) bool {
		state := w.books.link(l.id).State
		return (state == reconcile.Switching || state == reconcile.Off) && l.of.id == r.Owner && l.kind == r.Kind &&
			slices.ContainsFunc(w.itemsOf(l), func(it item) bool { return it.key == keyOf(r) })
	})
}

// unheard reports whether a run that hears of an item's acquaintances before it hears of the item may take one of them for it. Changed while
// rounds lag behind, it is told of later than they, though all were there first: nobody could tell then whose item is whose (ADR 16).
func (w *world) unheard(l *linkState, it item) bool {
	e := w.entities[it.key]
	return e != nil && e.alike != "" && !slices.ContainsFunc(w.books.pairs(l.id), func(p reconcile.Pair) bool { return string(p.Microsoft) == it.id })
}

// acquaintances have somebody on both sides, and perhaps others at the same address on one side or both. What takes part in the sync comes
// into the CRM while nothing runs: a run that has read Microsoft already would send it there.
func (w *world) acquaintances(rng *rand.Rand) {
	l := w.anyLink(rng, func(l *linkState) bool {
		return l.kind == record.Contacts && l.of.way == mapping.BothWays && w.typable()(l) && !l.remapped
	})
	if l == nil {
		return
	}
	source := record.Import
	if rng.IntN(2) == 0 {
		if l.running > 0 || w.sim.Warts().DeltaLag > 0 || !w.books.move(l.id, []reconcile.LinkState{reconcile.On}, reconcile.Paused) {
			return
		}
		source, l.away = "", w.clock.Add(2*time.Minute)
		w.in(2*time.Minute, func() { w.reconnect(l) })
	}
	w.values++
	address := fmt.Sprintf("g%d@x.example", w.values)
	both, ours, theirs := 1+rng.IntN(2), rng.IntN(2), rng.IntN(2)
	var all []string
	for i := range both + ours + theirs {
		key := w.newKey(l.kind, l.of.org)
		w.entities[key].alike = address
		all = append(all, key)
		if i < both+ours {
			fields := w.fresh(l.kind, key)
			field := rng.IntN(len(kinds[l.kind].fields))
			fields[kinds[l.kind].fields[field].ours] = w.types(key, l.kind, field, false, "")
			fields[record.EmailField] = record.Value(address)
			results, err := w.crm.Insert(context.Background(), w.actor(l.of), l.kind, []crm.Draft{{Fields: fields, Source: source}})
			must(w, results, err, resultErr)
		}
	}
	for i, key := range all {
		if i < both || i >= both+ours {
			w.makeInOutlook(rng, l, key, address)
		}
	}
	w.say("user %d has %s at one address: the first %d on both sides, the next %d in the CRM, the rest in Outlook%s", l.of.id, strings.Join(all, ", "), both, ours,
		map[bool]string{true: "; those of the CRM were imported"}[source != ""])
}

// imported reports whether one of some records was imported.
func (w *world) imported(l *linkState, refs []record.Ref) bool {
	return slices.ContainsFunc(w.records(l.of.org, l.kind, false), func(r crm.Record) bool {
		return r.Source == record.Import && slices.Contains(refs, r.ID.Ref())
	})
}

// namesake comes into the CRM while it is asked about somebody of the same address.
func (w *world) namesake(rng *rand.Rand) {
	l := w.anyLink(rng, func(l *linkState) bool { return l.kind == record.Contacts && len(w.books.asks(l.id)) > 0 })
	if l == nil {
		return
	}
	for _, q := range w.books.asks(l.id) {
		address := q.Ask.Theirs[record.EmailField]
		if len(q.Ask.Matches) == 0 || address == "" || w.imported(l, q.Ask.Matches) { // it would come before those that were imported
			continue
		}
		key := w.newKey(l.kind, l.of.org)
		w.entities[key].alike = string(address)
		fields := w.fresh(l.kind, key)
		fields[w.kinds[l.kind].fields[0].ours] = w.types(key, l.kind, 0, false, "")
		fields[record.EmailField] = address
		results, err := w.crm.Insert(context.Background(), w.actor(l.of), l.kind, []crm.Draft{{Fields: fields}})
		must(w, results, err, resultErr)
		w.say("user %d makes %s in the CRM, of whom %s may be", l.of.id, key, q.Microsoft[max(0, len(q.Microsoft)-8):])
		return
	}
}

// retries has what fails tried again at once.
func (w *world) retries(l *linkState) {
	w.books.retry(l.id)
	w.say("user %d has what fails of link %d tried again", l.of.id, l.id)
}

// pause stops a link until somebody lets it go on.
func (w *world) pause(rng *rand.Rand) {
	l := w.anyLink(rng, w.is(reconcile.On, reconcile.Held))
	if l != nil && w.books.move(l.id, []reconcile.LinkState{reconcile.On, reconcile.Held}, reconcile.Paused) {
		w.say("user %d pauses link %d", l.of.id, l.id)
	}
}
