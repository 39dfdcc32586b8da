package web

import (
	"fmt"
	"slices"
	"time"

	"tandem/internal/zone"
)

// zoneNames are the zones to choose from: at least one for every offset and clock that people live by, the rest of the
// world's names being synonyms. Any other that a record carries stays choosable.
var zoneNames = []string{
	"Pacific/Pago_Pago", "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Phoenix", "America/Denver", "America/Mexico_City",
	"America/Chicago", "America/Bogota", "America/Lima", "America/New_York", "America/Toronto", "America/Rio_Branco",
	"America/Caracas", "America/La_Paz", "America/Manaus", "America/Cuiaba", "America/Santiago", "America/Halifax",
	"America/Asuncion", "America/St_Johns", "America/Sao_Paulo", "America/Argentina/Buenos_Aires", "America/Montevideo",
	"America/Bahia", "America/Noronha", "Atlantic/Azores", "Atlantic/Cape_Verde", "UTC", "Europe/Lisbon", "Europe/London",
	"Europe/Dublin", "Africa/Casablanca", "Africa/Lagos", "Europe/Madrid", "Europe/Paris", "Europe/Berlin", "Europe/Rome",
	"Europe/Zurich", "Europe/Amsterdam", "Europe/Stockholm", "Europe/Warsaw", "Africa/Johannesburg", "Africa/Cairo",
	"Europe/Athens", "Europe/Helsinki", "Europe/Kyiv", "Europe/Istanbul", "Asia/Jerusalem", "Asia/Riyadh", "Africa/Nairobi",
	"Europe/Moscow", "Asia/Tehran", "Asia/Dubai", "Asia/Kabul", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka",
	"Asia/Yangon", "Asia/Bangkok", "Asia/Jakarta", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Manila",
	"Australia/Perth", "Asia/Seoul", "Asia/Tokyo", "Australia/Darwin", "Australia/Adelaide", "Australia/Brisbane",
	"Australia/Sydney", "Pacific/Guam", "Pacific/Noumea", "Pacific/Auckland", "Pacific/Fiji", "Pacific/Tongatapu",
	"Pacific/Apia", "Pacific/Kiritimati", "Australia/Lord_Howe", "Australia/Eucla", "Pacific/Chatham", "Pacific/Marquesas",
}

// zoneOptions are the zones with the offsets that they have now, from west to east.
func zoneOptions(chosen string, now time.Time) []option {
	names := zoneNames
	if chosen != "" && !slices.Contains(names, chosen) {
		names = append(slices.Clone(names), chosen)
	}
	type row struct {
		option
		offset int
	}
	var rows []row
	for _, name := range names {
		loc, ok := zone.Load(name)
		if !ok {
			continue
		}
		_, offset := now.In(loc).Zone()
		sign, minutes := '+', offset/60
		if minutes < 0 {
			sign, minutes = '−', -minutes
		}
		rows = append(rows, row{option{name, fmt.Sprintf("(UTC%c%02d:%02d) %s", sign, minutes/60, minutes%60, name), name == chosen}, offset})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return a.offset - b.offset })
	out := make([]option, len(rows))
	for i, r := range rows {
		out[i] = r.option
	}
	return out
}
