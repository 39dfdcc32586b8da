package outlook

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// What Graph keeps of a contact that is a single text, and of its addresses.
var (
	contactTexts = []struct {
		name record.Field
		at   func(*graph.Contact) *string
	}{
		{"title", func(c *graph.Contact) *string { return &c.Title }},
		{"givenName", func(c *graph.Contact) *string { return &c.GivenName }},
		{"middleName", func(c *graph.Contact) *string { return &c.MiddleName }},
		{"surname", func(c *graph.Contact) *string { return &c.Surname }},
		{"nickName", func(c *graph.Contact) *string { return &c.NickName }},
		{"generation", func(c *graph.Contact) *string { return &c.Generation }},
		{"fileAs", func(c *graph.Contact) *string { return &c.FileAs }},
		{"yomiGivenName", func(c *graph.Contact) *string { return &c.YomiGivenName }},
		{"yomiSurname", func(c *graph.Contact) *string { return &c.YomiSurname }},
		{"yomiCompanyName", func(c *graph.Contact) *string { return &c.YomiCompanyName }},
		{"initials", func(c *graph.Contact) *string { return &c.Initials }},
		{"companyName", func(c *graph.Contact) *string { return &c.CompanyName }},
		{"department", func(c *graph.Contact) *string { return &c.Department }},
		{"jobTitle", func(c *graph.Contact) *string { return &c.JobTitle }},
		{"profession", func(c *graph.Contact) *string { return &c.Profession }},
		{"officeLocation", func(c *graph.Contact) *string { return &c.OfficeLocation }},
		{"manager", func(c *graph.Contact) *string { return &c.Manager }},
		{"assistantName", func(c *graph.Contact) *string { return &c.AssistantName }},
		{"spouseName", func(c *graph.Contact) *string { return &c.SpouseName }},
		{"mobilePhone", func(c *graph.Contact) *string { return &c.MobilePhone }},
		{"businessHomePage", func(c *graph.Contact) *string { return &c.BusinessHomePage }},
		{"personalNotes", func(c *graph.Contact) *string { return &c.PersonalNotes }},
	}
	contactAddresses = []struct {
		name string
		at   func(*graph.Contact) *graph.Address
	}{
		{"businessAddress", func(c *graph.Contact) *graph.Address { return &c.BusinessAddress }},
		{"homeAddress", func(c *graph.Contact) *graph.Address { return &c.HomeAddress }},
		{"otherAddress", func(c *graph.Contact) *graph.Address { return &c.OtherAddress }},
	}
	addressParts = []struct {
		name string
		at   func(*graph.Address) *string
	}{
		{"street", func(a *graph.Address) *string { return &a.Street }},
		{"city", func(a *graph.Address) *string { return &a.City }},
		{"state", func(a *graph.Address) *string { return &a.State }},
		{"postalCode", func(a *graph.Address) *string { return &a.PostalCode }},
		{"countryOrRegion", func(a *graph.Address) *string { return &a.CountryOrRegion }},
	}
	// contactLists are the lists that are told by position: as many places as we tell, of as many as Graph takes
	// (reference §7). What stands behind the places we tell is left alone.
	contactLists = []struct {
		name   string
		places int
		at     func(*graph.Contact) *[]string
	}{
		{"businessPhones", 2, func(c *graph.Contact) *[]string { return &c.BusinessPhones }},
		{"homePhones", 2, func(c *graph.Contact) *[]string { return &c.HomePhones }},
		{"imAddresses", 3, func(c *graph.Contact) *[]string { return &c.IMAddresses }},
		{"children", 3, func(c *graph.Contact) *[]string { return &c.Children }},
	}
)

const emailPlaces = 3

// The names of list members and address parts, made once: they are needed for every contact.
var (
	emailNames   = places("emailAddresses", emailPlaces)
	listNames    = listFields()
	addressNames = addressFields()
	contactNames = contactFieldSet()
)

func places(list string, n int) []record.Field {
	out := make([]record.Field, n)
	for i := range out {
		out[i] = record.Field(list + "[" + string(rune('0'+i)) + "]")
	}
	return out
}

func listFields() [][]record.Field {
	out := make([][]record.Field, len(contactLists))
	for i, l := range contactLists {
		out[i] = places(l.name, l.places)
	}
	return out
}

