package app_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tandem/internal/m365sim"
	"tandem/internal/picture"
	"tandem/internal/reconcile"
	"tandem/internal/testkit/photos"
)

// putPhoto uploads a photo for a contact through the API and returns the answer's status and text.
func (c *client) putPhoto(id string, image []byte) (int, string) {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "me.png")
	if err == nil {
		_, err = part.Write(image)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequest("POST", c.url+"/crm/v8/Contacts/"+id+"/photo", &body)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Zoho-oauthtoken "+c.token)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	told, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(told)
}

// setPhoto is putPhoto of an image that is taken.
func (c *client) setPhoto(id string, image []byte) {
	c.t.Helper()
	if status, told := c.putPhoto(id, image); status != 200 {
		c.t.Fatalf("a photo was refused: %d %s", status, told)
	}
}

// photo is the photo of a contact in the CRM; nil: it has none.
func (c *client) photo(id string) []byte {
	c.t.Helper()
	req, err := http.NewRequest("GET", c.url+"/crm/v8/Contacts/"+id+"/photo", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Zoho-oauthtoken "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	image, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent {
		c.t.Fatalf("a photo: %s, %v", resp.Status, err)
	}
	if len(image) == 0 {
		return nil
	}
	return image
}

// outlookPhoto is the photo of the contact with a family name in Outlook; nil: it has none.
func (c *client) outlookPhoto(surname string) []byte {
	c.t.Helper()
	item := c.items("contacts", "surname")[surname]
	if item == nil {
		return nil
	}
	photo, err := c.m365.Mailbox(c.name + "@contoso.example").Photo(item["id"].(string))
	if err != nil {
		c.t.Fatal(err)
	}
	return photo
}

// photographInOutlook puts a photo on a contact, or takes it off, as its person does.
func (c *client) photographInOutlook(surname string, photo []byte) {
	c.t.Helper()
	id := c.items("contacts", "surname")[surname]["id"].(string)
	if err := c.m365.Mailbox(c.name+"@contoso.example").SetPhoto(id, photo); err != nil {
		c.t.Fatal(err)
	}
}

// puts is how many photos were sent to Outlook; looks, how many were asked for.
func (d *demo) puts() int  { return d.asked("PUT /me/contacts/{id}/photo/$value") }
func (d *demo) looks() int { return d.asked("GET /me/contacts/{id}/photo/$value") }

func (d *demo) asked(route string) int { return d.m365.Requests().Routes[route] }

