package simtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"tandem/internal/mapping"
	"tandem/internal/outlook"
	"tandem/internal/picture"
	"tandem/internal/record"
)

// In some worlds contacts have photos: one more field that people edit, with an address of its own at Microsoft. Each photo is drawn once in
// a world, with its number in squares by which it is known in whatever form Exchange keeps it.

// photo is the field; nothing patches it.
var photo = edited{ours: record.RecordImage, theirs: "photo"}

// A drawing is a photo as people upload it, and its value in the CRM.
type drawing struct {
	raw   []byte
	value record.Value
}

const (
	squares = 4 // a side; black or white each, a bit of the number
	square  = 8 // pixels, as many as JPEG encodes at once
)

var drawings sync.Map // by number: they are the same in every world

// draw draws the photo of a number.
func draw(n int) drawing {
	if d, drawn := drawings.Load(n); drawn {
		return d.(drawing)
	}
	img := image.NewGray(image.Rect(0, 0, squares*square, squares*square))
	for i := range img.Pix {
		x, y := i%img.Stride/square, i/img.Stride/square
		img.Pix[i] = uint8(n >> (y*squares + x) & 1 * 255)
	}
	var raw bytes.Buffer
	err := jpeg.Encode(&raw, img, nil)
	kept, bad := picture.Normalize(raw.Bytes())
	if err != nil || bad != nil {
		panic("simtest: what is drawn here can be encoded")
	}
	d := drawing{raw.Bytes(), picture.Value(kept)}
	drawings.Store(n, d)
	return d
}

// numberOf is the number in a photo.
func numberOf(img image.Image) (n int) {
	for i := range squares * squares {
		at := image.Pt(i%squares*square+square/2, i/squares*square+square/2)
		if color.GrayModel.Convert(img.At(at.X, at.Y)).(color.Gray).Y > 127 {
			n |= 1 << i
		}
	}
	return n
}

// photoOf is the photo of a contact in Outlook, by its value in the CRM; "": it has none.
func (w *world) photoOf(of *person, id string) record.Value {
	raw, err := w.sim.Mailbox(of.upn).Photo(id)
	if err != nil || raw == nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	if v, known := w.forms[sum]; known {
		return v
	}
	v := record.Value("a strange photo")
	if img, _, err := image.Decode(bytes.NewReader(raw)); err == nil {
		v = draw(numberOf(img)).value
	}
	if w.forms == nil {
		w.forms = map[[sha256.Size]byte]record.Value{}
	}
	w.forms[sum] = v
	return v
}

// uploads puts the photo that was typed last on a record.
func (w *world) uploads(p *person, id record.ID) {
	if _, err := w.crm.SetPicture(context.Background(), w.actor(p), id, draw(w.values).raw); err != nil {
		w.fail("simulation", "a photo: %v", err)
	}
}

// uploadsInOutlook puts it on an item.
func (w *world) uploadsInOutlook(p *person, id string) {
	if err := w.sim.Mailbox(p.upn).SetPhoto(id, draw(w.values).raw); err != nil {
		w.fail("simulation", "a photo: %v", err)
	}
	if w.unsaid {
		w.typed[len(w.typed)-1].item = id
	}
}

// at is the number of a field among those that people edit; -1: it is none of them.
func (w *world) at(kind record.Kind, f record.Field) int {
	for i, e := range w.kinds[kind].fields {
		if e.ours == f {
			return i
		}
	}
	return -1
}

// told is how many of the fields that people edit come to the other side, or are put back, when they were changed in Outlook: not a photo that
// Microsoft does not tell of, nor one where there is to be none.
func (w *world) told(l *linkState) int {
	n := len(w.kinds[l.kind].fields)
	if at := w.at(l.kind, record.RecordImage); at >= 0 && (w.unsaid || l.of.way == mapping.ToMicrosoft) {
		return at
	}
	return n
}

// somePhoto gives a photo of the people's another one, on either side or on both, or takes it off.
func (w *world) somePhoto(rng *rand.Rand) {
	at := w.at(record.Contacts, record.RecordImage)
	switch what := rng.IntN(8); what {
	case 0, 1, 2:
		if r, p, ok := w.someRecord(rng, false); ok && r.Kind == record.Contacts {
			if what == 0 && r.Fields[record.RecordImage] != "" {
				w.takesOff(p, keyOf(r), string(r.Fields[record.RecordImage]), func() error {
					_, err := w.crm.RemovePicture(context.Background(), w.actor(p), r.ID)
					return err
				})
				w.entities[keyOf(r)].bare = true
				return
			}
			w.editRecord(p, r, at)
		}
	default:
		l, it, ok := w.someItem(rng)
		if !ok || l.kind != record.Contacts {
			return
		}
		if what < 5 {
			w.editItem(l, it, at)
			return
		}
		if what == 5 && it.values[at] != "" {
			w.takesOff(l.of, it.key, it.values[at], func() error { return w.sim.Mailbox(l.of.upn).SetPhoto(it.id, nil) })
			w.entities[it.key].bared = w.unsaid
			return
		}
		for _, r := range w.records(l.of.org, l.kind, false) {
			if keyOf(r) == it.key && r.Owner == l.of.id {
				w.editRecord(l.of, r, at)
				w.editItem(l, it, at)
				return
			}
		}
	}
}

