package simtest

import (
	"fmt"
	"strings"
)

// A Mark is a statement of the fact sheet that it marks as general knowledge, as undocumented or as not verified.
type Mark struct {
	Section  string
	Says     string
	Switches []string // of the simulator for what else may be so; each has its row among Uncertainties
	Tests    []string // that see it lived with
	Why      string   // it concerns nothing that Tandem relies on
}

// Marks are all of the fact sheet. Where one has neither switch nor test, Why says what makes it indifferent.
func Marks() []Mark {
	return []Mark{
		{Section: "§1", Says: "pages hold up to 999 or 1,000 items, and links may lead to empty ones", Switches: []string{"EmptyPages", "MaxPage"}},
		{Section: "§1", Says: "innerError tells request-id", Why: "it is logged where it is there"},
		{Section: "§1", Says: "$filter and $orderby must name the same properties", Why: "Tandem sends no $orderby beside a $filter"},
		{Section: "§1.1", Says: "the names and letter case of codes, and which of 400 and 409 goes with them", Switches: []string{"DuplicateTransactionStatus", "DuplicateNameStatus"},
			Tests: []string{"TestRefusals"}, Why: "codes are compared without letter case; one that is not known counts by its status"},
		{Section: "§1.1", Says: "412 is met on a plain GET", Tests: []string{"TestC1C2_ScenariosAreSurvivedWhereverTheProcessDies"}},
		{Section: "§2", Says: "a second calendar or folder of a name is refused, without regard to letter case", Switches: []string{"DuplicateNameStatus"}, Tests: []string{"TestFF50_FoldersOfTheSameName"}},
		{Section: "§2", Says: "the name of a deleted calendar is free again", Switches: []string{"DeletedNamesCollide"}},
		{Section: "§2", Says: "a deleted calendar may answer by its id for a time; what its delta says then", Switches: []string{"DeletedCalendarAnswers"},
			Why: "a calendar that is not in the list is asked nothing but whether it is there"},
		{Section: "§2", Says: "me/calendars can be subscribed to", Why: "Tandem does not"},
		{Section: "§3.1", Says: "no switch keeps Exchange from mailing attendees", Tests: []string{"TestFF104_NoChangeMailsAnybody"}, Why: "a write that would mail is not sent without a person's word"},
		{Section: "§3.1", Says: "events/{id}/cancel; no operation moves an event between calendars", Why: "Tandem calls neither"},
		{Section: "§3.2", Says: "a subject has up to 255 characters", Switches: []string{"RefuseLongSubject"}},
		{Section: "§3.2", Says: "bodyPreview, locationType, uniqueId", Why: "Tandem reads and writes none of them"},
		{Section: "§3.2", Says: "PATCH replaces the whole list of attendees", Tests: []string{"TestFF105_WhoHasAcceptedStaysAccepted"}, Why: "the list is always sent whole"},
		{Section: "§3.2", Says: "a category of an unknown name is accepted", Why: "masterCategories are not read; one that is refused parks its record alone"},
		{Section: "§3.2", Says: "a reminder is on by default", Why: "Tandem sends both of its fields with every event that it makes"},
		{Section: "§3.2", Says: "recurrence null makes a series a single event", Why: "the answer to the write is read, and what it shows counts"},
		{Section: "§3.2", Says: "an online meeting cannot be taken back", Tests: []string{"TestFF96_OnlineMeeting"}, Why: "Tandem makes none, and leaves its part of a body alone"},
		{Section: "§3.2", Says: "unknown plain properties are refused", Why: "every request of all tests is held against Microsoft's description"},
		{Section: "§3.2", Says: "exceptions in lists may not tell originalStart", Switches: []string{"ExceptionsHideOrigin"}},
		{Section: "§3.3", Says: "the end of whole days is exclusive, and other than midnight is refused", Tests: []string{"TestFF38_WholeDays"}, Why: "Tandem sends midnight in one zone"},
		{Section: "§3.3", Says: "whole days read in another zone are off midnight", Switches: []string{"AllDayKeepsMidnight"}},
		{Section: "§3.4", Says: "unknown names of zones are refused", Tests: []string{"TestFF36_EveryZone"}, Why: "Tandem sends Windows' names from its own table"},
		{Section: "§3.5", Says: "what a pattern does not use is filled with 0, 0001-01-01 and sunday", Switches: []string{"BareRecurrence"}},
		{Section: "§3.5", Says: "an occurrence cannot be moved past its neighbours", Tests: []string{"TestFF24_NeighboursAreNotPassed"}, Why: "Tandem does not try"},
		{Section: "§3.5", Says: "other times of a series drop its exceptions", Switches: []string{"KeepExceptions"}},
		{Section: "§3.6", Says: "what a repeated transactionId answers, and whether it names the event", Switches: []string{"DuplicateTransactionStatus", "NoExistingEventID"}},
		{Section: "§3.6", Says: "how long a transactionId is remembered, by mailbox or by calendar, and beyond the event's deletion", Switches: []string{"ForgetTransactions"},
			Why: "a new event gets a new one, and one whose making was not answered is looked for before it is sent again"},
		{Section: "§3.6", Says: "transactionId cannot be filtered by", Why: "events are found by their mark"},
		{Section: "§3.7", Says: "open extensions: number, size, no filter by value", Why: "Tandem uses none"},
		{Section: "§3.7", Says: "a person's copy keeps the mark", Switches: []string{"CopiesLoseMark"}, Tests: []string{"TestFF122_CopyKeepsTheMark"}},
		{Section: "§3.8", Says: "If-Match on PATCH is no documented contract", Switches: []string{"IgnoreContactIfMatch", "IgnoreEventIfMatch"},
			Tests: []string{"TestConformance_AnEditThatIfMatchLetsPassIsLookedAt"},
			Why:   "unless it is honoured, an edit of the very field that sync writes, in the moment between its reading and its write, cannot be seen by anybody"},
		{Section: "§3.8", Says: "versions move by themselves, as with a dismissed reminder", Tests: []string{"TestFF62_AVersionThatMovesByItself"}},
		{Section: "§3.8", Says: "which versions an occurrence has, and whether its master's moves with it", Switches: []string{"ExceptionsLeaveMaster", "ExceptionsShareVersion"}},
		{Section: "§3.9", Says: "several preferences stand in one header or in several", Why: "Tandem sends one header, as RFC 7240 has it"},
		{Section: "§4", Says: "events/delta without a window answers", Why: "Tandem reads events by lists"},
		{Section: "§4", Says: "an item in a delta is whole", Tests: []string{"TestC1C2_ScenariosAreSurvivedWhereverTheProcessDies"}, Why: "the scenario \"a part of an item\" tells parts"},
		{Section: "§4", Says: "replays, order and lag of rounds", Switches: []string{"Replays", "DeltaLag"}, Tests: []string{"TestC1C2_ScenariosAreSurvivedWhereverTheProcessDies"}},
		{Section: "§4", Says: "links carry what nobody asked for", Switches: []string{"LinkExtras"}},
		{Section: "§5", Says: "four requests at once, of an app or of a mailbox, wait or are refused", Switches: []string{"RejectOverConcurrency", "ConcurrencyOverApp", "RequestLimit"}},
		{Section: "§5", Says: "If-Match and Prefer work in parts of batches", Switches: []string{"IgnoreContactIfMatch", "IgnoreEventIfMatch"}, Tests: []string{"TestFF120_AnItemByAnotherIDKeepsItsRecord"},
			Why: "an item that goes by another id is known by its mark"},
		{Section: "§6", Says: "single calendars can be subscribed to", Switches: []string{"RefuseCalendarSubscriptions"}, Why: "without notices, sync polls"},
		{Section: "§6", Says: "notices of folders that an app made are not dependable", Tests: []string{"TestC1C2_ScenariosAreSurvivedWhereverTheProcessDies"}, Why: "the scenario \"notifications are lost\""},
		{Section: "§6", Says: "a resource names people by their id", Why: "Tandem does"},
		{Section: "§6", Says: "what the refusal of an endpoint says", Why: "any refusal means polling"},
		{Section: "§6", Says: "the longest life of a subscription", Switches: []string{"MaxSubscription"}},
		{Section: "§7", Says: "a deleted folder is 404; what contactFolders/delta shows of it", Switches: []string{"DeletedFolderAnswers"}, Why: "contactFolders/delta is not read"},
		{Section: "§7", Says: "the well-known name of the default folder", Why: "Tandem does not read the default folder"},
		{Section: "§7", Says: "new Outlook shows an empty folder late", Why: "nothing depends on what people see"},
		{Section: "§7", Says: "primaryEmailAddress and its like", Why: "Tandem reads and writes emailAddresses"},
		{Section: "§7", Says: "two private telephones and three addresses of instant messages at most", Tests: []string{"TestFF110_ThreeAddressesAndTwoTelephonesOfAKind"}, Why: "Tandem never sends more"},
		{Section: "§7", Says: "birthdays are stored at 11:59Z", Switches: []string{"BirthdayAtMidnight"}, Tests: []string{"TestFF112_BirthdaysRoundTheWorld"}},
		{Section: "§7", Says: "notes are plain, and how long texts may be", Switches: []string{"RefuseLongContact"}, Tests: []string{"TestFF113_WhatDoesNotFitStaysWhereItIs"}},
		{Section: "§7", Says: "photos: what becomes of them, and whether they are a change", Switches: []string{"RecodePhotos", "PhotoIsChange"}},
		{Section: "§7", Says: "MAPI tags of fields that are not in the API", Why: "Tandem maps none of them"},
		{Section: "§7", Says: "an item is not found by its mark for some seconds", Switches: []string{"SearchLag"}},
		{Section: "§8", Says: "members of groups", Why: "Tandem reads no groups"},
		{Section: "§10", Says: "userinfo, loopback addresses, logout, template ids but that of the Global Administrator", Why: "Tandem calls and compares none of them"},
		{Section: "§10.2", Says: "access tokens live for 60 to 90 minutes", Why: "expires_in counts"},
		{Section: "§10.4", Says: "which AADSTS number goes with which error", Tests: []string{"TestFF6_AnExpiredClientSecretDisconnectsNobody"}, Why: "error decides; the number chooses words alone"},
		{Section: "§10.5", Says: "a key may name its issuer", Tests: []string{"TestIDTokensAreProved"}, Why: "each token's own issuer must be that of its tenant"},
		{Section: "§10.5", Says: "ID tokens tell roles (wids) only where that was switched on", Tests: []string{"TestS4_OnlyAdministratorsInstall"}, Why: "where they do not, the directory is asked"},
		{Section: "§10.6", Says: "a fresh consent takes a while to be known", Tests: []string{"TestD12_ARevokedGrantPausesOnlyItsOwner"}, Why: "a link that is refused says so, and goes on once it is not"},
		{Section: "§10.7", Says: "what User.Read tells of an organization and of one's roles", Tests: []string{"TestDescribe"}, Why: "what is not told is left empty, and nobody gets a role for it"},
		{Section: "§10.7", Says: "which permissions applications have", Why: "Tandem asks in people's names only"},
		{Section: "§11", Says: "national clouds", Why: "addresses are settings"},
		{Section: "§12", Says: "the tile, lengths in the manifest, hosts that frame", Tests: []string{"TestS1_OnlyMicrosoftsHostsMayFrameThePageForThem"}, Why: "outside the API; the package is held against Microsoft's schema"},
	}
}

// marksPart is the page's part of what the fact sheet is unsure about.
func marksPart() string {
	var b strings.Builder
	b.WriteString("\n## Where the fact sheet is unsure\n\nEach statement that it marks, the simulator's switch for the other behaviour, and the tests that see the client live with it. " +
		"Under each switch, `TestConformance_TheClientLivesWithEitherBehaviour` lives through stories of contacts and events, and of what the switch changes, also killed on their way.\n\n" +
		"| of | what is unsure | switch | test | |\n|---|---|---|---|---|\n")
	code := func(names []string) string {
		if len(names) == 0 {
			return ""
		}
		return "`" + strings.Join(names, "`, `") + "`"
	}
	for _, m := range Marks() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", m.Section, m.Says, code(m.Switches), code(m.Tests), m.Why)
	}
	return b.String()
}
