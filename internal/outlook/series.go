package outlook

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
	"tandem/internal/zone"
)

// finish brings the single occurrences of the series that were written to what they are to be: deletes those of excluded
// days, changes those that have something of their own, and gives those that no longer have it what the series says (Graph
// has no way to make an exception a plain occurrence again). Exchange forgets all this when the times of a series change, so
// it may have to be done again.
func (c *Events) finish(ctx context.Context, jobs []job[graph.Event], cut error) error {
	var open []*series
	for i := range jobs {
		if s := newSeries(&jobs[i]); s != nil {
			s.agreed = agreedTo(s.job, c.now())
			open = append(open, s)
		}
	}
	if len(open) == 0 {
		return cut
	}
	err := cut
	if cut == nil {
		err = c.settle(ctx, open)
	}
	for _, s := range open {
		if s.err == nil && !s.done {
			s.err = err
		}
		s.close(c)
	}
	if cut != nil || linkWide(err, false) {
		return err
	}
	return nil
}

// A series is a written master whose single occurrences are to be brought to what was asked for.
type series struct {
	*job[graph.Event]
	agreed   []string // whom a person has agreed to mail: see guard.go
	wanted   doings
	was      layout // before the write; without a master: there was none
	now      layout
	fresh    bool                    // now has been read, and nothing was written since
	ids      map[string]*graph.Event // occurrences by day, as they were listed
	todo     []deed
	tries    map[string]int           // by day
	made     map[string]record.Fields // by day: what an occurrence had of its own when its write was answered
	clashes  int                      // with somebody else's writes
	loose    bool                     // the etag of one occurrence moves with those of others
	done     bool
	bad, err error // of single occurrences; of the whole
}

// doings are what is done to single occurrences of a series.
type doings struct {
	excluded []string
	own      map[string]record.Fields
}

// A deed is one write to a single occurrence.
type deed struct {
	day    string
	body   []byte // nil: delete it
	shown  string // the day on which it is to take place
	moved  int    // -1: to an earlier day, +1: to a later one
	before *graph.Event
}

// newSeries is the work on a written event; nil if there is none.
func newSeries(j *job[graph.Event]) *series {
	if j.after == nil || j.out.Err != nil || j.after.Recurrence == nil {
		return nil
	}
	s := &series{job: j, tries: map[string]int{}, made: map[string]record.Fields{}}
	if j.before != nil {
		s.was, _ = layoutOf(j.before)
	}
	s.wanted = doings{s.was.excluded, s.was.own}
	if v, said := j.Fields["exdates"]; said {
		s.wanted.excluded = days(v)
	}
	if v, said := j.Fields["exceptions"]; said {
		s.wanted.own = map[string]record.Fields{}
		for _, o := range record.Occurrences(v) {
			s.wanted.own[o.Day] = o.Fields
		}
	}
	after := *j.after
	if j.before != nil && !s.retimed() { // the answer to a PATCH says nothing of single occurrences
		after.CancelledOccurrences, after.ExceptionOccurrences = j.before.CancelledOccurrences, j.before.ExceptionOccurrences
	}
	now, understood := layoutOf(&after)
	if v, said := j.Fields["exdates"]; said && j.before != nil && !s.retimed() {
		// A deleted occurrence does not come back. All else that the write says is done.
		if back := without(cancelled(j.before), days(v)); len(back) > 0 {
			s.refuse(notBack(back[0]))
			s.wanted.excluded = append(slices.Clone(s.wanted.excluded), back...)
			slices.Sort(s.wanted.excluded)
		}
	}
	if !understood {
		j.out.Err = s.bad
	}
	if len(s.wanted.excluded)+len(s.wanted.own)+len(s.was.excluded)+len(s.was.items)+len(now.excluded)+len(now.items) == 0 || !understood {
		return nil
	}
	s.now, s.fresh = now, j.Op == record.Create || j.after == j.before
	return s
}

