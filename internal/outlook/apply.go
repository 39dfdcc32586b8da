package outlook

import (
	"context"
	"net/http"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// A trade is what differs between the writing of contacts and of events. T is Graph's type.
type trade[T any] interface {
	item(*T) *graph.Item
	decode(ctx context.Context, body []byte, into *T) error
	// address is the path of one item, question its query for reading, prefer what reads and writes ask for.
	address(ref record.Ref) string
	question() string
	prefer() string
	change(*T) record.Change
	here(*T) bool // in our container
	// create is the request that makes an item; it carries our mark.
	create(w *record.Write) (graph.Part, error)
	// patch is what an update sends; empty: the item is so already.
	patch(before *T, w *record.Write) (graph.Object, error)
	// guard says of a write that is about to be sent whether it may. before is nil for a create.
	guard(before *T, w *record.Write) error
	// steady reports whether an update with some fields leaves another field as it is: service and requests of their own see to the rest.
	steady(field record.Field, written record.Fields) bool
	// exists tells of a refused create whether an earlier one had worked, and gives that item.
	exists(ctx context.Context, w *record.Write, refusal error) (*T, error)
	// finish does what has to follow the writes, or, where these were cut off, gives that its fault. It may fail outcomes.
	finish(ctx context.Context, jobs []job[T], cut error) error
	Read(ctx context.Context, refs []record.Ref) ([]record.Change, error)
}

// A job is one write on its way.
type job[T any] struct {
	*record.Write
	out    *record.Outcome
	before *T // of updates and deletes: the item as it was just read
	after  *T // as the answer to the write told it
}

// apply carries out writes. Updates and deletes look at the item first: for what a write has to leave as it is within a
// list, and because it is not documented that Graph honours If-Match on every write (reference §3.8). underWay is called once the
// writes are on their way in their order.
func apply[T any](ctx context.Context, box *graph.Mailbox, row *graph.Row, t trade[T], writes []record.Write, underWay func()) ([]record.Outcome, error) {
	out := make([]record.Outcome, len(writes))
	jobs := make([]job[T], len(writes))
	for i := range writes {
		jobs[i] = job[T]{Write: &writes[i], out: &out[i]}
	}
	if err := before(ctx, box, t, jobs); err != nil {
		return out, settleRest(jobs, err)
	}
	var parts []graph.Part
	var sent []*job[T]
	for i := range jobs {
		j := &jobs[i]
		if j.done() {
			continue
		}
		part, needed, err := j.part(t)
		switch {
		case err != nil:
			j.out.Err = err
		case !needed:
			j.after = j.before
			j.tell(t)
		default:
			parts, sent = append(parts, part), append(sent, j)
		}
	}
	results, err := row.Batch(ctx, parts, underWay)
	passed := slices.ContainsFunc(results, func(r graph.Result) bool { return r.Err == nil }) ||
		slices.ContainsFunc(jobs, func(j job[T]) bool { return j.before != nil }) // it could be read: permission there is
	for i, j := range sent {
		j.take(ctx, t, results[i])
		if err == nil && j.out.Err != nil && linkWide(j.out.Err, passed) {
			err = j.out.Err
		}
	}
	if err != nil {
		err = settleRest(jobs, err)
	}
	return out, t.finish(ctx, jobs, err)
}

func (j *job[T]) done() bool { return j.out.Ref != "" || j.out.Err != nil }

// settleRest gives what was not sent its fault. It returns err.
func settleRest[T any](jobs []job[T], err error) error {
	for i := range jobs {
		if !jobs[i].done() {
			jobs[i].out.Err = fault.New(fault.KindOf(err), fault.ReasonOf(err), "outlook: not sent: %w", err)
		}
	}
	return err
}

// before reads what is to be updated or deleted and takes out what is no longer as planned on.
func before[T any](ctx context.Context, box *graph.Mailbox, t trade[T], jobs []job[T]) error {
	var parts []graph.Part
	var of []*job[T]
	for i := range jobs {
		j := &jobs[i]
		switch j.Op {
		case record.Create:
		case record.Update, record.Delete:
			parts, of = append(parts, graph.Get(t.address(j.Ref)+t.question(), t.prefer())), append(of, j)
		default:
			j.out.Err = fault.New(fault.Invalid, fault.Refused, "outlook: there is no such operation here")
		}
	}
	if len(parts) == 0 {
		return nil
	}
	results, err := box.Batch(ctx, parts)
	if err != nil {
		return err
	}
	passed := slices.ContainsFunc(results, func(r graph.Result) bool { return r.Err == nil })
	var absent []*job[T]
	for i, j := range of {
		r := results[i]
		if r.Err == nil {
			j.before = new(T)
			r.Err = t.decode(ctx, r.Body, j.before)
		}
		switch {
		case fault.Is(r.Err, fault.NotFound), r.Err == nil && !t.here(j.before):
			if j.Op == record.Delete {
				absent = append(absent, j)
			} else {
				j.out.Err = errMoved // reading it again tells whether it is gone or elsewhere
			}
		case r.Err != nil:
			j.out.Err = r.Err
			if linkWide(r.Err, passed) {
				return r.Err
			}
		case t.change(j.before).Version != j.Version:
			j.out.Err = errMoved
		}
	}
	return gone(ctx, t, absent)
}

// gone ends the deletion of items that are no longer there. That is no fault, if it is so.
func gone[T any](ctx context.Context, t trade[T], absent []*job[T]) error {
	if len(absent) == 0 {
		return nil
	}
	refs := make([]record.Ref, len(absent))
	for i, j := range absent {
		refs[i] = j.Ref
	}
	seen, err := t.Read(ctx, refs)
	if err != nil {
		return err
	}
	for i, j := range absent {
		if seen[i].State == record.Gone {
			j.out.Ref = j.Ref
		} else {
			j.out.Err = errMoved
		}
	}
	return nil
}

// part is the request of a write.
func (j *job[T]) part(t trade[T]) (p graph.Part, needed bool, err error) {
	if j.Op == record.Create {
		if err := t.guard(nil, j.Write); err != nil {
			return p, false, err
		}
		p, err = t.create(j.Write)
		return p, true, err
	}
	p = graph.Part{
		Method: http.MethodDelete, Path: t.address(j.Ref), IfMatch: t.item(j.before).Version(), Prefer: t.prefer(),
		Repeatable: true, // conditional: a second time it finds another version, or nothing
	}
	if j.Op == record.Delete {
		return p, true, t.guard(j.before, j.Write)
	}
	body, err := t.patch(j.before, j.Write)
	if err != nil || body.Empty() {
		return p, false, err
	}
	if err := t.guard(j.before, j.Write); err != nil {
		return p, false, err
	}
	p.Method, p.Body = http.MethodPatch, body.JSON()
	return p, true, nil
}

// take notes what became of a write.
func (j *job[T]) take(ctx context.Context, t trade[T], r graph.Result) {
	switch {
	case r.Err == nil && j.Op == record.Delete:
		j.out.Ref = j.Ref
	case r.Err == nil:
		j.after = new(T)
		if err := graph.Decode(r.Body, j.after); err != nil || t.item(j.after).ID == "" {
			j.after, j.out.Err = nil, unreadable(err)
			return
		}
		j.tell(t)
		if j.Op == record.Update && j.overtaken(t) {
			*j.out = record.Outcome{Err: fault.New(fault.Unavailable, fault.OutcomeUnknown, "outlook: somebody changed the item between its reading and its write")}
		}
	case j.Op == record.Create && fault.ReasonOf(r.Err) == fault.Duplicate:
		if j.after, r.Err = t.exists(ctx, j.Write, r.Err); r.Err != nil {
			j.out.Err = r.Err
			return
		}
		j.tell(t)
	case j.Op == record.Delete && fault.Is(r.Err, fault.NotFound):
		j.out.Ref = j.Ref // somebody was faster
	case j.Op == record.Update && fault.Is(r.Err, fault.NotFound):
		j.out.Err = errMoved
	case fault.Is(r.Err, fault.NotFound): // the container of a create
		j.out.Err = passing(r.Err)
	default:
		j.out.Err = r.Err
	}
}

// tell fills the outcome from the item as it now is.
func (j *job[T]) tell(t trade[T]) {
	c := t.change(j.after)
	j.out.Ref, j.out.Version, j.out.Fields = c.Ref, c.Version, c.Fields
}

// overtaken reports whether the answer to an update shows something else that changed since the item was read: somebody's edit that came
// between, and that If-Match did not keep us from passing, as it is not documented to (reference §3.8). The item is then read again, like
// one whose answer was lost. An edit of a field that we wrote ourselves cannot be seen any more.
func (j *job[T]) overtaken(t trade[T]) bool {
	was := t.change(j.before).Fields
	for field, now := range j.out.Fields {
		old, known := was[field]
		_, ours := j.Fields[field]
		if known && !ours && old != now && t.steady(field, j.Fields) {
			return true
		}
	}
	return false
}

// find looks for items by our mark in a list (its address, with a query), one question a token. If a person has copied an item, its mark went along: the item
// that was made first is the one.
func find[T any](ctx context.Context, box *graph.Mailbox, t trade[T], list string, tokens []string) (map[string]record.Change, error) {
	parts := make([]graph.Part, len(tokens))
	for i, token := range tokens {
		parts[i] = graph.Get(list+"&"+graph.Query("$top", "10", "$filter", filterByMark(token))[1:], t.prefer())
	}
	results, err := box.Batch(ctx, parts)
	if err != nil {
		return nil, err
	}
	found := make(map[string]record.Change, len(tokens))
	for i, r := range results {
		if r.Err != nil {
			return nil, r.Err
		}
		var first *T
		err := everyPage(ctx, box, t.prefer(), r, func(it *T) error {
			if markOf(t.item(it).Extended, itemMark) == tokens[i] &&
				(first == nil || t.item(it).Created.Before(t.item(first).Created)) {
				first = it
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if first != nil {
			found[tokens[i]] = t.change(first)
		}
	}
	return found, nil
}

// everyPage walks through a list from the answer with its first page on. That one may be empty, with more after it.
func everyPage[T any](ctx context.Context, box *graph.Mailbox, prefer string, first graph.Result, each func(*T) error) error {
	page, err := graph.ReadPage(first.Body, each)
	if err != nil || page.Next == "" {
		return err
	}
	return graph.All(ctx, box, page.Next, prefer, each)
}
