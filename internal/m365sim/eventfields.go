package m365sim

import (
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

// An eventPart is what an event has beyond stored properties.
type eventPart struct {
	start, end moment // of a series: the first occurrence by the pattern
	allDay     bool
	uid        [16]byte // the same in every attendee's copy
	organizer  address
	response   string // the mailbox owner's answer: organizer, or that of an attendee
	answered   time.Time
	joinURL    string // of an online meeting
	canceled   bool   // a copy whose meeting was called off

	rule       *recurrence
	pattern    uint16 // how often the pattern changed: part of the ids of occurrences
	exceptions []*exception
	cancelled  []int32 // days whose occurrence was deleted

	// Of an occurrence only: an item that is made up for one answer.
	slot               *slot
	startZone, endZone string
}

type address struct{ name, address string }

// eventSchema is the table of an event's properties (fact sheet §3.2). A row with both take and show is read by
// the code of events, not stored.
var eventSchema = newSchema("microsoft.graph.event",
	[]string{"id", "subject", "start/dateTime", "end/dateTime", "lastModifiedDateTime", "createdDateTime", "type", "seriesMasterId",
		"isAllDay", "isCancelled", "isOrganizer", "showAs", "importance", "sensitivity", "iCalUId"},
	[]property{
		eventID:                         {name: "id", show: showID},
		eventCreated:                    {name: "createdDateTime", show: showCreated(appendInstant)},
		eventModified:                   {name: "lastModifiedDateTime", show: showModified(appendInstant)},
		eventChangeKey:                  {name: "changeKey", show: showChangeKey},
		eventCategories:                 {name: "categories", empty: "[]", take: takeTexts(0)},
		eventTransaction:                {name: "transactionId", take: takeTransaction, show: showIfStored("transactionId")},
		eventOriginalStartTimeZone:      {name: "originalStartTimeZone", show: showZone("originalStartTimeZone", func(e *eventPart) (string, *zone) { return e.startZone, e.start.zone })},
		eventOriginalEndTimeZone:        {name: "originalEndTimeZone", show: showZone("originalEndTimeZone", func(e *eventPart) (string, *zone) { return e.endZone, e.end.zone })},
		eventICalUId:                    {name: "iCalUId", show: showUID},
		eventReminderMinutesBeforeStart: {name: "reminderMinutesBeforeStart", empty: "15", take: takeInt},
		eventIsReminderOn:               {name: "isReminderOn", empty: "true", take: takeBool},
		eventHasAttachments:             {name: "hasAttachments", empty: "false"},
		eventSubject:                    {name: "subject", empty: `""`, take: takeText},
		eventBodyPreview:                {name: "bodyPreview", show: showPreview},
		eventImportance:                 {name: "importance", empty: `"normal"`, take: takeWord("low", "normal", "high")},
		eventSensitivity:                {name: "sensitivity", empty: `"normal"`, take: takeWord("normal", "personal", "private", "confidential")},
		eventAllDay:                     {name: "isAllDay", take: takeBool, show: showFlag("isAllDay", func(e *eventPart) bool { return e.allDay })},
		eventIsCancelled:                {name: "isCancelled", show: showFlag("isCancelled", func(e *eventPart) bool { return e.canceled })},
		eventIsOrganizer:                {name: "isOrganizer", show: showFlag("isOrganizer", func(e *eventPart) bool { return e.response == "organizer" })},
		eventResponseRequested:          {name: "responseRequested", empty: "true", take: takeBool},
		eventSeriesMasterId:             {name: "seriesMasterId", show: showMasterID},
		eventShowAs:                     {name: "showAs", empty: `"busy"`, take: takeWord("free", "tentative", "busy", "oof", "workingElsewhere", "unknown")},
		eventType:                       {name: "type", show: func(b []byte, it *item, _ *view) []byte { return appendTextMember(b, "type", it.eventType()) }},
		eventWebLink:                    {name: "webLink", show: showWebLink},
		eventOnlineMeetingUrl:           {name: "onlineMeetingUrl"},
		eventOnline:                     {name: "isOnlineMeeting", take: takeBool, show: showFlag("isOnlineMeeting", func(e *eventPart) bool { return e.joinURL != "" })},
		eventProvider:                   {name: "onlineMeetingProvider", take: takeWord("unknown", "teamsForBusiness", "skypeForBusiness", "skypeForConsumer"), show: showProvider},
		eventAllowNewTimeProposals:      {name: "allowNewTimeProposals", empty: "true", take: takeBool},
		eventIsDraft:                    {name: "isDraft", empty: "false"},
		eventHideAttendees:              {name: "hideAttendees", empty: "false", take: takeBool},
		eventOriginalStart:              {name: "originalStart", show: showOriginalStart},
		eventResponseStatus:             {name: "responseStatus", show: showResponse},
		eventBody:                       {name: "body", take: takeBody, show: showBody},
		eventStart:                      {name: "start", take: takeMoment, show: showStart},
		eventEnd:                        {name: "end", take: takeMoment, show: showEnd},
		eventLocation:                   {name: "location", take: takeLocation, show: showLocation},
		eventLocations:                  {name: "locations", empty: "[]", take: takeLocations},
		eventRecurrence:                 {name: "recurrence", take: takeRaw, show: showRecurrence},
		eventAttendees:                  {name: "attendees", empty: "[]", take: takeAttendees},
		eventOrganizer:                  {name: "organizer", show: showOrganizer},
		eventOnlineMeeting:              {name: "onlineMeeting", show: showOnlineMeeting},
		eventCancelledOccurrences:       {name: "cancelledOccurrences", hidden: true, show: showCancelled},
	})

// The rows of the table.
const (
	eventID = iota
	eventCreated
	eventModified
	eventChangeKey
	eventCategories
	eventTransaction
	eventOriginalStartTimeZone
	eventOriginalEndTimeZone
	eventICalUId
	eventReminderMinutesBeforeStart
	eventIsReminderOn
	eventHasAttachments
	eventSubject
	eventBodyPreview
	eventImportance
	eventSensitivity
	eventAllDay
	eventIsCancelled
	eventIsOrganizer
	eventResponseRequested
	eventSeriesMasterId
	eventShowAs
	eventType
	eventWebLink
	eventOnlineMeetingUrl
	eventOnline
	eventProvider
	eventAllowNewTimeProposals
	eventIsDraft
	eventHideAttendees
	eventOriginalStart
	eventResponseStatus
	eventBody
	eventStart
	eventEnd
	eventLocation
	eventLocations
	eventRecurrence
	eventAttendees
	eventOrganizer
	eventOnlineMeeting
	eventCancelledOccurrences
)

// unstored are the rows that build reads and that are not kept as properties.
var unstored = []int{eventAllDay, eventOnline, eventProvider, eventStart, eventEnd, eventRecurrence}

// bareOccurrence is all that delta tells of an occurrence (fact sheet §0.4).
var bareOccurrence, _ = eventSchema.selection("id,type,seriesMasterId,start,end")

func (it *item) eventType() string {
	switch e := it.event; {
	case e.slot != nil && e.slot.exception:
		return "exception"
	case e.slot != nil:
		return "occurrence"
	case e.rule != nil:
		return "seriesMaster"
	}
	return "singleInstance"
}

// never is how Graph writes a time that was not.
const never = "0001-01-01T00:00:00Z"

func (a address) append(b []byte) []byte {
	b = appendTextMember(append(b, '{'), "name", a.name)
	return append(appendTextMember(b, "address", a.address), '}')
}

// What is computed.

func showFlag(name string, flag func(*eventPart) bool) func([]byte, *item, *view) []byte {
	return func(b []byte, it *item, _ *view) []byte { return appendBoolMember(b, name, flag(it.event)) }
}

func showIfStored(name string) func([]byte, *item, *view) []byte {
	return func(b []byte, it *item, _ *view) []byte {
		if raw := it.props.get(eventTransaction); raw != "" {
			return appendRawMember(b, name, raw)
		}
		return b
	}
}

func showZone(name string, pick func(*eventPart) (string, *zone)) func([]byte, *item, *view) []byte {
	return func(b []byte, it *item, _ *view) []byte {
		text, z := pick(it.event)
		if text == "" {
			text = z.name
		}
		return appendTextMember(b, name, text)
	}
}

// showUID writes a global object id; the date of an occurrence stands in its middle, so each has its own (§3.2).
func showUID(b []byte, it *item, _ *view) []byte {
	return append(it.appendUID(append(appendKey(b, "iCalUId"), '"')), '"')
}

func (it *item) appendUID(b []byte) []byte {
	b = append(b, "040000008200E00074C5B7101A82E008"...)
	var date [4]byte
	if s := it.event.slot; s != nil {
		day := dayTime(s.day)
		date = [4]byte{byte(day.Year() >> 8), byte(day.Year()), byte(day.Month()), byte(day.Day())}
	}
	b = append(b, strings.ToUpper(hex.EncodeToString(date[:]))...)
	b = append(b, "0000000000000000000000000000000010000000"...)
	return append(b, strings.ToUpper(hex.EncodeToString(it.event.uid[:]))...)
}

func showMasterID(b []byte, it *item, v *view) []byte {
	if it.event.slot == nil {
		return appendRawMember(b, "seriesMasterId", "null")
	}
	r := ref{kind: idItem, immutable: v.immutable, n: it.n, place: it.place}
	if v.immutable {
		r.place = 0
	}
	b = append(appendKey(b, "seriesMasterId"), '"')
	return append(v.box.ids.append(b, r), '"')
}

func showWebLink(b []byte, it *item, v *view) []byte {
	id := v.box.itemID(it, v.immutable)
	return appendTextMember(b, "webLink", "https://outlook.office365.com/owa/?itemid="+url.QueryEscape(id)+"&exvsurl=1&path=/calendar/item")
}

func showProvider(b []byte, it *item, _ *view) []byte {
	provider := "unknown"
	if it.event.joinURL != "" {
		provider = "teamsForBusiness"
	}
	return appendTextMember(b, "onlineMeetingProvider", provider)
}

func showOnlineMeeting(b []byte, it *item, _ *view) []byte {
	b = appendKey(b, "onlineMeeting")
	if it.event.joinURL == "" {
		return append(b, "null"...)
	}
	return append(appendTextMember(append(b, '{'), "joinUrl", it.event.joinURL), '}')
}

func showOriginalStart(b []byte, it *item, v *view) []byte {
	if slot := it.event.slot; slot == nil || slot.exception && !v.single && v.box.sim.warts.Load().ExceptionsHideOrigin {
		return b
	}
	return appendSeconds(appendKey(b, "originalStart"), it.event.slot.original)
}

func showResponse(b []byte, it *item, _ *view) []byte {
	b = append(appendKey(b, "responseStatus"), '{')
	b = appendTextMember(b, "response", it.event.response)
	if it.event.answered.IsZero() {
		return append(appendTextMember(b, "time", never), '}')
	}
	return append(appendSeconds(appendKey(b, "time"), it.event.answered), '}')
}

func showStart(b []byte, it *item, v *view) []byte {
	return v.appendMoment(appendKey(b, "start"), it.event, it.event.start)
}

func showEnd(b []byte, it *item, v *view) []byte {
	return v.appendMoment(appendKey(b, "end"), it.event, it.event.end)
}

// appendMoment converts to the zone asked for. A whole day shifts off midnight with it (fact sheet §3.3), or does
// not, where Warts.AllDayKeepsMidnight follows the other observation.
func (v *view) appendMoment(b []byte, e *eventPart, m moment) []byte {
	if e.allDay && v.box.sim.warts.Load().AllDayKeepsMidnight {
		z := v.zone
		if z == nil {
			z = utc
		}
		return appendWall(b, m.wall, z.name)
	}
	return m.appendIn(b, v.zone)
}

const noLocation = `{"displayName":"","locationType":"default","uniqueIdType":"unknown","address":{},"coordinates":{}}`

func showLocation(b []byte, it *item, _ *view) []byte {
	raw := it.props.get(eventLocation)
	if raw == "" {
		raw = noLocation
	}
	return appendRawMember(b, "location", raw)
}

func showRecurrence(b []byte, it *item, v *view) []byte {
	b = appendKey(b, "recurrence")
	if it.event.rule == nil || it.event.slot != nil {
		return append(b, "null"...)
	}
	return it.event.rule.append(b, v.box.sim.warts.Load().BareRecurrence)
}

func showOrganizer(b []byte, it *item, _ *view) []byte {
	b = append(appendKey(b, "organizer"), `{"emailAddress":`...)
	return append(it.event.organizer.append(b), '}')
}

// showCancelled lists the deleted occurrences of a master as OID.{master}.{date}.
func showCancelled(b []byte, it *item, v *view) []byte {
	b = append(appendKey(b, "cancelledOccurrences"), '[')
	if it.event.slot == nil {
		for i, day := range it.event.cancelled {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `"OID.`...)
			b = v.box.appendItemID(b, it, v.immutable)
			b = append(b, '.')
			b = dayTime(day).AppendFormat(b, time.DateOnly)
			b = append(b, '"')
		}
	}
	return append(b, ']')
}

