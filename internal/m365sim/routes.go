package m365sim

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

var (
	readCalendars  = []string{"Calendars.ReadWrite", "Calendars.Read"}
	writeCalendars = []string{"Calendars.ReadWrite"}
	readContacts   = []string{"Contacts.ReadWrite", "Contacts.Read"}
	writeContacts  = []string{"Contacts.ReadWrite"}
	readSettings   = []string{"MailboxSettings.Read", "MailboxSettings.ReadWrite"}
	writeSettings  = []string{"MailboxSettings.ReadWrite"}
	readMe         = []string{"User.Read", "User.ReadBasic.All", "User.Read.All", "User.ReadWrite", "Directory.Read.All"}
	readPeople     = []string{"User.ReadBasic.All", "User.Read.All", "Directory.Read.All"}
	readRoles      = []string{"User.Read", "Directory.Read.All", "RoleManagement.Read.Directory"}
	readTenant     = []string{"User.Read", "Organization.Read.All", "Directory.Read.All"}
	sendMail       = []string{"Mail.Send"}
)

// routes is all of Graph that is modelled. {} stands for one segment. /users/{own id or UPN}/… is read as /me/….
var routes = routeTable()

func routeTable() []route {
	rows := []route{
		{"GET", "/me", readMe, false, (*call).getMe, ""},
		{"GET", "/users", readPeople, false, (*call).listUsers, ""},
		{"GET", "/users/{}", readMe, false, (*call).getUser, ""},
		{"GET", "/organization", readTenant, false, (*call).listOrganization, ""},
		{"GET", "/organization/{}", readTenant, false, (*call).getOrganization, ""},
		{"GET", "/me/memberOf", readRoles, false, (*call).listRoles, ""},
		{"GET", "/me/memberOf/microsoft.graph.directoryRole", readRoles, false, (*call).listRoles, ""},
		{"GET", "/me/transitiveMemberOf", readRoles, false, (*call).listRoles, ""},
		{"GET", "/me/transitiveMemberOf/microsoft.graph.directoryRole", readRoles, false, (*call).listRoles, ""},

		{"GET", "/me/mailboxSettings", readSettings, true, (*call).getSettings, ""},
		{"GET", "/me/outlook/masterCategories", readSettings, true, (*call).listCategories, ""},
		{"POST", "/me/outlook/masterCategories", writeSettings, true, (*call).postCategory, ""},
		{"GET", "/me/outlook/{}", readSettings, true, (*call).supportedTimeZones, ""},
		{"POST", "/me/translateExchangeIds", nil, true, (*call).translateIDs, ""},
		{"POST", "/me/sendMail", sendMail, true, (*call).sendMail, ""},

		{"GET", "/me/calendars", readCalendars, true, (*call).listCalendars, ""},
		{"POST", "/me/calendars", writeCalendars, true, (*call).postCalendar, ""},
		{"GET", "/me/calendarGroups", readCalendars, true, (*call).listCalendarGroups, ""},
		{"GET", "/me/calendarGroups/{}/calendars", readCalendars, true, (*call).listGroupCalendars, ""},
		{"DELETE", "/me/calendars/{}", writeCalendars, true, (*call).deleteCalendar, ""},
		{"POST", "/me/calendars/{}/permanentDelete", writeCalendars, true, (*call).deleteCalendar, ""},

		{"GET", "/me/contactFolders", readContacts, true, (*call).listContactFolders, ""},
		{"POST", "/me/contactFolders", writeContacts, true, (*call).postContactFolder, ""},
		{"GET", "/me/contactFolders/delta", readContacts, true, (*call).contactFoldersDelta, ""},
		{"GET", "/me/contactFolders/{}", readContacts, true, (*call).getContactFolder, ""},
		{"PATCH", "/me/contactFolders/{}", writeContacts, true, (*call).patchContactFolder, ""},
		{"DELETE", "/me/contactFolders/{}", writeContacts, true, (*call).deleteContactFolder, ""},
		{"POST", "/me/contactFolders/{}/permanentDelete", writeContacts, true, (*call).deleteContactFolder, ""},
		{"GET", "/me/contactFolders/{}/childFolders", readContacts, true, (*call).listContactFolders, ""},
		{"POST", "/me/contactFolders/{}/childFolders", writeContacts, true, (*call).postContactFolder, ""},

		{"GET", "/subscriptions", nil, false, (*call).listSubscriptions, ""},
		{"POST", "/subscriptions", nil, false, (*call).postSubscription, ""},
		{"GET", "/subscriptions/{}", nil, false, (*call).getSubscription, ""},
		{"PATCH", "/subscriptions/{}", nil, false, (*call).patchSubscription, ""},
		{"DELETE", "/subscriptions/{}", nil, false, (*call).deleteSubscription, ""},
		{"POST", "/subscriptions/{}/reauthorize", nil, false, (*call).reauthorizeSubscription, ""},
	}
	// A calendar is reached by its id or as the default one; its events also without naming it.
	for _, calendar := range []string{"/me/calendars/{}", "/me/calendar"} {
		rows = append(rows,
			route{"GET", calendar, readCalendars, true, (*call).getCalendar, ""},
			route{"PATCH", calendar, writeCalendars, true, (*call).patchCalendar, ""},
		)
	}
	for _, calendar := range []string{"/me/calendars/{}", "/me/calendar", "/me"} {
		rows = append(rows,
			route{"GET", calendar + "/events", readCalendars, true, (*call).listEvents, ""},
			route{"POST", calendar + "/events", writeCalendars, true, (*call).postEvent, ""},
			route{"GET", calendar + "/events/{}", readCalendars, true, (*call).getEvent, ""},
			route{"PATCH", calendar + "/events/{}", writeCalendars, true, (*call).patchEvent, ""},
			route{"DELETE", calendar + "/events/{}", writeCalendars, true, (*call).deleteEvent, ""},
			route{"POST", calendar + "/events/{}/permanentDelete", writeCalendars, true, (*call).deleteEvent, ""},
			route{"POST", calendar + "/events/{}/cancel", writeCalendars, true, (*call).cancelEvent, ""},
			route{"POST", calendar + "/events/{}/accept", writeCalendars, true, (*call).acceptEvent, ""},
			route{"POST", calendar + "/events/{}/tentativelyAccept", writeCalendars, true, (*call).tentativelyAcceptEvent, ""},
			route{"POST", calendar + "/events/{}/decline", writeCalendars, true, (*call).declineEvent, ""},
			route{"GET", calendar + "/events/{}/instances", readCalendars, true, (*call).listInstances, ""},
			route{"GET", calendar + "/calendarView", readCalendars, true, (*call).calendarView, ""},
			route{"GET", calendar + "/calendarView/delta", readCalendars, true, (*call).calendarViewDelta, ""},
		)
	}
	for _, folder := range []string{"/me/contactFolders/{}", "/me"} {
		rows = append(rows,
			route{"GET", folder + "/contacts", readContacts, true, (*call).listContacts, ""},
			route{"POST", folder + "/contacts", writeContacts, true, (*call).postContact, ""},
			route{"GET", folder + "/contacts/delta", readContacts, true, (*call).contactsDelta, ""},
			route{"GET", folder + "/contacts/{}", readContacts, true, (*call).getContact, ""},
			route{"PATCH", folder + "/contacts/{}", writeContacts, true, (*call).patchContact, ""},
			route{"DELETE", folder + "/contacts/{}", writeContacts, true, (*call).deleteContact, ""},
			route{"POST", folder + "/contacts/{}/permanentDelete", writeContacts, true, (*call).deleteContact, ""},
			route{"GET", folder + "/contacts/{}/photo", readContacts, true, (*call).getPhoto, ""},
			route{"GET", folder + "/contacts/{}/photo/$value", readContacts, true, (*call).getPhotoValue, ""},
			route{"PUT", folder + "/contacts/{}/photo/$value", writeContacts, true, (*call).putPhoto, ""},
			route{"PATCH", folder + "/contacts/{}/photo/$value", writeContacts, true, (*call).putPhoto, ""},
			route{"DELETE", folder + "/contacts/{}/photo", writeContacts, true, (*call).deletePhoto, ""},
			route{"DELETE", folder + "/contacts/{}/photo/$value", writeContacts, true, (*call).deletePhoto, ""},
		)
	}
	for i := range rows {
		rows[i].name = rows[i].method + " " + strings.ReplaceAll(rows[i].pattern, "{}", "{id}")
	}
	return rows
}

