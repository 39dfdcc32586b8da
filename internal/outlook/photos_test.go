package outlook

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/picture"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/testkit/photos"
)

// album is an album on a real database, and keeps a picture in it.
func (r *rig) album() (*store.Album, func(raw []byte) record.Value) {
	r.Helper()
	s, err := store.Open(r.Context(), "sqlite::memory:", store.Options{SecretKey: strings.Repeat("k", 40)})
	if err == nil {
		err = s.Migrate(r.Context())
	}
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = s.Close() })
	o, err := s.Accounts().CreateOrganization(r.Context(), account.Organization{Name: "Contoso", Created: time.Now()})
	if err != nil {
		r.Fatal(err)
	}
	return s.Pictures().Album(o.ID, 2), func(raw []byte) record.Value {
		kept, err := picture.Normalize(raw)
		if err != nil {
			r.Fatal(err)
		}
		v, err := s.Pictures().Keep(r.Context(), o.ID, kept)
		if err != nil {
			r.Fatal(err)
		}
		return v
	}
}

func (r *rig) put(c *Contacts, w record.Write) record.Outcome {
	r.Helper()
	out, err := c.Apply(r.Context(), []record.Write{w})
	if err != nil {
		r.Fatal(err)
	}
	return out[0]
}

// A process that dies between the contact and its photo, or between the photo and the look at what became of it, leaves
// nothing behind that would be taken for somebody's edit: the contact has the old photo, or one known to be ours.
func TestPhotosSurviveBeingCutOff(t *testing.T) {
	t.Parallel()
	for name, cutAt := range map[string]string{"before the photo is sent": "PUT", "after it was sent": "GET"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cut context.CancelFunc
			r := newRig(t, func(o *graph.Options) {
				seen := o.Observe
				o.Observe = func(ex graph.Exchange) {
					seen(ex)
					if cut == nil || !bytes.Contains(ex.Body, []byte(`"method":"P`)) {
						return
					}
					if put := bytes.Contains(ex.Body, []byte(`"PUT"`)); put == (cutAt == "GET") {
						cut() // what was to follow this answer does not
					}
				}
			})
			r.sim.SetWarts(m365sim.Warts{RecodePhotos: true})
			album, keep := r.album()
			link, _ := r.contacts()
			open := func() *Contacts { return NewContacts(r.box, r.options(link), nil).WithPhotos(album) }
			old, fresh := keep(photos.PNG(t, 1, 500, 500)), keep(photos.PNG(t, 2, 500, 500))
			made := r.put(open(), record.Write{Op: record.Create, Token: "9-x", Fields: record.Fields{"surname": "Lima", photoField: old}})
			if made.Err != nil {
				t.Fatal(made.Err)
			}
			seen := func() record.Value {
				t.Helper()
				got, err := open().Pictures(t.Context(), []record.Ref{made.Ref})
				if err != nil {
					t.Fatal(err)
				}
				return got[made.Ref][photoField]
			}
			if seen() != old {
				t.Fatalf("what Exchange made of the photo is taken for %s", seen())
			}
			var ctx context.Context
			ctx, cut = context.WithCancel(t.Context())
			_, err := open().Apply(ctx, []record.Write{{Op: record.Update, Ref: made.Ref, Version: made.Version, Fields: record.Fields{"surname": "Rosa", photoField: fresh}}})
			cut = nil
			t.Logf("cut off: %v", err)
			got, err := open().Read(t.Context(), []record.Ref{made.Ref})
			if err != nil || got[0].Fields["surname"] != "Rosa" {
				t.Fatalf("%v, %v", got, err)
			}
			for range 2 { // a look changes nothing
				if got, want := seen(), map[string]record.Value{"PUT": old, "GET": fresh}[cutAt]; got != want {
					t.Errorf("the photo is %s, not %s", got, want)
				}
			}
			out := r.put(open(), record.Write{Op: record.Update, Ref: made.Ref, Version: got[0].Version, Fields: record.Fields{photoField: fresh}})
			if out.Err != nil || seen() != fresh {
				t.Errorf("sent again: %v, it is %s", out.Err, seen())
			}
		})
	}
}

