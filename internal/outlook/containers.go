package outlook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Containers makes and removes the dedicated calendars and contact folders, and subscribes to their changes.
type Containers struct {
	// Mailbox opens the mailbox of a link's user.
	Mailbox func(ctx context.Context, link *reconcile.Link) (*graph.Mailbox, error)
	// HookURL is the public address of Hook, https; "" for a server that cannot be reached from outside.
	HookURL string
	Seal    *Seal
	Now     func() time.Time
}

// Mark is what the container of a user's link of a kind is marked with, so that it is found again whatever becomes of
// its name or of our memory.
func Mark(link *reconcile.Link) string {
	return fmt.Sprintf("%d/%d/%s", link.Org, link.User, link.Kind)
}

// MarkOn is the mark on the container that a link has; "": a calendar that was there before, which has none.
func MarkOn(link *reconcile.Link) string {
	if link.Policy.Calendar != "" {
		return ""
	}
	return Mark(link)
}

// removalEnds is when a request that removes a container has surely come to its end, or was given up: one lasts 100 s at most (graph.Limits),
// and clocks differ.
const removalEnds = 3 * time.Minute

// maxNames bounds how many names are tried for a container.
const maxNames = 50

// Create makes the container of the link, or finds the one that carries its mark; it returns id and name. A name that
// is taken by something that is not ours gets a number. A calendar that the person chose is found, and gets no mark.
func (c *Containers) Create(ctx context.Context, link *reconcile.Link, name string) (id record.Ref, called string, err error) {
	defer fault.Wrap(&err, "outlook: make a container for %s", link.Kind)
	p, err := c.place(ctx, link)
	if err != nil {
		return "", "", err
	}
	if id := link.Policy.Calendar; id != "" {
		return p.chosen(ctx, id)
	}
	taken := map[string]bool{}
	found, err := p.marked(ctx, taken)
	if wait := link.Removing.Add(removalEnds).Sub(c.Now()); err == nil && found != nil && wait > 0 {
		err = &fault.Fault{Kind: fault.Unavailable, Reason: fault.StillRemoving, RetryAfter: wait, Message: "outlook: the container may still be removed"}
	}
	if err != nil || found != nil {
		return c.named(found, err)
	}
	for n := 1; n <= maxNames; n++ {
		try := name
		if n > 1 {
			try = fmt.Sprintf("%s (%d)", name, n)
		}
		if taken[strings.ToLower(try)] { // Exchange compares names without letter case
			continue
		}
		err := p.make(ctx, try)
		if fault.ReasonOf(err) == fault.Duplicate {
			continue
		}
		if err != nil && fault.ReasonOf(err) != fault.OutcomeUnknown {
			return "", "", err
		}
		// Whether the answer came or not, and as the id in it has been seen to change: the mark tells.
		found, lookErr := p.marked(ctx, taken)
		if lookErr == nil && found == nil {
			lookErr = err
			if lookErr == nil {
				lookErr = fault.New(fault.Unavailable, "", "the new container is not listed yet")
			}
		}
		return c.named(found, lookErr)
	}
	return "", "", fault.New(fault.Conflict, fault.Duplicate, "all names up to %q (%d) are taken", name, maxNames)
}

// Existing finds the container that carries the mark of a link, or that its person chose, and changes nothing; "" if there is none.
func (c *Containers) Existing(ctx context.Context, link *reconcile.Link) (id record.Ref, called string, err error) {
	defer fault.Wrap(&err, "outlook: look for a container for %s", link.Kind)
	p, err := c.place(ctx, link)
	if err != nil {
		return "", "", err
	}
	if id := link.Policy.Calendar; id != "" {
		return p.chosen(ctx, id)
	}
	found, err := p.marked(ctx, map[string]bool{})
	if err != nil || found == nil {
		return "", "", err
	}
	return c.named(found, nil)
}

func (c *Containers) named(f *graph.Folder, err error) (record.Ref, string, error) {
	if err != nil {
		return "", "", err
	}
	return record.Ref(f.ID), f.Name + f.DisplayName, nil // one of them is empty
}

func (c *Containers) place(ctx context.Context, link *reconcile.Link) (*place, error) {
	box, err := c.Mailbox(ctx, link)
	if err != nil {
		return nil, err
	}
	return &place{box: box, kind: link.Kind, id: string(link.Container), mark: MarkOn(link)}, nil
}

// marked finds the container with the place's mark, and fills in the names (in small letters) that are taken.
func (p *place) marked(ctx context.Context, taken map[string]bool) (*graph.Folder, error) {
	folders, err := p.folders(ctx, true)
	if err != nil {
		return nil, passing(err)
	}
	var found *graph.Folder
	for i, f := range folders {
		taken[strings.ToLower(f.Name+f.DisplayName)] = true
		if found == nil && markOf(f.Extended, linkMark) == p.mark {
			found = &folders[i]
		}
	}
	return found, nil
}

func (p *place) make(ctx context.Context, name string) error {
	var body graph.Object
	if p.kind == record.Contacts {
		body.String("displayName", name)
	} else {
		body.String("name", name)
	}
	marked(&body, linkMark, p.mark)
	_, err := p.box.Do(ctx, graph.Part{Method: http.MethodPost, Path: p.box.Path(p.collection()), Body: body.JSON()})
	return passingAll(err)
}

// Remove deletes the link's container with all that is in it; it is no fault if it is gone already. A calendar in which
// there is a meeting that people would hear of is left where it is: Denied with reason WouldMail.
func (c *Containers) Remove(ctx context.Context, link *reconcile.Link) (err error) {
	defer fault.Wrap(&err, "outlook: remove the container of %s", link.Kind)
	if link.Policy.Calendar != "" {
		return fault.New(fault.Invalid, fault.Refused, "a calendar that was there before is nobody's to remove but its owner's")
	}
	p, err := c.place(ctx, link)
	if err != nil || p.id == "" {
		return err
	}
	if link.Kind == record.Calendar {
		if err := c.meetings(ctx, p); err != nil {
			if fault.Is(err, fault.NotFound) {
				return nil
			}
			return err
		}
	}
	_, err = p.box.Do(ctx, graph.Part{Method: http.MethodDelete, Path: p.path(), Repeatable: true})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// meetings looks for a meeting in the calendar whose deletion would be mailed.
func (c *Containers) meetings(ctx context.Context, p *place) error {
	first := p.path("events") + graph.Query("$top", listPage, "$select", "id,attendees,organizer,isOrganizer")
	return graph.All(ctx, p.box, first, "", func(e *graph.Event) error {
		if err := guard(e, &record.Write{Op: record.Delete}, c.Now()); err != nil {
			return fault.New(fault.Denied, fault.WouldMail, "outlook: the calendar stays, as not only its owner would hear of it: %w", err)
		}
		return nil
	})
}