// A junction is one place in the tree of routes.
type junction struct {
	words   map[string]*junction // by the segment, as written and in small letters
	any     *junction
	methods map[string]*route
}

var crossroads = planRoutes()

func planRoutes() *junction {
	root := &junction{}
	for i := range routes {
		at := root
		for segment := range strings.SplitSeq(routes[i].pattern[1:], "/") {
			at = at.grow(segment)
		}
		if at.methods == nil {
			at.methods = map[string]*route{}
		}
		at.methods[routes[i].method] = &routes[i]
	}
	return root
}

func (j *junction) grow(segment string) *junction {
	if segment == "{}" {
		if j.any == nil {
			j.any = &junction{}
		}
		return j.any
	}
	if next := j.words[segment]; next != nil {
		return next
	}
	if j.words == nil {
		j.words = map[string]*junction{}
	}
	next := &junction{}
	j.words[segment] = next
	j.words[strings.ToLower(segment)] = next
	return next
}

func (j *junction) step(segment string) (next *junction, wild bool) {
	if next := j.words[segment]; next != nil {
		return next, false
	}
	if next := j.words[strings.ToLower(segment)]; next != nil {
		return next, false
	}
	return j.any, true
}

// find walks the tree along the path. Whatever is not in the table is refused loudly.
func (c *call) find() *graphError {
	path := c.path
	if own, rest, ok := c.ownPath(path); ok {
		if !own {
			return c.foreign(rest)
		}
		path = rest
	}
	at := crossroads
	for rest := strings.Trim(path, "/"); rest != ""; {
		segment, after, _ := strings.Cut(rest, "/")
		rest = after
		next, wild := at.step(segment)
		if next == nil {
			return c.unknown()
		}
		if wild {
			if c.params == len(c.param) {
				return c.unknown()
			}
			id, err := url.PathUnescape(segment)
			if err != nil {
				return errMalformedID
			}
			c.param[c.params] = id
			c.params++
		}
		at = next
	}
	c.route = at.methods[c.method]
	if c.route == nil {
		return c.unknown()
	}
	return nil
}

