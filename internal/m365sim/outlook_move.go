package m365sim

import (
	"net/http"
	"net/url"
	"strings"
)

// moveItem takes an event to another calendar or a contact to another folder, or puts a copy there. Graph has
// no request for it; in Outlook it is a drag of the mouse.
func (d *desk) moveItem() {
	section, name := "/calendar", "cal"
	if strings.Contains(d.r.URL.Path, "/contacts/") {
		section, name = "/people", "folder"
	}
	folder := d.r.PostForm.Get("folder")
	if folder == defaultFolderID {
		folder = ""
	}
	box, id := d.s.Mailbox(d.person.ID), d.r.PathValue("id")
	var err error
	if d.r.PostForm.Get("do") == "copy" {
		id, err = box.Copy(id)
	}
	if err == nil {
		_, err = box.Move(id, folder)
	}
	if err != nil {
		d.problem(&handError{status: http.StatusBadRequest, message: "One occurrence cannot leave its series. Move the whole series."})
		return
	}
	d.goTo(d.path+section, url.Values{name: {d.r.PostForm.Get("folder")}})
}
