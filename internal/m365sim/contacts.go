package m365sim

import (
	"strings"

	"github.com/tidwall/gjson"
)

// A view is how one request wants to see items.
type view struct {
	box        *mailbox
	chosen     selection
	extended   []string
	exceptions bool
	ofThose    selection // what to show of the exceptions
	immutable  bool
	text       bool // bodies as text
	single     bool // it was asked for by its id
	zone       *zone
}

func (c *call) view(o *options) *view {
	return &view{
		box: c.box, chosen: o.chosen, extended: o.extended, exceptions: o.exceptions, ofThose: o.ofThose,
		immutable: c.prefer.immutable, text: c.prefer.text, zone: c.prefer.zone,
	}
}

func (box *mailbox) appendItemID(b []byte, it *item, immutable bool) []byte {
	r := ref{kind: idItem, immutable: immutable, n: it.n, place: it.place}
	if immutable {
		r.place = 0
	}
	if it.event != nil && it.event.slot != nil {
		r.kind, r.place, r.day = idOccurrence, it.event.pattern, it.event.slot.day
	}
	return box.ids.append(b, r)
}

func (box *mailbox) itemID(it *item, immutable bool) string {
	return string(box.appendItemID(make([]byte, 0, idLength), it, immutable))
}

// appendItem appends an item as an object; open says that its opening bracket and the context stand there already.
func (sch *schema) appendItem(b []byte, it *item, v *view, open bool) []byte {
	if !open {
		b = append(b, '{')
	}
	b = appendETag(appendKey(b, "@odata.etag"), it.change)
	b = sch.write(b, it, v)
	return append(b, '}')
}

// contactsFolder is the folder that the path names, or the default one; its contacts' ids stand at the next place.
func (c *call) contactsFolder() (f *folder, next int, err *graphError) {
	if strings.HasPrefix(c.route.pattern, "/me/contactFolders/") {
		f, err = c.box.folder(c.id(0), contactFolder, false)
		return f, 1, err
	}
	return c.box.defaultFolder(contactFolder), 0, nil
}

// contact finds the contact that the path names. By /me/contacts/{id} any in the mailbox is found, below a folder
// only one that is in it.
func (c *call) contact() (*item, *graphError) {
	f, at, err := c.contactsFolder()
	if err != nil {
		return nil, err
	}
	it, _, err := c.box.find(c.id(at), contactFolder)
	if err != nil {
		return nil, err
	}
	if at == 1 && it.folder != f {
		return nil, errItemNotFound
	}
	return it, nil
}

// contactBody reads what was sent of a contact.
func (c *call) contactBody() (r received, err *graphError) {
	if r, err = contactSchema.read(c.body); err != nil || !c.s.warts.Load().RefuseLongContact {
		return r, err
	}
	const most = 255
	gjson.Parse(c.body).ForEach(func(key, value gjson.Result) bool {
		if value.Type == gjson.String && key.Str != "personalNotes" && len([]rune(value.Str)) > most {
			err = invalidProperty(key.Str, "the text is longer than 255 characters")
		}
		return err == nil
	})
	return r, err
}

func (c *call) postContact() *graphError {
	r, err := c.contactBody()
	if err != nil {
		return err
	}
	it := &item{extended: r.extended}
	it.props, it.mine = nameContact(r.doc.withoutNulls(), r.doc, true)

	c.box.mu.Lock()
	f, _, err := c.contactsFolder()
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	c.box.insert(it, f)
	c.box.mu.Unlock()

	c.created()
	c.showContact(it, &options{})
	c.box.announce(it, changeCreated)
	return nil
}

func (c *call) showContact(it *item, o *options) {
	v := c.view(o)
	c.out = contactSchema.appendItem(c.context(c.out, "contacts/$entity"), it, v, true)
}

func (c *call) getContact() *graphError {
	o, err := c.options(contactSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	it, err := c.contact()
	c.box.mu.Unlock()
	if err != nil {
		return err
	}
	c.showContact(it, &o)
	return nil
}

func (c *call) patchContact() *graphError {
	r, err := c.contactBody()
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	old, err := c.contact()
	if err == nil {
		err = c.precondition(old.change, c.s.warts.Load().IgnoreContactIfMatch)
	}
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	it := *old
	it.props, it.mine = nameContact(old.props.merge(r.doc), r.doc, old.mine)
	it.extended = mergeExtended(old.extended, r.extended)
	c.box.replace(&it)
	c.box.mu.Unlock()

	c.showContact(&it, &options{})
	c.box.announce(&it, changeUpdated)
	return nil
}

// precondition holds If-Match against the version (fact sheet §3.8).
func (c *call) precondition(change uint64, ignore bool) *graphError {
	if match := c.header("If-Match"); match != "" && !ignore && !sameVersion(match, change) {
		return errStale
	}
	return nil
}

func (c *call) deleteContact() *graphError {
	c.box.mu.Lock()
	it, err := c.contact()
	if err == nil {
		err = c.precondition(it.change, c.s.warts.Load().IgnoreContactIfMatch)
	}
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	c.box.remove(it)
	c.box.mu.Unlock()
	c.noContent()
	c.box.announce(it, changeDeleted)
	return nil
}

func (c *call) listContacts() *graphError {
	o, err := c.options(contactSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	f, _, err := c.contactsFolder()
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	page, err := c.page(f, &o, contactLookup)
	c.box.mu.Unlock()
	if err != nil {
		return err
	}
	c.writePage(contactSchema, page, &o, "contacts")
	return nil
}

// contactLookup gives $filter and $orderby the values of a contact.
func contactLookup(box *mailbox, it *item) lookup {
	return func(path string) any {
		switch path {
		case "id":
			return exactText(box.itemID(it, false))
		case "lastModifiedDateTime":
			return it.modified
		case "createdDateTime":
			return it.created
		case "parentFolderId":
			return exactText(box.folderID(it.folder))
		case "singleValueExtendedProperties":
			return box.searchable(it)
		case "emailAddresses/address":
			return gjson.Get(it.props.get(contactEmails), "0.address").Str
		}
		if at, ok := contactSchema.index[path]; ok {
			return it.props.text(at)
		}
		return nil
	}
}
