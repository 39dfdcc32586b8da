package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Whatever would mail people says whom before it is done. The yes names those people: it counts for them and nobody else.

// mailPage asks whether people may be mailed.
type mailPage struct {
	Frame   frame
	Name    string
	Deed    string // write, occurrences, remove, owner: which words to use
	Count   int
	People  []string
	Invites bool   // an invitation is among the mails
	Owner   string // in whose name they would be mailed, if that is somebody else, who alone may agree
	Action  string
	Back    string
	Hidden  []hidden
	Answer  string
}

// mailAnswer names the people whom a yes is about, and the event.
func mailAnswer(id record.ID, deed crm.Deed, m crm.Mail) string {
	return answerOf([]any{id, deed, m.Link, m.People, m.Invites})
}

// answerOf is short for what a yes is about.
func answerOf(about []any) string {
	raw, err := json.Marshal(about)
	if err != nil {
		panic(err) // strings and numbers only
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// consent is what a yes to a mailing comes to.
func consent(m crm.Mail) *crm.Consent {
	return &crm.Consent{Link: m.Link, People: m.People, Invite: m.Invites}
}

// mayMail finds out whom a deed would mail and puts what was said about that into the draft. asked: nothing was said yet, or
// about others, and the page that asks has been shown.
func (s *Site) mayMail(v *visit, before crm.Record, deed crm.Deed, d *crm.Draft, action, back string) (asked bool, err error) {
	m, err := s.Records.WouldMail(v.ctx(), v.actor(), before, deed, *d)
	if err != nil || len(m.People) == 0 {
		return false, err
	}
	answer := mailAnswer(before.ID, deed, m)
	switch said := v.r.PostForm.Get("mail"); {
	case said == "no":
		return false, nil
	case said == answer && m.Own:
		d.Mail = consent(m)
		return false, nil
	}
	page := mailPage{
		Frame: s.frame(v, "calendar", v.words.T("mail.title")), Deed: string(deed), Count: len(m.People), Invites: m.Invites,
		People: m.People, Action: action, Back: back, Hidden: kept(v.r.PostForm), Answer: answer,
	}
	if page.Name = v.words.T("event.new"); before.ID != 0 {
		page.Name = eventName(v.words, before)
	}
	if d.Owner != 0 && before.ID != 0 && d.Owner != before.Owner {
		page.Deed = "owner"
	}
	if !m.Own {
		users, err := s.Accounts.Users(v.ctx(), v.user.Org)
		if err != nil {
			return false, err
		}
		page.Answer, page.Owner = "", ownerName(users, before.Owner)
	}
	return true, s.render(v, http.StatusConflict, "mail", page)
}

// kept are the posted values as they are, but for an answer about mails.
func kept(form url.Values) (out []hidden) {
	names := make([]string, 0, len(form))
	for name := range form {
		if name != "mail" && name != "save" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range form[name] {
			out = append(out, hidden{name, value})
		}
	}
	return out
}

// moveMails is mayMail of a drag; nil: it may go on.
func (s *Site) moveMails(v *visit, r crm.Record, deed crm.Deed, d *crm.Draft) (*moved, error) {
	m, err := s.Records.WouldMail(v.ctx(), v.actor(), r, deed, *d)
	if err != nil || len(m.People) == 0 || !m.Own { // of others' events it is held back, and their page says so
		return nil, err
	}
	answer := mailAnswer(r.ID, deed, m)
	if v.r.PostForm.Get("mail") == answer {
		d.Mail = consent(m)
		return nil, nil
	}
	return &moved{Said: v.words.T("mail.move", "Count", len(m.People), "Name", eventName(v.words, r)), Mails: m.People, Mail: answer}, nil
}

// mailingPart is what the page of an event says of those who are invited, and of mails.
type mailingPart struct {
	People   []inviteeRow
	Others   string // whose meeting it is, if not the owner's
	Response string // the owner's own answer to that
	Ask      string // why there is something to agree to: held, invite; "": there is not
	Count    int
	Whom     []string
	Answer   string
	Version  int64
	Path     string
}

type inviteeRow struct{ Name, Detail, Response, Word string }

// responseKey is the key of an answer's words.
func responseKey(response string) string {
	if slices.Contains([]string{"accepted", "tentativelyAccepted", "declined"}, response) {
		return "invitee." + response
	}
	return "invitee.none"
}

func (s *Site) mailingPart(v *visit, page *eventPage, r crm.Record) error {
	if r.Veiled {
		return nil
	}
	m, err := s.Records.WouldMail(v.ctx(), v.actor(), r, crm.Sends, crm.Draft{})
	if err != nil || m.Link == 0 {
		return err
	}
	a := r.Attendance(m.Link)
	part := mailingPart{Others: a.Organizer, Version: r.Version, Path: "/calendar/" + r.ID.String() + "/mail"}
	if a.Organizer != "" {
		part.Response = v.words.T(responseKey(a.Response) + "_own")
	}
	for _, p := range a.People {
		row := inviteeRow{Name: p.Name, Detail: p.Address, Response: p.Response, Word: v.words.T(responseKey(p.Response))}
		if row.Name == "" {
			row.Name, row.Detail = p.Address, ""
		}
		if p.Type == "optional" || p.Type == "resource" {
			row.Detail = joinNonEmpty(" · ", row.Detail, v.words.T("invitee."+p.Type))
		}
		part.People = append(part.People, row)
	}
	switch {
	case len(m.People) == 0 || !m.Own || page.Reading:
	case page.Badge.at.Reason == fault.WouldMail:
		part.Ask = "held"
	case m.Invites && !r.Invited(m.Link) && page.Badge.at.State == "synced":
		part.Ask = "invite"
	}
	if part.Ask != "" {
		part.Count, part.Whom, part.Answer = len(m.People), m.People, mailAnswer(r.ID, crm.Sends, m)
	}
	page.Mailing = part
	return nil
}

// lock makes what only a meeting's organizer may change readable only.
func (p *eventPage) lock() {
	if p.Mailing.Others == "" {
		return
	}
	for _, f := range []*field{&p.Subject, &p.Where, &p.Notes, &p.Start, &p.End, &p.Zone, &p.EndZone} {
		f.read()
	}
	p.People.Reading = true
}

// othersMeeting reports whether an event is somebody else's meeting.
func (s *Site) othersMeeting(v *visit, r crm.Record) (bool, error) {
	if r.Fields[record.Attendees] == "" {
		return false, nil
	}
	m, err := s.Records.WouldMail(v.ctx(), v.actor(), r, crm.Sends, crm.Draft{})
	return err == nil && r.Attendance(m.Link).Organizer != "", err
}

// ofAttendee keeps of a form what an attendee may change.
func ofAttendee(fields record.Fields) record.Fields {
	out := record.Fields{}
	for name, value := range fields {
		if slices.Contains(record.OfAttendee, name) || name == record.WhoID {
			out[name] = value
		}
	}
	return out
}

// eventMail lets an event go to Outlook as it stands, with the mails that this brings.
func (s *Site) eventMail(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	r, err := s.toEdit(v, record.Calendar)
	if err != nil {
		return err
	}
	path := "/calendar/" + r.ID.String()
	m, err := s.Records.WouldMail(v.ctx(), v.actor(), r, crm.Sends, crm.Draft{})
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil || form.Get("mail") != mailAnswer(r.ID, crm.Sends, m) || version != r.Version || len(m.People) == 0 || !m.Own {
		s.putFlash(v.ctx(), flash{Key: "flash.mail_changed", Name: eventName(v.words, r)})
		return v.to(path)
	}
	if _, err := s.Records.Agree(v.ctx(), v.actor(), r.ID, r.Version, *consent(m)); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.mail_agreed", Name: eventName(v.words, r)})
	return v.to(path)
}

// invitesNow tells a form whether participants of the reader's events can be invited.
func (s *Site) invitesNow(v *visit) (bool, error) {
	links, err := s.Links.LinksOf(v.ctx(), v.user.Org, v.user.ID)
	return slices.ContainsFunc(links, func(l reconcile.Link) bool {
		return l.Kind == record.Calendar && l.Policy.Invites && l.State != reconcile.Off && l.State != reconcile.Switching
	}), err
}
