package picture

import (
	"image"

	"golang.org/x/image/draw"
)

const (
	coarse = 24 // pixels a side when two pictures are compared
	// near is the mean difference of a colour (of 255) up to which two pictures are one that was encoded twice.
	near = 6
	// spot is the same for the pixel that differs most.
	spot = 60
)

// Alike reports whether two images show the same, but for what encoding and resizing do: for telling a photo that Exchange
// has made its own of from one that a person has put in its place. What cannot be read is like nothing.
func Alike(a, b []byte) bool {
	x, errA := decode(a)
	y, errB := decode(b)
	if errA != nil || errB != nil || !sameShape(x.Bounds(), y.Bounds()) {
		return false
	}
	x, y = small(x), small(y)
	sum, worst := 0, 0
	for i := range x.Pix {
		d := int(x.Pix[i]) - int(y.Pix[i])
		d = max(d, -d)
		sum, worst = sum+d, max(worst, d)
	}
	return sum <= near*len(x.Pix) && worst <= spot
}

// sameShape allows the rounding of a size that was halved a few times.
func sameShape(a, b image.Rectangle) bool {
	d := a.Dx()*b.Dy() - a.Dy()*b.Dx()
	return max(d, -d)*20 <= a.Dx()*b.Dy()+a.Dy()*b.Dx()
}

func small(img *image.RGBA) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, coarse, coarse))
	draw.BiLinear.Scale(out, out.Bounds(), img, img.Bounds(), draw.Src, nil)
	return out
}
