package zone

import (
	"testing"
	"time"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, iana, windows string }{
		{"E. South America Standard Time", "America/Sao_Paulo", "E. South America Standard Time"},
		{"America/Sao_Paulo", "America/Sao_Paulo", "E. South America Standard Time"},
		{"Brazil/East", "Brazil/East", "E. South America Standard Time"},
		{"America/Recife", "America/Recife", "SA Eastern Standard Time"},
		{"India Standard Time", "Asia/Kolkata", "India Standard Time"},
		{"Asia/Calcutta", "Asia/Calcutta", "India Standard Time"},
		{"Asia/Kolkata", "Asia/Kolkata", "India Standard Time"},
		{"Romance Standard Time", "Europe/Paris", "Romance Standard Time"},
		{"Europe/Kiev", "Europe/Kiev", "FLE Standard Time"},
		{"Europe/Kyiv", "Europe/Kyiv", "FLE Standard Time"},
		{"US/Pacific", "US/Pacific", "Pacific Standard Time"},
		{"UTC", "UTC", "UTC"},
		{"Etc/UTC", "Etc/UTC", "UTC"},
		{"GMT", "GMT", "UTC"},
	} {
		iana, ok := IANA(c.name)
		if !ok || iana != c.iana {
			t.Errorf("IANA(%q) = %q, %v; want %q", c.name, iana, ok, c.iana)
		}
		windows, ok := Windows(c.name)
		if !ok || windows != c.windows {
			t.Errorf("Windows(%q) = %q, %v; want %q", c.name, windows, ok, c.windows)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "Nowhere Standard Time", "tzone://Microsoft/Custom", "../etc/passwd", "Customized Time Zone"} {
		if iana, ok := IANA(name); ok {
			t.Errorf("IANA(%q) = %q, want nothing", name, iana)
		}
		if windows, ok := Windows(name); ok {
			t.Errorf("Windows(%q) = %q, want nothing", name, windows)
		}
		if got := Norm(name); got != name {
			t.Errorf("Norm(%q) = %q, want it unchanged", name, got)
		}
	}
}

// Every Windows zone must come back from a journey through its IANA name, and every IANA name must be its Norm's equal.
func TestTableIsRound(t *testing.T) {
	t.Parallel()
	for windows, iana := range ianaOf {
		if back, _ := Windows(iana); back != windows {
			t.Errorf("%q stands for %q, which belongs to %q", iana, windows, back)
		}
		if _, err := time.LoadLocation(iana); err != nil {
			t.Errorf("the zone of %q: %v", windows, err)
		}
		if !Same(windows, iana) {
			t.Errorf("Same(%q, %q) = false", windows, iana)
		}
	}
	for iana, windows := range windowsOf {
		if Norm(Norm(iana)) != Norm(iana) {
			t.Errorf("Norm(%q) = %q, which is not its own norm", iana, Norm(iana))
		}
		if ianaOf[windows] == "" {
			t.Errorf("%q belongs to %q, which has no row", iana, windows)
		}
	}
	if len(ianaOf) < 130 || len(windowsOf) < 450 {
		t.Errorf("the table has %d Windows zones and %d IANA names: too few", len(ianaOf), len(windowsOf))
	}
}
