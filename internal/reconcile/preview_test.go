package reconcile_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// preview rehearses, and checks that nothing was written anywhere.
func (w *world) preview(link reconcile.Link, occasion reconcile.Occasion, settings reconcile.Settings) ([]reconcile.Line, reconcile.Summary) {
	w.t.Helper()
	before, writes := w.everything(), w.writes()
	var lines []reconcile.Line
	p := &reconcile.Previewer{
		Past: w.ledger.Past(), Sides: w, Now: func() time.Time { return w.clock }, Runner: reconcile.Runner{Log: w.runner.Log, Name: "Tandem"},
		Existing: func(context.Context, *reconcile.Link) (record.Ref, string, error) { return "folder", "Tandem", nil },
	}
	sum, err := p.Preview(context.Background(), link, occasion, settings, func(more []reconcile.Line) error {
		lines = append(lines, more...)
		return nil
	}, nil)
	if err != nil {
		w.t.Fatalf("preview: %v", err)
	}
	if after := w.everything(); !reflect.DeepEqual(before, after) || w.writes() != writes {
		w.t.Fatalf("the preview has changed something:\nbefore %+v\nafter  %+v", before, after)
	}
	return lines, sum
}

// everything is all that a preview could change.
func (w *world) everything() []any {
	link := w.ledger.Link(1)
	return []any{link, w.ledger.All(1), w.ledger.History(), w.store.All(), w.folder.Items(), w.folder.Deleted(), w.folder.Writes, w.removed}
}

// deeds are what becomes of records, each as "what where record", by the ids that they had before.
type deeds map[string]bool

// announced are the deeds of a preview. Fields are told of updates.
func announced(lines []reconcile.Line) deeds {
	out := deeds{}
	for _, l := range lines {
		key := l.CRM
		if key == "" {
			key = l.Microsoft
		}
		switch l.Verb {
		case reconcile.CreateCRM:
			out[fmt.Sprint("created crm ", l.Microsoft)] = true
		case reconcile.CreateMicrosoft:
			out[fmt.Sprint("created microsoft ", l.CRM)] = true
		case reconcile.RestoreCRM:
			out[fmt.Sprint("restored crm ", l.CRM)] = true
		case reconcile.DeleteCRM:
			out[fmt.Sprint("deleted crm ", key)] = true
		case reconcile.DeleteMicrosoft:
			out[fmt.Sprint("deleted microsoft ", key)] = true
		case reconcile.Unlink:
			out[fmt.Sprint("unlinked microsoft ", key)] = true
		case reconcile.Merge:
			if len(l.ToCRM) > 0 {
				out[fmt.Sprint("updated crm ", key, l.ToCRM)] = true
			}
			if len(l.ToMicrosoft) > 0 {
				out[fmt.Sprint("updated microsoft ", key, l.ToMicrosoft)] = true
			}
			if l.Admits && len(l.ToCRM) == 0 {
				out[fmt.Sprint("adopted crm ", key)] = true
			}
		case reconcile.Adopt:
			if l.Group == reconcile.ToMatch {
				out[fmt.Sprint("adopted crm ", key)] = true
			}
		}
	}
	return out
}

// done are the deeds of a run, as its history tells them. What follows the making of a record belongs to it.
func done(lines []reconcile.HistoryLine) deeds {
	out, made := deeds{}, map[record.Ref]bool{}
	for _, h := range lines {
		key := h.CRM
		switch h.Action {
		case reconcile.Created:
			if h.Side == reconcile.InCRM {
				key = h.Microsoft
			}
			made[h.CRM], made[h.Microsoft] = true, true
		case reconcile.Restored:
			made[h.CRM], made[h.Microsoft] = true, true
		case reconcile.Updated:
			if made[h.CRM] || made[h.Microsoft] {
				continue
			}
			out[fmt.Sprint("updated ", h.Side, " ", key, h.Fields)] = true
			continue
		case reconcile.Deleted, reconcile.Unlinked:
			if key == "" {
				key = h.Microsoft
			}
		case reconcile.Adopted:
			if made[h.CRM] || made[h.Microsoft] {
				continue
			}
		default:
			continue
		}
		out[fmt.Sprint(h.Action, " ", h.Side, " ", key)] = true
	}
	return out
}

