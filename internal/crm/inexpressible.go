package crm

import (
	"context"
	"errors"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// inexpressible asks a draft's Expressible about an event that is to repeat otherwise than before (nil: a new one), or from
// another wall time. An event whose rule had no words already may keep it and be moved: what an import brought stays editable.
func inexpressible(ctx context.Context, d Draft, before record.Fields, after Record) (problems Problems, err error) {
	now, ok := SeriesOf(after.Fields)
	if d.Expressible == nil || after.Kind != record.Calendar || !ok || now.rule == nil {
		return nil, nil
	}
	old, _ := SeriesOf(before)
	same := old.rule != nil && before[record.Recurring] == after.Fields[record.Recurring]
	if same && old.start.Equal(now.start) && old.start.Location().String() == now.start.Location().String() {
		return nil, nil
	}
	said := d.Expressible(ctx, after, *now.rule, now.start)
	if said == nil || !fault.Is(said, fault.Invalid) {
		return nil, said
	}
	if same {
		switch stood := d.Expressible(ctx, after, *old.rule, old.start); {
		case fault.Is(stood, fault.Invalid):
			return nil, nil
		case stood != nil:
			return nil, stood
		}
	}
	why := said.Error()
	if f, ok := errors.AsType[*fault.Fault](said); ok {
		why = f.Message
	}
	problems.add(fault.NotExpressible, record.Recurring, why)
	return problems, nil
}
