package m365sim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// A contactField is one field of the contact form and the place in Graph's contact that it stands for.
type contactField struct {
	name     string // in the form
	property string // of Graph
	place    string // below the property: an index of a list, a part of an address; empty for the property itself
	kind     string // text, email, tel, url, date, list (separated by commas) or area
	words    string
}

// A contactGroup is a fieldset of the form.
type contactGroup struct {
	words  string
	fields []contactField
}

// contactGroups is the form: the page shows it, and reading and writing walk it.
var contactGroups = []contactGroup{
	{"Name", []contactField{
		{"displayName", "displayName", "", "text", "Display name"},
		{"title", "title", "", "text", "Title"},
		{"givenName", "givenName", "", "text", "First name"},
		{"middleName", "middleName", "", "text", "Middle name"},
		{"surname", "surname", "", "text", "Last name"},
		{"generation", "generation", "", "text", "Suffix"},
		{"initials", "initials", "", "text", "Initials"},
		{"nickName", "nickName", "", "text", "Nickname"},
		{"fileAs", "fileAs", "", "text", "File as"},
		{"yomiGivenName", "yomiGivenName", "", "text", "First name, phonetic"},
		{"yomiSurname", "yomiSurname", "", "text", "Last name, phonetic"},
	}},
	{"Work", []contactField{
		{"companyName", "companyName", "", "text", "Company"},
		{"department", "department", "", "text", "Department"},
		{"jobTitle", "jobTitle", "", "text", "Job title"},
		{"profession", "profession", "", "text", "Profession"},
		{"officeLocation", "officeLocation", "", "text", "Office"},
		{"manager", "manager", "", "text", "Manager"},
		{"assistantName", "assistantName", "", "text", "Assistant"},
		{"businessHomePage", "businessHomePage", "", "url", "Web page"},
		{"yomiCompanyName", "yomiCompanyName", "", "text", "Company, phonetic"},
	}},
	{"E-mail and chat", []contactField{
		{"email1", "emailAddresses", "0.address", "email", "E-mail 1"}, {"email1Name", "emailAddresses", "0.name", "text", "Shown as 1"},
		{"email2", "emailAddresses", "1.address", "email", "E-mail 2"}, {"email2Name", "emailAddresses", "1.name", "text", "Shown as 2"},
		{"email3", "emailAddresses", "2.address", "email", "E-mail 3"}, {"email3Name", "emailAddresses", "2.name", "text", "Shown as 3"},
		{"imAddress1", "imAddresses", "0", "text", "Chat 1"}, {"imAddress2", "imAddresses", "1", "text", "Chat 2"}, {"imAddress3", "imAddresses", "2", "text", "Chat 3"},
	}},
	{"Phones", []contactField{
		{"mobilePhone", "mobilePhone", "", "tel", "Mobile"},
		{"businessPhone1", "businessPhones", "0", "tel", "Business phone 1"}, {"businessPhone2", "businessPhones", "1", "tel", "Business phone 2"},
		{"homePhone1", "homePhones", "0", "tel", "Home phone 1"}, {"homePhone2", "homePhones", "1", "tel", "Home phone 2"},
	}},
	addressGroup("Business address", "businessAddress"),
	addressGroup("Home address", "homeAddress"),
	addressGroup("Other address", "otherAddress"),
	{"Personal", []contactField{
		{"birthday", "birthday", "", "date", "Birthday"},
		{"spouseName", "spouseName", "", "text", "Partner"},
		{"children", "children", "", "list", "Children"},
		{"categories", "categories", "", "list", "Categories"},
		{"personalNotes", "personalNotes", "", "area", "Notes"},
	}},
}

func addressGroup(words, property string) contactGroup {
	g := contactGroup{words: words}
	for _, part := range []struct{ name, words string }{
		{"street", "Street"}, {"city", "City"}, {"state", "State"}, {"postalCode", "Postal code"}, {"countryOrRegion", "Country or region"},
	} {
		kind := "text"
		if part.name == "street" {
			kind = "area"
		}
		g.fields = append(g.fields, contactField{property + "." + part.name, property, part.name, kind, part.words})
	}
	return g
}

type contactPage struct {
	layout
	Problem  string
	Action   string
	Loaded   string
	New      bool
	Name     string
	Back     string
	Groups   []groupView
	Tags     []string
	Folders  []folderLink
	Folder   string // the one it is in
	Delete   string
	Move     string
	Live     string
	Changed  time.Time
	Photo    string // where it is, be there one or not
	Pictured bool
}

type groupView struct {
	Words  string
	Open   bool // something is in it
	Fields []fieldView
}

type fieldView struct{ Name, Kind, Words, Value string }

func (d *desk) newContactPage() {
	d.showContact(http.StatusOK, contactPage{New: true}, url.Values{})
}

func (d *desk) contactURL() string { return "/me/contacts/" + url.PathEscape(d.r.PathValue("id")) }

func (d *desk) contactPage() {
	c, err := d.hand.get(d.contactURL())
	if err != nil {
		d.problem(err)
		return
	}
	form := contactForm(c)
	d.showContact(http.StatusOK, d.contactView(c, form), form)
}

