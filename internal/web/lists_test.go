package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// listKeys are the messages of lists that code puts together.
func listKeys() []string {
	keys := []string{"flash.columns_more"}
	for _, op := range []crm.Op{crm.Has, crm.Is, crm.IsNot, crm.Begins, crm.Below, crm.Above, crm.Empty, crm.Filled} {
		keys = append(keys, opKey(record.Def{}, op))
	}
	for _, name := range []string{"title", "new", "search", "name", "count", "count_more", "empty_title", "empty_text", "none_title", "none_text"} {
		keys = append(keys, "contacts."+name, "events."+name)
	}
	for _, when := range whens {
		keys = append(keys, "events.when."+when)
	}
	keys = append(keys, "list.not_sorted.contacts", "list.not_sorted.calendar", "calendar.list", "events.outlook.any", "events.outlook.in", "events.outlook.out")
	for _, do := range pickDeeds {
		keys = append(keys, "pick."+string(do))
	}
	for _, source := range []string{"manual", "import", "migration", "api", "outlook", "other"} {
		keys = append(keys, "timeline.made."+source)
	}
	return append(keys, opKey(record.Def{Type: record.Date}, crm.Below), opKey(record.Def{Type: record.Date}, crm.Above))
}

// rows are the names in a list of contacts, in order.
func (a answer) rows() string {
	var names []string
	for _, m := range regexp.MustCompile(`<a class="cover" href="[^"]*">([^<]*)</a>`).FindAllStringSubmatch(a.body, -1) {
		names = append(names, m[1])
	}
	return strings.Join(names, ",")
}

// listWorld has four contacts, and a field of its own for their shoe sizes.
func listWorld(t *testing.T) (_ *world, _ *browser, size string) {
	w := newWorld(t)
	field := w.customField(crm.FieldDraft{Label: "Shoe size", Type: "double"}).Name
	for _, f := range []record.Fields{
		{record.LastName: "Almeida", record.AccountName: "Northwind", record.MailingCity: "São Paulo", record.LeadSource: "Partner", field: "38.5", record.Tag: "vip"},
		{record.LastName: "Braga", record.AccountName: "adatum", record.MailingCity: "Curitiba", field: "41"},
		{record.LastName: "Costa", record.AccountName: "Contoso", record.MailingCity: "Sao Paulo", record.DateOfBirth: "1980-02-29"},
	} {
		w.contact("adele@contoso.example", f)
	}
	w.contact("admin@contoso.example", record.Fields{record.LastName: "Dias"})
	return w, w.as("admin@contoso.example"), string(field)
}

func TestContactListIsFilteredBySeveralConditions(t *testing.T) {
	t.Parallel()
	_, b, size := listWorld(t)
	cond := func(parts ...string) string {
		q := url.Values{"sort": {"name"}}
		for i := 0; i < len(parts); i += 3 {
			q.Add("f", parts[i])
			q.Add("o", parts[i+1])
			q.Add("v", parts[i+2])
		}
		return "/contacts?" + q.Encode()
	}
	for path, want := range map[string]string{
		cond("Mailing_City", "is", "são paulo"):                                "Almeida,Costa",
		cond("Mailing_City", "is", "são paulo", "Account_Name", "begins", "n"): "Almeida",
		cond("Lead_Source", "is_not", "Partner", "Owner", "is", "x"):           "Braga,Costa,Dias", // Owner is no condition
		cond(size, "above", "38,5"):                                            "Braga",
		cond("Tag", "is", "VIP"):                                               "Almeida",
		cond("Date_of_Birth", "below", "1990-01-01"):                           "Costa",
		cond("Account_Name", "empty", ""):                                      "Dias",
		cond("Account_Name", "has", ""):                                        "Almeida,Braga,Costa,Dias", // not filled in yet
		cond("Date_of_Birth", "is", "soon"):                                    "Almeida,Braga,Costa,Dias",
		cond("Created_Time", "above", "2020-01-01") + "&owner=mine":            "Dias",
		cond("Mailing_City", "is", "são paulo") + "&q=north":                   "Almeida",
	} {
		speak := b
		if strings.Contains(path, "38") {
			b.post("/language", "lang", "pt-BR") // who writes a comma
		}
		got := speak.get(path)
		if got.status != http.StatusOK || got.rows() != want {
			t.Errorf("%s lists %s with %d, want %s", path, got.rows(), got.status, want)
		}
		if strings.Contains(path, "38") {
			b.post("/language", "lang", "en")
		}
	}
	got := b.get(cond("Date_of_Birth", "is", "soon"))
	if !strings.Contains(got.text(), "The condition does not count yet") || !strings.Contains(got.body, `id="filter-tool" open`) {
		t.Errorf("a value that is none is not said:\n%s", got.text())
	}
	// Without script: a condition is added, then filled in, then taken away, each by a form.
	got = b.get(cond("Tag", "is", "vip") + "&add=Account_Name")
	if !strings.Contains(got.body, `name="f" value="Account_Name"`) || got.rows() != "Almeida" {
		t.Errorf("a condition more lists %s", got.rows())
	}
	if got := b.get(cond("Tag", "is", "vip", "Account_Name", "has", "nothing") + "&drop=1"); got.rows() != "Almeida" {
		t.Errorf("a condition less lists %s", got.rows())
	}
	if next := regexp.MustCompile(`aria-sort="ascending"><a href="([^"]*)"`).FindStringSubmatch(got.body); next == nil || !strings.Contains(next[1], "f=Tag") {
		t.Errorf("sorting forgets the conditions: %v", next)
	}
	many := cond(strings.Split(strings.Repeat("Tag,is,vip,", 20)+"Tag,is,vip", ",")...)
	if got := b.get(many); got.status != http.StatusOK || strings.Count(got.body, `name="f" value="Tag"`) != 3*crm.FiltersMax {
		t.Errorf("too many conditions: %d, %d", got.status, strings.Count(got.body, `name="f" value="Tag"`))
	}
}

