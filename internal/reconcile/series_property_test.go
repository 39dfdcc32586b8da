package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/memside"
	"tandem/internal/testkit/plans"
)

// A mark is something that a person did: unique, so that its fate can be followed wherever the series is moved to.
type mark struct {
	value   record.Value
	side    reconcile.Where
	reached bool // seen on the other side
	over    bool // a person took it away who could see it
}

// planners are people who plan on both sides: single events and series, and single occurrences of them.
type planners struct {
	*world
	rt    *rapid.T
	n     int
	marks []*mark
}

// fresh is a new value, and its mark.
func (p *planners) fresh(side reconcile.Where) record.Value {
	p.n++
	v := record.Value(fmt.Sprintf("v%04d", p.n))
	p.marks = append(p.marks, &mark{value: v, side: side})
	return v
}

// hour is a time on a day that nobody else has chosen, and its mark.
func (p *planners) hour(side reconcile.Where, day string) (start, end record.Value) {
	p.n++
	from, to := plans.Hour(p.n, day)
	start = record.Value(from.Format(time.RFC3339))
	p.marks = append(p.marks, &mark{value: start, side: side})
	return start, record.Value(to.Format(time.RFC3339))
}

// has counts the records that have a value anywhere on a side: dividing a series makes two of one.
func (p *planners) has(side reconcile.Where, v record.Value) (n int) {
	in := func(f record.Fields) {
		for _, held := range f {
			if strings.Contains(string(held), string(v)) {
				n++
				return
			}
		}
	}
	if side == reconcile.InCRM {
		for _, r := range p.store.All() {
			if !r.Deleted() {
				in(r.Fields)
			}
		}
		return n
	}
	for _, f := range p.folder.Items() {
		in(f)
	}
	return n
}

// act is something that a person does on a side: what was there before and is not after it, they took away.
func (p *planners) act(side reconcile.Where, do func()) {
	before := make([]int, len(p.marks))
	for i, m := range p.marks {
		before[i] = p.has(side, m.value)
	}
	do()
	for i, m := range p.marks {
		now := p.has(side, m.value)
		m.over = m.over || i < len(before) && now < before[i] || i >= len(before) && now == 0 // what was refused was not done
	}
}

func (p *planners) look() {
	for _, m := range p.marks {
		other := reconcile.InCRM
		if m.side == reconcile.InCRM {
			other = reconcile.InMicrosoft
		}
		m.reached = m.reached || p.has(other, m.value) > 0
	}
	for key, records := range p.live() {
		if len(records) > 1 {
			p.rt.Fatalf("%s is %d times in the CRM", key, len(records))
		}
	}
	for key, items := range p.items() {
		if len(items) > 1 {
			p.rt.Fatalf("%s is %d times at Microsoft", key, len(items))
		}
	}
}

// planned draws an event with a plan.
func (p *planners) planned(t *rapid.T, side reconcile.Where) record.Fields {
	plan := rapid.SampledFrom(plans.All).Draw(t, "plan")
	start, end := p.hour(side, plan.Start)
	return record.Fields{
		record.Start: start, record.End: end, record.AllDay: "false", record.TimeZone: plans.Zone, record.Recurring: record.Value(plan.Rule),
	}
}

