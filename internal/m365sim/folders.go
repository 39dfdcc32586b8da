package m365sim

import (
	"slices"
	"strings"
	"time"
)

type folderKind byte

const (
	deletedItems folderKind = iota
	calendarFolder
	contactFolder
)

// A folder is a calendar, a contact folder, or Deleted Items. Its fields are guarded by the mailbox's lock.
type folder struct {
	n         uint32
	kind      folderKind
	name      string
	color     string // of a calendar
	parent    *folder
	isDefault bool
	sharer    *address  // of a calendar that somebody else shares: whose it is
	readOnly  bool      // the person may not write in it
	change    uint64    // of the folder itself
	deleted   time.Time // zero: it is there
	answers   time.Time // a deleted one still answers by id before this moment
	extended  []extended
	members   roll
	log       changeLog
}

// alive reports whether the folder's contents can be reached.
func (f *folder) alive() bool { return f.deleted.IsZero() }

// addFolder makes a folder. The caller holds mu, or is the only one who knows the mailbox.
func (box *mailbox) addFolder(kind folderKind, name string, parent *folder) *folder {
	f := &folder{n: uint32(len(box.folders) + 1), kind: kind, name: name, color: "auto", parent: parent}
	f.change, _ = box.next()
	box.folders = append(box.folders, f)
	return f
}

// folderID is the same in both spaces (fact sheet §3.9: folders take no part in immutable ids).
func (box *mailbox) folderID(f *folder) string { return box.ids.write(ref{kind: idFolder, n: f.n}) }

// defaultFolder is the calendar or contact folder that every mailbox has.
func (box *mailbox) defaultFolder(kind folderKind) *folder {
	for _, f := range box.folders {
		if f.kind == kind && f.isDefault {
			return f
		}
	}
	return nil
}

// folder returns the folder of an id; an empty id or the well-known name means the default one.
// deadToo admits a deleted one that still answers. The caller holds mu.
func (box *mailbox) folder(id string, kind folderKind, deadToo bool) (*folder, *graphError) {
	if id == "" || kind == contactFolder && strings.EqualFold(id, "contacts") {
		return box.defaultFolder(kind), nil
	}
	r, err := box.ids.read(id)
	if err != nil {
		return nil, err
	}
	if r.kind != idFolder || r.n == 0 || int(r.n) > len(box.folders) || r.immutable {
		return nil, errItemNotFound
	}
	f := box.folders[r.n-1]
	if f.kind != kind || !f.alive() && !(deadToo && box.sim.now().Before(f.answers)) {
		return nil, errItemNotFound
	}
	return f, nil
}

// nameTaken reports whether a sibling has that name already. Deleted ones do not count (fact sheet §2).
func (box *mailbox) nameTaken(kind folderKind, parent *folder, name string, but *folder) bool {
	deadToo := box.sim.warts.Load().DeletedNamesCollide
	return slices.ContainsFunc(box.folders, func(f *folder) bool {
		return f != but && f.kind == kind && f.parent == parent && (f.alive() || deadToo) && strings.EqualFold(f.name, name)
	})
}

// folderExists refuses a name that is taken.
func (c *call) folderExists() *graphError {
	refused := *errFolderExists
	if status := c.s.warts.Load().DuplicateNameStatus; status != 0 {
		refused.status = status
	}
	return &refused
}

// removeFolder takes a folder and those below it to Deleted Items. The caller holds mu.
func (box *mailbox) removeFolder(f *folder) {
	now := box.sim.now()
	f.change, _ = box.next()
	answers := box.sim.warts.Load().DeletedCalendarAnswers
	if f.kind == contactFolder {
		answers = box.sim.warts.Load().DeletedFolderAnswers
	}
	f.deleted, f.answers = now, now.Add(answers)
	for _, child := range box.folders {
		if child.parent == f && child.alive() {
			box.removeFolder(child)
		}
	}
}

// Contact folders (fact sheet §7).

var contactFolderSchema = newSchema("microsoft.graph.contactFolder", []string{"displayName", "id"}, []property{
	{name: "id"},
	{name: "parentFolderId"},
	{name: "displayName", take: takeText},
})

const folderName = 2 // the row of displayName

