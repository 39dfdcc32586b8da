package simtest

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Batch is many seeds.
type Batch struct {
	From    uint64
	Seeds   int
	Workers int // worlds at once; each is one thread of events
	Defect  string
}

// Sum is what many seeds came to.
type Sum struct {
	From    uint64 // the first of them
	Stats   Stats
	Failed  int
	Failing []Failing `json:",omitempty"` // those that failed
	Took    time.Duration
	Workers int
}

// Failing is a seed that failed, and the check that it failed.
type Failing struct {
	Seed  uint64
	Check string
}

// PerSecond is how many seeds a second each worker lived through.
func (s Sum) PerSecond() float64 {
	return float64(s.Stats.Seeds) / s.Took.Seconds() / float64(max(s.Workers, 1))
}

// after adds what comes right after what an earlier run came to: a long run can be made in parts. Anything else begins anew.
func (s Sum) after(earlier *Sum) *Sum {
	if earlier == nil || !s.follows(*earlier) {
		return &s
	}
	sum := Sum{From: earlier.From, Stats: newStats(), Failed: earlier.Failed + s.Failed, Failing: slices.Concat(earlier.Failing, s.Failing), Took: earlier.Took + s.Took, Workers: s.Workers}
	sum.Stats.Add(earlier.Stats)
	sum.Stats.Add(s.Stats)
	return &sum
}

// follows reports whether seeds begin where earlier ones ended.
func (s Sum) follows(earlier Sum) bool { return s.From == earlier.From+uint64(earlier.Stats.Seeds) }

// Run lives through the seeds, several at a time. failed is told of each that fails, in any order, and says whether to go on.
func (b Batch) Run(failed func(seed uint64, r Result) bool) (Sum, error) {
	began := time.Now()
	sum := Sum{From: b.From, Stats: newStats(), Workers: max(b.Workers, 1)}
	var mu sync.Mutex
	var wrong error
	next, last, stop := b.From, b.From+uint64(b.Seeds), false
	take := func() (seed uint64, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		seed = next
		next++
		return seed, seed < last && !stop
	}
	var workers sync.WaitGroup
	for range sum.Workers {
		workers.Go(func() {
			for seed, ok := take(); ok; seed, ok = take() {
				r, err := Run(Config{Seed: seed, Defect: b.Defect})
				mu.Lock()
				if err != nil {
					wrong, stop = fmt.Errorf("seed %d: %w", seed, err), true
				}
				sum.Stats.Add(r.Stats)
				if r.Failure != nil {
					sum.Failed++
					sum.Failing = append(sum.Failing, Failing{seed, r.Failure.Check})
					stop = stop || !failed(seed, r)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	sum.Took = time.Since(began)
	return sum, wrong
}

// Caught tells after how many seeds a broken engine was caught, and by which check; 0 seeds: it was not.
type Caught struct {
	Defect, What string
	Seeds        int
	Check        string
}

// Teeth lives through seeds with every broken engine until one catches it, several engines at a time, and tells of each.
func (b Batch) Teeth(tell func(Caught)) ([]Caught, error) {
	out := make([]Caught, len(defects))
	var mu sync.Mutex
	var wrong error
	next := 0
	var workers sync.WaitGroup
	for range max(b.Workers, 1) {
		workers.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(defects) {
					return
				}
				c, err := b.catch(defects[i])
				mu.Lock()
				if err != nil {
					wrong = err
				}
				out[i] = c
				tell(c)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return out, wrong
}

func (b Batch) catch(d *defect) (Caught, error) {
	c := Caught{Defect: d.name, What: d.what}
	for n := range b.Seeds {
		r, err := Run(Config{Seed: b.From + uint64(n), Defect: d.name})
		if err != nil {
			return c, err
		}
		if r.Failure != nil {
			c.Seeds, c.Check = n+1, r.Failure.Check
			return c, nil
		}
	}
	return c, nil
}
