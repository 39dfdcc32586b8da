package web

import (
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// An outlookNote says of a record which one in Outlook it is, and what becomes of either when the other is deleted
// (FIELD-FAILURES 117). It is empty where Outlook has none.
type outlookNote struct {
	Place    string
	Deleting string
	Asks     string // where the person who reads it decides about it; "": there is nothing to decide
}

func (s *Site) outlookNote(v *visit, kind record.Kind, at reconcile.RecordState) (outlookNote, error) {
	own := map[record.Kind]string{record.Contacts: "contact.outlook.", record.Calendar: "event.outlook."}[kind]
	when := v.words.Moment(at.Since.In(v.zone))
	switch {
	case at.State == "excluded" && at.Reason == fault.MovedOut: // which one it was is forgotten with the pair
		return outlookNote{Place: v.words.T(own+"apart", "When", when), Deleting: v.words.T("contact.outlook.deleting_apart")}, nil
	case at.State != "synced" && at.State != "failing":
		return outlookNote{}, nil
	}
	undecided := at.Asks && at.Reason != fault.WouldMail || at.Reason == fault.Ambiguous && at.RetryAt.IsZero()
	if at.Microsoft == "" && !undecided {
		return outlookNote{}, nil
	}
	link, err := s.Links.Link(v.ctx(), v.user.Org, at.Link)
	if err != nil {
		return outlookNote{}, err
	}
	var note outlookNote
	if undecided && link.User == v.user.ID {
		note.Asks = marketplacePath + "/" + string(kind) + "/questions"
	}
	if at.Microsoft == "" {
		return note, nil
	}
	deleting := "contact.outlook.deleting"
	if way := link.Policy.Direction; way != mapping.BothWays {
		deleting += "_" + string(way)
	}
	note.Place, note.Deleting = v.words.T(own+at.State, "Folder", link.ContainerName, "When", when), v.words.T(deleting)
	return note, nil
}
