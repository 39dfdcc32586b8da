package m365sim

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/google/uuid"
)

// Ids look and behave as Graph's do (fact sheet §3.9): base64-like, case-sensitive, sometimes differing from a
// neighbour by the case of one letter only, and in two spaces. The default id of an item names its place and
// changes when the item moves; the immutable id does not. Folders have one id in both spaces.
//
// An id is a prefix that tells the mailbox, 12 bytes in base64, one letter whose case is the last bit of the
// number, and an ending. Nothing needs to be remembered to find an item again.

const (
	defaultLead   = "AAMkAD"
	immutableLead = "AAkALg"
	idTail        = "AAA="
	idPayload     = 12                                           // bytes
	idLength      = len(defaultLead) + 22 + 16 + 1 + len(idTail) // 22: the mailbox, 16: the payload
)

type idKind byte

const (
	idFolder     idKind = 1
	idItem       idKind = 2
	idOccurrence idKind = 3
)

// A ref is an id taken apart.
type ref struct {
	kind      idKind
	immutable bool
	n         uint32 // number of the folder or the item in its mailbox; of the master, for an occurrence
	place     uint16 // of an item with a default id: how often it has moved; of an occurrence: the pattern's generation
	day       int32  // of an occurrence: days from 1970-01-01 to its original start
}

// An idMaker writes and reads the ids of one mailbox.
type idMaker struct{ lead, immutableLead string }

func newIDMaker(oid string) idMaker {
	raw := uuid.MustParse(oid)
	tag := base64.RawURLEncoding.EncodeToString(raw[:])
	return idMaker{defaultLead + tag, immutableLead + tag}
}

func (m idMaker) append(b []byte, r ref) []byte {
	if r.immutable {
		b = append(b, m.immutableLead...)
	} else {
		b = append(b, m.lead...)
	}
	var p [idPayload]byte
	p[0] = byte(r.kind)
	binary.BigEndian.PutUint32(p[1:], r.n>>1)
	binary.BigEndian.PutUint16(p[5:], r.place)
	binary.BigEndian.PutUint32(p[7:], uint32(r.day))
	b = base64.URLEncoding.AppendEncode(b, p[:])
	if r.n&1 == 0 {
		b = append(b, 'Q')
	} else {
		b = append(b, 'q')
	}
	return append(b, idTail...)
}

func (m idMaker) write(r ref) string { return string(m.append(make([]byte, 0, idLength), r)) }

// read takes an id apart. A text that is no id at all is malformed; an id of another mailbox is just not found.
func (m idMaker) read(id string) (ref, *graphError) {
	if len(id) != idLength || !strings.HasSuffix(id, idTail) || id[0] != 'A' {
		return ref{}, errMalformedID
	}
	var r ref
	switch lead := id[:len(defaultLead)+22]; lead {
	case m.lead:
	case m.immutableLead:
		r.immutable = true
	default:
		return ref{}, errItemNotFound
	}
	var p [idPayload]byte
	rest := id[len(defaultLead)+22:]
	if n, err := base64.URLEncoding.Decode(p[:], []byte(rest[:16])); err != nil || n != idPayload {
		return ref{}, errMalformedID
	}
	if p[0] < byte(idFolder) || p[0] > byte(idOccurrence) || p[1] >= 0x80 || p[idPayload-1] != 0 {
		return ref{}, errItemNotFound
	}
	r.kind = idKind(p[0])
	r.n = binary.BigEndian.Uint32(p[1:]) << 1
	r.place = binary.BigEndian.Uint16(p[5:])
	r.day = int32(binary.BigEndian.Uint32(p[7:]))
	switch rest[16] {
	case 'Q':
	case 'q':
		r.n |= 1
	default:
		return ref{}, errItemNotFound
	}
	return r, nil
}

// changeKey writes a change number as Exchange writes the version of an item.
func appendChangeKey(b []byte, change uint64) []byte {
	b = append(b, "EQAAABYAAAC"...)
	var p [9]byte
	binary.BigEndian.PutUint64(p[1:], change)
	return base64.URLEncoding.AppendEncode(b, p[:])
}

// appendETag writes the version as a JSON string holding an entity tag.
func appendETag(b []byte, change uint64) []byte {
	b = append(b, `"W/\"`...)
	b = appendChangeKey(b, change)
	return append(b, `\""`...)
}

// etag is the version as it stands in a header.
func etag(change uint64) string { return `W/"` + string(appendChangeKey(nil, change)) + `"` }

// sameVersion reports whether an If-Match header names this version: with or without W/ and quotes, or *.
func sameVersion(ifMatch string, change uint64) bool {
	ifMatch = strings.TrimSpace(ifMatch)
	if ifMatch == "*" {
		return true
	}
	ifMatch = strings.Trim(strings.TrimPrefix(ifMatch, "W/"), `"`)
	return ifMatch == string(appendChangeKey(nil, change))
}
