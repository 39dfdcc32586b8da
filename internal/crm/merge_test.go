package crm

import (
	"testing"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// S20: what is imported takes no part in sync. Merged with one that does, it does: else the person's Outlook would lose both.
func TestS20_WhatIsMergedWithASyncedContactIsSynced(t *testing.T) {
	t.Parallel()
	contact := func(source record.Source, mark Mark) Record {
		return Record{Source: source, Mark: mark, Fields: record.Fields{record.LastName: "S"}}
	}
	for name, row := range map[string]struct {
		keep, gone Record
		want       Mark
	}{
		"both made by hand":             {contact(record.Manual, NoMark), contact(record.Manual, NoMark), NoMark},
		"imported into imported":        {contact(record.Import, NoMark), contact(record.Migration, NoMark), NoMark},
		"made by hand into imported":    {contact(record.Import, NoMark), contact(record.Manual, NoMark), MergedInMark},
		"let in before, into imported":  {contact(record.Migration, NoMark), contact(record.Import, MassMark), MergedInMark},
		"imported into made by hand":    {contact(record.Manual, NoMark), contact(record.Import, NoMark), NoMark},
		"imported into one let in once": {contact(record.Import, OutlookMark), contact(record.Import, NoMark), OutlookMark},
	} {
		row.keep.ID, row.gone.ID = 1, 2
		got, err := merged(record.Standard(record.Contacts), []Record{row.keep, row.gone}, nil)
		if err != nil || got.Mark != row.want {
			t.Errorf("%s: mark %v, want %v (%v)", name, got.Mark, row.want, err)
		}
	}
}

func TestAMergeTakesWhatIsFilled(t *testing.T) {
	t.Parallel()
	all := []Record{
		{ID: 1, Fields: record.Fields{record.LastName: "Um", record.EmailOptOut: "false", record.Tag: "b\nc"}},
		{ID: 2, Fields: record.Fields{record.LastName: "Dois", record.EmailOptOut: "true", record.Title: "CEO", record.Tag: "a\nb", record.RecordImage: "sha256:x"}},
		{ID: 3, Fields: record.Fields{record.Title: "CTO"}},
	}
	got, err := merged(record.Standard(record.Contacts), all, map[record.Field]record.ID{record.Title: 3, record.Department: 2, record.Fax: 99})
	want := record.Fields{record.LastName: "Um", record.EmailOptOut: "true", record.Title: "CTO", record.Tag: "a\nb\nc", record.RecordImage: "sha256:x", record.Department: ""}
	for f, v := range want {
		if err != nil || got.Fields[f] != v {
			t.Errorf("%s is %q, want %q (%v)", f, got.Fields[f], v, err)
		}
	}
	if _, err := merged(record.Standard(record.Contacts), all, map[record.Field]record.ID{record.LastName: 3}); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a family name: %v", err)
	}
}
