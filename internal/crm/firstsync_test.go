package crm_test

import (
	"fmt"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// The first listing of contacts ends at 10,000, each told once; what is written afterwards is told however many there are.
func TestS31_TheFirstSyncTellsTenThousandContacts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	drafts := make([]crm.Draft, 10050)
	for i := range drafts {
		drafts[i].Fields = contact(fmt.Sprint("C", i))
	}
	for len(drafts) > 0 {
		n := min(50, len(drafts))
		if _, err := w.Insert(t.Context(), person(adele), record.Contacts, drafts[:n]); err != nil {
			t.Fatal(err)
		}
		drafts = drafts[n:]
	}
	side := w.side(adele, record.Contacts, reconcile.FirstSyncCap(record.Contacts), false)
	told, cursor := map[record.Ref]int{}, record.Cursor("")
	for more := true; more; {
		page, err := side.Changes(t.Context(), cursor, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			told[c.Ref]++
		}
		cursor, more = page.Next, page.More
	}
	if len(told) != 10000 {
		t.Errorf("%d contacts are told", len(told))
	}
	late := w.insert(t, adele, record.Contacts, contact("Late")).ID.Ref()
	page, err := side.Changes(t.Context(), cursor, 0)
	if err != nil || len(page.Changes) != 1 || page.Changes[0].Ref != late {
		t.Errorf("afterwards %d are told, %v", len(page.Changes), err)
	}
}