func addressFields() [][]record.Field {
	out := make([][]record.Field, len(contactAddresses))
	for i, a := range contactAddresses {
		for _, p := range addressParts {
			out[i] = append(out[i], record.Field(a.name+"."+p.name))
		}
	}
	return out
}

func contactFieldSet() map[record.Field]bool {
	out := map[record.Field]bool{"birthday": true, "categories": true}
	for name := range contactFields(&graph.Contact{}) {
		out[name] = true
	}
	return out
}

// contactFields tells a contact in Microsoft's field names, empty ones included.
func contactFields(c *graph.Contact) record.Fields {
	f := make(record.Fields, 48)
	for _, row := range contactTexts {
		f[row.name] = plain(*row.at(c))
	}
	for i, row := range contactAddresses {
		address := row.at(c)
		for k, part := range addressParts {
			f[addressNames[i][k]] = plain(*part.at(address))
		}
	}
	for i, row := range contactLists {
		list := *row.at(c)
		for k, name := range listNames[i] {
			f[name] = ""
			if k < len(list) {
				f[name] = plain(list[k])
			}
		}
	}
	for k, name := range emailNames {
		f[name] = ""
		if k < len(c.EmailAddresses) {
			f[name] = plain(c.EmailAddresses[k].Address)
		}
	}
	f["birthday"] = ""
	if day, _, _ := strings.Cut(c.Birthday, "T"); day != "" {
		f["birthday"] = record.Value(day) // whatever the hour says: Outlook stores 11:59Z
	}
	f["categories"] = tags(c.Categories)
	return f
}

// toldFields are the fields as they are told, with what lists show of a contact that has no parts of a name.
func toldFields(c *graph.Contact) record.Fields {
	f := contactFields(c)
	if f["givenName"] == "" && f["surname"] == "" && c.DisplayName != "" {
		f[mapping.Shown] = plain(c.DisplayName)
	}
	return f
}

