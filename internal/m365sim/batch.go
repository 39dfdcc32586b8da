package m365sim

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/tidwall/gjson"
)

// maxParts is how many requests a batch may hold (fact sheet §5).
const maxParts = 20

// A part is one request of a batch.
type part struct {
	id      string
	method  string
	url     string
	headers []gjson.Result // name, value, name, …
	body    gjson.Result
	on      []int // parts that it depends on
	call    *call
	fault   *strike
}

// batch answers POST /$batch (fact sheet §5): 200 with an answer for each part in any order, or 400 when the batch
// itself is malformed. Every part has its own status, its own throttling and its own four places in the mailbox.
func (c *call) batch() {
	c.status = http.StatusOK
	c.s.counts.add(c.grant.oid, "POST /$batch", false)
	if c.method != http.MethodPost {
		c.fail(newGraphError(http.StatusMethodNotAllowed, "BadRequest", "The request method is not allowed on $batch."))
		return
	}
	parts, chain, err := c.readBatch()
	if err != nil {
		c.fail(err)
		return
	}
	for i := range parts {
		c.openPart(&parts[i])
	}
	if chain {
		c.runChain(parts)
	} else {
		c.runParallel(parts)
	}
	for i := range parts {
		if parts[i].call.aborted {
			panic(http.ErrAbortHandler)
		}
	}
	c.writeBatch(parts)
}

func badBatch(why string) *graphError {
	return badRequest("BadRequest", "Invalid batch payload format. "+why)
}

// readBatch checks the form of the batch. chain says that the parts run one after another.
func (c *call) readBatch() (parts []part, chain bool, err *graphError) {
	if !gjson.Valid(c.body) {
		return nil, false, badBatch("It is no JSON.")
	}
	requests := gjson.Get(c.body, "requests")
	if !requests.IsArray() {
		return nil, false, badBatch("'requests' must be an array.")
	}
	parts = make([]part, 0, maxParts)
	at := make(map[string]int, maxParts)
	requests.ForEach(func(_, v gjson.Result) bool {
		if len(parts) == maxParts {
			err = badRequest("MaximumValueExceeded", "Number of batch request steps exceeds the maximum value of 20.")
			return false
		}
		var p part
		err = p.read(v, at)
		at[strings.ToLower(p.id)] = len(parts)
		parts = append(parts, p)
		return err == nil
	})
	if err != nil {
		return nil, false, err
	}
	chain, err = shape(parts)
	return parts, chain, err
}

func (p *part) read(request gjson.Result, at map[string]int) *graphError {
	var dependsOn gjson.Result
	request.ForEach(func(key, v gjson.Result) bool {
		switch key.Str {
		case "id":
			p.id = v.Str
		case "method":
			p.method = v.Str
		case "url":
			p.url = v.Str
		case "headers":
			v.ForEach(func(name, v gjson.Result) bool {
				p.headers = append(p.headers, name, v)
				return true
			})
		case "body":
			p.body = v
		case "dependsOn":
			dependsOn = v
		}
		return true
	})
	if p.id == "" {
		return badBatch("Every request needs an 'id'.")
	}
	if _, twice := at[strings.ToLower(p.id)]; twice {
		return badBatch("The id '" + p.id + "' stands twice.")
	}
	if p.method == "" || p.url == "" {
		return badBatch("Request " + p.id + " needs a 'method' and a 'url'.")
	}
	if p.method == "POST" || p.method == "PATCH" || p.method == "PUT" {
		if !p.body.Exists() || p.header("Content-Type") == "" {
			return badBatch("Write request id : " + p.id + " does not contain Content-Type header or body.")
		}
	}
	for _, on := range dependsOn.Array() {
		i, ok := at[strings.ToLower(on.Str)]
		if !ok {
			return badBatch("Request " + p.id + " depends on '" + on.Str + "', which is not before it.")
		}
		p.on = append(p.on, i)
	}
	return nil
}

func (p *part) header(name string) string {
	for i := 0; i < len(p.headers); i += 2 {
		if value := p.headers[i+1].String(); value != "" && strings.EqualFold(p.headers[i].Str, name) {
			return value
		}
	}
	return ""
}

// shape admits the three documented forms of dependsOn: none, each on the one before it, all on the same one.
func shape(parts []part) (chain bool, err *graphError) {
	serial, same, none := true, true, true
	for i, p := range parts {
		none = none && len(p.on) == 0
		if i > 0 {
			serial = serial && len(p.on) == 1 && p.on[0] == i-1
			same = same && len(p.on) == 1 && p.on[0] == 0
		}
	}
	first := len(parts) > 0 && len(parts[0].on) == 0
	switch {
	case none:
		return false, nil
	case first && (serial || same):
		return true, nil
	}
	return false, badBatch("dependsOn may be absent, name the request before, or name one request for all.")
}

