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
		before, err := hop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = before
	}
	return at.Unmap().String()
}

// hop reads one address of X-Forwarded-For. Some proxies put the port behind it, and IPv6 into brackets.
func hop(text string) (netip.Addr, error) {
	at, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(text)
		at = withPort.Addr()
	}
	return at.WithZone(""), err
}

func (s *Site) trusts(at netip.Addr) bool {
	for _, p := range s.Settings.TrustedProxies {
		if p.Contains(at.Unmap()) {
			return true
		}
	}
	return false
}
