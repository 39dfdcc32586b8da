package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/outlook"
)

// Somebody waits at the door for all of this. comfort is how long is waited for what only makes things nicer (the tenant's
// name, the time zone), patience for what decides: then the person is told that Microsoft cannot be asked now.
const (
	comfort  = 3 * time.Second
	patience = 8 * time.Second
)

// Describe completes what an ID token tells of a person by what Graph answers to the person's own access token. What Graph
// forbids is left as it is; Unavailable and Throttled: it cannot be asked now.
func (n *neighbour) Describe(ctx context.Context, access account.Secret, a account.Arrival) (_ account.Arrival, err error) {
	defer fault.Wrap(&err, "app: describe an arrival")
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	soon, cancelSoon := context.WithTimeout(ctx, comfort)
	defer cancelSoon()
	box := n.client.For(graph.Static(access), a.ObjectID)
	var (
		me     graph.User
		tenant graph.Organization
		roles  []string
		zone   string

		untold, rolesUnread bool
	)
	group, ctx := errgroup.WithContext(waiting)
	group.Go(func() error {
		u, err := outlook.Me(ctx, box)
		me = u
		yes, err := told(err)
		untold = !yes
		return err
	})
	group.Go(func() error {
		all, err := outlook.Roles(ctx, box)
		yes, err := told(err)
		// Without the permission to read a role, Graph lists it without saying which it is.
		rolesUnread = !yes || slices.Contains(all, "")
		roles = slices.DeleteFunc(all, func(role string) bool { return role == "" })
		return err
	})
	group.Go(func() error {
		tenant, _ = outlook.Tenant(soon, box) // unknown, it is called by its domain
		return nil
	})
	group.Go(func() error {
		zone, _ = outlook.Zone(soon, box) // unknown, it is the organization's
		return nil
	})
	if err := group.Wait(); err != nil {
		if waiting.Err() != nil {
			err = fault.New(fault.Unavailable, "", "Graph takes too long: %w", err)
		}
		return a, err
	}
	a.Guest = a.Guest || strings.EqualFold(me.UserType, "Guest")
	a.Untold, a.RolesUnread = untold, rolesUnread
	for _, role := range roles {
		if !slices.ContainsFunc(a.Roles, func(had string) bool { return strings.EqualFold(had, role) }) {
			a.Roles = append(slices.Clip(a.Roles), role)
		}
	}
	for _, known := range []struct {
		to   *string
		word string
	}{
		{&a.Username, me.UserPrincipalName}, {&a.Email, me.Mail}, {&a.FirstName, me.GivenName}, {&a.LastName, me.Surname},
		{&a.Tenant, tenant.DisplayName}, {&a.Zone, zone}, {&a.Locale, localeOf(me.PreferredLanguage)},
	} {
		if known.word != "" {
			*known.to = known.word
		}
	}
	if a.FirstName == "" && a.LastName == "" {
		a.FirstName = me.DisplayName
	}
	return a, nil
}

// told reports whether Graph answered, and returns those faults that pass by themselves: what is forbidden, or not there,
// stays unknown.
func told(err error) (bool, error) {
	switch fault.KindOf(err) {
	case fault.Denied, fault.NotFound, fault.Invalid, fault.Conflict, fault.Gone:
		return err == nil, nil
	}
	return err == nil, err
}

// localeOf is the language of ours that a person prefers; "" where the directory does not say.
func localeOf(preferred string) string {
	switch language := strings.ToLower(preferred); {
	case language == "":
		return ""
	case language == "pt" || strings.HasPrefix(language, "pt-"):
		return "pt-BR"
	}
	return "en"
}
