package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/testkit/photos"
)

func normalized(t *testing.T, raw []byte) ([]byte, image.Config) {
	t.Helper()
	kept, err := Normalize(raw)
	if err != nil {
		t.Fatal(err)
	}
	size, format, err := image.DecodeConfig(bytes.NewReader(kept))
	if err != nil || format != "jpeg" {
		t.Fatalf("kept as %s: %v", format, err)
	}
	return kept, size
}

func TestPicturesAreKeptInOneForm(t *testing.T) {
	t.Parallel()
	var moving bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 40, 30), color.Palette{color.White, color.Black})
	if err := gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		raw  []byte
		w, h int
	}{
		"a small one keeps its size": {photos.PNG(t, 1, 60, 40), 60, 40},
		"a large one is shrunk":      {photos.JPEG(t, 2, 1300, 650), Side, Side / 2},
		"a high one, too":            {photos.PNG(t, 3, 10, 3000), 2, Side},
		"a moving one stands still":  {moving.Bytes(), 40, 30},
	} {
		kept, size := normalized(t, row.raw)
		if size.Width != row.w || size.Height != row.h {
			t.Errorf("%s: %d x %d", name, size.Width, size.Height)
		}
		again, _ := normalized(t, row.raw)
		if !bytes.Equal(kept, again) || Value(kept) != Value(again) {
			t.Errorf("%s: the same bytes gave two pictures", name)
		}
		if hash, ok := Hash(Value(kept)); !ok || Of(hash) != Value(kept) {
			t.Errorf("%s: %q is no value", name, Value(kept))
		}
		if len(kept) > 1<<20 {
			t.Errorf("%s: %d bytes", name, len(kept))
		}
	}
	for _, v := range []record.Value{"", "sha256:", record.Value("sha256:" + strings.Repeat("A", 64)), record.Value("sha256:" + strings.Repeat("a", 63)),
		record.Value(strings.Repeat("a", 64)), record.Value("other:" + strings.Repeat("a", 64))} {
		if _, ok := Hash(v); ok {
			t.Errorf("%q names a picture", v)
		}
	}
}

// withExif puts an EXIF segment with an orientation, and words that nobody is to see, into a JPEG.
func withExif(raw []byte, order binary.AppendByteOrder, orientation uint16) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, entry := range [][3]uint32{{0x0100, 4, 1}, {0x0112, 3, uint32(orientation)}} {
		tiff = order.AppendUint16(tiff, uint16(entry[0]))
		tiff = order.AppendUint16(tiff, uint16(entry[1]))
		tiff = order.AppendUint32(tiff, 1)
		if entry[1] == 3 {
			tiff = order.AppendUint16(tiff, uint16(entry[2]))
			tiff = order.AppendUint16(tiff, 0)
		} else {
			tiff = order.AppendUint32(tiff, entry[2])
		}
	}
	tiff = append(tiff, "where I live"...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return append(append(append([]byte{}, raw[:2]...), append(segment, body...)...), raw[2:]...)
}

// The corner that is red in the file stands where the orientation says; what else the camera wrote is left out.
func TestPicturesAreTheRightWayUpAndSayNothingElse(t *testing.T) {
	t.Parallel()
	img := image.NewRGBA(image.Rect(0, 0, 60, 30))
	for y := range 30 {
		for x := range 60 {
			img.SetRGBA(x, y, color.RGBA{A: 255})
			if x < 20 && y < 10 {
				img.SetRGBA(x, y, color.RGBA{R: 255, A: 255})
			}
		}
	}
	var raw bytes.Buffer
	if err := jpeg.Encode(&raw, img, nil); err != nil {
		t.Fatal(err)
	}
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		for orientation, want := range map[uint16][2]string{
			1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
			5: {"top", "left"}, 6: {"top", "right"}, 7: {"bottom", "right"}, 8: {"bottom", "left"}, 9: {"top", "left"},
		} {
			kept, size := normalized(t, withExif(raw.Bytes(), order, orientation))
			if turned := orientation >= 5 && orientation <= 8; (size.Width == 30) != turned {
				t.Errorf("orientation %d: %d x %d", orientation, size.Width, size.Height)
			}
			if bytes.Contains(kept, []byte("where I live")) || bytes.Contains(kept, []byte("Exif")) {
				t.Errorf("orientation %d: what the camera wrote was kept", orientation)
			}
			got, err := jpeg.Decode(bytes.NewReader(kept))
			if err != nil {
				t.Fatal(err)
			}
			at := map[string]int{"top": 4, "bottom": size.Height - 5, "left": 4, "right": size.Width - 5}
			if r, _, _, _ := got.At(at[want[1]], at[want[0]]).RGBA(); r < 0x9000 {
				t.Errorf("orientation %d: the red corner is not %v", orientation, want)
			}
		}
	}
}

