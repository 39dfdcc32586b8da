package graphspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A Judge holds all that a world sends against the description, and what it is answered. Of what is alike but for ids, times and
// text it judges the first: worlds make thousands of exchanges of a few dozen shapes.
type Judge struct {
	t    testing.TB
	spec *Spec

	mu     sync.Mutex
	faults []string
	ended  bool
	judged atomic.Int64
}

// seen are the shapes that this process has judged, with what was wrong with them.
var seen sync.Map

// NewJudge makes a judge for a test, which fails at its end if anything was outside the description. Where the description is
// absent everything passes.
func NewJudge(t testing.TB) *Judge {
	t.Helper()
	j := &Judge{t: t}
	var err error
	if j.spec, err = load(); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.ended = true
		for _, text := range j.faults {
			t.Errorf("an exchange outside the description: %s", text)
		}
	})
	return j
}

// Judged is how many requests and answers were looked at, parts of batches each; -1: the description is absent.
func (j *Judge) Judged() int64 {
	if j.spec == nil {
		return -1
	}
	return j.judged.Load()
}

// Request judges a request to Graph, whatever came of it. uri begins with /v1.0; requests for anything else are passed over.
func (j *Judge) Request(method, uri string, header http.Header, body []byte) {
	if j.spec == nil || !strings.HasPrefix(uri, "/v1.0/") {
		return
	}
	if !strings.HasPrefix(uri, "/v1.0/$batch") {
		j.once("request "+method+" "+plainURI(uri)+" "+skeleton(body), func() error { return j.spec.validateRequest(method, uri, header, body) })
		return
	}
	var batch struct{ Requests []batchPart }
	if err := json.Unmarshal(body, &batch); err != nil {
		j.tell("a batch that is no JSON: " + err.Error())
		return
	}
	for _, p := range batch.Requests {
		j.Request(p.Method, "/v1.0/"+strings.TrimPrefix(p.URL, "/"), headers(p.Headers), p.Body)
	}
}

// Answer judges what a request was answered, part by part. A batch must have been answered in full.
func (j *Judge) Answer(method, uri string, header http.Header, body []byte, status int, answered http.Header, answer []byte) {
	if j.spec == nil || status == 0 || !strings.HasPrefix(uri, "/v1.0/") {
		return
	}
	if !strings.HasPrefix(uri, "/v1.0/$batch") {
		j.once(fmt.Sprint("answer ", status, " to ", method, " ", plainURI(uri), " ", skeleton(answer)), func() error {
			asked, err := restate(method, uri, header, body)
			if err != nil {
				return err
			}
			return j.spec.validate(asked, body, status, answered, answer)
		})
		return
	}
	if status != http.StatusOK {
		return
	}
	var asked struct{ Requests []batchPart }
	var got struct{ Responses []batchPart }
	if err := errors.Join(json.Unmarshal(body, &asked), json.Unmarshal(answer, &got)); err != nil {
		j.tell("a batch that is no JSON: " + err.Error())
		return
	}
	if len(asked.Requests) != len(got.Responses) {
		j.tell(fmt.Sprintf("a batch of %d parts has %d answers", len(asked.Requests), len(got.Responses)))
	}
	for _, a := range got.Responses {
		at := slices.IndexFunc(asked.Requests, func(p batchPart) bool { return p.ID == a.ID })
		if at < 0 {
			j.tell(fmt.Sprintf("an answer to a part %q that was not asked", a.ID))
			continue
		}
		if p := asked.Requests[at]; a.Status != http.StatusFailedDependency {
			j.Answer(p.Method, "/v1.0/"+strings.TrimPrefix(p.URL, "/"), headers(p.Headers), p.Body, a.Status, headers(a.Headers), a.Body)
		}
	}
}

func (j *Judge) once(shape string, judge func() error) {
	j.judged.Add(1)
	if verdict, known := seen.Load(shape); known {
		j.tell(verdict.(string))
		return
	}
	text := ""
	if err := judge(); err != nil {
		text = err.Error()
	}
	seen.Store(shape, text)
	j.tell(text)
}

// mostTold is how many faults a test tells of.
const mostTold = 5

func (j *Judge) tell(fault string) {
	if fault == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended && len(j.faults) < mostTold && !slices.Contains(j.faults, fault) {
		j.faults = append(j.faults, fault)
	}
}

// validateRequest judges a request alone.
func (s *Spec) validateRequest(method, uri string, header http.Header, body []byte) error {
	req, err := restate(method, uri, header, body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok, found := s.v.ValidateHttpRequestSync(req); !ok {
		return errors.Join(told("request "+method+" "+uri+" "+string(clip(body)), found)...)
	}
	return nil
}

var (
	longWord = regexp.MustCompile(`[A-Za-z0-9_=%-]{22,}`)
	digits   = regexp.MustCompile(`[0-9]+`)
	letters  = regexp.MustCompile(`\pL+`)
	enumLike = regexp.MustCompile(`^[a-z][A-Za-z]{1,30}$`)
)

// plainURI is an address without what differs from one item to the next.
func plainURI(uri string) string {
	return digits.ReplaceAllString(longWord.ReplaceAllString(uri, "*"), "0")
}

// skeleton is the shape of a JSON document: its names and types, its enumerations, and the forms of its texts.
func skeleton(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return "no JSON"
	}
	var b strings.Builder
	shape(&b, v)
	return b.String()
}

func shape(b *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		b.WriteByte('{')
		for _, name := range names {
			b.WriteString(name + ":")
			shape(b, v[name])
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case []any:
		var kinds []string
		for _, each := range v {
			var one strings.Builder
			shape(&one, each)
			if !slices.Contains(kinds, one.String()) {
				kinds = append(kinds, one.String())
			}
		}
		slices.Sort(kinds)
		b.WriteString("[" + strings.Join(kinds, ",") + "]")
	case string:
		switch {
		case enumLike.MatchString(v):
			b.WriteString(v)
		case len(v) > 60:
			b.WriteString("text")
		default:
			b.WriteString(letters.ReplaceAllString(digits.ReplaceAllString(longWord.ReplaceAllString(v, "*"), "0"), "a"))
		}
	default:
		fmt.Fprintf(b, "%T", v)
	}
}
