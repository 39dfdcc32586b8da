package m365sim

import "net/http"

// Refusals that are the same wherever they are met: codes and texts as in fact sheet §1.1.
var (
	errItemNotFound    = newGraphError(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
	errMalformedID     = newGraphError(http.StatusBadRequest, "ErrorInvalidIdMalformed", "Id is malformed.")
	errAccessDenied    = newGraphError(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	errDisabledAccount = newGraphError(http.StatusUnauthorized, "InvalidAuthenticationToken", "The user account is disabled.")
	errNoMailbox       = newGraphError(http.StatusNotFound, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
	errFolderExists    = newGraphError(http.StatusConflict, "ErrorFolderExists", "A folder with the specified name already exists.")
	errStale           = newGraphError(http.StatusPreconditionFailed, "ErrorIrresolvableConflict",
		"The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.")
	errSyncState = newGraphError(http.StatusGone, "SyncStateNotFound", "The sync state generation is not found; full synchronization is required.")

	errMailboxConcurrency = &graphError{status: http.StatusTooManyRequests, code: "ApplicationThrottled",
		message: "Application is over its MailboxConcurrency limit.", retryAfter: 1}
	errServiceBusy = newGraphError(http.StatusServiceUnavailable, "ErrorServerBusy", "The server is too busy to process the request.")
)

func badRequest(code, message string) *graphError {
	return newGraphError(http.StatusBadRequest, code, message)
}

// invalidProperty refuses a value that a property cannot take.
func invalidProperty(name, why string) *graphError {
	return badRequest("ErrorPropertyValidationFailure", "At least one property failed validation. "+name+": "+why)
}
