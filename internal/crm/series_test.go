package crm_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// A sight is one occurrence as its readers see it: its place in the rule, the wall clock of its series, and what it has
// that tells it from others.
type sight struct {
	day, start, end, title, venue string
}

func (s sight) String() string {
	return fmt.Sprintf("%s: %s to %s %q at %q", s.day, s.start, s.end, s.title, s.venue)
}

var standard = record.Standard(record.Calendar)

const wallText = "2006-01-02 15:04"

// sights counts out a series by the calendar: every day of some years is held against the rule by hand, without the
// library that expands rules.
func sights(t *testing.T, f record.Fields, until string) []sight {
	t.Helper()
	local, ok := zone.Load(string(f[record.TimeZone]))
	if !ok || f[record.AllDay] == "true" {
		local = time.UTC
	}
	read := func(v record.Value) time.Time {
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if at, err := time.Parse(layout, string(v)); err == nil {
				return at.In(local)
			}
		}
		t.Fatalf("no moment: %q", v)
		return time.Time{}
	}
	start, end := read(f[record.Start]), read(f[record.End])
	one := func(day string, at time.Time, own record.Fields) sight {
		last := at.Add(end.Sub(start))
		if own[record.Start] != "" {
			at, last = read(own[record.Start]), read(own[record.End])
		}
		all := f.With(own)
		return sight{day, at.Format(wallText), last.Format(wallText), string(all[record.EventTitle]), string(all[record.Venue])}
	}
	if f[record.Recurring] == "" {
		return []sight{one(start.Format(time.DateOnly), start, nil)}
	}
	rule, err := recur.Parse(string(f[record.Recurring]))
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]record.Fields{}
	for _, o := range record.Occurrences(f[record.Changed]) {
		own[o.Day] = o.Fields
	}
	var out []sight
	n := 0
	for day := start; day.Format(time.DateOnly) <= until; day = day.AddDate(0, 0, 1) {
		text := day.Format(time.DateOnly)
		if rule.Until != "" && text > rule.Until || rule.Count > 0 && n >= rule.Count {
			break
		}
		if !falls(rule, start, day) {
			continue
		}
		n++
		if !strings.Contains(string(f[record.Excluded]), text) {
			wall := time.Date(day.Year(), day.Month(), day.Day(), start.Hour(), start.Minute(), 0, 0, time.UTC)
			out = append(out, one(text, recur.Attach(wall, local), own[text]))
		}
	}
	slices.SortFunc(out, func(a, b sight) int { return cmp.Or(strings.Compare(a.start, b.start), strings.Compare(a.day, b.day)) })
	return out
}

// falls reports whether a rule of the kinds that these tests make has an occurrence on a day.
func falls(r recur.Rule, start, day time.Time) bool {
	days := int(day.Sub(start).Hours()/24 + 0.5)
	months := (day.Year()-start.Year())*12 + int(day.Month()-start.Month())
	switch r.Freq {
	case recur.Daily:
		return days%r.Interval == 0
	case recur.Weekly:
		into := (int(start.Weekday()) - int(r.WeekStart) + 7) % 7
		return (days+into)/7%r.Interval == 0 && slices.Contains(r.ByDay, recur.Day{Day: day.Weekday()})
	case recur.Yearly:
		if day.Month() != time.Month(r.ByMonth[0]) || (day.Year()-start.Year())%r.Interval != 0 {
			return false
		}
	default:
		if months%r.Interval != 0 {
			return false
		}
	}
	if len(r.ByDay) > 0 {
		d := r.ByDay[0]
		last := day.AddDate(0, 0, 7).Month() != day.Month()
		return day.Weekday() == d.Day && (d.N == -1 && last || d.N == (day.Day()-1)/7+1)
	}
	return day.Day() == r.ByMonthDay[0]
}