// retimed reports whether the write has changed when the series takes place.
func (s *series) retimed() bool { return s.before != nil && whenOf(s.before) != whenOf(s.after) }

func days(v record.Value) []string {
	if v == "" {
		return nil
	}
	return strings.Split(string(v), ",")
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(day string) bool { return slices.Contains(some, day) })
}

// close tells the outcome. Where somebody else has written in between, it says nothing of what is there now: what it says is
// taken as agreed on, and theirs is not.
func (s *series) close(c *Events) {
	if fault.Is(s.err, fault.Conflict) {
		s.out.Version, s.out.Fields, s.out.Err = "", nil, s.err
		if s.Op == record.Create { // it is there
			s.out.Err = partly(s.err)
		}
		return
	}
	change := c.change(s.now.master)
	s.out.Ref, s.out.Version, s.out.Fields = change.Ref, change.Version, change.Fields
	switch {
	case s.err == nil:
		s.out.Err = s.bad
	case fault.Is(s.err, fault.Invalid):
		s.out.Err = s.err
	default:
		s.out.Err = partly(s.err)
	}
}

func partly(err error) error {
	return fault.New(fault.Unavailable, fault.OutcomeUnknown, "outlook: single occurrences of a series: %w", err)
}

// settle works on all series side by side, round by round: look, list the occurrences that are to be written, write.
func (c *Events) settle(ctx context.Context, all []*series) error {
	for {
		open := slices.DeleteFunc(slices.Clone(all), func(s *series) bool { return s.done || s.err != nil })
		if len(open) == 0 {
			return nil
		}
		if err := c.lookAt(ctx, open); err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(s *series) bool { s.plan(); return s.done || s.err != nil })
		if err := c.listed(ctx, open); err != nil {
			return err
		}
		if err := c.write(ctx, open); err != nil {
			return err
		}
	}
}

// lookAt reads the series that are not known as they are.
func (c *Events) lookAt(ctx context.Context, open []*series) error {
	var of []*series
	var parts []graph.Part
	for _, s := range open {
		if !s.fresh {
			of, parts = append(of, s), append(parts, graph.Get(c.address(record.Ref(s.after.ID))+masterQuestion, c.prefer()))
		}
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return err
	}
	events, err := c.decodeAll(ctx, results)
	if err != nil {
		return err
	}
	for i, s := range of {
		if s.err = results[i].Err; s.err != nil {
			continue
		}
		now, ok := layoutOf(&events[i])
		if !ok {
			s.err = errors.New("it is no series any more")
			continue
		}
		s.look(now)
	}
	return nil
}

// look takes in the series as it is. What is neither as it was, nor as it is to be, nor as the series has it, somebody else
// has made meanwhile: that is for a new plan.
func (s *series) look(now layout) {
	s.now, s.fresh = now, true
	if !maps.Equal(itself(now.master), itself(s.after)) {
		s.err = fault.New(fault.Conflict, "", "the series was changed meanwhile")
		return
	}
	strange := len(without(without(now.excluded, s.was.excluded), s.wanted.excluded)) > 0
	for day, own := range now.own {
		for name, v := range own {
			was, known := s.was.own[day][name]
			is, asked := s.wanted.own[day][name]
			former, inherited := s.was.fields[name] // of a mailbox that copies the series' values into an exception
			known = known && alike(was, v) || asked && alike(is, v) || inherited && alike(former, v) || s.retimed() && s.stayed(name, v)
			strange = strange || !known && s.tries[day] == 0
		}
	}
	for day, made := range s.made {
		strange = strange || !slices.Contains(now.excluded, day) && !maps.EqualFunc(now.own[day], made, alike)
	}
	if strange {
		s.err = fault.New(fault.Conflict, "", "an occurrence was changed meanwhile")
	}
}

// stayed reports whether an exception had a time before the series got others: a mailbox may let it keep that.
func (s *series) stayed(name record.Field, v record.Value) bool {
	for _, x := range s.was.items {
		times := record.Fields{}
		if whenOf(x).tell(times); slices.Contains(whenFields, name) && times[name] == v {
			return true
		}
	}
	return false
}

