package graph

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tandem/internal/fault"
)

// Batch carries out parts, BatchSize in a request, and tells what became of each in the order asked. Several batches
// travel at once, so parts must not depend on each other. Parts that were throttled or failed in passing are tried
// again as Do does.
//
// The error is for what concerns all of them (sign-in, the network, a mailbox to be left alone); each part then has
// the fault that is true for it: not sent, refused, or unknown.
func (m *Mailbox) Batch(ctx context.Context, parts []Part) ([]Result, error) {
	return m.Row().Batch(ctx, parts, func() {})
}

// fitting is how many of the parts go into the next batch: BatchSize, or as many as a request may be long.
func fitting(parts []Part) int {
	size := 0
	for i := range min(BatchSize, len(parts)) {
		if size += partSize(&parts[i]); size > maxRequest && i > 0 {
			return i
		}
	}
	return min(BatchSize, len(parts))
}

// maxRequest is well below the 4 MB that one request may be long (reference §1).
const maxRequest = 3 << 20

func partSize(p *Part) int {
	body := len(p.Body)
	if p.Content != "" {
		body = base64.StdEncoding.EncodedLen(body)
	}
	return body + len(p.Path) + 200
}

// Chain carries out at most BatchSize parts in one batch, one after another: none begins before the one before it has
// succeeded. Those behind a refused one are not carried out and have a fault of kind Conflict. Where the first names a version, that is
// for all behind it which name none: they are not tried again without it, and have such a fault too. Otherwise it is as Batch.
func (m *Mailbox) Chain(ctx context.Context, parts []Part) ([]Result, error) {
	out := make([]Result, len(parts))
	return out, m.batch(ctx, parts, out, true, func() {})
}

// notSent is the fault of a part that was never sent because of err.
func notSent(err error) error {
	f := fault.As(err)
	if f == nil {
		return fault.New(fault.Unavailable, "", "graph: not sent: %w", err)
	}
	if f.Reason == fault.OutcomeUnknown {
		return fault.New(fault.Unavailable, "", "graph: not sent: %s", f.Message)
	}
	return err
}

// round is one batch on its way: the parts that are still without a final answer.
type round struct {
	m     *Mailbox
	parts []Part
	out   []Result
	chain bool    // each part waits for the one before it, and needs it
	open  []int   // indexes into parts
	doubt []error // of a write that an earlier attempt may have carried out
	token bool    // a part was refused for its token already
	whole bool    // the last attempt failed as a whole
	fatal error   // the batch was refused as a whole
}

// batch carries out parts that fit into one request. through is called when the mailbox lets it through for the first time.
func (m *Mailbox) batch(ctx context.Context, parts []Part, out []Result, chain bool, through func()) error {
	r := &round{m: m, parts: parts, out: out, chain: chain, doubt: make([]error, len(parts))}
	for i := range parts {
		r.open = append(r.open, i)
	}
	for try := 1; len(r.open) > 0; try++ {
		body, err := r.encode()
		if err != nil {
			return r.fail(err)
		}
		ans, sent, err := m.exchangeParts(ctx, &Part{Method: http.MethodPost, Path: "/$batch", Body: body}, len(r.open), through)
		if err != nil && !sent {
			if m.again(ctx, err, try) {
				continue
			}
			return r.fail(err)
		}
		wait, stop := time.Duration(0), err
		progress := false
		r.whole = err != nil || ans.status != http.StatusOK
		if err == nil {
			wait, progress, stop = r.settle(ctx, ans, try)
		} else {
			wait = m.backoff(try)
			r.lose(0, err)
		}
		if len(r.open) == 0 {
			return r.fatal
		}
		if progress {
			try-- // the rest of a chain waits for its turn; that is no failure
		}
		if try >= m.c.limits.Tries {
			return r.end(stop)
		}
		if err := m.c.sleep(ctx, wait); err != nil {
			return r.fail(fault.New(fault.Unavailable, "", "graph: %w", err))
		}
	}
	return nil
}

