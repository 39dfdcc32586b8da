package m365sim

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // a photo may be sent as PNG
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Photos (fact sheet §7): a navigation property, so a new one is no change that delta tells of, unless PhotoIsChange. An
// app can put one on a contact and not take it off: "The delete operation supports only user or group photos, but not
// Outlook contact" (profilephoto.md).

func (c *call) getPhoto() *graphError {
	it, err := c.photographed()
	if err != nil {
		return err
	}
	if it.photo == nil {
		return errNoPhoto
	}
	width, height := 1, 1
	if size, _, unreadable := image.DecodeConfig(bytes.NewReader(it.photo)); unreadable == nil {
		width, height = size.Width, size.Height
	}
	b := c.context(c.out, "contacts/photo/$entity")
	b = appendTextMember(b, "id", strconv.Itoa(width)+"X"+strconv.Itoa(height))
	b = strconv.AppendInt(appendKey(b, "height"), int64(height), 10)
	b = strconv.AppendInt(appendKey(b, "width"), int64(width), 10)
	c.out = append(b, '}')
	return nil
}

var (
	errNoPhoto    = newGraphError(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store., The photo was not found.")
	errPhotoStays = badRequest("ErrorInvalidRequest", "The OData request is not supported.")
)

func (c *call) photographed() (*item, *graphError) {
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	return c.contact()
}

func (c *call) getPhotoValue() *graphError {
	it, err := c.photographed()
	if err != nil {
		return err
	}
	if it.photo == nil {
		return errNoPhoto
	}
	c.contentType = "image/jpeg"
	c.out = append(c.out, it.photo...)
	return nil
}

func (c *call) putPhoto() *graphError {
	if !slices.Contains([]string{"image/jpeg", "image/png"}, strings.ToLower(c.header("Content-Type"))) || c.body == "" {
		return badRequest("ErrorInvalidImage", "A photo is a JPEG image.")
	}
	photo := []byte(c.body)
	if c.s.warts.Load().RecodePhotos {
		var err *graphError
		if photo, err = recoded(photo); err != nil {
			return err
		}
	}
	c.box.mu.Lock()
	old, err := c.contact()
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	changed := c.box.photograph(old, photo, c.s.warts.Load().PhotoIsChange)
	c.box.mu.Unlock()
	if changed != nil {
		c.box.announce(changed, changeUpdated)
	}
	return nil
}

// photograph puts a photo on a contact, or takes it off, and returns the contact if that is a change of it. The caller
// holds mu.
func (box *mailbox) photograph(old *item, photo []byte, change bool) (changed *item) {
	it := *old
	it.photo = photo
	if !change {
		box.items[it.n-1] = &it
		return nil
	}
	box.replace(&it)
	return &it
}

func (c *call) deletePhoto() *graphError {
	if _, err := c.photographed(); err != nil {
		return err
	}
	return errPhotoStays
}

// recoded is an image encoded anew, half as wide and high if it is larger than Exchange keeps it.
func recoded(photo []byte) ([]byte, *graphError) {
	img, _, err := image.Decode(bytes.NewReader(photo))
	if err != nil {
		return nil, badRequest("ErrorInvalidImage", "The image cannot be read.")
	}
	const most, quality = 360, 70
	for img.Bounds().Dx() > most || img.Bounds().Dy() > most {
		img = halved(img)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, badRequest("ErrorInvalidImage", "The image cannot be written.")
	}
	return out.Bytes(), nil
}

func halved(img image.Image) image.Image {
	from := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, max(1, from.Dx()/2), max(1, from.Dy()/2)))
	for y := range out.Bounds().Dy() {
		for x := range out.Bounds().Dx() {
			var r, g, b uint32
			for i := range 4 {
				pr, pg, pb, _ := img.At(min(from.Min.X+2*x+i%2, from.Max.X-1), min(from.Min.Y+2*y+i/2, from.Max.Y-1)).RGBA()
				r, g, b = r+pr>>8, g+pg>>8, b+pb>>8
			}
			out.SetRGBA(x, y, color.RGBA{uint8(r / 4), uint8(g / 4), uint8(b / 4), 255})
		}
	}
	return out
}

// SetPhoto puts a photo on a contact, or takes it off (nil), as a person does in Outlook.
func (m *Mailbox) SetPhoto(id string, photo []byte) error {
	m.box.mu.Lock()
	it, err := m.get(id)
	if err != nil {
		m.box.mu.Unlock()
		return err
	}
	changed := m.box.photograph(it, photo, m.actor.s.warts.Load().PhotoIsChange)
	m.box.mu.Unlock()
	if changed != nil {
		m.box.announce(changed, changeUpdated)
	}
	return nil
}

// Photo is the photo of a contact; nil when it has none.
func (m *Mailbox) Photo(id string) ([]byte, error) {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	it, err := m.get(id)
	if err != nil {
		return nil, err
	}
	return it.photo, nil
}