func TestColumnsAreEachPersonsOwnAndSort(t *testing.T) {
	t.Parallel()
	w, b, size := listWorld(t)
	got := b.post("/contacts/columns", "column", "Account_Name", "column", "Mailing_City", "column", size, "column", "Password", "next", "/contacts?owner=all&sort=modified&dir=desc")
	if got.status != http.StatusOK || got.path != "/contacts?owner=all&sort=modified&dir=desc" {
		t.Fatalf("%d at %s", got.status, got.path)
	}
	for _, want := range []string{"Shoe size", "Mailing", "Company"} {
		if !strings.Contains(got.body[strings.Index(got.body, "<thead"):strings.Index(got.body, "</thead")], want) {
			t.Errorf("no column %s", want)
		}
	}
	if strings.Contains(got.body, `class="c-badge"`) {
		t.Error("a column that was not chosen is there")
	}
	for sort, want := range map[string]string{
		"Account_Name":              "Braga,Costa,Almeida,Dias",
		"Account_Name&dir=desc":     "Dias,Almeida,Costa,Braga",
		size:                        "Almeida,Braga,Costa,Dias",
		size + "&dir=desc":          "Dias,Costa,Braga,Almeida",
		"Mailing_City":              "Braga,Almeida,Costa,Dias",
		"Password":                  "Almeida,Braga,Costa,Dias",
		"Description&dir=sideways":  "Almeida,Braga,Costa,Dias",
		"Record_Image&dir=desc":     "Dias,Costa,Braga,Almeida",
		"id) --&dir=desc&page=-1":   "Dias,Costa,Braga,Almeida",
		"Email&owner=mine&dir=desc": "Dias",
	} {
		if got := b.get("/contacts?sort=" + strings.ReplaceAll(sort, " ", "+")); got.rows() != want {
			t.Errorf("sorted by %s: %s, want %s", sort, got.rows(), want)
		}
	}
	other := w.as("adele@contoso.example").get("/contacts")
	if strings.Contains(other.body[strings.Index(other.body, "<thead"):strings.Index(other.body, "</thead")], "Shoe size") {
		t.Error("somebody else's list has the columns")
	}
	if got := b.post("/contacts/columns"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("no column at all: %d", got.status)
	}
	if got := b.post("/contacts/columns", "usual", "1", "next", "https://elsewhere.example/"); got.path != "/contacts" || !strings.Contains(got.body, `class="c-badge"`) {
		t.Errorf("the usual ones again: at %s", got.path)
	}
}

func TestListsAreSavedUnderAName(t *testing.T) {
	t.Parallel()
	w, b, _ := listWorld(t)
	q := "f=Mailing_City&o=is&v=s%C3%A3o+paulo&owner=all&q=almeida&page=7"
	got := b.post("/contacts/lists", "name", "  Clientes   de SP ", "list", q)
	if got.status != http.StatusOK || got.rows() != "Almeida" || !strings.Contains(got.text(), "“Clientes de SP” was saved") ||
		!regexp.MustCompile(`aria-current="page">Clientes de SP`).MatchString(got.body) {
		t.Fatalf("%d lists %s:\n%s", got.status, got.rows(), got.text())
	}
	if got := b.get("/contacts"); !strings.Contains(got.body, `>Clientes de SP</a>`) || strings.Contains(got.body, `aria-current="page">Clientes`) {
		t.Error("the list is not offered, or taken for what is shown")
	}
	if got := w.as("adele@contoso.example").get("/contacts"); strings.Contains(got.body, "Clientes de SP") {
		t.Error("somebody else has it")
	}
	b.post("/contacts/lists", "name", "Clientes de SP", "list", "q=costa")
	if got := b.get("/contacts"); strings.Count(got.body, ">Clientes de SP</a>") != 1 || !strings.Contains(got.body, `href="/contacts?owner=all&amp;q=costa"`) && !strings.Contains(got.body, `href="/contacts?q=costa"`) {
		t.Errorf("the same name again:\n%s", got.body)
	}
	for _, bad := range []string{"", strings.Repeat("x", 41), "a\x00b"} {
		if got := b.post("/contacts/lists", "name", bad, "list", ""); got.status != http.StatusUnprocessableEntity {
			t.Errorf("the name %q: %d", bad, got.status)
		}
	}
	if got := b.post("/contacts/lists/forget", "name", "Clientes de SP"); strings.Contains(got.body, ">Clientes de SP</a>") || !strings.Contains(got.text(), "The contacts in it stay") {
		t.Errorf("forgotten:\n%s", got.text())
	}
	for i := range 205 {
		got = b.post("/contacts/lists", "name", fmt.Sprintf("L%03d", i), "list", "")
	}
	if got.status != http.StatusUnprocessableEntity {
		t.Errorf("lists without end: %d", got.status)
	}
}
