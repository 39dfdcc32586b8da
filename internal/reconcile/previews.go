package reconcile

import (
	"context"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Preview is a rehearsal that somebody asked for, with what it has come to.
type Preview struct {
	ID       string // random
	Org      record.ID
	User     record.ID
	Kind     record.Kind
	Link     LinkID // 0: there is none yet
	Occasion Occasion
	Settings Settings // of Changing: what they would be
	Begun    time.Time
	Touched  time.Time // when somebody last worked at it
	State    PreviewState
	Reason   fault.Reason // why it failed
	Summary  Summary
}

// PreviewState is how far a preview is.
type PreviewState string

// The states of a preview.
const (
	Rehearsing PreviewState = "rehearsing"
	Rehearsed  PreviewState = "rehearsed"
	Failing    PreviewState = "failed"
)

// PreviewsKept is how long a preview is kept.
const PreviewsKept = time.Hour

// abandoned is when nobody is at work any more on a preview that was last touched so long ago.
const abandoned = time.Minute

// Abandoned reports whether whoever made a preview is gone: it is to be asked for anew.
func (p Preview) Abandoned(now time.Time) bool {
	return p.State == Rehearsing && now.Sub(p.Touched) > abandoned
}

// Previews keep previews for pages.
type Previews interface {
	BeginPreview(ctx context.Context, p Preview) error
	ThePreview(ctx context.Context, id string) (Preview, error)
	// Prospect is the link that a user would get, without what SettingsFor says.
	Prospect(ctx context.Context, org, user record.ID, kind record.Kind) (Link, error)
	// KeepPreview stores how far a preview is, and lines of it that begin at number from. last is when it was last touched as far
	// as the caller knows. NotFound: nobody waits for it. Conflict with reason StaleLease: somebody else has touched it since.
	KeepPreview(ctx context.Context, p Preview, last time.Time, from int, lines []Line) error
}

// Stage makes previews that were asked for.
type Stage struct {
	Previewer *Previewer
	Previews  Previews
	Links     Links
	Choices   Choices
}

// Rehearse makes a preview and stores it as it comes about. Its own fault is stored with it, and only what keeps it from
// being stored is returned.
func (s *Stage) Rehearse(ctx context.Context, id string) (err error) {
	defer fault.Wrap(&err, "reconcile: rehearse")
	p, err := s.Previews.ThePreview(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil // nobody waits for it
	}
	if err != nil {
		return err
	}
	lines := 0
	keep := func(ctx context.Context, more []Line) error {
		next := p
		next.Touched = later(s.Previewer.Now(), p.Touched)
		if err := s.Previews.KeepPreview(ctx, next, p.Touched, lines+1, more); err != nil {
			return err
		}
		p, lines = next, lines+len(more)
		return nil
	}
	p.Summary = Summary{}
	if err := keep(ctx, nil); err != nil { // of an earlier try nothing stays, and whoever is still at it is refused from now on
		return unwanted(err)
	}
	link, err := s.link(ctx, p)
	if err == nil {
		var sum Summary
		sum, err = s.Previewer.Preview(ctx, *link, p.Occasion, p.Settings, func(more []Line) error { return keep(ctx, more) }, func(sum Summary) {
			p.Summary = sum
			if err := keep(ctx, nil); err != nil {
				s.Previewer.Runner.Log.WarnContext(ctx, "how far a preview is was not noted", "user", p.User, "error", err)
			}
		})
		p.Summary = sum
	}
	switch {
	case fault.ReasonOf(err) == fault.StaleLease:
		return nil // somebody else makes it
	case fault.Is(err, fault.NotFound) && ctx.Err() == nil:
		if _, gone := s.Previews.ThePreview(ctx, id); fault.Is(gone, fault.NotFound) {
			return nil
		}
		p.State, p.Reason = Failing, fault.Trouble
	case err != nil:
		s.Previewer.Runner.Log.WarnContext(ctx, "a preview failed", "org", p.Org, "user", p.User, "kind", p.Kind, "error", err)
		p.State, p.Reason = Failing, whyNot(err)
	default:
		p.State = Rehearsed
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return unwanted(keep(ending, nil))
}

// later is a time by a clock that may stand still, after the last one as databases tell times apart.
func later(now, last time.Time) time.Time {
	if soonest := last.Add(time.Microsecond); now.Before(soonest) {
		return soonest
	}
	return now
}

// unwanted leaves out that nobody waits for what was to be kept, or that somebody else makes it by now.
func unwanted(err error) error {
	if fault.ReasonOf(err) == fault.StaleLease || fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// whyNot is a fault in the words of a link's.
func whyNot(err error) fault.Reason {
	switch reason := fault.ReasonOf(err); {
	case fault.Is(err, fault.Throttled) || fault.Is(err, fault.Unavailable):
		return fault.MicrosoftAway
	case fault.Is(err, fault.Denied) && reason != "":
		return reason
	}
	return fault.Trouble
}

// link is the link that a preview is of, or of one that is not there yet, what it would be.
func (s *Stage) link(ctx context.Context, p Preview) (*Link, error) {
	if p.Link != 0 {
		return s.Links.Link(ctx, p.Org, p.Link)
	}
	begin, _, err := SettingsFor(ctx, s.Choices, p.Org, p.User, p.Kind)
	if err != nil {
		return nil, err
	}
	link, err := s.Previews.Prospect(ctx, p.Org, p.User, p.Kind)
	link.Mapping, link.Policy.Winner, link.Policy.Options = begin.Mapping, begin.Winner, begin.Options
	return &link, err
}
