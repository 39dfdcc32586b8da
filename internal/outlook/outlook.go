// Package outlook knows what calendars, events, contacts and their folders at Microsoft 365 mean to us. It translates
// Graph's words into records told in Microsoft's own field names ("givenName", "emailAddresses[0]", "start") and back;
// which CRM field each of them meets is left to package mapping, manners on the wire to package graph.
//
// Contacts and Events are sides of a link, Containers makes and removes what they live in, Hook hears of changes.
package outlook

import (
	"fmt"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// Our marks on items and containers are extended properties, because those can be searched for (reference §3.7). Names
// and GUID are in people's mailboxes and must stay the same for ever.
const (
	space      = "{6f2b8d0e-94c1-4a37-b5e2-0d7c51a9e834}"
	itemMark   = "String " + space + " Name TandemToken"
	writeMark  = "String " + space + " Name TandemWrite" // see stamps.go
	linkMark   = "String " + space + " Name TandemLink"
	extended   = "singleValueExtendedProperties"
	expandItem = extended + "($filter=id eq '" + itemMark + "' or id eq '" + writeMark + "')"
	// events also carry what we remember of those whom we invited
	expandEvent = extended + "($filter=id eq '" + itemMark + "' or id eq '" + writeMark + "' or id eq '" + peopleMark + "')"
	expandLink  = extended + "($filter=id eq '" + linkMark + "')"
	folderPage  = "100"
)

// marked adds our mark to the body of something that is created.
func marked(o *graph.Object, mark, value string) {
	o.Objects(extended, []graph.Object{property(mark, value)})
}

func property(mark, value string) (p graph.Object) {
	p.String("id", mark)
	p.String("value", value)
	return p
}

// markOf finds our mark among the extended properties of an answer. Graph may change the case of the GUID.
func markOf(all []graph.ExtendedProperty, mark string) string {
	for _, p := range all {
		if strings.EqualFold(p.ID, mark) {
			return p.Value
		}
	}
	return ""
}

// Options says which container a side looks at, and how.
type Options struct {
	Container record.Ref
	// Mark is what the container was marked with (see Mark). If the container's id is gone from the mailbox but a
	// container with this mark is there, the side goes on with that one.
	Mark string
	Now  func() time.Time
	// Participants is the word for them in the person's language, as bodies of events have it.
	Participants string
	// Meetings says that the calendar was there before the link, with the person's meetings in it: none of them is ever
	// written to. Colleague tells by an organizer's address whether a meeting that the person was invited to is a colleague's.
	Meetings  bool
	Colleague func(address string) bool
}

// tidy makes a value fit for Graph: line ends are \n, and control characters, which Exchange refuses, are left out.
func tidy(v record.Value) string {
	s := string(v)
	if strings.IndexFunc(s, untidy) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case untidy(r):
			return -1
		}
		return r
	}, s)
}

func untidy(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r == 0x7f || r == 0xfffe || r == 0xffff
}

// plain is a value as Graph gives it, with the line ends of a canonical value.
func plain(s string) record.Value {
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	}
	return record.Value(s)
}

// unknownField is the fault of a write that names what Graph does not have.
func unknownField(name record.Field) error {
	return fault.Wrong(fault.UnknownField, string(name), "outlook: there is no field %q", name)
}

// linkWide reports whether the fault of one item stops the whole link. A refusal of permission does unless others got
// through.
func linkWide(err error, othersPassed bool) bool {
	switch fault.KindOf(err) {
	case fault.Throttled:
		return err != nil
	case fault.Denied:
		return fault.ReasonOf(err) != fault.ConsentRequired || !othersPassed
	}
	return false
}

// unreadable is the fault of an answer to a write that says less than it should: the write may have happened.
func unreadable(cause error) error {
	return fault.New(fault.Unavailable, fault.OutcomeUnknown, "outlook: an answer that cannot be read: %w", cause)
}

var errMoved = fault.New(fault.Conflict, "", "outlook: the item is no longer at the version planned on")

// cursorError is the fault of a cursor that is not ours or too old for this program.
func cursorError(err error) error {
	return fault.New(fault.Gone, fault.CursorExpired, "outlook: a cursor that cannot be read: %w", err)
}

var errNoCursor = fmt.Errorf("of another version")

func filterByMark(token string) string {
	return extended + "/Any(ep: ep/id eq '" + itemMark + "' and ep/value eq " + graph.Quote(token) + ")"
}
