package m365sim

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A grant is what an access token stands for.
type grant struct {
	oid      string // of the person; empty with an app-only token
	tenantID string
	appID    string
	scopes   []string // short names, such as Calendars.ReadWrite
}

func (g *grant) has(scope string) bool { return slices.Contains(g.scopes, scope) }

// allScopes are the delegated permissions that some route here asks for.
var allScopes = []string{
	"openid", "profile", "email", "offline_access",
	"User.Read", "User.ReadBasic.All", "User.Read.All", "Directory.Read.All",
	"Calendars.ReadWrite", "Contacts.ReadWrite", "MailboxSettings.Read", "MailboxSettings.ReadWrite",
}

// A graphError is a refusal in Graph's envelope (fact sheet §1.1).
type graphError struct {
	status     int
	code       string
	message    string
	retryAfter int               // seconds; the header is left out when zero
	extra      map[string]string // annotations beside code and message, such as @event.existingEventId
}

func newGraphError(status int, code, message string) *graphError {
	return &graphError{status: status, code: code, message: message}
}

func (e *graphError) Error() string { return strconv.Itoa(e.status) + " " + e.code + ": " + e.message }

// appendTo appends the envelope as JSON.
func (e *graphError) appendTo(b []byte, at time.Time, requestID, clientRequestID string) []byte {
	b = append(b, `{"error":{"code":`...)
	b = appendString(b, e.code)
	b = append(b, `,"message":`...)
	b = appendString(b, e.message)
	for _, name := range sortedKeys(e.extra) {
		b = append(b, ',')
		b = appendString(b, name)
		b = append(b, ':')
		b = appendString(b, e.extra[name])
	}
	b = append(b, `,"innerError":{"date":"`...)
	b = at.AppendFormat(b, "2006-01-02T15:04:05")
	b = append(b, `","request-id":`...)
	b = appendString(b, requestID)
	b = append(b, `,"client-request-id":`...)
	b = appendString(b, clientRequestID)
	return append(b, `}}}`...)
}

// write sends the refusal as the whole answer.
func (e *graphError) write(s *Sim, w http.ResponseWriter, r *http.Request) {
	id := s.requestID()
	client := r.Header.Get("client-request-id")
	if client == "" {
		client = id
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("request-id", id)
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	w.WriteHeader(e.status)
	_, _ = w.Write(e.appendTo(nil, s.now(), id, client))
}