func (d *desk) contactView(c gjson.Result, form url.Values) contactPage {
	loaded, _ := json.Marshal(form) // strings only
	view := contactPage{Loaded: string(loaded), Name: c.Get("displayName").Str, Folder: c.Get("parentFolderId").Str}
	at := d.path + "/contacts/" + url.PathEscape(d.r.PathValue("id"))
	view.Delete, view.Move, view.Photo = at+"/delete", at+"/move", at+"/photo"
	_, none := d.hand.get(d.contactURL() + "/photo")
	view.Pictured = none == nil
	view.Changed, _ = time.Parse(time.RFC3339, c.Get("lastModifiedDateTime").Str) // absent: not shown
	return view
}

// contactForm writes a stored contact as the form shows it.
func contactForm(c gjson.Result) url.Values {
	form := url.Values{}
	for _, g := range contactGroups {
		for _, f := range g.fields {
			form.Set(f.name, f.read(c))
		}
	}
	return form
}

func (f contactField) read(c gjson.Result) string {
	v := c.Get(f.property)
	if f.place != "" {
		v = v.Get(f.place)
	}
	switch f.kind {
	case "list":
		return joinTexts(v)
	case "date":
		date, _, _ := strings.Cut(v.Str, "T")
		return date
	}
	return v.Str
}

func (d *desk) showContact(status int, view contactPage, form url.Values) {
	title := "Contact"
	if view.New {
		title = "New contact"
	}
	view.layout = d.layout(title, "people")
	view.Action = d.r.URL.RequestURI()
	view.Live = d.path + "/live"
	view.Back = d.backTo("/people")
	for i, g := range contactGroups {
		group := groupView{Words: d.lang.say(g.words), Open: i < 4}
		for _, f := range g.fields {
			value := form.Get(f.name)
			group.Open = group.Open || value != ""
			group.Fields = append(group.Fields, fieldView{f.name, f.kind, d.lang.say(f.words), value})
		}
		view.Groups = append(view.Groups, group)
	}
	err := d.hand.each("/me/outlook/masterCategories", func(c gjson.Result) { view.Tags = append(view.Tags, c.Get("displayName").Str) })
	if err == nil {
		view.Folders, err = d.contactFolders()
	}
	if err != nil {
		d.problem(err)
		return
	}
	render(d.w, d.r, status, "contact", view)
}

func (d *desk) createContact() {
	body := contactBody(d.r.PostForm, url.Values{})
	if _, err := d.hand.post(contactsURL(d.r.URL.Query().Get("folder")), body); err != nil {
		d.showContact(err.status, contactPage{New: true, Problem: err.Error()}, d.r.PostForm)
		return
	}
	d.goTo(d.path+"/people", url.Values{"folder": {d.r.URL.Query().Get("folder")}})
}

func (d *desk) saveContact() {
	c, err := d.hand.get(d.contactURL())
	if err != nil {
		d.problem(err)
		return
	}
	body := contactBody(d.r.PostForm, d.loaded(contactForm(c)))
	if len(body) > 0 {
		if _, err := d.hand.patch(d.contactURL(), body); err != nil {
			view := d.contactView(c, contactForm(c))
			view.Loaded, view.Problem = d.r.PostForm.Get("loaded"), err.Error()
			d.showContact(err.status, view, d.r.PostForm)
			return
		}
	}
	d.goTo(d.backTo("/people"), nil)
}

// contactBody is what Graph is to be sent: each property of which some field differs from what was loaded.
// Lists and addresses go as a whole; a field that was emptied goes as null.
func contactBody(form, loaded url.Values) map[string]any {
	body := map[string]any{}
	value := func(f contactField) string {
		if form.Has(f.name) {
			return strings.TrimSpace(plainLines(form.Get(f.name)))
		}
		return strings.TrimSpace(plainLines(loaded.Get(f.name)))
	}
	for _, g := range contactGroups {
		for _, f := range g.fields {
			_, done := body[f.property]
			if done || value(f) == strings.TrimSpace(plainLines(loaded.Get(f.name))) {
				continue
			}
			body[f.property] = contactProperty(g, f.property, value)
		}
	}
	return body
}

func plainLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// contactProperty gathers a property from all the fields that make it up.
func contactProperty(g contactGroup, property string, value func(contactField) string) any {
	var fields []contactField
	for _, f := range g.fields {
		if f.property == property {
			fields = append(fields, f)
		}
	}
	first := fields[0]
	switch {
	case property == "emailAddresses":
		list := []any{}
		for i := 0; i+1 < len(fields); i += 2 {
			address, name := value(fields[i]), value(fields[i+1])
			if address == "" {
				continue
			}
			if name == "" {
				name = address
			}
			list = append(list, map[string]string{"address": address, "name": name})
		}
		return list
	case strings.HasSuffix(property, "Address"):
		parts := map[string]any{}
		for _, f := range fields {
			if v := value(f); v != "" {
				parts[f.place] = v
			}
		}
		return parts
	case first.place != "":
		list := []string{}
		for _, f := range fields {
			if v := value(f); v != "" && !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
		return list
	case first.kind == "list":
		return splitTexts(value(first))
	case value(first) == "":
		return nil
	case first.kind == "date":
		return value(first) + "T00:00:00Z"
	}
	return value(first)
}

func (d *desk) deleteContact() {
	if err := d.hand.delete(d.contactURL()); err != nil {
		d.problem(err)
		return
	}
	d.goTo(d.backTo("/people"), nil)
}
