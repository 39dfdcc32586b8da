package reconcile

import (
	"encoding/binary"

	"tandem/internal/record"
)

// creases fold the fields of items that wait for others into one text each, which is a fifth of what they take as a map: a folder
// that was there has its thousands of items in memory at once. The names of fields are kept once. A value is for one goroutine.
type creases struct {
	names   []record.Field
	numbers map[record.Field]uint64
}

// A folded item is one whose Theirs and Ours say everything but their fields.
type folded struct {
	Item
	theirFields, ourFields string
}

// A foldedChange is one without its fields.
type foldedChange struct {
	record.Change
	fields string
}

// fold folds the fields of an item.
func (c *creases) fold(i Item) folded {
	out := folded{Item: i}
	if i.Theirs != nil {
		theirs := c.foldChange(*i.Theirs)
		out.Theirs, out.theirFields = &theirs.Change, theirs.fields
	}
	if i.Ours != nil {
		ours := c.foldChange(*i.Ours)
		out.Ours, out.ourFields = &ours.Change, ours.fields
	}
	return out
}

// unfold gives the item back as it was.
func (c *creases) unfold(f folded) Item {
	out := f.Item
	if f.Theirs != nil {
		theirs := c.unfoldChange(foldedChange{*f.Theirs, f.theirFields})
		out.Theirs = &theirs
	}
	if f.Ours != nil {
		ours := c.unfoldChange(foldedChange{*f.Ours, f.ourFields})
		out.Ours = &ours
	}
	return out
}

func (c *creases) foldChange(from record.Change) foldedChange {
	out := foldedChange{from, c.foldFields(from.Fields)}
	out.Change.Fields = nil
	return out
}

func (c *creases) unfoldChange(from foldedChange) record.Change {
	out := from.Change
	out.Fields = c.unfoldFields(from.fields)
	return out
}

// foldFields makes one text of fields: how many they are, and of each the number of its name, the length of its value and
// the value. Of none that are nil there is no text at all.
func (c *creases) foldFields(fields record.Fields) string {
	if fields == nil {
		return ""
	}
	size := binary.MaxVarintLen64
	for _, v := range fields {
		size += 4 + len(v)
	}
	text := binary.AppendUvarint(make([]byte, 0, size), uint64(len(fields)))
	for f, v := range fields {
		text = binary.AppendUvarint(text, c.number(f))
		text = binary.AppendUvarint(text, uint64(len(v)))
		text = append(text, v...)
	}
	return string(text)
}

func (c *creases) unfoldFields(text string) record.Fields {
	if text == "" {
		return nil
	}
	next := func() uint64 {
		n, size := binary.Uvarint([]byte(text[:min(len(text), binary.MaxVarintLen64)]))
		text = text[size:]
		return n
	}
	count := next()
	out := make(record.Fields, count)
	for range count {
		f, length := c.names[next()], next()
		out[f] = record.Value(text[:length])
		text = text[length:]
	}
	return out
}

// number is the place of a field's name among the names.
func (c *creases) number(f record.Field) uint64 {
	n, known := c.numbers[f]
	if !known {
		if c.numbers == nil {
			c.numbers = map[record.Field]uint64{}
		}
		n = uint64(len(c.names))
		c.names, c.numbers[f] = append(c.names, f), n
	}
	return n
}
