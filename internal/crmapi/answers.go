package crmapi

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

type object = map[string]any

// problem is an error in the form in which the API tells it, of a whole request or of one record of it.
type problem struct {
	status  int // HTTP, when nothing else was asked for
	code    string
	message string
	details object
}

func (p problem) Error() string { return p.code + ": " + p.message }

// MarshalJSON writes the four keys that every problem has.
func (p problem) MarshalJSON() ([]byte, error) {
	if p.details == nil {
		p.details = object{}
	}
	return json.Marshal(object{"code": p.code, "details": p.details, "message": p.message, "status": "error"})
}

// words says what the API calls a fault. {field} rows get the field's name and place in the details.
var words = map[fault.Reason]struct{ code, message string }{
	fault.Mandatory:     {"MANDATORY_NOT_FOUND", "required field not found"},
	fault.TooLong:       {"INVALID_DATA", "the value is longer than the field takes"},
	fault.BadValue:      {"INVALID_DATA", "invalid data"},
	fault.UnknownField:  {"INVALID_DATA", "there is no such field"},
	fault.ReadOnlyField: {"INVALID_DATA", "the field cannot be written"},
	fault.Duplicate:     {"DUPLICATE_DATA", "duplicate data"},
}

// kinds says what the API calls a fault without such a reason.
var kinds = map[fault.Kind]problem{
	fault.Invalid:     {status: 400, code: "INVALID_DATA", message: "invalid data"},
	fault.NotFound:    {status: 404, code: "INVALID_DATA", message: "the id given seems to be invalid"},
	fault.Gone:        {status: 404, code: "INVALID_DATA", message: "the id given seems to be invalid"},
	fault.Denied:      {status: 403, code: "NO_PERMISSION", message: "permission denied"},
	fault.Conflict:    {status: 412, code: "ALREADY_MODIFIED", message: "the record has been modified meanwhile"},
	fault.Throttled:   {status: 429, code: "TOO_MANY_REQUESTS", message: "too many requests, please try shortly"},
	fault.Unavailable: {status: 503, code: "INTERNAL_ERROR", message: "temporarily unavailable, please try shortly"},
}

// told turns an error into a problem; ok is false if it is none of the caller's.
func (c *call) told(err error) (problem, bool) {
	if p, ok := errors.AsType[problem](err); ok {
		return p, true
	}
	if problems, ok := errors.AsType[crm.Problems](err); ok && len(problems) > 0 {
		p := c.wrong(problems[0])
		if len(problems) > 1 { // Zoho tells the first; all of them are an extension
			all := make([]problem, len(problems))
			for i, f := range problems {
				all[i] = c.wrong(f)
			}
			p.details["errors"] = all
		}
		return p, true
	}
	f := fault.As(err)
	if f == nil {
		return problem{}, false
	}
	if f.Kind == fault.Invalid && f.Field != "" {
		return c.wrong(f), true
	}
	p, ok := kinds[f.Kind]
	if f.Reason == fault.NotAllowed {
		p.message = "no permission to perform an action on this record" // Zoho's words; of a whole module: permission denied
	}
	return p, ok
}

// wrong tells what is wrong with one field.
func (c *call) wrong(f *fault.Fault) problem {
	word, ok := words[f.Reason]
	if !ok {
		word = words[fault.BadValue]
	}
	p := problem{status: 400, code: word.code, message: word.message, details: object{"api_name": f.Field}}
	if c.module == nil {
		return p
	}
	def, known := c.module.schema.Def(record.Field(f.Field))
	switch {
	case f.Field == "Owner":
		p.details["expected_data_type"] = "ownerlookup"
	case known && f.Reason == fault.TooLong && def.Type == record.People:
		p.code, p.message = "LIMIT_EXCEEDED", "more than the field takes"
		p.details["limit"] = def.Max
	case known && f.Reason == fault.TooLong && def.Max > 0:
		p.details["maximum_length"] = def.Max
	case known && (f.Reason == fault.BadValue || f.Reason == fault.NotExpressible):
		p.details["expected_data_type"] = types[def.Type].name
	}
	if why, ok := strings.CutPrefix(f.Message, f.Field+": "); ok && word == words[fault.BadValue] {
		p.details["reason"] = why // an extension
	}
	return p
}

// at adds where in the request the problem is: the field, if it concerns one, of the thing at path.
func (p problem) at(path string) problem {
	details := maps.Clone(p.details)
	if details == nil {
		details = object{}
	}
	if all, ok := details["errors"].([]problem); ok {
		placed := make([]problem, len(all))
		for i, one := range all {
			placed[i] = one.at(path)
		}
		details["errors"] = placed
	}
	if name, ok := details["api_name"].(string); ok {
		path += "." + name
	}
	details["json_path"] = path
	p.details = details
	return p
}

// fail answers a request that nothing came of.
func (c *call) fail(err error) {
	p, ok := c.told(err)
	if !ok {
		c.Log.ErrorContext(c.r.Context(), "an API request failed", "method", c.r.Method, "org", c.user.Org, "error", err)
		p = problem{status: 500, code: "INTERNAL_ERROR", message: "Internal Server Error"}
	}
	if p.status == http.StatusUnauthorized || p.status == http.StatusForbidden {
		c.Log.WarnContext(c.r.Context(), "an API request was not permitted", "method", c.r.Method, "code", p.code, "org", c.user.Org, "user", c.user.ID)
	}
	c.answer(p.status, p)
}

// answer writes an answer with a JSON body.
func (c *call) answer(status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append(text, '\n')) // the caller has gone: nothing is left to do
	return nil
}

// empty answers without a body: 204 there is nothing, 304 nothing new.
func (c *call) empty(status int) error {
	c.w.WriteHeader(status)
	return nil
}

// noContent answers lists that may be empty.
func (c *call) noContent(key string, list []object, info object) error {
	if len(list) == 0 {
		return c.empty(http.StatusNoContent)
	}
	body := object{key: list}
	if info != nil {
		body["info"] = info
	}
	return c.answer(http.StatusOK, body)
}

var errTooLarge = problem{status: 413, code: "LIMIT_EXCEEDED", message: "the request is too large", details: object{"limit": maxBody}}

// read reads the body as one JSON value, whatever the Content-Type says.
func (c *call) read(into any) error {
	text, err := io.ReadAll(c.r.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if err != nil {
		return problem{status: 400, code: "INVALID_REQUEST", message: "the request broke off"}
	}
	if err := wellFormed(text); err != nil {
		return err
	}
	err = json.Unmarshal(text, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		name := wrong.Field
		if name == "" {
			return problem{status: 400, code: "INVALID_DATA", message: "body",
				details: object{"expected_data_type": "jsonobject", "json_path": "$"}}
		}
		want := "jsonarray"
		if wrong.Type.Kind().String() != "slice" {
			want = wrong.Type.Kind().String()
		}
		return problem{status: 400, code: "INVALID_DATA", message: "invalid data",
			details: object{"api_name": name, "expected_data_type": want, "json_path": "$." + name}}
	}
	if err != nil {
		return errMalformed
	}
	return nil
}
