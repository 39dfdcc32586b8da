package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// contactGroups are the fields of a contact as its form shows them. A test holds them against record.Defs.
var contactGroups = []struct {
	key    string // group.<key> is the heading
	fold   bool   // closed while all are empty
	fields []record.Field
}{
	{"name", false, []record.Field{record.Salutation, record.FirstName, record.LastName}},
	{"work", false, []record.Field{record.AccountName, record.Title, record.Department}},
	{"reach", false, []record.Field{
		record.EmailField, record.SecondaryEmail, record.Mobile, record.PhoneField, record.HomePhone, record.OtherPhone,
	}},
	{"address", false, []record.Field{
		record.MailingStreet, record.MailingCity, record.MailingState, record.MailingZip, record.MailingCountry,
	}},
	{"other_address", true, []record.Field{
		record.OtherStreet, record.OtherCity, record.OtherState, record.OtherZip, record.OtherCountry,
	}},
	{"more", true, []record.Field{
		record.DateOfBirth, record.LeadSource, record.Assistant, record.AsstPhone, record.Fax, record.SkypeID,
		record.Twitter, record.EmailOptOut,
	}},
	{"notes", false, []record.Field{record.Tag, record.Description}},
}

// wideFields take a whole row of the form.
var wideFields = map[record.Field]bool{
	record.MailingStreet: true, record.OtherStreet: true, record.Tag: true, record.EmailOptOut: true,
}

// contactPage shows one contact, as a form.
type contactPage struct {
	Frame    frame
	ID       string // "" of a new one
	Version  int64
	Name     string
	Disc     string // initials
	Photo    string // its address; "" where there is none
	Wrong    string // why an uploaded photo was not taken
	Line     string // title and company
	Email    string
	Phone    string
	Groups   []group
	Owner    field
	Badge    badge
	Outlook  outlookNote
	Changed  string // who and when
	Created  string
	Ask      *askNote
	Meets    []meetingLine
	Timeline timeline
	Invites  bool   // may be met: events may be made
	Reading  bool   // may be seen, but not changed
	Inline   bool   // shows what is stored: each field may be saved where it stands
	Deletes  bool   // may be deleted
	Failed   bool   // there are errors by the fields
	Error    string // of the form as a whole
}

// Action is where the form is sent to.
func (p contactPage) Action() string {
	if p.ID == "" {
		return "/contacts"
	}
	return "/contacts/" + p.ID
}

func (s *Site) contactNew(v *visit) error {
	if err := v.needs(record.Contacts, creating); err != nil {
		return err
	}
	return s.contactForm(v, http.StatusOK, crm.Record{Owner: v.user.ID, Fields: record.Fields{}}, nil, nil)
}

func (s *Site) contactShow(v *visit) error {
	r, err := s.recordOf(v, record.Contacts)
	if err != nil {
		return v.goneBehind(err)
	}
	return s.contactForm(v, http.StatusOK, r, nil, nil)
}

