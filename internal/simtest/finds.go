package simtest

// A Find is a defect of the engine that a world has shown, or that stood beside one.
type Find struct{ What, Test string }

// Finds are all of them, with the test that keeps each from coming back.
func Finds() []Find {
	return []Find{
		{"a write that the CRM's database refused was taken for done", "TestI1_WhatTheDatabaseRefusesIsNotTakenForDone"},
		{"a record that its new owner deleted was taken for deleted by the old one", "TestS17_ARecordThatSomebodyElseDeletedHasLeft"},
		{"what was typed right before a sync was switched off went with its folder", "TestS36_WhatTheChangesDoNotTellYetIsReadBeforeTheFolderGoes"},
		{"an item whose record was given away was made a record again when the pairs were lost", "TestL5_AnItemWhoseRecordWasGivenAwayFindsTheOneMadeFromItAfterThat"},
		{"so was the copy of such an item", "TestL5_ACopyOfAnItemWhoseRecordWasGivenAwayFindsItsOwn"},
		{"an item that was kept each time its record was given away got no record the second time", "TestL5_AnItemWhoseRecordsWereGivenAwayOneAfterTheOtherFindsTheLast"},
		{"an item whose create was not answered, and whose record was given away before anybody looked, stopped its link for good",
			"TestD9_TheItemOfALostCreateWhoseRecordWasGivenAwayIsKnown"},
		{"a folder with another id was read from its beginning in every run, and a link of the delta with its former id stopped its link for good",
			"TestFF121_ContainerWithAnotherID"},
		{"what was typed into an event whose create was not answered, in a field that the create left empty, never reached the CRM",
			"TestL1_WhatWasTypedIntoAnEventWhoseCreateWasNotAnsweredIsLookedAt"},
		{"an item that went by another id, as after a move in Outlook on the desktop, was a new record, and the old one with all that only the CRM had of it was deleted",
			"TestFF120_AnItemByAnotherIDKeepsItsRecord"},
		{"a record that was deleted while its sync was off, and the folder had stayed, came back when the sync was switched on", "TestI4_WhatWasDeletedWhileTheSyncWasOffStaysDeleted"},
		{"a sync that ended while the process died went on without its pairs, and met its own items as strangers", "TestC1_ALinkThatEndsForgetsAndEndsAtOnce"},
		{"what both had typed into one field stayed different until the audit if the changes lagged behind and the CRM's database then refused the write",
			"TestI6_WhatWasPlannedAnewAndRefusedIsNotAgreedOn"},
		{"a folder with another id was looked for by its mark in every run", "TestFF121_ALinkTakesOverTheNewIDOfItsContainer"},
		{"a contact whose create was not answered was made again if the first page of the search for it was empty", "TestI3_AnItemIsFoundOnALaterPage"},
		{"a copy took the record of its original, and overwrote it, when the original was moved out of the folder", "TestI1_ARecordWhoseItemWasMovedOut"},
		{"what sync had deleted and not noted counted as its person's deletion: what was given back, or taken out of the recycle bin, was deleted again",
			"TestI4_SyncsOwnUnsettledDeletionIsNobodys"},
		{"a record that somebody had tried again when he answered whose item it is was sent to Microsoft beside that item", "TestS29_WhatIsTriedAgainWithTheAnswer"},
		{"a record was held back for good if the question about it was answered while the run that asked went on", "TestS29_AnAnswerWhileTheRunGoesOn"},
		{"what a person left out, or took back, while a run went on that knew it as it was before, stayed as it was before", "TestS29_WhateverIsSaidAtWhicheverMoment"},
		{"a record that was found to be an item, also one that a person chose or Microsoft had refused, was sent to Microsoft beside it if the process died amid that and Microsoft told of the item late",
			"TestI3_WhatWasMatchedIsAPairBeforeItIsWritten"},
		{"an imported record that was found in Outlook, and edited at the moment at which it was let in, never took part", "TestS32_AnImportedContactIsLetInThoughItIsEditedAtThatMoment"},
		{"a no to deletions in Outlook brought the records back in the CRM of a sync that goes to Outlook only", "TestOneWay_ToOutlookANoWritesNothingInTheCRM"},
		{"a yes to deletions was also for those that a run added which was under way then, or which failed later", "TestI5_AYesIsForWhatWaitedWhenItWasGiven"},
		{"an imported record that was let in for the item that its person had chosen hid the other imported ones from their items, which were made records again, if the process died right then",
			"TestC1_AnImportedContactIsNotForgottenForOneThatWasLetIn"},
		{"an imported record that was not let in yet went to Outlook if its item was deleted there after such a death", "TestS32_AnImportedContactThatWasNotLetInDoesNotFollowItsItem"},
		{"a run that failed as a whole while it brought an item and a record together did not say why", "TestI3_ARunThatFailsWhileItMatchesSaysWhy"},
		{"an audit that found a second record deleted left none of two, and asked nobody, as its run had deleted the first one before", "TestI5_TheAuditCountsWithTheRunThatItBeginsWith"},
		{"a run that was frozen beyond its lease went on with what it was writing in the CRM", "TestSQLite"},
		{"what was done to days of a series was taken for taken back if the run died, or was refused, before it had told Outlook again of what Outlook forgets with other times",
			"TestProperties_SeriesAndTheirOccurrences"},
		{"a record was sent again to a folder that was there before its sync, if its item had been edited so lately that the changes did not tell of it",
			"TestI3_WhatTheChangesDoNotTellYetIsNotMadeAgain"},
		{"a record that came back was said to agree on what it held once in a field that no longer takes part", "TestI6_WhatTakesNoPartIsNotAgreedOnWhenARecordComesBack"},
		{"what had drifted counted as an edit if our clock was set back after the other side was edited", "TestL6_ADifferenceIsDriftThoughTheOtherSideIsOfLater"},
	}
}
