// Package fault names the kinds of error that Tandem tells apart, and what each means to a page, a job and a log line.
//
// An error gets its kind where it is first known, at the edge (the Graph client, the store, the rules of the CRM).
// Everything else only asks KindOf and ReasonOf; nobody matches on an error's text. The words for people belong to
// the pages: they look a Reason up in their catalogue.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what may be done about an error.
type Kind uint8

// The zero Kind is Broken, so that an error nobody classified is never taken for harmless.
const (
	Broken      Kind = iota // a defect or something unforeseen
	Invalid                 // the input is wrong; repeating it won't help
	NotFound                // there is no such thing, or not for this person
	Gone                    // it was there and has ended: a deleted item, an expired cursor
	Denied                  // not permitted, or a person must sign in again
	Conflict                // changed meanwhile; read again and plan again
	Throttled               // asked to wait; see RetryAfter
	Unavailable             // the neighbour or the database is away
)

func (k Kind) String() string { return kinds[k].name }

// Status is the HTTP status that a page or API answers with.
func (k Kind) Status() int { return kinds[k].status }

// Repeatable reports whether the same request may succeed later without anybody doing anything.
func (k Kind) Repeatable() bool { return kinds[k].repeatable }

var kinds = [...]struct {
	name       string
	status     int
	repeatable bool
}{
	Broken:      {"broken", 500, true},
	Invalid:     {"invalid", 422, false},
	NotFound:    {"not found", 404, false},
	Gone:        {"gone", 410, false},
	Denied:      {"denied", 403, false},
	Conflict:    {"conflict", 409, true},
	Throttled:   {"throttled", 503, true},
	Unavailable: {"unavailable", 503, true},
}

// A Fault is an error of a known kind.
type Fault struct {
	Kind       Kind
	Reason     Reason        // from the catalogue; "" when the kind says it all
	Field      string        // the field concerned, if one is
	RetryAfter time.Duration // of Throttled: how long to wait; 0 when unknown
	Message    string        // for logs and API answers, in English; tells the cause too
	Err        error         // the cause, if another error is behind it
}

func (f *Fault) Error() string {
	return f.Message
}

func (f *Fault) Unwrap() error { return f.Err }

// New makes an error of a kind, with a reason from the catalogue (or "") and a message for logs.
func New(kind Kind, reason Reason, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Fault{Kind: kind, Reason: reason, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Wrong makes an Invalid error that concerns one field.
func Wrong(reason Reason, field, format string, args ...any) error {
	return &Fault{Kind: Invalid, Reason: reason, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Wait makes a Throttled error; after is 0 when the neighbour did not say how long.
func Wait(after time.Duration, format string, args ...any) error {
	return &Fault{Kind: Throttled, RetryAfter: after, Message: fmt.Sprintf(format, args...)}
}

// Wrap adds the operation to a pending error; it is made for defer and does nothing when there is none.
func Wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf(format+": %w", append(args, *err)...)
	}
}

// As finds the Fault behind err, or nil.
func As(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// KindOf is the kind of err; Broken when nobody gave it one.
func KindOf(err error) Kind {
	if f := As(err); f != nil {
		return f.Kind
	}
	return Broken
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// ReasonOf is the catalogue reason of err, or "".
func ReasonOf(err error) Reason {
	if f := As(err); f != nil {
		return f.Reason
	}
	return ""
}

// RetryAfter is how long the neighbour asked to wait; 0 when it did not say.
func RetryAfter(err error) time.Duration {
	if f := As(err); f != nil {
		return f.RetryAfter
	}
	return 0
}
