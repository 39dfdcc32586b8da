package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// latencies measures how long one change takes to the other side while everything runs as in production: notifications
// from the simulator, jobs, sync.
func (b *bench) latencies(ctx context.Context) (err error) {
	_, stop, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := stop(); err == nil {
			err = stopErr
		}
	}()

	user := b.users["megan"]
	if err := b.insert(ctx, user, record.Contacts, 100, contactFields); err != nil {
		return err
	}
	link, err := b.link(ctx, user, record.Contacts)
	if err != nil {
		return err
	}
	if err := eventually(ctx, time.Minute, func() (bool, error) {
		l, err := b.app.Store.Links().Link(ctx, user.Org, link.ID)
		return err == nil && l.Settled && l.Synced == 100, err
	}); err != nil {
		return fmt.Errorf("the link did not settle: %w", err)
	}
	states, err := b.app.Store.Links().Records(ctx, user.Org, link.ID, "synced", 0, 100)
	if err != nil {
		return err
	}
	const samples = 200
	var toCRM, toOutlook []time.Duration
	for i := range samples {
		s := states[i%len(states)]
		id, _ := record.ParseID(string(s.CRM))
		took, err := b.outlookToCRM(ctx, id, s.Microsoft, fmt.Sprint("from Outlook ", i))
		if err != nil {
			return fmt.Errorf("change %d to the CRM: %w", i, err)
		}
		toCRM = append(toCRM, took)
		if took, err = b.crmToOutlook(ctx, id, s.Microsoft, fmt.Sprint("from the CRM ", i)); err != nil {
			return fmt.Errorf("change %d to Outlook: %w", i, err)
		}
		toOutlook = append(toOutlook, took)
	}
	b.add("latency_to_crm_ms", "p50", percentile(toCRM, 50))
	b.add("latency_to_crm_ms", "p99", percentile(toCRM, 99))
	b.add("latency_to_outlook_ms", "p50", percentile(toOutlook, 50))
	b.add("latency_to_outlook_ms", "p99", percentile(toOutlook, 99))
	return nil
}

func (b *bench) outlookToCRM(ctx context.Context, id record.ID, ref record.Ref, value string) (time.Duration, error) {
	start := time.Now()
	err := b.sim.call(ctx, b.person("megan"), http.MethodPatch, "/v1.0/me/contacts/"+string(ref), map[string]string{"jobTitle": value}, nil)
	if err != nil {
		return 0, err
	}
	user := b.users["megan"]
	err = eventually(ctx, 10*time.Second, func() (bool, error) {
		found, err := b.app.Store.Records().ByID(ctx, user.Org, record.Contacts, []record.ID{id})
		return found[id].Fields[record.Title] == record.Value(value), err
	})
	return time.Since(start), err
}

func (b *bench) crmToOutlook(ctx context.Context, id record.ID, ref record.Ref, value string) (time.Duration, error) {
	user := b.users["megan"]
	found, err := b.app.Store.Records().ByID(ctx, user.Org, record.Contacts, []record.ID{id})
	if err != nil {
		return 0, err
	}
	r := found[id]
	r.Fields, r.ModifiedAt = r.Fields.With(record.Fields{record.Title: record.Value(value)}), time.Now().UTC()
	start := time.Now()
	_, faults, err := b.app.Store.Records().Update(ctx, crm.Author{Org: user.Org, User: user.ID}, []crm.Record{r})
	if err == nil {
		err = faults[0]
	}
	if err != nil {
		return 0, err
	}
	err = eventually(ctx, 10*time.Second, func() (bool, error) {
		var item struct{ JobTitle string }
		err := b.sim.call(ctx, b.person("megan"), http.MethodGet, "/v1.0/me/contacts/"+string(ref)+"?$select=jobTitle", nil, &item)
		return item.JobTitle == value, err
	})
	return time.Since(start), err
}

// eventually asks again and again until the answer is yes.
func eventually(ctx context.Context, patience time.Duration, yes func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := yes(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
