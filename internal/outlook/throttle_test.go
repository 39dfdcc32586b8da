package outlook

import (
	"testing"
	"time"

	"tandem/internal/graph"
	"tandem/internal/m365sim"
)

// FIELD-FAILURES 73: a mailbox that refuses the fifth request at once still takes everything, once each.
func TestFF73_FifthAtOnceIsRefused(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t, func(o *graph.Options) { o.Limits.Tries = 8 })
		r.sim.SetWarts(m365sim.Warts{RejectOverConcurrency: true})
		r.sim.Latency(2 * time.Millisecond)
		link := r.container(kind)
		r.fill(link, 200)
		if n := r.sim.Mailbox(adele).Count(string(link.Container)); n != 200 {
			t.Errorf("%s: %d items, want 200", kind, n)
		}
	}
}
