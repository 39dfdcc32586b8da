package web

import (
	"net/http"
	"time"

	"tandem/internal/fault"
	"tandem/internal/zone"
)

// preferencesPage is what a person may choose for themselves: language and time zone.
type preferencesPage struct {
	Frame frame
	Lang  field
	Zone  field
	Error bool
}

func (s *Site) preferences(v *visit) error {
	return s.preferencesForm(v, http.StatusOK, v.zone.String(), "")
}

func (s *Site) preferencesForm(v *visit, status int, chosen, wrong string) error {
	page := preferencesPage{
		Lang:  field{Name: "lang", Label: v.words.T("preferences.lang"), Input: "select"},
		Zone:  field{Name: "zone", Label: v.words.T("preferences.zone"), Hint: v.words.T("preferences.zone_hint"), Input: "select", Error: wrong},
		Error: wrong != "",
	}
	for _, lang := range languages {
		page.Lang.Options = append(page.Lang.Options, option{lang, v.words.T("language." + lang), lang == v.words.lang})
	}
	page.Zone.Options = zoneOptions(chosen, v.now)
	page.Frame = s.frame(v, "setup", v.words.T("preferences.title"))
	return s.render(v, status, "preferences", page)
}

func (s *Site) savePreferences(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	name, ok := zone.IANA(form.Get("zone"))
	if !ok {
		return s.preferencesForm(v, http.StatusUnprocessableEntity, v.zone.String(), v.words.T("field_error.bad_value"))
	}
	lang := form.Get("lang")
	if _, ok := s.pages.words[lang]; !ok {
		lang = ""
	}
	if err := s.Registry.Prefer(v.ctx(), v.user, lang, name); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.preferences"})
	return v.to("/setup/preferences")
}

// chooseLanguage is the switch in the corner of every page; whoever is signed in finds the choice everywhere.
func (s *Site) chooseLanguage(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	lang := form.Get("lang")
	if _, ok := s.pages.words[lang]; !ok {
		return fault.New(fault.NotFound, "", "web: no language is called %q", lang)
	}
	http.SetCookie(v.w, s.Settings.cookie(langCookie, lang, 365*24*time.Hour))
	if v.signedIn() && v.user.Locale != lang {
		if err := s.Registry.Prefer(v.ctx(), v.user, lang, ""); err != nil {
			return err
		}
	}
	return v.to(ownPath(form.Get("next")))
}