// did checks that a run did what was announced, but for deletions that it held.
func (p *settlers) did(lines []reconcile.Line, sum reconcile.Summary, history []reconcile.HistoryLine) {
	want, got := announced(lines), done(history)
	link := p.ledger.Link(1)
	if sum.Held != (link.State == reconcile.Held) {
		p.rt.Fatalf("announced held %v, the link is %s", sum.Held, link.State)
	}
	if sum.Held {
		for d := range want {
			if d[:len("deleted")] == "deleted" {
				delete(want, d)
			}
		}
	}
	for _, l := range lines {
		if l.Verb == reconcile.Adopt && l.Group == reconcile.ToAsk { // of such it is told what is asked, not that they are alike
			delete(got, fmt.Sprint("adopted crm ", l.CRM))
		}
	}
	if !maps.Equal(want, got) {
		p.rt.Fatalf("announced %v\ndone      %v\nlines %+v\nhistory %+v", slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)), lines, history)
	}
}

// TestPreview_IsWhatTheNextRunDoes: whatever people did on both sides, with settings changed and runs killed in the midst,
// what is shown is what the next run then does, record by record and field by field; and showing it changes nothing.
func TestPreview_IsWhatTheNextRunDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := &settlers{world: newWorld(rt), rt: rt, erased: map[string]bool{}}
		actions := p.undisturbed()
		actions["preview and run"] = func(t *rapid.T) {
			p.clock = p.clock.Add(time.Hour)
			link, occasion, settings := p.ledger.Link(1), reconcile.Next, reconcile.Settings{}
			if rapid.Bool().Draw(t, "other settings") {
				settings = reconcile.Settings{Winner: rapid.SampledFrom([]reconcile.Winner{
					reconcile.AskPerson, reconcile.LaterWins, reconcile.CRMWins}).Draw(t, "policy"), Mapping: anyTable(t)}
				settings.Direction = rapid.SampledFrom([]mapping.Direction{
					mapping.BothWays, mapping.BothWays, mapping.ToMicrosoft, mapping.ToCRM}).Draw(t, "direction")
				if going := settings.Mapping.Going(settings.Direction); len(going.Rows) == 0 || going.Check() != nil {
					settings.Direction = mapping.BothWays
				}
				occasion = reconcile.Changing
			}
			before := len(p.ledger.History())
			lines, sum := p.preview(link, occasion, settings)
			if occasion == reconcile.Changing {
				if err := p.ledger.ChangeSettings(context.Background(), org, 1, reconcile.Policy{Winner: settings.Winner, Options: settings.Options}, settings.Mapping); err != nil {
					p.rt.Fatal(err)
				}
			}
			p.clock = p.clock.Add(-time.Minute) // run adds it
			p.report(p.run())
			p.did(lines, sum, p.ledger.History()[before:])
		}
		rt.Repeat(actions)
	})
}

// undisturbed are the actions in which nobody edits while a run is under way.
func (p *settlers) undisturbed() map[string]func(*rapid.T) {
	actions := p.actions()
	maps.DeleteFunc(actions, func(name string, _ func(*rapid.T)) bool { return strings.HasPrefix(name, "run while") })
	return actions
}

