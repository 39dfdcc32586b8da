package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// A pair that was in step before links knew show-as, privacy, importance and the zone of the end: what either side has chosen
// of them reaches the other, what nobody chose overwrites nothing, and an edit of the time stays that side's alone.
func TestFieldsThatLinksHaveWon(t *testing.T) {
	t.Parallel()
	before := record.Fields{
		record.EventTitle: "Visita", record.Start: "2026-11-23T10:00:00Z", record.End: "2026-11-23T11:00:00Z", record.AllDay: "false",
		record.TimeZone: "America/Sao_Paulo", record.Recurring: "", record.Excluded: "",
	}
	usual := record.Fields{record.ShowAs: "busy", record.Sensitivity: "normal", record.Importance: "normal", record.EndTimeZone: ""}
	for _, c := range []struct {
		name              string
		theirs, ours      record.Fields
		toCRM, toMicrosft record.Fields
	}{
		{"nobody chose", nil, nil, nil, nil},
		{"Outlook has chosen", record.Fields{record.ShowAs: "free", record.Sensitivity: "private"}, nil, record.Fields{record.ShowAs: "free", record.Sensitivity: "private"}, nil},
		{"the CRM has chosen", nil, record.Fields{record.Importance: "high"}, nil, record.Fields{record.Importance: "high"}},
		{"each something else", record.Fields{record.ShowAs: "oof"}, record.Fields{record.Importance: "low"}, record.Fields{record.ShowAs: "oof"}, record.Fields{record.Importance: "low"}},
		{"Outlook ends elsewhere", record.Fields{record.EndTimeZone: "Europe/Berlin"}, nil, record.Fields{record.EndTimeZone: "Europe/Berlin"}, nil},
		{"the CRM moved it", nil, record.Fields{record.End: "2026-11-23T12:00:00Z"}, nil, record.Fields{record.End: "2026-11-23T12:00:00Z"}},
		{"Outlook moved it", record.Fields{record.End: "2026-11-23T12:00:00Z"}, nil, record.Fields{record.End: "2026-11-23T12:00:00Z"}, nil},
	} {
		for _, crmLater := range []bool{true, false} {
			crm, outlook := time.Unix(1, 0), time.Unix(2, 0)
			if crmLater {
				crm, outlook = outlook, crm
			}
			change := func(ref record.Ref, f record.Fields, at time.Time) *record.Change {
				return &record.Change{Ref: ref, Fields: before.With(usual).With(f), Modified: at, Meta: record.Meta{Owner: adele}}
			}
			rules := reconcile.Rules{User: adele, Kind: record.Calendar, Fields: mapping.Default(record.Calendar).Fields(), Table: mapping.Default(record.Calendar)}
			steps := reconcile.Plan(rules, []reconcile.Item{{
				Pair:   &reconcile.Pair{CRM: "1", Microsoft: "m", State: reconcile.Synced, Base: before},
				Theirs: change("m", c.theirs, outlook), Ours: change("1", c.ours, crm),
			}})
			got := steps[0]
			if fmt.Sprint(got.ToCRM) != fmt.Sprint(record.Fields{}.With(c.toCRM)) {
				t.Errorf("%s (CRM later: %v): to the CRM go %v, want %v", c.name, crmLater, got.ToCRM, c.toCRM)
			}
			for f, v := range c.toMicrosft {
				if got.ToMicrosoft[f] != v {
					t.Errorf("%s (CRM later: %v): to Microsoft goes %s = %q, want %q", c.name, crmLater, f, got.ToMicrosoft[f], v)
				}
			}
			if len(c.toMicrosft) == 0 && len(got.ToMicrosoft) > 0 || len(got.Lost) > 0 {
				t.Errorf("%s (CRM later: %v): to Microsoft go %v, lost %v", c.name, crmLater, got.ToMicrosoft, got.Lost)
			}
		}
	}
}
