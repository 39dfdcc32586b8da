package m365sim

import (
	"slices"
	"strconv"
	"time"
)

// A page is one page of a list, gathered under the mailbox's lock and written out after it.
type page struct {
	items []*item
	total int // for $count
	next  uint64
	more  bool
}

const modifiedPath = "lastModifiedDateTime"

// page gathers the page that the options ask for. Lists by modification time (a filter with a lower bound, or that
// order) walk the log of changes; other lists walk the members as they came in; other orders are sorted. The
// caller holds the mailbox's lock.
func (c *call) page(f *folder, o *options, look func(*mailbox, *item) lookup) (page, *graphError) {
	p, err := c.pageOf(f, o, look)
	if err == nil && o.skipToken == "" && o.skip == 0 && c.s.warts.Load().EmptyPages {
		return page{more: true, total: p.total}, nil
	}
	return p, err
}

func (c *call) pageOf(f *folder, o *options, look func(*mailbox, *item) lookup) (page, *graphError) {
	after := uint64(0)
	if o.skipToken != "" {
		t, err := c.openToken(o.skipToken, tokenSkip)
		if err != nil {
			return page{}, err
		}
		after = t.position
	}
	from, bound := o.filter.since(modifiedPath)
	fits := func(it *item) bool { return o.filter == nil || o.filter.holds(look(c.box, it)) }
	byChange := len(o.order) == 1 && o.order[0].path == modifiedPath && !o.order[0].down
	switch {
	case byChange || bound && len(o.order) == 0:
		return c.pageByChange(f, o, from, after, fits), nil
	case len(o.order) > 0:
		return c.pageSorted(f, o, after, fits, look), nil
	}
	return c.pageAsJoined(f, o, after, fits), nil
}

// pageByChange walks the log from a time on. The position is a change number.
func (c *call) pageByChange(f *folder, o *options, from time.Time, after uint64, fits func(*item) bool) page {
	entries := f.log.entries
	switch {
	case after > 0 && !o.count: // what went before was not older than from
		entries = f.log.after(after)
	case !from.IsZero():
		entries = f.log.since(from)
	}
	var p page
	skip := o.skip
	for _, e := range entries {
		it, ok := e.current(c.box, f)
		if !ok || it == nil || !fits(it) {
			continue
		}
		p.total++
		switch {
		case e.change <= after:
		case skip > 0 && after == 0:
			skip--
		case len(p.items) < o.top:
			p.items = append(p.items, it)
			p.next = e.change
		default:
			p.more = true
			if !o.count {
				return p
			}
		}
	}
	return p
}

// pageAsJoined walks the members. The position is the change number with which one came in.
func (c *call) pageAsJoined(f *folder, o *options, after uint64, fits func(*item) bool) page {
	var p page
	members := f.members.list
	countAll := o.count && o.filter != nil
	if !countAll {
		members = f.members.after(after)
		p.total = f.members.count
	}
	skip := o.skip
	if after > 0 {
		skip = 0
	}
	for _, m := range members {
		it := m.current(c.box, f)
		if it == nil || !fits(it) {
			continue
		}
		if countAll {
			p.total++
		}
		switch {
		case m.joined <= after:
		case skip > 0:
			skip--
		case len(p.items) < o.top:
			p.items = append(p.items, it)
			p.next = m.joined
		default:
			p.more = true
			if !countAll {
				return p
			}
		}
	}
	return p
}

// pageSorted sorts all that fits. The position is how many went before.
func (c *call) pageSorted(f *folder, o *options, after uint64, fits func(*item) bool, look func(*mailbox, *item) lookup) page {
	var all []*item
	for _, m := range f.members.list {
		if it := m.current(c.box, f); it != nil && fits(it) {
			all = append(all, it)
		}
	}
	sortItems(c.box, all, o.order, look)
	from := min(max(int(after), o.skip), len(all))
	to := min(from+o.top, len(all))
	return page{items: all[from:to], total: len(all), next: uint64(to), more: to < len(all)}
}

func sortItems(box *mailbox, all []*item, order []ordering, look func(*mailbox, *item) lookup) {
	slices.SortStableFunc(all, func(a, b *item) int {
		for _, by := range order {
			order, _ := compareValues(look(box, a)(by.path), plain(look(box, b)(by.path)))
			if by.down {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
}

// plain turns the special strings of a lookup into such as a literal is.
func plain(v any) any {
	switch v := v.(type) {
	case exactText:
		return string(v)
	case extendedID:
		return string(v)
	}
	return v
}

func appendCount(b []byte, n int) []byte {
	return strconv.AppendInt(appendKey(b, "@odata.count"), int64(n), 10)
}

// writePage writes a gathered page as the answer.
func (c *call) writePage(sch *schema, p page, o *options, what string) {
	b := c.context(c.out, what)
	if o.count {
		b = appendCount(b, p.total)
	}
	b = append(appendKey(b, "value"), '[')
	v := c.view(o)
	for i, it := range p.items {
		if i > 0 {
			b = append(b, ',')
		}
		if sch == eventSchema {
			b = appendEvent(b, it, v, false)
			continue
		}
		b = sch.appendItem(b, it, v, false)
	}
	b = append(b, ']')
	if p.more {
		b = c.nextLink(b, token{kind: tokenSkip, position: p.next})
	}
	c.out = append(b, '}')
}
