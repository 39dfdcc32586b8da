package m365sim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The directory as Graph shows it (fact sheet §8).

// userRows are the modelled properties of a user; shown says which come without $select.
var userRows = []struct {
	name  string
	shown bool
	value func(*Person) any
}{
	{"businessPhones", true, func(*Person) any { return []string{} }},
	{"displayName", true, func(p *Person) any { return p.DisplayName }},
	{"givenName", true, func(p *Person) any { return p.GivenName }},
	{"jobTitle", true, func(p *Person) any { return p.JobTitle }},
	{"mail", true, func(p *Person) any { return p.Mail }},
	{"mobilePhone", true, func(*Person) any { return nil }},
	{"officeLocation", true, func(p *Person) any { return p.OfficeLocation }},
	{"preferredLanguage", true, func(p *Person) any { return p.Language }},
	{"surname", true, func(p *Person) any { return p.Surname }},
	{"userPrincipalName", true, func(p *Person) any { return p.UPN }},
	{"id", true, func(p *Person) any { return p.ID }},
	{"accountEnabled", false, func(p *Person) any { return p.AccountEnabled }},
	{"userType", false, func(p *Person) any { return p.UserType }},
	{"department", false, func(p *Person) any { return p.Department }},
	{"companyName", false, func(*Person) any { return nil }},
	{"employeeId", false, func(*Person) any { return nil }},
	{"city", false, func(*Person) any { return nil }},
	{"country", false, func(*Person) any { return nil }},
	{"mailNickname", false, func(p *Person) any { name, _, _ := strings.Cut(p.UPN, "@"); return name }},
	{"createdDateTime", false, func(*Person) any { return time.Date(2024, 1, 15, 9, 0, 0, 0, time.UTC) }},
}

// basicUser is what User.ReadBasic.All and User.Read of others open up.
var basicUser = []string{"displayName", "givenName", "surname", "mail", "userPrincipalName", "id"}

// userSchema lends its table to the query options.
var userSchema = func() *schema {
	rows := make([]property, len(userRows))
	var names []string
	for i, row := range userRows {
		rows[i] = property{name: row.name, hidden: !row.shown}
		names = append(names, row.name)
	}
	return newSchema("microsoft.graph.user", names, rows)
}()

func appendUser(b []byte, p *Person, chosen selection) []byte {
	if chosen == 0 {
		chosen = userSchema.shown
	}
	for i, row := range userRows {
		if chosen&(1<<i) == 0 {
			continue
		}
		b = appendKey(b, row.name)
		switch v := row.value(p).(type) {
		case string:
			if v == "" {
				b = append(b, "null"...)
			} else {
				b = appendString(b, v)
			}
		case bool:
			b = append(b, boolText(v)...)
		case []string:
			b = append(b, '[', ']')
		case time.Time:
			b = appendSeconds(b, v)
		default:
			b = append(b, "null"...)
		}
	}
	return b
}

func (p *Person) lookup(path string) any {
	for _, row := range userRows {
		if row.name == path {
			switch v := row.value(p).(type) {
			case []string:
				return nil
			case string:
				if v == "" {
					return nil
				}
				return v
			default:
				return v
			}
		}
	}
	return nil
}

func (c *call) getMe() *graphError {
	o, err := c.options(userSchema)
	if err != nil {
		return err
	}
	b := c.context(c.out, "users/$entity")
	c.out = append(appendUser(b, c.person, o.chosen), '}')
	return nil
}

func (c *call) getUser() *graphError {
	o, err := c.options(userSchema)
	if err != nil {
		return err
	}
	if c.id(0) == "delta" {
		return c.unknown()
	}
	p := c.s.Person(c.id(0))
	if p == nil || p.TenantID != c.grant.tenantID {
		return newGraphError(http.StatusNotFound, "Request_ResourceNotFound",
			"Resource '"+c.id(0)+"' does not exist or one of its queried reference-property objects are not present.")
	}
	if p.ID != c.grant.oid {
		if err := c.mayRead(&o); err != nil {
			return err
		}
	}
	b := c.context(c.out, "users/$entity")
	c.out = append(appendUser(b, p, o.chosen), '}')
	return nil
}

