package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Audited is what `tandem audit` goes through.
type Audited struct {
	Org   string // name or ID of an organization; "": all
	User  string // address of one user; "": everybody's
	Whole bool   // every item is read, whatever its version says
}

const (
	// auditTries is how often a link is tried that another process is at work on.
	auditTries = 20
	auditPause = 500 * time.Millisecond
)

// AuditNow audits links one after the other and prints a table. The error tells of drift that could not be repaired, and of
// links that could not be audited.
func AuditNow(ctx context.Context, config Config, what Audited, out io.Writer, log *slog.Logger) error {
	a, err := Build(ctx, config, log)
	if err != nil {
		return err
	}
	defer a.Close()
	links, err := a.audited(ctx, what)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LINK\tKIND\tUSER\tCOMPARED\tDRIFT\tLEFT\t")
	left, failed := 0, 0
	for _, l := range links {
		who := l.User.String()
		if u, err := a.Store.Accounts().User(ctx, l.Org, l.User); err == nil {
			who = u.Email
		}
		proof, err := a.auditOne(ctx, l, what.Whole)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case err != nil:
			failed++
			fmt.Fprintf(table, "%d\t%s\t%s\t\t\t\t%v\n", l.ID, l.Kind, who, err)
		case proof.Kinds == nil:
			fmt.Fprintf(table, "%d\t%s\t%s\t\t\t\t%s\n", l.ID, l.Kind, who, "not compared: it is "+standingOf(l))
		default:
			left += proof.Left
			fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%d\t%d\t%s\n", l.ID, l.Kind, who, proof.Compared, proof.Drift, proof.Left, kindsOf(proof))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if left > 0 || failed > 0 {
		return fmt.Errorf("%d records are still apart, %d links could not be audited", left, failed)
	}
	return nil
}

func standingOf(l reconcile.Link) string {
	if (l.State == reconcile.On || l.State == reconcile.Held) && !l.Settled {
		return "in its first sync"
	}
	return string(l.State)
}

// kindsOf tells the drift by kind.
func kindsOf(p reconcile.Proof) string {
	var out []string
	for _, kind := range reconcile.DriftKinds() {
		if n := p.Kinds[kind]; n > 0 {
			out = append(out, fmt.Sprintf("%s: %d", kind, n))
		}
	}
	return strings.Join(out, ", ")
}

// audited are the links that are meant.
func (a *App) audited(ctx context.Context, what Audited) (out []reconcile.Link, err error) {
	if what.User != "" {
		u, err := userByEmail(ctx, a.Store.Accounts(), what.User, what.Org)
		if err != nil {
			return nil, err
		}
		return a.Store.Links().LinksOf(ctx, u.Org, u.ID)
	}
	orgs, err := a.Store.Accounts().Organizations(ctx)
	if err != nil {
		return nil, err
	}
	known := false
	for _, o := range orgs {
		if id, _ := record.ParseID(what.Org); what.Org != "" && o.ID != id && !strings.EqualFold(o.Name, what.Org) {
			continue
		}
		known = true
		links, err := a.Store.Links().LinksIn(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, links...)
	}
	if !known && what.Org != "" {
		return nil, fmt.Errorf("no organization is called %q", what.Org)
	}
	return out, nil
}

// auditOne audits a link, and waits a while if somebody else is at work on it.
func (a *App) auditOne(ctx context.Context, l reconcile.Link, whole bool) (proof reconcile.Proof, err error) {
	for range auditTries {
		if proof, err = a.audits.audit(ctx, l.ID, whole); !fault.Is(err, fault.Conflict) {
			return proof, err
		}
		select {
		case <-ctx.Done():
			return proof, ctx.Err()
		case <-time.After(auditPause):
		}
	}
	return proof, err
}
