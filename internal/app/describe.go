package app

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/outlook"
)

// Describe completes what an ID token tells of a person by what Graph answers to the person's own access token. What Graph
// forbids is left as it is; Unavailable and Throttled: it cannot be asked now.
func (n *neighbour) Describe(ctx context.Context, access account.Secret, a account.Arrival) (_ account.Arrival, err error) {
	defer fault.Wrap(&err, "app: describe an arrival")
	box := n.client.For(graph.Static(access), a.ObjectID)
	var (
		me     graph.User
		tenant graph.Organization
		roles  []string
		zone   string

		untold, rolesUnread bool
	)
	group, ctx := errgroup.WithContext(ctx)
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
		o, err := outlook.Tenant(ctx, box)
		tenant = o
		_, err = told(err)
		return err
	})
	group.Go(func() error {
		name, err := outlook.Zone(ctx, box)
		zone = name
		_, err = told(err)
		return err
	})
	if err := group.Wait(); err != nil {
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
