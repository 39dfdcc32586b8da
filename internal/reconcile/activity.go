package reconcile

import "time"

// HourWork is what a link did in an hour.
type HourWork struct {
	Link LinkID
	At   time.Time // when it begins, UTC
	Work
}

// Work counts what a link did.
type Work struct {
	CRM, Microsoft int // writes to each side
	Failed         int
	Delays         Delays
}

// Delays tell how long fresh changes took to reach the other side: how many took at most as long as each of DelayLimits, and at
// last how many took longer than all of them.
type Delays struct {
	Counts  []int
	Slowest time.Duration
}

// DelayLimits are the bounds within which delays are counted.
var DelayLimits = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
	5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour,
}

// Add counts a delay.
func (d *Delays) Add(delay time.Duration) {
	i := 0
	for i < len(DelayLimits) && delay > DelayLimits[i] {
		i++
	}
	d.grow()
	d.Counts[i]++
	d.Slowest = max(d.Slowest, delay)
}

// With adds others.
func (d *Delays) With(other Delays) {
	d.grow()
	for i, n := range other.Counts {
		if i < len(d.Counts) {
			d.Counts[i] += n
		}
	}
	d.Slowest = max(d.Slowest, other.Slowest)
}

func (d *Delays) grow() {
	if len(d.Counts) <= len(DelayLimits) {
		d.Counts = append(d.Counts, make([]int, len(DelayLimits)+1-len(d.Counts))...)
	}
}

// Total is how many delays there are.
func (d Delays) Total() (n int) {
	for _, c := range d.Counts {
		n += c
	}
	return n
}

// Within is the least of DelayLimits within which the share of all changes came through; the slowest one where none is. 0: there
// are none.
func (d Delays) Within(share float64) time.Duration {
	total, n := d.Total(), 0
	if total == 0 {
		return 0
	}
	for i, limit := range DelayLimits {
		if n += d.Counts[i]; float64(n) >= share*float64(total) {
			return min(limit, d.Slowest)
		}
	}
	return d.Slowest
}

// With adds the work of another time.
func (w *Work) With(other Work) {
	w.CRM += other.CRM
	w.Microsoft += other.Microsoft
	w.Failed += other.Failed
	w.Delays.With(other.Delays)
}

// WorkOf counts what lines of history tell.
func WorkOf(entries []Entry) (w Work) {
	for _, e := range entries {
		for _, h := range e.History {
			switch h.Action {
			case Created, Updated, Deleted, Restored:
				if h.Side == InCRM {
					w.CRM++
				} else {
					w.Microsoft++
				}
				if h.Delay > 0 {
					w.Delays.Add(h.Delay)
				}
			case Failed:
				w.Failed++
			}
		}
	}
	return w
}