// ownPath turns /users/{id}/rest into /me/rest and tells whether that user is the one whose token it is.
func (c *call) ownPath(path string) (own bool, rest string, ok bool) {
	const lead = "/users/"
	if len(path) <= len(lead) || !strings.EqualFold(path[:len(lead)], lead) {
		return false, "", false
	}
	user, rest, more := strings.Cut(path[len(lead):], "/")
	if !more {
		return false, "", false // /users/{id} itself is the directory's
	}
	if user == c.grant.oid {
		return true, "/me/" + rest, true
	}
	name, err := url.PathUnescape(user)
	if err != nil {
		return false, name, true
	}
	p := c.s.Person(name)
	if p == nil || p.TenantID != c.grant.tenantID {
		return false, name, true
	}
	if own = p.ID == c.grant.oid || c.grant.oid == ""; own {
		c.person = p
	}
	return own, "/me/" + rest, true
}

// foreign refuses somebody else's mailbox: a delegated token opens only one's own (fact sheet §6).
func (c *call) foreign(name string) *graphError {
	if strings.HasPrefix(name, "/me/") {
		return errAccessDenied
	}
	return newGraphError(http.StatusNotFound, "ResourceNotFound", "Resource could not be discovered.")
}

// unknown answers what is not modelled: 501, a line in the log, a count at /sim/requests.
func (c *call) unknown() *graphError {
	c.s.counts.unknown()
	c.s.log.LogAttrs(c.ctx, slog.LevelWarn, "m365sim: request not modelled",
		slog.String("method", c.method), slog.String("path", c.path))
	return newGraphError(http.StatusNotImplemented, "NotImplemented",
		"The simulator does not model "+c.method+" "+c.path+".")
}
