package m365sim

import (
	"net/http"

	"github.com/tidwall/gjson"
)

// calendarSchema is the table of a calendar's properties (fact sheet §2).
var calendarSchema = newSchema("microsoft.graph.calendar", []string{"name", "id"}, []property{
	{name: "id"},
	{name: "name", take: takeText},
	{name: "color", take: takeWord("auto", "lightBlue", "lightGreen", "lightOrange", "lightGray", "lightYellow", "lightTeal", "lightPink", "lightBrown", "lightRed", "maxColor")},
	{name: "hexColor"},
	{name: "isDefaultCalendar", take: takeBool},
	{name: "changeKey"},
	{name: "canShare"},
	{name: "canViewPrivateItems"},
	{name: "canEdit"},
	{name: "allowedOnlineMeetingProviders"},
	{name: "defaultOnlineMeetingProvider"},
	{name: "isTallyingResponses"},
	{name: "isRemovable"},
	{name: "owner"},
})

var (
	calendarName      = calendarSchema.index["name"]
	calendarColor     = calendarSchema.index["color"]
	calendarIsDefault = calendarSchema.index["isDefaultCalendar"]
)

func (c *call) writeCalendar(b []byte, f *folder, o *options) []byte {
	owner := c.box.ownerAddress()
	if f.sharer != nil {
		owner = *f.sharer
	}
	values := [...]string{
		quoted(c.box.folderID(f)), quoted(f.name), quoted(f.color), `""`,
		boolText(f.isDefault), `"` + string(appendChangeKey(nil, f.change)) + `"`,
		boolText(f.sharer == nil), boolText(f.sharer == nil), boolText(!f.readOnly), `["teamsForBusiness"]`, `"teamsForBusiness"`,
		boolText(f.isDefault), boolText(!f.isDefault), string(owner.append(nil)),
	}
	chosen := o.chosen
	if chosen == 0 {
		chosen = calendarSchema.shown
	}
	for i, value := range values {
		if chosen&(1<<i) != 0 {
			b = appendRawMember(b, calendarSchema.rows[i].name, value)
		}
	}
	return appendExtended(b, f.extended, o.extended)
}