// anySeries makes a series as people have them, with days left out and occurrences changed.
func anySeries(rng *rand.Rand) record.Fields {
	zones := []string{"America/Sao_Paulo", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York", "Pacific/Auckland"}
	f := record.Fields{record.EventTitle: "Rodada", record.Venue: "Sala 1", record.AllDay: "false", record.TimeZone: record.Value(zones[rng.IntN(len(zones))])}
	local, _ := zone.Load(string(f[record.TimeZone]))
	start := time.Date(2026, time.Month(1+rng.IntN(12)), 1+rng.IntN(28), 0, 0, 0, 0, time.UTC)
	lasts := time.Duration(15+15*rng.IntN(8)) * time.Minute
	rule := recur.Rule{Interval: 1 + rng.IntN(3), WeekStart: time.Weekday(rng.IntN(2))}
	switch rng.IntN(6) {
	case 0:
		rule.Freq = recur.Daily
	case 1, 2:
		rule.Freq = recur.Weekly
		rule.ByDay = []recur.Day{{Day: start.Weekday()}}
		for range rng.IntN(3) {
			rule.ByDay = append(rule.ByDay, recur.Day{Day: time.Weekday(rng.IntN(7))})
		}
	case 3:
		rule.Freq, rule.ByDay = recur.Monthly, []recur.Day{recur.NthWeekday(start)}
	case 4:
		rule.Freq = recur.Monthly
	default:
		rule.Freq, rule.Interval = recur.Yearly, 1
	}
	switch rng.IntN(3) {
	case 0:
		rule.Count = 4 + rng.IntN(12)
	case 1:
		rule.Until = start.AddDate(0, rng.IntN(8), 20).Format(time.DateOnly)
	}
	if rng.IntN(4) == 0 {
		f[record.AllDay], f[record.TimeZone] = "true", ""
		f[record.Start], f[record.End] = record.Value(start.Format(time.DateOnly)), record.Value(start.AddDate(0, 0, 1+rng.IntN(2)).Format(time.DateOnly))
		rule = rule.Resolve(start)
	} else {
		wall := recur.Attach(start.Add(time.Duration(6*60+15*rng.IntN(60))*time.Minute), local)
		f[record.Start], f[record.End] = moment(wall), moment(wall.Add(lasts))
		rule = rule.Resolve(wall)
	}
	f[record.Recurring] = record.Value(rule.String())
	return crm.Complete(standard, f)
}

func moment(t time.Time) record.Value { return record.Value(t.UTC().Format("2006-01-02T15:04:05Z")) }

const (
	tested = "2029-12-31" // how far sets are compared
	until  = "2030-12-31"
)

// upTo cuts a list of occurrences where it is no longer compared.
func upTo(list []sight) (out []sight) {
	for _, s := range list {
		if s.start[:10] <= tested {
			out = append(out, s)
		}
	}
	return out
}

// Whatever is done to a series, its occurrences are those of before with what was done, told by hand; across the changes
// of the clocks, in several zones, all-day or not.
func TestChangesOfASeriesDoWhatTheySay(t *testing.T) {
	t.Parallel()
	const seeds = 600
	done := map[string]int{}
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 9))
		f := anySeries(rng)
		before := sights(t, f, until)
		if len(before) < 2 {
			continue
		}
		// Some are left out and some changed first, which is itself one of the changes.
		for range rng.IntN(4) {
			before = sights(t, f, until)
			at := before[rng.IntN(min(len(before), 12))]
			var rev crm.Revision
			var err error
			if rng.IntN(3) == 0 && len(before) > 3 {
				rev, err = crm.Cancel(f, at.day, crm.OnlyThis)
			} else {
				rev, err = crm.Revise(standard, f, at.day, crm.OnlyThis, record.Fields{record.Venue: "Sala 2"}, "")
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			f = rev.Fields
		}
		before = sights(t, f, until)
		at := before[rng.IntN(min(len(before), 12))]
		local, _ := zone.Load(string(f[record.TimeZone]))
		if f[record.AllDay] == "true" {
			local = time.UTC
		}
		rule, _ := recur.Parse(string(f[record.Recurring]))
		shift := time.Duration(rng.IntN(9)-4) * 15 * time.Minute
		if f[record.AllDay] == "true" {
			shift = 0
		}
		if rule.Freq == recur.Daily || rule.Freq == recur.Weekly {
			shift += time.Duration(rng.IntN(7)-3) * 24 * time.Hour
		}
		longer := time.Duration(rng.IntN(3)) * 15 * time.Minute
		if f[record.AllDay] == "true" {
			longer = time.Duration(rng.IntN(2)) * 24 * time.Hour
		}
		moved := func(s sight) sight {
			start, _ := time.Parse(wallText, s.start)
			end, _ := time.Parse(wallText, s.end)
			s.start, s.end = start.Add(shift).Format(wallText), end.Add(shift+longer).Format(wallText)
			return s
		}
		times := func(s sight) record.Fields {
			to := moved(s)
			start, _ := time.Parse(wallText, to.start)
			end, _ := time.Parse(wallText, to.end)
			if f[record.AllDay] == "true" {
				return record.Fields{record.Start: record.Value(to.start[:10]), record.End: record.Value(to.end[:10])}
			}
			a, b := recur.Attach(start, local), recur.Attach(end, local)
			return record.Fields{record.Start: moment(a), record.End: moment(b)}
		}
		scope := []crm.Scope{crm.OnlyThis, crm.Following, crm.Whole}[rng.IntN(3)]
		touched := func(s sight) bool {
			return scope == crm.Whole || scope == crm.Following && s.day >= at.day || s.day == at.day
		}
		what := []string{"remove", "title", "move"}[rng.IntN(3)]
		var rev crm.Revision
		var err error
		var want []sight
		switch what {
		case "remove":
			rev, err = crm.Cancel(f, at.day, scope)
			want = slices.DeleteFunc(slices.Clone(before), touched)
		case "title":
			rev, err = crm.Revise(standard, f, at.day, scope, record.Fields{record.EventTitle: "Nova"}, "")
			for _, s := range before {
				if touched(s) {
					s.title = "Nova"
				}
				want = append(want, s)
			}
		case "move":
			rev, err = crm.Revise(standard, f, at.day, scope, times(at), "")
			for _, s := range before {
				if touched(s) {
					s = moved(s)
				}
				want = append(want, s)
			}
		}
		name := fmt.Sprintf("seed %d: %s %s at %s of %v (shift %v, longer %v)", seed, what, scope, at.day, f, shift, longer)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(rev.Lost) > 0 {
			t.Fatalf("%s: lost %v", name, rev.Lost)
		}
		var got []sight
		for _, part := range []record.Fields{rev.Fields, rev.Fresh} {
			if part != nil {
				got = append(got, sights(t, part, until)...)
			}
		}
		blank := func(list []sight) []sight {
			list = upTo(list)
			for i := range list {
				list[i].day = "" // a shifted one has another
			}
			slices.SortFunc(list, func(a, b sight) int { return strings.Compare(a.String(), b.String()) })
			return list
		}
		// A length of wall time and one of real time differ where the clocks change in between: none of these do.
		if g, w := blank(got), blank(want); !slices.Equal(g, w) {
			for i := range max(len(g), len(w)) {
				if i >= len(g) || i >= len(w) || g[i] != w[i] {
					t.Fatalf("%s\nnow %v\nand %v\n%d occurrences, expected %d; the first difference is the %dth: got %v, expected %v", name, rev.Fields, rev.Fresh, len(g), len(w), i,
						g[min(i, len(g)):min(i+1, len(g))], w[min(i, len(w)):min(i+1, len(w))])
				}
			}
		}
		if rev.Fresh != nil && (rev.Fields == nil || scope != crm.Following) {
			t.Fatalf("%s: a second record for %s", name, scope)
		}
		done[what+" "+string(scope)]++
	}
	for _, key := range slices.Sorted(maps.Keys(done)) {
		if done[key] < seeds/30 {
			t.Errorf("only %d times %s", done[key], key)
		}
	}
	if len(done) != 9 {
		t.Errorf("did %v", done)
	}
}

