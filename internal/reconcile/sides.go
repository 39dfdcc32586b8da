package reconcile

import (
	"context"
	"slices"
	"strings"

	"tandem/internal/mapping"
	"tandem/internal/record"
)

// Orderly is a side that can say of an Apply when its writes are on their way in their order, so that others may follow them:
// underWay is called then, or when they will not be any more. outlook.Contacts and outlook.Events are.
type Orderly interface {
	ApplyInOrder(ctx context.Context, writes []record.Write, underWay func()) ([]record.Outcome, error)
}

// Located is a side that knows its container also when Microsoft has given it another id. outlook.Contacts and outlook.Events are.
type Located interface {
	// Container is the id that it had when it was last asked.
	Container() record.Ref
}

// Counting is a side that tells a deletion by numbers, and lets a difference be that a listing has not explained. outlook.Events is.
type Counting interface {
	// Recount is a cursor that takes no difference for the one that was let be: what the ledger has may be others by now, as many as before.
	Recount(cursor record.Cursor) record.Cursor
}

// applyInOrder is Apply, on sides that are not Orderly from the first write to the last.
func applyInOrder(ctx context.Context, side Side, writes []record.Write, underWay func()) ([]record.Outcome, error) {
	if o, ok := side.(Orderly); ok {
		return o.ApplyInOrder(ctx, writes, underWay)
	}
	return side.Apply(ctx, writes)
}

// mapped is the Microsoft side told in the CRM's fields.
type mapped struct {
	Side
	table *mapping.Table
}

func (m mapped) Changes(ctx context.Context, after record.Cursor, known int) (record.Page, error) {
	page, err := m.Side.Changes(ctx, after, known)
	m.translate(page.Changes)
	return page, err
}

func (m mapped) Read(ctx context.Context, refs []record.Ref) ([]record.Change, error) {
	changes, err := m.Side.Read(ctx, refs)
	m.translate(changes)
	return changes, err
}

func (m mapped) Find(ctx context.Context, tokens []string) (map[string]record.Change, error) {
	found, err := m.Side.Find(ctx, tokens)
	for token, c := range found {
		c.Fields = m.toCRM(c.Fields)
		found[token] = c
	}
	return found, err
}

func (m mapped) Apply(ctx context.Context, writes []record.Write) ([]record.Outcome, error) {
	return m.ApplyInOrder(ctx, writes, func() {})
}

// ApplyInOrder fits Orderly, as far as the side does.
func (m mapped) ApplyInOrder(ctx context.Context, writes []record.Write, underWay func()) ([]record.Outcome, error) {
	theirs := make([]record.Write, len(writes))
	for i, w := range writes {
		theirs[i] = w
		theirs[i].Fields = m.table.ToMicrosoft(w.Fields)
	}
	outcomes, err := applyInOrder(ctx, m.Side, theirs, underWay)
	for i := range outcomes {
		if outcomes[i].Fields != nil {
			outcomes[i].Fields = m.toCRM(outcomes[i].Fields)
		}
	}
	return outcomes, err
}

func (m mapped) translate(changes []record.Change) {
	for i := range changes {
		if changes[i].State == record.Present {
			theirs := changes[i].Fields
			changes[i].Fields = m.toCRM(theirs)
			if further := m.unmapped(theirs); len(further) > 0 {
				changes[i].Fields[record.FurtherAddresses] = record.Value(strings.Join(further, "\n"))
			}
			if changes[i].UID != "" {
				changes[i].Fields[record.UID] = record.Value(changes[i].UID)
			}
		}
	}
}

// unmapped are the e-mail addresses of a contact that are in no field by which the CRM recognizes one.
func (m mapped) unmapped(theirs record.Fields) (out []string) {
	if m.table.Kind != record.Contacts {
		return nil
	}
	for _, f := range []record.Field{"emailAddresses[0]", "emailAddresses[1]", "emailAddresses[2]"} {
		known := func(r mapping.Row) bool {
			return r.Microsoft == f && (r.CRM == record.EmailField || r.CRM == record.SecondaryEmail)
		}
		if v := theirs[f]; v != "" && !slices.ContainsFunc(m.table.Rows, known) {
			out = append(out, string(v))
		}
	}
	return out
}

// toCRM translates a whole item: a mapped field that the side did not mention is empty there, unless it is a picture that
// is yet to be asked for.
func (m mapped) toCRM(theirs record.Fields) record.Fields {
	return everyField(m.table.ToCRM(theirs), m.said())
}

// whole is the CRM side with every mapped field said: the CRM leaves empty ones out.
type whole struct {
	Side
	fields []record.Field
}

func (w whole) Changes(ctx context.Context, after record.Cursor, known int) (record.Page, error) {
	page, err := w.Side.Changes(ctx, after, known)
	w.fill(page.Changes)
	return page, err
}

func (w whole) Read(ctx context.Context, refs []record.Ref) ([]record.Change, error) {
	changes, err := w.Side.Read(ctx, refs)
	w.fill(changes)
	return changes, err
}

func (w whole) fill(changes []record.Change) {
	for i := range changes {
		if changes[i].State == record.Present {
			changes[i].Fields = everyField(changes[i].Fields, w.fields)
		}
	}
}

func everyField(fields record.Fields, names []record.Field) record.Fields {
	missing := slices.ContainsFunc(names, func(f record.Field) bool { _, ok := fields[f]; return !ok })
	if !missing {
		return fields
	}
	out := fields.With(nil)
	for _, f := range names {
		if _, ok := out[f]; !ok {
			out[f] = ""
		}
	}
	return out
}

// A create at Microsoft carries a token that names the CRM record it is made from, so that a lost pair can be found
// again from the item alone: "<record>-<random>".
func newToken(from record.Ref, id string) string { return string(from) + "-" + id }

func refOfToken(token string) (record.Ref, bool) {
	from, _, ok := strings.Cut(token, "-")
	if _, isID := record.ParseID(from); !ok || !isID {
		return "", false
	}
	return record.Ref(from), true
}