func boolText(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

func (c *call) listCalendars() *graphError {
	o, err := c.options(calendarSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	var found []*folder
	for _, f := range c.box.folders {
		if f.kind == calendarFolder && f.alive() && (o.filter == nil || o.filter.holds(f.lookup(c.box))) {
			found = append(found, f)
		}
	}
	return c.folderPage(found, &o, "calendars", c.writeCalendar)
}

// groupID is the one calendar group that a mailbox has here.
func (box *mailbox) groupID() string { return box.ids.write(ref{kind: idFolder}) }

func (c *call) listCalendarGroups() *graphError {
	b := append(c.context(c.out, "calendarGroups"), `,"value":[{`...)
	b = appendTextMember(b, "id", c.box.groupID())
	b = appendTextMember(b, "name", "My Calendars")
	b = appendTextMember(b, "classId", "0006f0b7-0000-0000-c000-000000000046")
	b = appendTextMember(b, "changeKey", string(appendChangeKey(nil, 1)))
	c.out = append(b, `}]}`...)
	return nil
}

func (c *call) listGroupCalendars() *graphError {
	if c.id(0) != c.box.groupID() {
		return errItemNotFound
	}
	return c.listCalendars()
}

func (c *call) postCalendar() *graphError {
	r, err := calendarSchema.read(c.body)
	if err != nil {
		return err
	}
	name := r.doc.text(calendarName)
	if name == "" {
		return invalidProperty("name", "a calendar needs a name")
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	if c.box.nameTaken(calendarFolder, nil, name, nil) {
		return c.folderExists()
	}
	f := c.box.addFolder(calendarFolder, name, nil)
	if color := r.doc.text(calendarColor); color != "" {
		f.color = color
	}
	f.extended = r.extended
	c.created()
	c.showCalendar(f, &options{})
	c.box.changed()
	return nil
}

func (c *call) showCalendar(f *folder, o *options) {
	b := c.context(c.out, "calendars/$entity")
	c.out = append(c.writeCalendar(b, f, o), '}')
}

func (c *call) getCalendar() *graphError {
	o, err := c.options(calendarSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	f, err := c.box.folder(c.id(0), calendarFolder, true)
	if err != nil {
		return err
	}
	c.showCalendar(f, &o)
	return nil
}

func (c *call) patchCalendar() *graphError {
	r, err := calendarSchema.read(c.body)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	f, err := c.box.folder(c.id(0), calendarFolder, false)
	if err != nil {
		return err
	}
	if err := c.precondition(f.change, false); err != nil {
		return err
	}
	if r.has(calendarName) {
		name := r.doc.text(calendarName)
		if name == "" {
			return invalidProperty("name", "a calendar needs a name")
		}
		if c.box.nameTaken(calendarFolder, nil, name, f) {
			return c.folderExists()
		}
		f.name = name
	}
	if color := r.doc.text(calendarColor); color != "" {
		f.color = color
	}
	if truthy(r.doc, calendarIsDefault) {
		c.box.defaultFolder(calendarFolder).isDefault = false
		f.isDefault = true
	}
	f.extended = mergeExtended(f.extended, r.extended)
	f.change, _ = c.box.next()
	c.showCalendar(f, &options{})
	c.box.changed()
	return nil
}

func (c *call) deleteCalendar() *graphError {
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	f, err := c.box.folder(c.id(0), calendarFolder, false)
	if err != nil {
		return err
	}
	if f.isDefault { // fact sheet §2
		return badRequest("ErrorCannotDeleteObject", "The default calendar cannot be deleted.")
	}
	if err := c.precondition(f.change, false); err != nil {
		return err
	}
	c.box.removeFolder(f)
	c.noContent()
	c.box.changed()
	return nil
}

// ShareCalendar puts a calendar among a person's that somebody else shares, as it is once the person has accepted it: it
// stands in the list like an own one (fact sheet §2). With edit false nothing can be written in it. What is in it are events
// of its own here. It reports whether both people have a mailbox.
func (s *Sim) ShareCalendar(to, from, name string, edit bool) bool {
	p, owner := s.Person(to), s.Person(from)
	if p == nil || owner == nil {
		return false
	}
	box := s.mailboxOf(p.ID)
	if box == nil {
		return false
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	f := box.addFolder(calendarFolder, name, nil)
	f.sharer, f.readOnly = &address{owner.DisplayName, owner.Mail}, !edit
	box.changed()
	return true
}

// translateIDs turns ids of one space into the other (fact sheet §3.9).
func (c *call) translateIDs() *graphError {
	if !gjson.Valid(c.body) {
		return badRequest("RequestBodyRead", "The request body is no JSON.")
	}
	v := gjson.Parse(c.body)
	target := v.Get("targetIdType").Str
	if target != "restId" && target != "restImmutableEntryId" {
		return newGraphError(http.StatusNotImplemented, "NotImplemented", "The simulator translates to restId and restImmutableEntryId only.")
	}
	const most = 1000
	list := v.Get("inputIds").Array()
	if len(list) > most {
		return tooMany("inputIds", len(list), most)
	}
	immutable := target == "restImmutableEntryId"
	b := append(c.context(c.out, "convertIdResult"), `,"value":[`...)
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	for i, id := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTextMember(append(b, '{'), "sourceId", id.Str)
		r, err := c.box.ids.read(id.Str)
		if err == nil && r.kind != idFolder && r.n > 0 && int(r.n) <= len(c.box.items) {
			it := c.box.items[r.n-1]
			if r.kind == idItem {
				r.place = it.place
				if immutable {
					r.place = 0
				}
			}
			r.immutable = immutable
			b = appendTextMember(b, "targetId", c.box.ids.write(r))
		} else {
			b = append(b, `,"errorDetails":{"code":"ErrorInvalidIdMalformed","message":"Id is malformed."}`...)
		}
		b = append(b, '}')
	}
	c.out = append(b, ']', '}')
	return nil
}