// goneBehind answers an open page whose record went meanwhile and that asks what Outlook has of it: nothing is put
// in the place of what it shows, and the note of [Site.changed] says why.
func (v *visit) goneBehind(err error) error {
	if fault.Is(err, fault.NotFound) && v.wants("outlook-facts") {
		v.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return err
}

// recordOf reads the record of the path.
func (s *Site) recordOf(v *visit, kind record.Kind) (crm.Record, error) {
	if err := v.needs(kind, viewing); err != nil {
		return crm.Record{}, err
	}
	id, err := v.id()
	if err != nil {
		return crm.Record{}, err
	}
	return s.Records.Get(v.ctx(), v.actor(), kind, id)
}

// toEdit reads the record of the path for whoever may change it.
func (s *Site) toEdit(v *visit, kind record.Kind) (crm.Record, error) {
	r, err := s.recordOf(v, kind)
	if err == nil && !v.actor().Edits(r) {
		err = fault.New(fault.Denied, fault.NotAllowed, "web: the profile %q does not allow to change %s %s", v.user.Profile, kind, r.ID)
	}
	return r, err
}

// contactForm shows a contact. typed are values that a person sent and that were refused, shown in place of the stored.
func (s *Site) contactForm(v *visit, status int, r crm.Record, typed record.Fields, errs fieldErrors) error {
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	page := contactPage{Failed: len(errs) > 0 && errs[string(record.RecordImage)] == "", Error: errs[""]}
	if r.ID != 0 {
		marks, err := s.badges(v, record.Contacts, []crm.Record{r})
		if err != nil {
			return err
		}
		page.ID, page.Version, page.Badge = r.ID.String(), r.Version, marks[r.ID]
		if page.Outlook, err = s.outlookNote(v, record.Contacts, page.Badge.at); err != nil {
			return err
		}
		if page.Ask, err = s.asksAbout(v, r); err != nil {
			return err
		}
		if page.Meets, err = s.meetingsAbout(v, r.ID); err != nil {
			return err
		}
		if !v.wants("outlook-facts") {
			if page.Timeline, err = s.timeline(v, r, users, time.Time{}, timelineFirst); err != nil {
				return err
			}
		}
		page.Invites = v.creates(record.Calendar)
		page.Reading, page.Deletes = !v.actor().Edits(r), v.actor().Deletes(r)
		page.Inline = !page.Reading && v.r.Method == http.MethodGet
		page.Name, page.Disc = contactName(v.words, r), initials(contactName(v.words, r))
		page.Photo, page.Wrong = photoURL(r, ""), errs[string(record.RecordImage)]
		page.Line = joinNonEmpty(" · ", string(r.Fields[record.Title]), string(r.Fields[record.AccountName]))
		page.Email, page.Phone = string(r.Fields[record.EmailField]), firstPhone(r.Fields)
		page.Changed = v.words.T("record.changed", "Who", ownerName(users, r.ModifiedBy), "When", v.words.Moment(r.ModifiedAt.In(v.zone)))
		page.Created = v.words.T("record.created", "Who", ownerName(users, r.CreatedBy), "When", v.words.Moment(r.CreatedAt.In(v.zone)))
	}
	values := r.Fields.With(typed)
	for _, g := range contactGroups {
		shown := group{Key: g.key, Legend: v.words.T("group." + g.key), Fold: g.fold}
		for _, name := range g.fields {
			f := v.control(record.Contacts, name, values, errs)
			f.Wide = f.Wide || wideFields[name]
			if page.Reading {
				f.read()
			}
			v.withoutYear(&f)
			shown.Open = shown.Open || f.Yearless != nil && f.Yearless.Open || f.Error != "" || f.Value != "" && f.Value != "false"
			shown.Fields = append(shown.Fields, f)
		}
		page.Groups = append(page.Groups, shown)
	}
	if own := v.schema(record.Contacts).Own(); len(own) > 0 {
		shown := group{Key: "custom", Legend: v.words.T("group.custom")}
		for _, def := range own {
			f := v.control(record.Contacts, def.Name, values, errs)
			if page.Reading {
				f.read()
			}
			v.withoutYear(&f)
			shown.Fields = append(shown.Fields, f)
		}
		page.Groups = slices.Insert(page.Groups, len(page.Groups)-1, shown) // the notes come last
	}
	page.Owner = v.ownerField(users, record.Contacts, r.Owner, errs)
	if page.Reading {
		page.Owner.read()
	}
	title := page.Name
	if r.ID == 0 {
		title = v.words.T("contact.new")
	}
	if v.wants("outlook-facts") {
		return s.part(v, "contact", "outlook-facts", page)
	}
	page.Frame = s.frame(v, "contacts", title)
	return s.render(v, status, "contact", page)
}

// draftOf reads what a form wants a record to be.
func (v *visit) draftOf(kind record.Kind, form url.Values) crm.Draft {
	d := crm.Draft{Fields: v.posted(kind, form)}
	d.Owner, _ = record.ParseID(form.Get("Owner"))
	d.Version, _ = strconv.ParseInt(form.Get("version"), 10, 64)
	return d
}

func (s *Site) contactCreate(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := v.needs(record.Contacts, creating); err != nil {
		return err
	}
	d := v.draftOf(record.Contacts, form)
	r, err := s.insert(v, record.Contacts, d)
	if errs, ok := v.fieldWords(err); ok {
		return s.contactForm(v, http.StatusUnprocessableEntity, crm.Record{Owner: d.Owner, Fields: record.Fields{}}, d.Fields, errs)
	}
	if err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.created", Name: contactName(v.words, r)})
	return v.toRecord("/contacts", r)
}

// toRecord leads to a record that was just saved, or to the list where it has been given away.
func (v *visit) toRecord(list string, r crm.Record) error {
	if r.Owner != v.user.ID && v.may().Records(r.Kind).View != record.Anyones {
		return v.to(list)
	}
	return v.to(list + "/" + r.ID.String())
}

func (s *Site) contactUpdate(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	before, err := s.toEdit(v, record.Contacts)
	if err != nil {
		return err
	}
	d := v.draftOf(record.Contacts, form)
	d.ID = before.ID
	after, err := s.update(v, record.Contacts, d)
	if fault.Is(err, fault.Conflict) {
		return s.contactConflict(v, before.ID, d)
	}
	if errs, ok := v.fieldWords(err); ok {
		before.Version = d.Version
		return s.contactForm(v, http.StatusUnprocessableEntity, before, d.Fields, errs)
	}
	if err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.saved", Name: contactName(v.words, after)})
	return v.toRecord("/contacts", after)
}

// insert makes one record.
func (s *Site) insert(v *visit, kind record.Kind, d crm.Draft) (crm.Record, error) {
	return one(s.Records.Insert(v.ctx(), v.actor(), kind, []crm.Draft{d}))
}

// update changes one record.
func (s *Site) update(v *visit, kind record.Kind, d crm.Draft) (crm.Record, error) {
	return one(s.Records.Update(v.ctx(), v.actor(), kind, []crm.Draft{d}))
}

// one is the outcome of a call about one record.
func one(results []crm.Result, err error) (crm.Record, error) {
	if err != nil {
		return crm.Record{}, err
	}
	return results[0].Record, results[0].Err
}

// contactChanged tells an open form that its contact is no longer what it shows.
func (s *Site) contactChanged(v *visit) error {
	return s.changed(v, record.Contacts, "contact", "/contacts/")
}

// changedPart is the note above an open form.
type changedPart struct {
	Path  string
	Stale bool // changed since
	Gone  bool // deleted, or no longer visible
	Have  string
	Topic string // after which to ask again
}

func (s *Site) changed(v *visit, kind record.Kind, template, path string) error {
	part := changedPart{Path: path + v.r.PathValue("id"), Have: v.r.URL.Query().Get("have"), Topic: string(kind)}
	r, err := s.recordOf(v, kind)
	switch {
	case fault.Is(err, fault.NotFound):
		part.Gone = true
	case err != nil:
		return err
	default:
		part.Stale = strconv.FormatInt(r.Version, 10) != part.Have
	}
	return s.part(v, template, "changed", part)
}

func (s *Site) contactDelete(v *visit) error {
	r, err := s.recordOf(v, record.Contacts)
	if err != nil {
		return err
	}
	return s.remove(v, crm.Draft{ID: r.ID}, r, "/contacts")
}

func (s *Site) contactRestore(v *visit) error { return s.bringBack(v, record.Contacts, "/contacts") }

// remove moves a record to the recycle bin and offers to take it back.
func (s *Site) remove(v *visit, d crm.Draft, r crm.Record, list string) error {
	if _, err := one(s.Records.Delete(v.ctx(), v.actor(), r.Kind, []crm.Draft{d})); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.deleted", Name: recordName(v.words, r), Undo: list + "/" + r.ID.String() + "/restore"})
	return v.to(list)
}

func (s *Site) bringBack(v *visit, kind record.Kind, list string) error {
	if err := v.needs(kind, viewing); err != nil {
		return err
	}
	id, err := v.id()
	if err != nil {
		return err
	}
	r, err := one(s.Records.Restore(v.ctx(), v.actor(), kind, []record.ID{id}))
	if err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.restored", Name: recordName(v.words, r)})
	return v.to(list + "/" + id.String())
}

// recordName is how a record of either kind is called on pages.
func recordName(w *words, r crm.Record) string {
	if r.Kind == record.Contacts {
		return contactName(w, r)
	}
	return eventName(w, r)
}

// joinNonEmpty joins what is not empty.
func joinNonEmpty(mark string, parts ...string) string {
	out := ""
	for _, p := range parts {
		if p != "" && out != "" {
			out += mark
		}
		out += p
	}
	return out
}

// contactName is how a contact is called on pages.
func contactName(w *words, r crm.Record) string {
	name := strings.TrimSpace(string(r.Fields[record.FirstName]) + " " + string(r.Fields[record.LastName]))
	if name == "" {
		name = string(r.Fields[record.EmailField])
	}
	if name == "" {
		name = w.T("record.nameless")
	}
	return name
}

// firstPhone is the number to call first.
func firstPhone(f record.Fields) string {
	for _, name := range []record.Field{record.Mobile, record.PhoneField, record.HomePhone, record.OtherPhone} {
		if f[name] != "" {
			return string(f[name])
		}
	}
	return ""
}
