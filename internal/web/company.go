package web

import (
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/phone"
)

// companyPath is where those who manage users decide what holds for all of the organization.
const companyPath = "/setup/company"

func (s *Site) companyRoutes() []route {
	return []route{
		{"GET /setup/company", manager, s.company},
		{"POST /setup/company", manager, s.saveCompany},
	}
}

// companyPage is what an organization decides: whose telephone numbers are written without their country, and whether imported
// records are synced.
type companyPage struct {
	Frame    frame
	Region   field
	Contacts field
	Events   field
}

func (s *Site) company(v *visit) error {
	o, err := s.Accounts.Organization(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	return s.companyForm(v, http.StatusOK, o.Company(), "")
}

func (s *Site) companyForm(v *visit, status int, c account.Company, wrong string) error {
	page := companyPage{
		Region: field{
			Name: "region", Label: v.words.T("company.region"), Hint: v.words.T("company.region_hint"), Input: "select",
			Options: v.regions(c.Region), Error: wrong,
		},
		Contacts: field{
			Name: "admit_contacts", Label: v.words.T("company.admit_contacts"), Input: "checkbox", Value: strconv.FormatBool(c.AdmitContacts),
		},
		Events: field{
			Name: "admit_events", Label: v.words.T("company.admit_events"), Input: "checkbox", Value: strconv.FormatBool(c.AdmitEvents),
		},
	}
	page.Frame = s.frame(v, "setup", v.words.T("company.title"))
	return s.render(v, status, "company", page)
}

// regions are the countries and regions by their names in the reader's language.
func (v *visit) regions(chosen string) []option {
	names := display.Regions(language.Make(v.words.lang))
	out := make([]option, 0, len(phone.Regions))
	for _, code := range phone.Regions {
		name := code
		if r, err := language.ParseRegion(code); err == nil {
			name = names.Name(r)
		}
		out = append(out, option{code, name, code == chosen})
	}
	order := collate.New(language.Make(v.words.lang))
	slices.SortFunc(out, func(a, b option) int { return order.CompareString(a.Label, b.Label) })
	return out
}

func (s *Site) saveCompany(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	// A checkbox follows a hidden "false": the last counts.
	ticked := func(name string) bool {
		values := form[name]
		return len(values) > 0 && values[len(values)-1] == "true"
	}
	c := account.Company{Region: form.Get("region"), AdmitContacts: ticked("admit_contacts"), AdmitEvents: ticked("admit_events")}
	switch err := s.Registry.SaveCompany(v.ctx(), v.user, c); {
	case fault.Is(err, fault.Invalid):
		return s.companyForm(v, http.StatusUnprocessableEntity, c, v.words.T("field_error.bad_value"))
	case err != nil:
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.company"})
	return v.to(companyPath)
}
