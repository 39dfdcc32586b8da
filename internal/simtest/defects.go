package simtest

import (
	"tandem/internal/reconcile"
)

// A defect is a broken engine: the real one with one thing wrong, by a double around one of its parts.
type defect struct {
	name, what string
	ledger     func(w *world, l reconcile.Ledger) reconcile.Ledger
	microsoft  func(w *world, link *reconcile.Link, s reconcile.Side) reconcile.Side
	crm        func(w *world, link *reconcile.Link, s reconcile.Side) reconcile.Side
}

var defects []*defect

func defectNamed(name string) *defect {
	for _, d := range defects {
		if d.name == name {
			return d
		}
	}
	return nil
}