// itself is what a series has but for what was done to single occurrences.
func itself(e *graph.Event) record.Fields {
	f := ownFields(e)
	whenOf(e).tell(f)
	return f
}

// alike compares values as far as Exchange keeps them: it has its own ideas about white space.
func alike(a, b record.Value) bool {
	return a == b || strings.Join(strings.Fields(string(a)), " ") == strings.Join(strings.Fields(string(b)), " ")
}

const (
	mostTries   = 2 // of one occurrence: what is still otherwise after that is what Exchange makes of it
	mostClashes = 3
)

// plan lists what there is to do. In their order no write puts an occurrence past its neighbour: first deletions, then what
// moves to later days, the last first, then what moves to earlier ones, the first first.
func (s *series) plan() {
	s.todo = nil
	last := ""
	for _, day := range s.wanted.excluded {
		last = max(last, day)
	}
	if n := len(s.now.excluded); n > 0 {
		last = max(last, s.now.excluded[n-1])
	}
	for _, own := range []map[string]record.Fields{s.wanted.own, s.now.own} {
		for day := range own {
			last = max(last, day)
		}
	}
	rule := s.now.rule.Days(s.now.start, last)
	for _, day := range without(s.wanted.excluded, s.now.excluded) {
		if _, there := slices.BinarySearch(rule, day); there && s.tries[day] < mostTries { // else there is nothing on that day
			s.todo = append(s.todo, deed{day: day, before: s.now.items[day]})
		}
	}
	for _, day := range without(s.now.excluded, s.wanted.excluded) {
		if _, there := slices.BinarySearch(rule, day); there {
			s.refuse(notBack(day))
		}
	}
	touched := maps.Clone(s.now.own)
	if touched == nil {
		touched = map[string]record.Fields{}
	}
	maps.Copy(touched, s.wanted.own)
	var deeds []deed
	for _, day := range slices.Sorted(maps.Keys(touched)) {
		_, there := slices.BinarySearch(rule, day)
		if !there || slices.Contains(s.wanted.excluded, day) || slices.Contains(s.now.excluded, day) || s.tries[day] >= mostTries {
			continue
		}
		if d, needed := s.deed(day); needed {
			deeds = append(deeds, d)
		}
	}
	s.todo = append(s.todo, s.inOrder(rule, deeds)...)
	s.done = len(s.todo) == 0
}

func notBack(day string) error {
	return &fault.Fault{
		Kind: fault.Invalid, Reason: fault.OccurrenceGone, Field: "exdates",
		Message: "outlook: Microsoft 365 has no way to bring back a deleted occurrence (" + day + ")",
	}
}

// refuse notes the fault of an occurrence; the others are written all the same.
func (s *series) refuse(err error) {
	if s.bad == nil {
		s.bad = err
	}
}

// deed is the write that gives the occurrence of a day what it is to have.
func (s *series) deed(day string) (d deed, needed bool) {
	var err error
	slot := s.now.slot(day)
	before := s.now.items[day]
	if before == nil {
		before = s.now.plain(slot)
	}
	has, fields := ownFields(before), record.Fields{}
	own := s.wanted.own[day]
	for _, name := range ownNames {
		value, said := own[name]
		if !said {
			value = s.now.fields[name]
		}
		if !alike(value, has[name]) {
			fields[name] = value
		}
	}
	is, to := whenOf(before), slot
	if own["start"] != "" {
		move := record.Fields{"start": own["start"], "end": own["end"]}
		if v, said := own["isAllDay"]; said {
			move["isAllDay"] = v
		}
		to, err = slot.with(move)
	}
	if err != nil {
		s.tries[day] = mostTries
		s.refuse(err)
		return d, false
	}
	_, moved := s.now.own[day]["start"]
	moves := !to.sameTime(is) && (moved || !to.sameTime(slot))
	wholeDay := moves && to.allDay && !slot.allDay
	if moves && !wholeDay {
		to.tell(fields)
		for _, whole := range []record.Field{"recurrence", "timeZone", "endTimeZone"} { // they are the series'
			delete(fields, whole)
		}
	}
	body, err := eventBody(before, fields)
	if err == nil {
		err = s.mayMail(before)
	}
	if wholeDay { // in the zone of the series, or it might count as the day before
		name, ok := zone.Windows(s.now.at.zone)
		if !ok {
			name = "UTC"
		}
		body.Bool("isAllDay", true)
		body.Object("start", wall(to.start, name))
		body.Object("end", wall(to.end, name))
	}
	if err != nil {
		s.tries[day] = mostTries
		s.refuse(err)
		return d, false
	}
	d = deed{day: day, body: body.JSON(), before: s.now.items[day], shown: s.now.dayShown(to)}
	d.moved = strings.Compare(d.shown, s.now.dayShown(is))
	return d, !body.Empty()
}

