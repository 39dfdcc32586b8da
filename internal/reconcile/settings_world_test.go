package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// partners are the fields of Microsoft's that a CRM field may meet in these tests.
var partners = []struct {
	ours   record.Field
	theirs []record.Field
}{
	{record.Department, []record.Field{"department", "profession", "officeLocation"}},
	{record.Mobile, []record.Field{"mobilePhone", "homePhones[0]", "businessPhones[1]"}},
	{record.MailingCity, []record.Field{"businessAddress.city", "homeAddress.city"}},
	{record.Assistant, []record.Field{"assistantName", "profession", "homeAddress.city"}},
	{record.FirstName, []record.Field{"givenName", "nickName"}},
	{record.LastName, []record.Field{"surname"}},
}

// anyTable draws a sound mapping. The job title always meets the title, both ways: tests know records by it.
func anyTable(t *rapid.T) *mapping.Table {
	table := &mapping.Table{Kind: record.Contacts, Rows: []mapping.Row{{Microsoft: "jobTitle", CRM: record.Title}}}
	way := rapid.SampledFrom([]mapping.Direction{mapping.BothWays, mapping.BothWays, mapping.ToMicrosoft, mapping.ToCRM})
	name := way.Draw(t, "way of names")
	for _, p := range partners {
		if rapid.IntRange(0, 4).Draw(t, "out") == 0 {
			continue
		}
		row := mapping.Row{Microsoft: rapid.SampledFrom(p.theirs).Draw(t, "partner"), CRM: p.ours, Direction: way.Draw(t, "way")}
		if p.ours == record.FirstName || p.ours == record.LastName {
			row.Direction = name
		}
		with := mapping.Table{Kind: record.Contacts, Rows: append(slices.Clone(table.Rows), row)}
		if with.Check() == nil {
			table.Rows = with.Rows
		}
	}
	return table
}

// place is a field of one record on one side, and what a person typed there.
type typing struct {
	key   string
	side  reconcile.Where
	field record.Field
	value record.Value
	over  bool // replaced by somebody who saw it
}

// settlers are people who edit both sides, change the settings of the sync and answer what they are asked.
type settlers struct {
	*world
	rt     *rapid.T
	n      int
	typed  []*typing
	erased map[string]bool
}

func (p *settlers) keys() (ours, theirs []string) {
	live, items := p.live(), p.rawItems()
	for i := range p.n + 1 {
		key := fmt.Sprint("k", i)
		if len(live[key]) > 0 {
			ours = append(ours, key)
		}
		if len(items[key]) > 0 {
			theirs = append(theirs, key)
		}
	}
	return ours, theirs
}

// rawItems are the items in the folder by key, in Microsoft's fields.
func (w *world) rawItems() map[string][]record.Fields {
	out := map[string][]record.Fields{}
	for _, fields := range w.folder.Items() {
		key := string(fields["jobTitle"])
		out[key] = append(out[key], fields)
	}
	return out
}

func (p *settlers) value(key string, side reconcile.Where, field record.Field, now record.Value) record.Value {
	p.n++
	for _, w := range p.typed {
		w.over = w.over || w.key == key && w.value == now
	}
	w := &typing{key: key, side: side, field: field, value: record.Value(fmt.Sprint("v", p.n))}
	p.typed = append(p.typed, w)
	return w.value
}

func (p *settlers) change(t *rapid.T) {
	policy := reconcile.Policy{Winner: rapid.SampledFrom([]reconcile.Winner{
		reconcile.AskPerson, reconcile.AskPerson, reconcile.LaterWins, reconcile.MicrosoftWins, reconcile.CRMWins,
	}).Draw(t, "policy")}
	if err := p.ledger.ChangeSettings(context.Background(), org, 1, policy, anyTable(t)); err != nil {
		p.rt.Fatal(err)
	}
}

func (p *settlers) decide(t *rapid.T) bool {
	questions, err := p.ledger.Asks(context.Background(), org, 1, 0, 100)
	if err != nil || len(questions) == 0 {
		return false
	}
	q := rapid.SampledFrom(questions).Draw(t, "question")
	answer := reconcile.Ask{Taken: map[record.Field]reconcile.Where{}}
	for _, f := range q.Ask.Conflicts {
		answer.Taken[f] = rapid.SampledFrom([]reconcile.Where{reconcile.InCRM, reconcile.InMicrosoft}).Draw(t, "side")
	}
	if err := p.ledger.Decide(context.Background(), org, 1, q.Microsoft, answer); err != nil {
		p.rt.Fatal(err)
	}
	return true
}

