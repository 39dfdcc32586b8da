package outlook

import (
	"strings"

	"tandem/internal/graph"
	"tandem/internal/record"
)

// A contact that sync makes, and every item that it changes, carries beside the mark the stamps of those writes as an extended
// property: that of the create, which stays, and after a space that of the last change. Graph writes it with the change or not at
// all, so it tells whether a write that nobody answered has happened. An event that is made needs none: Graph takes a
// transactionId once.

// stampOfCreate is the property of an item that is made.
func stampOfCreate(w *record.Write) graph.Object { return property(writeMark, w.Stamp) }

// stampOfChange is the property of an item that is changed.
func stampOfChange(before *graph.Item, w *record.Write) graph.Object {
	attempt, _ := stampsOf(before)
	return property(writeMark, attempt+" "+w.Stamp)
}

// stampsOf reads what is there.
func stampsOf(it *graph.Item) (attempt, last string) {
	attempt, last, changed := strings.Cut(markOf(it.Extended, writeMark), " ")
	if !changed {
		last = attempt
	}
	return attempt, last
}

// marksOf tells what an item carries of ours.
func marksOf(it *graph.Item, c *record.Change) {
	c.Token, c.TokenRead = markOf(it.Extended, itemMark), true
	c.Attempt, c.Stamp = stampsOf(it)
}
