package app

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/mapping"
	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// neighbour gives a link its two sides and tells whether a person may have one. It fits reconcile.Sides.
type neighbour struct {
	accounts account.Store
	tokens   *graph.Tokens
	client   *graph.Client
	ledger   inStep
	crm      *crm.CRM
	pictures *store.Pictures
	now      func() time.Time
}

// inStep tells pairs by their items.
type inStep interface {
	PairsByRef(ctx context.Context, link *reconcile.Link, side reconcile.Where, refs []record.Ref) (map[record.Ref]reconcile.Pair, error)
}

// rehearsing is the neighbour for previews, which read a link that others may have.
func (n neighbour) rehearsing(past *store.Past) *neighbour {
	n.ledger = past
	return &n
}

// mailbox opens the mailbox of a user, with that user's own credentials and nobody else's.
func (n *neighbour) mailbox(u account.User) (*graph.Mailbox, error) {
	if u.Identity.IsZero() {
		return nil, fault.New(fault.Denied, fault.ConsentRequired, "app: user %d has no Microsoft identity", u.ID)
	}
	return n.client.For(n.tokens.For(u.Org, u.ID, u.Identity.TenantID), u.Identity.ObjectID), nil
}

// syncs reports with a fault whether a user may have a kind synced.
func syncs(u account.User, kind record.Kind) error {
	switch {
	case u.State != account.Active:
		return fault.New(fault.Denied, fault.AccountDisabled, "app: user %d is %s", u.ID, u.State)
	case !u.May.Sync(kind):
		return fault.New(fault.Denied, fault.SyncWithheld, "app: the profile %q of user %d does not allow sync of %s", u.Profile, u.ID, kind)
	}
	return nil
}

// mailboxOf opens the mailbox of a link's user. A link that is being switched off is let in whatever its user may still
// do, or nobody could clear the mailbox of somebody who has left.
func (n *neighbour) mailboxOf(ctx context.Context, link *reconcile.Link) (*graph.Mailbox, error) {
	u, err := n.accounts.User(ctx, link.Org, link.User)
	if err == nil && link.State != reconcile.Switching {
		err = syncs(u, link.Kind)
	}
	if err != nil {
		return nil, err
	}
	if at := u.Identity.Mailbox(); at != "" && at != link.Mailbox {
		return nil, fault.New(fault.Denied, fault.OtherMailbox, "app: user %d is another Microsoft person by now", u.ID)
	}
	return n.mailbox(u)
}

// participantsIn is the word for participants in the languages of people.
var participantsIn = map[string]string{"en": "Participants", "pt-BR": "Participantes"}

// Microsoft is the calendar or contact folder of a link.
func (n *neighbour) Microsoft(ctx context.Context, link *reconcile.Link) (reconcile.Side, error) {
	box, err := n.mailboxOf(ctx, link)
	if err != nil {
		return nil, err
	}
	u, err := n.accounts.User(ctx, link.Org, link.User)
	if err != nil {
		return nil, err
	}
	options := outlook.Options{Container: link.Container, Mark: outlook.MarkOn(link), Now: n.now, Participants: participantsIn[u.Locale]}
	if link.Kind == record.Contacts {
		return outlook.NewContacts(box, options, n.inStep(link)).WithPhotos(n.pictures.Album(link.Org, link.User)), nil
	}
	if link.Policy.Calendar != "" {
		options.Meetings = true
		if options.Colleague, err = n.colleagues(ctx, u); err != nil {
			return nil, err
		}
	}
	return outlook.NewEvents(box, options, n.inStep(link)), nil
}

// colleagues tells by their addresses who else is in a user's organization.
func (n *neighbour) colleagues(ctx context.Context, u account.User) (func(address string) bool, error) {
	users, err := n.accounts.Users(ctx, u.Org)
	known := map[string]bool{}
	for _, other := range users {
		if other.ID != u.ID {
			known[strings.ToLower(other.Email)] = true
		}
	}
	return func(address string) bool { return known[strings.ToLower(address)] }, err
}

// inStep tells of the items that the ledger has at which version they are in step.
func (n *neighbour) inStep(link *reconcile.Link) outlook.Known {
	return func(ctx context.Context, refs []record.Ref) (map[record.Ref]record.Version, error) {
		pairs, err := n.ledger.PairsByRef(ctx, link, reconcile.InMicrosoft, refs)
		versions := make(map[record.Ref]record.Version, len(pairs))
		for ref, p := range pairs {
			if versions[ref] = ""; p.State == reconcile.Synced {
				versions[ref] = p.MicrosoftVersion
			}
		}
		return versions, err
	}
}

// CRM is the records of a link's user.
func (n *neighbour) CRM(ctx context.Context, link *reconcile.Link) (reconcile.Side, error) {
	u, err := n.accounts.User(ctx, link.Org, link.User)
	if err != nil {
		return nil, err
	}
	return n.crm.Side(crm.LinkSide{
		Org: link.Org, User: link.User, Kind: link.Kind, Link: int64(link.ID), Fence: link.Fence, Zone: u.Zone,
		Cap: reconcile.FirstSyncCap(link.Kind), AdmitImported: link.Policy.AdmitImported, Calendar: link.Policy.Calendar, Heir: link.Heir, Region: link.Region, Fields: link.Mapping.Fields(),
		Schema: link.Mapping.Schema(),
	}), nil
}

