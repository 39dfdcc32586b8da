package web

import (
	"net/http"
	"net/netip"
	"testing"
)

// TestPlace holds what a proxy says against how far it can be believed: what a sender makes up must not move a limit.
func TestPlace(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, row := range []struct {
		name, from string
		said       []string
		trusted    []netip.Prefix
		want       string
	}{
		{"no proxy", "192.0.2.1:5000", nil, proxies, "192.0.2.1"},
		{"nobody is believed", "10.0.0.1:5000", []string{"198.51.100.7"}, nil, "10.0.0.1"},
		{"a stranger is not believed", "192.0.2.1:5000", []string{"198.51.100.7"}, proxies, "192.0.2.1"},
		{"one proxy", "10.0.0.1:5000", []string{"198.51.100.7"}, proxies, "198.51.100.7"},
		{"made up by the sender", "10.0.0.1:5000", []string{"203.0.113.9, 198.51.100.7"}, proxies, "198.51.100.7"},
		{"made up as a proxy", "10.0.0.1:5000", []string{"10.9.9.9, 198.51.100.7"}, proxies, "198.51.100.7"},
		{"two proxies", "10.0.0.1:5000", []string{"203.0.113.9, 198.51.100.7, 10.0.0.2"}, proxies, "198.51.100.7"},
		{"in two lines", "10.0.0.1:5000", []string{"203.0.113.9", "198.51.100.7"}, proxies, "198.51.100.7"},
		{"no address", "10.0.0.1:5000", []string{"198.51.100.7, unknown"}, proxies, "10.0.0.1"},
		{"nothing", "10.0.0.1:5000", []string{""}, proxies, "10.0.0.1"},
		{"all are proxies", "10.0.0.1:5000", []string{"10.0.0.3, 10.0.0.2"}, proxies, "10.0.0.3"},
		{"IPv6", "[fd00::1]:5000", []string{"2001:db8::7"}, proxies, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:5000", []string{"::ffff:198.51.100.7"}, proxies, "198.51.100.7"},
		{"with a port", "10.0.0.1:5000", []string{"203.0.113.9:1, 198.51.100.7:52113"}, proxies, "198.51.100.7"},
		{"IPv6 with a port", "[fd00::1]:5000", []string{"[2001:db8::7]:52113"}, proxies, "2001:db8::7"},
		{"IPv6 in brackets", "[fd00::1]:5000", []string{"[2001:db8::7]"}, proxies, "2001:db8::7"},
		{"a zone that the sender made up", "10.0.0.1:5000", []string{"2001:db8::7%1"}, proxies, "2001:db8::7"},
		{"a local socket", "@", []string{"198.51.100.7"}, proxies, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := &Site{Deps: Deps{Settings: Settings{TrustedProxies: row.trusted}}}
			r := &http.Request{RemoteAddr: row.from, Header: http.Header{"X-Forwarded-For": row.said}}
			if got := s.place(r); got != row.want {
				t.Errorf("%s said %q: came %q, expected %q", row.from, row.said, got, row.want)
			}
		})
	}
}
