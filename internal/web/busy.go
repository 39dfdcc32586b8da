package web

import (
	"context"
	"slices"
	"strconv"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// busyPatience is how long a page waits for Microsoft to say when somebody is busy.
const busyPatience = 4 * time.Second

// busyForm is which other calendars a person wants to see busy times of.
type busyForm struct {
	Calendars []option
	Max       int
	Alert     string // what is wrong, as far as something is
	Path      string
}

// elsewhereNow are the person's other calendars, or why they cannot be told.
type elsewhereNow struct {
	calendars []OtherCalendar
	trouble   string // in words
	connect   bool   // going to Microsoft helps
}

// others asks Microsoft for the calendars.
func (s *Site) others(v *visit) (out elsewhereNow) {
	if s.Elsewhere == nil {
		return out
	}
	ctx, cancel := context.WithTimeout(v.ctx(), busyPatience)
	defer cancel()
	all, err := s.Elsewhere.Calendars(ctx, v.user)
	if err != nil {
		out.trouble, out.connect = s.busyTrouble(v, err), fault.Is(err, fault.Denied) && needsMicrosoft(fault.ReasonOf(err))
		return out
	}
	out.calendars = all
	return out
}

// busyForm offers the calendars. If Microsoft does not tell them, the choice stays as it is and the page says so.
func (s *Site) busyForm(v *visit, others elsewhereNow) (*busyForm, error) {
	if s.Elsewhere == nil {
		return nil, nil
	}
	chosen, err := s.busyChosen(v)
	if err != nil {
		return nil, err
	}
	form := &busyForm{Max: reconcile.MaxBusy, Path: marketplacePath + "/calendar/busy"}
	form.Alert = others.trouble
	for _, c := range others.calendars {
		form.Calendars = append(form.Calendars, option{string(c.ID), c.Name, slices.Contains(chosen, c.ID)})
	}
	return form, nil
}

// busyTrouble says why there are no busy times.
func (s *Site) busyTrouble(v *visit, err error) string {
	if fault.Is(err, fault.Denied) && needsMicrosoft(fault.ReasonOf(err)) {
		return v.words.T("busy.connect")
	}
	s.Logger.WarnContext(v.ctx(), "busy times of other calendars cannot be read", "org", v.user.Org, "user", v.user.ID, "error", err)
	return v.words.T("busy.away")
}

func (s *Site) busyChosen(v *visit) ([]record.Ref, error) {
	if s.Elsewhere == nil {
		return nil, nil
	}
	own, err := s.Choices.Chosen(v.ctx(), v.user.Org, v.user.ID, record.Calendar)
	if err != nil || own == nil {
		return nil, err
	}
	return own.Busy, nil
}

// busySave keeps the choice of calendars that the person has.
func (s *Site) busySave(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if s.Elsewhere == nil {
		return fault.New(fault.NotFound, "", "web: there are no other calendars")
	}
	all, err := s.Elsewhere.Calendars(v.ctx(), v.user)
	if err != nil {
		s.putFlash(v.ctx(), flash{Key: "flash.busy_away", Bad: true})
		return v.to(marketplacePath + "/calendar/options")
	}
	var chosen []record.Ref
	for _, c := range all {
		if slices.Contains(form["calendar"], string(c.ID)) {
			chosen = append(chosen, c.ID)
		}
	}
	if len(chosen) > reconcile.MaxBusy {
		s.putFlash(v.ctx(), flash{Key: "flash.busy_many", Bad: true})
		return v.to(marketplacePath + "/calendar/options")
	}
	if err := reconcile.ChooseBusy(v.ctx(), s.Choices, v.user.Org, v.user.ID, chosen); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.busy_kept"})
	return v.to(marketplacePath + "/calendar/options")
}

// busyTimes are those of the reader's own other calendars, on the reader's own calendar only; trouble says in words why there
// are none.
func (s *Site) busyTimes(v *visit, owner string, from, to time.Time) (times []BusyTime, trouble string, err error) {
	if v.listOwner(owner) != v.user.ID {
		return nil, "", nil
	}
	chosen, err := s.busyChosen(v)
	if err != nil || len(chosen) == 0 {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), busyPatience)
	defer cancel()
	if times, err = s.Elsewhere.Busy(ctx, v.user, chosen, from, to); err != nil {
		return nil, s.busyTrouble(v, err), nil
	}
	return times, "", nil
}

// feedBusy are busy times as the calendar's script takes them: behind the events, without a name.
func (v *visit) feedBusy(times []BusyTime) (out []feedEvent) {
	for i, b := range times {
		e := feedEvent{
			ID: "busy/" + strconv.Itoa(i), Title: v.words.T("busy." + busyKey(b.ShowAs)), AllDay: b.AllDay, Class: "busy", Display: "background",
			Start: b.From.In(v.zone).Format(wallLayout), End: b.To.In(v.zone).Format(wallLayout),
		}
		if b.AllDay {
			e.Start, e.End = b.From.Format(wallLayout), b.To.Format(wallLayout)
		}
		out = append(out, e)
	}
	return out
}

// busyKey is the word for a kind of being busy.
func busyKey(showAs string) string {
	if slices.Contains(busyKinds, showAs) {
		return showAs
	}
	return "busy"
}

var busyKinds = []string{"busy", "tentative", "oof", "workingElsewhere"}

// A busyLine is a busy time in the list under the agenda.
type busyLine struct{ When, Kind string }

func (v *visit) busyLines(times []BusyTime) (out []busyLine) {
	for _, b := range times {
		line := busyLine{Kind: v.words.T("busy." + busyKey(b.ShowAs))}
		last := b.To.AddDate(0, 0, -1)
		switch from, to := b.From.In(v.zone), b.To.In(v.zone); {
		case b.AllDay && last.After(b.From):
			line.When = v.words.Day(b.From) + " – " + v.words.Day(last)
		case b.AllDay:
			line.When = v.words.Day(b.From)
		case from.Format(dayLayout) == to.Format(dayLayout):
			line.When = v.words.Moment(from) + " – " + v.words.Clock(to)
		default:
			line.When = v.words.Moment(from) + " – " + v.words.Moment(to)
		}
		out = append(out, line)
	}
	return out
}

// busyAgenda is what stands under the agenda.
type busyAgenda struct {
	Lines   []busyLine
	Trouble string
	Options string
}

func (s *Site) busyAgenda(v *visit, owner string, from, to time.Time) (*busyAgenda, error) {
	times, trouble, err := s.busyTimes(v, owner, from, to)
	if err != nil || len(times) == 0 && trouble == "" {
		return nil, err
	}
	return &busyAgenda{v.busyLines(times), trouble, marketplacePath + "/calendar/options"}, nil
}
