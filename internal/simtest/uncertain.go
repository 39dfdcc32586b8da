package simtest

import (
	"time"

	"tandem/internal/m365sim"
)

// An Uncertainty is a behaviour of Microsoft 365 on which the fact sheet is unsure: the simulator has a switch for the other way.
type Uncertainty struct {
	Section string // of the fact sheet
	Other   string // what may be so instead of what the fact sheet takes for likely
	Wart    string // the switch: a field of m365sim.Warts
	Warts   m365sim.Warts
	// Test is where the client is seen to live with either; "": the scenarios of the table's own test, which stories of contacts and events
	// go through under each switch.
	Test string
}

// Uncertainties are all that the client could notice.
func Uncertainties() []Uncertainty {
	return []Uncertainty{
		{"§1", "the first page of a list or a round is empty and leads on", "EmptyPages", m365sim.Warts{EmptyPages: true}, ""},
		{"§1", "pages are smaller than asked for", "MaxPage", m365sim.Warts{MaxPage: 1}, ""},
		{"§2", "a deleted calendar goes on answering by its id", "DeletedCalendarAnswers", m365sim.Warts{DeletedCalendarAnswers: time.Hour}, "TestContainerDeleted"},
		{"§2", "a second calendar or folder of a name is answered 400", "DuplicateNameStatus", m365sim.Warts{DuplicateNameStatus: 400}, ""},
		{"§2", "the names of deleted calendars and folders are taken", "DeletedNamesCollide", m365sim.Warts{DeletedNamesCollide: true}, ""},
		{"§3.2", "a long subject is refused instead of cut", "RefuseLongSubject", m365sim.Warts{RefuseLongSubject: true}, ""},
		{"§3.2", "exceptions in lists do not tell their original start", "ExceptionsHideOrigin", m365sim.Warts{ExceptionsHideOrigin: true}, ""},
		{"§3.3", "whole days are shown from midnight in any zone", "AllDayKeepsMidnight", m365sim.Warts{AllDayKeepsMidnight: true}, ""},
		{"§3.5", "exceptions outlive other times of their series", "KeepExceptions", m365sim.Warts{KeepExceptions: true}, ""},
		{"§3.5", "what a pattern does not use is left out", "BareRecurrence", m365sim.Warts{BareRecurrence: true}, ""},
		{"§3.6", "a repeated transactionId is answered 409", "DuplicateTransactionStatus", m365sim.Warts{DuplicateTransactionStatus: 409}, ""},
		{"§3.6", "that answer does not name the event", "NoExistingEventID", m365sim.Warts{NoExistingEventID: true}, ""},
		{"§3.6", "a repeated transactionId makes another event", "ForgetTransactions", m365sim.Warts{ForgetTransactions: true}, ""},
		{"§3.7", "copies have no mark", "CopiesLoseMark", m365sim.Warts{CopiesLoseMark: true}, ""},
		{"§3.8", "events are changed whatever If-Match says", "IgnoreEventIfMatch", m365sim.Warts{IgnoreEventIfMatch: true}, "TestConformance_AnEditThatIfMatchLetsPassIsLookedAt"},
		{"§3.8", "contacts are changed whatever If-Match says", "IgnoreContactIfMatch", m365sim.Warts{IgnoreContactIfMatch: true}, "TestConformance_AnEditThatIfMatchLetsPassIsLookedAt"},
		{"§3.8", "changing an occurrence leaves its master's version", "ExceptionsLeaveMaster", m365sim.Warts{ExceptionsLeaveMaster: true}, ""},
		{"§3.8", "exceptions have the version of their master", "ExceptionsShareVersion", m365sim.Warts{ExceptionsShareVersion: true}, ""},
		{"§4", "a round tells the last item of the round before again", "Replays", m365sim.Warts{Replays: true}, ""},
		{"§4", "a round lags behind what was written", "DeltaLag", m365sim.Warts{DeltaLag: 45 * time.Second}, ""},
		{"§4", "links have parameters that nobody asked for", "LinkExtras", m365sim.Warts{LinkExtras: true}, ""},
		{"§5", "a fifth request at once is refused instead of waiting", "RejectOverConcurrency", m365sim.Warts{RejectOverConcurrency: true}, ""},
		{"§5", "the four requests at once are counted over all mailboxes", "ConcurrencyOverApp", m365sim.Warts{ConcurrencyOverApp: true}, ""},
		{"§5", "the quota of requests is used up soon", "RequestLimit", m365sim.Warts{RequestLimit: 40}, ""},
		{"§6", "subscriptions live for three days only", "MaxSubscription", m365sim.Warts{MaxSubscription: 4230 * time.Minute}, ""},
		{"§6", "single calendars cannot be subscribed to", "RefuseCalendarSubscriptions", m365sim.Warts{RefuseCalendarSubscriptions: true}, ""},
		{"§7", "a deleted folder goes on answering by its id", "DeletedFolderAnswers", m365sim.Warts{DeletedFolderAnswers: time.Hour}, ""},
		{"§7", "birthdays are shown at midnight", "BirthdayAtMidnight", m365sim.Warts{BirthdayAtMidnight: true}, ""},
		{"§7", "long texts of contacts are refused instead of kept", "RefuseLongContact", m365sim.Warts{RefuseLongContact: true}, ""},
		{"§7", "what was just made is not found by its mark for some seconds", "SearchLag", m365sim.Warts{SearchLag: 8 * time.Second}, ""},
		{"§7", "photos are encoded anew", "RecodePhotos", m365sim.Warts{RecodePhotos: true}, "TestPhotosCrossBothWays"},
		{"§7", "another photo is a change of its contact", "PhotoIsChange", m365sim.Warts{PhotoIsChange: true}, "TestPhotosCrossBothWays"},
	}
}

// Stories are the scenarios that show the difference, besides those that all go through.
func (u Uncertainty) Stories() []string {
	switch u.Wart {
	case "CopiesLoseMark":
		return []string{"an item is copied while an answer is lost"}
	case "DuplicateNameStatus", "DeletedNamesCollide", "DeletedCalendarAnswers", "DeletedFolderAnswers":
		return []string{"it is switched off and on again", "it is switched off while an answer is lost"}
	case "ForgetTransactions":
		return []string{"504 in a batch after an edit was applied", "a batch answers all but a deletion", "notifications come twice"}
	case "IgnoreContactIfMatch":
		return []string{"the item is edited right before it is edited"}
	}
	return nil
}

// Under is the scenario where Microsoft 365 behaves in another way, until all is calm.
func (s Scenario) Under(u Uncertainty) Scenario {
	s.Name += ", and " + u.Other
	s.warts = u.Warts
	return s
}
