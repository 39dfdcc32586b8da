package m365sim

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// contactsShown is how many contacts a page of the list holds.
const contactsShown = 100

// defaultFolderID stands for the folder that Graph does not list: the one behind /me/contacts.
const defaultFolderID = "default"

type peoplePage struct {
	layout
	Problem         string
	Folders         []folderLink
	Selected        folderLink
	Query           string
	Rows            []contactRow
	Total           int
	Prev, Next      string
	NewContact      string
	Live            string
	NewName, Rename string
}

type contactRow struct {
	Path, Name, Initials string
	Mail, Phone          string
	Company, Job         string
	Categories           []string
}

// contactFolders lists the default folder and the others.
func (d *desk) contactFolders() ([]folderLink, *handError) {
	link := func(id string) string { return d.path + "/people?" + url.Values{"folder": {id}}.Encode() }
	list := []folderLink{{ID: defaultFolderID, Name: d.lang.say("Contacts"), Path: link(defaultFolderID), Default: true}}
	err := d.hand.each("/me/contactFolders?$top=100", func(f gjson.Result) {
		id := f.Get("id").Str
		list = append(list, folderLink{ID: id, Name: f.Get("displayName").Str, Path: link(id), Swatch: len(list) % 6})
	})
	return list, err
}

// contactsURL is where the contacts of a folder are.
func contactsURL(folder string) string {
	if folder == "" || folder == defaultFolderID {
		return "/me/contacts"
	}
	return "/me/contactFolders/" + url.PathEscape(folder) + "/contacts"
}

func (d *desk) peoplePage() { d.showPeople(200, peoplePage{}) }

// showPeople renders one page of a folder, or what a search finds in it.
func (d *desk) showPeople(status int, view peoplePage) {
	q := d.r.URL.Query()
	view.layout = d.layout("People", "people")
	if d.r.Method == "POST" {
		view.Other = d.path + "/people?lang=" + string(otherLocale(view.Lang))
	}
	var err *handError
	if view.Folders, err = d.contactFolders(); err != nil {
		d.problem(err)
		return
	}
	id := q.Get("folder")
	if given := d.r.PathValue("id"); given != "" {
		id = given
	}
	view.Selected = choose(view.Folders, id)
	view.Query = strings.TrimSpace(q.Get("q"))
	view.Live = d.path + "/live"
	view.NewContact = d.path + "/contacts/new?" + url.Values{"folder": {view.Selected.ID}}.Encode()
	skip, _ := strconv.Atoi(q.Get("skip")) // anything else is the beginning
	skip = max(skip, 0)
	if err = d.fillPeople(&view, skip); err != nil {
		d.problem(err)
		return
	}
	link := func(at int) string {
		return d.path + "/people?" + url.Values{"folder": {view.Selected.ID}, "q": {view.Query}, "skip": {strconv.Itoa(at)}}.Encode()
	}
	if skip > 0 {
		view.Prev = link(max(skip-contactsShown, 0))
	}
	if skip+len(view.Rows) < view.Total {
		view.Next = link(skip + contactsShown)
	}
	render(d.w, d.r, status, "people", view)
}

// fillPeople fetches the rows. A search looks at every contact of the folder, as Outlook's own does.
func (d *desk) fillPeople(view *peoplePage, skip int) *handError {
	back := url.Values{"back": {d.r.URL.RequestURI()}}
	options := url.Values{"$orderby": {"displayName"},
		"$select": {"id,displayName,emailAddresses,mobilePhone,businessPhones,homePhones,companyName,jobTitle,categories"}}
	if view.Query != "" {
		options.Set("$top", "999")
		words := strings.Fields(strings.ToLower(view.Query))
		return d.hand.each(contactsURL(view.Selected.ID)+"?"+options.Encode(), func(c gjson.Result) {
			text := strings.ToLower(c.Raw)
			for _, word := range words {
				if !strings.Contains(text, word) {
					return
				}
			}
			if view.Total >= skip && len(view.Rows) < contactsShown {
				view.Rows = append(view.Rows, d.contactRow(c, back))
			}
			view.Total++
		})
	}
	options.Set("$top", strconv.Itoa(contactsShown))
	options.Set("$skip", strconv.Itoa(skip))
	options.Set("$count", "true")
	answer, err := d.hand.get(contactsURL(view.Selected.ID) + "?" + options.Encode())
	if err != nil {
		return err
	}
	view.Total = int(answer.Get("@odata\\.count").Int())
	for _, c := range answer.Get("value").Array() {
		view.Rows = append(view.Rows, d.contactRow(c, back))
	}
	return nil
}

func (d *desk) contactRow(c gjson.Result, back url.Values) contactRow {
	row := contactRow{
		Path: d.path + "/contacts/" + url.PathEscape(c.Get("id").Str) + "?" + back.Encode(),
		Name: c.Get("displayName").Str, Mail: c.Get("emailAddresses.0.address").Str,
		Company: c.Get("companyName").Str, Job: c.Get("jobTitle").Str,
	}
	for _, path := range []string{"mobilePhone", "businessPhones.0", "homePhones.0"} {
		if row.Phone == "" {
			row.Phone = c.Get(path).Str
		}
	}
	if row.Name == "" {
		row.Name = d.lang.say("(no name)")
	}
	row.Initials = initials(row.Name)
	for _, name := range c.Get("categories").Array() {
		row.Categories = append(row.Categories, name.Str)
	}
	return row
}

func (d *desk) createFolder() {
	name := strings.TrimSpace(d.r.PostForm.Get("name"))
	made, err := d.hand.post("/me/contactFolders", map[string]any{"displayName": name})
	if err != nil {
		d.showPeople(err.status, peoplePage{Problem: err.Error(), NewName: name})
		return
	}
	d.goTo(d.path+"/people", url.Values{"folder": {made.Get("id").Str}})
}

func (d *desk) renameFolder() {
	id, name := d.r.PathValue("id"), strings.TrimSpace(d.r.PostForm.Get("name"))
	if _, err := d.hand.patch("/me/contactFolders/"+url.PathEscape(id), map[string]any{"displayName": name}); err != nil {
		d.showPeople(err.status, peoplePage{Problem: err.Error(), Rename: name})
		return
	}
	d.goTo(d.path+"/people", url.Values{"folder": {id}})
}

func (d *desk) deleteFolder() {
	if err := d.hand.delete("/me/contactFolders/" + url.PathEscape(d.r.PathValue("id"))); err != nil {
		d.showPeople(err.status, peoplePage{Problem: err.Error()})
		return
	}
	d.goTo(d.path+"/people", nil)
}
