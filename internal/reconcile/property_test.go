package reconcile_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// write is one value that a person typed: unique, so that its fate can be followed.
type write struct {
	key     string
	ours    record.Field // the CRM's name of the field
	value   record.Value
	side    reconcile.Where
	reached bool // seen on the other side after a run
	over    bool // replaced by a later write of the same side, or by one that had seen it
}

// people are random edits on both sides and what must become of them.
type people struct {
	*world
	rt     *rapid.T
	n      int
	writes []*write
}

var edited = []struct{ ours, theirs record.Field }{
	{record.Department, "department"}, {record.Mobile, "mobilePhone"}, {record.FirstName, "givenName"}, {record.MailingCity, "businessAddress.city"},
}

func (p *people) key() string { p.n++; return fmt.Sprint("k", p.n) }

// type_ notes a write and what it replaces: earlier writes of the same side, and those of the other side that had come.
func (p *people) typed(key string, field record.Field, side reconcile.Where) record.Value {
	p.n++
	value := record.Value(fmt.Sprint("v", p.n))
	for _, w := range p.writes {
		if w.key == key && w.ours == field && (w.side == side || w.reached) {
			w.over = true
		}
	}
	p.writes = append(p.writes, &write{key: key, ours: field, value: value, side: side})
	return value
}

func (p *people) actions() map[string]func(*rapid.T) {
	pick := func(t *rapid.T, keys []string) string {
		if len(keys) == 0 {
			t.Skip("this needs a record and there is none: another action is drawn")
		}
		return rapid.SampledFrom(keys).Draw(t, "key")
	}
	crmKeys := func() (keys []string) {
		for i := range p.n + 1 {
			if key := fmt.Sprint("k", i); len(p.live()[key]) > 0 {
				keys = append(keys, key)
			}
		}
		return keys
	}
	folderKeys := func() (keys []string) {
		for i := range p.n + 1 {
			if key := fmt.Sprint("k", i); len(p.items()[key]) > 0 {
				keys = append(keys, key)
			}
		}
		return keys
	}
	return map[string]func(*rapid.T){
		"new in the CRM": func(*rapid.T) { p.insert(p.key(), nil) },
		"new in Outlook": func(*rapid.T) {
			key := p.key()
			p.folder.Put("", record.Fields{"jobTitle": record.Value(key), "surname": "Outlook " + record.Value(key)})
		},
		"edit in the CRM": func(t *rapid.T) {
			key, f := pick(t, crmKeys()), rapid.SampledFrom(edited).Draw(t, "field")
			p.edit(p.live()[key][0].ID, record.Fields{f.ours: p.typed(key, f.ours, reconcile.InCRM)})
		},
		"edit in Outlook": func(t *rapid.T) {
			key, f := pick(t, folderKeys()), rapid.SampledFrom(edited).Draw(t, "field")
			p.folder.Put(p.ref(key), record.Fields{f.theirs: p.typed(key, f.ours, reconcile.InMicrosoft)})
		},
		"delete in the CRM": func(t *rapid.T) {
			key := pick(t, crmKeys())
			p.bin(p.live()[key][0].ID)
			p.erase(key, reconcile.InCRM)
		},
		"delete in Outlook": func(t *rapid.T) {
			key := pick(t, folderKeys())
			p.folder.Delete(p.ref(key))
			p.erase(key, reconcile.InMicrosoft)
		},
		"undelete in Outlook": func(t *rapid.T) {
			gone := p.folder.Deleted()
			// One whose record lives on, with another item or about to get one, would be a second contact by the person's wish.
			gone = slices.DeleteFunc(gone, func(ref record.Ref) bool {
				key := p.folder.Title(ref)
				return len(p.items()[key]) > 0 || len(p.live()[key]) > 0
			})
			if len(gone) == 0 {
				t.Skip("this needs a deleted record and there is none: another action is drawn")
			}
			ref := rapid.SampledFrom(gone).Draw(t, "item")
			p.folder.Undelete(ref)
		},
		"copy in Outlook": func(t *rapid.T) {
			// Of an item that no pair knows yet, nobody can tell the copy from the original once that is deleted.
			keys := slices.DeleteFunc(folderKeys(), func(key string) bool {
				return !slices.ContainsFunc(p.ledger.All(1), func(pair reconcile.Pair) bool { return pair.Microsoft == p.ref(key) })
			})
			twin := p.folder.Copy(p.ref(pick(t, keys)))
			p.folder.Put(twin, record.Fields{"jobTitle": record.Value(p.key())})
		},
		"expire": func(*rapid.T) { p.folder.Expire() },
		"run":    func(*rapid.T) { p.report(p.run()) },
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
}

// erase notes a person's delete: what had come to that side goes with it, on purpose.
func (p *people) erase(key string, side reconcile.Where) {
	for _, w := range p.writes {
		if w.key == key && (w.side == side || w.reached) {
			w.over = true
		}
	}
}

func (p *people) report(err error) {
	if err != nil {
		p.rt.Fatalf("a run without faults failed: %v", err)
	}
	p.look()
}

// look notes which values have come to the other side, and that nothing is there twice (I3).
func (p *people) look() {
	live, items := p.live(), p.items()
	for _, w := range p.writes {
		if w.side == reconcile.InCRM && len(items[w.key]) > 0 && items[w.key][0][w.ours] == w.value ||
			w.side == reconcile.InMicrosoft && len(live[w.key]) > 0 && live[w.key][0].Fields[w.ours] == w.value {
			w.reached = true
		}
	}
	for key, records := range live {
		if len(records) > 1 {
			p.rt.Fatalf("%s is %d times in the CRM", key, len(records))
		}
	}
	for key, records := range items {
		if len(records) > 1 {
			p.rt.Fatalf("%s is %d times at Microsoft", key, len(records))
		}
	}
}

// TestProperties_RandomEditsFaultsAndDeaths is the state machine: people edit both sides while runs are cut, throttled,
// refused and killed. After quiet, both sides agree (L1), nothing is there twice (I3), no value that a person typed is
// lost without a trace (I1), and another run writes nothing (L2).
func TestProperties_RandomEditsFaultsAndDeaths(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := &people{world: newWorld(rt), rt: rt}
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
		lost, live := p.lost(), p.live()
		for _, w := range p.writes {
			held := len(live[w.key]) > 0 && live[w.key][0].Fields[w.ours] == w.value
			if !held && !w.over && !lost[w.value] {
				rt.Fatalf("%s typed in %s for %s of %s is lost\nlive %v\nhistory %+v", w.value, w.side, w.ours, w.key, live[w.key], p.ledger.History())
			}
		}
	})
}