// Photos cross both ways, whatever Exchange makes of them and whether or not it calls that a change of the contact: set,
// replaced, removed. What has crossed is not sent again, nor brought back.
func TestPhotosCrossBothWays(t *testing.T) {
	t.Parallel()
	for name, warts := range map[string]m365sim.Warts{
		"kept as sent":                 {},
		"encoded anew":                 {RecodePhotos: true},
		"a change of the contact":      {PhotoIsChange: true},
		"encoded anew, and a change":   {RecodePhotos: true, PhotoIsChange: true},
		"a change, If-Match not heard": {PhotoIsChange: true, IgnoreContactIfMatch: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			d.m365.SetWarts(warts)
			adele := d.client("adele")
			// What a change in Outlook takes to be noticed: delta tells of photos only where they are changes of the contact.
			touch := func(surname string, change doc) {
				adele.editInOutlook(adele.items("contacts", "surname")[surname]["id"].(string), change)
			}
			id := adele.insert("Contacts", doc{"Last_Name": "Lima"}, doc{"Last_Name": "Plain"})[0]
			first, second, third := photos.PNG(t, 1, 900, 700), photos.JPEG(t, 2, 300, 500), photos.JPEG(t, 3, 640, 640)
			adele.setPhoto(id, first)
			adele.switchOn("contacts")
			d.eventually("the photo is in Outlook", func() bool { return picture.Alike(adele.outlookPhoto("Lima"), first) })
			if adele.outlookPhoto("Plain") != nil {
				t.Error("the other contact has a photo, too")
			}
			still := func(image []byte) {
				t.Helper()
				adele.rest()
				puts, was := d.puts(), adele.get("Contacts", id)["Record_Image"]
				for range 5 {
					touch("Lima", doc{"department": fmt.Sprint("D", puts, was)}) // so that it is looked at
					touch("Lima", doc{"department": nil})
					adele.rest()
				}
				if d.puts() != puts || adele.get("Contacts", id)["Record_Image"] != was {
					t.Errorf("a photo that nobody changed was sent %d times; it was %v and is %v", d.puts()-puts, was, adele.get("Contacts", id)["Record_Image"])
				}
				if !picture.Alike(adele.photo(id), image) || !picture.Alike(adele.outlookPhoto("Lima"), image) {
					t.Error("it shows something else by now")
				}
			}
			still(first)

			adele.photographInOutlook("Lima", second)
			touch("Lima", doc{"jobTitle": "CEO"})
			d.eventually("the photo set in Outlook is in the CRM", func() bool { return picture.Alike(adele.photo(id), second) })
			still(second)

			adele.setPhoto(id, third)
			d.eventually("the CRM's is in Outlook", func() bool { return picture.Alike(adele.outlookPhoto("Lima"), third) })
			still(third)

			adele.photographInOutlook("Lima", nil)
			touch("Lima", doc{"jobTitle": "CTO"})
			d.eventually("the photo removed in Outlook is gone from the CRM", func() bool { return adele.photo(id) == nil })
			adele.rest()
			if adele.outlookPhoto("Lima") != nil {
				t.Error("it came back")
			}

			// Outlook's photo cannot be taken off: it stays there, and the record says so.
			adele.setPhoto(id, first)
			d.eventually("there is one again", func() bool { return picture.Alike(adele.outlookPhoto("Lima"), first) })
			adele.rest()
			adele.call("DELETE", "/crm/v8/Contacts/"+id+"/photo", nil, 200)
			d.eventually("the record says that Outlook keeps it", func() bool {
				s := adele.standing(id)
				return s["state"] == "synced" && s["reason"] == "photo_stays" && s["detail"] == "Record_Image"
			})
			adele.rest()
			touch("Lima", doc{"jobTitle": "COO"})
			d.eventually("the rest is in step", func() bool { return adele.get("Contacts", id)["Title"] == "COO" })
			adele.rest()
			if adele.photo(id) != nil || !picture.Alike(adele.outlookPhoto("Lima"), first) || adele.standing(id)["reason"] != "photo_stays" {
				t.Errorf("the CRM's photo has %d bytes, the record says %v", len(adele.photo(id)), adele.standing(id))
			}
			if d.asked("DELETE /me/contacts/{id}/photo")+d.asked("DELETE /me/contacts/{id}/photo/$value") != 0 {
				t.Error("it was tried")
			}
			adele.photographInOutlook("Lima", nil)
			touch("Lima", doc{"jobTitle": "CIO"})
			d.eventually("nothing is left to say", func() bool { s := adele.standing(id); return s["state"] == "synced" && s["reason"] == nil })
			adele.setPhoto(id, second)
			d.eventually("and another photo crosses", func() bool { return picture.Alike(adele.outlookPhoto("Lima"), second) })
			adele.rest()
		})
	}
}

// A contact made in Outlook brings its photo along.
func TestPhotosComeWithNewContacts(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	_, made := d.as("adele").Post("/me/contacts", doc{"surname": "Rosa"}) // in another folder until it is whole
	image := photos.JPEG(t, 4, 200, 200)
	box := d.m365.Mailbox("adele@contoso.example")
	if err := box.SetPhoto(made["id"].(string), image); err != nil {
		t.Fatal(err)
	}
	folder := strings.TrimPrefix(adele.container("contacts"), "/me/contactFolders/")
	if _, err := box.Move(made["id"].(string), folder); err != nil {
		t.Fatal(err)
	}
	d.eventually("it is in the CRM, photo and all", func() bool {
		r := adele.list("Contacts", "Last_Name")["Rosa"]
		return r != nil && picture.Alike(adele.photo(r["id"].(string)), image)
	})
	adele.rest()
	if d.puts() != 0 {
		t.Errorf("%d photos were sent", d.puts())
	}
}

