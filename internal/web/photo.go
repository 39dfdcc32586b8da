package web

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/picture"
	"tandem/internal/record"
)

// thumb is how many pixels a photo has in lists, for screens with two or three to a point.
const thumb = 120

// photoURL is where a contact's photo is; "" of one that has none. The address is another one for another photo, so that a
// browser may keep what it got.
func photoURL(r crm.Record, size string) string {
	hash, ok := picture.Hash(r.Fields[record.RecordImage])
	if !ok {
		return ""
	}
	address := "/contacts/" + r.ID.String() + "/photo?is=" + hash[:16]
	if size != "" {
		address += "&size=" + size
	}
	return address
}

// contactPhoto is the photo alone, for whoever may see the contact.
func (s *Site) contactPhoto(v *visit) error {
	if err := v.needs(record.Contacts, viewing); err != nil {
		return err
	}
	id, err := v.id()
	if err != nil {
		return err
	}
	image, name, err := s.Records.Picture(v.ctx(), v.actor(), id)
	if err != nil {
		return err
	}
	asked := v.r.URL.Query()
	if asked.Get("size") == "small" {
		if image, err = picture.Thumbnail(image, thumb); err != nil {
			return err
		}
	}
	h := v.w.Header()
	h.Set("Content-Type", picture.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(image)))
	h.Set("Content-Disposition", `inline; filename="photo.jpg"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-cache")
	if hash, _ := picture.Hash(name); asked.Get("is") == hash[:16] {
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	_, err = v.w.Write(image)
	return err
}

// contactPhotoSet takes an uploaded photo. The form has one file and nothing else.
func (s *Site) contactPhotoSet(v *visit) error {
	r, err := s.toEdit(v, record.Contacts)
	if err != nil {
		return err
	}
	raw, err := v.upload("photo")
	if err == nil {
		_, err = s.Records.SetPicture(v.ctx(), v.actor(), r.ID, raw)
	}
	if fault.Is(err, fault.Invalid) {
		why := v.words.T("photo.wrong")
		switch fault.ReasonOf(err) {
		case fault.TooLong:
			why = v.words.T("photo.too_large")
		case fault.Mandatory:
			why = v.words.T("photo.none_chosen")
		}
		return s.contactForm(v, http.StatusUnprocessableEntity, r, nil, fieldErrors{string(record.RecordImage): why})
	}
	if err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.photo_set", Name: contactName(v.words, r)})
	return v.to("/contacts/" + r.ID.String())
}

// contactPhotoRemove takes the photo off a contact.
func (s *Site) contactPhotoRemove(v *visit) error {
	r, err := s.toEdit(v, record.Contacts)
	if err != nil {
		return err
	}
	if _, err := s.Records.RemovePicture(v.ctx(), v.actor(), r.ID); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.photo_removed", Name: contactName(v.words, r)})
	return v.to("/contacts/" + r.ID.String())
}

// upload reads the file that a form has under a name, no further than a picture may be long. Invalid: TooLong; Mandatory,
// where no file was chosen; BadValue, where it is no such form.
func (v *visit) upload(name string) ([]byte, error) {
	const around = 64 << 10 // what a form has beside its file
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, picture.MaxBytes+around)
	tooLong := fault.Wrong(fault.TooLong, name, "web: the file is longer than %d bytes", picture.MaxBytes)
	if v.r.ContentLength > picture.MaxBytes+around {
		return nil, tooLong
	}
	form, err := v.r.MultipartReader()
	if err != nil {
		return nil, fault.Wrong(fault.BadValue, name, "web: no form with a file: %s", err)
	}
	for {
		part, err := form.NextPart()
		if err == nil && part.FormName() != name {
			continue
		}
		var raw []byte
		if err == nil {
			raw, err = io.ReadAll(part)
		}
		limit := new(http.MaxBytesError)
		switch {
		case errors.As(err, &limit) || len(raw) > picture.MaxBytes:
			return nil, tooLong
		case errors.Is(err, io.EOF), err == nil && len(raw) == 0:
			return nil, fault.Wrong(fault.Mandatory, name, "web: no file was chosen")
		case err != nil:
			return nil, fault.Wrong(fault.BadValue, name, "web: the file cannot be read: %s", err)
		}
		return raw, nil
	}
}
