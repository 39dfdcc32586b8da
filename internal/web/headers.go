package web

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
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

// HSTS is the Strict-Transport-Security of a Tandem at a public address; "" where that is not https. It lasts a year: shorter is
// treated as none by the browsers' lists. It speaks for hosts below ours too, but not where ours is a whole domain, below which
// there may be servers that have nothing to do with Tandem.
func HSTS(address string) string {
	const year = "max-age=31536000"
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "https" {
		return ""
	}
	host := at.Hostname()
	if whole, err := publicsuffix.EffectiveTLDPlusOne(host); err != nil || whole == host || net.ParseIP(host) != nil {
		return year
	}
	return year + "; includeSubDomains"
}

// withHeaders sets what browsers are to refuse on our behalf.
func withHeaders(s Settings, next http.Handler) http.Handler {
	csp, hsts := policy(s), HSTS(s.URL)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if hsts != "" {
			h.Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, r)
	})
}
