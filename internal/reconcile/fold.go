package reconcile

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"io"
	"reflect"
	"time"

	"tandem/internal/record"
)

// creases fold items that wait for others, so that the thousands of a folder that was there before its link take little memory: what each
// side said of one is a passage of a text, and the text is compressed. A value is for one goroutine.
type creases struct {
	link         *Link
	theirs, ours book
	deflater     *flate.Writer // takes more than a megabyte: there is one at most, and nil as soon as nothing more is to be folded
}

// A folded item is one that waits.
type folded struct {
	pair         *Pair // nil: it is strange, and its pair says no more than which two it is of
	microsoft    record.Ref
	version      record.Version // at Microsoft, as it was told
	crm          record.Ref
	theirs, ours passage
	strange      bool // says nothing itself of the record that it belongs to
	cleared      bool
}

// fold makes an item small.
func (c *creases) fold(i Item) *folded {
	f := &folded{pair: i.Pair, microsoft: i.Pair.Microsoft, crm: i.Pair.CRM, cleared: i.cleared, strange: i.strange(c.link)}
	if i.Theirs != nil {
		f.theirs, f.version = c.write(&c.theirs, *i.Theirs), i.Theirs.Version
	}
	if i.Ours != nil {
		f.ours = c.ourSide(*i.Ours)
	}
	if f.strange && reflect.DeepEqual(*i.Pair, c.plainPair(f)) {
		f.pair = nil
	}
	return f
}

// ourSide folds a record.
func (c *creases) ourSide(ours record.Change) passage { return c.write(&c.ours, ours) }

// unfold gives an item back as it was.
func (c *creases) unfold(f *folded) Item {
	pair := c.pairOf(f)
	return Item{Pair: &pair, Theirs: c.theirs.read(f.theirs), Ours: c.ours.read(f.ours), cleared: f.cleared}
}

// pairOf is a copy of an item's pair.
func (c *creases) pairOf(f *folded) Pair {
	if f.pair != nil {
		return *f.pair
	}
	return c.plainPair(f)
}

func (c *creases) plainPair(f *folded) Pair {
	return Pair{CRM: f.crm, Microsoft: f.microsoft, Token: tokenFromItem(c.link, f.microsoft, "")}
}

// fieldsOf are what Microsoft said of an item.
func (c *creases) fieldsOf(f *folded) record.Fields { return c.theirs.read(f.theirs).Fields }

// strange reports whether an item says nothing itself of the record that it belongs to.
func (i Item) strange(link *Link) bool {
	return i.Theirs != nil && i.Theirs.State == record.Present && i.Theirs.Token == "" && i.Pair.Token == tokenFromItem(link, i.Pair.Microsoft, "")
}

// A book keeps what was said of items, a leaf for as long as anybody has a passage on it.
type book struct {
	names   []record.Field // of the fields, in the order in which they were first met
	numbers map[record.Field]uint64
	writing *leaf
	opened  *leaf // what was read last, as it was written
	text    []byte
}

// leafSize is when a leaf is compressed: large enough for what contacts have in common, small enough to be opened for a few.
const leafSize = 64 << 10

// A leaf of a book.
type leaf struct {
	text   []byte
	packed bool
	size   int // before it was packed
}

// A passage is where a change stands; the zero value is of none.
type passage struct {
	leaf     *leaf
	from, to uint32
}

// write adds a change to a book.
func (c *creases) write(b *book, change record.Change) passage {
	if b.writing == nil {
		b.writing = &leaf{}
	}
	p := b.writing
	s := script{text: p.text}
	b.change(&s, &change)
	at := passage{p, uint32(len(p.text)), uint32(len(s.text))}
	if p.text = s.text; len(p.text) >= leafSize {
		c.pack(p)
		b.writing = nil
	}
	return at
}

func (c *creases) pack(p *leaf) {
	var out bytes.Buffer
	if c.deflater == nil {
		c.deflater, _ = flate.NewWriter(&out, flate.BestSpeed) // errs on unknown levels alone
	} else {
		c.deflater.Reset(&out)
	}
	_, err := c.deflater.Write(p.text)
	if closed := c.deflater.Close(); err == nil && closed == nil { // a buffer takes everything; else the leaf stays as it is
		*p = leaf{text: bytes.Clone(out.Bytes()), packed: true, size: len(p.text)}
	}
}

