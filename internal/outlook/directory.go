package outlook

import (
	"context"
	"errors"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
	"tandem/internal/zone"
)

const personFields = "id,displayName,givenName,surname,mail,userPrincipalName,jobTitle,preferredLanguage"

// Me tells who the mailbox belongs to.
func Me(ctx context.Context, box *graph.Mailbox) (u graph.User, err error) {
	defer fault.Wrap(&err, "outlook: read the person")
	u, _, err = graph.One[graph.User](ctx, box, graph.Get(box.Path()+graph.Query("$select", personFields), ""))
	return u, err
}

// Zone is the person's own time zone as an IANA name, "" when there is none that we know. It needs the permission
// MailboxSettings.Read.
func Zone(ctx context.Context, box *graph.Mailbox) (name string, err error) {
	defer fault.Wrap(&err, "outlook: read the time zone")
	s, _, err := graph.One[graph.MailboxSettings](ctx, box, graph.Get(box.Path("mailboxSettings")+graph.Query("$select", "timeZone"), ""))
	name, _ = zone.IANA(s.TimeZone)
	return name, err
}

// Roles are the template ids of the person's active directory roles (reference §8).
func Roles(ctx context.Context, box *graph.Mailbox) (templates []string, err error) {
	defer fault.Wrap(&err, "outlook: read the directory roles")
	path := box.Path("transitiveMemberOf") + "/microsoft.graph.directoryRole" + graph.Query("$select", "id,roleTemplateId,displayName")
	err = graph.All(ctx, box, path, "", func(r *graph.DirectoryRole) error {
		templates = append(templates, r.RoleTemplateID)
		return nil
	})
	return templates, err
}

// Tenant tells the organization in Entra.
func Tenant(ctx context.Context, box *graph.Mailbox) (o graph.Organization, err error) {
	defer fault.Wrap(&err, "outlook: read the organization")
	err = graph.All(ctx, box, "/organization"+graph.Query("$select", "id,displayName,preferredLanguage"), "", func(one *graph.Organization) error {
		o = *one
		return nil
	})
	return o, err
}

// People walks through the members of the directory whose name or address begins with the text; "" is all of them. Each
// may end the walk early by returning false.
func People(ctx context.Context, box *graph.Mailbox, begins string, each func(graph.User) bool) (err error) {
	defer fault.Wrap(&err, "outlook: read the directory")
	query := []string{"$select", personFields, "$top", "100"}
	if begins = strings.TrimSpace(begins); begins != "" {
		var either []string
		for _, field := range []string{"displayName", "givenName", "surname", "mail", "userPrincipalName"} {
			either = append(either, "startswith("+field+","+graph.Quote(begins)+")")
		}
		query = append(query, "$filter", strings.Join(either, " or "))
	}
	err = graph.All(ctx, box, "/users"+graph.Query(query...), "", func(u *graph.User) error {
		if !each(*u) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

var errEnough = errors.New("enough")

// Reachable reports with a fault whether the mailbox can be used for a kind of record: Denied with the reason (no
// permission, no mailbox), or what passes.
func Reachable(ctx context.Context, box *graph.Mailbox, kind record.Kind) (err error) {
	defer fault.Wrap(&err, "outlook: reach the mailbox")
	p := place{box: box, kind: kind}
	r, _ := box.Do(ctx, p.list())
	return r.Err
}
