package m365sim

import "time"

// Warts are behaviours of Microsoft 365 on which sources differ or are silent. The zero value is what the fact
// sheet takes for likely; a client has to live with either.
type Warts struct {
	// DuplicateTransactionStatus answers a repeated transactionId; 400 when 0, some programs expect 409 (§3.6).
	DuplicateTransactionStatus int `json:"duplicateTransactionStatus"`
	// ForgetTransactions lets a repeated transactionId make another event: how long one is remembered is not documented (§3.6).
	ForgetTransactions bool `json:"forgetTransactions"`
	// NoExistingEventID leaves the annotation @event.existingEventId out of that answer (§3.6).
	NoExistingEventID bool `json:"noExistingEventId"`
	// IgnoreContactIfMatch lets a contact be changed whatever If-Match says (§3.8).
	IgnoreContactIfMatch bool `json:"ignoreContactIfMatch"`
	// IgnoreEventIfMatch lets an event be changed whatever If-Match says (§3.8).
	IgnoreEventIfMatch bool `json:"ignoreEventIfMatch"`
	// DuplicateNameStatus answers the making of a second calendar or folder of one name; 409 when 0 (§2, §7).
	DuplicateNameStatus int `json:"duplicateNameStatus"`
	// DeletedNamesCollide counts the names of deleted calendars and folders as taken (§2).
	DeletedNamesCollide bool `json:"deletedNamesCollide"`
	// DeletedCalendarAnswers is for how long a deleted calendar still answers by its id; the list never shows it (§2).
	DeletedCalendarAnswers time.Duration `json:"deletedCalendarAnswers"`
	// DeletedFolderAnswers is the same of a contact folder, which nothing is documented of (§7).
	DeletedFolderAnswers time.Duration `json:"deletedFolderAnswers"`
	// RejectOverConcurrency answers a fifth request at once with 429 instead of letting it wait (§5).
	RejectOverConcurrency bool `json:"rejectOverConcurrency"`
	// ConcurrencyOverApp counts the four requests over all mailboxes together, as the newer text has it (§5).
	ConcurrencyOverApp bool `json:"concurrencyOverApp"`
	// RequestLimit is how many requests an app may send to a mailbox in ten minutes; 10,000 in earnest, no limit
	// when 0 (§5).
	RequestLimit int `json:"requestLimit"`
	// EmptyPages makes the first page of a list or a delta round an empty one that has a nextLink (§1).
	EmptyPages bool `json:"emptyPages"`
	// MaxPage is the most items that a page has, whatever was asked for; no limit of its own when 0 (§1).
	MaxPage int `json:"maxPage"`
	// Replays makes a delta round begin with the last item of the round before (§4).
	Replays bool `json:"replays"`
	// DeltaLag is by how much a round of the delta of contacts lags behind: it does not tell of what changed later (§4).
	DeltaLag time.Duration `json:"deltaLag"`
	// LinkExtras adds a parameter to links that nobody asked for (FIELD-FAILURES 90).
	LinkExtras bool `json:"linkExtras"`
	// AllDayKeepsMidnight shows whole days from midnight in whatever zone was asked for, instead of shifting (§3.3).
	AllDayKeepsMidnight bool `json:"allDayKeepsMidnight"`
	// ExceptionsLeaveMaster lets the version and the time of a series stand when one of its occurrences is changed or
	// deleted; each occurrence has its own version then. Nothing is documented of it (§3.8).
	ExceptionsLeaveMaster bool `json:"exceptionsLeaveMaster"`
	// ExceptionsShareVersion gives all exceptions of a series the version of their master, as occurrences have it.
	ExceptionsShareVersion bool `json:"exceptionsShareVersion"`
	// KeepExceptions lets changed and deleted occurrences outlive other times of their series, as far as their days are
	// still among its own (§3.5).
	KeepExceptions bool `json:"keepExceptions"`
	// ExceptionsHideOrigin leaves originalStart out of exceptions in lists (§3.2).
	ExceptionsHideOrigin bool `json:"exceptionsHideOrigin"`
	// BareRecurrence leaves out of a series what its pattern and range do not use, instead of filling it (§3.5).
	BareRecurrence bool `json:"bareRecurrence"`
	// CopiesLoseMark gives the copies that people make no extended properties (§3.7).
	CopiesLoseMark bool `json:"copiesLoseMark"`
	// RefuseLongContact answers 400 to a text over 255 characters in a contact other than its notes, instead of keeping it (§7).
	RefuseLongContact bool `json:"refuseLongContact"`
	// BirthdayAtMidnight shows birthdays at midnight instead of 11:59Z (§7).
	BirthdayAtMidnight bool `json:"birthdayAtMidnight"`
	// RefuseLongSubject answers 400 to a subject over 255 characters instead of cutting it (§3.2).
	RefuseLongSubject bool `json:"refuseLongSubject"`
	// RecodePhotos makes photos what Exchange makes of them: encoded anew, and no larger than it keeps them (§7).
	RecodePhotos bool `json:"recodePhotos"`
	// PhotoIsChange gives a contact another version with another photo, so that delta tells of it (§7).
	PhotoIsChange bool `json:"photoIsChange"`
	// SearchLag is for how long after it was made an item is not found by a filter on extended properties (§7).
	SearchLag time.Duration `json:"searchLag"`
	// RefuseCalendarSubscriptions takes no subscriptions to single calendars, which are not documented (§6).
	RefuseCalendarSubscriptions bool `json:"refuseCalendarSubscriptions"`
	// MaxSubscription is the longest life of a subscription; 10,080 minutes when 0, older texts say 4,230 (§6).
	MaxSubscription time.Duration `json:"maxSubscription"`
}

// searchable are the extended properties by which a filter finds an item.
func (box *mailbox) searchable(it *item) []extended {
	if lag := box.sim.warts.Load().SearchLag; lag > 0 && box.sim.now().Sub(it.created) < lag {
		return nil
	}
	return it.extended
}

func (w *Warts) maxSubscription() time.Duration {
	if w.MaxSubscription > 0 {
		return w.MaxSubscription
	}
	return 10080 * time.Minute
}

// SetWarts changes them while the simulator runs.
func (s *Sim) SetWarts(w Warts) { s.warts.Store(&w) }

// Warts returns those in force.
func (s *Sim) Warts() Warts { return *s.warts.Load() }
