package graph

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/internal/fault"
)

// An Error is Graph's refusal in its own words. It is what stands behind the faults of this package.
type Error struct {
	Status  int
	Code    string // the innermost one that says anything, as Graph spells it
	Message string
	// ExistingEvent is the event that an earlier request with the same transactionId made, if Graph names it.
	ExistingEvent string
	RequestID     string
}

func (e *Error) Error() string {
	text := strconv.Itoa(e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += ": " + clip(e.Message)
	}
	return text
}

// HasCode compares the code without letter case, as Graph's spelling varies.
func (e *Error) HasCode(code string) bool { return strings.EqualFold(e.Code, code) }

// clip bounds what strangers write into our logs and rows.
func clip(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// Codes on which somebody acts.
const (
	CodeDuplicateTransaction = "ErrorDuplicateTransactionId"
	CodeFolderExists         = "ErrorFolderExists"
	CodeCrossing             = "ErrorOccurrenceCrossingBoundary"
	codeConcurrentSave       = "ConcurrentItemSave"
	codeThrottled            = "ApplicationThrottled"
)

// refusals says what an answer of 400 and above means; the first row that fits counts. A code of "" fits all. The
// meanings are those of the fact sheet, §1.1.
var refusals = []struct {
	status int
	code   string
	kind   fault.Kind
	reason fault.Reason
}{
	{400, CodeDuplicateTransaction, fault.Conflict, fault.Duplicate},
	{409, CodeDuplicateTransaction, fault.Conflict, fault.Duplicate},
	{409, CodeFolderExists, fault.Conflict, fault.Duplicate},
	{400, CodeFolderExists, fault.Conflict, fault.Duplicate},
	{400, "SyncStateNotFound", fault.Gone, fault.CursorExpired},
	{400, "SyncStateInvalid", fault.Gone, fault.CursorExpired},
	{400, "resyncRequired", fault.Gone, fault.CursorExpired},
	{404, "SyncStateNotFound", fault.Gone, fault.CursorExpired},
	{410, "", fault.Gone, fault.CursorExpired},
	{401, "", fault.Denied, fault.ReconnectNeeded},
	{403, "ErrorQuotaExceeded", fault.Denied, fault.MailboxFull},
	{403, "ErrorAccountDisabled", fault.Denied, fault.AccountDisabled},
	{403, "", fault.Denied, fault.ConsentRequired},
	{404, "ErrorItemNotFound", fault.NotFound, ""},
	{404, "ErrorFolderNotFound", fault.NotFound, ""},
	{404, "itemNotFound", fault.NotFound, ""},
	{404, "MailboxNotEnabledForRESTAPI", fault.Denied, fault.MailboxUnavailable},
	{404, "MailboxNotSupportedForRESTAPI", fault.Denied, fault.MailboxUnavailable},
	{404, "ErrorNonExistentMailbox", fault.Denied, fault.MailboxUnavailable},
	{404, "ResourceNotFound", fault.Denied, fault.MailboxUnavailable},
	{404, "Request_ResourceNotFound", fault.Denied, fault.MailboxUnavailable},
	{404, "", fault.Unavailable, ""}, // proves nothing about the item
	{400, "ErrorItemNotFound", fault.NotFound, ""},
	{400, "ErrorQuotaExceeded", fault.Denied, fault.MailboxFull},
	{423, "", fault.Denied, fault.MailboxFull},
	{507, "ErrorMessageSizeExceeded", fault.Invalid, fault.TooLong},
	{507, "", fault.Denied, fault.MailboxFull},
	{413, "", fault.Invalid, fault.TooLong},
	{409, codeConcurrentSave, fault.Conflict, ""},
	{409, "", fault.Conflict, ""},
	{412, "", fault.Conflict, ""},
	{424, "", fault.Unavailable, ""},
	{408, "", fault.Unavailable, ""},
	{429, "", fault.Throttled, ""},
	{509, "", fault.Throttled, ""},
}

// refusal makes the fault of an answer of 400 and above.
func refusal(status int, retryAfter time.Duration, body []byte) error {
	e := readError(status, body)
	f := &fault.Fault{Kind: fault.Invalid, Reason: fault.Refused, Message: "graph: " + e.Error(), Err: e}
	if status >= 500 {
		f.Kind, f.Reason = fault.Unavailable, ""
	}
	for _, row := range refusals {
		if row.status == status && (row.code == "" || e.HasCode(row.code)) {
			f.Kind, f.Reason = row.kind, row.reason
			break
		}
	}
	if f.Kind == fault.Throttled || f.Kind == fault.Unavailable {
		f.RetryAfter = retryAfter
	}
	return f
}

type errorBody struct {
	Code          string     `json:"code"`
	Message       string     `json:"message"`
	ExistingEvent string     `json:"@event.existingEventId"`
	RequestID     string     `json:"request-id"`
	Inner         *errorBody `json:"innerError"` // "innererror" matches too: names are compared without letter case
}

func readError(status int, body []byte) *Error {
	var envelope struct {
		Error errorBody `json:"error"`
	}
	_ = json.Unmarshal(body, &envelope) // a page of HTML leaves it empty, and the status speaks for itself
	e := &Error{Status: status, Code: envelope.Error.Code, Message: envelope.Error.Message}
	for at, depth := &envelope.Error, 0; at != nil && depth < 8; at, depth = at.Inner, depth+1 {
		if at.Code != "" && (known(at.Code) || e.Code == "") {
			e.Code = at.Code
		}
		if at.ExistingEvent != "" {
			e.ExistingEvent = at.ExistingEvent
		}
		if at.RequestID != "" {
			e.RequestID = at.RequestID
		}
	}
	return e
}

func known(code string) bool {
	if strings.EqualFold(code, codeThrottled) {
		return true
	}
	for _, row := range refusals {
		if row.code != "" && strings.EqualFold(row.code, code) {
			return true
		}
	}
	return false
}

// lost is the fault of a request whose answer never came or says nothing. A write may have happened or not.
func lost(write bool, retryAfter time.Duration, cause error) error {
	f := &fault.Fault{Kind: fault.Unavailable, RetryAfter: retryAfter, Message: "graph: no usable answer: " + cause.Error(), Err: cause}
	if write {
		f.Reason = fault.OutcomeUnknown
	}
	return f
}

// retryAfterMost bounds what the header is believed: Graph asks for minutes, a wrong one must not silence a mailbox for good, and one
// of hours is kept to (I12).
const retryAfterMost = 24 * time.Hour

// retryAfter reads the header of that name: seconds or a date. 0: it is absent, or says nothing sensible.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(seconds > 0) { // NaN too
			return 0
		}
		return time.Duration(min(seconds, retryAfterMost.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), retryAfterMost)
	}
	return 0
}