func tags(list []string) record.Value {
	if len(list) == 0 {
		return ""
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return record.Value(strings.Join(slices.Compact(list), "\n"))
}

func untag(v record.Value) []string {
	if v == "" {
		return nil
	}
	return strings.Split(tidy(v), "\n")
}

// contactBody is what to send so that a contact has the fields given. before is the contact as it is, or an empty one.
// Only what differs is sent, and lists and addresses with all that stands in them, as Graph replaces them whole.
func contactBody(before *graph.Contact, fields record.Fields) (graph.Object, error) {
	o := graph.Sized(1024)
	for name := range fields {
		if !contactNames[name] {
			return o, unknownField(name)
		}
	}
	after := *before
	for _, row := range contactTexts {
		if v, ok := fields[row.name]; ok && v != plain(*row.at(before)) {
			*row.at(&after) = tidy(v)
			text(&o, string(row.name), tidy(v))
		}
	}
	for i, row := range contactAddresses {
		address, touched := *row.at(before), false
		for k, part := range addressParts {
			if v, ok := fields[addressNames[i][k]]; ok && v != plain(*part.at(&address)) {
				*part.at(&address), touched = tidy(v), true
			}
		}
		if touched {
			o.Object(row.name, addressObject(&address))
		}
	}
	for i, row := range contactLists {
		if list, touched := placed(*row.at(before), listNames[i], fields); touched {
			o.Strings(row.name, list)
		}
	}
	if err := emails(&o, &after, fields); err != nil {
		return o, err
	}
	if err := birthday(&o, before, fields); err != nil {
		return o, err
	}
	if v, ok := fields["categories"]; ok && v != tags(before.Categories) {
		o.Strings("categories", untag(v))
	}
	if was, name := displayName(before), displayName(&after); name != was {
		// Some contacts have no parts of a name, and are called what a person or an app has chosen.
		if chosen := before.DisplayName != "" && before.DisplayName != was; !chosen || nameParts(&after) != "" || nameParts(before) != "" {
			text(&o, "displayName", name)
		}
	}
	if _, given := fields["fileAs"]; after.FileAs != "" && after.FileAs == before.FileAs && renamed(before, &after) && (given || !filedByName(before)) {
		text(&o, "fileAs", after.FileAs)
	}
	return o, nil
}

// text adds a text, or clears it.
func text(o *graph.Object, name, value string) {
	if value == "" {
		o.Null(name)
	} else {
		o.String(name, value)
	}
}

func addressObject(a *graph.Address) graph.Object {
	var o graph.Object
	for _, part := range addressParts {
		text(&o, part.name, *part.at(a))
	}
	return o
}

// placed puts values into their places of a list. A place that is empty before one that is not stays as an empty entry,
// so that the others keep theirs.
func placed(list []string, names []record.Field, fields record.Fields) ([]string, bool) {
	out, touched := slices.Clone(list), false
	for k, name := range names {
		v, ok := fields[name]
		if !ok {
			continue
		}
		for len(out) <= k {
			out = append(out, "")
		}
		if plain(out[k]) != v {
			out[k], touched = tidy(v), true
		}
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out, touched
}

// emails does the same for e-mail addresses, whose entries also have a name: that of an address that is replaced goes
// with it if it only repeated the address.
func emails(o *graph.Object, after *graph.Contact, fields record.Fields) error {
	list, touched := slices.Clone(after.EmailAddresses), false
	for k, name := range emailNames {
		v, ok := fields[name]
		if !ok {
			continue
		}
		for len(list) <= k {
			list = append(list, graph.EmailAddress{})
		}
		e := &list[k]
		if plain(e.Address) == v {
			continue
		}
		address := tidy(v)
		if address != "" && !mapping.IsAddress(address) {
			return fault.Wrong(fault.BadValue, string(name), "outlook: %q is no e-mail address", address)
		}
		if address == "" || strings.EqualFold(e.Name, e.Address) {
			e.Name = ""
		}
		e.Address, touched = address, true
	}
	for len(list) > 0 && list[len(list)-1] == (graph.EmailAddress{}) {
		list = list[:len(list)-1]
	}
	after.EmailAddresses = list
	if !touched {
		return nil
	}
	entries := make([]graph.Object, len(list))
	for i, e := range list {
		if e.Name != "" {
			entries[i].String("name", e.Name)
		}
		if e.Address != "" {
			entries[i].String("address", e.Address)
		}
	}
	o.Objects("emailAddresses", entries)
	return nil
}

func birthday(o *graph.Object, before *graph.Contact, fields record.Fields) error {
	v, ok := fields["birthday"]
	old, _, _ := strings.Cut(before.Birthday, "T")
	switch {
	case !ok || string(v) == old:
	case v == "":
		o.Null("birthday")
	default:
		day, err := time.Parse(time.DateOnly, string(v))
		if err != nil || day.Year() < 1601 || day.Year() > 4500 { // what Exchange can hold
			return fault.Wrong(fault.BadValue, "birthday", "outlook: %q is no day that Exchange can hold", v)
		}
		o.String("birthday", string(v)+"T11:59:00Z") // the hour at which Outlook stores it: the same day almost everywhere
	}
	return nil
}

// renamed reports whether Exchange makes anew what a contact is filed under.
func renamed(a, b *graph.Contact) bool {
	return a.GivenName != b.GivenName || a.MiddleName != b.MiddleName || a.Surname != b.Surname || a.CompanyName != b.CompanyName
}

// filedByName reports whether what a contact is filed under follows from its name, as far as anybody knows, and may follow it
// on. Else a person chose it, and it is sent along with a new name.
func filedByName(c *graph.Contact) bool {
	words := func(s string) string {
		all := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '(' || r == ')' })
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	for _, name := range []string{
		c.GivenName + " " + c.Surname, c.GivenName + " " + c.MiddleName + " " + c.Surname, c.CompanyName, c.DisplayName,
		c.GivenName + " " + c.Surname + " " + c.CompanyName, c.GivenName + " " + c.MiddleName + " " + c.Surname + " " + c.CompanyName,
	} {
		if words(name) == words(c.FileAs) {
			return true
		}
	}
	return false
}

// displayName is what the contact is called in lists. It is not a field: Graph makes it anew whenever parts of a name
// change, and so do we, in the same way.
func displayName(c *graph.Contact) string {
	if name := nameParts(c); name != "" {
		return name
	}
	if c.CompanyName != "" {
		return c.CompanyName
	}
	for _, e := range c.EmailAddresses {
		if e.Address != "" {
			return e.Address
		}
	}
	return ""
}

func nameParts(c *graph.Contact) string {
	return strings.Join(strings.Fields(c.GivenName+" "+c.MiddleName+" "+c.Surname), " ")
}
