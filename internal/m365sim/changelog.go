package m365sim

import (
	"sort"
	"time"
)

// A changeLog is the order in which a folder's items changed. Delta, lists by modification time and their pages
// are binary searches in it. An item that changes again leaves its old entry behind as stale; when most
// entries are, they are swept.
type changeLog struct {
	entries []entry
	swept   int // entries after the last sweep
}

type entry struct {
	change uint64
	at     int64 // unix nanoseconds of the change
	n      uint32
	place  uint16 // of a tombstone: the place that the default id named
	gone   bool   // a tombstone: the item left the folder
}

func (l *changeLog) add(e entry) { l.entries = append(l.entries, e) }

// after returns the entries with a change number above the one given.
func (l *changeLog) after(change uint64) []entry {
	i := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].change > change })
	return l.entries[i:]
}

// end is the position after everything so far, or before the last entry where that is to come again.
func (l *changeLog) end(changes uint64, replay bool) uint64 {
	if n := len(l.entries); replay && n > 0 {
		return l.entries[n-1].change - 1
	}
	return changes
}

// since returns the entries not older than t.
func (l *changeLog) since(t time.Time) []entry {
	from := t.UnixNano()
	i := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].at >= from })
	return l.entries[i:]
}

// until leaves out the entries after t.
func (l *changeLog) until(entries []entry, t time.Time) []entry {
	last := t.UnixNano()
	return entries[:sort.Search(len(entries), func(i int) bool { return entries[i].at > last })]
}

// current returns the item of an entry that is not stale: nil and true for a tombstone.
func (e entry) current(box *mailbox, in *folder) (it *item, ok bool) {
	it = box.items[e.n-1]
	here := it != nil && it.folder == in
	if e.gone {
		return nil, !here
	}
	return it, here && it.change == e.change
}

func (l *changeLog) compact(box *mailbox, in *folder) {
	const small = 256
	if len(l.entries) < small || len(l.entries) < 2*l.swept {
		return
	}
	kept := l.entries[:0]
	for _, e := range l.entries {
		if _, ok := e.current(box, in); ok {
			kept = append(kept, e)
		}
	}
	l.entries = kept
	l.swept = max(len(kept), small)
}

// A roll is the members of a folder in the order in which they came in, which is the order of lists.
type roll struct {
	list  []membership
	count int // those who are still in
}

type membership struct {
	joined uint64
	n      uint32
}

func (r *roll) join(n uint32, change uint64) {
	r.list = append(r.list, membership{change, n})
	r.count++
}

func (r *roll) leave() { r.count-- }

// after returns those who joined after a change number.
func (r *roll) after(change uint64) []membership {
	i := sort.Search(len(r.list), func(i int) bool { return r.list[i].joined > change })
	return r.list[i:]
}

// current returns the item of a membership that still holds.
func (m membership) current(box *mailbox, in *folder) *item {
	if it := box.items[m.n-1]; it != nil && it.folder == in && it.joined == m.joined {
		return it
	}
	return nil
}

func (r *roll) compact(box *mailbox, in *folder) {
	if len(r.list) < 256 || len(r.list) < 2*r.count {
		return
	}
	kept := r.list[:0]
	for _, m := range r.list {
		if m.current(box, in) != nil {
			kept = append(kept, m)
		}
	}
	r.list = kept
}