// encode writes the open parts as one batch. For a mailbox that refuses parallel parts, each waits for the one before.
func (r *round) encode() ([]byte, error) {
	size := 64
	for _, i := range r.open {
		size += partSize(&r.parts[i])
	}
	b := append(make([]byte, 0, size), `{"requests":[`...)
	serial := r.chain || r.m.gate.serial.Load()
	for n, i := range r.open {
		p := &r.parts[i]
		path, err := r.m.c.relative(p.Path)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":"`...)
		b = strconv.AppendInt(b, int64(n+1), 10)
		b = append(b, `","method":"`...)
		b = append(b, p.Method...)
		b = append(b, `","url":`...)
		b = appendString(b, path)
		if serial && n > 0 {
			b = append(b, `,"dependsOn":["`...)
			b = strconv.AppendInt(b, int64(n), 10)
			b = append(b, `"]`...)
		}
		b = append(b, `,"headers":{"Prefer":`...)
		b = appendString(b, preferences(p.Prefer))
		if p.IfMatch != "" {
			b = append(b, `,"If-Match":`...)
			b = appendString(b, p.IfMatch)
		}
		switch {
		case p.Content != "":
			b = append(b, `,"Content-Type":`...)
			b = appendString(b, p.Content)
			b = append(b, `},"body":"`...)
			b = base64.StdEncoding.AppendEncode(b, p.Body)
			b = append(b, `"}`...)
		case p.Body != nil:
			b = append(b, `,"Content-Type":"application/json"},"body":`...)
			b = append(b, p.Body...)
			b = append(b, '}')
		default:
			b = append(b, `}}`...)
		}
	}
	return append(b, `]}`...), nil
}

type batchAnswer struct {
	Responses []batchPart `json:"responses"`
}

type batchPart struct {
	ID      string         `json:"id"`
	Status  int            `json:"status"`
	Headers jsontext.Value `json:"headers"`
	Body    jsontext.Value `json:"body"`
}

// settle takes in the answer to a batch. It returns how long to wait before the rest is tried again, whether the rest
// consists of parts that only waited for others of which one was answered, and what would stop all if there is no
// further try.
func (r *round) settle(ctx context.Context, ans *answer, try int) (wait time.Duration, progress bool, stop error) {
	whole := Part{Method: http.MethodPost}
	if ans.status != http.StatusOK {
		j := r.m.judge(&whole, ans.status, func() string { return ans.header.Get("Retry-After") }, ans.body, try)
		switch {
		case j.unknown:
			r.lose(fault.RetryAfter(j.Err), j.Err)
			return max(j.wait, r.m.backoff(try)), false, j.Err
		case j.again:
			return j.wait, false, j.Err
		case j.Err == nil:
			j.Err = fault.New(fault.Broken, "", "graph: a batch was answered with %d", ans.status)
		}
		r.close(j.Err)
		r.fatal = j.Err
		return 0, false, j.Err
	}
	var got batchAnswer
	if err := json.Unmarshal(ans.body, &got, lenient); err != nil {
		r.lose(0, fmt.Errorf("an answer to a batch that cannot be read: %w", err))
		return r.m.backoff(try), false, lost(false, 0, err)
	}
	var rest []int
	answered := make([]bool, len(r.open)+1)
	dependent, broken := true, r.chain && chainBroken(got, len(r.open))
	for _, resp := range got.Responses {
		n, err := strconv.Atoi(resp.ID)
		if err != nil || n < 1 || n > len(r.open) || answered[n] {
			continue
		}
		answered[n] = true
		i := r.open[n-1]
		body, odd := content(resp.Body, r.parts[i].Binary && resp.Status < 300)
		j := r.m.judge(&r.parts[i], resp.Status, func() string { return header(resp.Headers, "Retry-After") }, body, try)
		if odd != nil && j.Err == nil {
			j.Err, j.again, j.wait = lost(!r.parts[i].read(), 0, odd), r.parts[i].repeatable(), r.m.backoff(try)
		}
		j.Date = ans.date
		if broken && j.Status == http.StatusFailedDependency {
			j.again, j.Err = false, fault.New(fault.Conflict, "", "graph: not carried out, as the one before it was refused")
		}
		if j.Status == http.StatusUnauthorized && !r.token {
			_, err := r.m.tokens.Token(ctx, ans.token)
			j.again = err == nil
		}
		r.out[i] = j.Result
		if j.unknown {
			r.doubt[i] = j.Err
		}
		if j.Err != nil && j.again {
			rest = append(rest, i)
			wait = max(wait, j.wait)
			stop = j.Err
			dependent = dependent && j.Status == http.StatusFailedDependency
		} else if r.doubt[i] != nil && undecided(j.Err) {
			r.out[i].Err = r.doubt[i]
		}
	}
	for n, i := range r.open {
		if answered[n+1] {
			r.token = r.token || r.out[i].Status == http.StatusUnauthorized
			continue
		}
		err := lost(!r.parts[i].read(), 0, errors.New("the part has no answer"))
		r.out[i] = Result{Err: err, Date: ans.date}
		dependent = false
		if !r.parts[i].read() {
			r.doubt[i] = err
		}
		if r.parts[i].repeatable() {
			rest = append(rest, i)
			wait = max(wait, r.m.backoff(try))
		}
	}
	progress = dependent && len(rest) < len(r.open)
	if r.open = rest; r.unguarded() {
		r.close(fault.New(fault.Conflict, "", "graph: not carried out, as it hangs on what was carried out before it was cut off"))
	}
	return wait, progress, stop
}

