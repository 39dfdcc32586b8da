package m365sim

import (
	"net/http"
	"strings"

	"github.com/tidwall/gjson"
)

// A hand is an Actor that answers in gjson and refuses in errors.
type hand struct{ actor *Actor }

func (s *Sim) handOf(p *Person) hand { return hand{s.As(p.ID)} }

// A handError is a refusal of Graph, to be shown to a person.
type handError struct {
	status        int
	code, message string
}

func (e *handError) Error() string { return e.message }

func (h hand) get(path string) (gjson.Result, *handError) { return h.do(http.MethodGet, path, nil) }

func (h hand) post(path string, body any) (gjson.Result, *handError) {
	return h.do(http.MethodPost, path, body)
}

func (h hand) patch(path string, body any) (gjson.Result, *handError) {
	return h.do(http.MethodPatch, path, body)
}

func (h hand) delete(path string) *handError {
	_, err := h.do(http.MethodDelete, path, nil)
	return err
}

// each walks through all pages of a collection.
func (h hand) each(path string, visit func(gjson.Result)) *handError {
	for path != "" {
		answer, err := h.get(path)
		if err != nil {
			return err
		}
		for _, v := range answer.Get("value").Array() {
			visit(v)
		}
		_, path, _ = strings.Cut(answer.Get("@odata\\.nextLink").Str, "/v1.0")
	}
	return nil
}

func (h hand) do(method, path string, body any) (gjson.Result, *handError) {
	status, _, raw := h.actor.Raw(method, path, body)
	answer := gjson.ParseBytes(raw)
	if status >= http.StatusMultipleChoices {
		return answer, &handError{status, answer.Get("error.code").Str, answer.Get("error.message").Str}
	}
	return answer, nil
}
