package crmapi

import (
	"net/http"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// userTypes says which users each value of the parameter type means. Whoever is deleted is no user any more.
var userTypes = map[string]func(c *call, u account.User) bool{
	"AllUsers":              func(*call, account.User) bool { return true },
	"ActiveUsers":           func(_ *call, u account.User) bool { return u.State == account.Active },
	"DeactiveUsers":         func(_ *call, u account.User) bool { return u.State == account.Deactivated },
	"ConfirmedUsers":        func(_ *call, u account.User) bool { return confirmed(u) },
	"NotConfirmedUsers":     func(_ *call, u account.User) bool { return !confirmed(u) },
	"DeletedUsers":          func(*call, account.User) bool { return false },
	"ActiveConfirmedUsers":  func(_ *call, u account.User) bool { return u.State == account.Active },
	"AdminUsers":            func(_ *call, u account.User) bool { return isAdmin(u) },
	"ActiveConfirmedAdmins": func(_ *call, u account.User) bool { return isAdmin(u) && u.State == account.Active },
	"CurrentUser":           func(c *call, u account.User) bool { return u.ID == c.user.ID },
}

// confirmed reports whether a user has joined: not one who is invited, or has asked to join.
func confirmed(u account.User) bool {
	return u.State == account.Active || u.State == account.Deactivated
}

// shows reports whether whoever asks gets to see a user: those who have not joined are for those who manage users.
func (c *call) shows(u account.User) bool {
	return confirmed(u) || u.State != account.Deleted && c.user.May.ManageUsers
}

func isAdmin(u account.User) bool {
	return u.Profile == account.SuperAdmin || u.Profile == account.Administrator
}

// matchingUsers are the organization's users of the type that the request names.
func (c *call) matchingUsers() ([]account.User, error) {
	kind := c.r.URL.Query().Get("type")
	if kind == "" {
		kind = "AllUsers"
	}
	fits, ok := userTypes[kind]
	if !ok {
		return nil, invalidParam("type")
	}
	all, err := c.Accounts.People(c.r.Context(), c.user.Org, account.PeopleQuery{})
	var out []account.User
	for _, u := range all {
		if c.shows(u) && fits(c, u) {
			out = append(out, u)
		}
	}
	return out, err
}

// users answers GET /users.
func (c *call) users() error {
	users, err := c.matchingUsers()
	if err != nil {
		return err
	}
	p, err := c.paging()
	if err != nil {
		return err
	}
	if c.r.URL.Query().Has("ids") {
		ids, err := c.ids(maxWrite)
		if err != nil {
			return err
		}
		users = only(users, ids)
	}
	more := len(users) > p.offset+p.size
	users = users[min(p.offset, len(users)):min(p.offset+p.size, len(users))]
	list := make([]object, len(users))
	for i, u := range users {
		list[i] = c.showUser(u)
	}
	return c.noContent("users", list, object{
		"per_page": p.size, "count": len(list), "page": p.number, "more_records": more})
}

func only(users []account.User, ids []record.ID) (out []account.User) {
	for _, u := range users {
		for _, id := range ids {
			if u.ID == id {
				out = append(out, u)
				break
			}
		}
	}
	return out
}

// oneUser answers GET /users/{id}.
func (c *call) oneUser() error {
	id, ok := record.ParseID(c.args["id"])
	if !ok {
		return fault.New(fault.NotFound, "", "crmapi: %q is not an id", c.args["id"])
	}
	u, err := c.Accounts.User(c.r.Context(), c.user.Org, id)
	if err != nil {
		return err
	}
	if !c.shows(u) {
		return fault.New(fault.NotFound, "", "crmapi: user %s is %s", id, u.State)
	}
	return c.answer(http.StatusOK, object{"users": []object{c.showUser(u)}})
}

// countUsers answers GET /users/actions/count.
func (c *call) countUsers() error {
	users, err := c.matchingUsers()
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, object{"count": len(users)})
}

