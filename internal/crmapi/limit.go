package crmapi

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"tandem/internal/record"
)

// What a person's programs may ask of one process: as many requests at once as Burst, and in the long run PerSecond.
const (
	defaultBurst     = 2000
	defaultPerSecond = 100
)

// limiter counts requests by person, in memory: a process that starts anew forgives, and several processes allow as many times as
// much. That keeps one program from taking all of a server, at no write for each request.
type limiter struct {
	mu     sync.Mutex
	free   map[record.ID]time.Time // until when each person's burst is used up in part: see take
	forget time.Time
}

// take takes one request, by the generic cell rate algorithm: each moves the moment on at which the whole burst is free again. It
// tells how long to wait where that would lie farther ahead than a burst lasts.
func (l *limiter) take(who record.ID, now time.Time, burst, perSecond int) (wait time.Duration) {
	interval := time.Second / time.Duration(perSecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free == nil {
		l.free = map[record.ID]time.Time{}
	}
	if now.After(l.forget) { // who has not asked for a while is not kept
		for id, free := range l.free {
			if !free.After(now) {
				delete(l.free, id)
			}
		}
		l.forget = now.Add(time.Minute)
	}
	free := l.free[who]
	if free.Before(now) {
		free = now
	}
	free = free.Add(interval)
	if wait = free.Sub(now) - interval*time.Duration(burst); wait > 0 {
		return wait
	}
	l.free[who] = free
	return 0
}

// limited tells a program that asks too often when to come back.
func (c *call) limited(wait time.Duration) {
	seconds := int64((wait + time.Second - 1) / time.Second)
	c.w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	c.fail(problem{status: http.StatusTooManyRequests, code: "TOO_MANY_REQUESTS", message: "too many requests, please try shortly"})
}
