package m365sim

import (
	"sync"
	"sync/atomic"
	"time"
)

// A mailbox holds one person's folders and items. Everything in it is guarded by mu, but an item itself never
// changes: an edit puts a new item in its place, so a snapshot may be written out after the lock is gone.
type mailbox struct {
	sim     *Sim
	ids     idMaker
	owner   atomic.Pointer[Person]
	enabled atomic.Bool

	forgotten atomic.Uint64 // how often the mailbox forgot its sync states
	listeners atomic.Int32  // subscriptions that want to hear of changes

	mu      sync.Mutex
	changes uint64            // the last change number; each change of anything in the mailbox takes the next
	clock   time.Time         // of the last change: modification times never go back, whatever the clock does
	folders []*folder         // by number - 1
	items   []*item           // by number - 1; nil when purged
	made    map[string]uint32 // items by transactionId, deleted ones too (fact sheet §3.6)
	tags    []category

	places places

	watchMu  sync.Mutex
	watchers map[chan struct{}]struct{}
}

func newMailbox(s *Sim, owner *Person) *mailbox {
	box := &mailbox{
		sim: s, ids: newIDMaker(owner.ID),
		made:     map[string]uint32{},
		watchers: map[chan struct{}]struct{}{},
	}
	box.owner.Store(owner)
	box.enabled.Store(true)
	box.furnish()
	return box
}

// furnish puts in what a mailbox has from its first day.
func (box *mailbox) furnish() {
	box.clock = box.sim.now()
	box.addFolder(deletedItems, "Deleted Items", nil)
	box.addFolder(calendarFolder, "Calendar", nil).isDefault = true
	box.addFolder(contactFolder, "Contacts", nil).isDefault = true
	box.tags = []category{
		{guid("category", "Red"), "Red category", "preset0"},
		{guid("category", "Orange"), "Orange category", "preset1"},
		{guid("category", "Yellow"), "Yellow category", "preset3"},
		{guid("category", "Green"), "Green category", "preset4"},
		{guid("category", "Blue"), "Blue category", "preset7"},
		{guid("category", "Purple"), "Purple category", "preset8"},
	}
}

// mailboxOf finds a person's mailbox; it is made when it is first looked for. nil: the person has none.
func (s *Sim) mailboxOf(oid string) *mailbox {
	s.mu.RLock()
	box, p := s.boxes[oid], s.byOID[oid]
	s.mu.RUnlock()
	if box != nil || p == nil || !p.HasMailbox {
		return box
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p = s.byOID[oid]; s.boxes[oid] == nil && p != nil && p.HasMailbox {
		s.boxes[oid] = newMailbox(s, p)
	}
	return s.boxes[oid]
}

// next takes a change number and its time. The caller holds mu.
func (box *mailbox) next() (uint64, time.Time) {
	box.changes++
	if now := box.sim.now().Truncate(100 * time.Nanosecond); now.After(box.clock) {
		box.clock = now
	}
	return box.changes, box.clock
}

// An item is a contact or an event as it was after one change. It is never changed once it is in the mailbox.
type item struct {
	n        uint32 // number in the mailbox: what the ids are made of
	place    uint16 // how often it has moved, see ref
	folder   *folder
	joined   uint64 // change number with which it came into the folder
	change   uint64
	created  time.Time
	modified time.Time
	props    doc
	extended []extended
	event    *eventPart // nil for a contact
	photo    []byte     // of a contact
	mine     bool       // display name of a contact was made by the service
}

// find returns the item of an id, when it is alive: not in Deleted Items, nor in a folder that is there.
// The caller holds mu.
func (box *mailbox) find(id string, kind folderKind) (*item, ref, *graphError) {
	r, err := box.ids.read(id)
	if err != nil {
		return nil, r, err
	}
	if r.kind != idItem && r.kind != idOccurrence || r.n == 0 || int(r.n) > len(box.items) {
		return nil, r, errItemNotFound
	}
	it := box.items[r.n-1]
	if it == nil || it.folder.kind != kind || !it.folder.alive() {
		return nil, r, errItemNotFound
	}
	place := it.place
	if r.immutable {
		place = 0
	}
	if r.kind == idItem && r.place != place {
		return nil, r, errItemNotFound // it has moved: the old default id names nothing any more
	}
	return it, r, nil
}

// insert puts a new item into a folder. The caller holds mu.
func (box *mailbox) insert(it *item, in *folder) {
	box.items = append(box.items, it)
	it.n = uint32(len(box.items))
	it.folder = in
	it.change, it.modified = box.next()
	it.created = it.modified
	it.joined = it.change
	in.members.join(it.n, it.change)
	in.log.add(entry{change: it.change, at: it.modified.UnixNano(), n: it.n})
}

// replace puts a changed copy in the place of the item with its number. The caller holds mu.
func (box *mailbox) replace(it *item) {
	it.change, it.modified = box.next()
	box.items[it.n-1] = it
	it.folder.log.add(entry{change: it.change, at: it.modified.UnixNano(), n: it.n})
	it.folder.log.compact(box, it.folder)
}

// move takes an item to another folder: new default id, a tombstone left behind. The caller holds mu.
func (box *mailbox) move(it *item, to *folder) *item {
	moved := *it
	from := it.folder
	moved.place++
	moved.folder = to
	moved.change, moved.modified = box.next()
	moved.joined = moved.change
	box.items[it.n-1] = &moved
	from.members.leave()
	from.log.add(entry{change: moved.change, at: moved.modified.UnixNano(), n: it.n, gone: true, place: it.place})
	from.log.compact(box, from)
	from.members.compact(box, from)
	to.members.join(it.n, moved.change)
	to.log.add(entry{change: moved.change, at: moved.modified.UnixNano(), n: it.n})
	return &moved
}

// remove takes an item to Deleted Items (fact sheet §2: plain DELETE), from where only a person brings it back.
func (box *mailbox) remove(it *item) *item { return box.move(it, box.folders[0]) }

// changed tells whoever watches. It is called without mu.
func (box *mailbox) changed() {
	box.watchMu.Lock()
	defer box.watchMu.Unlock()
	for ch := range box.watchers {
		select {
		case ch <- struct{}{}:
		default: // it has a tick waiting already
		}
	}
}

func (box *mailbox) watch() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	box.watchMu.Lock()
	box.watchers[ch] = struct{}{}
	box.watchMu.Unlock()
	return ch, func() {
		box.watchMu.Lock()
		delete(box.watchers, ch)
		box.watchMu.Unlock()
	}
}
