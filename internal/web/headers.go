package web

import (
	"net/http"
	"strings"
)

// policy is the Content-Security-Policy of every page: only our own files, nothing inline, no framing. Forms may lead
// to the sign-in service, because browsers hold redirects of a form against form-action too.
func policy(s Settings) string {
	formAction := "'self'"
	if origin := s.authorityOrigin(); origin != "" {
		formAction += " " + origin
	}
	return strings.Join([]string{
		"default-src 'self'",
		"img-src 'self' data:",
		"object-src 'none'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		"form-action " + formAction,
	}, "; ")
}

// hsts is a year: shorter is treated as none by the browsers' lists.
const hsts = "max-age=31536000"

// withHeaders sets what browsers are to refuse on our behalf.
func withHeaders(s Settings, next http.Handler) http.Handler {
	csp := policy(s)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if s.secure() {
			h.Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, r)
	})
}
