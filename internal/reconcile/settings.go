package reconcile

import (
	"cmp"
	"context"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// Settings are what somebody wants a kind of sync to be like: a person for his own, or an organization for whoever has
// said nothing.
type Settings struct {
	Winner  Winner         `json:"winner,omitempty"`
	Mapping *mapping.Table `json:"mapping"` // nil in a person's own choice: the organization's counts, and its Winner if the person named none
	Options
	// Busy are the person's other calendars whose busy times the CRM's calendar shows to the person alone. Links know
	// nothing of them.
	Busy []record.Ref `json:"busy,omitempty"`
}

// MaxBusy is the most calendars that a person's busy times are read from.
const MaxBusy = 5

// own is what is to be remembered of a person's choice; nil: nothing.
func (s Settings) own() *Settings {
	if s.Mapping == nil && s.Winner == "" && s.Options == (Options{}) && len(s.Busy) == 0 {
		return nil
	}
	return &s
}

// ChooseBusy remembers which other calendars a person wants to see busy times of. Invalid: too many.
func ChooseBusy(ctx context.Context, choices Choices, org, user record.ID, calendars []record.Ref) error {
	if len(calendars) > MaxBusy {
		return fault.Wrong(fault.TooLong, "busy", "reconcile: at most %d calendars", MaxBusy)
	}
	own, err := choices.Chosen(ctx, org, user, record.Calendar)
	if err != nil {
		return err
	}
	var keep Settings
	if own != nil {
		keep = *own
	}
	keep.Busy = calendars
	return choices.Choose(ctx, org, user, record.Calendar, keep.own())
}

// Choices remember Settings beyond the life of a link, so that switching off and on again changes nothing.
type Choices interface {
	// Chosen is what a user has chosen for a kind, or (user 0) what the organization has; nil: nothing.
	Chosen(ctx context.Context, org, user record.ID, kind record.Kind) (*Settings, error)
	// Choose remembers what a user chose for a kind; nil takes it back. The user's link is not touched.
	Choose(ctx context.Context, org, user record.ID, kind record.Kind, s *Settings) error
	// ChooseForAll remembers what links of the organization begin with that are yet to be switched on. Denied: whoever
	// says so (by) does not manage users.
	ChooseForAll(ctx context.Context, org, by record.ID, kind record.Kind, s *Settings) error
}

// Origin is where Settings come from.
type Origin string

// The origins, from the strongest to the weakest.
const (
	OwnChoice     Origin = "own"
	CommonChoice  Origin = "organization"
	ProductChoice Origin = "product"
)

// SettingsFor is what a link of a user begins with: the person's own choice, else the organization's, else the default. A
// row whose field is no more is left out, and one that the product has won since comes with it. Options are always the
// person's own. User 0: what links of the organization begin with.
func SettingsFor(ctx context.Context, choices Choices, org, user record.ID, kind record.Kind) (Settings, Origin, error) {
	var options Options
	var winner Winner
	if choices != nil {
		for _, each := range []struct {
			of     record.ID
			origin Origin
		}{{user, OwnChoice}, {0, CommonChoice}} {
			if each.of == 0 && each.origin == OwnChoice {
				continue // the organization is nobody
			}
			s, err := choices.Chosen(ctx, org, each.of, kind)
			if err != nil {
				return Settings{}, "", err
			}
			if s != nil && each.origin == OwnChoice {
				options, winner = s.Options, s.Winner
			}
			if s != nil && s.Mapping != nil {
				return Settings{Winner: cmp.Or(winner, s.Winner), Mapping: sound(kind, s.Mapping), Options: options}, each.origin, nil
			}
		}
	}
	return Settings{Winner: winner, Mapping: mapping.Default(kind), Options: options}, ProductChoice, nil
}

// sound leaves out of a stored table what has become impossible since: a link must be able to run with it.
func sound(kind record.Kind, t *mapping.Table) *mapping.Table {
	t, _ = mapping.Grown(t)
	if t.Kind == kind && t.Check() == nil {
		return t
	}
	none := &mapping.Table{Kind: kind}
	out := none.In(t.Schema())
	for _, row := range t.Rows {
		with := none.In(t.Schema())
		with.Rows = append(slices.Clone(out.Rows), row)
		if with.CheckRows() == nil {
			out = with
		}
	}
	return out
}
