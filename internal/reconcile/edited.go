package reconcile

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"tandem/internal/record"
)

// A side says when a record last changed, and that may have been sync's own doing: a value that was brought over is no newer
// for it. So the base of a pair remembers of each side whose version sync itself has written when others last changed the
// record there. Whoever changes it afterwards makes another version, and then the side's own word counts.

// A person who takes a record out of the recycle bin wants it, as one who edits it does, and what it holds does not tell. So the base also
// remembers when that was last.

// restored reports whether somebody has taken the record out of the recycle bin since the two sides agreed.
func (i Item) restored() bool {
	return i.Ours != nil && i.Ours.State == record.Present && !i.Ours.Restored.IsZero() && i.Pair.Base[restoredOn] != i.restoredAt()
}

// restoredOn is the key of a base that is no field but that time.
const restoredOn record.Field = "-restored"

// restoredAt is it, in microseconds since 1970; "": nobody ever did.
func (i Item) restoredAt() record.Value {
	switch {
	case i.Ours != nil && !i.Ours.Restored.IsZero():
		return record.Value(strconv.FormatInt(i.Ours.Restored.UnixMicro(), 10))
	case i.Ours == nil && i.Pair != nil:
		return i.Pair.Base[restoredOn]
	}
	return ""
}

// editedOn begins the keys of a base that are no fields but such times, in microseconds since 1970; "": nobody ever did.
const editedOn = "-edited:"

func keyEdited(side Where) record.Field { return record.Field(editedOn + string(side)) }

// edited is when others than sync last changed a record on a side, as far as that is known, by the side's clock.
func (i Item) edited(side Where) time.Time {
	if mark, ours := i.mark(side); ours {
		if at, err := strconv.ParseInt(string(mark), 10, 64); err == nil {
			return time.UnixMicro(at)
		}
		return time.Time{}
	}
	if side == InCRM {
		return modified(i.Ours)
	}
	return modified(i.Theirs)
}

// mark is what the base remembers of a side; false: its version is not sync's own.
func (i Item) mark(side Where) (record.Value, bool) {
	if i.Pair == nil {
		return "", false
	}
	now, version := i.Theirs, i.Pair.MicrosoftVersion
	if side == InCRM {
		now, version = i.Ours, i.Pair.CRMVersion
	}
	if now != nil && now.Version != version {
		return "", false
	}
	mark, known := i.Pair.Base[keyEdited(side)]
	return mark, known
}

// marked is a base with what is remembered of both sides of an item as they were read, and of nothing else.
func (i Item) marked(base record.Fields) record.Fields {
	if len(base) == 0 {
		return base
	}
	out := unmarked(base)
	for _, side := range []Where{InCRM, InMicrosoft} {
		if mark, ours := i.mark(side); ours {
			out = out.With(record.Fields{keyEdited(side): mark})
		}
	}
	if at := i.restoredAt(); at != "" {
		out = out.With(record.Fields{restoredOn: at})
	}
	return out
}

// writtenBy is the base after sync has written a side, be it with a new record.
func (i Item) writtenBy(base record.Fields, side Where, op record.Op) record.Fields {
	var mark record.Value
	if at := i.edited(side); op != record.Create && !at.IsZero() {
		mark = record.Value(strconv.FormatInt(at.UnixMicro(), 10))
	}
	return base.With(record.Fields{keyEdited(side): mark})
}

// unmarked is a base without what it remembers of who wrote last, and of the recycle bin.
func unmarked(base record.Fields) record.Fields {
	_, crm := base[keyEdited(InCRM)]
	_, microsoft := base[keyEdited(InMicrosoft)]
	_, restored := base[restoredOn]
	if !crm && !microsoft && !restored {
		return base
	}
	out := base.Clone()
	maps.DeleteFunc(out, func(f record.Field, _ record.Value) bool {
		return f == restoredOn || strings.HasPrefix(string(f), editedOn)
	})
	return out
}

func modified(c *record.Change) time.Time {
	if c == nil {
		return time.Time{}
	}
	return c.Modified
}
