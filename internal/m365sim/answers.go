package m365sim

import (
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Answers to invitations: POST …/accept, …/tentativelyAccept, …/decline. They are made in the invited person's own copy.

func (c *call) acceptEvent() *graphError            { return c.answer("accepted") }
func (c *call) tentativelyAcceptEvent() *graphError { return c.answer("tentativelyAccepted") }
func (c *call) declineEvent() *graphError           { return c.answer("declined") }

// answer puts the person's answer into their copy of a meeting; a declined one goes to Deleted Items. Unless the request says
// sendResponse: false, the organizer gets a mail, and the answer stands in the organizer's own event.
func (c *call) answer(response string) *graphError {
	send := true
	if c.body != "" {
		if !gjson.Valid(c.body) || !gjson.Parse(c.body).IsObject() {
			return badRequest("RequestBodyRead", "A JSON object is needed.")
		}
		var err *graphError
		gjson.Parse(c.body).ForEach(func(key, value gjson.Result) bool {
			switch strings.ToLower(key.Str) {
			case "comment":
			case "sendresponse":
				if value.Type != gjson.Null {
					send = value.Type == gjson.True
				}
			default:
				err = c.unknown()
			}
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	c.box.mu.Lock()
	stored, seen, err := c.event()
	switch {
	case err != nil:
	case seen != stored: // the answer to one day of a series
		err = c.unknown()
	case stored.event.response == "organizer":
		err = badRequest("ErrorInvalidRequest", "Your request can't be completed. You can't respond to this meeting because you're the meeting organizer.")
	}
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	it := *stored
	part := *stored.event
	part.response, part.answered = response, c.s.now()
	it.event = &part
	c.box.replace(&it)
	now, kind := &it, changeUpdated
	if response == "declined" {
		now, kind = c.box.remove(&it), changeDeleted
	}
	c.box.mu.Unlock()

	c.status, c.out = http.StatusAccepted, c.out[:0]
	c.box.announce(now, kind)
	if send {
		c.tellOrganizer(now)
	}
	return nil
}

// tellOrganizer mails an answer to whoever has called the meeting, and puts it into that person's event if they live here.
func (c *call) tellOrganizer(answered *item) {
	m := Mail{
		Kind: "response", Organizer: answered.event.organizer.address, Recipient: answered.event.organizer.address,
		Subject: answered.props.text(eventSubject), Time: c.s.now(),
	}
	if !c.byHand {
		m.App = c.grant.appID
	}
	c.s.mails.mu.Lock()
	c.s.mails.sent = append(c.s.mails.sent, m)
	c.s.mails.mu.Unlock()
	box := c.recipientBox(m.Recipient)
	if box == nil {
		return
	}
	box.mu.Lock()
	var changed *item
	for _, it := range box.items {
		if it != nil && it.event != nil && it.event.uid == answered.event.uid && it.event.response == "organizer" && it.folder.kind == calendarFolder && it.folder.alive() {
			copied := *it
			copied.respond(c.person.Mail, answered.event.response, answered.event.answered)
			box.replace(&copied)
			changed = &copied
			break
		}
	}
	box.mu.Unlock()
	if changed != nil {
		box.announce(changed, changeUpdated)
	}
}

// respond puts an attendee's answer into the organizer's event. it is the caller's own copy.
func (it *item) respond(attendee, response string, at time.Time) {
	all := gjson.Parse(it.props.get(eventAttendees)).Array()
	if len(all) == 0 {
		return
	}
	b := []byte{'['}
	for i, one := range all {
		if i > 0 {
			b = append(b, ',')
		}
		if !strings.EqualFold(one.Get("emailAddress.address").Str, attendee) {
			b = append(b, one.Raw...)
			continue
		}
		b = appendTextMember(append(b, '{'), "type", one.Get("type").Str)
		b = appendTextMember(append(appendKey(b, "status"), '{'), "response", response)
		b = append(appendSeconds(appendKey(b, "time"), at), '}')
		b = append(appendRawMember(b, "emailAddress", one.Get("emailAddress").Raw), '}')
	}
	it.props = it.props.set(eventAttendees, string(append(b, ']')))
}