func (p *settlers) actions() map[string]func(*rapid.T) {
	pick := func(t *rapid.T, keys []string) string {
		if len(keys) == 0 {
			t.Skip("this needs a record and there is none: another action is drawn")
		}
		return rapid.SampledFrom(keys).Draw(t, "key")
	}
	theirFields := []record.Field{
		"department", "profession", "officeLocation", "mobilePhone", "homePhones[0]", "businessAddress.city", "homeAddress.city", "assistantName", "givenName",
	}
	meddle := func(t *rapid.T, do func()) {
		at := rapid.IntRange(1, 25).Draw(t, "at")
		p.fails = func(string) error {
			if at--; at == 0 {
				do()
			}
			return nil
		}
		p.report(p.run())
		p.fails = nil
	}
	return map[string]func(*rapid.T){
		"new in the CRM": func(*rapid.T) { p.n++; p.insert(fmt.Sprint("k", p.n), nil) },
		"new in Outlook": func(t *rapid.T) {
			p.n++
			key := fmt.Sprint("k", p.n)
			ref := p.folder.Put("", record.Fields{"jobTitle": record.Value(key), "surname": "Outlook " + record.Value(key)})
			f := rapid.SampledFrom(theirFields).Draw(t, "field")
			p.folder.Put(ref, record.Fields{f: p.value(key, reconcile.InMicrosoft, f, "-")})
		},
		"edit in the CRM": func(t *rapid.T) {
			ours, _ := p.keys()
			key, f := pick(t, ours), rapid.SampledFrom(partners[:5]).Draw(t, "field").ours
			r := p.live()[key][0]
			p.edit(r.ID, record.Fields{f: p.value(key, reconcile.InCRM, f, r.Fields[f])})
		},
		"edit in Outlook": func(t *rapid.T) {
			_, theirs := p.keys()
			key, f := pick(t, theirs), rapid.SampledFrom(theirFields).Draw(t, "field")
			p.folder.Put(p.ref(key), record.Fields{f: p.value(key, reconcile.InMicrosoft, f, p.rawItems()[key][0][f])})
		},
		"empty in Outlook": func(t *rapid.T) {
			_, theirs := p.keys()
			key, f := pick(t, theirs), rapid.SampledFrom(theirFields).Draw(t, "field")
			p.value(key, reconcile.InMicrosoft, f, p.rawItems()[key][0][f])
			p.typed = p.typed[:len(p.typed)-1]
			p.folder.Put(p.ref(key), record.Fields{f: ""})
		},
		"delete in the CRM": func(t *rapid.T) {
			ours, _ := p.keys()
			key := pick(t, ours)
			p.bin(p.live()[key][0].ID)
			p.erased[key] = true
		},
		"delete in Outlook": func(t *rapid.T) {
			_, theirs := p.keys()
			key := pick(t, theirs)
			p.folder.Delete(p.ref(key))
			p.erased[key] = true
		},
		"change settings": p.change,
		"decide": func(t *rapid.T) {
			if !p.decide(t) {
				t.Skip("this needs an open question and there is none: another action is drawn")
			}
		},
		"expire":                     func(*rapid.T) { p.folder.Expire() },
		"run":                        func(*rapid.T) { p.report(p.run()) },
		"run while settings change":  func(t *rapid.T) { meddle(t, func() { p.change(t) }) },
		"run while a person decides": func(t *rapid.T) { meddle(t, func() { p.decide(t) }) },
		"run while somebody edits":   func(t *rapid.T) { meddle(t, func() { p.meanwhile(t) }) },
		"run and die": func(t *rapid.T) {
			p.plug = rapid.IntRange(0, 40).Draw(t, "effects")
			_ = p.run()
			p.plug = -1
			p.once()
		},
	}
}

func (p *settlers) meanwhile(t *rapid.T) {
	if ours, _ := p.keys(); len(ours) > 0 {
		key := rapid.SampledFrom(ours).Draw(t, "key")
		r := p.live()[key][0]
		p.edit(r.ID, record.Fields{record.Department: p.value(key, reconcile.InCRM, record.Department, r.Fields[record.Department])})
	}
}

func (p *settlers) report(err error) {
	if err != nil {
		p.rt.Fatalf("a run without faults failed: %v", err)
	}
	p.once()
}

func (p *settlers) once() {
	live, items := p.live(), p.rawItems()
	for i := range p.n + 1 {
		if key := fmt.Sprint("k", i); len(live[key]) > 1 || len(items[key]) > 1 {
			p.rt.Fatalf("%s is %d times in the CRM and %d times at Microsoft", key, len(live[key]), len(items[key]))
		}
	}
}

