// Package zohospec holds answers of the REST API against Zoho's own description of theirs, for the tests of the API and
// of the Zoho connector. The description is a folder of files that is not part of the project: it is looked up beside
// the repository, and tests that need it are skipped without it.
package zohospec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
)

// Variable names the environment variable that says where the description is, instead of the usual place.
const Variable = "TANDEM_ZOHO_OPENAPI"

// usualPlace is where the description is looked for, from the root of the repository.
const usualPlace = "../shared/reference/zoho-openapi/patched"

// files says which file describes which addresses. The first row that fits is taken: /crm/v8/{module}/{id} of the last
// one would fit many others' too.
var files = []struct{ file, prefix, suffix string }{
	{"users.json", "/crm/v8/users", ""},
	{"org.json", "/crm/v8/org", ""},
	{"fields.json", "/crm/v8/settings/fields", ""},
	{"modules.json", "/crm/v8/settings/modules", ""},
	{"record_count.json", "/crm/v8/", "/actions/count"},
	{"mass_update.json", "/crm/v8/", "/actions/mass_update"},
	{"timelines.json", "/crm/v8/", "/__timeline"},
	{"record.json", "/crm/v8/", ""},
}

// A Spec is Zoho's description, ready to judge. It may be used by several tests at once.
type Spec struct {
	mu sync.Mutex // the validators fill caches while they work
	by map[string]validator.Validator
}

var load = sync.OnceValues(func() (*Spec, error) {
	dir, err := find()
	if err != nil {
		return nil, err
	}
	s := &Spec{by: map[string]validator.Validator{}}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.file))
		if err != nil {
			return nil, err
		}
		if raw, err = nullable(raw); err != nil {
			return nil, fmt.Errorf("zohospec: read %s: %w", f.file, err)
		}
		doc, err := libopenapi.NewDocument(raw)
		if err != nil {
			return nil, fmt.Errorf("zohospec: read %s: %w", f.file, err)
		}
		v, errs := validator.NewValidator(doc, config.WithFormatAssertions(), config.WithoutSecurityValidation())
		if err := errors.Join(errs...); err != nil {
			return nil, fmt.Errorf("zohospec: build a validator from %s: %w", f.file, err)
		}
		s.by[f.file] = v
	}
	return s, nil
})

// nullable lets "nullable" next to "anyOf" mean what it says; the validator asks each alternative for itself.
func nullable(raw []byte) ([]byte, error) {
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if choices, ok := v["anyOf"].([]any); ok && v["nullable"] == true {
				v["anyOf"] = append(choices, map[string]any{"nullable": true, "type": "object", "enum": []any{nil}})
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(doc)
	return json.Marshal(doc)
}

// Open returns the one Spec of this process, and skips the test where the description is absent.
func Open(t testing.TB) *Spec {
	t.Helper()
	s, err := load()
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the description of Zoho's API is not here (%s, or where %s points)", usualPlace, Variable)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func find() (string, error) {
	if dir := os.Getenv(Variable); dir != "" {
		return dir, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, filepath.FromSlash(usualPlace)), nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", os.ErrNotExist
		}
		dir = up
	}
}

// ValidateAnswer judges an answer to a request. Not judged are answers outside /crm/v8 and refusals of what the
// description does not have.
func (s *Spec) ValidateAnswer(method, uri string, status int, header http.Header, body []byte) error {
	path, _, _ := strings.Cut(uri, "?")
	if !strings.HasPrefix(path, "/crm/v8/") {
		return nil
	}
	req, err := http.NewRequest(method, "https://www.zohoapis.com"+uri, nil)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !strings.HasPrefix(path, f.prefix) || !strings.HasSuffix(path, f.suffix) {
			continue
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		resp := &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: req}
		ok, found := s.by[f.file].ValidateHttpResponse(req, resp)
		if ok {
			return nil
		}
		var errs []error
		for _, e := range found {
			if e.ValidationType == "path" && status >= http.StatusBadRequest {
				return nil
			}
			text := e.Message + ": " + e.Reason
			for _, schema := range e.SchemaValidationErrors {
				text += "; " + schema.FieldPath + " " + schema.Reason
			}
			errs = append(errs, fmt.Errorf("zohospec: %s: answer %d to %s %s: %s: %.2000s", f.file, status, method, uri, text, body))
		}
		return errors.Join(errs...)
	}
	return nil
}
