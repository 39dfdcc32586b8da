package m365sim

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"
)

// A Mail is one message that Exchange would have sent about a meeting, to one recipient.
type Mail struct {
	Kind      string    `json:"kind"` // invitation, update, cancellation; response to the organizer; message for /me/sendMail
	Organizer string    `json:"organizer"`
	Recipient string    `json:"recipient"`
	Subject   string    `json:"subject"`
	Time      time.Time `json:"time"`
	App       string    `json:"app,omitempty"` // whose request it was; empty when a person did it in Outlook
}

type mailLog struct {
	mu   sync.Mutex
	sent []Mail
}

// Mails lists the mails that Exchange would have sent so far.
func (s *Sim) Mails() []Mail {
	s.mails.mu.Lock()
	defer s.mails.mu.Unlock()
	return slices.Clone(s.mails.sent)
}

// recipients are the attendees other than the organizer.
func (it *item) recipients() []string {
	raw := it.props.get(eventAttendees)
	if raw == "" {
		return nil
	}
	var list []string
	for _, a := range gjson.Get(raw, "#.emailAddress.address").Array() {
		if !strings.EqualFold(a.Str, it.event.organizer.address) {
			list = append(list, a.Str)
		}
	}
	return list
}

// sendMeeting sends what a change of a meeting by its organizer makes Exchange send (fact sheet §3.1): everybody
// new is invited, everybody who was in hears of the change, whoever is out gets a cancellation. before is nil for
// a new event. There is no change too small to be told, as nothing documents one.
func (c *call) sendMeeting(before, now *item) {
	if now.event.response != "organizer" {
		return
	}
	var old []string
	if before != nil {
		old = before.recipients()
	}
	all := now.recipients()
	if len(all) == 0 && len(old) == 0 {
		return
	}
	for _, to := range all {
		if slices.ContainsFunc(old, func(o string) bool { return strings.EqualFold(o, to) }) {
			c.mail("update", now, to, now)
			for _, x := range now.exceptionsToTell() { // several mails for a series with exceptions (§3.1)
				c.mail("update", x, to, nil)
			}
			continue
		}
		c.mail("invitation", now, to, now)
	}
	for _, o := range old {
		if !slices.ContainsFunc(all, func(to string) bool { return strings.EqualFold(o, to) }) {
			c.mail("cancellation", before, o, nil)
			c.withdraw(before, o)
		}
	}
}

func (it *item) exceptionsToTell() []*item {
	var list []*item
	if it.event.rule != nil && it.event.slot == nil {
		for _, x := range it.event.exceptions {
			if o := it.occurrence(x.day); o != nil {
				list = append(list, o)
			}
		}
	}
	return list
}

// callOff sends the cancellations that a delete by the organizer brings.
func (c *call) callOff(gone *item) {
	if gone.event.response != "organizer" {
		return
	}
	for _, to := range gone.recipients() {
		c.mail("cancellation", gone, to, nil)
		c.withdraw(gone, to)
	}
}

// mail records one mail and puts the meeting into the recipient's calendar, if they live here.
func (c *call) mail(kind string, about *item, to string, deliver *item) {
	m := Mail{Kind: kind, Organizer: about.event.organizer.address, Recipient: to, Subject: about.props.text(eventSubject), Time: c.s.now()}
	if !c.byHand {
		m.App = c.grant.appID
	}
	c.s.mails.mu.Lock()
	c.s.mails.sent = append(c.s.mails.sent, m)
	c.s.mails.mu.Unlock()
	if deliver != nil {
		c.deliver(deliver, to)
	}
}

// recipientBox is the mailbox of an attendee of the same tenant; nil for everybody else.
func (c *call) recipientBox(to string) *mailbox {
	p := c.s.Person(to)
	if p == nil || p.TenantID != c.person.TenantID || p.ID == c.person.ID {
		return nil
	}
	return c.s.mailboxOf(p.ID)
}

