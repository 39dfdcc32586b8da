package m365sim

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/url"
	"testing"
)

func drawing(t *testing.T, side int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), 90, 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPhotosInABatchAndWarts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.want(b.do("POST", "/me/contacts", `{"givenName":"Ana"}`), 201)
	path := "/me/contacts/" + made.id() + "/photo"
	photo := drawing(t, 500)
	put := func(encoded string) string {
		return fmt.Sprintf(`{"id":"1","method":"PUT","url":"%s/$value","headers":{"Content-Type":"image/jpeg"},"body":"%s"}`, path, encoded)
	}
	for _, encoded := range []string{base64.StdEncoding.EncodeToString(photo), base64.URLEncoding.EncodeToString(photo)} {
		if a := b.want(b.do("POST", "/$batch", parts(put(encoded))), 200); a.statuses()["1"] != 200 {
			t.Fatalf("put in a batch: %s", a.raw)
		}
		if a := b.want(b.do("GET", path+"/$value"), 200); !bytes.Equal(a.raw, photo) {
			t.Error("the photo is another one")
		}
	}
	if a := b.want(b.do("POST", "/$batch", parts(put("!"))), 200); a.statuses()["1"] != 400 {
		t.Errorf("no base64: %s", a.raw)
	}
	if a := b.want(b.do("GET", path), 200); a.text("id") != "500X500" || a.at("width") != 500.0 {
		t.Errorf("metadata %s", a.raw)
	}
	for _, each := range []string{path, path + "/$value"} {
		b.want(b.outside().do("DELETE", each), 400)
	}
	version := func() string { return b.want(b.do("GET", "/me/contacts/"+made.id()), 200).text("changeKey") }
	before := version()
	b.sim.SetWarts(Warts{RecodePhotos: true})
	b.want(b.do("PUT", path+"/$value", string(photo), "Content-Type", "image/png"), 200)
	if a := b.want(b.do("GET", path), 200); a.text("id") != "250X250" || version() != before {
		t.Errorf("encoded anew: %s", a.raw)
	}
	b.want(b.do("PUT", path+"/$value", "no photo", "Content-Type", "image/png"), 400)
	b.sim.SetWarts(Warts{PhotoIsChange: true})
	b.want(b.do("PUT", path+"/$value", string(photo), "Content-Type", "image/png"), 200)
	if version() == before {
		t.Error("with the wart, a photo is a change of the contact")
	}
}

func TestOutlook_PhotoOfAContact(t *testing.T) {
	t.Parallel()
	v := visit(t)
	form := v.get(v.get(desktop + "/people").href(`id="new-contact"`))
	v.submit(form, "contact", url.Values{"surname": {"Souza"}})
	page := v.get(v.get(desktop + "/people").href("Souza"))
	address := v.base + page.url.Path
	upload := func(name string, content []byte) seen {
		t.Helper()
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile(name, "me.png")
		if err == nil {
			_, err = part.Write(content)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest("POST", address+"/photo", &body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", w.FormDataContentType())
		return v.do(req)
	}
	photo := drawing(t, 40)
	upload("photo", photo).wants(`id="photo"`)
	id := v.graph("/me/contacts").Get("value.0.id").Str
	if got, err := v.sim.Mailbox("adele@contoso.example").Photo(id); err != nil || !bytes.Equal(got, photo) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got := upload("another", photo); got.status != 400 {
		t.Errorf("no photo: %d", got.status)
	}
	v.submit(v.get(page.url.Path), "photo-remove", nil)
	if got, err := v.sim.Mailbox("adele@contoso.example").Photo(id); err != nil || got != nil {
		t.Errorf("after it was removed: %d bytes, %v", len(got), err)
	}
}
