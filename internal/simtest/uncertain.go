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
		{"§3.2", "a long subject is refused instead of cut", "RefuseLongSubject", m365sim.Warts{RefuseLongSubject: true}, ""},
		{"§3.2", "exceptions in lists do not tell their original start", "ExceptionsHideOrigin", m365sim.Warts{ExceptionsHideOrigin: true}, ""},
		{"§3.3", "whole days are shown from midnight in any zone", "AllDayKeepsMidnight", m365sim.Warts{AllDayKeepsMidnight: true}, ""},
		{"§3.5", "exceptions outlive other times of their series", "KeepExceptions", m365sim.Warts{KeepExceptions: true}, ""},
		{"§3.6", "a repeated transactionId is answered 409", "DuplicateTransactionStatus", m365sim.Warts{DuplicateTransactionStatus: 409}, ""},
		{"§3.6", "that answer does not name the event", "NoExistingEventID", m365sim.Warts{NoExistingEventID: true}, ""},
		{"§3.8", "contacts are changed whatever If-Match says", "IgnoreContactIfMatch", m365sim.Warts{IgnoreContactIfMatch: true}, ""},
		{"§3.8", "changing an occurrence leaves its master's version", "ExceptionsLeaveMaster", m365sim.Warts{ExceptionsLeaveMaster: true}, ""},
		{"§3.8", "exceptions have the version of their master", "ExceptionsShareVersion", m365sim.Warts{ExceptionsShareVersion: true}, ""},
		{"§4", "a round tells the last item of the round before again", "Replays", m365sim.Warts{Replays: true}, ""},
		{"§4", "a round lags behind what was written", "DeltaLag", m365sim.Warts{DeltaLag: 45 * time.Second}, ""},
		{"§4", "links have parameters that nobody asked for", "LinkExtras", m365sim.Warts{LinkExtras: true}, ""},
		{"§5", "a fifth request at once is refused instead of waiting", "RejectOverConcurrency", m365sim.Warts{RejectOverConcurrency: true}, ""},
		{"§5", "the four requests at once are counted over all mailboxes", "ConcurrencyOverApp", m365sim.Warts{ConcurrencyOverApp: true}, ""},
		{"§5", "the quota of requests is used up soon", "RequestLimit", m365sim.Warts{RequestLimit: 40}, ""},
		{"§6", "subscriptions live for three days only", "MaxSubscription", m365sim.Warts{MaxSubscription: 4230 * time.Minute}, ""},
		{"§7", "what was just made is not found by its mark for some seconds", "SearchLag", m365sim.Warts{SearchLag: 8 * time.Second}, ""},
		{"§7", "photos are encoded anew", "RecodePhotos", m365sim.Warts{RecodePhotos: true}, "TestPhotosCrossBothWays"},
		{"§7", "another photo is a change of its contact", "PhotoIsChange", m365sim.Warts{PhotoIsChange: true}, "TestPhotosCrossBothWays"},
	}
}

// Under is the scenario where Microsoft 365 behaves in another way, until all is calm.
func (s Scenario) Under(u Uncertainty) Scenario {
	s.Name += ", and " + u.Other
	s.warts = u.Warts
	return s
}