// deliver puts an attendee's copy of a meeting into their default calendar, or renews it. The copy has the same
// iCalUId and answers to notResponded.
func (c *call) deliver(meeting *item, to string) {
	box := c.recipientBox(to)
	if box == nil {
		return
	}
	if meeting.event.slot != nil { // the whole series travels
		c.box.mu.Lock()
		meeting = c.box.items[meeting.n-1]
		c.box.mu.Unlock()
	}
	part := *meeting.event
	part.response = "notResponded"
	box.mu.Lock()
	var copied *item
	kind := changeUpdated
	if old := box.copyOf(part.uid); old != nil {
		it := *old
		part.response, part.answered = old.event.response, old.event.answered
		part.pattern = old.event.pattern
		if !sameRule(old.event.rule, part.rule) {
			part.pattern++
		}
		it.props, it.event = meeting.props.without(eventTransaction), &part
		for _, at := range ownOfCopy { // what the attendee has for themselves stays
			if it.props = it.props.without(at); old.props.get(at) != "" {
				it.props = it.props.set(at, old.props.get(at))
			}
		}
		box.replace(&it)
		copied = &it
	} else {
		part.pattern = 0
		copied = &item{props: meeting.props.without(eventTransaction), event: &part}
		box.insert(copied, box.defaultFolder(calendarFolder))
		kind = changeCreated
	}
	box.mu.Unlock()
	box.announce(copied, kind)
}

// ownOfCopy are the properties of a copy that are the attendee's and not the meeting's.
var ownOfCopy = []int{eventCategories, eventIsReminderOn, eventReminderMinutesBeforeStart, eventShowAs}

// withdraw marks an attendee's copy as called off, for one occurrence by taking it out of the series.
func (c *call) withdraw(meeting *item, to string) {
	box := c.recipientBox(to)
	if box == nil {
		return
	}
	box.mu.Lock()
	old := box.copyOf(meeting.event.uid)
	if old == nil {
		box.mu.Unlock()
		return
	}
	it := *old
	part := *old.event
	it.event = &part
	if s := meeting.event.slot; s != nil && !part.isCancelledOn(s.day) {
		at, _ := slices.BinarySearch(part.cancelled, s.day)
		part.cancelled = slices.Insert(slices.Clone(part.cancelled), at, s.day)
	} else if s == nil {
		part.canceled = true
		it.props = it.props.set(eventSubject, quoted("Canceled: "+it.props.text(eventSubject)))
	}
	box.replace(&it)
	box.mu.Unlock()
	box.announce(&it, changeUpdated)
}

// copyOf finds the copy of a meeting in the default calendar. The caller holds mu.
func (box *mailbox) copyOf(uid [16]byte) *item {
	f := box.defaultFolder(calendarFolder)
	for i := len(f.members.list) - 1; i >= 0; i-- {
		if it := f.members.list[i].current(box, f); it != nil && it.event.uid == uid {
			return it
		}
	}
	return nil
}

// sendMail takes a message of the person's own (fact sheet §9) and records it, one line for each recipient.
func (c *call) sendMail() *graphError {
	message := gjson.Get(c.body, "message")
	if !gjson.Valid(c.body) || !message.IsObject() {
		return badRequest("RequestBodyRead", "A message is needed.")
	}
	all := append(message.Get("toRecipients").Array(), append(message.Get("ccRecipients").Array(), message.Get("bccRecipients").Array()...)...)
	if len(all) == 0 {
		return badRequest("ErrorInvalidRecipients", "At least one recipient is needed.")
	}
	c.s.mails.mu.Lock()
	defer c.s.mails.mu.Unlock()
	for _, to := range all {
		m := Mail{Kind: "message", Organizer: c.person.Mail, Recipient: to.Get("emailAddress.address").Str, Subject: message.Get("subject").Str, Time: c.s.now()}
		if !c.byHand {
			m.App = c.grant.appID
		}
		c.s.mails.sent = append(c.s.mails.sent, m)
	}
	c.status, c.out = 202, c.out[:0]
	return nil
}