// openPart makes the call that a part is.
func (c *call) openPart(p *part) {
	pc := getCall()
	pc.s, pc.ctx, pc.grant, pc.base, pc.part, pc.byHand = c.s, c.ctx, c.grant, c.base, true, c.byHand
	pc.method = strings.ToUpper(p.method)
	path, rawQuery, _ := strings.Cut(p.url, "?")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	pc.path, pc.query = strings.ReplaceAll(path, " ", "%20"), parseQuery(rawQuery)
	pc.header = p.header
	if pc.body = p.body.Raw; p.body.Type == gjson.String {
		pc.body = unpacked(p.body.Str, p.header("Content-Type"))
	}
	p.call = pc
	p.fault = c.s.faults.pick(pc.method, path, true)
}

// unpacked is the body of a part that is no JSON: base64 if it is an image.
func unpacked(body, contentType string) string {
	if !strings.HasPrefix(strings.ToLower(contentType), "image/") {
		return body
	}
	raw, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(body))
	if err != nil {
		return "" // which no image is
	}
	return string(raw)
}

// runParallel runs the parts up to four at once. Where the mailbox refuses a fifth instead of letting it wait,
// all of them come at the same time and only four get a place.
func (c *call) runParallel(parts []part) {
	if c.s.warts.Load().RejectOverConcurrency && !c.byHand {
		c.runRejecting(parts)
		return
	}
	if c.s.latency.Load() == 0 {
		for i := range parts {
			c.runPart(&parts[i])
		}
		return
	}
	var wg sync.WaitGroup
	next := make(chan *part)
	for range min(concurrency, len(parts)) {
		wg.Go(func() {
			for p := range next {
				c.runPart(p)
			}
		})
	}
	for i := range parts {
		next <- &parts[i]
	}
	close(next)
	wg.Wait()
}

func (c *call) runRejecting(parts []part) {
	var wg sync.WaitGroup
	for i := range parts {
		p := &parts[i]
		if c.struck(p) {
			continue
		}
		if err := p.call.prepare(); err != nil {
			p.call.fail(err)
			continue
		}
		release, err := p.call.claim()
		if err != nil {
			p.call.fail(err)
			continue
		}
		wg.Go(func() {
			c.s.lag(c.ctx)
			p.call.serve()
		})
		defer release()
	}
	wg.Wait()
}

// runChain runs the parts one after another. What depends on a failed one fails with 424.
func (c *call) runChain(parts []part) {
	for i := range parts {
		failed := false
		for _, on := range parts[i].on {
			failed = failed || parts[on].call.status >= http.StatusBadRequest
		}
		if failed {
			parts[i].call.fail(newGraphError(http.StatusFailedDependency, "FailedDependency", "The request that this one depends on failed."))
			continue
		}
		c.runPart(&parts[i])
	}
}

func (c *call) runPart(p *part) {
	if !c.struck(p) {
		p.call.run()
	}
}

// struck lets a fault answer in the part's place.
func (c *call) struck(p *part) bool {
	if p.fault == nil {
		return false
	}
	return c.s.strikePart(p.fault, p.call)
}

// writeBatch writes the answers, in an order that the seed decides.
func (c *call) writeBatch(parts []part) {
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	c.s.shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	b := append(c.out, `{"responses":[`...)
	for i, at := range order {
		if i > 0 {
			b = append(b, ',')
		}
		b = parts[at].append(b)
	}
	c.out = append(b, ']', '}')
	for i := range parts {
		putCall(parts[i].call)
	}
}

func (p *part) append(b []byte) []byte {
	pc := p.call
	b = append(b, `{"id":`...)
	b = appendString(b, p.id)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(pc.status), 10)
	b = append(b, `,"headers":{"Cache-Control":"private"`...)
	if len(pc.out) > 0 {
		kind := "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8"
		if pc.contentType != "" {
			kind = pc.contentType
		}
		b = appendTextMember(b, "Content-Type", kind)
	}
	for _, line := range pc.headers {
		b = appendTextMember(b, line.name, line.value)
	}
	b = append(b, '}')
	if len(pc.out) > 0 {
		b = append(b, `,"body":`...)
		if pc.contentType != "" {
			b = append(b, '"')
			b = appendBase64(b, pc.out)
			b = append(b, '"')
		} else {
			b = append(b, pc.out...)
		}
	}
	return append(b, '}')
}
