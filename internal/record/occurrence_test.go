package record_test

import (
	"reflect"
	"testing"

	"tandem/internal/record"
)

func TestOccurrencesHaveOneText(t *testing.T) {
	want := []record.Occurrence{
		{Day: "2026-03-04", Fields: record.Fields{record.Venue: "<Room 2>", record.EventTitle: ""}},
		{Day: "2026-03-11", Fields: record.Fields{record.Start: "2026-03-11T10:00:00Z", record.End: "2026-03-11T11:00:00Z"}},
	}
	text := record.OccurrencesValue([]record.Occurrence{want[1], {Day: "2026-03-18"}, want[0]})
	if text != `{"2026-03-04":{"Event_Title":"","Venue":"<Room 2>"},"2026-03-11":{"End_DateTime":"2026-03-11T11:00:00Z","Start_DateTime":"2026-03-11T10:00:00Z"}}` {
		t.Errorf("the text is %s", text)
	}
	if got := record.Occurrences(text); !reflect.DeepEqual(got, want) {
		t.Errorf("read back: %v", got)
	}
	if v := record.OccurrencesValue(nil); v != "" {
		t.Errorf("none: %q", v)
	}
	for _, bad := range []record.Value{"", "x", `[]`, `{"tomorrow":{"Venue":"x"}}`} {
		if got := record.Occurrences(bad); len(got) != 0 {
			t.Errorf("%q reads as %v", bad, got)
		}
	}
}
