package web

import (
	"net/http"
	"strings"
)

// tabPath is the page that Microsoft's apps show inside themselves (the contentUrl of the app package).
const tabPath = launchPath + "/tab"

// hosts are Microsoft's apps that may frame that page: Teams, Microsoft 365 and Outlook on the web (fact sheet §12).
var hosts = []string{
	"https://teams.microsoft.com", "https://*.microsoft365.com", "https://*.office.com", "https://outlook.office.com",
	"https://outlook.office365.com", "https://outlook.live.com", "https://*.cloud.microsoft",
}

// tabPolicy is the Content-Security-Policy of the framed page. It has no form and asks nobody for anything: TeamsJS
// would fetch a newer list of hosts than the one it brings along.
var tabPolicy = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data:",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors " + strings.Join(hosts, " "),
}, "; ")

type tabPage struct {
	Lang, Launch string
	Script       string // "": not built, and not needed
	Style        string
}

// tab is the only page that may be framed, and for that reason it shows nothing of anybody's: browsers keep a framed
// page's cookies from it, so nobody is signed in there, and what can be clicked opens a window of its own.
func (s *Site) tab(v *visit) error {
	h := v.w.Header()
	h.Del("X-Frame-Options") // knows one host or none
	h.Set("Content-Security-Policy", tabPolicy)
	words := s.pages.negotiate(v.r, "") // not the person's own choice: that would tell who it is
	framed := &visit{w: v.w, r: v.r, words: words, zone: v.zone, now: v.now}
	return s.write(framed, http.StatusOK, "tab", "tab", tabPage{
		Lang: words.lang, Launch: s.Settings.URL + launchPath, Script: s.assets.url("tab.js"), Style: s.assets.url("app.css"),
	})
}
