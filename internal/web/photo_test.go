package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/picture"
	"tandem/internal/record"
	"tandem/internal/testkit/photos"
)

// upload sends a file as a form does, from a page of the site given.
func (b *browser) upload(path, site, name string, content []byte) answer {
	b.w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(name, `../../x".html`)
	b.w.must(err)
	_, err = part.Write(content)
	b.w.must(err)
	b.w.must(form.Close())
	req, err := http.NewRequest(http.MethodPost, b.address(path), &body)
	b.w.must(err)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Sec-Fetch-Site", site)
	return b.do(req)
}

func TestPhotosOnPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.contact("adele@contoso.example", record.Fields{record.LastName: "Silva"})
	b := w.as("adele@contoso.example")
	page := "/contacts/" + r.ID.String()
	current := func() record.Value {
		t.Helper()
		now, err := w.crm.Get(t.Context(), w.actor("adele@contoso.example"), record.Contacts, r.ID)
		w.must(err)
		return now.Fields[record.RecordImage]
	}
	if got := b.get(page + "/photo"); got.status != 404 {
		t.Errorf("no photo: %d", got.status)
	}
	png := photos.PNG(t, 1, 700, 500)
	for name, row := range map[string]struct {
		site, part string
		content    []byte
		status     int
		says       string
	}{
		"from another site":  {"cross-site", "photo", png, 403, ""},
		"a page":             {"same-origin", "photo", []byte("<script>alert(1)</script>"), 422, "no photo that can be read"},
		"an SVG":             {"same-origin", "photo", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), 422, "no photo that can be read"},
		"half an image":      {"same-origin", "photo", png[:len(png)/3], 422, "no photo that can be read"},
		"11 MB":              {"same-origin", "photo", make([]byte, 11<<20), 422, "too large"},
		"nothing":            {"same-origin", "photo", nil, 422, "Choose a file first"},
		"under another name": {"same-origin", "image", png, 422, "Choose a file first"},
	} {
		got := b.upload(page+"/photo", row.site, row.part, row.content)
		if got.status != row.status || !strings.Contains(got.text(), row.says) || current() != "" {
			t.Errorf("%s: %d, %q", name, got.status, got.text())
		}
	}
	if got := b.post(page+"/photo", "photo", "text"); got.status != 422 {
		t.Errorf("no file at all: %d", got.status)
	}
	if got := b.post(page, "version", "1", "Last_Name", "Silva", "Record_Image", "sha256:"+strings.Repeat("a", 64)); got.status != 200 || current() != "" {
		t.Errorf("a photo by its name: %d, %q", got.status, current())
	}

	if got := b.upload(page+"/photo", "same-origin", "photo", append(png, "<script>alert(1)</script>"...)); got.status != 200 || !strings.Contains(got.text(), "Silva has a new photo.") {
		t.Fatalf("%d %s", got.status, got.text())
	}
	hash, ok := picture.Hash(current())
	if !ok {
		t.Fatalf("the contact's photo is %q", current())
	}
	for address, cached := range map[string]string{"?is=" + hash[:16]: "private, max-age=31536000, immutable", "?is=" + hash[:16] + "&size=small": "private, max-age=31536000, immutable", "": "private, no-cache", "?is=other": "private, no-cache"} {
		got := b.get(page + "/photo" + address)
		h := got.header
		if got.status != 200 || h.Get("Content-Type") != "image/jpeg" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != cached ||
			!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || strings.Contains(got.body, "<script") {
			t.Errorf("%q: %d %v", address, got.status, h)
		}
	}
	if small := b.get(page + "/photo?size=small"); len(small.body) > 20_000 {
		t.Errorf("a photo for lists has %d bytes", len(small.body))
	}
	for _, where := range []string{page, "/contacts", "/"} {
		if got := b.get(where); !strings.Contains(got.body, page+"/photo?is="+hash[:16]) {
			t.Errorf("%s does not show it", where)
		}
	}
	// Who may not see the contact does not see its photo; who may not change it neither sets nor takes it off.
	for _, upn := range []string{"alex@contoso.example"} {
		other := w.as(upn)
		if got := other.get(page + "/photo"); got.status != 404 {
			t.Errorf("%s sees it: %d", upn, got.status)
		}
		if got := other.upload(page+"/photo", "same-origin", "photo", png); got.status != 404 {
			t.Errorf("%s sets it: %d", upn, got.status)
		}
		if got := other.post(page + "/photo/remove"); got.status != 404 || current() == "" {
			t.Errorf("%s removes it: %d", upn, got.status)
		}
	}
	if got := b.post(page + "/photo/remove"); got.status != 200 || current() != "" || strings.Contains(got.body, "/photo?is=") {
		t.Errorf("removed: %d, %q", got.status, current())
	}
}

// The photo and its form, narrow and wide.
func TestPhotosInABrowser(t *testing.T) {
	w := newWorld(t)
	r := w.contact("adele@contoso.example", record.Fields{record.FirstName: "Ana", record.LastName: "Silva", record.Title: "CEO"})
	_, err := w.crm.SetPicture(t.Context(), w.actor("adele@contoso.example"), r.ID, photos.PNG(t, 1, 300, 400))
	w.must(err)
	b := chrome(t)
	b.signIn(w, "adele@contoso.example")
	for name, width := range map[string]int64{"wide": 1280, "narrow": 360} {
		for at, address := range map[string]string{"contact": "/contacts/" + r.ID.String(), "list": "/contacts", "home": "/"} {
			b.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(w.url+address))
			b.until("the photo is shown at "+address, `(() => { const i = document.querySelector('img.disc'); return i && i.complete && i.naturalWidth > 50 && Math.abs(i.offsetWidth - i.offsetHeight) < 2 })()`)
			b.until("nothing sticks out", `document.documentElement.scrollWidth <= innerWidth`)
			b.shot("photo-" + at + "-" + name)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		t.Errorf("the browser complains: %q", b.complaints)
	}
}
