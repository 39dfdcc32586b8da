package m365sim

import (
	"net/http"
	"net/url"
	"strings"
)

// moveItem takes an event to another calendar or a contact to another folder, or puts a copy there. Graph has
// no request for it; in Outlook it is a drag of the mouse.
func (d *desk) moveItem() {
	chosen, id := d.r.PostForm.Get("folder"), d.r.PathValue("id")
	folder := chosen
	section, name, items := "/calendar", "cal", "/me/calendars/"+url.PathEscape(folder)+"/events/"
	if strings.Contains(d.r.URL.Path, "/contacts/") {
		if folder == defaultFolderID {
			folder = "contacts" // its well-known name
		}
		section, name, items = "/people", "folder", "/me/contactFolders/"+url.PathEscape(folder)+"/contacts/"
	}
	if err := d.place(id, folder, items); err != nil {
		d.problem(&handError{status: http.StatusBadRequest, message: "It is gone, or it is one of a series, which only the whole series can leave."})
		return
	}
	d.goTo(d.path+section, url.Values{name: {chosen}})
}

// place moves or copies one item to a folder, whose items are found below that path of Graph.
func (d *desk) place(id, folder, items string) (err error) {
	box := d.s.Mailbox(d.person.ID)
	copied := d.r.PostForm.Get("do") == "copy"
	if copied {
		if id, err = box.Copy(id); err != nil {
			return err
		}
	}
	if _, elsewhere := d.hand.get(items + url.PathEscape(id)); elsewhere == nil {
		return nil // it is there already
	}
	_, err = box.Move(id, folder)
	return err
}