// plain is an occurrence as the rule has it.
func (l *layout) plain(slot when) *graph.Event {
	e := *l.master
	e.Recurrence, e.ExceptionOccurrences, e.CancelledOccurrences = nil, nil, nil
	e.Start = &graph.DateTime{DateTime: slot.start.Format(wallLayout), TimeZone: "UTC"}
	e.End = &graph.DateTime{DateTime: slot.end.Format(wallLayout), TimeZone: "UTC"}
	return &e
}

// dayShown is the day on which a time begins, in the zone of the series.
func (l *layout) dayShown(w when) string {
	if w.allDay {
		return w.start.Format(time.DateOnly)
	}
	return w.start.In(l.start.Location()).Format(time.DateOnly)
}

// inOrder sorts deeds, and leaves out those that would put an occurrence to, or past, the day of a neighbour: Exchange would
// refuse them (FIELD-FAILURES 24).
func (s *series) inOrder(rule []string, deeds []deed) []deed {
	target := map[string]string{}
	for _, d := range deeds {
		target[d.day] = d.shown
	}
	shown := func(day string) string {
		if to, ok := target[day]; ok {
			return to
		}
		if x := s.now.items[day]; x != nil {
			return s.now.dayShown(whenOf(x))
		}
		return day
	}
	gone := func(day string) bool {
		return slices.Contains(s.wanted.excluded, day) || slices.Contains(s.now.excluded, day)
	}
	deeds = slices.DeleteFunc(deeds, func(d deed) bool {
		if d.moved == 0 {
			return false
		}
		at, _ := slices.BinarySearch(rule, d.day)
		for _, step := range []int{-1, 1} {
			n := at + step
			for n >= 0 && n < len(rule) && gone(rule[n]) {
				n += step
			}
			if n >= 0 && n < len(rule) && strings.Compare(d.shown, shown(rule[n])) != -step {
				s.tries[d.day] = mostTries
				s.refuse(crossing(d.day))
				return true
			}
		}
		return false
	})
	slices.SortStableFunc(deeds, func(a, b deed) int {
		switch {
		case a.moved != b.moved:
			return b.moved - a.moved
		case a.moved > 0:
			return strings.Compare(b.day, a.day)
		case a.moved == 0 && (a.before == nil) != (b.before == nil): // see chain
			if a.before == nil {
				return -1
			}
			return 1
		}
		return strings.Compare(a.day, b.day)
	})
	return deeds
}

func crossing(day string) error {
	return &fault.Fault{
		Kind: fault.Invalid, Reason: fault.NotExpressible, Field: "exceptions",
		Message: "outlook: the occurrence of " + day + " cannot be moved to, or past, the day of the one before or after it",
	}
}

const (
	instanceFields = "id,changeKey,type,start,isAllDay,originalStart,attendees,organizer,isOrganizer"
	// Days that are near each other are listed in one window of at most windowDays.
	nearDays   = 40
	windowDays = 400
)

