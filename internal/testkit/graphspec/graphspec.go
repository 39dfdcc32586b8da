// Package graphspec holds exchanges with Microsoft Graph against Microsoft's own description of it, for the
// tests of both the client and the simulator. The description is a file that is not part of the project: it
// is looked up beside the repository, and tests that need it are skipped without it.
//
// The package judges shapes (paths, parameters, property names, types, status codes). What Graph means by
// them is left to the tests.
package graphspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	validation "github.com/pb33f/libopenapi-validator/errors"
)

// Variable names the environment variable that says where the description is, instead of the usual place.
const Variable = "TANDEM_GRAPH_OPENAPI"

// usualPlace is where the description is looked for, from the root of the repository.
const usualPlace = "../shared/reference/graph-openapi.yaml"

// host is the server that the description speaks of; requests are held against it whatever host they went to.
const host = "https://graph.microsoft.com"

// A Spec is Microsoft's description, ready to judge. It may be used by several tests at once.
type Spec struct {
	mu sync.Mutex // the validator fills caches while it works
	v  validator.Validator
}

var load = sync.OnceValues(func() (*Spec, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	doc, err := libopenapi.NewDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("graphspec: read %s: %w", path, err)
	}
	v, errs := validator.NewValidator(doc, config.WithFormatAssertions(), config.WithoutSecurityValidation())
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("graphspec: build a validator from %s: %w", path, err)
	}
	return &Spec{v: v}, nil
})

// Open returns the one Spec of this process, and skips the test where the description is absent.
func Open(t testing.TB) *Spec {
	t.Helper()
	spec, err := load()
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the description of Microsoft Graph is not here (%s, or where %s points)", usualPlace, Variable)
	}
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// Properties are the names of a resource's own properties, such as microsoft.graph.contact, with whether the description calls
// each read-only. It skips the test where the description is absent.
func Properties(t testing.TB, resource string) map[string]bool {
	t.Helper()
	path, err := find()
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the description of Microsoft Graph is not here (%s, or where %s points)", usualPlace, Variable)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := libopenapi.NewDocument(raw)
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := model.Model.Components.Schemas.Get(resource)
	if !ok {
		t.Fatalf("the description has no %s", resource)
	}
	out := map[string]bool{}
	for name, p := range schema.Schema().Properties.FromOldest() {
		if !strings.Contains(name, "@odata") {
			out[name] = p.Schema() != nil && strings.Contains(p.Schema().Description, "Read-only")
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no properties", resource)
	}
	return out
}

func find() (string, error) {
	if path := os.Getenv(Variable); path != "" {
		return path, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			path := filepath.Join(dir, filepath.FromSlash(usualPlace))
			_, err := os.Stat(path)
			return path, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", os.ErrNotExist
		}
		dir = up
	}
}

// ValidateExchange judges one request with its answer. A request that was refused (4xx) is not judged, only
// the refusal is. POST /$batch, which the description does not have, is judged part by part.
func (s *Spec) ValidateExchange(req *http.Request, reqBody []byte, status int, header http.Header, respBody []byte) error {
	if strings.HasSuffix(req.URL.Path, "/$batch") {
		if status == http.StatusOK {
			return s.validateBatch(reqBody, respBody)
		}
		req = &http.Request{Method: "GET", URL: &url.URL{Path: "/v1.0/me"}} // a refusal looks alike everywhere
		reqBody = nil
	}
	asked, err := restate(req.Method, req.URL.RequestURI(), req.Header, reqBody)
	if err != nil {
		return err
	}
	return s.validate(asked, reqBody, status, header, respBody)
}

func (s *Spec) validate(req *http.Request, reqBody []byte, status int, header http.Header, respBody []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := req.Method + " " + req.URL.RequestURI()
	var errs []error
	if status < 400 || status >= 500 {
		if ok, found := s.v.ValidateHttpRequestSync(req); !ok {
			errs = append(errs, told("request "+name+" "+string(reqBody), found)...)
		}
	}
	if req.Body != nil {
		req.Body = io.NopCloser(bytes.NewReader(reqBody))
	}
	resp := &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(respBody)), Request: req}
	if ok, found := s.v.ValidateHttpResponse(req, resp); !ok {
		errs = append(errs, told(fmt.Sprintf("answer %d to %s: %s", status, name, clip(respBody)), found)...)
	}
	return errors.Join(errs...)
}

// restate builds the request anew, addressed to the server that the description knows.
func restate(method, uri string, header http.Header, body []byte) (*http.Request, error) {
	u, err := url.Parse(host + uri)
	if err != nil {
		return nil, fmt.Errorf("graphspec: address %q: %w", uri, err)
	}
	req, err := http.NewRequest(method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if len(body) == 0 {
		req.Body = nil
	}
	return req, nil
}

type batchPart struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

func (s *Spec) validateBatch(reqBody, respBody []byte) error {
	var asked struct {
		Requests []batchPart `json:"requests"`
	}
	var answered struct {
		Responses []batchPart `json:"responses"`
	}
	if err := json.Unmarshal(reqBody, &asked); err != nil {
		return fmt.Errorf("graphspec: batch request: %w", err)
	}
	if err := json.Unmarshal(respBody, &answered); err != nil {
		return fmt.Errorf("graphspec: batch answer: %w", err)
	}
	if len(asked.Requests) != len(answered.Responses) {
		return fmt.Errorf("graphspec: batch of %d parts has %d answers", len(asked.Requests), len(answered.Responses))
	}
	parts := map[string]batchPart{}
	for _, p := range asked.Requests {
		parts[p.ID] = p
	}
	var errs []error
	for _, a := range answered.Responses {
		p, ok := parts[a.ID]
		if !ok {
			errs = append(errs, fmt.Errorf("graphspec: batch answer to a part %q that was not asked", a.ID))
			continue
		}
		if a.Status == http.StatusFailedDependency {
			continue
		}
		req, err := restate(p.Method, "/v1.0/"+strings.TrimPrefix(p.URL, "/"), headers(p.Headers), p.Body)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := s.validate(req, p.Body, a.Status, headers(a.Headers), a.Body); err != nil {
			errs = append(errs, fmt.Errorf("part %s: %w", a.ID, err))
		}
	}
	return errors.Join(errs...)
}

func headers(m map[string]string) http.Header {
	h := http.Header{}
	for name, value := range m {
		h.Set(name, value)
	}
	return h
}

func told(what string, found []*validation.ValidationError) []error {
	var errs []error
	for _, f := range found {
		text := f.Message + ": " + f.Reason
		for _, schema := range f.SchemaValidationErrors {
			text += "; " + schema.FieldPath + " " + schema.Reason
		}
		errs = append(errs, fmt.Errorf("graphspec: %s: %s", what, text))
	}
	return errs
}

func clip(b []byte) []byte {
	const most = 2000
	if len(b) > most {
		return b[:most]
	}
	return b
}
