package m365sim

import (
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// contactSchema is the table of a contact's properties (fact sheet §7), in the order in which Graph writes them.
var contactSchema = newSchema("microsoft.graph.contact",
	[]string{"id", "displayName", "givenName", "surname", "companyName", "emailAddresses/address", "lastModifiedDateTime", "createdDateTime", "parentFolderId", "categories"},
	[]property{
		contactID:                    {name: "id", show: showID},
		contactCreated:               {name: "createdDateTime", show: showCreated(appendSeconds)},
		contactModified:              {name: "lastModifiedDateTime", show: showModified(appendSeconds)},
		contactChangeKey:             {name: "changeKey", show: showChangeKey},
		contactCategories:            {name: "categories", empty: "[]", take: takeTexts(0)},
		contactParentFolderId:        {name: "parentFolderId", show: showParentFolder},
		contactBirthday:              {name: "birthday", take: takeBirthday, show: showBirthday},
		contactFileAs:                {name: "fileAs", take: takeText},
		contactDisplayName:           {name: "displayName", take: takeText},
		contactGivenName:             {name: "givenName", take: takeText},
		contactInitials:              {name: "initials", take: takeText},
		contactMiddleName:            {name: "middleName", take: takeText},
		contactNickName:              {name: "nickName", take: takeText},
		contactSurname:               {name: "surname", take: takeText},
		contactTitle:                 {name: "title", take: takeText},
		contactYomiGivenName:         {name: "yomiGivenName", take: takeText},
		contactYomiSurname:           {name: "yomiSurname", take: takeText},
		contactYomiCompanyName:       {name: "yomiCompanyName", take: takeText},
		contactGeneration:            {name: "generation", take: takeText},
		contactImAddresses:           {name: "imAddresses", empty: "[]", take: takeTexts(3)},
		contactJobTitle:              {name: "jobTitle", take: takeText},
		contactCompany:               {name: "companyName", take: takeText},
		contactDepartment:            {name: "department", take: takeText},
		contactOfficeLocation:        {name: "officeLocation", take: takeText},
		contactProfession:            {name: "profession", take: takeText},
		contactBusinessHomePage:      {name: "businessHomePage", take: takeText},
		contactAssistantName:         {name: "assistantName", take: takeText},
		contactManager:               {name: "manager", take: takeText},
		contactHomePhones:            {name: "homePhones", empty: "[]", take: takeTexts(2)},
		contactMobilePhone:           {name: "mobilePhone", take: takeText},
		contactBusinessPhones:        {name: "businessPhones", empty: "[]", take: takeTexts(2)},
		contactSpouseName:            {name: "spouseName", take: takeText},
		contactPersonalNotes:         {name: "personalNotes", empty: `""`, take: takeText},
		contactChildren:              {name: "children", empty: "[]", take: takeTexts(0)},
		contactEmails:                {name: "emailAddresses", empty: "[]", take: takeEmailAddresses},
		contactHomeAddress:           {name: "homeAddress", empty: "{}", take: takePhysicalAddress},
		contactBusinessAddress:       {name: "businessAddress", empty: "{}", take: takePhysicalAddress},
		contactOtherAddress:          {name: "otherAddress", empty: "{}", take: takePhysicalAddress},
		contactPrimaryEmailAddress:   {name: "primaryEmailAddress", hidden: true, show: showEmailAddress("0")},
		contactSecondaryEmailAddress: {name: "secondaryEmailAddress", hidden: true, show: showEmailAddress("1")},
		contactTertiaryEmailAddress:  {name: "tertiaryEmailAddress", hidden: true, show: showEmailAddress("2")},
	})

// The rows of the table.
const (
	contactID = iota
	contactCreated
	contactModified
	contactChangeKey
	contactCategories
	contactParentFolderId
	contactBirthday
	contactFileAs
	contactDisplayName
	contactGivenName
	contactInitials
	contactMiddleName
	contactNickName
	contactSurname
	contactTitle
	contactYomiGivenName
	contactYomiSurname
	contactYomiCompanyName
	contactGeneration
	contactImAddresses
	contactJobTitle
	contactCompany
	contactDepartment
	contactOfficeLocation
	contactProfession
	contactBusinessHomePage
	contactAssistantName
	contactManager
	contactHomePhones
	contactMobilePhone
	contactBusinessPhones
	contactSpouseName
	contactPersonalNotes
	contactChildren
	contactEmails
	contactHomeAddress
	contactBusinessAddress
	contactOtherAddress
	contactPrimaryEmailAddress
	contactSecondaryEmailAddress
	contactTertiaryEmailAddress
)

// What contacts and events share.

func showID(b []byte, it *item, v *view) []byte {
	b = append(appendKey(b, "id"), '"')
	return append(v.box.appendItemID(b, it, v.immutable), '"')
}

func showCreated(at func([]byte, time.Time) []byte) func([]byte, *item, *view) []byte {
	return func(b []byte, it *item, _ *view) []byte { return at(appendKey(b, "createdDateTime"), it.created) }
}

func showModified(at func([]byte, time.Time) []byte) func([]byte, *item, *view) []byte {
	return func(b []byte, it *item, _ *view) []byte { return at(appendKey(b, "lastModifiedDateTime"), it.modified) }
}

func showChangeKey(b []byte, it *item, _ *view) []byte {
	return append(appendChangeKey(append(appendKey(b, "changeKey"), '"'), it.change), '"')
}

func showParentFolder(b []byte, it *item, v *view) []byte {
	b = append(appendKey(b, "parentFolderId"), '"')
	return append(v.box.ids.append(b, ref{kind: idFolder, n: it.folder.n}), '"')
}

// showEmailAddress mirrors one entry of emailAddresses. Nothing documents how these properties behave, so they
// are shown only on demand and cannot be set.
func showEmailAddress(at string) func([]byte, *item, *view) []byte {
	name := map[string]string{"0": "primaryEmailAddress", "1": "secondaryEmailAddress", "2": "tertiaryEmailAddress"}[at]
	return func(b []byte, it *item, _ *view) []byte {
		raw := gjson.Get(it.props.get(contactEmails), at).Raw
		if raw == "" {
			raw = "null"
		}
		return appendRawMember(b, name, raw)
	}
}

func showBirthday(b []byte, it *item, v *view) []byte {
	day := it.props.get(contactBirthday)
	switch {
	case day == "":
		day = "null"
	case v.box.sim.warts.Load().BirthdayAtMidnight:
		day = strings.Replace(day, "T11:59:", "T00:00:", 1)
	}
	return appendRawMember(b, "birthday", day)
}

// takeBirthday keeps the date only: Outlook stores it at 11:59Z (fact sheet §7).
func takeBirthday(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	if v.Type == gjson.Null {
		return append(b, "null"...), nil
	}
	t, err := time.Parse(time.RFC3339Nano, v.Str)
	if err != nil || v.Type != gjson.String {
		return b, wrongType(name)
	}
	b = t.UTC().AppendFormat(append(b, '"'), time.DateOnly)
	return append(b, `T11:59:00Z"`...), nil
}

// takeEmailAddresses takes at most three. An address with a character that cannot stand in one is dropped and
// its name kept, as users report (FIELD-FAILURES 113).
func takeEmailAddresses(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	if v.Type == gjson.Null {
		return append(b, "null"...), nil
	}
	if !v.IsArray() {
		return b, wrongType(name)
	}
	const most = 3
	n := 0
	var err *graphError
	b = append(b, '[')
	v.ForEach(func(_, one gjson.Result) bool {
		if !one.IsObject() {
			err = wrongType(name)
			return false
		}
		var label, address gjson.Result
		one.ForEach(func(key, value gjson.Result) bool {
			switch {
			case value.Type != gjson.String && value.Type != gjson.Null:
				err = wrongType(name + "/" + key.Str)
			case key.Str == "name":
				label = value
			case key.Str == "address":
				address = value
			case !strings.Contains(key.Str, "@"):
				err = badRequest("RequestBodyRead", "The property '"+key.Str+"' does not exist on type 'microsoft.graph.emailAddress'.")
			}
			return err == nil
		})
		if n > 0 {
			b = append(b, ',')
		}
		n++
		b = append(b, '{')
		if label.Str == "" {
			label = address
		}
		if label.Str != "" {
			b = appendRawMember(b, "name", label.Raw)
		}
		if address.Str != "" && !strings.ContainsAny(address.Str, " ,;<>()[]\"\t\r\n") {
			b = appendRawMember(b, "address", address.Raw)
		}
		b = append(b, '}')
		return err == nil
	})
	if err != nil {
		return b, err
	}
	if n > most {
		return b, tooMany(name, n, most)
	}
	return append(b, ']'), nil
}

func takePhysicalAddress(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	return takeObject(b, v, name, "physicalAddress", "street", "city", "state", "countryOrRegion", "postalCode")
}

// takeObject takes a flat object of strings with the members given; those that are null or empty are left out.
func takeObject(b []byte, v gjson.Result, name, typeName string, members ...string) ([]byte, *graphError) {
	if v.Type == gjson.Null {
		return append(b, "null"...), nil
	}
	if !v.IsObject() {
		return b, wrongType(name)
	}
	var err *graphError
	b = append(b, '{')
	v.ForEach(func(key, value gjson.Result) bool {
		known := false
		for _, m := range members {
			known = known || m == key.Str
		}
		switch {
		case known && value.Type == gjson.String:
			if value.Str != "" {
				b = appendRawMember(b, key.Str, value.Raw)
			}
		case known && value.Type == gjson.Null, strings.Contains(key.Str, "@"):
		case known:
			err = wrongType(name + "/" + key.Str)
		default:
			err = newGraphError(http.StatusBadRequest, "RequestBodyRead", "The property '"+key.Str+"' does not exist on type 'microsoft.graph."+typeName+"'.")
		}
		return err == nil
	})
	return append(b, '}'), err
}

// nameContact fills in what the service makes of the parts of a name: displayName, when it was not sent with
// them (fact sheet §7), and fileAs, unless somebody chose one. sent tells what this request brought.
func nameContact(props, sent doc, mine bool) (doc, bool) {
	touched := sent.get(contactGivenName) != "" || sent.get(contactMiddleName) != "" || sent.get(contactSurname) != ""
	given, middle, surname := props.text(contactGivenName), props.text(contactMiddleName), props.text(contactSurname)
	switch raw := sent.get(contactDisplayName); {
	case raw != "" && raw != "null":
		mine = false
	case touched || mine || props.get(contactDisplayName) == "":
		name := strings.Join(strings.Fields(given+" "+middle+" "+surname), " ")
		if name == "" {
			name = props.text(contactCompany)
		}
		if name == "" {
			name = gjson.Get(props.get(contactEmails), "0.name").Str
		}
		if name != "" {
			props = props.set(contactDisplayName, quoted(name))
		}
		mine = true
	}
	if sent.get(contactFileAs) == "" && (touched || props.get(contactFileAs) == "") {
		fileAs := surname
		if first := strings.TrimSpace(given + " " + middle); first != "" && surname != "" {
			fileAs = surname + ", " + first
		} else if surname == "" {
			fileAs = first
		}
		if fileAs != "" {
			props = props.set(contactFileAs, quoted(fileAs))
		}
	}
	return props, mine
}
