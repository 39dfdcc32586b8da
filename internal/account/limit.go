package account

import (
	"context"
	"net/netip"
	"time"

	"tandem/internal/fault"
)

// A Limit is how often something may be tried, by one person and from one IP address. They are kept in the database, so
// that several processes share them.
type Limit struct {
	name                string
	person, place       int           // at once; 0: not limited by it
	personPer, placePer time.Duration // in which they are refilled
}

// The limits (OWASP ASVS 5, 6.3.1).
var (
	// MicrosoftSignIns is wide: a whole office may come from one address in the morning, and Microsoft limits guesses.
	MicrosoftSignIns = Limit{name: "signin", place: 300, placePer: 5 * time.Minute}
	PasswordTries    = Limit{name: "password", person: 10, personPer: 15 * time.Minute, place: 50, placePer: 15 * time.Minute}
	PasskeyTries     = Limit{name: "passkey", place: 100, placePer: 15 * time.Minute}
	ResetsFrom       = Limit{name: "reset", place: 20, placePer: time.Hour}
	ResetsFor        = Limit{name: "reset", person: 3, personPer: time.Hour}
	Invitations      = Limit{name: "invite", person: 500, personPer: 24 * time.Hour} // people, by inviter
	Resends          = Limit{name: "resend", person: 5, personPer: 24 * time.Hour}   // letters, by organization and invited address
	Requests         = Limit{name: "request", person: 10, personPer: time.Hour, place: 100, placePer: time.Hour}
	PassVisits       = Limit{name: "pass", place: 300, placePer: time.Hour} // links of letters
)

// Limit takes one of a limit. Throttled with reason TooOften, and RetryAfter, once it is used up. An empty person or place
// is not counted. The place comes first: whoever is locked out there takes nothing more from the person they try to be, who
// would be locked out with them.
func (r *Registry) Limit(ctx context.Context, l Limit, person, place string) (err error) {
	defer fault.Wrap(&err, "account: limit %s", l.name)
	for _, by := range []struct {
		key   string
		burst int
		per   time.Duration
	}{{"place:" + network(place), l.place, l.placePer}, {"person:" + person, l.person, l.personPer}} {
		if by.burst == 0 || by.key == "person:" || by.key == "place:" {
			continue
		}
		wait, err := r.Store.Take(ctx, l.name+" "+by.key, r.Now(), by.burst, by.per)
		if err != nil {
			return err
		}
		if wait > 0 {
			return &fault.Fault{Kind: fault.Throttled, Reason: TooOften, RetryAfter: wait, Message: "account: too many tries"}
		}
	}
	return nil
}

// network is the place that an IP address stands for: of IPv6 the /64, because whoever has one address of it has them all.
func network(place string) string {
	at, err := netip.ParseAddr(place)
	if err != nil || at.Unmap().Is4() {
		return place
	}
	whole, err := at.WithZone("").Prefix(64)
	if err != nil {
		return place
	}
	return whole.String()
}