// crmRecord draws a record of the CRM; series: one that repeats.
func (p *planners) crmRecord(t *rapid.T, series bool) crm.Record {
	var all []crm.Record
	for _, r := range p.store.All() {
		if !r.Deleted() && (!series || r.Fields[record.Recurring] != "") {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		t.Skip("this needs a record and there is none: another action is drawn")
	}
	return rapid.SampledFrom(all).Draw(t, "record")
}

// item draws an item at Microsoft; series: one that repeats.
func (p *planners) item(t *rapid.T, series bool) (record.Ref, record.Fields) {
	all := p.folder.Items()
	var refs []record.Ref
	for ref, f := range all {
		if !series || f["recurrence"] != "" {
			refs = append(refs, ref)
		}
	}
	if len(refs) == 0 {
		t.Skip("this needs an item and there is none: another action is drawn")
	}
	slices.Sort(refs)
	ref := rapid.SampledFrom(refs).Draw(t, "item")
	return ref, all[ref]
}

// day draws one of the first days of a series that is not left out.
func day(t *rapid.T, days []string, excluded record.Value) string {
	days = slices.DeleteFunc(slices.Clone(days[:min(len(days), 6)]), func(d string) bool { return strings.Contains(string(excluded), d) })
	if len(days) < 2 {
		t.Skip("hardly a day is left of it: another action is drawn")
	}
	return rapid.SampledFrom(days).Draw(t, "day")
}

func daysOf(f record.Fields) []string {
	return memside.DaysOf(record.Fields{"start": f[record.Start], "timeZone": f[record.TimeZone], "recurrence": f[record.Recurring]})
}

// revise does what a person does to a series in the CRM, agreeing to what is lost by it.
func (p *planners) revise(d crm.SeriesDraft) {
	d.Lose = true
	if _, err := p.crm.Revise(context.Background(), p.actor(), d); err != nil && !fault.Is(err, fault.Invalid) && !errors.As(err, new(crm.Problems)) {
		p.rt.Fatalf("revise %+v: %v", d, err)
	}
}

func (p *planners) actions() map[string]func(*rapid.T) {
	const ours, theirs = reconcile.InCRM, reconcile.InMicrosoft
	in := map[string]func(*rapid.T){
		"new in the CRM": func(t *rapid.T) {
			p.n++
			f := p.planned(t, ours).With(record.Fields{record.EventTitle: record.Value(fmt.Sprint("k", p.n))})
			results, err := p.crm.Insert(context.Background(), p.actor(), record.Calendar, []crm.Draft{{Fields: f}})
			if err != nil || results[0].Err != nil {
				p.rt.Fatalf("insert %v: %v %v", f, err, results[0].Err)
			}
		},
		"new in Outlook": func(t *rapid.T) {
			p.n++
			f := p.planned(t, theirs)
			p.folder.Put("", record.Fields{
				"subject": record.Value(fmt.Sprint("k", p.n)), "start": f[record.Start], "end": f[record.End], "isAllDay": "false", "timeZone": plans.Zone,
				"recurrence": f[record.Recurring], "exdates": "", "exceptions": "", "location": "", "body": "",
			})
		},
		"edit all in the CRM": func(t *rapid.T) {
			r := p.crmRecord(t, false)
			f := rapid.SampledFrom([]record.Field{record.Venue, record.Description}).Draw(t, "field")
			p.act(ours, func() { p.edit(r.ID, record.Fields{f: p.fresh(ours)}) })
		},
		"edit all in Outlook": func(t *rapid.T) {
			ref, _ := p.item(t, false)
			f := rapid.SampledFrom([]record.Field{"location", "body"}).Draw(t, "field")
			p.act(theirs, func() { p.folder.Put(ref, record.Fields{f: p.fresh(theirs)}) })
		},
		"edit a day in the CRM": func(t *rapid.T) {
			r := p.crmRecord(t, true)
			d := day(t, daysOf(r.Fields), r.Fields[record.Excluded])
			f := rapid.SampledFrom([]record.Field{record.Venue, record.Description}).Draw(t, "field")
			p.act(ours, func() {
				p.revise(crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Fields: record.Fields{f: p.fresh(ours)}}, Day: d, Scope: crm.OnlyThis})
			})
		},
		"edit a day in Outlook": func(t *rapid.T) {
			ref, f := p.item(t, true)
			d := day(t, memside.DaysOf(f), f["exdates"])
			field := rapid.SampledFrom([]record.Field{"location", "body"}).Draw(t, "field")
			p.act(theirs, func() { p.folder.Change(ref, d, record.Fields{field: p.fresh(theirs)}) })
		},
		"move a day in the CRM": func(t *rapid.T) {
			r := p.crmRecord(t, true)
			d := day(t, daysOf(r.Fields), r.Fields[record.Excluded])
			p.act(ours, func() {
				start, end := p.hour(ours, d)
				p.revise(crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Fields: record.Fields{record.Start: start, record.End: end}}, Day: d, Scope: crm.OnlyThis})
			})
		},
		"move a day in Outlook": func(t *rapid.T) {
			ref, f := p.item(t, true)
			d := day(t, memside.DaysOf(f), f["exdates"])
			p.act(theirs, func() {
				start, end := p.hour(theirs, d)
				p.folder.Change(ref, d, record.Fields{"start": start, "end": end})
			})
		},
		"delete a day in the CRM": func(t *rapid.T) {
			r := p.crmRecord(t, true)
			d := day(t, daysOf(r.Fields), r.Fields[record.Excluded])
			p.act(ours, func() {
				p.revise(crm.SeriesDraft{Draft: crm.Draft{ID: r.ID}, Day: d, Scope: crm.OnlyThis, Remove: true})
			})
		},
		"delete a day in Outlook": func(t *rapid.T) {
			ref, f := p.item(t, true)
			d := day(t, memside.DaysOf(f), f["exdates"])
			p.act(theirs, func() { p.folder.Cancel(ref, d) })
		},
		"from a day on, in the CRM": func(t *rapid.T) {
			r := p.crmRecord(t, true)
			d := day(t, daysOf(r.Fields), r.Fields[record.Excluded])
			p.n++
			p.act(ours, func() {
				p.revise(crm.SeriesDraft{
					Draft: crm.Draft{ID: r.ID, Fields: record.Fields{record.EventTitle: record.Value(fmt.Sprint("k", p.n)), record.Venue: p.fresh(ours)}},
					Day:   d, Scope: crm.Following, Remove: rapid.IntRange(0, 3).Draw(t, "remove") == 0,
				})
			})
		},
		"shift in the CRM": func(t *rapid.T) {
			r := p.crmRecord(t, true)
			days := rapid.IntRange(-2, 2).Draw(t, "days")
			p.act(ours, func() {
				start, end := p.hour(ours, shifted(r.Fields[record.Start], days))
				p.revise(crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Fields: record.Fields{record.Start: start, record.End: end}}, Scope: crm.Whole})
			})
		},
		"shift in Outlook": func(t *rapid.T) {
			ref, f := p.item(t, true)
			days := rapid.IntRange(-2, 2).Draw(t, "days")
			p.act(theirs, func() {
				start, end := p.hour(theirs, shifted(f["start"], days))
				if rule, ok := shiftedRule(f, start); ok {
					p.folder.Retime(ref, record.Fields{"start": start, "end": end, "recurrence": rule})
				}
			})
		},
		"another rule in the CRM": func(t *rapid.T) {
			r := p.crmRecord(t, false)
			p.act(ours, func() {
				f := p.planned(t, ours)
				delete(f, record.AllDay)
				results, err := p.crm.Update(context.Background(), p.actor(), record.Calendar, []crm.Draft{{ID: r.ID, Fields: f}})
				if err != nil || results[0].Err != nil && !errors.As(results[0].Err, new(crm.Problems)) {
					p.rt.Fatalf("another rule: %v %v", err, results[0].Err)
				}
			})
		},
		"another rule in Outlook": func(t *rapid.T) {
			ref, _ := p.item(t, false)
			p.act(theirs, func() {
				f := p.planned(t, theirs)
				p.folder.Retime(ref, record.Fields{"start": f[record.Start], "end": f[record.End], "recurrence": f[record.Recurring]})
			})
		},
		"delete in the CRM": func(t *rapid.T) {
			r := p.crmRecord(t, false)
			p.act(ours, func() { p.bin(r.ID) })
		},
		"delete in Outlook": func(t *rapid.T) {
			ref, _ := p.item(t, false)
			p.act(theirs, func() { p.folder.Delete(ref) })
		},
		"expire": func(*rapid.T) { p.folder.Expire() },
		"run": func(*rapid.T) {
			if err := p.run(); err != nil {
				p.rt.Fatalf("a run without faults failed: %v", err)
			}
			p.look()
		},
		"run with faults": func(t *rapid.T) {
			rate := rapid.IntRange(1, 6).Draw(t, "one in")
			kind := rapid.SampledFrom([]error{
				fault.Wait(0, "throttled"), fault.New(fault.Unavailable, "", "503"),
				fault.New(fault.Conflict, "", "412 without a cause"), fault.New(fault.Broken, "", "cut"),
			}).Draw(t, "fault")
			count := 0
			p.fails = func(point string) error {
				if count++; count%rate == 0 && (!fault.Is(kind, fault.Conflict) || point == "before write") {
					return kind
				}
				return nil
			}
			_ = p.run() // may fail; what matters is what is true afterwards
			p.fails = nil
			p.look()
		},
		"run and die": func(t *rapid.T) {
			p.plug = rapid.IntRange(0, 40).Draw(t, "effects")
			_ = p.run()
			p.plug = -1
			p.look()
		},
	}
	return in
}

