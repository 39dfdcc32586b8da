package app

import (
	"context"
	"sync/atomic"

	"tandem/internal/reconcile"
)

// audits counts what audits come to in this process. It fits jobs.Auditor.
type audits struct {
	runner                      *reconcile.Runner
	made, compared, drift, left atomic.Int64
}

// Audit compares everything under a link.
func (a *audits) Audit(ctx context.Context, id reconcile.LinkID) error {
	_, err := a.audit(ctx, id, false)
	return err
}

func (a *audits) audit(ctx context.Context, id reconcile.LinkID, whole bool) (reconcile.Proof, error) {
	proof, err := a.runner.Audit(ctx, id, whole)
	if err == nil && proof.Kinds != nil { // else it is the one before
		a.made.Add(1)
		a.compared.Add(int64(proof.Compared))
		a.drift.Add(int64(proof.Drift))
		a.left.Add(int64(proof.Left))
	}
	return proof, err
}