func series(fields record.Fields) record.Fields {
	return crm.Complete(standard, record.Fields{
		record.EventTitle: "Rodada", record.Start: "2026-11-24T12:00:00Z", record.End: "2026-11-24T13:00:00Z",
		record.TimeZone: "America/Sao_Paulo", record.Recurring: "FREQ=WEEKLY;BYDAY=TU;COUNT=10", record.AllDay: "false",
	}.With(fields))
}

func revise(t *testing.T, f record.Fields, day string, scope crm.Scope, given record.Fields) crm.Revision {
	t.Helper()
	rev, err := crm.Revise(standard, f, day, scope, given, "America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// What an occurrence has of its own it keeps when its series changes, also when its place moves to another day.
func TestExceptionsKeepTheirOwnChanges(t *testing.T) {
	t.Parallel()
	f := series(record.Fields{record.Excluded: "2026-12-15", record.Changed: record.OccurrencesValue([]record.Occurrence{
		{Day: "2026-12-01", Fields: record.Fields{record.EventTitle: "Especial"}},
		{Day: "2026-12-08", Fields: record.Fields{record.Start: "2026-12-10T15:00:00Z", record.End: "2026-12-10T16:00:00Z"}},
	})})
	rev := revise(t, f, "2026-11-24", crm.Whole, record.Fields{record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.EventTitle: "Nova"})
	if got := rev.Fields[record.Recurring]; got != "FREQ=WEEKLY;BYDAY=WE;COUNT=10" || len(rev.Lost) > 0 {
		t.Errorf("the rule is %s, lost %v", got, rev.Lost)
	}
	if got, want := string(rev.Fields[record.Changed]), `{"2026-12-02":{"Event_Title":"Especial"},"2026-12-09":{"End_DateTime":"2026-12-10T16:00:00Z","Start_DateTime":"2026-12-10T15:00:00Z"}}`; got != want {
		t.Errorf("changed are %s, expected %s", got, want)
	}
	if got := rev.Fields[record.Excluded]; got != "2026-12-16" {
		t.Errorf("left out is %s", got)
	}

	// Another pattern: what has no such day is told as lost, and the rest stays.
	rev = revise(t, f, "", crm.Whole, record.Fields{record.Recurring: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"})
	if len(rev.Lost) != 1 || rev.Lost[0].Day != "2026-12-01" || rev.Lost[0].Fields[record.EventTitle] != "Especial" {
		t.Errorf("lost %v", rev.Lost)
	}
	if !strings.Contains(string(rev.Fields[record.Changed]), "2026-12-08") || rev.Fields[record.Excluded] != "" {
		t.Errorf("kept %s without %s", rev.Fields[record.Changed], rev.Fields[record.Excluded])
	}

	// A new place may lie behind the time that one of them was moved to: it takes the series' time, and that is told.
	rev = revise(t, f, "", crm.Whole, record.Fields{record.Start: "2026-11-30T09:00", record.End: "2026-11-30T10:00"})
	if len(rev.Lost) != 0 { // from Monday the 14th to Thursday the 10th, after Monday the 7th
		t.Errorf("lost %v though it lies between its neighbours", rev.Lost)
	}
	rev = revise(t, f, "", crm.Whole, record.Fields{record.Start: "2026-12-04T09:00", record.End: "2026-12-04T10:00"})
	if len(rev.Lost) != 1 || rev.Lost[0].Day != "2026-12-08" || rev.Lost[0].Fields[record.Start] != "2026-12-10T15:00:00Z" {
		t.Errorf("from the 18th to the 10th, before the one of the 11th: lost %v", rev.Lost)
	}
}

// From a moved occurrence, its time counts for all; it has none of its own any more.
func TestTheChangedOccurrenceTellsTheTime(t *testing.T) {
	t.Parallel()
	f := series(record.Fields{record.Changed: record.OccurrencesValue([]record.Occurrence{
		{Day: "2026-12-08", Fields: record.Fields{record.Start: "2026-12-09T18:00:00Z", record.End: "2026-12-09T19:00:00Z", record.Venue: "Sala 9"}},
	})})
	rev := revise(t, f, "2026-12-08", crm.Following, record.Fields{record.Start: "2026-12-09T16:00", record.End: "2026-12-09T17:30"})
	if rev.Fields[record.Recurring] != "FREQ=WEEKLY;BYDAY=TU;COUNT=2" || rev.Fields[record.Changed] != "" {
		t.Errorf("the old one is %s with %s", rev.Fields[record.Recurring], rev.Fields[record.Changed])
	}
	if rev.Fresh[record.Recurring] != "FREQ=WEEKLY;BYDAY=WE;COUNT=8" || rev.Fresh[record.Start] != "2026-12-09T19:00:00Z" ||
		rev.Fresh[record.End] != "2026-12-09T20:30:00Z" || rev.Fresh[record.Changed] != `{"2026-12-09":{"Venue":"Sala 9"}}` {
		t.Errorf("the new one is %v", rev.Fresh)
	}
}

func TestASeriesBecomesSingleAndBack(t *testing.T) {
	t.Parallel()
	f := series(record.Fields{record.Excluded: "2026-12-15", record.Changed: `{"2026-12-08":{"Venue":"Sala 9"}}`})
	rev := revise(t, f, "", crm.Whole, record.Fields{record.Recurring: ""})
	if rev.Fields[record.Recurring] != "" || rev.Fields[record.Excluded] != "" || rev.Fields[record.Changed] != "" || len(rev.Lost) != 1 {
		t.Errorf("single: %v, lost %v", rev.Fields, rev.Lost)
	}
	rev = revise(t, f, "2026-12-08", crm.Following, record.Fields{record.Recurring: ""})
	if rev.Fresh[record.Recurring] != "" || rev.Fresh[record.Venue] != "Sala 9" || rev.Fresh[record.Start] != "2026-12-08T12:00:00Z" || len(rev.Lost) != 0 {
		t.Errorf("single from the middle: %v, lost %v", rev.Fresh, rev.Lost)
	}
	if rev.Fields[record.Recurring] != "FREQ=WEEKLY;BYDAY=TU;COUNT=2" {
		t.Errorf("what came before: %v", rev.Fields)
	}
}

func TestWhatIsNoChangeOfASeries(t *testing.T) {
	t.Parallel()
	f := series(record.Fields{record.Excluded: "2026-12-15"})
	for name, row := range map[string]struct {
		fields record.Fields
		day    string
		scope  crm.Scope
		given  record.Fields
	}{
		"no series":             {series(record.Fields{record.Recurring: "", record.Excluded: ""}), "2026-11-24", crm.OnlyThis, nil},
		"no day of it":          {f, "2026-11-25", crm.OnlyThis, nil},
		"no date":               {f, "soon", crm.Following, nil},
		"no day named":          {f, "", crm.Following, nil},
		"a day left out":        {f, "2026-12-15", crm.OnlyThis, nil},
		"a day after the end":   {f, "2027-02-02", crm.OnlyThis, nil},
		"no scope":              {f, "2026-11-24", "some", nil},
		"the end before":        {f, "2026-11-24", crm.Whole, record.Fields{record.End: "2026-11-24T08:00"}},
		"no rule":               {f, "", crm.Whole, record.Fields{record.Recurring: "FREQ=NEVER"}},
		"a rule tied to a week": {series(record.Fields{record.Recurring: "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1,4"}), "2026-11-24", crm.Whole, record.Fields{record.Start: "2026-11-25T09:00", record.End: "2026-11-25T10:00"}},
	} {
		if rev, err := crm.Revise(standard, row.fields, row.day, row.scope, row.given, "America/Sao_Paulo"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, %v", name, rev, err)
		}
	}
}

// Dividing a series is one write of both records; both sides of it lose nothing and nothing is doubled.
func TestRevise(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Calendar, series(nil))
	ctx := t.Context()
	change := func(d crm.SeriesDraft) (crm.SeriesOutcome, error) { return w.Revise(ctx, person(adele), d) }

	out, err := change(crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Version: r.Version, Fields: record.Fields{record.Venue: "Sala 2"}}, Day: "2026-12-08", Scope: crm.Following})
	if err != nil {
		t.Fatal(err)
	}
	if out.Record.Version != 2 || out.Record.Fields[record.Recurring] != "FREQ=WEEKLY;BYDAY=TU;COUNT=2" {
		t.Errorf("the first part is %+v", out.Record)
	}
	if out.Fresh.ID == 0 || out.Fresh.Owner != adele || out.Fresh.Source != r.Source || out.Fresh.Fields[record.Recurring] != "FREQ=WEEKLY;BYDAY=TU;COUNT=8" ||
		out.Fresh.Fields[record.Venue] != "Sala 2" || out.Fresh.Fields[record.Start] != "2026-12-08T12:00:00Z" {
		t.Errorf("the second part is %+v", out.Fresh)
	}
	if _, err := change(crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Version: 1}, Day: "2026-11-24", Scope: crm.Whole, Remove: true}); !fault.Is(err, fault.Conflict) {
		t.Errorf("from an old version: %v", err)
	}
	back, err := w.TakeBack(ctx, person(adele), out.Undo)
	if err != nil || back.Fields[record.Recurring] != r.Fields[record.Recurring] || back.Fields[record.Venue] != "" {
		t.Fatalf("taken back: %v, %v", back.Fields, err)
	}
	if _, err := w.Get(ctx, person(adele), record.Calendar, out.Fresh.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("the second part is still there: %v", err)
	}
	if _, err := w.TakeBack(ctx, person(adele), out.Undo); !fault.Is(err, fault.Conflict) {
		t.Errorf("taken back twice: %v", err)
	}

	// What is lost is asked first.
	out, err = change(crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Fields: record.Fields{record.EventTitle: "Especial"}}, Day: "2026-12-01", Scope: crm.OnlyThis})
	if err != nil || out.Record.Fields[record.Changed] != `{"2026-12-01":{"Event_Title":"Especial"}}` {
		t.Fatalf("one changed: %v, %v", out.Record.Fields, err)
	}
	other := crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Version: out.Record.Version, Fields: record.Fields{record.Recurring: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"}}, Scope: crm.Whole}
	_, err = change(other)
	if loss := (*crm.LossError)(nil); !errors.As(err, &loss) || len(loss.Lost) != 1 {
		t.Fatalf("another pattern: %v", err)
	}
	other.Lose = true
	if out, err = change(other); err != nil || out.Record.Fields[record.Changed] != "" {
		t.Fatalf("another pattern, agreed: %v, %v", out.Record.Fields, err)
	}

	// Without the last of its occurrences a series is in the recycle bin, and comes back out of it.
	out, err = change(crm.SeriesDraft{Draft: crm.Draft{ID: r.ID}, Day: "2026-11-24", Scope: crm.Following, Remove: true})
	if err != nil || !out.Record.Deleted() || !out.Undo.Deleted {
		t.Fatalf("all taken away: %+v, %v", out, err)
	}
	if back, err = w.TakeBack(ctx, person(adele), out.Undo); err != nil || back.Deleted() || back.RestoredAt.IsZero() {
		t.Errorf("brought back: %+v, %v", back, err)
	}
}

