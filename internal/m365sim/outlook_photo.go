package m365sim

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// photoPage is a contact's photo alone.
func (d *desk) photoPage() {
	status, kind, photo := d.hand.actor.Raw(http.MethodGet, d.contactURL()+"/photo/$value", nil)
	if status != http.StatusOK {
		http.NotFound(d.w, d.r)
		return
	}
	h := d.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(photo)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = d.w.Write(photo) // whoever asked may have gone
}

// savePhoto puts an uploaded photo on a contact, or takes the one it has off. Graph has no request for the latter; in
// Outlook it is a button.
func (d *desk) savePhoto() {
	d.r.Body = http.MaxBytesReader(d.w, d.r.Body, maxBody)
	file, _, err := d.r.FormFile("photo")
	if err != nil {
		d.problem(&handError{status: http.StatusBadRequest, message: "Choose a photo of at most 4 MB first."})
		return
	}
	defer file.Close()
	photo, err := io.ReadAll(file)
	if err != nil {
		d.problem(&handError{status: http.StatusBadRequest, message: "Choose a photo of at most 4 MB first."})
		return
	}
	if _, err := d.hand.do(http.MethodPut, d.contactURL()+"/photo/$value", photo); err != nil {
		d.problem(err)
		return
	}
	d.goTo(d.path+"/contacts/"+url.PathEscape(d.r.PathValue("id")), nil)
}

func (d *desk) removePhoto() {
	if err := d.s.Mailbox(d.person.ID).SetPhoto(d.r.PathValue("id"), nil); err != nil {
		d.problem(&handError{status: http.StatusNotFound, message: "It is gone."})
		return
	}
	d.goTo(d.path+"/contacts/"+url.PathEscape(d.r.PathValue("id")), nil)
}
