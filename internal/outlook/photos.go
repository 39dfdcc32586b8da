package outlook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/picture"
	"tandem/internal/record"
)

// A contact's photo is no property of the contact: it has an address of its own, delta does not tell of it, Exchange may
// encode it anew, and there is no request that takes it off (reference §7; profilephoto: "not Outlook contact").

// photoField is the photo among Microsoft's fields.
const photoField record.Field = "photo"

// notOurs begins the value of a photo that is no picture to us, such as one of a format that we don't read. It stays at
// Microsoft (mapping.UnfitForCRM).
const notOurs = "other:"

// An Album keeps the pictures of one user's contacts. Bytes that came from Microsoft go by their hash in hex: their form.
type Album interface {
	// Known tells which pictures forms are; those that nobody has seen are absent.
	Known(ctx context.Context, forms []string) (map[string]record.Value, error)
	// Keep keeps pictures, by the forms in which they came.
	Keep(ctx context.Context, byForm map[string][]byte) error
	// Same notes which pictures forms are, and that those of the items have been seen: they are no longer on their way.
	Same(ctx context.Context, forms map[string]record.Value, items []record.Ref) error
	// Bytes are kept pictures; those that are not kept are absent.
	Bytes(ctx context.Context, values []record.Value) (map[record.Value][]byte, error)
	// Sending notes which pictures items are about to be given. Sendings are those noted and not yet seen.
	Sending(ctx context.Context, items map[record.Ref]record.Value) error
	Sendings(ctx context.Context, items []record.Ref) (map[record.Ref]record.Value, error)
}

// WithPhotos lets the side take part in photos. Without an album it has none.
func (c *Contacts) WithPhotos(a Album) *Contacts {
	c.album = a
	return c
}

func (c *Contacts) photo(ref record.Ref) string {
	return c.box.Path("contacts", string(ref), "photo", "$value")
}

// Pictures reads the photos of contacts, twenty in a request.
func (c *Contacts) Pictures(ctx context.Context, refs []record.Ref) (out map[record.Ref]record.Fields, err error) {
	defer fault.Wrap(&err, "outlook: photos of contacts")
	if c.album == nil {
		return nil, nil
	}
	out = make(map[record.Ref]record.Fields, len(refs))
	for some := range slices.Chunk(refs, graph.BatchSize) { // not all at once in memory
		parts := make([]graph.Part, len(some))
		for i, ref := range some {
			parts[i] = graph.Part{Method: http.MethodGet, Path: c.photo(ref), Binary: true}
		}
		results, err := c.box.Batch(ctx, parts)
		if err != nil {
			return nil, err
		}
		seen := make(map[record.Ref][]byte, len(some))
		for i, r := range results {
			switch {
			case r.Err == nil:
				seen[some[i]] = r.Body
			case fault.Is(r.Err, fault.NotFound): // the contact has been read: what is missing is the photo
				out[some[i]] = record.Fields{photoField: ""}
			case linkWide(r.Err, true):
				return nil, r.Err
			}
		}
		values, err := c.recognize(ctx, seen)
		if err != nil {
			return nil, err
		}
		for ref, v := range values {
			out[ref] = record.Fields{photoField: v}
		}
	}
	return out, nil
}

// recognize tells which pictures the photos of items are, and keeps those that are new. What is on its way to an item, and
// looks like what the item has, is that.
func (c *Contacts) recognize(ctx context.Context, seen map[record.Ref][]byte) (map[record.Ref]record.Value, error) {
	out := make(map[record.Ref]record.Value, len(seen))
	forms := make(map[record.Ref]string, len(seen))
	for ref, raw := range seen {
		if len(raw) == 0 {
			out[ref] = ""
			continue
		}
		sum := sha256.Sum256(raw)
		forms[ref] = hex.EncodeToString(sum[:])
	}
	known, err := c.album.Known(ctx, slices.Collect(maps.Values(forms)))
	if err != nil {
		return nil, err
	}
	var strange []record.Ref
	for ref, form := range forms {
		if v, ok := known[form]; ok {
			out[ref] = v
		} else {
			strange = append(strange, ref)
		}
	}
	if len(strange) == 0 {
		return out, nil
	}
	slices.Sort(strange)
	sendings, err := c.album.Sendings(ctx, strange)
	if err != nil {
		return nil, err
	}
	sent, err := c.album.Bytes(ctx, slices.Collect(maps.Values(sendings)))
	if err != nil {
		return nil, err
	}
	fresh, same, arrived := map[string][]byte{}, map[string]record.Value{}, []record.Ref(nil)
	for _, ref := range strange {
		form, raw := forms[ref], seen[ref]
		if bytes, ok := sent[sendings[ref]]; ok && picture.Alike(raw, bytes) {
			out[ref], same[form], arrived = sendings[ref], sendings[ref], append(arrived, ref)
			continue
		}
		kept, err := picture.Normalize(raw)
		if err != nil {
			out[ref] = record.Value(notOurs + form)
			continue
		}
		out[ref], fresh[form] = picture.Value(kept), kept
	}
	if len(fresh) > 0 {
		if err := c.album.Keep(ctx, fresh); err != nil {
			return nil, err
		}
	}
	return out, c.album.Same(ctx, same, arrived)
}

