package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation is the EXIF orientation of a JPEG, 1 to 8; 1 where it says none. It walks the segments before the image data
// (JIF) to APP1 "Exif" and there the first directory of the TIFF structure (EXIF 2.32, tag 0x0112).
func orientation(jpeg []byte) int {
	const soi, sos, app1 = 0xd8, 0xda, 0xe1
	if len(jpeg) < 2 || jpeg[0] != 0xff || jpeg[1] != soi {
		return 1
	}
	for rest := jpeg[2:]; len(rest) >= 4 && rest[0] == 0xff && rest[1] != sos; {
		size := int(binary.BigEndian.Uint16(rest[2:]))
		if size < 2 || len(rest) < 2+size {
			return 1
		}
		if body, exif := bytes.CutPrefix(rest[4:2+size], []byte("Exif\x00\x00")); rest[1] == app1 && exif {
			return tiffOrientation(body)
		}
		rest = rest[2+size:]
	}
	return 1
}

func tiffOrientation(tiff []byte) int {
	const header, entry, tag, short = 8, 12, 0x0112, 3
	if len(tiff) < header {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	switch string(tiff[:2]) {
	case "II":
		order = binary.LittleEndian
	case "MM":
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	count := int(order.Uint16(tiff[at:]))
	for rest := tiff[at+2:]; count > 0 && len(rest) >= entry; count, rest = count-1, rest[entry:] {
		if order.Uint16(rest) != tag || order.Uint16(rest[2:]) != short {
			continue
		}
		if o := int(order.Uint16(rest[8:])); o >= 1 && o <= 8 {
			return o
		}
		return 1
	}
	return 1
}

// upright turns and mirrors an image as its orientation says it is to be shown.
func upright(img *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return img
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			toX, toY := x, y
			switch orientation {
			case 2:
				toX = w - 1 - x
			case 3:
				toX, toY = w-1-x, h-1-y
			case 4:
				toY = h - 1 - y
			case 5:
				toX, toY = y, x
			case 6:
				toX, toY = h-1-y, x
			case 7:
				toX, toY = h-1-y, w-1-x
			case 8:
				toX, toY = y, w-1-x
			}
			out.SetRGBA(toX, toY, img.RGBAAt(x, y))
		}
	}
	return out
}
