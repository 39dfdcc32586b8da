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
	found := c.s.peopleOf(c.grant.tenantID)
	if o.search != "" {
		match, err := parseSearch(o.search)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(p *Person) bool { return !match(p) })
	}
	if o.filter != nil {
		found = slices.DeleteFunc(found, func(p *Person) bool { return !o.filter.holds(p.lookup) })
	}
	if len(o.order) > 0 {
		by := o.order[0]
		slices.SortStableFunc(found, func(a, b *Person) int {
			order, _ := compareValues(a.lookup(by.path), b.lookup(by.path))
			if by.down {
				return -order
			}
			return order
		})
	}
	from := 0
	if o.skipToken != "" {
		t, err := c.openToken(o.skipToken, tokenSkip)
		if err != nil {
			return badRequest("Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
		}
		from = min(int(t.position), len(found))
	}
	to := min(from+o.top, len(found))
	b := c.context(c.out, "users")
	if o.count && from == 0 { // comes with the first page only
		b = appendCount(b, len(found))
	}
	b = append(appendKey(b, "value"), '[')
	for i, p := range found[from:to] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendUser(append(b, '{'), p, o.chosen), '}')
	}
	b = append(b, ']')
	if to < len(found) {
		b = c.nextLink(b, token{kind: tokenSkip, position: uint64(to)})
	}
	c.out = append(b, '}')
	return nil
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

// parseSearch reads "displayName:ann" OR "mail:ann": each quoted, joined by AND or OR.
func parseSearch(text string) (func(*Person) bool, *graphError) {
	refused := badRequest("Request_BadRequest", "Syntax error: the clause of $search must be like \"displayName:value\", in double quotes.")
	var all []func(*Person) bool
	var joins []string
	rest := strings.TrimSpace(text)
	for {
		if !strings.HasPrefix(rest, `"`) {
			return nil, refused
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return nil, refused
		}
		name, value, ok := strings.Cut(rest[1:end+1], ":")
		if !ok || !slices.Contains([]string{"displayName", "mail", "userPrincipalName", "givenName", "surname"}, name) {
			return nil, refused
		}
		all = append(all, func(p *Person) bool {
			have, _ := p.lookup(name).(string)
			return hasWord(have, value)
		})
		if rest = strings.TrimSpace(rest[end+2:]); rest == "" {
			break
		}
		join, after, _ := strings.Cut(rest, " ")
		if join != "AND" && join != "OR" {
			return nil, refused
		}
		joins = append(joins, join)
		rest = strings.TrimSpace(after)
	}
	return func(p *Person) bool {
		ok := all[0](p)
		for i, join := range joins {
			if join == "AND" {
				ok = ok && all[i+1](p)
			} else {
				ok = ok || all[i+1](p)
			}
		}
		return ok
	}, nil
}

// hasWord reports whether a word of the text begins with the value, as the tokens of $search do.
func hasWord(text, value string) bool {
	text, value = strings.ToLower(text), strings.ToLower(strings.TrimSpace(value))
	if strings.HasPrefix(text, value) {
		return true
	}
	for at := 0; ; {
		i := strings.IndexAny(text[at:], " .@-_'")
		if i < 0 {
			return false
		}
		at += i + 1
		if strings.HasPrefix(text[at:], value) {
			return true
		}
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
