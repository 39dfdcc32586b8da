package m365sim

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// Skip tokens and delta tokens carry their state in themselves and are opaque to clients. A token of another
// mailbox, a mangled one, or one from before the mailbox forgot its sync states is not found (fact sheet §4).

type tokenKind byte

const (
	tokenSkip  tokenKind = 's' // a further page of a list
	tokenRound tokenKind = 'r' // a further page of a delta round
	tokenDelta tokenKind = 'd' // the next delta round
)

type token struct {
	kind     tokenKind
	empty    bool      // this page is to have nothing on it; not sealed
	first    bool      // of a first round: nothing was known before, so tombstones are not needed
	folder   uint32    // number of the folder that is read
	position uint64    // skip: where the page begins; else: the changes up to this number are known
	offset   uint32    // of a round: how many results of the change after position went out already
	from, to time.Time // of a calendarView
	chosen   selection // of contacts/delta
}

const tokenSize = 1 + 1 + 4 + 8 + 4 + 8 + 8 + 8

func (c *call) sealToken(t token) string {
	b := make([]byte, 0, tokenSize+4)
	first := byte(0)
	if t.first {
		first = 1
	}
	b = append(b, byte(t.kind), first)
	b = binary.BigEndian.AppendUint32(b, t.folder)
	b = binary.BigEndian.AppendUint64(b, t.position)
	b = binary.BigEndian.AppendUint32(b, t.offset)
	b = binary.BigEndian.AppendUint64(b, uint64(t.from.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(t.to.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(t.chosen))
	b = binary.BigEndian.AppendUint32(b, c.tokenSum(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

func (c *call) tokenSum(b []byte) uint32 {
	owner := "directory"
	if c.box != nil {
		owner = c.box.ids.lead
	}
	var life [16]byte // tokens do not outlive the data they speak of
	binary.BigEndian.PutUint64(life[:], uint64(c.s.born.Load()))
	if c.box != nil && tokenKind(b[0]) != tokenSkip { // nor sync states the day on which the mailbox forgets them
		binary.BigEndian.PutUint64(life[8:], c.box.forgotten.Load())
	}
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(owner)), crc32.IEEETable, life[:])
	return crc32.Update(sum, crc32.IEEETable, b)
}

func (c *call) openToken(text string, kinds ...tokenKind) (token, *graphError) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != tokenSize+4 || binary.BigEndian.Uint32(b[tokenSize:]) != c.tokenSum(b[:tokenSize]) {
		return token{}, errSyncState
	}
	t := token{
		kind:     tokenKind(b[0]),
		first:    b[1] == 1,
		folder:   binary.BigEndian.Uint32(b[2:]),
		position: binary.BigEndian.Uint64(b[6:]),
		offset:   binary.BigEndian.Uint32(b[14:]),
		from:     time.Unix(int64(binary.BigEndian.Uint64(b[18:])), 0).UTC(),
		to:       time.Unix(int64(binary.BigEndian.Uint64(b[26:])), 0).UTC(),
		chosen:   selection(binary.BigEndian.Uint64(b[34:])),
	}
	for _, kind := range kinds {
		if t.kind == kind {
			return t, nil
		}
	}
	return token{}, errSyncState
}

// nextLink appends the link to the next page of a list. The options come along in it; a client does not repeat them.
func (c *call) nextLink(b []byte, t token) []byte {
	q := c.query.with("$skiptoken", c.sealToken(t), "$skip", "$skiptoken")
	return appendTextMember(b, "@odata.nextLink", c.link(q))
}