// sendPhotos puts photos on contacts that have just been written. One that does not arrive is the fault of its contact, of
// which the rest stands: likewise all of them if the writes were cut off.
func (c *Contacts) sendPhotos(ctx context.Context, jobs []job[graph.Contact], cut error) error {
	due := map[record.Ref]*job[graph.Contact]{}
	sending := map[record.Ref]record.Value{}
	for i := range jobs {
		j := &jobs[i]
		if v := j.Fields[photoField]; v != "" && j.out.Err == nil && j.after != nil {
			due[j.out.Ref], sending[j.out.Ref] = j, v
		}
	}
	switch {
	case cut != nil:
		return c.unsent(due, cut)
	case len(due) == 0:
		return nil
	case c.album == nil:
		return unknownField(photoField)
	}
	if err := c.album.Sending(ctx, sending); err != nil {
		return c.unsent(due, err)
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(due)), graph.BatchSize) {
		if err := c.putPhotos(ctx, some, due); err != nil {
			return c.unsent(due, err)
		}
	}
	return nil
}

// unsent gives the photos that have not been put their fault. It returns err.
func (c *Contacts) unsent(due map[record.Ref]*job[graph.Contact], err error) error {
	for _, j := range due {
		if j.out.Err == nil {
			j.out.Err = fault.New(fault.KindOf(err), fault.ReasonOf(err), "outlook: the photo was not sent: %w", err)
		}
	}
	return err
}

// putPhotos puts some photos, and looks what has become of them. Those that are done leave due.
func (c *Contacts) putPhotos(ctx context.Context, refs []record.Ref, due map[record.Ref]*job[graph.Contact]) error {
	values := make([]record.Value, len(refs))
	for i, ref := range refs {
		values[i] = due[ref].Fields[photoField]
	}
	bytes, err := c.album.Bytes(ctx, values)
	if err != nil {
		return err
	}
	var parts []graph.Part
	var of []*job[graph.Contact]
	for i, ref := range refs {
		raw, kept := bytes[values[i]]
		if !kept {
			due[ref].out.Err = fault.Wrong(fault.BadValue, string(photoField), "outlook: there is no picture %s", values[i])
			continue
		}
		parts = append(parts, graph.Part{
			Method: http.MethodPut, Path: c.photo(ref), Content: picture.ContentType, Body: raw,
			Repeatable: true, // the same photo twice is one
		})
		of = append(of, due[ref])
	}
	results, err := c.box.Batch(ctx, parts)
	var put []*job[graph.Contact]
	for i, r := range results {
		switch {
		case r.Err == nil && r.Status != 0:
			delete(due, of[i].out.Ref)
			put = append(put, of[i])
		case r.Err != nil:
			of[i].out.Err = r.Err
			if err == nil && linkWide(r.Err, true) {
				err = r.Err
			}
		}
	}
	if err != nil {
		return err // what was put is seen when its contact is next read
	}
	return c.seePhotos(ctx, put)
}

// seePhotos looks at contacts whose photos were put: Exchange may have made another image of a photo, and another version
// of its contact. That version is taken only if nobody has changed anything else about the contact meanwhile, nor put another photo
// there: so the photos are looked at after the versions. What cannot be seen now is seen when the contact is next read.
func (c *Contacts) seePhotos(ctx context.Context, put []*job[graph.Contact]) error {
	contacts, photos := make([]graph.Part, len(put)), make([]graph.Part, len(put))
	for i, j := range put {
		contacts[i] = graph.Get(c.address(j.out.Ref)+c.question(), c.prefer())
		photos[i] = graph.Part{Method: http.MethodGet, Path: c.photo(j.out.Ref), Binary: true}
	}
	versions, err := c.box.Batch(ctx, contacts)
	var results []graph.Result
	if err == nil {
		results, err = c.box.Batch(ctx, photos)
	}
	if err != nil {
		if linkWide(err, true) {
			return err
		}
		return nil
	}
	seen := map[record.Ref][]byte{}
	for i, j := range put {
		if results[i].Err == nil {
			seen[j.out.Ref] = results[i].Body
		}
	}
	values, err := c.recognize(ctx, seen)
	for i, j := range put {
		var now graph.Contact
		if versions[i].Err == nil && graph.Decode(versions[i].Body, &now) == nil && now.ParentFolderID == j.after.ParentFolderID &&
			maps.Equal(contactFields(&now), contactFields(j.after)) && values[j.out.Ref] == j.Fields[photoField] {
			j.out.Version = record.Version(now.Version())
		}
	}
	return err
}