// Both sides changed: the policy decides, the other photo stays in the history and can be taken back.
func TestPhotosInConflict(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.m365.SetWarts(m365sim.Warts{RecodePhotos: true})
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Lima"})[0]
	adele.switchOn("contacts")
	adele.rest() // else a run looks at the photo in Outlook before there is another one in the CRM
	mine, theirs := photos.JPEG(t, 5, 400, 400), photos.JPEG(t, 6, 400, 400)
	adele.photographInOutlook("Lima", theirs) // of which no delta tells
	adele.setPhoto(id, mine)
	d.eventually("one of them won", func() bool {
		photo := adele.photo(id)
		return picture.Alike(photo, adele.outlookPhoto("Lima")) && (picture.Alike(photo, mine) || picture.Alike(photo, theirs))
	})
	adele.rest()
	history := adele.text("GET", "/api/v1/links/"+adele.link("contacts")["id"].(string)+"/history", nil, 200)
	if !strings.Contains(history, "overruled") || !strings.Contains(history, "sha256:") {
		t.Errorf("the other one is not in the history: %s", history)
	}
	lost := theirs
	if picture.Alike(adele.photo(id), theirs) {
		lost = mine
	}
	browser, page := adele.signedIn("/status")
	if !strings.Contains(page.Text, "a photo") && !strings.Contains(page.Text, "uma foto") {
		t.Errorf("the page does not say that it was a photo: %s", page.Text)
	}
	if _, err := browser.Submit(t.Context(), page, "Use this one", nil); err != nil {
		if _, err := browser.Submit(t.Context(), page, "Usar este", nil); err != nil {
			t.Fatal(err)
		}
	}
	d.eventually("the other one was taken back", func() bool {
		return picture.Alike(adele.photo(id), lost) && picture.Alike(adele.outlookPhoto("Lima"), lost)
	})
	adele.rest()
}

// A photo that Outlook does not take leaves the rest in place; when it takes photos again, it gets it, and the rest is not
// sent a second time.
func TestPhotosThatAreRefusedAreSentAgain(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Contacts", doc{"Last_Name": "Lima"}, doc{"Last_Name": "Rosa"})
	image := photos.JPEG(t, 7, 300, 300)
	for _, id := range ids {
		adele.setPhoto(id, image)
	}
	d.m365.Next("part PUT /me/contacts/*/photo/$value", m365sim.Fail(400).Repeat(-1))
	adele.switchOn("contacts")
	d.eventually("both contacts are in Outlook without their photos", func() bool {
		return adele.link("contacts")["failing"] == 2.0 && len(adele.items("contacts", "surname")) == 2
	})
	versions := func() string {
		out := ""
		for _, surname := range slices.Sorted(maps.Keys(adele.items("contacts", "surname"))) {
			out += fmt.Sprintln(surname, adele.items("contacts", "surname")[surname]["changeKey"])
		}
		return out
	}
	d.atRest()
	before := versions()
	d.m365.ClearFaults()
	if err := d.app.Store.Links().Retry(t.Context(), adele.user().Org, linkID(t, adele.link("contacts")["id"].(string))); err != nil {
		t.Fatal(err)
	}
	adele.wake(adele, "contacts")
	d.eventually("both have it", func() bool {
		return picture.Alike(adele.outlookPhoto("Lima"), image) && picture.Alike(adele.outlookPhoto("Rosa"), image)
	})
	d.eventually("nothing fails", func() bool { return adele.link("contacts")["failing"] == 0.0 })
	adele.rest()
	if after := versions(); after != before || len(adele.items("contacts", "id")) != 2 {
		t.Errorf("the contacts were written again:\n%s\n%s", before, after)
	}
}

// Without photos there is no request for one: not in a first sync to Outlook, not on a quiet run, not where the row is not
// mapped. An image that is too large or none at all is refused at the door.
func TestPhotosCostNothingWhereThereAreNone(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	var many []doc
	for i := range 60 {
		many = append(many, doc{"Last_Name": fmt.Sprintf("Silva %02d", i)})
	}
	id := adele.insert("Contacts", many...)[0]
	adele.switchOn("contacts")
	adele.rest()
	if d.looks() != 0 || d.puts() != 0 {
		t.Errorf("%d photos were asked for, %d sent", d.looks(), d.puts())
	}
	adele.edit(id, doc{"Title": "CEO"})
	d.eventually("the edit is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva 00"]["jobTitle"] == "CEO" })
	adele.rest()
	if d.looks() != 0 {
		t.Errorf("%d photos were asked for after an edit in the CRM", d.looks())
	}
	adele.editInOutlook(adele.items("contacts", "surname")["Silva 01"]["id"].(string), doc{"jobTitle": "CTO"})
	d.eventually("the edit is in the CRM", func() bool { return adele.list("Contacts", "Title")["CTO"] != nil })
	adele.rest()
	if d.looks() != 1 {
		t.Errorf("%d photos were asked for after one edit in Outlook", d.looks())
	}
	for name, image := range map[string][]byte{
		"a page":             []byte("<html><script>alert(1)</script>"),
		"nothing":            {},
		"11 MB":              bytes.Repeat([]byte{0xff}, 11<<20),
		"half an image":      photos.PNG(t, 1, 100, 100)[:200],
		"an image and a bit": append([]byte("GIF"), photos.PNG(t, 1, 10, 10)...),
	} {
		if status, told := adele.putPhoto(id, image); status != 400 {
			t.Errorf("%s: %d %s", name, status, told)
		}
	}
	if adele.photo(id) != nil {
		t.Error("one of them was taken")
	}
}

