package record

import "strings"

// addressSchemes are those of addresses that a field of type URL may hold: what leads to a page, a letter or a call, and
// nothing that runs where it is opened.
var addressSchemes = []string{"http", "https", "mailto", "tel"}

// IsAddress reports whether a text may be a web address, as people write it: with a scheme or without ("contoso.example/team").
func IsAddress(s string) bool {
	scheme, rest, found := strings.Cut(s, ":")
	if !found || strings.ContainsAny(scheme, "/?#") {
		return !strings.HasPrefix(s, "//")
	}
	for _, known := range addressSchemes {
		if strings.EqualFold(scheme, known) {
			return rest != ""
		}
	}
	port := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }) // contoso.example:8080/team
	if port < 0 {
		port = len(rest)
	}
	return strings.Contains(scheme, ".") && port > 0 && (port == len(rest) || strings.ContainsRune("/?#", rune(rest[port])))
}
