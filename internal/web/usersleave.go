package web

import (
	"net/http"
	"net/url"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// leavePage asks before a user is deactivated or deleted: what happens, and who gets the records.
type leavePage struct {
	Frame    frame
	Deed     string // deactivate or delete
	ID, Name string
	Owned    int
	Ends     []record.Kind // the syncs that end, or still have to
	Heirs    field         // who may take over
	Alert    string
	Profile  string
}

// Path is where the answer is posted to.
func (p leavePage) Path() string { return usersPath + "/" + p.ID + "/" + p.Deed }

// userPosted finds the user whom the path names, and what was posted.
func (s *Site) userPosted(v *visit) (u account.User, form url.Values, err error) {
	if u, err = s.userAt(v); err != nil {
		return u, nil, err
	}
	form, err = v.form()
	return u, form, err
}

func (s *Site) deactivatePage(v *visit) error {
	u, err := s.userAt(v)
	if err != nil {
		return err
	}
	if u.State != account.Active {
		return v.to(userPath(u.ID))
	}
	return s.askLeave(v, u, "deactivate", http.StatusOK, "", "")
}

func (s *Site) deletePage(v *visit) error {
	u, err := s.userAt(v)
	if err != nil {
		return err
	}
	if u.State != account.Deactivated {
		return v.to(userPath(u.ID))
	}
	return s.askLeave(v, u, "delete", http.StatusOK, "", "")
}

func (s *Site) askLeave(v *visit, u account.User, deed string, status int, alert, wrong string) error {
	owned, err := s.Accounts.Owned(v.ctx(), u.Org, u.ID)
	if err != nil {
		return err
	}
	syncs, err := s.Accounts.Syncs(v.ctx(), u.Org, []record.ID{u.ID})
	if err != nil {
		return err
	}
	users, err := s.Accounts.Users(v.ctx(), u.Org)
	if err != nil {
		return err
	}
	page := leavePage{Deed: deed, ID: u.ID.String(), Name: u.Name(), Owned: owned, Alert: alert, Profile: v.words.profile(u.Profile)}
	for _, kind := range kinds {
		if syncs[u.ID][kind] != "" {
			page.Ends = append(page.Ends, kind)
		}
	}
	page.Heirs = field{Name: "hand_to", Label: v.words.T("users.hand_to"), Input: "select", Error: wrong, Required: deed == "delete"}
	first := option{"", v.words.T("users.keep", "Name", u.Name()), true}
	if deed == "delete" {
		first.Label = v.words.T("users.choose_heir")
	}
	page.Heirs.Options = append(page.Heirs.Options, first)
	for _, heir := range users {
		if heir.State == account.Active && heir.ID != u.ID {
			page.Heirs.Options = append(page.Heirs.Options, option{heir.ID.String(), v.words.T("users.hand_to_one", "Name", heir.Name(), "Email", heir.Email), false})
		}
	}
	page.Frame = s.frame(v, "setup", v.words.T("users."+deed+".title", "Name", u.Name()))
	return s.render(v, status, "usersleave", page)
}

// heir reads who is to get the records; 0: nobody.
func heir(form url.Values) (record.ID, error) {
	text := form.Get("hand_to")
	if text == "" {
		return 0, nil
	}
	id, ok := record.ParseID(text)
	if !ok {
		return 0, fault.Wrong(fault.BadValue, "hand_to", "web: nobody has the id %q", text)
	}
	return id, nil
}

// leave carries out what askLeave asked about.
func (s *Site) leave(v *visit, deed, done, to string, do func(u account.User, heir record.ID) error) error {
	u, form, err := s.userPosted(v)
	if err != nil {
		return err
	}
	id, err := heir(form)
	if err == nil {
		err = do(u, id)
	}
	if words, ok := v.fieldWords(err); ok {
		return s.askLeave(v, u, deed, http.StatusUnprocessableEntity, "", words["hand_to"])
	}
	if reason := fault.ReasonOf(err); reason == account.HandOverNeeded || reason == account.SyncEnding {
		text, status, _ := v.refused(err)
		return s.askLeave(v, u, deed, status, text, "")
	}
	if to == "" {
		to = userPath(u.ID)
	}
	return s.userDone(v, u, err, done, to)
}

func (s *Site) deactivate(v *visit) error {
	return s.leave(v, "deactivate", "flash.user_deactivated", "", func(u account.User, heir record.ID) error {
		return s.Registry.Deactivate(v.ctx(), v.user, u.ID, heir)
	})
}

func (s *Site) deleteUser(v *visit) error {
	return s.leave(v, "delete", "flash.user_deleted", usersPath, func(u account.User, heir record.ID) error {
		return s.Registry.Delete(v.ctx(), v.user, u.ID, heir)
	})
}
