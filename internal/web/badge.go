package web

import (
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// A badge says whether a record is in Outlook, and if not, why.
type badge struct {
	State string // synced, waiting, failing, excluded; none: its owner has no such sync
	Label string
	Why   string // "" where the label says it all
	What  string // the names of the fields that did not fit, of a record that is in step but for those
	Do    string // what to do about it, if that is not to be done where the record is shown
	Says  string // the neighbour's own words, where the reason has no better ones
	at    reconcile.RecordState
}

// badges are those of records of one kind, by id.
func (s *Site) badges(v *visit, kind record.Kind, records []crm.Record) (map[record.ID]badge, error) {
	refs := make([]record.Ref, len(records))
	for i, r := range records {
		refs[i] = r.ID.Ref()
	}
	out := make(map[record.ID]badge, len(records))
	if len(records) == 0 {
		return out, nil
	}
	states, err := s.Links.RecordsOf(v.ctx(), v.user.Org, kind, refs)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		state, ok := states[r.ID.Ref()]
		if !ok {
			out[r.ID] = badge{State: "none", Label: v.words.T("badge.none")}
			continue
		}
		out[r.ID] = v.badge(kind, state)
	}
	return out, nil
}

func (v *visit) badge(kind record.Kind, state reconcile.RecordState) badge {
	b := badge{State: state.State, Label: v.words.T("badge." + state.State), at: state}
	if state.Reason != "" {
		key := reasonKey("reason", state.Reason, reasons)
		b.Why = v.words.T(key + ".what")
		if state.State == "failing" || state.State == "excluded" {
			b.Do = v.words.T(key + ".do")
		}
		if state.Reason == fault.Refused {
			b.Says = state.Detail
		}
		if state.State == "synced" {
			b.What = v.misfitWords(kind, state.Detail)
			if where := v.misfitPlace(kind, state.Reason, state.Detail); where != misfitHere {
				b.Do = v.words.T("reason." + string(state.Reason) + where)
			}
		}
	}
	return b
}

// reasons are all that pages have words for: reason.<code>.what says what is wrong, reason.<code>.do what helps.
var reasons = []fault.Reason{
	fault.NotOwn, fault.Imported, fault.BeyondFirstSync, fault.MovedOut, fault.NotExpressible, fault.OccurrenceGone, fault.TooLong,
	fault.BadValue, fault.Mandatory, fault.ReadOnlyField, fault.UnknownField, fault.Duplicate, fault.Refused,
	fault.ChangesTooFast, fault.OutcomeUnknown, fault.HeldDelete, fault.Ambiguous, fault.LeftOut, fault.WouldMail, fault.OneWay, fault.PhotoStays,
	fault.BeforeSync, fault.OwnCalendar, fault.ColleaguesEvent, fault.NotOrganizer, fault.CalendarUnfit, fault.CalendarTaken,
	fault.ReconnectNeeded, fault.ConsentRequired, fault.MailboxUnavailable, fault.MailboxFull, fault.ContainerDeleted,
	fault.CursorExpired, fault.AppMisconfigured, fault.CannotUnseal, fault.TooManyDeletes, fault.TooManyCreates, fault.AccountDisabled,
	fault.SyncWithheld, fault.OtherMailbox, fault.NotAllowed, fault.StaleLease, fault.KeptInOutlook, fault.OwnKept, fault.StillRemoving, fault.MicrosoftAway, fault.Trouble,
}

// mendable are those that a person mends by editing the record, which one that only Outlook has is edited in:
// reason.<code>.do_outlook says so.
var mendable = []fault.Reason{fault.NotExpressible, fault.TooLong, fault.BadValue, fault.Mandatory}