// allowed reports with a fault whether a user's profile allows a kind, the grant covers it, Microsoft takes it, and there
// is a mailbox.
func (n *neighbour) allowed(ctx context.Context, org, user record.ID, kind record.Kind) (err error) {
	defer fault.Wrap(&err, "app: may user %d sync %s", user, kind)
	u, err := n.accounts.User(ctx, org, user)
	if err != nil {
		return err
	}
	if err := syncs(u, kind); err != nil {
		return err
	}
	grant, err := n.accounts.Grant(ctx, org, user)
	switch {
	case fault.Is(err, fault.NotFound):
		return fault.New(fault.Denied, fault.ConsentRequired, "app: never connected to Microsoft")
	case fault.ReasonOf(err) == fault.CannotUnseal:
		return fault.New(fault.Denied, fault.ReconnectNeeded, "app: the grant cannot be unsealed: %w", err)
	case err != nil:
		return err
	case grant.Broken:
		return fault.New(fault.Denied, fault.ReconnectNeeded, "app: Microsoft no longer takes the grant")
	case !covers(grant.Scopes, kind):
		return fault.New(fault.Denied, fault.ConsentRequired, "app: the grant does not cover %s", kind)
	}
	box, err := n.mailbox(u)
	if err != nil {
		return err
	}
	return outlook.Reachable(ctx, box, kind)
}

// covers tells whether a grant's scopes, which Entra gives with or without the address of Graph before them, let a kind
// be synced.
func covers(scopes []string, kind record.Kind) bool {
	need := map[record.Kind]string{record.Calendar: "Calendars.ReadWrite", record.Contacts: "Contacts.ReadWrite"}[kind]
	return slices.ContainsFunc(scopes, func(s string) bool {
		return strings.EqualFold(s[strings.LastIndexByte(s, '/')+1:], need)
	})
}

// isActive tells whether a user may own records.
func isActive(accounts account.Store) func(context.Context, record.ID, record.ID) (bool, error) {
	return func(ctx context.Context, org, user record.ID) (bool, error) {
		u, err := accounts.User(ctx, org, user)
		if fault.Is(err, fault.NotFound) {
			return false, nil
		}
		return err == nil && u.State == account.Active, err
	}
}

// namesOf tells the users of an organization as records name them.
func namesOf(accounts account.Store) func(context.Context, record.ID) (map[record.ID]crm.Person, error) {
	return func(ctx context.Context, org record.ID) (map[record.ID]crm.Person, error) {
		users, err := accounts.Users(ctx, org)
		out := make(map[record.ID]crm.Person, len(users))
		for _, u := range users {
			out[u.ID] = crm.Person{Name: u.Name(), Email: u.Email}
		}
		return out, err
	}
}

// calendarsOf finds the link by which a user's calendar is synced. One that waits for something is none the less.
func calendarsOf(links reconcile.Links) func(context.Context, record.ID, record.ID) (crm.Calendar, error) {
	return func(ctx context.Context, org, user record.ID) (crm.Calendar, error) {
		all, err := links.LinksOf(ctx, org, user)
		for _, l := range all {
			if l.Kind == record.Calendar && l.State != reconcile.Off && l.State != reconcile.Switching {
				return crm.Calendar{Link: int64(l.ID), Invites: l.Policy.Invites && l.Policy.Direction != mapping.ToCRM, Begun: l.Settled}, nil
			}
		}
		return crm.Calendar{}, err
	}
}

// notificationURL is where Graph can tell us of changes; "" if our public address is one that it cannot reach. The
// simulator of the demo reaches everything.
func notificationURL(c Config) string {
	u, err := url.Parse(c.URL)
	graphAt, graphErr := url.Parse(c.GraphURL)
	if err != nil || graphErr != nil || isLoopback(u.Hostname()) && !isLoopback(graphAt.Hostname()) {
		return ""
	}
	return c.URL + "/hooks/graph"
}

// personal is the switchboard in the hands of a signed-in person. It fits web.Switch.
type personal struct{ board *reconcile.Switchboard }

func (p personal) Allowed(ctx context.Context, u account.User, kind record.Kind) error {
	return p.board.Allowed(ctx, u.Org, u.ID, kind)
}

func (p personal) On(ctx context.Context, u account.User, kind record.Kind) (*reconcile.Link, error) {
	return p.board.On(ctx, u.Org, u.ID, kind)
}

func (p personal) Set(ctx context.Context, u account.User, kind record.Kind, change func(*reconcile.Wish)) error {
	return p.board.Set(ctx, u.Org, u.ID, kind, change)
}

func (p personal) Off(ctx context.Context, u account.User, id reconcile.LinkID) error {
	return p.board.Off(ctx, u.Org, u.ID, id)
}

func (p personal) Run(ctx context.Context, u account.User, id reconcile.LinkID) error {
	return p.board.Run(ctx, u.Org, u.ID, id)
}

func (p personal) Answer(ctx context.Context, u account.User, id reconcile.LinkID, yes bool) error {
	return p.board.Answer(ctx, u.Org, u.ID, id, yes)
}
