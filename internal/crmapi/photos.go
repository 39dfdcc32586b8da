package crmapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/picture"
	"tandem/internal/record"
)

// A contact's photo has an address of its own, as at Zoho: uploaded as the part "file" of a form, told as an image.

// photographed refuses modules whose records have no photo.
func (c *call) photographed() (record.ID, error) {
	if c.module.kind != record.Contacts {
		return 0, problem{status: http.StatusBadRequest, code: "NOT_SUPPORTED", message: "the module does not support photos"}
	}
	id, ok := record.ParseID(c.args["id"])
	if !ok {
		return 0, fault.New(fault.NotFound, "", "crmapi: %q is not an id", c.args["id"])
	}
	return id, nil
}

// photo answers GET /Contacts/{id}/photo: a JPEG, or 204 where there is none.
func (c *call) photo() error {
	id, err := c.photographed()
	if err != nil {
		return err
	}
	if _, err := c.stored(); err != nil {
		return err
	}
	image, name, err := c.CRM.Picture(c.r.Context(), c.actor, id)
	if fault.Is(err, fault.NotFound) { // the contact is there: it has none
		return c.empty(http.StatusNoContent)
	}
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", picture.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(image)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", `attachment; filename="photo.jpg"`)
	h.Set("ETag", strconv.Quote(string(name)))
	_, err = c.w.Write(image)
	return err
}

// setPhoto answers POST /Contacts/{id}/photo.
func (c *call) setPhoto() error {
	id, err := c.photographed()
	if err != nil {
		return err
	}
	if _, err := c.stored(); err != nil { // before anything large is read
		return err
	}
	raw, err := c.upload()
	if err != nil {
		return err
	}
	if _, err := c.CRM.SetPicture(c.r.Context(), c.actor, id, raw); err != nil {
		return err
	}
	return c.answer(http.StatusOK, done("photo uploaded successfully"))
}

// upload reads the part "file" of a form, no further than a picture may be long.
func (c *call) upload() ([]byte, error) {
	form, err := c.r.MultipartReader()
	if err != nil {
		return nil, problem{status: http.StatusBadRequest, code: "INVALID_REQUEST", message: "a form with the part file is expected"}
	}
	for {
		part, err := form.NextPart()
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, errTooLarge
		}
		if err != nil {
			return nil, problem{status: http.StatusBadRequest, code: "REQUIRED_PARAM_MISSING", message: "the part file is missing",
				details: object{"param_name": "file"}}
		}
		if part.FormName() != "file" {
			continue
		}
		raw, err := io.ReadAll(io.LimitReader(part, picture.MaxBytes+1))
		if err != nil {
			return nil, problem{status: http.StatusBadRequest, code: "INVALID_REQUEST", message: "the file could not be read"}
		}
		return raw, nil
	}
}

// removePhoto answers DELETE /Contacts/{id}/photo.
func (c *call) removePhoto() error {
	id, err := c.photographed()
	if err != nil {
		return err
	}
	if _, err := c.CRM.RemovePicture(c.r.Context(), c.actor, id); err != nil {
		return err
	}
	return c.answer(http.StatusOK, done("Photo deleted"))
}

func done(message string) object {
	return object{"code": "SUCCESS", "details": object{}, "message": message, "status": "success"}
}
