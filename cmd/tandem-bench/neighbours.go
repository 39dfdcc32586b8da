package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/record"
)

const (
	neighboursKey = "neighbours_200"
	crowdSize     = 200
	// neighbourContacts is how many contacts each of them has.
	neighbourContacts = 3
)

// neighbour is one of the crowd, with a link that is in step.
type neighbour struct {
	person person
	user   account.User
	id     record.ID
	ref    record.Ref
}

// neighbours measures how long changes of two hundred people take to Outlook: while all is well, and while Microsoft throttles one of
// their mailboxes without end, whose owner goes on writing.
func (b *bench) neighbours(ctx context.Context) (err error) {
	_, stop, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := stop(); err == nil {
			err = stopErr
		}
	}()
	all, err := b.crowd(ctx)
	if err != nil {
		return err
	}
	one, others := all[0], all[1:]
	calm, err := b.edits(ctx, others, "calm")
	if err != nil {
		return err
	}
	for _, match := range []string{"* /users/" + one.person.ObjectID + "/*", "part * /users/" + one.person.ObjectID + "/*"} {
		fault := map[string]any{"match": match, "times": -1, "do": "429", "retryAfter": 1}
		if err := b.sim.call(ctx, nil, http.MethodPost, "/sim/faults", fault, nil); err != nil {
			return err
		}
	}
	writing, endWriting := context.WithCancel(ctx)
	written := make(chan error, 1)
	go func() {
		var err error
		for n := 0; err == nil && writing.Err() == nil; n++ {
			err = b.retitle(ctx, one, fmt.Sprint("storm ", n))
			time.Sleep(20 * time.Millisecond)
		}
		written <- err
	}()
	throttled, err := b.edits(ctx, others, "throttled")
	endWriting()
	if stormErr := <-written; err == nil {
		err = stormErr
	}
	if clearErr := b.sim.call(ctx, nil, http.MethodDelete, "/sim/faults", nil, nil); err == nil {
		err = clearErr
	}
	if err != nil {
		return err
	}
	for name, took := range map[string][]time.Duration{"calm": calm, "throttled": throttled} {
		b.add(neighboursKey, name+"_p50_ms", percentile(took, 50))
		b.add(neighboursKey, name+"_p99_ms", percentile(took, 99))
	}
	return nil
}

// crowd makes the users and waits until all their contacts are in Outlook.
func (b *bench) crowd(ctx context.Context) ([]neighbour, error) {
	all := make([]neighbour, len(b.sim.Crowd))
	for i, p := range b.sim.Crowd {
		user, err := b.join(ctx, b.users["admin"].Org, p)
		if err != nil {
			return nil, err
		}
		if err := b.insert(ctx, user, record.Contacts, neighbourContacts, contactFields); err != nil {
			return nil, err
		}
		if _, err := b.link(ctx, user, record.Contacts); err != nil {
			return nil, err
		}
		all[i] = neighbour{person: p, user: user}
	}
	for i := range all {
		n := &all[i]
		err := eventually(ctx, 3*time.Minute, func() (bool, error) {
			links, err := b.app.Store.Links().LinksOf(ctx, n.user.Org, n.user.ID)
			if err != nil || len(links) != 1 || !links[0].Settled || links[0].Done != links[0].Wanted {
				return false, err
			}
			states, err := b.app.Store.Links().Records(ctx, n.user.Org, links[0].ID, "synced", 0, 1)
			if err != nil || len(states) == 0 {
				return false, err
			}
			n.id, _ = record.ParseID(string(states[0].CRM))
			n.ref = states[0].Microsoft
			return true, nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s did not settle: %w", n.person.UPN, err)
		}
	}
	return all, nil
}

// edits has one after the other change something, and tells how long each change took to Outlook.
func (b *bench) edits(ctx context.Context, all []neighbour, value string) ([]time.Duration, error) {
	var took []time.Duration
	for _, n := range all {
		start := time.Now()
		if err := b.retitle(ctx, n, value); err != nil {
			return nil, err
		}
		err := eventually(ctx, time.Minute, func() (bool, error) {
			var item struct{ JobTitle string }
			err := b.sim.call(ctx, &n.person, http.MethodGet, "/v1.0/me/contacts/"+string(n.ref)+"?$select=jobTitle", nil, &item)
			return item.JobTitle == value, err
		})
		if err != nil {
			return nil, fmt.Errorf("a change of %s: %w", n.person.UPN, err)
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

// retitle changes a contact in the CRM.
func (b *bench) retitle(ctx context.Context, n neighbour, value string) error {
	found, err := b.app.Store.Records().ByID(ctx, n.user.Org, record.Contacts, []record.ID{n.id})
	if err != nil {
		return err
	}
	r := found[n.id]
	r.Fields, r.ModifiedAt = r.Fields.With(record.Fields{record.Title: record.Value(value)}), time.Now().UTC()
	_, faults, err := b.app.Store.Records().Update(ctx, crm.Author{Org: n.user.Org, User: n.user.ID}, []crm.Record{r})
	if err == nil {
		err = faults[0]
	}
	return err
}
