package m365sim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Actor does things as a person would in Outlook: the same requests as an app's, in the same process, without a
// token, without limits, latency and faults, and uncounted.
type Actor struct {
	s      *Sim
	person *Person
	prefer string
}

// As returns the actor for a person; nil when there is nobody of that name.
func (s *Sim) As(upn string) *Actor {
	p := s.Person(upn)
	if p == nil {
		return nil
	}
	return &Actor{s: s, person: p}
}

// Prefer returns an actor whose requests carry a Prefer header.
func (a *Actor) Prefer(value string) *Actor {
	b := *a
	b.prefer = value
	return &b
}

// Get asks for a path below /v1.0, such as /me/events?$top=5. doc is the decoded answer, nil when it has no body.
func (a *Actor) Get(path string) (status int, doc map[string]any) { return a.Do("GET", path, nil) }

// Post sends a document: a string or []byte of JSON, or anything that marshals to it.
func (a *Actor) Post(path string, body any) (status int, doc map[string]any) {
	return a.Do("POST", path, body)
}

// Patch is like Post.
func (a *Actor) Patch(path string, body any) (status int, doc map[string]any) {
	return a.Do("PATCH", path, body)
}

// Delete takes something to Deleted Items.
func (a *Actor) Delete(path string) (status int, doc map[string]any) {
	return a.Do("DELETE", path, nil)
}

// Do runs one request as the person.
func (a *Actor) Do(method, path string, body any) (status int, doc map[string]any) {
	status, _, raw := a.Raw(method, path, body)
	if len(raw) > 0 {
		_ = json.Unmarshal(raw, &doc) // what is not JSON, such as a photo, has no document
	}
	return status, doc
}

// Raw runs one request as the person and returns the answer as it is.
func (a *Actor) Raw(method, path string, body any) (status int, contentType string, raw []byte) {
	c := getCall()
	defer putCall(c)
	c.s, c.ctx, c.byHand = a.s, context.Background(), true
	c.grant = &grant{oid: a.person.ID, tenantID: a.person.TenantID, appID: "outlook", scopes: allScopes}
	path = strings.TrimPrefix(strings.TrimPrefix(path, a.s.BaseURL()), "/v1.0")
	pathOnly, rawQuery, _ := strings.Cut(path, "?")
	c.method, c.path, c.query, c.base = method, pathOnly, parseQuery(rawQuery), a.s.BaseURL()
	kind := "application/json"
	switch v := body.(type) {
	case nil:
	case string:
		c.body = v
	case []byte:
		c.body = string(v)
		if len(v) > 0 && v[0] != '{' {
			kind = "image/jpeg"
		}
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			panic("m365sim: a body that is no JSON: " + err.Error())
		}
		c.body = string(encoded)
	}
	c.header = func(name string) string {
		switch strings.ToLower(name) {
		case "prefer":
			return a.prefer
		case "content-type":
			return kind
		case "consistencylevel":
			return "eventual"
		}
		return ""
	}
	c.run()
	return c.status, c.contentType, slices.Clone(c.out)
}

// A Mailbox does what Outlook can and Graph cannot.
type Mailbox struct {
	box   *mailbox
	actor *Actor
}

// Mailbox opens a person's mailbox; nil when they have none.
func (s *Sim) Mailbox(upn string) *Mailbox {
	a := s.As(upn)
	if a == nil {
		return nil
	}
	box := s.mailboxOf(a.person.ID)
	if box == nil {
		return nil
	}
	return &Mailbox{box, a}
}

var errNotThere = errors.New("m365sim: there is no such item")

// get returns an item of any folder, Deleted Items too. The caller holds the lock.
func (m *Mailbox) get(id string) (*item, error) {
	r, err := m.box.ids.read(id)
	if err != nil || r.kind != idItem || r.n == 0 || int(r.n) > len(m.box.items) || m.box.items[r.n-1] == nil {
		return nil, errNotThere
	}
	return m.box.items[r.n-1], nil
}

// MasterOf is the id of the series that the id of an occurrence belongs to, in the same id space; false: it is none of an occurrence.
func (m *Mailbox) MasterOf(id string) (master string, occurrence bool) {
	r, err := m.box.ids.read(id)
	if err != nil || r.kind != idOccurrence {
		return "", false
	}
	return m.box.ids.write(ref{kind: idItem, immutable: r.immutable, n: r.n}), true
}

