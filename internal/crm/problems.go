package crm

import (
	"cmp"
	"slices"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Problems are everything that is wrong with one record: for each field concerned a fault of kind Invalid with its
// reason. As an error it is of kind Invalid, with the reason and field of the first.
type Problems []*fault.Fault

func (p Problems) Error() string {
	words := make([]string, len(p))
	for i, f := range p {
		words[i] = f.Message
	}
	return strings.Join(words, "; ")
}

// Unwrap lets fault.As find the first problem.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, f := range p {
		all[i] = f
	}
	return all
}

func (p *Problems) add(reason fault.Reason, field record.Field, message string) {
	*p = append(*p, &fault.Fault{
		Kind: fault.Invalid, Reason: reason, Field: string(field), Message: string(field) + ": " + message,
	})
}

// err is p as an error, nil when nothing is wrong.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// sortProblems puts problems into the order of the fields on a page, fields that do not exist first.
func sortProblems(schema *record.Schema, p Problems) {
	place := map[string]int{}
	for i, d := range schema.AllDefs() {
		place[string(d.Name)] = i + 1
	}
	slices.SortStableFunc(p, func(a, b *fault.Fault) int {
		return cmp.Or(cmp.Compare(place[a.Field], place[b.Field]), cmp.Compare(a.Field, b.Field))
	})
}
