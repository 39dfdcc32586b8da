package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// place is the IP address that a request comes from, for limits and for people's lists of their sessions. What a proxy says
// in X-Forwarded-For is believed as far back as the chain of trusted proxies goes: everything before the first address
// that is not one of them may be made up by the sender.
func (s *Site) place(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	at, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(at); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = before
	}
	return at.Unmap().String()
}

func (s *Site) trusts(at netip.Addr) bool {
	for _, p := range s.Settings.TrustedProxies {
		if p.Contains(at.Unmap()) {
			return true
		}
	}
	return false
}