// appendEvent appends an event with what $expand added: the exceptions of a master.
func appendEvent(b []byte, it *item, v *view, open bool) []byte {
	b = eventSchema.appendItem(b, it, v, open)
	if !v.exceptions || it.event.rule == nil || it.event.slot != nil {
		return b
	}
	inner := *v // what is expanded comes whole, unless it has options of its own
	inner.exceptions, inner.chosen, inner.extended, inner.single = false, v.ofThose, nil, false
	b = b[:len(b)-1]
	b = append(appendKey(b, "exceptionOccurrences"), '[')
	first := true
	for _, x := range it.event.exceptions {
		occurrence := it.occurrence(x.day)
		if occurrence == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = eventSchema.appendItem(b, occurrence, &inner, false)
	}
	return append(b, ']', '}')
}

// eventLookup gives $filter and $orderby the values of an event.
func eventLookup(box *mailbox, it *item) lookup {
	return func(path string) any {
		switch path {
		case "id":
			return exactText(box.itemID(it, false))
		case modifiedPath:
			return it.modified
		case "createdDateTime":
			return it.created
		case "start/dateTime":
			return it.event.start.instant()
		case "end/dateTime":
			return it.event.end.instant()
		case "type":
			return it.eventType()
		case "isAllDay":
			return it.event.allDay
		case "isCancelled":
			return it.event.canceled
		case "isOrganizer":
			return it.event.response == "organizer"
		case "iCalUId":
			return string(it.appendUID(nil))
		case "singleValueExtendedProperties":
			return box.searchable(it)
		case "seriesMasterId":
			if it.event.slot == nil {
				return nil
			}
			return exactText(box.ids.write(ref{kind: idItem, n: it.n, place: it.place}))
		}
		at := eventSchema.index[path]
		if text := it.props.text(at); text != "" {
			return text
		}
		return strings.Trim(eventSchema.rows[at].empty, `"`)
	}
}