// TestC1C2_DeathAtEveryEffect kills the process at every single effect of a story with all kinds of change, and again at
// every effect of the run that recovers. The end is that of the undisturbed story, with as many creates.
func TestC1C2_DeathAtEveryEffect(t *testing.T) {
	t.Parallel()
	story := func(w *world) {
		a, b := w.insert("a", nil), w.insert("b", nil)
		w.insert("c", nil)
		w.folder.Put("", record.Fields{"jobTitle": "d", "surname": "D"})
		w.folder.Put("", record.Fields{"jobTitle": "e", "surname": "E"})
		w.settle()
		w.edit(a, record.Fields{record.Mobile: "1"})
		w.folder.Put(w.ref("a"), record.Fields{"department": "both"})
		w.bin(b)
		w.folder.Delete(w.ref("e"))
		w.insert("f", nil)
		w.folder.Put("", record.Fields{"jobTitle": "g", "surname": "G"})
	}
	whole := newWorld(t)
	story(whole)
	start := whole.effects
	whole.settle()
	effects := whole.effects - start
	if effects < 20 {
		t.Fatalf("only %d effects: the story is too short to prove anything", effects)
	}
	for first := range effects {
		for second := -1; second < effects; second++ {
			w := newWorld(t)
			story(w)
			w.plug = first
			_ = w.run()
			w.plug = -1
			if second >= 0 {
				w.plug = second
				_ = w.run()
				w.plug = -1
			}
			w.settle()
			w.alike()
			must(t, len(w.live()), len(whole.live()), "records")
			must(t, w.folder.Creates, whole.folder.Creates, "creates at Microsoft")
			if t.Failed() {
				t.Fatalf("killed at effect %d, then at %d", first, second)
			}
		}
	}
}
