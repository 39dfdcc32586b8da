package web

import (
	"net/http"
	"strconv"

	"tandem/internal/fault"
)

// errorPage says what went wrong and what can be done.
type errorPage struct {
	Frame     frame
	Status    int
	Heading   string
	Text      string
	Reference string // of Broken: finds the line in the log
	Action    string // where to go on; "" is home
	Label     string // of Action
}

// kindWords are the keys of the message that each kind of fault is told by.
var kindWords = map[fault.Kind]string{
	fault.Broken:      "broken",
	fault.Invalid:     "invalid",
	fault.NotFound:    "not_found",
	fault.Gone:        "not_found",
	fault.Denied:      "denied",
	fault.Conflict:    "conflict",
	fault.Throttled:   "unavailable",
	fault.Unavailable: "unavailable",
}

// fail answers with the page for an error that no handler had a better answer to.
func (s *Site) fail(v *visit, err error) {
	kind := fault.KindOf(err)
	status := kind.Status()
	if kind == fault.Gone {
		status = http.StatusNotFound
	}
	word := kindWords[kind]
	page := errorPage{
		Frame:   s.frame(v, "", v.words.T("error."+word+".title")),
		Status:  status,
		Heading: v.words.T("error." + word + ".title"),
		Text:    v.words.T("error." + word + ".text"),
	}
	if reason := fault.ReasonOf(err); reason == fault.NotAllowed || reason == fault.SyncWithheld {
		key := "reason." + string(reason)
		page.Text = v.words.T(key+".what") + " " + v.words.T(key+".do")
	}
	if text, status, ok := v.refused(err); ok {
		page.Text = text
		if status == http.StatusTooManyRequests {
			page.Status, page.Heading = status, v.words.T("own.too_often")
			page.Frame.Title = page.Heading
		}
	}
	switch kind {
	case fault.Broken:
		page.Reference = reference()
		s.Logger.Error("web: a page broke", "reference", page.Reference, "path", v.r.Pattern, "org", v.user.Org, "err", err)
	case fault.Denied:
		s.Logger.Warn("web: not permitted", "path", v.r.Pattern, "org", v.user.Org, "user", v.user.ID, "err", err)
	case fault.Throttled, fault.Unavailable:
		wait := fault.RetryAfter(err)
		v.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(wait.Seconds()))))
		s.Logger.Warn("web: a page has to wait", "path", v.r.Pattern, "err", err)
	}
	s.show(v, page)
}

// show renders an error page; where even that fails, plain words must do.
func (s *Site) show(v *visit, page errorPage) {
	if page.Action == "" {
		page.Action, page.Label = "/", v.words.T("error.home")
	}
	if err := s.write(v, page.Status, "error", "layout", page); err != nil {
		s.Logger.Error("web: the error page broke", "err", err)
		http.Error(v.w, page.Heading, page.Status)
	}
}

// refuse answers requests that no route takes: an unknown page, or one that does not take this method.
func (s *Site) refuse(v *visit, status int, allow string) {
	word := "not_found"
	if status == http.StatusMethodNotAllowed {
		word = "method"
		v.w.Header().Set("Allow", allow)
	}
	s.show(v, errorPage{
		Frame:   s.frame(v, "", v.words.T("error."+word+".title")),
		Status:  status,
		Heading: v.words.T("error." + word + ".title"),
		Text:    v.words.T("error." + word + ".text"),
	})
}

// fieldErrors are the sentences that stand by fields, by form name; "" is for the form as a whole.
type fieldErrors map[string]string

// fieldWords turns an Invalid error about fields into sentences by the field. ok is false for any other error.
func (v *visit) fieldWords(err error) (fieldErrors, bool) {
	if !fault.Is(err, fault.Invalid) {
		return nil, false
	}
	out := fieldErrors{}
	for _, f := range faults(err) {
		if f.Kind == fault.Invalid && out[f.Field] == "" {
			out[f.Field] = v.words.T(reasonKey("field_error", f.Reason, fieldReasons))
		}
	}
	return out, len(out) > 0
}

// faults lists every fault in an error, which may be several joined.
func faults(err error) []*fault.Fault {
	switch e := err.(type) {
	case *fault.Fault:
		return []*fault.Fault{e}
	case interface{ Unwrap() []error }:
		var out []*fault.Fault
		for _, one := range e.Unwrap() {
			out = append(out, faults(one)...)
		}
		return out
	case interface{ Unwrap() error }:
		return faults(e.Unwrap())
	}
	return nil
}

// fieldReasons are the reasons that have a sentence of their own by a field.
var fieldReasons = []fault.Reason{
	fault.Mandatory, fault.TooLong, fault.BadValue, fault.NotExpressible, fault.Duplicate, fault.ReadOnlyField, fault.UnknownField,
	fault.NotOrganizer,
}

// reasonKey is the message of a reason, or the general one where a reason has none of its own.
func reasonKey(prefix string, reason fault.Reason, known []fault.Reason) string {
	for _, r := range known {
		if r == reason {
			return prefix + "." + string(r)
		}
	}
	return prefix + ".general"
}