// mayRead holds the properties asked for against the permission: the basic one opens names and addresses only.
func (c *call) mayRead(o *options) *graphError {
	if c.byHand || c.grant.has("User.Read.All") || c.grant.has("Directory.Read.All") {
		return nil
	}
	if !c.grant.has("User.ReadBasic.All") {
		return errPrivileges
	}
	if o.chosen == 0 { // what the permission does not open reads as if it were empty: it is left out
		o.chosen, _ = userSchema.selection(strings.Join(basicUser, ","))
		return nil
	}
	for i, row := range userRows {
		if o.chosen&(1<<i) != 0 && !slices.Contains(basicUser, row.name) {
			return errPrivileges
		}
	}
	return nil
}

var errPrivileges = newGraphError(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

// Pages of the directory (fact sheet §1).
const (
	defaultUsers = 100
	maxUsers     = 999
)

func (c *call) listUsers() *graphError {
	o, err := c.options(userSchema)
	if err != nil {
		return err
	}
	if !o.topGiven {
		o.top = defaultUsers
	} else if n, _ := wholeNumber(pair{"$top", c.query.get("$top")}); n > maxUsers || n == 0 {
		return badRequest("Request_UnsupportedQuery", "Invalid page size specified: '"+c.query.get("$top")+"'. Must be between 1 and 999 inclusive.")
	}
	if err := c.mayRead(&o); err != nil {
		return err
	}
	if err := c.advanced(&o); err != nil {
		return err
	}
	n := c.s.Tenant(c.grant.tenantID).census()
	var found []int32 // places in the census
	narrowed := false
	if o.search != "" {
		if found, err = n.search(o.search); err != nil {
			return err
		}
		narrowed = true
	}
	if o.filter != nil {
		if near, ok := n.candidates(o.filter); ok && narrowed {
			found = both(found, near)
		} else if ok {
			found, narrowed = near, true
		}
	}
	after := 0
	if o.skipToken != "" {
		t, err := c.openToken(o.skipToken, tokenSkip)
		if err != nil {
			return badRequest("Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
		}
		after = int(t.position)
	}
	p := c.directoryPage(n, found, narrowed, &o, after)
	b := c.context(c.out, "users")
	if o.count && after == 0 { // comes with the first page only
		b = appendCount(b, p.total)
	}
	b = append(appendKey(b, "value"), '[')
	for i, one := range p.people {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendUser(append(b, '{'), one, o.chosen), '}')
	}
	b = append(b, ']')
	if p.more {
		b = c.nextLink(b, token{kind: tokenSkip, position: uint64(p.next)})
	}
	c.out = append(b, '}')
	return nil
}

// A directoryPage is one page of people.
type directoryPage struct {
	people []*Person
	total  int // for $count
	next   int // where the page after it begins
	more   bool
}

// directoryPage gathers a page. The position of a list in the directory's own order is a place in the census, so that
// a page costs no more the later it comes; that of any other order is how many went before.
func (c *call) directoryPage(n *census, found []int32, narrowed bool, o *options, after int) directoryPage {
	var p directoryPage
	fits := func(at int32) bool { return o.filter == nil || o.filter.holds(n.people[at].lookup) }
	if len(o.order) > 0 && (o.order[0].path != "displayName" || o.order[0].down) {
		if !narrowed {
			found = n.all()
		}
		found = slices.DeleteFunc(found, func(at int32) bool { return !fits(at) })
		by := o.order[0]
		slices.SortStableFunc(found, func(a, b int32) int {
			order, _ := compareValues(n.people[a].lookup(by.path), n.people[b].lookup(by.path))
			if by.down {
				return -order
			}
			return order
		})
		from := min(after, len(found))
		to := min(from+o.top, len(found))
		for _, at := range found[from:to] {
			p.people = append(p.people, n.people[at])
		}
		p.total, p.next, p.more = len(found), to, to < len(found)
		return p
	}
	size, place := len(n.people), func(i int) int32 { return int32(i) }
	if narrowed {
		size, place = len(found), func(i int) int32 { return found[i] }
	}
	countAll := o.count && after == 0
	for i := range size {
		at := place(i)
		if int(at) < after || !fits(at) {
			continue
		}
		p.total++
		switch {
		case len(p.people) < o.top:
			p.people, p.next = append(p.people, n.people[at]), int(at)+1
		case !countAll:
			p.more = true
			return p
		default:
			p.more = true
		}
	}
	return p
}

// advanced refuses what needs ConsistencyLevel: eventual and $count=true when they are not there. The header is
// not carried by a nextLink: it is asked for on each page (fact sheet §1, §8).
func (c *call) advanced(o *options) *graphError {
	needs := o.search != "" || o.count || o.filter != nil && (len(o.order) > 0 || o.filter.isAdvanced())
	eventual := strings.EqualFold(c.header("ConsistencyLevel"), "eventual")
	if !needs || eventual && (o.count || o.search != "" && o.filter == nil && len(o.order) == 0) {
		return nil
	}
	return badRequest("Request_UnsupportedQuery", "Unsupported Query. It needs the header ConsistencyLevel: eventual and $count=true.")
}

func (c *condition) isAdvanced() bool {
	switch c.op {
	case "ne", "not", "endswith", "contains":
		return true
	}
	return slices.ContainsFunc(c.kids, (*condition).isAdvanced)
}

// search reads "displayName:ann" OR "mail:ann", each quoted, joined by AND or OR, and lists who it finds.
func (n *census) search(text string) ([]int32, *graphError) {
	refused := badRequest("Request_BadRequest", "Syntax error: the clause of $search must be like \"displayName:value\", in double quotes.")
	var found []int32
	join := ""
	for rest := strings.TrimSpace(text); ; {
		if !strings.HasPrefix(rest, `"`) {
			return nil, refused
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return nil, refused
		}
		name, value, ok := strings.Cut(rest[1:end+1], ":")
		if !ok || !slices.Contains(indexed, name) {
			return nil, refused
		}
		these := n.find(indexKey{name, true}, strings.TrimSpace(value))
		switch join {
		case "":
			found = these
		case "AND":
			found = both(found, these)
		default:
			found = either(found, these)
		}
		if rest = strings.TrimSpace(rest[end+2:]); rest == "" {
			return found, nil
		}
		join, rest, _ = strings.Cut(rest, " ")
		if join != "AND" && join != "OR" {
			return nil, refused
		}
		rest = strings.TrimSpace(rest)
	}
}

// listRoles shows the active directory roles of the person. Nobody here is a member of a group.
func (c *call) listRoles() *graphError {
	cast := strings.HasSuffix(c.route.pattern, "directoryRole")
	wanted := c.query.get("$select")
	b := append(c.context(c.out, "directoryObjects"), `,"value":[`...)
	for i, role := range c.person.Roles {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if !cast {
			b = appendTextMember(b, "@odata.type", "#microsoft.graph.directoryRole")
		}
		for _, m := range []pair{{"id", guid("role", c.person.TenantID, role)}, {"displayName", roleNames[role]}, {"roleTemplateId", role}} {
			if wanted == "" || strings.Contains(","+wanted+",", ","+m.name+",") {
				b = appendTextMember(b, m.name, m.value)
			}
		}
		b = append(b, '}')
	}
	c.out = append(b, ']', '}')
	return nil
}

func (c *call) listOrganization() *graphError {
	b := append(c.context(c.out, "organization"), `,"value":[{`...)
	c.out = append(c.appendOrganization(b), '}', ']', '}')
	return nil
}

func (c *call) getOrganization() *graphError {
	if !strings.EqualFold(c.id(0), c.grant.tenantID) {
		return newGraphError(http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+c.id(0)+"' does not exist.")
	}
	c.out = append(c.appendOrganization(c.context(c.out, "organization/$entity")), '}')
	return nil
}

func (c *call) appendOrganization(b []byte) []byte {
	t := c.s.Tenant(c.grant.tenantID)
	b = appendTextMember(b, "id", t.ID)
	b = appendTextMember(b, "displayName", t.Name)
	b = appendTextMember(b, "preferredLanguage", "pt")
	return appendRawMember(b, "verifiedDomains",
		`[{"capabilities":"Email, OfficeCommunicationsOnline","isDefault":true,"isInitial":true,"name":`+quoted(t.Domain)+`,"type":"Managed"}]`)
}