// check holds both sides against each other by the settings that hold at the end.
func (p *settlers) check() {
	link := p.ledger.Link(1)
	open := map[record.Ref]*reconcile.Ask{}
	for _, pair := range p.ledger.All(1) {
		open[pair.CRM] = pair.Ask
	}
	live, items := p.live(), p.rawItems()
	for i := range p.n + 1 {
		key := fmt.Sprint("k", i)
		if len(live[key]) != len(items[key]) || len(live[key]) > 1 {
			p.rt.Fatalf("%s: %d times in the CRM, %d times at Microsoft\npairs %+v", key, len(live[key]), len(items[key]), p.ledger.All(1))
		}
		if len(live[key]) == 0 {
			continue
		}
		ours := mapping.Normal(record.Standard(record.Contacts), crm.Complete(record.Standard(record.Contacts), live[key][0].Fields))
		told := link.Mapping.ToCRM(everything(items[key][0]))
		if told[mapping.StandIn] != "" { // Outlook has no name: the CRM has its own, or what once stood in
			told[record.LastName] = live[key][0].Fields[record.LastName]
			told[record.FirstName] = live[key][0].Fields[record.FirstName]
		}
		theirs := mapping.Normal(record.Standard(record.Contacts), crm.Complete(record.Standard(record.Contacts), told))
		ask := open[live[key][0].ID.Ref()]
		for _, row := range link.Mapping.Rows {
			f := row.CRM
			switch {
			case ours[f] == theirs[f]:
			case ask != nil && slices.Contains(ask.Conflicts, f):
				if ask.Theirs[f] != theirs[f] {
					p.rt.Fatalf("%s: the question says %q for %s, Outlook holds %q", key, ask.Theirs[f], f, theirs[f])
				}
			case row.Direction == mapping.ToMicrosoft && ours[f] == "", row.Direction == mapping.ToCRM && theirs[f] == "":
			default:
				p.rt.Fatalf("%s: %+v is %q in the CRM and %q at Microsoft\npairs %+v", key, row, ours[f], theirs[f], p.ledger.All(1))
			}
		}
	}
}

// everything says every field of an item, as Outlook's side does.
func everything(item record.Fields) record.Fields {
	out := item.With(nil)
	for _, f := range mapping.MicrosoftFields(record.Contacts) {
		if _, ok := out[f.Name]; !ok {
			out[f.Name] = ""
		}
	}
	return out
}

func (p *settlers) quiet() {
	before := p.writes()
	if err := p.run(); err != nil {
		p.rt.Fatalf("the run after quiet: %v", err)
	}
	if after := p.writes(); after != before {
		p.rt.Fatalf("the run after quiet wrote %d times", after-before)
	}
}

func (p *settlers) nothingLost() {
	lost, live, items := p.lost(), p.live(), p.rawItems()
	for _, w := range p.typed {
		held := w.over || p.erased[w.key] || lost[w.value]
		for _, side := range [][]record.Fields{fieldsOf(live[w.key]), items[w.key]} {
			for _, fields := range side {
				for _, v := range fields {
					held = held || v == w.value
				}
			}
		}
		if !held {
			p.rt.Fatalf("%+v is lost\nlive %v\nitems %v\nhistory %+v", *w, live[w.key], items[w.key], p.ledger.History())
		}
	}
}

func fieldsOf(records []crm.Record) (out []record.Fields) {
	for _, r := range records {
		out = append(out, r.Fields)
	}
	return out
}

// TestS26_S29_ChangedSettingsInTheMidstOfEdits: the mapping, its directions and the policy change while people edit both
// sides, runs are killed, and answers come while a run is under way. Both sides end as the last settings say, nothing is
// there twice, nothing that a person typed is lost without a trace, questions say what Outlook holds, and a quiet run
// follows; once more when every question is answered.
func TestS26_S29_ChangedSettingsInTheMidstOfEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := &settlers{world: newWorld(rt), rt: rt, erased: map[string]bool{}}
		rt.Repeat(p.actions())
		p.settle()
		p.check()
		p.quiet()
		p.nothingLost()
		for range 50 {
			if !p.decide(rt) {
				break
			}
		}
		p.settle()
		p.check()
		p.quiet()
		p.nothingLost()
		if left, _ := p.ledger.Asks(context.Background(), org, 1, 0, 9); len(left) > 0 {
			rt.Fatalf("still asked: %+v", left)
		}
	})
}
