package m365app

import (
	"image"
	"image/color"
	"math"
)

// The icons show the mark of the pages (internal/web/src/logo.svg): two wheels that hold each other. They are drawn
// here, so that no picture has to be kept in step with it by hand; lengths are those of its view box of 32 × 32.

// A shape tells how far a point lies outside it; inside, the distance is negative.
type shape func(x, y float64) float64

// A stroke is one step of the brush: a shape in a colour, or a shape to wipe away.
type stroke struct {
	shape shape
	ink   color.NRGBA
	wipe  bool
}

const (
	viewBox    = 32.0
	wheelLeft  = 10.5
	wheelRight = 21.5
	wheelsAxis = 16.0
	radius     = 7.5
	width      = 3.2
	hub        = 1.7
)

var (
	teal  = color.NRGBA{0x0f, 0x7a, 0x73, 0xff}
	coral = color.NRGBA{0xdd, 0x5f, 0x3f, 0xff}
	paper = color.NRGBA{0xf6, 0xf5, 0xf1, 0xff}
	white = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

func disc(cx, cy, r float64) shape {
	return func(x, y float64) float64 { return math.Hypot(x-cx, y-cy) - r }
}

func ring(cx, cy, r, width float64) shape {
	return func(x, y float64) float64 { return math.Abs(math.Hypot(x-cx, y-cy)-r) - width/2 }
}

// slice is the part of a shape between two rays from a centre, clockwise from the first to the second, less than half
// a turn apart.
func slice(s shape, cx, cy, fromX, fromY, toX, toY float64) shape {
	from, to := math.Hypot(fromX-cx, fromY-cy), math.Hypot(toX-cx, toY-cy)
	return func(x, y float64) float64 {
		before := ((x-cx)*(fromY-cy) - (y-cy)*(fromX-cx)) / from
		after := ((y-cy)*(toX-cx) - (x-cx)*(toY-cy)) / to
		return max(s(x, y), before, after)
	}
}

// crossing is where the left wheel passes over the right one (the arc of logo.svg), for a stroke of that width.
func crossing(width float64) shape {
	return slice(ring(wheelLeft, wheelsAxis, radius, width), wheelLeft, wheelsAxis, 13.31, 9.05, 17.63, 13.68)
}

// drawColor is the mark on paper, with the margin that Microsoft asks for: hosts cut icons into circles and squares
// with round corners, so that only the middle of 120 × 120 is sure to be seen.
func drawColor() image.Image {
	const size, middle = 192, 120
	return draw(size, float64(middle)/viewBox, paper,
		stroke{shape: ring(wheelLeft, wheelsAxis, radius, width), ink: teal},
		stroke{shape: ring(wheelRight, wheelsAxis, radius, width), ink: coral},
		stroke{shape: crossing(width), ink: teal},
		stroke{shape: disc(wheelLeft-0.5, wheelsAxis, hub), ink: teal},
		stroke{shape: disc(wheelRight+0.5, wheelsAxis, hub), ink: coral},
	)
}

// drawOutline is the mark in white on nothing. With one colour a gap must tell which wheel passes over.
func drawOutline() image.Image {
	const size, thin, gap = 32, 2.2, 1.6
	return draw(size, size/viewBox, color.NRGBA{},
		stroke{shape: ring(wheelLeft, wheelsAxis, radius, thin), ink: white},
		stroke{shape: ring(wheelRight, wheelsAxis, radius, thin+2*gap), wipe: true},
		stroke{shape: ring(wheelRight, wheelsAxis, radius, thin), ink: white},
		stroke{shape: crossing(thin + 2*gap), wipe: true},
		stroke{shape: crossing(thin), ink: white},
		stroke{shape: disc(wheelLeft-0.5, wheelsAxis, hub), ink: white},
		stroke{shape: disc(wheelRight+0.5, wheelsAxis, hub), ink: white},
	)
}

// draw paints strokes one over the other on a square, the view box in its middle at a scale.
func draw(size int, scale float64, ground color.NRGBA, strokes ...stroke) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for py := range size {
		for px := range size {
			x := (float64(px)+0.5-float64(size)/2)/scale + viewBox/2
			y := (float64(py)+0.5-float64(size)/2)/scale + viewBox/2
			at := ground
			for _, s := range strokes {
				at = s.over(at, min(max(0.5-s.shape(x, y)*scale, 0), 1))
			}
			img.SetNRGBA(px, py, at)
		}
	}
	return img
}

// over lays the stroke over a colour; cover is how much of the pixel it takes, from 0 to 1.
func (s stroke) over(below color.NRGBA, cover float64) color.NRGBA {
	if cover == 0 {
		return below
	}
	was := float64(below.A) / 255
	if s.wipe {
		below.A = byteOf(was * (1 - cover))
		if below.A == 0 {
			return color.NRGBA{}
		}
		return below
	}
	now := cover + was*(1-cover)
	mix := func(ink, under uint8) uint8 {
		return byteOf((float64(ink)*cover + float64(under)*was*(1-cover)) / 255 / now)
	}
	return color.NRGBA{mix(s.ink.R, below.R), mix(s.ink.G, below.G), mix(s.ink.B, below.B), byteOf(now)}
}

// byteOf turns a share into a byte.
func byteOf(share float64) uint8 { return uint8(math.Round(min(max(share, 0), 1) * 255)) }
