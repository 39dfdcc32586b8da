// Package zone joins the two ways of naming time zones: Windows names, which Microsoft 365 speaks
// ("E. South America Standard Time"), and IANA names, which everybody else does ("America/Sao_Paulo"). Reckoning with
// zones is left to package time, whose database is linked in here so that a bare server knows it too.
//
// A Windows zone stands for many IANA names. A name that has been to Microsoft and back is therefore known only up to
// Norm.
package zone

import (
	"sync"
	"time"
	_ "time/tzdata" // a server without a tz database still knows the zones
)

//go:generate sh -c "go run ./gen \"$WINDOWS_ZONES\" /usr/share/zoneinfo/tzdata.zi >table.tmp && mv table.tmp table.go"

// odd are names that Microsoft 365 uses besides those of CLDR. tzone://Microsoft/Custom is not among them: it says
// nothing.
var odd = map[string]string{
	"tzone://Microsoft/Utc": "UTC",
	"Z":                     "UTC",
}

// IANA gives the IANA name of a Windows zone, and an IANA name as it is. False: the name is neither.
func IANA(name string) (string, bool) {
	if iana, ok := ianaOf[name]; ok {
		return iana, true
	}
	if _, ok := windowsOf[name]; ok {
		return name, true
	}
	if iana, ok := odd[name]; ok {
		return iana, true
	}
	if name == "" || name == "Local" {
		return "", false
	}
	if _, err := time.LoadLocation(name); err != nil {
		return "", false
	}
	return name, true
}

// Windows gives the Windows zone of an IANA name, old spellings included, and a Windows name as it is. False: there
// is none that fits.
func Windows(name string) (string, bool) {
	if windows, ok := windowsOf[name]; ok {
		return windows, true
	}
	_, ok := ianaOf[name]
	return name, ok
}

// Norm gives the one name by which all names of a Windows zone are known: an IANA name. A name without a Windows zone
// is its own norm.
func Norm(name string) string {
	if alias, ok := odd[name]; ok {
		name = alias
	}
	if windows, ok := Windows(name); ok {
		return ianaOf[windows]
	}
	return name
}

// Same reports whether two names, of either kind, belong to one Windows zone.
func Same(a, b string) bool { return a == b || Norm(a) == Norm(b) }

// Load finds the rules of a zone by either kind of name. False: unknown.
func Load(name string) (*time.Location, bool) {
	iana, ok := IANA(name)
	if !ok {
		return nil, false
	}
	if loc, ok := loaded.Load(iana); ok {
		return loc.(*time.Location), true
	}
	loc, err := time.LoadLocation(iana)
	if err != nil {
		return nil, false
	}
	if _, ok := windowsOf[iana]; ok { // names of the table only: strangers' names must not make it grow
		loaded.Store(iana, loc)
	}
	return loc, true
}

// loaded keeps the rules of zones once read: reading them costs more than everything else about an event.
var loaded sync.Map // IANA name -> *time.Location
