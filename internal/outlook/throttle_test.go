package outlook

import (
	"testing"
	"time"

	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/record"
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

// With latency, no place of the four idles: the time of many writes is that of their parts, four at once.
func TestNoPlaceIdles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	r := newRig(t)
	link := r.container(record.Contacts)
	const latency, n = 20 * time.Millisecond, 400
	r.sim.Latency(latency)
	began := time.Now()
	r.fill(link, n)
	took, ideal := time.Since(began), n*latency/4
	t.Logf("%d writes took %s, ideally %s: %.0f %%", n, took, ideal, 100*ideal.Seconds()/took.Seconds())
	if took > ideal*5/4 {
		t.Errorf("%d writes took %s; four at once would take %s", n, took, ideal)
	}
}
