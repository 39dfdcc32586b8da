package outlook

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
	"tandem/internal/zone"
)

const personFields = "id,displayName,givenName,surname,mail,userPrincipalName,jobTitle,preferredLanguage,userType"

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

// basicFields are what the permission User.ReadBasic.All opens of others.
const basicFields = "id,displayName,givenName,surname,mail,userPrincipalName"

// directoryPage is how many people come at once: more than a screen shows, few enough to come while somebody types.
const directoryPage = "40"

// PeoplePage is one page of the directory: the people whose name or address begins with the text, "" for all. wide asks for
// what User.Read.All opens too. link is "" for the first page, then what came with the page before; next is "" on the last.
func PeoplePage(ctx context.Context, box *graph.Mailbox, wide bool, begins, link string) (people []graph.User, next string, err error) {
	defer fault.Wrap(&err, "outlook: read a page of the directory")
	if link == "" {
		link = "/users" + graph.Query(directoryQuery(wide, begins)...)
	}
	r, err := box.Do(ctx, graph.Get(link, ""))
	if err != nil {
		return nil, "", err
	}
	page, err := graph.ReadPage(r.Body, func(u *graph.User) error {
		people = append(people, *u)
		return nil
	})
	return people, page.Next, err
}

func directoryQuery(wide bool, begins string) []string {
	query := []string{"$select", fieldsOf(wide), "$top", directoryPage}
	if begins = asTyped(begins); begins != "" {
		var either []string
		for _, field := range []string{"displayName", "givenName", "surname", "mail", "userPrincipalName"} {
			either = append(either, "startswith("+field+","+graph.Quote(begins)+")")
		}
		query = append(query, "$filter", strings.Join(either, " or "))
	}
	return query
}

// longestTyped is how many letters are searched for: more than any user name has, and few enough for an address that has them five
// times, encoded.
const longestTyped = 120

// asTyped is what somebody has typed without what no name has, so that nothing typed is refused.
func asTyped(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text))
	if letters := []rune(text); len(letters) > longestTyped {
		return string(letters[:longestTyped])
	}
	return text
}

func fieldsOf(wide bool) string {
	if wide {
		return personFields
	}
	return basicFields
}

// objectID is how Entra writes ids.
var objectID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// idsInFilter is how many conditions Graph takes in one filter of directory objects.
const idsInFilter = 15

// PeopleByID finds people of the directory by object id; those who are not there are left out. They are filtered for rather
// than read one by one, because for a single person "not found" looks like a mailbox that is no more.
func PeopleByID(ctx context.Context, box *graph.Mailbox, wide bool, ids []string) (people []graph.User, err error) {
	defer fault.Wrap(&err, "outlook: read %d people of the directory", len(ids))
	var these []string
	for _, id := range ids {
		if objectID.MatchString(id) {
			these = append(these, "id eq "+graph.Quote(id))
		}
	}
	var parts []graph.Part
	for some := range slices.Chunk(these, idsInFilter) {
		parts = append(parts, graph.Get("/users"+graph.Query("$select", fieldsOf(wide), "$filter", strings.Join(some, " or ")), ""))
	}
	results, err := box.Batch(ctx, parts)
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		if r.Err != nil {
			return nil, r.Err
		}
		err := everyPage(ctx, box, "", r, func(u *graph.User) error {
			people = append(people, *u)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return people, nil
}

// Reachable reports with a fault whether the mailbox can be used for a kind of record: Denied with the reason (no
// permission, no mailbox), or what passes.
func Reachable(ctx context.Context, box *graph.Mailbox, kind record.Kind) (err error) {
	defer fault.Wrap(&err, "outlook: reach the mailbox")
	p := place{box: box, kind: kind}
	r, _ := box.Do(ctx, p.list())
	return r.Err
}
