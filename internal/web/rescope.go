package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// eventRescope shows the form about other occurrences of the series, with what was typed so far. Nothing is saved.
func (s *Site) eventRescope(v *visit, before, shown crm.Record, typed eventInput, to crm.Scope) error {
	old := v.inputAt(before, v.seriesOf(before))
	sameRule := v.ruleText(typed) == v.ruleText(old)
	v.r.PostForm.Set("scope", string(to))
	view := v.seriesOf(before)
	in := typed.over(v.inputAt(before, view), old)
	if !sameRule && typed.Repeat.Freq != "" && view.scope != crm.OnlyThis && old.Repeat.Freq != "" {
		in.Repeat = typed.Repeat
	}
	return s.eventForm(v, http.StatusOK, shown, in, nil)
}

// rescoped is the scope that a form is to be shown with, if it asks for another one.
func (v *visit) rescoped() (crm.Scope, bool) {
	to := crm.Scope(v.r.PostForm.Get("to_scope"))
	return to, slices.Contains(scopes, to)
}

// over lays what was typed into a form about some occurrences over a form about others: what differs from what the first one
// began with. Times move by as much as they were moved.
func (in eventInput) over(base, old eventInput) eventInput {
	out := base
	keep := func(to *string, typed, before string, name record.Field) {
		if !in.Silent[name] && typed != before {
			*to = typed
		}
	}
	keep(&out.Title, in.Title, old.Title, record.EventTitle)
	keep(&out.Venue, in.Venue, old.Venue, record.Venue)
	keep(&out.Notes, in.Notes, old.Notes, record.Description)
	keep(&out.Remind, in.Remind, old.Remind, record.RemindAt)
	keep(&out.Tags, in.Tags, old.Tags, record.Tag)
	keep(&out.Zone, cmp.Or(in.Zone, old.Zone), old.Zone, record.TimeZone)
	keep(&out.EndZone, in.EndZone, old.EndZone, record.EndTimeZone)
	keep(&out.Who, in.Who, old.Who, record.WhoID)
	out.Shown = map[record.Field]string{}
	for _, name := range shownFields {
		text := base.Shown[name]
		keep(&text, in.Shown[name], old.Shown[name], name)
		out.Shown[name] = text
	}
	if in.AllDay != old.AllDay {
		out.AllDay, out.Start, out.End = in.AllDay, in.Start, in.End
	} else {
		out.Start, out.End = movedAlike(base.Start, old.Start, in.Start), movedAlike(base.End, old.End, in.End)
	}
	if in.Owner != 0 && in.Owner != old.Owner {
		out.Owner = in.Owner
	}
	if in.People.Said && (in.People.New != "" || in.People.Value != old.People.Value) {
		out.People = in.People
	}
	return out
}

// movedAlike moves a time by as much as another one was moved; what cannot be reckoned with is as it was typed.
func movedAlike(base, from, to string) string {
	if from == to {
		return base
	}
	layout := inputLayout
	if len(base) == len(dayLayout) {
		layout = dayLayout
	}
	at, err1 := time.Parse(layout, base)
	a, err2 := time.Parse(layout, from)
	b, err3 := time.Parse(layout, to)
	if err1 != nil || err2 != nil || err3 != nil {
		return to
	}
	return at.Add(b.Sub(a)).Format(layout)
}