// What only looks a little like what was sent is somebody's photo, and what is no picture to us stays at Microsoft.
func TestPhotosOfPeople(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	album, keep := r.album()
	link, _ := r.contacts()
	c := NewContacts(r.box, r.options(link), nil).WithPhotos(album)
	ours := keep(photos.PNG(t, 1, 300, 300))
	made := r.put(c, record.Write{Op: record.Create, Token: "9-x", Fields: record.Fields{"surname": "Lima", photoField: ours}})
	theirs := photos.JPEG(t, 3, 300, 300)
	for name, row := range map[string]struct {
		raw  []byte
		want func(record.Value) bool
	}{
		"another photo": {theirs, func(v record.Value) bool { return v != ours && strings.HasPrefix(string(v), "sha256:") }},
		"no picture":    {[]byte("BM what Outlook of long ago took"), func(v record.Value) bool { return strings.HasPrefix(string(v), notOurs) }},
		"none":          {nil, func(v record.Value) bool { return v == "" }},
	} {
		if err := r.sim.Mailbox(adele).SetPhoto(string(made.Ref), row.raw); err != nil {
			t.Fatal(err)
		}
		got, err := c.Pictures(t.Context(), []record.Ref{made.Ref})
		if v, told := got[made.Ref][photoField]; err != nil || !told || !row.want(v) {
			t.Errorf("%s: %q, %v", name, v, err)
		}
	}
	if got, err := c.Pictures(t.Context(), []record.Ref{made.Ref, "nobody"}); err != nil || len(got) == 0 {
		t.Errorf("%v, %v", got, err)
	}
	out := r.put(c, record.Write{Op: record.Update, Ref: made.Ref, Version: made.Version, Fields: record.Fields{photoField: ""}})
	if fault.ReasonOf(out.Err) != fault.PhotoStays {
		t.Errorf("taking it off: %v", out.Err)
	}
	out = r.put(c, record.Write{Op: record.Update, Ref: made.Ref, Version: made.Version, Fields: record.Fields{"surname": "Rosa", photoField: picture.Value([]byte("never kept"))}})
	if out.Err == nil || out.Ref == "" || out.Fields["surname"] != "Rosa" {
		t.Errorf("a picture that is not kept: %+v", out)
	}
}

// Forty contacts' photos are two requests to look at, and no more than it takes to stay below what a request may be to send.
func TestPhotosTravelInBatches(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex // requests go side by side
	var largest int
	r := newRig(t, func(o *graph.Options) {
		seen := o.Observe
		o.Observe = func(ex graph.Exchange) {
			seen(ex)
			mu.Lock()
			defer mu.Unlock()
			largest = max(largest, len(ex.Body))
		}
	})
	album, keep := r.album()
	link, _ := r.contacts()
	c := NewContacts(r.box, r.options(link), nil).WithPhotos(album)
	v := keep(photos.PNG(t, 1, 600, 600))
	var writes []record.Write
	for i := range 40 {
		f := contactSample(i)
		f[photoField] = v
		writes = append(writes, record.Write{Op: record.Create, Token: "9-" + string(rune('a'+i)), Fields: f})
	}
	var out []record.Outcome
	trips := r.counted(func() {
		var err error
		if out, err = c.Apply(r.Context(), writes); err != nil {
			t.Fatal(err)
		}
	})
	var refs []record.Ref
	for _, o := range out {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		refs = append(refs, o.Ref)
	}
	if trips > 8 || largest > 4<<20 {
		t.Errorf("%d requests to make 40 contacts with photos, the longest of %d bytes", trips, largest)
	}
	if trips := r.counted(func() {
		got, err := c.Pictures(r.Context(), refs)
		if err != nil || len(got) != 40 || got[refs[39]][photoField] != v {
			t.Errorf("%d photos, %v", len(got), err)
		}
	}); trips != 2 {
		t.Errorf("%d requests to look at 40 photos", trips)
	}
	r.sim.Next("part PUT /me/contacts/*/photo/$value", m365sim.Fail(http.StatusBadRequest))
	again := r.put(c, record.Write{Op: record.Update, Ref: out[0].Ref, Version: out[0].Version, Fields: record.Fields{"surname": "Neu", photoField: v}})
	if again.Err == nil || again.Ref == "" || again.Fields["surname"] != "Neu" || again.Version == out[0].Version {
		t.Errorf("a photo that is refused: %+v", again)
	}
}

// A photo that somebody puts on a contact right after ours is theirs: the version that it makes is not one that we know.
func TestI1_APhotoThatIsPutRightAfterOursIsAnEdit(t *testing.T) {
	t.Parallel()
	var after func()
	r := newRig(t, func(o *graph.Options) {
		seen := o.Observe
		o.Observe = func(ex graph.Exchange) {
			if seen(ex); after != nil && bytes.Contains(ex.Body, []byte(`"PUT"`)) {
				after()
				after = nil
			}
		}
	})
	r.sim.SetWarts(m365sim.Warts{PhotoIsChange: true})
	album, keep := r.album()
	link, _ := r.contacts()
	c := NewContacts(r.box, r.options(link), nil).WithPhotos(album)
	made := r.put(c, record.Write{Op: record.Create, Token: "9-x", Fields: record.Fields{"surname": "Lima"}})
	for name, somebody := range map[string]bool{"ours alone": false, "theirs after it": true} {
		if somebody {
			after = func() {
				if err := r.sim.Mailbox(adele).SetPhoto(string(made.Ref), photos.JPEG(t, 3, 300, 300)); err != nil {
					t.Error(err)
				}
			}
		}
		out := r.put(c, record.Write{Op: record.Update, Ref: made.Ref, Version: made.Version, Fields: record.Fields{photoField: keep(photos.PNG(t, len(name), 300, 300))}})
		now, err := c.Read(r.Context(), []record.Ref{made.Ref})
		if err != nil || out.Err != nil {
			t.Fatal(err, out.Err)
		}
		if known := out.Version == now[0].Version; known == somebody {
			t.Errorf("%s: the version as it now is counts as ours: %v", name, known)
		}
		made.Version = now[0].Version
	}
}