// Move takes an item to another folder of its kind, as dragging it does. Its default id changes; the new one is
// returned. id may be an id that it had before.
func (m *Mailbox) Move(id, folderID string) (newID string, err error) {
	m.box.mu.Lock()
	it, err := m.get(id)
	if err != nil {
		m.box.mu.Unlock()
		return "", err
	}
	kind := contactFolder
	if it.event != nil {
		kind = calendarFolder
	}
	f, refused := m.box.folder(folderID, kind, false)
	if refused != nil {
		m.box.mu.Unlock()
		return "", refused
	}
	moved := m.box.move(it, f)
	m.box.mu.Unlock()
	m.box.announce(it, changeDeleted)
	m.box.announce(moved, changeCreated)
	return m.box.itemID(moved, false), nil
}

// Undelete brings an item back from Deleted Items into a folder of its kind.
func (m *Mailbox) Undelete(id, folderID string) (newID string, err error) {
	return m.Move(id, folderID)
}

// Copy makes a copy of an item beside it, as dragging with the control key does: the extended properties come
// along (FIELD-FAILURES 122).
func (m *Mailbox) Copy(id string) (newID string, err error) {
	m.box.mu.Lock()
	it, err := m.get(id)
	if err != nil {
		m.box.mu.Unlock()
		return "", err
	}
	copied := *it
	copied.place = 0
	if it.event != nil {
		part := *it.event
		part.uid = m.box.newUID()
		copied.event = &part
		copied.props = it.props.without(eventTransaction)
	}
	if m.actor.s.warts.Load().CopiesLoseMark {
		copied.extended = nil
	}
	m.box.insert(&copied, it.folder)
	m.box.mu.Unlock()
	m.box.announce(&copied, changeCreated)
	return m.box.itemID(&copied, false), nil
}

// Touch moves an item's version without changing its contents, as the service does when a reminder is dismissed
// (fact sheet §3.8).
func (m *Mailbox) Touch(id string) error {
	return m.change(id, func(*item) {})
}

func (m *Mailbox) change(id string, edit func(*item)) error {
	m.box.mu.Lock()
	old, err := m.get(id)
	if err != nil {
		m.box.mu.Unlock()
		return err
	}
	it := *old
	edit(&it)
	m.box.replace(&it)
	m.box.mu.Unlock()
	m.box.announce(&it, changeUpdated)
	return nil
}

// Respond records an attendee's answer on the organizer's event: accepted, declined, tentativelyAccepted.
func (m *Mailbox) Respond(id, attendee, response string) error {
	at := m.box.sim.now()
	return m.change(id, func(it *item) { it.respond(attendee, response, at) })
}

// RestoreFolder brings a deleted calendar or contact folder back, with what was in it.
func (m *Mailbox) RestoreFolder(id string) error {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	r, err := m.box.ids.read(id)
	if err != nil || r.kind != idFolder || r.n == 0 || int(r.n) > len(m.box.folders) {
		return errNotThere
	}
	f := m.box.folders[r.n-1]
	f.deleted = time.Time{}
	f.change, _ = m.box.next()
	m.box.changed()
	return nil
}

// Count is how many items a calendar or contact folder holds; -1 when there is no such folder. An empty id means the
// default calendar.
func (m *Mailbox) Count(folderID string) int {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	for _, kind := range []folderKind{calendarFolder, contactFolder} {
		if f, err := m.box.folder(folderID, kind, false); err == nil {
			return f.members.count
		}
	}
	return -1
}

// Watch returns a channel that ticks after every change in a person's mailbox; ticks that nobody took run
// together. Call cancel when done. Without a mailbox the channel stays silent.
func (s *Sim) Watch(upn string) (ticks <-chan struct{}, cancel func()) {
	if p := s.Person(upn); p != nil {
		if box := s.mailboxOf(p.ID); box != nil {
			return box.watch()
		}
	}
	return make(chan struct{}), func() {}
}

var _ http.Handler = (*Sim)(nil)
