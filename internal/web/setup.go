package web

import "net/http"

// setupPage is the overview of Setup: its menus, of which each person sees what they may enter.
type setupPage struct {
	Frame frame
	Menus []setupMenu
}

type setupMenu struct {
	Key   string
	Items []setupItem
}

type setupItem struct {
	Key, Path, Icon string
	managers        bool // only for those who manage users
}

// setupMenus are all there are, in the order of the page.
var setupMenus = []setupMenu{
	{"control", []setupItem{
		{"users", usersPath, "contacts", true},
		{"profiles", profilesPath, "setup", true},
		{"company", companyPath, "setup", true},
		{"audit", auditPath, "status", true},
	}},
	{"customization", []setupItem{
		{"fields", fieldsPath, "setup", true},
	}},
	{"marketplace", []setupItem{
		{"microsoft", marketplacePath, "sync", false},
		{"consent", "/setup/consent", "check", true},
	}},
	{"own", []setupItem{
		{"account", "/setup/account", "contacts", false},
		{"preferences", "/setup/preferences", "setup", false},
	}},
}

func (s *Site) setup(v *visit) error {
	page := setupPage{Frame: s.frame(v, "setup", v.words.T("nav.setup"))}
	for _, m := range setupMenus {
		shown := setupMenu{Key: m.Key}
		for _, item := range m.Items {
			if !item.managers || v.may().ManageUsers {
				shown.Items = append(shown.Items, item)
			}
		}
		if len(shown.Items) > 0 {
			page.Menus = append(page.Menus, shown)
		}
	}
	return s.render(v, http.StatusOK, "setup", page)
}
