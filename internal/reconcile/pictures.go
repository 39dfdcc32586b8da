package reconcile

import (
	"context"
	"slices"

	"tandem/internal/record"
)

// A Gallery is a side with pictures: fields that its changes and readings leave out, since each picture costs a request of
// its own. They are asked for right before an item is planned, and only then.
type Gallery interface {
	// Pictures tells the picture of each item by the fields of the side; "" where it has none. What cannot be told now is absent.
	Pictures(ctx context.Context, refs []record.Ref) (map[record.Ref]record.Fields, error)
}

// picture reports whether a field holds a picture.
func (r Rules) picture(f record.Field) bool {
	def, _ := r.table().Schema().Def(f)
	return def.Type == record.Image
}

// said are the CRM fields of which a Microsoft item that is told says something, be it that they are empty.
func (m mapped) said() []record.Field {
	if _, asks := m.Side.(Gallery); !asks {
		return m.table.Fields()
	}
	rules := Rules{Kind: m.table.Kind, Table: m.table}
	return slices.DeleteFunc(m.table.Fields(), rules.picture)
}

// pictures completes the items that were read at Microsoft with their pictures, if the mapping has any.
func (r *run) pictures(ctx context.Context, items []Item) error {
	var refs []record.Ref
	for _, item := range items {
		if c := item.Theirs; c != nil && c.State == record.Present && r.rules.unseen(r.rules.Fields, c.Fields) {
			refs = append(refs, c.Ref)
		}
	}
	seen, err := r.picturesOf(ctx, refs)
	if err != nil {
		return err
	}
	for i := range items {
		c := items[i].Theirs
		if c == nil || c.State != record.Present {
			continue
		}
		if fields, told := seen[c.Ref]; told {
			more := *c
			more.Fields = c.Fields.With(fields)
			items[i].Theirs = &more
		}
	}
	return nil
}

// picturesOf asks for the pictures of items and tells them by the CRM's fields; nil if the mapping has none.
func (r *run) picturesOf(ctx context.Context, refs []record.Ref) (map[record.Ref]record.Fields, error) {
	side, ok := r.microsoft.(mapped)
	if !ok || len(refs) == 0 {
		return nil, nil
	}
	pictures := slices.DeleteFunc(slices.Clone(r.rules.Fields), func(f record.Field) bool { return !r.rules.picture(f) })
	gallery, ok := side.Side.(Gallery)
	if !ok || len(pictures) == 0 {
		return nil, nil
	}
	seen, err := gallery.Pictures(ctx, refs)
	for ref, fields := range seen {
		seen[ref] = only(side.table.ToCRM(fields), pictures)
	}
	return seen, err
}

// otherPictures are those of the items, alike in everything else, whose pictures at Microsoft are not what was agreed on, or of which nothing was.
// No version tells of that.
func (r *run) otherPictures(ctx context.Context, items []Item) (out []Item, err error) {
	refs := make([]record.Ref, len(items))
	for i, item := range items {
		refs[i] = item.Pair.Microsoft
	}
	seen, err := r.picturesOf(ctx, refs)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		for f, v := range r.rules.normal(seen[item.Pair.Microsoft]) {
			if agreed, known := item.Pair.Base[f]; agreed != v && (known || v != "") { // agreed on nothing, it had none when it was looked at
				out = append(out, item)
				break
			}
		}
	}
	return out, nil
}

// unseen reports whether a picture among the fields was not told.
func (r Rules) unseen(fields []record.Field, told record.Fields) bool {
	return slices.ContainsFunc(fields, func(f record.Field) bool {
		_, seen := told[f]
		return !seen && r.picture(f)
	})
}

// asAgreed takes pictures that could not be told for what they were.
func (r Rules) asAgreed(theirs, base record.Fields) {
	for _, f := range r.Fields {
		if v, agreed := base[f]; agreed && r.unseen([]record.Field{f}, theirs) {
			theirs[f] = v
		}
	}
}

// seen are the fields named without the pictures of an item that were not told, when a record is made from it.
func (r Rules) seen(fields []record.Field, made Where, theirs *record.Change) []record.Field {
	if made == InMicrosoft {
		return fields
	}
	return slices.DeleteFunc(slices.Clone(fields), func(f record.Field) bool { return r.unseen([]record.Field{f}, values(theirs)) })
}

// newPicture reports whether the CRM has another picture than was agreed on. A picture that changed at Microsoft may not be
// among the changes told, so that it is looked at before it is replaced.
func (r Rules) newPicture(pair *Pair, ours *record.Change) bool {
	if ours.State != record.Present {
		return false
	}
	held := heldInCRM(pair.Base)
	return slices.ContainsFunc(r.Fields, func(f record.Field) bool {
		return r.picture(f) && r.normal(record.Fields{f: ours.Fields[f]})[f] != held[f]
	})
}