// bomb is a PNG that claims a size, with next to nothing in it.
func bomb(t *testing.T, w, h uint32) []byte {
	raw := photos.PNG(t, 1, 8, 8)
	header := raw[16:29]
	binary.BigEndian.PutUint32(header, w)
	binary.BigEndian.PutUint32(header[4:], h)
	binary.BigEndian.PutUint32(raw[29:], crc32.ChecksumIEEE(raw[12:29]))
	return raw
}

func TestPicturesThatAreNoneOrTooLargeAreRefused(t *testing.T) {
	t.Parallel()
	png := photos.PNG(t, 1, 50, 50)
	for name, row := range map[string]struct {
		raw []byte
		why fault.Reason
	}{
		"nothing":              {nil, fault.BadValue},
		"text":                 {[]byte("a photo, honestly"), fault.BadValue},
		"SVG":                  {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), fault.BadValue},
		"BMP":                  {append([]byte("BM"), make([]byte, 100)...), fault.BadValue},
		"half a PNG":           {png[:len(png)/2], fault.BadValue},
		"a PNG that ends":      {bomb(t, 5000, 5000), fault.BadValue},
		"50,000 x 50,000":      {bomb(t, 50000, 50000), fault.TooLong},
		"a billion wide":       {bomb(t, 1<<30, 1), fault.TooLong},
		"overflowing":          {bomb(t, 1<<31-1, 1<<31-1), fault.BadValue},
		"50 MB":                {append(bytes.Clone(png), make([]byte, 50<<20)...), fault.TooLong},
		"a JPEG of its header": {[]byte("\xff\xd8\xff\xe0"), fault.BadValue},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Normalize(row.raw)
		runtime.ReadMemStats(&after)
		if !fault.Is(err, fault.Invalid) || fault.ReasonOf(err) != row.why {
			t.Errorf("%s: %v", name, err)
		}
		if row.why == fault.TooLong && after.TotalAlloc-before.TotalAlloc > 64<<20 {
			t.Errorf("%s took %d MiB", name, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
}

// What is a picture and something else besides is a picture and nothing else when it is kept.
func TestPicturesHideNothing(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"PNG":  append(photos.PNG(t, 1, 50, 50), "PK\x03\x04<script>alert(1)</script>"...),
		"JPEG": append(photos.JPEG(t, 1, 50, 50), "PK\x03\x04<script>alert(1)</script>"...),
	} {
		kept, _ := normalized(t, raw)
		if bytes.Contains(kept, []byte("<script")) || bytes.Contains(kept, []byte("PK\x03\x04")) {
			t.Errorf("%s: what stood behind the image was kept", name)
		}
	}
}

func TestPicturesThatLookAlike(t *testing.T) {
	t.Parallel()
	again := func(raw []byte, quality, shrunk int) []byte {
		img, err := decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
			t.Fatal(err)
		}
		if shrunk == 0 {
			return out.Bytes()
		}
		small, err := Thumbnail(out.Bytes(), shrunk)
		if err != nil {
			t.Fatal(err)
		}
		return small
	}
	for seed := range 3 {
		a, b := photos.PNG(t, seed, 300, 300), photos.PNG(t, seed+1, 300, 300)
		for _, other := range [][]byte{a, again(a, 90, 0), again(a, 50, 0), again(a, 70, 240), again(a, 70, 96)} {
			if !Alike(a, other) || !Alike(other, a) {
				t.Errorf("%d: the same picture encoded anew is taken for another", seed)
			}
		}
		if Alike(a, b) || Alike(a, photos.PNG(t, seed, 300, 150)) || Alike(a, nil) || Alike(nil, nil) {
			t.Errorf("%d: another picture is taken for the same", seed)
		}
	}
	// A part of a picture that was painted over is another picture.
	img := photos.Draw(1, 300, 300)
	for y := 120; y < 180; y++ {
		for x := 120; x < 180; x++ {
			img.SetRGBA(x, y, color.RGBA{0, 0, 255, 255})
		}
	}
	var edited bytes.Buffer
	if err := jpeg.Encode(&edited, img, nil); err != nil {
		t.Fatal(err)
	}
	if Alike(photos.PNG(t, 1, 300, 300), edited.Bytes()) {
		t.Error("a picture with a spot on it is taken for the one without")
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add(photos.PNG(f, 1, 20, 20))
	f.Add(withExif(photos.JPEG(f, 1, 20, 20), binary.LittleEndian, 6))
	random := make([]byte, 200)
	for i := range random {
		random[i] = byte(rand.N(256))
	}
	f.Add(random)
	f.Fuzz(func(t *testing.T, raw []byte) {
		kept, err := Normalize(raw)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		size, _, err := image.DecodeConfig(bytes.NewReader(kept))
		if err != nil || size.Width > Side || size.Height > Side {
			t.Fatalf("%d x %d, %v", size.Width, size.Height, err)
		}
	})
}