// showUser tells of a user, in Zoho's keys with their mixed case.
func (c *call) showUser(u account.User) object {
	status := "active"
	if u.State != account.Active {
		status = "inactive"
	}
	_, offset := c.Now().In(zoneOr(u.Zone)).Zone()
	return object{
		"id": u.ID.String(), "zuid": u.ID.String(), "email": u.Email,
		"first_name": orNull(u.FirstName), "last_name": orNull(u.LastName), "full_name": u.Name(),
		"profile": object{"name": string(u.Profile), "id": derived("profile", u.Org.String(), string(u.Profile))},
		"role":    object{"name": role(u), "id": derived("role", u.Org.String(), role(u))},
		"status":  status, "confirm": confirmed(u), "microsoft": !u.Identity.IsZero(), "type__s": "Regular User",
		"time_zone": orNull(u.Zone), "offset": offset * 1000, "locale": orNull(strings.ReplaceAll(u.Locale, "-", "_")),
		"language": orNull(strings.ReplaceAll(u.Locale, "-", "_")), "created_time": c.time(u.Created),
	}
}

// role is the place in a hierarchy that Tandem does not have: administrators above everybody else.
func role(u account.User) string {
	if isAdmin(u) {
		return "CEO"
	}
	return "Manager"
}

// person names a user inside a record; null: nobody, or nobody any more.
func (c *call) person(id record.ID) any {
	if id == 0 {
		return nil
	}
	u, known := c.people[id]
	if !known {
		var err error
		if u, err = c.Accounts.User(c.r.Context(), c.user.Org, id); err != nil {
			u = account.User{}
		}
		if c.people == nil {
			c.people = map[record.ID]account.User{c.user.ID: c.user}
		}
		c.people[id] = u
	}
	if u.ID == 0 {
		return object{"id": id.String(), "name": nil, "email": nil}
	}
	return object{"id": id.String(), "name": u.Name(), "email": u.Email}
}

// org answers GET /org.
func (c *call) org() error {
	o, err := c.Accounts.Organization(c.r.Context(), c.user.Org)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, object{"org": []object{{
		"id": o.ID.String(), "zgid": o.ID.String(), "company_name": o.Name, "time_zone": orNull(o.Zone),
		"created_time": c.time(o.Created), "type": "production", "mc_status": false, "max_per_page": maxPage,
		"license_details": object{"paid": c.Paid(o), "paid_type": orNull(string(o.Edition))},
	}}})
}

// timeline answers GET /{module}/{id}/__timeline with what the record itself knows of its past: where it came from, and
// what has let it into the sync if it was imported: a mass update, Outlook, or a contact that was merged into it.
func (c *call) timeline() error {
	r, err := c.stored()
	if err != nil {
		return err
	}
	entry := func(action, source string, at time.Time, by record.ID) object {
		return object{
			"id": derived("timeline", r.ID.String(), action, source), "action": action, "source": source, "type": "record",
			"audited_time": c.time(at), "done_by": c.person(by),
			"record": object{"id": r.ID.String(), "name": orNull(display(r)), "module": object{
				"api_name": c.module.name, "id": derived("module", c.module.name)}},
		}
	}
	source, ok := timelineSources[r.Source]
	if !ok {
		source = "crm_ui"
	}
	list := []object{entry("added", source, r.CreatedAt, r.CreatedBy)}
	if source, marked := timelineMarks[r.Mark]; marked {
		list = append([]object{entry("updated", source, r.ModifiedAt, r.ModifiedBy)}, list...)
	}
	return c.answer(http.StatusOK, object{"__timeline": list, "info": object{
		"per_page": maxPage, "count": len(list), "page": 1, "more_records": false}})
}

// timelineSources are Zoho's names in a timeline for where a record came from; the one for a file import is not
// published, so "import" is ours.
var timelineSources = map[record.Source]string{
	record.Manual: "crm_ui", record.API: "crm_api", record.Import: "import", record.Migration: "migration",
	record.FromExchange: "microsoft",
}

// timelineMarks are the names in a timeline for what happened to a record; the one for a merge is not published, so it is ours.
var timelineMarks = map[crm.Mark]string{
	crm.MassMark: "mass_update", crm.OutlookMark: "microsoft", crm.MergedInMark: "find_and_merge",
}