// listed finds the occurrences that are to be written and are no exceptions yet.
func (c *Events) listed(ctx context.Context, open []*series) error {
	var of []*series
	var parts []graph.Part
	changed := map[*series]bool{}
	for _, s := range open {
		if s.ids != nil {
			continue
		}
		s.ids = map[string]*graph.Event{}
		for _, window := range s.windows() {
			of = append(of, s)
			parts = append(parts, graph.Get(c.path("events", s.after.ID, "instances")+graph.Query(
				"startDateTime", window[0].Format(wallLayout), "endDateTime", window[1].Format(wallLayout),
				"$top", listPage, "$select", instanceFields), c.prefer()))
		}
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return err
	}
	for i, s := range of {
		take := func(e *graph.Event) error {
			changed[s] = changed[s] || e.Type == "exception" && !s.now.has(e)
			if day, ok := s.now.dayOf(e); ok {
				s.ids[day] = e
			}
			return nil
		}
		err := results[i].Err
		if err == nil {
			err = everyPage(ctx, c.box, c.prefer(), results[i], take)
		}
		if err != nil && s.err == nil {
			s.err = err
		}
	}
	for s := range changed {
		if changed[s] { // after the look at it: that is to be done again
			s.fresh, s.ids = false, nil
			s.clash(fault.New(fault.Conflict, "", "an occurrence was changed meanwhile"))
		}
	}
	return nil
}

// has reports whether an occurrence was an exception when the series was looked at.
func (l *layout) has(x *graph.Event) bool {
	return slices.ContainsFunc(l.master.ExceptionOccurrences, func(one graph.Event) bool { return one.ID == x.ID })
}

// windows are the times in which the occurrences to be written are found.
func (s *series) windows() (out [][2]time.Time) {
	var all []string
	for _, d := range s.todo {
		if d.before == nil {
			all = append(all, d.day)
		}
	}
	slices.Sort(all)
	for _, text := range all {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			continue
		}
		from, to := day.AddDate(0, 0, -1), day.AddDate(0, 0, 2)
		if n := len(out) - 1; n >= 0 && from.Sub(out[n][1]) < nearDays*24*time.Hour && to.Sub(out[n][0]) < windowDays*24*time.Hour {
			out[n][1] = to
			continue
		}
		out = append(out, [2]time.Time{from, to})
	}
	return out
}

// write carries out what was planned: the single deeds of many series in batches, several deeds of one series in chains.
func (c *Events) write(ctx context.Context, open []*series) error {
	var single []*series
	var parts []graph.Part
	many, groupCtx := errgroup.WithContext(ctx)
	many.SetLimit(c.box.InFlight()) // more would only wait
	for _, s := range open {
		if s.err != nil || s.ids == nil || !s.find() {
			continue
		}
		s.fresh = false
		if len(s.todo) == 1 {
			single, parts = append(single, s), append(parts, c.part(s, 0, true))
			continue
		}
		many.Go(func() error { return c.chain(groupCtx, s) })
	}
	if err := many.Wait(); err != nil {
		return err
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return err
	}
	for i, s := range single {
		s.take(results[i : i+1])
		s.ids = nil
	}
	return nil
}

// find puts the listed occurrences to the deeds; false: there is nothing to be written after all.
func (s *series) find() bool {
	s.todo = slices.DeleteFunc(s.todo, func(d deed) bool {
		x := d.before
		if x == nil {
			x = s.ids[d.day]
		}
		if x == nil {
			s.tries[d.day] = mostTries
			if d.body != nil {
				s.refuse(fault.Wrong(fault.NotExpressible, "exceptions", "outlook: the series has no occurrence on %s in Outlook", d.day))
			}
			return true
		}
		if err := s.mayMail(x); err != nil { // somebody was invited to this one alone
			s.tries[d.day] = mostTries
			s.refuse(err)
			return true
		}
		return false
	})
	return len(s.todo) > 0
}

func (s *series) item(d deed) *graph.Event {
	if d.before != nil {
		return d.before
	}
	return s.ids[d.day]
}