func TestReviseAsksForPermission(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Calendar, series(nil))
	try := func(a crm.Actor, scope crm.Scope, remove bool) error {
		_, err := w.Revise(t.Context(), a, crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Fields: record.Fields{record.Venue: "x"}}, Day: "2026-12-01", Scope: scope, Remove: remove})
		return err
	}
	may := func(change func(*record.Access)) crm.Actor {
		a := person(adele)
		change(&a.Events)
		return a
	}
	for name, row := range map[string]struct {
		who    crm.Actor
		scope  crm.Scope
		remove bool
		kind   fault.Kind
	}{
		"who does not see it":                   {person(alex), crm.OnlyThis, false, fault.NotFound},
		"who may only look":                     {may(func(a *record.Access) { a.Edit = record.Nobodys }), crm.OnlyThis, false, fault.Denied},
		"who may not create, divides":           {may(func(a *record.Access) { a.Create = false }), crm.Following, false, fault.Denied},
		"who may not delete, removes all of it": {may(func(a *record.Access) { a.Delete = record.Nobodys }), crm.Whole, true, fault.Denied},
	} {
		if err := try(row.who, row.scope, row.remove); !fault.Is(err, row.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := w.store.All(); len(got) != 1 || got[0].Version != 1 {
		t.Errorf("something was written: %+v", got)
	}
}