// unguarded reports whether the open parts of a chain hung on the version that an earlier part named, and name none themselves: somebody may have
// written since.
func (r *round) unguarded() bool {
	if !r.chain || len(r.open) == 0 || r.parts[0].IfMatch == "" {
		return false
	}
	slices.Sort(r.open)
	first := &r.parts[r.open[0]]
	return r.open[0] > 0 && first.IfMatch == "" && !first.read()
}

// chainBroken reports whether a part of a chain was refused in a way that another try does not mend.
func chainBroken(got batchAnswer, open int) bool {
	for _, resp := range got.Responses {
		switch {
		case resp.Status < http.StatusBadRequest || resp.Status == http.StatusFailedDependency:
		case resp.Status == http.StatusTooManyRequests, resp.Status >= http.StatusInternalServerError, resp.Status == http.StatusUnauthorized:
			return false // it is tried again, and the rest with it
		}
	}
	return len(got.Responses) == open && slices.ContainsFunc(got.Responses, func(resp batchPart) bool { return resp.Status >= http.StatusBadRequest })
}

// undecided reports whether a refusal leaves open if an earlier attempt of the same write was carried out.
func undecided(err error) bool {
	switch fault.KindOf(err) {
	case fault.Throttled, fault.Unavailable, fault.Denied:
		return err != nil
	}
	return false
}

// lose closes the open parts that must not be sent again after an answer was lost, and leaves the others open.
func (r *round) lose(after time.Duration, cause error) {
	var rest []int
	for _, i := range r.open {
		p := &r.parts[i]
		err := lost(!p.read(), after, cause)
		r.out[i] = Result{Err: err}
		if !p.read() {
			r.doubt[i] = err
		}
		if p.repeatable() {
			rest = append(rest, i)
		}
	}
	r.open = rest
}

// close gives all open parts the fault err, or the older one of which nobody knows how it ended.
func (r *round) close(err error) {
	for _, i := range r.open {
		r.out[i].Err = err
		if r.doubt[i] != nil {
			r.out[i].Err = r.doubt[i]
		}
	}
	r.open = nil
}

// fail ends the batch because of what concerns all of it.
func (r *round) fail(err error) error {
	r.close(err)
	return err
}

// end is for parts that did not get through in all their tries. They have their faults; err concerns all of them.
func (r *round) end(err error) error {
	for _, i := range r.open {
		if r.doubt[i] != nil && undecided(r.out[i].Err) {
			r.out[i].Err = r.doubt[i]
		}
		if r.out[i].Err == nil {
			r.out[i].Err = err
		}
	}
	r.open = nil
	switch {
	case fault.Is(err, fault.Throttled):
		return err
	case r.whole:
		return fault.New(fault.Unavailable, "", "graph: Graph does not answer: %s", err)
	}
	return nil
}

// header finds one header in those of a part.
func header(raw jsontext.Value, name string) string {
	if len(raw) < 3 {
		return ""
	}
	var headers map[string]jsontext.Value
	if json.Unmarshal(raw, &headers, lenient) != nil {
		return ""
	}
	for key, value := range headers {
		if http.CanonicalHeaderKey(key) != name {
			continue
		}
		var s string
		if json.Unmarshal(value, &s, lenient) == nil {
			return s
		}
		return string(value)
	}
	return ""
}

// content is the body of a part; a JSON null is none. That of a binary part is base64.
func content(raw jsontext.Value, binary bool) ([]byte, error) {
	if string(raw) == "null" {
		return nil, nil
	}
	if !binary || len(raw) == 0 {
		return raw, nil
	}
	var out []byte
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("bytes that are no base64: %w", err)
	}
	return out, nil
}