// underWay reports whether what Exchange made of an item's photo may be new to sync, which knows it by that item alone: a copy of it has another
// photo then (ADR 18).
func (w *world) underWay(l *linkState, it item) bool {
	at := w.at(l.kind, record.RecordImage)
	return w.recode && at >= 0 && it.values[at] != ""
}

// takesOff has somebody take a photo off. Whether that counts for more than a deletion, only the order of events says.
func (w *world) takesOff(p *person, key, now string, do func() error) {
	for _, t := range w.typed {
		t.over = t.over || t.key == key && string(t.value) == now
	}
	if e := w.entities[key]; e.fate == dies || e.erased && !w.inStep(e, 2) { // it may have been all that beat a deletion
		e.fate = open
	}
	if err := do(); err != nil {
		w.fail("simulation", "a photo is taken off: %v", err)
	}
	w.say("user %d takes the photo off %s", p.id, key)
}

// apart reports whether two sides differ in a photo as they may: taken off in the CRM, or put on where only the CRM was right, it stays in
// Outlook (ADR 18).
func (w *world) apart(l *linkState, key string, f record.Field, ours, theirs string) bool {
	return f == record.RecordImage && (w.entities[key].bare || l.remapped) && ours == "" && theirs != ""
}

// putting looks at photos that are about to be put on contacts: between the look at one and the next there is no If-Match, so what somebody
// has put there since is overwritten unseen (ADR 18). Whoever has not looked at all has no such excuse.
func (w *world) putting(t *task, parts []*sent) {
	for _, s := range parts {
		if id := s.item(); s.method == http.MethodPut && strings.HasSuffix(s.path, "/photo/$value") {
			now := w.photoOf(t.link.of, id)
			if seen, looked := t.photos[id]; looked && seen != now {
				for _, v := range w.typed {
					v.over = v.over || v.theirs && v.value == now
				}
			}
		}
	}
}

// sawPhotos notes the photos that a run has been told; what it makes has none.
func (w *world) sawPhotos(t *task, parts []*sent) {
	if t.photos == nil {
		t.photos = map[string]record.Value{}
	}
	for _, s := range parts {
		switch id := s.item(); {
		case isCreate(s):
			t.photos[gjson.Get(s.answer, "id").Str] = ""
		case !s.writes() && strings.HasSuffix(s.path, "/photo/$value"):
			t.photos[id] = w.photoOf(t.link.of, id)
		}
	}
}

// effectAlbum is the album with its effects.
type effectAlbum struct {
	outlook.Album
	w *world
}

func (e effectAlbum) Known(ctx context.Context, forms []string) (map[string]record.Value, error) {
	return looked(e.w, ctx, func() (map[string]record.Value, error) { return e.Album.Known(ctx, forms) })
}

func (e effectAlbum) Keep(ctx context.Context, byForm map[string][]byte) error {
	return e.w.effect(ctx, "keep photos", true, func() error { return e.Album.Keep(ctx, byForm) })
}

func (e effectAlbum) Same(ctx context.Context, forms map[string]record.Value, items []record.Ref) error {
	return e.w.effect(ctx, "same photos", true, func() error { return e.Album.Same(ctx, forms, items) })
}

func (e effectAlbum) Sending(ctx context.Context, items map[record.Ref]record.Value) error {
	return e.w.effect(ctx, "sending photos", true, func() error { return e.Album.Sending(ctx, items) })
}

func (e effectAlbum) Sendings(ctx context.Context, items []record.Ref) (map[record.Ref]record.Value, error) {
	return looked(e.w, ctx, func() (map[record.Ref]record.Value, error) { return e.Album.Sendings(ctx, items) })
}

func (e effectAlbum) Bytes(ctx context.Context, values []record.Value) (map[record.Value][]byte, error) {
	return looked(e.w, ctx, func() (map[record.Value][]byte, error) { return e.Album.Bytes(ctx, values) })
}

// tableOf is what maps to what when a link begins: photos only where contacts have some.
func (w *world) tableOf(kind record.Kind) *mapping.Table {
	t := &mapping.Table{Kind: kind}
	for _, row := range mapping.Default(kind).Rows {
		if row.CRM != record.RecordImage || w.photos {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}
