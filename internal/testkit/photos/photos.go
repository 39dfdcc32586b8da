// Package photos draws pictures for tests: the same seed, the same bytes; another seed, another picture.
package photos

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
)

// Draw paints soft shapes, so that encoding it again changes bytes and not what is seen.
func Draw(seed, w, h int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			out.SetRGBA(x, y, color.RGBA{uint8((x*200/w + seed*53) % 256), uint8((y*200/h + seed*97) % 256), uint8(((x*9/w)*(y*9/h)*5 + seed*31) % 256), 255})
		}
	}
	return out
}

// JPEG is a drawing as JPEG.
func JPEG(t testing.TB, seed, w, h int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, Draw(seed, w, h), &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// PNG is a drawing as PNG.
func PNG(t testing.TB, seed, w, h int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, Draw(seed, w, h)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