func (c *call) writeContactFolder(b []byte, f *folder, o *options) []byte {
	chosen := o.chosen
	if chosen == 0 {
		chosen = contactFolderSchema.shown
	}
	b = appendTextMember(b, "id", c.box.folderID(f))
	if chosen&(1<<1) != 0 {
		parent := f.parent
		if parent == nil {
			parent = c.box.folders[0] // stands for the top of the mailbox
		}
		b = appendTextMember(b, "parentFolderId", c.box.folderID(parent))
	}
	if chosen&(1<<folderName) != 0 {
		b = appendTextMember(b, "displayName", f.name)
	}
	return appendExtended(b, f.extended, o.extended)
}

func (f *folder) lookup(box *mailbox) lookup {
	return func(path string) any {
		switch path {
		case "displayName", "name":
			return f.name
		case "id":
			return box.folderID(f)
		case "singleValueExtendedProperties":
			return f.extended
		}
		return nil
	}
}

// parentFolder is the folder below which the request works: the default Contacts, unless the path names one.
func (c *call) parentFolder() (*folder, *graphError) {
	return c.box.folder(c.id(0), contactFolder, false)
}

// listContactFolders shows the folders below Contacts; Contacts itself is not among them (fact sheet §7).
func (c *call) listContactFolders() *graphError {
	o, err := c.options(contactFolderSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	parent, err := c.parentFolder()
	if err != nil {
		return err
	}
	var found []*folder
	for _, f := range c.box.folders {
		if f.kind == contactFolder && f.parent == parent && f.alive() && (o.filter == nil || o.filter.holds(f.lookup(c.box))) {
			found = append(found, f)
		}
	}
	return c.folderPage(found, &o, "contactFolders", c.writeContactFolder)
}

// folderPage writes one page of folders.
func (c *call) folderPage(found []*folder, o *options, what string, write func([]byte, *folder, *options) []byte) *graphError {
	total := len(found)
	from := o.skip
	if o.skipToken != "" {
		t, err := c.openToken(o.skipToken, tokenSkip)
		if err != nil {
			return err
		}
		from = int(t.position)
	}
	from = min(from, total)
	to := min(from+o.top, total)
	b := c.context(c.out, what)
	if o.count {
		b = appendCount(b, total)
	}
	b = append(appendKey(b, "value"), '[')
	for i, f := range found[from:to] {
		if i > 0 {
			b = append(b, ',')
		}
		b = write(append(b, '{'), f, o)
		b = append(b, '}')
	}
	b = append(b, ']')
	if to < total {
		b = c.nextLink(b, token{kind: tokenSkip, position: uint64(to)})
	}
	c.out = append(b, '}')
	return nil
}

func (c *call) postContactFolder() *graphError {
	r, err := contactFolderSchema.read(c.body)
	if err != nil {
		return err
	}
	name := r.doc.text(folderName)
	if name == "" {
		return invalidProperty("displayName", "a folder needs a name")
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	parent, err := c.parentFolder()
	if err != nil {
		return err
	}
	if c.box.nameTaken(contactFolder, parent, name, nil) {
		return c.folderExists()
	}
	f := c.box.addFolder(contactFolder, name, parent)
	f.extended = r.extended
	c.created()
	c.showContactFolder(f, &options{})
	c.box.changed()
	return nil
}

func (c *call) showContactFolder(f *folder, o *options) {
	b := c.context(c.out, "contactFolders/$entity")
	c.out = append(c.writeContactFolder(b, f, o), '}')
}

func (c *call) getContactFolder() *graphError {
	o, err := c.options(contactFolderSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	f, err := c.box.folder(c.id(0), contactFolder, true)
	if err != nil {
		return err
	}
	c.showContactFolder(f, &o)
	return nil
}

func (c *call) patchContactFolder() *graphError {
	r, err := contactFolderSchema.read(c.body)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	f, err := c.box.folder(c.id(0), contactFolder, false)
	if err != nil {
		return err
	}
	if r.has(folderName) {
		name := r.doc.text(folderName)
		if name == "" || f.isDefault {
			return invalidProperty("displayName", "this folder cannot have that name")
		}
		if c.box.nameTaken(contactFolder, f.parent, name, f) {
			return c.folderExists()
		}
		f.name = name
	}
	f.extended = mergeExtended(f.extended, r.extended)
	f.change, _ = c.box.next()
	c.showContactFolder(f, &options{})
	c.box.changed()
	return nil
}

func (c *call) deleteContactFolder() *graphError {
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	f, err := c.box.folder(c.id(0), contactFolder, false)
	if err != nil {
		return err
	}
	if f.isDefault {
		return newGraphError(403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
	}
	c.box.removeFolder(f)
	c.noContent()
	c.box.changed()
	return nil
}
