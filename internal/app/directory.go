package app

import (
	"context"
	"slices"
	"strings"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/outlook"
)

// The permissions that open the directory: the first is what we ask for, the others hold it too. With those of wideDirectory
// more can be read than names and addresses.
var (
	wideDirectory = []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	anyDirectory  = append([]string{"User.ReadBasic.All"}, wideDirectory...)
)

// Search lists people of the tenant's directory, with the user's own grant. It fits web.Directory, as Lookup does.
func (n *neighbour) Search(ctx context.Context, user account.User, begins, after string) (people []account.DirectoryPerson, more string, err error) {
	defer fault.Wrap(&err, "app: search the directory for user %d", user.ID)
	box, wide, err := n.directory(ctx, user)
	if err != nil {
		return nil, "", err
	}
	found, more, err := outlook.PeoplePage(ctx, box, wide, begins, after)
	return directoryPeople(user, found), more, err
}

// Lookup finds people of the tenant's directory by object id.
func (n *neighbour) Lookup(ctx context.Context, user account.User, ids []string) (_ []account.DirectoryPerson, err error) {
	defer fault.Wrap(&err, "app: look %d people up for user %d", len(ids), user.ID)
	if len(ids) > account.MaxInvitees {
		return nil, fault.Wrong(fault.TooLong, "people", "app: more than %d people at once", account.MaxInvitees)
	}
	box, wide, err := n.directory(ctx, user)
	if err != nil {
		return nil, err
	}
	found, err := outlook.PeopleByID(ctx, box, wide, ids)
	return directoryPeople(user, found), err
}

// directory opens the directory with a user's grant. Denied: the person must go to Microsoft first.
func (n *neighbour) directory(ctx context.Context, user account.User) (box *graph.Mailbox, wide bool, err error) {
	grant, err := n.accounts.Grant(ctx, user.Org, user.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, false, fault.New(fault.Denied, fault.ConsentRequired, "app: never connected to Microsoft")
	case err != nil:
		return nil, false, err
	case grant.Broken:
		return nil, false, fault.New(fault.Denied, fault.ReconnectNeeded, "app: Microsoft no longer takes the grant")
	case !holds(grant.Scopes, anyDirectory):
		return nil, false, fault.New(fault.Denied, fault.ConsentRequired, "app: the grant does not cover the directory")
	}
	box, err = n.mailbox(user)
	return box, holds(grant.Scopes, wideDirectory), err
}

// holds reports whether a grant's scopes, which Entra gives with or without the address of Graph before them, have one of
// those wanted.
func holds(scopes, wanted []string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(s[strings.LastIndexByte(s, '/')+1:], w) })
	})
}

// guestMark is in the user name of everybody whose home is another tenant, or none.
const guestMark = "#EXT#"

// directoryPeople are people of the user's own tenant as account knows them. Whoever has no mail address is written to at
// the user name. Guests are left out: they come as people of their home tenant, under another object id, so an invitation
// made out to this one would open for nobody. They are invited by address.
func directoryPeople(user account.User, found []graph.User) []account.DirectoryPerson {
	people := make([]account.DirectoryPerson, 0, len(found))
	for _, u := range found {
		if strings.Contains(u.UserPrincipalName, guestMark) {
			continue
		}
		p := account.DirectoryPerson{JobTitle: u.JobTitle}
		p.Locale = spoken(u.PreferredLanguage)
		p.Identity = account.Identity{TenantID: user.Identity.TenantID, ObjectID: u.ID}
		if p.Email = u.Mail; p.Email == "" {
			p.Email = u.UserPrincipalName
		}
		if p.FirstName, p.LastName = u.GivenName, u.Surname; p.FirstName == "" && p.LastName == "" {
			p.LastName = u.DisplayName
		}
		people = append(people, p)
	}
	return people
}

// spoken is the language of Tandem's that somebody prefers; "": none of them.
func spoken(preferred string) string {
	base, _, _ := strings.Cut(strings.ToLower(preferred), "-")
	return map[string]string{"pt": "pt-BR", "en": "en"}[base]
}