// A photo that was changed alone in Outlook, of which neither delta nor version tells, arrives with the nightly audit, for one
// request to twenty contacts; and an audit of what is in step changes nothing.
func TestL6_TheAuditFindsPhotosOfWhichNobodyTold(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.m365.SetWarts(m365sim.Warts{RecodePhotos: true})
	adele := d.client("adele")
	ids := adele.insert("Contacts", doc{"Last_Name": "Lima"}, doc{"Last_Name": "Rosa"}, doc{"Last_Name": "Plain"})
	old, other := photos.JPEG(t, 1, 400, 400), photos.JPEG(t, 2, 400, 400)
	adele.setPhoto(ids[0], old)
	adele.switchOn("contacts")
	d.eventually("the photo is in Outlook", func() bool { return picture.Alike(adele.outlookPhoto("Lima"), old) })
	adele.rest()
	audit := func() (proof reconcile.Proof) {
		t.Helper()
		d.eventually("nobody else is at work on the link", func() (ok bool) {
			var err error
			proof, err = d.app.Runner.Audit(t.Context(), linkID(t, adele.link("contacts")["id"].(string)), false)
			return err == nil && proof.Kinds != nil
		})
		return proof
	}
	if p := audit(); p.Drift != 0 || p.Compared != 3 {
		t.Errorf("in step: %+v", p)
	}
	puts := d.puts()
	adele.photographInOutlook("Lima", other)
	adele.photographInOutlook("Rosa", old)
	adele.rest()
	if !picture.Alike(adele.photo(ids[0]), old) || adele.photo(ids[1]) != nil {
		t.Fatal("a run saw what nobody told of")
	}
	before := d.m365.Requests().RoundTrips
	if p := audit(); p.Drift != 2 || p.Left != 0 {
		t.Errorf("two photos were changed in Outlook: %+v", p)
	}
	t.Logf("%d requests", d.m365.Requests().RoundTrips-before)
	if !picture.Alike(adele.photo(ids[0]), other) || !picture.Alike(adele.photo(ids[1]), old) || adele.photo(ids[2]) != nil {
		t.Error("the photos are not in the CRM")
	}
	if p := audit(); p.Drift != 0 || d.puts() != puts {
		t.Errorf("afterwards: %+v, %d photos sent", p, d.puts()-puts)
	}
}

// A photo that was put on a contact in Outlook is an edit, which beats the deletion in the CRM, though nobody told of it.
func TestI1_APhotoBeatsADeletion(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Contacts", doc{"Last_Name": "Lima"}, doc{"Last_Name": "Rosa"}, doc{"Last_Name": "Plain"})
	adele.switchOn("contacts")
	adele.rest()
	photo := photos.JPEG(t, 1, 400, 400)
	adele.photographInOutlook("Lima", photo)
	adele.call("DELETE", "/crm/v8/Contacts/"+ids[0], nil, 200)
	d.eventually("the contact is back, with its photo", func() bool {
		return strings.Contains(adele.text("GET", "/crm/v8/Contacts?fields=Last_Name", nil, 200), "Lima") && picture.Alike(adele.photo(ids[0]), photo)
	})
	adele.rest()
}

// What cannot be looked at cannot be brought over: the folder stays when its sync is switched off, with the photo in it.
func TestS36_AFolderStaysWhosePhotosCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	adele.rest()
	d.m365.Next("part GET /me/contacts/*/photo/$value", m365sim.Fail(403).Repeat(-1))
	_, made := d.as("adele").Post("/me/contacts", doc{"surname": "Rosa"})
	image := photos.JPEG(t, 4, 200, 200)
	box := d.m365.Mailbox("adele@contoso.example")
	if err := box.SetPhoto(made["id"].(string), image); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Move(made["id"].(string), strings.TrimPrefix(adele.container("contacts"), "/me/contactFolders/")); err != nil {
		t.Fatal(err)
	}
	d.eventually("it is in the CRM without its photo", func() bool {
		r := adele.list("Contacts", "Last_Name")["Rosa"]
		return r != nil && adele.photo(r["id"].(string)) == nil
	})
	adele.call("DELETE", "/api/v1/links/"+adele.link("contacts")["id"].(string), nil, 204)
	d.eventually("its sync is off", func() bool { return adele.link("contacts") == nil })
	if adele.container("contacts") == "" {
		t.Error("the folder went with a photo that only it had")
	}
}