// part is the request of a deed. first: it is the first of its chain.
func (c *Events) part(s *series, n int, first bool) graph.Part {
	d := s.todo[n]
	x := s.item(d)
	s.tries[d.day]++
	p := graph.Part{
		Method: http.MethodPatch, Path: c.address(record.Ref(x.ID)), Body: d.body, Prefer: c.prefer(),
		Repeatable: true, // it says what is to be, not what is to change
	}
	if d.body == nil {
		p.Method = http.MethodDelete
	}
	if first || d.before != nil && !s.loose {
		p.IfMatch = x.Version()
	}
	return p
}

// chain writes several occurrences of one series, as many in one request as it takes. The etag of an occurrence that is no
// exception yet is its master's, which every write moves on: so only the first of a chain can be made conditional, and the
// rest hangs on it. The chain ends with a look at the occurrence that the next one begins with: if its etag is that of the
// last write, nobody else has written in between.
func (c *Events) chain(ctx context.Context, s *series) error {
	for len(s.todo) > 0 {
		n := len(s.todo)
		if n > graph.BatchSize {
			n = graph.BatchSize - 1
		}
		parts := make([]graph.Part, 0, graph.BatchSize)
		for i := range n {
			parts = append(parts, c.part(s, i, i == 0))
		}
		// Exceptions are each conditional, unless their etags move together.
		guarded := !s.loose && !slices.ContainsFunc(s.todo[n:min(2*n, len(s.todo))], func(d deed) bool { return d.before == nil })
		if n < len(s.todo) && !guarded {
			next := s.item(s.todo[n])
			parts = append(parts, graph.Get(c.address(record.Ref(next.ID))+graph.Query("$select", "id,changeKey"), c.prefer()))
		}
		results, err := c.box.Chain(ctx, parts)
		if err != nil {
			return err
		}
		if !s.take(results[:n]) || n == len(s.todo) {
			s.ids = nil
			return nil
		}
		if guarded {
			s.todo = s.todo[n:]
			continue
		}
		var last, next graph.Event
		if results[n].Err != nil || graph.Decode(results[n].Body, &next) != nil || len(results[n-1].Body) == 0 ||
			graph.Decode(results[n-1].Body, &last) != nil || next.Version() != last.Version() {
			s.ids = nil
			return nil // look again
		}
		s.todo = s.todo[n:]
		s.item(s.todo[0]).ETag = next.Version()
	}
	return nil
}

// clash counts that somebody else has written in between; in the end that is for a new plan.
func (s *series) clash(err error) {
	if s.clashes++; s.clashes > mostClashes {
		s.err = err
	}
}

// take notes what became of the first deeds; false: not all were done, and the series is to be looked at again. An
// occurrence that is not there any more, or not as it was, may have another id, or somebody else's change
// (FIELD-FAILURES 33).
func (s *series) take(results []graph.Result) (all bool) {
	for i, r := range results {
		d := s.todo[i]
		var e *graph.Error
		switch crossed := errors.As(r.Err, &e) && e.HasCode(graph.CodeCrossing); {
		case r.Err == nil:
			var x graph.Event
			if d.body != nil && graph.Decode(r.Body, &x) == nil && x.ID != "" {
				s.made[d.day] = s.now.differences(d.day, &x)
			}
			continue
		case crossed:
			s.tries[d.day] = mostTries
			s.refuse(crossing(d.day))
		case fault.Is(r.Err, fault.Conflict), fault.Is(r.Err, fault.NotFound):
			for _, undone := range s.todo[i:len(results)] {
				s.tries[undone.day]--
			}
			s.loose = s.loose || i > 0 && e != nil // else it was cut off
			s.clash(r.Err)
			return false
		case fault.Is(r.Err, fault.Invalid):
			s.tries[d.day] = mostTries
			s.refuse(r.Err)
		default:
			s.err = r.Err
			return false
		}
		for _, undone := range s.todo[i+1 : len(results)] {
			s.tries[undone.day]--
		}
		return false
	}
	return true
}
