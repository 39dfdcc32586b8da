package crmapi

import (
	"net/http"
	"strconv"
	"time"
)

// limited tells a program that asks too often when to come back.
func (c *call) limited(wait time.Duration) {
	seconds := int64((wait + time.Second - 1) / time.Second)
	c.w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	c.fail(problem{status: http.StatusTooManyRequests, code: "TOO_MANY_REQUESTS", message: "too many requests, please try shortly"})
}
