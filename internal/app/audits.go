package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tandem/internal/reconcile"
	"tandem/internal/store"
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

// lastAudits tell operators what the last audit of each link came to, also one of `tandem audit`, which is a process of its own. It fits
// prometheus.Collector.
type lastAudits struct{ links *store.Links }

var (
	lastDrift = prometheus.NewDesc("tandem_last_audit_drift", "Records that the last audits of all links found drifted apart, whichever process made them.", nil, nil)
	lastLeft  = prometheus.NewDesc("tandem_last_audit_drift_left", "Records among them that could not be brought in step.", nil, nil)
)

func (lastAudits) Describe(to chan<- *prometheus.Desc) { to <- lastDrift; to <- lastLeft }

func (l lastAudits) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	proof, err := l.links.LastProofs(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(lastDrift, err)
		return
	}
	to <- prometheus.MustNewConstMetric(lastDrift, prometheus.GaugeValue, float64(proof.Drift))
	to <- prometheus.MustNewConstMetric(lastLeft, prometheus.GaugeValue, float64(proof.Left))
}
