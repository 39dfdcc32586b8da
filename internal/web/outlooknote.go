package web

import (
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// An outlookNote says of a record which one in Outlook it is, and what becomes of either when the other is deleted
// (FIELD-FAILURES 117). It is empty where Outlook has none, or where a question about it is open.
type outlookNote struct {
	Place    string
	Deleting string
}

func (s *Site) outlookNote(v *visit, kind record.Kind, at reconcile.RecordState) (outlookNote, error) {
	own := map[record.Kind]string{record.Contacts: "contact.outlook.", record.Calendar: "event.outlook."}[kind]
	when := v.words.Moment(at.Since.In(v.zone))
	switch {
	case at.State == "excluded" && at.Reason == fault.MovedOut: // which one it was is forgotten with the pair
		return outlookNote{Place: v.words.T(own+"apart", "When", when), Deleting: v.words.T("contact.outlook.deleting_apart")}, nil
	case at.Microsoft == "":
		return outlookNote{}, nil
	case at.State != "synced" && at.State != "failing":
		return outlookNote{}, nil
	}
	link, err := s.Links.Link(v.ctx(), v.user.Org, at.Link)
	if err != nil {
		return outlookNote{}, err
	}
	deleting := "contact.outlook.deleting"
	if way := link.Policy.Direction; way != mapping.BothWays {
		deleting += "_" + string(way)
	}
	return outlookNote{Place: v.words.T(own+at.State, "Folder", link.ContainerName, "When", when), Deleting: v.words.T(deleting)}, nil
}
