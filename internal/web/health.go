package web

import (
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// healthLine is one thing that sync stands on: what it is, how it is, and whether it is well.
type healthLine struct {
	Key  string // health.<key> names it
	Text string
	Do   string // what helps, where it is not well
	Bad  bool
}

// health says what one link stands on, from what is stored here.
func (v *visit) health(l *reconcile.Link, broken bool, day reconcile.Delays) (out []healthLine) {
	if l == nil || l.State == reconcile.Off {
		return nil
	}
	connection := healthLine{Key: "connection", Text: v.words.T("health.connection.works")}
	if broken || l.State == reconcile.Paused && needsMicrosoft(l.Reason) {
		connection.Text, connection.Do, connection.Bad = v.words.T("health.connection.broken"), v.words.T("health.connection.do"), true
	}
	notices := healthLine{Key: "notices", Text: v.words.T("health.notices.polling")}
	switch {
	case l.Subscription == "":
	case l.SubscriptionEnds.Before(v.now):
		notices.Text = v.words.T("health.notices.ended")
	default:
		notices.Text = v.words.T("health.notices.on", "When", v.words.Moment(l.SubscriptionEnds.In(v.zone)))
	}
	delay := healthLine{Key: "delay", Text: v.words.T("health.delay.none")}
	if n := day.Total(); n > 0 {
		delay.Text = v.words.T("health.delay.some", "Count", n, "Usual", v.words.Span(day.Within(0.5)), "Most", v.words.Span(day.Within(0.95)), "Slowest", v.words.Span(day.Slowest))
	}
	proof := healthLine{Key: "proof", Text: v.words.T("health.proof.none")}
	if !l.Proof.At.IsZero() {
		proof.Text = v.words.T("card.proof", "Count", l.Proof.Drift, "When", v.words.Moment(l.Proof.At.In(v.zone)), "Compared", l.Proof.Compared)
		if l.Proof.Left > 0 {
			proof.Bad, proof.Do = true, v.words.T("health.proof.left", "Count", l.Proof.Left)
		}
	}
	run := healthLine{Key: "run", Text: v.words.Ago(l.LastRun, v.now, v.zone)}
	return []healthLine{connection, notices, delay, proof, run}
}

// delayDay is how far back the delay is told.
const delayDay = 24 * time.Hour

// delaysOf are the delays of the last day, by link.
func (v *visit) delaysOf(hours []reconcile.HourWork) map[reconcile.LinkID]reconcile.Delays {
	out := map[reconcile.LinkID]reconcile.Delays{}
	for _, h := range hours {
		if h.At.After(v.now.Add(-delayDay - time.Hour)) {
			d := out[h.Link]
			d.With(h.Delays)
			out[h.Link] = d
		}
	}
	return out
}

// brokenGrant reports whether Microsoft no longer takes what it gave us for a user.
func (s *Site) brokenGrant(v *visit, user record.ID) (bool, error) {
	g, err := s.Grants.Grant(v.ctx(), v.user.Org, user)
	if fault.Is(err, fault.NotFound) || fault.ReasonOf(err) == fault.CannotUnseal {
		return true, nil
	}
	return g.Broken, err
}

// CredentialWarnings are the days before the end of Tandem's own secret or certificate at which administrators are warned.
var CredentialWarnings = []int{60, 30, 7, 1}

// credentialLine tells those who manage users when what Tandem proves itself with to Microsoft ends; nil: it is not known.
func (s *Site) credentialLine(v *visit) *healthLine {
	ends := s.Settings.CredentialEnds
	if ends.IsZero() {
		return &healthLine{Key: "credential", Text: v.words.T("health.credential.unknown")}
	}
	left := int(ends.Sub(v.now).Hours() / 24)
	line := &healthLine{Key: "credential", Text: v.words.T("health.credential.ends", "When", v.words.Day(ends.In(v.zone)))}
	switch {
	case !v.now.Before(ends):
		line.Bad, line.Text, line.Do = true, v.words.T("health.credential.ended", "When", v.words.Day(ends.In(v.zone))), v.words.T("health.credential.do")
	case left < CredentialWarnings[0]:
		line.Bad, line.Text, line.Do = true, v.words.T("health.credential.soon", "Count", left+1, "When", v.words.Day(ends.In(v.zone))), v.words.T("health.credential.do")
	}
	return line
}