// shifted is the day of a moment, moved.
func shifted(at record.Value, days int) string {
	t, _ := time.Parse(time.RFC3339, string(at))
	return plans.Shifted(t, days)
}

// shiftedRule is the rule of a series that Outlook moves to another start.
func shiftedRule(f record.Fields, start record.Value) (record.Value, bool) {
	from, _ := time.Parse(time.RFC3339, string(f["start"]))
	to, _ := time.Parse(time.RFC3339, string(start))
	rule, ok := plans.ShiftedRule(string(f["recurrence"]), from, to)
	return record.Value(rule), ok
}

// TestProperties_SeriesAndTheirOccurrences is the state machine of series: people plan, change, move, shift, divide and delete
// series and single occurrences on both sides while runs are cut, throttled, refused and killed. After quiet both sides agree
// (L1), nothing is there twice (I3), nothing that a person did is lost without a trace (I1), and another run writes nothing (L2).
func TestProperties_SeriesAndTheirOccurrences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := &planners{world: newWorldOf(rt, record.Calendar), rt: rt}
		p.ledger.Change(1, func(l *reconcile.Link) {
			l.Policy.Winner = rapid.SampledFrom([]reconcile.Winner{"", reconcile.CRMWins, reconcile.MicrosoftWins}).Draw(rt, "policy")
		})
		rt.Repeat(p.actions())
		p.settle()
		p.alike()
		p.look()
		before := p.world.writes()
		if err := p.run(); err != nil {
			rt.Fatalf("the run after quiet: %v", err)
		}
		if after := p.world.writes(); after != before {
			rt.Fatalf("the run after quiet wrote %d times", after-before)
		}
		lost := ""
		for v := range p.lost() {
			lost += string(v) + "\n"
		}
		for _, m := range p.marks {
			if !m.over && p.has(reconcile.InCRM, m.value) == 0 && !strings.Contains(lost, string(m.value)) {
				rt.Fatalf("%s of %s is lost\nhistory %+v", m.value, m.side, p.ledger.History())
			}
		}
	})
}
