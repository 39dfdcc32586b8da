// Package picture turns what people and Outlook call a photo into the one form in which the CRM keeps a contact's: a JPEG of
// at most Side pixels a side, the right way up, without metadata. It knows no side and no database.
//
// A picture is named by the hash of its bytes (Value), so that it travels between the sides of a link as any other value.
package picture

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	_ "image/gif" // registered for Normalize
	"image/jpeg"
	_ "image/png" // registered for Normalize
	"strings"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // registered for Normalize

	"tandem/internal/fault"
	"tandem/internal/record"
)

const (
	// Side is the most pixels that a kept picture has on a side: the largest photo that Exchange keeps.
	Side = 648
	// MaxBytes is the most that is taken for a picture, as it comes.
	MaxBytes = 10 << 20
	// maxPixels is the most that is decoded: of an image that claims more, only the claim is read.
	maxPixels = 25_000_000
	quality   = 85
	scheme    = "sha256:"
)

// ContentType is what kept pictures are.
const ContentType = "image/jpeg"

// Value names the picture with these bytes.
func Value(kept []byte) record.Value {
	sum := sha256.Sum256(kept)
	return record.Value(scheme + hex.EncodeToString(sum[:]))
}

// Hash is the hash in a value, in hex; ok is false for what is no value of a picture.
func Hash(v record.Value) (hash string, ok bool) {
	hash, ok = strings.CutPrefix(string(v), scheme)
	if !ok || len(hash) != 2*sha256.Size || strings.Trim(hash, "0123456789abcdef") != "" {
		return "", false
	}
	return hash, true
}

// Of is the value with a hash.
func Of(hash string) record.Value { return record.Value(scheme + hash) }

// decoding keeps the memory that decoding takes to that of one image.
var decoding = make(chan struct{}, 1)

// Normalize gives the form of an image that the CRM keeps. The same bytes always give the same. Invalid with TooLong: more
// bytes or pixels than are taken; with BadValue: no JPEG, PNG, GIF or WebP that can be read.
func Normalize(raw []byte) ([]byte, error) {
	img, err := decode(raw)
	if err != nil {
		return nil, err
	}
	return encoded(img)
}

// Thumbnail is a kept picture in a square of so many pixels a side, cut to its middle.
func Thumbnail(kept []byte, side int) ([]byte, error) {
	img, err := decode(kept)
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	edge := min(b.Dx(), b.Dy())
	at := image.Pt((b.Dx()-edge)/2, (b.Dy()-edge)/2)
	side = min(side, edge)
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.CatmullRom.Scale(out, out.Bounds(), img, image.Rectangle{Min: at, Max: at.Add(image.Pt(edge, edge))}, draw.Src, nil)
	return encoded(out)
}

func encoded(img *image.RGBA) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fault.New(fault.Broken, "", "picture: %w", err)
	}
	return out.Bytes(), nil
}

// decode reads an image, the right way up and no larger than it is kept.
func decode(raw []byte) (out *image.RGBA, err error) {
	if len(raw) > MaxBytes {
		return nil, fault.Wrong(fault.TooLong, string(record.RecordImage), "picture: more than %d bytes", MaxBytes)
	}
	claim, format, err := image.DecodeConfig(bytes.NewReader(raw))
	switch {
	case err != nil || claim.Width <= 0 || claim.Height <= 0:
		return nil, unreadable()
	case claim.Width > maxPixels/claim.Height:
		return nil, fault.Wrong(fault.TooLong, string(record.RecordImage), "picture: %d x %d pixels are too many", claim.Width, claim.Height)
	}
	decoding <- struct{}{}
	defer func() {
		if recover() != nil { // a decoder that stumbles over what somebody made for it
			out, err = nil, unreadable()
		}
		<-decoding
	}()
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, unreadable()
	}
	small := shrink(img)
	if format == "jpeg" {
		return upright(small, orientation(raw)), nil
	}
	return small, nil
}

func unreadable() error {
	return fault.Wrong(fault.BadValue, string(record.RecordImage), "picture: no JPEG, PNG, GIF or WebP image")
}

// shrink fits an image into a square of Side pixels, on white. A smaller one keeps its size.
func shrink(img image.Image) *image.RGBA {
	from := img.Bounds()
	w, h := from.Dx(), from.Dy()
	if w > Side || h > Side {
		most := max(w, h)
		w, h = max(1, (w*Side+most/2)/most), max(1, (h*Side+most/2)/most)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	if w == from.Dx() && h == from.Dy() {
		draw.Draw(out, out.Bounds(), img, from.Min, draw.Over)
	} else {
		draw.CatmullRom.Scale(out, out.Bounds(), img, from, draw.Over, nil)
	}
	return out
}