// read gives the change of a passage; nil: there is none.
func (b *book) read(at passage) *record.Change {
	if at.leaf == nil {
		return nil
	}
	text := at.leaf.text
	if at.leaf.packed {
		if b.opened != at.leaf {
			whole := make([]byte, at.leaf.size)
			if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(text)), whole); err != nil {
				panic("reconcile: a text in memory cannot be read: " + err.Error())
			}
			b.opened, b.text = at.leaf, whole
		}
		text = b.text
	}
	var c record.Change
	b.change(&script{from: string(text[at.from:at.to]), reads: true}, &c)
	return &c
}

// change goes through all that is said of an item, to write it or to read it.
func (b *book) change(s *script, c *record.Change) {
	state := uint64(c.State)
	s.number(&state)
	c.State = record.State(state)
	word(s, &c.Ref)
	word(s, &c.Version)
	word(s, &c.Token)
	word(s, &c.Stamp)
	word(s, &c.Attempt)
	word(s, &c.UID)
	s.flag(&c.TokenRead)
	s.flag(&c.Colleagues)
	s.time(&c.Created)
	s.time(&c.Modified)
	s.time(&c.Restored)
	owner := uint64(c.Meta.Owner)
	s.number(&owner)
	c.Meta.Owner = record.ID(owner)
	word(s, &c.Meta.Source)
	word(s, &c.Meta.KeptIn)
	s.flag(&c.Meta.MassUpdated)
	s.agreement(&c.Meta.Agreed)
	b.fields(s, &c.Fields)
}

// fields goes through fields, whose names the book has once.
func (b *book) fields(s *script, fields *record.Fields) {
	said := *fields != nil
	if s.flag(&said); !said {
		return
	}
	count := uint64(len(*fields))
	s.number(&count)
	if s.reads {
		*fields = make(record.Fields, count)
		for range count {
			var n uint64
			var v record.Value
			s.number(&n)
			word(s, &v)
			(*fields)[b.names[n]] = v
		}
		return
	}
	for f, v := range *fields {
		n := b.number(f)
		s.number(&n)
		word(s, &v)
	}
}

// number is that of a field's name.
func (b *book) number(f record.Field) uint64 {
	n, known := b.numbers[f]
	if !known {
		if b.numbers == nil {
			b.numbers = map[record.Field]uint64{}
		}
		n = uint64(len(b.names))
		b.names, b.numbers[f] = append(b.names, f), n
	}
	return n
}

// A script writes values one after the other, or reads them in the same order.
type script struct {
	text  []byte // so far written
	from  string // still to be read
	reads bool
}

func (s *script) number(n *uint64) {
	if !s.reads {
		s.text = binary.AppendUvarint(s.text, *n)
		return
	}
	*n = 0
	for shift := 0; ; shift += 7 {
		b := s.from[0]
		s.from = s.from[1:]
		if *n |= uint64(b&0x7f) << shift; b < 0x80 {
			return
		}
	}
}

func word[S ~string](s *script, w *S) {
	length := uint64(len(*w))
	s.number(&length)
	if s.reads {
		*w, s.from = S(s.from[:length]), s.from[length:]
		return
	}
	s.text = append(s.text, *w...)
}

func (s *script) flag(is *bool) {
	var n uint64
	if *is {
		n = 1
	}
	s.number(&n)
	*is = n == 1
}

// time goes through a time in UTC.
func (s *script) time(at *time.Time) {
	known := !at.IsZero()
	if s.flag(&known); !known {
		return
	}
	seconds, rest := uint64(at.Unix()), uint64(at.Nanosecond())
	s.number(&seconds)
	s.number(&rest)
	if s.reads {
		*at = time.Unix(int64(seconds), int64(rest)).UTC()
	}
}

// agreement goes through what few records have.
func (s *script) agreement(a **record.Agreement) {
	var text string
	if *a != nil {
		raw, _ := json.Marshal(*a) // of texts and a time: it cannot fail
		text = string(raw)
	}
	if word(s, &text); s.reads && text != "" {
		*a = new(record.Agreement)
		_ = json.Unmarshal([]byte(text), *a) // as it was just marshalled
	}
}
