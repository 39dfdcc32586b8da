package simtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// wire is the way of a process to Microsoft: no socket, one effect a request. It fits http.RoundTripper.
type wire struct{ p *process }

// sent is one request to Graph, by itself or as a part of a batch, and what became of it as far as the caller can know.
type sent struct {
	method, path, ifMatch string
	body                  string
	status                int // 0: no answer
	answer                string
	retryAfter            string
	behind                bool // it is carried out after the one before it, if that was
}

func (s *sent) writes() bool { return s.method != http.MethodGet }

// item is the id of the item that the request is for; "": of none.
func (s *sent) item() string {
	path, _, _ := strings.Cut(s.path, "?")
	for _, of := range []string{"/contacts/", "/events/"} {
		if _, rest, ok := strings.Cut(path, of); ok {
			id, _, _ := strings.Cut(rest, "/")
			if id == "delta" {
				return ""
			}
			return id
		}
	}
	return ""
}

// RoundTrip carries a request to the simulator and the answer back, through whatever has been ordered to go wrong.
func (x wire) RoundTrip(req *http.Request) (*http.Response, error) {
	t := taskOf(req.Context())
	w := x.p.w
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	parts := partsOf(req, body)
	what := nameOf(req, parts)
	writes := false
	for _, s := range parts {
		writes = writes || s.writes()
	}
	if err := t.point(what, "before", writes); err != nil {
		return nil, err
	}
	if err := t.park(5*time.Millisecond + w.spread(60*time.Millisecond)); err != nil {
		return nil, err
	}
	w.sending(t, req, parts)
	w.belated(t, parts)
	w.putting(t, parts)
	f := w.faults.strike(t, req, parts)
	resp, raw, err := x.serve(f, t, req, body)
	if resp != nil {
		answered(parts, req, resp, raw)
		w.sawPhotos(t, parts)
	}
	w.answered(t, parts, f)
	w.note("p%d l%d %s -> %s%s", t.process.n, t.link.id, what, outcomeOf(parts, resp, err), f.says())
	if f != nil && f.delay > 0 {
		if err := t.park(f.delay); err != nil {
			return nil, err
		}
	}
	if dead := t.point(what, "after", writes); dead != nil {
		return nil, dead
	}
	if dead := t.park(5*time.Millisecond + w.spread(60*time.Millisecond)); dead != nil {
		return nil, dead
	}
	if resp != nil {
		resp.Body = io.NopCloser(bytes.NewReader(raw))
		if f != nil && f.cut {
			resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(raw[:len(raw)/2]), broken{}))
		}
	}
	return resp, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
)

// serve has the simulator answer, or a fault in its place.
func (x wire) serve(f *strike, t *task, req *http.Request, body []byte) (*http.Response, []byte, error) {
	w := x.p.w
	ask := func() (*http.Response, []byte) {
		again := req.Clone(context.WithoutCancel(req.Context()))
		again.Body = io.NopCloser(bytes.NewReader(body))
		again.RequestURI = ""
		rec := httptest.NewRecorder()
		w.sim.ServeHTTP(rec, again)
		resp := rec.Result()
		raw := rec.Body.Bytes()
		resp.Header.Set("Date", w.clock.Add(w.skew).UTC().Format(http.TimeFormat))
		resp.Request = req
		return resp, raw
	}
	if f == nil {
		resp, raw := ask()
		return resp, raw, nil
	}
	return f.serve(w, t, req, ask)
}

// partsOf takes a request apart.
func partsOf(req *http.Request, body []byte) []*sent {
	path := strings.TrimPrefix(req.URL.RequestURI(), "/v1.0")
	if path != "/$batch" {
		return []*sent{{method: req.Method, path: path, ifMatch: req.Header.Get("If-Match"), body: string(body)}}
	}
	var out []*sent
	gjson.GetBytes(body, "requests").ForEach(func(_, r gjson.Result) bool {
		s := &sent{}
		r.ForEach(func(key, v gjson.Result) bool {
			switch key.Str {
			case "method":
				s.method = v.Str
			case "url":
				s.path = v.Str
			case "headers":
				s.ifMatch = v.Get("If-Match").Str
			case "body":
				s.body = v.Raw
			case "dependsOn":
				s.behind = len(out) > 0 && v.Get("0").Int() == int64(len(out))
			}
			return true
		})
		out = append(out, s)
		return true
	})
	return out
}

// answered notes what became of each part.
func answered(parts []*sent, req *http.Request, resp *http.Response, raw []byte) {
	if !strings.HasSuffix(req.URL.Path, "/$batch") || resp.StatusCode != http.StatusOK {
		for _, s := range parts {
			s.status, s.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
		}
		if len(parts) == 1 {
			parts[0].answer = string(raw)
		}
		return
	}
	gjson.GetBytes(raw, "responses").ForEach(func(_, r gjson.Result) bool {
		n, s := -1, sent{}
		r.ForEach(func(key, v gjson.Result) bool {
			switch key.Str {
			case "id":
				n = int(v.Int()) - 1
			case "status":
				s.status = int(v.Int())
			case "headers":
				s.retryAfter = v.Get("Retry-After").Str
			case "body":
				s.answer = v.Raw
			}
			return true
		})
		if n >= 0 && n < len(parts) {
			parts[n].status, parts[n].answer, parts[n].retryAfter = s.status, s.answer, s.retryAfter
		}
		return true
	})
}

// nameOf says in a few words what a request is, without what differs from run to run.
func nameOf(req *http.Request, parts []*sent) string {
	if strings.HasSuffix(req.URL.Path, "/token") {
		return "POST token"
	}
	var b strings.Builder
	for i, s := range parts {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.name())
	}
	return b.String()
}

func (s *sent) name() string {
	path, query, _ := strings.Cut(s.path, "?")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range segments {
		if len(part) > 24 {
			segments[i] = "…" + part[len(part)-11:len(part)-4]
		}
	}
	if len(segments) > 2 && segments[0] == "users" {
		segments = segments[2:]
	}
	name := s.method + " " + strings.Join(segments, "/")
	switch {
	case strings.Contains(query, "filter=") || strings.Contains(query, "%24filter="):
		name += "?filter"
	case strings.Contains(query, "token"):
		name += "?token"
	}
	if s.ifMatch != "" {
		name += " if-match"
	}
	return name
}

func outcomeOf(parts []*sent, resp *http.Response, err error) string {
	if err != nil || resp == nil {
		return "no answer"
	}
	var b strings.Builder
	b.WriteString(resp.Status[:3])
	if len(parts) > 1 || resp.StatusCode == http.StatusOK && len(parts) == 1 && parts[0].status != resp.StatusCode {
		for _, s := range parts {
			b.WriteByte(' ')
			b.WriteString(http.StatusText(s.status))
		}
	}
	return b.String()
}