// Where photos only go to the CRM, a contact's photo there is no photo in Outlook, and one that somebody puts there, of which nobody tells, is
// the first that Outlook has.
func TestL6_TheAuditFindsTheFirstPhotoInOutlook(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	browser, page := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
	if _, err := browser.Submit(t.Context(), page, "Save", map[string]string{"way.photo": "to_crm"}); err != nil {
		t.Fatal(err, page.Text)
	}
	id := adele.insert("Contacts", doc{"Last_Name": "Lima"})[0]
	ours, theirs := photos.JPEG(t, 1, 400, 400), photos.JPEG(t, 2, 400, 400)
	adele.setPhoto(id, ours)
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Lima"] != nil })
	adele.rest()
	adele.photographInOutlook("Lima", theirs)
	adele.rest()
	if !picture.Alike(adele.photo(id), ours) || d.puts() != 0 {
		t.Fatalf("a run saw what nobody told of, or %d photos were sent", d.puts())
	}
	d.eventually("nobody else is at work on the link", func() bool {
		proof, err := d.app.Runner.Audit(t.Context(), linkID(t, adele.link("contacts")["id"].(string)), false)
		return err == nil && proof.Kinds != nil
	})
	if !picture.Alike(adele.photo(id), theirs) {
		t.Error("the photo is not in the CRM")
	}
}

// A photo that is refused leaves everything else as agreed on: also a field that only goes to Outlook, where somebody had filled it before sync did.
func TestI1_ARefusedPhotoOverwritesNothing(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	browser, page := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
	if _, err := browser.Submit(t.Context(), page, "Save", map[string]string{"way.assistantName": "to_microsoft"}); err != nil {
		t.Fatal(err, page.Text)
	}
	adele.switchOn("contacts")
	adele.rest()
	if status, told := d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"surname": "Lima", "assistantName": "Rui"}); status != 201 {
		t.Fatal(status, told)
	}
	d.eventually("it is in the CRM", func() bool { return adele.list("Contacts", "Last_Name")["Lima"] != nil })
	adele.rest()
	d.m365.Next("part PUT /me/contacts/*/photo/$value", m365sim.Fail(400))
	image := photos.JPEG(t, 1, 300, 300)
	adele.setPhoto(adele.list("Contacts", "Last_Name")["Lima"]["id"].(string), image)
	d.eventually("the photo is refused", func() bool { return adele.link("contacts")["failing"] == 1.0 })
	if err := d.app.Store.Links().Retry(t.Context(), adele.user().Org, linkID(t, adele.link("contacts")["id"].(string))); err != nil {
		t.Fatal(err)
	}
	adele.wake(adele, "contacts")
	d.eventually("the photo is in Outlook", func() bool { return picture.Alike(adele.outlookPhoto("Lima"), image) })
	adele.rest()
	if item := adele.items("contacts", "surname")["Lima"]; item["assistantName"] != "Rui" {
		t.Errorf("the assistant is %v", item["assistantName"])
	}
}

// Of two photos the one that loses is in the history, also if nobody could look at it before the sync was switched off and its folder went.
func TestS36_APhotoThatLosesWhenASyncIsSwitchedOffIsInTheHistory(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Lima"})[0]
	first, ours, theirs := photos.JPEG(t, 1, 300, 300), photos.JPEG(t, 2, 300, 300), photos.JPEG(t, 3, 300, 300)
	adele.setPhoto(id, first)
	adele.switchOn("contacts")
	link := adele.link("contacts")["id"].(string)
	adele.call("PATCH", "/api/v1/links/"+link, doc{"winner": "crm"}, 200)
	d.eventually("the photo is in Outlook", func() bool { return picture.Alike(adele.outlookPhoto("Lima"), first) })
	adele.rest()
	d.m365.Next("part GET /me/contacts/*/photo/$value", m365sim.Fail(403).Repeat(-1))
	adele.photographInOutlook("Lima", theirs)
	adele.setPhoto(id, ours)
	d.eventually("the photo in Outlook cannot be looked at", func() bool { return adele.link("contacts")["failing"] == 1.0 })
	d.m365.ClearFaults()
	adele.call("DELETE", "/api/v1/links/"+link, nil, 204)
	d.eventually("its sync is off", func() bool { return adele.link("contacts") == nil })
	if !picture.Alike(adele.photo(id), ours) {
		t.Error("the CRM's photo did not win")
	}
	if history := adele.text("GET", "/api/v1/links/"+link+"/history", nil, 200); !strings.Contains(history, "overruled") {
		t.Errorf("the other one is not in the history: %s", history)
	}
}
