package account

import (
	"cmp"
	"sync"
	"time"

	"tandem/internal/record"
)

// What a person may ask of one process by default: sensible for somebody with many windows, or a program that is busy.
const (
	defaultBurst     = 2000
	defaultPerSecond = 100
)

// A Pace bounds what each person asks of one process: as many requests at once as Burst, and in the long run PerSecond; 0: a sensible
// number. It counts in memory: a process that starts anew forgives, and several processes allow as many times as much. That keeps one
// person from taking all of a server, at no write for each request.
type Pace struct {
	Burst, PerSecond int

	mu     sync.Mutex
	free   map[record.ID]time.Time // until when each person's burst is used up in part: see Take
	forget time.Time
}

// Take takes one request, by the generic cell rate algorithm: each moves the moment on at which the whole burst is free again. It
// tells how long to wait where that would lie farther ahead than a burst lasts.
func (p *Pace) Take(who record.ID, now time.Time) (wait time.Duration) {
	burst, perSecond := cmp.Or(p.Burst, defaultBurst), cmp.Or(p.PerSecond, defaultPerSecond)
	interval := time.Second / time.Duration(perSecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == nil {
		p.free = map[record.ID]time.Time{}
	}
	if now.After(p.forget) { // who has not asked for a while is not kept
		for id, free := range p.free {
			if !free.After(now) {
				delete(p.free, id)
			}
		}
		p.forget = now.Add(time.Minute)
	}
	free := p.free[who]
	if free.Before(now) {
		free = now
	}
	free = free.Add(interval)
	if wait = free.Sub(now) - interval*time.Duration(burst); wait > 0 {
		return wait
	}
	p.free[who] = free
	return 0
}