// firstWorld is a folder and a CRM full of people who may be the same, and a link that is not there yet.
func firstWorld(t fataler, draw *rapid.T) *world {
	w := newWorld(t)
	pick := func(label string) record.Value {
		return record.Value(fmt.Sprintf("p%d@fabrikam.example", rapid.IntRange(1, 5).Draw(draw, label)))
	}
	for i := range rapid.IntRange(0, 6).Draw(draw, "records") {
		fields := mail(string(pick("address")))
		if rapid.Bool().Draw(draw, "phone") {
			fields[record.Mobile] = "+55 11 91234 5678"
		}
		if rapid.Bool().Draw(draw, "imported") {
			w.imported(fmt.Sprint("c", i), fields)
		} else {
			w.insert(fmt.Sprint("c", i), fields)
		}
	}
	for i := range rapid.IntRange(0, 6).Draw(draw, "items") {
		item := contact(fmt.Sprint("m", i), string(pick("address")))
		if rapid.Bool().Draw(draw, "more") {
			item["mobilePhone"] = "+55 11 91234 5678"
		}
		w.folder.Put("", item)
	}
	return w
}

// TestPreview_BeforeSwitchingOn: what a first sync will make, recognize and ask is known before, in a folder that is left
// from an earlier time, too.
func TestPreview_BeforeSwitchingOn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := &settlers{world: firstWorld(rt, rt), rt: rt}
		p.clock = p.clock.Add(time.Hour)
		link := reconcile.Link{Org: org, User: adele, Kind: record.Contacts, Mapping: mapping.Default(record.Contacts)}
		lines, sum := p.preview(link, reconcile.Beginning, reconcile.Settings{})
		p.clock = p.clock.Add(-time.Minute)
		p.report(p.run())
		p.did(lines, sum, p.ledger.History())
		asked := 0
		for _, l := range lines {
			if l.Group == reconcile.ToAsk && l.CRM == "" {
				asked++
			}
		}
		if got := len(p.asks()); got != asked {
			rt.Fatalf("announced %d questions, there are %d\n%+v", asked, got, lines)
		}
	})
}

// A run that brings one more while a preview of switching off is made does not make it count one too few.
func TestPreview_OfSwitchingOffDuringARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		w.insert(fmt.Sprint("k", i), nil)
	}
	w.settle()
	as := w.ledger.Link(1) // as the preview begins with it
	w.folder.Put("", contact("late", "late@x.example"))
	w.insert("gone", nil)
	w.settle()
	w.folder.Delete(w.ref("gone"))
	w.clock = w.clock.Add(time.Minute)
	if _, sum := w.preview(as, reconcile.Ending, reconcile.Settings{}); sum.Removed != 4 || sum.Kept != "" {
		t.Errorf("announced %d items that go, kept because of %q; there are %d", sum.Removed, sum.Kept, len(w.folder.Items()))
	}
}

// TestPreview_BeforeSwitchingOff: what the last reading brings is known before, how much goes with the folder, and whether
// it stays because something in it could not be brought.
func TestPreview_BeforeSwitchingOff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := &settlers{world: newWorld(rt), rt: rt, erased: map[string]bool{}}
		rt.Repeat(p.undisturbed())
		p.clock = p.clock.Add(time.Hour)
		made := p.ledger.Link(1).Container != ""
		lines, sum := p.preview(p.ledger.Link(1), reconcile.Ending, reconcile.Settings{})
		p.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
		before, there := len(p.ledger.History()), len(p.folder.Items())
		p.clock = p.clock.Add(-time.Minute)
		if err := p.run(); err != nil {
			rt.Fatal(err)
		}
		p.did(lines, sum, p.ledger.History()[before:])
		link := p.ledger.Link(1)
		if link.Reason != sum.Kept || (p.removed > 0) != (made && sum.Kept == "") {
			rt.Fatalf("announced that it stays because of %q; it ended with %q, removed %d times", sum.Kept, link.Reason, p.removed)
		}
		if more := sum.Removed - there; p.removed > 0 && (more < 0 || more > len(p.folder.Deleted())) { // some may have been deleted and edited
			rt.Fatalf("announced %d items that go, there are %d", sum.Removed, there)
		}
	})
}
