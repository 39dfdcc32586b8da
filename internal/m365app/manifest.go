package m365app

// The form of manifest.json (fact sheet §12).
const (
	manifestVersion    = "1.19"
	manifestSchema     = "https://developer.microsoft.com/json-schemas/teams/v1.19/MicrosoftTeams.schema.json"
	localizationSchema = "https://developer.microsoft.com/json-schemas/teams/v1.19/MicrosoftTeams.Localization.schema.json"
)

type manifest struct {
	Schema          string `json:"$schema"`
	ManifestVersion string `json:"manifestVersion"`
	Version         string `json:"version"`
	ID              string `json:"id"`

	Localization localization `json:"localizationInfo"`
	Developer    developer    `json:"developer"`
	Name         shortAndFull `json:"name"`
	Description  shortAndFull `json:"description"`
	Icons        icons        `json:"icons"`
	AccentColor  string       `json:"accentColor"`

	StaticTabs     []staticTab `json:"staticTabs"`
	Permissions    []string    `json:"permissions"`
	ValidDomains   []string    `json:"validDomains"`
	WebApplication *webApp     `json:"webApplicationInfo,omitempty"`
}

type shortAndFull struct {
	Short string `json:"short"`
	Full  string `json:"full"`
}

type developer struct {
	Name       string `json:"name"`
	WebsiteURL string `json:"websiteUrl"`
	PrivacyURL string `json:"privacyUrl"`
	TermsURL   string `json:"termsOfUseUrl"`
}

type icons struct {
	Color   string `json:"color"`
	Outline string `json:"outline"`
}

type localization struct {
	Default    string     `json:"defaultLanguageTag"`
	Additional []language `json:"additionalLanguages"`
}

type language struct {
	Tag  string `json:"languageTag"`
	File string `json:"file"`
}

type staticTab struct {
	EntityID   string   `json:"entityId"`
	Name       string   `json:"name"`
	ContentURL string   `json:"contentUrl"` // is framed
	WebsiteURL string   `json:"websiteUrl"` // opens in a browser
	Scopes     []string `json:"scopes"`
}

// webApp ties the package to the app registration. There is no resource beside the id: that is for single sign-on
// inside the frame, and nobody signs in there.
type webApp struct {
	ID string `json:"id"`
}

// accent is the colour of the left wheel of the mark.
const accent = "#0F7A73"

func newManifest(o Options) (manifest, error) {
	base, host, err := o.check()
	if err != nil {
		return manifest{}, err
	}
	m := manifest{
		Schema: manifestSchema, ManifestVersion: manifestVersion, Version: o.Version, ID: idOf(base),
		Localization: localization{Default: "en", Additional: []language{{Tag: "pt-br", File: "pt-br.json"}}},
		Developer:    developer{Name: o.Company, WebsiteURL: base, PrivacyURL: base + PrivacyPath, TermsURL: base + TermsPath},
		Name:         shortAndFull{o.Name, o.Name + " – customers, in step with Outlook"},
		Description: shortAndFull{
			"Contacts and appointments of your CRM, in step with Outlook.",
			"A CRM that stays in step with Microsoft 365. Your contacts and events travel both ways between the CRM and a calendar and a " +
				"contact folder of their own in your Outlook. Nothing else in your mailbox is read or touched. " +
				"Each person decides what is kept in step, and can stop it at any time.",
		},
		Icons: icons{Color: "color.png", Outline: "outline.png"}, AccentColor: accent,
		StaticTabs: []staticTab{{
			EntityID: "home", Name: o.Name, ContentURL: base + TabPath, WebsiteURL: base + LaunchPath, Scopes: []string{"personal"},
		}},
		Permissions: []string{"identity"}, ValidDomains: []string{host},
	}
	if o.ClientID != "" {
		m.WebApplication = &webApp{ID: o.ClientID}
	}
	return m, nil
}

// portuguese is the manifest's words for people whose Microsoft 365 speaks Portuguese.
func (m manifest) portuguese() map[string]string {
	return map[string]string{
		"$schema":           localizationSchema,
		"name.short":        m.Name.Short,
		"name.full":         m.Name.Short + " – clientes, em sintonia com o Outlook",
		"description.short": "Os contatos e eventos do seu CRM, em sintonia com o Outlook.",
		"description.full": "Um CRM que acompanha o Microsoft 365. Seus contatos e eventos viajam nos dois sentidos entre o CRM e um calendário e uma " +
			"pasta de contatos próprios no seu Outlook. Nada mais na sua caixa de correio é lido ou alterado. " +
			"Cada pessoa decide o que é sincronizado e pode parar quando quiser.",
		"staticTabs[0].name": m.StaticTabs[0].Name,
	}
}
