package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/memside"
)

// A counter tells only of items that are there. It lists them all when they are not as many as the ledger has, unless that is the difference of
// its last listing.
type counter struct{ *memside.Side }

func (c counter) Changes(ctx context.Context, after record.Cursor, known int) (record.Page, error) {
	at, listed, _ := strings.Cut(string(after), "|")
	page, err := c.Side.Changes(ctx, record.Cursor(at), known)
	page.Changes = slices.DeleteFunc(page.Changes, func(c record.Change) bool { return c.State != record.Present })
	if err != nil || page.More || at == "" {
		return page, err
	}
	now := fmt.Sprint(len(c.Items()), " of ", known)
	if len(c.Items()) != known && now != listed {
		page.Listing, err = c.List(ctx)
	}
	page.Next += record.Cursor("|" + now)
	return page, err
}

func (c counter) Recount(cursor record.Cursor) record.Cursor {
	at, _, _ := strings.Cut(string(cursor), "|")
	return record.Cursor(at)
}

// I4: what was made anew, because it was edited in the CRM when it was deleted in Outlook, and is deleted there again, leaves as many items as
// there were when that was noticed. It is noticed all the same, and a run with nothing to do lists nothing.
func TestI4_ADeletionThatLeavesTheNumberAsItWasIsNoticed(t *testing.T) {
	t.Parallel()
	for _, within := range []bool{true, false} {
		t.Run(fmt.Sprint("within the run: ", within), func(t *testing.T) {
			w := newWorld(t)
			w.at = func(side *memside.Side) reconcile.Side { return counter{side} }
			id := w.insert("a", nil)
			w.insert("b", nil)
			w.settle()
			vanish := func() {
				for ref, fields := range w.folder.Items() {
					if fields["jobTitle"] == "a" {
						w.folder.Vanish(ref)
					}
				}
			}
			vanish()
			w.edit(id, record.Fields{record.Mobile: "1"})
			made := w.folder.Writes
			w.settled = func() {
				if within && w.folder.Writes > made {
					vanish()
				}
			}
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
			if w.settled = nil; !within {
				must(t, w.items()["a"][0][record.Mobile], "1", "what was edited and is made anew")
				vanish()
			}
			w.settle()
			w.alike()
			must(t, len(w.live()["a"]), 0, "records of what was deleted at last")

			lists := 0
			w.fails = func(point string) error {
				if point == "list" {
					lists++
				}
				return nil
			}
			w.settle()
			must(t, lists, 0, "listings with nothing to do")
		})
	}
}
