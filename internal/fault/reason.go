package fault

// A Reason is a code from the catalogue of everything that can keep a record or a link from being in step. Pages, the
// API and the history show it with words of their own (what is wrong, what to do).
type Reason string

// Reasons of one record.
const (
	NotOwn          Reason = "not_own"           // the record belongs to somebody else
	Imported        Reason = "imported"          // it came by import or migration and no mass update has touched it
	BeyondFirstSync Reason = "beyond_first_sync" // the first sync had its full number without it
	MovedOut        Reason = "moved_out"         // the person moved the item out of the dedicated folder or calendar
	NotExpressible  Reason = "not_expressible"   // the other side has no form for a value, such as a rule for repeating
	OccurrenceGone  Reason = "occurrence_gone"   // Outlook deleted an occurrence of a series, and nothing brings that back there
	TooLong         Reason = "too_long"          // a value is longer than the other side takes
	BadValue        Reason = "bad_value"         // a value breaks the form of its field
	Mandatory       Reason = "mandatory"         // a mandatory field is empty
	ReadOnlyField   Reason = "read_only_field"   // nobody may write this field
	UnknownField    Reason = "unknown_field"     // there is no such field
	Duplicate       Reason = "duplicate"         // a value that must be unique is taken
	Refused         Reason = "refused"           // the other side refuses the record and says why
	ChangesTooFast  Reason = "changes_too_fast"  // the record changed on every try to write it
	OutcomeUnknown  Reason = "outcome_unknown"   // it is not known yet whether a write arrived
	HeldDelete      Reason = "held_delete"       // deleting it waits for a person's yes
	Ambiguous       Reason = "ambiguous"         // it may be one of several records; a person must say
	LeftOut         Reason = "left_out"          // a person said that it is to stay in Outlook alone
	OneWay          Reason = "one_way"           // it is on the side that the link brings nothing from
	OwnCalendar     Reason = "own_calendar"      // it stayed in a calendar of the person's own when the sync of that ended, and nobody has changed it since
	BeforeSync      Reason = "before_sync"       // it was over when the sync of the person's own calendar began, and nobody has changed it since
	ColleaguesEvent Reason = "colleagues_event"  // it is a copy of a meeting that a colleague organizes
	NotOrganizer    Reason = "not_organizer"     // the meeting is somebody else's, who alone changes it
	WouldMail       Reason = "would_mail"        // writing it would send mail to people
	NotAllowed      Reason = "not_allowed"       // the person's profile does not allow it
	PhotoStays      Reason = "photo_stays"       // Graph cannot take a photo off a contact: it was removed in the CRM only
)

// Reasons of a whole link.
const (
	ReconnectNeeded    Reason = "reconnect_needed"    // Microsoft no longer takes the stored grant
	ConsentRequired    Reason = "consent_required"    // the permission was never given, or was withdrawn
	MailboxUnavailable Reason = "mailbox_unavailable" // no Exchange Online licence, on premises, or disabled
	MailboxFull        Reason = "mailbox_full"
	ContainerDeleted   Reason = "container_deleted" // the dedicated calendar or folder is gone from the account
	CursorExpired      Reason = "cursor_expired"    // the delta token is no longer known; start afresh
	AppMisconfigured   Reason = "app_misconfigured" // invalid_client: the operator's problem, not the user's
	CannotUnseal       Reason = "cannot_unseal"     // a stored token cannot be decrypted: the secret key changed
	TooManyDeletes     Reason = "too_many_deletes"  // the brake: a person must say yes first
	TooManyCreates     Reason = "too_many_creates"  // far more was made within a day than there is reason for; a person must say yes first
	AccountDisabled    Reason = "account_disabled"
	SyncWithheld       Reason = "sync_withheld"   // an administrator has withheld this kind of sync from the person
	OtherMailbox       Reason = "other_mailbox"   // the account is another Microsoft person's by now
	CalendarUnfit      Reason = "calendar_unfit"  // the calendar that the person chose is gone, is not their own, or cannot be written to
	CalendarTaken      Reason = "calendar_taken"  // another sync of this mailbox lives in the calendar that the person chose
	StaleLease         Reason = "stale_lease"     // another worker has taken the link over
	Interrupted        Reason = "interrupted"     // the link was paused or switched off during the run
	KeptInOutlook      Reason = "kept_in_outlook" // switched off, but the container stays: records in it never reached the CRM
	OwnKept            Reason = "own_kept"        // switched off, but the container stays with what the person made there
	StillRemoving      Reason = "still_removing"  // the container of the sync before is there, and a request that removes it may be on its way
	MicrosoftAway      Reason = "microsoft_away"  // the last run could not reach Microsoft, or was asked to wait
	Trouble            Reason = "trouble"         // the last run failed for another cause, which the log tells
)
