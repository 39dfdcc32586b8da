package crm

import (
	"context"

	"tandem/internal/fault"
	"tandem/internal/picture"
	"tandem/internal/record"
)

// Pictures keep the bytes of pictures, each once in an organization. What a record, or the memory of a sync, names stays.
type Pictures interface {
	// Keep keeps a picture (in the form of picture.Normalize) and names it.
	Keep(ctx context.Context, org record.ID, kept []byte) (record.Value, error)
	// Picture is a picture's bytes. NotFound: the organization keeps none of that name.
	Picture(ctx context.Context, org record.ID, v record.Value) ([]byte, error)
}

// WithPictures gives the CRM the place where it keeps pictures.
func (c *CRM) WithPictures(p Pictures) *CRM {
	c.pictures = p
	return c
}

// Picture is the picture of a contact and its name. NotFound: there is no such contact for this actor, or it has none.
func (c *CRM) Picture(ctx context.Context, a Actor, id record.ID) (kept []byte, name record.Value, err error) {
	r, err := c.Get(ctx, a, record.Contacts, id)
	if err != nil {
		return nil, "", err
	}
	name = r.Fields[record.RecordImage]
	if name == "" {
		return nil, "", fault.New(fault.NotFound, "", "crm: contact %s has no picture", id)
	}
	kept, err = c.pictures.Picture(ctx, a.Org, name)
	return kept, name, err
}

// SetPicture gives a contact a picture: an image of a common format, as it comes. Invalid: it is none, or too large.
func (c *CRM) SetPicture(ctx context.Context, a Actor, id record.ID, raw []byte) (_ Record, err error) {
	defer fault.Wrap(&err, "crm: give contact %s a picture", id)
	r, err := c.Get(ctx, a, record.Contacts, id)
	if err != nil {
		return Record{}, err
	}
	if !a.Edits(r) {
		return Record{}, forbidden("change", record.Contacts)
	}
	kept, err := picture.Normalize(raw)
	if err != nil {
		return Record{}, err
	}
	name, err := c.pictures.Keep(ctx, a.Org, kept)
	if err != nil {
		return Record{}, err
	}
	return c.namePicture(ctx, a, id, name)
}

// TakePicture gives a contact a picture that the organization has: one that it had before. NotFound: it is gone.
func (c *CRM) TakePicture(ctx context.Context, a Actor, id record.ID, name record.Value) (_ Record, err error) {
	defer fault.Wrap(&err, "crm: give contact %s a former picture", id)
	if name != "" {
		if _, err := c.pictures.Picture(ctx, a.Org, name); err != nil {
			return Record{}, err
		}
	}
	return c.namePicture(ctx, a, id, name)
}

// RemovePicture takes the picture off a contact. Doing it twice is no fault.
func (c *CRM) RemovePicture(ctx context.Context, a Actor, id record.ID) (Record, error) {
	return c.namePicture(ctx, a, id, "")
}

func (c *CRM) namePicture(ctx context.Context, a Actor, id record.ID, name record.Value) (Record, error) {
	results, err := c.change(ctx, a, record.Contacts, []Draft{{ID: id}}, Actor.Edits, func(_ Draft, r *Record) (bool, error) {
		if r.Deleted() {
			return false, missing(record.Contacts, r.ID)
		}
		different := r.Fields[record.RecordImage] != name
		r.Fields = r.Fields.With(record.Fields{record.RecordImage: name})
		return different, nil
	})
	if err != nil {
		return Record{}, err
	}
	return results[0].Record, results[0].Err
}

func asImage(_ record.Def, text string) (record.Value, bool) {
	_, ok := picture.Hash(record.Value(text))
	return record.Value(text), ok
}
